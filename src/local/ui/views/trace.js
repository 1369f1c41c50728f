// SPDX-License-Identifier: Apache-2.0
// One trace. #/trace/ID?sel=&zoom=a-b&tab=
import { html, useEffect, useState } from '../lib/html.js';
import { get } from '../lib/api.js';
import { go, href } from '../lib/route.js';
import { listen, openStream } from '../lib/stream.js';
import { traces } from '../lib/traces.js';
import { useKeys } from '../lib/keys.js';
import { Header } from './trace_head.js';
import { Waterfall } from './waterfall.js';

// The trace without its documents first, so that the waterfall is there at
// once; the documents follow, for details and copying.
function useTrace(id) {
  const [t, setT] = useState({ data: null, documents: null, error: null });
  useEffect(() => {
    let on = true, timer = 0, busy = false, next = 0;
    const load = async () => {
      const began = performance.now();
      busy = true;
      try {
        const data = await get('/api/traces/' + id, { documents: 0 });
        if (!on) return;
        setT(x => ({ ...x, data, error: null }));
        openStream('', data.event);
        const { documents } = await get('/api/traces/' + id, { documents: 1 });
        if (on) setT(x => ({ ...x, documents }));
      } catch (error) {
        if (on) openStream();
        if (on) setT(x => ({ ...x, error, data: error.status === 404 ? null
          : x.data }));
      }
      // A large trace that still grows is not read without pause.
      next = Date.now() + Math.max(500, 5 * (performance.now() - began));
      busy = false;
    };
    const soon = () => {
      if (timer) return;
      timer = setTimeout(() => {
        timer = 0;
        if (busy) soon();
        else load();
      }, Math.max(100, next - Date.now()));
    };
    setT({ data: null, documents: null, error: null });
    load();
    const stop = listen((kind, data) => {
      if (kind !== 'trace') soon();
      else if (data.trace.id === id) soon();
    });
    return () => { on = false; clearTimeout(timer); stop(); };
  }, [id]);
  return t;
}

export function Trace({ args, params }) {
  const id = args[0] ?? '', { data, documents, error } = useTrace(id);
  const up = href('traces', [], { filter: params.get('filter'),
    range: params.get('range'), q: params.get('q'), sel: id });
  useKeys({ Escape: () => go(up) });
  const early = traces.get().rows.find(r => r.id === id);
  if (error && !data) return html`<div class="none"><h1>${error.status === 404
    ? 'This trace is gone' : 'The trace could not be read'}</h1><p class="d2">${
    error.status === 404 ? html`<span class="m">${id}</span> is not in the store:
      trimmed, cleared, or never here.` : error.message}</p><p class="act">
    <a class="bt" href=${up}>Back to the list</a></p></div>`;
  const row = data?.trace ?? early;
  return html`${row ? html`<${Header} row=${row} id=${id} up=${up}
      params=${params} data=${data} documents=${documents}/>`
      : html`<div class="hd"><h1 class="d">…</h1></div>`}
    ${data && html`<${Waterfall} key=${id} data=${data} documents=${documents}
      params=${params}/>`}`;
}
