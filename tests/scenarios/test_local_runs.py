# SPDX-License-Identifier: Apache-2.0
"""`xray-relay local --store run`: a file for each start, told of at
/api/runs, old ones deleted. And the store's file, read without local mode."""

import json
import os
import shutil
import signal
import stat

import pytest

from harness.documents import segment


def runs_of(relay):
    relay.start_local(store="run")
    return json.loads(relay.request("GET", "/api/runs").body)["runs"]


def put(relay, **members):
    document = segment(**members)
    assert relay.put(document).status == 200
    return json.loads(document)["trace_id"]


@pytest.fixture
def relay(make_relay):
    relay = make_relay()
    relay.env["XDG_STATE_HOME"] = str(relay.directory)
    return relay


def test_a_file_for_each_start(relay):
    folder = relay.directory / "xray-relay" / "runs"
    [run] = runs_of(relay)
    assert os.path.dirname(run["path"]) == str(folder)
    assert stat.S_IMODE(os.stat(run["path"]).st_mode) == 0o600
    assert run["current"] is True and run["bytes"] > 0
    health = json.loads(relay.request("GET", "/api/health").body)
    assert health["store"]["path"] == run["path"]
    kept = put(relay, name="kept")
    assert relay.stop() == 0

    old = folder / "2020-01-01T00-00-00Z-1.db"
    old.write_text("old")
    os.utime(old, (0, 0))
    again, before = runs_of(relay)
    assert again["current"] is True and again["path"] != run["path"]
    assert before["current"] is False and before["path"] == run["path"]
    assert before["started"] <= again["started"]
    assert not old.exists()
    traces = json.loads(relay.request("GET", "/api/traces").body)["traces"]
    assert traces == []
    assert relay.stop() == 0
    assert relay.command("ls", "--store", "run").stdout == ""
    assert kept in relay.command("ls", "--store", run["path"]).stdout


def test_an_earlier_run_is_read(relay):
    def get(path, method="GET"):
        answer = relay.request(method, path, headers={"X-Xray-Relay": "1"})
        return answer.status, json.loads(answer.body)

    [run] = runs_of(relay)
    kept = put(relay, name="kept")
    # As after a crash: nothing is tidied up.
    relay.stop(signal.SIGKILL)
    current, _ = runs_of(relay)
    put(relay, name="new")

    before = f"/api/runs/{run['name']}"
    assert run["path"].endswith("/" + run["name"])
    status, health = get(before + "/health")
    assert (status, health["traces"]) == (200, 1)
    assert health["store"]["path"] == run["path"]
    status, answer = get(before + "/traces")
    assert status == 200 and [t["id"] for t in answer["traces"]] == [kept]
    status, answer = get(f"{before}/traces/{kept}")
    assert status == 200 and answer["rows"][0]["name"] == "kept"
    status, answer = get(before + "/graph?filter=service(%22kept%22)")
    assert status == 200 and answer["traces"] == 1

    for path in ("/traces", f"/traces/{kept}"):
        status, answer = get(before + path, "DELETE")
        assert status == 405 and "only read" in answer["error"]["message"]
    assert get(f"{before}/traces/{kept}/pin", "PUT")[0] == 405
    for path in ("/events", "/live", "/export", "/runs", before[4:] + "/graph"):
        assert get(before + path)[0] == 404
    for name in ("..", "%2e%2e%2ftraces.db", "2020-01-01T00-00-00Z-1.db"):
        assert get(f"/api/runs/{name}/traces")[0] == 404
    # The one that is written can be read so as well.
    status, answer = get(f"/api/runs/{current['name']}/traces")
    assert len(answer["traces"]) == 1 and answer["traces"][0]["id"] != kept
    assert relay.stop() == 0


def test_more_runs_than_are_held_open(relay):
    folder = relay.directory / "xray-relay" / "runs"
    [run] = runs_of(relay)
    put(relay, name="kept")
    assert relay.stop() == 0
    for second in range(10, 17):
        name = f"2026-01-01T00-00-{second}Z-1.db"
        shutil.copy(run["path"], folder / name)
    relay.start_local(store="run")
    names = [r["name"] for r in
             json.loads(relay.request("GET", "/api/runs").body)["runs"]]
    assert len(names) == 9
    for name in names[1:] + names[1:3]:
        answer = relay.request("GET", f"/api/runs/{name}/health")
        assert json.loads(answer.body)["traces"] == 1
    [name] = names[3:4]
    (folder / name).write_text("no store")
    answer = relay.request("GET", f"/api/runs/{names[8]}/traces")
    assert answer.status == 200
    answer = relay.request("GET", f"/api/runs/{name}/traces")
    assert answer.status == 503
    assert json.loads(answer.body)["error"]["message"]
    assert relay.stop() == 0


def test_the_file_is_read_without_local_mode(relay):
    file = relay.directory / "xray-relay" / "traces.db"
    absent = relay.command("ls")
    assert absent.returncode == 1
    assert "start `xray-relay local`" in absent.stderr
    relay.start_local(store=None)
    good = put(relay, name="good")
    bad = put(relay, name="bad", fault=True)
    # Beside the one who writes it.
    for words in (["ls"], ["ls", "--store", str(file)]):
        lines = relay.command(*words).stdout
        assert good in lines and bad in lines
    assert relay.stop() == 0
    before = file.read_bytes()
    done = relay.command("ls", "fault")
    assert done.returncode == 0 and "reading the store's file" in done.stderr
    assert bad in done.stdout and good not in done.stdout
    assert relay.command("ls", "fault >").returncode == 2
    assert good in relay.command("show", good).stdout
    exported = relay.command("export", "fault").stdout
    assert json.loads(exported)["trace_id"] == bad
    assert file.read_bytes() == before
    nowhere = relay.command("ls", "--store", str(file) + ".none")
    assert nowhere.returncode == 1 and "traces.db.none" in nowhere.stderr
    file.write_bytes(b"no database" * 1000)
    assert relay.command("ls").returncode == 1
    assert file.exists()
