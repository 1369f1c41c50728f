# SPDX-License-Identifier: Apache-2.0
"""OTLP in datagrams behind the X-Ray header: which prefixes are known, and
what becomes of each. The exporters themselves are in test_otlp_exporters."""

import base64
import json

import pytest

from harness import otlp
from harness.documents import HEADER
from harness.server import Answer
from harness.waiting import until


def datagram(prefix, body=None):
    body = body or otlp.request(2, pad=9).SerializeToString()
    return HEADER + prefix + base64.b64encode(body)


@pytest.mark.parametrize("prefix", (b"T1S", b"T1"))
def test_decoded(relay, xray, prefix):
    relay.send_raw(datagram(prefix))
    relay.wait_delivered(2)
    pads = [json.loads(d)["metadata"]["default"]["pad"] for d in xray.documents]
    assert pads == ["x" * 9] * 2


@pytest.mark.parametrize(
    "prefix, body, reason",
    (
        (b"T1U", None, "otlp_unsampled"),
        (b"M1", None, "otlp_metrics"),
        (b"T1S", b"\x0a\xff", "otlp_malformed"),
        (b"T1S!", None, "otlp_malformed"),
    ),
)
def test_not_taken(relay, xray, prefix, body, reason):
    relay.send_raw(datagram(prefix, body))
    until(lambda: relay.metrics().items("rejected", reason=reason) == 1)
    assert relay.metrics().documents("made") == 0


@pytest.mark.relay(config={"Otlp": {"Udp": {"Mode": "pass"}}})
def test_passed_on(relay, xray):
    """For an X-Ray that takes such documents itself, as they are."""
    got = []

    def on_put(_, documents):
        got.extend(documents)
        return Answer.of({"UnprocessedTraceSegments": []})

    xray.on_put = on_put
    sent = datagram(b"T1S")
    relay.send_raw(sent)
    relay.wait_delivered(1)
    assert got == [sent[len(HEADER) :].decode()]
