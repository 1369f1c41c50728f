# SPDX-License-Identifier: Apache-2.0
"""Faults on purpose in local mode: what a client sees, and that each is
counted."""

import http.client
import json
import time

import pytest

from harness.documents import segment
from harness.waiting import until


def set_faults(relay, *faults):
    answer = relay.request(
        "POST", "/api/faults", json.dumps({"faults": faults}),
        {"Content-Type": "application/json"},
    )
    return answer.status, json.loads(answer.body)


def counts(relay):
    health = json.loads(relay.get("/api/health").body)
    return {f["fault"]: (f["seen"], f["injected"]) for f in health["faults"]}


def test_statuses(make_relay):
    relay = make_relay().start_local(
        "--fault", "GetSamplingRules:429,PutTraceSegments:503"
    )
    answer = relay.request("POST", "/GetSamplingRules", "{}")
    assert answer.status == 429
    assert answer.getheader("x-amzn-ErrorType") == "ThrottledException"
    assert json.loads(answer.body)["__type"] == "ThrottledException"
    assert relay.request("POST", "/SamplingTargets", "{}").status == 200
    assert relay.request("POST", "/TraceSegments", "{}").status == 503
    assert counts(relay) == {
        "GetSamplingRules:429": (1, 1), "PutTraceSegments:503": (1, 1),
    }
    assert set_faults(relay) == (200, {"faults": []})
    assert relay.request("POST", "/GetSamplingRules", "{}").status == 200


def test_a_share(local):
    assert set_faults(local, "*:500:30%")[0] == 200
    asked = [local.request("POST", "/Groups", "{}") for _ in range(100)]
    failed = sum(a.status == 500 for a in asked)
    assert 0 < failed < 100
    assert counts(local) == {"*:500:30%": (100, failed)}


def test_late_and_cut(local):
    set_faults(local, "PutTraceSegments:delay=300ms", "GetGroups:cut")
    begun = time.monotonic()
    assert local.put(segment(name="late")).status == 200
    assert time.monotonic() - begun >= 0.3
    assert json.loads(local.get("/api/health").body)["documents"] == 1
    with pytest.raises((http.client.HTTPException, OSError)):
        local.request("POST", "/Groups", "{}")
    # one that goes away while it is held
    set_faults(local, "*:delay=60s")
    with pytest.raises(OSError):
        local.request("POST", "/Groups", "{}", timeout=0.3)


def test_datagrams_are_dropped_and_counted(make_relay):
    relay = make_relay().start_local("--fault", "udp:drop=50%")
    for n in range(100):
        relay.send(segment(name=f"service{n}"))
    until(lambda: counts(relay)["udp:drop=50%"][0] == 100, 20)
    dropped = counts(relay)["udp:drop=50%"][1]
    assert 0 < dropped < 100
    metrics = relay.get("/metrics").body.decode()
    assert f'reason="injected"}} {dropped}\n' in metrics
    until(
        lambda: json.loads(relay.get("/api/health").body)["documents"]
        == 100 - dropped,
        20,
    )


@pytest.mark.parametrize(
    "fault", ["GetSamplingRules", "Nothing:429", "GetGroups:200", "udp:429",
              "GetGroups:429:0%", "GetGroups:delay=2", "udp:drop=101%", ""]
)
def test_nonsense_is_refused(local, fault):
    status, answer = set_faults(local, "GetGroups:429", fault)
    assert status == 400
    assert "fault" in answer["error"]["message"]
    assert json.loads(local.get("/api/faults").body) == {"faults": []}
