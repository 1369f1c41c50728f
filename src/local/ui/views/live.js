// SPDX-License-Identifier: Apache-2.0
// What reached which listener, and why documents were refused: the doctor.
import { html, useEffect, useRef } from '../lib/html.js';
import { Icon } from '../lib/icons.js';
import { ago, bytes, clockText, count, ms, plural, rate } from '../lib/format.js';
import { go, href } from '../lib/route.js';
import { useKeys } from '../lib/keys.js';
import { earlier } from '../lib/runs.js';
import { useHealth } from './empty.js';

const MINUTE = 60;
const RECENT_S = 900; // refused documents count as news so long

// Rates and the last minute are seen from here: the server gives totals.
function useRates(health) {
  const seen = useRef(new Map()), last = useRef(0);
  useEffect(() => {
    if (!health || health.now === last.current) return;
    const gone = health.now - last.current;
    last.current = health.now;
    for (const l of health.listeners) {
      const key = keyOf(l), s = seen.current.get(key)
        ?? { packets: l.packets, bars: [] };
      // One bar a look; a longer break leaves empty ones.
      const empty = Math.min(MINUTE, Math.round(gone) - 1);
      if (s.bars.length) for (let i = 0; i < empty; i++) s.bars.push(0);
      s.bars.push(Math.max(0, l.packets - s.packets));
      s.bars.splice(0, s.bars.length - MINUTE);
      s.packets = l.packets;
      seen.current.set(key, s);
    }
  }, [health]);
  return l => seen.current.get(keyOf(l))?.bars ?? [];
}

const keyOf = l => l.name + l.protocol + l.address;

export function Live() {
  const h = useHealth('/api/live'), bars = useRates(h);

  useKeys({ Escape: () => go(href('traces')) });
  if (!h) return html`<h1 class="sr">Live</h1><p class="none d">Waiting for the
    first numbers.</p>`;
  return html`<h1 class="sr">Live</h1><div class="doc" tabindex="0">
    <section class="wide"><h2>Checks</h2><ul class="chk">${checks(h).map(
      ([kind, head, text, more]) => html`<li><span class=${kind}><${Icon}
      name=${kind}/></span><span><span class="b">${head}
      </span> <span class="d2">${text}${more || ''}</span></span></li>`)}</ul></section>
    <section class="wide"><h2>Listeners</h2><div class="over" tabindex="0"><${Listeners}
      h=${h} bars=${bars}/></div></section>
    <section><h2>Refused documents</h2>${h.refused_documents.length
      ? html`<ul>${h.refused_documents.map(r => html`<${Refused} r=${r}
        now=${h.now}/>`)}</ul>` : html`<p class="d">None. A document that cannot
        be taken is shown here with the reason.</p>`}</section>
    <div class="stk"><section><h2>Who sends</h2><${Senders} h=${h}/></section>
      <section><h2>Sampler polls</h2><${Samplers} h=${h}/></section></div></div>`;
}

// Plain sentences, the worst first.
function checks(h) {
  const out = [], lost = h.listeners.reduce((n, l) => n + (l.lost ?? 0), 0);
  const open = h.listeners.filter(l => l.address);
  const news = h.refused_documents.filter(r =>
    r.time > h.now - RECENT_S).length;
  const late = h.samplers.filter(s => isLate(s, h.now));
  out.push(lost ? ['fault', plural(lost, 'datagram') + ' lost',
    'the kernel had no room for them: the receive buffer is too small']
    : ['ok', 'No datagram lost', 'the kernel’s counter stands at 0']);
  out.push(open.length === h.listeners.length ? ['ok', 'All listeners are open',
    [...new Set(open.map(l => l.address.replace(/:\d+$/, '')))].join(' and ')]
    : ['error', plural(h.listeners.length - open.length, 'listener') +
      ' could not be opened', 'the port is taken; see below']);
  out.push(news ? ['error', plural(news, 'document') + ' refused',
    'in the last 15 minutes, see below'] : ['ok', 'No document refused',
    h.refused ? `in the last 15 minutes; ${count(h.refused)} since the start`
      : 'since the start']);
  const st = h.store;
  out.push(st.state === 'ok' ? ['ok', 'Store is well', `${bytes(st.bytes)} of ${
    bytes(st.limit_bytes)}, ${Math.round(st.keep_seconds / 86400)} days kept`,
    earlier().length && html`; <a class="link" href="#/runs">${plural(
    earlier().length, 'earlier run')}</a>`]
    : [st.state === 'memory' ? 'fault' : 'error', 'Store: ' + st.state,
      st.message]);
  if (late.length) out.push(['error', plural(late.length, 'sampler') +
    (late.length === 1 ? ' has stopped' : ' have stopped'), `${late[0].client
  }, last poll ${ago(late[0].last, h.now)} ago`]);
  for (const l of h.listeners)
    if (l.address && !l.packets) out.push(['prog', `${l.name} ${l.protocol} has had nothing`,
      `since the start, ${ago(h.started, h.now)} ago`]);
  const rank = { fault: 0, error: 1, ok: 2, prog: 3 };
  return out.sort((a, b) => rank[a[0]] - rank[b[0]]);
}

function Listeners({ h, bars }) {
  return html`<table><thead><tr>${[['What'], ['Where'], ['Packets', 'n'],
    ['Documents', 'n'], ['Now', 'n'], ['Last minute', 'pl wid'], ['Refused', 'n'],
    ['Last seen', 'n']].map(([t, c]) => html`<th scope="col" class=${c}>${t}</th>`)}
    </tr></thead><tbody>${h.listeners.map(l => {
      const b = bars(l), few = b.slice(-5);
      const now = few.reduce((x, y) => x + y, 0) / Math.max(few.length, 1);
      return html`<tr><td class="b">${l.name}</td><td class="m">${l.protocol}${' '}
        ${l.address || 'closed'}</td><td class=${'n' + (l.packets ? '' : ' d')}>${
        count(l.packets)}</td><td class=${'n' + (l.documents ? '' : ' d')}>${
        count(l.documents)}</td><td class=${'n' + (now ? '' : ' d')}>${rate(now)}
        </td><td class="pl wid"><${Spark} bars=${b}/></td><td class="n">${l.refused
        ? html`<span class="st error"><${Icon} name="error"/>${count(l.refused)}
        </span>` : html`<span class="d">0</span>`}</td><td
        class=${'n' + (l.last ? '' : ' d')}>${l.last || !l.packets
        ? ago(l.last, h.now) : '–'}</td></tr>`;
    })}</tbody></table>`;
}

function Spark({ bars }) {
  const most = Math.max(1, ...bars), from = MINUTE - bars.length;
  return html`<svg class="spk" viewBox="0 0 120 18" preserveAspectRatio="none"
    role="img" aria-label=${`At most ${most} a second in the last minute`}>${
    bars.map((v, i) => v > 0 && html`<rect class="fo" x=${(from + i) * 2}
      y=${18 - Math.max(2, v / most * 18)} width="1.4"
      height=${Math.max(2, v / most * 18)}/>`)}</svg>`;
}

// The place that is wrong is marked where the hint or the text names it.
function Refused({ r, now }) {
  return html`<li class="rej"><span class="m d2">${clockText(r.time, now)}</span>
    <span><span class="error st"><${Icon} name="error"/><b>${r.code}</b></span>
      <div class="d">${r.listener} ${r.peer}</div></span>
    <div><div class="m x" title=${r.text}>${marked(r)}</div><div class="d2">${
      r.hint}</div></div></li>`;
}

const members = { InvalidTraceId: 'trace_id', InvalidId: 'id', MissingName: 'name',
  MissingStartTime: 'start_time', MissingEndTime: 'end_time' };

function marked({ code, text }) {
  const name = members[code], at = name && new RegExp(
    `"${name}"\\s*:\\s*("(?:[^"\\\\]|\\\\.)*"?|[^,}\\s]+)`).exec(text);
  if (!at) return text;
  const begin = at.index + at[0].length - at[1].length;
  return html`${text.slice(0, begin)}<mark>${at[1]}</mark>${
    text.slice(begin + at[1].length)}`;
}

function Senders({ h }) {
  if (!h.senders.length) return html`<p class="d">Nobody yet.</p>`;
  return html`<div class="over" tabindex="0"><table><thead><tr><th scope="col">SDK</th><th scope="col">Version</th>
    <th scope="col" class="n">Documents</th><th scope="col" class="n">Last</th></tr>
    </thead><tbody>${h.senders.map(s => html`<tr><td>${s.name}</td><td
      class="m d2">${s.version}</td><td class="n">${count(s.documents)}</td><td
      class="n">${ago(s.last, h.now)}</td></tr>`)}</tbody></table></div>`;
}

const LATE_S = 5;
const isLate = (s, now) => s.next && now - s.next > LATE_S;

function Samplers({ h }) {
  if (!h.samplers.length) return html`<p class="d">No SDK has asked for sampling
    rules.</p>`;
  return html`<div class="over" tabindex="0"><table><thead><tr><th scope="col">Client</th><th scope="col"
    class="n">Rules</th><th scope="col" class="n">Targets</th><th scope="col"
    class="n">Next due</th></tr></thead><tbody>${h.samplers.map(s => html`<tr><td
      class="m">${s.client}</td><td class="n">${count(s.rules)}</td><td class="n">${
      count(s.targets)}</td><td class="n">${!s.next ? '–' : isLate(s, h.now)
      ? html`<span class="st error"><${Icon} name="error"/>late ${
        ago(s.next, h.now)}</span>` : s.next > h.now ? 'in ' +
      ms((s.next - h.now) * 1e3) : 'now'}</td></tr>`)}</tbody></table></div>`;
}
