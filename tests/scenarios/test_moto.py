# SPDX-License-Identifier: Apache-2.0
"""Another implementation of X-Ray takes what we send: moto's server."""

import json

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from harness.documents import segments
from harness.waiting import until


@pytest.fixture
def moto():
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_traces_can_be_read_back(make_relay, moto):
    relay = make_relay(config={"Endpoint": moto}).start()
    sent = segments(60)
    relay.send(*sent)
    relay.wait_delivered(60)
    client = boto3.client(
        "xray",
        region_name="us-east-1",
        endpoint_url=moto,
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(proxies={}),
    )
    trace_ids = [json.loads(d)["trace_id"] for d in sent]
    found = []
    for at in range(0, 60, 5):
        answer = client.batch_get_traces(TraceIds=trace_ids[at : at + 5])
        found += [t["Id"] for t in answer["Traces"]]
    until(lambda: sorted(found) == sorted(trace_ids), 1)
