# SPDX-License-Identifier: Apache-2.0
"""The image as a side car: its own entry point, environment and user in its
own file system, reached on an address that is not the loopback's."""

import os
import socket
import subprocess
import urllib.request

import pytest
import yaml

from harness import otlp
from harness.documents import datagram, segment
from harness.fake_xray import FakeXRay
from harness.keys import STATIC
from harness.metrics import Metrics
from harness.page import snippets
from harness.waiting import until

ADDRESS = "192.0.2.7"  # tests/packaging/run adds it to the namespace
FIRST_S = 30

pytestmark = pytest.mark.skipif(
    "XR_NAMESPACE" not in os.environ,
    reason="needs a network namespace: run as root by tests/packaging/run",
)


@pytest.fixture
def xray():
    server = FakeXRay()
    yield server
    server.stop()
    assert not server.bad_signatures, server.bad_signatures


@pytest.fixture
def side_car(amd64, xray, tmp_path):
    started = []

    def start(*arguments, entrypoint=None):
        words = [*(entrypoint or amd64.config["Entrypoint"]), *arguments]
        log = open(tmp_path / "log", "wb")
        started.append(
            subprocess.Popen(
                in_image(amd64, words),
                env=environment(amd64, xray),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        assert process.wait(40) == 0, (tmp_path / "log").read_text()


def in_image(image, words):
    user = f"--userspec={image.config['User']}"
    return ["chroot", user, str(image.root), *words]


def environment(image, xray):
    own = dict(pair.split("=", 1) for pair in image.config["Env"])
    return {
        **own,
        **STATIC.environment(),
        "PATH": os.environ["PATH"],  # for chroot; the image has no programs
        "AWS_REGION": "us-east-1",
        "XRAY_RELAY_ENDPOINT": xray.url,
        "XRAY_RELAY_LOCAL_MODE": "true",
    }


def health(image, xray, *flags):
    """What an engine does: the image's own check."""
    check = image.config["Healthcheck"]["Test"][1:]
    return subprocess.run(
        in_image(image, [*check, *flags]),
        env=environment(image, xray),
        stderr=subprocess.DEVNULL,
        timeout=30,
    ).returncode


def send(document, port=2000):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(datagram(document), (ADDRESS, port))


def test_takes_all_three_from_outside(side_car, amd64, xray):
    assert health(amd64, xray) == 1
    process = side_car()
    until(lambda: health(amd64, xray) == 0, FIRST_S)
    send(segment())
    answer = otlp.post(4318, otlp.request(1), host=ADDRESS)
    assert answer.status == 200
    with otlp.channel(4317, host=ADDRESS) as channel:
        otlp.export(channel, otlp.request(1))
    until(lambda: len(xray.documents) == 3, FIRST_S)
    process.terminate()
    assert process.wait(40) == 0
    assert health(amd64, xray) == 1


def test_flags_after_the_image_win(side_car, amd64, xray):
    side_car("-b", f"{ADDRESS}:3000", "-t", f"{ADDRESS}:3001")
    until(lambda: health(amd64, xray, "-t", f"{ADDRESS}:3001") == 0, FIRST_S)
    assert health(amd64, xray) == 1
    send(segment(), 3000)
    until(lambda: len(xray.documents) == 1, FIRST_S)


def test_local_mode_of_the_compose_file(side_car, amd64, xray):
    """As docs/CONTAINERS.md has it: an empty, read-only file system, no home,
    no account."""
    text = snippets("CONTAINERS.md", "yaml")[-1]
    service = yaml.safe_load(text)["services"]["xray-relay"]
    side_car(*service["command"])
    until(lambda: health(amd64, xray) == 0, FIRST_S)
    send(segment())
    until(lambda: accepted() == 1, FIRST_S)
    assert not xray.documents


def accepted():
    with urllib.request.urlopen(f"http://{ADDRESS}:2000/metrics") as answer:
        metrics = Metrics(answer.read().decode())
    return metrics.items("accepted", input="udp")


@pytest.mark.parametrize("path", ["/xray", "/usr/bin/xray"])
def test_manifests_that_name_the_daemon(side_car, amd64, xray, path):
    flags = ["-t", "0.0.0.0:2000", "-b", "0.0.0.0:2000", "-o"]
    side_car(*flags, entrypoint=[path])
    until(lambda: health(amd64, xray) == 0, FIRST_S)
    send(segment())
    until(lambda: len(xray.documents) == 1, FIRST_S)
