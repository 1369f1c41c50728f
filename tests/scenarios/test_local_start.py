# SPDX-License-Identifier: Apache-2.0
"""The first minute with local mode: what it says when it starts, why it does
not, and the sample of traces."""

import json
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from harness.relay import BINARY


def test_says_where_it_listens(make_relay):
    local = make_relay().start_local(store=None)
    local.wait_log("query ")
    lines = local.log().splitlines()
    at = f"127.0.0.1:{local.tcp_port}"
    assert lines[0] == (
        f"traces   udp+tcp {at}   otlp 127.0.0.1:{local.otlp_grpc_port} (grpc)"
        f" 127.0.0.1:{local.otlp_http_port} (http)"
    )
    assert lines[1] == f"page     http://{at}/"
    assert lines[2] == (
        "store    ~/.local/state/xray-relay/traces.db (0 traces)"
    )
    assert lines[3].startswith(f'query    eval "$({BINARY} env -t {at})" &&')


def test_another_local_mode_is_recognized(make_relay):
    local = make_relay().start_local(store=None)
    for store in (None, ":memory:"):
        done = subprocess.run(
            local.local_words(store=store), cwd=local.directory, env=local.env,
            capture_output=True, text=True, timeout=60,
        )
        assert done.returncode == 1
        said = done.stdout + done.stderr
        assert "Another xray-relay local runs at" in said


class Stranger(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(403)

    def log_message(self, *_):
        pass


def test_a_stranger_is_told_of(make_relay):
    local = make_relay()
    local.judged = False  # it does not start
    server = ThreadingHTTPServer(("127.0.0.1", local.tcp_port), Stranger)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        local.start_local(ready=False)
        assert local.process.wait(30) == 1
    finally:
        server.shutdown()
        server.server_close()
    assert "answers HTTP with status 403" in local.output()


def test_demo_sends_through_the_listeners(local):
    at = f"127.0.0.1:{local.tcp_port}"
    done = local.command("demo")
    assert done.returncode == 0, done.stderr
    assert f"http://{at}/" in done.stdout
    assert f"or here: {BINARY} ls 'fault'" in done.stdout
    live = json.loads(local.get("/api/live").body)
    assert live["refused"] == 0
    arrived = {
        (one["name"], one["protocol"]): one["documents"]
        for one in live["listeners"]
    }
    segments, spans = arrived["X-Ray daemon", "udp"], arrived["OTLP", "http"]
    assert f"{segments} segments by UDP" in done.stdout
    assert f"{spans} spans by OTLP/HTTP" in done.stdout
    for filter in (
        'fault AND service("bank.example") { fault }',
        "throttle",
        "http.status = 404",
        "partial",
        'service("shop-orders") AND service("payments-db")',
    ):
        found = local.command("ls", filter).stdout
        assert found.count("\n") >= 1, filter
    row = json.loads(local.get("/api/traces?filter=fault&limit=1").body)
    trace = row["traces"][0]["id"]
    whole = json.loads(local.get(f"/api/traces/{trace}").body)
    assert whole["warnings"] == [] and whole["waiting_for"] == []
