# SPDX-License-Identifier: Apache-2.0
"""The manifests of docs/CONTAINERS.md: ECS's by its own API model, the others
by their shape; and what they give the relay by the relay itself."""

import json
import re
import subprocess

import botocore.session
import botocore.validate
import pytest
import yaml

from harness.page import DOCS, snippets
from harness.relay import BINARY, clean_environment

PAGE = "CONTAINERS.md"
PATHS = {"/xray-relay", "/src/collector", "/healthcheck", "/xray"}
PORTS = {"xray-udp": 2000, "xray-tcp": 2000}
PORTS |= {"otlp-grpc": 4317, "otlp-http": 4318}


def task():
    (text,) = snippets(PAGE, "json")
    return json.loads(text)


def manifests():
    return [d for t in snippets(PAGE, "yaml") for d in yaml.safe_load_all(t)]


def of_kind(kind):
    (found,) = [d for d in manifests() if d.get("kind") == kind]
    return found


def composed():
    return [d["services"] for d in manifests() if "services" in d]


def relay_of(containers):
    (found,) = [c for c in containers if c["name"] == "xray-relay"]
    return found


def accepted(tmp_path, words, variables):
    """Whether the relay takes these flags and variables."""
    for name in variables:
        if name.startswith("XRAY_RELAY_"):
            assert f"`{name}`" in (DOCS / "OPTIONS.md").read_text(), name
    done = subprocess.run(
        [BINARY, "config", *words],
        env=clean_environment(tmp_path, variables),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_task_definition_is_what_ecs_takes():
    model = botocore.session.get_session().get_service_model("ecs")
    shape = model.operation_model("RegisterTaskDefinition").input_shape
    report = botocore.validate.ParamValidator().validate(task(), shape)
    assert not report.has_errors(), report.generate_report()


def test_task_definition(tmp_path):
    containers = task()["containerDefinitions"]
    relay = relay_of(containers)
    assert set(relay["healthCheck"]["command"][1:]) <= PATHS
    variables = {e["name"]: e["value"] for e in relay["environment"]}
    out = accepted(tmp_path, relay.get("command", []), variables)
    assert re.search(r"TotalBufferSizeMB\W+16\b", out)
    names = {c["name"] for c in containers}
    for container in containers:
        for on in container.get("dependsOn", []):
            assert on["containerName"] in names


def test_daemon_set(tmp_path):
    spec = of_kind("DaemonSet")["spec"]
    pod = spec["template"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"] == labels
    account = of_kind("ServiceAccount")["metadata"]["name"]
    assert pod["serviceAccountName"] == account
    relay = relay_of(pod["containers"])
    ports = {p["name"]: p["containerPort"] for p in relay["ports"]}
    assert ports == PORTS
    assert all(len(name) <= 15 for name in ports)
    for probe in ("livenessProbe", "readinessProbe"):
        assert relay[probe]["httpGet"]["port"] in ports
    variables = {e["name"]: e["value"] for e in relay["env"]}
    assert all(isinstance(value, str) for value in variables.values())
    assert "eu-west-1" in accepted(tmp_path, relay["args"], variables)


def test_probes_answer(relay):
    pod = of_kind("DaemonSet")["spec"]["template"]["spec"]
    probes = relay_of(pod["containers"])
    for name in ("livenessProbe", "readinessProbe"):
        path = probes[name]["httpGet"]["path"]
        assert relay.get(path).status in (200, 503), path


def test_variables_of_senders():
    (text,) = [d["env"] for d in manifests() if "env" in d]
    values = {e["name"]: e.get("value", "") for e in text}
    names = set(re.findall(r"\$\((\w+)\)", " ".join(values.values())))
    assert names and names <= set(values)


@pytest.mark.parametrize("services", composed())
def test_compose(tmp_path, services):
    for name, service in services.items():
        assert set(service.get("depends_on", ())) <= set(services), name
    relay = services["xray-relay"]
    variables = {
        name: value
        for name, value in relay.get("environment", {}).items()
        if value
    }
    command = relay.get("command", [])
    if command[:1] != ["local"]:  # which the packaging tests start
        accepted(tmp_path, command, variables)
