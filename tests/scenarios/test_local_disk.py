# SPDX-License-Identifier: Apache-2.0
"""Local mode's store when the disk is full, when the file is damaged, and when
another version wrote it: traces are taken all the time, and nothing happens in
silence."""

import json
import os
import signal
import sqlite3
import subprocess

import pytest

from harness.waiting import until

SECOND = 1790000000


def document(n, size=0, **more):
    return json.dumps(
        {
            "name": "svc",
            "id": f"{n:016x}",
            "trace_id": f"1-{SECOND:08x}-{n:024x}",
            "start_time": SECOND,
            "end_time": SECOND + 1,
            "metadata": {"filling": "x" * size},
            **more,
        }
    )


def health(relay):
    return json.loads(relay.get("/api/health").body)


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "none", folder], check=True
    )
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.namespace
@pytest.mark.long
def test_full_disk(make_relay, small_disk):
    relay = make_relay().start_local(store=small_disk / "traces.db")
    assert relay.put(document(0)).status == 200
    ballast = small_disk / "ballast"
    with open(ballast, "wb", buffering=0) as f, pytest.raises(OSError):
        while True:
            f.write(b"x" * 4096)
    # one that waits for the answer is told to send again, and its document is
    # kept all the same
    for n in range(1, 40):
        if relay.put(document(n, 60000)).status != 200:
            break
    assert health(relay)["store"]["state"] == "memory"
    assert "disk is full" in health(relay)["store"]["message"]
    relay.wait_log("wait in memory")
    for i in range(1000, 1100):
        relay.send(document(i))
    made = 'xray_relay_documents_total{sink="local",outcome="made"}'

    def taken():
        line = next(
            x for x in relay.get("/metrics").body.decode().splitlines()
            if x.startswith(made)
        )
        return int(line.split()[-1]) == n + 101

    until(taken, 20, "100 datagrams")
    ballast.unlink()
    until(lambda: health(relay)["store"]["state"] == "ok", 60, "room again")
    until(lambda: health(relay)["documents"] == n + 101, 60, "all of them")
    relay.wait_log("takes traces again")


def test_damaged_file_gives_way(make_relay, tmp_path):
    store = tmp_path / "traces.db"
    first = make_relay().start_local(store=store)
    for n in range(40):
        assert first.put(document(n, 20000)).status == 200
    assert first.stop() == 0  # all of it is in the file now
    killed = make_relay().start_local(store=store)
    killed.judged = False
    killed.process.send_signal(signal.SIGKILL)
    killed.process.wait()
    with open(store, "r+b") as f:
        for page in range(2, 60):
            f.seek(page * 8192)
            f.write(os.urandom(8192))
    second = make_relay().start_local(store=store)
    answer = health(second)
    assert answer["store"]["state"] == "renewed"
    old = list(tmp_path.glob("traces.db.bad-*"))
    assert old and str(old[0]) in answer["store"]["message"]
    assert second.put(document(1)).status == 200
    assert health(second)["documents"] == 1


def test_newer_schema_is_refused(make_relay, tmp_path):
    store = tmp_path / "traces.db"
    database = sqlite3.connect(store)
    database.execute("PRAGMA user_version=99")
    database.execute("CREATE TABLE future(x)")
    database.commit()
    database.close()
    before = store.read_bytes()
    relay = make_relay()
    relay.judged = False  # it does not start
    relay.start_local(store=store, ready=False)
    assert relay.process.wait(20) == 1
    assert "newer version (schema 99" in relay.output()
    assert before == store.read_bytes()


def test_words_are_taken_out_before_storing(make_relay, tmp_path):
    store = tmp_path / "traces.db"
    relay = make_relay().start_local(
        "--redact", "authorization,password", store=store
    )
    http = {"request": {"url": "http://x/?password=geheim", "method": "GET"}}
    metadata = {"default": {"Authorization": "Bearer geheim", "kept": 1}}
    for send in (
        lambda d: relay.put(d).status == 200,
        lambda d: relay.request(
            "POST", "/api/import", d, {"Content-Type": "application/json"}
        ).status == 200,
    ):
        for n in (1, 2):
            assert send(document(n, http=http, metadata=metadata))
    assert relay.stop() == 0
    database = sqlite3.connect(store)
    rows = database.execute("SELECT document FROM v_documents").fetchall()
    assert len(rows) == 2
    for (text,) in rows:
        assert "geheim" not in text
        kept = json.loads(text)
        assert kept["metadata"]["default"]["kept"] == 1
        assert kept["http"]["request"]["method"] == "GET"
    for file in tmp_path.glob("traces.db*"):
        assert b"geheim" not in file.read_bytes()


def test_rate_of_the_default_rule(make_relay):
    relay = make_relay().start_local("--sampling-rate", "0.25")
    answer = json.loads(relay.request("POST", "/GetSamplingRules", "{}").body)
    rates = [
        r["SamplingRule"]["FixedRate"] for r in answer["SamplingRuleRecords"]
    ]
    assert rates == [0.25]
