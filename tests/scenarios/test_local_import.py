# SPDX-License-Identifier: Apache-2.0
"""Imports of any size: taken while they come, and what can't be taken costs
nothing else."""

import json
import socket
import subprocess

import pytest

from harness.documents import segment
from harness.relay import BINARY, NO_ACCOUNT
from harness.waiting import until

HELD = 1 << 20  # the relay's OTLP ceiling, and so what it reads ahead
COUNT = 200
CHANGE = {"X-Xray-Relay": "1"}


@pytest.fixture
def local(make_relay):
    env = {**NO_ACCOUNT, "XRAY_RELAY_OTLP_BODY_MAX_MB": "1"}
    return make_relay(env=env).start_local()


def documents(n, pad=20_000):
    more = {"default": {"pad": "x" * pad}}
    return [
        segment(
            id=f"{i + 1:016x}",
            trace_id=f"1-6ab00000-{i + 1:024x}",
            metadata=more,
        )
        for i in range(n)
    ]


def as_lines(texts):
    return "\n".join(texts)


def as_answer(texts):
    traces = [
        {"Id": json.loads(t)["trace_id"], "Segments": [{"Document": t}]}
        for t in texts
    ]
    return json.dumps({"Traces": traces, "UnprocessedTraceIds": []})


def as_otlp(texts):
    """A resource a span, and two requests, as the Collector writes files."""
    resources = [
        {
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": d["trace_id"][2:].replace("-", ""),
                            "spanId": d["id"],
                            "name": d["name"],
                            "kind": 2,
                            "startTimeUnixNano": "1791000000000000000",
                            "endTimeUnixNano": "1791000001000000000",
                            "attributes": [
                                {
                                    "key": "pad",
                                    "value": {"stringValue": "x" * 20_000},
                                }
                            ],
                        }
                    ]
                }
            ]
        }
        for d in map(json.loads, texts)
    ]
    half = len(resources) // 2
    return "".join(
        json.dumps({"resourceSpans": part}) + "\n"
        for part in (resources[:half], resources[half:])
    )


def pieces(text, size=70_001):
    body = text.encode()
    for at in range(0, len(body), size):
        yield body[at : at + size]


def send(relay, body):
    answer = relay.request("POST", "/api/import", body, CHANGE, timeout=60)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def kept(relay):
    """Traces, of a document each."""
    answer = relay.get("/api/traces?limit=1000&start=0")
    return len(json.loads(answer.body)["traces"])


@pytest.mark.parametrize(
    "form, write",
    [("ndjson", as_lines), ("batchget", as_answer), ("otlp", as_otlp)],
)
@pytest.mark.parametrize("chunked", [True, False])
def test_larger_than_what_is_held(local, form, write, chunked):
    text = write(documents(COUNT))
    assert len(text) > 3 * HELD
    told = send(local, pieces(text) if chunked else text.encode())
    assert told == {
        "format": form,
        "documents": COUNT,
        "accepted": COUNT,
        "refused": [],
    }
    assert kept(local) == COUNT  # the answer waited for that


@pytest.mark.parametrize("form", ["ndjson", "batchget", "otlp"])
def test_an_export_comes_back(local, form):
    send(local, as_lines(documents(COUNT)).encode())
    exported = local.get(f"/api/export?format={form}", timeout=60).body
    assert local.request("DELETE", "/api/traces", headers=CHANGE).status == 200
    assert kept(local) == 0
    assert send(local, exported)["accepted"] == COUNT
    assert kept(local) == COUNT


def test_what_is_too_large_costs_itself_alone(local):
    small = documents(2, 10)
    large = segment(id="f" * 16, metadata={"d": {"x": "y" * 2 * HELD}})
    told = send(local, as_lines([small[0], large, small[1]]).encode())
    assert told["refused"] == [{"at": 2, "code": "SegmentTooLarge"}]
    assert (told["documents"], told["accepted"]) == (3, 2)
    assert kept(local) == 2


def test_spans_that_cannot_be_taken(local):
    """Each resource is a request of its own: a fault costs that one."""
    fine, other = as_otlp(documents(2, 1)).splitlines()
    bad_id = as_otlp(documents(1)).replace(f"{1:016x}", "0" * 16)
    malformed = '{"resourceSpans": [{"scopeSpans": 5}]}'
    body = "\n".join([fine, malformed, bad_id, other])
    told = send(local, body.encode())
    assert (told["documents"], told["accepted"]) == (4, 2)
    assert [r["at"] for r in told["refused"]] == [2, 3]
    assert "scopeSpans" in told["refused"][0]["code"]
    assert "span id" in told["refused"][1]["code"]


def test_more_than_a_gigabyte(local):
    head = {**CHANGE, "Content-Length": str((1 << 30) + 1)}
    answer = local.request("POST", "/api/import", None, head)
    assert answer.status == 413


def test_a_client_that_leaves(local):
    """What came is kept, and nothing waits for the rest."""
    texts = documents(COUNT)
    with socket.create_connection(("127.0.0.1", local.tcp_port)) as s:
        s.sendall(
            b"POST /api/import HTTP/1.1\r\nHost: localhost:%d\r\n"
            b"X-Xray-Relay: 1\r\nContent-Length: 900000000\r\n\r\n"
            % local.tcp_port
        )
        s.sendall(as_lines(texts).encode() + b"\n")
        until(lambda: kept(local) == COUNT)
    told = send(local, as_lines(texts).encode())
    assert told["accepted"] == COUNT
    assert kept(local) == COUNT


def test_who_may_not_change_things_sends_nothing(local):
    answer = local.request("POST", "/api/import", documents(1)[0])
    assert answer.status == 415
    assert answer.headers["Connection"] == "close"
    assert kept(local) == 0


@pytest.mark.parametrize("way", ["file", "pipe"])
def test_the_command_sends_a_file_as_a_whole(local, tmp_path, way):
    file = tmp_path / "answer.json"
    file.write_text(as_answer(documents(COUNT)))
    name = str(file) if way == "file" else "-"
    done = subprocess.run(
        [BINARY, "import", "-t", f"127.0.0.1:{local.tcp_port}", name],
        input=None if way == "file" else file.read_bytes(),
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"%d of %d documents imported\n" % (COUNT, COUNT)
    assert kept(local) == COUNT


def test_the_command_says_what_it_cannot_read(local, tmp_path):
    at = f"127.0.0.1:{local.tcp_port}"
    for name, why in ((tmp_path, "directory"), ("none.json", "No such file")):
        done = subprocess.run(
            [BINARY, "import", "-t", at, str(name)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1
        assert str(name) in done.stderr and why in done.stderr
