// SPDX-License-Identifier: Apache-2.0
// The traces of one query: pages from the server, and what the stream brings.
// Kept when the list is left, so that Back shows the same rows at the same
// place and a trace knows its neighbours.
import { get, rangeParams } from './api.js';
import { listen, openStream, paused, waiting } from './stream.js';
import { watched } from './store.js';

const PAGE = 200;
const MEMORY = 2000; // rows; the far end is let go beyond
const BATCH_MS = 250;
const STRIP_MS = 2000; // between two looks at the histogram

export const traces = watched({
  query: null, // what the rows are of; {filter, range, q: plain text}
  rows: [], cursor: null, strip: null, fresh: new Set(),
  loading: false, error: null, good: '',
});

let held = new Map(), arrived = new Map(), timer = 0, stripTimer = 0;
let stripAt = 0, turn = 0, atTop = true, using = 0;

const patch = p => traces.set({ ...traces.get(), ...p });
const same = (a, b) => a && b && a.filter === b.filter && a.range === b.range &&
  a.q === b.q;

// Shows the traces of a query; the same again only goes on.
export function show(query) {
  using++;
  if (same(traces.get().query, query) && !traces.get().error) {
    openStream(traces.get().good);
    reload();
  } else {
    held.clear();
    waiting.set(0);
    patch({ query });
    reload();
  }
  return () => { using--; };
}

// Where the list stands: rows come in only at its top.
export function standAt(top) {
  atTop = top;
  if (top && held.size && !paused.get()) release();
}

// What was held back comes in now.
export function release() {
  const all = [...held.values()];
  held = new Map();
  waiting.set(0);
  bringIn(all);
}

paused.watch(on => { if (!on && atTop) release(); });

export async function reload() {
  const { query } = traces.get(), mine = ++turn;
  patch({ loading: true });
  const params = { filter: query.filter, q: query.q,
    ...rangeParams(query.range) };
  try {
    const page = await get('/api/traces', { ...params, limit: PAGE });
    if (mine !== turn) return;
    held.clear();
    waiting.set(0);
    // What came last came by the filter before.
    if (query.filter !== traces.get().good) arrived.clear();
    patch({ rows: page.traces, cursor: page.cursor, loading: false,
      error: null, good: query.filter });
    if (using) openStream(query.filter, page.event);
    loadStrip();
  } catch (error) {
    if (mine !== turn) return;
    patch({ loading: false, error });
    if (using) openStream(traces.get().good);
  }
}

let moreFor = null;

export async function more() {
  const t = traces.get(), mine = turn;
  if (!t.cursor || moreFor === t.cursor || t.rows.length >= MEMORY) return;
  moreFor = t.cursor;
  try {
    const page = await get('/api/traces', { filter: t.good, cursor: t.cursor,
      q: t.query.q, ...rangeParams(t.query.range), limit: PAGE });
    if (mine !== turn) return;
    const have = new Set(traces.get().rows.map(r => r.id));
    patch({ cursor: page.cursor,
      rows: [...traces.get().rows, ...page.traces.filter(r => !have.has(r.id))],
    });
  } catch { /* the scroll asks again */ } finally { moreFor = null; }
}

async function loadStrip() {
  const { query, good } = traces.get(), mine = turn;
  clearTimeout(stripTimer);
  stripTimer = 0;
  const began = Date.now();
  try {
    const strip = await get('/api/histogram',
      { filter: good, q: query.q, ...rangeParams(query.range) });
    if (mine === turn) patch({ strip });
  } catch {
    if (mine === turn) patch({ strip: null });
  }
  // A large store is asked less often.
  stripAt = Date.now() + Math.max(STRIP_MS, 10 * (Date.now() - began));
}

function stripSoon() {
  if (!stripTimer && using)
    stripTimer = setTimeout(loadStrip, Math.max(0, stripAt - Date.now()));
}

listen((kind, data) => {
  if (!traces.get().query) return;
  if (kind === 'trace') {
    arrived.set(data.trace.id, data);
    if (!timer) timer = setTimeout(takeIn, BATCH_MS);
  } else if (kind === 'cleared' && data.id) {
    arrived.delete(data.id);
    if (held.delete(data.id)) waiting.set(held.size);
    patch({ rows: traces.get().rows.filter(r => r.id !== data.id) });
    stripSoon();
  } else {
    arrived.clear(); // is in the answer, or has gone
    reload();
  }
});

// What the stream brought in the last quarter second: changed rows in place,
// new ones to the top or held back.
function takeIn() {
  const changed = new Map(), fresh = [];
  timer = 0;
  const known = new Set(traces.get().rows.map(r => r.id));
  const { range, q } = traces.get().query;
  const fixed = /^[\d.]+-([\d.]+)$/.exec(range);
  for (const { trace } of arrived.values())
    if (known.has(trace.id)) changed.set(trace.id, trace);
    // A stream without our filter runs while a single trace is shown; none
    // knows the text that is searched for.
    else if (using && !q && !(fixed && trace.start >= +fixed[1])) fresh.push(trace);
  arrived = new Map();
  if (changed.size)
    patch({ rows: traces.get().rows.map(r => changed.get(r.id) ?? r) });
  if (fresh.length && (paused.get() || !atTop)) {
    for (const row of fresh) held.set(row.id, row);
    waiting.set(held.size);
  } else if (fresh.length) bringIn(fresh);
  stripSoon();
}

export const arrivals = new Set(); // fn(rows): for the live region

function bringIn(fresh) {
  if (!fresh.length) return;
  const ids = new Set(fresh.map(r => r.id));
  const old = traces.get().rows.filter(r => !ids.has(r.id));
  // Newest first, as the server sorts; a late one goes to its place.
  const rows = [...fresh, ...old].sort((a, b) => b.start - a.start);
  patch({ rows: rows.slice(0, MEMORY), fresh: ids });
  for (const fn of arrivals) fn(fresh);
}
