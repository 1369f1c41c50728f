# SPDX-License-Identifier: Apache-2.0
"""A backend that answers late is waited for: nothing is sent twice."""

from harness.documents import segment, segments
from harness.server import Answer


def slow(xray, seconds):
    def store_late(_, documents):
        xray.documents += documents
        return Answer.of({"UnprocessedTraceSegments": []}, delay=seconds)

    xray.on_put = store_late


def test_a_slow_success_is_sent_once(relay, xray):
    slow(xray, 3)
    relay.send(segment())
    relay.wait_delivered(1)
    assert len(xray.puts()) == 1


def test_uploads_go_in_parallel(relay, xray):
    slow(xray, 1)
    relay.send(*segments(400))
    relay.wait_delivered(400, 8)
    assert xray.connections <= 8
    assert max(xray.ids().values()) == 1
