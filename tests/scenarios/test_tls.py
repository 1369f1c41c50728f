# SPDX-License-Identifier: Apache-2.0
"""X-Ray over TLS: the certificate is checked against AWS_CA_BUNDLE, an
unknown one is refused and waited out, NoVerifySSL takes any."""

from harness.documents import segments
from harness.waiting import until


def check_upload(relay, server):
    relay.send(*segments(60))
    until(lambda: len(server.documents) == 60, 15, relay.output)


def test_bundle_from_the_environment(make_relay, secure, certificates):
    env = {"AWS_CA_BUNDLE": certificates[0]}
    relay = make_relay(config={"Endpoint": secure.url}, env=env).start()
    check_upload(relay, secure)
    assert secure.connections <= 8


def test_unknown_certificate_is_refused(make_relay, secure):
    relay = make_relay(
        config={"Endpoint": secure.url, "Shutdown": {"DeadlineMs": 500}}
    ).start()
    relay.send(*segments(3))
    relay.wait_log("ertificate")
    assert not secure.requests
    relay.stop()
    assert relay.check_ledger().sinks["xray"].dropped == 3


def test_no_verify(make_relay, secure):
    config = {"Endpoint": secure.url, "NoVerifySSL": True}
    check_upload(make_relay(config=config).start(), secure)
