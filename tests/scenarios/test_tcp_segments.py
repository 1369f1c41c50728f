# SPDX-License-Identifier: Apache-2.0
"""POST /TraceSegments on the TCP port: documents enter the same pipeline, so
those larger than a datagram have a way in, and X-Ray clients can send."""

import json

import boto3
from botocore.config import Config

from harness.documents import datagram, segment, segments
from harness.fake_xray import DOCUMENT_MAX
from harness.waiting import until


def post(relay, documents, **more):
    body = json.dumps({"TraceSegmentDocuments": documents})
    answer = relay.request("POST", "/TraceSegments", body, **more)
    return answer.status, json.loads(answer.body or b"null")


def test_documents_arrive_unchanged(relay, xray):
    sent = segments(120)
    for at in range(0, 120, 40):
        status, answer = post(relay, sent[at : at + 40])
        assert status == 200
        assert answer["UnprocessedTraceSegments"] == []
    until(lambda: len(xray.documents) == 120)
    assert sorted(xray.documents) == sorted(sent)


def test_larger_than_a_datagram(relay, xray):
    """Up to what X-Ray takes; what is over that, the sender is told."""
    big = segment(pad=DOCUMENT_MAX - 40)
    assert len(datagram(big)) > 65507
    status, answer = post(relay, [big, segment(pad=300000)])
    assert status == 200
    assert len(answer["UnprocessedTraceSegments"]) == 1
    until(lambda: xray.documents, 15, relay.output)
    assert xray.documents == [big]
    assert relay.metrics().items("rejected", reason="too_large") == 1


def test_boto3_sends_through_the_relay(relay, xray):
    client = boto3.client(
        "xray",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{relay.tcp_port}",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(proxies={}),
    )
    documents = [segment(name="ünïcode"), segment()]
    answer = client.put_trace_segments(TraceSegmentDocuments=documents)
    assert answer["UnprocessedTraceSegments"] == []
    until(lambda: len(xray.documents) == 2)
    assert sorted(xray.documents) == sorted(documents)


def test_a_bad_document_among_good(relay, xray):
    good = segments(3)
    status, answer = post(relay, [good[0], "not json", good[1], "[1]", good[2]])
    assert status == 200
    assert len(answer["UnprocessedTraceSegments"]) == 2
    until(lambda: len(xray.documents) == 3)
    until(lambda: relay.metrics().items("rejected", input="tcp") == 2)


def test_bodies_that_are_no_batch(relay, xray):
    bodies = [b"", b"{", b"[]", b"{}", b'{"TraceSegmentDocuments": 1}']
    bodies += [b'{"TraceSegmentDocuments": [1]}', b"\xff\xfe"]
    for body in bodies:
        answer = relay.request("POST", "/TraceSegments", body)
        assert answer.status in (200, 400), body
        if answer.status == 200:
            assert json.loads(answer.body)["UnprocessedTraceSegments"], body
    assert not xray.puts()
