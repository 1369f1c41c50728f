// SPDX-License-Identifier: Apache-2.0
// A program traced with the X-Ray SDK for Node: one of most things that it can
// send. The daemon's address comes from AWS_XRAY_DAEMON_ADDRESS.
'use strict';

const AWSXRay = require('aws-xray-sdk-core');

const STEPS = 130; // the SDK sends them whole, in one segment

function webRequest(number) {
    const segment = new AWSXRay.Segment('web');
    segment.http = {
        request: { method: 'GET', url: `http://example.test/ä/${number}?q=<&>` },
        response: { status: 200 + 100 * (number % 4) },
    };
    segment.addAnnotation('number', number);
    segment.addMetadata('text', 'quotes " \\ / \u2028 \u2603 \u0001\u007f');
    const sub = segment.addNewSubsegment('database');
    sub.namespace = 'remote';
    sub.addSqlData({ sanitized_query: "SELECT 'a' FROM t WHERE x = ?" });
    sub.close();
    segment.close();
}

function failingJob() {
    const segment = new AWSXRay.Segment('job');
    const sub = segment.addNewSubsegment('step');
    sub.close(new Error('it did not work: é'));
    segment.close();
}

function manySteps() {
    const segment = new AWSXRay.Segment('streaming');
    for (let number = 0; number < STEPS; number++)
        segment.addNewSubsegment(`step${number}`).close();
    segment.close();
}

for (let number = 0; number < Number(process.argv[2]); number++)
    webRequest(number);
failingJob();
manySteps();
