// SPDX-License-Identifier: Apache-2.0
// Where the nodes of the map stand. dagre needs a good part of a second for 200
// nodes, so it runs in a worker; where the browser allows none, on the page.
// Only those of its steps are named that a graph without groups and without
// labels on its edges needs: the others would be a twentieth of the page.
import normalize from '@dagrejs/dagre/lib/normalize.js';
import order from '@dagrejs/dagre/lib/order/index.js';
import position from '@dagrejs/dagre/lib/position/index.js';
import rank from '@dagrejs/dagre/lib/rank/index.js';
import { Graph } from '../lib/graphlib.cjs';

export const HEIGHT = 50;
const RANK = 82, APART = 34, EDGES_APART = 20, MARGIN = 24;
const ROOT = 'root'; // joins what has no edge in common, while ranks are found

// nodes: [{width}], edges: [{from, to}] by index. Gives {w, h, at: [[x, y,
// width]], via: [[[x, y], …] a edge]}.
export function layout({ nodes, edges }) {
  if (!nodes.length) return { w: 0, h: 0, at: [], via: [] };
  const g = graphOf(nodes, edges);
  findRanks(g);
  normalize.run(g);
  order(g);
  position(g);
  normalize.undo(g);
  return placesIn(g, nodes, edges);
}

// dagre ranks from top to bottom; ours go from left to right, so its x is our y.
function graphOf(nodes, edges) {
  const g = new Graph({ multigraph: true }), back = backEdges(nodes, edges);
  g.setGraph({ ranksep: RANK, nodesep: APART, edgesep: EDGES_APART });
  nodes.forEach((n, i) => g.setNode(String(i),
    { width: HEIGHT, height: n.width }));
  edges.forEach(({ from, to }, i) => {
    if (from === to) return;
    const [v, w] = back.has(i) ? [to, from] : [from, to];
    g.setEdge(String(v), String(w), { minlen: 1, weight: 1, points: [] },
      String(i));
  });
  return g;
}

// The edges that close a ring: turned round, what is left has ranks.
function backEdges(nodes, edges) {
  const out = nodes.map(() => []), state = [], back = new Set();
  edges.forEach((e, i) => out[e.from].push(i));
  const walk = n => {
    state[n] = 'open';
    for (const i of out[n])
      if (state[edges[i].to] === 'open') back.add(i);
      else if (!state[edges[i].to]) walk(edges[i].to);
    state[n] = 'done';
  };
  nodes.forEach((_, n) => state[n] || walk(n));
  return back;
}

function findRanks(g) {
  const nodes = g.nodes();
  g.setNode(ROOT, {});
  for (const v of nodes) g.setEdge(ROOT, v, { minlen: 1, weight: 0 });
  rank(g);
  g.removeNode(ROOT);
  const first = Math.min(...nodes.map(v => g.node(v).rank));
  for (const v of nodes) g.node(v).rank -= first;
}

function placesIn(g, nodes, edges) {
  // Centred on their rank by dagre; flush left they read as a column.
  const places = nodes.map((_, i) => g.node(String(i))), widest = new Map();
  for (const p of places)
    widest.set(p.y, Math.max(p.height, widest.get(p.y) ?? 0));
  // The points of an edge are where it passes the ranks that it crosses, clear
  // of their nodes.
  const points = edges.map((e, i) => {
    const label = g.edge(String(e.from), String(e.to), String(i))
      ?? g.edge(String(e.to), String(e.from), String(i));
    return label?.points ?? [];
  });
  const top = Math.min(...places.map(p => p.x - HEIGHT / 2),
    ...points.flat().map(p => p.x)) - MARGIN;
  const at = places.map(p => [p.y - widest.get(p.y) / 2 + MARGIN,
    p.x - HEIGHT / 2 - top, p.height]);
  const via = points.map(list => list.map(p => [p.y + MARGIN, p.x - top]));
  return { at, via, w: Math.max(...at.map(([x, , width]) => x + width)) + MARGIN,
    h: Math.max(...at.map(([, y]) => y + HEIGHT),
      ...via.flat().map(p => p[1])) + MARGIN };
}

// The worker's side.
export function serveLayouts() {
  self.onmessage = e => {
    const { turn, graph } = e.data;
    try {
      self.postMessage({ turn, result: layout(graph) });
    } catch (x) {
      self.postMessage({ turn, error: String(x) });
    }
  };
}

// The page's side: one worker, kept; answers come in the order of the turns.
let worker = null, turns = 0;
const pending = new Map();

export function layoutAside(graph) {
  if (worker === null) worker = begin();
  if (!worker) return Promise.resolve().then(() => layout(graph));
  return new Promise((done, failed) => {
    pending.set(++turns, { done, failed });
    worker.postMessage({ turn: turns, graph });
  });
}

function begin() {
  try {
    const w = new Worker('/app.js');
    w.onmessage = e => {
      const { done, failed } = pending.get(e.data.turn);
      pending.delete(e.data.turn);
      if (e.data.error) failed(new Error(e.data.error));
      else done(e.data.result);
    };
    w.onerror = () => {
      worker = false;
      for (const { failed } of pending.values()) failed(new Error('no worker'));
      pending.clear();
    };
    return w;
  } catch {
    return false;
  }
}
