# SPDX-License-Identifier: Apache-2.0
"""Where credentials come from: each source of the chain signs an upload, and
the log says which one won, never a secret."""

import json
import sys
import time
from textwrap import dedent

import pytest

from harness.documents import segment, segments
from harness.fake_metadata import FakeContainer, FakeIMDS
from harness.keys import STATIC, Key
from harness.server import Answer
from harness.waiting import until

ROLE = "arn:aws:iam::123456789012:role/uploader"
NO_KEYS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


@pytest.fixture
def start(make_relay, xray):
    """A relay without the static keys, and its .aws folder."""

    def make(env=None, config=None, files=None, args=()):
        relay = make_relay(
            config={"Endpoint": xray.url, **(config or {})},
            env={**NO_KEYS, **(env or {})},
            args=args,
        )
        folder = relay.directory / ".aws"
        folder.mkdir()
        for name, text in (files or {}).items():
            (folder / name).write_text(dedent(text))
        return relay.start()

    return make


def check_upload(relay, xray, key_id=None, seconds=20):
    """An upload arrives, signed with that key; no secret is in the log."""
    before = len(xray.documents)
    relay.send(segment())
    until(lambda: len(xray.documents) > before, seconds, relay.output)
    stored = [r for r in xray.puts() if r.answer.status == 200]
    if key_id:
        assert key_id in stored[-1].header("authorization")
    for key in xray.keyring.keys.values():
        assert key.secret not in relay.output()
        assert not key.token or key.token not in relay.output()
    return stored[-1]


def test_environment(start, xray):
    relay = start(STATIC.environment())
    check_upload(relay, xray, STATIC.id)
    relay.wait_log("environment")


def test_environment_with_session_token(start, xray):
    key = xray.keyring.issue()
    put = check_upload(start(key.environment()), xray, key.id)
    assert put.header("x-amz-security-token") == key.token


def test_shared_credentials_file(start, xray):
    files = {"credentials": f"""
            # a comment
            [other]
            aws_access_key_id = wrong
            aws_secret_access_key = wrong
            [default]
            aws_access_key_id = {STATIC.id}
            aws_secret_access_key={STATIC.secret}
            """}
    relay = start(files=files)
    check_upload(relay, xray, STATIC.id)
    relay.wait_log("profile")


def test_named_profile_in_named_files(start, xray, tmp_path):
    config = tmp_path / "my-config"
    config.write_text(
        f"[profile team]\naws_access_key_id = {STATIC.id}\n"
        f"aws_secret_access_key = {STATIC.secret}\n"
    )
    relay = start({"AWS_PROFILE": "team", "AWS_CONFIG_FILE": config})
    check_upload(relay, xray, STATIC.id)


def test_rotated_file_is_read_again(start, xray):
    text = "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n"
    old = xray.allow(Key("AKIDOLD", "oldsecret"))
    new = xray.allow(Key("AKIDNEW", "newsecret"))
    relay = start(files={"credentials": text.format(old.id, old.secret)})
    check_upload(relay, xray, old.id)
    file = relay.directory / ".aws" / "credentials"
    file.write_text(text.format(new.id, new.secret))
    old.revoked = True
    check_upload(relay, xray, new.id, 40)


def credential_process(tmp_path, key, **more):
    output = {
        "Version": 1,
        "AccessKeyId": key.id,
        "SecretAccessKey": key.secret,
        "SessionToken": key.token,
        **more,
    }
    script = tmp_path / "get credentials.py"
    script.write_text(f"print({json.dumps(json.dumps(output))})\n")
    return f'{sys.executable} "{script}"'


def test_credential_process(start, xray, tmp_path):
    key = xray.keyring.issue()
    command = credential_process(
        tmp_path, key, Expiration="2099-01-01T00:00:00Z"
    )
    config = f"[default]\ncredential_process = {command}\n"
    check_upload(start(files={"config": config}), xray, key.id)


def test_failing_credential_process_is_named(start, xray):
    config = "[default]\ncredential_process = /bin/false\n"
    relay = start(files={"config": config})
    relay.send(segment())
    relay.wait_log("credential_process")
    relay.judged = False
    relay.stop()


def test_sso_profile_is_named(start, xray):
    config = """
        [default]
        sso_start_url = https://example.awsapps.com/start
        sso_region = us-east-1
        sso_account_id = 123456789012
        sso_role_name = role
        """
    relay = start(files={"config": config})
    relay.send(segment())
    relay.wait_log("aws sso login")
    relay.judged = False
    relay.stop()


def test_role_in_a_profile(start, xray, sts):
    files = {
        "config": f"""
            [default]
            role_arn = {ROLE}
            source_profile = base
            role_session_name = from-profile
            external_id = secret handshake
            """,
        "credentials": f"""
            [base]
            aws_access_key_id = {STATIC.id}
            aws_secret_access_key = {STATIC.secret}
            """,
    }
    relay = start({"AWS_ENDPOINT_URL_STS": sts.url}, files=files)
    check_upload(relay, xray, "ASIAISSUED")
    call = sts.calls[0]
    assert call["RoleArn"] == ROLE
    assert call["RoleSessionName"] == "from-profile"
    assert call["ExternalId"] == "secret handshake"
    assert call["_signed_with"] == STATIC.id


def test_chain_of_roles(start, xray, sts):
    files = {"config": f"""
            [default]
            role_arn = {ROLE}2
            source_profile = middle
            [profile middle]
            role_arn = {ROLE}1
            source_profile = base
            [profile base]
            aws_access_key_id = {STATIC.id}
            aws_secret_access_key = {STATIC.secret}
            """}
    relay = start({"AWS_ENDPOINT_URL_STS": sts.url}, files=files)
    check_upload(relay, xray)
    assert [c["RoleArn"] for c in sts.calls] == [ROLE + "1", ROLE + "2"]
    assert sts.calls[1]["_signed_with"] == sts.issued[0].id


def test_credential_source_environment(start, xray, sts):
    config = (
        f"[profile p]\nrole_arn = {ROLE}\ncredential_source = Environment\n"
    )
    relay = start(
        {
            **STATIC.environment(),
            "AWS_PROFILE": "p",
            "AWS_ENDPOINT_URL_STS": sts.url,
        },
        files={"config": config},
    )
    # Keys in the environment win over a profile, as with the daemon.
    check_upload(relay, xray, STATIC.id)


def test_role_arn_of_the_daemon(start, xray, sts):
    relay = start(
        {**STATIC.environment(), "AWS_ENDPOINT_URL_STS": sts.url},
        args=["-r", ROLE],
    )
    check_upload(relay, xray, "ASIAISSUED")
    call = sts.calls[0]
    assert call["RoleArn"] == ROLE
    assert call["RoleSessionName"] == "xray-daemon"
    assert call["DurationSeconds"] == "900"


def test_web_identity(start, xray, sts, tmp_path):
    token = tmp_path / "token"
    token.write_text(sts.web_identity_token + "\n")
    relay = start(
        {
            "AWS_ROLE_ARN": ROLE,
            "AWS_WEB_IDENTITY_TOKEN_FILE": token,
            "AWS_ROLE_SESSION_NAME": "pod",
            "AWS_ENDPOINT_URL_STS": sts.url,
        }
    )
    check_upload(relay, xray, "ASIAISSUED")
    assert sts.calls[0]["RoleSessionName"] == "pod"
    assert sts.web_identity_token not in relay.output()


def test_web_identity_token_is_read_again(start, xray, sts, tmp_path):
    token = tmp_path / "token"
    token.write_text(sts.web_identity_token)
    relay = start(
        {
            "AWS_ROLE_ARN": ROLE,
            "AWS_WEB_IDENTITY_TOKEN_FILE": token,
            "AWS_ENDPOINT_URL_STS": sts.url,
        }
    )
    check_upload(relay, xray, "ASIAISSUED000001")
    sts.web_identity_token = "rotated"
    token.write_text("rotated")
    sts.issued[0].revoked = True
    check_upload(relay, xray, "ASIAISSUED000002")


def test_container_full_uri_with_token(start, xray, container):
    container.authorization = "Bearer of the task"
    relay = start(
        {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url + "/creds?a=b",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer of the task",
        }
    )
    check_upload(relay, xray, "ASIATASK")
    assert container.requests[-1].target == "/creds?a=b"


def test_pod_identity_token_file(start, xray, container, tmp_path):
    container.authorization = "pod-token-1"
    token = tmp_path / "pod-token"
    token.write_text("pod-token-1")
    relay = start(
        {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url + "/v1/creds",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token,
        }
    )
    check_upload(
        relay, xray, container.issued[0].id if container.issued else None
    )
    container.authorization = "pod-token-2"
    token.write_text("pod-token-2")
    container.issued[-1].revoked = True
    check_upload(relay, xray)
    assert len(container.issued) == 2


@pytest.mark.namespace
def test_container_relative_uri(start, xray, keyring, link_local):
    server = FakeContainer(keyring, host=link_local("169.254.170.2"), port=80)
    relay = start({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/creds"})
    check_upload(relay, xray, "ASIATASK")
    assert server.requests[0].path == "/v2/creds"
    server.stop()


@pytest.mark.namespace
def test_pod_identity_at_its_address(start, xray, keyring, link_local):
    server = FakeContainer(keyring, host=link_local("169.254.170.23"), port=80)
    uri = "http://169.254.170.23/v1/credentials"
    relay = start({"AWS_CONTAINER_CREDENTIALS_FULL_URI": uri})
    check_upload(relay, xray, "ASIATASK")
    server.stop()


def test_container_uri_of_a_foreign_host_is_refused(start, xray):
    relay = start(
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.7/creds"}
    )
    relay.send(segment())
    relay.wait_log("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    relay.judged = False
    relay.stop()


def imds_environment(imds):
    return {
        "AWS_EC2_METADATA_DISABLED": None,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url,
    }


def test_imds_v2(start, xray, imds):
    relay = start(imds_environment(imds))
    check_upload(relay, xray, "ASIAIMDS")
    assert imds.requests[0].method == "PUT"


@pytest.mark.namespace
def test_imds_at_its_address(start, xray, keyring, link_local):
    server = FakeIMDS(keyring, host=link_local("169.254.169.254"), port=80)
    relay = start({"AWS_EC2_METADATA_DISABLED": None})
    check_upload(relay, xray, "ASIAIMDS")
    server.stop()


def test_imds_v1_where_v2_is_refused(start, xray, imds):
    imds.require_token = False
    imds.scripted = [Answer(403, b"")]
    relay = start(imds_environment(imds))
    check_upload(relay, xray, "ASIAIMDS")


def test_imds_hop_limit_hint(start, xray, imds):
    imds.tokens_hang = True
    relay = start(imds_environment(imds))
    relay.send(segment())
    relay.wait_log("hop limit", 40)
    relay.judged = False
    relay.stop()


def test_imds_never_through_the_proxy(start, xray, imds):
    relay = start(
        {
            **imds_environment(imds),
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "HTTP_PROXY": "http://127.0.0.1:9",
            "http_proxy": "http://127.0.0.1:9",
            "NO_PROXY": xray.host,
        }
    )
    check_upload(relay, xray, "ASIAIMDS")


def test_refresh_ahead_of_expiry(start, xray, container):
    """Sessions of a few seconds: uploads never meet an expired one."""
    container.seconds = 6
    relay = start(
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url + "/creds"}
    )
    end = time.monotonic() + 15
    while time.monotonic() < end:
        check_upload(relay, xray)
    assert len(container.issued) >= 2
    assert len(container.issued) < 40, "it asks again and again"
    assert not [r for r in xray.puts() if r.answer.status == 403]


def test_expired_in_mid_run(start, xray, container):
    """The service says expired though the clock does not: one refresh, and
    nothing is lost."""
    relay = start(
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url + "/creds"}
    )
    check_upload(relay, xray)
    container.issued[0].revoked = True
    sent = segments(500)
    relay.send(*sent)
    until(lambda: len(xray.documents) == 501, 20, relay.output)
    assert len(container.issued) == 2


def test_no_credentials_at_start(start, xray):
    """It buffers, says what was tried, and delivers when they come."""
    relay = start()
    relay.send(*segments(30))
    relay.wait_log("redentials")
    assert relay.get("/readyz").status == 503
    (relay.directory / ".aws" / "credentials").write_text(
        f"[default]\naws_access_key_id = {STATIC.id}\n"
        f"aws_secret_access_key = {STATIC.secret}\n"
    )
    until(lambda: len(xray.documents) == 30, 60, relay.output)
    until(lambda: relay.get("/readyz").status == 200)


def test_no_region_at_start(start, xray):
    """The same for the region, found later in the shared config file."""
    relay = start({**STATIC.environment(), "AWS_REGION": None})
    relay.send(*segments(30))
    relay.wait_log("region")
    (relay.directory / ".aws" / "config").write_text(
        "[default]\nregion = us-east-1\n"
    )
    until(lambda: len(xray.documents) == 30, 60, relay.output)
