# SPDX-License-Identifier: Apache-2.0
"""Where the Go daemon is known to fall short, and this program must not."""

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.documents import segment, segments
from harness.relay import BINARY, clean_environment
from harness.server import Answer
from harness.waiting import until

SYSTEM_FILE = Path("/etc/amazon/xray/cfg.yaml")


@pytest.fixture
def broken_system_file():
    SYSTEM_FILE.parent.mkdir(parents=True)
    SYSTEM_FILE.write_text("Version: [")
    yield
    shutil.rmtree(SYSTEM_FILE.parent)


def run(directory, *words):
    return subprocess.run(
        [BINARY, *words],
        env=clean_environment(directory, {}),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=20,
    )


@pytest.mark.namespace
def test_broken_system_file_stops_neither_help_nor_c(
    broken_system_file, tmp_path, make_relay, xray
):
    assert run(tmp_path, "--help").returncode == 0
    assert run(tmp_path, "--version").returncode == 0
    relay = make_relay(config={"Endpoint": xray.url}).start()
    relay.send(segment())
    until(lambda: xray.documents)


@pytest.mark.parametrize(
    "text",
    ["Concurrency: -1", "TotalBufferSizeMB: 1", "TotalBufferSizeMB: 2"],
)
def test_values_that_cannot_work_end_it(text, tmp_path):
    (tmp_path / "cfg.yaml").write_text(f"Version: 2\n{text}\n")
    done = run(tmp_path, "-o", "-c", "cfg.yaml")
    assert done.returncode == 1
    assert text.partition(":")[0] in done.stdout + done.stderr


def test_unknown_log_level_in_the_file_does_not_log_all(make_relay, xray):
    config = {"Endpoint": xray.url, "Logging": {"LogLevel": "chatty"}}
    relay = make_relay(config=config).start()
    relay.send(segment())
    until(lambda: xray.documents)
    assert "[Debug]" not in relay.log() and "[Trace]" not in relay.log()
    assert "chatty" in relay.log() + relay.errors()


@pytest.mark.relay(config={"Upload": {"BackoffMaxMs": 20}})
def test_more_than_a_hundred_retries(relay, xray):
    """The daemon stops to retry after a hundred."""
    xray.scripted = [Answer(500)] * 150
    relay.send(*segments(4000))
    until(lambda: len(xray.ids()) == 4000, 60, relay.output)


def test_refused_without_an_id_is_counted(relay, xray):
    xray.id_in_unprocessed = False
    bad = segment()
    xray.refuse = lambda d: "ParseError" if d == bad else None
    relay.send(bad, *segments(3))
    until(lambda: relay.metrics().documents("refused") >= 1, 10, relay.output)
    relay.wait_log("ParseError")


def test_one_request_stays_below_the_ceiling(relay, xray):
    """The daemon puts fifty documents of any size into one request."""
    sent = segments(60, pad=60000)
    relay.send(*sent)
    until(lambda: len(xray.documents) == 60, 20, relay.output)
    assert max(len(r.body) for r in xray.puts()) <= 1 << 20
    assert sorted(xray.documents) == sorted(sent)
