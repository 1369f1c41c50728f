# SPDX-License-Identifier: Apache-2.0
"""Senders that stop in the middle are cut off after a minute, on each port;
and senders that have to wait because X-Ray does not take what they send."""

import select
import socket
import time

import grpc
import pytest
from hpack import Encoder
from hyperframe import frame as frames

from harness import http2, otlp
from harness.documents import segment
from harness.waiting import until

MINUTE_S = 60
BATCH = 50  # documents
BATCHES_WAITING_MAX = 16
DEADLINE_EXCEEDED = 4
HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\n"
BODY = b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"


def half_a_call():
    """The client's frames as bytes, since many sockets are waited for."""
    head = Encoder().encode(http2.fields())
    parts = (
        frames.SettingsFrame(0),
        frames.HeadersFrame(1, head, flags=["END_HEADERS"]),
        frames.DataFrame(1, b"\0\0\0\1\0half"),
    )
    return http2.PREFACE + b"".join(f.serialize() for f in parts)


def kinds_of_frames(data):
    while len(data) >= 9:
        yield data[3]
        data = data[9 + int.from_bytes(data[:3], "big") :]


@pytest.mark.long
def test_slow_senders(relay):
    starts = [
        (port, start)
        for start in (b"POST /v1", HEAD, HEAD + BODY)
        for port in (relay.otlp_http_port, relay.tcp_port)
    ]
    starts += [(relay.otlp_grpc_port, b""), (relay.otlp_http_port, b"")]
    starts += [(relay.otlp_grpc_port, http2.PREFACE[:n]) for n in (9, 24)]
    closing = [connect(*x) for x in starts]
    call = connect(relay.otlp_grpc_port, half_a_call())
    begun, heard = time.monotonic(), b""
    while closing or frames.RstStreamFrame.type not in kinds_of_frames(heard):
        left = begun + 1.5 * MINUTE_S - time.monotonic()
        ready, _, _ = select.select([*closing, call], [], [], max(0, left))
        assert ready, f"{len(closing)} still open, the call heard {heard}"
        for s in ready:
            data = s.recv(65536)
            if s is call:
                heard += data
            elif not data:
                closing.remove(s)
    assert time.monotonic() - begun > 0.9 * MINUTE_S
    call.close()
    assert otlp.post(relay.otlp_http_port, otlp.request()).status == 200


def connect(port, start):
    s = socket.create_connection(("127.0.0.1", port), 90)
    s.sendall(start)
    return s


def post(relay):
    to = relay.otlp_http_port
    return otlp.post(to, otlp.request(BATCH), timeout=5).status == 200


def export(relay):
    with otlp.channel(relay.otlp_grpc_port) as over:
        try:
            otlp.export(over, otlp.request(BATCH), timeout=5)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            raise TimeoutError from error
    return True


def fill(send, relay):
    """Sends until an answer does not come; gives how often it did."""
    taken = 0
    with pytest.raises(TimeoutError):
        while taken < 3 * BATCHES_WAITING_MAX:
            assert send(relay)
            taken += 1
    return taken


@pytest.mark.parametrize("send", (post, export))
def test_not_read_while_batches_wait(relay, xray, send):
    """However large the buffer is: senders wait, none is refused, and what is
    not OTLP goes on."""
    xray.stop()
    taken = fill(send, relay)
    assert BATCHES_WAITING_MAX < taken <= 1.5 * BATCHES_WAITING_MAX
    assert relay.get("/healthz").status == 200
    relay.send(segment())
    until(lambda: relay.metrics().items("accepted", input="udp") == 1)
    xray.start()
    relay.wait_delivered(taken * BATCH + 1)
    until(lambda: send(relay))
    assert relay.metrics().items("retry") == 0


def test_what_does_not_wait(relay, xray):
    """While calls with spans have to wait, pings are answered, so that nobody
    takes the connection for dead, and so are health checks. A call that its
    client gives up meanwhile is never taken: it will be sent again."""
    xray.stop()
    fill(export, relay)
    taken = relay.metrics().items("accepted")
    whole = http2.message(otlp.request(BATCH).SerializeToString())
    with http2.Client(relay.otlp_grpc_port) as client:
        client.begin(1)
        client.data(1, whole)
        ping(client)
        health = http2.fields("/grpc.health.v1.Health/Check")
        assert client.call(3, http2.message(), health).grpc == 0
        head = http2.fields(grpc_timeout="200m")
        assert client.call(5, whole, head).grpc == DEADLINE_EXCEEDED
        client.begin(7)
        client.data(7, whole)
        client.send(frames.RstStreamFrame(7, 8))
        ping(client)  # all of it was read
        assert not client.of(1).headers
        xray.start()
        assert client.answer(1).grpc == 0
    relay.wait_delivered(taken + BATCH)
    assert relay.metrics().items("accepted") == taken + BATCH
    assert relay.metrics().items("retry") == 0


def ping(client):
    client.others.clear()
    client.send(frames.PingFrame(0, b"01234567"))
    client.until(lambda: any(map(is_pong, client.others)))


def is_pong(frame):
    return isinstance(frame, frames.PingFrame) and "ACK" in frame.flags
