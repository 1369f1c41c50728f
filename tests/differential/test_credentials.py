# SPDX-License-Identifier: Apache-2.0
"""Our credentials chain and botocore's, in the same place.

A small server plays IMDS, the container endpoint, STS and the SSO portal. Each
case sets the scene, asks both, and both must come back with the same keys. The
server checks what STS is sent with botocore's own signer.
"""
import datetime
import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.parse

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

# Keys that the server knows, by access key id.
SECRETS = {"AKBASE": "base/secret+1", "AKENV": "env-secret",
           "AKIMDS": "imds-secret", "AKECS": "ecs-secret"}


STS_ANSWER = """<{action}Response
  xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <{action}Result>
    <Credentials>
      <AccessKeyId>{who}</AccessKeyId>
      <SecretAccessKey>secret&lt;of&gt;{name}</SecretAccessKey>
      <SessionToken>tok-{who}</SessionToken>
      <Expiration>{end}</Expiration>
    </Credentials>
  </{action}Result>
</{action}Response>"""


def later(seconds=3600):
    when = datetime.datetime.now(datetime.timezone.utc)
    when += datetime.timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


class Cloud(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json"):
        body = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def keys(self, who):
        self.answer(200, json.dumps({
            "Code": "Success", "AccessKeyId": who, "Token": "tok-" + who,
            "SecretAccessKey": SECRETS[who], "Expiration": later()}))

    def do_PUT(self):
        self.server.seen.append("PUT " + self.path)
        if self.server.v1_only:
            self.answer(403, "")
        else:
            self.answer(200, "imds-token", "text/plain")

    def do_GET(self):
        self.server.seen.append("GET " + self.path)
        base = "/latest/meta-data/iam/security-credentials/"
        token = self.headers.get("X-aws-ec2-metadata-token")
        if self.path.startswith("/latest/"):
            want = None if self.server.v1_only else "imds-token"
            if token != want:
                self.answer(401, "")
            elif self.path == base:
                self.answer(200, "role-of-this-box", "text/plain")
            elif self.path == base + "role-of-this-box":
                self.keys("AKIMDS")
            else:
                self.answer(404, "")
        elif self.path == "/ecs":
            if self.headers.get("Authorization") == self.server.bearer:
                self.keys("AKECS")
            else:
                self.answer(403, '{"code":"Denied","message":"bad token"}')
        elif self.path.startswith("/federation/credentials?"):
            self.sso()
        else:
            self.answer(404, "")

    def sso(self):
        q = urllib.parse.parse_qs(self.path.split("?")[1])
        if self.headers.get("x-amz-sso_bearer_token") != "sso-token":
            self.answer(401, "{}")
            return
        self.answer(200, json.dumps({"roleCredentials": {
            "accessKeyId": "AKSSO", "secretAccessKey": "s",
            "sessionToken": q["account_id"][0] + q["role_name"][0],
            "expiration": 1000 * int(datetime.datetime.now().timestamp())
            + 3600000}}))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = {k: v[0] for k, v in
                urllib.parse.parse_qs(body.decode()).items()}
        self.server.seen.append("POST " + form["Action"])
        self.server.forms.append(form)
        fault = self.signature_fault(body, form)
        if fault:
            self.answer(403, "<ErrorResponse><Error><Code>SignatureDoesNot"
                        f"Match</Code><Message>{fault}</Message></Error>"
                        "</ErrorResponse>", "text/xml")
            return
        name = form["RoleArn"].rsplit("/", 1)[-1]
        who = f"AK{form['Action'][10:]}{name}"
        SECRETS[who] = "secret<of>" + name
        self.answer(200, STS_ANSWER.format(
            action=form["Action"], who=who, name=name, end=later(900)),
                    "text/xml")

    def signature_fault(self, body, form):
        if form["Action"] == "AssumeRoleWithWebIdentity":
            good = form["WebIdentityToken"] == "ey.web/+="
            return None if good else "bad web identity token"
        given = self.headers["Authorization"]
        parts = dict(p.strip().split("=", 1)
                     for p in given.split(" ", 1)[1].split(","))
        who, _, region, service, _ = parts["Credential"].split("/")
        token = self.headers.get("X-Amz-Security-Token")
        if who not in SECRETS:
            return "no such key"
        if who not in ("AKBASE", "AKENV") and token != "tok-" + who:
            return "bad session token"
        req = AWSRequest(method="POST", data=body,
                         url="http://" + self.headers["Host"] + self.path)
        for name in parts["SignedHeaders"].split(";"):
            req.headers[name] = self.headers[name]
        req.context["timestamp"] = self.headers["X-Amz-Date"]
        auth = SigV4Auth(Credentials(who, SECRETS[who]), service, region)
        want = auth.signature(
            auth.string_to_sign(req, auth.canonical_request(req)), req)
        return None if want == parts["Signature"] else "signature"


@pytest.fixture
def cloud():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Cloud)
    server.seen, server.forms = [], []
    server.v1_only, server.bearer = False, None
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture
def scene(cloud, tmp_path, monkeypatch):
    """Nothing of AWS set but where the server is."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", cloud.url + "/")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", cloud.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", cloud.url)
    (tmp_path / ".aws").mkdir()
    return monkeypatch


def ours(*args, **env):
    done = subprocess.run([os.environ["XR_CRED"], *args], timeout=60,
                          stdout=subprocess.PIPE, check=True,
                          env={**os.environ, **env})
    return json.loads(done.stdout)


BOTOCORE = """
import botocore.session, json
found = botocore.session.Session().get_credentials().get_frozen_credentials()
print(json.dumps([found.access_key, found.secret_key, found.token or ""]))
"""


def botocores():
    """In a process of its own: it remembers the home it was loaded in."""
    done = subprocess.run([sys.executable, "-c", BOTOCORE], timeout=60,
                          stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def same(want_id):
    got = ours()
    assert got.get("id") == want_id, got
    assert [got["id"], got["secret"], got["token"]] == botocores()
    return got


def test_environment(scene):
    scene.setenv("AWS_ACCESS_KEY_ID", "AKENV")
    scene.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    scene.setenv("AWS_SESSION_TOKEN", "t")
    same("AKENV")


def test_imds_v2(scene, cloud):
    got = same("AKIMDS")
    assert got["source"] == "imds"
    assert cloud.seen[0] == "PUT /latest/api/token"


def test_imds_v1(scene, cloud):
    cloud.v1_only = True
    same("AKIMDS")


def test_container_with_token_file(scene, cloud, tmp_path):
    (tmp_path / "token").write_text("pod token")
    cloud.bearer = "pod token"
    scene.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", cloud.url + "/ecs")
    scene.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                 str(tmp_path / "token"))
    same("AKECS")


def test_container_refusal_is_told(scene, cloud):
    cloud.bearer = "right"
    scene.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", cloud.url + "/ecs")
    scene.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "wrong")
    assert "answered 403 (Denied: bad token)" in ours()["why"]


def test_link_local_never_goes_through_a_proxy(scene, cloud):
    scene.setenv("http_proxy", "http://127.0.0.1:9")
    scene.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert ours()["id"] == "AKIMDS"


def test_web_identity(scene, tmp_path):
    (tmp_path / "jwt").write_text("ey.web/+=")
    scene.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "jwt"))
    scene.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/Pod")
    scene.setenv("AWS_ROLE_SESSION_NAME", "session@1")
    same("AKWithWebIdentityPod")


@pytest.mark.parametrize("region", ["eu-west-1", None])
def test_role_on_top(scene, cloud, region):
    env = {"REGION": region} if region else {}
    got = ours("arn:aws:iam::123456789012:role/Top", **env)
    assert got["id"] == "AKTop", got
    assert got["source"].startswith("imds > arn:")
    assert cloud.forms[-1]["RoleSessionName"] == "xray-daemon"
    assert cloud.forms[-1]["DurationSeconds"] == "900"


def test_signature_fault_is_told(scene):
    scene.setenv("AWS_ACCESS_KEY_ID", "AKENV")
    scene.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    why = ours("arn:aws:iam::123456789012:role/Top")["why"]
    assert "answered 403 (SignatureDoesNotMatch: signature)" in why


CONFIG = """
[default]
region = us-east-1

[profile role]
role_arn = arn:aws:iam::123456789012:role/One
source_profile = base

[profile role-on-role]
role_arn = arn:aws:iam::123456789012:role/Two
source_profile = role
external_id = e x/t
role_session_name = me@here

[profile role-on-imds]
role_arn = arn:aws:iam::123456789012:role/Box
credential_source = Ec2InstanceMetadata

[profile role-on-container]
role_arn = arn:aws:iam::123456789012:role/Task
credential_source = EcsContainer

[profile role-on-itself]
role_arn = arn:aws:iam::123456789012:role/Self
source_profile = role-on-itself
aws_access_key_id = AKBASE
aws_secret_access_key = base/secret+1

[profile web]
role_arn = arn:aws:iam::123456789012:role/Web
role_session_name = web
web_identity_token_file = %(home)s/jwt

[profile process]
credential_process = echo '%(process)s'

[profile "two words"]
aws_access_key_id = AKWORDS
aws_secret_access_key = w

[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Reader

[sso-session corp]
sso_start_url = https://corp.example/start
sso_region = eu-west-1
sso_registration_scopes = sso:account:access

[profile sso-old]
sso_start_url = https://corp.example/start
sso_region = eu-west-1
sso_account_id = 123456789012
sso_role_name = Writer

[profile nested]
s3 =
  aws_access_key_id = AKNO
aws_access_key_id = AKNEST
aws_secret_access_key = n
"""
CREDENTIALS = """
[base]
aws_access_key_id=AKBASE
aws_secret_access_key=base/secret+1

[both]
aws_access_key_id = AKCRED
aws_secret_access_key = c
aws_session_token = ct
"""


@pytest.mark.parametrize("profile, want", [
    ("base", "AKBASE"), ("both", "AKCRED"), ("role", "AKOne"),
    ("role-on-role", "AKTwo"), ("role-on-imds", "AKBox"),
    ("role-on-container", "AKTask"),
    ("role-on-itself", "AKSelf"), ("web", "AKWithWebIdentityWeb"),
    ("process", "AKPROC"), ("two words", "AKWORDS"), ("sso", "AKSSO"),
    ("sso-old", "AKSSO"), ("nested", "AKNEST")])
def test_profile(scene, cloud, tmp_path, profile, want):
    process = json.dumps({"Version": 1, "AccessKeyId": "AKPROC",
                          "SecretAccessKey": "p", "SessionToken": "pt",
                          "Expiration": later()})
    aws = tmp_path / ".aws"
    (aws / "config").write_text(CONFIG % {"home": tmp_path,
                                          "process": process})
    (aws / "credentials").write_text(CREDENTIALS)
    (tmp_path / "jwt").write_text("ey.web/+=")
    cache = aws / "sso" / "cache"
    cache.mkdir(parents=True)
    for key in ("corp", "https://corp.example/start"):
        name = hashlib.sha1(key.encode()).hexdigest()
        (cache / f"{name}.json").write_text(json.dumps({
            "startUrl": "https://corp.example/start", "region": "eu-west-1",
            "accessToken": "sso-token", "expiresAt": later()}))
    cloud.bearer = "b"
    scene.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", cloud.url + "/ecs")
    scene.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "b")
    scene.setenv("AWS_PROFILE", profile)
    got = same(want)
    assert f"profile {profile}" in got["source"]
    if profile == "role-on-role":
        assert cloud.forms[1]["ExternalId"] == "e x/t"
        assert cloud.forms[1]["RoleSessionName"] == "me@here"


def test_missing_profile(scene):
    scene.setenv("AWS_PROFILE", "nope")
    assert "there is no profile nope" in ours()["why"]
