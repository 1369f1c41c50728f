# SPDX-License-Identifier: Apache-2.0
"""OTLP/gRPC by grpcio: health, unknown methods, deadlines, ceilings, what is
told when there is no room, and the end."""

import grpc
import pytest
from google.rpc import status_pb2

from harness import otlp
from harness.waiting import until

SERVICE = "opentelemetry.proto.collector."
KINDS = {"metrics": "Metrics", "logs": "Logs"}
HEALTH = "/grpc.health.v1.Health/Check"


def code(over, body, method=otlp.EXPORT, **how):
    """The status code's name and the error of a call that must fail."""
    with pytest.raises(grpc.RpcError) as info:
        otlp.export(over, body, method, **how)
    return info.value.code().name, info.value


@pytest.fixture
def over(relay):
    with otlp.channel(relay.otlp_grpc_port) as channel:
        yield channel


def details(error):
    """The google.rpc.Status that comes with an error."""
    metadata = dict(error.trailing_metadata())
    return status_pb2.Status.FromString(metadata["grpc-status-details-bin"])


def health(over, service=b""):
    call = over.unary_unary(HEALTH)
    field = b"\x0a" + bytes([len(service)]) + service if service else b""
    return call(field, timeout=20)


def test_health(over):
    assert health(over) == b"\x08\x01"  # SERVING
    trace = f"{SERVICE}trace.v1.TraceService".encode()
    assert health(over, trace) == b"\x08\x01"
    with pytest.raises(grpc.RpcError) as info:
        health(over, b"other")
    assert info.value.code() == grpc.StatusCode.NOT_FOUND


def test_partial_success(over, relay):
    r = otlp.request(3)
    r.resource_spans[0].scope_spans[0].spans[2].trace_id = b""
    partial = otlp.export(over, r).partial_success
    assert partial.rejected_spans == 1 and "id" in partial.error_message
    relay.wait_delivered(2)


@pytest.mark.parametrize("signal", KINDS)
def test_other_signals(over, relay, signal):
    method = f"/{SERVICE}{signal}.v1.{KINDS[signal]}Service/Export"
    name, error = code(over, b"", method)
    assert name == "UNIMPLEMENTED"
    assert f"OTEL_{signal.upper()}_EXPORTER=none" in error.details()
    relay.wait_log(f"a client sends {signal}")


def test_other_methods(over):
    assert code(over, b"", "/any.Service/Call")[0] == "UNIMPLEMENTED"


def test_malformed(over):
    name, error = code(over, b"\x0a\xff")
    assert name == "INVALID_ARGUMENT" and "byte" in error.details()


@pytest.mark.parametrize("packed", (None, grpc.Compression.Gzip))
def test_too_large(over, relay, packed):
    """Over 4 MB, be it before or after unpacking."""
    body = otlp.request(5, pad=1 << 20)
    name, error = code(over, body, compression=packed)
    assert name == "RESOURCE_EXHAUSTED"
    assert "4194304 bytes" in error.details()
    assert not [k for k, _ in error.trailing_metadata() if "details" in k]
    otlp.export(over, otlp.request(3, pad=1 << 20), compression=packed)
    relay.wait_delivered(3)


@pytest.mark.relay(config={"Otlp": {"MessageMaxMB": 1}})
def test_another_ceiling(over, relay):
    name, error = code(over, otlp.request(2, pad=600_000))
    assert name == "RESOURCE_EXHAUSTED"
    assert "1048576 bytes" in error.details()
    otlp.export(over, otlp.request(1, pad=600_000))
    relay.wait_delivered(1)


@pytest.mark.relay(config={"TotalBufferSizeMB": 3})
def test_full(over, relay, xray):
    xray.stop()
    taken = 0
    with pytest.raises(grpc.RpcError) as info:
        while taken < 1000:
            otlp.export(over, otlp.request(5, pad=40_000))
            taken += 5
    assert info.value.code() == grpc.StatusCode.UNAVAILABLE
    assert otlp.retry_delay(details(info.value).details) >= 1
    assert relay.metrics().items("retry", input="otlp_grpc") == 5
    xray.start()
    relay.wait_delivered(taken)


def test_deadline(over, relay):
    """The client gives up by its own clock; the connection stays good."""
    name, _ = code(over, otlp.request(10000, pad=300), timeout=0.01)
    assert name == "DEADLINE_EXCEEDED"
    otlp.export(over, otlp.request())
    until(lambda: relay.metrics().items("accepted", input="otlp_grpc") >= 1)


def test_deadline_by_our_clock(over, relay):
    """A deadline that the client names and does not keep itself."""
    name, error = code(
        over,
        otlp.request(9000, pad=300),
        timeout=None,
        metadata=(("grpc-timeout", "1u"),),
    )
    assert name == "DEADLINE_EXCEEDED"
    assert "before all spans were taken" in error.details()
    assert relay.metrics().items("accepted") < 9000


def test_many_streams(over, relay):
    call = over.unary_unary(otlp.EXPORT)
    futures = [
        call.future(otlp.request(10).SerializeToString(), timeout=60)
        for _ in range(300)
    ]
    assert all(f.result() == b"" for f in futures)
    relay.wait_delivered(3000, 60)


def test_drain(relay, xray):
    """At the end a connection gets GOAWAY: the client sees it close, and a
    call under way is answered."""
    states = []
    with otlp.channel(relay.otlp_grpc_port) as over:
        over.subscribe(states.append)
        otlp.export(over, otlp.request())
        call = over.unary_unary(otlp.EXPORT)
        body = otlp.request(9000, pad=300).SerializeToString()
        future = call.future(body, timeout=60)
        until(lambda: relay.metrics().items("accepted") > 1)
        assert relay.stop() == 0
        assert future.result() == b""
        until(lambda: states[-1] != grpc.ChannelConnectivity.READY)
    assert relay.ledger().items.accepted == 9001
