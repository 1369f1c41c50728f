# SPDX-License-Identifier: Apache-2.0
"""TLS and mutual TLS of both OTLP servers, and new certificates by SIGHUP."""

import http.client
import signal
import socket
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
    made["ca"] = tmp_path / "ca.pem"
    made["ca"].write_bytes(made["client"][0].read_bytes())
    return made


@pytest.fixture
def start(make_relay, xray, files):
    """Starts relays, which end before X-Ray does: see the fixture `relay`."""
    made = []

    def start(mutual):
        tls = {
            "Certificate": str(files["server"][0]),
            "Key": str(files["server"][1]),
        }
        if mutual:
            tls["ClientCA"] = str(files["ca"])
        config = {"Endpoint": xray.url, "Otlp": {"Tls": tls}}
        made.append(make_relay(config=config).start())
        return made[-1]

    yield start
    for relay in made:
        relay.stop()


def post(relay, trusted, own=None):
    context = otlp.client_context(trusted, own)
    return otlp.post(relay.otlp_http_port, otlp.request(), tls=context)


def channel(relay, trusted, own=None):
    chain, key = (x.read_bytes() for x in own) if own else (None, None)
    credentials = grpc.ssl_channel_credentials(trusted.read_bytes(), key, chain)
    return otlp.channel(relay.otlp_grpc_port, credentials, "localhost")


def export(relay, trusted, own=None):
    with channel(relay, trusted, own) as over:
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


def ask(connection):
    connection.request("GET", "/v1/traces")
    with connection.getresponse() as answer:
        answer.read()
        return answer.status


def ask_again(relay, context, session):
    """In a new connection that goes on with the TLS session of another one.
    Whether that was granted."""
    to = "127.0.0.1", relay.otlp_http_port
    with socket.create_connection(to, 20) as plain:
        with context.wrap_socket(
            plain, server_hostname="localhost", session=session
        ) as over:
            over.sendall(b"GET /v1/traces HTTP/1.1\r\nHost: a\r\n\r\n")
            assert over.recv(12) == b"HTTP/1.1 405"
            return over.session_reused


def refused(call, *arguments):
    try:
        call(*arguments)
    except (OSError, grpc.RpcError):
        return True
    return False


def test_reload_of_client_ca(start, files):
    """Whom only the former one vouches for is refused from now on, also with
    a TLS session of before; connections that are open go on."""
    relay, trusted = start(mutual=True), files["server"][0]
    old, new = files["client"], files["stranger"]
    context = otlp.client_context(trusted, old)
    open_one = otlp.connect(relay.otlp_http_port, context)
    assert ask(open_one) == 405
    session = open_one.sock.session
    assert ask_again(relay, context, session)
    with channel(relay, trusted, old) as over:
        otlp.export(over, otlp.request())
        files["ca"].write_bytes(new[0].read_bytes())
        assert refused(post, relay, trusted, new)
        relay.process.send_signal(signal.SIGHUP)
        until(lambda: not refused(post, relay, trusted, new))
        export(relay, trusted, new)
        for send in (post, export):
            assert refused(send, relay, trusted, old)
        assert refused(ask_again, relay, context, session)
        assert ask(open_one) == 405
        otlp.export(over, otlp.request())
    open_one.close()
    files["ca"].write_text("no certificate")
    relay.process.send_signal(signal.SIGHUP)
    relay.wait_log("TLS client CA")
    assert refused(post, relay, trusted, old)
    assert post(relay, trusted, new).status == 200
