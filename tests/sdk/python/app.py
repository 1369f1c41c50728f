# SPDX-License-Identifier: Apache-2.0
"""A program traced with the X-Ray SDK for Python: one of most things that it
can send. The daemon's address comes from AWS_XRAY_DAEMON_ADDRESS."""

import sys

from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.models import http

SUBSEGMENTS_STREAMED = 60  # over 30, the SDK sends them one by one


def main(rounds):
    xray_recorder.configure(
        service="python-app", sampling=False, context_missing="LOG_ERROR"
    )
    for number in range(rounds):
        web_request(number)
    failing_job()
    many_steps()


def web_request(number):
    segment = xray_recorder.begin_segment("web")
    segment.put_http_meta(http.URL, f"http://example.test/items/{number}?ä=ö")
    segment.put_http_meta(http.STATUS, 200 + 100 * (number % 4))
    segment.put_annotation("number", number)
    segment.put_metadata(
        "text", 'quotes " \\ / <&> \u2028 \N{SNOWMAN} \x01\x7f'
    )
    with xray_recorder.in_subsegment("database", namespace="remote") as sub:
        sub.sql = {"sanitized_query": "SELECT 'a' FROM t WHERE x = ?"}
        sub.put_annotation("rows", 1.5e10)
    xray_recorder.end_segment()


def failing_job():
    xray_recorder.begin_segment("job")
    try:
        with xray_recorder.in_subsegment("step"):
            raise ValueError("it did not work: \u00e9")
    except ValueError:
        pass
    xray_recorder.end_segment()


def many_steps():
    xray_recorder.begin_segment("streaming")
    for number in range(SUBSEGMENTS_STREAMED):
        with xray_recorder.in_subsegment(f"step{number}"):
            pass
    xray_recorder.end_segment()


if __name__ == "__main__":
    main(int(sys.argv[1]))
