# SPDX-License-Identifier: Apache-2.0
"""Local mode's store as a user meets it: it keeps groups and rules, turns a
second process away, and answers nobody but this machine."""

import json
import os
import stat
from urllib.parse import quote

import pytest

from harness.relay import BINARY

SECOND = 1790000000


def start(relay, *words):
    address = f"127.0.0.1:{relay.udp_port}"
    command = [BINARY, "local", "-c", "cfg.yaml", "-b", address, "-t", address]
    return relay.run([*command, *words])


@pytest.fixture
def local(make_relay):
    relay = make_relay()
    (relay.directory / "cfg.yaml").write_text(json.dumps(relay.config))
    return relay


def document(n):
    return json.dumps(
        {
            "name": "svc",
            "id": f"{n:016x}",
            "trace_id": f"1-{SECOND:08x}-{n // 3:024x}",
            "start_time": SECOND,
            "end_time": SECOND + 1,
            "annotations": {"n": n},
        }
    )


def put(relay, documents):
    body = json.dumps({"TraceSegmentDocuments": documents})
    return relay.request("POST", "/TraceSegments", body, timeout=5)


def test_things_are_kept(local):
    store = local.directory / "folder" / "kept.db"
    local.judged = False  # two processes write this log
    start(local, "--store", str(store))
    local.send(document(1))
    body = json.dumps({"GroupName": "g", "FilterExpression": "fault"})
    assert local.request("POST", "/CreateGroup", body).status == 200
    assert local.stop() == 0
    assert stat.S_IMODE(os.stat(store).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(store.parent).st_mode) == 0o700
    start(local, "--store", str(store))
    groups = json.loads(local.request("POST", "/Groups").body)["Groups"]
    assert groups[1]["FilterExpression"] == "fault"
    window = json.dumps({"StartTime": SECOND, "EndTime": SECOND + 1})
    answer = json.loads(local.request("POST", "/TraceSummaries", window).body)
    assert answer["TracesProcessedCount"] == 1


def test_a_second_process_is_turned_away(local, make_relay):
    store = local.directory / "one.db"
    start(local, "--store", str(store))
    second = make_relay()
    second.judged = False  # it ends by itself
    (second.directory / "cfg.yaml").write_text(json.dumps(second.config))
    address = f"127.0.0.1:{second.udp_port}"
    second.run(
        [BINARY, "local", "-c", "cfg.yaml", "-b", address, "-t", address,
         "--store", str(store)],
        ready=False,
    )
    assert second.process.wait(20) == 1
    assert f"in use by process {local.process.pid}" in second.output()


def test_hosts_and_origins(local):
    start(local, "--store", ":memory:", "--allow-host", "xray,other")
    port = local.tcp_port
    for headers, status in (
        ({"Host": f"127.0.0.1:{port}"}, 200),
        ({"Host": f"localhost:{port}"}, 200),
        ({"Host": f"xray:{port}"}, 200),
        ({"Host": f"evil.example:{port}"}, 421),
        ({"Host": "127.0.0.1:1"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ):
        answer = local.request("POST", "/Groups", "{}", headers)
        assert answer.status == status, headers
        answer = local.request("POST", "/v1/traces", "{}", {
            "Content-Type": "application/json", **headers,
        })
        assert answer.status == status, headers


def test_other_addresses_are_asked_for_twice(local):
    words = [BINARY, "local", "-c", "cfg.yaml", "--store", ":memory:"]
    address = f"0.0.0.0:{local.udp_port}"
    bind = ["-b", address, "-t", address]
    local.run(words + bind, ready=False)
    assert local.process.wait(20) == 1
    assert "--allow-remote" in local.output()
    local.run(words + bind + ["--allow-remote"])
    local.wait_log("/?token=")
    token = local.log().split("/?token=")[1].split()[0]
    assert local.request("POST", "/Groups", "{}").status == 401
    assert local.request("POST", "/GetSamplingRules", "{}").status == 200
    assert put(local, [document(1)]).status == 200
    bearer = {"Authorization": f"Bearer {token}"}
    assert local.request("POST", "/Groups", "{}", bearer).status == 200
    for key, status in ((token, 200), (token[:-1], 401), ("", 401)):
        signed = {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/"
            "us-east-1/xray/aws4_request, SignedHeaders=host, Signature=00"
        }
        answer = local.request("POST", "/Groups", "{}", signed)
        assert answer.status == status, key


def test_a_token_of_ones_own(local):
    local.env["XRAY_RELAY_TOKEN"] = "0123456789abcdef"
    address = f"0.0.0.0:{local.udp_port}"
    local.run(
        [BINARY, "local", "-c", "cfg.yaml", "--store", ":memory:",
         "-b", address, "-t", address, "--allow-remote"]
    )
    own = {"Authorization": "Bearer 0123456789abcdef"}
    other = {"Authorization": "Bearer 0123456789abcdee"}
    assert local.request("POST", "/Groups", "{}", own).status == 200
    assert local.request("POST", "/Groups", "{}", other).status == 401


def found(relay, text):
    answer = relay.request("GET", f"/api/traces?q={quote(text)}")
    return [t["name"] for t in json.loads(answer.body)["traces"]]


def test_text_is_found_with_and_without_the_index(local):
    store = str(local.directory / "text.db")
    texts = ["Bank.example \u00fc", 'say "hi"', "100%_*", "or NOT and"]
    documents = []
    for n, text in enumerate(texts):
        value = json.loads(document(3 * n))
        documents.append(json.dumps({**value, "name": text}))
    asked = ["bank.EX", "\u00fc", '"hi', "%_*", "NOT", "an", "xyz", "svc\0"]
    answers = []
    for words in ([], ["--index-text"], [], ["--index-text"]):
        start(local, "--store", store, *words)
        if documents:
            put(local, documents)
            documents = []
        answers.append([found(local, text) for text in asked])
        assert local.stop() == 0
    assert answers[0][0] == [texts[0]] and answers[0][6] == []
    assert all(a == answers[0] for a in answers)
