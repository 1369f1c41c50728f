# SPDX-License-Identifier: Apache-2.0
"""A mixed estate: services with the X-Ray SDK and with OpenTelemetry in one
trace, sending to one relay."""

import json

from aws_xray_sdk.core import AWSXRayRecorder
from aws_xray_sdk.core.models.trace_header import TraceHeader
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter,
)
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

KEY = "X-Amzn-Trace-Id"


def recorder_of(relay):
    recorder = AWSXRayRecorder()
    recorder.configure(
        service="front",
        sampling=False,
        daemon_address=f"127.0.0.1:{relay.udp_port}",
    )
    return recorder


def provider_of(relay):
    provider = TracerProvider(
        resource=Resource.create({"service.name": "back"})
    )
    to = f"http://127.0.0.1:{relay.otlp_http_port}/v1/traces"
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(to)))
    return provider


def test_parents(relay, xray):
    """front (X-Ray SDK) calls back (OpenTelemetry), which calls front."""
    recorder, provider = recorder_of(relay), provider_of(relay)
    with recorder.in_segment("front") as segment:
        with recorder.in_subsegment("call back", namespace="remote") as call:
            header = f"Root={segment.trace_id};Parent={call.id};Sampled=1"
            inward = serve_back(provider, {KEY: header})
    serve_front(recorder, inward[KEY])
    provider.shutdown()
    relay.wait_delivered(4)
    check(map(json.loads, xray.documents))


def serve_back(provider, headers):
    """One span for the call that came and one for the call it makes; gives
    that one's headers."""
    tracer, outward = provider.get_tracer("mixed"), {}
    came = AwsXRayPropagator().extract(headers)
    with tracer.start_as_current_span(
        "serve", context=came, kind=trace.SpanKind.SERVER
    ):
        with tracer.start_as_current_span(
            "call front", kind=trace.SpanKind.CLIENT
        ):
            AwsXRayPropagator().inject(outward)
    return outward


def serve_front(recorder, header):
    came = TraceHeader.from_header_str(header)
    recorder.begin_segment(
        "front again", traceid=came.root, parent_id=came.parent, sampling=1
    )
    recorder.end_segment()


def check(documents):
    by_name = {d["name"]: d for d in documents}
    front, back = by_name["front"], by_name["back"]
    (call_back,) = front["subsegments"]
    call_front, again = by_name["call front"], by_name["front again"]
    assert len({d["trace_id"] for d in by_name.values()}) == 1
    assert "parent_id" not in front
    assert back["parent_id"] == call_back["id"]
    assert "type" not in back  # a segment of its own, not a part of front's
    assert call_front["parent_id"] == back["id"]
    assert call_front["type"] == "subsegment"
    assert again["parent_id"] == call_front["id"]
