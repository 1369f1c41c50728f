// SPDX-License-Identifier: Apache-2.0
// The details of the chosen span. The tabs stand in a fixed order, empty ones
// too, so that they don't jump from span to span.
import { html, useEffect, useMemo, useRef, useState } from '../lib/html.js';
import { Icon, Status, words } from '../lib/icons.js';
import { get } from '../lib/api.js';
import { bytes, clockText, count, ms, percent, plural, seconds, utc }
  from '../lib/format.js';
import { change, go, href } from '../lib/route.js';
import { CopyButton } from '../lib/copy.js';
import { useEditorLink } from '../lib/source.js';
import { Facts } from '../lib/controls.js';
import { useKeys } from '../lib/keys.js';
import { durationOf, nameOf, ownTime, requestOf, rootCauses, sum }
  from './model.js';
import { alone, exceptions, isForeign, list, object, ownFrame, sqlPieces, text }
  from './document.js';
import { others } from './links.js';
import { addTerm, annotationTerm, serviceTerm } from './filter_text.js';

const SHOWN = 2000; // characters of a value before "Show all"
const PIECE = 256 * 1024; // of the raw text at once

// What each tab has of a span: its count, true, or 0 for nothing.
function contents(o, s) {
  const http = object(o?.http), some = v => Object.keys(object(v)).length;
  return [['Overview', true],
    ['HTTP', some(http.request) + some(http.response) > 0],
    ...some(o?.aws) ? [['AWS', true]] : [],
    ['SQL', some(o?.sql) > 0], ['Annotations', some(o?.annotations)],
    ['Metadata', Object.values(object(o?.metadata)).length],
    ['Exceptions', exceptions(o).length + (s.orphan && 0)],
    ['Raw', true]];
}
const panels = { Overview, HTTP: Http, AWS: Aws, SQL: Sql, Annotations,
  Metadata, Exceptions, Raw };

export function Details({ m, row, find, wanted, filter, choose, close }) {
  const s = row?.span;
  const o = useMemo(() => s && find ? find(m.data.rows, s.i) : null, [s, find]);
  const tabs = useMemo(() => s ? contents(o, s) : [], [o, s]);
  const has = tabs.find(t => t[0] === wanted && t[1]);
  const [tall, setTall] = useState(false);
  const tab = has ? wanted : 'Overview', strip = useRef(null);
  const pick = name => change({ tab: name === 'Overview' ? null : name },
    { replace: true });
  useKeys(Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8].map(n =>
    [n, () => tabs[n - 1]?.[1] ? pick(tabs[n - 1][0]) : false])));
  const onKeyDown = e => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!by) return;
    const able = tabs.filter(t => t[1]).map(t => t[0]);
    const to = able[(able.indexOf(tab) + by + able.length) % able.length];
    pick(to);
    e.preventDefault();
    e.stopPropagation();
    requestAnimationFrame(() => strip.current
      .querySelector('[aria-selected=true]')?.focus());
  };
  useEffect(() => {
    strip.current?.querySelector('[aria-selected=true]')
      ?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [tab]);

  if (!s) return html`<aside class="dt" aria-label="Details"><p class="none d">
    Choose a span.</p></aside>`;
  const Panel = panels[tab];
  return html`<aside class=${tall ? 'dt tall' : 'dt'} aria-label="Details">
    <header><div class="st"><${Status} kind=${s.in_progress ? 'prog' : s.class}
      code=${s.status} text=${s.in_progress ? 'In progress'
        : `${words[s.class]}${s.status ? ' ' + s.status : ''}`}/><span class="g"/>
      <button type="button" class="bt q grow" aria-label="Whole height"
        aria-pressed=${String(tall)} onClick=${() => setTall(!tall)}><${Icon}
        name="up"/></button>
      <button type="button" class="bt q shut" aria-label="Close the details"
        onClick=${close}><${Icon} name="close"/></button></div>
      <h2>${nameOf(row)}</h2></header>
    <div class="tabs" role="tablist" aria-label="Span details" ref=${strip}
      onKeyDown=${onKeyDown}>${tabs.map(([name, n]) => html`<button type="button"
        role="tab" id=${'tab-' + name} aria-selected=${String(name === tab)}
        aria-controls="panel" disabled=${!n} tabindex=${name === tab ? 0 : -1}
        onClick=${() => pick(name)}>${name}${typeof n === 'number' && n > 0
        ? html` <span class="d">${n}</span>` : ''}</button>`)}</div>
    <div class="pn" role="tabpanel" id="panel" aria-labelledby=${'tab-' + tab}
      tabindex="0"><${Panel} key=${s.i} m=${m} row=${row} s=${s} o=${o}
        filter=${filter} choose=${choose}/></div></aside>`;
}

/* --- overview ---------------------------------------------------------------- */

function Overview({ m, row, s, o, filter, choose }) {
  const up = s.parent >= 0 ? m.spans[s.parent] : null, d = s.b - s.a;
  const whole = m.entry ? m.entry.b - m.entry.a : 0;
  const own = sum(ownTime(s)), path = m.critical.get(s.i);
  const link = t => html`<button type="button" class="link"
    onClick=${() => choose(t)}>${t.label}</button>`;
  const ex = exceptions(o), [slow] = s === m.entry ? rootCauses(m, 'time') : [];
  return html`<${Facts} of=${[
    ['Node', s.nodeOf && html`${s.nodeOf.name} ${s.nodeOf.type &&
      html`<span class="tag">${s.nodeOf.type}</span>`} ${s.kind === 'inferred' &&
      html`<span class="tag da">inferred</span>`}`],
    ['Request', requestOf(s) && html`<span class="m">${requestOf(s)}</span>`],
    ['Called by', up ? html`${up.nodeOf && up.nodeOf !== s.nodeOf
      ? up.nodeOf.name + ' › ' : ''}${link(up)}` : s.orphan
      ? html`<span class="m">${text(o?.parent_id)}</span>, not arrived` : ''],
    ['Calls', s.calls.length ? s.calls.map((c, i) =>
      html`${i > 0 && ', '}${link(c)}`) : ''],
    ['Links to', others(m.data.links.to.filter(l => l.from === s.id))],
    ['Linked from', others(m.data.links.from.filter(l => l.to === s.id))],
    ['Starts', html`<span title=${utc(s.start)}>+${ms(s.a)}
      <span class="d"> ${clockText(s.start)}</span></span>`],
    ['Lasts', html`<b>${s.in_progress ? '> ' : ''}${ms(d)}</b>${whole > 0 &&
      s.b <= m.entry.b && s !== m.entry ? ` (${percent(d / whole)} of the response)`
      : ''}`],
    ['Own time', s.kind !== 'inferred' && html`${ms(own)}${path
      ? `, ${sum(path) > own * .99 ? 'all' : ms(sum(path))} on the critical path`
      : ''}`],
    slow && slow !== s && ['Most of it in', html`${slow.nodeOf !== s.nodeOf
      ? slow.nodeOf.name + ' › ' : ''}${link(slow)} (${
      percent((slow.b - slow.a) / whole)})`],
    row.list?.length > 1 && ['In this row', `${plural(row.list.length, 'call')}, ${
      ms(durationOf(row))} in all; the facts here are of ${row.kind === 'run'
      ? 'the first' : 'the worst one'}`],
    ['Namespace', s.namespace], ['Operation', s.operation],
    ['User', text(o?.user)], ['Id', html`<span class="m d2">${s.id}</span>`],
  ]}/>
  <${Against} m=${m} s=${s}/>
  ${ex.length > 0 && html`<h3>What went wrong</h3><${Wrong} e=${ex[0]}/>`}
  ${s.kind !== 'inferred' && o?.annotations && html`<h3>Annotations</h3>
    <${Annotations} o=${o} filter=${filter}/>`}`;
}

// Median and spread of the node's other segments in the last hour: asked of the
// service graph, kept for the time that the view is open.
const known = new Map();

function Against({ m, s }) {
  const [node, setNode] = useState(null);
  const of = s.kind === 'subsegment' ? s.calls[0]?.nodeOf : s.nodeOf;
  const key = of && of.name + '|' + of.type;
  useEffect(() => {
    let on = true;
    setNode(null);
    if (!of || s.in_progress) return undefined;
    if (!known.has(key))
      known.set(key, get('/api/graph', { start: m.zero - 3600,
        end: m.zero + 3600, filter: serviceTerm(of) }).then(g => g.nodes.find(n =>
        !n.client && n.name === of.name && (n.type ?? '') === of.type) ?? null,
      () => null));
    known.get(key).then(n => on && setNode(n));
    return () => { on = false; };
  }, [key]);
  if (!node || node.total < 5 || node.p50 == null) return null;
  const d = (s.b - s.a) / 1e3, most = Math.max(d, node.p99) * 1.05;
  const at = v => (v / most * 100).toFixed(2) + '%';
  return html`<h3>Against ${count(node.total)} segments of this node</h3>
    <svg class="bb" aria-hidden="true"><rect class="fk" x="0" y="2" height="6"
      width=${at(node.p90)} rx="1"/><rect class="fo" x=${at(node.p50)} width="2"
      height="10"/><rect class="fo" x=${at(node.p99)} width="1" height="10"/>
      <rect class=${s.class === 'ok' ? 'fac' : 'fflt'} x=${at(d)} width="3"
        height="10"/></svg>
    <div class="d2">p50 ${seconds(node.p50)}, p90 ${seconds(node.p90)}, p99 ${
      seconds(node.p99)}; <b class=${s.class}>this ${ms(d * 1e3)}</b></div>`;
}

function Wrong({ e }) {
  const f = ownFrame(e.stack);
  return html`<div class="box"><b>${e.type || 'Exception'}</b>
    <div class="wrap">${e.message}</div>${f && html`<div class="m"><${Frame}
    f=${f}/></div>`}</div>`;
}

function Frame({ f }) {
  const editor = useEditorLink(f);
  const name = f.path.split(/[\\/]/).slice(-2).join('/') +
    (f.line == null ? '' : ':' + f.line);
  return html`${editor ? html`<a href=${editor} title="Open in VS Code">${name}
    </a>` : html`<span title=${f.path}>${name}</span>`}${'   '}${f.label}`;
}

/* --- the other tabs ------------------------------------------------------------ */

function Http({ o }) {
  const { request, response } = object(o.http);
  return html`${Object.keys(object(request)).length > 0 && html`<h3>Request</h3>
      <${Members} of=${request} first=${['method', 'url']}/>`}
    ${Object.keys(object(response)).length > 0 && html`<h3>Response</h3>
      <${Members} of=${response} first=${['status']}/>`}`;
}

function Aws({ o }) {
  return html`<${Members} of=${o.aws} first=${['operation', 'region']}/>`;
}

const pretty = v => JSON.stringify(v, null, 2);

// Members of an object with readable names; what is an object itself as text.
function Members({ of, first = [] }) {
  const keys = [...first.filter(k => k in of),
    ...Object.keys(of).filter(k => !first.includes(k))];
  return html`<${Facts} of=${keys.map(k => [label(k),
    of[k] !== null && typeof of[k] === 'object'
      ? html`<pre><${Long} text=${pretty(of[k])}/></pre>`
      : html`<span class="m"><${Long} text=${String(of[k])}/></span>`])}/>`;
}

const short = { url: 'URL', id: 'Id', arn: 'ARN', ip: 'IP', vpc: 'VPC' };
const label = key => {
  const s = key.split('_').map(w => short[w] ?? w).join(' ');
  return s.charAt(0).toUpperCase() + s.slice(1);
};

function Long({ text: t }) {
  const [all, setAll] = useState(false);
  if (t.length <= SHOWN || all) return t;
  return html`${t.slice(0, SHOWN)}… <button type="button" class="link"
    onClick=${() => setAll(true)}>Show all ${bytes(t.length)}</button>`;
}

function Sql({ o }) {
  const [raw, setRaw] = useState(false);
  const { sanitized_query: query, ...rest } = object(o.sql);
  return html`${typeof query === 'string' && html`<pre tabindex="0">${raw
    || query.length > 20000 ? query : sqlPieces(query).map(([kind, part]) =>
    kind ? html`<span class=${kind}>${part}</span>` : part)}</pre>
    <div class="act"><${CopyButton} text=${query}/><button type="button"
      class="bt" aria-pressed=${String(raw)} onClick=${() => setRaw(!raw)}>As
      sent</button></div>`}
    ${Object.keys(rest).length > 0 && html`<h3>Connection</h3>
      <${Members} of=${rest} first=${['database_type', 'database_version',
        'user', 'url']}/>`}`;
}

function Annotations({ o, filter }) {
  const add = (k, v) => go(href('traces', [], { filter:
    addTerm(filter, annotationTerm(k, v)) }));
  return html`<${Facts} of=${Object.entries(object(o.annotations)).map(([k, v]) =>
    [k, html`<button type="button" class="link m" title="Add to the filter"
      onClick=${() => add(k, v)}>${text(v)}</button>`])}/>`;
}

function Metadata({ o }) {
  return Object.entries(object(o.metadata)).map(([space, v]) => html`
    <h3>${space}</h3><pre tabindex="0"><${Long} text=${pretty(v)}/></pre>`);
}

function Exceptions({ m, s, o, choose }) {
  const all = exceptions(o);
  const above = [];
  for (let p = s.parent; p >= 0; p = m.spans[p].parent)
    if (m.spans[p].message && m.spans[p].message !== s.message)
      above.push(m.spans[p]);
  return html`${all.map(e => html`<div class="box"><b>${e.type || 'Exception'}</b>
      ${e.remote && html` <span class="tag">remote</span>`}
      <div class="wrap"><${Long} text=${e.message}/></div></div>
      ${e.stack.length > 0 && html`<h3>Stack, innermost first</h3>
        <pre tabindex="0">${e.stack.map((f, i) => html`${i > 0 && '\n'}<span
          class=${isForeign(f) ? 'd' : ''}><${Frame} f=${f}/></span>`)}${e.more > 0
          && `\n… ${e.more} more`}</pre>${e.stack.some(isForeign) &&
          html`<p class="d">Dim frames are of libraries.</p>`}`}`)}
    ${list(object(o?.cause).paths).length > 0 && html`<h3>Paths</h3><pre>${
      object(o.cause).paths.map(text).join('\n')}</pre>`}
    ${above.length > 0 && html`<h3>On the way up</h3>${above.map(p => html`<div>
      ${p.message} <span class="d"> in </span><button type="button" class="link"
      onClick=${() => choose(p)}>${p.label}</button></div>`)}`}`;
}

function Raw({ m, s, o }) {
  const [whole, setWhole] = useState(!o), [shown, setShown] = useState(PIECE);
  const document = m.documents?.[s.document];
  const body = whole || !o ? document : pretty(alone(o));
  if (body == null) return html`<p class="d">The document is being read.</p>`;
  return html`<div class="act"><${CopyButton} text=${body}/><button type="button"
      class="bt" aria-pressed=${String(whole)} disabled=${!o}
      onClick=${() => setWhole(!whole)}>Whole document as sent${' '}
      <span class="d">${bytes(document?.length ?? 0)}</span></button></div>
    ${!o && html`<p class="d">This text does not parse as a span.</p>`}
    <pre tabindex="0" class=${whole ? 'wrap' : ''}>${body.slice(0, shown)}</pre>
    ${body.length > shown && html`<button type="button" class="bt"
      onClick=${() => setShown(shown + PIECE)}>Show more,${' '}
      ${bytes(body.length - shown)} left</button>`}`;
}
