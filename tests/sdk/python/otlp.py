# SPDX-License-Identifier: Apache-2.0
"""Sends the trace of harness/shop.py by an OTLP exporter for Python:
otlp.py proto|json|grpc|udp|udp-unsampled ENDPOINT [gzip|deflate]"""

import importlib
import sys

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

SERVER = {
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "url.scheme": "http",
    "url.path": "/orders/7",
    "server.address": "shop.example",
    "server.port": 8080,
    "client.address": "10.0.0.9",
    "user_agent.original": "matrix/1",
    "label_num": 2,
    "fresh": True,
    "ratio": 0.5,
    "tags": ["a", "b"],
    "note": 'quotes " \\ \u00e9 \u2603',
}
CLIENT = {
    "db.system.name": "postgresql",
    "db.namespace": "shop",
    "db.query.text": "SELECT * FROM orders WHERE id = $1",
    "server.address": "db.example",
}


def main(kind, endpoint, compression=None):
    provider = TracerProvider()
    provider.add_span_processor(
        BatchSpanProcessor(make_exporter(kind, endpoint, compression))
    )
    shop(provider.get_tracer("matrix"))
    provider.shutdown()


def make_exporter(kind, endpoint, compression):
    if kind.startswith("udp"):
        from amazon.opentelemetry.distro.otlp_udp_exporter import (
            OTLPUdpSpanExporter,
        )

        return OTLPUdpSpanExporter(endpoint, sampled=kind == "udp")
    if kind == "grpc":
        import grpc
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
            OTLPSpanExporter,
        )

        packed = grpc.Compression.Gzip if compression else None
        return OTLPSpanExporter(endpoint, insecure=True, compression=packed)
    from opentelemetry.exporter.otlp.common.http import Compression

    exporter = importlib.import_module(
        f"opentelemetry.exporter.otlp.{kind}.http.trace_exporter"
    ).OTLPSpanExporter
    return exporter(endpoint, compression=Compression(compression or "none"))


def shop(tracer):
    with tracer.start_as_current_span(
        "GET /orders/{id}", kind=SpanKind.SERVER, attributes=SERVER
    ):
        with tracer.start_as_current_span(
            "SELECT orders", kind=SpanKind.CLIENT, attributes=CLIENT
        ):
            pass
        with tracer.start_as_current_span(
            "work", record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                raise ValueError("it did not work: \u00e9")
            except ValueError as error:
                span.record_exception(error)
                span.set_status(Status(StatusCode.ERROR, str(error)))


if __name__ == "__main__":
    main(*sys.argv[1:])
