# SPDX-License-Identifier: Apache-2.0
"""Local mode with the clients that people have: the AWS CLI, boto3 with all
warnings on, four remote samplers, and the calls of Grafana's data source."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from harness import programs
from harness.waiting import until

T = 1790000000  # a time in 2026
CLIENT_S = 90  # a loaded machine starts programs slowly
SAMPLERS = [
    "python/sampled.py",
    "node/sampled.js",
    "python/sampler.py",
    "node/sampler.js",
]


def client(relay, **more):
    return boto3.client(
        "xray",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{relay.tcp_port}",
        config=Config(retries={"total_max_attempts": 1}, **more),
        aws_access_key_id="anything",
        aws_secret_access_key="anything",
    )


def document(n, **members):
    return {
        "name": "shop",
        "id": f"{n + 1:016x}",
        "trace_id": f"1-{T + n:08x}-{n:024x}",
        "start_time": T + n,
        "end_time": T + n + 0.5,
        **members,
    }


def call_of(n, **members):
    return {
        "name": "bank",
        "id": f"{n + 0x1000:016x}",
        "start_time": T + n + 0.125,
        "end_time": T + n + 0.25,
        "namespace": "remote",
        **members,
    }


def put(boto, *documents):
    answer = boto.put_trace_segments(
        TraceSegmentDocuments=[json.dumps(d) for d in documents]
    )
    assert answer["UnprocessedTraceSegments"] == []


def aws(relay, *words, **env):
    """The AWS CLI with what `xray-relay env` says, and nothing else."""
    done = subprocess.run(
        [sys.executable, str(Path(sys.executable).parent / "aws"), "xray"]
        + list(words),
        env={
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_XRAY": f"http://127.0.0.1:{relay.tcp_port}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **env,
        },
        capture_output=True,
        text=True,
        timeout=CLIENT_S,
    )
    assert (done.returncode, done.stderr) == (0, ""), words
    return json.loads(done.stdout) if done.stdout else {}


def test_aws_cli(local):
    keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    first = document(0, subsegments=[call_of(0)])
    window = ["--start-time", str(T), "--end-time", str(T + 10)]
    texts = [json.dumps(first)]
    words = ["put-trace-segments", "--trace-segment-documents", *texts]
    assert aws(local, *words, **keys) == {"UnprocessedTraceSegments": []}
    found = aws(local, "get-trace-summaries", *window, **keys)
    (summary,) = found["TraceSummaries"]
    assert None not in summary.values()
    ids = ["--trace-ids", summary["Id"]]
    traces = aws(local, "batch-get-traces", *ids, **keys)["Traces"]
    assert json.loads(traces[0]["Segments"][0]["Document"])["name"] == "shop"
    graph = aws(local, "get-service-graph", *window, **keys)
    assert {s["Name"] for s in graph["Services"]} == {"shop", "bank"}
    # without any key, as the page tells newcomers
    rules = aws(local, "get-sampling-rules", "--no-sign-request")
    assert len(rules["SamplingRuleRecords"]) == 1


@pytest.mark.parametrize("version", ["v4", UNSIGNED], ids=["signed", "plain"])
def test_boto3_has_nothing_to_warn_of(local, version):
    window = {"StartTime": T, "EndTime": T + 10}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        boto = client(local, signature_version=version)
        put(boto, document(0))
        (summary,) = boto.get_trace_summaries(**window)["TraceSummaries"]
        boto.batch_get_traces(TraceIds=[summary["Id"]])
        boto.get_trace_graph(TraceIds=[summary["Id"]])
        boto.get_service_graph(**window)
        boto.get_time_series_service_statistics(**window)
        boto.get_groups()
        boto.get_sampling_rules()
        boto.get_sampling_statistic_summaries()


def rule(rate):
    return {
        "RuleName": "all-or-none",
        "ResourceARN": "*",
        "Priority": 1,
        "FixedRate": rate,
        "ReservoirSize": 0,
        "ServiceName": "*",
        "ServiceType": "*",
        "Host": "*",
        "HTTPMethod": "*",
        "URLPath": "*",
        "Version": 1,
    }


def test_samplers_obey_a_rule_and_its_change(local, tmp_path):
    """Each polls rules and targets; what a target says, holds at once."""
    boto = client(local)
    boto.create_sampling_rule(SamplingRule=rule(0.0))
    running = {}
    for name in SAMPLERS:
        directory = tmp_path / name.replace("/", "-")
        directory.mkdir()
        running[name] = programs.Running(
            name, directory, tcp_port=local.tcp_port, udp_port=local.udp_port
        )

    def last(program, n=20):
        return [line.split()[0] for line in program.lines()[-n:]]

    for name, program in running.items():
        until(lambda: last(program) == ["served"] * 20, CLIENT_S, name)
    boto.update_sampling_rule(
        SamplingRuleUpdate={"RuleName": "all-or-none", "FixedRate": 1.0}
    )
    for name, program in running.items():
        until(lambda: last(program) == ["sampled"] * 20, CLIENT_S, name)
    for name, program in running.items():
        assert program.stop() == 0, name
        words = {line.split()[0] for line in program.lines()}
        assert words <= {"served", "sampled"}, program.lines()
    samplers = json.loads(local.request("GET", "/api/live").body)["samplers"]
    assert sum(s["rules"] for s in samplers) >= len(SAMPLERS)
    assert sum(s["targets"] for s in samplers) >= len(SAMPLERS)
    told = boto.get_sampling_statistic_summaries()
    by_name = {s["RuleName"]: s for s in told["SamplingStatisticSummaries"]}
    sums = by_name["all-or-none"]
    assert sums["RequestCount"] > 0
    assert sums["RequestCount"] >= sums["SampledCount"]


def raw(relay, operation, members):
    """As Grafana's plugin reads it: what is absent is not null."""
    body = json.dumps(members).encode()
    answer = relay.request("POST", "/" + operation, body)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


@pytest.fixture
def grafana(local):
    put(
        client(local),
        document(
            0,
            fault=True,
            cause={
                "exceptions": [
                    {"id": "e" * 16, "type": "Timeout", "message": "late"}
                ]
            },
            subsegments=[call_of(0, fault=True)],
        ),
        document(1, error=True, subsegments=[call_of(1, error=True)]),
        document(2),
        document(3, end_time=None, in_progress=True),
    )
    return local


WINDOW = {"StartTime": T, "EndTime": T + 60}


def test_grafana_health_check(grafana):
    (group,) = raw(grafana, "Groups", {})["Groups"]
    assert group["GroupName"] == "Default"
    assert "GroupARN" in group and "InsightsConfiguration" in group


def test_grafana_lists_traces(grafana):
    answer = raw(grafana, "TraceSummaries", {**WINDOW, "FilterExpression": ""})
    assert len(answer["TraceSummaries"]) == 4
    for summary in answer["TraceSummaries"]:
        assert isinstance(summary["Http"], dict)
        for kind in ("Fault", "Error", "ResponseTime"):
            check_root_causes(summary[kind + "RootCauses"])
        for name in ("Id", "Duration", "StartTime", "HasFault", "IsPartial"):
            assert summary[name] is not None
    causes = [s for s in answer["TraceSummaries"] if s["FaultRootCauses"]]
    assert len(causes) == 1


def check_root_causes(causes):
    for cause in causes:
        for service in cause["Services"]:
            assert service["Name"] and service["Names"]
            assert isinstance(service["Type"], str)
            assert service["EntityPath"]
            for entity in service["EntityPath"]:
                assert entity["Name"]
                for exception in entity.get("Exceptions", []):
                    assert exception["Name"]


def test_grafana_shows_one_trace(grafana):
    ids = {"TraceIds": [document(0)["trace_id"]]}
    (trace,) = raw(grafana, "Traces", ids)["Traces"]
    for segment in trace["Segments"]:
        read = json.loads(segment["Document"])
        assert read["name"] and read["id"] == segment["Id"]
    check_services(raw(grafana, "TraceGraph", ids)["Services"])


def test_grafana_draws_the_map(grafana):
    members = {**WINDOW, "GroupName": ""}
    check_services(raw(grafana, "ServiceGraph", members)["Services"])


def check_services(services):
    assert services
    known = {s["ReferenceId"] for s in services}
    for service in services:
        assert isinstance(service["ResponseTimeHistogram"], list)
        assert service["Edges"] or "SummaryStatistics" in service
        if service.get("Type") != "client":
            check_statistics(service["SummaryStatistics"])
        for edge in service["Edges"]:
            assert edge["ReferenceId"] in known
            assert isinstance(edge["ResponseTimeHistogram"], list)
            check_statistics(edge["SummaryStatistics"])


def check_statistics(statistics):
    assert statistics["TotalCount"] >= 0
    assert statistics["TotalResponseTime"] >= 0
    for name in ("OkCount", "ErrorStatistics", "FaultStatistics"):
        assert name in statistics


def test_grafana_metrics(grafana):
    members = {**WINDOW, "Period": 60, "GroupName": "Default"}
    for selector in (None, 'service("shop")', 'edge("shop", "bank")'):
        if selector:
            members["EntitySelectorExpression"] = selector
        answer = raw(grafana, "TimeSeriesServiceStatistics", members)
        (bucket,) = answer["TimeSeriesServiceStatistics"]
        kind = "Service" if "service" in (selector or "") else "Edge"
        check_statistics(bucket[kind + "SummaryStatistics"])
        assert isinstance(bucket["ResponseTimeHistogram"], list)


def test_grafana_analytics(grafana):
    """A count first, then four quarters with a rate that sinks from page to
    page of one query."""
    series = raw(grafana, "TimeSeriesServiceStatistics", WINDOW)
    total = sum(
        b["EdgeSummaryStatistics"]["TotalCount"]
        for b in series["TimeSeriesServiceStatistics"]
    )
    assert total == 3  # what is in progress is not counted yet
    put(client(grafana), *(document(n + 100) for n in range(250)))
    start, quarter, seen, rate = T + 100, 65, [], 0.99
    for i in range(4):
        members = {
            "StartTime": start + i * quarter,
            "EndTime": start + (i + 1) * quarter,
            "TimeRangeType": "Event",
            "Sampling": True,
            "SamplingStrategy": {"Name": "FixedRate", "Value": 1.0},
        }
        while True:
            answer = raw(grafana, "TraceSummaries", members)
            seen += [s["Id"] for s in answer["TraceSummaries"]]
            if "NextToken" not in answer:
                break
            members["NextToken"] = answer["NextToken"]
            members["SamplingStrategy"]["Value"] = rate
            rate *= 0.9
    assert len(set(seen)) == 250
    insights = raw(grafana, "InsightSummaries", WINDOW)
    assert insights["InsightSummaries"] == []
