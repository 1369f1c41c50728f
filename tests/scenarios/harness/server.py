# SPDX-License-Identifier: Apache-2.0
"""An HTTP server in threads that records each request and asks a subclass for
the answer. It can be stopped and started again on its port, speak TLS, answer
late, cut connections, and send half of an answer."""

import json
import socket
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY_MAX = 64 << 20


@dataclass
class Request:
    method: str
    target: str
    headers: list
    body: bytes
    at: float = field(default_factory=time.time)
    connection: int = 0
    answered: Future = field(default_factory=Future)

    @property
    def answer(self):
        """What was answered; a request is recorded before it is known."""
        return self.answered.result(timeout=20)

    @property
    def path(self):
        return self.target.partition("?")[0]

    def header(self, name):
        values = [v for k, v in self.headers if k.lower() == name.lower()]
        return values[0] if values else ""

    def json(self):
        return json.loads(self.body)


@dataclass
class Answer:
    status: int = 200
    body: bytes = b"{}"
    headers: dict = field(default_factory=dict)
    delay: float = 0.0
    reset: bool = False  # cut the connection in place of an answer
    half: bool = False  # announce the body, send half of it, cut

    @staticmethod
    def of(value, status=200, **more):
        return Answer(status, json.dumps(value).encode(), **more)

    @staticmethod
    def error(status, code, message="", **more):
        """An error as the REST-JSON services of AWS answer it."""
        headers = {"x-amzn-ErrorType": code} if code else {}
        body = {"message": message} if message else {}
        return Answer(status, json.dumps(body).encode(), headers, **more)


class Server:
    """Subclasses give `answer(request)`."""

    def __init__(self, host="127.0.0.1", port=0, tls=None):
        self.host, self.port, self.tls = host, port, tls
        self.requests = []
        self.connections = 0
        self.clock_offset = 0.0  # seconds, for the Date header
        self.scripted = []  # answers given first, one a request
        self._lock = threading.Lock()
        self._sockets = set()
        self._http = None
        self.start()

    def answer(self, request):
        raise NotImplementedError

    def accepts_script(self, request):
        """Whether a scripted answer may be used for this request."""
        return True

    def scripted_given(self, request, answer):
        """Called with each scripted answer, before it is sent."""

    @property
    def url(self):
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{self.host}:{self.port}"

    def start(self):
        self._http = _HTTPServer((self.host, self.port), self)
        self.port = self._http.server_address[1]
        threading.Thread(
            target=self._http.serve_forever, args=(0.02,), daemon=True
        ).start()

    def stop(self):
        """Closes the port and cuts every connection."""
        if self._http is None:
            return
        self._http.shutdown()
        self._http.server_close()
        self._http = None
        self.cut_connections()

    def cut_connections(self):
        with self._lock:
            sockets = list(self._sockets)
        for s in sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def handle(self, request):
        with self._lock:
            self.requests.append(request)
            scripted = None
            if self.scripted and self.accepts_script(request):
                scripted = self.scripted.pop(0)
        answer = scripted or self.answer(request)
        request.answered.set_result(answer)
        if scripted and not scripted.reset:
            self.scripted_given(request, scripted)
        return answer

    def add_socket(self, s):
        with self._lock:
            self.connections += 1
            self._sockets.add(s)
            return self.connections

    def remove_socket(self, s):
        with self._lock:
            self._sockets.discard(s)


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512
    allow_reuse_address = True

    def __init__(self, address, owner):
        self.owner = owner
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def get_request(self):
        s, address = super().get_request()
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s, address

    def finish_request(self, request, client_address):
        # The handshake is made in the connection's thread, so that a slow
        # client does not hold up the others.
        if self.owner.tls:
            request = self.owner.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        """Cut connections are part of the game."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.owner = self.server.owner
        self.number = self.owner.add_socket(self.connection)

    def finish(self):
        self.owner.remove_socket(self.connection)
        try:
            super().finish()
        except OSError:
            pass

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        now = time.time() if timestamp is None else timestamp
        return formatdate(now + self.owner.clock_offset, usegmt=True)

    def respond(self):
        body = self._read_body()
        request = Request(
            self.command,
            self.path,
            list(self.headers.items()),
            body,
            connection=self.number,
        )
        self._write(self.owner.handle(request))

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = respond
    do_PATCH = do_OPTIONS = respond

    def _read_body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(iter(self._read_chunk, b""))
        length = int(self.headers.get("Content-Length", 0))
        assert length <= BODY_MAX
        return self.rfile.read(length)

    def _read_chunk(self):
        size = int(self.rfile.readline().split(b";")[0], 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def _write(self, answer):
        if answer.delay:
            time.sleep(answer.delay)  # a late answer is the point here
        if answer.reset:
            self._cut()
            return
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if answer.half:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self._cut()
            return
        self.wfile.write(answer.body)

    def _cut(self):
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
