# SPDX-License-Identifier: Apache-2.0
"""Command lines, files and environments recorded with the Go daemon: the same
exit status, the same listeners, the same region. Meant differences: no region
and no profile at start are waited for."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from harness import cases
from harness.listeners import listening
from harness.relay import BINARY
from harness.waiting import until

SYSTEM_FILE = Path("/etc/amazon/xray/cfg.yaml")

pytestmark = pytest.mark.namespace


@pytest.fixture(autouse=True)
def no_system_file():
    yield
    shutil.rmtree(SYSTEM_FILE.parent, ignore_errors=True)


@pytest.mark.parametrize("case", cases.load("cli"))
def test_case(case, make_relay):
    relay = make_relay(env=environment(case))
    relay.judged = False
    directory = relay.directory
    relay.env.update(
        {k: places(v, directory) for k, v in case["env"].items() if v}
    )
    write_files(case, directory)
    argv = [BINARY] + [places(a, directory) for a in case["argv"]]
    with taken_port(case):
        relay.run(argv, ready=False)
        if case["expect_running"] or cases.waits_where_the_daemon_ends(case):
            check_running(case, relay)
        else:
            check_ended(case, relay)


def environment(case):
    """Without what our other scenarios set."""
    clean = {"AWS_REGION": None, "AWS_EC2_METADATA_DISABLED": None}
    clean.update({k: None for k, v in case["env"].items() if v is None})
    return clean


def places(text, directory):
    for word, path in (
        ("@CFG", directory / "c.yaml"),
        ("@AWSCFG", directory / "awscfg"),
        ("@ECS", directory / "ecs.json"),
        ("@DIR", directory),
    ):
        text = text.replace(word, str(path))
    return text


def write_files(case, directory):
    if "config_text" in case:
        at = case["config_at"]
        if "working folder" in at:
            at = str(directory / "cfg.yaml")
        path = Path(places(at, directory))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(places(case["config_text"] or "", directory))
    if case.get("system_config_text") is not None:
        SYSTEM_FILE.parent.mkdir(parents=True, exist_ok=True)
        SYSTEM_FILE.write_text(case["system_config_text"])
    for member, name in (
        ("aws_config_text", "awscfg"),
        ("ecs_metadata_text", "ecs.json"),
    ):
        if case.get(member):
            (directory / name).write_text(case[member])


class taken_port:
    """Port 2000 taken by somebody else, where the case says so."""

    def __init__(self, case):
        self.kind = case.get("port_2000_taken")
        self.socket = None

    def __enter__(self):
        if not self.kind:
            return
        udp = "udp" in str(self.kind)
        self.socket = socket.socket(
            socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
        )
        self.socket.bind(("127.0.0.1", 2000))
        if not udp:
            self.socket.listen()

    def __exit__(self, *_):
        if self.socket:
            self.socket.close()


def check_running(case, relay):
    wanted = {w for w in case.get("expect_listen", []) if "EPHEMERAL" not in w}

    def all_listen():
        assert relay.process.poll() is None, relay.output()
        return wanted <= listening()

    until(all_listen, 10, lambda: f"{wanted}, have {listening()}")
    if not wanted:  # nothing to see but that it waits
        relay.wait_log("egion")
    region = case.get("expect_region")
    if region and "-f" not in case["argv"] and "log-file" not in case["name"]:
        relay.wait_log(region)
    assert relay.stop() == 0, relay.output()


def check_ended(case, relay):
    try:
        code = relay.process.wait(15)
    except subprocess.TimeoutExpired:
        pytest.fail(f"still running: {relay.output()}")
    relay.exit_code = code
    if "compare" in case:
        assert code != 0
    else:
        assert code == case["expect_exit"], relay.output()
    if code:
        assert relay.output().strip(), "no message"
