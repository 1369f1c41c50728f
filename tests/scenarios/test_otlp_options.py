# SPDX-License-Identifier: Apache-2.0
"""The Translate options of cfg.yaml reach the documents that are uploaded."""

import copy
import http.client
import json

import pytest

from harness.waiting import until

REQUEST = {
    "resourceSpans": [
        {
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": "0af7651916cd43dd8448eb211c80319c",
                            "spanId": "b7ad6b7169203331",
                            "name": "work",
                            "kind": 2,
                            "startTimeUnixNano": "1700000000000000000",
                            "endTimeUnixNano": "1700000001000000000",
                            "attributes": [
                                {
                                    "key": "shop.order",
                                    "value": {"stringValue": "42"},
                                }
                            ],
                        }
                    ]
                }
            ]
        }
    ]
}


def document(relay, xray, request=REQUEST):
    connection = http.client.HTTPConnection("127.0.0.1", relay.otlp_http_port)
    connection.request(
        "POST",
        "/v1/traces",
        json.dumps(request),
        {"Content-Type": "application/json"},
    )
    assert connection.getresponse().status == 200
    until(lambda: xray.documents)
    return json.loads(xray.documents[0])


@pytest.mark.relay(config={"Translate": {"IndexAll": True}})
def test_every_attribute_an_annotation(relay, xray):
    assert document(relay, xray)["annotations"] == {"shop.order": "42"}


@pytest.mark.relay(config={"Translate": {"Indexed": ["shop.*"]}})
def test_attributes_by_glob(relay, xray):
    assert document(relay, xray)["annotations"] == {"shop.order": "42"}


@pytest.mark.relay(config={"Translate": {"LogGroups": ["/shop/orders"]}})
def test_log_groups_are_linked(relay, xray):
    made = document(relay, xray)
    assert made["aws"]["cloudwatch_logs"] == [{"log_group": "/shop/orders"}]


def test_what_is_cut_or_over_annotated_is_counted(relay, xray):
    request = copy.deepcopy(REQUEST)
    span = request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    names = [f"shop.item{i}" for i in range(60)]
    span["attributes"] = [
        {"key": name, "value": {"stringValue": "x"}} for name in names
    ] + [
        {
            "key": "aws.xray.annotations",
            "value": {
                "arrayValue": {"values": [{"stringValue": n} for n in names]}
            },
        },
        {"key": "note", "value": {"stringValue": "y" * 70000}},
    ]
    assert len(document(relay, xray, request)["annotations"]) == 60
    metrics = relay.metrics()
    assert metrics.sum("xray_relay_cuts_total", what="metadata") == 1
    assert metrics.sum("xray_relay_over_annotated_total") == 1
