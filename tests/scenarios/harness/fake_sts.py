# SPDX-License-Identifier: Apache-2.0
"""A fake STS: AssumeRole, signed, and AssumeRoleWithWebIdentity, unsigned."""

import datetime
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from harness import signature
from harness.keys import Keyring
from harness.server import Answer, Server

XML = {"Content-Type": "text/xml"}


class FakeSTS(Server):
    def __init__(self, keyring=None, region="us-east-1", **server):
        self.keyring = keyring or Keyring()
        self.region = region
        self.calls = []  # the parameters of each call
        self.issued = []
        self.seconds = 3600
        self.web_identity_token = "web-identity-token"
        super().__init__(**server)

    def answer(self, request):
        call = dict(parse_qsl(request.body.decode()))
        self.calls.append(call)
        action = call.get("Action")
        if action == "AssumeRoleWithWebIdentity":
            if call.get("WebIdentityToken") != self.web_identity_token:
                return error(400, "InvalidIdentityToken", "unknown token")
        elif action == "AssumeRole":
            bad = self._authorize(request, call)
            if bad:
                return bad
        else:
            return error(400, "InvalidAction", str(action))
        key = self.keyring.issue(self.seconds)
        self.issued.append(key)
        return Answer(200, success(action, call, key).encode(), XML)

    def _authorize(self, request, call):
        try:
            parts = signature.parse(request)
            key = self.keyring.keys.get(parts["id"])
            if key is None:
                return error(403, "InvalidClientTokenId", "unknown key")
            signature.check(request, key, self.region, "sts")
        except signature.BadSignature as bad:
            return error(403, "SignatureDoesNotMatch", str(bad))
        call["_signed_with"] = key.id
        if key.expired():
            return error(403, "ExpiredToken", "expired")
        return None


def success(action, call, key):
    until = datetime.datetime.fromtimestamp(key.expires, datetime.timezone.utc)
    return (
        f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<{action}Result><AssumedRoleUser>"
        f"<Arn>{escape(call['RoleArn'])}</Arn>"
        f"<AssumedRoleId>AROA:{escape(call['RoleSessionName'])}</AssumedRoleId>"
        f"</AssumedRoleUser><Credentials><AccessKeyId>{key.id}</AccessKeyId>"
        f"<SecretAccessKey>{escape(key.secret)}</SecretAccessKey>"
        f"<SessionToken>{escape(key.token)}</SessionToken>"
        f"<Expiration>{until:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"
        f"</{action}Result><ResponseMetadata><RequestId>r</RequestId>"
        f"</ResponseMetadata></{action}Response>"
    )


def error(status, code, message):
    body = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<Error><Type>Sender</Type><Code>{code}</Code>"
        f"<Message>{escape(message)}</Message></Error></ErrorResponse>"
    )
    return Answer(status, body.encode(), XML)
