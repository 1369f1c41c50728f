# SPDX-License-Identifier: Apache-2.0
"""The remote sampler of the AWS distro of OpenTelemetry: decides again and
again until stdin closes, and prints a line for each decision."""

import os
import re
import sys
import threading
import time

from amazon.opentelemetry.distro.sampler.aws_xray_remote_sampler import (
    AwsXRayRemoteSampler,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanKind


def main():
    address = os.environ["AWS_XRAY_DAEMON_ADDRESS"]
    endpoint = "http://" + re.search(r"tcp:(\S+)", address).group(1)
    sampler = AwsXRayRemoteSampler(
        resource=Resource.create({"service.name": "otel-python"}),
        endpoint=endpoint,
        polling_interval=10,
    )
    ended = threading.Event()
    threading.Thread(
        target=lambda: (sys.stdin.read(), ended.set()), daemon=True
    ).start()
    n = 0
    while not ended.is_set():
        n += 1
        result = sampler.should_sample(
            None,
            (n * 0x9E3779B97F4A7C15) % (1 << 128),
            "GET /",
            kind=SpanKind.SERVER,
            attributes={"url.path": "/", "http.request.method": "GET"},
        )
        yes = result.decision.is_sampled()
        print("sampled" if yes else "served", flush=True)
        time.sleep(0.05)


if __name__ == "__main__":
    main()
