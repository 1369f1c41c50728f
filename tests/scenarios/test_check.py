# SPDX-License-Identifier: Apache-2.0
"""`xray-relay check`: one real segment through the whole path, reported line
by line, each failure with its likely cause and mend."""

import subprocess

import yaml

from harness.relay import BINARY, clean_environment
from harness.server import Answer


def check(tmp_path, xray, env=None):
    file = tmp_path / "cfg.yaml"
    file.write_text(yaml.safe_dump({"Version": 2, "Endpoint": xray.url}))
    return subprocess.run(
        [BINARY, "check", "-o", "-c", str(file)],
        env=clean_environment(tmp_path, env or {}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_all_well(tmp_path, xray):
    done = check(tmp_path, xray)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(xray.documents) == 1
    for word in ("region", "credentials", "clock"):
        assert word in done.stdout.lower()


def test_no_credentials(tmp_path, xray):
    env = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    done = check(tmp_path, xray, env)
    assert done.returncode == 1
    assert "credentials" in done.stdout.lower()


def test_no_permission(tmp_path, xray):
    xray.on_put = lambda *_: Answer.error(
        403, "AccessDeniedException", "not authorized: xray:PutTraceSegments"
    )
    done = check(tmp_path, xray)
    assert done.returncode == 1
    assert "PutTraceSegments" in done.stdout


def test_backend_unreachable(tmp_path, xray):
    xray.stop()
    done = check(tmp_path, xray)
    assert done.returncode == 1
    assert str(xray.port) in done.stdout
