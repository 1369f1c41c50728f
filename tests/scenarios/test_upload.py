# SPDX-License-Identifier: Apache-2.0
"""A datagram's document reaches X-Ray byte for byte, signed and in batches."""

import time

import pytest

from harness.documents import segment, segments
from harness.waiting import until


@pytest.mark.portable
def test_documents_arrive_unchanged(relay, xray):
    sent = segments(120)
    relay.send(*sent)
    until(lambda: len(xray.documents) >= 120)
    assert sorted(xray.documents) == sorted(sent)


def test_odd_spelling_is_kept(relay, xray):
    plain = segment()
    sent = [
        plain.replace(", ", " ,\t").replace(": ", " :  "),
        plain[:-1] + ', "annotations": {"k": "\\u00fc\\/ü\\ud83d\\ude00"}}',
        plain[:-1]
        + ', "metadata": {"n": 1.50000e+3, "z": -0, "d": 1, "d": 2}}',
    ]
    relay.send(*sent)
    until(lambda: len(xray.documents) >= 3)
    assert sorted(xray.documents) == sorted(sent)


def test_at_most_fifty_in_a_batch(relay, xray):
    relay.send(*segments(500))
    until(lambda: len(xray.documents) >= 500)
    sizes = [len(r.json()["TraceSegmentDocuments"]) for r in xray.puts()]
    assert max(sizes) == 50
    assert len(sizes) <= 12


@pytest.mark.portable
def test_largest_datagram(relay, xray):
    big = segment(pad=65000)
    relay.send(big)
    until(lambda: xray.documents)
    assert xray.documents == [big]


def test_request_is_the_daemons(relay, xray):
    relay.send(segment())
    until(lambda: xray.puts())
    put = xray.puts()[0]
    assert put.method == "POST" and put.target == "/TraceSegments"
    assert put.header("content-type") == "application/json"
    assert put.body.startswith(b'{"TraceSegmentDocuments":["{')
    assert put.header("x-amzn-xray-timestamp")
    assert "xray-relay" in put.header("user-agent")
    assert not put.header("expect")


@pytest.mark.relay(config={"Upload": {"FlushIdleMs": 1000}})
def test_a_lone_document_waits_a_second_at_most(relay, xray):
    start = time.monotonic()
    relay.send(segment())
    until(lambda: xray.documents, 5)
    assert 0.2 < time.monotonic() - start < 3
