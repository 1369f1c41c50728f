# SPDX-License-Identifier: Apache-2.0
"""The Telemetry API: a subscription, checked against the platform's limits,
and the delivery of events, which stands still while the sandbox is frozen."""

import datetime
import http.client
import json
import threading
import time
from urllib.parse import urlsplit

# The platform's name for the sandbox leads to an address that is not the usual
# loopback one.
SANDBOX = "127.0.0.2"


def check(request, schemas):
    """What the platform refuses; None if it is well."""
    buffering = request.get("buffering", {})
    limits = {
        "maxItems": (1000, 10000),
        "maxBytes": (262144, 1048576),
        "timeoutMs": (25, 30000),
    }
    if request.get("schemaVersion") not in schemas:
        return "schemaVersion"
    if not set(request.get("types", [])) <= {
        "platform",
        "function",
        "extension",
    }:
        return "types"
    for name, (low, high) in limits.items():
        if not low <= buffering.get(name, low) <= high:
            return name
    destination = request.get("destination", {})
    if destination.get("protocol") != "HTTP":
        return "protocol"
    if urlsplit(destination.get("URI", "")).hostname != "sandbox.localdomain":
        return "URI"
    return None


class Subscription:
    """Events for one subscriber. `fault`: late, lost (no runtimeDone),
    duplicate, split (an event a POST)."""

    def __init__(self, request, fault=None, wrong=print):
        self.types = request["types"]
        self.port = urlsplit(request["destination"]["URI"]).port
        self.wait = request.get("buffering", {}).get("timeoutMs", 1000) / 1000
        self.fault = fault
        self.wrong = wrong  # told what is amiss with an answer
        self.frozen = False
        self.stopped = False
        self.posts = 0
        self._events = []
        self._first = None
        self._cv = threading.Condition()
        threading.Thread(target=self._deliver, daemon=True).start()

    def add(self, kind, record):
        if self.fault == "lost" and kind == "platform.runtimeDone":
            return
        now = datetime.datetime.now(datetime.timezone.utc)
        event = {"time": now.isoformat(), "type": kind, "record": record}
        with self._cv:
            self._events.append(event)
            if self.fault == "duplicate":
                self._events.append(event)
            if self._first is None:
                self._first = time.monotonic()
            self._cv.notify_all()

    def freeze(self, frozen):
        with self._cv:
            self.frozen = frozen
            self._cv.notify_all()

    def stop(self):
        with self._cv:
            self.stopped = True
            self._cv.notify_all()

    def _deliver(self):
        while True:
            with self._cv:
                self._cv.wait_for(
                    lambda: self.stopped or (self._events and not self.frozen)
                )
                if self.stopped:
                    return
                delay = self.wait + (0.3 if self.fault == "late" else 0)
                left = self._first + delay - time.monotonic()
            if left > 0:
                time.sleep(left)  # the buffering itself
            with self._cv:
                if self.frozen:
                    continue
                events, self._events, self._first = self._events, [], None
            self._post_all(events)

    def _post_all(self, events):
        parts = [[e] for e in events] if self.fault == "split" else [events]
        for part in parts:
            try:
                self._post(part)
            except OSError:
                return

    def _post(self, events):
        connection = http.client.HTTPConnection(SANDBOX, self.port, timeout=5)
        connection.request(
            "POST",
            "/",
            json.dumps(events).encode(),
            {"Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200 or text:
            self.wrong(f"telemetry was answered {answer.status} {text}")
        connection.close()
        self.posts += 1
