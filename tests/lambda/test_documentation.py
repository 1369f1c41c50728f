# SPDX-License-Identifier: Apache-2.0
"""The snippets of docs/LAMBDA.md parse, and its configuration loads.
tests/packaging builds its Dockerfiles, stack and templates."""

import ast
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from harness.page import DOCS, snippets

PAGE = DOCS / "LAMBDA.md"
FUNCTION = Path(__file__).parent / "rust" / "src" / "main.rs"
INSTRUCTIONS = {
    "FROM": r"\S+( AS \w+)?",
    "WORKDIR": r"/\S*",
    "COPY": r"(--from=\S+ )?(\S+ )+\S+",
    "RUN": r".+",
    "CMD": r"\[.*\]",
}


class Loader(yaml.SafeLoader):
    """Knows the short functions of CloudFormation."""


Loader.add_multi_constructor("!", lambda loader, _, node: node.value)


def of(language):
    return snippets(PAGE.name, language)


@pytest.mark.parametrize("text", of("dockerfile"))
def test_dockerfiles(text):
    stages, extension = [], False
    for line in filter(None, text.splitlines()):
        word, _, rest = line.partition(" ")
        assert re.fullmatch(INSTRUCTIONS[word], rest), line
        if word == "FROM":
            stages += rest.split(" AS ")[1:]
        if word == "CMD":
            assert json.loads(rest)
        source = re.match(r"--from=(\S+)", rest)
        if source:
            assert source[1] in [*stages, "xray-relay:latest"], line
        extension = extension or " /opt/extensions/" in rest
    assert extension


@pytest.mark.parametrize("text", of("python"))
def test_python(text):
    ast.parse(text)


@pytest.mark.parametrize("text", of("json"))
def test_json(text):
    assert json.loads(text)["Statement"]


@pytest.mark.parametrize("text", of("sh"))
def test_shell(text):
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize("text", of("rust"))
def test_rust(text):
    """It is part of a function that `make test-clients` builds and runs."""
    assert text in FUNCTION.read_text()


@pytest.mark.parametrize(
    "template", [t for t in of("yaml") if "Transform" in t]
)
def test_sam(template):
    value = yaml.load(template, Loader)
    properties = value["Resources"]["Function"]["Properties"]
    assert properties["Tracing"] == "Active"
    assert "AWSXrayWriteOnlyAccess" in properties["Policies"]


@pytest.mark.parametrize("text", [t for t in of("yaml") if "receivers" in t])
def test_configuration_loads(tmp_path, text):
    file = tmp_path / "config.yaml"
    file.write_text(text)
    binary = os.environ.get("XR_BIN", "build/xray-relay")
    done = subprocess.run(
        [binary, "config", "-c", str(file)],
        env={**os.environ, "OTLP_TOKEN": "secret"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not used" not in done.stdout + done.stderr
    assert "secret" not in done.stdout


def test_options_are_there():
    options = (PAGE.parent / "OPTIONS.md").read_text()
    for name in re.findall(r"XRAY_RELAY_\w+", PAGE.read_text()):
        assert name in options, name
