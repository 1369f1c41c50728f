# SPDX-License-Identifier: Apache-2.0
"""A Flask service that knows nothing of tracing (opentelemetry-instrument is
put before its command): it asks a database and AWS, and fails when told to.
web.py AWS_URL prints its port and serves until stdin closes."""

import sqlite3
import sys
import threading

import boto3
from flask import Flask
from werkzeug.serving import make_server

app = Flask("web")
aws_url = sys.argv[1]


@app.route("/orders/<int:number>")
def order(number):
    with sqlite3.connect(":memory:") as database:
        cursor = database.cursor()
        cursor.execute("SELECT ? AS number", (number,))
    item = boto3.client("dynamodb", endpoint_url=aws_url).get_item(
        TableName="orders", Key={"number": {"N": str(number)}}
    )
    return {"found": "Item" in item}


@app.route("/fails")
def fails():
    try:
        {}["no such key"]
    except KeyError as error:
        raise RuntimeError("it did not work: \u00e9") from error


def main():
    server = make_server("127.0.0.1", 0, app)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
