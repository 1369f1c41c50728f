# SPDX-License-Identifier: Apache-2.0
"""How long local mode keeps what: by when it came, not by when it was; what is
pinned stays; a trace has ceilings; and a file that is another's, or damaged
while it is in use."""

import json
import os
import sqlite3
import subprocess
import time

import pytest

from harness.documents import segment
from harness.relay import BINARY
from harness.waiting import until

DAY = 86400
TRACE_DOCUMENTS = 10000
TRACE_BYTES = 32 << 20


def start(relay, store, *words, ready=True):
    (relay.directory / "cfg.yaml").write_text(json.dumps(relay.config))
    at = f"127.0.0.1:{relay.udp_port}"
    return relay.run(
        [BINARY, "local", "-c", "cfg.yaml", "-b", at, "-t", at, "--store",
         str(store), *words],
        ready,
    )


@pytest.fixture
def relay(make_relay):
    relay = make_relay()
    relay.judged = False  # several processes write its log
    return relay


def put(relay, *documents):
    body = json.dumps({"TraceSegmentDocuments": documents})
    answer = relay.request("POST", "/TraceSegments", body, timeout=60)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)["UnprocessedTraceSegments"]


def trace_of(document):
    return json.loads(document)["trace_id"]


def names(relay):
    rows = json.loads(relay.get("/api/traces").body)["traces"]
    return {row["name"] for row in rows}


def health(relay):
    return json.loads(relay.get("/api/health").body)


def pin(relay, trace, method="PUT"):
    answer = relay.request(
        method, f"/api/traces/{trace}/pin", headers={"X-Xray-Relay": "1"}
    )
    assert answer.status == 200


def received(store, name, ago):
    """As if it had come then."""
    database = sqlite3.connect(store)
    database.execute(
        "UPDATE trace SET recv = ? WHERE entry = ?", (time.time() - ago, name)
    )
    database.commit()
    database.close()


def test_a_week_since_it_came(relay):
    store = relay.directory / "traces.db"
    start(relay, store)
    long_ago = int(time.time()) - 400 * DAY
    pinned = segment(name="pinned")
    put(
        relay,
        segment(name="old"),
        pinned,
        segment(name="young"),
        # Imported: it happened more than a year ago and came now.
        segment(name="imported", start_time=long_ago, end_time=long_ago + 1,
                trace_id=f"1-{long_ago:08x}-{'a' * 24}"),
    )
    pin(relay, trace_of(pinned))
    # What comes later leaves it pinned.
    put(relay, segment(name="more", trace_id=trace_of(pinned)))
    assert relay.stop() == 0
    received(store, "old", 7 * DAY + 60)
    received(store, "pinned", 30 * DAY)
    received(store, "young", 7 * DAY - 3600)
    start(relay, store)
    until(lambda: "old" not in names(relay))
    assert names(relay) == {"pinned", "young", "imported"}
    assert health(relay)["traces"] == 3
    assert health(relay)["store"]["keep_seconds"] == 7 * DAY
    assert health(relay)["store"]["limit_bytes"] == 512 << 20
    # Nor is it cleared, but by its name.
    clear = {"X-Xray-Relay": "1"}
    answer = relay.request("DELETE", "/api/traces", headers=clear)
    assert json.loads(answer.body) == {"deleted": 2}
    assert names(relay) == {"pinned"}
    pin(relay, trace_of(pinned), "DELETE")
    relay.request("DELETE", "/api/traces", headers=clear)
    assert names(relay) == set()


def test_as_many_days_as_it_is_told(relay):
    store = relay.directory / "traces.db"
    start(relay, store)
    put(relay, segment(name="old"), segment(name="young"))
    assert relay.stop() == 0
    received(store, "old", 2 * DAY + 60)
    received(store, "young", 2 * DAY - 3600)
    start(relay, store, "--keep-days", "2")
    until(lambda: names(relay) == {"young"})
    assert health(relay)["store"]["keep_seconds"] == 2 * DAY


def test_as_many_megabytes_as_it_is_told(relay):
    """What came first goes, by lots of 200, and the log says so."""
    store = relay.directory / "traces.db"
    start(relay, store)
    for name in ("first", "second", "third"):
        put(relay, *(segment(name=name, pad=20_000) for _ in range(100)))
    assert relay.stop() == 0
    start(relay, store, "--keep-mb", "4")
    until(lambda: names(relay) == {"third"})
    until(lambda: health(relay)["traces"] == 100)
    assert health(relay)["store"]["limit_bytes"] == 4 << 20
    until(lambda: "has its 4 MB" in relay.output())
    put(relay, segment(name="new"))
    assert names(relay) == {"third", "new"}


@pytest.mark.parametrize("flag", ["--keep-mb", "--keep-days"])
@pytest.mark.parametrize("value", ["0", "-1", "1000001", "1_0"])
def test_as_many_as_there_can_be(relay, flag, value):
    start(relay, ":memory:", flag, value, ready=False)
    assert relay.process.wait(20) == 1
    assert f"{flag} {value}: wants a number" in relay.output()


def test_the_form_of_the_file(relay):
    store = relay.directory / "traces.db"
    start(relay, store)
    put(relay, segment())
    database = sqlite3.connect(store)
    found = {
        name: database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "auto_vacuum", "journal_mode", "user_version")
    }
    database.close()
    assert found == {"page_size": 8192, "auto_vacuum": 2, "journal_mode": "wal",
                     "user_version": 1}


def test_documents_of_one_trace(relay):
    """Those beyond the ceiling are counted, told of, and do not harm."""
    start(relay, ":memory:")
    trace = trace_of(segment())
    texts = [
        segment(trace_id=trace, id=f"{n + 1:016x}")
        for n in range(TRACE_DOCUMENTS + 3)
    ]
    for at in range(0, len(texts), 1000):
        put(relay, *texts[at : at + 1000])
    until(lambda: health(relay)["documents"] == TRACE_DOCUMENTS, 20)
    is_limited(relay, trace)
    # It is another's turn.
    put(relay, segment(name="another"))
    until(lambda: health(relay)["documents"] == TRACE_DOCUMENTS + 1, 20)
    assert relay.stop() == 0
    counts = relay.log().rsplit("local: made ", 1)[1]
    assert f"made {TRACE_DOCUMENTS + 4} = " in "made " + counts
    assert "refused 3 " in counts


def is_limited(relay, trace):
    body = json.dumps({"TraceIds": [trace]})
    answer = relay.request("POST", "/Traces", body, timeout=60)
    found = json.loads(answer.body)
    (whole,) = found["Traces"]
    assert whole["LimitExceeded"] is True
    target = f"/api/traces/{trace}?documents=0"
    told = json.loads(relay.get(target, timeout=60).body)
    assert told["limit_exceeded"] is True
    return told


def test_bytes_of_one_trace(relay):
    start(relay, ":memory:")
    trace = trace_of(segment())
    size, sent = 900_000, 0
    while sent * size < TRACE_BYTES + 2 * size:
        put(relay, *(segment(trace_id=trace, id=f"{sent + n + 1:016x}",
                             pad=size) for n in range(4)))
        sent += 4
    told = is_limited(relay, trace)
    relay.wait_log("documents are refused: their trace has")
    shown = subprocess.run(
        [BINARY, "show", "-t", f"127.0.0.1:{relay.tcp_port}", trace],
        capture_output=True, text=True, timeout=60,
    )
    assert "too large, the rest of it was refused" in shown.stdout
    assert told["trace"]["spans"] == TRACE_BYTES // size


def test_another_programs_database_is_left_alone(relay):
    store = relay.directory / "other.db"
    database = sqlite3.connect(store)
    database.execute("CREATE TABLE notes(x)")
    database.execute("INSERT INTO notes VALUES('mine')")
    database.commit()
    database.close()
    before = store.read_bytes()
    start(relay, store, ready=False)
    assert relay.process.wait(30) == 1
    assert f"{store} is no store of xray-relay" in relay.output()
    assert store.read_bytes() == before
    assert not list(relay.directory.glob("*.bad-*"))


def test_what_only_reads_refuses_a_newer_schema(relay):
    store = relay.directory / "traces.db"
    start(relay, store)
    put(relay, segment(name="kept"))
    assert relay.stop() == 0
    database = sqlite3.connect(store)
    database.execute("PRAGMA user_version=99")
    database.close()
    before = store.read_bytes()
    done = subprocess.run(
        [BINARY, "ls", "--store", str(store)], env=relay.env, timeout=60,
        capture_output=True, text=True,
    )
    assert done.returncode == 1
    assert "schema 99" in done.stderr
    assert store.read_bytes() == before


def test_damage_while_it_runs(relay):
    """The file gives way to a new one, what is being sent is kept."""
    store = relay.directory / "traces.db"
    start(relay, store)
    for n in range(40):
        put(relay, *(segment(name=f"n{n}", pad=60000) for _ in range(10)))
    assert relay.stop() == 0  # all is in the file, nothing in memory
    start(relay, store)
    pages = os.stat(store).st_size // 8192
    with open(store, "r+b") as f:
        for page in range(1, pages):
            f.seek(page * 8192)
            f.write(b"\x55" * 8192)

    def renewed():
        put_at_all(relay)
        return health(relay)["store"]["state"] == "renewed"

    until(renewed, 60)
    assert f"{store}.bad-" in health(relay)["store"]["message"]
    relay.wait_log("was damaged")
    put(relay, segment(name="after"))
    assert "after" in names(relay)


def put_at_all(relay):
    body = json.dumps({"TraceSegmentDocuments": [segment(name="during")]})
    relay.request("POST", "/TraceSegments", body, timeout=60)
