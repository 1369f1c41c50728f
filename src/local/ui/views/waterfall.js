// SPDX-License-Identifier: Apache-2.0
// The body of a trace: facts, warnings, the waterfall with its keys and zoom,
// the details beside it.
import { html, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState }
  from '../lib/html.js';
import { Icon } from '../lib/icons.js';
import { ms } from '../lib/format.js';
import { change } from '../lib/route.js';
import { serverNow } from '../lib/stream.js';
import { Windowed, reveal } from '../lib/windowed.js';
import { useBelowWide, useNarrow } from '../lib/narrow.js';
import { useKeys } from '../lib/keys.js';
import { Grid, MiniMap, TimeAxis, viewWords } from './lanes.js';
import { causeOf, durationOf, model, nameOf, rowsOf } from './model.js';
import { Details } from './details.js';
import { finder } from './document.js';
import { Causes, FactsLine, Warnings } from './trace_head.js';
import { Links } from './links.js';
import { Row } from './waterfall_row.js';

const ROW = 24, SEGMENT = 26, NARROW_ROW = 44;

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

export function Waterfall({ data, documents, params }) {
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
  return html`<${FactsLine} m=${m}/><${Causes} m=${m} choose=${chooseSpan}/>
    <${Warnings} m=${m} choose=${chooseSpan}/><${Links} data=${data}/>
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
