# SPDX-License-Identifier: Apache-2.0
"""-p, HTTPS_PROXY and NO_PROXY: uploads go through an HTTP proxy, by CONNECT
for TLS, and not where NO_PROXY says so."""

import pytest

from harness.documents import segments
from harness.waiting import until


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
