# SPDX-License-Identifier: Apache-2.0
"""The OTLP servers' addresses: defaults, ports that are taken, the twin on
::1, and clients that come to the wrong one."""

import socket
import ssl

import grpc
import pytest

from harness import http2, otlp
from harness.documents import segment
from harness.listeners import listening
from harness.waiting import until

BOTH = ("127.0.0.1", "::1")


@pytest.fixture
def plain_relay(make_relay, xray):
    """Not started, without any OTLP address of ours."""
    relay = make_relay(config={"Endpoint": xray.url})
    del relay.config["Otlp"]
    return relay


@pytest.mark.namespace
def test_defaults(plain_relay):
    plain_relay.start()
    wanted = {
        f"tcp {host}:{port}"
        for port in (4317, 4318)
        for host in ("127.0.0.1", "[::1]")
    }
    assert wanted <= listening()


@pytest.mark.namespace
@pytest.mark.parametrize("port", (4317, 4318))
def test_default_port_taken(plain_relay, xray, port):
    with socket.create_server(("127.0.0.1", port)):
        plain_relay.start()
    plain_relay.wait_log(f"127.0.0.1:{port}")
    (line,) = (
        x for x in plain_relay.log().splitlines() if "going on without" in x
    )
    assert "[Warn]" in line and "in use" in line
    assert f"tcp [::1]:{port}" not in listening()  # that program's clients
    plain_relay.send(segment())
    plain_relay.wait_delivered(1)


@pytest.mark.parametrize("kind", ("http", "grpc"))
def test_explicit_port_taken(make_relay, xray, kind):
    relay = make_relay(config={"Endpoint": xray.url})
    relay.judged = False
    port = getattr(relay, f"otlp_{kind}_port")
    with socket.create_server(("127.0.0.1", port)):
        relay.start(ready=False)
        assert relay.process.wait(20) == 1
    assert f"127.0.0.1:{port}" in relay.output()
    assert "in use" in relay.output()


@pytest.mark.relay(
    config={"Otlp": {"Http": {"Enabled": False}, "Grpc": {"Enabled": False}}}
)
def test_switched_off(relay):
    for port in (relay.otlp_http_port, relay.otlp_grpc_port, 4317, 4318):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


@pytest.mark.parametrize("host", BOTH)
def test_twin(relay, host):
    answer = otlp.post(relay.otlp_http_port, otlp.request(), host=host)
    assert answer.status == 200
    to = f"[{host}]" if ":" in host else host
    with otlp.channel(relay.otlp_grpc_port, host=to) as over:
        otlp.export(over, otlp.request())
    relay.wait_delivered(2)


def test_grpc_to_http(relay):
    with otlp.channel(relay.otlp_http_port) as over:
        with pytest.raises(grpc.RpcError):
            otlp.export(over, otlp.request(), timeout=5)
    for host in BOTH:
        to = host, relay.otlp_http_port
        with socket.create_connection(to, 10) as s:
            s.sendall(http2.PREFACE)
            until(lambda: is_closed(s))
    relay.wait_log("OTLP/HTTP: a client speaks gRPC to this port")
    assert relay.log().count("speaks gRPC to this port") == 1


def is_closed(s):
    try:
        return s.recv(4096) == b""
    except ConnectionResetError:
        return True


def test_http_to_grpc(relay):
    for host in (*BOTH, *BOTH):
        answer = otlp.post(relay.otlp_grpc_port, otlp.request(), host=host)
        assert answer.status == 400 and b"gRPC" in answer.body
    relay.wait_log("OTLP/gRPC: a client speaks plain HTTP to this port")
    assert relay.log().count("speaks plain HTTP to this port") == 1


@pytest.mark.parametrize("kind", ("HTTP", "gRPC"))
def test_tls_to_plain(relay, kind):
    port = getattr(relay, f"otlp_{kind.lower()}_port")
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", port), 10) as s:
            with pytest.raises(OSError):
                ssl.create_default_context().wrap_socket(
                    s, server_hostname="localhost"
                )
    relay.wait_log(f"OTLP/{kind}: a client speaks TLS and this port does not")
    assert relay.log().count("a client speaks TLS") == 1
