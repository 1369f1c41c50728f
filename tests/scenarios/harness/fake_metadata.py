# SPDX-License-Identifier: Apache-2.0
"""Fake credential and metadata endpoints of EC2 (IMDSv2 and v1) and of
containers (ECS, EKS Pod Identity)."""

import datetime
import json

from harness.keys import Keyring
from harness.server import Answer, Server

TEXT = {"Content-Type": "text/plain"}
IDENTITY = {
    "accountId": "123456789012",
    "availabilityZone": "us-east-1c",
    "imageId": "ami-0123456789abcdef0",
    "instanceId": "i-0123456789abcdef0",
    "instanceType": "t4g.small",
}


def when(seconds_since_epoch):
    time = datetime.datetime.fromtimestamp(
        seconds_since_epoch, datetime.timezone.utc
    )
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


class FakeIMDS(Server):
    def __init__(self, keyring=None, region="us-east-1", **server):
        self.keyring = keyring or Keyring()
        self.region = region
        self.role = "instance-role"
        self.seconds = 3600
        self.require_token = True
        self.tokens_hang = False  # a hop limit of 1 loses the token's answer
        self.issued = []
        super().__init__(**server)

    def answer(self, request):
        if request.path == "/latest/api/token":
            return self._token(request)
        token = request.header("x-aws-ec2-metadata-token")
        if self.require_token and token != "imds-token":
            return Answer(401, b"", TEXT)
        return self._metadata(request.path)

    def _token(self, request):
        if self.tokens_hang:
            return Answer(reset=True, delay=10)
        if request.method != "PUT":
            return Answer(405, b"", TEXT)
        ttl = request.header("x-aws-ec2-metadata-token-ttl-seconds")
        if not ttl.isdigit():
            return Answer(400, b"", TEXT)
        headers = {"x-aws-ec2-metadata-token-ttl-seconds": ttl, **TEXT}
        return Answer(200, b"imds-token", headers)

    def _metadata(self, path):
        base = "/latest/meta-data"
        security = base + "/iam/security-credentials/"
        if path == security:
            return Answer(200, self.role.encode(), TEXT)
        if path == security + self.role:
            return self._credentials()
        texts = {
            base + "/hostname": "host.example",
            base + "/instance-id": IDENTITY["instanceId"],
            base + "/placement/region": self.region,
        }
        if path in texts:
            return Answer(200, texts[path].encode(), TEXT)
        if path == "/latest/dynamic/instance-identity/document":
            return Answer.of({**IDENTITY, "region": self.region})
        return Answer(404, b"", TEXT)

    def _credentials(self):
        key = self.keyring.issue(self.seconds, "ASIAIMDS")
        self.issued.append(key)
        return Answer.of(
            {
                "Code": "Success",
                "Type": "AWS-HMAC",
                "AccessKeyId": key.id,
                "SecretAccessKey": key.secret,
                "Token": key.token,
                "LastUpdated": when(key.expires - self.seconds),
                "Expiration": when(key.expires),
            }
        )


class FakeContainer(Server):
    """Credentials of a task or pod, at any path; `authorization` is the token
    that it wants, None for none."""

    def __init__(self, keyring=None, authorization=None, **server):
        self.keyring = keyring or Keyring()
        self.authorization = authorization
        self.seconds = 3600
        self.issued = []
        super().__init__(**server)

    def answer(self, request):
        wanted = self.authorization
        if wanted is not None and request.header("authorization") != wanted:
            return Answer(401, json.dumps({"message": "no"}).encode())
        key = self.keyring.issue(self.seconds, "ASIATASK")
        self.issued.append(key)
        return Answer.of(
            {
                "AccessKeyId": key.id,
                "SecretAccessKey": key.secret,
                "Token": key.token,
                "RoleArn": "arn:aws:iam::123456789012:role/task",
                "Expiration": when(key.expires),
            }
        )


class FakeTask(Server):
    """ECS task metadata, version 4: a relay beside an application."""

    arn = "arn:aws:ecs:us-east-1:123456789012:"

    def __init__(self, **server):
        self.launch_type = "FARGATE"
        super().__init__(**server)

    @property
    def uri(self):
        return f"{self.url}/v4/0123456789abcdef-1"

    def answer(self, request):
        if request.path != "/v4/0123456789abcdef-1/task":
            return Answer(404, b"", TEXT)
        return Answer.of(
            {
                "Cluster": "shop",
                "TaskARN": self.arn + "task/shop/0123456789abcdef",
                "Family": "checkout",
                "Revision": "7",
                "LaunchType": self.launch_type,
                "AvailabilityZone": "us-east-1b",
                "Containers": [
                    {"Name": "xray-relay", "Type": "NORMAL"},
                    {"Name": "checkout", "Type": "NORMAL"},
                ],
            }
        )
