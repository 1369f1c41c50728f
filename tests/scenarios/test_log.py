# SPDX-License-Identifier: Apache-2.0
"""The log as the daemon writes it, and nothing in it that should not be."""

import re

from harness.documents import HEADER, segments
from harness.waiting import until

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)"
    r" \[(Trace|Debug|Info|Warn|Error)\] .*"
)
ROTATE_AT = 50 << 20


def test_lines_have_the_daemons_form(relay, xray):
    relay.send(*segments(3))
    relay.send_raw(b"no header")
    until(lambda: len(xray.documents) == 3)
    relay.stop()
    lines = relay.log().splitlines()
    assert len(lines) > 4
    for line in lines:
        assert LINE.fullmatch(line), line
    assert "of 3 segments" in relay.log()


def test_start_names_what_it_listens_on(relay):
    for text in (
        f"127.0.0.1:{relay.udp_port}",
        "us-east-1",
        "receive buffer",
        "memory limit",
    ):
        relay.wait_log(text)


def test_junk_does_not_flood_the_log(relay):
    for _ in range(2000):
        relay.send_raw(b"\x1b[31mjunk %s%n " + b"x" * 4000)
    until(lambda: relay.metrics().items("rejected") >= 1000)
    assert len(relay.log()) < 100_000
    assert "\x1b" not in relay.log()


def test_no_payload_at_default_level(relay, xray):
    relay.send(*segments(3, metadata={"card": "4111-1111"}))
    relay.send_raw(HEADER + b'["4111-1111"]')
    until(lambda: len(xray.documents) == 3)
    relay.stop()
    assert "4111" not in relay.output()


def test_rotation(make_relay, xray):
    relay = make_relay(config={"Endpoint": xray.url})
    log = relay.directory / "relay.log"
    with open(log, "wb") as f:
        f.truncate(ROTATE_AT - 100)
    relay.args += ["-f", str(log)]
    relay.log = lambda: log.read_text(errors="replace")
    relay.start()
    until(log.with_name("relay.log.1").exists)
    assert log.stat().st_size < 100_000
    assert log.with_name("relay.log.1").stat().st_size >= ROTATE_AT - 100
    assert log.stat().st_mode & 0o777 == 0o644


def test_rotation_off(make_relay, xray):
    config = {"Endpoint": xray.url, "Logging": {"LogRotation": False}}
    relay = make_relay(config=config)
    log = relay.directory / "relay.log"
    with open(log, "wb") as f:
        f.truncate(ROTATE_AT)
    relay.args += ["-f", str(log)]
    relay.log = lambda: log.read_bytes()[ROTATE_AT:].decode()
    relay.start()
    assert log.stat().st_size > ROTATE_AT
    assert not log.with_name("relay.log.1").exists()
