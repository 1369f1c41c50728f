// SPDX-License-Identifier: Apache-2.0
// Two traces beside each other: the waterfall's rows with two bars in a lane, A
// over B. #/diff/A/B
import { html, memo, useCallback, useEffect, useRef, useState }
  from '../lib/html.js';
import { Status } from '../lib/icons.js';
import { get } from '../lib/api.js';
import { clockText, count, ms, plural, seconds, title } from '../lib/format.js';
import { go, href } from '../lib/route.js';
import { useKeys } from '../lib/keys.js';
import { useNarrow } from '../lib/narrow.js';
import { Windowed, reveal } from '../lib/windowed.js';
import { TimeAxis, Grid } from './lanes.js';

const ROW = 28, NARROW_ROW = 44;
const signs = { added: '+', removed: '−', changed: '≠', same: '' };
const said = { added: 'only in B', removed: 'only in A',
  changed: 'status differs', same: '' };

export function Diff({ args }) {
  const [a, b] = args, [d, setD] = useState(null), [error, setError] =
    useState(null);
  useEffect(() => {
    let on = true;
    read(a, b).then(x => on && setD(x), e => on && setError(e));
    return () => { on = false; };
  }, [a, b]);
  useKeys({ Escape: () => go(href('traces')) });
  if (error) return html`<div class="none"><h1>These two cannot be compared</h1>
    <p class="d2">${error.message}</p><p><a class="bt" href="#/traces">To the
    traces</a></p></div>`;
  if (!d) return html`<h1 class="sr">Diff</h1>`;
  return html`<${Head} d=${d}/><div class="split"><${Rows} d=${d}/>
    <${Totals} d=${d}/></div>`;
}

// Inferred segments are left out: their callers' subsegments say the same.
async function read(a, b) {
  const [d, ...sides] = await Promise.all([get('/api/diff', { a, b }),
    ...[a, b].map(id => get('/api/traces/' + id, { documents: 0 }))]);
  const made = (x, side) => x && side.rows[x.row]?.kind === 'inferred';
  return { ...d, rows: d.rows.filter(r => !made(r.a, sides[0])
    && !made(r.b, sides[1])) };
}

function signed(s) {
  if (Math.abs(s) < 5e-5) return html`<span class="d">0 ms</span>`;
  return (s > 0 ? '+' : '−') + ms(Math.abs(s) * 1e3);
}

function Head({ d }) {
  const n = kind => d.rows.filter(r => r.change === kind).length;
  const side = (letter, row) => html`<span class="side"><b class="tag">${letter}</b>
    <${Status} kind=${row.class} code=${row.status}/><a
    href=${href('trace', [row.id])}>${title(row)}</a><span class="m d2">${
    clockText(row.start)}</span><b>${seconds(row.response_time ?? row.duration)}</b>
    </span>`;
  const time = r => r.response_time ?? r.duration;
  return html`<div class="hd"><a class="bt q" href="#/traces"
      title="Back to the list (Esc)" aria-label="Back to the list">←</a>
      <h1>A against B</h1><span class="g"/><a class="bt"
      href=${href('diff', [d.b.id, d.a.id])}>Swap</a></div>
    <div class="facts">${side('A', d.a)}${side('B', d.b)}</div>
    <div class="facts"><span>B took <b>${signed(time(d.b) - time(d.a))}</b></span>
      <span><b>${n('added')}</b> added</span><span><b>${n('removed')}</b> removed
      </span><span><b>${n('changed')}</b> changed in status</span>
      <span><b>${n('same')}</b> the same</span></div>`;
}

function Rows({ d }) {
  const box = useRef(null), [at, setAt] = useState(0), small = useNarrow();
  const top = useCallback(i => i * (small ? NARROW_ROW : ROW), [small]);
  const end = Math.max(.001, ...d.rows.flatMap(r => [r.a, r.b].filter(Boolean)
    .map(x => x.start + (x.duration ?? 0)))) * 1e3;
  const view = [0, end];
  const to = i => {
    const next = Math.max(0, Math.min(d.rows.length - 1, i));
    setAt(next);
    reveal(box.current, top, next);
    requestAnimationFrame(() => box.current?.querySelector(
      '[aria-selected=true]')?.focus({ preventScroll: true }));
  };
  const jump = by => {
    for (let i = at + by; i >= 0 && i < d.rows.length; i += by)
      if (d.rows[i].change !== 'same') return to(i);
    return false;
  };
  const side = (r, letter) => r[letter] && go(href('trace', [d[letter].id]));
  useKeys({ j: () => to(at + 1), ArrowDown: () => to(at + 1),
    k: () => to(at - 1), ArrowUp: () => to(at - 1), Home: () => to(0),
    End: () => to(d.rows.length - 1), ']': () => jump(1), '[': () => jump(-1),
    Enter: () => side(d.rows[at], d.rows[at].b ? 'b' : 'a') });
  const draw = (i, y, slot) => html`<${Row} key=${slot} r=${d.rows[i]} i=${i} y=${y}
    end=${end} sel=${i === at} choose=${setAt}/>`;
  return html`<div class="wf df"><div class="wr axr"><div class="wn"><span>Span
      </span><span class="du">A</span><span class="df1">B − A</span></div>
      <${TimeAxis} view=${view} few=${small}/></div>
    <${Windowed} class="sc" scroller=${box} n=${d.rows.length} top=${top}
      draw=${draw} role="treegrid" aria-label="Differences"
      aria-rowcount=${d.rows.length}><${Grid} view=${view} few=${small}/><//>
    </div>`;
}

const Row = memo(({ r, i, y, end, sel, choose }) => {
  const pc = v => (v * 1e5 / end).toFixed(3) + '%';
  const bar = (x, at, kind) => x && html`<rect class=${kind + (x.class === 'ok'
    ? '' : ' ' + x.class)} x=${pc(x.start)} y=${at} height="7" rx="1"
    width=${pc(Math.max(x.duration ?? 0, end * 2.5e-6))}/>`;
  const x = r.b ?? r.a, other = r.a && r.b && (r.a.class !== r.b.class ||
    r.a.status !== r.b.status);
  const state = y => html`<${Status} kind=${y.class} code=${y.status}
    text=${y.class === 'ok' && !y.status ? 'ok' : undefined}/>`;
  return html`<div class=${`wr ${r.change}${sel ? ' sel' : ''}`} role="row"
      aria-level=${r.depth + 1} aria-rowindex=${i + 1} aria-selected=${String(sel)}
      tabindex=${sel ? 0 : -1} style=${{ top: y + 'px' }} onClick=${() => choose(i)}>
    <div class="wn" role="gridcell" style=${{ '--l': r.depth }}>
      <b class="sign">${signs[r.change]}</b><span class="nm" title=${r.name}>${
      r.name}</span>${said[r.change] && r.change !== 'changed' && html`<span
      class="tag">${said[r.change]}</span>`}${other ? html`<span class="st">${
      state(r.a)} → ${state(r.b)}</span>` : x.class !== 'ok' && state(x)}
      <span class="du d2">${r.a ? seconds(r.a.duration) : ''}</span>
      <span class="df1">${r.a && r.b && r.a.duration != null &&
        r.b.duration != null ? signed(r.b.duration - r.a.duration)
        : !r.a && r.b?.duration != null ? '+' + seconds(r.b.duration)
        : r.a?.duration != null ? '−' + seconds(r.a.duration) : ''}</span></div>
    <div class="lc" role="gridcell"><svg class="lane" aria-hidden="true">${
      bar(r.a, 5, 'fk')}${bar(r.b, 15, 'fo')}</svg></div></div>`;
});

function Totals({ d }) {
  const rows = [...d.nodes].sort((x, y) => Math.abs(delta(y)) - Math.abs(delta(x)));
  return html`<aside class="dt" aria-label="Totals"><header><h2>By service</h2>
    <div class="d">${plural(d.nodes.length, 'node')}, the largest difference first
    </div></header><div class="pn" tabindex="0"><table><thead><tr><th scope="col">Node</th>
      <th scope="col" class="n">Calls</th><th scope="col" class="n">A</th>
      <th scope="col" class="n">B</th><th scope="col" class="n">B − A</th></tr>
    </thead><tbody>${rows.map(n => html`<tr><td class="x cut" title=${n.type}>${
      n.name}</td><td class="n">${calls(n)}</td><td class="n">${time(n.a)
      }</td><td class="n">${time(n.b)}</td><td class="n">${signed(delta(n))}</td></tr>`)}</tbody></table>
    <h3>How to read it</h3><p class="d2">Upper bar A, pale; lower bar B, solid.
      Spans are paired by name and by which occurrence of it they are.</p></div>
    </aside>`;
}

const time = side => side?.calls ? seconds(side.time) : '–';
const delta = n => (n.b?.time ?? 0) - (n.a?.time ?? 0);
const calls = n => n.a?.calls === n.b?.calls ? count(n.a?.calls ?? 0)
  : `${count(n.a?.calls ?? 0)} → ${count(n.b?.calls ?? 0)}`;
