# SPDX-License-Identifier: Apache-2.0
"""The own API and the terminal of `xray-relay local`: events as they come,
what was missed, waiting in a test, and text that attacks the terminal."""

import contextlib
import json
import os
import re
import subprocess
import time
import xml.etree.ElementTree as xml
from http.client import HTTPException

import pytest

from harness.documents import segment
from harness.ports import free_port
from harness.relay import BINARY, NO_ACCOUNT


def put(relay, **members):
    document = segment(**members)
    answer = relay.put(document)
    assert json.loads(answer.body)["UnprocessedTraceSegments"] == []
    return json.loads(document)["trace_id"]


def get(relay, path, **headers):
    answer = relay.request("GET", path, headers=headers)
    return answer.status, json.loads(answer.body)


class Events:
    """A stream of server-sent events, read with curl."""

    def __init__(self, relay, query="", last=None):
        words = ["curl", "-sN", "--max-time", "30"]
        if last:
            words += ["-H", f"Last-Event-ID: {last}"]
        url = f"http://127.0.0.1:{relay.tcp_port}/api/events{query}"
        self.process = subprocess.Popen(
            [*words, url], stdout=subprocess.PIPE, text=True
        )
        self.id = None

    def next(self, name):
        return self.next_of(name)[1]

    def next_of(self, *names):
        event = None
        for line in self.process.stdout:
            if line.startswith("id: "):
                self.id = line[4:].strip()
            elif line.startswith("event: "):
                event = line[7:].strip()
            elif line.startswith("data: ") and event in names:
                return event, json.loads(line[6:])
        raise AssertionError(f"the stream ended without {names}")

    def close(self):
        self.process.terminate()
        self.process.wait()


def test_events_come_and_are_resumed(local):
    events = Events(local)
    assert events.next("stats")["traces"] == 0
    first = put(local, name="one")
    row = events.next("trace")["trace"]
    assert row["id"] == first
    # The same as in the list, with nothing that AWS would refuse.
    assert row == get(local, "/api/traces")[1]["traces"][0]
    assert row["warnings"] == 0
    last = events.id
    events.close()
    missed = put(local, name="two")
    resumed = Events(local, last=last)
    event = resumed.next("trace")
    assert event["trace"]["id"] == missed
    assert event["change"] == "new"
    resumed.close()


def test_events_of_a_trace_end_when_it_is_deleted(local):
    events = Events(local)
    events.next("stats")
    brief = put(local, name="brief")
    assert local.command("clear").returncode == 0
    stays = put(local, name="stays")
    told = [events.next_of("trace", "cleared") for _ in range(3)]
    assert [name for name, _ in told] == ["trace", "cleared", "trace"]
    assert told[0][1]["trace"]["id"] == brief
    assert told[2][1]["trace"]["id"] == stays
    events.close()


def test_events_of_another_run_begin_anew(local):
    events = Events(local, last="7.1")
    assert events.next("reset") == {}
    events.close()


def test_events_with_a_filter(local):
    events = Events(local, query="?filter=fault")
    events.next("stats")
    put(local, name="good")
    bad = put(local, name="bad", fault=True)
    assert events.next("trace")["trace"]["id"] == bad
    assert local.command("clear").returncode == 0
    assert events.next("cleared") == {"id": None}
    events.close()


def test_wait_for_what_comes(local):
    mark = local.command("wait", "--mark").stdout.strip()
    waiting = subprocess.Popen(
        [BINARY, "wait", "-t", f"127.0.0.1:{local.tcp_port}", "--since", mark]
        + ["--timeout", "20s", "--json", 'service("orders") { !fault }'],
        stdout=subprocess.PIPE,
        text=True,
    )
    put(local, name="shop")
    trace = put(local, name="orders")
    out, _ = waiting.communicate(timeout=30)
    assert waiting.returncode == 0
    assert [json.loads(line)["id"] for line in out.splitlines()] == [trace]


def test_wait_in_vain_tells_the_nearest(local):
    put(local, name="orders", annotations={"order_id": "41"})
    done = local.command(
        "wait", "--timeout", "100ms",
        'service("orders") AND annotation.order_id = "42"',
    )
    assert done.returncode == 1
    assert 'has: "41"' in done.stdout
    assert local.command("wait", "fault >").returncode == 2
    none = local.command("wait", "--none", "--timeout", "100ms", "fault")
    assert none.returncode == 0
    some = local.command("wait", "--none", "--timeout", "5s", "ok")
    assert some.returncode == 1


def test_wait_writes_junit(local, tmp_path):
    put(local, name="orders", annotations={"n": 1})
    questions = [
        {"name": "there", "filter": "annotation.n = 1"},
        {"name": "<no> fault", "filter": "fault", "none": True},
        {"name": "quick", "filter": "ok", "max_duration": 0},
        {"name": "absent", "filter": "annotation.n = 2"},
        {"name": "broken", "filter": "annotation.n ="},
    ]
    file = tmp_path / "questions.json"
    file.write_text(json.dumps(questions))
    report = tmp_path / "junit.xml"
    done = local.command(
        "wait", "--timeout", "500ms", "--assert", str(file),
        "--junit", str(report),
    )
    assert done.returncode == 1
    suite = xml.parse(report).getroot()
    assert suite.get("tests") == "5"
    failed = [c.get("name") for c in suite if c.find("failure") is not None]
    assert failed == ["quick", "absent", "broken"]
    assert suite[1].get("name") == "<no> fault"


def test_export_and_import(local, tmp_path):
    trace = put(local, name="kept", annotations={"n": 1})
    put(local, name="other")
    exported = local.command("export", "annotation.n = 1").stdout
    assert json.loads(exported)["trace_id"] == trace
    assert "2 traces deleted" in local.command("clear").stdout
    file = tmp_path / "traces.ndjson"
    file.write_text(exported + "nonsense\n")
    done = local.command("import", str(file))
    assert done.stdout == "1 of 2 documents imported\n"
    assert "document 2: ParseError" in done.stderr
    assert done.returncode == 1
    words = ["--timeout", "50s", "annotation.n = 1"]
    assert local.command("wait", *words).returncode == 0


HOSTILE = "a\x1b[2J\x07\u009b31m\u202eevil\ufeff"


def test_hostile_text_is_made_visible(local):
    trace = put(
        local,
        name="shop",
        fault=True,
        http={"request": {"method": HOSTILE, "url": "http://x/" + HOSTILE}},
        cause={
            "exceptions": [
                {"id": "00000000000000aa", "type": HOSTILE, "message": HOSTILE}
            ]
        },
    )
    for words in (["ls"], ["show", trace], ["wait", "fault"]):
        out = local.command(*words).stdout
        assert "\\x1b[2J\\x07\\u009b31m\\u202eevil\\ufeff" in out
        assert not any(c in out for c in "\x1b\x07\u009b\u202e\ufeff")


def test_links_between_traces(local):
    sent, span = put(local, name="shop"), "00000000000000ab"
    link = {"trace_id": sent, "id": "00000000000000aa"}
    taken = put(
        local,
        name="worker",
        links=[
            {**link, "attributes": {"x": [1]}},
            {"trace_id": "1-5-6", "id": "00000000000000aa"},
            7,
        ],
        subsegments=[
            {
                "id": span,
                "name": "batch",
                "start_time": 1.0,
                "links": [{"trace_id": sent.replace("-", "")[1:]}],
            }
        ],
    )
    own = get(local, f"/api/traces/{taken}")[1]
    (segment_id, _) = [row["id"] for row in own["rows"]]
    assert own["links"] == {
        "to": [
            {**link, "from": segment_id},
            {"trace_id": sent, "id": "", "from": span},
        ],
        "from": [],
    }
    assert get(local, f"/api/traces/{sent}")[1]["links"] == {
        "to": [],
        "from": [
            {
                "trace_id": taken,
                "id": segment_id,
                "to": "00000000000000aa",
                "name": "worker",
            },
            {"trace_id": taken, "id": span, "to": "", "name": "batch"},
        ],
    }
    graph = get(local, "/api/graph")[1]
    names = [node["name"] for node in graph["nodes"]]
    (edge,) = [e for e in graph["edges"] if e["link"]]
    assert (names[edge["from"]], names[edge["to"]]) == ("shop", "worker")
    assert (edge["total"], graph["traces"], graph["complete"]) == (1, 2, True)
    lines = local.command("show", taken).stdout.splitlines()
    assert lines[-1] == f"links to {sent}"
    lines = local.command("show", sent).stdout.splitlines()
    assert lines[-2:] == [
        f"linked from {taken} worker",
        f"linked from {taken} batch",
    ]
    change = {"X-Xray-Relay": "1"}
    local.request("DELETE", f"/api/traces/{taken}", headers=change)
    assert get(local, f"/api/traces/{sent}")[1]["links"]["from"] == []


def shop(relay, start, **subsegment):
    """A trace with one call in it; gives its id."""
    document = json.loads(segment(name="shop"))
    document["start_time"], document["end_time"] = start, start + 0.5
    inner = {"id": "00000000000000aa", "start_time": start, **subsegment}
    document["subsegments"] = [{"end_time": start + 0.25, **inner}]
    return put(relay, **document)


def test_diff_of_two(local):
    now = time.time() - 60
    a = shop(local, now, name="look up", end_time=now + 0.125)
    b = shop(local, now, name="look up", fault=True)
    c = shop(local, now, name=HOSTILE)
    lines = local.command("diff", a, b).stdout.splitlines()
    assert a in lines[0] and b in lines[1]
    row = next(line for line in lines if "look up" in line)
    assert row.startswith("~") and "ok → fault" in row
    assert row.split()[3:6] == ["125ms", "250ms", "+125ms"]
    assert "calls 1, 1" in lines[-1]
    added = local.command("diff", a, c).stdout
    assert re.search(r"^- +look up", added, re.M)
    assert re.search(r"^\+ +a\\x1b", added, re.M) and "\x1b" not in added
    answer = json.loads(local.command("diff", "--json", a, b).stdout)
    assert answer["a"]["id"] == a
    assert local.command("diff", a).returncode == 1
    none = local.command("diff", a, a[:-4] + "0000")
    assert none.returncode == 1 and "no trace b" in none.stderr


def test_tail_prints_what_settles_and_ends_on_a_fault(local):
    tail = subprocess.Popen(
        [BINARY, "tail", "-t", f"127.0.0.1:{local.tcp_port}", "--fail"],
        stdout=subprocess.PIPE,
        text=True,
    )
    stream = Events(local)
    stream.next("stats")
    deadline = time.monotonic() + 20
    while tail.poll() is None and time.monotonic() < deadline:
        put(local, name="good")
        trace = put(local, name="bad", fault=True)
        stream.next("stats")
    stream.close()
    out = tail.communicate(timeout=5)[0]
    assert tail.returncode == 1
    assert "bad" in out and trace[:10] in out


def test_tail_listens_itself_where_nobody_does(make_relay):
    relay = make_relay(env=NO_ACCOUNT)
    relay.judged = False  # its child keeps the ledger
    at = f"127.0.0.1:{relay.udp_port}"
    state = relay.directory / "state"
    tail = subprocess.Popen(
        [BINARY, "tail", "-b", at, "-t", at, "--json", "--fail", "fault"],
        env={**relay.env, "XDG_STATE_HOME": str(state)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    greeting = [tail.stderr.readline() for _ in range(4)]
    assert at in greeting[0] and ":memory:" in greeting[2]
    relay.tcp_port = relay.udp_port
    deadline = time.monotonic() + 30
    while tail.poll() is None and time.monotonic() < deadline:
        documents = [segment(name="good"), segment(name="bad", fault=True)]
        with contextlib.suppress(OSError, HTTPException):  # it may be ending
            relay.put(*documents)
        with contextlib.suppress(subprocess.TimeoutExpired):
            tail.wait(0.5)
    out, errors = tail.communicate(timeout=30)
    assert tail.returncode == 1, errors
    names = {json.loads(line)["name"] for line in out.splitlines()}
    assert names == {"bad"}
    assert not state.exists()
    with pytest.raises(OSError):  # the child is gone with it
        relay.request("GET", "/healthz")


def test_env_makes_the_cli_work(local):
    done = local.command("env", env={"AWS_REGION": "eu-west-1"})
    lines = dict(
        line.removeprefix("export ").split("=", 1)
        for line in done.stdout.splitlines()
    )
    url = f"'http://127.0.0.1:{local.tcp_port}'"
    assert lines["AWS_ENDPOINT_URL_XRAY"] == url
    assert "AWS_REGION" not in lines
    assert "AWS_DEFAULT_REGION" in lines


def test_nobody_there():
    done = subprocess.run(
        [BINARY, "ls", "-t", f"127.0.0.1:{free_port()}"],
        env={**os.environ, "XDG_STATE_HOME": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 1
    assert "start `xray-relay local`" in done.stderr


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1:1"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({}, 200),
    ],
)
def test_other_sites_are_refused(local, headers, status):
    assert get(local, "/api/traces", **headers)[0] == status


def test_a_form_can_change_nothing(local):
    put(local, name="kept")
    for headers in ({}, {"Content-Type": "text/plain"}):
        answer = local.request("DELETE", "/api/traces", headers=headers)
        assert answer.status == 415
    assert len(get(local, "/api/traces")[1]["traces"]) == 1
