# SPDX-License-Identifier: Apache-2.0
"""A Flask program with the SDK's sampling pollers on: it serves requests to
itself until told to end by a closed stdin, and prints a line for each that was
sampled."""

import sys
import threading
import time

from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.ext.flask.middleware import XRayMiddleware
from flask import Flask

app = Flask(__name__)

# Asks the middleware to say in its answer how it decided.
ASK = {"User-Agent": "scenario", "X-Amzn-Trace-Id": "Sampled=?"}


@app.route("/")
def hello():
    return "hello"


def main():
    xray_recorder.configure(service="flask-app", sampling=True)
    XRayMiddleware(app, xray_recorder)
    ended = threading.Event()
    threading.Thread(
        target=lambda: (sys.stdin.read(), ended.set()), daemon=True
    ).start()
    client = app.test_client()
    while not ended.is_set():
        answer = client.get("/", headers=ASK)
        assert answer.status_code == 200
        header = answer.headers.get("X-Amzn-Trace-Id", "")
        print("sampled" if "Sampled=1" in header else "served", flush=True)
        time.sleep(0.05)


if __name__ == "__main__":
    main()
