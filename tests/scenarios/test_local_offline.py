# SPDX-License-Identifier: Apache-2.0
"""Local mode sends nothing to anybody. In a network namespace in which every
address leads to the loopback interface, where all packets are looked at: one
to another address, or a question to a name server, would be seen."""

import ipaddress
import socket
import struct
import subprocess
import threading

import pytest

from harness.documents import segment
from harness.waiting import until

ETH_P_ALL = 3
ELSEWHERE = "203.0.113.9"
PORT_DNS = 53


class Watch:
    """Destinations of packets on lo that are not this machine's own."""

    def __init__(self):
        self.seen = set()
        self.socket = socket.socket(
            socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL)
        )
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self.socket.bind(("lo", ETH_P_ALL))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            packet = self.socket.recv(65536)
            version = packet[0] >> 4
            if version == 4:
                protocol, header = packet[9], (packet[0] & 15) * 4
                to = ipaddress.ip_address(packet[16:20])
            elif version == 6:
                protocol, header = packet[6], 40
                to = ipaddress.ip_address(packet[24:40])
            else:
                continue
            port = 0
            if protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP):
                port = struct.unpack_from("!H", packet, header + 2)[0]
            if not (to.is_loopback or to.is_multicast) or port == PORT_DNS:
                self.seen.add(f"{to} port {port}")


@pytest.fixture
def watch():
    routes = (["-4", "0.0.0.0/0"], ["-6", "::/0"])
    added = []
    for family, to in routes:
        done = subprocess.run(
            ["ip", family, "route", "add", "local", to, "dev", "lo"]
        )
        if done.returncode == 0:
            added.append((family, to))
    assert added
    yield Watch()
    for family, to in added:
        subprocess.run(
            ["ip", family, "route", "del", "local", to, "dev", "lo"], check=True
        )


@pytest.mark.namespace
def test_no_packet_leaves(watch, make_relay):
    # All that makes the relay call somebody: keys, a place to ask for, no
    # region.
    relay = make_relay(
        env={
            "AWS_REGION": None,
            "AWS_EC2_METADATA_DISABLED": None,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{ELSEWHERE}/",
            "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x",
            "ECS_CONTAINER_METADATA_URI_V4": f"http://{ELSEWHERE}/v4",
        }
    )
    relay.start_local(store=None)
    relay.send(segment(name="one"))
    assert relay.put(segment(name="two")).status == 200
    for path in ("/GetSamplingRules", "/SamplingTargets", "/Groups",
                 "/TelemetryRecords", "/EncryptionConfig"):
        assert relay.request("POST", path, "{}").status < 500
    for path in ("/", "/app.js", "/api/health", "/api/live", "/api/traces",
                 "/api/graph", "/metrics"):
        assert relay.get(path).status == 200
    for name in ("demo", "ls", "doctor", "env", "clear"):
        relay.command(name, check=True)
    assert relay.stop() == 0
    assert watch.seen == set()
    # and it would have been seen
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.sendto(b"x", (ELSEWHERE, 9))
    until(lambda: watch.seen, 20, "the probe")
    assert f"{ELSEWHERE} port 9" in watch.seen
