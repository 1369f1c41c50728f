# SPDX-License-Identifier: Apache-2.0
"""Who may ask local mode what: every path on every port knows its Host and
its Origin, what is open and what takes the token, what answers carry, and
which addresses are listened on."""

import json
import os
import socket
import stat

import pytest

from harness.documents import segment
from harness.relay import BINARY
from harness.waiting import until

TOKEN = "0123456789abcdef"
JSON = {"Content-Type": "application/json"}
# (method, path) on port 2000; what stands there answers something else than
# 421 and 403 to its own host
PATHS = (
    ("GET", "/"),
    ("GET", "/app.js"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/nothing/here"),
    ("GET", "/api/health"),
    ("GET", "/api/traces"),
    ("GET", "/api/events"),
    ("GET", "/api/export"),
    ("GET", "/api/nothing"),
    ("POST", "/api/mark"),
    ("POST", "/api/import"),
    ("DELETE", "/api/traces"),
    ("POST", "/TraceSummaries"),
    ("POST", "/prefix/ServiceGraph"),
    ("POST", "/GetSamplingRules"),
    ("POST", "/SamplingTargets"),
    ("POST", "/TraceSegments"),
    ("POST", "/TelemetryRecords"),
    ("POST", "/v1/traces"),
    ("POST", "/nothing"),
)
OTLP_PATHS = (("POST", "/v1/traces"), ("POST", "/v1/metrics"), ("GET", "/"))


@pytest.fixture
def local(make_relay):
    relay = make_relay()

    def run(*words, ready=True):
        (relay.directory / "cfg.yaml").write_text(json.dumps(relay.config))
        at = f"127.0.0.1:{relay.udp_port}"
        if "-b" not in words:
            words = ("-b", at, *words)
        if "-t" not in words:
            words = ("-t", at, *words)
        return relay.run(
            [BINARY, "local", "-c", "cfg.yaml", "--store", ":memory:", *words],
            ready,
        )

    relay.local = run
    return relay


def ask(relay, port, method, path, headers):
    """The status alone: streams go on for ever."""
    with socket.create_connection(("127.0.0.1", port), 20) as s:
        lines = [f"{method} {path} HTTP/1.1"]
        given = {"Host": f"127.0.0.1:{port}", **JSON, **headers}
        lines += [f"{name}: {value}" for name, value in given.items()]
        body = "" if method == "GET" else "Content-Length: 2\r\n"
        rest = "" if method == "GET" else "{}"
        text = "\r\n".join(lines) + f"\r\n{body}\r\n{rest}"
        s.sendall(text.encode())
        return int(s.makefile("rb").readline().split()[1])


def test_every_path_knows_host_and_origin(local):
    local.local()
    ports = [(local.tcp_port, PATHS), (local.otlp_http_port, OTLP_PATHS)]
    for port, paths in ports:
        for method, path in paths:
            for headers, status in (
                ({"Host": f"evil.example:{port}"}, 421),
                ({"Host": "127.0.0.1:1"}, 421),
                ({"Origin": "https://evil.example"}, 403),
                ({"Origin": "null"}, 403),
                ({"Origin": f"http://evil.example:{port}"}, 403),
                ({"Sec-Fetch-Site": "cross-site"}, 403),
                ({"Sec-Fetch-Site": "same-site"}, 403),
            ):
                told = ask(local, port, method, path, headers)
                assert told == status, (port, method, path, headers)
            own = {"Origin": f"http://127.0.0.1:{port}"}
            told = ask(local, port, method, path, own)
            assert told not in (421, 403), (port, method, path)
    local.wait_log("--allow-host")


def test_no_answer_opens_a_door_to_other_origins(local):
    local.local()
    evil = {"Origin": "https://evil.example", **JSON}
    wish = {**evil, "Access-Control-Request-Method": "POST"}
    for method, path in PATHS + (("OPTIONS", "/api/traces"),):
        if path == "/api/events":
            continue
        for headers in ({}, evil, wish):
            body = None if method == "GET" else "{}"
            answer = local.request(method, path, body, headers)
            names = [name.lower() for name in answer.headers]
            assert not [n for n in names if n.startswith("access-control")]
    answer = local.request("OPTIONS", "/v1/traces", headers=wish)
    assert answer.status >= 400


def test_origins_that_are_named_may_send_otlp_only(local):
    named = "https://app.example"
    local.set("Otlp", {"CorsOrigins": [named]})
    local.local()
    port = local.otlp_http_port
    cross = {"Origin": named, "Sec-Fetch-Site": "cross-site"}
    assert ask(local, port, "POST", "/v1/traces", cross) == 200
    assert ask(local, port, "OPTIONS", "/v1/traces", cross) == 204
    for origin in ("https://app.example.evil", "http://app.example"):
        other = {**cross, "Origin": origin}
        assert ask(local, port, "POST", "/v1/traces", other) == 403
        assert ask(local, port, "OPTIONS", "/v1/traces", other) == 403
    for method, path in PATHS:
        assert ask(local, local.tcp_port, method, path, cross) == 403


OPEN = ("/TraceSegments", "/TelemetryRecords", "/GetSamplingRules",
        "/SamplingTargets", "/v1/traces")
ALIVE = ("/healthz", "/readyz", "/metrics", "/nothing/here")


def test_what_takes_the_token(local):
    local.env["XRAY_RELAY_TOKEN"] = TOKEN
    here = f"0.0.0.0:{local.udp_port}"
    local.local("-b", here, "-t", here, "--allow-remote")
    port = local.tcp_port
    elsewhere = {"Host": "xray:2000"}
    for method, path in PATHS:
        told = ask(local, port, method, path, elsewhere)
        free = path in OPEN + ALIVE
        assert (told == 401) != free, (method, path, told)
        assert told != 421
        # The Origin rule stays, for what is open too.
        evil = {**elsewhere, "Origin": "https://evil.example"}
        assert ask(local, port, method, path, evil) == 403, path
        bearer = {**elsewhere, "Authorization": f"Bearer {TOKEN}"}
        assert ask(local, port, method, path, bearer) not in (401, 403, 421)
    assert ask(local, local.otlp_http_port, "POST", "/v1/traces",
               elsewhere) == 200


def test_the_token_becomes_a_cookie(local):
    local.env["XRAY_RELAY_TOKEN"] = TOKEN
    here = f"0.0.0.0:{local.udp_port}"
    local.local("-b", here, "-t", here, "--allow-remote")
    answer = local.get(f"/?token={TOKEN}")
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    cookie, *rest = answer.headers["Set-Cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict"} <= set(rest)
    for path in ("/", "/api/traces"):
        with_it = local.get(path, headers={"Cookie": f"a=b; {cookie}"})
        assert with_it.status == 200
    for query in ("?token=", "?token=" + TOKEN[:-1], f"?token={TOKEN}0"):
        answer = local.get("/" + query)
        assert answer.status == 401
        assert "Set-Cookie" not in answer.headers
    wrong = {"Cookie": cookie[:-1]}
    assert local.get("/api/traces", headers=wrong).status == 401


def test_a_token_is_made_and_told_once(local):
    here = f"0.0.0.0:{local.udp_port}"
    local.local("-b", here, "-t", here, "--allow-remote")
    local.wait_log("/?token=")
    token = local.log().split("/?token=")[1].split()[0]
    assert len(token) >= 32
    bearer = {"Authorization": f"Bearer {token}"}
    assert local.get("/api/traces", headers=bearer).status == 200
    local.get(f"/?token={token}")
    local.get("/api/traces")
    assert local.stop() == 0
    assert (local.log() + local.errors()).count(token) == 1


def test_secrets_stay_out_of_the_log(local):
    local.config["Logging"] = {"LogLevel": "debug"}
    local.local("--log-level", "debug")
    secret = "AKIASECRETSECRET"
    local.request("POST", "/Groups", "{}", {"Authorization": secret})
    local.request("POST", "/Groups", "{}", {"Authorization": secret,
                                            "Host": "evil.example"})
    request = {"method": "GET", "url": f"http://x/?password={secret}"}
    document = segment(http={"request": request}, metadata={"d": secret})
    body = json.dumps({"TraceSegmentDocuments": [document, secret]})
    local.request("POST", "/TraceSegments", body)
    local.get(f"/api/traces?q={secret}")
    assert local.stop() == 0
    assert secret not in local.log() + local.errors()


@pytest.mark.parametrize("which", ["udp", "tcp", "http", "grpc"])
def test_each_listener_stays_here_by_itself(local, which):
    local.judged = False  # it does not start
    elsewhere = f"0.0.0.0:{local.udp_port}"
    if which in ("http", "grpc"):
        port = getattr(local, f"otlp_{which}_port")
        local.config["Otlp"][which.title()] = {"Address": f"0.0.0.0:{port}"}
        local.local(ready=False)
    else:
        flag = "-b" if which == "udp" else "-t"
        local.local(flag, elsewhere, ready=False)
    assert local.process.wait(30) == 1
    assert "--allow-remote" in local.output()


def listened_on(pid):
    """The IPv4 addresses of a process's sockets that wait for others."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        name = os.readlink(f"/proc/{pid}/fd/{fd}")
        if name.startswith("socket:["):
            inodes.add(name[8:-1])
    found = set()
    for kind, state in (("tcp", "0A"), ("udp", "07")):
        with open(f"/proc/{pid}/net/{kind}", encoding="ascii") as f:
            for line in f.readlines()[1:]:
                words = line.split()
                if words[9] in inodes and words[3] == state:
                    raw = bytes.fromhex(words[1].split(":")[0])
                    found.add((kind, socket.inet_ntoa(raw[::-1])))
    return found


def test_only_loopback_is_listened_on(local):
    local.local()
    found = listened_on(local.process.pid)
    assert found == {("tcp", "127.0.0.1"), ("udp", "127.0.0.1")}


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'none'"
)


def test_headers_of_page_and_data(local):
    local.local()
    for path in ("/", "/app.js", "/app.css"):
        headers = local.get(path).headers
        assert headers["Content-Security-Policy"] == POLICY
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
    trace = json.loads(segment())["trace_id"]
    for method, path, body in (
        ("GET", "/api/health", None),
        ("GET", "/api/live", None),
        ("GET", "/api/traces", None),
        ("GET", f"/api/traces/{trace}", None),
        ("GET", "/api/graph", None),
        ("GET", "/api/histogram", None),
        ("GET", "/api/export", None),
        ("GET", "/api/complete?text=", None),
        ("GET", "/api/traces?filter=fault%20%3D", None),
        ("GET", "/api/wait?timeout=1ms", None),
        ("POST", "/api/mark", "{}"),
        ("POST", "/Groups", "{}"),
        ("POST", "/TraceSummaries", "{}"),
    ):
        answer = local.request(method, path, body, JSON)
        assert answer.headers["Cache-Control"] == "no-store", path
        if path.startswith("/api/"):
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path


def test_files_are_the_owners_alone(local):
    store = local.directory / "new" / "folder" / "traces.db"
    os.umask(0)
    try:
        local.local("--store", str(store))
    finally:
        os.umask(0o022)
    body = json.dumps({"TraceSegmentDocuments": [segment()]})
    assert local.request("POST", "/TraceSegments", body).status == 200
    names = sorted(f.name for f in store.parent.iterdir())
    assert names == ["traces.db", "traces.db-shm", "traces.db-wal",
                     "traces.db.lock"]
    for file in store.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    for folder in (store.parent, store.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


def test_a_datagram_needs_no_leave(local):
    local.local()
    local.send(segment(name="by-udp"))
    until(lambda: b"by-udp" in local.get("/api/traces").body)
