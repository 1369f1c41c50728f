# SPDX-License-Identifier: Apache-2.0
"""TLS and mutual TLS of both OTLP servers, and new certificates by SIGHUP."""

import http.client
import signal
import ssl

import grpc
import pytest

from harness import certificate, otlp
from harness.waiting import until


@pytest.fixture
def files(tmp_path):
    """Certificates and keys of the server, of a client, and of a stranger."""
    made = {}
    for who in ("server", "client", "stranger"):
        directory = tmp_path / who
        directory.mkdir()
        made[who] = certificate.make(directory)
    return made


@pytest.fixture
def start(make_relay, xray, files):
    def start(mutual):
        tls = {
            "Certificate": str(files["server"][0]),
            "Key": str(files["server"][1]),
        }
        if mutual:
            tls["ClientCA"] = str(files["client"][0])
        config = {"Endpoint": xray.url, "Otlp": {"Tls": tls}}
        return make_relay(config=config).start()

    return start


def post(relay, trusted, own=None):
    context = otlp.client_context(trusted, own)
    return otlp.post(relay.otlp_http_port, otlp.request(), tls=context)


def export(relay, trusted, own=None):
    chain, key = (x.read_bytes() for x in own) if own else (None, None)
    credentials = grpc.ssl_channel_credentials(trusted.read_bytes(), key, chain)
    port = relay.otlp_grpc_port
    with otlp.channel(port, credentials, "localhost") as over:
        return otlp.export(over, otlp.request(), timeout=10)


def test_tls(start, files):
    relay, trusted = start(mutual=False), files["server"][0]
    assert post(relay, trusted).status == 200
    export(relay, trusted)
    relay.wait_delivered(2)
    with pytest.raises(ssl.SSLError):
        post(relay, files["stranger"][0])


def test_mutual_tls(start, files):
    relay, trusted = start(mutual=True), files["server"][0]
    assert post(relay, trusted, files["client"]).status == 200
    export(relay, trusted, files["client"])
    relay.wait_delivered(2)
    for own in (None, files["stranger"]):
        with pytest.raises(OSError):
            post(relay, trusted, own)
        with pytest.raises(grpc.RpcError):
            export(relay, trusted, own)
    assert relay.metrics().items("accepted") == 2


def test_plain_to_tls(start):
    relay = start(mutual=False)
    with pytest.raises((OSError, http.client.HTTPException)):
        otlp.post(relay.otlp_http_port, otlp.request())
    relay.wait_log("a client speaks")


def served(port):
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    return ssl.PEM_cert_to_DER_cert(pem)


def test_reload(start, files):
    """Connections that are open stay; new ones see the new certificate. A
    broken file changes nothing."""
    relay, (chain, key) = start(mutual=False), files["server"]
    ports = relay.otlp_http_port, relay.otlp_grpc_port
    before = [served(p) for p in ports]
    open_one = otlp.connect(ports[0], otlp.client_context(chain))
    open_one.connect()
    certificate.make(chain.parent)
    relay.process.send_signal(signal.SIGHUP)
    until(lambda: all(served(p) not in before for p in ports))
    after = [served(p) for p in ports]
    open_one.request("GET", "/v1/traces")
    assert open_one.getresponse().status == 405
    key.write_text("no key")
    relay.process.send_signal(signal.SIGHUP)
    relay.wait_log("TLS")
    relay.wait_log("[Error]")
    assert [served(p) for p in ports] == after
    assert post(relay, chain).status == 200
