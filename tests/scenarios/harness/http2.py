# SPDX-License-Identifier: Apache-2.0
"""An HTTP/2 client that sends frames one by one, so that it can send what a
client made by others never would."""

import socket

from hpack import Decoder, Encoder
from hyperframe import frame as frames

from harness import otlp

FRAME_MAX = 16384
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def message(body=b"", flag=0):
    """The body behind the five bytes that gRPC puts before it."""
    return bytes([flag]) + len(body).to_bytes(4, "big") + body


def fields(path=otlp.EXPORT, method="POST", **more):
    """A call's header fields; an underscore in a name is a hyphen."""
    plain = {"content_type": "application/grpc", "te": "trailers", **more}
    return [
        (":method", method),
        (":scheme", "http"),
        (":path", path),
        (":authority", "relay"),
        *((k.replace("_", "-"), v) for k, v in plain.items() if v is not None),
    ]


class Stream:
    """What was answered on one stream."""

    def __init__(self):
        self.headers, self.data = {}, b""
        self.ended, self.reset = False, None

    @property
    def status(self):
        return int(self.headers[":status"])

    @property
    def grpc(self):
        return int(self.headers["grpc-status"])


class Client:
    def __init__(self, port, settings=None, greet=True):
        self.socket = socket.create_connection(("127.0.0.1", port), 20)
        self.encoder, self.decoder = Encoder(), Decoder()
        self.streams, self.others = {}, []
        self.goaway, self.closed = None, False
        self._buffer = b""
        if greet:
            self.raw(PREFACE)
            self.send(frames.SettingsFrame(0, settings or {}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # Sending.

    def raw(self, data):
        self.socket.sendall(data)

    def send(self, *several):
        self.raw(b"".join(f.serialize() for f in several))

    def begin(self, stream, head=None, flags=("END_HEADERS",), **more):
        block = self.encoder.encode(head or fields())
        self.send(frames.HeadersFrame(stream, block, flags=flags, **more))

    def data(self, stream, data, end=True, **more):
        flags = ["END_STREAM"] if end else []
        if "pad_length" in more:
            flags.append("PADDED")
        self.send(frames.DataFrame(stream, data, flags=flags, **more))

    def call(self, stream, body, head=None):
        """A call in as few frames as any server takes, and its answer."""
        self.begin(stream, head)
        for at in range(0, len(body), FRAME_MAX):
            self.data(stream, body[at : at + FRAME_MAX], end=False)
        self.data(stream, b"")
        return self.answer(stream)

    def acknowledge(self):
        try:
            self.send(frames.SettingsFrame(0, flags=["ACK"]))
        except OSError:
            pass  # closed by the server, which hear() finds

    # Hearing.

    def answer(self, stream):
        self.until(lambda: self.of(stream).ended or self.of(stream).reset)
        return self.of(stream)

    def of(self, stream):
        return self.streams.setdefault(stream, Stream())

    def until(self, condition):
        while not condition():
            assert not self.closed, "the server has closed the connection"
            self.hear()

    def until_closed(self):
        while not self.closed:
            self.hear()

    def hear(self):
        try:
            got = self.socket.recv(65536)
        except ConnectionResetError:
            got = b""
        self.closed = not got
        self._buffer += got
        while len(self._buffer) >= 9:
            f, n = frames.Frame.parse_frame_header(memoryview(self._buffer[:9]))
            if len(self._buffer) < 9 + n:
                return
            f.parse_body(memoryview(self._buffer[9 : 9 + n]))
            self._buffer = self._buffer[9 + n :]
            self.take(f)

    def take(self, f):
        if isinstance(f, frames.HeadersFrame):
            assert "END_HEADERS" in f.flags
            self.of(f.stream_id).headers.update(self.decoder.decode(f.data))
        elif isinstance(f, frames.DataFrame):
            self.of(f.stream_id).data += f.data
        elif isinstance(f, frames.RstStreamFrame):
            self.of(f.stream_id).reset = (f.error_code,)
        elif isinstance(f, frames.GoAwayFrame):
            self.goaway = f
        elif isinstance(f, frames.SettingsFrame) and "ACK" not in f.flags:
            self.others.append(f)
            self.acknowledge()
        else:
            self.others.append(f)
        if "END_STREAM" in f.flags:
            self.of(f.stream_id).ended = True
