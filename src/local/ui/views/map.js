// SPDX-License-Identifier: Apache-2.0
// The service map and its twin, the table. #/map?filter=&range=&as=table&node=
import { html, useEffect, useMemo, useRef, useState } from '../lib/html.js';
import { Icon, Status, classes, glyphOf, glyphPath, words } from '../lib/icons.js';
import { get, rangeParams, rangeWords, usual }
  from '../lib/api.js';
import { count, percent, perMinute, plural, seconds, shortType }
  from '../lib/format.js';
import { change, go, href } from '../lib/route.js';
import { listen, openStream, paused, stats } from '../lib/stream.js';
import { Choice, Range, useSort } from '../lib/controls.js';
import { useBelowWide, useNarrow } from '../lib/narrow.js';
import { useKeys } from '../lib/keys.js';
import { FilterBox, FilterError } from './filter.js';
import { PauseButton } from './list.js';
import { Empty } from './empty.js';
import { badge, edgePath, isFaulty, keyOf, neighbour, prepare, shares, widthOf }
  from './graph.js';
import { HEIGHT, layoutAside } from './layout.js';
import { addTerm, serviceTerm } from './filter_text.js';

const MANY = 300; // nodes from which on the table is offered first
const NAMES_ONLY = .7; // zoom below which labels are left out
const LOOK_MS = 1000;

/* --- data -------------------------------------------------------------------- */

function useGraph(filter, range) {
  const [g, setG] = useState({ graph: null, error: null, good: '' });
  useEffect(() => {
    let on = true, timer = 0, next = 0;
    const load = async () => {
      const began = Date.now();
      timer = 0;
      try {
        const graph = await get('/api/graph', { filter, ...rangeParams(range) });
        if (!on) return;
        setG({ graph, error: null, good: filter });
        openStream('', graph.event);
      } catch (error) {
        if (!on) return;
        setG(x => ({ ...x, error }));
        openStream();
      }
      next = Date.now() + Math.max(LOOK_MS, 10 * (Date.now() - began));
    };
    const soon = () => {
      if (!timer && !paused.get())
        timer = setTimeout(load, Math.max(0, next - Date.now()));
    };
    load();
    const stop = listen(soon);
    return () => { on = false; clearTimeout(timer); stop(); };
  }, [filter, range]);
  return g;
}

// Places are kept while only numbers change.
function useLayout(p) {
  const [lay, setLay] = useState(null);
  useEffect(() => {
    let on = true;
    if (!p) return undefined;
    layoutAside({ nodes: p.nodes.map(n => ({ width: widthOf(n) })),
      edges: p.edges.map(e => ({ from: e.from, to: e.to })) })
      .then(l => on && setLay({ ...l, of: p.key }), () => on && setLay(null));
    return () => { on = false; };
  }, [p?.key]);
  return lay;
}

export function MapView({ params }) {
  const filter = params.get('filter') ?? '', range = params.get('range') ?? usual;
  const { graph, error, good } = useGraph(filter, range);
  const p = useMemo(() => graph && prepare(graph), [graph]);
  const lay = useLayout(p), small = useNarrow(), over = useBelowWide();
  const many = p && p.nodes.length > MANY;
  const as = params.get('as') ?? (small || many ? 'table' : 'map');
  const node = p?.nodes.find(n => n.key === params.get('node'));
  const minutes = graph ? Math.max(1 / 60, span(graph) / 60) : 1;
  const through = (n, inner) => isReal(n) && go(href('traces', [], { range:
    params.get('range'), filter: addTerm(filter, serviceTerm(n, inner)) }));
  useKeys({ Escape: () => node ? change({ node: null }) : go(href('traces')) });

  if (stats.use()?.traces === 0 && !filter) return html`<${Empty}/>`;
  return html`<h1 class="sr">Map</h1>
    <div class="tools"><${FilterBox} filter=${filter} error=${error} good=${good}
      note=${graph && `${plural(graph.traces, 'trace')}${graph.complete ? ''
        : ', the newest'}`}/><${Range} range=${range}/><${Choice}
      label="Show as" value=${as} options=${[['map', 'Map'], ['table', 'Table']]}
      onChange=${v => change({ as: v })}/><${PauseButton}/></div>
    <${FilterError} error=${error} good=${good} has=${p?.nodes.length > 0}/>
    ${p && !p.nodes.length ? html`<div class="none"><h2>No calls ${
      rangeWords(range)}${filter && ' match'}</h2><p class="act">${filter &&
      html`<button type="button" class="bt" onClick=${() => change({ filter: null
      })}>Clear filter</button>`}${range !== 'all' && html`<button type="button"
      class="bt" onClick=${() => change({ range: 'all' })}>Look at all times
      </button>`}</p></div>` : html`<div class="split">
      ${as === 'table' ? p && html`<${Tables} p=${p} minutes=${minutes}/>`
        : html`<${Drawing} p=${p} lay=${lay} node=${node} minutes=${minutes}
          through=${through}/>`}
      ${(!over || node) && html`<${Panel} p=${p} n=${node} minutes=${minutes}
        through=${through} graph=${graph}/>`}</div>`}`;
}

// "All" has no start: then the rate is over the time that the graph covers.
const span = g => g.end - (g.start || g.end - 60);

// One that traces can be filtered by: neither the client nor a fold of many.
const isReal = n => !n.client && !n.many;

/* --- drawing ------------------------------------------------------------------- */

function Drawing({ p, lay, node, minutes, through }) {
  const box = useRef(null), [zoom, setZoom] = useState(null);
  const ok = p && lay && lay.of === p.key;
  // A new layout fits the width, but names stay legible.
  const fit = () => ok ? Math.max(.35, Math.min(1,
    (box.current?.clientWidth ?? 1e4) / lay.w)) : 1;
  const [auto, setAuto] = useState(1);
  useEffect(() => { if (ok) setAuto(fit()); }, [lay]);
  const z = zoom ?? auto;
  const by = f => setZoom(Math.max(.3, Math.min(1.6, z * f)));
  const pick = n => change({ node: n.key }, { replace: true });
  const onKeyDown = e => {
    const i = p?.nodes.findIndex(n => n.key === e.target.dataset?.key);
    if (!ok || !(i >= 0) || !/^(Arrow|Enter)/.test(e.key)) return;
    e.preventDefault();
    e.stopPropagation();
    if (e.key === 'Enter') return void through(p.nodes[i]);
    const to = neighbour(p, i, e.key, lay);
    if (to === undefined) return;
    pick(p.nodes[to]);
    box.current.querySelectorAll('.node')[to].focus();
  };
  return html`<div class="mapo"><div class="mapw" ref=${box} tabindex="-1"
      onKeyDown=${onKeyDown}>${ok && html`<div class="mapz" style=${{
        width: lay.w * z + 'px', height: lay.h * z + 'px' }}><div
      class=${'map' + (z < NAMES_ONLY ? ' far' : '')} style=${{ width: lay.w +
        'px', height: lay.h + 'px', transform: `scale(${z})` }}>
      <${Edges} p=${p} lay=${lay} minutes=${minutes} node=${node}/>
      ${p.nodes.map((n, i) => html`<${Node} key=${n.key} n=${n} at=${lay.at[i]}
        minutes=${minutes} sel=${n === node} pick=${pick} through=${through}
        tab=${n === (node ?? p.nodes[0])}/>`)}</div></div>`}</div>
    <div class="leg" aria-hidden="true">${['ok', 'error', 'throttle', 'fault'].map(
      c => html`<span class=${'st ' + c}><${Icon} name=${c}/>${{ ok: 'OK',
        error: 'Error 4xx', throttle: 'Throttled', fault: 'Fault 5xx' }[c]}
        </span>`)}<span class="st"><span class="tag da">dashed</span>inferred
      </span>${p?.edges.some(e => e.link) && html`<span class="st"><svg
      width="24" height="2"><path class="edge da" d="M0 1h24" stroke-width="1.5"/>
      </svg>message</span>`}</div>
    <div class="zoom"><button type="button" class="bt" aria-label="Smaller"
      onClick=${() => by(1 / 1.25)}>−</button><button type="button" class="bt"
      onClick=${() => setZoom(null)}>Fit</button><button type="button" class="bt"
      aria-label="Larger" onClick=${() => by(1.25)}>+</button></div></div>`;
}

function Edges({ p, lay, minutes, node }) {
  const most = Math.max(...p.edges.map(e => e.total), 1);
  const drawn = p.edges.map((e, i) => ({ e,
    ...edgePath(e, i, p.nodes, lay, HEIGHT) }))
    // Among very many, the faint ones only where something is chosen.
    .filter(({ e }) => p.edges.length < 150 || e.total / most >= .01 ||
      p.nodes[e.from] === node || p.nodes[e.to] === node);
  const kind = e => isFaulty(e) ? ' fault' : '', da = e => e.link ? ' da' : '';
  const lit = e => node && (p.nodes[e.from] === node || p.nodes[e.to] === node)
    ? ' lit' : '';
  return html`<svg aria-hidden="true">${drawn.map(({ e, d, ex, ey, loop }) =>
      html`<path class=${'edge' + kind(e) + da(e) + lit(e)} d=${d} stroke-width=${(1 +
        Math.max(0, Math.log10(e.total / minutes)) * .8).toFixed(1)}/><path
        class="near" d=${d}><title>${tip(e, `${p.nodes[e.from].name} › ${
        p.nodes[e.to].name}`)}</title></path><path
        class=${isFaulty(e) ? 'fflt' : 'ah'} d=${loop ? `M${ex} ${ey}l-4 -7h8z`
        : `M${ex - 1} ${ey}l-7 -4v8z`}/>`)}</svg>
    <svg class="els" aria-hidden="true">${drawn.map(({ e, ex, ey, at, many,
      loop }) => {
      if (loop || many > 3 || !e.total) return null;
      const [up, low] = many === 1 ? [-6, 14] : at === 0 ? [-18, -6]
        : at === many - 1 ? [14, 26] : [NaN, -4];
      return html`${up === up && html`<text class=${'el' + kind(e)} x=${ex - 10}
        y=${ey + up}>${seconds(e.p50)}</text>`}${many < 3 || at !== 1
        ? html`<text class="el" x=${ex - 10} y=${ey + low}>${
        perMinute(e.total / minutes)}/min</text>` : null}`;
    })}</svg>`;
}

// The numbers of a node or an edge, for the hover.
function tip(x, head) {
  const parts = classes.filter(c => x[c]).map(c =>
    `${words[c]} ${count(x[c])} (${percent(x[c] / x.total)})`);
  return [head, x.type, ...x.total ? [parts.join(', ')] : [],
    ...x.p50 == null ? [] : [`p50 ${seconds(x.p50)}, p90 ${seconds(x.p90)}, p99 ${
      seconds(x.p99)}`]].filter(Boolean).join('\n');
}

function Node({ n, at, minutes, sel, pick, through, tab }) {
  const bad = badge(n), s = shares(n);
  const small = n.total ? `${n.p50 == null ? '' : seconds(n.p50) + ' · '}${
    perMinute(n.total / minutes)}/min` : n.client ? plural(n.out.length, 'root')
    : 'in progress';
  return html`<button type="button" class=${`node${n.inferred ? ' da' : ''}${sel
      ? ' sel' : ''}`} data-key=${n.key} aria-pressed=${String(sel)}
    tabindex=${tab ? 0 : -1} title=${tip(n, n.name)} onClick=${() => pick(n)}
    onDblClick=${() => through(n)} style=${{
      transform: `translate(${at[0]}px,${at[1]}px)`, '--nw': at[2] + 'px' }}>
    <${Ring} shares=${s} glyph=${glyphOf(n.client ? 'client' : n.type)}/>
    <span><span class="x b bk">${n.name}</span><small>${small}</small></span>
    ${bad && html`<span class=${'bd ' + bad[0]}><${Icon} name=${bad[0]}/>${' '}
      ${percent(bad[1])}<span class="sr"> ${words[bad[0]]}</span></span>`}</button>`;
}

function Ring({ shares: s, glyph }) {
  const round = 2 * Math.PI * 16;
  let off = 0;
  const part = (v, i) => {
    if (!v) return null;
    const dash = `${Math.max(1, v * round - (v < 1 ? 1.5 : 0))} ${round}`;
    const c = html`<circle class=${['ok rk', 'error', 'throttle', 'fault'][i]}
      cx="18" cy="18" r="16" stroke-dasharray=${dash}
      stroke-dashoffset=${-off} transform="rotate(-90 18 18)"/>`;
    off += v * round;
    return c;
  };
  return html`<svg class="ring" viewBox="0 0 36 36" aria-hidden="true">${s
    ? s.map(part) : html`<circle class="rn" cx="18" cy="18" r="16"/>`}
    <g transform="translate(9.5 9.5) scale(1.42)"><path class="i2"
      d=${glyphPath(glyph)} vector-effect="non-scaling-stroke"/></g></svg>`;
}

/* --- panel ----------------------------------------------------------------------- */

function Panel({ p, n, minutes, through, graph }) {
  if (!p) return html`<aside class="dt" aria-label="Node"/>`;
  if (!n) return html`<aside class="dt" aria-label="Node"><${Whole} p=${p}
    graph=${graph} minutes=${minutes}/></aside>`;
  return html`<aside class="dt" aria-label="Node"><header><div class="st">
      <h2>${n.name}</h2><span class="g"/><button type="button" class="bt q shut"
        aria-label="Close" onClick=${() => change({ node: null })}><${Icon}
        name="close"/></button></div><div class="d">${n.type || 'no type'}${n.inferred &&
        html` <span class="tag da">inferred</span>`}</div></header>
    <div class="pn">${n.total > 0 && html`<${Health} n=${n}/>
      ${n.p50 != null && html`<h3>Response time</h3><table><tbody>${[['p50',
        seconds(n.p50)], ['p90', seconds(n.p90)], ['p99', seconds(n.p99)],
      ['Mean', seconds(n.sum / n.total)],
      ['Segments a minute', perMinute(n.total / minutes)]].map(([a, b]) =>
        html`<tr><td class="d2">${a}</td><td class="n">${b}</td></tr>`)}
        </tbody></table>`}`}
    ${n.many && html`<h3>Folded</h3><ul class="plain">${n.many.map(x =>
      html`<li class="x">${x.name}</li>`)}</ul>`}
    <${Calls} head="Calls" col="To" p=${p} edges=${n.out} end="to"/>
    <${Calls} head="Called by" col="From" p=${p} edges=${n.into} end="from"/>
    ${n.cause && html`<h3>Most frequent cause</h3><div class="box"><div
      class="wrap">${n.cause.text}${n.cause.count > 1 && html` <b>×${
      count(n.cause.count)}</b>`}</div></div>`}
    ${isReal(n) && html`<p class="act"><button type="button" class="bt"
      onClick=${() => through(n)}><${Icon} name="list"/> Traces through it
      </button>${n.fault > 0 && html`<button type="button" class="bt"
      onClick=${() => through(n, 'fault')}>Only its faults</button>`}</p>`}
    </div></aside>`;
}

// With nothing chosen: what there is, and where to look first.
function Whole({ p, graph, minutes }) {
  const bad = p.nodes.filter(n => n.fault > 0 || badge(n)).sort((a, b) =>
    b.fault / b.total - a.fault / a.total).slice(0, 8);
  const slow = p.nodes.filter(n => n.p90 != null && !n.inferred)
    .sort((a, b) => b.p90 - a.p90).slice(0, 5);
  const name = n => html`<button type="button" class="link" onClick=${() =>
    change({ node: n.key })}>${n.name}</button>`;
  return html`<header><h2>${plural(p.nodes.filter(n => !n.client && !n.inferred)
      .length, 'service')}</h2><div class="d">${plural(graph.traces, 'trace')},${
    ' '}${perMinute(graph.traces / minutes)} a minute</div></header>
    <div class="pn"><h3>Not well</h3>${bad.length ? html`<table><tbody>${bad.map(
      n => html`<tr><td class="x cut">${name(n)}</td><td class="n"><${Status}
        kind=${badge(n)[0]} text=${percent(badge(n)[1])}/></td></tr>`)}</tbody>
      </table>` : html`<p class="st ok"><${Icon} name="ok"/>All calls were
      answered well.</p>`}
    ${slow.length > 0 && html`<h3>Slowest, p90</h3><table><tbody>${slow.map(n =>
      html`<tr><td class="x cut">${name(n)}</td><td class="n">${seconds(n.p90)}</td></tr>`)}
      </tbody></table>`}<p class="d">Choose a node for its numbers.</p></div>`;
}

function Health({ n }) {
  let x = 0;
  const parts = [['ok', 'OK', 'fok'], ['error', 'Error 4xx', 'ferr'],
    ['throttle', 'Throttled', 'fthr'], ['fault', 'Fault 5xx', 'fflt']];
  return html`<h3>Health, ${plural(n.total, 'segment')}</h3>
    <svg class="bb" aria-hidden="true">${parts.map(([k, , c]) => {
      const w = n[k] / n.total * 100, at = x;
      x += w;
      return w > 0 && html`<rect class=${c} x=${at.toFixed(2) + '%'} height="10"
        width=${Math.max(.4, w - (x < 99.9 ? .4 : 0)).toFixed(2) + '%'}/>`;
    })}</svg><table><tbody>${parts.map(([k, label]) => html`<tr
      class=${n[k] ? '' : 'zero'}><td><span class=${'st ' + k}><${Icon}
      name=${k}/>${label}</span></td><td class="n">${count(n[k])}</td>
      <td class="n">${percent(n[k] / n.total)}</td></tr>`)}</tbody></table>`;
}

function notOk(e) {
  const bad = e.total - e.ok;
  if (!bad) return html`<span class="d">0 %</span>`;
  const kind = e.fault ? 'fault' : e.throttle > e.error ? 'throttle' : 'error';
  return html`<${Status} kind=${kind} text=${percent(bad / e.total)}/>`;
}

function Calls({ head, col, p, edges, end }) {
  if (!edges.length) return null;
  return html`<h3>${head}</h3><table><thead><tr><th scope="col">${col}</th>
      <th scope="col" class="n">Count</th><th scope="col" class="n">p50</th>
      <th scope="col" class="n">Not OK</th></tr></thead><tbody>${[...edges].sort(
      (a, b) => b.total - a.total).map(e => html`<tr><td class="x cut"><button
      type="button" class="link" onClick=${() => change({ node:
        p.nodes[e[end]].key })}>${p.nodes[e[end]].name}</button></td>
      <td class="n">${count(e.total)}</td><td class="n">${seconds(e.p50)}</td>
      <td class="n">${notOk(e)}</td></tr>`)}</tbody></table>`;
}

/* --- table ------------------------------------------------------------------------- */

function Tables({ p, minutes }) {
  const nodes = useSort('total'), edges = useSort('total');
  const cells = x => html`<td class="n">${perMinute(x.total / minutes)}</td>
    <td class=${'n' + (x.fault ? '' : ' d')}>${x.fault ? html`<${Status}
      kind="fault" text=${count(x.fault)}/>` : 0}</td>
    <td class=${'n' + (x.error ? '' : ' d')}>${count(x.error)}</td>
    <td class=${'n' + (x.throttle ? '' : ' d')}>${count(x.throttle)}</td>
    <td class="n">${seconds(x.p50)}</td><td class="n">${seconds(x.p90)}</td>
    <td class="n">${seconds(x.p99)}</td>`;
  const heads = s => [['total', 'Calls'], ['rate', 'A minute'],
    ['fault', 'Faults'], ['error', 'Errors'], ['throttle', 'Throttled'],
    ['p50', 'p50'], ['p90', 'p90'], ['p99', 'p99']].map(([k, l]) =>
    s.head(k, l, true));
  const value = (x, k) => k === 'rate' ? x.total : k === 'from' || k === 'to'
    ? p.nodes[x[k]].name : x[k];
  const go1 = n => html`<button type="button" class="link" onClick=${() =>
    change({ node: keyOf(n) })}>${n.name}</button>`;
  return html`<div class="doc tables" tabindex="0"><section class="wide"><h2>Nodes</h2>
    <div class="over" tabindex="0"><table><thead><tr>${nodes.head('name', 'Name')}${
      nodes.head('type', 'Type')}${heads(nodes)}</tr></thead><tbody>${
      nodes.order(p.nodes.filter(n => !n.client), value).map(n => html`<tr>
      <td>${n.many ? n.name : go1(n)}</td><td class="d2">${shortType(n.type)}${
      n.inferred && html` <span class="tag da">inferred</span>`}</td>
      <td class="n">${count(n.total)}</td>${cells(n)}</tr>`)}</tbody></table></div>
    </section><section class="wide"><h2>Calls</h2><div class="over" tabindex="0"><table><thead>
      <tr>${edges.head('from', 'From')}${edges.head('to', 'To')}${heads(edges)}
      </tr></thead><tbody>${edges.order(p.edges, value).map(e => html`<tr>
      <td>${p.nodes[e.from].name}</td><td>${p.nodes[e.to].name}${
      e.link && html` <span class="tag da">message</span>`}</td>
      <td class="n">${count(e.total)}</td>${cells(e)}</tr>`)}</tbody></table></div>
    </section></div>`;
}
