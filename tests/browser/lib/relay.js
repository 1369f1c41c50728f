// SPDX-License-Identifier: Apache-2.0
// Starts `xray-relay local` for a test and sends documents to it.
'use strict';
const { spawn } = require('node:child_process');
const dgram = require('node:dgram');
const net = require('node:net');
const path = require('node:path');

const BINARY = process.env.XR_BIN ?? path.join(__dirname,
  '../../../build/xray-relay');
const START_MS = 30000, BATCH = 100;

async function freePort() {
  return new Promise((done, failed) => {
    const s = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => done(port));
    });
    s.on('error', failed);
  });
}

async function startRelay({ store = ':memory:', args = [],
  env = {} } = {}) {
  const port = await freePort(), otlp = await freePort(),
    grpc = await freePort();
  const at = `127.0.0.1:${port}`, url = `http://${at}`;
  let child = null, log = '';
  const relay = { url, port, otlp, log: () => log,
    // Again after stop(): at the same ports, with an empty store.
    async start() {
      child = spawn(BINARY, ['local', '-b', at, '-t', at, '--store', store,
        ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env,
        ...env,
        XRAY_RELAY_OTLP_HTTP_ADDRESS: `127.0.0.1:${otlp}`,
        XRAY_RELAY_OTLP_GRPC_ADDRESS: `127.0.0.1:${grpc}` } });
      log = '';
      child.stdout.on('data', d => { log += d; });
      child.stderr.on('data', d => { log += d; });
      const until = Date.now() + START_MS;
      for (;;) {
        try {
          if ((await fetch(url + '/api/health')).ok) return;
        } catch { /* not yet */ }
        if (child.exitCode !== null || Date.now() > until)
          throw new Error('xray-relay did not start:\n' + log);
        await new Promise(r => setTimeout(r, 50));
      }
    },
    // How the program ended, if it did.
    ended: () => (child.exitCode ?? child.signalCode) !== null
      ? `\nxray-relay ended (${child.exitCode ?? child.signalCode}):\n` +
        log.slice(-2000) : '',
    async stop() {
      if (child.exitCode !== null || child.signalCode) return;
      const gone = new Promise(r => child.once('exit', r));
      child.kill('SIGTERM');
      await gone;
    },
    // Answered when they are committed, so that the next look sees them.
    async put(documents) {
      for (let i = 0; i < documents.length; i += BATCH) {
        const r = await fetch(url + '/TraceSegments', { method: 'POST',
          body: JSON.stringify({ TraceSegmentDocuments: documents.slice(i,
            i + BATCH).map(d => JSON.stringify(d)) }) });
        const { UnprocessedTraceSegments: bad } = await r.json();
        if (bad.length) throw new Error(JSON.stringify(bad[0]));
      }
    },
    // An OTLP span as an SDK's exporter sends it: JSON to the OTLP listener.
    async span(name, { trace, start, milli = 20, service = 'hello' }) {
      const nano = sec => String(BigInt(Math.round(sec * 1e6)) * 1000n);
      const r = await fetch(`http://127.0.0.1:${otlp}/v1/traces`, {
        method: 'POST', headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ resourceSpans: [{ resource: { attributes: [
          { key: 'service.name', value: { stringValue: service } }] },
        scopeSpans: [{ spans: [{ traceId: trace.replace(/^1-|-/g, ''), name,
          spanId: trace.slice(-16), kind: 2, startTimeUnixNano: nano(start),
          endTimeUnixNano: nano(start + milli / 1e3) }] }] }] }) });
      if (!r.ok) throw new Error(`${r.status} ${await r.text()}`);
    },
    async delete(path) {
      const r = await fetch(url + path, { method: 'DELETE',
        headers: { 'X-Xray-Relay': '1' } });
      if (!r.ok) throw new Error(`${r.status} ${await r.text()}`);
    },
    clear: () => relay.delete('/api/traces'),
    async get(path) {
      return (await fetch(url + path)).json();
    },
    datagram(text) {
      return new Promise((done, failed) => {
        const s = dgram.createSocket('udp4');
        s.send(text, port, '127.0.0.1', e => {
          s.close();
          if (e) failed(e);
          else done();
        });
      });
    },
    send(document) {
      return relay.datagram('{"format":"json","version":1}\n' +
        JSON.stringify(document));
    } };
  await relay.start();
  return relay;
}

module.exports = { startRelay, BINARY };
