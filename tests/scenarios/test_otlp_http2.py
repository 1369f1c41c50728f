# SPDX-License-Identifier: Apache-2.0
"""gRPC frame by frame: what RFC 9113 and the gRPC protocol let a client do and
the usual ones seldom do, and what no client may do."""

import gzip

import pytest
from hyperframe import frame as frames

from harness import http2, otlp
from harness.http2 import fields, message
from harness.relay import SANITIZED
from harness.waiting import until

OK, UNIMPLEMENTED, INTERNAL, RESOURCE_EXHAUSTED = 0, 12, 13, 8
PROTOCOL_ERROR, STREAM_CLOSED, COMPRESSION_ERROR, CALM = 1, 5, 9, 11
HEALTH = "/grpc.health.v1.Health/Check"


@pytest.fixture
def client(relay):
    with http2.Client(relay.otlp_grpc_port) as client:
        yield client


def body(n=1, **more):
    return otlp.request(n, **more).SerializeToString()


def test_many_frames(client, relay):
    """Padding, priority, CONTINUATION, DATA without bytes, frames of kinds
    that nobody knows."""
    block = client.encoder.encode(fields(user_agent="a" * 99))
    client.send(
        frames.HeadersFrame(
            1,
            block[:3],
            flags=["PADDED", "PRIORITY"],
            pad_length=7,
            depends_on=0,
            stream_weight=9,
            exclusive=True,
        ),
        frames.ContinuationFrame(1, block[3:9]),
        frames.ContinuationFrame(1, b""),
        frames.ContinuationFrame(1, block[9:], flags=["END_HEADERS"]),
        frames.PriorityFrame(1, depends_on=3, stream_weight=1),
    )
    client.raw(b"\0\0\4\x77\0\0\0\0\1oops")
    whole = message(body(9, pad=50))
    for i in range(0, len(whole), 99):
        client.data(1, whole[i : i + 99], end=False, pad_length=i % 255)
        client.data(1, b"", end=False)
    client.data(1, b"", pad_length=11)
    assert client.answer(1).grpc == OK
    assert client.of(1).data == b"\0\0\0\0\0"
    relay.wait_delivered(9)


def test_streams_side_by_side(client, relay):
    wholes = {i: message(body(3)) for i in range(1, 41, 2)}
    for i in wholes:
        client.begin(i)
    for at in range(0, max(map(len, wholes.values())), 40):
        for i, whole in wholes.items():
            client.data(i, whole[at : at + 40], end=False)
    for i in reversed(wholes):
        client.data(i, b"")
    assert [client.answer(i).grpc for i in wholes] == [OK] * len(wholes)
    relay.wait_delivered(60)


def test_header_tables(client):
    """The client's table grows, shrinks, and is emptied and used again."""
    for i, size in enumerate((4096, 0, 60, 4096)):
        client.encoder.header_table_size = size
        head = fields(user_agent=f"agent {i // 2}", x_more="m" * 30)
        assert client.call(2 * i + 1, message(body()), head).grpc == OK


def test_header_table_too_large(client):
    client.encoder.header_table_size = 1 << 20  # the server allows 4096
    client.begin(1)
    client.until_closed()
    assert client.goaway.error_code == COMPRESSION_ERROR


def test_answer_waits_for_the_window(relay):
    """Of a client that takes nothing until it says so."""
    initial = {frames.SettingsFrame.INITIAL_WINDOW_SIZE: 0}
    with http2.Client(relay.otlp_grpc_port, initial) as client:
        client.begin(1)
        client.data(1, message(body()))
        client.until(lambda: client.of(1).headers)
        client.send(frames.PingFrame(0, b"01234567"))
        pings = (f for f in client.others if isinstance(f, frames.PingFrame))
        client.until(lambda: next(pings, None) or ping_in(client))
        assert not client.of(1).data and not client.of(1).ended
        client.send(frames.WindowUpdateFrame(1, 3))
        client.until(lambda: len(client.of(1).data) == 3)
        client.send(frames.WindowUpdateFrame(1, 2))
        assert client.answer(1).grpc == OK


def ping_in(client):
    return any(isinstance(f, frames.PingFrame) for f in client.others)


def test_windows_of_the_server(client):
    """A message of the largest size fits the windows as they are at first: a
    client may send it whole without waiting."""
    client.until(lambda: client.others)
    settings = client.others[0].settings
    window = settings[frames.SettingsFrame.INITIAL_WINDOW_SIZE]
    client.until(lambda: len(client.others) > 1)
    updates = [
        f.window_increment
        for f in client.others
        if isinstance(f, frames.WindowUpdateFrame)
    ]
    assert window >= 4 << 20 and updates[0] >= 4 << 20
    assert settings[frames.SettingsFrame.MAX_CONCURRENT_STREAMS] >= 100


@pytest.mark.parametrize("stream", (0, 1))
def test_window_update_of_nothing(client, stream):
    client.begin(1)
    client.raw(b"\0\0\4\x08\0\0\0\0" + bytes([stream, 0, 0, 0, 0]))
    client.until_closed()
    assert client.goaway.error_code == PROTOCOL_ERROR


def test_goaway_of_the_client(client):
    """It ends the connection when all that is under way is answered."""
    client.begin(1)
    client.send(frames.GoAwayFrame(0, last_stream_id=0))
    client.data(1, message(body()))
    assert client.answer(1).grpc == OK
    client.until_closed()


def test_reset_in_mid_message(client, relay):
    whole = message(body(3))
    client.begin(1)
    client.data(1, whole[:50], end=False)
    client.send(frames.RstStreamFrame(1, 8))
    assert client.call(3, whole).grpc == OK
    relay.wait_delivered(3)
    assert relay.metrics().items("accepted") == 3


def test_half_closed(client):
    """Without a message, and with one behind the end."""
    client.begin(1, flags=("END_HEADERS", "END_STREAM"))
    assert client.answer(1).grpc == INTERNAL
    client.begin(3, flags=("END_HEADERS", "END_STREAM"))
    client.data(3, message(body()))
    client.until(lambda: client.of(3).reset or client.goaway)
    error = client.goaway.error_code if client.goaway else client.of(3).reset[0]
    assert error == STREAM_CLOSED or client.of(3).grpc == INTERNAL


@pytest.mark.parametrize(
    "wrong",
    (
        message(body()) * 2,
        message(body())[:-1],
        message(body()) + b"\0",
        message(body(), flag=1),
        message(body(), flag=2),
        b"\0\0\0",
    ),
)
def test_not_one_message(client, relay, wrong):
    answer = client.call(1, wrong)
    assert answer.grpc == INTERNAL and answer.status == 200
    assert relay.metrics().items("rejected", reason="otlp_malformed") == 1
    assert relay.metrics().items("accepted") == 0


def test_encodings_of_messages(client):
    """The one named is that of messages which are marked; others are as they
    are."""
    packed = message(gzip.compress(body()), flag=1)
    assert client.call(1, packed, fields(grpc_encoding="gzip")).grpc == OK
    plain = fields(grpc_encoding="snappy")
    assert client.call(3, message(body()), plain).grpc == OK
    answer = client.call(5, packed, plain)
    assert answer.grpc == UNIMPLEMENTED
    assert "gzip" in answer.headers["grpc-accept-encoding"].split(",")
    marked = message(body(), flag=1)
    assert client.call(7, marked, fields(grpc_encoding="identity")).grpc != OK


@pytest.mark.parametrize(
    "kind, status",
    (
        ("application/grpc", 200),
        ("application/grpc+proto", 200),
        ("APPLICATION/gRPC;charset=utf-8", 200),
        ("application/grpc+json", 415),
        ("application/grpc-web+proto", 415),
        ("application/x-protobuf", 415),
        (None, 415),
    ),
)
def test_content_types(client, relay, kind, status):
    answer = client.call(1, message(body()), fields(content_type=kind))
    assert answer.status == status
    if status != 200:
        assert b"4318" in answer.data
        relay.wait_log("a client speaks plain HTTP")


def test_other_methods(client):
    client.begin(1, fields(method="GET"), ("END_HEADERS", "END_STREAM"))
    assert client.answer(1).status == 405
    assert client.call(3, message(body())).grpc == OK


@pytest.mark.parametrize("timeout", ("", "S", "1", "-1S", "1x", "123456789S"))
def test_deadlines_that_are_none(client, timeout):
    head = fields(grpc_timeout=timeout)
    assert client.call(1, message(body()), head).grpc == OK


def test_large_health_check(client):
    """Its request is a name; no more of it is read than a name has."""
    client.until(lambda: client.others)  # the windows are wide from now on
    head = fields(HEALTH)
    name = b"\x0a\x80\x80\x40" + b"x" * (1 << 20)
    assert client.call(1, message(name), head).grpc == RESOURCE_EXHAUSTED
    large = message(b"\x78\x01" * (3 << 20))
    client.begin(3, head)
    for at in range(0, 4 << 20, 16384):
        client.data(3, large[at : at + 16384], end=False)
    client.data(3, large[4 << 20 : (4 << 20) + 16384], end=False)
    assert client.answer(3).grpc == RESOURCE_EXHAUSTED
    assert client.call(5, message(), head).grpc == OK


def flood(client, data, times=40):
    """Sends until the server closes the connection."""
    for _ in range(times):
        try:
            client.raw(data)
        except OSError:
            break
    client.until_closed()


def continuations(client):
    client.send(frames.HeadersFrame(1, b"\0\1a\1b"))
    return frames.ContinuationFrame(1, b"\0\1a\1b" * 99).serialize()


def empty_continuations(client):
    client.send(frames.HeadersFrame(1, b""))
    return frames.ContinuationFrame(1, b"").serialize() * 40


def settings(client):
    del client
    return frames.SettingsFrame(0, {1: 4096}).serialize()


def pings(client):
    del client
    return frames.PingFrame(0, b"01234567").serialize()


def resets(client):
    """Streams that are reset as soon as they have begun."""
    for i in range(1, 200_000, 2):
        head = client.encoder.encode(fields())
        yield frames.HeadersFrame(i, head, flags=["END_HEADERS"]).serialize()
        yield frames.RstStreamFrame(i, 8).serialize()


def priorities(client):
    del client
    return frames.PriorityFrame(1, depends_on=0, stream_weight=1).serialize()


def empty_data(client):
    client.begin(1)
    return frames.DataFrame(1, b"").serialize()


@pytest.mark.parametrize(
    "kind",
    (
        continuations,
        empty_continuations,
        settings,
        pings,
        resets,
        priorities,
        empty_data,
    ),
)
def test_floods(client, relay, kind):
    """What asks for work without end ends the connection, soon and without
    much memory; others go on."""
    what = kind(client)
    if isinstance(what, bytes):
        flood(client, what * 100)
    else:
        try:
            for data in what:
                client.raw(data)
        except OSError:
            pass
        client.until_closed()
    with http2.Client(relay.otlp_grpc_port) as other:
        assert other.call(1, message(body())).grpc == OK
    if not SANITIZED:
        assert relay.usage()[2] < 60 << 10  # KiB


@pytest.mark.parametrize("kind", (settings, pings))
def test_floods_by_one_that_listens(client, kind):
    """It takes the answers, so that none pile up."""
    some = 20
    for _ in range(150):
        heard = len(client.others)
        client.raw(kind(client) * some)
        while not client.closed and len(client.others) < heard + some:
            client.hear()
        if client.closed:
            break
    assert client.closed
    assert client.goaway.error_code == CALM


def test_by_one_byte(relay):
    """The preface, frames and a message, however they are cut."""
    with http2.Client(relay.otlp_grpc_port, greet=False) as client:
        head = client.encoder.encode(fields())
        sent = http2.PREFACE + b"".join(
            f.serialize()
            for f in (
                frames.SettingsFrame(0),
                frames.HeadersFrame(1, head, flags=["END_HEADERS"]),
                frames.DataFrame(1, message(body()), flags=["END_STREAM"]),
            )
        )
        for i in range(len(sent)):
            client.raw(sent[i : i + 1])
        assert client.answer(1).grpc == OK


def test_not_http2_behind_the_preface(relay):
    with http2.Client(relay.otlp_grpc_port, greet=False) as client:
        client.raw(http2.PREFACE + b"GET / HTTP/1.1\r\n\r\n")
        client.until_closed()
    until(lambda: relay.get("/healthz").status == 200)
