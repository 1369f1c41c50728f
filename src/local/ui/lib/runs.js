// SPDX-License-Identifier: Apache-2.0
// Earlier runs of `--store run`: each is a store of its own, looked at by
// loading the page with ?run=NAME.
import { get } from './api.js';
import { watched } from './store.js';

export const runs = watched([]); // the newest first; one of them may be current

export async function loadRuns() {
  try {
    runs.set((await get('/api/runs')).runs);
  } catch { /* the chip says that nobody answers */ }
}

export const earlier = () => runs.get().filter(r => !r.current);

// When the run of this name began: 2026-11-22T09-33-20Z-4711.db
export const begun = name => Date.parse(name.slice(0, 20).replace(
  /-(\d\d)-(\d\d)Z/, ':$1:$2Z')) / 1e3;
