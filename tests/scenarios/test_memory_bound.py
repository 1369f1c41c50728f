# SPDX-License-Identifier: Apache-2.0
"""A backend that is down for long: memory stays bounded, the oldest documents
go first, and each that goes is counted."""

import json

import pytest

from harness.documents import segments
from harness.relay import SANITIZED
from harness.waiting import until

LIMIT_MB = 8


@pytest.mark.relay(config={"TotalBufferSizeMB": LIMIT_MB})
def test_oldest_go_first(relay, xray):
    xray.stop()
    idle_kib = relay.usage()[1]
    n, accepted = 4000, 0
    documents = segments(n, pad=10000)  # 40 MB
    for at in range(0, n, 50):
        relay.send(*documents[at : at + 50])
        accepted = at + 50
        until(lambda: relay.metrics().items("accepted") >= accepted)
    m = relay.metrics()
    dropped = m.documents("dropped")
    assert dropped > n * 0.7
    if not SANITIZED:
        assert relay.usage()[2] - idle_kib < (LIMIT_MB + 12) * 1024
    xray.start()
    kept = n - dropped
    until(lambda: len(xray.documents) >= kept, 30, relay.output)
    newest = {json.loads(d)["id"] for d in documents[-kept // 2 :]}
    assert newest <= set(xray.ids())
