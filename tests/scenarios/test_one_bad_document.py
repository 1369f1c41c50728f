# SPDX-License-Identifier: Apache-2.0
"""X-Ray refuses a batch whole because of one document: the 49 others arrive,
and the bad one is counted and named in the log."""

import json

from harness.documents import segment, segments
from harness.server import Answer
from harness.waiting import until


def test_the_others_arrive(relay, xray):
    bad = segment(name="bad")
    xray.on_put = lambda _, documents: (
        Answer.error(400, "InvalidRequestException", "no")
        if bad in documents
        else None
    )
    good = segments(99)
    relay.send(*good[:25], bad, *good[25:])
    until(lambda: len(xray.ids()) >= 99, 20, relay.output)
    until(lambda: relay.metrics().documents("refused") == 1)
    assert max(xray.ids().values()) == 1
    assert len(xray.puts()) < 30
    value = json.loads(bad)
    relay.wait_log(value["id"])
    relay.wait_log(value["trace_id"])


def test_all_bad(relay, xray):
    xray.on_put = lambda *_: Answer.error(400, "InvalidRequestException")
    relay.send(*segments(20))
    until(lambda: relay.metrics().documents("refused") == 20, 20, relay.output)


def test_too_large_together(relay, xray):
    """413: the batch is sent again in parts."""
    xray.on_put = lambda request, _: (
        Answer(413) if len(request.body) > 20000 else None
    )
    sent = segments(40, pad=2000)
    relay.send(*sent)
    until(lambda: len(xray.ids()) >= 40, 20, relay.output)


def test_unprocessed_is_logged_and_counted(relay, xray):
    bad = segment(annotations={"marker": 1})
    xray.refuse = lambda d: "ParseError" if d == bad else None
    relay.send(*segments(5), bad)
    until(lambda: relay.metrics().documents("refused") == 1, 10, relay.output)
    value = json.loads(bad)
    for text in ("ParseError", value["id"], value["trace_id"]):
        relay.wait_log(text)
    assert "marker" not in relay.log(), "payload in the log"


def test_invalid_name_is_repaired_once(relay, xray):
    relay.send(segment(name="pay|ments{1}"))
    until(lambda: xray.documents, 10, relay.output)
    assert json.loads(xray.documents[0])["name"] != "pay|ments{1}"
    assert len(xray.unprocessed) == 1
