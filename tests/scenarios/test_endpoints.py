# SPDX-License-Identifier: Apache-2.0
"""Which endpoint uploads and sampling calls go to: partitions, FIPS and
dual-stack, and the variables and keys that name one."""

import pytest

from harness.documents import segment
from harness.relay import BINARY
from harness.waiting import until

HOSTS = [
    ("eu-west-1", {}, "xray.eu-west-1.amazonaws.com"),
    ("us-gov-west-1", {}, "xray.us-gov-west-1.amazonaws.com"),
    ("cn-north-1", {}, "xray.cn-north-1.amazonaws.com.cn"),
    ("us-iso-east-1", {}, "xray.us-iso-east-1.c2s.ic.gov"),
    ("us-isob-east-1", {}, "xray.us-isob-east-1.sc2s.sgov.gov"),
    ("eusc-de-east-1", {}, "xray.eusc-de-east-1.amazonaws.eu"),
    (
        "us-east-1",
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        "xray-fips.us-east-1.amazonaws.com",
    ),
    (
        "eu-west-1",
        {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
        "xray.eu-west-1.api.aws",
    ),
]


@pytest.mark.parametrize("region,env,host", HOSTS, ids=[h[2] for h in HOSTS])
def test_host(region, env, host, make_relay):
    relay = make_relay(env={"AWS_REGION": region, **env}).start()
    relay.wait_log(f"https://{host}\n")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_XRAY"])
def test_variable(name, make_relay, xray):
    relay = make_relay(env={name: xray.url}).start()
    relay.send(segment())
    until(lambda: xray.documents, 10, relay.output)
    assert relay.request("POST", "/GetSamplingRules", b"{}").status == 200
    assert xray.calls("GetSamplingRules")


def test_file_wins_over_the_variable(make_relay, xray):
    env = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    relay = make_relay(config={"Endpoint": xray.url}, env=env).start()
    relay.send(segment())
    until(lambda: xray.documents, 10, relay.output)


def test_path_of_the_endpoint_is_kept(make_relay, xray):
    relay = make_relay(config={"Endpoint": xray.url + "/prefix"}).start()
    relay.send(segment())
    until(lambda: xray.documents, 10, relay.output)
    relay.request("POST", "/GetSamplingRules", b"{}")
    targets = {r.target for r in xray.requests}
    assert targets == {"/prefix/TraceSegments", "/prefix/GetSamplingRules"}


def start_not_local(relay, *words):
    """Without -o: metadata is asked."""
    address = f"127.0.0.1:{relay.udp_port}"
    file = relay.directory / "endpoint.yaml"
    file.write_text(f"Version: 2\nEndpoint: {relay.config['Endpoint']}\n")
    return relay.run([BINARY, "-c", file, "-b", address, "-t", address, *words])


def test_region_of_instance_metadata(make_relay, xray, imds):
    env = {
        "AWS_REGION": None,
        "AWS_EC2_METADATA_DISABLED": None,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url,
    }
    relay = make_relay(config={"Endpoint": xray.url}, env=env)
    start_not_local(relay)
    relay.send(segment())
    until(lambda: xray.documents, 15, relay.output)
    assert relay.stop() == 0
    assert xray.telemetry[0]["EC2InstanceId"] == "i-0123456789abcdef0"
    assert xray.telemetry[0]["Hostname"] == "host.example"


def test_region_of_the_ecs_metadata_file(make_relay, xray, tmp_path):
    file = tmp_path / "ecs.json"
    file.write_text('{"TaskARN": "arn:aws:ecs:us-east-1:1:task/x"}')
    env = {
        "AWS_REGION": None,
        "ECS_ENABLE_CONTAINER_METADATA": "TRUE",
        "ECS_CONTAINER_METADATA_FILE": file,
    }
    relay = make_relay(config={"Endpoint": xray.url}, env=env)
    start_not_local(relay)
    relay.send(segment())
    until(lambda: xray.documents, 15, relay.output)


@pytest.mark.parametrize(
    "text", ["", "{}", '{"TaskARN": "arn:aws"}', '{"TaskARN": 7}', "[" * 100000]
)
def test_odd_ecs_metadata_file_is_no_crash(text, make_relay, xray, tmp_path):
    file = tmp_path / "ecs.json"
    file.write_text(text)
    env = {
        "AWS_REGION": None,
        "ECS_ENABLE_CONTAINER_METADATA": "true",
        "ECS_CONTAINER_METADATA_FILE": file,
    }
    relay = make_relay(config={"Endpoint": xray.url}, env=env)
    start_not_local(relay)
    relay.wait_log("egion")
    assert relay.stop() == 0
