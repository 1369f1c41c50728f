# SPDX-License-Identifier: Apache-2.0
"""/healthz, /readyz, /metrics and `healthcheck`: what they say while all is
well, while X-Ray is down, and when the TCP port is somebody else's."""

import re
import shutil
import socket
import subprocess

import pytest

from harness.documents import segments
from harness.relay import BINARY
from harness.waiting import until


def healthcheck(relay):
    """Exit status of the subcommand, with the same settings."""
    address = f"127.0.0.1:{relay.tcp_port}"
    return subprocess.run(
        [BINARY, "healthcheck", "-t", address],
        env=relay.env,
        cwd=relay.directory,
        timeout=20,
    ).returncode


def test_all_well(relay, xray):
    assert relay.get("/healthz").status == 200
    until(lambda: relay.get("/readyz").status == 200)
    assert healthcheck(relay) == 0


def test_backend_down(relay, xray):
    xray.stop()
    relay.send(*segments(3))
    until(lambda: relay.get("/readyz").status == 503)
    assert relay.get("/healthz").status == 200
    xray.start()
    until(lambda: relay.get("/readyz").status == 200, 20, relay.output)
    until(lambda: len(xray.documents) == 3)


def test_healthcheck_without_a_relay(make_relay):
    relay = make_relay()
    assert healthcheck(relay) != 0


def test_under_the_name_healthcheck(make_relay, tmp_path):
    """As images call it: a copy, with or without flags of its own."""
    copy = shutil.copy(BINARY, tmp_path / "healthcheck")
    relay = make_relay().start()

    def status(*words, **env):
        return subprocess.run(
            [copy, *words], env={**relay.env, **env}, timeout=20
        ).returncode

    address = f"127.0.0.1:{relay.tcp_port}"
    until(lambda: status("-t", address) == 0)
    assert status(XRAY_RELAY_SOCKET_TCP_ADDRESS=address) == 0
    assert status("version") == 0
    relay.stop()
    assert status("-t", address) == 1


def test_metrics_format(relay, xray):
    relay.send(*segments(3))
    relay.wait_delivered(3)
    text = relay.get("/metrics").body.decode()
    assert relay.metrics().items("accepted", input="udp") == 3
    assert relay.metrics().documents("made", sink="xray") == 3
    names = set(re.findall(r"^([a-z_]+)[ {]", text, re.M))
    for name in names:
        assert re.search(rf"^# TYPE {name} (counter|gauge)$", text, re.M), name
        assert re.search(rf"^# HELP {name} \S", text, re.M), name
    for topic in ("kernel", "upload", "buffer"):
        assert topic in text, topic


def test_rejections_are_counted_by_reason(relay):
    good = b'{"format":"json","version":1}\n'
    for data, reason in (
        (b"no line feed", "no_header"),
        (good, "no_document"),
        (b'{"format":"xml","version":1}\n{}', "bad_header"),
        (good + b"[1]", "not_an_object"),
        (good + b'{"a":1}{"b":2}', "not_an_object"),
        (good + b"T1SClearly not", "otlp_malformed"),
    ):
        before = relay.metrics().items("rejected", reason=reason)
        relay.send_raw(data)
        until(
            lambda: relay.metrics().items("rejected", reason=reason) > before,
            what=lambda: f"{reason}: {relay.metrics().text}",
        )


@pytest.mark.namespace
def test_tcp_port_in_use(make_relay, xray):
    relay = make_relay(config={"Endpoint": xray.url})
    taken = socket.create_server(("127.0.0.1", relay.tcp_port))
    relay.start(ready=False)
    relay.wait_log("[Error]")
    relay.send(*segments(3))
    until(lambda: len(xray.documents) == 3)
    assert healthcheck(relay) != 0
    taken.close()
    until(relay.listening, 20, relay.output)  # it tries again each 10 s
    until(lambda: relay.get("/readyz").status == 200)
    assert healthcheck(relay) == 0
