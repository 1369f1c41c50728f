# SPDX-License-Identifier: Apache-2.0
"""Several pytests share the tests (tests/shards): each runs those that it is
the first to claim, by a file in the folder XR_CLAIMS."""

import hashlib
import os
import pathlib


def pytest_runtestloop(session):
    folder = os.environ.get("XR_CLAIMS")
    if not folder or session.testsfailed:  # by then: errors of collection
        return None  # pytest's own loop
    items = (i for i in session.items if claimed(pathlib.Path(folder), i))
    # One ahead, as the end of a test depends on whether the next one shares
    # fixtures with it.
    item = next(items, None)
    while item:
        following = next(items, None)
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        item = following
    return True


def claimed(folder, item):
    name = hashlib.sha256(item.nodeid.encode()).hexdigest()
    try:
        (folder / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
