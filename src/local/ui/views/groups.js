// SPDX-License-Identifier: Apache-2.0
// Saved filters, behind the star in the filter box. A saved filter is a group of
// X-Ray, which the query API and `group.name = "…"` know as well.
import { html, useEffect, useState } from '../lib/html.js';
import { Icon } from '../lib/icons.js';
import { call } from '../lib/api.js';
import { focusFirst, usePop } from '../lib/controls.js';
import { say } from '../lib/say.js';

// run(filter): show the traces of that filter.
export function Groups({ filter, run }) {
  const [open, setOpen] = useState(false);
  return html`<div class="menu" ...${usePop(open, () => setOpen(false))}>
    <button type="button" class="bt q" title="Saved filters"
      aria-label="Saved filters" aria-expanded=${String(open)}
      onClick=${() => setOpen(!open)}><${Icon} name="star"/></button>
    ${open && html`<${Saved} filter=${filter} run=${f => {
      setOpen(false);
      run(f);
    }}/>`}</div>`;
}

function Saved({ filter, run }) {
  const [groups, setGroups] = useState([]), [wrong, setWrong] = useState('');
  const act = async (operation, body, words) => {
    try {
      if (operation) await call(operation, body);
      const { Groups: all } = await call('Groups');
      setGroups(all.filter(g => g.FilterExpression));
      setWrong('');
      if (words) say(words, true);
    } catch (e) { setWrong(e.message); }
  };
  useEffect(() => { act(); }, []);
  const save = e => {
    e.preventDefault();
    const name = new FormData(e.target).get('name').trim();
    act('CreateGroup', { GroupName: name, FilterExpression: filter },
      `Saved: group.name = "${name}"`);
    e.target.reset();
  };
  return html`<div class="pop save">${groups.length > 0 && html`<h3>Saved
      filters</h3><ul>${groups.map(g => html`<li class="st" key=${g.GroupName}>
        <button type="button" class="x" title=${g.FilterExpression}
          onClick=${() => run(g.FilterExpression)}>${g.GroupName}<span
          class="m d x">${g.FilterExpression}</span></button>
        <button type="button" class="bt q" aria-label=${'Delete ' + g.GroupName}
          onClick=${() => act('DeleteGroup', { GroupName: g.GroupName },
            `Deleted ${g.GroupName}`)}><${Icon} name="close"/></button></li>`)}
      </ul>`}
    ${filter ? html`<form onSubmit=${save}><label>Save this filter as
      <input name="name" maxlength="32" required ref=${focusFirst}/></label>
      <button class="bt">Save</button></form>` : !groups.length && html`<p
      class="d">None yet. Run a filter, then save it here.</p>`}
    <p class=${wrong ? 'fault' : 'd'} role=${wrong ? 'alert' : null}>${wrong ||
      'In a filter and in the query API: group.name = "…".'}</p></div>`;
}
