# SPDX-License-Identifier: Apache-2.0
"""Requests on one kept connection do not see each other's resource."""

import http.client
import json

from harness.waiting import until


def request(service, number):
    """An OTLP/JSON request of one server span."""
    span = {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "name": "GET /",
        "kind": 2,
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000001000000000",
    }
    resource = {
        "attributes": [
            {"key": "service.name", "value": {"stringValue": service}}
        ]
    }
    return json.dumps(
        {
            "resourceSpans": [
                {"resource": resource, "scopeSpans": [{"spans": [span]}]}
            ]
        }
    )


def test_each_request_has_its_own_resource(relay, xray):
    services = ["checkout-service", "b", "payments", "b", "a-longer-name"]
    connection = http.client.HTTPConnection("127.0.0.1", relay.tcp_port)
    for number, service in enumerate(services, 1):
        connection.request(
            "POST",
            "/v1/traces",
            request(service, number),
            {"Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    until(lambda: len(xray.documents) == len(services))
    documents = [json.loads(d) for d in xray.documents]
    documents.sort(key=lambda d: d["id"])
    assert [d["name"] for d in documents] == services
