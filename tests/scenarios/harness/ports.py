# SPDX-License-Identifier: Apache-2.0
"""Free ports. In a namespace of our own they are counted up from one place,
below those that the kernel hands out, so nobody can take them in between; in
the open they are asked from the kernel."""

import itertools
import os
import socket

IN_NAMESPACE = os.environ.get("XR_NAMESPACE") == "1"
_next = itertools.count(20000)


def free_port():
    """A port that is free for TCP and UDP on every address."""
    while True:
        port = next(_next) if IN_NAMESPACE else _ask_kernel()
        if _is_free(port):
            return port


def _ask_kernel():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _is_free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(("0.0.0.0", port))
            except OSError:
                return False
    return True
