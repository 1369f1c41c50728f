# SPDX-License-Identifier: Apache-2.0
"""What the subcommands of local mode print: the line of a trace, its tree,
what changes later, how it is cut and coloured, and what they end with."""

import json
import os
import re
import subprocess
import time

import pytest

from harness.documents import segment
from harness.relay import BINARY
from harness.terminal import Terminal

EAST = "\u6ce8\u6587"  # two characters, four columns
SECOND = 1790000000


@pytest.fixture
def local(make_relay):
    relay = make_relay(env={"AWS_REGION": None})
    at = f"127.0.0.1:{relay.udp_port}"
    return relay.run(
        [BINARY, "local", "-b", at, "-t", at, "--store", ":memory:"]
    )


def words_of(relay, name, *rest):
    return [BINARY, name, "-t", f"127.0.0.1:{relay.tcp_port}", *rest]


def command(relay, *words, **env):
    return subprocess.run(
        words_of(relay, *words), capture_output=True, text=True, timeout=60,
        env={**os.environ, **env},
    )


def put(relay, *documents):
    body = json.dumps({"TraceSegmentDocuments": documents})
    answer = relay.request("POST", "/TraceSegments", body)
    assert json.loads(answer.body)["UnprocessedTraceSegments"] == []
    return json.loads(documents[0])["trace_id"]


def shop(start=SECOND, **more):
    """1 s, of which a call takes a quarter and another one a half, and they
    overlap by a quarter."""
    calls = [
        {
            "id": f"{n:016x}",
            "name": name,
            "namespace": "remote",
            "start_time": start + begin,
            "end_time": start + end,
            "http": {"response": {"status": status}},
        }
        for n, name, begin, end, status in (
            (17, "stock", 0.125, 0.375, 200),
            (18, "bank", 0.125, 0.625, 502),
        )
    ]
    exception = {"id": "e" * 16, "type": "Timeout", "message": "no answer"}
    return segment(**{
        "name": "shop",
        "trace_id": f"1-{start:08x}-{'5' * 24}",
        "start_time": start,
        "end_time": start + 1,
        "fault": True,
        "cause": {"exceptions": [exception]},
        "http": {
            "request": {"method": "POST", "url": "http://shop/pay?x=1"},
            "response": {"status": 502},
        },
        "subsegments": calls,
        **more,
    })


def test_the_line_of_a_trace(local):
    trace = put(local, shop())
    (line,) = command(local, "ls").stdout.splitlines()
    clock = time.strftime("%H:%M:%S", time.localtime(SECOND))
    assert re.fullmatch(
        rf"{clock}\.000 +502 +1\.00s +POST +/pay\?x=1 +shop \u25b8 stock "
        rf"\u25b8 bank +{trace} +\u2717 Timeout: no answer",
        line,
    )
    running = int(time.time()) - 75
    put(local, shop(running, end_time=None, in_progress=True, http={},
                    fault=False, cause={}, subsegments=[]))
    line = command(local, "ls", "partial").stdout
    assert re.search(r" \u00b7\u00b7\u00b7 +>1m\d\ds +shop ", line)


def test_the_tree_of_a_trace(local):
    trace = put(local, shop())
    lines = command(local, "show", trace).stdout.splitlines()
    own = next(line for line in lines if line.startswith("  shop"))
    # 1 s, without what its calls take together: half of it
    assert own.split()[:3] == ["shop", "1.00s", "500ms"]
    assert "\u2717 Timeout: no answer" in own
    bar = {line.split()[0]: line.count("\u2588") for line in lines[1:]}
    assert bar["shop"] == 40 and bar["bank"] == 20 and bar["stock"] == 10
    stock = next(line for line in lines if line.startswith("    stock"))
    assert "250ms" in stock


def tail(relay, *words):
    return subprocess.Popen(
        words_of(relay, "tail", *words), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, bufsize=1,
    )


def test_what_changes_is_printed_again(local):
    trace = put(local, shop())
    follower = tail(local, "--since", "1000000h")
    try:
        first = follower.stdout.readline()
        assert trace in first and "\u21bb" not in first
        # It is connected by then, or takes up what it has missed: each of
        # these changes the trace.
        deadline = time.monotonic() + 30
        marked = None
        os.set_blocking(follower.stdout.fileno(), False)
        text, n = "", 0
        while not marked and time.monotonic() < deadline:
            n += 1
            put(local, shop(id=f"{n + 100:016x}", parent_id=f"{17:016x}",
                            name="late", subsegments=[]))
            time.sleep(0.6)
            text += follower.stdout.read() or ""
            marked = re.search(r"\u21bb POST", text)
        assert marked, text
        assert trace in text
    finally:
        follower.kill()
        follower.communicate()


def test_tail_with_trees(local):
    put(local, shop())
    follower = tail(local, "--tree", "--since", "1000000h")
    try:
        lines = [follower.stdout.readline() for _ in range(4)]
    finally:
        follower.kill()
        follower.communicate()
    assert "POST" in lines[0]
    assert all("\u2588" in line for line in lines[1:])


def test_since_takes_a_time(local):
    put(local, shop(int(time.time()) - 200))
    for words, n in ((["5m"], 1), (["300"], 1), (["2h"], 1), (["10s"], 0)):
        done = command(local, "ls", "--since", *words)
        assert (done.returncode, done.stdout.count("\n")) == (0, n), words
    for name in ("ls", "tail"):
        done = command(local, name, "--since", "5 apples")
        assert done.returncode == 1
        assert "start: " in done.stderr
        assert command(local, name, "fault >").returncode == 2


def test_what_is_too_wide_is_cut(local):
    put(local, shop(name=EAST * 20, http={}))
    for width in (40, 79):
        argv = words_of(local, "ls")
        terminal = Terminal(argv, {"NO_COLOR": "1"}, width=width, height=10)
        assert terminal.wait() == 0
        shown = [line for line in terminal.text().split("\n") if line]
        assert len(shown) == 1, terminal.text()
        assert "\u2026" in shown[0]


def test_colour_is_for_terminals(local):
    put(local, shop())
    assert "\x1b" not in command(local, "ls").stdout
    for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        env = {"NO_COLOR": "", **env}
        terminal = Terminal(words_of(local, "ls"), env)
        assert terminal.wait() == 0
        assert (b"\x1b[" in terminal.written) is coloured


def test_env_says_what_is_not_set(local):
    aws = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID",
           "AWS_SECRET_ACCESS_KEY")
    clean = {k: v for k, v in os.environ.items() if k not in aws}

    def said(**env):
        done = subprocess.run(
            words_of(local, "env"), capture_output=True, text=True,
            timeout=60, env={**clean, **env},
        )
        assert done.returncode == 0
        return {
            line.removeprefix("export ").partition("=")[0]
            for line in done.stdout.splitlines()
        }

    always = {"AWS_ENDPOINT_URL_XRAY", "AWS_XRAY_DAEMON_ADDRESS",
              "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL"}
    assert said() == always | set(aws)
    assert said(**dict.fromkeys(aws, "x")) == always


def test_doctor_says_what_came_and_why_not(local):
    put(local, shop())
    bad = json.dumps({"id": "5c9e0b1f2a3d4e5f", "trace_id": "1-2-3"})
    local.request("POST", "/TraceSegments",
                  json.dumps({"TraceSegmentDocuments": [bad]}))
    out = command(local, "doctor").stdout
    at = f"127.0.0.1:{local.tcp_port}"
    assert re.search(rf"X-Ray daemon.*tcp.*{re.escape(at)}", out)
    assert "InvalidTraceId" in out
    assert "24 hex" in out
