# SPDX-License-Identifier: Apache-2.0
"""The fakes themselves, asked by boto3: what they take, what they refuse."""

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config

from harness.documents import segment
from harness.keys import STATIC
from harness.server import Answer

ONCE = Config(retries={"total_max_attempts": 1}, proxies={})


def client(service, server, key=STATIC, secret=None):
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=server.url,
        aws_access_key_id=key.id,
        aws_secret_access_key=secret or key.secret,
        aws_session_token=key.token or None,
        config=ONCE,
    )


def test_xray_takes_what_is_signed(xray):
    document = segment()
    put = client("xray", xray).put_trace_segments
    assert (
        put(TraceSegmentDocuments=[document])["UnprocessedTraceSegments"] == []
    )
    assert xray.documents == [document]


def test_xray_refuses_a_wrong_secret(xray):
    with pytest.raises(botocore.exceptions.ClientError, match="Signature"):
        client("xray", xray, secret="wrong").get_sampling_rules()
    assert xray.bad_signatures.pop()


def test_xray_refuses_skewed_and_expired(xray):
    xray.clock_offset = 3600
    with pytest.raises(botocore.exceptions.ClientError, match="expired"):
        client("xray", xray).get_sampling_rules()
    xray.clock_offset = 0
    key = xray.keyring.issue(-1)
    with pytest.raises(botocore.exceptions.ClientError, match="ExpiredToken"):
        client("xray", xray, key).get_sampling_rules()


def test_xray_tells_broken_limits(xray):
    put = client("xray", xray).put_trace_segments
    answer = put(TraceSegmentDocuments=["no json", segment(name="a|b")])
    codes = [e["ErrorCode"] for e in answer["UnprocessedTraceSegments"]]
    assert codes == ["JSONFormatError", "InvalidName"]


def test_xray_fails_on_demand(xray):
    errors = (
        botocore.exceptions.ClientError,
        botocore.exceptions.HTTPClientError,
    )
    xray.scripted = [Answer(500), Answer(reset=True)]
    put = client("xray", xray).put_trace_segments
    for _ in range(2):
        with pytest.raises(errors):
            put(TraceSegmentDocuments=[segment()])
    assert not xray.documents


def test_sts_issues_keys_that_xray_takes(xray, sts):
    role = client("sts", sts).assume_role(
        RoleArn="arn:aws:iam::123456789012:role/r", RoleSessionName="session"
    )
    key = sts.keyring.keys[role["Credentials"]["AccessKeyId"]]
    assert role["Credentials"]["SessionToken"] == key.token
    client("xray", xray, key).get_sampling_rules()
