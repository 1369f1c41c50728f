// SPDX-License-Identifier: Apache-2.0
// Before the first trace: proof that the relay listens, three ways to send a
// trace in three lines each, and how to ask for it.
import { html, useEffect, useState } from '../lib/html.js';
import { Icon } from '../lib/icons.js';
import { get, send } from '../lib/api.js';
import { plural } from '../lib/format.js';
import { CopyButton } from '../lib/copy.js';
import { say } from '../lib/say.js';

export function useHealth(path = '/api/health', every = 1000) {
  const [health, setHealth] = useState(null);
  useEffect(() => {
    let timer = 0, on = true;
    const look = async () => {
      try {
        const h = await get(path);
        if (on) setHealth(h);
      } catch { /* the chip says that there is no connection */ }
      if (on) timer = setTimeout(look, every);
    };
    look();
    return () => { on = false; clearTimeout(timer); };
  }, [path, every]);
  return health;
}

const portOf = address => /:(\d+)$/.exec(address ?? '')?.[1];

export function Empty() {
  const health = useHealth();
  const listeners = health?.listeners ?? [];
  const port = (what, otherwise) => portOf(
    listeners.find(l => what.test(l.name + ' ' + l.protocol))?.address)
    ?? otherwise;
  const daemon = port(/udp/i, '2000');
  const otlp = port(/otlp.*http/i, '4318'), grpc = port(/grpc/i, '4317');
  return html`<div class="emp"><div><h1>Waiting for the first trace</h1>
    <p class="d2">It shows up here by itself. Nothing leaves this machine; no
      account, key or region is needed.</p>
    <div class="ports">${listeners.map(l => html`<span class="st">
      <${Icon} name=${l.address ? 'ok' : 'prog'} class=${l.address ? 'ok' : ''}/>
      <span>${l.name}</span>
      <span class="m d2">${l.protocol} ${portOf(l.address) ?? 'closed'}</span>
      <span class="d">${plural(l.packets, l.protocol === 'udp' ? 'packet'
        : 'request')}</span></span>`)}</div>
    <h2 class="t">Send one, any of these ways</h2>
    <${How} title="Python, X-Ray SDK" note=${`Goes to 127.0.0.1:${daemon}${
        daemon === '2000' ? ' unless AWS_XRAY_DAEMON_ADDRESS says otherwise.'
        : ' with AWS_XRAY_DAEMON_ADDRESS set to that.'}`} lines=${[
      'from aws_xray_sdk.core import xray_recorder as x',
      'x.configure(service="hello", sampling=False)',
      'with x.in_segment(): pass']}/>
    <${How} title="Node, X-Ray SDK"
      note="Same address rule. Closing the segment sends it." lines=${[
      'const x = require("aws-xray-sdk-core")',
      'const s = new x.Segment("hello")', 's.close()']}/>
    <${How} title="Any OpenTelemetry SDK" note=${'Last line: however your app ' +
      `starts. For gRPC, port ${grpc} and protocol grpc.`} lines=${[
      `export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:${otlp}`,
      'export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
      'opentelemetry-instrument python app.py']}/>
    <h2 class="t">Then ask for it</h2>
    <${How} title="AWS CLI" note=${'The + 1 matters: the CLI cuts times to ' +
      'whole seconds, which would leave out the current one.'} lines=${[
      'eval "$(xray-relay env)"',
      'aws xray get-trace-summaries --start-time $(date -d -1hour +%s) \\',
      '    --end-time $(( $(date +%s) + 1 ))']}/>
    <p class="foot">Sent something and still nothing? <a href="#/live">Live</a>
      ${' '}shows every packet and why one was refused. Have a file?${' '}
      <${Import}/> segments, OTLP JSON or BatchGetTraces answers.</p></div></div>`;
}

function How({ title, note, lines }) {
  const text = lines.join('\n');
  return html`<section class="how"><div><h2>${title}</h2><p class="d">${note}</p>
    </div><div><pre tabindex="0">${text}</pre><${CopyButton} text=${text}
      title=${'Copy: ' + title}/></div></section>`;
}

export function Import() {
  const [result, setResult] = useState(null);
  const take = async e => {
    const file = e.target.files[0];
    if (!file) return;
    try {
      const r = await send('POST', '/api/import', file);
      const text = `${plural(r.accepted, 'document')} of ${r.documents} taken`;
      setResult(text + (r.refused?.length
        ? `; first refused: number ${r.refused[0].at}, ${r.refused[0].code}` : ''));
      say(text, true);
    } catch (x) { setResult(x.message); }
    e.target.value = '';
  };
  return html`<label class="link">Import<input type="file" class="sr"
    onChange=${take}/></label>${result && html` <b role="status">(${result})</b>`}`;
}
