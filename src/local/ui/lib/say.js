// SPDX-License-Identifier: Apache-2.0
// The polite live region: at most one message in five seconds, the newest wins.
import { watched } from './store.js';

export const said = watched('');
let last = 0, timer = 0;

export function say(text, now = false) {
  clearTimeout(timer);
  const wait = now ? 0 : Math.max(0, last + 5000 - Date.now());
  timer = setTimeout(() => {
    last = Date.now();
    said.set(text);
  }, wait);
}
