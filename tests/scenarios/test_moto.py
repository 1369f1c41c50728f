# SPDX-License-Identifier: Apache-2.0
"""Another implementation of X-Ray takes what we send: moto's server."""

import json

from harness.documents import segments
from harness.waiting import until


def test_traces_can_be_read_back(make_relay, moto):
    relay = make_relay(config={"Endpoint": moto.url}).start()
    sent = segments(60)
    relay.send(*sent)
    relay.wait_delivered(60)
    client = moto.client("xray")
    trace_ids = [json.loads(d)["trace_id"] for d in sent]
    found = []
    for at in range(0, 60, 5):
        answer = client.batch_get_traces(TraceIds=trace_ids[at : at + 5])
        found += [t["Id"] for t in answer["Traces"]]
    until(lambda: sorted(found) == sorted(trace_ids), 1)
