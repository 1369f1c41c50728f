# SPDX-License-Identifier: Apache-2.0
"""SnapStart: an environment whose keys come from an endpoint, and its life in
a snapshot, after which the keys and connections of before are void."""

from harness.fake_metadata import when

TOKEN = "bare-token"


class Credentials:
    """The endpoint: an own key after each rotation."""

    def __init__(self, keyring):
        self.keyring = keyring
        self.key = keyring.issue()
        self.asked = 0

    def rotate(self):
        """Gives the key until now, which is void."""
        old, self.key = self.key, self.keyring.issue()
        old.revoked = True
        return old

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


def restore(function, credentials, service):
    """Up to the life after the snapshot; gives the key of before."""
    function.init()
    assert credentials.asked == 0  # not before the snapshot
    function.pause(1)
    service.cut_connections()
    return credentials.rotate()
