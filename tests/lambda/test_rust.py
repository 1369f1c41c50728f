# SPDX-License-Identifier: Apache-2.0
"""The walkthrough's function and configuration, with its crates; built by
`make test-clients`."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FUNCTION = ROOT / "build" / "clients" / "walkthrough"
CONFIGURATION = Path(__file__).parent / "walkthrough.yaml"

pytestmark = pytest.mark.skipif(
    not FUNCTION.exists(), reason="not built: make test-clients"
)


@pytest.fixture
def function(make_lambda):
    return make_lambda(
        command=[str(FUNCTION)],
        env={"OPENTELEMETRY_COLLECTOR_CONFIG_URI": f"file:{CONFIGURATION}"},
    )


def documents(xray):
    return [json.loads(d) for d in xray.documents]


def check(document, invocation):
    assert document["name"] == "detect-label"
    assert document["type"] == "subsegment"
    assert document["trace_id"] == invocation.root
    assert document["parent_id"] == invocation.parent
    assert '"label_num": 2' in json.dumps(document)


def test_each_call_is_delivered(function, xray, number):
    made = [function.invoke({}) for _ in range(12)]
    function.shutdown()
    traces = {d["trace_id"]: d for d in documents(xray)}
    for invocation in made:
        check(traces[invocation.root], invocation)
    assert len(xray.documents) == len(made)
    number(response=f"{made[-1].response_ms():.1f} ms")


def test_shutdown_as_in_the_original(function, xray):
    """The first call arrives; the later ones send nothing, and answer."""
    made = [function.invoke({"shutdown": True}) for _ in range(4)]
    function.shutdown()
    (document,) = documents(xray)
    check(document, made[0])
