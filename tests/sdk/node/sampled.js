// SPDX-License-Identifier: Apache-2.0
// A program with the SDK's sampling pollers on: asks for a decision again and
// again until stdin closes, and prints a line for each, with the rule's name.
'use strict';

const AWSXRay = require('aws-xray-sdk-core');

AWSXRay.middleware.enableDynamicNaming('*');
const sampler = AWSXRay.middleware.sampler;

function decide() {
    const decision = sampler.shouldSample({
        host: 'example.test',
        httpMethod: 'GET',
        urlPath: '/',
        serviceName: 'node-app',
    });
    const name = decision && decision.getName ? decision.getName() : 'none';
    console.log(`${decision ? 'sampled' : 'served'} ${name}`);
}

const timer = setInterval(decide, 50);
process.stdin.on('end', () => {
    clearInterval(timer);
    process.exit(0);
});
process.stdin.resume();
