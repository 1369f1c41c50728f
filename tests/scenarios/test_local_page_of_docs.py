# SPDX-License-Identifier: Apache-2.0
"""docs/LOCAL.md, command by command as it stands there; what needs Docker is
parsed. Runs in the namespace, where the default ports are ours."""

import ast
import json
import os
import re
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest
import yaml

from harness.relay import BINARY

PAGE = Path(__file__).parent.parent.parent / "docs" / "LOCAL.md"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
ELSEWHERE = "# docker\n"  # first line of what is only parsed


def of(language):
    found = [text for name, text in BLOCKS if name == language]
    assert found
    return found


@pytest.fixture
def run(make_relay, tmp_path):
    """Runs blocks in one bash after the other; what they export or set
    stays."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "xray-relay").symlink_to(os.path.abspath(BINARY))
    relay = make_relay(env={"AWS_REGION": None, "AWS_ACCESS_KEY_ID": None})
    here = os.path.dirname(sys.executable)
    path = f"{tools}:{here}:{os.environ['PATH']}"
    environment = {**relay.env, "PATH": path}
    state = tmp_path / "state"
    state.write_text("")

    def start():
        relay.udp_port = relay.tcp_port = 2000
        relay.run([str(tools / "xray-relay"), "local"])

    def block(text):
        script = f". {state}\nset -eu\n{text}\n{{ export -p; " \
                 f"declare -p mark 2>/dev/null || true; }} > {state}\n"
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=environment, timeout=120,
            capture_output=True, text=True,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    block.start = start
    block.folder = tmp_path
    return block


@pytest.mark.namespace
def test_each_command(run):
    blocks = of("sh")
    assert blocks[0] == "xray-relay local\n"
    run.start()
    python = of("python")
    names = ["orders.py", "stock.py", "ask.py"]
    for name, text in zip(names, python, strict=True):
        (run.folder / name).write_text(text)
    questions = next(t for t in of("json") if t.startswith("["))
    (run.folder / "traces.json").write_text(questions)
    for text in blocks[1:]:
        if text.startswith(ELSEWHERE):
            subprocess.run(["bash", "-n", "-c", text], check=True)
            continue
        said = run(text)
        if "aws xray" in text:
            names_of = [s["Name"] for s in json.loads(said)["Services"]]
            assert "orders" in names_of
        if "xray-relay env" in text:
            for name in names[:2]:
                run(f"python3 {name}")
            run("xray-relay wait --timeout 20s 'service(\"orders\")'")
            assert run("python3 ask.py") == "1 traces\n"
            run("xray-relay wait --timeout 20s 'service(\"stock\")'")
    suite = xml.parse(run.folder / "traces.xml").getroot()
    assert suite.get("failures") == "0" and suite.get("tests") == "3"


@pytest.mark.parametrize("text", of("python"))
def test_python(text):
    ast.parse(text)


@pytest.mark.parametrize("text", of("json"))
def test_json(text):
    assert json.loads(text)


@pytest.mark.parametrize("text", of("yaml"))
def test_yaml(text):
    """And each word for xray-relay in it is one that it knows."""
    content = yaml.safe_load(text)
    if "services" in content:
        words = content["services"]["xray"]["command"]
        assert words[0] == "local"
        help_text = subprocess.run(
            [BINARY, "help", "local"], capture_output=True, text=True
        ).stdout
        for word in words:
            assert not word.startswith("--") or word in help_text
    for step in content if isinstance(content, list) else []:
        script = textwrap.dedent(step.get("run", ""))
        subprocess.run(["bash", "-n", "-c", script], check=True)
