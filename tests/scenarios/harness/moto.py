# SPDX-License-Identifier: Apache-2.0
"""moto's server. What it holds is the process's: emptied at the start, so that
no test meets what another one left."""

import urllib.request

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer


class Moto:
    def __init__(self):
        self.server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self.server.start()
        self.url = "http://{}:{}".format(*self.server.get_host_and_port())
        reset = urllib.request.Request(
            f"{self.url}/moto-api/reset", method="POST"
        )
        with urllib.request.urlopen(reset, timeout=20) as answer:
            assert answer.status == 200

    def client(self, service):
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(proxies={}),
        )

    def stop(self):
        self.server.stop()
