// SPDX-License-Identifier: Apache-2.0
// Where the nodes of the map stand. dagre needs most of a second for 200 nodes,
// so it runs in a worker; where the browser allows none, on the page.
import arrange from '@dagrejs/dagre/lib/layout.js';
import { Graph } from '../lib/graphlib.cjs';

export const HEIGHT = 50;
const RANK = 82, APART = 34, MARGIN = 24;

// nodes: [{width}], edges: [{from, to}] by index. Gives {w, h, at: [[x, y,
// width]], via: [[[x, y], …] a edge]}.
export function layout({ nodes, edges }) {
  const g = new Graph();
  g.setGraph({ rankdir: 'LR', ranksep: RANK, nodesep: APART, marginx: MARGIN,
    marginy: MARGIN });
  g.setDefaultEdgeLabel(() => ({}));
  nodes.forEach((n, i) => g.setNode(String(i),
    { width: n.width, height: HEIGHT }));
  for (const e of edges)
    if (e.from !== e.to) g.setEdge(String(e.from), String(e.to));
  arrange(g);
  // Centred on their rank by dagre; flush left they read as a column.
  const places = nodes.map((n, i) => g.node(String(i))), widest = new Map();
  for (const p of places)
    widest.set(p.x, Math.max(p.width, widest.get(p.x) ?? 0));
  const at = places.map(p =>
    [p.x - widest.get(p.x) / 2, p.y - HEIGHT / 2, p.width]);
  // The points between the first and the last are where the edge passes the
  // ranks that it crosses, clear of their nodes.
  const via = edges.map(e => {
    const label = e.from === e.to ? null : g.edge(String(e.from), String(e.to));
    return (label?.points ?? []).slice(1, -1).map(p => [p.x, p.y]);
  });
  const { width, height } = g.graph();
  return { w: width || 0, h: height || 0, at, via };
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
