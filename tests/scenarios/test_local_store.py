# SPDX-License-Identifier: Apache-2.0
"""Local mode's store as a user meets it: it keeps groups and rules, turns a
second process away, and answers nobody but this machine."""

import json
import os
import stat
from urllib.parse import quote

SECOND = 1790000000


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


def test_things_are_kept(make_relay, tmp_path):
    store = tmp_path / "folder" / "kept.db"
    local = make_relay()
    local.judged = False  # two processes write this log
    local.start_local(store=store)
    local.send(document(1))
    body = json.dumps({"GroupName": "g", "FilterExpression": "fault"})
    assert local.request("POST", "/CreateGroup", body).status == 200
    assert local.stop() == 0
    assert stat.S_IMODE(os.stat(store).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(store.parent).st_mode) == 0o700
    local.start_local(store=store)
    groups = json.loads(local.request("POST", "/Groups").body)["Groups"]
    assert groups[1]["FilterExpression"] == "fault"
    window = json.dumps({"StartTime": SECOND, "EndTime": SECOND + 1})
    answer = json.loads(local.request("POST", "/TraceSummaries", window).body)
    assert answer["TracesProcessedCount"] == 1


def test_a_second_process_is_turned_away(make_relay, tmp_path):
    store = tmp_path / "one.db"
    local = make_relay().start_local(store=store)
    second = make_relay()
    second.judged = False  # it ends by itself
    second.start_local(store=store, ready=False)
    assert second.process.wait(20) == 1
    assert f"in use by process {local.process.pid}" in second.output()


def test_hosts_and_origins(make_relay):
    local = make_relay().start_local("--allow-host", "xray,other")
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


def test_other_addresses_are_asked_for_twice(make_relay):
    local = make_relay()
    words = local.local_words(host="0.0.0.0")
    local.run(words, ready=False)
    assert local.process.wait(20) == 1
    assert "--allow-remote" in local.output()
    local.run([*words, "--allow-remote"])
    local.wait_log("/?token=")
    token = local.log().split("/?token=")[1].split()[0]
    assert local.request("POST", "/Groups", "{}").status == 401
    assert local.request("POST", "/GetSamplingRules", "{}").status == 200
    assert local.put(document(1)).status == 200
    bearer = {"Authorization": f"Bearer {token}"}
    assert local.request("POST", "/Groups", "{}", bearer).status == 200
    for key, status in ((token, 200), (token[:-1], 401), ("", 401)):
        signed = {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/"
            "us-east-1/xray/aws4_request, SignedHeaders=host, Signature=00"
        }
        answer = local.request("POST", "/Groups", "{}", signed)
        assert answer.status == status, key


def test_a_token_of_ones_own(make_relay):
    local = make_relay(env={"XRAY_RELAY_TOKEN": "0123456789abcdef"})
    local.run(local.local_words("--allow-remote", host="0.0.0.0"))
    own = {"Authorization": "Bearer 0123456789abcdef"}
    other = {"Authorization": "Bearer 0123456789abcdee"}
    assert local.request("POST", "/Groups", "{}", own).status == 200
    assert local.request("POST", "/Groups", "{}", other).status == 401


def found(relay, text):
    answer = relay.request("GET", f"/api/traces?q={quote(text)}")
    return [t["name"] for t in json.loads(answer.body)["traces"]]


def test_text_is_found_with_and_without_the_index(make_relay, tmp_path):
    local = make_relay()
    texts = ["Bank.example \u00fc", 'say "hi"', "100%_*", "or NOT and"]
    documents = []
    for n, text in enumerate(texts):
        value = json.loads(document(3 * n))
        documents.append(json.dumps({**value, "name": text}))
    asked = ["bank.EX", "\u00fc", '"hi', "%_*", "NOT", "an", "xyz", "svc\0"]
    answers = []
    for words in ([], ["--index-text"], [], ["--index-text"]):
        local.start_local(*words, store=tmp_path / "text.db")
        if documents:
            local.put(*documents)
            documents = []
        answers.append([found(local, text) for text in asked])
        assert local.stop() == 0
    assert answers[0][0] == [texts[0]] and answers[0][6] == []
    assert all(a == answers[0] for a in answers)
