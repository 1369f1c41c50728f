# SPDX-License-Identifier: Apache-2.0
"""A machine whose clock is wrong by an hour: the signature's time is corrected
from the service's Date header."""

import pytest

from harness.documents import segments
from harness.waiting import until


@pytest.mark.parametrize("offset", [3600, -3600])
def test_skew_is_corrected(offset, relay, xray):
    xray.clock_offset = offset
    relay.send(*segments(5))
    until(lambda: len(xray.documents) == 5, 15, relay.output)
    refused = [r for r in xray.puts() if r.answer.status == 403]
    assert len(refused) == 1
    relay.send(*segments(5))
    until(lambda: len(xray.documents) == 10, 15)
    assert len([r for r in xray.puts() if r.answer.status == 403]) == 1


@pytest.mark.parametrize("offset", [3600, -3600])
def test_sampling_calls_too(offset, relay, xray):
    xray.clock_offset = offset
    answer = relay.request("POST", "/GetSamplingRules", b"{}")
    assert answer.status == 200
    assert b"Default" in answer.body
