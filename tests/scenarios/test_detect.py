# SPDX-License-Identifier: Apache-2.0
"""Where the relay runs is found out and told of OTLP spans whose resource does
not tell; and the Translate options are read again on SIGHUP."""

import http.client
import json
import signal

import pytest
import yaml

from harness.documents import segment
from harness.server import Answer
from harness.waiting import until

FOREIGN = {"cloud.provider": "aws", "cloud.region": "eu-west-1"}
ON_EC2 = {
    "instance_id": "i-0123456789abcdef0",
    "availability_zone": "us-east-1c",
    "instance_size": "t4g.small",
    "ami_id": "ami-0123456789abcdef0",
}


def translated(relay, xray, attributes=(), **span):
    """The document of one server span with that resource."""
    already = len(xray.documents)
    span = {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": "b7ad6b7169203331",
        "name": "work",
        "kind": 2,
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000001000000000",
        "attributes": texts(span),
    }
    resource = {"attributes": texts(dict(attributes))}
    spans = {"resource": resource, "scopeSpans": [{"spans": [span]}]}
    connection = http.client.HTTPConnection("127.0.0.1", relay.otlp_http_port)
    connection.request(
        "POST",
        "/v1/traces",
        json.dumps({"resourceSpans": [spans]}),
        {"Content-Type": "application/json"},
    )
    assert connection.getresponse().status == 200
    until(lambda: len(xray.documents) > already)
    return json.loads(xray.documents[-1])


def texts(attributes):
    return [
        {"key": key, "value": {"stringValue": value}}
        for key, value in attributes.items()
    ]


def not_local(make_relay, xray, env, translate=None):
    config = {"Endpoint": xray.url, "Translate": translate or {}}
    return make_relay(config=config, env=env).start(flags=())


def asking(imds):
    return {
        "AWS_EC2_METADATA_DISABLED": None,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url,
    }


def test_instance(make_relay, xray, imds):
    relay = not_local(make_relay, xray, asking(imds))
    relay.wait_log("cloud.platform=aws_ec2 cloud.account.id=123456789012")
    made = translated(relay, xray, {"service.name": "web"})
    assert made["origin"] == "AWS::EC2::Instance"
    assert made["aws"]["ec2"] == ON_EC2
    assert made["aws"]["account_id"] == "123456789012"
    assert made["name"] == "web"


def test_a_resource_that_tells_is_left_alone(make_relay, xray, imds):
    relay = not_local(make_relay, xray, asking(imds))
    relay.wait_log("cloud.platform=aws_ec2")
    made = translated(relay, xray, FOREIGN)
    assert "origin" not in made
    assert "ec2" not in made["aws"]
    assert "account_id" not in made["aws"]
    kept = made["metadata"]["default"]
    assert kept["otel.resource.cloud.region"] == "eu-west-1"
    assert not [k for k in kept if "host" in k or "account" in k]


def test_segment_documents_are_not_touched(make_relay, xray, imds):
    relay = not_local(make_relay, xray, asking(imds))
    relay.wait_log("cloud.platform=aws_ec2")
    sent = segment()
    relay.send(sent)
    until(lambda: xray.documents)
    assert xray.documents == [sent]


def test_task(make_relay, xray, task):
    env = {"ECS_CONTAINER_METADATA_URI_V4": task.uri}
    relay = not_local(make_relay, xray, env)
    relay.wait_log("aws.ecs.launchtype=fargate")
    made = translated(relay, xray)
    assert made["origin"] == "AWS::ECS::Fargate"
    assert made["aws"]["account_id"] == "123456789012"
    assert made["aws"]["ecs"] == {
        "availability_zone": "us-east-1b",
        "cluster_arn": task.arn + "cluster/shop",
        "task_arn": task.arn + "task/shop/0123456789abcdef",
        "task_family": "checkout",
        "launch_type": "fargate",
    }
    assert len(task.requests) == 1
    assert "origin" not in translated(relay, xray, FOREIGN)


def test_task_on_an_instance(make_relay, xray, task, imds):
    task.launch_type = "EC2"
    env = {"ECS_CONTAINER_METADATA_URI_V4": task.uri, **asking(imds)}
    relay = not_local(make_relay, xray, env)
    relay.wait_log("aws.ecs.launchtype=ec2")
    relay.wait_log("host.id=i-0123456789abcdef0")
    made = translated(relay, xray)
    assert made["origin"] == "AWS::ECS::EC2"
    assert made["aws"]["ec2"]["instance_id"] == ON_EC2["instance_id"]
    assert made["aws"]["ecs"]["task_family"] == "checkout"


def test_silence_of_the_task_holds_nothing_up(make_relay, xray, task):
    task.scripted = [Answer(reset=True, delay=1)] * 3
    env = {"ECS_CONTAINER_METADATA_URI_V4": task.uri}
    relay = not_local(make_relay, xray, env)
    assert "origin" not in translated(relay, xray)
    relay.wait_log("asked again each minute")


@pytest.mark.parametrize("switched", ["by flag", "by option"])
def test_nothing_is_asked_when_switched_off(
    make_relay, xray, task, imds, switched
):
    env = {
        "ECS_CONTAINER_METADATA_URI_V4": task.uri,
        "OTEL_SERVICE_NAME": "stated",
        **asking(imds),
    }
    detect = switched == "by flag"
    config = {"Endpoint": xray.url, "Translate": {"Detect": detect}}
    relay = make_relay(config=config, env=env)
    relay.start(flags=["-o"] if detect else [])
    made = translated(relay, xray)
    assert made["name"] == ("stated" if detect else "work")
    assert "origin" not in made
    assert not task.requests
    if detect:
        assert not imds.requests


@pytest.mark.relay(
    env={
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=a%2Cb,team=x",
        "OTEL_SERVICE_NAME": "stated",
    }
)
def test_stated_attributes(relay, xray):
    made = translated(relay, xray, {"team": "own", **FOREIGN})
    kept = made["metadata"]["default"]
    assert kept["otel.resource.deployment.environment"] == "a,b"
    assert kept["otel.resource.team"] == "own"
    assert made["name"] == "stated"


@pytest.mark.relay(env={"OTEL_RESOURCE_ATTRIBUTES": "team=x,oops=%zz"})
def test_faulty_attributes_are_told_and_left(relay, xray):
    relay.wait_log("OTEL_RESOURCE_ATTRIBUTES is not used")
    made = translated(relay, xray, {"own": "1"})
    assert made["metadata"]["default"] == {"otel.resource.own": "1"}


def reload(relay, **translate):
    before = relay.log().count("Configuration reloaded")
    relay.config["Translate"] = translate
    file = relay.directory / "cfg.yaml"
    file.write_text(yaml.safe_dump(relay.config))
    relay.process.send_signal(signal.SIGHUP)
    until(lambda: relay.log().count("Configuration reloaded") > before)


def test_hangup_reads_the_options_again(make_relay, xray, imds):
    relay = not_local(make_relay, xray, asking(imds), {"Detect": False})
    span = {"shop.order": "42"}
    made = translated(relay, xray, **span)
    assert "annotations" not in made and "origin" not in made
    reload(relay, Indexed=["shop.*"], LogGroups=["/shop"])
    relay.wait_log("cloud.platform=aws_ec2")
    made = translated(relay, xray, **span)
    assert made["annotations"] == {"shop.order": "42"}
    assert made["aws"]["cloudwatch_logs"] == [{"log_group": "/shop"}]
    assert made["origin"] == "AWS::EC2::Instance"
    reload(relay, Detect=False, IndexAll=True)
    made = translated(relay, xray, **span)
    assert made["annotations"] == {"shop.order": "42"}
    assert "cloudwatch_logs" not in made["aws"]
    assert "origin" not in made
