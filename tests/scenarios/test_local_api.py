# SPDX-License-Identifier: Apache-2.0
"""Both APIs of local mode by plain HTTP, as no client library helps: the form
of answers and errors, what is taken for absent, pages, events and waiting."""

import http.client
import json
import time
from urllib.parse import quote

import pytest

from harness.documents import segment
from harness.relay import BINARY
from harness.waiting import until

T = 1790000000
WINDOW = {"StartTime": T, "EndTime": T + 60}
RING = 1000
RULES_MAX = 25
DEPTH_MAX = 100


@pytest.fixture
def local(make_relay):
    relay = make_relay(env={"AWS_REGION": None})
    at = f"127.0.0.1:{relay.udp_port}"
    return relay.run(
        [BINARY, "local", "-b", at, "-t", at, "--store", ":memory:"]
    )


def ask(relay, path, members=None, status=200):
    """An operation of X-Ray's; members None: no body at all."""
    body = None if members is None else json.dumps(members)
    answer = relay.request("POST", "/" + path, body, timeout=60)
    assert answer.status == status, answer.body
    return json.loads(answer.body)


def get(relay, path, status=200):
    answer = relay.request("GET", path, timeout=60)
    assert answer.status == status, answer.body
    return json.loads(answer.body)


def document(n, **more):
    return json.dumps({
        "name": f"n{n}",
        "id": f"{n + 1:016x}",
        "trace_id": f"1-{T:08x}-{n:024x}",
        "start_time": T,
        "end_time": T + 1,
        **more,
    })


def put(relay, *documents):
    told = ask(relay, "TraceSegments", {"TraceSegmentDocuments": documents})
    return told["UnprocessedTraceSegments"]


LISTS = (
    ("TraceSegments", {"TraceSegmentDocuments": []},
     ["UnprocessedTraceSegments"]),
    ("TraceSummaries", WINDOW, ["TraceSummaries"]),
    ("Traces", {"TraceIds": ["1-5-6"]}, ["Traces", "UnprocessedTraceIds"]),
    ("ServiceGraph", WINDOW, ["Services"]),
    ("TraceGraph", {"TraceIds": ["1-5-6"]}, ["Services"]),
    ("TimeSeriesServiceStatistics", WINDOW, ["TimeSeriesServiceStatistics"]),
    ("Groups", {}, ["Groups"]),
    ("GetSamplingRules", {}, ["SamplingRuleRecords"]),
    ("SamplingStatisticSummaries", {}, ["SamplingStatisticSummaries"]),
    ("SamplingTargets", {"SamplingStatisticsDocuments": []},
     ["SamplingTargetDocuments", "UnprocessedStatistics",
      "UnprocessedBoostStatistics"]),
    ("InsightSummaries", WINDOW, ["InsightSummaries"]),
    ("GetIndexingRules", {}, ["IndexingRules"]),
)


def test_lists_are_always_there(local):
    for path, members, names in LISTS:
        answer = ask(local, path, members)
        for name in names:
            assert isinstance(answer[name], list), (path, name)
        # What is unknown is ignored, what is null is absent.
        more = {**members, "Unheard": {"of": 1}, "NextToken": None}
        assert ask(local, path, more).keys() == answer.keys()


def test_no_body_is_an_empty_object(local):
    for path in ("GetSamplingRules", "EncryptionConfig", "Groups",
                 "SamplingTargets"):
        assert ask(local, path) == ask(local, path, {})
    boost = {"SamplingStatisticsDocuments": [],
             "SamplingBoostStatisticsDocuments": None}
    assert ask(local, "SamplingTargets", boost)["UnprocessedStatistics"] == []


def test_times_are_numbers_or_texts(local):
    put(local, document(0))
    iso = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(T))
    for start in (T, float(T), iso):
        members = {"StartTime": start, "EndTime": T + 1}
        (found,) = ask(local, "TraceSummaries", members)["TraceSummaries"]
        assert found["StartTime"] == T
    # Half open: not what begins at the end.
    before = {"StartTime": T - 1, "EndTime": T}
    assert ask(local, "TraceSummaries", before)["TraceSummaries"] == []


def test_errors_have_a_code_in_both_places(local):
    answer = local.request("POST", "/x/TraceSummaries", "{}")
    told = json.loads(answer.body)
    assert (answer.status, told["__type"]) == (400, "InvalidRequestException")
    assert answer.headers["x-amzn-ErrorType"] == "InvalidRequestException"
    assert told["Message"]
    bad = {**WINDOW, "FilterExpression": "responsetime >="}
    message = ask(local, "TraceSummaries", bad, 400)["Message"]
    assert message == 'filter, column 16: value expected after ">="'


def nested(depth):
    return "[" * depth + "]" * depth


def test_depth_of_documents(local):
    """Of the whole: the document and its metadata are two of them."""
    def of(n, depth):
        text = document(n)[:-1]
        return f'{text}, "metadata": {{"d": {nested(depth)}}}}}'

    assert put(local, of(0, DEPTH_MAX - 2)) == []
    (refused,) = put(local, of(1, DEPTH_MAX + 1), document(2))
    assert refused["ErrorCode"] == "ParseError"
    names = {t["name"] for t in get(local, "/api/traces")["traces"]}
    assert names == {"n0", "n2"}
    deep = '{"TraceIds": ' + nested(1000) + "}"
    answer = local.request("POST", "/Traces", deep)
    assert answer.status == 400


def test_trace_ids_of_w3c_are_taken(local):
    trace = f"{T:08x}{'c' * 24}"
    assert put(local, document(0, trace_id=trace)) == []
    (found,) = get(local, "/api/traces")["traces"]
    assert found["id"] == f"1-{T:08x}-{'c' * 24}"
    assert get(local, f"/api/traces/{trace}")["trace"]["id"] == found["id"]


def rule(n, size=1):
    return {
        "RuleName": f"r{n}", "ResourceARN": "*", "Priority": 1 + n,
        "FixedRate": 0.5, "ReservoirSize": size, "ServiceName": "*",
        "ServiceType": "*", "Host": "*", "HTTPMethod": "*", "URLPath": "*",
        "Version": 1,
    }


def test_rules_have_a_limit(local):
    for n in range(RULES_MAX):
        ask(local, "CreateSamplingRule", {"SamplingRule": rule(n)})
    one_more = {"SamplingRule": rule(RULES_MAX)}
    told = ask(local, "CreateSamplingRule", one_more, 400)
    assert told["__type"] == "RuleLimitExceededException"
    ask(local, "DeleteSamplingRule", {"RuleName": "r0"})
    ask(local, "CreateSamplingRule", one_more)


def test_quotas_are_split_over_clients(local):
    before = ask(local, "SamplingTargets", {})["LastRuleModification"]
    for n, size in enumerate((10, 1, 0)):
        ask(local, "CreateSamplingRule", {"SamplingRule": rule(n, size)})

    def targets(client):
        reports = [
            {"RuleName": f"r{n}", "ClientID": client * 24, "Timestamp": T,
             "RequestCount": 2, "SampledCount": 1}
            for n in range(3)
        ]
        return ask(local, "SamplingTargets",
                   {"SamplingStatisticsDocuments": reports})

    def quotas(answer):
        return [t["ReservoirQuota"] for t in answer["SamplingTargetDocuments"]]

    assert quotas(targets("a")) == [10, 1, 0]
    answer = targets("b")
    assert quotas(answer) == [5, 1, 0]
    assert answer["LastRuleModification"] >= before
    for target in answer["SamplingTargetDocuments"]:
        assert (target["FixedRate"], target["Interval"]) == (0.5, 10)
        assert target["ReservoirQuotaTTL"] == pytest.approx(
            time.time() + 300, abs=60
        )


def test_pages_of_services(local):
    put(local, *(document(n) for n in range(60)))  # and the client of each
    answer = ask(local, "ServiceGraph", WINDOW)
    services = answer["Services"]
    assert len(services) == 100
    rest = {**WINDOW, "NextToken": answer["NextToken"]}
    last = ask(local, "ServiceGraph", rest)
    assert "NextToken" not in last
    services += last["Services"]
    ids = [s["ReferenceId"] for s in services]
    assert sorted(ids) == list(range(120))
    other = {**rest, "EndTime": T + 61}
    ask(local, "ServiceGraph", other, 400)


class Events:
    """A stream of /api/events: lines as they come."""

    def __init__(self, relay, last=None):
        headers = {"Last-Event-ID": last} if last else {}
        self.connection = http.client.HTTPConnection(
            "127.0.0.1", relay.tcp_port, timeout=60
        )
        self.connection.request("GET", "/api/events", headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200
        self.id = self.name = None

    def next(self):
        """(event, its data); of a comment (None, its text)."""
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if line.startswith("id: "):
                self.id = line[4:]
            elif line.startswith("event: "):
                self.name = line[7:]
            elif line.startswith("data: "):
                return self.name, json.loads(line[6:])
            elif line.startswith(":"):
                return None, line

    def until(self, wanted):
        while True:
            name, data = self.next()
            if name == wanted:
                return data

    def close(self):
        self.connection.close()


def test_what_was_missed_comes_as_far_as_it_is_kept(local):
    stream = Events(local)
    stream.until("stats")
    put(local, document(0))
    assert stream.until("trace")["trace"]["name"] == "n0"
    last = stream.id
    stream.close()
    put(local, *(document(n) for n in range(1, 20)))
    again = Events(local, last)
    names = {again.until("trace")["trace"]["name"] for _ in range(19)}
    assert names == {f"n{n}" for n in range(1, 20)}
    again.close()
    # One more than the ring holds.
    for at in range(20, RING + 21, 100):
        put(local, *(document(n) for n in range(at, min(at + 100, RING + 21))))
    until(lambda: get(local, "/api/health")["traces"] == RING + 21, 30)
    late = Events(local, last)
    assert late.next() == ("reset", {})
    late.close()


@pytest.mark.long
def test_a_silent_stream_has_a_comment(local):
    stream = Events(local)
    begun = time.monotonic()
    while stream.next()[0] is not None:
        assert time.monotonic() - begun < 60
    stream.close()


def wait(relay, query, status=200):
    return get(relay, "/api/wait?" + query, status)


def test_what_is_waited_for(local):
    put(local, document(0), document(1))
    assert len(wait(local, "count=2&timeout=20s")["traces"]) == 2
    told = wait(local, "count=3&timeout=100ms", 408)
    assert (told["seen"], told["matched"]) == (2, 2)
    # None of them came since now, nor since a mark; one by its time.
    assert wait(local, "since=now&timeout=100ms", 408)["seen"] == 0
    change = {"X-Xray-Relay": "1"}
    answer = local.request("POST", "/api/mark", headers=change)
    mark = json.loads(answer.body)["mark"]
    assert wait(local, f"since={mark}&timeout=100ms", 408)["seen"] == 0
    put(local, document(2))
    (row,) = wait(local, f"since={mark}&timeout=20s")["traces"]
    assert row["name"] == "n2"
    assert len(wait(local, "since=-1h&count=3&timeout=20s")["traces"]) == 3
    for query in ("count=0", "settle=x", "since=x", "timeout=x",
                  "filter=fault%20%3D", "timeout=301s"):
        assert wait(local, query, 400)["error"]["message"], query


def test_pages_of_the_list(local):
    put(local, *(document(n) for n in range(25)))
    found, path = [], "/api/traces?limit=10"
    page = get(local, path)
    while True:
        found += [t["name"] for t in page["traces"]]
        if page["cursor"] is None:
            break
        page = get(local, f"{path}&cursor={page['cursor']}")
    assert sorted(found) == sorted(f"n{n}" for n in range(25))
    for query in ("limit=0", "limit=1001", "cursor=x", "start=x", "end=x"):
        get(local, "/api/traces?" + query, 400)
    for query, n in ((f"start={T + 2}", 0), (f"end={T}", 0),
                     (f"start={T}&end={T + 1}&limit=1000", 25)):
        assert len(get(local, "/api/traces?" + query)["traces"]) == n, query
    get(local, "/api/nothing", 404)
    get(local, "/api/traces/xyz", 400)
    get(local, f"/api/traces/1-{T:08x}-{'f' * 24}", 404)


def test_text_is_searched_newest_first(local):
    put(local, *(document(n, metadata={"d": {"text": f"needle {n % 2}"}})
                 for n in range(10)))
    found = get(local, "/api/traces?q=needle%201")["traces"]
    assert len(found) == 5
    assert get(local, "/api/traces?q=haystack")["traces"] == []


def test_segments_of_one_trace_are_seen_at_once(local):
    """The answer to a put comes when it can be read."""
    for n in range(20):
        text = segment(name=f"at-once-{n}")
        assert put(local, text) == []
        trace = json.loads(text)["trace_id"]
        (found,) = ask(local, "Traces", {"TraceIds": [trace]})["Traces"]
        assert found["Segments"][0]["Document"] == text


def test_annotations_have_fifty_keys(local):
    keys = {f"k{n:02}": n for n in range(60)}
    put(local, document(0, annotations=keys))
    (found,) = ask(local, "TraceSummaries", WINDOW)["TraceSummaries"]
    assert len(found["Annotations"]) == 50


def test_bars_of_a_histogram(local):
    """At most a hundred; together they count all."""
    put(local, *(document(n, name="one", end_time=T + 0.25 + n * 0.01)
                 for n in range(300)))
    services = ask(local, "ServiceGraph", WINDOW)["Services"]
    (node,) = [s for s in services if s.get("Type") != "client"]
    for name in ("ResponseTimeHistogram", "DurationHistogram"):
        bars = node[name]
        assert 10 < len(bars) <= 100
        assert sum(bar["Count"] for bar in bars) == 300
        values = [bar["Value"] for bar in bars]
        assert values == sorted(set(values))
        assert 0.2 < values[0] < 0.3 and 3 < values[-1] < 3.5
    sums = node["SummaryStatistics"]
    assert (sums["OkCount"], sums["TotalCount"]) == (300, 300)
    total = sum(0.25 + n * 0.01 for n in range(300))
    assert sums["TotalResponseTime"] == pytest.approx(total)


def test_periods_begin_where_the_epoch_says(local):
    """T lies 20 s behind a whole minute."""
    assert T % 60 == 20
    put(local, *(document(n, start_time=T + at, end_time=T + at + 1)
                 for n, at in enumerate((0, 39, 40, 200))))
    members = {"StartTime": T, "EndTime": T + 300, "Period": 60}
    answer = ask(local, "TimeSeriesServiceStatistics", members)
    assert [
        (p["Timestamp"], p["EdgeSummaryStatistics"]["TotalCount"])
        for p in answer["TimeSeriesServiceStatistics"]
    ] == [(T - 20, 2), (T + 40, 1), (T + 160, 1)]


def test_when_a_trace_was_in_the_range(local):
    worker = document(0, id="00000000000000bb", name="later", start_time=T + 2,
                      end_time=T + 4, parent_id=f"{1:016x}")
    put(local, document(0), worker)

    def matched(start, end, **more):
        members = {"StartTime": T + start, "EndTime": T + end, **more}
        (found,) = ask(local, "TraceSummaries", members)["TraceSummaries"]
        return found.get("MatchedEventTime")

    event = {"TimeRangeType": "Event"}
    assert matched(0, 10, **event) == T + 4
    assert matched(0, 2, **event) == T + 1
    assert matched(0, 10) is None
    assert matched(0, 10, TimeRangeType="Service") is None


@pytest.mark.long
def test_a_filter_has_a_budget(local):
    """Each segment of one is asked about each of the others."""
    calls = [
        {"id": f"{n + 100:016x}", "name": f"c{n}", "namespace": "remote",
         "start_time": T, "end_time": T + 1}
        for n in range(2000)
    ]
    for n in range(5):
        assert put(local, document(n, subsegments=calls)) == []
    costly = 'service() { service() { name = "x" } }'
    members = {**WINDOW, "FilterExpression": costly}
    told = ask(local, "TraceSummaries", members, 400)
    assert told["__type"] == "InvalidRequestException"
    assert "takes too long" in told["Message"]
    told = get(local, "/api/traces?filter=" + quote(costly), 400)
    assert "takes too long" in told["error"]["message"]
