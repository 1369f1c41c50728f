# SPDX-License-Identifier: Apache-2.0
"""`xray-relay local --tee`: what is kept here goes to AWS as well, and what
becomes of it there holds nothing up here."""

import json

import pytest

from harness.documents import segment, segments
from harness.ports import free_port
from harness.waiting import until


def traces(relay):
    answer = json.loads(relay.request("GET", "/api/traces?limit=1000").body)
    return {t["id"] for t in answer["traces"]}


def test_both_get_it(make_relay, xray):
    relay = make_relay(config={"Endpoint": xray.url}).start_local("-o", "--tee")
    assert f"upload   to AWS as well, {xray.url}" in relay.output()
    sent = segments(20)
    relay.send(*sent)
    until(lambda: len(xray.documents) >= 20, 30)
    assert sorted(xray.documents) == sorted(sent)
    ids = {json.loads(d)["trace_id"] for d in sent}
    until(lambda: traces(relay) == ids, 30)
    assert not xray.bad_signatures
    # What waits is uploaded at the end.
    relay.send(segment())
    assert relay.stop() == 0
    assert len(xray.documents) == 21


def test_nothing_goes_there_unasked(make_relay, xray):
    relay = make_relay(config={"Endpoint": xray.url}).start_local("-o")
    relay.send(segment())
    until(lambda: traces(relay), 30)
    assert relay.stop() == 0
    assert xray.requests == []


def test_local_mode_goes_on_when_aws_is_away(make_relay):
    away = {"Endpoint": f"http://127.0.0.1:{free_port()}"}
    away["Shutdown"] = {"DeadlineMs": 100}
    away["TotalBufferSizeMB"] = 3
    relay = make_relay(config=away).start_local("-o", "--tee")
    # More than may wait for AWS, from a sender that could be told to retry.
    for _ in range(5):
        documents = segments(20, pad=60000)
        answer = relay.put(*documents)
        assert json.loads(answer.body)["UnprocessedTraceSegments"] == []
    assert len(traces(relay)) == 100


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_not_to_itself(make_relay, host):
    relay = make_relay(env={})
    relay.judged = False  # it ends by itself
    url = f"http://{host}:{relay.udp_port}"
    relay.env["AWS_ENDPOINT_URL_XRAY"] = url
    relay.start_local("-o", "--tee", ready=False)
    assert relay.process.wait(20) == 1
    assert "is local mode itself" in relay.output()
