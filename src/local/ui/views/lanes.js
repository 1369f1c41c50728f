// SPDX-License-Identifier: Apache-2.0
// The drawn part of the waterfall: bars of a row, axis, mini-map. x and width
// are per cent of the view, so that zoom is a re-computation.
import { html, useMemo, useRef, useState } from '../lib/html.js';
import { ms } from '../lib/format.js';
import { ownTime } from './model.js';
import { classes } from '../lib/icons.js';

const THIN = .25; // per cent; nothing is drawn narrower
const CRITICAL = .007; // shorter parts of the path would be dust

const pc = v => v.toFixed(3) + '%';

// view: [from, to] in ms
export function Bars({ row, view, critical, parent }) {
  const [t0, t1] = view, width = t1 - t0, s = row.span;
  const x = v => (v - t0) / width * 100;
  // Clipped a little outside, so that an edge is seen only where one is.
  const low = t0 - width * .006, high = t1 + width * .006;
  const rect = (a, b, kind, y = 7, height = 10) => {
    a = Math.max(a, low);
    b = Math.min(b, high);
    if (b < a || b < t0 && a < t0) return null;
    return html`<rect class=${kind} x=${pc(x(a))} y=${y} height=${height}
      width=${pc(Math.max(THIN, x(b) - x(a)))} rx="1"/>`;
  };
  if (row.kind === 'inferred')
    return perColumn(row.list, x).map(k => rect(k.a, k.b, 'inf ' + k.class, 8, 8));
  if (row.kind === 'run')
    return perColumn(row.list, x).map(k => rect(k.a, k.b, 'fo ' + k.class));
  if (s.b < low || s.a > high && !parent) return null;

  const kind = s.class === 'ok' ? '' : s.class, out = [];
  if (parent) out.push(gap(x, parent.a, s.a));
  if (parent && parent.b > s.b && s.b > parent.a) out.push(gap(x, parent.b, s.b));
  out.push(rect(s.a, s.b, 'fk ' + kind));
  let drawn = -1e9;
  for (const [a, b] of ownTime(s)) {
    // Slices under the width of a hair between children say nothing.
    if ((b - a) / width < .0004 && a - drawn < width * .002 && s.b > s.a &&
      ownTime(s).length > 1) continue;
    drawn = b;
    out.push(rect(a, b, 'fo ' + kind));
  }
  if (s.in_progress && s.b >= t0)
    out.push(html`<svg x=${pc(x(Math.min(s.b, t1)))} width="1" height="24" overflow="visible">
      ${[3, 9, 15, 21].map((d, i) => html`<rect class="cut" x=${-d - 2} y="5"
        width=${4 - i} height="14"/>`)}</svg>`);
  for (const [a, b] of critical ?? [])
    if (b - a > width * CRITICAL && b > t0 && a < t1)
      out.push(html`<line class="cp" x1=${pc(x(Math.max(a, low)))}
        x2=${pc(x(Math.min(b, high)))} y1="20.5" y2="20.5"/>`);
  return out;
}

// A thin line with an end tick: network and queue between caller and callee.
function gap(x, from, to) {
  return html`<line class="net" x1=${pc(x(from))} x2=${pc(x(to))} y1="12"
    y2="12"/><line class="net" x1=${pc(x(from))} x2=${pc(x(from))} y1="7"
    y2="17"/>`;
}

// Many short calls in one lane: neighbours within the width of a hair are one,
// of the worst class.
function perColumn(list, x) {
  if (list.length < 100) return list;
  const out = [];
  let last = null;
  for (const s of list) {
    if (last && s.class === last.class && x(s.a) - x(last.b) < .08)
      last.b = Math.max(last.b, s.b);
    else out.push(last = { a: s.a, b: s.b, class: s.class });
  }
  return out;
}

/* --- axis ------------------------------------------------------------------- */

export function ticks([t0, t1], few) {
  const rough = (t1 - t0) / (few ? 5 : 8), ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(f => f * ten).find(v => v >= rough);
  const out = [];
  for (let i = Math.ceil(t0 / step); i * step <= t1 + step * 1e-6; i++)
    out.push(i * step);
  return { out, step };
}

// One decimal more than the step needs would be noise, one less would lie.
function tickText(v, step) {
  if (v === 0) return '0';
  if (step >= 1000 || v >= 1000)
    return +(v / 1000).toFixed(Math.max(0, 3 - Math.floor(Math.log10(step)))) + ' s';
  return +v.toFixed(Math.max(0, -Math.floor(Math.log10(step)))) + ' ms';
}

export function TimeAxis({ view, few }) {
  const { out, step } = ticks(view, few), x = v =>
    (v - view[0]) / (view[1] - view[0]) * 100;
  return html`<svg class="lane" aria-hidden="true">${out.map(t => html`<text
    x=${pc(x(t))} y="15" text-anchor=${x(t) < 2 ? 'start' : x(t) > 97 ? 'end'
      : 'middle'}>${tickText(t, step)}</text>`)}</svg>`;
}

export function Grid({ view, few }) {
  const { out } = ticks(view, few);
  return html`<div class="lg"><svg class="lane" aria-hidden="true">${out.map(t => {
    const x = pc((t - view[0]) / (view[1] - view[0]) * 100);
    return html`<line class="ln" x1=${x} x2=${x} y1="0" y2="100%"/>`;
  })}</svg></div>`;
}

/* --- mini-map ----------------------------------------------------------------- */

// Every span a line of a pixel or two; one path a class, so that ten thousand
// spans are four elements.
function miniPaths(m, height) {
  const spans = m.spans.filter(s => s.kind !== 'inferred');
  const n = Math.max(spans.length, 1), room = height - 10;
  const thick = Math.max(1, Math.min(2.2, room / n - .6));
  const paths = { ok: '', error: '', throttle: '', fault: '' }, seen = new Set();
  spans.forEach((s, i) => {
    const y = Math.round((5 + i * room / n) * 2) / 2;
    const x = Math.round(s.a / m.end * 1000);
    const w = Math.max(2, Math.round((s.b - s.a) / m.end * 1000));
    const place = `${s.class}M${x} ${y}h${w}`;
    if (seen.has(place)) return;
    seen.add(place);
    paths[s.class] += `M${x} ${y}h${w}v${thick}h${-w}z`;
  });
  return paths;
}

export function MiniMap({ m, view, height, choose }) {
  const svg = useRef(null), [drag, setDrag] = useState(null);
  const paths = useMemo(() => miniPaths(m, height), [m, height]);
  const shown = drag?.view ?? view;
  const x = t => t / m.end * 100;
  const time = e => {
    const r = svg.current.getBoundingClientRect();
    return Math.max(0, Math.min(1, (e.clientX - r.left) / r.width)) * m.end;
  };
  const whole = view[0] <= 0 && view[1] >= m.end;
  const down = e => {
    if (e.button) return;
    const r = svg.current.getBoundingClientRect();
    const t = time(e), near = 8 / r.width * m.end;
    svg.current.setPointerCapture(e.pointerId);
    const edge = Math.abs(t - view[0]) < near ? 0
      : Math.abs(t - view[1]) < near ? 1 : -1;
    if (edge >= 0) setDrag({ from: view[1 - edge], view });
    else if (!whole && t > view[0] && t < view[1])
      setDrag({ pan: t, view, base: view });
    else setDrag({ from: t, view: [t, t] });
  };
  const move = e => {
    if (!drag) return;
    const t = time(e);
    if (drag.pan == null) setDrag({ ...drag,
      view: [Math.min(t, drag.from), Math.max(t, drag.from)] });
    else {
      const [a, b] = drag.base;
      const by = Math.max(-a, Math.min(m.end - b, t - drag.pan));
      setDrag({ ...drag, view: [a + by, b + by] });
    }
  };
  const up = () => {
    if (drag && drag.view[1] - drag.view[0] > m.end / 500) choose(drag.view);
    setDrag(null);
  };
  return html`<svg class="lane mm" ref=${svg} aria-hidden="true"
      onPointerDown=${down} onPointerMove=${move} onPointerUp=${up}
      onPointerCancel=${() => setDrag(null)} onDblClick=${() => choose(null)}>
    <svg viewBox=${`0 0 1000 ${height}`} preserveAspectRatio="none"
      width="100%" height=${height}>${classes.map(c => html`<path
        class=${'fo ' + (c === 'ok' ? '' : c)} d=${paths[c]}/>`)}</svg>
    ${shown[0] > 0 && html`<rect class="fade" x="0" y="0" height=${height}
      width=${pc(x(shown[0]))}/>`}
    ${shown[1] < m.end && html`<rect class="fade" x=${pc(x(shown[1]))} y="0"
      height=${height} width=${pc(100 - x(shown[1]))}/>`}
    ${(drag || !whole) && html`<rect class="br" x=${pc(x(shown[0]))} y="1.5"
      width=${pc(x(shown[1] - shown[0]))} height=${height - 4}/>`}
    ${shown.map(t => html`<svg x=${pc(x(t))} overflow="visible" width="1"
      height=${height}><rect class="hd2" x="-2" y=${height / 2 - 9} width="4"
      height="18" rx="2"/></svg>`)}</svg>`;
}

export const viewWords = ([a, b]) => `${ms(a)} – ${ms(b)}`;
