# SPDX-License-Identifier: Apache-2.0
"""Requests on the TCP port recorded with the Go daemon. Two differences are
meant: only the allow-list is signed, and /TraceSegments enters the pipeline."""

import base64
import json
import re
import socket

import pytest

from harness import cases
from harness.fake_xray import RULES, TARGETS, FakeXRay
from harness.waiting import until

ALLOWED = {
    "GetSamplingRules",
    "SamplingTargets",
    "SamplingStatisticSummaries",
    "TelemetryRecords",
}


class Recorder(FakeXRay):
    """Answers any path, as the recording's mock did."""

    def accepts_script(self, request):
        return True


@pytest.fixture
def backend():
    server = Recorder()
    server.enforce_limits = False
    yield server
    server.stop()
    assert not server.bad_signatures, server.bad_signatures


@pytest.mark.parametrize("case", cases.load("tcp"))
def test_case(case, make_relay, backend):
    if "request_base64" not in case:
        pytest.skip("only a recipe was recorded")
    raw = base64.b64decode(case["request_base64"])
    by_pipeline = raw.split(b" ")[1:2] == [b"/TraceSegments"]
    backend.scripted = cases.upstream_answers(case)
    env = case.get("daemon_env") or {}
    if env.get("AWS_SESSION_TOKEN"):
        key = backend.keyring.keys["AKIDEXAMPLE"]
        key.token = env["AWS_SESSION_TOKEN"]
    relay = make_relay(config={"Endpoint": backend.url}, env=env).start()
    if case.get("upstream_refuses_connections"):
        backend.stop()
    relay_count = len(case.get("expect_responses") or [1])
    statuses, body = exchange(relay.tcp_port, raw, relay_count)
    if by_pipeline:
        assert statuses[-1] == 200
        until(lambda: backend.documents)
    elif case["expect_upstream"] and not allowed(raw):
        # 400: two lengths in one request are ambiguous, whatever it asks.
        assert set(statuses) <= {403, 400}
        assert not proxied(backend)
    else:
        check_answer(case, statuses, body)
        check_upstream(case, backend)


def allowed(raw):
    """Whether it is a call that is passed on at all."""
    method, target = raw.split(b"\r\n")[0].decode().split(" ")[:2]
    last = target.partition("?")[0].rstrip("/").rpartition("/")[2]
    return method == "POST" and last in ALLOWED


def proxied(backend):
    """The calls of clients: not the relay's own telemetry."""
    return [r for r in backend.requests if r.path != "/TelemetryRecords"]


def exchange(port, raw, answers):
    """Sends the bytes; gives the statuses without 100, and the last body."""
    data = b""
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.settimeout(10)
        s.sendall(raw)
        while len(complete(data)) < answers:
            more = s.recv(65536)
            if not more:
                break
            data += more
    found = complete(data)
    assert found, data
    return [status for status, _ in found], found[-1][1]


def complete(data):
    """The final answers in data that have all of their body."""
    found = []
    while b"\r\n\r\n" in data:
        head, _, rest = data.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        if status == 100:
            data = rest
            continue
        length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
        size = int(length.group(1)) if length else 0
        if len(rest) < size:
            break
        found.append((status, rest[:size]))
        data = rest[size:]
    return found


def check_answer(case, statuses, body):
    wanted = case.get("expect_responses")
    if wanted:
        assert statuses == wanted
        return
    want = case["expect_response"]
    scripted = case.get("upstream_script") or case.get(
        "upstream_refuses_connections"
    )
    if want["status"] >= 400 and not scripted:
        assert statuses[-1] >= 400
    elif want["status"] >= 400:
        # The backend failed: a client gets rules that it can work with.
        assert statuses[-1] in (200, want["status"])
        if statuses[-1] == 200:
            assert isinstance(json.loads(body), dict)
    else:
        assert statuses[-1] == want["status"]
        if scripted and want["body"]:
            assert json.loads(body) == json.loads(want["body"])
        elif allowed(base64.b64decode(case["request_base64"])):
            assert json.loads(body) == expected_json(case)


def expected_json(case):
    if "GetSamplingRules" in case["expect_upstream"][0]["target"]:
        return RULES
    return TARGETS


def check_upstream(case, backend):
    seen = proxied(backend)
    if not case["expect_upstream"]:
        assert not seen
        return
    if case.get("upstream_refuses_connections"):
        return
    for request, wanted in zip(seen, case["expect_upstream"], strict=False):
        assert request.method == wanted["method"]
        assert request.path == wanted["target"].partition("?")[0]
        if isinstance(wanted["body"], str):
            assert request.body.decode("utf-8", "replace") == wanted["body"]
    assert seen
