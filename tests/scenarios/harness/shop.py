# SPDX-License-Identifier: Apache-2.0
"""The trace that programs of every language send (tests/sdk/*/otlp.*,
tests/clients): a server span, below it a query and a step that fails. And what
must become of it, member by member."""

import json
import re

SERVICE = "shop"
STATEMENT = "SELECT * FROM orders WHERE id = $1"
ERROR = "it did not work: \u00e9"

CALM = {"error": False, "fault": False, "throttle": False}
SERVER = {
    **CALM,
    "name": SERVICE,
    "http": {
        "request": {
            "method": "GET",
            "url": "http://shop.example:8080/orders/7",
            "user_agent": "matrix/1",
            "client_ip": "10.0.0.9",
            "x_forwarded_for": True,
        },
        "response": {"status": 200},
    },
}
QUERY = {
    **CALM,
    "name": "SELECT orders",
    "type": "subsegment",
    "namespace": "remote",
    "sql": {
        "url": "SELECT orders",
        "connection_string": "db.example/shop",
        "database_type": "postgresql",
        "sanitized_query": STATEMENT,
    },
}
WORK = {**CALM, "name": "work", "type": "subsegment", "fault": True}
METADATA = {
    "label_num": 2,
    "fresh": True,
    "ratio": 0.5,
    "tags": ["a", "b"],
    "note": 'quotes " \\ \u00e9 \u2603',
    "otel.span.name": "GET /orders/{id}",
    "otel.scope.name": "matrix",
    "otel.resource.service.name": SERVICE,
}
# What is an exception's type there, and whether a stack comes with it.
EXCEPTIONS = {
    "python": ("ValueError", True),
    "nodejs": ("TypeError", True),
    "java": ("java.lang.IllegalStateException", True),
    "go": ("*errors.errorString", True),
    "rust": ("", False),
}


def check(documents, language):
    """The three documents in any order, and no fourth."""
    by_name = {d["name"]: d for d in map(json.loads, documents)}
    assert len(documents) == len(by_name) == 3, documents
    server = by_name[SERVICE]
    query, work = by_name["SELECT orders"], by_name["work"]
    for document, wanted in ((server, SERVER), (query, QUERY), (work, WORK)):
        _check_members(document, wanted)
        assert document["trace_id"] == server["trace_id"]
        sdk = document["aws"]["xray"]
        assert sdk["sdk"] == f"opentelemetry for {language}"
        assert re.fullmatch(r"[\d.]+", sdk["sdk_version"])
        assert sdk["auto_instrumentation"] is False
        assert server["start_time"] <= document["start_time"]
        assert document["start_time"] <= document["end_time"]
    assert "parent_id" not in server and "type" not in server
    assert query["parent_id"] == work["parent_id"] == server["id"]
    assert METADATA.items() <= server["metadata"]["default"].items()
    _check_cause(work, *EXCEPTIONS[language])


def _check_members(document, wanted):
    have = {k: v for k, v in document.items() if k in wanted}
    assert have == wanted


def _check_cause(work, kind, has_stack):
    (exception,) = work["cause"]["exceptions"]
    assert exception["message"] == ERROR
    assert exception.get("type", "") == kind
    assert bool(exception.get("stack")) == has_stack
