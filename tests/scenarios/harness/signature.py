# SPDX-License-Identifier: Apache-2.0
"""Checks a request's SigV4 signature with botocore's own signer: what was
received is signed again over the headers that it names, and compared."""

import datetime
import hashlib
import re

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<date>\d{8})/"
    r"(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[^, ]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
MUST_BE_SIGNED = ("host", "x-amz-date")
SKEW_S = 300


class BadSignature(Exception):
    """Says what is wrong with it."""


def parse(request):
    """The parts of the Authorization header; BadSignature if there is none."""
    header = request.header("authorization")
    match = AUTHORIZATION.fullmatch(header)
    if not match:
        raise BadSignature(f"no SigV4 authorization: {header!r}")
    return match.groupdict()


def check(request, key, region, service):
    """Raises BadSignature unless the request is signed with key."""
    parts = parse(request)
    if (parts["region"], parts["service"]) != (region, service):
        raise BadSignature(
            f"scope {parts['region']}/{parts['service']},"
            f" wanted {region}/{service}"
        )
    signed = parts["headers"].split(";")
    missing = [h for h in MUST_BE_SIGNED if h not in signed]
    if key.token and "x-amz-security-token" not in signed:
        missing.append("x-amz-security-token")
    if missing:
        raise BadSignature(f"not signed: {missing}")
    if parts["date"] != request.header("x-amz-date")[:8]:
        raise BadSignature("scope's date is not X-Amz-Date's")
    if request.header("x-amz-security-token") != key.token:
        raise BadSignature("session token is not the key's")
    _check_body_hash(request)
    wanted = _sign_again(request, key, region, service, signed)
    if wanted != parts["signature"]:
        raise BadSignature("signature does not match")


def skew(request, clock_offset):
    """What is wrong with its time by a clock that is so much ahead of ours, in
    the words of AWS; None if nothing is."""
    date = request.header("x-amz-date")
    sent = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(
        tzinfo=datetime.timezone.utc
    )
    ahead = sent.timestamp() - request.at - clock_offset
    if abs(ahead) <= SKEW_S:
        return None
    what = "not yet current" if ahead > 0 else "expired"
    return f"Signature {what}: {date}"


def _check_body_hash(request):
    given = request.header("x-amz-content-sha256")
    if given and given != hashlib.sha256(request.body).hexdigest():
        raise BadSignature("X-Amz-Content-Sha256 is not the body's hash")


def _sign_again(request, key, region, service, signed):
    again = AWSRequest(
        method=request.method,
        url="http://" + request.header("host") + request.target,
        data=request.body,
    )
    for name, value in request.headers:
        if name.lower() in signed:
            again.headers[name] = value
    again.context["timestamp"] = request.header("x-amz-date")
    signer = SigV4Auth(
        Credentials(key.id, key.secret, key.token or None), service, region
    )
    text = signer.string_to_sign(again, signer.canonical_request(again))
    return signer.signature(text, again)
