# SPDX-License-Identifier: Apache-2.0
"""What the Live view of local mode is told: refused documents with the reason,
who sends, which samplers poll, and when a listener last heard something."""

import json

import pytest

from harness.documents import segment
from harness.waiting import until

TRACE = "1-6921a4f1-8c02be7740d91f35a6e2c0b4"


def live(relay):
    return json.loads(relay.request("GET", "/api/live").body)


def put(relay, *texts):
    return json.loads(relay.put(*texts).body)["UnprocessedTraceSegments"]


def test_nothing_came_yet(local):
    told = live(local)
    for name in ("refused_documents", "senders", "samplers"):
        assert told[name] == []
    assert {li["last"] for li in told["listeners"]} == {None}


def test_refused_documents(local):
    bad = json.dumps({"id": "5c9e0b1f2a3d4e5f", "trace_id": "1-2-3"})
    assert put(local, bad, "nonsense")[0]["ErrorCode"] == "InvalidTraceId"
    local.send_raw(b'{"no": "header"}\n{}')
    until(lambda: len(live(local)["refused_documents"]) == 3)
    header, parse, trace = live(local)["refused_documents"]
    assert (trace["code"], trace["text"]) == ("InvalidTraceId", bad)
    assert trace["listener"] == "X-Ray daemon tcp"
    assert trace["peer"].startswith("127.0.0.1:")
    assert "24 hex" in trace["hint"]
    assert (parse["code"], parse["text"]) == ("ParseError", "nonsense")
    assert parse["hint"]
    assert (header["code"], header["peer"]) == ("BadHeader", "")
    assert header["listener"] == "X-Ray daemon udp"
    told = live(local)
    assert told["refused"] == 3
    assert told["listeners"][1]["refused"] == 2


def test_a_refused_import(local):
    local.request(
        "POST",
        "/api/import",
        b'{"name": "n", "id": "5c9e0b1f2a3d4e5f"}',
        {"Content-Type": "application/json"},
    )
    (refused,) = live(local)["refused_documents"]
    assert refused["code"] == "MissingTraceId"
    assert refused["listener"] == "import"


def test_senders_by_their_sdk(local):
    xray = {"sdk": "X-Ray for Python", "sdk_version": "2.15.0"}
    for i in range(3):
        document = segment(id=f"{i:016x}", trace_id=TRACE, aws={"xray": xray})
        assert put(local, document) == []
    assert put(local, segment(metadata={"sdk": "none"})) == []
    (sender,) = live(local)["senders"]
    assert (sender["name"], sender["version"]) == tuple(xray.values())
    assert sender["documents"] == 3
    assert live(local)["listeners"][1]["last"] == pytest.approx(
        sender["last"], abs=60
    )


def test_samplers_and_their_polls(local):
    agent = {"User-Agent": "sampler/1"}
    local.request("POST", "/GetSamplingRules", b"", agent)
    (sampler,) = live(local)["samplers"]
    assert sampler["client"] == "127.0.0.1 sampler/1"
    assert (sampler["rules"], sampler["targets"]) == (1, 0)
    assert sampler["next"] is None  # somebody may have asked by hand
    for client in ("a" * 24, "b" * 24):
        report = {
            "RuleName": "Default",
            "ClientID": client,
            "Timestamp": 1,
            "RequestCount": 1,
            "SampledCount": 1,
        }
        body = json.dumps({"SamplingStatisticsDocuments": [report]}).encode()
        local.request("POST", "/SamplingTargets", body, agent)
    (sampler,) = live(local)["samplers"]
    assert (sampler["targets"], sampler["processes"]) == (2, 2)
    assert sampler["next"] >= sampler["last_targets"]


def test_strict_refuses_what_is_old_ahead_or_large(make_relay):
    relay = make_relay().start_local("--strict")
    for second in (0x5F000000, 0xF0000000):
        text = segment(trace_id=f"1-{second:08x}-{'a' * 24}")
        assert put(relay, text)[0]["ErrorCode"] == "InvalidTraceId"
    assert put(relay, segment()) == []
    large = segment(pad=70000).encode()
    change = {"Content-Type": "application/json"}
    answer = relay.request("POST", "/api/import", large, change)
    assert json.loads(answer.body)["refused"] == [
        {"at": 1, "code": "SegmentTooLarge"}
    ]


def test_what_aws_would_refuse_is_told_of(local):
    trace = f"1-5f000000-{'b' * 24}"
    text = segment(trace_id=trace, annotations={"a-b": 1, "fine_1": 2})
    assert put(local, text) == []
    answer = local.request("GET", f"/api/traces/{trace}?documents=0")
    told = json.loads(answer.body)["warnings"]
    assert len(told) == 2
    assert "30 days" in told[0]["text"]
    assert '"a-b"' in told[1]["text"]


def test_rate_of_the_default_rule(make_relay):
    relay = make_relay().start_local("--sampling-rate", "0.25")
    answer = relay.request("POST", "/GetSamplingRules", b"")
    (record,) = json.loads(answer.body)["SamplingRuleRecords"]
    assert record["SamplingRule"]["FixedRate"] == 0.25
    report = {
        "RuleName": "Default",
        "ClientID": "c" * 24,
        "Timestamp": 1,
        "RequestCount": 1,
        "SampledCount": 1,
    }
    body = json.dumps({"SamplingStatisticsDocuments": [report]}).encode()
    answer = relay.request("POST", "/SamplingTargets", body)
    (target,) = json.loads(answer.body)["SamplingTargetDocuments"]
    assert target["FixedRate"] == 0.25
