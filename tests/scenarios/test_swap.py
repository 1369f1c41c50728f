# SPDX-License-Identifier: Apache-2.0
"""The swap test: a tee records what a program with a real SDK sends, and every
document that X-Ray receives equals the sent bytes. XR_PEER=/path/to/xray runs
the same against another daemon."""

import os
import socket

import pytest

from harness import programs
from harness.relay import Relay
from harness.tee import Tee
from harness.waiting import until

PEER = os.environ.get("XR_PEER")
ROUNDS = 20


@pytest.fixture(params=["relay"] + (["peer"] if PEER else []))
def daemon(request, make_relay, xray):
    relay = make_relay(config={"Endpoint": xray.url})
    if request.param == "peer":
        start_peer(relay)
    else:
        relay.start()
    return relay


def start_peer(relay: Relay):
    relay.judged = False
    relay.config = {"Version": 2, "Endpoint": relay.config["Endpoint"]}
    relay.start(ready=False, binary=PEER)

    def accepts():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", relay.tcp_port)) == 0

    until(accepts, 30)


def swap(program, daemon, xray, *words):
    tee = Tee(daemon.udp_port)
    programs.run(program, *words, tcp_port=daemon.tcp_port, udp_port=tee.port)
    until(lambda: len(xray.documents) >= len(tee.datagrams) > 0)
    tee.stop()
    assert sorted(xray.documents) == sorted(tee.documents())
    return tee.documents()


def test_python(daemon, xray):
    assert len(swap("python/app.py", daemon, xray, ROUNDS)) >= ROUNDS + 2


def test_node(daemon, xray):
    assert len(swap("node/app.js", daemon, xray, ROUNDS)) == ROUNDS + 2


def test_go(daemon, xray):
    programs.skip_unless_built("go-xray")
    assert len(swap("go-xray", daemon, xray, ROUNDS)) >= ROUNDS
