// SPDX-License-Identifier: Apache-2.0
// The strip over the list: when the traces were, and how long they took. A drag
// in either chooses: a range in the first, a term of the filter in the second.
import { html, useRef, useState } from '../lib/html.js';
import { Icon } from '../lib/icons.js';
import { clock, count, ms, plural, seconds } from '../lib/format.js';
import { change } from '../lib/route.js';
import { withResponseTime } from './filter_text.js';

const DECADES = 5; // 1 ms to 100 s, the scale of the list's bars too
const HEIGHT = 52;

// Where a duration lies on the log scale, 0 to 100.
export const logScale = milli =>
  Math.max(0, Math.min(1, Math.log10(Math.max(milli, 1)) / DECADES)) * 100;

export const decades = [[1, '1 ms'], [10, '10 ms'], [100, '100 ms'],
  [1e3, '1 s'], [1e4, '10 s'], [1e5, '100 s']];

export function Strips({ data, filter }) {
  if (!data) return html`<div class="strips"/>`;
  return html`<div class="strips"><${When} data=${data}/>
    <${HowLong} data=${data} filter=${filter}/></div>`;
}

function When({ data }) {
  const { start, step, traces, faults } = data.when;
  const n = traces.length, most = Math.max(0, ...traces);
  const sum = faults.reduce((a, b) => a + b, 0), end = start + n * step;
  const now = Date.now() / 1e3;
  const label = sec => {
    const c = clock(sec, now);
    return step * n > 7200 && c.date ? c.date + ' ' + c.time.slice(0, 5)
      : step < 20 ? c.time : c.time.slice(0, 5);
  };
  return html`<figure class="strip">
    <figcaption><span class="b">When</span><span class="d">${data.matched
      ? `traces per ${ms(step * 1e3).replace(/\.?0+ s/, ' s')}, ${count(most)
        } at most` : 'no traces in range'}</span><span class="g"/>
      ${sum > 0 && html`<span class="st fault"><${Icon} name="fault"/>
        ${plural(sum, 'fault')}</span>`}</figcaption>
    <${Bars} bars=${traces} faults=${faults}
      label=${`${plural(data.matched, 'trace')}, ${plural(sum, 'fault')}, ` +
        `${count(most)} at most in ${ms(step * 1e3)}`}
      choose=${(a, b) => change({ range:
        `${(start + a * n * step).toFixed(1)}-${
          (start + b * n * step).toFixed(1)}` })}/>
    <${Axis} of=${[0, 1 / 3, 2 / 3, 1].map(p =>
      [p * 100, label(start + p * (end - start))])}/></figure>`;
}

function HowLong({ data, filter }) {
  const { traces, faults } = data.how_long;
  const marks = [['p50', data.p50], ['p90', data.p90], ['p99', data.p99]];
  const at = share => 10 ** (share * DECADES) / 1e3;
  return html`<figure class="strip">
    <figcaption><span class="b">How long</span>
      <span class="d wid">response time</span><span class="g"/>
      ${data.p50 != null && marks.map(([name, v]) =>
        html`<span>${name} <b>${seconds(v)}</b></span>`)}</figcaption>
    <${Bars} bars=${traces} faults=${faults} marks=${marks.map(m =>
        m[1] == null ? null : logScale(m[1] * 1e3))}
      label=${data.p50 == null ? 'No traces in range'
        : 'Response times: ' + marks.map(([name, v]) =>
          `${name} ${seconds(v)}`).join(', ')}
      choose=${(a, b) => change({ filter:
        withResponseTime(filter, at(a), at(b)) })}/>
    <${Axis} of=${decades.map(([v, l]) => [logScale(v), l])}/></figure>`;
}

function Bars({ bars, faults, marks = [], label, choose }) {
  const n = bars.length, most = Math.max(1, ...bars), svg = useRef(null);
  const [drag, setDrag] = useState(null);
  const share = e => {
    const r = svg.current.getBoundingClientRect();
    return Math.max(0, Math.min(1, (e.clientX - r.left) / r.width));
  };
  const down = e => {
    if (e.button) return;
    svg.current.setPointerCapture(e.pointerId);
    setDrag([share(e), share(e)]);
  };
  const up = e => {
    if (!drag) return;
    const [a, b] = [drag[0], share(e)].sort((x, y) => x - y);
    setDrag(null);
    if (b - a > .01) choose(a, b);
  };
  return html`<svg class="ch" ref=${svg} viewBox=${`0 0 ${n * 10} ${HEIGHT}`}
      preserveAspectRatio="none" role="img" aria-label=${label}
      onPointerDown=${down} onPointerUp=${up}
      onPointerCancel=${() => setDrag(null)}
      onPointerMove=${e => drag && setDrag([drag[0], share(e)])}>
    ${bars.map((v, i) => v ? html`<rect class="fo" x=${i * 10 + 1} width="8"
      y=${HEIGHT - height(v, most)} height=${height(v, most)}/>` : null)}
    ${faults.map((v, i) => v ? html`<rect class="fflt" x=${i * 10 + 1} width="8"
      y=${HEIGHT - height(v, most)} height=${height(v, most)}/>` : null)}
    <path class="base" d=${`M0 ${HEIGHT - .5}H${n * 10}`}
      vector-effect="non-scaling-stroke"/>
    ${marks.map(x => x == null ? null : html`<line class="pt" y1="0" y2=${HEIGHT}
      x1=${x * n / 10} x2=${x * n / 10} vector-effect="non-scaling-stroke"/>`)}
    ${drag && html`<rect class="br" y="0" height=${HEIGHT}
      x=${Math.min(...drag) * n * 10} vector-effect="non-scaling-stroke"
      width=${Math.abs(drag[1] - drag[0]) * n * 10}/>`}</svg>`;
}

// One trace among thousands is still seen.
const height = (v, most) => Math.max(3, v / most * (HEIGHT - 4));

export function Axis({ of }) {
  return html`<svg class="ax" aria-hidden="true">${of.map(([p, text]) =>
    html`<text x=${p.toFixed(2) + '%'} y="11" text-anchor=${p < 2 ? 'start'
      : p > 98 ? 'end' : 'middle'}>${text}</text>`)}</svg>`;
}
