// SPDX-License-Identifier: Apache-2.0
// The runs that are kept, to be looked at one by one.
import { html, useEffect, useState } from '../lib/html.js';
import { get, run } from '../lib/api.js';
import { bytes, clock, count, utc } from '../lib/format.js';
import { go, href } from '../lib/route.js';
import { loadRuns, runs } from '../lib/runs.js';
import { useKeys } from '../lib/keys.js';

const COUNTED = 40; // of so many files it is asked what they hold

// The traces of each run, one file asked after the other.
function useCounts(list) {
  const [counts, setCounts] = useState({});
  useEffect(() => {
    let on = true;
    (async () => {
      for (const { name } of list.slice(0, COUNTED)) {
        let n;
        try {
          n = (await get(`/api/runs/${name}/health`)).traces;
        } catch (e) { n = e.message; }
        if (!on) return;
        setCounts(c => ({ ...c, [name]: n }));
      }
    })();
    return () => { on = false; };
  }, [list]);
  return counts;
}

const at = sec => {
  const c = clock(sec);
  return html`<span title=${utc(sec)}>${c.date} ${c.time}</span>`;
};

export function Runs() {
  const list = runs.use(), counts = useCounts(list);
  useEffect(() => { loadRuns(); }, []);
  useKeys({ Escape: () => go(href('traces')) });
  return html`<div class="doc one" tabindex="0"><section><h1>Runs</h1>
    <p class="d2">With --store run each start writes a file of its own. Earlier
      ones can be looked at; they go after a week, or when all take too much
      room.</p>${list.length ? html`<div class="over" tabindex="0"><table
      class="runs"><thead><tr><th scope="col">Started</th><th scope="col"
      class="n">Last written</th><th scope="col" class="n">Traces</th><th
      scope="col" class="n">Size</th><th scope="col">File</th></tr></thead><tbody>
      ${list.map(r => html`<${Run} key=${r.name} r=${r} n=${counts[r.name]}/>`)}
      </tbody></table></div><p class="d2">In the terminal:${' '}
      <code>xray-relay ls --store FILE</code></p>` : html`<p>None is kept.</p>`}
    </section></div>`;
}

function Run({ r, n }) {
  const here = run ? r.name === run : r.current;
  return html`<tr><td>${here ? html`<b>${at(r.started)}</b>` : html`<a
      class="link" href=${r.current ? '/' : '/?run=' + r.name}>${at(r.started)}
      </a>`}${r.current && html` <span class="tag">running</span>`}${here && run &&
      html` <span class="tag">shown</span>`}</td>
    <td class="n">${at(r.written)}</td>
    <td class=${'n' + (n ? '' : ' d')}>${typeof n === 'string'
      ? html`<span class="error">${n}</span>` : count(n)}</td>
    <td class="n">${bytes(r.bytes)}</td><td class="m d">${r.path}</td></tr>`;
}
