# SPDX-License-Identifier: Apache-2.0
"""OpenTelemetry's own exporters, each sending the trace of harness/shop.py."""

import json

import pytest

from harness import programs, shop
from harness.waiting import until

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
PARENT = "53995c3f42cd8ad8"
HTTP = ("proto", "proto gzip", "json", "json gzip")
GRPC = ("grpc", "grpc gzip")
# Program, its language as the documents name it.
ALWAYS = {"python/otlp.py": "python", "node/otlp.js": "nodejs"}
UNSAMPLED = {"input": "otlp_udp", "reason": "otlp_unsampled"}
BUILT = {"go-otlp": "go", "java-otlp": "java", "rust-otlp": "rust"}


def endpoint(relay, kind):
    if kind.startswith("grpc"):
        return f"http://127.0.0.1:{relay.otlp_grpc_port}"
    return f"http://127.0.0.1:{relay.otlp_http_port}/v1/traces"


def send(program, kind, to, relay):
    kind, *packed = kind.split()
    programs.run(
        program,
        kind,
        to,
        *packed,
        tcp_port=relay.tcp_port,
        udp_port=relay.udp_port,
        env={"OTEL_SERVICE_NAME": shop.SERVICE},
    )


@pytest.mark.parametrize("kind", HTTP + GRPC)
@pytest.mark.parametrize("program", ALWAYS)
def test_interpreted(relay, xray, program, kind):
    send(program, kind, endpoint(relay, kind), relay)
    relay.wait_delivered(3)
    shop.check(xray.documents, ALWAYS[program])


@pytest.mark.parametrize("kind", ("proto", "proto gzip") + GRPC)
@pytest.mark.parametrize("program", BUILT)
def test_built(relay, xray, program, kind):
    programs.skip_unless_built(program)
    send(program, kind, endpoint(relay, kind), relay)
    relay.wait_delivered(3)
    shop.check(xray.documents, BUILT[program])


def test_python_deflate(relay, xray):
    send("python/otlp.py", "proto deflate", endpoint(relay, "proto"), relay)
    relay.wait_delivered(3)
    shop.check(xray.documents, "python")


def test_tcp_2000(relay, xray):
    """The segments' TCP port takes OTLP too."""
    to = f"http://127.0.0.1:{relay.tcp_port}/v1/traces"
    send("python/otlp.py", "proto gzip", to, relay)
    relay.wait_delivered(3)
    shop.check(xray.documents, "python")


@pytest.mark.parametrize("program", ALWAYS)
def test_udp(relay, xray, program):
    """The ADOT exporters, which send OTLP in X-Ray datagrams."""
    send(program, "udp", f"127.0.0.1:{relay.udp_port}", relay)
    relay.wait_delivered(3)
    shop.check(xray.documents, ALWAYS[program])
    assert relay.metrics().items("accepted", input="otlp_udp") == 3


def test_udp_unsampled(relay, xray):
    """Uploading what was not sampled would cost money: counted, dropped."""
    send(
        "python/otlp.py", "udp-unsampled", f"127.0.0.1:{relay.udp_port}", relay
    )
    until(lambda: relay.metrics().items("rejected", **UNSAMPLED) == 1)
    assert not xray.documents


@pytest.mark.relay(config={"Otlp": {"Udp": {"Unsampled": True}}})
def test_udp_unsampled_wanted(relay, xray):
    send(
        "python/otlp.py", "udp-unsampled", f"127.0.0.1:{relay.udp_port}", relay
    )
    relay.wait_delivered(3)
    shop.check(xray.documents, "python")


def test_reference(relay, xray):
    """The reference Lambda function's exporter: two spans below the parent of
    the X-Ray header, and one with a trace id that holds no time."""
    programs.skip_unless_built("rust-reference")
    header = f"Root={ROOT};Parent={PARENT};Sampled=1"
    programs.run(
        "rust-reference",
        f"http://127.0.0.1:{relay.otlp_grpc_port}",
        tcp_port=relay.tcp_port,
        udp_port=relay.udp_port,
        env={"_X_AMZN_TRACE_ID": header},
    )
    relay.wait_delivered(3)
    by_name = {d["name"]: d for d in map(json.loads, xray.documents)}
    for name in ("lazy_load_identity", "detect-label"):
        assert by_name[name]["trace_id"] == ROOT
        assert by_name[name]["parent_id"] == PARENT
        assert by_name[name]["type"] == "subsegment"
    label = by_name["detect-label"]["metadata"]["default"]["label_num"]
    assert label == 2
    alone = by_name["load_region"]
    assert alone["trace_id"] != ROOT
    assert "parent_id" not in alone and "type" not in alone
