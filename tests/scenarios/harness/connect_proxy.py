# SPDX-License-Identifier: Apache-2.0
"""An HTTP proxy for TLS: tunnels by CONNECT, and remembers where to."""

import select
import socket
import socketserver
import threading


class ConnectProxy(socketserver.ThreadingTCPServer):
    """Knows CONNECT only, and where it was asked to go to."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        self.targets = []
        super().__init__(("127.0.0.1", 0), _Tunnel)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Tunnel(socketserver.StreamRequestHandler):
    def handle(self):
        method, target, _ = self.rfile.readline().decode().split(" ")
        while self.rfile.readline().strip():
            pass
        self.server.targets.append(target)
        if method != "CONNECT":
            self.wfile.write(b"HTTP/1.1 501 no\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            self.wfile.write(b"HTTP/1.1 200 ok\r\n\r\n")
            self.copy(far)

    def copy(self, far):
        ends = {self.connection: far, far: self.connection}
        while True:
            for end in select.select(list(ends), [], [])[0]:
                data = end.recv(65536)
                if not data:
                    return
                ends[end].sendall(data)
