# SPDX-License-Identifier: Apache-2.0
"""OTLP requests made by hand, and their sending by HTTP and gRPC."""

import base64
import gzip
import http.client
import json
import os
import ssl
import zlib

import grpc
import zstandard
from google.protobuf.json_format import MessageToDict
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest as Request,
    ExportTraceServiceResponse as Response,
)

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
START_NS = 1_700_000_000_000_000_000
PACK = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
}


def request(n=1, pad=0, name="span"):
    """A request of n server spans, each with `pad` bytes of metadata."""
    r = Request()
    resource = r.resource_spans.add()
    attribute = resource.resource.attributes.add(key="service.name")
    attribute.value.string_value = "made"
    scope = resource.scope_spans.add()
    for _ in range(n):
        span = scope.spans.add(name=name, kind=2)
        span.trace_id, span.span_id = os.urandom(16), os.urandom(8)
        span.start_time_unix_nano = START_NS
        span.end_time_unix_nano = START_NS + 1_000_000
        if pad:
            span.attributes.add(key="pad").value.string_value = "x" * pad
    return r


def to_json(r):
    """OTLP/JSON: as protobuf's JSON but with ids in hex."""
    value = MessageToDict(r)
    spans = (
        span
        for resource in value["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    )
    wanted = (
        span
        for resource in r.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )
    for out, span in zip(spans, wanted):
        out["traceId"], out["spanId"] = span.trace_id.hex(), span.span_id.hex()
    return json.dumps(value).encode()


def datagram(r, prefix=b"T1S"):
    """As the exporters of ADOT send it to the daemon's port."""
    header = b'{"format":"json","version":1}\n'
    return header + prefix + base64.b64encode(r.SerializeToString())


def connect(port, tls=None, timeout=20, host="127.0.0.1"):
    if tls:
        return http.client.HTTPSConnection(
            host, port, context=tls, timeout=timeout
        )
    return http.client.HTTPConnection(host, port, timeout=timeout)


def post(port, body, headers=None, *, path="/v1/traces", method="POST", **how):
    """One exchange; the answer has .status, .headers, .body. A body that is a
    list goes in chunks."""
    headers = {"Content-Type": PROTOBUF, **(headers or {})}
    if isinstance(body, Request):
        body = body.SerializeToString()
    chunked = isinstance(body, list)
    connection = connect(port, **how)
    try:
        connection.request(
            method,
            path,
            iter(body) if chunked else body,
            headers,
            encode_chunked=chunked,
        )
        answer = connection.getresponse()
        answer.body = answer.read()
        return answer
    finally:
        connection.close()


def status(answer):
    """The google.rpc.Status in an answer's body, in the encoding it names."""
    return status_of(answer.headers["Content-Type"], answer.body)


def status_of(encoding, body):
    if encoding == JSON:
        return status_pb2.Status(**json.loads(body))
    assert encoding == PROTOBUF
    return status_pb2.Status.FromString(body)


def partial_success(answer):
    """Spans rejected and the reason, 0 and "" where all were taken."""
    if answer.headers["Content-Type"] == JSON:
        partial = json.loads(answer.body).get("partialSuccess", {})
        rejected = int(partial.get("rejectedSpans", 0))
        return rejected, partial.get("errorMessage", "")
    partial = Response.FromString(answer.body).partial_success
    return partial.rejected_spans, partial.error_message


def retry_delay(details):
    """Seconds of the RetryInfo in a Status, None without one."""
    for detail in details:
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            return info.retry_delay.seconds
    return None


def channel(port, credentials=None, host="127.0.0.1"):
    options = [("grpc.max_send_message_length", -1)]
    target = f"{host}:{port}"
    if credentials:
        return grpc.secure_channel(target, credentials, options)
    return grpc.insecure_channel(target, options)


def export(over, body, method=EXPORT, **how):
    """A unary call over a channel; raises grpc.RpcError."""
    if isinstance(body, Request):
        body = body.SerializeToString()
    call = over.unary_unary(method, None, Response.FromString)
    return call(body, **{"timeout": 20, **how})


def client_context(trusted, own=None):
    context = ssl.create_default_context(cafile=str(trusted))
    if own:
        context.load_cert_chain(*map(str, own))
    return context
