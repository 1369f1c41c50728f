# SPDX-License-Identifier: Apache-2.0
"""Datagrams recorded with the Go daemon: what it accepts we accept, byte for
byte; what it refuses we refuse with a warning. One difference is meant: a body
that is not one JSON object is refused."""

import base64
import signal
import socket

import pytest

from harness import cases
from harness.ports import IN_NAMESPACE
from harness.waiting import until


@pytest.mark.parametrize("case", cases.load("udp"))
def test_case(case, make_relay, xray):
    xray.enforce_limits = False
    xray.scripted = cases.upstream_answers(case)
    relay = make_relay(config={"Endpoint": xray.url}, args=bind(case))
    if "bind" in case:
        relay.udp_port = relay.tcp_port = 2000
    relay.start()
    sent = send_all(case, relay)
    if case.get("signal"):
        assert relay.stop(signal.Signals[case["signal"]["name"]]) == 0
    else:
        until(lambda: relay.metrics().sum("xray_relay_items_total") >= sent)
        until(lambda: settled(relay), 15)
    wanted = wanted_documents(case)
    assert sorted(xray.documents) == sorted(wanted)
    if case["expect_log"] == "warn" and not case["expect_documents"]:
        assert "[Warn]" in relay.log()


def bind(case):
    if "bind" not in case:
        return []
    if not IN_NAMESPACE:
        pytest.skip("network namespaces are not permitted here")
    return ["-b", case["bind"], "-t", "127.0.0.1:2000", "-l", "dev"]


def send_all(case, relay):
    """Sends the datagrams; gives how many the relay must have seen."""
    v6 = "::1" in str(case.get("bind"))
    family, host = socket.AF_INET, "127.0.0.1"
    if v6:
        family, host = socket.AF_INET6, "::1"
    datagrams = [base64.b64decode(g) for g in case["datagrams_base64"]]
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        for data in datagrams:
            s.sendto(data, (host, relay.udp_port))
    return sum(bool(d) for d in datagrams)


def settled(relay):
    m = relay.metrics()
    done = sum(m.documents(o) for o in ("delivered", "refused", "dropped"))
    return m.documents("made") == done


def wanted_documents(case):
    if case.get("upstream_script") and not case["expect_accepted"]:
        return []
    return [d for d in case["expect_documents"] or [] if cases.is_one_object(d)]
