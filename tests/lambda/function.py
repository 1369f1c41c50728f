# SPDX-License-Identifier: Apache-2.0
"""A function with its runtime: asks for invocations, does what the payload
says, answers. The payload: `spans` to send, `via` (http, grpc, udp), `work`
seconds before, `crash` before or after sending, `hang`, `threads`."""

import http.client
import json
import os
import socket
import sys
import time

API = os.environ.get("AWS_LAMBDA_RUNTIME_API")
OTLP = None
GRPC = None


def main():
    api = http.client.HTTPConnection(API)
    while True:
        api.request("GET", "/2018-06-01/runtime/invocation/next")
        answer = api.getresponse()
        payload = json.loads(answer.read())
        request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        handle(payload, answer.headers["Lambda-Runtime-Trace-Id"])
        api.request(
            "POST",
            f"/2018-06-01/runtime/invocation/{request_id}/response",
            b"{}",
        )
        api.getresponse().read()


def handle(payload, trace):
    time.sleep(payload.get("work", 0))
    if payload.get("crash") == "before":
        os._exit(1)
    for n in range(payload.get("exports", 1)):
        export(payload, trace)
    if payload.get("crash") == "after":
        os._exit(1)
    while payload.get("hang"):
        time.sleep(1)


def export(payload, trace):
    ids = payload.get("ids") or [
        os.urandom(8).hex() for _ in range(payload.get("spans", 0))
    ]
    if not ids:
        return
    parts = dict(p.split("=", 1) for p in trace.split(";"))
    via = payload.get("via", "http")
    if via == "udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for i in ids:
                s.sendto(segment(parts, i), ("127.0.0.1", 2000))
    elif via == "grpc":
        call(request(parts, ids))
    else:
        kind = payload.get("kind", 1)
        post(json.dumps(request(parts, ids, kind)).encode())


def call(value):
    """By gRPC; only then are its packages loaded."""
    global GRPC
    import base64

    import grpc
    from google.protobuf import json_format
    from opentelemetry.proto.collector.trace.v1 import (
        trace_service_pb2 as service,
    )

    for span in value["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for key in ("traceId", "spanId", "parentSpanId"):
            text = base64.b64encode(bytes.fromhex(span[key]))
            span[key] = text.decode()
    if GRPC is None:
        GRPC = grpc.insecure_channel("localhost:4317").unary_unary(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            service.ExportTraceServiceRequest.SerializeToString,
            service.ExportTraceServiceResponse.FromString,
        )
    request_message = json_format.ParseDict(
        value, service.ExportTraceServiceRequest()
    )
    GRPC(request_message, timeout=5)


def post(body):
    """Keeps the connection, as SDKs do; a failure is no reason to fail."""
    global OTLP
    for _ in range(2):
        try:
            if OTLP is None:
                OTLP = http.client.HTTPConnection("127.0.0.1", 4318, timeout=2)
            OTLP.request(
                "POST",
                "/v1/traces",
                body,
                {"Content-Type": "application/json"},
            )
            answer = OTLP.getresponse()
            text = answer.read()
            if answer.status == 503:  # no memory: an SDK drops, too, or waits
                print("export:", answer.status, text, file=sys.stderr)
            else:
                assert answer.status == 200, (answer.status, text)
            return
        except OSError as error:
            OTLP = None
            print("export:", error, file=sys.stderr)


def request(parts, ids, kind=1):
    now = time.time_ns()
    trace_id = parts["Root"].replace("-", "")[1:]
    spans = [
        {
            "traceId": trace_id,
            "spanId": i,
            "parentSpanId": parts["Parent"],
            "name": "detect-label",
            "kind": kind,
            "startTimeUnixNano": str(now - 1000000),
            "endTimeUnixNano": str(now),
            "attributes": [{"key": "label_num", "value": {"intValue": "2"}}],
        }
        for i in ids
    ]
    resource = {
        "attributes": [
            {"key": "service.name", "value": {"stringValue": "lambda"}}
        ]
    }
    return {
        "resourceSpans": [
            {"resource": resource, "scopeSpans": [{"spans": spans}]}
        ]
    }


def segment(parts, segment_id):
    now = time.time()
    document = {
        "trace_id": parts["Root"],
        "id": segment_id,
        "parent_id": parts["Parent"],
        "type": "subsegment",
        "name": "detect-label",
        "start_time": now - 0.001,
        "end_time": now,
    }
    header = b'{"format":"json","version":1}\n'
    return header + json.dumps(document).encode()


if __name__ == "__main__":
    main()
