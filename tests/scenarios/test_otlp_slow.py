# SPDX-License-Identifier: Apache-2.0
"""Senders that stop in the middle are cut off after a minute, on each port."""

import select
import socket
import time

import pytest

from harness import otlp

MINUTE_S = 60
HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\n"
BODY = b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, HEADERS, DATA, RST_STREAM = 4, 1, 0, 3
END_HEADERS = 4


def frame(kind, flags, stream, payload):
    length = len(payload).to_bytes(3, "big")
    return length + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def literals(fields):
    """HPACK without any table and without Huffman's code."""
    return b"".join(
        bytes([0, len(name)]) + name + bytes([len(value)]) + value
        for name, value in fields
    )


def half_a_call():
    fields = (
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", otlp.EXPORT.encode()),
        (b":authority", b"a"),
        (b"content-type", b"application/grpc"),
    )
    return (
        PREFACE
        + frame(SETTINGS, 0, 0, b"")
        + frame(HEADERS, END_HEADERS, 1, literals(fields))
        + frame(DATA, 0, 1, b"\0\0\0\1\0half")
    )


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
    starts += [(relay.otlp_grpc_port, PREFACE[:n]) for n in (9, len(PREFACE))]
    closing = [connect(*x) for x in starts]
    call = connect(relay.otlp_grpc_port, half_a_call())
    begun, heard = time.monotonic(), b""
    while closing or RST_STREAM not in kinds_of_frames(heard):
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
