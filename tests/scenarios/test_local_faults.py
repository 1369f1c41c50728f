# SPDX-License-Identifier: Apache-2.0
"""Faults on purpose in local mode: what a client sees, and that each is
counted."""

import http.client
import json
import time

import pytest

from harness.documents import segment
from harness.relay import BINARY
from harness.waiting import until


@pytest.fixture
def start(make_relay):
    def run(*words):
        relay = make_relay()
        (relay.directory / "cfg.yaml").write_text(json.dumps(relay.config))
        at = f"127.0.0.1:{relay.udp_port}"
        return relay.run(
            [BINARY, "local", "-c", "cfg.yaml", "-b", at, "-t", at, "--store",
             ":memory:", *words]
        )

    return run


def set_faults(relay, *faults):
    answer = relay.request(
        "POST", "/api/faults", json.dumps({"faults": faults}),
        {"Content-Type": "application/json"},
    )
    return answer.status, json.loads(answer.body)


def counts(relay):
    health = json.loads(relay.get("/api/health").body)
    return {f["fault"]: (f["seen"], f["injected"]) for f in health["faults"]}


def test_statuses(start):
    relay = start("--fault", "GetSamplingRules:429,PutTraceSegments:503")
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


def test_a_share(start):
    relay = start()
    assert set_faults(relay, "*:500:30%")[0] == 200
    asked = [relay.request("POST", "/Groups", "{}") for _ in range(100)]
    failed = sum(a.status == 500 for a in asked)
    assert 0 < failed < 100
    assert counts(relay) == {"*:500:30%": (100, failed)}


def test_late_and_cut(start):
    relay = start()
    set_faults(relay, "PutTraceSegments:delay=300ms", "GetGroups:cut")
    body = json.dumps({"TraceSegmentDocuments": [segment(name="late")]})
    begun = time.monotonic()
    assert relay.request("POST", "/TraceSegments", body).status == 200
    assert time.monotonic() - begun >= 0.3
    assert json.loads(relay.get("/api/health").body)["documents"] == 1
    with pytest.raises((http.client.HTTPException, OSError)):
        relay.request("POST", "/Groups", "{}")
    # one that goes away while it is held
    set_faults(relay, "*:delay=60s")
    with pytest.raises(OSError):
        relay.request("POST", "/Groups", "{}", timeout=0.3)


def test_datagrams_are_dropped_and_counted(start):
    relay = start("--fault", "udp:drop=50%")
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
def test_nonsense_is_refused(start, fault):
    relay = start()
    status, answer = set_faults(relay, "GetGroups:429", fault)
    assert status == 400
    assert "fault" in answer["error"]["message"]
    assert json.loads(relay.get("/api/faults").body) == {"faults": []}
