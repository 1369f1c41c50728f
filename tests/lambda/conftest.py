# SPDX-License-Identifier: Apache-2.0
"""Fixtures: `xray`, a fake X-Ray, and `make_lambda`, environments with the
program as an extension. Numbers of the scenarios are printed at the end."""

import math
import os
import shutil
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "scenarios")]

from emulator.environment import Environment  # noqa: E402
from harness.fake_xray import FakeXRay  # noqa: E402
from harness.keys import STATIC, Keyring  # noqa: E402
from harness.metrics import Ledger  # noqa: E402

BINARY = os.environ.get("XR_BIN", "build/xray-relay")
U = 0.15  # seconds that the fake X-Ray takes, where time is measured
PEAK_MAX = 24 << 10  # KiB; what a scenario of few spans may take
SANITIZED = "asan" in BINARY
IS_STATIC = "static-" in BINARY
NUMBERS = []


@pytest.fixture
def keyring():
    return Keyring()


class Watched:
    """Of a fake service: how many requests it has not answered yet."""

    on_the_wire = 0

    def handle(self, request):
        with self._lock:
            self.on_the_wire += 1
        try:
            return super().handle(request)
        finally:
            with self._lock:
                self.on_the_wire -= 1


class XRay(Watched, FakeXRay):
    pass


@pytest.fixture
def xray(keyring):
    server = XRay(keyring)
    yield server
    server.stop()
    assert not server.bad_signatures, server.bad_signatures


@pytest.fixture
def slow_xray(xray):
    xray.on_put = lambda *_: time.sleep(U)
    return xray


@pytest.fixture
def make_lambda(tmp_path, xray):
    made = []

    def make(*, name="collector", more=(), env=None, binary=BINARY, **options):
        # A request that was given up stays with the fake X-Ray for a while.
        wire = options.pop("wire", options.get("telemetry") != "no_telemetry")
        peak_max = PEAK_MAX if binary == BINARY else math.inf
        directory = tmp_path / "opt" / "extensions"
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / name
        shutil.copy(binary, path)
        full = {
            "PATH": os.environ["PATH"],
            "XRAY_RELAY_ENDPOINT": xray.url,
            "XRAY_RELAY_LOGGING_LOG_LEVEL": "info",
            **STATIC.environment(),
            **{
                k: v
                for k, v in os.environ.items()
                if k in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
            },
            **(env or {}),
        }
        full = {k: str(v) for k, v in full.items() if v is not None}
        made.append(
            Environment(tmp_path, [path, *more], env=full, **options)
        )
        if wire:
            made[-1].on_freeze = lambda: check_wire(xray)
        made[-1].peak_max = peak_max
        made[-1].log = lambda: (tmp_path / f"{name}.log").read_text()
        made[-1].ledger = lambda: Ledger.parse(made[-1].log())
        return made[-1]

    yield make
    for environment in made:
        environment.close()
        for log in sorted(tmp_path.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text()[-3000:]}")
        assert all(s == 0 for s in environment.exits), environment.exits
        assert not environment.wrongs, environment.wrongs
        peaks = [e.peak_kib for e in environment.extensions]
        assert max(peaks) <= environment.peak_max or SANITIZED, peaks


def check_wire(xray):
    """The rule above all."""
    assert xray.on_the_wire == 0, "frozen with a request on the wire"


@pytest.fixture
def number(request):
    """Remembers a line for the table at the end."""
    return lambda **values: NUMBERS.append((request.node.name, values))


def pytest_terminal_summary(terminalreporter):
    for name, values in NUMBERS:
        text = "  ".join(f"{k} {v}" for k, v in values.items())
        terminalreporter.write_line(f"{name:<44} {text}")
