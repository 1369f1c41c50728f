# SPDX-License-Identifier: Apache-2.0
"""One execution environment: none → init → frozen → invoking → … → gone."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

from emulator.api import API, refuse
from emulator.telemetry import Subscription, check

INIT_S = 10
SHUTDOWN_MS = 2000
RUNTIME_SHARE = 0.3  # of the shutdown's time
WITHHELD = {
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
}
FUNCTION = Path(__file__).parent.parent / "function.py"


class Extension:
    def __init__(self, path):
        self.path = Path(path)
        self.name = self.path.name
        self.process = None
        self.id = None
        self.events = set()
        self.state = "none"
        self.inbox = []  # events not yet fetched
        self.started = self.registered = self.first_next = None
        self.cpu_at_register = self.faults_at_register = None
        self.exited = None  # time and status
        self.rss_at_next = None
        self.nexts = 0  # events asked for
        self.peak_kib = 0


class Invocation:
    """What happened, in seconds of the monotonic clock."""

    def __init__(self, payload, timeout):
        self.id = str(uuid.uuid4())
        self.payload = payload
        now = time.time()
        self.deadline_ms = int((now + timeout) * 1000)
        self.root = f"1-{int(now):08x}-{os.urandom(12).hex()}"
        self.parent = os.urandom(8).hex()
        self.trace = f"Root={self.root};Parent={self.parent};Sampled=1"
        self.begun = time.monotonic()
        self.begun_wall = now
        self.responded = self.runtime_done = self.ended = None
        self.failed = None  # why the caller got an error

    def left(self):
        return self.deadline_ms / 1000 - time.time()

    def post_ms(self):
        return (self.ended - self.runtime_done) * 1000

    def response_ms(self):
        return (self.responded - self.begun) * 1000


class Environment:
    def __init__(self, directory, extensions, *, env, **more):
        self.directory = Path(directory)
        self.extensions = [Extension(p) for p in extensions]
        self.env = env
        self.init_type = more.pop("init_type", "on-demand")
        self.timeout = more.pop("timeout", 3.0)
        self.telemetry_fault = more.pop("telemetry", None)
        self.freezes = more.pop("freezes", True)
        self.runtimes = more.pop("runtimes", 1)
        self.credentials = more.pop("credentials", None)
        self.wrapper = more.pop("wrapper", [])  # command that starts it
        self.command = more.pop("command", [sys.executable, str(FUNCTION)])
        assert not more, more
        self.faults = {}  # handler name: statuses to answer with
        self.wrongs = []  # rules that were broken
        self.clock_offset = 0  # seconds that its clock is ahead of ours
        # Called with the extension before an answer is given, once.
        self.before_register = self.before_event = None
        self.before_next = None
        self.cv = threading.Condition()
        self.state = "none"
        self.runtime = []  # processes
        self.runtime_waiting = 0
        self.pending = []  # invocations that no runtime has taken
        self.open = {}
        self.subscription = None
        self.init_events = []
        self.invocations = []
        self.exits = []
        self.kills = 0
        self.frozen_groups = []
        self.on_freeze = lambda: None
        self.hide_init_type = False
        self.log_format = "Text"
        self.untold = set()  # members that INVOKE does not have
        # Connections of extensions after an answer: "told" or "silently".
        self.closes = None
        self.api = API(self)

    @property
    def managed(self):
        return self.init_type == "lambda-managed-instances"

    # The life of the environment.

    def init(self):
        assert self.state == "none", self.state
        self.state = "init"
        self.subscription = None
        self.event("platform.initStart", {"phase": "init"})
        begun = time.monotonic()
        for e in self.extensions:
            self._start_extension(e)
        self._wait(lambda: all(e.id for e in self.extensions), INIT_S)
        for number in range(self.runtimes):
            self._start_runtime(number)
        left = INIT_S - (time.monotonic() - begun)
        self._wait(self._all_wait, left)
        self.event("platform.initRuntimeDone", {"status": "success"})
        self.state = "idle"
        self._freeze()

    def invoke(self, payload=None, judge=True):
        """The invocation, once all have asked for the next event."""
        if self.state == "none":
            self.init()
        i = self.begin(payload)
        self.finish(i)
        if judge:
            assert i.failed is None, i.failed
        return i

    def begin(self, payload=None):
        i = Invocation(payload or {}, self.timeout)
        self.invocations.append(i)
        self._thaw()
        self.state = "invoking"
        self.event("platform.start", {"requestId": i.id})
        with self.cv:
            self.open[i.id] = i
            self.pending.append(i)
            for e in self.extensions:
                if "INVOKE" in e.events:
                    self._send(e, self._invoke_event(e, i))
            self.cv.notify_all()
        return i

    def finish(self, i):
        over = self._until(
            lambda: i.id not in self.open or self._broken(), i.left()
        )
        if self._broken():
            self._fail(i, self._broken())
        elif not over:
            self._fail(i, "timeout")
        elif not self._until(self._all_wait, i.left()):
            self._fail(i, self._broken() or "timeout")
        else:
            i.ended = time.monotonic()
            if not self.open:
                self.state = "idle"
                self._freeze()
            self.event("platform.report", {"requestId": i.id})

    def tell(self, event):
        """An event of its own for each extension that waits for one."""
        with self.cv:
            for e in self.extensions:
                self._send(e, event)
            self.cv.notify_all()

    def pause(self, seconds):
        """Lets time pass between invocations."""
        time.sleep(seconds)

    def shutdown(self, reason="spindown"):
        """Ends the environment as the platform does; judges the extensions."""
        self._thaw()
        self.state = "shutting-down"
        end = time.time() + SHUTDOWN_MS / 1000
        self._stop_runtime(SHUTDOWN_MS / 1000 * RUNTIME_SHARE)
        deadline_ms = self._told(int(end * 1000))
        with self.cv:
            for e in self.extensions:
                e.peak_kib = peak_kib(e.process)
                if "SHUTDOWN" in e.events:
                    self._send(
                        e,
                        {
                            "eventType": "SHUTDOWN",
                            "shutdownReason": reason,
                            "deadlineMs": deadline_ms,
                        },
                    )
            self.cv.notify_all()
        for e in self.extensions:
            self._await_exit(e, end)
        self._gone()

    def kill(self):
        """No SHUTDOWN, and no thaw either."""
        for e in self.extensions:
            self._kill(e.process)
        for r in self.runtime:
            self._kill(r)
        self._gone()

    def close(self):
        if self.state != "none":
            self.kill()
        self.api.stop()

    # What the handlers of the APIs do.

    def on_register(self, headers, body):
        name = headers.get("Lambda-Extension-Name")
        found = [e for e in self.extensions if e.name == name]
        if not found:
            return refuse(403, "Extension.InvalidExtensionName", str(name))
        e = found[0]
        events = json.loads(body)["events"]
        if self.managed and "INVOKE" in events:
            return refuse(403, "Extension.InvalidEventType", "INVOKE")
        with self.cv:
            if e.state != "started" or self.state != "init":
                return refuse(403, "Extension.InvalidExtensionState", e.state)
            e.registered = time.monotonic()
            e.cpu_at_register = cpu_ms(e.process.pid)
            e.faults_at_register = page_faults(e.process.pid)
            e.id = str(uuid.uuid4())
            e.events = set(events)
            e.state = "registered"
            self._call("before_register", e)
            self.cv.notify_all()
        answer = {
            "functionName": "f",
            "functionVersion": "$LATEST",
            "handler": "index.handler",
            "accountId": "123456789012",
        }
        return 200, answer, {"Lambda-Extension-Identifier": e.id}

    def on_event_next(self, headers, _):
        e = self._by_id(headers)
        if e is None:
            return refuse(403, "Extension.UnknownExtensionIdentifier")
        process = e.process
        with self.cv:
            if e.state == "ready":
                self.wrongs.append("asked for next while it waits for one")
            e.state = "ready"
            e.nexts += 1
            if e.first_next is None:
                e.first_next = time.monotonic()
                e.rss_at_next = rss_kib(process.pid)
            self._call("before_next", e)
            self.cv.notify_all()
            self.cv.wait_for(lambda: e.inbox or e.process is not process)
            if e.process is not process:
                return refuse(500, "Container.Gone")
            event = e.inbox.pop(0)
            e.state = "running"
            self._call("before_event", e)
        if event["eventType"] == "SHUTDOWN":
            return 200, event, {"Content-Type": "text/plain"}
        return (
            200,
            event,
            {
                "Content-Type": "application/json",
                "Lambda-Extension-Event-Identifier": str(uuid.uuid4()),
            },
        )

    def on_error(self, headers, body, phase):
        self.wrongs.append(f"{phase}/error: {body}")
        return 202, {"status": "OK"}, {}

    def on_subscribe(self, headers, body):
        e = self._by_id(headers)
        if e is None:
            return refuse(403, "Extension.UnknownExtensionIdentifier")
        if self.telemetry_fault == "no_telemetry":
            return refuse(202, "Telemetry.NotSupported")
        if self.telemetry_fault == "refused":
            return refuse(403, "Telemetry.SubscriptionClosed")
        schemas = (
            ["2025-01-29"]
            if self.managed
            else ["2022-07-01", "2022-12-13", "2025-01-29"]
        )
        wrong = check(json.loads(body), schemas)
        if wrong:
            return refuse(400, "ValidationError", wrong)
        if self.subscription:
            self.wrongs.append("subscribed twice")
        self.subscription = Subscription(
            json.loads(body), self.telemetry_fault, self.wrongs.append
        )
        for kind, record in self.init_events:
            self.subscription.add(kind, record)
        return 200, b'"OK"', {}

    def on_invocation_next(self, *_):
        runtime = list(self.runtime)
        with self.cv:
            self.runtime_waiting += 1
            self._end_open()
            self.cv.notify_all()
            self.cv.wait_for(lambda: self.pending or self.runtime != runtime)
            if not self.pending:
                return refuse(500, "Container.Gone")
            i = self.pending.pop(0)
            i.taken = True
            self.runtime_waiting -= 1
        return (
            200,
            i.payload,
            {
                "Lambda-Runtime-Aws-Request-Id": i.id,
                "Lambda-Runtime-Deadline-Ms": str(i.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:f",
                "Lambda-Runtime-Trace-Id": i.trace,
            },
        )

    def on_response(self, _, body, request_id, how):
        i = self.open[request_id]
        i.responded = time.monotonic()
        if how == "error":
            i.failed = body.decode()
        return 202, {"status": "OK"}, {}

    def on_credentials(self, headers, _):
        if self.credentials is None:
            self.wrongs.append("credentials were not to be asked")
            return refuse(404, "NotFound")
        return self.credentials(headers)

    # Telemetry.

    def event(self, kind, record):
        if self.state == "init":
            self.init_events.append((kind, record))
        if self.subscription:
            self.subscription.add(kind, record)

    # Helpers; those that change state are called with cv held.

    def _end_open(self):
        """Responded invocations are over when their runtime comes back."""
        for i in [i for i in self.open.values() if i.responded]:
            i.runtime_done = time.monotonic()
            del self.open[i.id]
            if not self.managed:
                self.event(
                    "platform.runtimeDone",
                    {"requestId": i.id, "status": "success"},
                )

    def _call(self, name, e):
        hook = getattr(self, name)
        setattr(self, name, None)
        if hook:
            hook(e)

    def _send(self, e, event):
        e.inbox.append(event)

    def _invoke_event(self, _, i):
        event = {
            "eventType": "INVOKE",
            "deadlineMs": self._told(i.deadline_ms),
            "requestId": i.id,
            "invokedFunctionArn": "arn:aws:lambda:f",
            "tracing": {"type": "X-Amzn-Trace-Id", "value": i.trace},
        }
        return {k: v for k, v in event.items() if k not in self.untold}

    def _told(self, ms):
        """A time by the clock that the extension has."""
        return ms + int(self.clock_offset * 1000)

    def _by_id(self, headers):
        id_ = headers.get("Lambda-Extension-Identifier")
        return next((e for e in self.extensions if e.id == id_), None)

    def _all_wait(self):
        return self.runtime_waiting >= self.runtimes and all(
            e.state == "ready" and not e.inbox
            for e in self.extensions
            if "INVOKE" in e.events or self.state == "init"
        )

    def _broken(self):
        for e in self.extensions:
            if e.process.poll() is not None:
                return f"Extension.Crash {e.name} {e.process.returncode}"
        for r in self.runtime:
            if r.poll() is not None:
                return "Runtime.ExitError"
        return None

    def _fail(self, i, why):
        i.failed = why
        i.ended = i.runtime_done = time.monotonic()
        status = "timeout" if why == "timeout" else "failure"
        self.event(
            "platform.runtimeDone", {"requestId": i.id, "status": status}
        )
        self.shutdown(status)

    def _start_extension(self, e):
        e.__init__(e.path)
        env = {
            k: v
            for k, v in self.env.items()
            if k not in WITHHELD and not k.startswith("_")
        }
        env.update(self._lambda_env())
        if self.hide_init_type:
            del env["AWS_LAMBDA_INITIALIZATION_TYPE"]
        log = open(self.directory / f"{e.name}.log", "ab")
        e.state = "started"
        e.started = time.monotonic()
        e.process = subprocess.Popen(
            [*self.wrapper, str(e.path)],
            env=env,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def _start_runtime(self, number):
        log = open(self.directory / "runtime.log", "ab")
        env = {"PATH": os.environ["PATH"], **self._lambda_env()}
        process = subprocess.Popen(
            self.command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        with self.cv:
            self.runtime = self.runtime + [process]
            self.cv.notify_all()

    def _lambda_env(self):
        return {
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "AWS_LAMBDA_INITIALIZATION_TYPE": self.init_type,
            "AWS_LAMBDA_LOG_FORMAT": self.log_format,
            "TZ": ":UTC",
        }

    def _freeze(self):
        if not self.freezes or self.managed:
            return
        if self.subscription:
            self.subscription.freeze(True)
        processes = [e.process for e in self.extensions] + self.runtime
        self.frozen_groups = [p.pid for p in processes]
        for pid in self.frozen_groups:
            os.killpg(pid, signal.SIGSTOP)
        self.on_freeze()

    def _thaw(self):
        for pid in self.frozen_groups:
            try:
                os.killpg(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        self.frozen_groups = []
        if self.subscription:
            self.subscription.freeze(False)

    def _stop_runtime(self, seconds):
        for r in self.runtime:
            if r.poll() is None:
                r.terminate()
        for r in self.runtime:
            try:
                r.wait(seconds)
            except subprocess.TimeoutExpired:
                self._kill(r)
        with self.cv:
            self.runtime = []
            self.cv.notify_all()

    def _await_exit(self, e, end):
        begun = time.monotonic()
        try:
            status = e.process.wait(max(0, end - time.time()))
        except subprocess.TimeoutExpired:
            self.kills += 1
            self._kill(e.process)
            raise AssertionError(
                f"{e.name} was still there at the deadline"
            ) from None
        e.exited = (time.monotonic() - begun, status)
        self.exits.append(status)

    def _kill(self, process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def _gone(self):
        if self.subscription:
            self.subscription.stop()
        with self.cv:
            for e in self.extensions:
                e.process = None
            self.runtime = []
            self.runtime_waiting = 0
            self.open, self.pending, self.init_events = {}, [], []
            self.subscription = None
            self.frozen_groups = []
            self.state = "none"
            self.cv.notify_all()

    def _until(self, condition, seconds):
        with self.cv:
            end = time.monotonic() + seconds
            while not condition():
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self.cv.wait(min(left, 0.02))
            return True

    def _wait(self, condition, seconds):
        def met():
            broken = self._broken()
            assert not broken, broken
            return condition()

        assert self._until(met, seconds), "init took too long: " + str(
            [(e.name, e.state) for e in self.extensions]
        )


def cpu_ms(pid):
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as f:
        return int(f.read().split()[0]) / 1e6


def page_faults(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return int(f.read().rpartition(")")[2].split()[7])


def peak_kib(process):
    return 0 if process.poll() is not None else rss_kib(process.pid, "VmHWM")


def rss_kib(pid, name="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith(name):
                return int(line.split()[1])
    return 0
