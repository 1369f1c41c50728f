# SPDX-License-Identifier: Apache-2.0
"""The SDKs' own sampling pollers through the TCP port: rules of the backend
reach them, and a dead or slow backend harms no program."""

import json

import pytest

from harness import programs
from harness.fake_xray import DEFAULT_RULE, RULES, TARGETS
from harness.server import Answer
from harness.waiting import until

PROGRAMS = ["python/sampled.py", "node/sampled.js"]
PROGRAM_S = 60  # a loaded machine starts programs slowly


@pytest.fixture
def start(tmp_path):
    running = []

    def make(name, relay):
        running.append(
            programs.Running(
                name,
                tmp_path,
                tcp_port=relay.tcp_port,
                udp_port=relay.udp_port,
            )
        )
        return running[-1]

    yield make
    for program in running:
        assert program.stop() == 0, program.lines()[-20:]


def rules(rate, **members):
    rule = {**DEFAULT_RULE, "FixedRate": rate, "ReservoirSize": 0, **members}
    record = {"SamplingRule": rule, "CreatedAt": 0, "ModifiedAt": 0}
    return {"SamplingRuleRecords": [record]}


@pytest.mark.parametrize("name", PROGRAMS)
def test_rules_reach_the_sdk(name, relay, xray, start):
    program = start(name, relay)
    until(lambda: xray.calls("GetSamplingRules"), PROGRAM_S)
    until(lambda: any("sampled" in x for x in program.lines()), PROGRAM_S)
    call = xray.calls("GetSamplingRules")[0]
    assert json.loads(call.body) in ({}, None) or "NextToken" in call.json()
    assert call.answer.status == 200


def test_unsampled_by_the_backends_rule(relay, xray, start):
    xray.on_call = lambda r: (
        Answer.of(rules(0.0)) if r.path == "/GetSamplingRules" else None
    )
    program = start("node/sampled.js", relay)
    until(lambda: program.lines()[-3:] == ["served none"] * 3, PROGRAM_S)


@pytest.mark.parametrize("name", PROGRAMS)
def test_targets_are_polled(name, relay, xray, start):
    start(name, relay)
    until(lambda: xray.calls("SamplingTargets"), PROGRAM_S)
    statistics = xray.calls("SamplingTargets")[0].json()
    assert statistics["SamplingStatisticsDocuments"][0]["RuleName"] == "Default"


@pytest.mark.parametrize("name", PROGRAMS)
def test_dead_backend(name, relay, xray, start):
    xray.stop()
    program = start(name, relay)
    until(lambda: len(program.lines()) >= 40, PROGRAM_S)
    assert not any("Traceback" in x for x in program.lines())


@pytest.mark.parametrize("name", PROGRAMS)
def test_hanging_backend(name, relay, xray, start):
    """The program goes on while its poll waits for an answer."""
    xray.on_call = lambda r: Answer.of(RULES, delay=5)
    program = start(name, relay)
    until(lambda: len(program.lines()) >= 40, PROGRAM_S)
    assert not any("Traceback" in x for x in program.lines())


def call(relay, operation, body=b"{}", **more):
    answer = relay.request("POST", "/" + operation, body, **more)
    return answer.status, json.loads(answer.body)


def test_empty_documents_when_the_backend_never_answered(relay, xray):
    xray.stop()
    status, value = call(relay, "GetSamplingRules")
    assert (status, value["SamplingRuleRecords"]) == (200, [])
    status, value = call(relay, "SamplingTargets")
    assert (status, value["SamplingTargetDocuments"]) == (200, [])
    assert value["UnprocessedStatistics"] == []
    status, value = call(relay, "SamplingStatisticSummaries")
    assert (status, value["SamplingStatisticSummaries"]) == (200, [])


@pytest.mark.parametrize(
    "failure", [Answer(500), Answer(429), Answer(reset=True)]
)
def test_last_good_rules_outlive_the_backend(failure, relay, xray):
    assert call(relay, "GetSamplingRules") == (200, RULES)
    xray.on_call = lambda r: failure
    assert call(relay, "GetSamplingRules") == (200, RULES)


def test_changed_rules_arrive(relay, xray):
    assert call(relay, "GetSamplingRules") == (200, RULES)
    changed = rules(0.25, SamplingRateBoost={"MaxRate": 0.5, "X": [1, None]})
    xray.on_call = lambda r: Answer.of(changed)
    assert call(relay, "GetSamplingRules") == (200, changed)


def test_bodies_pass_untouched(relay, xray):
    body = b'{"SamplingStatisticsDocuments":[],\n "New" : 1.50, "x":"\\u00e9"}'
    odd = b'{ "SamplingTargetDocuments":[ ] , "Future" : {"b":1.0e2} }'
    xray.on_call = lambda r: Answer(200, odd)
    answer = relay.request("POST", "/SamplingTargets", body)
    assert answer.body == odd
    assert xray.calls("SamplingTargets")[0].body == body


def test_slow_backend(relay, xray):
    xray.on_call = lambda r: Answer.of(TARGETS, delay=3)
    assert call(relay, "SamplingTargets", timeout=20) == (200, TARGETS)
