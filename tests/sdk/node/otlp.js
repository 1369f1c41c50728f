// SPDX-License-Identifier: Apache-2.0
// Sends the trace of harness/shop.py by an OTLP exporter for Node:
// otlp.js proto|json|grpc|udp ENDPOINT [gzip]
'use strict';

const {
    SpanKind, SpanStatusCode, context, trace,
} = require('@opentelemetry/api');

const SERVER = {
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'url.scheme': 'http',
    'url.path': '/orders/7',
    'server.address': 'shop.example',
    'server.port': 8080,
    'client.address': '10.0.0.9',
    'user_agent.original': 'matrix/1',
    label_num: 2,
    fresh: true,
    ratio: 0.5,
    tags: ['a', 'b'],
    note: 'quotes " \\ é ☃',
};
const CLIENT = {
    'db.system.name': 'postgresql',
    'db.namespace': 'shop',
    'db.query.text': 'SELECT * FROM orders WHERE id = $1',
    'server.address': 'db.example',
};

function makeExporter(kind, url, compression) {
    const packages = {
        proto: '@opentelemetry/exporter-trace-otlp-proto',
        json: '@opentelemetry/exporter-trace-otlp-http',
        grpc: '@opentelemetry/exporter-trace-otlp-grpc',
    };
    if (kind !== 'udp') {
        const { OTLPTraceExporter } = require(packages[kind]);
        return new OTLPTraceExporter({ url, compression });
    }
    const udp = require('@aws/aws-distro-opentelemetry-exporter-xray-udp');
    return new udp.AwsXrayUdpSpanExporter(url);
}

// The UDP exporter is written for the SDK's first generation.
function makeProvider(kind, exporter) {
    const name = { 'service.name': process.env.OTEL_SERVICE_NAME };
    let sdk, resource;
    if (kind === 'udp') {
        const { Resource } = require('resources-1');
        sdk = require('sdk-trace-base-1');
        resource = Resource.default().merge(new Resource(name));
    } else {
        const resources = require('@opentelemetry/resources');
        sdk = require('@opentelemetry/sdk-trace-base');
        resource = resources.defaultResource()
            .merge(resources.resourceFromAttributes(name));
    }
    const spanProcessors = [new sdk.BatchSpanProcessor(exporter)];
    return new sdk.BasicTracerProvider({ resource, spanProcessors });
}

function shop(tracer) {
    const server = tracer.startSpan('GET /orders/{id}', {
        kind: SpanKind.SERVER, attributes: SERVER,
    });
    const inside = trace.setSpan(context.active(), server);
    tracer.startSpan('SELECT orders', {
        kind: SpanKind.CLIENT, attributes: CLIENT,
    }, inside).end();
    const work = tracer.startSpan('work', {}, inside);
    const error = new TypeError('it did not work: é');
    work.recordException(error);
    work.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    work.end();
    server.end();
}

const [kind, endpoint, compression] = process.argv.slice(2);
const provider = makeProvider(kind, makeExporter(kind, endpoint, compression));
shop(provider.getTracer('matrix'));
// The UDP exporter doesn't tell when a datagram is out, and shutdown() would
// drop it: live on for a moment, as a service does.
provider.forceFlush().then(
    () => setTimeout(() => provider.shutdown(), kind === 'udp' ? 300 : 0));
