# SPDX-License-Identifier: Apache-2.0
"""The collector's file in a function: the walkthrough's, and what its
processors do."""

import json
from pathlib import Path

import pytest

from emulator.judge import delivered, ids, run

WALKTHROUGH = Path(__file__).parent / "walkthrough.yaml"
PIPELINE = """
receivers: {otlp: {protocols: {http: }}}
exporters: {awsxray: }
service:
  pipelines:
    traces: {receivers: [otlp], processors: [%s], exporters: [awsxray]}
"""


def documents(xray):
    return [json.loads(d) for d in xray.documents]


def test_walkthrough(make_lambda, xray):
    """OTLP by gRPC; the subsegment has the parent that the platform gave."""
    env = {"OPENTELEMETRY_COLLECTOR_CONFIG_URI": f"file:{WALKTHROUGH}"}
    function = make_lambda(env=env, timeout=10)
    made, sent = run(function, 10, 0, via="grpc")
    function.shutdown()
    assert delivered(xray) == set(sent)
    traces = {i.root: i.parent for i in made}
    for document in documents(xray):
        assert document["name"] == "detect-label"
        assert document["parent_id"] == traces[document["trace_id"]]
        assert document["type"] == "subsegment"
        assert "label_num" in json.dumps(document)
    assert "[Warn]" not in function.log()
    assert '"detect-label"' in function.log()  # by the logging exporter


def test_old_name_of_the_variable(make_lambda, xray):
    env = {"OPENTELEMETRY_COLLECTOR_CONFIG_FILE": WALKTHROUGH}
    function = make_lambda(env=env)
    function.invoke({"ids": ids(1)})
    function.shutdown()
    assert delivered(xray) == set(ids(1))
    assert "the old name" in function.log()


@pytest.mark.parametrize("source", ["yaml:{}", "env:TEXT"])
def test_configuration_out_of_a_variable(make_lambda, xray, source):
    text = PIPELINE % ""
    env = {
        "OPENTELEMETRY_COLLECTOR_CONFIG_URI": source.replace("{}", text),
        "TEXT": text,
    }
    function = make_lambda(env=env)
    function.invoke({"ids": ids(1)})
    assert "4317" not in function.log()  # only HTTP is named
    function.shutdown()
    assert delivered(xray) == set(ids(1))


def test_processors(make_lambda, xray):
    text = PIPELINE % "resourcedetection, resource, attributes"
    text += """
processors:
  resourcedetection: {detectors: [env, lambda]}
  resource:
    attributes: [{key: team, value: "${env:TEAM:-none}", action: upsert}]
  attributes:
    actions: [{key: label_num, action: delete}]
"""
    env = {
        "OPENTELEMETRY_COLLECTOR_CONFIG_URI": "yaml:" + text,
        "OTEL_RESOURCE_ATTRIBUTES": "stage=a%20b,zone=z",
        "TEAM": "blue",
    }
    function = make_lambda(env=env)
    function.invoke({"ids": ids(1), "kind": 2})
    function.shutdown()
    (document,) = xray.documents
    assert "label_num" not in document
    for value in ["blue", "a b", "aws_lambda", "123456789012", "536870912"]:
        assert value in document, value


def test_sampler(make_lambda, xray):
    text = PIPELINE % "probabilistic_sampler"
    text += "processors: {probabilistic_sampler: {sampling_percentage: 0}}\n"
    env = {"OPENTELEMETRY_COLLECTOR_CONFIG_URI": "yaml:" + text}
    function = make_lambda(env=env)
    function.invoke({"ids": ids(1)})
    function.shutdown()
    assert not xray.documents
    assert function.ledger().items.accepted == 1


def test_exporters_of_others(make_lambda, xray):
    """Traces that shall go elsewhere go nowhere, and the function lives."""
    text = (PIPELINE % "").replace("awsxray", "zipkin")
    env = {"OPENTELEMETRY_COLLECTOR_CONFIG_URI": "yaml:" + text}
    function = make_lambda(env=env)
    for _ in range(2):
        function.invoke({"ids": ids(1)})
    function.shutdown()
    assert not xray.documents
    assert "no exporter" in function.log()


def test_fallback(make_lambda, xray):
    """But where it is told to, they go to X-Ray all the same."""
    text = (PIPELINE % "").replace("awsxray", "zipkin")
    env = {
        "OPENTELEMETRY_COLLECTOR_CONFIG_URI": "yaml:" + text,
        "XRAY_RELAY_UPLOAD_FALLBACK_EXPORTER": "true",
    }
    function = make_lambda(env=env)
    function.invoke({"ids": ids(1)})
    function.shutdown()
    assert delivered(xray) == set(ids(1))


def test_log_in_json(make_lambda, xray):
    function = make_lambda()
    function.log_format = "JSON"
    function.invoke({"ids": ids(1)})
    function.shutdown()
    lines = function.log().splitlines()
    assert lines
    for line in lines:
        assert {"timestamp", "level", "message"} == set(json.loads(line))
