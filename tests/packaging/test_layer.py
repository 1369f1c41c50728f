# SPDX-License-Identifier: Apache-2.0
"""The Lambda layers, as Lambda unpacks them to /opt."""

import hashlib
import shutil
import stat
import subprocess
import zipfile

import pytest
from conftest import MACHINES, ROOT

LAYERS = {"x86_64": "amd64", "arm64": "arm64"}
ZIP_MAX = 2_500_000  # 2.5 MB, everything included


@pytest.fixture(params=LAYERS)
def layer(request):
    return request.param


def path(layer):
    return ROOT / "build" / "dist" / f"xray-relay-layer-{layer}.zip"


def test_one_executable(layer):
    with zipfile.ZipFile(path(layer)) as z:
        (entry,) = z.infolist()
        assert z.testzip() is None
    assert entry.filename == "extensions/xray-relay"
    mode = entry.external_attr >> 16
    assert stat.S_ISREG(mode) and stat.S_IMODE(mode) == 0o755


def test_size(layer):
    assert path(layer).stat().st_size <= ZIP_MAX


def test_its_architecture(layer, tmp_path):
    with zipfile.ZipFile(path(layer)) as z:
        file = z.extract("extensions/xray-relay", tmp_path)
    said = subprocess.check_output(["readelf", "-hld", file], text=True)
    assert MACHINES[LAYERS[layer]] in said
    assert "INTERP" not in said


def test_same_program_same_bytes(layer, tmp_path):
    """Packed again elsewhere, later, by another hand."""
    arch = {"arm64": "aarch64"}.get(layer, layer)
    program = tmp_path / "build" / f"static-{arch}" / "xray-relay"
    program.parent.mkdir(parents=True)
    (tmp_path / "build" / "dist").mkdir()
    shutil.copyfile(ROOT / program.relative_to(tmp_path), program)
    subprocess.run(
        ["sh", "-c", 'umask 077; exec "$@"', "sh"]
        + [str(ROOT / "packaging" / "layer"), arch, layer],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "TZ": "Asia/Tokyo"},
        check=True,
    )
    again = tmp_path / path(layer).relative_to(ROOT)
    assert digest(again) == digest(path(layer))


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()
