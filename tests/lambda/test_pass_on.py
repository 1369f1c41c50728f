# SPDX-License-Identifier: Apache-2.0
"""OTLP passed on to another backend out of a function: by the same policy as
uploads to X-Ray, and never with a request on the wire when the sandbox
freezes."""

import threading
import time

import pytest

from conftest import Watched
from emulator.judge import delivered, ids, run
from emulator.snapstart import Credentials, restore, snap_start
from harness.fake_otlp import FakeOTLP
from harness.server import Answer

U = 0.15
BREAKER_CALLS = 6
CONFIG = """
receivers: {otlp: {protocols: {grpc: , http: }}}
exporters:
  awsxray:
  otlphttp/traces:
    endpoint: "${env:BACKEND}"
    headers: {authorization: "${env:TOKEN}"}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [%s]}
"""
SIGNED = """
receivers: {otlp: {protocols: {http: }}}
exporters:
  otlphttp:
    endpoint: "${env:BACKEND}"
    auth: {authenticator: sigv4auth}
extensions:
  sigv4auth: {region: us-east-1, service: xray}
service:
  extensions: [sigv4auth]
  pipelines:
    traces: {receivers: [otlp], exporters: [otlphttp]}
"""


class Backend(Watched, FakeOTLP):
    def span_ids(self):
        return {i.hex() for i in self.ids()}


@pytest.fixture
def backend():
    server = Backend()
    yield server
    server.stop()


@pytest.fixture
def start(make_lambda, xray, backend):
    def start_it(exporters="otlphttp/traces", wire=True, env=None, **more):
        function = make_lambda(
            env={
                "OPENTELEMETRY_COLLECTOR_CONFIG_URI": "yaml:"
                + CONFIG % exporters,
                "BACKEND": backend.url,
                "TOKEN": "secret",
                **(env or {}),
            },
            **more,
        )

        def check():
            assert xray.on_the_wire == 0
            assert not wire or backend.on_the_wire == 0

        function.on_freeze = check
        return function

    return start_it


@pytest.mark.parametrize("via", ["grpc", "http"])
def test_in_place_of_xray(start, backend, xray, via):
    function = start()
    _, sent = run(function, 3, 0.3, via=via)
    assert backend.span_ids() == set(sent)  # none waits in the sandbox
    function.shutdown()
    assert not xray.requests
    assert backend.requests[0].header("authorization") == "secret"
    assert "secret" not in function.log()
    ledger = function.ledger()
    ledger.check()
    assert ledger.sinks["traces"].delivered == 3


def test_beside_xray(start, backend, xray):
    function = start("awsxray, otlphttp/traces")
    _, sent = run(function, 3, 0.3)
    function.shutdown()
    assert backend.span_ids() == delivered(xray) == set(sent)
    function.ledger().check()


def test_end_of_each_call(start, backend):
    backend.on_export = lambda *_: time.sleep(U)
    function = start(env={"XRAY_RELAY_LAMBDA_FLUSH": "end"})
    for k in range(1, 7):
        function.invoke({"ids": ids(1, k)})
        assert backend.span_ids() == set(ids(k))
    function.shutdown()


def test_periodic(start, backend):
    """Requests wait for the interval and then go together."""
    env = {
        "XRAY_RELAY_LAMBDA_FLUSH": "periodic",
        "XRAY_RELAY_LAMBDA_FLUSH_INTERVAL_MS": 60000,
    }
    function = start(env=env)
    _, sent = run(function, 8, 0, via="grpc")
    assert not backend.requests
    function.shutdown()
    assert backend.span_ids() == set(sent)
    assert len(backend.requests) == 1


def test_burst(start, backend):
    """Calls in a row do not wait each for the backend."""
    backend.on_export = lambda *_: time.sleep(U)
    function = start()
    made, sent = run(function, 20, 0, via="grpc")
    function.shutdown()
    assert backend.span_ids() == set(sent)
    assert len(backend.requests) < 20
    late = [i.post_ms() for i in made]
    assert sorted(late)[10] < U * 800, late


def test_backend_out_of_reach(start, backend):
    """It is left alone after some failures, and the function lives."""
    hang = threading.Event()
    backend.on_export = lambda *_: hang.wait(10) and Answer(503)
    function = start(wire=False, timeout=10)
    made, _ = run(function, BREAKER_CALLS, 0.2)
    late = [i.post_ms() for i in made]
    assert late[-1] < 1400, late  # the wait was 1.5 s at first
    hang.set()
    function.shutdown()
    function.ledger().check()


def test_beside_a_backend_out_of_reach(start, backend, xray):
    backend.stop()
    function = start("awsxray, otlphttp/traces")
    _, sent = run(function, 5, 0.2)
    assert delivered(xray) >= set(sent[:3])
    function.shutdown()
    assert delivered(xray) == set(sent)
    ledger = function.ledger()
    ledger.check()
    assert ledger.sinks["traces"].dropped == 5


def test_signed_after_a_snapshot(make_lambda, backend, keyring):
    """As uploads to X-Ray: with keys asked for after the restore, over
    connections of now; and with others once those are void."""
    credentials = Credentials(keyring)
    backend.keyring = keyring
    function = snap_start(
        make_lambda,
        credentials,
        OPENTELEMETRY_COLLECTOR_CONFIG_URI="yaml:" + SIGNED,
        BACKEND=backend.url,
    )
    old = restore(function, credentials, backend)
    _, sent = run(function, 2, 0)
    assert backend.span_ids() == set(sent)
    assert credentials.asked == 1
    credentials.rotate()
    _, more = run(function, 1, 0, start=10)
    assert backend.span_ids() == {*sent, *more}
    assert credentials.asked == 2
    for request in backend.requests:
        assert old.id not in request.header("authorization")
    function.shutdown()
    function.ledger().check()
