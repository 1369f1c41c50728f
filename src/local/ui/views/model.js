// SPDX-License-Identifier: Apache-2.0
// A trace as the waterfall shows it: spans with own time and critical path, and
// the rows (groups, folded runs, inferred nodes, orphans). Pure; times are
// milliseconds from the trace's start.

const RUN = 5; // like siblings from which on they fold into one lane
const MANY = 2000; // spans from which on only faults' paths begin open
const GROWS_S = 300; // a running span grows so long after the last sign of life

import { shortType, pathOf } from '../lib/format.js';
import { worse } from '../lib/icons.js';

// data: GET /api/traces/{id}; now: seconds.
export function model(data, now) {
  const zero = data.trace.start, spans = [];
  const last = zero + data.trace.duration;
  const until = now - last < GROWS_S ? Math.max(now, last) : last;
  for (const [i, r] of data.rows.entries()) {
    const node = r.node < 0 ? null : data.nodes[r.node];
    const s = { ...r, i, nodeOf: node, a: (r.start - zero) * 1e3,
      b: ((r.end ?? until) - zero) * 1e3, subs: [], calls: [],
      label: labelOf(r), seg: r.kind === 'segment' };
    if (s.b < s.a) s.b = s.a;
    spans.push(s);
    if (r.parent >= 0)
      (s.kind === 'subsegment' ? spans[r.parent].subs
        : spans[r.parent].calls).push(s);
  }
  let end = 0, running = 0, settled = 0;
  for (const s of spans) {
    if (s.b > end) end = s.b;
    settled = Math.max(settled, s.in_progress ? s.a : s.b);
    if (s.in_progress && s.kind !== 'inferred') running++;
  }
  const entry = spans.find(s => s.seg && s.parent < 0 && !s.orphan) ?? spans[0];
  end = Math.max(end, .001);
  // What runs on for long must not press all that has ended into a corner.
  const view = settled > 0 && end > 2 * settled ? settled * 1.15 : end;
  return { data, spans, entry, end, view, zero, running,
    critical: entry ? criticalPath(entry) : new Map(), most: mostTime(spans) };
}

// What tells like siblings from others, and what a row is called.
function labelOf(r) {
  if (r.operation) return r.name + ' ' + r.operation;
  return r.name;
}

// The request of a span in a few words: "POST /pay".
export const requestOf = s =>
  s.url ? (s.method ? s.method + ' ' : '') + pathOf(s.url) : s.method;

/* --- arithmetic ------------------------------------------------------------- */

// The parts of a span that no child covers: [[from, to], …]
export function ownTime(s) {
  if (s.own) return s.own;
  const kids = [...s.subs, ...s.calls.filter(c => c.kind === 'segment')]
    .sort((x, y) => x.a - y.a);
  const own = [];
  let at = s.a;
  for (const k of kids) {
    if (k.a > at) own.push([at, Math.min(k.a, s.b)]);
    at = Math.max(at, Math.min(k.b, s.b));
    if (at >= s.b) break;
  }
  if (at < s.b || !own.length && s.a === s.b) own.push([at, s.b]);
  s.own = own.filter(([a, b]) => b > a || s.a === s.b);
  return s.own;
}

export const sum = parts => parts.reduce((t, [a, b]) => t + b - a, 0);

// From the end of the entry back over the child that ended last; what ran on
// after the reply is not on it. Map: span → [[from, to], …]
function criticalPath(entry) {
  const path = new Map();
  const add = (s, a, b) => {
    if (b - a <= 0) return;
    if (!path.has(s.i)) path.set(s.i, []);
    path.get(s.i).push([a, b]);
  };
  // A stack of its own: subsegments may nest deeper than calls can.
  const todo = [[entry, entry.b]];
  while (todo.length) {
    const [s, end] = todo.pop();
    let t = Math.min(end, s.b);
    const kids = [...s.subs, ...s.calls].filter(k => k.kind !== 'inferred' &&
      !k.in_progress).sort((x, y) => y.b - x.b);
    for (const k of kids) {
      if (k.a >= t || k.b <= s.a) continue;
      const e = Math.min(k.b, t);
      add(s, e, t);
      todo.push([k, e]);
      t = k.a;
    }
    add(s, s.a, t);
  }
  return path;
}

// The two names in which most own time went by.
function mostTime(spans) {
  const by = new Map();
  for (const s of spans) {
    if (s.kind !== 'subsegment' || s.in_progress) continue;
    const e = by.get(s.label) ?? { label: s.label, n: 0, time: 0 };
    e.n++;
    e.time += sum(ownTime(s));
    by.set(s.label, e);
  }
  return [...by.values()].sort((a, b) => b.time - a.time).slice(0, 2)
    .filter(e => e.time > 0);
}

/* --- rows ------------------------------------------------------------------- */

// The rows shown. open: Map of row key → chosen state. A row: {key, kind,
// level, span, list, expands, open, size, place}; kind: span, run, head,
// inferred.
export function rowsOf(m, open) {
  const rows = [], many = m.spans.length > MANY;
  const onFaultPath = many ? faultPaths(m.spans) : null;
  const isOpen = (key, otherwise) => open.get(key) ?? otherwise;

  const add = row => rows.push(row);
  const family = (spans, level) => {
    const parts = runs(spans);
    parts.forEach((part, at) => {
      const size = parts.length, place = at + 1;
      if (part.length > 1) run(part, level, size, place);
      else span(part[0], level, size, place);
    });
  };
  const span = (s, level, size, place) => {
    const key = s.id, expands = s.subs.length > 0;
    const is = expands && isOpen(key, s.seg || !many || onFaultPath.has(s.i));
    add({ key, kind: 'span', level, span: s, expands, open: is, size, place });
    if (is) family(s.subs, level + 1);
  };
  const run = (list, level, size, place) => {
    const key = 'run:' + list[0].id, is = isOpen(key, false);
    add({ key, kind: 'run', level, span: list[0], list, expands: true, open: is,
      size, place, oneByOne: oneByOne(list) });
    if (is) list.forEach((s, i) =>
      span(s, level + 1, list.length, i + 1));
  };
  const section = (key, text, note, list, draw) => {
    if (!list.length) return;
    const is = isOpen(key, true);
    add({ key, kind: 'head', level: 0, text, note, n: list.length,
      expands: true, open: is, size: 1, place: 1 });
    if (is) list.forEach((x, i) => draw(x, list.length, i + 1));
  };

  const orphans = m.spans.filter(s => s.orphan && !s.seg);
  const whole = m.spans.filter(s => s.seg).sort((x, y) => x.a - y.a);
  whole.forEach((s, i) => span(s, 0, whole.length, i + 1));
  section('inferred', 'Inferred', 'seen only from the caller’s side',
    inferred(m), (list, size, place) => add({ key: 'node:' + list[0].i,
      kind: 'inferred', level: 1, span: worst(list), list, expands: false,
      open: false, size, place }));
  const missing = m.data.waiting_for;
  section('orphans', 'Waiting for parent', missing.length === 1
    ? missing[0] + ' has not arrived' : missing.length + ' have not arrived',
  orphans, (s, size, place) => span(s, 1, size, place));
  return rows;
}

// Neighbours of one name without children of their own, RUN or more.
function runs(spans) {
  const out = [];
  for (let i = 0; i < spans.length;) {
    let j = i + 1;
    const s = spans[i];
    if (!s.subs.length)
      while (j < spans.length && !spans[j].subs.length &&
        spans[j].label === s.label) j++;
    if (j - i >= RUN) out.push(spans.slice(i, j));
    else for (let k = i; k < j; k++) out.push([spans[k]]);
    i = j;
  }
  return out;
}

// Whether remote calls of one kind follow one another, as in an N+1 query.
function oneByOne(list) {
  if (!list[0].namespace && !list[0].operation) return false;
  let after = 0;
  for (let i = 1; i < list.length; i++)
    if (list[i].a >= list[i - 1].b - .5) after++;
  return after >= (list.length - 1) * .8;
}

function inferred(m) {
  const by = new Map();
  for (const s of m.spans) {
    if (s.kind !== 'inferred') continue;
    if (!by.has(s.node)) by.set(s.node, []);
    by.get(s.node).push(s);
  }
  return [...by.values()];
}

export const worst = list =>
  list.reduce((w, s) => worse(s.class, w.class) !== w.class ? s : w);

// The deepest call that is a fault; -1 for none.
export function causeOf(spans) {
  let at = -1;
  spans.forEach((s, i) => {
    if (s.class === 'fault' && s.kind === 'subsegment' &&
      (at < 0 || s.depth > spans[at].depth)) at = i;
  });
  return at;
}

// Where it comes from that the request went wrong, or took so long. kind: fault,
// error, time. Of what is only inferred, the call that tells of it.
export function rootCauses(m, kind) {
  return m.data.root_causes.filter(c => c.kind === kind).map(c => {
    const s = m.spans[c.rows.at(-1)];
    return s.kind === 'inferred' ? m.spans[s.parent] : s;
  });
}

function faultPaths(spans) {
  const on = new Set();
  for (const s of spans)
    if (s.class === 'fault')
      for (let p = s.parent; p >= 0 && !on.has(p); p = spans[p].parent)
        on.add(p);
  return on;
}

// A row's words, for the eye and for Markdown.
export function nameOf(row) {
  const s = row.span;
  if (row.kind === 'head') return row.text;
  if (row.kind === 'inferred') return s.nodeOf?.name ?? s.name;
  return s.seg ? s.nodeOf?.name ?? s.name : s.label;
}

export function noteOf(row) {
  const s = row.span;
  if (row.kind === 'inferred') return shortType(s.nodeOf?.type ?? '');
  if (!s.seg) return requestOf(s);
  const what = requestOf(s) || (s.name !== s.nodeOf?.name ? s.name : '');
  return [what, shortType(s.nodeOf?.type ?? '')].filter(Boolean).join('  ');
}

export function durationOf(row) {
  return row.list ? row.list.reduce((t, s) => t + s.b - s.a, 0)
    : row.span.b - row.span.a;
}
