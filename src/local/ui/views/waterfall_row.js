// SPDX-License-Identifier: Apache-2.0
// A row of the waterfall: name and lane.
import { html, memo } from '../lib/html.js';
import { Icon, Status, glyphOf } from '../lib/icons.js';
import { ms } from '../lib/format.js';
import { Bars } from './lanes.js';
import { durationOf, nameOf, noteOf, worst } from './model.js';

export const Row = memo(({ row, i, y, sel, view, m, acts }) => {
  const place = { top: y + 'px' };
  const aria = { role: 'row', 'aria-level': row.level + 1,
    'aria-rowindex': i + 1, 'aria-setsize': row.size, 'aria-posinset': row.place,
    'aria-expanded': row.expands ? String(row.open) : null,
    'aria-selected': String(sel), tabindex: sel ? 0 : -1 };
  const act = e => {
    if (e.target.closest('.tw')) acts.toggle(row);
    else acts.select(row.key);
  };
  const fold = row.expands ? html`<${Icon} name=${row.open ? 'open' : 'closed'}
    class="tw"/>` : html`<span class="sp"/>`;
  if (row.kind === 'head') return html`<div ...${aria} class=${'wr gr hr' + (sel
      ? ' sel' : '')} style=${place} onClick=${() => acts.toggle(row)}>
    <div class="wn" role="gridcell">${fold}<span class="d2">${row.text}</span>
      <span class="d x">${row.note}</span><span class="du d">${row.n}</span></div>
    <div class="lc" role="gridcell"/></div>`;

  const s = row.span, top = row.list ? worst(row.list) : s;
  const running = row.list ? row.list.some(x => x.in_progress) : s.in_progress;
  const kind = running ? 'prog' : top.class, n = row.list?.length ?? 1;
  const parent = s.seg && s.parent >= 0 ? m.spans[s.parent] : null;
  const note = noteOf(row), name = nameOf(row);
  return html`<div ...${aria} class=${`wr${row.level === 0 ? ' gr' : ''}${sel
      ? ' sel' : ''}`} style=${place} onClick=${act}>
    <div class="wn" role="gridcell" style=${{ '--l': row.level }}>${fold}
      ${s.seg ? html`<b class="nm" title=${name}>${name}</b>` : html`<${Icon}
          name=${glyphName(s)} class="d"/>
        <span class=${'nm' + (row.kind === 'inferred' ? ' iv' : '')}
          title=${name}>${name}</span>`}
      ${note && html`<span class=${'x pa2' + (s.seg ? '' : ' d')}
        title=${note}>${note}</span>`}
      ${n > 1 && html`<span class="tag">×${n}</span>`}
      ${row.oneByOne && html`<span class="tag nq" title=${`${n} like calls one ` +
        'after the other: could be one'}>N+1?</span>`}
      ${kind !== 'ok' && html`<${Status} kind=${kind} code=${!running && n === 1
        ? top.status : ''} text=${running ? 'running' : undefined}/>`}
      <span class="du d2">${running ? '> ' : ''}${ms(durationOf(row))}</span></div>
    <div class="lc" role="gridcell"><span class="sr">starts at ${ms(s.a)}</span>
      <svg class="lane" aria-hidden="true"><${Bars} row=${row} view=${view}
        critical=${row.kind === 'span' ? m.critical.get(s.i) : null}
        parent=${parent}/></svg></div></div>`;
});

// By the node that was made for a call, else by what is known of the call.
function glyphName(s) {
  if (s.kind === 'inferred') return glyphOf(s.nodeOf?.type, 'remote');
  if (!s.namespace) return '';
  const made = s.calls.find(c => c.kind === 'inferred');
  return glyphOf(made?.nodeOf?.type ?? (s.namespace === 'aws' ? s.name : ''),
    s.namespace);
}
