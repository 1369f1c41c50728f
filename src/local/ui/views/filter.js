// SPDX-License-Identifier: Apache-2.0
// The filter box: a plain text field over a coloured copy of its text, with
// completion. Enter runs, Tab inserts; a bad filter is marked at its column and
// the rows stay those of the last good one.
import { html, useEffect, useLayoutEffect, useRef, useState }
  from '../lib/html.js';
import { Icon } from '../lib/icons.js';
import { get } from '../lib/api.js';
import { count } from '../lib/format.js';
import { change } from '../lib/route.js';
import { useKeys } from '../lib/keys.js';
import { spans } from './filter_text.js';
import { Groups } from './groups.js';

// filter: the one in the URL; error: of that one; good: the last that worked.
export function FilterBox({ filter, error, good, note }) {
  const [text, setText] = useState(filter);
  const [found, setFound] = useState(null);
  const [at, setAt] = useState(0);
  const input = useRef(null), layer = useRef(null), asked = useRef(0);

  useEffect(() => { setText(filter); }, [filter]);
  useKeys({ '/': () => { input.current.focus(); input.current.select(); } });

  const complete = async value => {
    const turn = ++asked.current;
    try {
      const c = await get('/api/complete',
        { text: value, at: input.current.selectionStart });
      if (turn !== asked.current || !c.items.length) throw 0;
      setFound({ ...c, behind: value.length - c.to });
      setAt(0);
    } catch {
      if (turn === asked.current) setFound(null);
    }
  };
  const close = () => { asked.current++; setFound(null); };
  const run = value => { close(); change({ filter: value.trim() }); };
  // Letters typed since they were asked for are part of what is replaced.
  const insert = item => {
    const value = text.slice(0, found.from) + item.text +
      text.slice(text.length - found.behind);
    const cursor = found.from + item.text.length;
    setText(value);
    close();
    requestAnimationFrame(() => {
      input.current.focus();
      input.current.setSelectionRange(cursor, cursor);
      complete(value);
    });
  };
  const onKeyDown = e => {
    const n = found?.items.length;
    if (e.key === 'Enter') run(text);
    else if (e.key === 'ArrowDown' && !n) complete(text);
    else if (!n) return;
    else if (e.key === 'ArrowDown') setAt((at + 1) % n);
    else if (e.key === 'ArrowUp') setAt((at + n - 1) % n);
    else if (e.key === 'Tab' && !e.shiftKey) insert(found.items[at]);
    else if (e.key === 'Escape') close();
    else return;
    e.preventDefault();
  };
  // The coloured copy follows the field when that scrolls sideways.
  useLayoutEffect(() => {
    layer.current.scrollLeft = input.current.scrollLeft;
  });

  const bad = error && text.trim() === filter;
  return html`<div class=${'fb' + (bad ? ' bad' : '')}>
    <span class="d m" aria-hidden="true"><kbd>/</kbd></span>
    <div class="fi">
      <div aria-hidden="true" ref=${layer}>${spans(text,
        bad ? error.column : null).map(([kind, part]) => kind
        ? html`<span class=${kind}>${part}</span>` : part)}</div>
      <input ref=${input} value=${text} spellcheck=${false} autocomplete="off"
        autocapitalize="off" role="combobox" aria-label="Filter expression"
        placeholder=${'service("…") { fault }'} aria-autocomplete="list"
        aria-expanded=${String(!!found)} aria-controls="completions"
        aria-activedescendant=${found ? 'completion' + at : null}
        aria-invalid=${bad ? 'true' : null}
        aria-describedby=${bad ? 'filter-error' : null}
        onInput=${e => { setText(e.target.value); complete(e.target.value); }}
        onKeyDown=${onKeyDown} onBlur=${close}
        onScroll=${e => { layer.current.scrollLeft = e.target.scrollLeft; }}/>
    </div>
    ${text && html`<button type="button" class="bt q" title="Clear the filter"
      aria-label="Clear the filter" onClick=${() => { setText(''); run(''); }}>
      <${Icon} name="close"/></button>`}
    <span class="d wid">${note}</span>
    <${Groups} filter=${error ? '' : filter} run=${run}/>
    ${found && html`<${Completions} found=${found} at=${at} good=${good}
      typed=${text.slice(found.from, input.current.selectionStart)}
      insert=${insert}/>`}</div>`;
}

function Completions({ found, at, good, typed, insert }) {
  useEffect(() => document.getElementById('completion' + at)
    ?.scrollIntoView({ block: 'nearest' }), [at]);
  return html`<div class="pop" onMouseDown=${e => e.preventDefault()}>
    <ul id="completions" role="listbox" aria-label="Completions">
      ${found.items.map((item, i) => html`<li id=${'completion' + i}
        role="option" aria-selected=${String(i === at)}
        onClick=${() => insert(item)}><span class="m x"><${Typed}
          text=${item.text} typed=${typed}/></span>
        <span class="d2">${item.type}</span>
        <span class="d x">${item.values.map(v => v.text + ' ×' + v.traces)
          .join(', ')}</span>${item.traces && html`<span class="d n">${
          count(item.traces)}</span>`}</li>`)}
    </ul>
    <footer class="wid"><span><kbd>↑↓</kbd> choose</span>
      <span><kbd>Tab</kbd> insert</span><span><kbd>Enter</kbd> run filter</span>
      <span class="g"/><span class="x">rows below: <span class="m">
        ${good || 'all'}</span></span></footer></div>`;
}

// What was typed of a completion, set off from the rest of it.
function Typed({ text, typed }) {
  const i = typed ? text.toLowerCase().indexOf(typed.toLowerCase()) : -1;
  if (i < 0) return text;
  return html`${text.slice(0, i)}<b>${text.slice(i, i + typed.length)}</b>${
    text.slice(i + typed.length)}`;
}

// Under the tools: what is wrong with the filter, or that there is no answer.
export function FilterError({ error, good, has, bad }) {
  if (!error) return null;
  const where = error.column ? `Column ${error.column}: ` : '';
  const what = error.message.replace(/^filter, column \d+: /, '');
  return html`<p class="msg" id="filter-error" role="alert">${where}${what}${
    has && html`. Rows below still use <span class="m">${good
      || 'no filter'}</span>`}${bad && html`. <button type="button" class="link"
      onClick=${() => change({ filter: null, q: bad })}>Search all text for
      it</button>`}</p>`;
}
