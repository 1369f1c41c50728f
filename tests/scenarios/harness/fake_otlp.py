# SPDX-License-Identifier: Apache-2.0
"""A fake backend that takes OTLP over HTTP: reads each request with the
official library, keeps the spans, checks signatures where it shall, and fails
in the ways that a scenario asks for."""

import base64
import gzip
import re
import zlib

from google.protobuf.json_format import Parse
from harness import signature
from harness.otlp import JSON, PROTOBUF, Request, Response
from harness.server import Answer, Server

IDS = re.compile(r'("(?:traceId|spanId|parentSpanId)": ?")([0-9a-fA-F]*)"')
UNPACK = {"": bytes, "gzip": gzip.decompress, "deflate": zlib.decompress}


class FakeOTLP(Server):
    def __init__(self, **server):
        self.exports = []  # requests that were taken, decoded
        self.bodies = []  # and unpacked
        # Hooks of a scenario: on_export(request, export) -> Answer or None;
        # keyring, region and service: signatures are wanted.
        self.on_export = lambda *_: None
        self.keyring, self.region, self.service = None, "us-east-1", "xray"
        self.bad_signatures = []
        super().__init__(**server)

    def spans(self):
        return [
            span
            for export in self.exports
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def names(self):
        return [span.name for span in self.spans()]

    def ids(self):
        return [span.span_id for span in self.spans()]

    def attributes(self):
        """Of resource and span, one dictionary a span."""
        return [
            {a.key: text_of(a.value) for a in [*resource, *span.attributes]}
            for export in self.exports
            for spans in export.resource_spans
            for resource in [spans.resource.attributes]
            for scope in spans.scope_spans
            for span in scope.spans
        ]

    def answer(self, request):
        refusal = self.keyring and self._authorize(request)
        if refusal:
            return refusal
        body = UNPACK[request.header("content-encoding")](request.body)
        try:
            export = decode(request.header("content-type"), body)
        except Exception as wrong:
            return Answer(400, str(wrong).encode())
        given = self.on_export(request, export)
        if given and given.status != 200:
            return given
        self.exports.append(export)
        self.bodies.append(body)
        return given or Answer(
            200,
            Response().SerializeToString(),
            {"Content-Type": PROTOBUF},
        )

    def _authorize(self, request):
        try:
            parts = signature.parse(request)
            key = self.keyring.keys.get(parts["id"])
            if key is None:
                return Answer.error(403, "UnrecognizedClientException")
            signature.check(request, key, self.region, self.service)
        except signature.BadSignature as bad:
            self.bad_signatures.append(str(bad))
            return Answer.error(403, "InvalidSignatureException", str(bad))
        skew = signature.skew(request, self.clock_offset)
        if skew:
            return Answer.error(403, "InvalidSignatureException", skew)
        if key.expired():
            return Answer.error(403, "ExpiredTokenException")
        return None


def decode(content_type, body):
    if content_type == JSON:
        text = IDS.sub(hex_to_base64, body.decode())
        return Parse(text, Request(), ignore_unknown_fields=True)
    assert content_type == PROTOBUF, content_type
    return Request.FromString(body)


def hex_to_base64(match):
    """JSON of protobuf has base64 where OTLP's has hex."""
    text = base64.b64encode(bytes.fromhex(match[2])).decode()
    return match[1] + text + '"'


def partial(rejected, message=""):
    """An answer that takes a request but for so many spans."""
    response = Response()
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = message
    return Answer(
        200, response.SerializeToString(), {"Content-Type": PROTOBUF}
    )


def text_of(value):
    return getattr(value, value.WhichOneof("value") or "string_value")
