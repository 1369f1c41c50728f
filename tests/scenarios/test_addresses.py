# SPDX-License-Identifier: Apache-2.0
"""Addresses to listen on: IPv6, both families on a bare port, names."""

import socket

import pytest

from harness.documents import datagram, segment
from harness.waiting import until


def send(family, host, port, document):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.sendto(datagram(document), (host, port))


@pytest.mark.portable
@pytest.mark.parametrize(
    "bind,hosts",
    [
        ("[::1]:{}", ["::1"]),
        (":{}", ["::1", "127.0.0.1"]),
        ("0.0.0.0:{}", ["127.0.0.1"]),
        ("localhost:{}", ["127.0.0.1"]),
    ],
)
def test_udp(bind, hosts, make_relay, xray):
    relay = make_relay(config={"Endpoint": xray.url})
    relay.args = ["-b", bind.format(relay.udp_port)]
    relay.start()
    for host in hosts:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        send(family, host, relay.udp_port, segment(name=f"via {host}"))
    until(lambda: len(xray.documents) == len(hosts), 10, relay.output)


def test_udp_port_in_use_ends_it(make_relay, xray):
    relay = make_relay(config={"Endpoint": xray.url})
    relay.judged = False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", relay.udp_port))
        relay.start(ready=False)
        assert relay.process.wait(15) == 1
    assert str(relay.udp_port) in relay.output()
