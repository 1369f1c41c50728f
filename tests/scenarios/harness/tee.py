# SPDX-License-Identifier: Apache-2.0
"""A UDP tee: records each datagram and passes it on to the relay."""

import socket
import threading


class Tee:
    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.datagrams = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._pass_on, daemon=True)
        self._thread.start()

    def _pass_on(self):
        while True:
            data = self._socket.recv(65536)
            if not data:
                return
            self.datagrams.append(data)
            self._socket.sendto(data, self.target)

    def documents(self):
        return [d.partition(b"\n")[2].decode() for d in self.datagrams]

    def stop(self):
        # An empty datagram wakes the thread; close alone does not.
        self._socket.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()
