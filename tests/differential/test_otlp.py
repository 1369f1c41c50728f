# SPDX-License-Identifier: Apache-2.0
"""Decodes generated OTLP requests with our decoder and the official runtime.

Ours is a small C program (XR_OTLP_DUMP) that stays open and prints a line a
span; what it prints is made here from the runtime's messages. Each generated
request is sent whole and damaged, in both encodings. EXAMPLES chooses how many
requests are generated.
"""
import base64
import json
import math
import os
import random
import struct
import subprocess

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest as Request)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

EXAMPLES = int(os.environ.get("EXAMPLES", "5000"))
CEILINGS = ("nested too deep", "more fields than", "more data than",
            "longer than 4 MiB", "more than 4096")

# CI compares the same requests each time; elsewhere they are new ones.
many = settings(max_examples=EXAMPLES, deadline=None, database=None,
                derandomize="CI" in os.environ,
                suppress_health_check=list(HealthCheck))


class Decoder:
    """Our decoder: requests in, (spans, error or None) out."""

    def __init__(self):
        self.process = subprocess.Popen([os.environ["XR_OTLP_DUMP"]],
                                        stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def run(self, encoding, body, spans_a_slice=1000):
        self.process.stdin.write(
            struct.pack("<IcI", len(body), encoding, spans_a_slice) + body)
        self.process.stdin.flush()
        spans = []
        while True:
            line = self.process.stdout.readline()
            assert line, f"the decoder died: {self.process.wait()}"
            value = json.loads(line)
            if not isinstance(value, list):
                return spans, value
            spans.append(value)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


@pytest.fixture(scope="module")
def decoder():
    d = Decoder()
    yield d
    d.close()


# --- what the program would print of the runtime's messages ----------------

def id_text(value, n):
    return (value if len(value) == n else bytes(n)).hex()


def value_view(v):
    kind = v.WhichOneof("value")
    if kind == "string_value":
        return ["s", v.string_value]
    if kind == "bool_value":
        return ["b", v.bool_value]
    if kind == "int_value":
        return ["i", v.int_value]
    if kind == "double_value":
        d = v.double_value
        return ["d", None if math.isnan(d) else struct.pack("<d", d).hex()]
    if kind == "array_value":
        return ["a", *map(value_view, v.array_value.values)]
    if kind == "kvlist_value":
        return ["m", attributes_view(v.kvlist_value.values)]
    if kind == "bytes_value":
        return ["y", v.bytes_value.hex()]
    return ["e"]


def attributes_view(attributes):
    return [[a.key, value_view(a.value)] for a in attributes]


def span_view(r, s, span):
    return [
        attributes_view(r.resource.attributes), r.schema_url,
        s.scope.name, s.scope.version, attributes_view(s.scope.attributes),
        s.schema_url,
        id_text(span.trace_id, 16), id_text(span.span_id, 8),
        id_text(span.parent_span_id, 8), span.trace_state, span.name,
        span.flags, span.kind, span.start_time_unix_nano,
        span.end_time_unix_nano, attributes_view(span.attributes),
        [[e.time_unix_nano, e.name, attributes_view(e.attributes)]
         for e in span.events],
        [[id_text(x.trace_id, 16), id_text(x.span_id, 8), x.trace_state,
          attributes_view(x.attributes), x.flags] for x in span.links],
        span.dropped_attributes_count, span.dropped_events_count,
        span.dropped_links_count, span.status.code, span.status.message]


def request_view(request):
    return [span_view(r, s, span) for r in request.resource_spans
            for s in r.scope_spans for span in s.spans]


# --- generated requests -----------------------------------------------------

texts = st.one_of(st.sampled_from(["", "a", "http.method", 'q"\\\n\t/', "é€😀",
                                   "\u2028", "\x00", "x" * 300]),
                  st.text(max_size=8))
uint64s = st.one_of(st.sampled_from([0, 1, 2**53 + 1, 2**63, 2**64 - 1]),
                    st.integers(0, 2**64 - 1))
int64s = st.one_of(st.sampled_from([0, -1, 2**63 - 1, -2**63]),
                   st.integers(-2**63, 2**63 - 1))
uint32s = st.one_of(st.sampled_from([0, 1, 257]), st.integers(0, 2**32 - 1))
ids = {n: st.one_of(st.binary(min_size=n, max_size=n),
                    st.sampled_from([b"", b"\1", bytes(n + 1)]))
       for n in (8, 16)}
doubles = st.one_of(st.sampled_from([0.0, -0.0, 0.1, 1e300, 5e-324, math.inf,
                                     -math.inf, math.nan]), st.floats())

scalars = st.one_of(
    st.just({}),
    texts.map(lambda v: {"string_value": v}),
    st.booleans().map(lambda v: {"bool_value": v}),
    int64s.map(lambda v: {"int_value": v}),
    doubles.map(lambda v: {"double_value": v}),
    st.binary(max_size=8).map(lambda v: {"bytes_value": v}))


def pairs(values, max_size=3):
    pair = st.fixed_dictionaries({"key": texts}, optional={"value": values})
    return st.lists(pair, max_size=max_size)


values = st.recursive(scalars, lambda inner: st.one_of(
    st.lists(inner, max_size=3).map(
        lambda v: {"array_value": {"values": v}}),
    pairs(inner).map(lambda v: {"kvlist_value": {"values": v}})),
    max_leaves=5)
attributes = pairs(values, 4)
events = st.fixed_dictionaries({}, optional={
    "time_unix_nano": uint64s, "name": texts, "attributes": attributes,
    "dropped_attributes_count": uint32s})
links = st.fixed_dictionaries({}, optional={
    "trace_id": ids[16], "span_id": ids[8], "trace_state": texts,
    "attributes": attributes, "dropped_attributes_count": uint32s,
    "flags": uint32s})
spans = st.fixed_dictionaries({"name": texts}, optional={
    "trace_id": ids[16], "span_id": ids[8], "parent_span_id": ids[8],
    "trace_state": texts, "flags": uint32s,
    "kind": st.integers(0, 5), "start_time_unix_nano": uint64s,
    "end_time_unix_nano": uint64s, "attributes": attributes,
    "dropped_attributes_count": uint32s,
    "events": st.lists(events, max_size=2), "dropped_events_count": uint32s,
    "links": st.lists(links, max_size=2), "dropped_links_count": uint32s,
    "status": st.fixed_dictionaries({}, optional={
        "code": st.integers(0, 2), "message": texts})})
scope_spans = st.fixed_dictionaries(
    {"spans": st.lists(spans, max_size=3)}, optional={
        "schema_url": texts,
        "scope": st.fixed_dictionaries({}, optional={
            "name": texts, "version": texts, "attributes": attributes})})
resource_spans = st.fixed_dictionaries(
    {"scope_spans": st.lists(scope_spans, max_size=2)}, optional={
        "schema_url": texts,
        "resource": st.fixed_dictionaries({}, optional={
            "attributes": attributes, "dropped_attributes_count": uint32s})})
requests = st.fixed_dictionaries(
    {"resource_spans": st.lists(resource_spans, max_size=2)}).map(
        lambda d: Request(**d))
seeds = st.integers(0, 2**32)


# --- JSON in one of its many spellings --------------------------------------

NUMBERS = {"intValue", "timeUnixNano", "startTimeUnixNano", "endTimeUnixNano"}
IDS = {"traceId", "spanId", "parentSpanId"}


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def respell(value, rng):
    """Another spelling of the same message."""
    if isinstance(value, list):
        return [respell(v, rng) for v in value]
    if not isinstance(value, dict):
        return value
    out = []
    for key, v in value.items():
        name = camel(key)
        if name in IDS:
            v = base64.b64decode(v).hex()
            v = v.upper() if rng.random() < .5 else v
        elif name in NUMBERS and rng.random() < .5:
            v = int(v)
        out.append((key, respell(v, rng)))
    for i in range(rng.choice([0, 0, 0, 1, 2])):
        out.append((f"unknown{i}", rng.choice(
            [None, 1, "resource", {"scopeSpans": [{}]}, [[], {"spans": 1}]])))
    rng.shuffle(out)
    return dict(out)


def to_json(request, rng):
    message = MessageToDict(
        request, preserving_proto_field_name=rng.random() < .5,
        use_integers_for_enums=rng.random() < .5)
    return json.dumps(
        respell(message, rng), ensure_ascii=rng.random() < .5,
        separators=rng.choice([(",", ":"), (", ", ": ")]),
        indent=rng.choice([None, None, 1])).encode("utf-8", "surrogatepass")


# --- the tests --------------------------------------------------------------

@many
@given(requests, st.integers(1, 5), seeds)
def test_requests(decoder, request, spans_a_slice, seed):
    rng = random.Random(seed)
    want = request_view(request)
    protobuf = request.SerializeToString()
    text = to_json(request, rng)
    assert decoder.run(b"p", protobuf, spans_a_slice) == (want, None)
    assert decoder.run(b"j", text, spans_a_slice) == (want, None)
    damaged_protobuf(decoder, mutate(protobuf, rng))
    damaged_json(decoder, mutate(text, rng))


def mutate(body, rng):
    """Body with bytes changed, cut out, put in or repeated."""
    body = bytearray(body)
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(body))
        length = rng.randint(1, 12)
        kind = rng.randrange(5)
        if kind == 0 and body:
            body[at % len(body)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del body[at:at + length]
        elif kind == 2:
            body[at:at] = body[at:at + length]
        elif kind == 3:
            body[at:at] = rng.choice([b"\xff" * 10, b"\x80", b"{", b"}", b'"',
                                      b"[", b"\\", b"\x0b\x0c", b"\xa8\x3f\1",
                                      b"null", b"1e5", b"\x00"])
        else:
            del body[at:]
    return bytes(body)


def damaged_protobuf(decoder, body):
    """Both take it and see the same, or both refuse it; but text that is not
    UTF-8 is taken by ours alone, and a field number of zero inside of an
    unknown group (no field may have it) by the runtime alone."""
    got, fault = decoder.run(b"p", body)
    try:
        want = request_view(Request.FromString(body))
    except DecodeError:
        return
    if fault is None:
        assert got == want
    elif not any(text in fault for text in CEILINGS):
        at = int(fault.rsplit(" ", 1)[1])
        assert has_zero_in_group(body, at), fault


def has_zero_in_group(body, at):
    """Whether the group that begins there (if one does) has a field 0."""
    depth = 0
    try:
        while True:
            tag, at = varint(body, at)
            if tag < 8:
                return depth > 0
            depth += {3: 1, 4: -1}.get(tag & 7, 0)
            if depth <= 0:
                return False
            at = behind(body, at, tag & 7)
    except IndexError:
        return False


def damaged_json(decoder, body):
    """What is JSON to us is JSON to Python too."""
    _, fault = decoder.run(b"j", body)
    if fault is None:
        json.loads(body.decode("utf-8", "replace"))


def fields(body):
    """The top-level fields of a message, as (number, type, bytes)."""
    at, out = 0, []
    while at < len(body):
        start = at
        tag, at = varint(body, at)
        at = behind(body, at, tag & 7)
        out.append(body[start:at])
    return out


def behind(body, at, wire_type):
    """Where the value that begins there ends; of a group, where its first
    field begins."""
    if wire_type == 0:
        return varint(body, at)[1]
    if wire_type == 2:
        n, at = varint(body, at)
        return at + n
    return at + {1: 8, 5: 4}.get(wire_type, 0)


def varint(body, at):
    value = shift = 0
    while True:
        value |= (body[at] & 127) << shift
        shift += 7
        at += 1
        if body[at - 1] < 128:
            return value, at


def wrap(number, body):
    head, n = bytearray(), len(body)
    for v in (number << 3 | 2, n):
        while v > 127:
            head.append(v & 127 | 128)
            v >>= 7
        head.append(v)
    return bytes(head) + body


def shuffled(messages, rng):
    """All fields of the messages as one message, in any order."""
    pool = [f for m in messages for f in fields(m.SerializeToString())]
    rng.shuffle(pool)
    return b"".join(pool)


UNKNOWN = [b"\xa8\x3f\1", b"\xa1\6" + bytes(8), b"\x93\6\x08\1\x94\6"]


@settings(many, max_examples=max(EXAMPLES // 5, 1))
@given(st.lists(resource_spans, min_size=1, max_size=3),
       st.lists(spans, min_size=1, max_size=3),
       st.lists(values, min_size=2, max_size=6), seeds)
def test_merging_and_order(decoder, resources, whole_spans, twice, seed):
    """Sub-messages that come twice, and fields in any order."""
    rng = random.Random(seed)
    span = shuffled([Span(**s) for s in whole_spans], rng)
    for first, second in zip(twice, twice[1:]):
        span += wrap(9, wrap(1, b"k") + b"".join(
            wrap(2, AnyValue(**v).SerializeToString())
            for v in (first, second)))
    pool = [shuffled([ResourceSpans(**r) for r in resources], rng),
            wrap(2, wrap(2, span)), *rng.choices(UNKNOWN, k=3)]
    rng.shuffle(pool)
    body = wrap(1, b"".join(pool))
    assert decoder.run(b"p", body, 2) == (
        request_view(Request.FromString(body)), None)
