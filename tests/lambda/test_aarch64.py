# SPDX-License-Identifier: Apache-2.0
"""The static program for arm64 (`make static ARCH=aarch64`), under qemu: it
runs, reads a configuration, registers, translates and delivers."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import XRay
from emulator.judge import delivered, run
from harness import certificate

ROOT = Path(__file__).parent.parent.parent
PROGRAM = ROOT / "build" / "static-aarch64" / "xray-relay"
QEMU = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
WRAPPER = '#!/bin/sh\nexec {} -0 "$0" {} "$@"\n'

pytestmark = [
    pytest.mark.skipif(
        not PROGRAM.exists(), reason="not built: by `make package` only"
    ),
    pytest.mark.skipif(not QEMU, reason="no qemu-aarch64 (qemu-user-static)"),
    pytest.mark.skipif(
        "asan" in os.environ.get("XR_BIN", ""), reason="the same in each suite"
    ),
]


@pytest.fixture
def wrapper(tmp_path):
    path = tmp_path / "wrapper"
    path.write_text(WRAPPER.format(QEMU, shlex.quote(str(PROGRAM))))
    path.chmod(0o755)
    return path


def output(*arguments):
    return subprocess.run(
        [QEMU, PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


def test_version_and_configuration():
    assert output("version").startswith("xray-relay ")
    assert "127.0.0.1:4317" in output("config")


@pytest.mark.parametrize("via", ["http", "grpc", "udp"])
def test_delivers(make_lambda, wrapper, xray, number, via):
    function = make_lambda(binary=wrapper, timeout=20)
    made, sent = run(function, 3, 0.1, via=via)
    function.shutdown()
    assert delivered(xray) == set(sent)
    documents = [d for d in xray.documents if '"detect-label"' in d]
    assert len(documents) == len(made)


def test_tls(make_lambda, wrapper, keyring, tmp_path):
    paths = certificate.make(tmp_path)
    server = XRay(keyring, tls=certificate.server_context(paths))
    env = {"XRAY_RELAY_ENDPOINT": server.url, "AWS_CA_BUNDLE": paths[0]}
    function = make_lambda(binary=wrapper, timeout=20, env=env)
    _, sent = run(function, 2, 0.1)
    function.shutdown()
    server.stop()
    assert delivered(server) == set(sent)
    assert not server.bad_signatures
