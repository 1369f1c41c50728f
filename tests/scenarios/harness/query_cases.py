# SPDX-License-Identifier: Apache-2.0
"""Match rules of tests/local_cases: what a case expects against an answer."""

import datetime
import json

MARKS = ("$absent", "$any", "$time", "$contains", "$json")


def plain(value):
    """An answer of boto3 with times as numbers."""
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def differences(want, got, path="answer"):
    """What of `want` is not in `got`, as texts; none: it matches."""
    if isinstance(want, dict):
        mark = next((m for m in MARKS if m in want), None)
        if mark:
            return marked(mark, want[mark], got, path)
        if not isinstance(got, dict):
            return [f"{path}: {got!r} is no object"]
        return [
            text
            for key, value in want.items()
            for text in differences(value, got.get(key), f"{path}.{key}")
        ]
    if isinstance(want, list):
        return list_differences(want, got, path)
    if isinstance(want, (int, float)) and not isinstance(want, bool):
        number = isinstance(got, (int, float)) and not isinstance(got, bool)
        same = number and abs(got - want) <= 0.0005
    else:
        same = got == want and type(got) is type(want)
    return [] if same else [f"{path}: {got!r} is not {want!r}"]


def marked(mark, want, got, path):
    if mark == "$absent":
        return [] if got is None else [f"{path}: is there"]
    if mark == "$any":
        return [] if got is not None else [f"{path}: is missing"]
    if mark == "$time":
        number = isinstance(got, (int, float))
        near = number and abs(got - want) <= 0.5
        return [] if near else [f"{path}: {got!r} is not about {want}"]
    if mark == "$json":
        return differences(want, json.loads(got), f"{path}<json>")
    return [
        f"{path}: none is like {element!r}"
        for element in want
        if all(differences(element, x) for x in got or [])
    ]


def list_differences(want, got, path):
    """Lists have the same length; the order is free."""
    if not isinstance(got, list) or len(got) != len(want):
        return [f"{path}: {got!r} is not a list of {len(want)}"]

    def pair(rest, left):
        return not rest or any(
            not differences(rest[0], x)
            and pair(rest[1:], left[:i] + left[i + 1 :])
            for i, x in enumerate(left)
        )

    return [] if pair(want, got) else [f"{path}: {got!r} does not pair"]


def edges_resolved(services):
    """A service graph with the ends of its edges as "name|type"."""
    by_id = {s["ReferenceId"]: s for s in services}

    def name(service):
        return f"{service.get('Name')}|{service.get('Type')}"

    edges = [
        {**e, "from": name(s), "to": name(by_id[e["ReferenceId"]])}
        for s in services
        for e in s["Edges"]
    ]
    return {"nodes": services, "edges": edges}


def judge(expect, answer):
    """answer: what boto3 gave, or (code, status) of an error."""
    if "$error" in expect:
        want = (expect["$error"]["code"], expect["$error"]["http"])
        return [] if answer == want else [f"{answer!r} is not {want!r}"]
    if isinstance(answer, tuple):
        return [f"the call failed: {answer!r}"]
    answer = plain(answer)
    if "$graph" in expect:
        want = json.loads(json.dumps(expect["$graph"]))
        for edge in want["edges"]:
            for end in ("from", "to"):
                edge[end] = "|".join(str(x) for x in edge[end])
        return differences(want, edges_resolved(answer["Services"]))
    return differences(expect, answer)
