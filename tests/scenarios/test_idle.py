# SPDX-License-Identifier: Apache-2.0
"""An idle relay uses no CPU and little memory, even when names resolve to
nothing."""

import time

import pytest

from harness.documents import segment

WATCHED_S = 3


def cpu_while_idle(relay):
    before = relay.usage()[0]
    time.sleep(WATCHED_S)  # the time itself is what is measured
    return relay.usage()[0] - before


def test_idle(relay):
    assert cpu_while_idle(relay) <= 0.03


@pytest.mark.namespace
def test_idle_with_a_dead_resolver(make_relay):
    """No Endpoint: the region's host, which nobody resolves here."""
    relay = make_relay().start()
    relay.send(segment())
    relay.wait_log("xray.us-east-1")
    assert cpu_while_idle(relay) <= 0.1
    relay.judged = False
