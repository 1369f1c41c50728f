# SPDX-License-Identifier: Apache-2.0
"""Local mode is killed at random instants while it writes, many times: it
always opens again, and has every document that it has answered for.
KILLS says how often, SEED repeats a run."""

import http.client
import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from harness.relay import SANITIZED
from harness.waiting import until

KILLS = int(os.environ.get("KILLS", "20" if SANITIZED else "200"))
SEED = int(os.environ.get("SEED", time.time_ns() % 1000000))
A_STORE = 25  # kills; then it is looked at, and the next one begun
DOCUMENTS = 20  # a request
AT_MOST_S = 0.08  # until the kill, from the first answer on
SECOND = 1790000000


def document(n):
    return json.dumps(
        {
            "name": f"service {n % 7}",
            "id": f"{n:016x}",
            "trace_id": f"1-{SECOND:08x}-{n // 3:024x}",
            "start_time": SECOND,
            "end_time": SECOND + 1,
            "annotations": {"n": n},
            "metadata": {"filling": "x" * (n % 11 * 40)},
        }
    )


class Sender(threading.Thread):
    """Puts documents from a number on until the process is gone; notes what
    was answered."""

    def __init__(self, port, first):
        super().__init__()
        self.port, self.n, self.acknowledged = port, first, []
        self.gone = threading.Event()
        self.start()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, 10)
        while not self.gone.is_set():
            numbers = range(self.n, self.n + DOCUMENTS)
            body = {"TraceSegmentDocuments": [document(i) for i in numbers]}
            try:
                connection.request("POST", "/TraceSegments", json.dumps(body))
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                if self.acknowledged:
                    return  # it was killed
                time.sleep(0.002)  # it does not listen yet
                continue
            if answer.status == 200:
                self.acknowledged.extend(numbers)
            self.n += DOCUMENTS


def run_and_kill(relay, store, first, dice):
    """Gives the numbers that were answered for."""
    process = subprocess.Popen(
        relay.local_words(store=store),
        cwd=relay.directory,
        env=relay.env,
        stdout=subprocess.DEVNULL,
        stderr=open(relay.directory / "stderr", "ab"),
    )
    senders = [Sender(relay.tcp_port, first + k * 1000000) for k in range(2)]

    def answered():
        assert process.poll() is None, relay.errors()
        return all(s.acknowledged for s in senders)

    try:
        until(answered, 60, lambda: f"a first answer: {relay.errors()}")
        time.sleep(dice.random() * AT_MOST_S)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        for sender in senders:
            sender.gone.set()
        for sender in senders:
            sender.join()
    return [n for s in senders for n in s.acknowledged]


def missing_in(store, acknowledged):
    database = sqlite3.connect(store)
    assert database.execute("PRAGMA quick_check").fetchone() == ("ok",)
    found = database.execute("SELECT id, document FROM v_documents")
    kept = {int(i, 16): text for i, text in found}
    database.close()
    return [n for n in acknowledged if kept.get(n) != document(n)]


@pytest.mark.long
def test_killed_at_any_instant(make_relay):
    relay = make_relay()
    print(f"SEED={SEED} KILLS={KILLS}")
    dice = random.Random(SEED)
    acknowledged, store = [], None
    for turn in range(KILLS):
        if turn % A_STORE == 0:
            acknowledged = []
            store = relay.directory / f"store{turn}.db"
        acknowledged += run_and_kill(relay, store, turn * 2000000, dice)
        if turn % A_STORE == A_STORE - 1 or turn == KILLS - 1:
            missing = missing_in(store, acknowledged)
            assert not missing, (
                f"SEED={SEED}: {len(missing)} of {len(acknowledged)} "
                f"acknowledged documents are lost: {missing[:5]}"
            )
    assert not list(relay.directory.glob("*.bad-*"))
