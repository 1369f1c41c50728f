# SPDX-License-Identifier: Apache-2.0
"""Fixtures: `image`, the built image of each architecture unpacked, and
`amd64`, the one that this machine runs."""

import json
import os
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
OUT = ROOT / "build" / "packaging"
sys.path[:0] = [str(HERE), str(HERE.parent / "scenarios")]
os.environ.setdefault("XR_BIN", str(ROOT / "build/static-x86_64/xray-relay"))

MACHINES = {"amd64": "X86-64", "arm64": "AArch64"}


@dataclass
class Image:
    architecture: str  # as docker calls it
    config: dict
    layers: list  # of lists of tarfile.TarInfo
    root: Path

    @property
    def machine(self):
        return MACHINES[self.architecture]


def unpack(archive, root):
    """Reads what `docker save` or `buildah push docker-archive:` writes."""
    with tarfile.open(archive) as outer:
        manifest = json.load(outer.extractfile("manifest.json"))[0]
        whole = json.load(outer.extractfile(manifest["Config"]))
        layers = []
        for name in manifest["Layers"]:
            with tarfile.open(fileobj=outer.extractfile(name)) as layer:
                layers.append(layer.getmembers())
                layer.extractall(root)
    return Image(whole["architecture"], whole["config"], layers, root)


def open_image(architecture, factory):
    skipped = OUT / "skipped"
    if skipped.exists():
        pytest.skip(skipped.read_text().strip())
    root = factory.mktemp(architecture)
    root.chmod(0o755)
    return unpack(OUT / f"{architecture}.tar", root)


@pytest.fixture(scope="session", params=MACHINES)
def image(request, tmp_path_factory):
    made = open_image(request.param, tmp_path_factory)
    assert made.architecture == request.param
    return made


@pytest.fixture(scope="session")
def amd64(tmp_path_factory):
    return open_image("amd64", tmp_path_factory)
