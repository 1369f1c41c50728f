# SPDX-License-Identifier: Apache-2.0
"""A Python web service under automatic instrumentation, its documents taken by
moto's X-Ray: HTTP server, SQL, a call to AWS, an error with its stack."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from harness import programs

KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}


class Web:
    def __init__(self, relay, aws_url):
        launcher = Path(sys.executable).with_name("opentelemetry-instrument")
        self.process = subprocess.Popen(
            [launcher, *programs.command("python/web.py"), aws_url],
            env={
                **programs.environment(relay.tcp_port, relay.udp_port),
                **KEYS,
                "AWS_DEFAULT_REGION": "us-east-1",
                "OTEL_PYTHON_DISTRO": "distro",
                "OTEL_PYTHON_CONFIGURATOR": "configurator",
                "OTEL_SERVICE_NAME": "web",
                "OTEL_METRICS_EXPORTER": "none",
                "OTEL_LOGS_EXPORTER": "none",
                "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_EXPORTER_OTLP_ENDPOINT": (
                    f"http://127.0.0.1:{relay.otlp_http_port}"
                ),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=20) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0


@pytest.fixture
def traces(make_relay, moto):
    """What moto's X-Ray stored of an order and of a failure: for each trace
    its documents by name."""
    moto.client("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "number", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "number", "AttributeType": "N"}
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    relay = make_relay(config={"Endpoint": moto.url}).start()
    web = Web(relay, moto.url)
    assert web.get("/orders/7?q=1") == 200
    assert web.get("/fails") == 500
    web.stop()
    relay.wait_delivered(4)
    return [by_name(t) for t in read_back(moto.client("xray"))]


def read_back(xray):
    now = time.time()
    summaries = xray.get_trace_summaries(
        StartTime=now - 600, EndTime=now + 600
    )["TraceSummaries"]
    ids = [s["Id"] for s in summaries]
    return xray.batch_get_traces(TraceIds=ids)["Traces"]


def by_name(trace):
    documents = [json.loads(s["Document"]) for s in trace["Segments"]]
    for document in documents:
        assert document["aws"]["xray"]["auto_instrumentation"] is True
        assert document["aws"]["xray"]["sdk"] == "opentelemetry for python"
        assert document["trace_id"] == documents[0]["trace_id"]
        assert document["start_time"] < document["end_time"]
    return {d["name"]: d for d in documents}


def test_documents(traces):
    order, failure = sorted(traces, key=len, reverse=True)
    assert set(order) == {"web", "SELECT", "DynamoDB"}
    check_server(order["web"], "/orders/7?q=1", 200)
    check_sql(order["SELECT"], order["web"])
    check_call(order["DynamoDB"], order["web"])
    assert set(failure) == {"web"}
    check_server(failure["web"], "/fails", 500)
    check_cause(failure["web"]["cause"])


def check_server(document, path, status):
    assert "type" not in document and "parent_id" not in document
    assert document["fault"] is (status == 500)
    assert document["error"] is document["throttle"] is False
    request = document["http"]["request"]
    assert request["method"] == "GET"
    assert request["url"].startswith("http://127.0.0.1:")
    assert request["url"].endswith(path)
    assert request["user_agent"].startswith("Python-urllib/")
    assert request["client_ip"] == "127.0.0.1"
    assert document["http"]["response"] == {"status": status}


def check_sql(document, parent):
    assert document["type"] == "subsegment"
    assert document["namespace"] == "remote"
    assert document["parent_id"] == parent["id"]
    assert document["sql"]["database_type"] == "sqlite"
    assert document["sql"]["sanitized_query"] == "SELECT ? AS number"


def check_call(document, parent):
    assert document["type"] == "subsegment"
    assert document["namespace"] == "aws"
    assert document["parent_id"] == parent["id"]
    assert document["aws"]["operation"] == "GetItem"
    assert document["aws"]["table_name"] == "orders"
    assert document["aws"]["request_id"]
    assert document["http"]["response"] == {"status": 200}


def check_cause(cause):
    """The innermost frame comes first; an exception names its cause by id."""
    outer, inner = cause["exceptions"]
    assert (outer["type"], inner["type"]) == ("RuntimeError", "KeyError")
    assert outer["message"] == "it did not work: \u00e9"
    assert outer["cause"] == inner["id"]
    for exception in (outer, inner):
        first = exception["stack"][0]
        assert first["path"].endswith("python/web.py")
        assert first["label"] == "fails"
        assert first["line"] > 1
