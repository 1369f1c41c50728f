// SPDX-License-Identifier: Apache-2.0
// The one stream of events (GET /api/events). The browser resumes a broken one
// by itself with Last-Event-ID; a refused one is begun anew here, and listeners
// are told to ask again.
import { run } from './api.js';
import { watched } from './store.js';

const RETRY_S = 3;

// state: 'connecting', 'open', 'lost'; retry: seconds to the next try.
export const connection = watched({ state: 'connecting', retry: 0 });
export const stats = watched(null);
export const paused = watched(false);
export const waiting = watched(0); // traces held back by pause or scroll

const listeners = new Set();
let source = null, filter = null, timer = 0;

// fn(kind, data): trace, cleared, reset, reopened.
export function listen(fn) {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

// event: of the answer that is shown, after which the stream is to go on, so
// that nothing is missed in between.
export function openStream(wanted = '', event = '') {
  if (run || source && filter === wanted) return;
  const other = source !== null;
  filter = wanted;
  connect(event);
  return other;
}

function connect(last) {
  clearTimeout(timer);
  source?.close();
  const s = new EventSource('/api/events?' + new URLSearchParams(
    { filter, last }));
  source = s;
  s.onopen = () => {
    const was = connection.get().state;
    connection.set({ state: 'open', retry: 0 });
    if (was === 'lost') tell('reopened', {});
  };
  s.onerror = () => {
    if (s !== source) return;
    if (s.readyState === EventSource.CLOSED) countDown(RETRY_S);
    else connection.set({ state: 'lost', retry: 0 });
  };
  s.addEventListener('trace', e =>
    s === source && tell('trace', JSON.parse(e.data)));
  s.addEventListener('cleared', e => tell('cleared', JSON.parse(e.data)));
  s.addEventListener('reset', () => tell('reset', {}));
  s.addEventListener('stats', e => stats.set(JSON.parse(e.data)));
}

function countDown(left) {
  connection.set({ state: 'lost', retry: left });
  timer = setTimeout(() => left > 1 ? countDown(left - 1) : connect(''), 1000);
}

function tell(kind, data) {
  for (const fn of [...listeners]) fn(kind, data);
}

// Server time, for what counts up: the clocks of a container and of the
// browser's machine may differ.
let offset = 0;
stats.watch(s => { offset = s.now - Date.now() / 1e3; });
// In an earlier run nothing goes on.
export const serverNow = () => run ? 0 : Date.now() / 1e3 + offset;
