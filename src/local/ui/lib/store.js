// SPDX-License-Identifier: Apache-2.0
// A value that components watch. Page-wide state (connection, counts, pause)
// lives in such values; all else in the view that shows it.
import { useLayoutEffect, useState } from 'preact/hooks';

export function watched(value) {
  const watchers = new Set();
  const self = {
    get: () => value,
    set(next) {
      if (next === value) return;
      value = next;
      for (const w of [...watchers]) w(value);
    },
    watch(fn) {
      watchers.add(fn);
      return () => watchers.delete(fn);
    },
    use() {
      const [, draw] = useState(0);
      // Not later: what is set before the first paint counts too.
      useLayoutEffect(() => self.watch(() => draw(n => n + 1)), []);
      return value;
    },
  };
  return self;
}

// localStorage may be closed to us (private windows, policies).
export function remember(key, value) {
  try {
    if (value === undefined) return localStorage.getItem('xray-relay.' + key);
    if (value === null) localStorage.removeItem('xray-relay.' + key);
    else localStorage.setItem('xray-relay.' + key, value);
  } catch { /* the page works without */ }
  return null;
}
