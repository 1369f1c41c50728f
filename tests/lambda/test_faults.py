# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong with X-Ray, the Telemetry API or the configuration, the
function answers."""

import socket
import time

import pytest

from emulator.judge import delivered, ids, mean_post, run, summary
from harness.server import Answer
from harness.waiting import until

WORK_S = 0.02


def test_slow_backend(make_lambda, xray, number):
    """3 s: the bound holds, then the breaker."""
    xray.on_put = lambda *_: time.sleep(3)
    function = make_lambda(
        timeout=6, env={"XRAY_RELAY_LAMBDA_FLUSH": "end"}, wire=False
    )
    made, sent = run(function, 6, 0, work=WORK_S)
    number(**summary(xray, made, sent))
    assert max(i.post_ms() for i in made) < 1700
    assert max(i.post_ms() for i in made[3:]) < 100
    xray.on_put = lambda *_: None
    function.shutdown()
    assert delivered(xray) >= set(sent)


def test_backend_down(make_lambda, xray, number):
    xray.stop()
    function = make_lambda()
    made, sent = run(function, 6, 0.1, work=WORK_S)
    number(**summary(xray, made, sent))
    assert mean_post(made) < 100
    xray.start()
    function.shutdown()
    assert delivered(xray) == set(sent)


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_errors_of_x_ray(make_lambda, xray, status):
    xray.on_put = lambda *_: Answer.error(status, "Whatever")
    function = make_lambda()
    run(function, 5, 0, work=WORK_S)
    xray.on_put = lambda *_: None
    function.shutdown()


def test_short_time_out(make_lambda, xray):
    """The wait for an upload never passes the deadline."""
    xray.on_put = lambda *_: time.sleep(3)
    function = make_lambda(timeout=1.0, wire=False)
    made, _ = run(function, 2, 0, work=WORK_S)
    assert all(i.post_ms() < 960 for i in made)
    xray.on_put = lambda *_: None
    function.shutdown()


def test_no_credentials(make_lambda, xray):
    env = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    function = make_lambda(env=env)
    made, _ = run(function, 4, 0, work=WORK_S)
    assert mean_post(made) < 300
    function.shutdown()
    assert not xray.puts()


@pytest.mark.parametrize("freezes", [True, False])
def test_no_telemetry(make_lambda, xray, number, freezes):
    function = make_lambda(telemetry="no_telemetry", freezes=freezes)
    made, sent = run(function, 5, 0, work=WORK_S)
    function.shutdown()
    assert delivered(xray) == set(sent)
    number(**summary(xray, made, sent))
    assert mean_post(made) < 50


def test_no_telemetry_uploads_at_the_interval(make_lambda, xray):
    """Where nothing freezes, nothing has to wait for the next invocation."""
    function = make_lambda(
        telemetry="no_telemetry",
        freezes=False,
        env={"XRAY_RELAY_LAMBDA_FLUSH_INTERVAL_MS": 200},
    )
    function.invoke({"ids": ids(1)})
    until(lambda: delivered(xray) == set(ids(1)), what="the upload")
    function.shutdown()


@pytest.mark.parametrize("fault", ["refused", "late", "duplicate", "split"])
def test_telemetry_faults(make_lambda, xray, number, fault):
    function = make_lambda(telemetry=fault)
    made, sent = run(function, 5, 0.05, work=WORK_S)
    function.shutdown()
    assert delivered(xray) == set(sent)
    number(**summary(xray, made, sent))


def test_lost_runtime_done(make_lambda, xray, number):
    """Costs one invocation up to its deadline, not each."""
    function = make_lambda(telemetry="lost", timeout=1.0)
    made, sent = run(function, 5, 0, work=WORK_S)
    function.shutdown()
    assert delivered(xray) == set(sent)
    number(**summary(xray, made, sent))
    assert all(i.post_ms() < 990 for i in made)
    assert mean_post(made[1:]) < 50


@pytest.mark.parametrize(
    "text",
    [
        "receivers: [",
        "receivers: {otlp: {protocols: {http: 5}}}",
        "Region: 7\nNonsense: true\n",
        "\0\0\0",
    ],
)
def test_bad_configuration(make_lambda, xray, tmp_path, text):
    file = tmp_path / "config.yaml"
    file.write_text(text)
    function = make_lambda(env={"OPENTELEMETRY_COLLECTOR_CONFIG_URI": file})
    _, sent = run(function, 2, 0, work=WORK_S)
    assert delivered(xray) == set(sent)
    function.shutdown()
    assert function.log().count("[Warn]") >= 1


def test_unreadable_configuration(make_lambda, xray):
    uri = "file:/nonexistent/config.yaml"
    function = make_lambda(env={"OPENTELEMETRY_COLLECTOR_CONFIG_URI": uri})
    _, sent = run(function, 2, 0, work=WORK_S)
    assert delivered(xray) == set(sent)
    function.shutdown()


OURS = {
    4317: {"XRAY_RELAY_OTLP_GRPC_ADDRESS": "127.0.0.1:4317"},
    4318: {"XRAY_RELAY_OTLP_HTTP_ADDRESS": "127.0.0.1:4318"},
}


@pytest.mark.parametrize(
    "port, env", [(2000, {}), (4317, {}), (4318, {}), *OURS.items()]
)
def test_port_taken(make_lambda, port, env):
    """Be it one that was asked for: without the extension the function could
    not run."""
    with socket.socket() as other, socket.socket(
        type=socket.SOCK_DGRAM
    ) as datagrams:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for s in (other, datagrams):
            s.bind(("127.0.0.1", port))
        other.listen()
        function = make_lambda(env=env)
        function.invoke({"spans": 0})
        function.invoke({"spans": 0})
        function.shutdown()
    lines = [x for x in function.log().splitlines() if f":{port}" in x]
    assert lines
    assert port == 2000 or all("[Warn]" in x for x in lines), lines


CALLS = ["on_register", "on_subscribe", "on_event_next"]


@pytest.mark.parametrize("statuses", [[403], [404], [403, 404, 403], [500]])
@pytest.mark.parametrize("call", CALLS)
def test_errors_of_the_api(make_lambda, xray, call, statuses):
    """Once or some times in a row; but 500 to a call for the next event means
    that the container is broken."""
    if call == "on_event_next" and statuses == [500]:
        pytest.skip("then there is no function")
    function = make_lambda()
    function.faults = {call: list(statuses)}
    _, sent = run(function, 3, 0, work=WORK_S)
    function.shutdown()
    assert delivered(xray) == set(sent)


@pytest.mark.parametrize("status", [403, 404])
def test_errors_of_next_in_an_invocation(make_lambda, xray, status):
    """The next event is asked for again until it is given."""
    function = make_lambda()
    function.init()
    function.faults = {"on_event_next": [status] * 3}
    _, sent = run(function, 3, 0, work=WORK_S)
    function.shutdown()
    assert not function.faults["on_event_next"]
    assert delivered(xray) == set(sent)


def test_complaints_of_the_api(make_lambda, xray):
    """Are made once, not each time that it is asked again."""
    function = make_lambda()
    function.faults = {"on_register": [500] * 4}
    function.invoke({"ids": ids(1)})
    function.shutdown()
    assert function.log().count("asking again") == 1


def test_event_of_another_kind(make_lambda, xray):
    """One that nobody knows is passed over; the next is asked for."""
    function = make_lambda(freezes=False)
    _, sent = run(function, 1, 0)
    function.tell({"eventType": "NEWS", "deadlineMs": 1})
    until(lambda: function.extensions[0].nexts == 3, what="another GET next")
    _, more = run(function, 2, 0, start=10)
    function.shutdown()
    assert delivered(xray) == {*sent, *more}


@pytest.mark.parametrize("untold", ["tracing", "deadlineMs", "requestId"])
def test_event_without_a_member(make_lambda, xray, untold):
    """Without a deadline there is one to be assumed; without an id nobody
    knows that the handler is over."""
    function = make_lambda(timeout=2)
    function.untold = {untold}
    _, sent = run(function, 2, 0, work=WORK_S)
    assert untold == "requestId" or delivered(xray) == set(sent)
    function.shutdown()
    assert delivered(xray) == set(sent)


@pytest.mark.parametrize("closes", ["told", "silently"])
def test_connections_that_the_api_closes(make_lambda, xray, closes):
    function = make_lambda()
    function.closes = closes
    _, sent = run(function, 12, 0)
    function.shutdown()
    assert delivered(xray) == set(sent)
    assert "[Error]" not in function.log()


def test_broken_container(make_lambda, xray):
    """500 to a call for the next event: leave, and say nothing wrong."""
    function = make_lambda()
    function.invoke({"ids": ids(1)})
    function.faults = {"on_event_next": [500]}
    i = function.begin({"ids": ids(1, 2)})
    extension = function.extensions[0].process
    assert extension.wait(10) == 0
    function.pause(0.1)
    function.finish(i)
    assert i.failed.startswith("Extension.Crash")
    assert delivered(xray) == {*ids(1), *ids(1, 2)}


def test_full_buffer(make_lambda, xray, number):
    """X-Ray is away and the handler sends more than memory holds: the export
    is answered well, and what was lost is counted."""
    xray.stop()
    function = make_lambda(
        timeout=20, env={"XRAY_RELAY_TOTAL_BUFFER_SIZE_MB": 3}
    )
    for _ in range(3):
        function.invoke({"spans": 1000, "exports": 8})
    xray.start()
    function.shutdown()
    number(peak=f"{function.extensions[0].peak_kib} KiB")
    ledger = function.ledger()
    number(rejected=ledger.items.rejected, offered=ledger.items.offered)
    assert ledger.items.holds()
    assert ledger.items.rejected > 0
    assert ledger.items.retry == 0
    assert ledger.items.offered == 24000
