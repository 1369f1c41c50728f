// SPDX-License-Identifier: Apache-2.0
// The keys, in a dialog.
import { html, useEffect, useRef } from '../lib/html.js';
import { lettersOff } from '../lib/keys.js';

const keys = [
  ['Everywhere', [['/', 'filter'], ['Esc', 'close, then up one view'],
    ['g t', 'traces'], ['g m', 'map'], ['g l', 'live'], ['g s', 'sampling'],
    ['p', 'pause'], ['?', 'these keys']]],
  ['List', [['j k', 'row down, up'], ['Enter', 'open'],
    ['d', 'mark for a diff, again: compare'], ['s', 'pin']]],
  ['Trace', [['j k', 'row down, up'], ['h l', 'collapse, expand'],
    ['[ ]', 'previous, next trace'], ['1 … 8', 'tab of the details'],
    ['z', 'zoom to the span'], ['0', 'whole trace'], ['c', 'copy as']]],
  ['Map', [['← →', 'along the edges'], ['↑ ↓', 'among the neighbours'],
    ['Enter', 'traces through the node']]],
];

export function Help({ close }) {
  const dialog = useRef(null), off = lettersOff.use();
  useEffect(() => { dialog.current.showModal(); }, []);
  return html`<dialog ref=${dialog} onClose=${close} aria-labelledby="keys"
      onClick=${e => e.target === dialog.current && dialog.current.close()}>
    <div class="keys"><header class="hd"><h2 id="keys">Keys</h2><span class="g"/>
      <button type="button" class="bt" onClick=${() => dialog.current.close()}>
      Close</button></header>
    <div class="cols">${keys.map(([where, list]) => html`<section><h3>${where}</h3>
      <dl>${list.map(([k, what]) => html`<dt>${k.split(' ').map(x =>
        html`<kbd>${x}</kbd> `)}</dt><dd>${what}</dd>`)}</dl></section>`)}</div>
    <label><input type="checkbox" checked=${off}
      onChange=${e => lettersOff.set(e.target.checked)}/> Switch off the keys
      that are single letters or digits</label></div></dialog>`;
}
