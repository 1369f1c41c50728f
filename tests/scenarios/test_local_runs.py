# SPDX-License-Identifier: Apache-2.0
"""`xray-relay local --store run`: a file for each start, told of at
/api/runs, old ones deleted."""

import json
import os
import stat

from harness.documents import segment
from harness.relay import BINARY


def start(relay):
    at = f"127.0.0.1:{relay.udp_port}"
    relay.exit_code = None
    relay.run(
        [BINARY, "local", "-c", "cfg.yaml", "-b", at, "-t", at,
         "--store", "run"]
    )
    return json.loads(relay.request("GET", "/api/runs").body)["runs"]


def test_a_file_for_each_start(make_relay):
    relay = make_relay()
    (relay.directory / "cfg.yaml").write_text(json.dumps(relay.config))
    relay.env["XDG_STATE_HOME"] = str(relay.directory)
    folder = relay.directory / "xray-relay" / "runs"
    [run] = start(relay)
    assert os.path.dirname(run["path"]) == str(folder)
    assert stat.S_IMODE(os.stat(run["path"]).st_mode) == 0o600
    assert run["current"] is True and run["bytes"] > 0
    health = json.loads(relay.request("GET", "/api/health").body)
    assert health["store"]["path"] == run["path"]
    body = json.dumps({"TraceSegmentDocuments": [segment(name="kept")]})
    relay.request("POST", "/TraceSegments", body)
    assert relay.stop() == 0

    old = folder / "2020-01-01T00-00-00Z-1.db"
    old.write_text("old")
    os.utime(old, (0, 0))
    again, before = start(relay)
    assert again["current"] is True and again["path"] != run["path"]
    assert before["current"] is False and before["path"] == run["path"]
    assert before["started"] <= again["started"]
    assert not old.exists()
    traces = json.loads(relay.request("GET", "/api/traces").body)["traces"]
    assert traces == []
