# SPDX-License-Identifier: Apache-2.0
"""If nothing arrives for a while, one hint names the address and the usual
mistakes."""

import pytest

from harness.documents import segment
from harness.waiting import until


@pytest.mark.relay(config={"Ingest": {"QuietHintSeconds": 1}})
def test_one_hint(relay):
    def hints():
        return [x for x in relay.log().splitlines() if "127.0.0.1" in x]

    at_start = len(hints())
    until(lambda: len(hints()) > at_start, 10, relay.output)


@pytest.mark.relay(config={"Ingest": {"QuietHintSeconds": 2}})
def test_no_hint_once_something_came(relay, xray):
    relay.send(segment())
    until(lambda: xray.documents)
    lines = len(relay.log().splitlines())
    until(lambda: relay.metrics().documents("delivered") == 1)
    assert len(relay.log().splitlines()) <= lines + 1
