# SPDX-License-Identifier: Apache-2.0
"""The HTTP side: routes of the three APIs, each answered by the environment."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROUTES = [
    ("POST", r"/2020-01-01/extension/register", "on_register"),
    ("GET", r"/2020-01-01/extension/event/next", "on_event_next"),
    ("POST", r"/2020-01-01/extension/(init|exit)/error", "on_error"),
    ("PUT", r"/2022-07-01/telemetry", "on_subscribe"),
    ("GET", r"/2018-06-01/runtime/invocation/next", "on_invocation_next"),
    (
        "POST",
        r"/2018-06-01/runtime/invocation/([^/]+)/(response|error)",
        "on_response",
    ),
    ("GET", r"/2021-04-23/credentials", "on_credentials"),
]


def refuse(status, kind, message=""):
    body = {"errorMessage": message or kind, "errorType": kind}
    return status, body, {}


class API:
    """Serves an environment on a port of 127.0.0.1."""

    def __init__(self, environment):
        self.environment = environment
        self.http = _Server(("127.0.0.1", 0), _Handler)
        self.http.owner = self
        self.address = "127.0.0.1:%d" % self.http.server_address[1]
        threading.Thread(
            target=self.http.serve_forever, args=(0.05,), daemon=True
        ).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()

    def answer(self, method, path, headers, body):
        """Status, body (JSON, bytes or None) and headers."""
        faults = self.environment.faults
        for wanted, pattern, name in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and wanted == method:
                if faults.get(name):
                    return refuse(faults[name].pop(0), "Injected.Fault")
                handler = getattr(self.environment, name)
                return handler(headers, body, *match.groups())
        return refuse(404, "NotFound", path)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """Killed clients are part of the game."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def respond(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        status, text, headers = self.server.owner.answer(
            self.command, self.path, self.headers, body
        )
        if not isinstance(text, bytes):
            text = json.dumps(text).encode() + b"\n"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        closes = self.server.owner.environment.closes
        if "/runtime/" in self.path:  # the function is no part of this
            closes = None
        if closes == "told":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)
        self.wfile.flush()
        if closes:
            self.close_connection = True

    do_GET = do_POST = do_PUT = respond
