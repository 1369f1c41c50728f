# SPDX-License-Identifier: Apache-2.0
"""SnapStart: keys come from an endpoint, and those of before the snapshot are
void afterwards, as are connections."""

import pytest

from emulator.judge import delivered, run
from harness.fake_metadata import when

TOKEN = "bare-token"


class Credentials:
    """The endpoint: an own key after each rotation."""

    def __init__(self, keyring):
        self.keyring = keyring
        self.asked = 0
        self.rotate()

    def rotate(self):
        self.key = self.keyring.issue()

    def __call__(self, headers):
        self.asked += 1
        if headers["Authorization"] != TOKEN:
            return 404, b"unknown token", {}
        body = {
            "AccessKeyId": self.key.id,
            "SecretAccessKey": self.key.secret,
            "Token": self.key.token,
            "Expiration": when(self.key.expires),
        }
        return 200, body, {}


def snap_start(make_lambda, credentials, **env):
    function = make_lambda(
        init_type="snap-start",
        credentials=credentials,
        env={
            "AWS_ACCESS_KEY_ID": None,
            "AWS_SECRET_ACCESS_KEY": None,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN,
            **env,
        },
    )
    address = function.api.address
    function.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = (
        f"http://{address}/2021-04-23/credentials"
    )
    return function


def test_snap_start(make_lambda, xray, keyring):
    credentials = Credentials(keyring)
    function = snap_start(make_lambda, credentials)
    function.init()
    assert credentials.asked == 0  # not before the snapshot
    old = credentials.key
    function.pause(1)
    xray.cut_connections()
    credentials.rotate()
    old.revoked = True
    _, sent = run(function, 2, 0)
    assert delivered(xray) == set(sent)
    for request in xray.puts():
        assert old.id not in request.header("authorization")
    assert credentials.asked == 1
    function.shutdown()


@pytest.mark.parametrize("status", [403, 404, 500])
def test_credentials_are_refused(make_lambda, xray, status):
    """The function answers all the same, and in time."""
    function = snap_start(make_lambda, lambda _: (status, b"no", {}))
    made, _ = run(function, 4, 0)
    assert all(i.post_ms() < 1700 for i in made)
    function.shutdown()
    assert not xray.puts()
