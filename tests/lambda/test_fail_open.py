# SPDX-License-Identifier: Apache-2.0
"""A relay that breaks becomes an extension that only lives: the function
answers, before and after, and SHUTDOWN ends it with 0."""

import math
import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from conftest import BINARY, SANITIZED, IS_STATIC
from emulator.environment import rss_kib
from emulator.judge import delivered, ids
from harness.waiting import until

SIGNALS = [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE]
PATH = os.environ["PATH"]


def kill_with(number):
    """Breaks it while it waits: whoever sent a request has also noted so."""

    def kill(extension):
        until(lambda: sleeps(extension.process.pid), what="sleep")
        os.kill(extension.process.pid, number)

    return kill


def sleeps(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return f.read().rpartition(")")[2].split()[0] == "S"


def is_idle(extension):
    with open(f"/proc/{extension.process.pid}/cmdline", "rb") as f:
        return f.read().split(b"\0")[1] == b"idle"


def lives(function):
    """Three invocations and a SHUTDOWN, by an idle extension."""
    for _ in range(3):
        function.invoke({"spans": 0})
    assert is_idle(function.extensions[0])
    function.shutdown()
    assert function.exits == [0]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda n: n.name)
def test_breaks_while_registering(make_lambda, number):
    """The answer to the registration comes on a connection that the new
    program takes over."""
    function = make_lambda()
    function.before_register = kill_with(number)
    function.init()
    lives(function)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda n: n.name)
def test_breaks_in_init(make_lambda, number):
    function = make_lambda()
    function.before_next = kill_with(number)
    function.init()
    lives(function)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda n: n.name)
def test_breaks_when_an_event_comes(make_lambda, number):
    function = make_lambda()
    function.init()
    function.before_event = kill_with(number)
    lives(function)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda n: n.name)
def test_breaks_during_the_handler(make_lambda, number):
    function = make_lambda()
    function.invoke({"spans": 1})
    i = function.begin({"spans": 0, "work": 0.2})
    function.pause(0.1)
    kill_with(number)(function.extensions[0])
    function.finish(i)
    assert i.failed is None
    lives(function)


@pytest.fixture(scope="session")
def least_memory():
    """Address space with which the program begins to run; with less it is
    the kernel or the loader that ends it."""
    return least("--as", range(1 << 20, 512 << 20, 1 << 20))


@pytest.fixture(scope="session")
def least_data():
    """The same of memory that is its own and can be written."""
    return least("--data", range(64 << 10, 32 << 20, 64 << 10))


def least(option, limits):
    return next(n for n in limits if runs_with(f"{option}={n}"))


def runs_with(limit):
    """Without the address of the API, `idle` ends with 1 at once."""
    command = ["prlimit", limit, os.path.abspath(BINARY), "idle"]
    answer = subprocess.run(command, env={"PATH": PATH}, capture_output=True)
    return answer.returncode == 1 and b"shared librar" not in answer.stderr


@pytest.mark.skipif(SANITIZED, reason="the sanitizer reserves terabytes")
@pytest.mark.parametrize("more_mib", [1, 8, 24, 32, 64])
def test_little_address_space(make_lambda, least_memory, number, more_mib):
    """From what suffices for an idle extension to plenty; without a library to
    be preloaded, so the static program is put to it as well."""
    limit = least_memory + (more_mib << 20)
    function = make_lambda(wrapper=["prlimit", f"--as={limit}"])
    for _ in range(3):
        function.invoke({"spans": 1})
    idle = is_idle(function.extensions[0])
    number(idle=idle, limit=f"{limit >> 20} MiB")
    if IS_STATIC:  # its allocator wants 32 MiB at once; a loader is frugal
        assert idle == (more_mib < 32)
    assert not idle or more_mib < 64
    function.shutdown()
    assert function.exits == [0]


@pytest.mark.skipif(not IS_STATIC, reason="of the static program's allocator")
@pytest.mark.parametrize("more_kib", [64, 512, 1024, 2048, 3072, 4096, 8192])
def test_memory_ends_in_init(make_lambda, least_data, number, more_kib):
    """Sooner or later in the start: its allocator takes memory in small steps
    here, and one of them fails."""
    limit = least_data + (more_kib << 10)
    function = make_lambda(
        wrapper=["prlimit", f"--data={limit}"],
        env={
            "MIMALLOC_EAGER_COMMIT": 0,
            "XRAY_RELAY_TOTAL_BUFFER_SIZE_MB": 3,
        },
    )
    for _ in range(3):
        function.invoke({"spans": 1})
    idle = is_idle(function.extensions[0])
    number(idle=idle, limit=f"{limit >> 10} KiB")
    assert idle or more_kib > 512
    assert "memory" in function.log()
    function.shutdown()
    assert function.exits == [0]
    forgive_telemetry(function)


@pytest.mark.skipif(SANITIZED, reason="the sanitizer reserves terabytes")
@pytest.mark.parametrize("what, exports", [("AS", 80), ("DATA", 16)])
def test_memory_ends_in_an_invocation(
    make_lambda, xray, number, what, exports
):
    """Not a byte more than there is already, and much to keep: allocations
    fail by the hundred, and the relay lives with it."""
    xray.stop()
    function = make_lambda(
        timeout=12,
        env={
            "XRAY_RELAY_TOTAL_BUFFER_SIZE_MB": 256,
            "MIMALLOC_EAGER_COMMIT": 0,
        },
    )
    function.peak_max = math.inf
    function.invoke({"ids": ids(1)})
    pid = function.extensions[0].process.pid
    limit = rss_kib(pid, {"AS": "VmSize", "DATA": "VmData"}[what]) << 10
    resource.prlimit(pid, getattr(resource, f"RLIMIT_{what}"), (limit, limit))
    for _ in range(2):
        function.invoke({"spans": 500, "exports": exports})
    number(idle=is_idle(function.extensions[0]), limit=f"{limit >> 20} MiB")
    function.shutdown()
    assert function.exits == [0]
    refused = (function.directory / "runtime.log").read_text()
    assert "503" in refused or "out of memory" in function.log().lower()
    forgive_telemetry(function)


def forgive_telemetry(function):
    """Without memory for its body it is not taken."""
    function.wrongs = [w for w in function.wrongs if "answered 503" not in w]


@pytest.fixture(scope="session")
def failing_malloc(tmp_path_factory):
    library = tmp_path_factory.mktemp("lib") / "failing_malloc.so"
    source = Path(__file__).parent / "failing_malloc.c"
    command = ["cc", "-shared", "-fPIC", "-o", str(library), str(source)]
    subprocess.run(command, check=True)
    return library


@pytest.mark.skipif(SANITIZED, reason="the sanitizer has its own allocator")
@pytest.mark.skipif(IS_STATIC, reason="a static program preloads nothing")
@pytest.mark.parametrize("after", [1, 10, 30, 60, 100, 150, 200, 300, 500])
def test_no_memory_in_init(make_lambda, failing_malloc, number, after):
    function = make_lambda(
        env={"LD_PRELOAD": failing_malloc, "MALLOC_FAILS_AFTER": after}
    )
    for _ in range(3):
        function.invoke({"spans": 1})
    number(idle=is_idle(function.extensions[0]))
    function.shutdown()
    assert function.exits == [0]


@pytest.mark.skipif(SANITIZED, reason="the sanitizer has its own allocator")
@pytest.mark.skipif(IS_STATIC, reason="a static program preloads nothing")
def test_no_memory_in_an_invocation(
    make_lambda, failing_malloc, number, tmp_path
):
    file = tmp_path / "now"
    function = make_lambda(
        env={"LD_PRELOAD": failing_malloc, "MALLOC_FAILS_WHEN": file}
    )
    function.invoke({"ids": ids(1)})
    file.write_text("")
    for _ in range(3):
        function.invoke({"spans": 40})
    number(idle=is_idle(function.extensions[0]))
    function.shutdown()
    assert function.exits == [0]


def test_idle_by_itself(make_lambda, xray, tmp_path):
    """As the extension's whole program, for a function without tracing."""
    binary = os.environ.get("XR_BIN", "build/xray-relay")
    script = tmp_path / "idle"
    script.write_text(f'#!/bin/sh\nexec "{os.path.abspath(binary)}" idle\n')
    script.chmod(0o755)
    function = make_lambda(binary=script, name="xray-relay")
    for _ in range(3):
        function.invoke({"spans": 0})
    function.shutdown()
    assert delivered(xray) == set()
