# SPDX-License-Identifier: Apache-2.0
"""SIGINT ends like SIGTERM; SIGHUP reads the file again and opens the log
anew; SIGUSR1 and SIGPIPE do nothing."""

import signal
import time

import yaml

from harness.documents import segment, segments
from harness.waiting import until


def test_sigint_flushes(relay, xray):
    relay.send(*segments(75))
    assert relay.stop(signal.SIGINT) == 0
    assert len(xray.documents) == 75
    assert "Got shutdown signal: interrupt" in relay.log()


def test_harmless_signals(relay, xray):
    for sig in (signal.SIGUSR1, signal.SIGPIPE):
        relay.process.send_signal(sig)
    relay.send(segment())
    until(lambda: xray.documents)


def test_sigterm_at_once(make_relay, xray):
    """Signalled while it starts: it ends, and not by a crash."""
    for delay in (0, 0.002, 0.01, 0.03):
        relay = make_relay(config={"Endpoint": xray.url}).start(ready=False)
        relay.judged = False
        time.sleep(delay)
        assert relay.stop() in (0, -signal.SIGTERM)


def test_sigterm_while_it_starts_is_a_clean_end(make_relay, xray):
    """From the moment that it receives."""
    relay = make_relay(config={"Endpoint": xray.url}).start(ready=False)
    relay.wait_log("Receiving segments")
    relay.send(segment())
    assert relay.stop() == 0
    assert len(xray.documents) == 1


def test_hangup_reloads_the_file(relay, xray):
    file = relay.directory / "cfg.yaml"
    changed = {**relay.config, "Logging": {"LogLevel": "error"}}
    relay.send(segment())
    relay.wait_delivered(1)
    file.write_text(yaml.safe_dump(changed))
    relay.process.send_signal(signal.SIGHUP)
    until(lambda: delivers_in_silence(relay))
    file.write_text(yaml.safe_dump(relay.config))
    relay.process.send_signal(signal.SIGHUP)
    relay.wait_log("reloaded")


def delivers_in_silence(relay):
    before = relay.log().count("Successfully sent")
    delivered = relay.metrics().documents("delivered")
    relay.send(segment())
    relay.wait_delivered(delivered + 1)
    return relay.log().count("Successfully sent") == before


def test_hangup_with_a_broken_file_keeps_the_old(relay, xray):
    (relay.directory / "cfg.yaml").write_text("Version: [")
    relay.process.send_signal(signal.SIGHUP)
    relay.wait_log("cfg.yaml")
    relay.send(segment())
    until(lambda: xray.documents)


def test_hangup_opens_the_log_again(make_relay, xray):
    relay = make_relay(config={"Endpoint": xray.url})
    log = relay.directory / "logs" / "relay.log"
    relay.args += ["-f", str(log)]
    relay.log = lambda: log.read_text() if log.exists() else ""
    relay.start()
    log.rename(log.with_suffix(".old"))
    relay.process.send_signal(signal.SIGHUP)
    until(log.exists)
    relay.send(segment())
    until(lambda: "1 segment" in relay.log(), 10, relay.output)
    assert (relay.directory / "stdout").read_text() == ""


def test_second_signal_gives_up_and_counts(relay, xray):
    """What a dead backend keeps waiting is dropped, and in the ledger."""
    xray.stop()
    relay.send(*segments(120))
    until(lambda: relay.metrics().items("accepted") >= 120)
    relay.process.send_signal(signal.SIGTERM)
    relay.wait_log("Got shutdown signal")
    begun = time.monotonic()
    relay.process.send_signal(signal.SIGTERM)  # a double of the first
    while relay.process.poll() is None and time.monotonic() - begun < 8:
        if time.monotonic() - begun > 1.2:
            relay.process.send_signal(signal.SIGTERM)
        time.sleep(0.002)  # to the very end: it is not killed in its last steps
    assert relay.stop() == 0
    assert 1 <= time.monotonic() - begun < 8
    ledger = relay.log().splitlines()[-1]
    assert "dropped 120 + pending 0" in ledger
