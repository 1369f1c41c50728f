# SPDX-License-Identifier: Apache-2.0
"""What is in the image, and how it says it wants to be run."""

import os
import stat
import subprocess

RELAY = ["/xray-relay", "/src/collector", "/healthcheck"]
DAEMON = ["/xray", "/usr/bin/xray"]


def mode(image, path):
    return os.lstat(f"{image.root}{path}").st_mode


def test_nothing_else_is_in_it(image):
    found = {
        f"/{path.relative_to(image.root)}"
        for path in image.root.rglob("*")
        if not path.is_dir()
    }
    assert found == {*RELAY, *DAEMON}


def test_files_are_regular(image):
    for path in RELAY + DAEMON:
        assert stat.S_ISREG(mode(image, path)), path
        assert stat.S_IMODE(mode(image, path)) == 0o755, path


def test_what_is_copied_from_is_no_hard_link_either(image):
    entries = {f"/{e.name}": e for layer in image.layers for e in layer}
    assert all(entries[path].isreg() for path in RELAY)


def test_one_program_under_all_names(image):
    contents = {
        (image.root / path[1:]).read_bytes() for path in RELAY + DAEMON
    }
    assert len(contents) == 1


def test_static(image):
    said = subprocess.check_output(
        ["readelf", "-hld", image.root / "xray-relay"], text=True
    )
    assert image.machine in said
    assert "INTERP" not in said and "NEEDED" not in said


def test_configuration(image):
    c = image.config
    user = c["User"].split(":")
    assert all(part.isdigit() and int(part) > 0 for part in user)
    assert set(c["ExposedPorts"]) == {
        "2000/udp",
        "2000/tcp",
        "4317/tcp",
        "4318/tcp",
    }
    assert c["Healthcheck"]["Test"] == ["CMD", "/healthcheck"]
    assert c["Entrypoint"][0] in RELAY
    assert not c.get("Cmd") and not c.get("Volumes")


def test_runs(image):
    if image.architecture == "arm64":
        command = ["qemu-aarch64-static", image.root / "xray-relay"]
    else:
        command = ["chroot", "--userspec=10001:10001", image.root]
        command += ["/xray-relay"]
    said = subprocess.check_output([*command, "version"], text=True)
    assert said.startswith("xray-relay ")
