# SPDX-License-Identifier: Apache-2.0
"""What came out of a scenario: spans delivered or lost, their age, the time
after the handler."""

import json
import statistics


def delivered(xray):
    """Segment ids that X-Ray has stored."""
    return set(xray.ids())


def ids(n, start=1):
    return [f"{i:016x}" for i in range(start, start + n)]


def run(environment, n, gap, *, start=1, **payload):
    """n invocations with a span each; gives them and the ids sent."""
    made, sent = [], []
    for k in range(n):
        if k and gap:
            environment.pause(gap)
        own = ids(1, start + k)
        made.append(environment.invoke({"ids": own, **payload}))
        sent += own
    return made, sent


def age_ms(xray, invocations):
    """From the begin of an invocation to the arrival of its documents."""
    begun = {i.root: i.begun_wall for i in invocations}
    ages = []
    for request in xray.puts():
        for text in request.json()["TraceSegmentDocuments"]:
            trace = json.loads(text)["trace_id"]
            if trace in begun:
                ages.append((request.at - begun[trace]) * 1000)
    return ages


def summary(xray, invocations, sent):
    post = [i.post_ms() for i in invocations]
    response = [i.response_ms() for i in invocations]
    ages = age_ms(xray, invocations)
    got = delivered(xray) & set(sent)
    return {
        "response": f"{statistics.mean(response):.0f}",
        "post mean": f"{statistics.mean(post):.1f}",
        "median": f"{statistics.median(post):.1f}",
        "delivered": f"{len(got)}/{len(sent)}",
        "age": f"{statistics.mean(ages):.0f}" if ages else "-",
        "uploads": len(xray.puts()),
    }


def mean_post(invocations):
    return statistics.mean(i.post_ms() for i in invocations)
