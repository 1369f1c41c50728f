// SPDX-License-Identifier: Apache-2.0
// Over the waterfall: title, what can be done with the trace, facts, warnings.
import { html, useState } from '../lib/html.js';
import { Icon, Status, words } from '../lib/icons.js';
import { clockText, count, ms, plural, title, utc } from '../lib/format.js';
import { run } from '../lib/api.js';
import { go, href } from '../lib/route.js';
import { serverNow } from '../lib/stream.js';
import { traces } from '../lib/traces.js';
import { markForDiff, marked, pin } from '../lib/actions.js';
import { copyText } from '../lib/copy.js';
import { Menu } from '../lib/controls.js';
import { useNarrow } from '../lib/narrow.js';
import { useKeys } from '../lib/keys.js';
import { causeOf, model, rootCauses } from './model.js';
import { cli, curl, finder } from './document.js';
import { addTerm, quote, serviceTerm } from './filter_text.js';
import { markdown } from './markdown.js';

export function Header({ row, id, up, params, data, documents }) {
  const [open, setOpen] = useState(false), [pinned, setPinned] = useState(null);
  const small = useNarrow();
  const is = pinned ?? row.pinned, { rows, strip } = traces.get();
  const at = rows.findIndex(r => r.id === id);
  const step = by => {
    const to = rows[at + by];
    if (at < 0 || !to) return false;
    return go(href('trace', [to.id], { filter: params.get('filter'),
      range: params.get('range'), q: params.get('q'), tab: params.get('tab') }));
  };
  const togglePin = async () => setPinned(await pin({ ...row, pinned: is }));
  useKeys({ '[': () => step(-1), ']': () => step(1), s: togglePin,
    c: () => setOpen(true), d: () => markForDiff(id) });
  const sel = params.get('sel');
  const o = () => {
    const i = sel ? data.rows.findIndex(r => r.id === sel) : causeOf(data.rows);
    const find = finder(documents ?? []);
    return find(data.rows, i < 0 ? 0 : i);
  };
  const request = open && documents && data.rows.length ? curl(o()) : null;
  const items = [
    ['Link', () => copyText(location.href)],
    ['Trace id', () => copyText(id)],
    ['JSON', () => copyText(JSON.stringify({ Id: id, Duration: row.duration,
      Segments: (documents ?? []).map(d => ({ Document: d })) }, null, 2)),
    'as BatchGetTraces'],
    ['AWS CLI command', () => copyText(cli(id))],
    ...request ? [['curl', () => copyText(request), 'the chosen request']] : [],
    ['Filter for traces like this', () => copyText(like(row))],
    ['Markdown', () => copyText(markdown(model(data, serverNow()))),
      'for an issue'],
  ];
  const diff = marked.use() && marked.get() !== id ? 'Compare' : 'Diff';
  const toDiff = () => markForDiff(id);
  // Where there is room for one button only, it has all.
  const more = small ? [...items.map(([text, ...i]) => ['Copy ' + text.replace(
    /^.(?=[a-z])/, c => c.toLowerCase()), ...i]), [diff, toDiff]] : items;
  return html`<div class="hd"><a class="bt q" href=${up}
      title="Back to the list (Esc)" aria-label="Back to the list">←</a>
    <${Status} kind=${row.in_progress ? 'prog' : row.class} code=${row.status}
      text=${row.in_progress ? 'running' : row.status ? undefined
        : words[row.class]}/>
    <h1 class="x">${title(row)}</h1>
    <span class="m d wid x">${id}</span><span class="g"/>
    ${at >= 0 && html`<span class="st wid"><kbd>[</kbd><kbd>]</kbd>
      <span class="d">${count(at + 1)} of ${count(strip?.matched
        ?? rows.length)}</span></span>`}
    <${Menu} title="c" open=${open} onOpen=${setOpen} items=${more}
      label=${small ? html`…<span class="sr"> More</span>`
        : html`<${Icon} name="copy"/> Copy as`}/>
    <button type="button" class="bt wid" title="d" onClick=${toDiff}>${diff}
    </button>
    <button type="button" class="bt" title="Pin: keep when the store is trimmed"
      aria-label="Pin" aria-pressed=${String(is)} disabled=${!!run} onClick=${togglePin}>
      <${Icon} name="star" class=${is ? 'f' : ''}/></button></div>`;
}

function like(row) {
  let f = serviceTerm({ name: row.name, type: row.type });
  if (row.method) f = addTerm(f, `http.method = ${quote(row.method)}`);
  if (row.url) f = addTerm(f, 'http.url CONTAINS ' +
    quote(row.url.replace(/[?#].*/, '')));
  return row.class === 'ok' ? f : addTerm(f, row.class);
}

export function FactsLine({ m }) {
  const t = m.data.trace, own = m.data.nodes.filter(n => !n.inferred).length;
  const inferred = m.data.nodes.length - own;
  return html`<div class="facts">
    ${t.response_time != null && html`<span><b>${ms(t.response_time * 1e3)}</b>
      ${' '}response</span>`}
    <span><b>${m.running ? '> ' : ''}${ms(m.end)}</b> whole trace</span>
    <span><b>${count(t.spans)}</b> ${t.spans === 1 ? 'span' : 'spans'}</span>
    <span><b>${own}</b> ${own === 1 ? 'service' : 'services'}${inferred > 0
      ? ` + ${inferred} inferred` : ''}</span>
    <span class="wid" title=${utc(t.start)}>${clockText(t.start)}</span>
    ${m.running > 0 && html`<span class="st"><${Icon} name="prog"/>
      ${m.running} still running</span>`}
    ${m.data.unreadable > 0 && html`<span class="st error"><${Icon} name="error"/>
      ${plural(m.data.unreadable, 'unreadable document')}</span>`}
    ${m.data.limit_exceeded && html`<span class="st error"><${Icon} name="error"/>
      too large, the rest was refused</span>`}
    <span class="g"/>${m.most.length > 0 && html`<span class="wid">Most time:${' '}
      ${m.most.map((e, i) => html`${i > 0 && ', '}<b>${e.label}${e.n > 1
        ? ' ×' + e.n : ''}</b> ${ms(e.time)}`)}</span>`}</div>`;
}

const CAUSES = 3; // that are told

// Where it went wrong: the deepest calls that failed.
export function Causes({ m, choose }) {
  const faults = rootCauses(m, 'fault'), kind = faults[0] ? 'fault' : 'error';
  const all = faults[0] ? faults : rootCauses(m, 'error'), [first] = all;
  // That the entry itself has failed stands in the title.
  if (!first || first === m.entry && !first.message) return null;
  const head = m.data.trace.class === 'ok' ? 'Handled ' + kind : 'Root cause';
  return html`<div class=${'note why ' + kind}>${all.slice(0, CAUSES).map(s =>
    html`<div class="st"><${Icon} name=${s.class}/><b>${head}</b>
      <span class="nm">${s.nodeOf.name}${s.seg || html` › ${s.label}`}</span>
      <span class="x" title=${s.message}>${s.message || s.status}</span>
      <button type="button" class="link" aria-label=${'Show it: ' + s.label}
        onClick=${() => choose(s)}>Show it</button></div>`)}
    ${all.length > CAUSES && html`<span>and ${all.length - CAUSES} more</span>`}
    </div>`;
}

export function Warnings({ m, choose }) {
  const all = m.data.warnings, small = useNarrow();
  if (!all.length) return null;
  return html`<details class="note w" open=${!small}><summary><span class="st">
    <${Icon} name="no" class="error"/><b>${small ? `AWS would refuse ${
      plural(all.length, 'thing')}` : 'AWS would refuse this'}</b></span></summary>
    <span>${all.slice(0, 20).map(w => html`${w.text} ${w.row != null &&
      html`<button type="button" class="link" aria-label=${'Show it: ' + w.text}
        onClick=${() => choose(m.spans[w.row])}>Show it</button> `}`)}${all.length > 20 &&
      `and ${all.length - 20} more. `}<span class="d2">Kept here; this is our
      check, the service gives no such warning.</span></span></details>`;
}
