// SPDX-License-Identifier: Apache-2.0
// The service graph as the map and its table show it. Pure.
import { classes } from '../lib/icons.js';

const FOLD = 8; // inferred leaves of one type under a caller, then folded

export const keyOf = n => n.name + '\0' + n.type + (n.client ? '\0client' : '');

// Room for the name, within bounds: in px.
export const widthOf = n => n.client ? 108
  : Math.max(156, Math.min(232, 64 + 8.8 * n.name.length));

// Share of each class, in the order of the ring; null without statistics.
export function shares(n) {
  return n.total ? classes.map(c => n[c] / n.total) : null;
}

// The worst class worth a badge, with its share: any fault, errors above a
// tenth, any throttle.
export function badge(n) {
  if (!n.total) return null;
  if (n.fault) return ['fault', n.fault / n.total];
  if (n.error / n.total > .1) return ['error', n.error / n.total];
  return n.throttle ? ['throttle', n.throttle / n.total] : null;
}

export const isFaulty = e => e.total > 0 && e.fault / e.total >= .05;

// Edges with keys of their ends, callers' and callees' lists on the nodes, and
// leaves folded where a caller has very many.
export function prepare(graph) {
  const nodes = graph.nodes.map((n, i) => ({ ...n, i, key: keyOf(n), into: [],
    out: [] }));
  const edges = graph.edges.map(e => ({ ...e }));
  mergeClients(nodes, edges);
  fold(nodes, edges);
  const kept = nodes.filter(n => !n.folded), place = new Map(kept.map((n, i) =>
    [n.i, i]));
  const shown = edges.filter(e => !e.folded).map(e => ({ ...e,
    from: place.get(e.from), to: place.get(e.to) }));
  for (const e of shown) {
    kept[e.from].out.push(e);
    kept[e.to].into.push(e);
  }
  return { nodes: kept, edges: shown,
    key: kept.map(n => n.key).join('\n') + '\n' +
      shown.map(e => e.from + '>' + e.to).join() };
}

// X-Ray has a client for each root; all of them are whoever calls from outside.
function mergeClients(nodes, edges) {
  const [first, ...others] = nodes.filter(n => n.client);
  if (!first) return;
  Object.assign(first, { name: 'client', type: '', key: '\0client' });
  for (const n of others) n.folded = true;
  for (const e of edges) if (nodes[e.from].client) e.from = first.i;
}

function fold(nodes, edges) {
  const leaves = new Map();
  for (const n of nodes) {
    const into = edges.filter(e => e.to === n.i);
    if (!n.inferred || into.length !== 1 || edges.some(e => e.from === n.i))
      continue;
    const key = into[0].from + '\0' + n.type;
    if (!leaves.has(key)) leaves.set(key, []);
    leaves.get(key).push([n, into[0]]);
  }
  for (const list of leaves.values()) {
    if (list.length <= FOLD) continue;
    const all = list.map(l => l[0]), calls = list.map(l => l[1]);
    const i = nodes.length, last = part => part.split('::').pop();
    nodes.push({ ...sum(all), name: `+${all.length} ${last(all[0].type)}`,
      type: all[0].type, inferred: true, i, into: [], out: [], many: all,
      key: 'fold\0' + calls[0].from + '\0' + all[0].type, cause: null });
    edges.push({ ...sum(calls), from: calls[0].from, to: i });
    for (const n of all) n.folded = true;
    for (const e of calls) e.folded = true;
  }
}

// Counts add up; percentiles don't, so the sum has none.
function sum(list) {
  const s = { total: 0, ok: 0, error: 0, throttle: 0, fault: 0, sum: 0,
    p50: null, p90: null, p99: null };
  for (const x of list)
    for (const k of ['total', 'ok', 'error', 'throttle', 'fault', 'sum'])
      s[k] += x[k];
  return s;
}

// The drawing of edge e: level at its end, 16 px apart where several end.
export function edgePath(e, i, nodes, lay, height) {
  const [x1, y1, w1] = lay.at[e.from], [x2, y2] = lay.at[e.to];
  const into = nodes[e.to].into, many = into.length;
  const order = [...into].sort((a, b) => lay.at[a.from][1] - lay.at[b.from][1]
    || a.from - b.from);
  const at = order.indexOf(e), apart = Math.min(16, (height - 10) / many);
  const sx = x1 + w1, sy = y1 + height / 2;
  const ex = x2 - 6, ey = y2 + height / 2 + (at - (many - 1) / 2) * apart;
  const level = x2 - 48; // where the label's place begins
  if (e.from === e.to) return { ex: x1 + w1 / 2 + 20, ey: y1 - 1, loop: true,
    d: `M${x1 + w1 / 2 - 20} ${y1}c0 -34 40 -34 40 -6` };
  let d = `M${sx} ${sy}`;
  if (x2 < sx) {
    // Back to an earlier rank: round below.
    const low = Math.max(y1, y2) + height + 26;
    d += `C${sx + 60} ${low} ${level - 60} ${low} ${level} ${ey}H${ex}`;
    return { d, ex: x2, ey, at, many };
  }
  let x = sx, y = sy;
  const curve = (tx, ty) => {
    const m = (x + tx) / 2;
    d += y === ty ? `H${tx}` : `C${m} ${y} ${m} ${ty} ${tx} ${ty}`;
    x = tx;
    y = ty;
  };
  // Only where it passes other ranks: at the middle of each.
  for (const [px, py] of lay.via[i])
    if (px > x + 40 && px < level - 40) curve(px, py);
  if (level > x + 20) curve(level, ey);
  else curve(Math.max(x + 8, ex - 16), ey);
  return { d: d + `H${ex}`, ex: x2, ey, at, many };
}

// Neighbours for the arrow keys.
export function neighbour(p, i, key, lay) {
  const n = p.nodes[i], y = j => lay.at[j][1], x = j => lay.at[j][0];
  const near = list => list.sort((a, b) => Math.abs(y(a) - y(i))
    - Math.abs(y(b) - y(i)))[0];
  if (key === 'ArrowRight') return near(n.out.map(e => e.to));
  if (key === 'ArrowLeft') return near(n.into.map(e => e.from));
  const sign = key === 'ArrowDown' ? 1 : -1;
  return p.nodes.map((_, j) => j).filter(j => j !== i &&
    Math.abs(x(j) - x(i)) < WITHIN && (y(j) - y(i)) * sign > 0)
    .sort((a, b) => (y(a) - y(b)) * sign)[0];
}
const WITHIN = 80; // px: of one rank
