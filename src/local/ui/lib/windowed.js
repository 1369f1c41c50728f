// SPDX-License-Identifier: Apache-2.0
// A scrolled list of which only the rows in view are in the document. Rows are
// drawn into elements that are used again for other rows as they scroll in:
// making fifty elements anew costs more than a frame.
import { html, useLayoutEffect, useRef, useState } from './html.js';

const OVER = 8; // rows drawn beyond each edge

// n rows; top(i): where row i begins, top(n): the whole height; draw(i, place):
// the row, place to be handed on as its style. watch(scroller): on scrolling.
export function Windowed({ n, top, draw, head, children, watch, scroller,
  ...props }) {
  const own = useRef(null), box = scroller ?? own;
  const [range, setRange] = useState([0, 0]);
  const pool = useRef(0);

  const measure = () => {
    const e = box.current;
    if (!e) return;
    const above = e.querySelector('.rows')?.offsetTop ?? 0;
    const from = e.scrollTop - above;
    const a = Math.max(0, firstAt(top, n, from) - OVER);
    const b = Math.min(n, firstAt(top, n, from + e.clientHeight) + 1 + OVER);
    setRange(r => r[0] === a && r[1] === b ? r : [a, b]);
  };
  // Before the first paint, and whenever the rows or the place changed.
  useLayoutEffect(measure, [n, top]);
  useLayoutEffect(() => {
    const seen = new ResizeObserver(measure);
    seen.observe(box.current);
    return () => seen.disconnect();
  }, [n, top]);

  const a = Math.min(range[0], n), b = Math.min(range[1], n);
  pool.current = Math.max(pool.current, b - a);
  const rows = [];
  for (let i = a; i < b; i++)
    rows.push(draw(i, top(i), i % pool.current));
  const onScroll = () => {
    measure();
    watch?.(box.current);
  };
  return html`<div ...${props} ref=${box} onScroll=${onScroll} tabindex="-1">
    ${head}
    <div class="rows" role="presentation" style=${{ height: top(n) + 'px' }}>
      ${children}${rows}</div></div>`;
}

// The last row that begins at or above y.
function firstAt(top, n, y) {
  let a = 0, b = n;
  while (b - a > 1) {
    const m = (a + b) >> 1;
    if (top(m) <= y) a = m;
    else b = m;
  }
  return a;
}

// Scrolls just so far that row i is wholly in view, clear of what sticks at
// the top.
export function reveal(box, top, i, sticky = 0) {
  if (!box) return;
  const above = box.querySelector('.rows')?.offsetTop ?? 0;
  const a = above + top(i), b = above + top(i + 1);
  if (a - sticky < box.scrollTop) box.scrollTop = a - sticky;
  else if (b > box.scrollTop + box.clientHeight)
    box.scrollTop = b - box.clientHeight;
}
