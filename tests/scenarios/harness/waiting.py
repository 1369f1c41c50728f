# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition, never for a time."""

import time

STEP_S = 0.01


def until(condition, seconds=10.0, what=None):
    """The first true value of condition(), or an AssertionError that says what
    was waited for. `what` may be a function, for a text made at the end."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            text = what() if callable(what) else what
            raise AssertionError(f"not within {seconds} s: {text or condition}")
        time.sleep(STEP_S)
