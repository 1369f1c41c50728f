# SPDX-License-Identifier: Apache-2.0
"""How environments and invocations end, and how the extension starts."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import SANITIZED, IS_STATIC
from emulator.environment import rss_kib
from emulator.judge import delivered, ids, mean_post, run

WORK_S = 0.02
FAULTS_MAX = 200  # page faults of a start; about 130, and 8 of a bare program
LISTENS, UNCONNECTED = "0A", "07"  # as the kernel shows TCP and UDP
LOOPBACK = {"0100007F", "00000000000000000000000001000000"}


def test_start(make_lambda, number):
    function = make_lambda(env={"XRAY_RELAY_LOGGING_LOG_LEVEL": None})
    function.init()
    extension = function.extensions[0]
    wall = (extension.registered - extension.started) * 1000
    number(
        register=f"{wall:.1f} ms",
        cpu=f"{extension.cpu_at_register:.1f} ms",
        faults=extension.faults_at_register,
        next=f"{(extension.first_next - extension.started) * 1000:.1f} ms",
        rss=f"{extension.rss_at_next} KiB",
    )
    function.invoke({"spans": 0})
    function.shutdown()
    assert extension.cpu_at_register <= 5 or not IS_STATIC
    assert extension.faults_at_register <= FAULTS_MAX or not IS_STATIC
    assert extension.exited[1] == 0
    assert function.log() == ""  # quiet


def bound(pid):
    """Protocol, address as the kernel writes it and port of each socket that
    takes something from others."""
    mine, found = set(), set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        mine.add(os.readlink(fd))
    for name in ("tcp", "tcp6", "udp", "udp6"):
        path = Path(f"/proc/{pid}/net/{name}")
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            _, local, _, state, *more = line.split()
            address, _, port = local.partition(":")
            inode = f"socket:[{more[5]}]"
            if state in (LISTENS, UNCONNECTED) and inode in mine:
                found.add((name, address, int(port, 16)))
    return found


@pytest.fixture
def slow_bind(tmp_path):
    """A library that makes the opening of ports slow; none where nothing can
    be preloaded."""
    if SANITIZED or IS_STATIC:
        return {}
    library = tmp_path / "slow_bind.so"
    source = Path(__file__).parent / "slow_bind.c"
    command = ["cc", "-shared", "-fPIC", "-o", str(library), str(source)]
    subprocess.run(command, check=True)
    return {"LD_PRELOAD": library}


def test_ports_when_it_registers(make_lambda, slow_bind):
    """The runtime may send spans the moment that it starts. Nothing but the
    port for telemetry is to be reached from outside."""
    found = set()
    function = make_lambda(env=slow_bind)
    function.before_register = lambda e: found.update(bound(e.process.pid))
    function.init()
    ports = {(name[:3], port) for name, _, port in found}
    own = {("udp", 2000), ("tcp", 2000), ("tcp", 4317), ("tcp", 4318)}
    assert own <= ports
    (telemetry,) = ports - own
    assert telemetry[0] == "tcp"
    for name, address, port in found:
        assert address in LOOPBACK or (name[:3], port) == telemetry
    function.shutdown()


def test_what_is_subscribed_to(make_lambda):
    """The platform's events and no lines of the log; other events than the
    handler's end are told to whoever wants to know."""
    function = make_lambda(env={"XRAY_RELAY_LOGGING_LOG_LEVEL": "debug"})
    function.init()
    assert function.subscription.types == ["platform"]
    assert function.subscription.wait == 0.025
    function.event("platform.logsDropped", {"droppedRecords": 1})
    function.invoke({"spans": 0})
    function.shutdown()
    assert "platform.logsDropped" in function.log()


@pytest.mark.parametrize("number", [signal.SIGPIPE, signal.SIGTERM])
def test_signals(make_lambda, xray, number):
    """A reader that went away is nothing; whoever runs an emulator by hand may
    end it by SIGTERM, which uploads as SHUTDOWN does."""
    function = make_lambda(
        telemetry="no_telemetry", freezes=False, wire=False
    )
    function.invoke({"ids": ids(1)})
    process = function.extensions[0].process
    process.send_signal(number)
    if number == signal.SIGPIPE:
        function.invoke({"ids": ids(1, 2)})
        function.shutdown()
        assert delivered(xray) == {*ids(1), *ids(1, 2)}
    else:
        assert process.wait(30) == 0
        assert delivered(xray) == set(ids(1))


def test_thousand_invocations(make_lambda, xray, number):
    """Memory and descriptors stay as they are."""
    function = make_lambda(env={"XRAY_RELAY_LAMBDA_FLUSH_INTERVAL_MS": 200})
    run(function, 100, 0)
    pid = function.extensions[0].process.pid
    files = len(os.listdir(f"/proc/{pid}/fd"))
    before = rss_kib(pid)
    made, _ = run(function, 900, 0, start=101)
    after = rss_kib(pid)
    number(**{"rss after 100": before, "after 1000": after, "fds": files})
    number(**{"post mean": f"{mean_post(made):.2f} ms"})
    assert len(os.listdir(f"/proc/{pid}/fd")) <= files + 2
    assert after - before < 2048 or SANITIZED
    assert after <= 8192 or not IS_STATIC
    function.shutdown()
    assert len(delivered(xray)) == 1000


def test_time_out(make_lambda, xray, number):
    function = make_lambda(timeout=1.0)
    made, sent = run(function, 2, 0, work=WORK_S)
    last = ids(1, 100)
    i = function.invoke({"ids": last, "hang": True}, judge=False)
    assert i.failed == "timeout"
    assert delivered(xray) == set(sent + last)
    again = function.invoke({"ids": ids(1, 200)})  # INIT runs again
    assert again.failed is None
    function.shutdown()


def test_crash_after_the_export(make_lambda, xray):
    function = make_lambda()
    i = function.invoke({"ids": ids(1), "crash": "after"}, judge=False)
    assert i.failed == "Runtime.ExitError"
    assert delivered(xray) == set(ids(1))
    function.invoke({"spans": 0})
    function.shutdown()


def test_crash_before_the_export(make_lambda, xray):
    function = make_lambda()
    function.invoke({"ids": ids(1)})
    i = function.invoke({"ids": ids(1, 2), "crash": "before"}, judge=False)
    assert i.failed == "Runtime.ExitError"
    assert delivered(xray) == set(ids(1))
    function.invoke({"ids": ids(1, 3)})
    function.shutdown()
    assert delivered(xray) == {*ids(1), *ids(1, 3)}


def test_shutdown_without_an_invocation(make_lambda):
    function = make_lambda()
    function.init()
    function.shutdown()


def test_shutdown_with_a_slow_backend(make_lambda, xray):
    """The documents that could not go are told in one line."""
    function = make_lambda(env={"XRAY_RELAY_LAMBDA_FLUSH": "periodic"})
    run(function, 3, 0, work=WORK_S)
    xray.on_put = lambda *_: time.sleep(4)
    function.shutdown()
    assert function.extensions[0].exited[0] < 1.95
    assert "3 segments could not be delivered" in function.log()


def test_another_extension(make_lambda, xray, tmp_path):
    """Beside one that holds each invocation for a while."""
    other = tmp_path / "opt" / "other"
    other.parent.mkdir(parents=True)
    other.write_text(OTHER)
    other.chmod(0o755)
    function = make_lambda(more=[other])
    _, sent = run(function, 5, 0, work=WORK_S)
    function.shutdown()
    assert delivered(xray) == set(sent)


OTHER = '''#!/usr/bin/env python3
import http.client, json, os, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
api.request("POST", "/2020-01-01/extension/register",
            json.dumps({"events": ["INVOKE", "SHUTDOWN"]}),
            {"Lambda-Extension-Name": "other"})
answer = api.getresponse()
answer.read()
headers = {"Lambda-Extension-Identifier":
           answer.headers["Lambda-Extension-Identifier"]}
while True:
    api.request("GET", "/2020-01-01/extension/event/next", headers=headers)
    if json.loads(api.getresponse().read())["eventType"] == "SHUTDOWN":
        break
    time.sleep(0.05)
'''


def test_managed_instances(make_lambda, xray, number):
    """No INVOKE events, no freeze, four handlers at once."""
    function = make_lambda(
        init_type="lambda-managed-instances",
        runtimes=4,
        env={"XRAY_RELAY_LAMBDA_FLUSH_INTERVAL_MS": 200},
    )
    function.init()
    assert function.subscription is None  # nothing in it is of use there
    sent, made = [], []
    for wave in range(3):
        begun = []
        for k in range(4):
            own = ids(1, 10 * wave + k + 1)
            begun.append(function.begin({"ids": own, "work": 0.1}))
            sent += own
        for i in begun:
            function.finish(i)
            assert i.failed is None, i.failed
        made += begun
    function.pause(0.4)
    assert delivered(xray) == set(sent)  # by the interval
    function.shutdown()


def test_managed_by_the_answer_alone(make_lambda, xray):
    """The variable is missing: the refusal of INVOKE tells."""
    function = make_lambda(init_type="lambda-managed-instances")
    function.hide_init_type = True
    function.invoke({"ids": ids(1)})
    function.shutdown()
    assert delivered(xray) == set(ids(1))
