// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry's remote sampler for X-Ray: decides again and again until stdin
// closes, and prints a line for each decision.
'use strict';

const { AWSXRayRemoteSampler } = require('@opentelemetry/sampler-aws-xray');
const { context, SpanKind } = require('@opentelemetry/api');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { SamplingDecision } = require('@opentelemetry/sdk-trace-base');
const { randomBytes } = require('crypto');

const address = /tcp:(\S+)/.exec(process.env.AWS_XRAY_DAEMON_ADDRESS)[1];
const sampler = new AWSXRayRemoteSampler({
    resource: resourceFromAttributes({ 'service.name': 'otel-node' }),
    endpoint: `http://${address}`,
    pollingInterval: 10,
});

function decide() {
    const { decision } = sampler.shouldSample(
        context.active(),
        randomBytes(16).toString('hex'),
        'GET /',
        SpanKind.SERVER,
        { 'url.path': '/', 'http.request.method': 'GET' },
        []
    );
    const yes = decision === SamplingDecision.RECORD_AND_SAMPLED;
    console.log(yes ? 'sampled' : 'served');
}

const timer = setInterval(decide, 50);
process.stdin.on('end', () => {
    clearInterval(timer);
    process.exit(0);
});
process.stdin.resume();
