# SPDX-License-Identifier: Apache-2.0
"""The cases recorded from the Go daemon (daemon_cases/README.md), and which of
them are another matter for this program."""

import json
from pathlib import Path

import pytest

from harness.server import Answer

DIRECTORY = Path(__file__).parent.parent / "daemon_cases"

# Where it differs by design; the reason is the test's skip text.
BY_DESIGN = {
    "huge-header": "headers have a ceiling of our own",
    "header-900k": "headers have a ceiling of our own",
    "body-3mb": "bodies of sampling calls have a ceiling of our own",
    "body-cut": "a request cut short is dropped, not answered",
}
# What the daemon ends for and this program only waits for.
NOT_FATAL = ("Cannot fetch region", "failed to get shared config profile")


def load(kind):
    """Parameters for all cases of a kind."""
    params = []
    for path in sorted(DIRECTORY.glob(f"{kind}-*.json")):
        case = json.loads(path.read_text())
        reason = BY_DESIGN.get(case["name"])
        if case.get("original_defect"):
            reason = "records a defect of the original"
        marks = [pytest.mark.skip(reason=reason)] if reason else []
        params.append(pytest.param(case, id=case["name"], marks=marks))
    assert params
    return params


def is_one_object(text):
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def upstream_answers(case):
    """What the upstream is to answer, in turn."""
    return [step_answer(s) for s in case.get("upstream_script", [])]


def step_answer(step):
    if step.get("status") == "close":
        return Answer(reset=True)
    return Answer(
        step["status"],
        (step.get("body") or "").encode(),
        dict(step.get("headers") or {}),
        delay=step.get("delay") or 0,
    )


def waits_where_the_daemon_ends(case):
    seen = json.dumps([case["observed_stdout"], case["observed_stderr"]])
    return any(words in seen for words in NOT_FATAL)
