# SPDX-License-Identifier: Apache-2.0
"""TLS comes with the first upload: no bundle of certificates is opened before,
and what it costs stands in nobody's way."""

import os
import threading
from pathlib import Path

import pytest

from conftest import XRay
from emulator.environment import cpu_ms
from emulator.judge import delivered, ids, run
from harness import certificate
from harness.waiting import until


@pytest.fixture
def certificates(tmp_path):
    return certificate.make(tmp_path)


@pytest.fixture
def secure(keyring, certificates):
    server = XRay(keyring, tls=certificate.server_context(certificates))
    yield server
    server.stop()
    assert not server.bad_signatures, server.bad_signatures


class Pipe:
    """A bundle that tells when it is opened first: whoever opens a pipe waits
    for the other side. From then on it is a file as any other."""

    def __init__(self, path, bundle):
        self.path, self.bundle = path, bundle
        self.opened = False
        os.mkfifo(path)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with open(self.path, "wb") as f:  # waits until the relay opens it
            self.opened = True
            text = self.bundle.read_bytes()
            os.replace(self.bundle, self.path)
            f.write(text)


DISTRIBUTION = Path("/etc/ssl/certs/ca-certificates.crt")


@pytest.mark.parametrize("whole", [False, True], ids=["one", "distribution"])
def test_bundle_from_the_environment(
    make_lambda, secure, certificates, tmp_path, number, whole
):
    """With one certificate, and with all that a distribution has beside: CPU
    and time of the first upload, which reads them, and of a later one."""
    bundle = tmp_path / "bundle.pem"
    more = DISTRIBUTION.read_bytes() if whole and DISTRIBUTION.exists() else b""
    bundle.write_bytes(more + certificates[0].read_bytes())
    env = {"XRAY_RELAY_ENDPOINT": secure.url, "AWS_CA_BUNDLE": bundle}
    function = make_lambda(env=env)
    function.init()
    pid = function.extensions[0].process.pid
    cpu, made, sent = [cpu_ms(pid)], [], []
    for n in range(1, 4):
        invocations, own = run(function, 1, 0, start=n)
        made += invocations
        sent += own
        cpu.append(cpu_ms(pid))
    function.shutdown()
    assert delivered(secure) == set(sent)
    number(
        first=f"cpu {cpu[1] - cpu[0]:.1f} post {made[0].post_ms():.1f}",
        later=f"cpu {cpu[3] - cpu[2]:.1f} post {made[2].post_ms():.1f}",
    )


def test_no_bundle_before_the_first_upload(
    make_lambda, secure, certificates, tmp_path
):
    pipe = Pipe(tmp_path / "bundle.pem", certificates[0])
    env = {
        "XRAY_RELAY_ENDPOINT": secure.url,
        "AWS_CA_BUNDLE": pipe.path,
    }
    function = make_lambda(env=env)
    function.init()
    for _ in range(3):
        function.invoke({"spans": 0})
    assert not pipe.opened
    function.invoke({"ids": ids(1)})
    function.shutdown()
    until(lambda: pipe.opened, what="the bundle was read")
    assert delivered(secure) == set(ids(1))


def test_configuration_of_openssl(
    make_lambda, secure, certificates, tmp_path
):
    """The image's openssl.cnf is of another OpenSSL, and takes time."""
    pipe = Pipe(tmp_path / "openssl.cnf", certificates[0])
    env = {
        "XRAY_RELAY_ENDPOINT": secure.url,
        "AWS_CA_BUNDLE": certificates[0],
        "OPENSSL_CONF": pipe.path,
    }
    function = make_lambda(env=env)
    function.invoke({"ids": ids(1)})
    function.shutdown()
    assert delivered(secure) == set(ids(1))
    assert not pipe.opened


def test_bundle_of_somebody_else(make_lambda, secure, tmp_path):
    """An X-Ray that is not known to the bundle gets nothing, and the function
    does not notice."""
    (tmp_path / "other").mkdir()
    other = certificate.make(tmp_path / "other")
    env = {"XRAY_RELAY_ENDPOINT": secure.url, "AWS_CA_BUNDLE": other[0]}
    function = make_lambda(env=env, wire=False)
    run(function, 3, 0)
    function.shutdown()
    assert not secure.requests
    assert "ertificate" in function.log()
