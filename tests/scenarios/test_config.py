# SPDX-License-Identifier: Apache-2.0
"""cfg.yaml, flags and environment: what is wrong is said with file and line,
and `xray-relay config` shows each value with where it came from."""

import subprocess

import pytest

from harness.relay import BINARY, clean_environment

GOOD = """\
Version: 2
Region: eu-west-1
Socket:
  UDPAddress: "127.0.0.1:3000"
Upload:
  FlushIdleMs: 250
"""


@pytest.fixture
def run(tmp_path):
    def run_it(*words, config=None, env=None, at="cfg.yaml"):
        if config is not None:
            (tmp_path / at).write_text(config)
        return subprocess.run(
            [BINARY, *words],
            env=clean_environment(tmp_path, env or {}),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=20,
        )

    return run_it


def line_of(text, word):
    found = [x for x in text.splitlines() if word in x]
    assert found, f"{word} in {text}"
    return found[0]


def test_effective_values_and_their_sources(run):
    done = run(
        "config",
        "-n",
        "us-west-2",
        "-c",
        "cfg.yaml",
        config=GOOD,
        env={"XRAY_RELAY_UPLOAD_BATCH_DOCUMENTS": "10"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "us-west-2" in line_of(done.stdout, "Region")
    assert "3000" in line_of(done.stdout, "UDPAddress")
    assert "cfg.yaml" in line_of(done.stdout, "FlushIdleMs")
    assert "250" in line_of(done.stdout, "FlushIdleMs")
    assert "10" in line_of(done.stdout, "BatchDocuments")
    assert "default" in line_of(done.stdout, "Concurrency").lower()


@pytest.mark.parametrize(
    "text,words",
    [
        ("Version: 2\nRegoin: x\n", ["cfg.yaml:2", "Regoin", "Region"]),
        (
            "Version: 2\nUpload:\n  FlushIdle: 1\n",
            ["cfg.yaml:3", "FlushIdleMs"],
        ),
        ("Version: 2\nConcurrency: many\n", ["cfg.yaml:2", "Concurrency"]),
        ("Version: 2\nUpload:\n  BatchDocuments: 51\n", ["cfg.yaml:3", "50"]),
        ("Version: 2\nRegion: [\n", ["cfg.yaml:"]),
        ("Region: x\n", ["Version"]),
    ],
)
def test_faults_are_named(text, words, run):
    done = run("config", "-c", "cfg.yaml", config=text)
    assert done.returncode == 1
    for word in words:
        assert word in done.stdout + done.stderr


def test_stray_key_in_a_found_file_only_warns(make_relay, xray):
    relay = make_relay(config={"Endpoint": xray.url})
    (relay.directory / "cfg.yaml").write_text(
        f"Version: 2\nEndpoint: {xray.url}\nRegoin: x\n"
    )
    address = f"127.0.0.1:{relay.udp_port}"
    relay.run([BINARY, "-o", "-b", address, "-t", address])
    relay.wait_log("Regoin")
    assert "[Warn]" in line_of(relay.log() + relay.errors(), "Regoin")


def test_version_and_help(run):
    version = run("--version")
    assert version.returncode == 0
    assert version.stdout.startswith("AWS X-Ray daemon version: ")
    assert len(version.stdout.splitlines()) == 1
    usage = run("-h")
    assert usage.returncode == 0
    assert usage.stdout.startswith("Usage: X-Ray [options]\n")
    assert len(usage.stdout.splitlines()) == 14
    assert "\t-a\t--resource-arn\t" in usage.stdout


@pytest.mark.namespace  # the words after it are no flags: port 2000
def test_mistyped_subcommand_names_the_nearest(make_relay):
    relay = make_relay()
    relay.run([BINARY, "cofnig", "-b", "ignored"], ready=False)
    relay.wait_log("cofnig")
    found = line_of(relay.log() + relay.errors(), "cofnig")
    assert "config" in found and "[Warn]" in found
    relay.judged = False
