// SPDX-License-Identifier: Apache-2.0
// One trace: title, facts, waterfall, details. #/trace/ID?sel=&zoom=a-b&tab=
import { html, memo, useCallback, useEffect, useLayoutEffect, useMemo, useRef,
  useState } from '../lib/html.js';
import { Icon, Status, glyphOf, words } from '../lib/icons.js';
import { get } from '../lib/api.js';
import { clockText, count, ms, plural, title, utc } from '../lib/format.js';
import { change, go, href } from '../lib/route.js';
import { listen, serverNow } from '../lib/stream.js';
import { traces } from '../lib/traces.js';
import { markForDiff, marked, pin } from '../lib/actions.js';
import { copyText } from '../lib/copy.js';
import { Menu } from '../lib/controls.js';
import { Windowed, reveal } from '../lib/windowed.js';
import { useBelowWide, useNarrow } from '../lib/narrow.js';
import { useKeys } from '../lib/keys.js';
import { Bars, Grid, MiniMap, TimeAxis, viewWords } from './lanes.js';
import { durationOf, model, nameOf, noteOf, rowsOf, worst } from './model.js';
import { Details } from './details.js';
import { cli, curl, finder } from './document.js';
import { addTerm, quote, serviceTerm } from './filter_text.js';
import { markdown } from './markdown.js';

const ROW = 24, SEGMENT = 26, NARROW_ROW = 44;

/* --- data -------------------------------------------------------------------- */

// The trace without its documents first, so that the waterfall is there at
// once; the documents follow, for details and copying.
function useTrace(id) {
  const [t, setT] = useState({ data: null, documents: null, error: null });
  useEffect(() => {
    let on = true, timer = 0, busy = false, next = 0;
    const load = async () => {
      const began = performance.now();
      busy = true;
      try {
        const data = await get('/api/traces/' + id, { documents: 0 });
        if (on) setT(x => ({ ...x, data, error: null }));
        const { documents } = await get('/api/traces/' + id, { documents: 1 });
        if (on) setT(x => ({ ...x, documents }));
      } catch (error) {
        if (on) setT(x => ({ ...x, error, data: error.status === 404 ? null
          : x.data }));
      }
      // A large trace that still grows is not read without pause.
      next = Date.now() + Math.max(500, 5 * (performance.now() - began));
      busy = false;
    };
    const soon = () => {
      if (timer) return;
      timer = setTimeout(() => {
        timer = 0;
        if (busy) soon();
        else load();
      }, Math.max(100, next - Date.now()));
    };
    setT({ data: null, documents: null, error: null });
    load();
    const stop = listen((kind, data) => {
      if (kind !== 'trace') soon();
      else if (data.trace.id === id) soon();
    });
    return () => { on = false; clearTimeout(timer); stop(); };
  }, [id]);
  return t;
}

export function Trace({ args, params }) {
  const id = args[0] ?? '', { data, documents, error } = useTrace(id);
  const up = href('traces', [], { filter: params.get('filter'),
    range: params.get('range'), sel: id });
  useKeys({ Escape: () => go(up) });
  const early = traces.get().rows.find(r => r.id === id);
  if (error && !data) return html`<div class="none"><h1>${error.status === 404
    ? 'This trace is gone' : 'The trace could not be read'}</h1><p class="d2">${
    error.status === 404 ? html`<span class="m">${id}</span> is not in the store:
      trimmed, cleared, or never here.` : error.message}</p><p class="act">
    <a class="bt" href=${up}>Back to the list</a></p></div>`;
  const row = data?.trace ?? early;
  return html`${row ? html`<${Header} row=${row} id=${id} up=${up}
      params=${params} data=${data} documents=${documents}/>`
      : html`<div class="hd"><h1 class="d">…</h1></div>`}
    ${data && html`<${Body} key=${id} data=${data} documents=${documents}
      params=${params}/>`}`;
}

/* --- head --------------------------------------------------------------------- */

function Header({ row, id, up, params, data, documents }) {
  const [open, setOpen] = useState(false), [pinned, setPinned] = useState(null);
  const is = pinned ?? row.pinned, { rows, strip } = traces.get();
  const at = rows.findIndex(r => r.id === id);
  const step = by => {
    const to = rows[at + by];
    if (at < 0 || !to) return false;
    return go(href('trace', [to.id], { filter: params.get('filter'),
      range: params.get('range'), tab: params.get('tab') }));
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
    <${Menu} class="wid right" title="c" open=${open} onOpen=${setOpen}
      items=${items} label=${html`<${Icon} name="copy"/> Copy as`}/>
    <button type="button" class="bt wid" title="d" onClick=${() =>
      markForDiff(id)}>${marked.use() && marked.get() !== id ? 'Compare'
      : 'Diff'}</button>
    <button type="button" class="bt" title="Pin: keep when the store is trimmed"
      aria-label="Pin" aria-pressed=${String(is)} onClick=${togglePin}>
      <${Icon} name="star" class=${is ? 'f' : ''}/></button></div>`;
}

function like(row) {
  let f = serviceTerm({ name: row.name, type: row.type });
  if (row.method) f = addTerm(f, `http.method = ${quote(row.method)}`);
  if (row.url) f = addTerm(f, 'http.url CONTAINS ' +
    quote(row.url.replace(/[?#].*/, '')));
  return row.class === 'ok' ? f : addTerm(f, row.class);
}

function FactsLine({ m }) {
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

function Warnings({ m, choose }) {
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

/* --- waterfall ---------------------------------------------------------------- */

function zoomOf(params, { end, view }) {
  const text = params.get('zoom') ?? '', z = /^([\d.]+)-([\d.]+)$/.exec(text);
  const a = z && +z[1], b = z && Math.min(end, +z[2]);
  return z && b > a ? [a, b] : [0, text === 'all' ? end : view];
}

// The chosen row follows the URL; else the cause of what went wrong, else the
// entry.
function chosenRow(rows, m, sel) {
  const has = (r, id) => r.key === id || r.kind === 'span' && r.span.id === id;
  let at = sel ? rows.findIndex(r => has(r, sel)) : -1;
  // In a folded run or under a closed row: the row that stands for it.
  if (at < 0 && sel) at = rows.findIndex(r => r.list?.some(s => s.id === sel));
  if (at < 0 && sel) {
    const s = m.spans.find(x => x.id === sel && x.kind !== 'inferred');
    for (let p = s?.parent ?? -1; p >= 0 && at < 0; p = m.spans[p].parent)
      at = rows.findIndex(r => r.kind === 'span' && r.span.i === p);
  }
  if (at < 0 && !sel) {
    const cause = m.spans[causeOf(m.spans)];
    at = cause ? rows.findIndex(r => r.span === cause) : -1;
  }
  return Math.max(at, 0);
}

// The deepest call that is a fault; -1 for none.
function causeOf(spans) {
  let at = -1;
  spans.forEach((s, i) => {
    if (s.class === 'fault' && s.kind === 'subsegment' &&
      (at < 0 || s.depth > spans[at].depth)) at = i;
  });
  return at;
}

function Body({ data, documents, params }) {
  const [now, setNow] = useState(serverNow), small = useNarrow();
  const m = useMemo(() => model(data, now), [data, now]);
  m.documents = documents;
  const find = useMemo(() => documents && finder(documents), [documents]);
  const [open, setOpen] = useState(() => new Map());
  const rows = useMemo(() => rowsOf(m, open), [m, open]);
  const sel = params.get('sel'), view0 = zoomOf(params, m);
  const view = useMemo(() => view0, view0);
  const at = useMemo(() => chosenRow(rows, m, sel), [rows, sel]);
  const over = useBelowWide(), [sheet, setSheet] = useState(!small && !!sel);
  const box = useRef(null);

  // Running bars grow; a large trace costs more to draw, so less often.
  useEffect(() => {
    if (!m.running) return undefined;
    const timer = setInterval(() => setNow(serverNow()),
      m.spans.length > 2000 ? 5000 : 1000);
    return () => clearInterval(timer);
  }, [m.running > 0, m.spans.length > 2000]);

  const tops = useMemo(() => {
    const t = new Float64Array(rows.length + 1);
    rows.forEach((r, i) => { t[i + 1] = t[i] + (small ? NARROW_ROW
      : r.level === 0 ? SEGMENT : ROW); });
    return t;
  }, [rows, small]);
  const top = useCallback(i => tops[i], [tops]);

  const select = (key, focus) => {
    change({ sel: key }, { replace: true });
    if (focus) focusRow.current = true;
    else if (!small) setSheet(true);
  };
  // Chosen by a key or a name elsewhere: into view and, but at the start, into
  // focus.
  const focusRow = useRef(null);
  useLayoutEffect(() => {
    const first = focusRow.current === null;
    if (!first && !focusRow.current) return;
    focusRow.current = false;
    reveal(box.current, top, at);
    if (first) return;
    const f = document.activeElement;
    if (f && f !== document.body && !box.current.contains(f)) return;
    requestAnimationFrame(() => box.current
      ?.querySelector('[aria-selected=true]')?.focus({ preventScroll: true }));
  }, [at, sel]);
  // A span that is named elsewhere (details, warnings): open the way to it.
  const chooseSpan = s => {
    const next = new Map(open);
    for (let p = s.parent; p >= 0; p = m.spans[p].parent)
      if (m.spans[p].kind === 'subsegment' || m.spans[p].seg)
        next.set(m.spans[p].id, true);
    setOpen(next);
    select(s.kind === 'inferred' ? rows.find(r => r.kind === 'inferred' &&
      r.list.includes(s))?.key ?? s.id : s.id, true);
  };
  const toggle = (row, is = !row.open) => {
    if (!row.expands || row.open === is) return false;
    setOpen(new Map(open).set(row.key, is));
    return true;
  };
  const zoom = v => change({ zoom: v && (v[0] > 0 || v[1] < m.end)
    ? v.map(t => +t.toFixed(3)).join('-') : m.view < m.end ? 'all' : null },
  { replace: true });
  const zoomTo = s => {
    const room = Math.max((s.b - s.a) * .08, m.end / 1e5);
    zoom([Math.max(0, s.a - room), Math.min(m.end, s.b + room)]);
  };
  const to = i => rows[i] && select(rows[i].key, true);
  const last = rows.length - 1, row = rows[at];
  const fold = () => {
    if (toggle(row, false)) return;
    for (let i = at - 1; i >= 0; i--)
      if (rows[i].level < row.level) return to(i);
  };
  const unfold = () => toggle(row, true) || (row.open && to(at + 1));
  const page = () => Math.floor(box.current.clientHeight / ROW) - 2;
  const down = () => to(Math.min(last, at + 1)), upward = () =>
    to(Math.max(0, at - 1));
  useKeys({ j: down, ArrowDown: down, k: upward, ArrowUp: upward, h: fold,
    ArrowLeft: fold, l: unfold, ArrowRight: unfold, Home: () => to(0),
    End: () => to(last), PageDown: () => to(Math.min(last, at + page())),
    PageUp: () => to(Math.max(0, at - page())),
    Enter: () => over && !sheet ? setSheet(true) : toggle(row),
    z: () => row.span && zoomTo(row.span), 0: () => zoom(null) });

  // One object for all drawings, so that a row is drawn anew only for what it
  // shows.
  const acts = useRef({});
  Object.assign(acts.current, { select, toggle });
  const draw = (i, y, slot) => html`<${Row} key=${slot} row=${rows[i]} i=${i}
    y=${y} sel=${i === at} view=${view} m=${m} acts=${acts.current}/>`;
  const whole = view[0] <= 0 && view[1] >= m.end;
  return html`<${FactsLine} m=${m}/><${Warnings} m=${m} choose=${chooseSpan}/>
    <div class="split"><div class="wf">
      <div class="wr mini"><div class="wn">${whole ? html`<span class="b">Whole
        trace</span><span class="d">drag to zoom</span>` : html`<span class="b">
        ${viewWords(view)}</span><button type="button" class="link"
        onClick=${() => zoom(null)}>Show all</button>`}</div>
        <${MiniMap} m=${m} view=${view} height=${small ? 48 : 64}
          choose=${zoom}/></div>
      <div class="wr axr"><div class="wn"><span>Span</span>
        <span class="du">Duration</span></div>
        <${TimeAxis} view=${view} few=${small}/></div>
      <${Windowed} class="sc" scroller=${box} n=${rows.length} top=${top}
        draw=${draw} role="treegrid" aria-label="Waterfall"
        aria-rowcount=${rows.length}><${Grid} view=${view} few=${small}/><//></div>
      ${(!over || sheet) && html`<${Details} m=${m} row=${row?.span ? row : null}
        find=${find} wanted=${params.get('tab')} choose=${chooseSpan}
        filter=${params.get('filter') ?? ''} close=${() => setSheet(false)}/>`}
    </div>
    ${small && !sheet && row?.span && html`<div class="sheet"><${Icon}
      name=${row.span.class} class=${row.span.class}/><b class="x">${nameOf(row)}</b>
      <span class="d">${ms(durationOf(row))}</span><span class="g"/>
      <button type="button" class="bt" onClick=${() => setSheet(true)}>Details
      </button></div>`}`;
}

const Row = memo(({ row, i, y, sel, view, m, acts }) => {
  const place = { top: y + 'px' };
  const aria = { role: 'row', 'aria-level': row.level + 1,
    'aria-rowindex': i + 1, 'aria-setsize': row.size, 'aria-posinset': row.place,
    'aria-expanded': row.expands ? String(row.open) : null,
    'aria-selected': String(sel), tabindex: sel ? 0 : -1 };
  const act = e => {
    if (e.target.closest('.tw')) acts.toggle(row);
    else acts.select(row.key);
  };
  const fold = row.expands ? html`<${Icon} name=${row.open ? 'open' : 'closed'}
    class="tw"/>` : html`<span class="sp"/>`;
  if (row.kind === 'head') return html`<div ...${aria} class=${'wr gr hr' + (sel
      ? ' sel' : '')} style=${place} onClick=${() => acts.toggle(row)}>
    <div class="wn" role="gridcell">${fold}<span class="d2">${row.text}</span>
      <span class="d x">${row.note}</span><span class="du d">${row.n}</span></div>
    <div class="lc" role="gridcell"/></div>`;

  const s = row.span, top = row.list ? worst(row.list) : s;
  const running = row.list ? row.list.some(x => x.in_progress) : s.in_progress;
  const kind = running ? 'prog' : top.class, n = row.list?.length ?? 1;
  const parent = s.seg && s.parent >= 0 ? m.spans[s.parent] : null;
  const note = noteOf(row), name = nameOf(row);
  return html`<div ...${aria} class=${`wr${row.level === 0 ? ' gr' : ''}${sel
      ? ' sel' : ''}`} style=${place} onClick=${act}>
    <div class="wn" role="gridcell" style=${{ '--l': row.level }}>${fold}
      ${s.seg ? html`<b class="nm" title=${name}>${name}</b>` : html`<${Icon}
          name=${glyphName(s)} class="d"/>
        <span class=${'nm' + (row.kind === 'inferred' ? ' iv' : '')}
          title=${name}>${name}</span>`}
      ${note && html`<span class=${'x pa2' + (s.seg ? '' : ' d')}
        title=${note}>${note}</span>`}
      ${n > 1 && html`<span class="tag">×${n}</span>`}
      ${row.oneByOne && html`<span class="tag nq" title=${`${n} like calls one ` +
        'after the other: could be one'}>N+1?</span>`}
      ${kind !== 'ok' && html`<${Status} kind=${kind} code=${!running && n === 1
        ? top.status : ''} text=${running ? 'running' : undefined}/>`}
      <span class="du d2">${running ? '> ' : ''}${ms(durationOf(row))}</span></div>
    <div class="lc" role="gridcell"><span class="sr">starts at ${ms(s.a)}</span>
      <svg class="lane" aria-hidden="true"><${Bars} row=${row} view=${view}
        critical=${row.kind === 'span' ? m.critical.get(s.i) : null}
        parent=${parent}/></svg></div></div>`;
});

// By the node that was made for a call, else by what is known of the call.
function glyphName(s) {
  if (s.kind === 'inferred') return glyphOf(s.nodeOf?.type, 'remote');
  if (!s.namespace) return '';
  const made = s.calls.find(c => c.kind === 'inferred');
  return glyphOf(made?.nodeOf?.type ?? (s.namespace === 'aws' ? s.name : ''),
    s.namespace);
}
