// SPDX-License-Identifier: Apache-2.0
// The list of traces: filter, strip, live rows. #/traces?filter=&range=&q=&sel=
// &cols=key,key
import { html, memo, useCallback, useEffect, useMemo, useRef, useState }
  from '../lib/html.js';
import { Icon, Status } from '../lib/icons.js';
import { change, go, href, safeDecode } from '../lib/route.js';
import { rangeWords, run, usual } from '../lib/api.js';
import { clock, count, ms, pathOf, plural, shortId, utc }
  from '../lib/format.js';
import { paused, serverNow, stats, waiting } from '../lib/stream.js';
import { arrivals, more, release, show, standAt, traces }
  from '../lib/traces.js';
import { Windowed, reveal } from '../lib/windowed.js';
import { Range, usePop, useTick } from '../lib/controls.js';
import { useNarrow } from '../lib/narrow.js';
import { useKeys } from '../lib/keys.js';
import { remember } from '../lib/store.js';
import { say } from '../lib/say.js';
import { markForDiff, pin } from '../lib/actions.js';
import { FilterBox, FilterError } from './filter.js';
import { Strips, logScale } from './strip.js';
import { Empty } from './empty.js';

const ROW = 28, NARROW_ROW = 56;
const HEAD = 28; // of the table, stuck to the top

// Where each list was scrolled to; Back goes there.
const places = new Map();

export function List({ params }) {
  const filter = params.get('filter') ?? '', range = params.get('range') ?? usual;
  const t = traces.use(), all = stats.use()?.traces, q = params.get('q');
  useEffect(() => show({ filter, range, q }), [filter, range, q]);
  useEffect(() => {
    const tell = rows => {
      const faults = rows.filter(r => r.class === 'fault').length;
      say(plural(rows.length, 'new trace') +
        (faults ? `, ${plural(faults, 'fault')}` : ''));
    };
    arrivals.add(tell);
    return () => arrivals.delete(tell);
  }, []);

  if (all === 0 && !run && !filter && !t.rows.length && !t.loading) return html`<${Empty}/>`;
  const shown = t.query && (t.rows.length || !t.error);
  const matched = t.strip && !t.error &&
    `${count(t.strip.matched)} of ${count(t.strip.total)}`;
  return html`<h1 class="sr">Traces</h1>
    <${Tools} filter=${filter} range=${range} t=${t} note=${matched}/>
    <${FilterError} error=${t.error} good=${t.good} has=${t.rows.length > 0}
      bad=${t.error?.status === 400 && filter}/>
    ${(t.strip || !t.error) && html`<${Strips} data=${t.strip}
      filter=${t.good}/>`}
    ${q && html`<div class="note"><span>Only traces in which the text${' '}
      <b class="m">${q}</b> stands</span><button type="button" class="link"
      onClick=${() => change({ q: null })}>All traces</button></div>`}
    <${NewRows}/>
    ${t.rows.length ? html`<${Table} t=${t} params=${params}/>`
      : !t.loading && (shown ? html`<${Nothing} t=${t} all=${all}/>`
        : t.error?.status === 400 && html`<${Unread}/>`)}`;
}

function Tools({ filter, range, t, note }) {
  return html`<div class=${'tools' + (t.loading ? ' busy' : '')}>
    <${FilterBox} filter=${filter} error=${t.error} good=${t.good} note=${note}/>
    <${Range} range=${range}/><${PauseButton}/>
    <${Columns} rows=${t.rows}/></div>`;
}

export function PauseButton() {
  const held = paused.use();
  if (run) return null;
  return html`<button type="button" class="bt pause" title="p"
    aria-pressed=${String(held)} onClick=${() => paused.set(!held)}>
    <${Icon} name=${held ? 'play' : 'pause'}/> ${held ? 'Go on' : 'Pause'}
  </button>`;
}

// New rows wait while the list is scrolled; by pause they wait in the chip.
function NewRows() {
  const n = waiting.use();
  if (!n || paused.use()) return null;
  return html`<button type="button" class="pill" onClick=${() => {
    const box = document.querySelector('.lst');
    if (box) box.scrollTop = 0;
    release();
  }}><${Icon} name="up"/> ${plural(n, 'new trace')}</button>`;
}

function Nothing({ t, all }) {
  const { filter, range, q } = t.query, total = t.strip?.total;
  const hit = filter || q ? 'Nothing matches.' : 'No traces ' + rangeWords(range) + '.';
  const there = filter && total != null
    ? `${plural(total, 'trace')} ${rangeWords(range)}.`
    : all ? `${plural(all, 'trace')} in the store.` : '';
  return html`<div class="none"><h2>${hit}</h2><p class="d2">${there}</p>
    <p class="act">${filter && html`<button type="button" class="bt"
      onClick=${() => change({ filter: null })}>Clear filter</button>`}
    ${range !== 'all' && html`<button type="button" class="bt"
      onClick=${() => change({ range: 'all' })}>Look at all times</button>`}
    </p></div>`;
}

// A link with a filter that cannot be read: there is no last good one.
const Unread = () => html`<div class="none"><h2>This filter cannot be read.</h2>
  <p class="d2">Mend it above, or look at all traces.</p><p class="act"><button
  type="button" class="bt" onClick=${() => change({ filter: null })}>Clear filter
  </button></p></div>`;

/* --- columns --------------------------------------------------------------- */

function annotationKeys(rows) {
  const n = new Map();
  for (const r of rows.slice(0, 200))
    for (const k of Object.keys(r.annotations)) n.set(k, (n.get(k) ?? 0) + 1);
  return [...n].sort((a, b) => b[1] - a[1]).map(e => e[0]);
}

// The chosen annotation columns: of the URL, else as last time, else the two
// that most traces have and that tell them apart.
function useColumns(rows, params) {
  const first = useRef(null);
  const set = params.get('cols') ?? remember('cols');
  if (set != null) return set ? set.split(',').map(safeDecode) : [];
  if (!first.current && rows.length)
    first.current = annotationKeys(rows).filter(k => rows.length < 3 ||
      new Set(rows.map(r => valuesOf(r, k)).filter(Boolean)).size > 1).slice(0, 2);
  return first.current ?? [];
}

function Columns({ rows }) {
  const [open, setOpen] = useState(false);
  const params = new URLSearchParams(location.hash.split('?')[1] ?? '');
  const chosen = useColumns(rows, params);
  const keys = [...new Set([...chosen, ...annotationKeys(rows)])].slice(0, 50);
  const toggle = k => {
    const next = chosen.includes(k) ? chosen.filter(c => c !== k)
      : [...chosen, k];
    const cols = next.map(encodeURIComponent).join(',');
    remember('cols', cols);
    change({ cols: cols || '' }, { replace: true });
  };
  return html`<div class="menu wid" ...${usePop(open, () => setOpen(false))}>
    <button type="button" class="bt" aria-expanded=${String(open)}
      onClick=${() => setOpen(!open)}>Columns</button>
    ${open && html`<fieldset class="pop cols"><legend class="sr">Annotations
      shown as columns</legend>${keys.length ? keys.map(k => html`<label>
        <input type="checkbox" checked=${chosen.includes(k)}
          onChange=${() => toggle(k)}/> <span class="m">${k}</span></label>`)
      : html`<p class="d">None of these traces has annotations.</p>`}
    </fieldset>`}</div>`;
}

/* --- rows ------------------------------------------------------------------- */

function Table({ t, params }) {
  const { rows, fresh } = t, small = useNarrow();
  const size = small ? NARROW_ROW : ROW, box = useRef(null);
  const top = useCallback(i => i * size, [size]);
  const sel = params.get('sel');
  const at = useMemo(() => rows.findIndex(r => r.id === sel), [rows, sel]);
  const columns = useColumns(rows, params);
  const cols = useMemo(() => columns, [columns.join('\0')]);
  useTick(1000, rows.some(r => r.in_progress));

  const place = href('traces', [], t.query);
  useEffect(() => {
    box.current.scrollTop = places.get(place) ?? 0;
    standAt(box.current.scrollTop < size);
    return () => standAt(true);
  }, [place]);
  const watch = e => {
    places.set(place, e.scrollTop);
    standAt(e.scrollTop < size);
    if (e.scrollTop + 2 * e.clientHeight > e.scrollHeight) more();
  };
  // Rows that come in above must not move what is looked at.
  const choose = i => {
    if (i < 0 || i >= rows.length) return;
    change({ sel: rows[i].id }, { replace: true });
    reveal(box.current, top, i, small ? 0 : HEAD);
    requestAnimationFrame(() => box.current
      ?.querySelector(`[aria-rowindex="${i + 2}"]`)
      ?.focus({ preventScroll: true }));
  };
  const page = () => Math.floor(box.current.clientHeight / size) - 2;
  const open = i => rows[i] && openTrace(rows[i].id, t);
  const move = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
  const keys = {
    Enter: () => at >= 0 ? open(at) : false,
    Home: () => choose(0), End: () => choose(rows.length - 1),
    PageDown: () => choose(Math.min(rows.length - 1, at + page())),
    PageUp: () => choose(Math.max(0, at - page())),
    d: () => at >= 0 && markForDiff(rows[at].id),
    s: () => at >= 0 && pin(rows[at]),
  };
  for (const [k, by] of Object.entries(move))
    keys[k] = () => choose(Math.max(0, Math.min(rows.length - 1, at + by)));
  useKeys(keys);

  const now = serverNow();
  const draw = (i, y, slot) => html`<${Row} key=${slot} row=${rows[i]} i=${i}
    y=${y} cols=${cols} sel=${i === at} tab=${i === Math.max(at, 0)}
    fresh=${fresh.has(rows[i].id)} t=${t.query} small=${small}
    now=${rows[i].in_progress ? Math.floor(now) : 0}/>`;
  return html`<${Windowed} class="sc lst" scroller=${box} n=${rows.length}
    top=${top} draw=${draw} watch=${watch} role="grid" aria-label="Traces"
    aria-rowcount=${t.strip?.matched ?? rows.length}
    style=${{ '--an': cols.map(() => '72px').join(' ') || ' ' }}
    head=${html`<${Head} cols=${cols}/>`}/>`;
}

function Head({ cols }) {
  return html`<div class="tr th" role="row" aria-rowindex="1">
    <span role="columnheader" aria-sort="descending">Time ↓</span>
    <span role="columnheader">Status</span>
    <span role="columnheader" class="n">Duration</span>
    <span role="columnheader" title="Logarithmic, lines at 10 ms, 100 ms, 1 s
 and 10 s">1 ms – 100 s, log</span>
    <span role="columnheader">Request</span>
    <span role="columnheader" class="thr">Through</span>
    <span role="columnheader" class="n">Spans</span>
    ${cols.map(c => html`<span role="columnheader" class="x an"
      title=${'annotation.' + c}>${c}</span>`)}
    <span role="columnheader">Trace</span>
    <span role="columnheader"><span class="sr">Pinned</span></span></div>`;
}

const linkTo = (id, t) => href('trace', [id], { filter: t.filter, q: t.q,
  range: t.range === usual ? null : t.range });

function openTrace(id, t) {
  go(linkTo(id, t.query));
}

// A key may be "constructor" or the like.
const valuesOf = ({ annotations: a }, key) =>
  Object.hasOwn(a, key) ? a[key].join(', ') : '';

const Row = memo(({ row, i, y, cols, sel, tab, fresh, t, small, now }) => {
  const kind = row.in_progress ? 'prog' : row.class;
  const d = row.in_progress
    ? Math.max(row.duration, Math.min(now - row.start, row.duration + 600)) * 1e3
    : (row.response_time ?? row.duration) * 1e3;
  const c = clock(row.start), length = (row.in_progress ? '> ' : '') + ms(d);
  const path = pathOf(row.url) || row.name || 'no segment yet';
  const link = linkTo(row.id, t);
  const note = row.message
    ? html`<span class=${row.class === 'ok' ? 'd' : row.class}>${row.message}
      </span>` : row.in_progress ? html`<span class="d">in progress</span>`
      : row.partial ? html`<span class="d">not complete</span>` : null;
  const warn = row.warnings ? html`<span title=${`AWS would refuse ${
    plural(row.warnings, 'thing')}`}><${Icon} name="no" class="error"/>
    <span class="sr">AWS would refuse ${plural(row.warnings, 'thing')}</span>
    </span>` : null;
  const text = html`<span class="me">${row.url ? row.method : ''}</span><a
    class="pa" href=${link} tabindex="-1">${path}</a>`;
  return html`<div class=${`tr${sel ? ' sel' : ''}${fresh ? ' new' : ''}`}
      role="row" tabindex=${tab ? 0 : -1} aria-selected=${String(sel)}
      aria-rowindex=${i + 2} style=${{ top: y + 'px' }}>
    ${small ? null : html`<span class="m d2" role="gridcell"
      title=${utc(row.start)}>${c.date ? html`<span class="d">${c.date} </span>`
      : ''}${c.time}${c.date ? '' : html`<span class="d">${c.milli}</span>`}
      </span>`}
    <span class="k1" role="gridcell"><${Status} kind=${kind}
      code=${row.in_progress ? '' : row.status}/></span>
    ${small ? html`<span class="k2 x" role="gridcell">${text}</span>` : null}
    <span class="k3 n" role="gridcell">${length}</span>
    ${small ? html`<span class="k4 x d2" role="gridcell">${c.date} ${c.time}${' '}
        <span class="d">${note ?? row.through.join(' › ')}</span></span>
      <span class="k5 n d" role="gridcell">${warn} ${plural(row.spans, 'span')}
      </span>` : html`<span role="presentation"><svg class="lb"
        aria-hidden="true"><rect class=${row.in_progress ? 'fk' : 'fo'} x="0"
          y="11" height="6" width=${logScale(d).toFixed(2) + '%'}/></svg></span>
      <span class="x" role="gridcell" title=${`${row.method} ${row.url ||
        row.name}${row.message ? '\n' + row.message : ''}`}>${text}${'  '}${note}
      </span>
      <span class="x d2 thr" role="gridcell" title=${row.through.join(' › ')}>
        ${row.through.map((s, j) => html`${j > 0 && html`<span class="d"> ›${' '}
          </span>`}${s}`)}</span>
      <span class="n d2" role="gridcell">${count(row.spans)}</span>
      ${cols.map(k => html`<span class="m x an" role="gridcell"
        title=${valuesOf(row, k)}>${valuesOf(row, k)}</span>`)}
      <span class="m d x" role="gridcell" title=${row.id}>${shortId(row.id)}
        ${' '}${warn}</span>
      <span role="gridcell">${row.pinned
        ? html`<${Icon} name="star" class="f"/><span class="sr">pinned</span>`
        : ''}</span>`}</div>`;
});
