# SPDX-License-Identifier: Apache-2.0
"""Local mode's ceilings: what goes beyond is refused with a reason, and the
next request is served."""

import http.client
import json
import select
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import quote

import pytest

from harness.documents import segment
from harness.waiting import until

CONNECTIONS = 256
LISTENERS = 16
HEADERS_MAX = 16 << 10
BODY_MAX = 16 << 20
SEGMENTS_MAX = 5 << 20
BODY_S = 30


@pytest.fixture
def local(local):
    yield local
    assert local.request("GET", "/api/health").status == 200


def open_socket(relay):
    return socket.create_connection(("127.0.0.1", relay.tcp_port), 20)


def test_headers(local):
    fits = {"X": "y" * (HEADERS_MAX - 1000)}
    assert local.request("GET", "/api/health", None, fits).status == 200
    too_many = {"X": "y" * HEADERS_MAX}
    assert local.request("GET", "/api/health", None, too_many).status == 431


def test_body(local):
    with open_socket(local) as s:
        head = (
            "POST /TraceSegments HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{local.tcp_port}\r\n"
            f"Content-Length: {BODY_MAX + 1}\r\n\r\n"
        )
        s.sendall(head.encode())
        assert b" 413 " in s.recv(100)


def documents(n, size):
    """A body of PutTraceSegments, and the ids of its documents."""
    texts = [
        segment(id=f"{i:016x}", metadata={"default": {"x": "y" * size}})
        for i in range(n)
    ]
    return json.dumps({"TraceSegmentDocuments": texts}).encode()


def test_body_of_segments(local):
    fits = documents(50, 95_000)
    assert SEGMENTS_MAX - (1 << 20) < len(fits) <= SEGMENTS_MAX
    answer = local.request("POST", "/TraceSegments", fits)
    assert answer.status == 200
    assert json.loads(answer.body)["UnprocessedTraceSegments"] == []
    answer = local.request("POST", "/TraceSegments", documents(60, 95_000))
    assert answer.status == 413
    assert "too large" in json.loads(answer.body)["Message"]
    traces = local.request("GET", "/api/traces").body
    assert len(json.loads(traces)["traces"]) == 50


def test_what_cannot_be_read_has_the_words_of_the_service(local):
    body = json.dumps({"TraceSegmentDocuments": ["[1]", "{", ""]}).encode()
    answer = local.request("POST", "/TraceSegments", body)
    assert json.loads(answer.body)["UnprocessedTraceSegments"] == 3 * [
        {
            "ErrorCode": "ParseError",
            "Message": "Invalid segment. ErrorCode: ParseError",
        }
    ]


def test_imports_wait_for_the_store(local):
    """Three bodies at a time, of more than may wait for the disk."""
    count, size = 400, 35_000
    forms = {
        "ndjson": b"\n".join(one.encode() for one in imported(0, count, size)),
        "array": f"[[{','.join(imported(1, count, size))}]]".encode(),
        "batchget": json.dumps(
            {
                "Traces": [
                    {"Segments": [{"Document": d} for d in pair]}
                    for pair in batched(imported(2, count, size))
                ]
            }
        ).encode(),
    }
    assert all(BODY_MAX * 0.8 < len(b) < BODY_MAX for b in forms.values())
    change = {"X-Xray-Relay": "1"}
    with ThreadPoolExecutor(len(forms)) as pool:
        answers = pool.map(
            lambda b: local.request("POST", "/api/import", b, change),
            forms.values(),
        )
        for answer in answers:
            told = json.loads(answer.body)
            assert (answer.status, told["refused"]) == (200, [])
            assert told["documents"] == told["accepted"] == count
    until(lambda: health(local)["traces"] == len(forms) * count)
    assert health(local)["documents"] == len(forms) * count


def imported(kind, n, size):
    more = {"default": {"x": "y" * size}}
    return [
        segment(
            id=f"{i:016x}",
            trace_id=f"1-6ab00000-{kind:012x}{i:012x}",
            metadata=more,
        )
        for i in range(n)
    ]


def batched(all_of_them):
    """By four."""
    return zip(*[iter(all_of_them)] * 4, strict=True)


def health(relay):
    return json.loads(relay.request("GET", "/api/health").body)


def test_import_of_several_arrays(local):
    a, b, c = imported(3, 3, 1)
    body = f"[{a}]\n[{b}] [[{c}]]\n".encode()
    change = {"X-Xray-Relay": "1"}
    told = json.loads(local.request("POST", "/api/import", body, change).body)
    assert (told["documents"], told["accepted"]) == (3, 3)


def test_listeners(local):
    with ExitStack() as stack:
        for n in range(LISTENERS + 1):
            c = http.client.HTTPConnection(
                "127.0.0.1", local.tcp_port, timeout=20
            )
            stack.callback(c.close)
            c.request("GET", "/api/events")
            status = c.getresponse().status
            assert status == (200 if n < LISTENERS else 503), n
    until(lambda: is_heard(local))


def is_heard(relay):
    """Places are free again once those who left are noticed."""
    c = http.client.HTTPConnection("127.0.0.1", relay.tcp_port, timeout=20)
    try:
        c.request("GET", "/api/events")
        return c.getresponse().status == 200
    finally:
        c.close()


def test_connections(local):
    with ExitStack() as stack:
        open_now = [
            stack.enter_context(open_socket(local)) for _ in range(CONNECTIONS)
        ]
        one_more = stack.enter_context(open_socket(local))
        assert one_more.recv(1) == b""
        request = (
            f"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:{local.tcp_port}"
            "\r\n\r\n"
        )
        open_now[-1].sendall(request.encode())
        assert b" 200 " in open_now[-1].recv(100)
    until(lambda: served(local))


def served(relay):
    try:
        return relay.request("GET", "/api/health").status == 200
    except OSError:
        return False


@pytest.mark.parametrize(
    "query, what",
    (
        ("filter=" + quote("(" * 65 + "ok" + ")" * 65), "column"),
        ("filter=" + "a" * 4097, "filter"),
        ("timeout=301s", "timeout"),
    ),
)
def test_wait(local, query, what):
    answer = local.request("GET", f"/api/wait?{query}")
    assert answer.status == 400
    assert what in json.loads(answer.body)["error"]["message"]


@pytest.mark.long
def test_slow_requests(local):
    """Of a head and of a body nothing more comes: an answer after 10 s and
    30 s, so that of the head is the first."""
    host = f"Host: 127.0.0.1:{local.tcp_port}\r\n"
    heads = (
        f"GET /api/health HTTP/1.1\r\n{host}",
        f"POST /TraceSegments HTTP/1.1\r\n{host}Content-Length: 9\r\n\r\n{{",
    )
    with ExitStack() as stack:
        slow = [stack.enter_context(open_socket(local)) for _ in heads]
        for s, head in zip(reversed(slow), reversed(heads), strict=True):
            s.settimeout(BODY_S + 25)
            s.sendall(head.encode())
        first, _, _ = select.select(slow, [], [], BODY_S + 25)
        assert first == slow[:1]
        for s in slow:
            assert b" 408 " in s.recv(100)


def test_same_site(local):
    site = {"Sec-Fetch-Site": "same-site"}
    assert local.request("GET", "/api/traces", None, site).status == 403
    site = {"Sec-Fetch-Site": "same-origin"}
    assert local.request("GET", "/api/traces", None, site).status == 200
