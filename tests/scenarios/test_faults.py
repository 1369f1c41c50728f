# SPDX-License-Identifier: Apache-2.0
"""The fault table: whatever the backend does, what was sent is delivered or
counted. XR_SLOW=1 runs the rows at full length."""

import os
import signal
import socket
import time
from threading import Event

import pytest

from harness.documents import datagram, segment, segments
from harness.metrics import Metrics
from harness.server import Answer
from harness.waiting import until

FULL = bool(os.environ.get("XR_SLOW"))
OUTAGE_S = 20 if FULL else 4
THROTTLED_S = 10 if FULL else 3
RATE = 5000 if FULL else 1000
BUFFER = {"TotalBufferSizeMB": 150}


def send_paced(relay, seconds, rate=RATE):
    """Sends at that rate for that long; gives the documents' number."""
    step_s = 0.01
    start, n = time.monotonic(), 0
    while n < seconds * rate:
        due = int((time.monotonic() - start + step_s) * rate)
        relay.send(*segments(min(due, int(seconds * rate)) - n))
        n = min(due, int(seconds * rate))
        time.sleep(step_s)
    return n


def check_all_delivered(relay, xray, n, seconds=60):
    """Each once, but for what the kernel dropped."""
    until(lambda: arrived(relay, xray) >= n, seconds, relay.output)
    lost = relay.metrics().items("kernel_dropped")
    assert len(xray.ids()) == n - lost
    assert relay.stop() == 0
    assert relay.check_ledger().sinks["xray"].delivered == n - lost


def arrived(relay, xray):
    return len(xray.documents) + relay.metrics().items("kernel_dropped")


@pytest.mark.relay(config=BUFFER)
def test_backend_down(relay, xray):
    n = send_paced(relay, 1)
    xray.stop()
    n += send_paced(relay, OUTAGE_S)
    xray.start()
    n += send_paced(relay, 1)
    check_all_delivered(relay, xray, n)
    assert max(xray.ids().values()) == 1


@pytest.mark.relay(config=BUFFER)
def test_third_of_answers_500(relay, xray):
    xray.on_put = lambda request, _: (
        Answer(500) if len(xray.puts()) % 10 in (2, 5, 9) else None
    )
    check_all_delivered(relay, xray, send_paced(relay, 3))


@pytest.mark.relay(config=BUFFER)
@pytest.mark.parametrize(
    "answer",
    [
        Answer(429),
        Answer.error(429, "ThrottledException", "Rate exceeded"),
        Answer.error(400, "ThrottlingException", "Rate exceeded"),
    ],
    ids=["429", "ThrottledException", "ThrottlingException-400"],
)
def test_throttled(answer, relay, xray):
    end = time.monotonic() + THROTTLED_S
    xray.on_put = lambda *_: answer if time.monotonic() < end else None
    check_all_delivered(relay, xray, send_paced(relay, THROTTLED_S))
    refused = [r for r in xray.puts() if r.answer is answer]
    assert len(refused) < 100, "it hammers a throttling backend"


@pytest.mark.relay(config=BUFFER)
@pytest.mark.parametrize("with_id", [True, False])
def test_half_of_each_batch_unprocessed(with_id, relay, xray):
    seen = set()

    def refuse(document):
        refused = document not in seen and hash(document) % 2
        seen.add(document)
        return "ThrottlingException" if refused else None

    xray.id_in_unprocessed = with_id
    xray.refuse = refuse
    n = send_paced(relay, 2)
    if with_id:
        check_all_delivered(relay, xray, n)
        assert max(xray.ids().values()) == 1
    else:
        # Without an Id nobody can tell which: counted, one way or the other.
        until(lambda: not pending(relay), 30, relay.output)


def pending(relay):
    m = relay.metrics()
    settled = ("delivered", "refused", "dropped")
    return m.documents("made") - sum(m.documents(o) for o in settled)


def test_connections_cut(relay, xray):
    xray.scripted = [Answer(reset=True), Answer(half=True), Answer(502)] * 3
    sent = segments(100)
    relay.send(*sent)
    until(lambda: len(xray.ids()) >= 100, 30, relay.output)


def test_retry_after_is_honoured(relay, xray):
    xray.scripted = [Answer(503, headers={"Retry-After": "2"})]
    relay.send(segment())
    until(lambda: xray.documents)
    first, second = (r.at for r in xray.puts())
    assert second - first >= 1.9


def test_sigterm_with_a_full_buffer(relay, xray):
    n = 3000
    xray.on_put = lambda *_: Answer.of({}, delay=0.3)
    relay.send(*segments(n))
    assert relay.stop(signal.SIGTERM) == 0
    ledger = relay.check_ledger()
    kept = n - ledger.items.kernel_dropped
    assert ledger.sinks["xray"].delivered == kept
    sent = sum(len(r.json()["TraceSegmentDocuments"]) for r in xray.puts())
    assert sent == kept


def test_sender_goes_on_after_sigterm(relay, xray):
    """It stands still meanwhile, or a slow sender would find it gone."""
    relay.send(*segments(10))
    relay.process.send_signal(signal.SIGSTOP)
    relay.process.send_signal(signal.SIGTERM)
    relay.send(*segments(60))
    relay.process.send_signal(signal.SIGCONT)
    assert relay.stop(0) == 0
    assert len(xray.ids()) == 70


def test_what_comes_during_the_drain_is_refused(relay, xray):
    """After the grace nothing comes in that would not be uploaded any more."""
    gate = Event()
    xray.on_put = lambda *_: None if gate.wait(60) else Answer(500)
    relay.send(*segments(10))
    relay.process.send_signal(signal.SIGTERM)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as late:
        late.connect(("127.0.0.1", relay.udp_port))
        until(lambda: refused(late), 20, relay.output)
    gate.set()
    assert relay.stop(0) == 0
    assert len(xray.ids()) == 10
    assert relay.check_ledger().sinks["xray"].delivered == 10


def refused(sender):
    """Tried with nothing, which is not counted where it arrives."""
    try:
        sender.send(b"")
    except ConnectionRefusedError:
        return True
    return False


def test_deadline_bounds_the_stop(make_relay, xray):
    xray.on_put = lambda *_: Answer(delay=30, reset=True)
    config = {"Endpoint": xray.url, "Shutdown": {"DeadlineMs": 1000}}
    relay = make_relay(config=config).start()
    relay.send(*segments(120))
    until(lambda: relay.metrics().items("accepted") == 120)
    started = time.monotonic()
    assert relay.stop(seconds=15) == 0
    assert time.monotonic() - started < 6
    assert relay.check_ledger().sinks["xray"].dropped == 120


def test_burst(relay, xray):
    """20,000 in half a second: each delivered or counted as dropped by the
    kernel, none lost without a word."""
    datagrams = [datagram(d) for d in segments(20000)]
    start = time.monotonic()
    for number, data in enumerate(datagrams):
        if number % 400 == 0:
            late = start + number / 40000 - time.monotonic()
            time.sleep(max(late, 0))
        relay.send_raw(data)
    check_all_delivered(relay, xray, len(datagrams), 120)


def test_kernel_drops_are_counted(make_relay, xray):
    """A stopped process reads nothing: the kernel drops, and tells later."""
    config = {"Endpoint": xray.url, "Ingest": {"ReceiveBufferKB": 128}}
    relay = make_relay(config=config).start()
    relay.process.send_signal(signal.SIGSTOP)
    relay.send(*segments(3000, pad=1000))
    relay.process.send_signal(signal.SIGCONT)

    def all_counted():
        m: Metrics = relay.metrics()
        return m.items("accepted") + m.items("kernel_dropped") >= 3000

    until(all_counted, 15, relay.output)
    assert relay.metrics().items("kernel_dropped") > 0
    relay.wait_log("net.core.rmem_max")
    until(lambda: arrived(relay, xray) >= 3000, 15)
