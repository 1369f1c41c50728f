# SPDX-License-Identifier: Apache-2.0
"""Access keys that the fake AWS knows, and their life."""

import itertools
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Key:
    id: str
    secret: str
    token: str = ""
    expires: float = float("inf")
    revoked: bool = False

    def environment(self):
        env = {
            "AWS_ACCESS_KEY_ID": self.id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
        }
        if self.token:
            env["AWS_SESSION_TOKEN"] = self.token
        return env

    def expired(self):
        return self.revoked or time.time() >= self.expires


# The key that a relay has in its environment unless a scenario says otherwise.
STATIC = Key("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


@dataclass
class Keyring:
    """Keys by id. Issued keys are new ones with a session token."""

    keys: dict = field(default_factory=lambda: {STATIC.id: STATIC})
    _counter: itertools.count = field(
        default_factory=lambda: itertools.count(1)
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def issue(self, seconds=3600.0, prefix="ASIA"):
        with self._lock:
            n = next(self._counter)
        key = Key(
            f"{prefix}ISSUED{n:06d}",
            f"secret/{prefix}+{n:06d}",
            f"token//{prefix}=={n:06d}",
            time.time() + seconds,
        )
        self.keys[key.id] = key
        return key

    def add(self, key):
        self.keys[key.id] = key
        return key
