# SPDX-License-Identifier: Apache-2.0
"""SnapStart: keys come from an endpoint, and those of before the snapshot are
void afterwards, as are connections."""

import http.client

import pytest

from emulator.judge import delivered, run
from emulator.snapstart import Credentials, restore, snap_start


def test_snap_start(make_lambda, xray, keyring):
    credentials = Credentials(keyring)
    function = snap_start(make_lambda, credentials)
    old = restore(function, credentials, xray)
    _, sent = run(function, 2, 0)
    assert delivered(xray) == set(sent)
    for request in xray.puts():
        assert old.id not in request.header("authorization")
    assert credentials.asked == 1
    function.shutdown()


def ask_for_rules(_):
    connection = http.client.HTTPConnection("127.0.0.1", 2000, timeout=10)
    connection.request("POST", "/GetSamplingRules", b"{}")
    assert connection.getresponse().status == 200
    connection.close()


def test_keys_of_before_the_snapshot(make_lambda, xray, keyring):
    """An SDK that asks for sampling rules in INIT makes us fetch keys then;
    nothing is signed by them afterwards."""
    credentials = Credentials(keyring)
    function = snap_start(make_lambda, credentials)
    function.before_next = ask_for_rules
    function.init()
    assert credentials.asked == 1
    old = credentials.key
    function.pause(1)
    xray.cut_connections()
    credentials.rotate()
    _, sent = run(function, 1, 0)
    assert delivered(xray) == set(sent)
    for put in xray.puts():
        assert old.id not in put.header("authorization")
    function.shutdown()


@pytest.mark.parametrize("status", [403, 404, 500])
def test_credentials_are_refused(make_lambda, xray, status):
    """The function answers all the same, and in time."""
    function = snap_start(make_lambda, lambda _: (status, b"no", {}))
    made, _ = run(function, 4, 0)
    assert all(i.post_ms() < 1700 for i in made)
    function.shutdown()
    assert not xray.puts()
