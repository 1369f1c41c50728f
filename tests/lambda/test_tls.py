# SPDX-License-Identifier: Apache-2.0
"""TLS comes with the first upload: no bundle of certificates is opened before,
and what it costs stands in nobody's way."""

import os
import threading

import pytest

from conftest import XRay
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


def test_bundle_from_the_environment(make_lambda, secure, certificates, number):
    env = {
        "XRAY_RELAY_ENDPOINT": secure.url,
        "AWS_CA_BUNDLE": certificates[0],
    }
    function = make_lambda(env=env)
    made, sent = run(function, 5, 0.05)
    function.shutdown()
    assert delivered(secure) == set(sent)
    post = [i.post_ms() for i in made]
    number(**{"first post": f"{post[0]:.1f}", "later": f"{max(post[1:]):.1f}"})


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
