# SPDX-License-Identifier: Apache-2.0
"""OTLP/HTTP: codings, and an answer for everything that is not as it should
be, with a Status in the request's own encoding."""

import json

import pytest

from harness import otlp
from harness.relay import SANITIZED
from harness.waiting import until

INVALID_ARGUMENT, UNIMPLEMENTED, UNAVAILABLE = 3, 12, 14
ENCODINGS = (otlp.PROTOBUF, otlp.JSON)
AS_JSON = {"Content-Type": otlp.JSON}


def in_encoding(r, encoding):
    return otlp.to_json(r) if encoding == otlp.JSON else r.SerializeToString()


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("coding", otlp.PACK)
def test_codings(relay, xray, coding, encoding):
    body = otlp.PACK[coding](in_encoding(otlp.request(3, pad=99), encoding))
    headers = {"Content-Type": encoding, "Content-Encoding": coding}
    assert otlp.post(relay.otlp_http_port, body, headers).status == 200
    relay.wait_delivered(3)
    pads = [json.loads(d)["metadata"]["default"]["pad"] for d in xray.documents]
    assert pads == ["x" * 99] * 3


def test_chunks(relay):
    body = otlp.request(3).SerializeToString()
    chunks = [body[i : i + 7] for i in range(0, len(body), 7)]
    assert otlp.post(relay.otlp_http_port, chunks).status == 200
    relay.wait_delivered(3)


def test_empty_answer(relay):
    answer = otlp.post(relay.otlp_http_port, otlp.request())
    assert (answer.status, answer.body) == (200, b"")
    body = otlp.to_json(otlp.request())
    answer = otlp.post(relay.otlp_http_port, body, AS_JSON)
    assert (answer.status, answer.body) == (200, b"{}")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_partial_success(relay, encoding):
    r = otlp.request(3)
    r.resource_spans[0].scope_spans[0].spans[1].span_id = b"\0" * 8
    answer = otlp.post(
        relay.otlp_http_port,
        in_encoding(r, encoding),
        {"Content-Type": encoding},
    )
    assert answer.status == 200
    rejected, why = otlp.partial_success(answer)
    assert rejected == 1 and "id" in why
    relay.wait_delivered(2)
    assert relay.metrics().items("rejected", input="otlp_http") == 1


@pytest.mark.parametrize(
    "encoding, body",
    (
        (otlp.PROTOBUF, b"\x0a\xff"),
        (otlp.JSON, b'{"resourceSpans":[{]}'),
        (otlp.JSON, b'{"resourceSpans":"text"}'),
    ),
)
def test_malformed(relay, encoding, body):
    answer = otlp.post(relay.otlp_http_port, body, {"Content-Type": encoding})
    assert answer.status == 400
    status = otlp.status(answer)
    assert status.code == INVALID_ARGUMENT
    assert "byte" in status.message


@pytest.mark.parametrize("coding", otlp.PACK)
def test_malformed_coding(relay, coding):
    headers = {"Content-Encoding": coding}
    answer = otlp.post(relay.otlp_http_port, b"no such thing", headers)
    assert answer.status == 400
    assert otlp.status(answer).code == INVALID_ARGUMENT


def test_unknown_types(relay):
    body = otlp.request()
    headers = {"Content-Type": "text/plain"}
    answer = otlp.post(relay.otlp_http_port, body, headers)
    assert answer.status == 415 and b"Content-Type" in answer.body
    headers = {"Content-Encoding": "br"}
    answer = otlp.post(relay.otlp_http_port, body, headers)
    assert answer.status == 415
    assert answer.headers["Accept-Encoding"] == "gzip, deflate, zstd"


@pytest.mark.relay(config={"Otlp": {"BodyMaxMB": 1}})
def test_too_large(relay):
    body = otlp.request(1, pad=2 << 20).SerializeToString()
    assert otlp.post(relay.otlp_http_port, body).status == 413
    for coding, pack in otlp.PACK.items():
        packed = pack(body)
        assert len(packed) < 100_000
        headers = {"Content-Encoding": coding}
        answer = otlp.post(relay.otlp_http_port, packed, headers)
        assert answer.status == 413
        assert "1048576 bytes" in otlp.status(answer).message
    if not SANITIZED:
        assert relay.usage()[2] < 60 << 10  # KiB


@pytest.mark.parametrize("signal", ("metrics", "logs"))
def test_other_signals(relay, signal):
    for encoding in ENCODINGS:
        answer = otlp.post(
            relay.otlp_http_port,
            b"",
            {"Content-Type": encoding},
            path=f"/v1/{signal}",
        )
        assert answer.status == 404
        status = otlp.status(answer)
        assert status.code == UNIMPLEMENTED
        assert f"OTEL_{signal.upper()}_EXPORTER=none" in status.message
    assert relay.log().count(f"a client sends {signal}") == 1


def test_other_methods_and_paths(relay):
    to = relay.otlp_http_port
    answer = otlp.post(to, None, method="GET")
    assert answer.status == 405 and answer.headers["Allow"] == "POST, OPTIONS"
    answer = otlp.post(to, otlp.request(), path="/")
    assert answer.status == 404 and b"/v1/traces" in answer.body


@pytest.mark.relay(
    config={"Otlp": {"CorsOrigins": ["https://app.example.com"]}}
)
def test_browsers(relay):
    ask = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-own",
    }
    to = relay.otlp_http_port
    answer = otlp.post(to, None, ask, method="OPTIONS")
    allowed = answer.headers["Access-Control-Allow-Headers"]
    assert answer.status == 204 and allowed == "content-type,x-own"
    answer = otlp.post(to, otlp.request(), {"Origin": ask["Origin"]})
    assert answer.headers["Access-Control-Allow-Origin"] == ask["Origin"]
    assert answer.headers["Vary"] == "Origin"
    ask["Origin"] = "https://app.example.com.evil.example"
    answer = otlp.post(to, None, ask, method="OPTIONS")
    assert answer.status == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
    answer = otlp.post(to, otlp.request(), {"Origin": ask["Origin"]})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_browsers_by_default(relay):
    """Without a list no page may send."""
    headers = {"Origin": "http://127.0.0.1"}
    answer = otlp.post(relay.otlp_http_port, otlp.request(), headers)
    assert "Access-Control-Allow-Origin" not in answer.headers
    headers["Access-Control-Request-Method"] = "POST"
    answer = otlp.post(relay.otlp_http_port, None, headers, method="OPTIONS")
    assert answer.status == 403


def fill(relay):
    """Posts until the answer is not 200; gives it and the spans taken."""
    taken = 0
    for _ in range(200):
        answer = otlp.post(relay.otlp_http_port, otlp.request(5, pad=40_000))
        if answer.status != 200:
            return answer, taken
        taken += 5
    raise AssertionError("never full")


@pytest.mark.relay(config={"TotalBufferSizeMB": 3})
def test_full(relay, xray):
    xray.stop()
    answer, taken = fill(relay)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) >= 1
    status = otlp.status(answer)
    assert status.code == UNAVAILABLE
    assert otlp.retry_delay(status.details) >= 1
    assert relay.metrics().items("retry", input="otlp_http") == 5
    body = otlp.to_json(otlp.request(5, pad=40_000))
    answer = otlp.post(relay.otlp_http_port, body, AS_JSON)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert otlp.status(answer).code == UNAVAILABLE
    xray.start()
    relay.wait_delivered(taken)
    until(lambda: otlp.post(relay.otlp_http_port, otlp.request()).status == 200)
