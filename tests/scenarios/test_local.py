# SPDX-License-Identifier: Apache-2.0
"""`xray-relay local`: no account, no region, no credentials; each trace is
printed as it settles, and SDKs sample everything."""

import json

from harness import programs
from harness.documents import segment
from harness.relay import NO_ACCOUNT

def test_trace_is_printed(make_relay):
    relay = make_relay(env=NO_ACCOUNT).start_local()
    document = segment(name="orders")
    relay.send(document)
    relay.wait_log("orders")
    relay.wait_log(json.loads(document)["trace_id"])


def test_tree_of_a_real_program(make_relay):
    relay = make_relay(env=NO_ACCOUNT).start_local("--tree")
    programs.run(
        "python/app.py", 2, tcp_port=relay.tcp_port, udp_port=relay.udp_port
    )
    for text in ("web", "database", "job", "step59"):
        relay.wait_log(text)


def test_sampling_calls_are_answered(make_relay):
    relay = make_relay(env=NO_ACCOUNT).start_local()
    answer = relay.request("POST", "/GetSamplingRules", b"{}")
    rules = json.loads(answer.body)["SamplingRuleRecords"]
    assert answer.status == 200
    assert rules[0]["SamplingRule"]["FixedRate"] == 1
    answer = relay.request("POST", "/SamplingTargets", b"{}")
    assert answer.status == 200
    assert "SamplingTargetDocuments" in json.loads(answer.body)
