# SPDX-License-Identifier: Apache-2.0
"""`xray-relay version` names the program and its version."""

import os
import re
import subprocess

import pytest


@pytest.mark.portable
def test_version():
    out = subprocess.run(
        [os.environ["XR_BIN"], "version"],
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    ).stdout
    assert re.fullmatch(r"xray-relay \d+\.\d+\.\d+\n", out)
