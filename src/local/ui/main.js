// SPDX-License-Identifier: Apache-2.0
// The page of `xray-relay local`: the bar, the view that the URL names, keys.
// The same file is the worker that lays out the map, so that there is one
// script to load and to allow.
import { html, render, useEffect, useState } from './lib/html.js';
import { Icon } from './lib/icons.js';
import { go, href, route } from './lib/route.js';
import { bytes, clockText, count, plural, rate } from './lib/format.js';
import { connection, openStream, listen, paused, stats, waiting }
  from './lib/stream.js';
import { get, run } from './lib/api.js';
import { begun, earlier, loadRuns, runs } from './lib/runs.js';
import { marked } from './lib/actions.js';
import { remember, watched } from './lib/store.js';
import { useKeys } from './lib/keys.js';
import { said } from './lib/say.js';
import { Help } from './views/help.js';
import { List } from './views/list.js';
import { Trace } from './views/trace.js';
import { MapView } from './views/map.js';
import { Live } from './views/live.js';
import { Sampling } from './views/sampling.js';
import { Diff } from './views/diff.js';
import { Runs } from './views/runs.js';
import { serveLayouts } from './views/layout.js';

const views = { __proto__: null, traces: List, trace: Trace, map: MapView, live: Live,
  sampling: Sampling, diff: Diff, runs: Runs };
const own = ['traces', 'trace', 'map'];
const tabs = [['Traces', 'traces'], ['Map', 'map'], ['Live', 'live'],
  ['Sampling', 'sampling']].slice(0, run ? 2 : 4);
const titles = { __proto__: null, trace: 'Trace', diff: 'Diff', runs: 'Runs' };

function App() {
  const r = route.use(), View = views[r.view];
  const [help, setHelp] = useState(false);
  useEffect(() => {
    const name = titles[r.view] ?? tabs.find(t => t[1] === r.view)?.[0];
    document.title = (name ? name + ' · ' : '') + 'xray-relay local';
  }, [r.view]);
  // What shows traces opens the stream where its first answer ends.
  useEffect(() => { if (!own.includes(r.view)) openStream(); }, [r.view]);
  useKeys({
    '?': () => setHelp(true), p: () => paused.set(!paused.get()),
    'g t': () => go(href('traces')), 'g m': () => go(href('map')),
    'g l': () => go(href('live')), 'g s': () => go(href('sampling')),
  });
  return html`<${Bar} view=${r.view} openHelp=${() => setHelp(true)}/>
    <${Banner}/>
    <main class=${'v-' + r.view}>${View ? html`<${View} key=${r.view}
      params=${r.params} args=${r.args}/>` : html`<div class="none"><h1>There is
      no view “${r.view}”</h1><p><a href="#/traces">To the traces</a></p></div>`}
    </main>
    ${help && html`<${Help} close=${() => setHelp(false)}/>`}
    <${Said}/>`;
}

function Said() {
  return html`<div class="sr" role="status" aria-live="polite">${said.use()}
    </div>`;
}

function Bar({ view, openHelp }) {
  const s = stats.use(), others = runs.use() && earlier().length;
  return html`<header class="bar"><a class="logo" href="#/traces"
      aria-label="xray-relay local"><svg viewBox="0 0 18 18" aria-hidden="true">
      <path class="fo" d="M1 3h9v2.6H1zM5 7.7h12v2.6H5zM9 12.4h6V15H9z"/></svg>
      <span class="wid">xray-relay <span class="d">local</span></span></a>
    <nav aria-label="Views">${tabs.map(([name, to]) => html`<a
      href=${'#/' + to} class=${to === 'sampling' ? 'wid' : ''}
      aria-current=${to === view || to === 'traces' && titles[view] ? 'page'
        : null}>${name}</a>`)}</nav><span class="g"/>
    ${!run && html`<${Chip} s=${s}/>`}
    <span class="d wid">${s ? `${plural(s.traces, 'trace')} · ${bytes(s.bytes)}`
      : ''}${(run || others > 0) && html` · <a class="link" href="#/runs">${
      run ? 'runs' : plural(others, 'earlier run')}</a>`}</span>
    <button type="button" class="bt q" title="Light or dark"
      aria-label="Switch light or dark" onClick=${switchTheme}>
      <${Icon} name="theme"/></button>
    <button type="button" class="bt q wid" title="Keys (?)" aria-label="Keys"
      onClick=${openHelp}><kbd>?</kbd></button></header>`;
}

// The one place that says how the stream stands.
function Chip({ s }) {
  const c = connection.use(), held = paused.use(), n = waiting.use();
  if (c.state === 'lost') return html`<span class="st error" role="status">
    <${Icon} name="error"/><span>Not connected<span class="wid">, ${c.retry
      ? `next try in ${c.retry} s` : 'trying again'}</span></span></span>`;
  if (held) return html`<span class="st d2"><${Icon} name="pause"/>Paused${
    n > 0 && `, ${count(n)} waiting`}</span>`;
  if (c.state === 'connecting') return html`<span class="st d2 wid">
    <${Icon} name="prog"/>Connecting</span>`;
  const busy = s?.documents_per_second > 0;
  return html`<span class="st d2 wid"><${Icon} name="ok" class="ok"/>${
    s?.traces === 0 ? 'Listening' : busy
      ? `Live, ${rate(s.documents_per_second).replace('/s', ' documents/s')}`
      : 'Live'}</span>`;
}

/* --- banner: one at a time ---------------------------------------------------- */

const trouble = watched(null);
let version = null;

async function lookAtHealth() {
  try {
    const h = await get('/api/health');
    if (version && h.version !== version)
      trouble.set({ text: 'xray-relay was renewed; this page is of the version ' +
        'before.', act: () => location.reload(), label: 'Load it anew' });
    else if (h.store.state !== 'ok')
      trouble.set({ text: h.store.message, bad: h.store.state === 'memory' });
    else if (!trouble.get()?.act) trouble.set(null);
    version ??= h.version;
    // The stream's first numbers come a second late.
    if (!stats.get()) stats.set({ ...h, bytes: h.store.bytes });
  } catch { /* the chip says so */ }
}

function Banner() {
  const t = trouble.use(), mark = marked.use();
  if (t) return html`<div class="note w banner" role="status"><${Icon}
    name="error" class="error"/><span>${t.text}</span>${t.act &&
    html`<button type="button" class="bt" onClick=${t.act}>${t.label}</button>`}
    </div>`;
  if (run) return html`<div class="note banner" role="status"><span>An earlier
    run, begun <b>${begun(run)
      ? clockText(begun(run)).replace(/\.000$/, '') : run}</b>: nothing in
    it changes.</span><a class="bt" href="#/runs">Runs</a><a class="bt"
    href="/">Back to what runs now</a></div>`;
  if (mark) return html`<div class="note banner chosen"><span>Marked for a diff:
    <span class="m"> ${mark}</span>. Press <kbd>d</kbd> on another trace.</span>
    <button type="button" class="bt" onClick=${() => marked.set(null)}>Take the
    mark away</button></div>`;
  return null;
}

/* --- theme ---------------------------------------------------------------------- */

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  remember('theme', root.dataset.theme);
}

function start() {
  const theme = remember('theme');
  if (theme) document.documentElement.dataset.theme = theme;
  lookAtHealth();
  loadRuns();
  setInterval(lookAtHealth, 15000);
  listen(kind => { if (kind !== 'trace') lookAtHealth(); });
  render(html`<${App}/>`, document.getElementById('app'));
}

if (typeof document === 'undefined') serveLayouts();
else start();
