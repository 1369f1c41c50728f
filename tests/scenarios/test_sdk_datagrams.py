# SPDX-License-Identifier: Apache-2.0
"""Datagrams captured from programs with the X-Ray SDKs for Python and Node:
every document arrives byte for byte, in whatever order."""

import base64
from pathlib import Path

import pytest

from harness.waiting import until

DIRECTORY = Path(__file__).parent / "sdk_datagrams"
FILES = sorted(DIRECTORY.glob("*.b64"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_captured(path, relay, xray):
    sent = [base64.b64decode(line) for line in path.read_text().split()]
    assert sent
    for data in sent:
        relay.send_raw(data)
    wanted = [d.partition(b"\n")[2].decode() for d in sent]
    until(lambda: len(xray.documents) >= len(wanted))
    assert sorted(xray.documents) == sorted(wanted)
