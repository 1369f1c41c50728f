# SPDX-License-Identifier: Apache-2.0
"""A fake X-Ray: stores segment documents, answers the sampling calls, checks
every signature, and fails in the ways that a scenario asks for."""

import json
import re
from collections import Counter

from harness import signature
from harness.keys import Keyring
from harness.server import Answer, Server

DOCUMENT_MAX = 64 << 10
BATCH_MAX = 50
NAME = re.compile(r"[\w\s.:/%&#=+\-@\\]{1,200}", re.UNICODE)
TRACE_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
SEGMENT_ID = re.compile(r"[0-9a-f]{16}")

DEFAULT_RULE = {
    "RuleName": "Default",
    "RuleARN": "arn:aws:xray:us-east-1:123456789012:sampling-rule/Default",
    "ResourceARN": "*",
    "Priority": 10000,
    "FixedRate": 1.0,
    "ReservoirSize": 1,
    "ServiceName": "*",
    "ServiceType": "*",
    "Host": "*",
    "HTTPMethod": "*",
    "URLPath": "*",
    "Version": 1,
    "Attributes": {},
}
RULES = {
    "SamplingRuleRecords": [
        {"SamplingRule": DEFAULT_RULE, "CreatedAt": 0, "ModifiedAt": 0}
    ]
}
TARGETS = {
    "LastRuleModification": 0,
    "SamplingTargetDocuments": [
        {
            "RuleName": "Default",
            "FixedRate": 1.0,
            "Interval": 10,
            "ReservoirQuota": 5,
            "ReservoirQuotaTTL": 2000000000,
        }
    ],
    "UnprocessedStatistics": [],
}


class FakeXRay(Server):
    def __init__(self, keyring=None, region="us-east-1", **server):
        self.keyring = keyring or Keyring()
        self.region = region
        self.documents = []  # stored, in order of arrival
        self.unprocessed = []  # (document, code) told to the sender
        self.telemetry = []
        self.bad_signatures = []
        self.enforce_limits = True
        # Hooks of a scenario: on_put(request, documents) -> Answer or None;
        # refuse(document) -> error code or None; on_call(request) the same as
        # on_put for all other operations.
        self.on_put = self.on_call = self.refuse = lambda *_: None
        self.id_in_unprocessed = True
        super().__init__(**server)

    # What a scenario asks afterwards.

    def puts(self):
        return [r for r in self.requests if r.path.endswith("/TraceSegments")]

    def calls(self, operation):
        return [r for r in self.requests if r.path.endswith("/" + operation)]

    def ids(self):
        """How often each segment id was stored."""
        return Counter(json.loads(d)["id"] for d in self.documents)

    def allow(self, key):
        return self.keyring.add(key)

    # Answering.

    def accepts_script(self, request):
        return request.path.endswith("/TraceSegments")

    def scripted_given(self, request, answer):
        """A scripted 200 without a word of its own stores the documents."""
        if request.path.endswith("/TraceSegments") and answer.status == 200:
            if not answer.half and b"Unprocessed" not in answer.body:
                self.documents += request.json()["TraceSegmentDocuments"]

    def answer(self, request):
        refusal = self._authorize(request)
        if refusal:
            return refusal
        operation = request.path.rpartition("/")[2]
        if operation == "TraceSegments":
            return self._put(request)
        given = self.on_call(request)
        if given:
            return given
        if operation == "TelemetryRecords":
            self.telemetry.append(request.json())
            return Answer.of({})
        if operation == "GetSamplingRules":
            return Answer.of(RULES)
        if operation == "SamplingTargets":
            return Answer.of(TARGETS)
        if operation == "SamplingStatisticSummaries":
            return Answer.of({"SamplingStatisticSummaries": []})
        return Answer.error(404, "UnknownOperationException")

    def _authorize(self, request):
        try:
            parts = signature.parse(request)
            key = self.keyring.keys.get(parts["id"])
            if key is None:
                return Answer.error(
                    403,
                    "UnrecognizedClientException",
                    "The security token included in the request is invalid.",
                )
            signature.check(request, key, self.region, "xray")
        except signature.BadSignature as bad:
            if request.method == "POST":  # not for a look at whether it is up
                self.bad_signatures.append((request.target, str(bad)))
            return Answer.error(403, "InvalidSignatureException", str(bad))
        skew = signature.skew(request, self.clock_offset)
        if skew:
            return Answer.error(403, "InvalidSignatureException", skew)
        if key.expired():
            return Answer.error(
                403,
                "ExpiredTokenException",
                "The security token included in the request is expired",
            )
        return None

    def _put(self, request):
        try:
            documents = json.loads(request.body)["TraceSegmentDocuments"]
            assert all(isinstance(d, str) for d in documents)
        except (ValueError, KeyError, TypeError, AssertionError):
            return Answer.error(400, "InvalidRequestException", "not a batch")
        given = self.on_put(request, documents)
        if given:
            return given
        if len(documents) > BATCH_MAX:
            return Answer.error(400, "InvalidRequestException", "over 50")
        refused = [e for e in map(self._store, documents) if e]
        return Answer.of({"UnprocessedTraceSegments": refused})

    def _store(self, document):
        code = self.refuse(document)
        if not code and self.enforce_limits:
            code = broken_limit(document)
        if not code:
            self.documents.append(document)
            return None
        self.unprocessed.append((document, code))
        entry = {"ErrorCode": code, "Message": "because of " + code}
        if self.id_in_unprocessed and code != "JSONFormatError":
            entry["Id"] = json.loads(document).get("id")
        return entry


def broken_limit(document):
    """The error code for a document outside of X-Ray's documented limits."""
    if len(document.encode()) > DOCUMENT_MAX:
        return "SegmentTooLarge"
    try:
        value = json.loads(document)
    except ValueError:
        return "JSONFormatError"
    if not isinstance(value, dict):
        return "JSONFormatError"
    wanted = ["id", "name", "start_time", "trace_id"]
    if value.get("in_progress") is not True:
        wanted.append("end_time")
    for member in wanted:
        if member not in value:
            return "MissingParameter"
    if not NAME.fullmatch(str(value["name"])):
        return "InvalidName"
    if not TRACE_ID.fullmatch(str(value["trace_id"])):
        return "InvalidTraceId"
    if not SEGMENT_ID.fullmatch(str(value["id"])):
        return "InvalidSegmentId"
    return None
