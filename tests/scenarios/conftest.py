# SPDX-License-Identifier: Apache-2.0
"""Fixtures: `xray` is a fake X-Ray, `relay` starts the program against it.
At the end each relay that still runs is stopped, must exit with 0, and both
balances of its ledger must hold."""

import signal
import subprocess

import pytest

from harness import certificate
from harness.connect_proxy import ConnectProxy
from harness.fake_metadata import FakeContainer, FakeIMDS, FakeTask
from harness.fake_sts import FakeSTS
from harness.fake_xray import FakeXRay
from harness.keys import Keyring
from harness.moto import Moto
from harness.ports import IN_NAMESPACE
from harness.relay import NO_ACCOUNT, Relay
from harness.shards import pytest_runtestloop  # noqa: F401, it is a hook


def pytest_collection_modifyitems(items):
    # Long ones first: begun at the end they would be waited for alone.
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    alone = pytest.mark.skip(reason="network namespaces are not permitted here")
    for item in items:
        if item.get_closest_marker("namespace") and not IN_NAMESPACE:
            item.add_marker(alone)


@pytest.fixture
def keyring():
    return Keyring()


@pytest.fixture
def xray(keyring):
    server = FakeXRay(keyring)
    yield server
    server.stop()
    assert not server.bad_signatures, server.bad_signatures


@pytest.fixture
def sts(keyring):
    server = FakeSTS(keyring)
    yield server
    server.stop()


@pytest.fixture
def imds(keyring):
    server = FakeIMDS(keyring)
    yield server
    server.stop()


@pytest.fixture
def container(keyring):
    server = FakeContainer(keyring)
    yield server
    server.stop()


@pytest.fixture
def task():
    server = FakeTask()
    yield server
    server.stop()


@pytest.fixture
def moto():
    server = Moto()
    yield server
    server.stop()


@pytest.fixture
def certificates(tmp_path):
    """Paths of a server's certificate and key."""
    return certificate.make(tmp_path)


@pytest.fixture
def secure(keyring, certificates):
    """An X-Ray that speaks TLS."""
    server = FakeXRay(keyring, tls=certificate.server_context(certificates))
    yield server
    server.stop()
    assert not server.bad_signatures, server.bad_signatures


@pytest.fixture
def proxy():
    server = ConnectProxy()
    yield server
    server.stop()


@pytest.fixture
def make_relay(tmp_path):
    """Makes relays, not yet started. They are not stopped by the test but
    here, unless it did, and judged."""
    made = []

    def make(**options):
        directory = tmp_path / f"relay{len(made)}"
        directory.mkdir()
        made.append(Relay(directory, **options))
        return made[-1]

    yield make
    for relay in made:
        if relay.process is None:
            continue
        try:
            code = relay.stop(signal.SIGTERM)
        finally:
            print(relay.output())
        if getattr(relay, "judged", True):
            assert code == 0, f"exit {code}: {relay.output()}"
            relay.check_ledger()


@pytest.fixture
def relay(make_relay, xray, request):
    """A started relay. The marker `relay(config=…, env=…, args=…)` changes
    how it is started. It ends before X-Ray does: what a test has sent and not
    waited for is delivered then, without waiting for X-Ray's return."""
    marker = request.node.get_closest_marker("relay")
    options = dict(marker.kwargs) if marker else {}
    config = {"Endpoint": xray.url, **options.pop("config", {})}
    relay = make_relay(config=config, **options).start()
    yield relay
    relay.stop()


@pytest.fixture
def local(make_relay):
    """A started local mode that keeps its traces in memory."""
    return make_relay(env=NO_ACCOUNT).start_local()


@pytest.fixture
def link_local():
    """Gives the loopback interface of our namespace an address."""
    added = []

    def add(address):
        subprocess.run(
            ["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True
        )
        added.append(address)
        return address

    yield add
    for address in added:
        subprocess.run(
            ["ip", "address", "del", f"{address}/32", "dev", "lo"], check=True
        )
