# SPDX-License-Identifier: Apache-2.0
"""SnapStart: keys come from an endpoint, and those of before the snapshot are
void afterwards, as are connections."""

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


@pytest.mark.parametrize("status", [403, 404, 500])
def test_credentials_are_refused(make_lambda, xray, status):
    """The function answers all the same, and in time."""
    function = snap_start(make_lambda, lambda _: (status, b"no", {}))
    made, _ = run(function, 4, 0)
    assert all(i.post_ms() < 1700 for i in made)
    function.shutdown()
    assert not xray.puts()
