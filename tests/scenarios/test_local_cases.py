# SPDX-License-Identifier: Apache-2.0
"""Local mode's query API as boto3 sees it: the cases of tests/local_cases in
one store, signed and unsigned, pages, tokens, and what a newcomer meets."""

import json
import pathlib
import re

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import query_cases
from harness.relay import Relay
from harness.waiting import until

CASES = sorted(
    (pathlib.Path(__file__).parent.parent / "local_cases").glob("*.json")
)
T = 1790000000  # a time in 2026


def client(relay, **more):
    return boto3.client(
        "xray",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{relay.tcp_port}",
        config=Config(
            parameter_validation=False,
            retries={"total_max_attempts": 1},
            **more,
        ),
        aws_access_key_id="anything",
        aws_secret_access_key="anything",
    )


def call(boto, operation, params):
    """The answer, or (code, status) of an error."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
    try:
        answer = getattr(boto, name)(**params)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return error.response["Error"]["Code"], status
    del answer["ResponseMetadata"]
    return answer


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    relay = Relay(tmp_path_factory.mktemp("local")).start_local()
    yield relay
    relay.stop()
    relay.check_ledger()


def put(boto, *documents):
    texts = [json.dumps(d) for d in documents]
    answer = boto.put_trace_segments(TraceSegmentDocuments=texts)
    assert answer["UnprocessedTraceSegments"] == []


def segment(second, n, **more):
    return {
        "name": "svc",
        "id": f"{n:016x}",
        "trace_id": f"1-{second:08x}-{n:024x}",
        "start_time": second,
        "end_time": second + 1,
        **more,
    }


@pytest.mark.parametrize("file", CASES, ids=lambda f: f.stem)
def test_case(local, file):
    case = json.loads(file.read_text())
    boto = client(local, signature_version=UNSIGNED)
    for step in case["setup"]:
        answer = call(boto, step["operation"], step["params"])
        assert not isinstance(answer, tuple), answer
    for document in case["segments"]:
        put(boto, document)
    answer = call(boto, case["request"]["operation"], case["request"]["params"])
    assert not query_cases.judge(case["expect"], answer)


def test_signed_calls(local):
    groups = client(local).get_groups()["Groups"]
    assert groups[0]["GroupName"] == "Default"


def test_pages_of_summaries(local):
    boto = client(local)
    second = T + 1000
    put(boto, *(segment(second + i, second + i) for i in range(250)))
    pages = boto.get_paginator("get_trace_summaries").paginate(
        StartTime=second, EndTime=second + 250
    )
    found = [s["Id"] for page in pages for s in page["TraceSummaries"]]
    assert len(found) == len(set(found)) == 250
    assert found == sorted(found, reverse=True)


def test_a_token_of_another_query_is_refused(local):
    boto = client(local)
    second = T + 2000
    put(boto, *(segment(second + i, second + i) for i in range(101)))
    window = {"StartTime": second, "EndTime": second + 200}
    token = boto.get_trace_summaries(**window)["NextToken"]
    answer = call(
        boto, "GetTraceSummaries", {**window, "NextToken": token}
    )
    assert len(answer["TraceSummaries"]) == 1
    other = {**window, "EndTime": second + 300, "NextToken": token}
    refused = call(boto, "GetTraceSummaries", other)
    assert refused == ("InvalidRequestException", 400)


def test_ranges_by_event_and_service(local):
    boto = client(local)
    second = T + 3000
    long = segment(second, second, end_time=second + 100)
    put(boto, long)
    ids = {}
    for kind, start, end in (
        ("TraceId", 50, 60), ("Event", 50, 60), ("Service", 50, 60),
        ("Service", 95, 105), ("TraceId", 0, 1),
    ):
        answer = boto.get_trace_summaries(
            StartTime=second + start, EndTime=second + end, TimeRangeType=kind
        )
        ids[kind, start] = len(answer["TraceSummaries"])
    assert ids == {
        ("TraceId", 50): 0, ("Event", 50): 1, ("Service", 50): 0,
        ("Service", 95): 1, ("TraceId", 0): 1,
    }


def test_subsegments_sent_apart_are_put_into_their_segment(local):
    boto = client(local)
    second = T + 4000
    whole = segment(second, second, annotations={"a": 1})
    apart = segment(
        second, second, id="00000000000000aa", type="subsegment",
        parent_id=whole["id"], name="apart",
    )
    put(boto, apart, whole)
    answer = boto.batch_get_traces(
        TraceIds=[whole["trace_id"], "1-00000001-000000000000000000000000"]
    )
    documents = answer["Traces"][0]["Segments"]
    assert len(documents) == 1
    document = json.loads(documents[0]["Document"])
    assert document["annotations"] == {"a": 1}
    assert [s["name"] for s in document["subsegments"]] == ["apart"]
    assert answer["UnprocessedTraceIds"] == [
        "1-00000001-000000000000000000000000"
    ]


def test_documents_come_back_byte_for_byte(local):
    boto = client(local)
    text = (
        '{ "name" : "odd",  "trace_id":"1-6ab00000-00000000000000000000a001",'
        ' "id":"00000000000000a1","start_time":1.7900000000E9,'
        '"end_time":1790000001.50, "x":"\\u00e9" }'
    )
    boto.put_trace_segments(TraceSegmentDocuments=[text])
    answer = boto.batch_get_traces(
        TraceIds=["1-6ab00000-00000000000000000000a001"]
    )
    assert answer["Traces"][0]["Segments"][0]["Document"] == text


@pytest.mark.parametrize(
    "members, code",
    [
        ({"id": None}, "MissingId"),
        ({"id": "xyz"}, "InvalidId"),
        ({"trace_id": None}, "MissingTraceId"),
        ({"trace_id": "1-5-6"}, "InvalidTraceId"),
        ({"name": None}, "MissingName"),
        ({"start_time": None}, "MissingStartTime"),
        ({"end_time": None}, "MissingEndTime"),
    ],
)
def test_words_for_bad_documents(local, members, code):
    document = {**segment(T, 1), **members}
    document = {k: v for k, v in document.items() if v is not None}
    answer = client(local).put_trace_segments(
        TraceSegmentDocuments=[json.dumps(document)]
    )
    (refused,) = answer["UnprocessedTraceSegments"]
    assert refused["ErrorCode"] == code
    assert refused["Message"] == f"Invalid segment. ErrorCode: {code}"


def test_errors(local):
    boto = client(local)
    window = {"StartTime": T, "EndTime": T + 1}
    bad = ("InvalidRequestException", 400)
    gone = ("ResourceNotFoundException", 404)
    for operation, params, want in (
        ("GetTraceSummaries", {"StartTime": T}, bad),
        ("GetTraceSummaries", {"StartTime": T + 1, "EndTime": T}, bad),
        ("GetTraceSummaries", {**window, "FilterExpression": "fault ="}, bad),
        ("GetServiceGraph", {**window, "GroupName": "nobody"}, bad),
        ("GetGroup", {"GroupName": "nobody"}, bad),
        ("DeleteGroup", {"GroupName": "nobody"}, bad),
        ("CreateGroup", {"GroupName": "x" * 33}, bad),
        ("CreateGroup", {"GroupName": "bad", "FilterExpression": "("}, bad),
        ("BatchGetTraces", {"TraceIds": []}, bad),
        ("DeleteSamplingRule", {"RuleName": "Default"}, bad),
        ("DeleteSamplingRule", {"RuleName": "nobody"}, bad),
        ("GetInsight", {"InsightId": "x"}, bad),
        ("ListTagsForResource", {"ResourceARN": "arn:x"}, gone),
        ("ListRetrievedTraces", {"RetrievalToken": "x"}, gone),
    ):
        assert call(boto, operation, params) == want, (operation, params)
    answer = local.request("POST", "/NoSuchThing", b"{}")
    assert answer.status == 404
    assert json.loads(answer.body)["__type"] == "UnknownOperationException"
    assert answer.headers["x-amzn-ErrorType"] == "UnknownOperationException"


def test_groups_and_tags_live(local):
    boto = client(local)
    made = boto.create_group(
        GroupName="g1",
        FilterExpression="fault",
        Tags=[{"Key": "team", "Value": "a"}],
    )["Group"]
    assert made["FilterExpression"] == "fault"
    boto.tag_resource(
        ResourceARN=made["GroupARN"], Tags=[{"Key": "team", "Value": "b"}]
    )
    tags = boto.list_tags_for_resource(ResourceARN=made["GroupARN"])["Tags"]
    assert tags == [{"Key": "team", "Value": "b"}]
    changed = boto.update_group(
        GroupARN=made["GroupARN"], FilterExpression="ok"
    )
    assert changed["Group"]["FilterExpression"] == "ok"
    boto.untag_resource(ResourceARN=made["GroupARN"], TagKeys=["team"])
    assert not boto.list_tags_for_resource(ResourceARN=made["GroupARN"])["Tags"]
    boto.delete_group(GroupName="g1")
    names = [g["GroupName"] for g in boto.get_groups()["Groups"]]
    assert "g1" not in names


def test_sampling_rules_and_targets(local):
    boto = client(local)
    rule = {
        "RuleName": "r1", "ResourceARN": "*", "Priority": 7, "FixedRate": 0.5,
        "ReservoirSize": 10, "ServiceName": "*", "ServiceType": "*",
        "Host": "*", "HTTPMethod": "*", "URLPath": "*", "Version": 1,
    }
    record = boto.create_sampling_rule(SamplingRule=rule)["SamplingRuleRecord"]
    assert record["SamplingRule"]["RuleARN"]
    boto.update_sampling_rule(
        SamplingRuleUpdate={"RuleName": "r1", "FixedRate": 0.25}
    )
    report = {
        "RuleName": "r1", "Timestamp": T, "RequestCount": 4,
        "SampledCount": 2, "BorrowCount": 1,
    }
    answer = boto.get_sampling_targets(
        SamplingStatisticsDocuments=[
            {**report, "ClientID": "a" * 24},
            {**report, "ClientID": "b" * 24, "RuleName": "nobody"},
        ]
    )
    (target,) = answer["SamplingTargetDocuments"]
    assert target["FixedRate"] == 0.25
    assert target["ReservoirQuota"] == 10
    (unknown,) = answer["UnprocessedStatistics"]
    assert unknown["RuleName"] == "nobody"
    sums = boto.get_sampling_statistic_summaries()["SamplingStatisticSummaries"]
    assert {s["RuleName"]: s["RequestCount"] for s in sums}["r1"] == 4
    boto.delete_sampling_rule(RuleName="r1")
    rules = boto.get_sampling_rules()["SamplingRuleRecords"]
    assert "r1" not in [r["SamplingRule"]["RuleName"] for r in rules]


def test_retrieval(local):
    boto = client(local)
    second = T + 5000
    put(boto, segment(second, second))
    token = boto.start_trace_retrieval(
        TraceIds=[segment(second, second)["trace_id"]],
        StartTime=second,
        EndTime=second + 1,
    )["RetrievalToken"]
    answer = boto.list_retrieved_traces(RetrievalToken=token)
    assert answer["RetrievalStatus"] == "COMPLETE"
    assert len(answer["Traces"][0]["Spans"]) == 1
    boto.get_retrieved_traces_graph(RetrievalToken=token)
    boto.cancel_trace_retrieval(RetrievalToken=token)
    assert call(boto, "ListRetrievedTraces", {"RetrievalToken": token}) == (
        "ResourceNotFoundException",
        404,
    )


def test_links_between_retrieved_traces(local):
    boto = client(local)
    second = T + 5100
    sent = segment(second, second, name="sends")
    link = {"trace_id": sent["trace_id"], "id": sent["id"]}
    taken = segment(second, second + 1, name="takes", links=[link])
    put(boto, sent, taken)

    def edges(*documents):
        """Of the graph: (caller, callee, type)."""
        token = boto.start_trace_retrieval(
            TraceIds=[d["trace_id"] for d in documents],
            StartTime=second,
            EndTime=second + 9,
        )["RetrievalToken"]
        answer = boto.get_retrieved_traces_graph(RetrievalToken=token)
        services = [s["Service"] for s in answer["Services"]]
        names = {s["ReferenceId"]: s["Name"] for s in services}
        return {
            (s["Name"], names[e["ReferenceId"]], e.get("EdgeType"))
            for s in services
            if s.get("Type") != "client"
            for e in s["Edges"]
        }

    assert edges(sent, taken) == {("sends", "takes", "link")}
    assert edges(taken) == set()


def test_small_calls(local):
    boto = client(local)
    window = {"StartTime": T, "EndTime": T + 1}
    assert boto.get_encryption_config()["EncryptionConfig"]["Type"] == "NONE"
    assert boto.get_insight_summaries(**window)["InsightSummaries"] == []
    assert boto.get_trace_segment_destination()["Destination"] == "XRay"
    rules = boto.get_indexing_rules()["IndexingRules"]
    assert rules[0]["Name"] == "Default"
    boto.put_telemetry_records(TelemetryRecords=[])
    answer = local.request("POST", "/some/prefix/GetSamplingRules", None)
    assert json.loads(answer.body)["SamplingRuleRecords"]


def shop(second):
    """Two services, an AWS call, an exception, annotations and metadata."""
    front = segment(
        second,
        second,
        name="front",
        user="alice",
        origin="AWS::EC2::Instance",
        fault=True,
        http={
            "request": {"method": "GET", "url": "http://shop/pay"},
            "response": {"status": 500},
        },
        annotations={"text": "x", "whole": 3, "half": 1.5, "no": False},
        metadata={"default": {"k": [1, {"z": 2}]}, "own": {"a": "b"}},
        cause={"exceptions": [{"id": "e" * 16, "type": "E", "message": "m"}]},
        subsegments=[
            {
                "name": "DynamoDB",
                "id": f"{second + 1:016x}",
                "start_time": second + 0.125,
                "end_time": second + 0.25,
                "namespace": "aws",
                "aws": {"table_name": "t", "operation": "GetItem"},
            },
            {
                "name": "back",
                "id": f"{second + 2:016x}",
                "start_time": second + 0.25,
                "end_time": second + 0.75,
                "namespace": "remote",
                "http": {"response": {"status": 404}},
            },
        ],
    )
    back = {
        **segment(second, second + 3, name="back"),
        "trace_id": front["trace_id"],
        "parent_id": f"{second + 2:016x}",
        "http": {"response": {"status": 404}},
    }
    return front, back


def test_export_as_otlp_comes_back(local):
    """What spans can say is the same after export, deletion and import."""
    boto = client(local)
    second = T + 9000
    documents = shop(second)
    put(boto, *documents)
    trace = documents[0]["trace_id"]
    target = f"/api/export?format=otlp&start={second}&end={second + 10}"
    otlp = local.request("GET", target).body
    assert len(json.loads(otlp)["resourceSpans"]) == 2
    window = {"StartTime": second, "EndTime": second + 1}

    def state():
        (summary,) = boto.get_trace_summaries(**window)["TraceSummaries"]
        services = boto.get_trace_graph(TraceIds=[trace])["Services"]
        for name in ("Revision", "FaultRootCauses"):
            del summary[name]
        return summary, services

    before = state()
    change = {"X-Xray-Relay": "1", "Content-Type": "application/json"}
    local.request("DELETE", f"/api/traces/{trace}", headers=change)
    assert boto.get_trace_summaries(**window)["TraceSummaries"] == []
    local.request("POST", "/api/import", otlp, change)
    until(lambda: boto.get_trace_summaries(**window)["TraceSummaries"])
    assert state() == before


def test_retrieval_as_otel(local):
    boto = client(local)
    second = T + 9100
    documents = shop(second)
    put(boto, *documents)
    token = boto.start_trace_retrieval(
        TraceIds=[documents[0]["trace_id"]],
        StartTime=second,
        EndTime=second + 10,
    )["RetrievalToken"]
    answer = boto.list_retrieved_traces(
        RetrievalToken=token, TraceFormat="OTEL"
    )
    assert answer["TraceFormat"] == "OTEL"
    spans = [json.loads(s["Document"]) for s in answer["Traces"][0]["Spans"]]
    kinds = {s["name"]: s["kind"] for s in spans}
    assert kinds == {"front": 2, "DynamoDB": 3, "back": 2}
    assert len(spans) == 4
    front = next(s for s in spans if s["name"] == "front")
    assert front["startTimeUnixNano"] == f"{second}000000000"
    assert front["status"] == {"code": 2, "message": "m"}
    names = {a["key"] for a in front["resource"]["attributes"]}
    assert "service.name" in names
    other = {"RetrievalToken": token, "TraceFormat": "PDF"}
    refused = call(boto, "ListRetrievedTraces", other)
    assert refused == ("InvalidRequestException", 400)


def test_the_default_group_by_its_arn(local):
    boto = client(local)
    second = T + 9200
    put(boto, segment(second, second))
    arn = boto.get_groups()["Groups"][0]["GroupARN"]
    found = boto.get_trace_summaries(
        StartTime=second,
        EndTime=second + 1,
        FilterExpression=f'group.arn = "{arn}"',
    )
    assert len(found["TraceSummaries"]) == 1


def test_the_default_group_and_rule_have_an_arn(local):
    boto = client(local)
    group = boto.get_groups()["Groups"][0]
    assert boto.get_group(GroupARN=group["GroupARN"])["Group"] == group
    for record in boto.get_sampling_rules()["SamplingRuleRecords"]:
        rule = record["SamplingRule"]
        if rule["RuleName"] == "Default":
            break
    for arn in (group["GroupARN"], rule["RuleARN"]):
        assert boto.list_tags_for_resource(ResourceARN=arn)["Tags"] == []
    gone = call(boto, "ListTagsForResource", {"ResourceARN": "Default"})
    assert gone == ("ResourceNotFoundException", 404)


def test_the_range_of_services_counts_what_ended_in_it(local):
    """Also over pages, and whatever the filter."""
    boto = client(local)
    second = T + 12000
    put(boto, *(segment(second, second + i) for i in range(105)))
    put(boto, *(segment(second, second + i, end_time=second + 50.0)
                for i in range(200, 203)))
    window = {
        "StartTime": second + 1,
        "EndTime": second + 2,
        "TimeRangeType": "Service",
    }
    first = boto.get_trace_summaries(**window)
    second = boto.get_trace_summaries(NextToken=first["NextToken"], **window)
    found = [s["Id"] for a in (first, second) for s in a["TraceSummaries"]]
    assert len(set(found)) == len(found) == 105
    assert found == sorted(found, reverse=True)
    assert [a["TracesProcessedCount"] for a in (first, second)] == [105, 105]
    none = boto.get_trace_summaries(FilterExpression="fault", **window)
    assert (none["TraceSummaries"], none["TracesProcessedCount"]) == ([], 105)


def test_too_many_tags(local):
    boto = client(local)
    group = boto.create_group(GroupName="tagged")["Group"]["GroupARN"]
    tags = [{"Key": f"k{i}", "Value": "v"} for i in range(51)]
    refused = call(boto, "TagResource", {"ResourceARN": group, "Tags": tags})
    assert refused == ("TooManyTagsException", 400)
