# SPDX-License-Identifier: Apache-2.0
"""OTLP passed on to another backend, beside X-Ray and in its place."""

import gzip
import subprocess

import pytest

from harness import certificate, otlp
from harness.fake_otlp import FakeOTLP, partial
from harness.relay import BINARY
from harness.server import Answer
from harness.waiting import until


@pytest.fixture
def backend():
    server = FakeOTLP()
    yield server
    server.stop()
    assert not server.bad_signatures


@pytest.fixture
def make_backend():
    made = []

    def make(**options):
        made.append(FakeOTLP(**options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def start(make_relay, xray, backend):
    """A relay with the collector's file."""

    def start_it(
        exporters=("otlphttp",),
        processors=(),
        options=None,
        more=None,
        per_exporter=None,
        **how,
    ):
        relay = make_relay(**how)
        http = f"127.0.0.1:{relay.otlp_http_port}"
        grpc = f"127.0.0.1:{relay.otlp_grpc_port}"
        protocols = {"http": {"endpoint": http}, "grpc": {"endpoint": grpc}}
        otlphttp = {"endpoint": backend.url, **(options or {})}
        relay.config = {
            "receivers": {"otlp": {"protocols": protocols}},
            "processors": dict(processors),
            "exporters": {
                "awsxray": {"endpoint": xray.url, "region": "us-east-1"},
                "otlphttp": otlphttp,
                "debug": None,
            },
            "service": {
                "pipelines": {
                    "traces": {
                        "receivers": ["otlp"],
                        "processors": list(dict(processors)),
                        "exporters": list(exporters),
                    }
                }
            },
            **(more or {}),
        }
        relay.config["exporters"].update(per_exporter or {})
        relay.config["exporters"] = {
            k: v
            for k, v in relay.config["exporters"].items()
            if k in exporters
        }
        return relay.start()

    return start_it


def wait_spans(backend, n):
    until(lambda: len(backend.spans()) >= n, 20, lambda: backend.names())


def sink(relay, name="otlphttp"):
    ledger = relay.ledger()
    ledger.check()
    return ledger.sinks[name]


def test_as_it_came(start, backend, xray):
    """In the place of X-Ray: the request's own bytes, packed with gzip."""
    relay = start()
    body = otlp.request(3).SerializeToString() + b"\xfa\x3f\x03new"
    assert otlp.post(relay.otlp_http_port, body).status == 200
    wait_spans(backend, 3)
    (request,) = backend.requests
    assert request.path == "/v1/traces"
    assert request.header("content-type") == otlp.PROTOBUF
    assert request.header("content-encoding") == "gzip"
    assert request.header("user-agent").startswith("xray-relay/")
    assert backend.bodies == [body]
    assert relay.stop() == 0
    assert sink(relay).delivered == 3
    assert relay.ledger().items.accepted == 3
    assert not xray.requests


def test_json_stays_json(start, backend):
    relay = start(options={"compression": "none"})
    body = otlp.to_json(otlp.request(2))
    how = {"Content-Type": otlp.JSON}
    assert otlp.post(relay.otlp_http_port, body, how).status == 200
    until(lambda: backend.requests)
    assert backend.requests[0].header("content-type") == otlp.JSON
    assert backend.requests[0].header("content-encoding") == ""
    assert backend.requests[0].body == body


def test_grpc_and_datagrams(start, backend):
    """Unpacked and without their frames."""
    relay = start(options={"compression": "none"})
    one, two = otlp.request(2, name="one"), otlp.request(1, name="two")
    with otlp.channel(relay.otlp_grpc_port) as channel:
        otlp.export(channel, one)
    wait_spans(backend, 2)
    assert backend.bodies == [one.SerializeToString()]
    relay.send_raw(otlp.datagram(two))
    wait_spans(backend, 3)
    assert backend.bodies[1:] == [two.SerializeToString()]


def test_beside_xray(start, backend, xray):
    relay = start(["awsxray", "otlphttp", "debug"])
    assert otlp.post(relay.otlp_http_port, otlp.request(5)).status == 200
    wait_spans(backend, 5)
    until(lambda: len(xray.documents) == 5)
    assert relay.stop() == 0
    assert sink(relay, "xray").delivered == 5
    assert sink(relay).delivered == 5
    assert sink(relay, "debug").delivered == 5


def test_503_then_200(start, backend):
    """Tried again after the time that the backend asks for."""
    answers = [Answer(503, b"", {"Retry-After": "1"}), Answer(429, b"")]
    backend.on_export = lambda *_: answers.pop(0) if answers else None
    relay = start()
    otlp.post(relay.otlp_http_port, otlp.request(4))
    wait_spans(backend, 4)
    first, second, _ = backend.requests
    assert second.at - first.at >= 0.9
    assert len(backend.spans()) == 4
    relay.wait_log("HTTP status 503")


def test_headers(start, backend):
    relay = start(
        options={
            "headers": {
                "Authorization": "Bearer ${env:TOKEN}",
                "x-team": "${env:NONE:-blue}",
                "Content-Type": "text/plain",
                "User-Agent": "mine",
            }
        },
        env={"TOKEN": "s3cret-word"},
    )
    otlp.post(relay.otlp_http_port, otlp.request(1))
    wait_spans(backend, 1)
    (request,) = backend.requests
    assert request.header("authorization") == "Bearer s3cret-word"
    assert request.header("x-team") == "blue"
    assert request.header("content-type") == otlp.PROTOBUF
    assert request.header("user-agent") == "mine"
    relay.stop()
    assert "s3cret-word" not in relay.log() + relay.errors()


PROCESSORS = {
    "resource": {
        "attributes": [
            {"key": "team", "value": "blue", "action": "upsert"},
            {"key": "service.name", "action": "delete"},
        ]
    },
    "attributes": {
        "actions": [{"key": "pad", "value": 7, "action": "update"}]
    },
}


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_processors_act(start, backend, encoding):
    relay = start(processors=PROCESSORS)
    sent = otlp.request(2, pad=3)
    if encoding == "json":
        body, how = otlp.to_json(sent), {"Content-Type": otlp.JSON}
    else:
        body, how = sent, {}
    assert otlp.post(relay.otlp_http_port, body, how).status == 200
    wait_spans(backend, 2)
    assert backend.attributes() == [{"team": "blue", "pad": 7}] * 2
    spans = sent.resource_spans[0].scope_spans[0].spans
    for was, now in zip(spans, backend.spans()):
        was.attributes[0].value.int_value = 7
        assert was == now


def test_sampler_acts(start, backend):
    sampler = {"probabilistic_sampler": {"sampling_percentage": 50}}
    relay = start(["otlphttp", "awsxray"], sampler)
    otlp.post(relay.otlp_http_port, otlp.request(400))
    until(backend.spans)
    relay.stop()
    got = sink(relay)
    assert 100 < got.delivered < 300
    assert got.made == got.delivered == len(backend.spans())
    assert sink(relay, "xray").delivered == got.delivered


def test_spans_without_ids_stay_behind(start, backend):
    relay = start()
    sent = otlp.request(3)
    sent.resource_spans[0].scope_spans[0].spans[1].span_id = b""
    answer = otlp.post(relay.otlp_http_port, sent)
    response = otlp.Response.FromString(answer.body)
    assert response.partial_success.rejected_spans == 1
    wait_spans(backend, 2)
    relay.stop()
    assert len(backend.spans()) == 2
    assert relay.ledger().items.rejected == 1


def test_400_is_counted(start, backend):
    """And not tried again."""
    backend.on_export = lambda *_: Answer(400, b"spans are not liked")
    relay = start()
    otlp.post(relay.otlp_http_port, otlp.request(3))
    relay.wait_log("spans are not liked")
    relay.stop()
    assert len(backend.requests) == 1
    assert sink(relay).refused == 3


def test_one_bad_request_of_many(start, backend):
    """What waits together goes as one request; if that is refused, the one at
    fault is found."""

    def refuse(_, export):
        names = [s.name for s in spans_of(export)]
        return Answer(400, b"bad") if "bad" in names else None

    backend.on_export = refuse
    batch = {"batch": {"timeout": "500ms"}}
    relay = start(processors=batch)
    for name in ["a", "b", "bad", "c"]:
        otlp.post(relay.otlp_http_port, otlp.request(1, name=name))
    wait_spans(backend, 3)
    relay.stop()
    assert sorted(backend.names()) == ["a", "b", "c"]
    assert sink(relay).refused == 1
    assert len(spans_of(otlp.Request.FromString(unpack(backend)))) > 1


def spans_of(export):
    return [
        span
        for resource in export.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def unpack(backend):
    return gzip.decompress(backend.requests[0].body)


def test_partial_success(start, backend):
    backend.on_export = lambda *_: partial(2, "two are too old")
    relay = start()
    otlp.post(relay.otlp_http_port, otlp.request(5))
    relay.wait_log("two are too old")
    relay.stop()
    got = sink(relay)
    assert (got.delivered, got.refused) == (3, 2)


@pytest.mark.parametrize(
    "retry", [{"enabled": False}, {"max_elapsed_time": "300ms"}]
)
def test_giving_up(start, backend, retry):
    backend.on_export = lambda *_: Answer(503)
    relay = start(options={"retry_on_failure": retry})
    otlp.post(relay.otlp_http_port, otlp.request(2))
    until(lambda: relay.metrics().documents("dropped") == 2, 20)
    lost = "xray_relay_exporter_lost_spans_total"
    assert relay.metrics().sum(lost, reason="gave_up") == 2
    if "enabled" in retry:
        assert len(backend.requests) == 1


def test_backend_down(start, backend, xray):
    """X-Ray goes on being served, and nothing is lost without a count."""
    backend.stop()
    relay = start(["awsxray", "otlphttp"])
    for _ in range(3):
        otlp.post(relay.otlp_http_port, otlp.request(2))
    until(lambda: len(xray.documents) == 6)
    until(lambda: relay.get("/readyz").status == 503)
    backend.start()
    wait_spans(backend, 6)
    until(lambda: relay.get("/readyz").status == 200)


def test_drain(start, backend):
    """What waits is sent at the end."""
    relay = start(processors={"batch": {"timeout": "60s"}})
    otlp.post(relay.otlp_http_port, otlp.request(7))
    assert not backend.requests
    assert relay.stop() == 0
    assert len(backend.spans()) == 7


SIGNED = {
    "options": {"auth": {"authenticator": "sigv4auth/x"}},
    "more": {
        "extensions": {
            "sigv4auth/x": {"region": "us-east-1", "service": "xray"}
        }
    },
}


def test_signed(start, backend, keyring):
    """As X-Ray's own OTLP endpoint wants it."""
    backend.keyring = keyring
    relay = start(**SIGNED)
    otlp.post(relay.otlp_http_port, otlp.request(2))
    wait_spans(backend, 2)


@pytest.mark.parametrize("offset", [3600, -3600])
def test_clock_is_corrected(start, backend, keyring, offset):
    """By the Date of the answer that refuses the signature, once."""
    backend.keyring, backend.clock_offset = keyring, offset
    relay = start(**SIGNED)
    otlp.post(relay.otlp_http_port, otlp.request(2))
    wait_spans(backend, 2)
    otlp.post(relay.otlp_http_port, otlp.request(2))
    wait_spans(backend, 4)
    statuses = [r.answer.status for r in backend.requests]
    assert statuses == [403, 200, 200]
    relay.stop()
    assert sink(relay).delivered == 4
    assert "[Error]" not in relay.log()


def test_deflate(start, backend):
    relay = start(options={"compression": "deflate"})
    body = otlp.request(50, pad=1000).SerializeToString()
    assert otlp.post(relay.otlp_http_port, body).status == 200
    wait_spans(backend, 50)
    (request,) = backend.requests
    assert request.header("content-encoding") == "deflate"
    assert len(request.body) < len(body) / 4
    assert backend.bodies == [body]


@pytest.mark.parametrize("by", ["option", "environment", "not for it"])
def test_proxy(start, make_backend, certificates, proxy, by):
    """Which is not the one of the uploads to X-Ray: collectors know it by
    proxy_url, and by the environment."""
    backend = make_backend(tls=certificate.server_context(certificates))
    options = {
        "endpoint": backend.url,
        "tls": {"ca_file": str(certificates[0])},
    }
    env = {}
    if by == "option":
        options["proxy_url"] = proxy.url
    else:
        env["HTTPS_PROXY"] = proxy.url
    if by == "not for it":
        env["NO_PROXY"] = "127.0.0.1"
    relay = start(options=options, env=env)
    otlp.post(relay.otlp_http_port, otlp.request(3))
    wait_spans(backend, 3)
    through = set() if by == "not for it" else {f"127.0.0.1:{backend.port}"}
    assert set(proxy.targets) == through


def test_proxy_that_is_down(start, backend, proxy):
    """Spans wait, as for a backend that is; and nothing goes past it."""
    proxy.stop()
    relay = start(
        options={"proxy_url": proxy.url},
        env={"XRAY_RELAY_SHUTDOWN_DEADLINE_MS": 500},
    )
    otlp.post(relay.otlp_http_port, otlp.request(3))
    relay.wait_log("sending 3 spans failed")
    relay.stop()
    assert not backend.requests
    assert sink(relay).dropped == 3


@pytest.mark.parametrize("exporters", [["otlphttp"], ["awsxray", "otlphttp"]])
def test_span_over_a_ceiling(start, backend, xray, exporters):
    """A span that costs more than one may is left out of what is passed on;
    its neighbours go, and the answer tells."""
    relay = start(exporters)
    sent = otlp.request(3)
    middle = sent.resource_spans[0].scope_spans[0].spans[1]
    one = type(middle)()
    one.attributes.add(key="k").value.bool_value = True
    middle.MergeFromString(one.SerializeToString() * 170_000)
    answer = otlp.post(relay.otlp_http_port, sent)
    response = otlp.Response.FromString(answer.body)
    assert answer.status == 200
    assert response.partial_success.rejected_spans == 1
    wait_spans(backend, 2)
    relay.stop()
    spans = sent.resource_spans[0].scope_spans[0].spans
    assert backend.spans() == [spans[0], spans[2]]
    assert backend.attributes() == [{"service.name": "made"}] * 2
    items = relay.ledger().items
    assert (items.accepted, items.rejected) == (2, 1)
    for name in exporters:
        name = "xray" if name == "awsxray" else name
        assert sink(relay, name).delivered == 2
    assert len(xray.documents) == 2 * (len(exporters) - 1)


def test_segments_have_nowhere_to_go(start, backend):
    relay = start()
    relay.send('{"name":"n","id":"0123456789abcdef","trace_id":"1-5-6"}')
    relay.wait_log("segments can go to X-Ray only")
    relay.stop()
    assert relay.ledger().items.rejected == 1


def test_full_buffer(start, backend):
    """In X-Ray's place: who sends is told to send again, nothing is lost."""
    backend.on_export = lambda *_: Answer(503)
    limit = {"memory_limiter": {"limit_mib": 3}}
    relay = start(["otlphttp", "debug"], limit)
    taken, told = 0, 0
    while told < 2:
        answer = otlp.post(relay.otlp_http_port, otlp.request(10, pad=50000))
        assert answer.status in (200, 503)
        taken += answer.status == 200
        told += answer.status == 503
        assert taken < 20
    assert answer.headers["Retry-After"]
    backend.on_export = lambda *_: None
    wait_spans(backend, 10 * taken)
    until(lambda: relay.metrics().documents("delivered", sink="otlphttp"))
    relay.stop()
    assert len(backend.spans()) == 10 * taken
    items = relay.ledger().items
    assert (items.accepted, items.retry) == (10 * taken, 10 * told)


def test_two_backends(start, backend, make_backend):
    """One that is out of reach takes nothing from the other."""
    other = make_backend()
    other.stop()
    relay = start(
        ["otlphttp", "otlp_http/other"],
        per_exporter={"otlp_http/other": {"endpoint": other.url}},
    )
    for _ in range(3):
        answer = otlp.post(relay.otlp_http_port, otlp.request(2))
        assert answer.status == 200
    wait_spans(backend, 6)
    other.start()
    wait_spans(other, 6)
    relay.stop()
    assert sink(relay).delivered == sink(relay, "other").delivered == 6


@pytest.mark.parametrize("trusted", [True, False])
def test_tls(start, make_backend, certificates, trusted):
    backend = make_backend(tls=certificate.server_context(certificates))
    tls = {"ca_file": str(certificates[0])} if trusted else {}
    relay = start(
        options={"endpoint": backend.url, "tls": tls},
        env={"XRAY_RELAY_SHUTDOWN_DEADLINE_MS": 500},
    )
    otlp.post(relay.otlp_http_port, otlp.request(1))
    if trusted:
        wait_spans(backend, 1)
    else:
        relay.wait_log("sending 1 spans failed")
        assert not backend.requests


def test_assumed_role(start, backend, sts, keyring):
    """The authenticator has a role of its own."""
    backend.keyring = keyring
    role = "arn:aws:iam::123456789012:role/traces"
    relay = start(
        options={"auth": {"authenticator": "sigv4auth"}},
        more={
            "extensions": {
                "sigv4auth": {
                    "region": "us-east-1",
                    "assume_role": {"arn": role},
                }
            }
        },
        env={"AWS_ENDPOINT_URL_STS": sts.url},
    )
    otlp.post(relay.otlp_http_port, otlp.request(2))
    wait_spans(backend, 2)
    assert sts.calls[0]["RoleArn"] == role


def test_nowhere_to_send_to(make_relay):
    relay = make_relay()
    relay.config = {
        "exporters": {"zipkin": None},
        "service": {"pipelines": {"traces": {"exporters": ["zipkin"]}}},
    }
    relay.judged = False
    relay.start(ready=False)
    assert relay.process.wait(20) == 1
    assert "There is nowhere to send to" in relay.output()


def test_check(start, backend, tmp_path):
    """`check` sends a span of its own."""
    relay = start()
    relay.stop()
    argv = [BINARY, "check", "-c", str(relay.directory / "cfg.yaml"), "-o"]

    def check():
        return subprocess.run(
            argv,
            env=relay.env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )

    done = check()
    assert done.returncode == 0, done.stdout
    assert backend.names() == ["xray-relay check"]
    backend.on_export = lambda *_: Answer(401, b"who are you?")
    done = check()
    assert done.returncode == 1
    assert "who are you?" in done.stdout
