# SPDX-License-Identifier: Apache-2.0
"""Programs with real SDKs (tests/sdk), started against a relay."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent.parent
SDK = ROOT / "tests" / "sdk"
CLIENTS = ROOT / "build" / "clients"
NODE_MODULES = ROOT / "build" / "node" / "node_modules"


def command(name):
    """The command line of a program such as python/app.py."""
    if name.endswith(".py"):
        return [sys.executable, str(SDK / name)]
    if name.endswith(".js"):
        return [shutil.which("node") or "node", str(SDK / name)]
    return [str(CLIENTS / name)]


def skip_unless_built(name):
    """For programs that tests/clients/build makes; it leaves the reason why
    it did not."""
    if (CLIENTS / name).exists():
        return
    why = CLIENTS / f"{name}.skipped"
    reason = (
        why.read_text().strip()
        if why.exists()
        else "by `make test-clients` only"
    )
    pytest.skip(f"{name} is not built: {reason}")


def environment(tcp_port, udp_port):
    address = f"tcp:127.0.0.1:{tcp_port} udp:127.0.0.1:{udp_port}"
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "NODE_PATH": str(NODE_MODULES),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_XRAY_DAEMON_ADDRESS": address,
    }


def run(name, *words, tcp_port, udp_port, env=None):
    """Runs it to its end; gives what it printed."""
    done = subprocess.run(
        command(name) + [str(w) for w in words],
        env={**environment(tcp_port, udp_port), **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Running:
    """A program that works until its stdin is closed; its lines are kept."""

    def __init__(self, name, directory, *, tcp_port, udp_port):
        self.out = directory / "program.out"
        self.process = subprocess.Popen(
            command(name),
            env=environment(tcp_port, udp_port),
            stdin=subprocess.PIPE,
            stdout=open(self.out, "wb"),
            stderr=subprocess.STDOUT,
        )

    def lines(self):
        return self.out.read_text(errors="replace").splitlines()

    def stop(self):
        """Its exit status."""
        self.process.stdin.close()
        return self.process.wait(20)
