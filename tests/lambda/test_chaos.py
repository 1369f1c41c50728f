# SPDX-License-Identifier: Apache-2.0
"""What a sandbox may do to an extension: a file system that cannot be written,
an endpoint that swallows everything, an hour that passes in one call. The
function answers, and memory stays as it is."""

import socket
import struct
import subprocess
from pathlib import Path

import pytest

from conftest import SANITIZED, IS_STATIC
from emulator.environment import rss_kib
from emulator.judge import delivered, ids, mean_post, run

WORK_S = 0.02
HOUR_S = 3600

# All that is mounted, but what the kernel itself shows.
READ_ONLY = """
mount --make-rprivate / &&
while read -r _ at _; do
    case $at in /proc* | /sys* | /dev*) continue ;; esac
    mount -o remount,bind,ro "$at" || exit 1
done </proc/self/mounts &&
! touch "$1" 2>/dev/null && cd / && exec "$2"
"""


@pytest.fixture
def read_only(tmp_path):
    """A command that starts the program it is given where nothing can be
    written."""
    command = [
        *["unshare", "--mount", "sh", "-c", READ_ONLY, "sh"],
        str(tmp_path / "written"),
    ]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip("mounts are not permitted here: " + tried.stderr.strip())
    return command


def test_read_only_file_system(make_lambda, xray, read_only):
    function = make_lambda(wrapper=read_only)
    _, sent = run(function, 3, 0, work=WORK_S)
    function.shutdown()
    assert delivered(xray) == set(sent)
    assert "[Error]" not in function.log()


def test_files_that_cannot_be_written(make_lambda, xray, read_only, tmp_path):
    """A log file was asked for: its loss is told, on stderr."""
    path = tmp_path / "relay.log"
    env = {"XRAY_RELAY_LOGGING_LOG_PATH": path}
    function = make_lambda(wrapper=read_only, env=env)
    _, sent = run(function, 3, 0, work=WORK_S)
    function.shutdown()
    assert delivered(xray) == set(sent)
    assert not path.exists()
    assert f"{path}" in function.log()


def test_configuration_that_may_not_be_read(make_lambda, xray, tmp_path):
    """There, but a directory: nobody can read that, whoever he is."""
    uri = f"file:{tmp_path}"
    function = make_lambda(env={"OPENTELEMETRY_COLLECTOR_CONFIG_URI": uri})
    _, sent = run(function, 2, 0, work=WORK_S)
    function.shutdown()
    assert delivered(xray) == set(sent)
    assert str(tmp_path) in function.log()


@pytest.fixture(params=["accepted", "dropped"])
def hole(request):
    """An address where connections are made and never answered, or not even
    made: with the queue full the kernel drops each SYN."""
    dropped = request.param == "dropped"
    waiting = []
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0 if dropped else 64)
        while dropped and len(waiting) < 8:
            waiting.append(socket.socket())
            waiting[-1].settimeout(0.3)
            try:
                waiting[-1].connect(server.getsockname())
            except TimeoutError:
                break
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for s in waiting:
            s.close()


def test_black_hole(make_lambda, hole, number):
    function = make_lambda(timeout=3, env={"XRAY_RELAY_ENDPOINT": hole})
    made, _ = run(function, 5, 0, work=WORK_S)
    number(**{"post max": f"{max(i.post_ms() for i in made):.0f}"})
    assert max(i.post_ms() for i in made) < 1700
    function.shutdown()
    assert "could not be delivered" in function.log()


def test_black_hole_and_many_calls(make_lambda, hole, number):
    """As many documents as may be, for nobody: memory has a bound, and the
    breaker keeps the calls short."""
    function = make_lambda(
        timeout=6,
        env={
            "XRAY_RELAY_ENDPOINT": hole,
            "XRAY_RELAY_TOTAL_BUFFER_SIZE_MB": 3,
        },
    )
    for _ in range(4):
        function.invoke({"spans": 0})
    made = [function.invoke({"spans": 200}) for _ in range(100)]
    peak = rss_kib(function.extensions[0].process.pid, "VmHWM")
    number(peak=f"{peak} KiB", post=f"{mean_post(made):.1f} ms")
    assert mean_post(made) < 100
    assert peak < 24 << 10 or SANITIZED
    function.shutdown()
    ledger = function.ledger()
    assert ledger.items.holds()
    assert ledger.items.offered == 20000


class Clock:
    """What the extension reads: our clocks, some seconds ahead."""

    def __init__(self, path):
        self.path = path
        self.move(0, 0)

    def move(self, wall, monotonic):
        data = struct.pack("qq", wall, monotonic)
        with open(self.path, "r+b" if self.path.exists() else "wb") as f:
            f.write(data)


@pytest.fixture
def clock(tmp_path):
    clock = Clock(tmp_path / "clock")
    clock.library = tmp_path / "moved_clock.so"
    source = Path(__file__).parent / "moved_clock.c"
    command = ["cc", "-shared", "-fPIC", "-o", str(clock.library), str(source)]
    subprocess.run(command, check=True)
    return clock


@pytest.mark.skipif(SANITIZED, reason="the sanitizer is to be loaded first")
@pytest.mark.skipif(IS_STATIC, reason="a static program preloads nothing")
@pytest.mark.parametrize("freezes", [True, False])
@pytest.mark.parametrize("monotonic", [HOUR_S, 0], ids=["all", "wall"])
def test_next_is_held_for_an_hour(
    make_lambda, xray, clock, number, tmp_path, freezes, monotonic
):
    """Of all clocks, or while the monotonic one stood still. Nobody asks
    twice, keys and signatures are of now, connections of then are dead."""
    function = make_lambda(
        freezes=freezes,
        env={"LD_PRELOAD": clock.library, "MOVED_CLOCK": clock.path},
    )
    made, sent = run(function, 5, 0.05, work=WORK_S)
    extension = function.extensions[0]
    pid = extension.process.pid
    before, asked = rss_kib(pid), extension.nexts
    for hour in range(1, 4):
        clock.move(hour * HOUR_S, hour * monotonic)
        function.clock_offset = xray.clock_offset = hour * HOUR_S
        xray.cut_connections()
        function.pause(0.3)  # which is an hour
        assert extension.nexts == asked
        own = ids(1, 1000 + hour)
        made.append(function.invoke({"ids": own, "work": WORK_S}))
        sent += own
        asked += 1
    after = rss_kib(pid)
    number(
        rss=f"{before} -> {after} KiB",
        post=f"{max(i.post_ms() for i in made):.0f}",
    )
    assert after - before < 1024
    function.shutdown()
    assert delivered(xray) == set(sent)
    assert "[Error]" not in function.log()
    assert all(r.answer.status == 200 for r in xray.puts())
    # The function's own connection to the relay outlived it all.
    assert "export:" not in (tmp_path / "runtime.log").read_text()
