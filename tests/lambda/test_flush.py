# SPDX-License-Identifier: Apache-2.0
"""When documents are uploaded, and what that adds to an invocation."""

import http.client
import json
import statistics
import time

import pytest

from conftest import U
from emulator.judge import delivered, ids, mean_post, run, summary
from function import request

WORK_S = 0.02
JSON = {"Content-Type": "application/json"}


def test_rare(make_lambda, slow_xray, number):
    function = make_lambda()
    made, sent = run(function, 3, 1.5, work=WORK_S)
    assert delivered(slow_xray) == set(sent)  # before any SHUTDOWN
    function.shutdown()
    number(**summary(slow_xray, made, sent))
    assert mean_post(made) <= U * 1000 + 25
    assert max(i.response_ms() for i in made) < 150


def test_answer_while_an_upload_runs(make_lambda, slow_xray, number):
    """OTLP is answered before it is uploaded."""
    function = make_lambda()
    function.init()
    i = function.begin({"ids": ids(1), "work": 1.0})
    connection = http.client.HTTPConnection("127.0.0.1", 4318, timeout=5)
    took, sent = [], ids(12, 100)
    for own in sent:
        body = json.dumps(request(dict(Root=i.root, Parent=i.parent), [own]))
        begun = time.monotonic()
        connection.request("POST", "/v1/traces", body, JSON)
        assert connection.getresponse().read() is not None
        took.append((time.monotonic() - begun) * 1000)
    function.finish(i)
    function.shutdown()
    number(answer=f"{statistics.median(took):.1f} ms", max=f"{max(took):.1f}")
    assert delivered(slow_xray) == {*ids(1), *sent}
    assert statistics.median(took) < U * 1000 / 4


def test_burst(make_lambda, slow_xray, number):
    function = make_lambda()
    made, sent = run(function, 40, 0, work=WORK_S)
    function.shutdown()
    assert delivered(slow_xray) == set(sent)
    number(**summary(slow_xray, made, sent))
    assert mean_post(made) <= 0.25 * U * 1000
    assert function.ledger().sinks["xray"].delivered == 40


def test_burst_uploads_at_the_interval(make_lambda, slow_xray, number):
    function = make_lambda(env={"XRAY_RELAY_LAMBDA_FLUSH_INTERVAL_MS": 500})
    made, sent = run(function, 40, 0, work=WORK_S)
    before = delivered(slow_xray)
    function.shutdown()
    assert len(before) > 3
    assert delivered(slow_xray) == set(sent)
    number(**summary(slow_xray, made, sent))


@pytest.mark.parametrize("flush", ["end", "periodic"])
def test_fixed_mode(make_lambda, slow_xray, number, flush):
    function = make_lambda(env={"XRAY_RELAY_LAMBDA_FLUSH": flush})
    made, sent = run(function, 6, 0, work=WORK_S)
    before = delivered(slow_xray)
    function.shutdown()
    assert before == (set(sent) if flush == "end" else set())
    assert delivered(slow_xray) == set(sent)
    number(**summary(slow_xray, made, sent))


def test_datagrams(make_lambda, slow_xray, number):
    function = make_lambda()
    made, sent = run(function, 3, 0.2, via="udp", work=WORK_S)
    assert delivered(slow_xray) == set(sent)
    function.shutdown()
    number(**summary(slow_xray, made, sent))
    assert mean_post(made) <= U * 1000 + 40


def test_killed_when_rare(make_lambda, slow_xray, number):
    function = make_lambda()
    made, sent = run(function, 2, 1.5, work=WORK_S)
    function.kill()
    assert delivered(slow_xray) == set(sent)
    number(**summary(slow_xray, made, sent))


def test_killed_in_a_burst(make_lambda, slow_xray, number):
    """Lost is at most what came since the last interval began."""
    function = make_lambda(env={"XRAY_RELAY_LAMBDA_FLUSH_INTERVAL_MS": 500})
    made, sent = run(function, 40, 0, work=WORK_S)
    function.kill()
    number(**summary(slow_xray, made, sent))
    last = [i for i in made if made[-1].begun - i.begun <= 0.5 + 2 * U]
    assert len(set(sent) - delivered(slow_xray)) <= len(last)


def test_nothing_to_send(make_lambda, xray, number):
    function = make_lambda()
    made, _ = run(function, 20, 0, spans=0, work=WORK_S)
    function.shutdown()
    assert not xray.puts() or delivered(xray)
    number(**{"post mean": f"{mean_post(made[4:]):.2f}"})
    assert mean_post(made[4:]) < 10


def test_many_spans(make_lambda, xray):
    """More than memory and a batch hold at a time, from a frequent function
    too: nobody waits, and what is lost is counted."""
    function = make_lambda(env={"XRAY_RELAY_LAMBDA_FLUSH": "periodic"})
    sent = ids(3000)
    function.invoke({"ids": sent})
    function.invoke({"spans": 0, "work": 0.3})
    function.shutdown()
    assert delivered(xray) == set(sent)


def test_stale_connections(make_lambda, slow_xray):
    """Connections that X-Ray closed in a freeze cost neither an error line
    nor a document."""
    function = make_lambda()
    check = function.on_freeze
    function.on_freeze = lambda: (check(), slow_xray.cut_connections())
    _, sent = run(function, 3, 0.3, work=WORK_S)
    assert delivered(slow_xray) == set(sent)
    function.shutdown()
    assert "[Error]" not in function.log()
