# SPDX-License-Identifier: Apache-2.0
"""`xray-relay translate`: requests from files and standard input, one document
a line, errors with their place. What documents hold is tests/golden's."""

import hashlib
import json
import os
import subprocess

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest as Request,
)

pytestmark = pytest.mark.portable


def request(*names):
    r = Request()
    for i, name in enumerate(names, 1):
        s = r.resource_spans.add().scope_spans.add().spans.add()
        s.name, s.kind = name, 2
        s.trace_id, s.span_id = bytes(15) + b"\1", bytes([i]) * 8
        s.start_time_unix_nano = s.end_time_unix_nano = 10**18
        s.attributes.add(key="answer").value.int_value = 42
    return r.SerializeToString()


def json_span(name):
    span = {"traceId": "0" * 31 + "1", "spanId": "0" * 15 + "2", "name": name}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})


def translate(*arguments, stdin=b""):
    done = subprocess.run(
        [os.environ["XR_BIN"], "translate", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=20,
        check=False,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr.decode()


def names(lines):
    return [json.loads(line)["name"] for line in lines]


def test_files_in_order(tmp_path):
    (tmp_path / "a.pb").write_bytes(request("one", "two"))
    (tmp_path / "b.json").write_text(json_span("three"))
    code, lines, errors = translate(tmp_path / "a.pb", tmp_path / "b.json")
    assert (code, errors) == (0, "")
    assert names(lines) == ["one", "two", "three"]


def test_standard_input():
    code, lines, _ = translate("-", stdin=request("one"))
    assert (code, names(lines)) == (0, ["one"])
    code, lines, _ = translate("-", stdin=b"")
    assert (code, lines) == (0, [])


def test_standard_input_among_files(tmp_path):
    (tmp_path / "a").write_bytes(request("one"))
    (tmp_path / "b").write_bytes(request("three"))
    files = tmp_path / "a", "-", tmp_path / "b"
    code, lines, _ = translate(*files, stdin=json_span("two").encode())
    assert (code, names(lines)) == (0, ["one", "two", "three"])


def test_index(tmp_path):
    (tmp_path / "a").write_bytes(request("one"))
    for flags in (["--index-all"], ["--index", "answer"], ["--index=answ*"]):
        _, lines, errors = translate(*flags, tmp_path / "a")
        assert json.loads(lines[0])["annotations"] == {"answer": 42}, errors
    _, lines, _ = translate(tmp_path / "a")
    assert "annotations" not in json.loads(lines[0])


def log_groups(line):
    return json.loads(line)["aws"]["cloudwatch_logs"]


def test_log_groups(tmp_path):
    (tmp_path / "a").write_bytes(request("one"))
    arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/shop"
    flags = "--log-group", "/first", f"--log-group={arn}"
    code, lines, _ = translate(*flags, tmp_path / "a")
    assert code == 0
    assert log_groups(lines[0]) == [
        {"log_group": "/first"},
        {"log_group": "/shop", "arn": arn},
    ]


OURS = """
Version: 2
Translate:
  Indexed: [answer]
  LogGroups: [/first, /second]
"""
COLLECTORS = """
receivers: {otlp: {protocols: {grpc: }}}
exporters:
  awsxray/eu:
    indexed_attributes: [answer]
    aws_log_groups: [/first, /second]
    middleware: any
service: {pipelines: {traces: {receivers: [otlp], exporters: [awsxray/eu]}}}
"""


@pytest.mark.parametrize("text", (OURS, COLLECTORS))
def test_configuration(tmp_path, text):
    """Either format, told apart by its content; flags are stronger."""
    (tmp_path / "a").write_bytes(request("one"))
    (tmp_path / "config").write_text(text)
    arguments = "-c", tmp_path / "config", tmp_path / "a"
    code, lines, errors = translate(*arguments)
    assert code == 0
    assert json.loads(lines[0])["annotations"] == {"answer": 42}
    assert [g["log_group"] for g in log_groups(lines[0])] == [
        "/first",
        "/second",
    ]
    if text == COLLECTORS:
        assert "exporters.awsxray/eu.middleware is not used" in errors
    else:
        assert errors == ""
    _, lines, _ = translate("--log-group", "/third", *arguments)
    assert log_groups(lines[0]) == [{"log_group": "/third"}]


def test_index_all_of_the_collectors_file(tmp_path):
    (tmp_path / "a").write_bytes(request("one"))
    (tmp_path / "config").write_text(
        "exporters: {awsxray: {index_all_attributes: true}}\n"
    )
    code, lines, _ = translate("-c", tmp_path / "config", tmp_path / "a")
    assert code == 0
    assert json.loads(lines[0])["annotations"] == {"answer": 42}


def test_configuration_that_is_none(tmp_path):
    (tmp_path / "a").write_bytes(request("one"))
    (tmp_path / "config").write_text("exporters: [")
    for config in ("config", "nowhere"):
        path = tmp_path / config
        code, lines, errors = translate("-c", path, tmp_path / "a")
        assert (code, lines) == (1, [])
        assert str(path) in errors


def test_limit(tmp_path):
    r = Request.FromString(request("one"))
    span = r.resource_spans[0].scope_spans[0].spans[0]
    span.attributes.add(key="text").value.string_value = "x" * 100_000
    (tmp_path / "a").write_bytes(r.SerializeToString())
    _, whole, _ = translate(tmp_path / "a")
    _, cut, _ = translate("--limit", "65536", tmp_path / "a")
    assert len(whole[0]) > 100_000
    assert len(cut[0]) <= 65536
    assert names(cut) == ["one"]


def made_id(span, role, index=0):
    seed = span.trace_id + span.span_id + role + index.to_bytes(4, "big")
    return hashlib.sha256(seed).hexdigest()[:16]


def test_made_ids(tmp_path):
    """They depend on the span alone, so that a span that is sent twice gives
    the same document."""
    r = Request.FromString(request("one"))
    span = r.resource_spans[0].scope_spans[0].spans[0]
    span.kind = 3
    span.attributes.add(key="aws.span.kind").value.string_value = "LOCAL_ROOT"
    for _ in range(2):
        message = span.events.add(name="exception").attributes.add()
        message.key, message.value.string_value = "exception.message", "why"
    (tmp_path / "a").write_bytes(r.SerializeToString())
    code, lines, _ = translate(tmp_path / "a")
    assert code == 0
    by_id = {d["id"]: d for d in map(json.loads, lines)}
    service = made_id(span, b"S")
    assert set(by_id) == {service, span.span_id.hex()}
    assert by_id[span.span_id.hex()]["parent_id"] == service
    exceptions = by_id[span.span_id.hex()]["cause"]["exceptions"]
    assert [e["id"] for e in exceptions] == [
        made_id(span, b"E", i) for i in range(2)
    ]


def test_fault_in_protobuf(tmp_path):
    """What stands before the fault is printed, other files are read."""
    good = request("one")
    (tmp_path / "bad").write_bytes(good + b"\x0a\x7f")
    (tmp_path / "good").write_bytes(request("two"))
    code, lines, errors = translate(tmp_path / "bad", tmp_path / "good")
    assert (code, names(lines)) == (1, ["one", "two"])
    assert f"{tmp_path}/bad: " in errors
    assert f"at byte {len(good)}" in errors


def test_fault_in_json(tmp_path):
    (tmp_path / "a").write_text(json_span("one").replace('"one"', "1"))
    code, lines, errors = translate(tmp_path / "a")
    assert (code, lines) == (1, [])
    assert "resourceSpans[0].scopeSpans[0].spans[0].name: " in errors
    text = '{"resourceSpans": [}'
    (tmp_path / "a").write_text(text)
    code, lines, errors = translate(tmp_path / "a")
    assert (code, lines) == (1, [])
    assert f"at byte {text.index('}')}" in errors


def test_span_without_ids(tmp_path):
    r = Request.FromString(request("one", "two"))
    r.resource_spans[0].scope_spans[0].spans[0].span_id = b""
    (tmp_path / "a").write_bytes(r.SerializeToString())
    code, lines, errors = translate(tmp_path / "a")
    assert (code, names(lines)) == (1, ["two"])
    assert "span 0: " in errors


def test_no_such_file(tmp_path):
    code, _, errors = translate(tmp_path / "none")
    assert code == 1
    assert "none: No such file or directory" in errors


def test_no_file():
    code, _, errors = translate()
    assert code == 1
    assert "no file is named" in errors
