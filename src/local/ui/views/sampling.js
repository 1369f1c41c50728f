// SPDX-License-Identifier: Apache-2.0
// Sampling rules as the SDKs get them, what each rule did, and a form to change
// them. All through the X-Ray query API, as the AWS CLI would.
import { html, useEffect, useState } from '../lib/html.js';
import { Icon } from '../lib/icons.js';
import { call } from '../lib/api.js';
import { ago, clockText, count, percent } from '../lib/format.js';
import { go, href } from '../lib/route.js';
import { serverNow } from '../lib/stream.js';
import { useKeys } from '../lib/keys.js';
import { focusFirst } from '../lib/controls.js';
import { say } from '../lib/say.js';

const LOOK_MS = 5000;

function useRules() {
  const [s, setS] = useState({ rules: null, stats: [], error: null });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let on = true;
    const look = async () => {
      try {
        const [r, t] = await Promise.all([call('GetSamplingRules'),
          call('SamplingStatisticSummaries')]);
        if (on) setS({ rules: r.SamplingRuleRecords, error: null,
          stats: t.SamplingStatisticSummaries });
      } catch (error) { if (on) setS(x => ({ ...x, error })); }
    };
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => { on = false; clearInterval(timer); };
  }, [turn]);
  return { ...s, again: () => setTurn(n => n + 1) };
}

export function Sampling() {
  const { rules, stats, error, again } = useRules();
  const [edit, setEdit] = useState(null);
  useKeys({ Escape: () => edit ? setEdit(null) : go(href('traces')) });
  const remove = async name => {
    try {
      await call('DeleteSamplingRule', { RuleName: name });
      say(`Rule ${name} deleted`, true);
    } catch (e) { say(e.message, true); }
    again();
  };
  const sorted = [...rules ?? []].sort((a, b) =>
    a.SamplingRule.Priority - b.SamplingRule.Priority);
  return html`<h1 class="sr">Sampling</h1><div class="doc one" tabindex="0">
    ${error && html`<p class="msg" role="alert">${error.message}</p>`}
    <section class="wide"><div class="st head"><h2>Rules</h2><span class="d">the
      first that fits decides, lowest priority number first</span>
      <span class="g"/><button type="button" class="bt" onClick=${() =>
        setEdit({})}>New rule</button></div>
      <div class="over" tabindex="0"><table><thead><tr>${[['Rule'], ['Priority', 'n'],
        ['Fixed rate', 'n'], ['Reservoir', 'n'], ['Service'], ['Type'], ['Host'],
        ['Method'], ['Path'], ['Changed', 'n'], ['']].map(([t, c]) => html`<th
        scope="col" class=${c}>${t || html`<span class="sr">Actions</span>`}</th>`)}
      </tr></thead><tbody>${sorted.map(r => html`<${Rule} r=${r} edit=${setEdit}
        remove=${remove}/>`)}</tbody></table></div></section>
    ${edit && html`<${Form} key=${edit.RuleName} rule=${edit} done=${() => {
      setEdit(null);
      again();
    }} close=${() => setEdit(null)}/>`}
    <section class="wide"><h2>What the samplers report</h2>${stats.length
      ? html`<div class="over" tabindex="0"><table><thead><tr><th scope="col">Rule</th>
        <th scope="col" class="n">At</th><th scope="col" class="n">Requests</th>
        <th scope="col" class="n">Sampled</th><th scope="col" class="n">Share</th>
        <th scope="col" class="n">Borrowed</th></tr></thead><tbody>${stats.map(s =>
        html`<tr><td class="b">${s.RuleName}</td><td class="m n">${
          clockText(+s.Timestamp)}</td><td class="n">${count(s.RequestCount)}</td>
        <td class="n">${count(s.SampledCount)}</td><td class="n">${s.RequestCount
          ? percent(s.SampledCount / s.RequestCount) : '–'}</td><td
          class=${'n' + (s.BorrowCount ? '' : ' d')}>${count(s.BorrowCount)}</td>
        </tr>`)}</tbody></table></div>` : html`<p class="d">No sampler has
        reported yet. SDKs ask for rules each 300 s and report each 10 s, with
        AWS_XRAY_DAEMON_ADDRESS or an OpenTelemetry X-Ray sampler set to this
        relay.</p>`}</section></div>`;
}

const wild = v => !v || v === '*' ? html`<span class="d">*</span>` : v;

function Rule({ r, edit, remove }) {
  const s = r.SamplingRule, fixed = s.RuleName === 'Default';
  return html`<tr><td class="b">${s.RuleName}</td><td class="n">${s.Priority}</td>
    <td class="n">${percent(s.FixedRate)}</td><td class="n">${
      count(s.ReservoirSize)}/s</td><td class="m">${wild(s.ServiceName)}</td>
    <td class="m">${wild(s.ServiceType)}</td><td class="m">${wild(s.Host)}</td>
    <td class="m">${wild(s.HTTPMethod)}</td><td class="m">${wild(s.URLPath)}</td>
    <td class="n d2">${r.ModifiedAt ? ago(+r.ModifiedAt, serverNow()) + ' ago'
      : '–'}</td><td class="n"><button type="button" class="link"
      aria-label=${'Change ' + s.RuleName} onClick=${() => edit(s)}>Change</button>
      ${!fixed && html` <button type="button" class="link"
      aria-label=${'Delete ' + s.RuleName} onClick=${() => remove(s.RuleName)}>
      Delete</button>`}</td></tr>`;
}

const fields = [['RuleName', 'Name', '', 32], ['Priority', 'Priority', 100],
  ['FixedRate', 'Fixed rate, 0 to 1', 1], ['ReservoirSize', 'Reservoir a second',
    1], ['ServiceName', 'Service', '*', 64], ['ServiceType', 'Type', '*', 64],
  ['Host', 'Host', '*', 64], ['HTTPMethod', 'Method', '*', 10],
  ['URLPath', 'Path', '*', 128]];

function Form({ rule, done, close }) {
  const [wrong, setWrong] = useState(''), old = rule.RuleName;
  const save = async e => {
    e.preventDefault();
    const form = new FormData(e.target), r = {};
    for (const [name, , , max] of fields) r[name] = max ? form.get(name)
      : +form.get(name);
    try {
      if (old) await call('UpdateSamplingRule', { SamplingRuleUpdate: { ...r,
        RuleName: old } });
      else await call('CreateSamplingRule', { SamplingRule: { ...r, Version: 1,
        ResourceARN: '*' } });
      say(`Rule ${r.RuleName ?? old} saved`, true);
      done();
    } catch (x) { setWrong(x.message); }
  };
  // Of the default rule only its two numbers can be changed.
  const locked = name => old && (name === 'RuleName' || old === 'Default' &&
    name !== 'FixedRate' && name !== 'ReservoirSize');
  return html`<section class="wide"><h2>${old ? 'Change ' + old : 'New rule'}</h2>
    <form class="rule" onSubmit=${save}>${fields.map(([name, text, value, max], i) =>
      html`<label>${text} <input name=${name} required maxlength=${max}
        ref=${i === (old ? 2 : 0) ? focusFirst : null} class="m" inputmode=${max ? null
          : 'decimal'} readonly=${!!locked(name)} defaultValue=${rule[name]
          ?? value}/></label>`)}
      ${wrong && html`<p class="msg" role="alert"><${Icon} name="fault"/> ${wrong}
        </p>`}<div class="act"><button class="bt">Save</button><button
        type="button" class="bt" onClick=${close}>Leave it</button></div></form>
    </section>`;
}
