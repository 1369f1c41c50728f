#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the program side by side with the limits: bench.py BINARY TOOLS.

Rows that belong together are taken in one run, since machines differ and are
shared: what counts are the ratios. PEER=/path/to/xray measures another daemon
by the same steps, PEER_OTEL=/path/to/otelcol a collector that passes OTLP on,
PEER_EXTENSION=/path/to/file another Lambda extension. BENCH_QUICK=1 shortens
each step, STEPS=datagrams,otlp,start,local,lambda picks. Nothing here asserts.
"""
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

BINARY, TOOLS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
PEER = os.environ.get("PEER")
PEER_OTEL = os.environ.get("PEER_OTEL")
PEER_EXTENSION = os.environ.get("PEER_EXTENSION")
STEPS = os.environ.get("STEPS",
                       "datagrams,otlp,start,local,lambda").split(",")
STATIC = "build/static-x86_64/xray-relay"
# The scenarios that print the time that each way to flush adds.
FLUSH = ("test_rare or test_burst or test_fixed_mode or test_nothing_to_send "
         "or test_thousand")
SECONDS = 2 if os.environ.get("BENCH_QUICK") else 5
TICK = os.sysconf("SC_CLK_TCK")
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secretexample",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
next_id = int(time.time()) % 1000 * 10**6


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Process:
    """A program under measurement: its CPU time and memory."""

    def __init__(self, argv, wait_line=False):
        out = subprocess.PIPE if wait_line else subprocess.DEVNULL
        self.process = subprocess.Popen(
            argv, stdout=out, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
        if wait_line:
            self.process.stdout.readline()

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory_mib(self, key):
        with open(f"/proc/{self.process.pid}/status") as f:
            for line in f:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) / 1024
        return 0.0

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def tool_json(*argv):
    out = subprocess.run([f"{TOOLS}/{argv[0]}", *map(str, argv[1:])],
                         capture_output=True, text=True, check=True)
    return json.loads(out.stdout.strip().splitlines()[-1])


class Fake:
    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = Process([f"{TOOLS}/fake", str(self.port)], True)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=5) as r:
            return json.load(r)

    def settle(self, quiet_s=1.5, limit_s=60):
        """Waits until nothing new has come for a while; "last" is when the
        last came."""
        last, since, end = -1, time.time(), time.time() + limit_s
        while time.time() < end and time.time() - since < quiet_s:
            n = self.get("/stats")["documents"]
            if n != last:
                last, since = n, time.time()
            time.sleep(0.02)
        return {**self.get("/stats"), "last": since}


def start(binary, fake):
    """Starts a daemon by flags and a file that both understand."""
    port = free_port()
    folder = tempfile.mkdtemp()
    path = f"{folder}/cfg.yaml"
    with open(path, "w") as f:
        f.write(f'Version: 2\nEndpoint: "{fake.url}"\n'
                "TotalBufferSizeMB: 128\n")
    p = Process([binary, "-c", path, "-o", "-l", "error", "-b",
                 f"127.0.0.1:{port}", "-t", f"127.0.0.1:{port}"])
    wait_tcp(port, p)
    return p, port


def start_otlp(binary, fake):
    """Starts the program for OTLP; gives its HTTP and gRPC ports."""
    ports = free_port(), free_port()
    path = f"{tempfile.mkdtemp()}/otlp.yaml"
    p = Process(otlp_peer(path, fake, ports) if binary == PEER_OTEL
                else otlp_relay(path, fake, ports))
    for port in ports:
        wait_tcp(port, p)
    return p, ports


def otlp_relay(path, fake, ports):
    own = f"127.0.0.1:{free_port()}"
    with open(path, "w") as f:
        json.dump({"Version": 2, "Endpoint": fake.url,
                   "TotalBufferSizeMB": 128,
                   "Otlp": {"Http": {"Address": f"127.0.0.1:{ports[0]}"},
                            "Grpc": {"Address": f"127.0.0.1:{ports[1]}"}}}, f)
    return [BINARY, "-c", path, "-o", "-l", "error", "-b", own, "-t", own]


def otlp_peer(path, fake, ports):
    """A core collector has no exporter for X-Ray: OTLP goes in and out. Then
    only its CPU time compares, since the fake finds no documents."""
    with open(path, "w") as f:
        json.dump({
            "receivers": {"otlp": {"protocols": {
                "http": {"endpoint": f"127.0.0.1:{ports[0]}"},
                "grpc": {"endpoint": f"127.0.0.1:{ports[1]}"}}}},
            "processors": {"batch": {}},
            "exporters": {"otlphttp": {"endpoint": fake.url,
                                       "compression": "none"}},
            "service": {
                "telemetry": {"logs": {"level": "error"},
                              "metrics": {"level": "none"}},
                "pipelines": {"traces": {
                    "receivers": ["otlp"], "processors": ["batch"],
                    "exporters": ["otlphttp"]}}}}, f)
    return [PEER_OTEL, "--config", path]


def wait_tcp(port, p):
    while p.process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.0005)
    raise SystemExit("the program under measurement ended at its start")


def load(binary, fake, rate, size, seconds):
    global next_id
    fake.get("/reset")
    p, port = start(binary, fake)
    before = p.cpu_s()
    sent = tool_json("send", port, rate, seconds, size, next_id)["sent"]
    next_id += sent + 1
    got = fake.settle()
    row = {
        "rate": rate, "size": size, "sent": sent,
        "lost_percent": round(100 * (1 - got["distinct"] / sent), 3),
        "cpu_us": round((p.cpu_s() - before) * 1e6 / max(1, got["distinct"]),
                        2),
        "peak_mib": round(p.memory_mib("VmHWM"), 1),
    }
    p.stop()
    return row


def otlp_load(binary, fake, kind, spans, rate, connections):
    """CPU per span at a steady rate; with rate 0 what goes through."""
    global next_id
    fake.get("/reset")
    p, ports = start_otlp(binary, fake)
    before, began = p.cpu_s(), time.time()
    got = tool_json("otlp", kind, ports[kind == "grpc"], spans, rate, SECONDS,
                    connections, next_id)
    next_id += got["taken"] + got["errors"] * spans + 1
    stats = fake.settle(0.5 if rate == 0 else 1.5)
    took = stats["last"] - began
    through = stats["distinct"] or got["taken"]
    row = {
        "kind": kind, "spans": spans, "rate": rate,
        "connections": connections, "taken": got["taken"],
        "errors": got["errors"], "documents": stats["distinct"],
        "cpu_us": round((p.cpu_s() - before) * 1e6 / max(1, through), 2),
        "peak_mib": round(p.memory_mib("VmHWM"), 1),
    }
    if rate == 0:
        row["end_to_end_per_s"] = round(through / took)
    p.stop()
    return row


def otlp_steps(fake):
    who = {"relay": BINARY, **({"peer": PEER_OTEL} if PEER_OTEL else {})}
    rounds = 200 * SECONDS
    for kind in ("pb", "json"):
        for spans in (10, 100):
            show("translate alone", {
                "kind": kind, "spans": spans,
                **tool_json("translate", kind, spans,
                            rounds * 100 // spans)})
    for kind in ("pb", "json", "grpc"):
        for spans in (100, 10):
            for name, binary in who.items():
                show(f"otlp {name}", otlp_load(binary, fake, kind, spans,
                                               10000, 2))
    for kind, connections in (("pb", 1), ("json", 1), ("grpc", 8)):
        for name, binary in who.items():
            show(f"saturated {name}", otlp_load(binary, fake, kind, 100, 0,
                                                connections))


def limits(fake, rate, size, seconds):
    global next_id
    port = free_port()
    p = subprocess.Popen([f"{TOOLS}/sink", str(port)], text=True,
                         stdout=subprocess.PIPE)
    p.stdout.readline()
    next_id += tool_json("send", port, rate, seconds, size, next_id)["sent"]
    sink = json.loads(p.communicate()[0])["cpu_us"]
    post = tool_json("post", fake.url + "/TraceSegments", size, 2000)
    return {"sink_us": sink, **post,
            "sum_us": round(sink + post["sha256_us"] + post["post_us"], 2)}


def lossless(binary, fake):
    best = 0
    for rate in (8000, 16000, 32000, 64000, 100000, 130000, 160000):
        if load(binary, fake, rate, 800, 2 * SECONDS)["lost_percent"] >= 0.1:
            break
        best = rate
    return best


def start_times(argv_of, rounds=15):
    times = []
    for _ in range(rounds):
        port = free_port()
        t = time.perf_counter()
        p = Process(argv_of(port))
        wait_tcp(port, p)
        times.append((time.perf_counter() - t) * 1000)
        rss = p.memory_mib("VmRSS")
        p.stop()
    return {"ms": round(statistics.median(times), 2), "rss_mib": round(rss, 1)}


def idle_memory(binary, fake):
    p, _ = start(binary, fake)
    time.sleep(3)
    row = round(p.memory_mib("VmRSS"), 1)
    p.stop()
    return row


def show(name, row):
    print(json.dumps({"step": name, **row}), flush=True)


def datagram_steps(fake):
    who = {"relay": BINARY, **({"peer": PEER} if PEER else {})}
    for rate, size in ((10000, 800), (100000, 800), (50000, 800),
                       (1000, 16384)):
        show("limits", {"rate": rate, "size": size,
                        **limits(fake, rate, size, SECONDS)})
        for name, binary in who.items():
            show(f"cpu {name}", load(binary, fake, rate, size, SECONDS))
    for name, binary in who.items():
        show(f"burst {name}", load(binary, fake, 40000, 800, 0.5))
        show(f"lossless {name}", {"rate": lossless(binary, fake)})
        show(f"idle {name}", {"rss_mib": idle_memory(binary, fake)})


def local_steps(fake):
    """5000 documents a second into the store of local mode, with a listener
    on its events as the page is one."""
    seconds = 2 if os.environ.get("BENCH_QUICK") else 60
    port = free_port()
    at = f"127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        p = Process([BINARY, "local", "-b", at, "-t", at, "--store",
                     f"{folder}/traces.db"])
        wait_tcp(port, p)
        page = subprocess.Popen(
            ["curl", "-sN", f"http://{at}/api/events"],
            stdout=subprocess.DEVNULL,
        )
        sent = tool_json("send", port, 5000, seconds, 1000, 1)["sent"]
        count = {}
        for _ in range(100):
            with urllib.request.urlopen(f"http://{at}/metrics") as answer:
                lines = answer.read().decode().splitlines()
            count = dict(x.rsplit(" ", 1) for x in lines if x[0] != "#")
            sink = 'xray_relay_documents_total{sink="local",outcome="%s"}'
            stored = int(count[sink % "delivered"])
            if stored + int(count[sink % "dropped"]) == \
                    int(count[sink % "made"]):
                break
            time.sleep(0.2)
        drops = 'xray_relay_items_total{input="udp",outcome="kernel_dropped"}'
        show("local", {
            "rate": 5000, "sent": sent, "stored": stored,
            "kernel_dropped": int(count[drops]),
            "cpu_us": round(p.cpu_s() * 1e6 / max(1, stored), 1),
            "peak_mib": round(p.memory_mib("VmHWM"), 1),
            "file_mb": round(os.path.getsize(f"{folder}/traces.db") / 1e6),
        })
        page.kill()
        p.stop()


def start_steps(fake):
    bare = lambda port: [f"{TOOLS}/bare", str(port)]
    relay = lambda port: [BINARY, "-o", "-l", "error", "-b",
                          f"127.0.0.1:{port}", "-t", f"127.0.0.1:{port}"]
    show("start bare", start_times(bare))
    show("start relay", start_times(relay))


def lambda_steps(_):
    """The static program where it is built, else the one given."""
    relay = STATIC if os.path.exists(STATIC) else BINARY
    rounds = 20 if os.environ.get("BENCH_QUICK") else 60
    who = {"bare": f"{TOOLS}/bare_extension", "relay": relay,
           **({"peer": PEER_EXTENSION} if PEER_EXTENSION else {})}
    for name, path in who.items():
        show(f"extension {name}", {
            "bytes": os.path.getsize(path),
            **tool_json("extension", rounds, 50, path)})
    if not os.path.exists("build/venv/.done"):
        show("flush", {"skipped": "no build/venv: make lambda makes it"})
        return
    run = subprocess.run(
        ["tests/lambda/run", "-q", "-p", "no:cacheprovider", "-k", FLUSH],
        env={**os.environ, "XR_BIN": os.path.abspath(relay)},
        capture_output=True, text=True)
    print("".join(line for line in run.stdout.splitlines(True)
                  if line.startswith("test_")), end="")


def main():
    fake = Fake()
    steps = {"datagrams": datagram_steps, "otlp": otlp_steps,
             "start": start_steps, "local": local_steps,
             "lambda": lambda_steps}
    try:
        for name in STEPS:
            steps[name](fake)
    finally:
        fake.process.stop()


main()
