// SPDX-License-Identifier: Apache-2.0
// Keys of the page. A view hands in a table of its keys while it is shown; the
// last one handed in is asked first. No key acts in a field, nor with Ctrl, Alt
// or Meta, and single letters can be switched off (WCAG 2.1.4).
import { useLayoutEffect } from 'preact/hooks';
import { remember, watched } from './store.js';

const tables = [];
let prefix = '', prefixTimer = 0;

export const lettersOff = watched(remember('letters') === 'off');
lettersOff.watch(off => remember('letters', off ? 'off' : null));

// table: { key: fn }, "g t" is g and then t. fn may return false: not mine.
// In place as soon as the view is drawn: the next key may already be waiting.
export function useKeys(table) {
  useLayoutEffect(() => {
    tables.push(table);
    return () => tables.splice(tables.indexOf(table), 1);
  });
}

function inField(e) {
  const t = e.target;
  return t.isContentEditable || t.tagName === 'TEXTAREA' ||
    t.tagName === 'SELECT' ||
    t.tagName === 'INPUT' && !/^(checkbox|radio|button)$/.test(t.type);
}

addEventListener('keydown', e => {
  if (e.ctrlKey || e.altKey || e.metaKey || e.defaultPrevented) return;
  if (e.key === 'Escape') {
    // A field gives up its focus by Escape unless it has taken the key itself.
    if (inField(e)) return e.target.blur();
  } else if (inField(e)) return;
  if (lettersOff.get() && e.key.length === 1 && e.key !== '?') return;
  // Enter and Space on a button or link are the browser's, arrows on tabs and
  // radios their own.
  if (/^(Enter| )$/.test(e.key) && e.target.closest('a,button,summary')) return;
  const key = prefix ? prefix + ' ' + e.key : e.key;
  clearTimeout(prefixTimer);
  prefix = '';
  for (let i = tables.length - 1; i >= 0; i--) {
    const fn = tables[i][key];
    if (fn && fn(e) !== false) return e.preventDefault();
  }
  if (key === 'g') {
    prefix = 'g';
    prefixTimer = setTimeout(() => { prefix = ''; }, 1500);
  }
});
