# SPDX-License-Identifier: Apache-2.0
"""OTLP/HTTP byte by byte: what RFC 9112 lets a client do and not each does."""

import gzip
import socket
import zlib

import pytest

from harness import otlp
from harness.relay import SANITIZED
from harness.waiting import until

KIND = {otlp.PROTOBUF: "x-protobuf", otlp.JSON: "json"}
INVALID_ARGUMENT = 3


class Connection:
    def __init__(self, relay, port=None):
        to = ("127.0.0.1", port or relay.otlp_http_port)
        self.socket = socket.create_connection(to, 20)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        """Status, header fields with names in small letters, body."""
        status = int(self.file.readline().split()[1])
        headers = {}
        while line := self.file.readline().strip().decode():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = self.file.read(int(headers.get("content-length", 0)))
        return status, headers, body

    def is_closed(self):
        return self.file.read(1) == b""


@pytest.fixture
def connection(relay):
    with Connection(relay) as connection:
        yield connection


def body(n=1):
    return otlp.request(n).SerializeToString()


def request(
    sent=b"",
    *more,
    target="/v1/traces",
    version="1.1",
    kind=f"Content-Type: {otlp.PROTOBUF}",
    length=True,
):
    """A request's bytes; more: header lines."""
    lines = [f"POST {target} HTTP/{version}", "Host: relay", kind, *more]
    if length:
        lines.append(f"Content-Length: {len(sent)}")
    return "\r\n".join([*lines, "", ""]).encode() + sent


def test_expect_continue(connection, relay):
    sent = request(body(), "Expect: 100-continue")
    head = sent[: sent.index(b"\r\n\r\n") + 4]
    connection.send(head)
    assert connection.answer()[0] == 100
    connection.send(sent[len(head) :])
    assert connection.answer()[0] == 200
    connection.send(sent)  # without waiting: no need to say it
    assert connection.answer()[0] == 200
    large = f"Content-Length: {1 << 30}"
    connection.send(request(b"", "Expect: 100-continue", large, length=False))
    assert connection.answer()[0] == 413
    relay.wait_delivered(2)


@pytest.mark.parametrize(
    "target",
    (
        "/v1/traces/",
        "//v1/traces",
        "/v1/traces?token=a",
        "http://relay:4318/v1/traces",
        "http://relay:4318/v1/traces?a=b/c",
    ),
)
def test_targets(connection, target):
    connection.send(request(body(), target=target))
    assert connection.answer()[0] == 200
    connection.send(request(body(), target=target.replace("traces", "trace")))
    assert connection.answer()[0] == 404


@pytest.mark.parametrize(
    "kind",
    (
        f"CONTENT-TYPE: {otlp.PROTOBUF}",
        "content-type:application/x-protobuf",
        "Content-Type: application/x-protobuf; messageType=any",
        "Content-Type: application/protobuf",
        "cOnTeNt-TyPe: Application/X-Protobuf",
    ),
)
def test_names_of_protobuf(connection, kind):
    connection.send(request(body(), kind=kind))
    status, headers, answer = connection.answer()
    assert (status, answer) == (200, b"")
    assert headers["content-type"] == otlp.PROTOBUF


@pytest.mark.parametrize(
    "kind",
    (
        "CONTENT-TYPE: APPLICATION/JSON",
        "Content-Type: application/json; charset=utf-8",
        "Content-Type: application/json;charset=UTF-8;odata=none",
        "Content-Type:\tapplication/json \t; charset=utf-8",
    ),
)
def test_names_of_json(connection, kind):
    connection.send(request(otlp.to_json(otlp.request()), kind=kind))
    status, headers, answer = connection.answer()
    assert (status, answer) == (200, b"{}")
    assert headers["content-type"] == otlp.JSON


def test_nothing_in_it(connection):
    """No span is a request as well, in protobuf without any byte."""
    as_json = "Content-Type: application/json"
    for sent, kind, status in (
        (b"", f"Content-Type: {otlp.PROTOBUF}", 200),
        (b"{}", as_json, 200),
        (b'{"resourceSpans":[]}', as_json, 200),
        (b'{"resourceSpans":null}', as_json, 200),
        (b"", as_json, 400),
    ):
        connection.send(request(sent, kind=kind))
        assert connection.answer()[0] == status, sent
    connection.send(request(length=False))
    assert connection.answer()[0] == 200


def parts(data):
    """Packed as several members one behind the other."""
    return b"".join(map(gzip.compress, (data[:40], b"", data[40:])))


def bare_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    "coding, pack, status",
    (
        ("identity", bytes, 200),
        ("GZip", gzip.compress, 200),
        ("x-gzip", gzip.compress, 200),
        ("gzip", parts, 200),
        ("deflate", bare_deflate, 200),
        ("gzip", lambda data: gzip.compress(data) + b"garbage", 400),
        ("gzip", lambda data: gzip.compress(data)[:-5], 400),
        ("gzip", lambda data: b"", 400),
        ("gzip, gzip", lambda data: gzip.compress(gzip.compress(data)), 415),
        ("gzip\r\nContent-Encoding: gzip", gzip.compress, 415),
        ("identity\r\nContent-Encoding: gzip", gzip.compress, 415),
        ("br", bytes, 415),
    ),
)
def test_codings(connection, relay, coding, pack, status):
    connection.send(request(pack(body(3)), f"Content-Encoding: {coding}"))
    answer = connection.answer()
    assert answer[0] == status, answer
    assert relay.metrics().items("accepted") == (3 if status == 200 else 0)
    if status == 415:
        assert "gzip" in answer[1]["accept-encoding"]


def test_many_members(connection, relay):
    """Each as small as can be: none costs a turn of its own."""
    packed = gzip.compress(b"") * 100_000 + gzip.compress(body())
    connection.send(request(packed, "Content-Encoding: gzip"))
    assert connection.answer()[0] == 200
    relay.wait_delivered(1)


def test_http_1_0(connection, relay):
    keep = "Connection: keep-alive"
    connection.send(request(body(), keep, version="1.0"))
    status, headers, _ = connection.answer()
    assert (status, headers["connection"]) == (200, "keep-alive")
    connection.send(request(body(), version="1.0"))
    assert connection.answer()[0] == 200
    assert connection.is_closed()
    relay.wait_delivered(2)


def test_connection_close(connection):
    connection.send(request(body(), "Connection: Close"))
    status, headers, _ = connection.answer()
    assert (status, headers["connection"]) == (200, "close")
    assert connection.is_closed()


def test_pipelined(connection, relay):
    """Answers come in order; what follows a fault in a body is still read."""
    as_json = "Content-Type: application/json"
    connection.send(
        request(body(2))
        + request(b"{", kind=as_json)
        + request(gzip.compress(body(3)), "Content-Encoding: gzip")
        + request(b"{}", kind=as_json)
    )
    answers = [connection.answer() for _ in range(4)]
    assert [a[0] for a in answers] == [200, 400, 200, 200]
    assert [a[1]["content-type"] for a in answers] == [
        otlp.PROTOBUF,
        otlp.JSON,
        otlp.PROTOBUF,
        otlp.JSON,
    ]
    relay.wait_delivered(5)


def test_chunks(connection, relay):
    """With extensions, trailers, and sizes in either case."""
    whole = body(3)
    half = len(whole) // 2
    connection.send(
        request(b"", "Transfer-Encoding: Chunked", length=False)
        + f"{half:X};name=value\r\n".encode()
        + whole[:half]
        + f"\r\n000{len(whole) - half:x}\r\n".encode()
        + whole[half:]
        + b"\r\n0\r\nTrailer: a\r\n\r\n"
    )
    assert connection.answer()[0] == 200
    relay.wait_delivered(3)


def test_upgrade_is_declined(connection):
    """Clients made of Java's offer HTTP/2 with their first request."""
    connection.send(
        request(
            body(),
            "Connection: Upgrade, HTTP2-Settings",
            "Upgrade: h2c",
            "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
        )
    )
    assert connection.answer()[0] == 200
    connection.send(request(body()))
    assert connection.answer()[0] == 200


def test_http2_by_prior_knowledge(relay):
    for _ in range(2):
        with Connection(relay) as connection:
            connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            assert connection.answer()[0] == 505
    text = "OTLP/HTTP: a client speaks gRPC to this port"
    relay.wait_log(text)
    assert relay.log().count(text) == 1


@pytest.mark.parametrize("encoding", KIND)
@pytest.mark.parametrize("chunked", (False, True))
@pytest.mark.parametrize("listener", ("otlp_http", "tcp"))
@pytest.mark.relay(config={"Otlp": {"BodyMaxMB": 1}})
def test_too_large(relay, encoding, chunked, listener):
    """Refused before it is read, in the words of its own encoding, counted."""
    port = getattr(relay, f"{listener}_port")
    with Connection(relay, port) as connection:
        head = f"Content-Length: {64 << 20}"
        if chunked:
            head = "Transfer-Encoding: chunked"
        kind = f"Content-Type: {encoding}"
        sent = request(b"", head, kind=kind, length=False)
        connection.send(sent + b"4000000\r\n" * chunked)
        status, headers, answer = connection.answer()
    assert status == 413
    assert headers["content-type"] == encoding
    said = otlp.status_of(encoding, answer)
    assert said.code == INVALID_ARGUMENT and "too large" in said.message
    large = {"input": "otlp_http", "reason": "too_large"}
    assert relay.metrics().items("rejected", **large) == 1


def test_cut_short(relay):
    """Counted too: nobody sends half a request on purpose."""
    with Connection(relay) as connection:
        connection.send(request(body(3))[:-5])
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.answer()[0] == 400
    malformed = {"input": "otlp_http", "reason": "otlp_malformed"}
    until(lambda: relay.metrics().items("rejected", **malformed) == 1)


def test_too_many_large_ones(relay):
    """More of the largest size than all may hold together."""
    waiting = []
    for _ in range(10):
        connection = Connection(relay)
        length = f"Content-Length: {16 << 20}"
        connection.send(request(b"", length, length=False))
        waiting.append(connection)
    status, headers, answer = waiting[-1].answer()
    assert status == 503 and int(headers["retry-after"]) >= 1
    said = otlp.status_of(otlp.PROTOBUF, answer)
    assert otlp.retry_delay(said.details) >= 1
    assert relay.metrics().items("retry", input="otlp_http") >= 1
    if not SANITIZED:
        assert relay.usage()[1] < 60 << 10  # KiB; nothing of them has come
    for connection in waiting:
        connection.__exit__()
