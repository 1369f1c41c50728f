// SPDX-License-Identifier: Apache-2.0
// Small controls that several views share.
import { html, useEffect, useLayoutEffect, useRef, useState }
  from './html.js';
import { change } from './route.js';
import { ranges, usual } from './api.js';
import { clock } from './format.js';

// A choice of one; arrows move it, as in a native radio group.
export function Choice({ label, value, options, onChange, class: extra = '' }) {
  const box = useRef(null);
  const step = by => {
    const at = options.findIndex(o => o[0] === value);
    const next = (at + by + options.length) % options.length;
    onChange(options[next][0]);
    box.current.children[next].focus();
  };
  const keys = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const chosen = options.some(o => o[0] === value);
  return html`<div class=${'seg ' + extra} role="radiogroup" aria-label=${label}
      ref=${box} onKeyDown=${e => {
        if (!keys[e.key]) return;
        e.preventDefault();
        e.stopPropagation();
        step(keys[e.key]);
      }}>${options.map(([key, text], i) => html`<button type="button"
      role="radio" aria-checked=${String(key === value)}
      tabindex=${key === value || (!chosen && i === 0) ? 0 : -1}
      onClick=${() => onChange(key)}>${text}</button>`)}</div>`;
}

export function Range({ range }) {
  const options = ranges.map(r => [r, r === 'all' ? 'All' : r]);
  const fixed = /^([\d.]+)-([\d.]+)$/.exec(range);
  // A range dragged in the strip stands among the others until another is
  // chosen.
  if (fixed) {
    const at = s => clock(+s).time.replace(/:00$/, '');
    options.unshift([range, `${at(fixed[1])}–${at(fixed[2])}`]);
  }
  if (!options[1]) return null;
  return html`<${Choice} label="Time range" value=${range} options=${options}
    onChange=${r => change({ range: r === usual ? null : r })}/>`;
}

// What a box with something that opens below its first button needs: Escape and
// a press elsewhere close it. To be spread on the box.
export function usePop(open, close) {
  const ref = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    const outside = e => ref.current.contains(e.target) || close();
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, [open]);
  const onKeyDown = e => {
    if (!open || e.key !== 'Escape') return;
    e.preventDefault();
    e.stopPropagation();
    close();
    ref.current.querySelector('button').focus();
  };
  return { ref, onKeyDown };
}

// For the ref of a field that is to have the focus when it appears.
export function focusFirst(input) {
  if (!input || input.dataset.focused) return;
  input.dataset.focused = 1;
  input.focus();
}

// A button with a list of commands below it.
export function Menu({ label, title, items, open, onOpen, class: extra = '' }) {
  const pop = usePop(open, () => onOpen(false));
  const commands = () => [...pop.ref.current.querySelectorAll('[role=menuitem]')];
  useLayoutEffect(() => { if (open) commands()[0]?.focus(); }, [open]);
  const onKeyDown = e => {
    pop.onKeyDown(e);
    if (!open || e.defaultPrevented) return;
    if (e.key === 'Tab') onOpen(false);
    const all = commands(), at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[e.key];
    if (to === undefined) return;
    all.at(to % all.length).focus();
    e.preventDefault();
    e.stopPropagation();
  };
  return html`<div class=${'menu ' + extra} ref=${pop.ref}
      onKeyDown=${onKeyDown}>
    <button type="button" class="bt" aria-haspopup="menu" title=${title}
      aria-expanded=${String(open)} onClick=${() => onOpen(!open)}>${label}
    </button>${open && html`<ul class="pop" role="menu">${items.map(
      ([text, act, note]) => html`<li role="none"><button type="button"
        role="menuitem" tabindex="-1" onClick=${() => {
          onOpen(false);
          act();
        }}>${text}${note && html`<span class="d"> ${note}</span>`}</button>
      </li>`)}</ul>`}</div>`;
}

// Names and values in two columns; empty ones are left out.
export function Facts({ of }) {
  return html`<dl>${of.filter(f => f && f[1] != null && f[1] !== '').map(
    ([k, v]) => html`<dt>${k}</dt><dd>${v}</dd>`)}</dl>`;
}

// A second that counts, for what shows "seconds ago".
export function useTick(every = 1000, on = true) {
  const [, draw] = useState(0);
  useEffect(() => {
    if (!on) return undefined;
    const timer = setInterval(() => draw(n => n + 1), every);
    return () => clearInterval(timer);
  }, [every, on]);
}

// A column of a table that can be sorted.
export function useSort(key, down = true) {
  const [sort, setSort] = useState({ key, down });
  const head = (k, label, numeric) => html`<th scope="col"
    class=${numeric ? 'n' : ''} aria-sort=${sort.key !== k ? null
      : sort.down ? 'descending' : 'ascending'}><button type="button"
    onClick=${() => setSort({ key: k,
      down: sort.key === k ? !sort.down : !!numeric })}>${label}${
    sort.key === k ? (sort.down ? ' ↓' : ' ↑') : ''}</button></th>`;
  const order = (rows, value) => [...rows].sort((a, b) => {
    const x = value(a, sort.key) ?? -1, y = value(b, sort.key) ?? -1;
    const by = typeof x === 'string' ? x.localeCompare(y) : x - y;
    return sort.down ? -by : by;
  });
  return { head, order };
}
