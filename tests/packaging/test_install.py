# SPDX-License-Identifier: Apache-2.0
"""`make install`, staged."""

import os
import subprocess

from conftest import ROOT


def install(directory, *more):
    make = os.environ.get("MAKE", "make")
    subprocess.run(
        [make, "-s", "-C", ROOT, "install", f"DESTDIR={directory}", *more],
        check=True,
    )
    return {
        str(path.relative_to(directory)): path.stat().st_mode & 0o7777
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_install(tmp_path):
    files = install(tmp_path)
    assert files.pop("usr/bin/xray-relay") == 0o755
    pages = {name.rsplit("/", 1)[1] for name in files}
    assert {"LICENSE", "README.md", "xray-relay.yaml"} <= pages
    for name, mode in files.items():
        assert name.startswith("usr/share/doc/xray-relay/")
        assert mode == 0o644


def test_prefix(tmp_path):
    assert "opt/x/bin/xray-relay" in install(tmp_path, "PREFIX=/opt/x")
