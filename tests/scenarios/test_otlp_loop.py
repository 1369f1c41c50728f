# SPDX-License-Identifier: Apache-2.0
"""A large body is worked off in slices: no turn of the loop takes over 10 ms.
What is measured is CPU time, which other programs disturb little; a busy
machine still stretches a turn now and then, so a long one has to come back in
each of three tries to be the program's own."""

import threading

import pytest

from harness import otlp
from harness.relay import SANITIZED

TURN = "xray_relay_loop_turn_cpu_microseconds_max"
TURN_MAX_US = 40_000 if SANITIZED else 10_000
BODY_MAX = 16 << 20
TRIES = 3


def many_spans():
    return otlp.request(17000, pad=700)


def many_resources():
    """Each span under a resource of its own with a long list."""
    r = otlp.Request()
    for _ in range(2400):
        one = otlp.request(1)
        for i in range(100):
            one.resource_spans[0].resource.attributes.add(
                key=f"key{i}"
            ).value.string_value = ("value" * 3)
        r.resource_spans.append(one.resource_spans[0])
    return r


def longest_turn_while(relay, work):
    """Each reading of the metric starts it anew."""
    longest = 0
    thread = threading.Thread(target=work)
    relay.metrics()
    thread.start()
    while thread.is_alive():
        longest = max(longest, relay.metrics().sum(TURN))
    thread.join()
    return max(longest, relay.metrics().sum(TURN))


@pytest.mark.parametrize("coding", ("gzip", "zstd", None))
@pytest.mark.parametrize("shape", (many_spans, many_resources))
def test_16_mb_of_json(relay, shape, coding):
    body = otlp.to_json(shape())
    assert 0.8 * BODY_MAX < len(body) <= BODY_MAX
    send(relay, body, otlp.JSON, coding)


@pytest.mark.parametrize("shape", (many_spans, many_resources))
def test_the_same_in_protobuf(relay, shape):
    send(relay, shape().SerializeToString(), otlp.PROTOBUF, "gzip")


def send(relay, body, encoding, coding):
    headers = {"Content-Type": encoding}
    if coding:
        body = otlp.PACK[coding](body)
        headers["Content-Encoding"] = coding
    longest = [one_try(relay, body, headers)]
    while longest[-1] > TURN_MAX_US and len(longest) < TRIES:
        longest.append(one_try(relay, body, headers))
    assert min(longest) <= TURN_MAX_US, longest


def one_try(relay, body, headers):
    answers = []

    def post():
        to = relay.otlp_http_port
        answers.append(otlp.post(to, body, headers, timeout=60))

    before = relay.metrics().documents("made")
    longest = longest_turn_while(relay, post)
    assert answers[0].status == 200, answers[0].body
    made = relay.metrics().documents("made")
    assert made - before > 2000
    relay.wait_delivered(made, 60)
    return longest
