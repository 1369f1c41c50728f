# SPDX-License-Identifier: Apache-2.0
"""Spans whose documents would be larger than X-Ray takes: they are cut to fit,
marked, and counted. What is cut first is for the unit tests to say."""

import json

import pytest

from harness import otlp

LIMIT = 65536
MARK = "...[cut "


def attribute(of, key, text):
    of.attributes.add(key=key).value.string_value = text


def metadata(span):
    attribute(span, "pad", "x" * 100_000)


def frames(span):
    stack = "".join(f"\tat a.B.m{i}(B.java:{i})\n" for i in range(4000))
    event = span.events.add(name="exception")
    attribute(event, "exception.type", "Oops")
    attribute(event, "exception.stacktrace", "Oops\n" + stack)


def statements(span):
    attribute(span, "db.system", "mysql")
    attribute(span, "db.statement", "select " + "x" * 100_000)


def messages(span):
    event = span.events.add(name="exception")
    attribute(event, "exception.message", "why" * 40_000)


@pytest.mark.parametrize("fill", (metadata, frames, statements, messages))
def test_cut_to_fit(relay, xray, fill):
    request = otlp.request(1, name="large")
    resource = request.resource_spans[0]
    attribute(resource.resource, "telemetry.sdk.language", "java")
    fill(resource.scope_spans[0].spans[0])
    assert len(request.SerializeToString()) > LIMIT
    assert otlp.post(relay.otlp_http_port, request).status == 200
    relay.wait_delivered(1)
    (text,) = xray.documents
    assert LIMIT / 2 < len(text.encode()) <= LIMIT
    assert json.loads(text)["name"] == "made"
    metrics = relay.metrics()
    cuts = metrics.sum("xray_relay_cuts_total", what=fill.__name__)
    assert cuts == metrics.sum("xray_relay_cuts_total")
    if fill is frames:
        (exception,) = json.loads(text)["cause"]["exceptions"]
        assert exception["truncated"] == cuts > 0
        assert exception["stack"][0]["label"] == "a.B.m0"
        assert len(exception["stack"]) + cuts == 4000
    else:
        assert cuts == 1 and MARK in text
