# SPDX-License-Identifier: Apache-2.0
"""The TCP port signs sampling calls only; an option brings the daemon's
habit of signing anything back."""

import socket

import pytest

FOREIGN = [
    ("POST", "/DeleteGroup"),
    ("POST", "/TraceSummaries"),
    ("GET", "/GetSamplingRules"),
    ("DELETE", "/GetSamplingRules"),
    ("POST", "/GetSamplingRules/../DeleteGroup"),
    ("PUT", "/anything"),
]


@pytest.mark.parametrize("method,target", FOREIGN)
def test_foreign_calls_are_not_signed(method, target, relay, xray):
    answer = relay.request(method, target, b"{}")
    assert answer.status in (403, 404, 405)
    assert not xray.requests


@pytest.mark.relay(config={"Proxy": {"SignAnything": True}})
def test_option_signs_anything(relay, xray):
    relay.request("POST", "/DeleteGroup", b'{"GroupName": "g"}')
    assert xray.calls("DeleteGroup")[0].body == b'{"GroupName": "g"}'


def test_client_authorization_is_replaced(relay, xray):
    relay.request(
        "POST",
        "/GetSamplingRules",
        b"{}",
        {
            "Authorization": "AWS4-HMAC-SHA256 Credential=evil",
            "X-Amz-Date": "20000101T000000Z",
            "X-Amz-Security-Token": "theirs",
        },
    )
    request = xray.calls("GetSamplingRules")[0]
    assert "evil" not in request.header("authorization")
    assert request.answer.status == 200


@pytest.mark.parametrize(
    "head",
    [
        b"POST /GetSamplingRules HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /GetSamplingRules HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
        b"Content-Length: 3\r\n\r\n{}",
    ],
    ids=["no host", "two lengths"],
)
def test_ambiguous_requests_are_refused(head, relay, xray):
    with socket.create_connection(("127.0.0.1", relay.tcp_port), 10) as s:
        s.sendall(head)
        assert s.recv(4096).startswith(b"HTTP/1.1 400 ")
    assert not xray.requests
