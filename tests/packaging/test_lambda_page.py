# SPDX-License-Identifier: Apache-2.0
"""The snippets of docs/LAMBDA.md by those who would read them: buildah, CDK and
the linter of CloudFormation and SAM templates."""

import json
import os
import re
import shutil
import stat
import subprocess

import pytest
from conftest import HERE, ROOT

from harness.page import snippets

PAGE = "LAMBDA.md"
TEMPLATES = [t for t in snippets(PAGE, "yaml") if "Transform" in t]
MODULES = ROOT / "build" / "cdk" / "node_modules"
LINTER = ROOT / "build" / "cfn-lint" / "bin" / "cfn-lint"


def buildah(*words):
    done = subprocess.run(
        ["buildah", *words], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def stand_in(amd64):
    """Makes an empty image by the name of one that isn't here: it shows that
    the Dockerfile builds, not what the real one holds."""
    buildah("tag", "localhost/xray-relay:amd64", "localhost/xray-relay:latest")

    def make(name):
        container = buildah("from", "scratch")
        buildah("commit", "-q", "--rm", container, name)

    return make


def of_the_relay(dockerfile):
    """The last stage's base and the lines that copy from our image; the rest
    is the function's, and needs the network."""
    last = dockerfile[dockerfile.rindex("FROM ") :]
    lines = [line for line in last.splitlines() if "xray-relay:latest" in line]
    assert len(lines) == 1
    return last.split()[1], [last.splitlines()[0], *lines]


@pytest.mark.parametrize("text", snippets(PAGE, "dockerfile"))
def test_dockerfile(text, stand_in, tmp_path):
    base, lines = of_the_relay(text)
    stand_in(base)
    (tmp_path / "Dockerfile").write_text("\n".join(lines) + "\n")
    buildah("build", "--pull-never", "-t", "localhost/function", str(tmp_path))
    container = buildah("from", "--pull-never", "localhost/function")
    folder = os.path.join(buildah("mount", container), "opt", "extensions")
    (name,) = os.listdir(folder)
    mode = os.lstat(os.path.join(folder, name)).st_mode
    buildah("rm", container)
    assert stat.S_ISREG(mode) and mode & 0o555 == 0o555


@pytest.mark.parametrize("text", TEMPLATES)
def test_templates(text, tmp_path):
    assert len(TEMPLATES) == 2
    file = tmp_path / "template.yaml"
    file.write_text(text)
    subprocess.run([LINTER, file], check=True)


def test_cdk(tmp_path):
    (text,) = snippets(PAGE, "typescript")
    (tmp_path / "stack.ts").write_text(text)
    shutil.copy(HERE / "cdk" / "app.ts", tmp_path)
    (tmp_path / "function").mkdir()
    (tmp_path / "function" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "node_modules").symlink_to(MODULES)
    bundle = ["--bundle", "--platform=node", "--packages=external"]
    for command in (
        [MODULES / ".bin" / "esbuild", "app.ts", *bundle, "--outfile=app.js"],
        ["node", "app.js", "out"],
    ):
        subprocess.run(command, cwd=tmp_path, check=True, timeout=300)
    check_stack(json.loads((tmp_path / "out/Traced.template.json").read_text()))


def check_stack(template):
    resources = template["Resources"].values()
    of_type = {r["Type"]: r["Properties"] for r in resources}
    function = of_type["AWS::Lambda::Function"]
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["PackageType"] == "Image"
    policies = json.dumps(of_type["AWS::IAM::Role"]["ManagedPolicyArns"])
    assert re.search(r"policy/AWSXrayWriteOnlyAccess\b", policies)


def test_shell_of_the_page():
    """`make image` with the words that the page gives it."""
    (line,) = [
        line
        for text in snippets(PAGE, "sh")
        for line in text.splitlines()
        if line.startswith("make image")
    ]
    said = subprocess.check_output(
        [*line.split(), "-n", "-C", ROOT, "V=1"], text=True
    )
    assert "packaging/image xray-relay linux/arm64" in said
