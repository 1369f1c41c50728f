# SPDX-License-Identifier: Apache-2.0
"""A redirect is no success: it isn't followed as a GET without the body, and
the documents are not counted as delivered."""

from harness.documents import segments
from harness.server import Answer
from harness.waiting import until


def test_redirect(relay, xray):
    xray.scripted = [Answer(302, headers={"Location": "/elsewhere"})]
    relay.send(*segments(3))

    def settled():
        m = relay.metrics()
        return m.documents("delivered") + m.documents("refused") == 3

    until(settled, 15, relay.output)
    assert not xray.calls("elsewhere")
    assert relay.metrics().documents("delivered") == len(xray.documents)
    assert "302" in relay.log()
