// SPDX-License-Identifier: Apache-2.0
// A trace as Markdown, to be pasted into an issue. Pure.
import { ms, title } from '../lib/format.js';
import { durationOf, nameOf, noteOf, rowsOf } from './model.js';

const ROWS = 60;

export function markdown(m) {
  const t = m.data.trace, rows = rowsOf(m, new Map());
  // Names may hold what Markdown reads as its own; in a code block nothing is.
  const clean = s => s.replace(/[\r\n\t`]+/g, ' ');
  const lines = rows.slice(0, ROWS).map(r => {
    if (r.kind === 'head') return `-- ${r.text}`;
    const s = r.span, name = '  '.repeat(r.level) + nameOf(r) +
      (r.list ? ` ×${r.list.length}` : '');
    const state = s.in_progress ? 'running' : s.class === 'ok' ? ''
      : s.class + (s.status ? ' ' + s.status : '');
    return `${ms(s.a).padStart(10)} ${ms(durationOf(r)).padStart(10)}  ` +
      clean([name, noteOf(r), state, s.message].filter(Boolean).join('  '));
  });
  if (rows.length > ROWS) lines.push(`… ${rows.length - ROWS} more rows`);
  return `**${clean(title(t)).replace(/[*_[\]<>]/g, '\\$&')}** ` +
    `${t.status ?? ''} ${ms(m.end)}, ${t.spans} spans, \`${t.id}\`\n\n` +
    '```\n' + `${'starts'.padStart(10)} ${'lasts'.padStart(10)}  span\n` +
    lines.join('\n') + '\n```\n';
}
