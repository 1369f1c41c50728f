// SPDX-License-Identifier: Apache-2.0
// What can be done to a trace, in the list and in its own view.
import { send } from './api.js';
import { shortId } from './format.js';
import { go, href } from './route.js';
import { say } from './say.js';
import { watched } from './store.js';
import { traces } from './traces.js';

// The trace that waits for a second one to be compared with.
export const marked = watched(null);

export function markForDiff(id) {
  const first = marked.get();
  if (first === id) {
    marked.set(null);
    say('Mark taken away', true);
  } else if (first) {
    marked.set(null);
    go(href('diff', [first, id]));
  } else {
    marked.set(id);
    say(`Marked ${shortId(id)}: press d on another trace to compare`, true);
  }
}

// Pinned traces are kept when the store is trimmed. Gives the new state.
export async function pin(row) {
  try {
    const { pinned } = await send(row.pinned ? 'DELETE' : 'PUT',
      `/api/traces/${row.id}/pin`);
    traces.set({ ...traces.get(), rows: traces.get().rows.map(r =>
      r.id === row.id ? { ...r, pinned } : r) });
    say(pinned ? 'Pinned: kept when the store is trimmed' : 'Not pinned', true);
    return pinned;
  } catch (e) {
    say(e.message, true);
    return row.pinned;
  }
}
