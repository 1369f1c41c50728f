# SPDX-License-Identifier: Apache-2.0
"""Signs generated requests with our signer and with botocore's.

The signer under test is a small C program (XR_SIGN) that reads a request a
line. SEED and ROUNDS choose other or more requests.
"""
import datetime
import json
import os
import random
import subprocess
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ROUNDS = int(os.environ.get("ROUNDS", "6000"))
SEED = int(os.environ.get("SEED", "20240501"))

REGIONS = ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1",
           "us-iso-east-1", "eusc-de-east-1", "ap-southeast-4", "x"]
SERVICES = ["xray", "sts", "execute-api", "logs"]
HEADER_NAMES = ["Content-Type", "X-Amzn-Xray-Timestamp", "amz-sdk-request",
                "Accept-Encoding", "x-a", "X-A-b", "X-A", "x_a", "Cookie",
                "X-Amz-Meta-" + "n" * 40, "content-length", "Zz"]
ODD = "az09AZ -._~!$&'()*+,;=:@/%\"<>\\^`{|}[]äß€日🜚"


def text(rng, alphabet, least, most):
    return "".join(rng.choice(alphabet)
                   for _ in range(rng.randint(least, most)))


def path(rng):
    """A path as it stands on the request line, encoded or not."""
    out = ""
    for _ in range(rng.randint(0, 5)):
        kind = rng.random()
        if kind < 0.15:
            part = rng.choice(["", ".", "..", "...", ".a", "a."])
        elif kind < 0.6:
            part = quote(text(rng, ODD, 0, 8), safe="")
        else:
            part = text(rng, ODD.replace("/", ""), 0, 8)
        out += "/" + part
    if rng.random() < 0.3:
        out += "/"
    return out or rng.choice(["/", ""])


def value(rng):
    blank = rng.choice(["", " ", "  ", "\t ", "   "])
    words = [text(rng, ODD, 0, 12) for _ in range(rng.randint(0, 4))]
    return blank + rng.choice([" ", "  ", " \t"]).join(words) + blank


def odd_encoding(rng, s):
    """One of the ways in which the same parameter text can be sent."""
    out = ""
    for byte in s.encode():
        c = chr(byte)
        plain = c.isascii() and (c.isalnum() or c in "-._~!$'()*,:@/\"")
        if c == " " and rng.random() < 0.5:
            out += "+"
        elif plain and rng.random() < 0.8:
            out += c
        else:
            out += rng.choice(["%%%02X", "%%%02x"]) % byte
    return out


def query(rng):
    """What is sent, and the parameters it means."""
    pairs = [(text(rng, ODD, 1, 6), text(rng, ODD, 0, 8))
             for _ in range(rng.choice([0, 0, 0, 1, 2, 3, 6]))]
    if pairs and rng.random() < 0.3:
        pairs += [(pairs[0][0], text(rng, ODD, 0, 3)),
                  (pairs[0][0] + "-x", "")]
    rng.shuffle(pairs)
    if rng.random() < 0.5:
        def encode(s):
            return quote(s, safe="-_.~")
    else:
        def encode(s):
            return odd_encoding(rng, s)
    sent = "&".join(encode(k) + ("=" + encode(v) if v or rng.random() < 0.5
                                 else "") for k, v in pairs)
    return sent, pairs


def request(rng):
    when = rng.randint(0, 4_000_000_000)
    date = datetime.datetime.fromtimestamp(when, datetime.timezone.utc)
    headers = [["Host", rng.choice(["xray.us-east-1.amazonaws.com",
                                    "127.0.0.1:2000", "[::1]:9"])],
               ["X-Amz-Date", date.strftime("%Y%m%dT%H%M%SZ")]]
    if rng.random() < 0.5:
        headers.append(["X-Amz-Security-Token",
                        text(rng, "abcXYZ019+/=", 1, 900)])
    for _ in range(rng.randint(0, 6)):
        name = rng.choice(HEADER_NAMES)
        name = rng.choice([name, name.lower(), name.upper()])
        headers.append([name, value(rng)])
    rng.shuffle(headers)
    sent, params = query(rng)
    return {
        "method": rng.choice(["GET", "POST", "PUT", "DELETE"]),
        "path": path(rng), "query": sent, "params": params,
        "headers": headers, "body": text(rng, ODD, 0, 60),
        "epoch": when, "date": date.strftime("%Y%m%dT%H%M%SZ"),
        "region": rng.choice(REGIONS), "service": rng.choice(SERVICES),
        "access_key_id": text(rng, "AKIDX0123", 4, 20),
        # Few secrets, so that remembered signing keys are met again.
        "secret_access_key": rng.choice(["s", "wJalrXUtnFEMI/K7MDENG+b=",
                                         "x" * 255, "y" * 256, "é" * 30]),
    }


def by_botocore(r):
    req = AWSRequest(method=r["method"], url="https://h" + r["path"],
                     data=r["body"].encode(), params=r["params"])
    for name, v in r["headers"]:
        req.headers[name] = v
    req.context["timestamp"] = r["date"]
    auth = SigV4Auth(Credentials(r["access_key_id"], r["secret_access_key"]),
                     r["service"], r["region"])
    canonical = auth.canonical_request(req)
    signature = auth.signature(auth.string_to_sign(req, canonical), req)
    names = auth.signed_headers(auth.headers_to_sign(req))
    return canonical, (f"AWS4-HMAC-SHA256 Credential={auth.scope(req)}, "
                       f"SignedHeaders={names}, Signature={signature}")


def by_us(requests):
    lines = "".join(json.dumps(r) + "\n" for r in requests)
    done = subprocess.run([os.environ["XR_SIGN"]], input=lines.encode(),
                          stdout=subprocess.PIPE, check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_same_signature_as_botocore():
    rng = random.Random(SEED)
    requests = [request(rng) for _ in range(ROUNDS)]
    answers = by_us(requests)
    assert len(answers) == ROUNDS
    for r, a in zip(requests, answers):
        canonical, authorization = by_botocore(r)
        assert not a["failed"], r
        assert a["canonical"] == canonical, r
        assert a["authorization"] == authorization, r


@pytest.mark.parametrize("sent", ["a=1&b=2", "b=x%20y&b=2&a=1", "z=%2F&a=~"])
def test_query_already_encoded_is_signed_as_its_url(sent):
    """The other of botocore's two readings: the query inside of the URL."""
    rng = random.Random(1)
    r = request(rng) | {"query": sent, "path": "/p"}
    req = AWSRequest(method="GET", url="https://h/p?" + sent)
    auth = SigV4Auth(Credentials("a", "b"), "xray", "us-east-1")
    req.context["timestamp"] = r["date"]
    want = auth.canonical_request(req).split("\n")[2]
    assert by_us([r])[0]["canonical"].split("\n")[2] == want
