// SPDX-License-Identifier: Apache-2.0
// Links between traces, in both directions: over the waterfall those of the
// whole trace, in the details those of a span.
import { html } from '../lib/html.js';
import { shortId } from '../lib/format.js';
import { href } from '../lib/route.js';

const SHOWN = 8;

// list: of data.links.to or data.links.from; '' if there is none.
export function others(list) {
  const seen = new Map(list.map(l => [l.trace_id + l.id, l]));
  const all = [...seen.values()];
  return all.length ? html`${all.slice(0, SHOWN).map((l, i) => html`${
    i > 0 && ', '}<a class="link" title=${l.trace_id} href=${href('trace',
      [l.trace_id], { sel: l.id })}>${l.name} <span class="m">${
      shortId(l.trace_id)}</span></a>`)}${all.length > SHOWN
    ? ` and ${all.length - SHOWN} more` : ''}` : '';
}

export function Links({ data: { links } }) {
  const to = others(links.to), from = others(links.from);
  return (to || from) && html`<div class="note"><b>Other traces</b><span>${to &&
    html`links to ${to}`}${to && from && '; '}${from &&
    html`linked from ${from}`}</span></div>`;
}
