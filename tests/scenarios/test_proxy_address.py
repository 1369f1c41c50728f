# SPDX-License-Identifier: Apache-2.0
"""-p, HTTPS_PROXY and NO_PROXY: uploads go through an HTTP proxy, by CONNECT
for TLS, and not where NO_PROXY says so."""

import select
import socket
import socketserver
import threading

import pytest

from harness import certificate
from harness.documents import segments
from harness.fake_xray import FakeXRay
from harness.waiting import until


class ConnectProxy(socketserver.ThreadingTCPServer):
    """Knows CONNECT only, and where it was asked to go to."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        self.targets = []
        super().__init__(("127.0.0.1", 0), _Tunnel)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Tunnel(socketserver.StreamRequestHandler):
    def handle(self):
        method, target, _ = self.rfile.readline().decode().split(" ")
        while self.rfile.readline().strip():
            pass
        self.server.targets.append(target)
        if method != "CONNECT":
            self.wfile.write(b"HTTP/1.1 501 no\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            self.wfile.write(b"HTTP/1.1 200 ok\r\n\r\n")
            self.copy(far)

    def copy(self, far):
        ends = {self.connection: far, far: self.connection}
        while True:
            for end in select.select(list(ends), [], [])[0]:
                data = end.recv(65536)
                if not data:
                    return
                ends[end].sendall(data)


@pytest.fixture
def proxy():
    server = ConnectProxy()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def secure(keyring, certificates):
    server = FakeXRay(keyring, tls=certificate.server_context(certificates))
    yield server
    server.stop()


@pytest.fixture
def upload(make_relay, secure, certificates):
    def run(env=None, args=()):
        relay = make_relay(
            config={"Endpoint": secure.url},
            env={"AWS_CA_BUNDLE": certificates[0], **(env or {})},
            args=args,
        ).start()
        relay.send(*segments(5))
        until(lambda: len(secure.documents) == 5, 15, relay.output)

    return run


def test_flag(upload, proxy, secure):
    upload(args=["-p", proxy.url])
    assert set(proxy.targets) == {f"127.0.0.1:{secure.port}"}


def test_environment(upload, proxy, secure):
    upload({"HTTPS_PROXY": proxy.url})
    assert set(proxy.targets) == {f"127.0.0.1:{secure.port}"}


def test_no_proxy(upload, proxy):
    upload({"HTTPS_PROXY": proxy.url, "NO_PROXY": "127.0.0.1"})
    assert not proxy.targets
