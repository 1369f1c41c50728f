# SPDX-License-Identifier: Apache-2.0
"""Segment documents and the datagrams that carry them."""

import itertools
import json
import os
import time

HEADER = b'{"format":"json","version":1}\n'
_numbers = itertools.count(int.from_bytes(os.urandom(3), "big") << 24)


def segment(name="scenario", pad=0, **members):
    """A document of its own id, padded to at least `pad` bytes."""
    now = time.time()
    value = {
        "trace_id": f"1-{int(now):08x}-{os.urandom(12).hex()}",
        "id": f"{next(_numbers) & (1 << 64) - 1:016x}",
        "name": name,
        "start_time": now,
        "end_time": now + 0.01,
        **members,
    }
    text = json.dumps(value)
    if len(text) < pad:
        value["metadata"] = {"pad": "x" * (pad - len(text))}
        text = json.dumps(value)
    return text


def segments(n, **kinds):
    return [segment(**kinds) for _ in range(n)]


def datagram(document):
    body = document if isinstance(document, bytes) else document.encode()
    return HEADER + body
