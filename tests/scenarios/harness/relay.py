# SPDX-License-Identifier: Apache-2.0
"""The program under test as a process: started on free ports with a clean
environment, asked by HTTP, stopped by a signal, its ledger checked."""

import http.client
import json
import os
import signal
import socket
import subprocess

import yaml

from harness.documents import datagram
from harness.keys import STATIC
from harness.metrics import Ledger, Metrics
from harness.ports import free_port
from harness.waiting import until

BINARY = os.environ.get("XR_BIN", "build/xray-relay")
# Built with AddressSanitizer: it keeps freed memory, so RSS says nothing.
with open(BINARY, "rb") as _f:
    SANITIZED = b"__asan_init" in _f.read()
READY_S = 15  # with sanitizers on a busy machine
STOP_S = 40
# An environment without an account: local mode needs none.
NO_ACCOUNT = dict.fromkeys(("AWS_REGION", *STATIC.environment()))


class Relay:
    """Made by the `relay` fixture. `config` is the content of cfg.yaml, `env`
    comes on top of a clean environment (None removes a name)."""

    def __init__(self, directory, *, config=None, env=None, args=()):
        self.directory = directory
        self.udp_port = free_port()
        self.tcp_port = self.udp_port
        self.otlp_http_port = free_port()
        self.otlp_grpc_port = free_port()
        self.config = self.defaults()
        for key, value in (config or {}).items():
            self.set(key, value)
        self.env = clean_environment(directory, env or {})
        self.args = list(args)
        self.sent = 0  # datagrams, for the ledger
        self.process = None
        self.exit_code = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def defaults(self):
        """Ports of our own, and no second's wait for each upload."""
        return {
            "Version": 2,
            "Upload": {"FlushIdleMs": 100},
            "Otlp": {
                "Http": {"Address": f"127.0.0.1:{self.otlp_http_port}"},
                "Grpc": {"Address": f"127.0.0.1:{self.otlp_grpc_port}"},
            },
        }

    def set(self, key, value):
        """Sets a key of cfg.yaml; a section only gets the members given."""
        if isinstance(value, dict):
            value = {**self.config.get(key, {}), **value}
        self.config[key] = value

    # Life.

    def start(self, ready=True, binary=BINARY, flags=("-o",)):
        argv = [binary, *self.places(), *flags, *self.args]
        return self.run(argv, ready)

    def start_local(self, *words, store=":memory:", ready=True):
        """As local mode. store None: the one it takes if nothing is said."""
        return self.run(self.local_words(*words, store=store), ready)

    def local_words(self, *words, store=":memory:", host="127.0.0.1"):
        """The words that start it as local mode."""
        kept = ["--store", str(store)] if store else []
        return [BINARY, "local", *self.places(host), *kept, *words]

    def places(self, host="127.0.0.1"):
        """Our cfg.yaml, just written, and our ports."""
        file = self.directory / "cfg.yaml"
        file.write_text(yaml.safe_dump(self.config))
        address = f"{host}:{self.udp_port}"
        return ["-c", str(file), "-b", address, "-t", address]

    def run(self, argv, ready=True):
        """Starts it with these words, for scenarios about the words; again
        after a stop, too."""
        self.exit_code = None
        self.process = subprocess.Popen(
            argv,
            env=self.env,
            cwd=self.directory,
            stdout=open(self.directory / "stdout", "ab"),
            stderr=open(self.directory / "stderr", "ab"),
        )
        if ready:
            until(self.listening, READY_S, lambda: f"ready: {self.output()}")
        return self

    def listening(self):
        assert (
            self.process.poll() is None
        ), f"ended with {self.process.returncode}: {self.output()}"
        try:
            return self.get("/healthz").status > 0
        except OSError:
            return False

    def stop(self, sig=signal.SIGTERM, seconds=STOP_S):
        """Sends the signal and waits; gives the exit status. sig 0: it was
        sent before."""
        if self.process and self.exit_code is None:
            if self.process.poll() is None:
                self.process.send_signal(sig)
            try:
                self.exit_code = self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
            finally:
                self._socket.close()
        return self.exit_code

    # Sending.

    def send(self, *documents):
        for document in documents:
            self.send_raw(datagram(document))

    def send_raw(self, data):
        self._socket.sendto(data, ("127.0.0.1", self.udp_port))
        self.sent += bool(data)

    def put(self, *documents):
        """By HTTP, so that local mode can be asked for them at once."""
        body = json.dumps({"TraceSegmentDocuments": documents})
        return self.request("POST", "/TraceSegments", body, timeout=30)

    # Asking.

    def command(self, name, *words, env=(), **more):
        """A subcommand that asks this local mode, and what it said."""
        return subprocess.run(
            [BINARY, name, "-t", f"127.0.0.1:{self.tcp_port}", *words],
            capture_output=True,
            text=True,
            timeout=60,
            env={**self.env, **dict(env)},
            **more,
        )

    def request(self, method, target, body=None, headers=None, timeout=10):
        """An exchange on the TCP port; the answer has .status, .body,
        .headers."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.tcp_port, timeout=timeout
        )
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            answer.body = answer.read()
            return answer
        finally:
            connection.close()

    def get(self, target, **more):
        return self.request("GET", target, **more)

    def metrics(self):
        answer = self.get("/metrics")
        assert answer.status == 200, answer.body
        return Metrics(answer.body.decode())

    def log(self):
        return (self.directory / "stdout").read_text(errors="replace")

    def errors(self):
        return (self.directory / "stderr").read_text(errors="replace")

    def output(self):
        return (self.log() + self.errors())[-3000:]

    def wait_log(self, text, seconds=15):
        until(
            lambda: text in self.log() + self.errors(),
            seconds,
            lambda: f"{text!r} in the log: {self.output()}",
        )

    def wait_delivered(self, n, seconds=20):
        until(
            lambda: self.metrics().documents("delivered") >= n,
            seconds,
            lambda: f"{n} delivered: {self.output()}",
        )

    def usage(self):
        """CPU seconds used, and the present and the highest RSS in KiB."""
        pid = self.process.pid
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            stat = f.read().rpartition(")")[2].split()
        ticks = int(stat[11]) + int(stat[12])
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            status = dict(x.split(":", 1) for x in f.read().splitlines())
        rss, peak = (int(status[k].split()[0]) for k in ("VmRSS", "VmHWM"))
        return ticks / os.sysconf("SC_CLK_TCK"), rss, peak

    # Judging.

    def ledger(self):
        ledger = Ledger.parse(self.log())
        assert ledger, f"no ledger in the log: {self.output()}"
        return ledger

    def check_ledger(self):
        """Both balances, and that every datagram sent was offered."""
        ledger = self.ledger()
        ledger.check()
        assert ledger.items.offered >= self.sent, (self.sent, ledger)
        return ledger


def clean_environment(directory, more):
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "TZ": "UTC",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        **STATIC.environment(),
    }
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
        if name in os.environ:
            env[name] = os.environ[name]
    env.update(more)
    return {k: str(v) for k, v in env.items() if v is not None}
