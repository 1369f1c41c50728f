// SPDX-License-Identifier: Apache-2.0
// Filter text in coloured pieces, and filter terms from values. Pure.

const token = /"(?:[^"\\]|\\.)*"?|[A-Za-z_][\w.]*|\d+(?:\.\d+)?|\s+|[^\s]/g;
const joins = /^(and|or|contains|beginswith|endswith|true|false)$/i;

// [[class, text], …]; the piece at `column` (from 1) is marked as wrong.
export function spans(text, column) {
  const out = [];
  let at = 0;
  for (const [piece] of text.matchAll(token)) {
    const begin = at + 1;
    at += piece.length;
    const wrong = column >= begin && column <= at && piece.trim();
    out.push([wrong ? 'tb' : kindOf(piece), piece]);
  }
  // An error past the end marks the last word.
  if (column > at)
    for (let i = out.length - 1; i >= 0; i--)
      if (out[i][1].trim()) {
        out[i][0] = 'tb';
        break;
      }
  return out;
}

function kindOf(piece) {
  if (/^["\d]/.test(piece)) return 'ts';
  return /^[A-Za-z_]/.test(piece) && !joins.test(piece) ? 'tk' : '';
}

export const quote = s =>
  '"' + String(s).replace(/\\/g, '\\\\').replace(/"/g, '\\"') + '"';

export function literal(v) {
  return typeof v === 'string' ? quote(v) : String(v);
}

export function annotationTerm(key, value) {
  const name = /^[A-Za-z0-9_]+$/.test(key) ? 'annotation.' + key
    : `annotation[${key}]`;
  return `${name} = ${literal(value)}`;
}

export function serviceTerm(node, inner = '') {
  const sel = node.type
    ? `id(name: ${quote(node.name)}, type: ${quote(node.type)})`
    : quote(node.name);
  return `service(${sel})${inner && ` { ${inner} }`}`;
}

// Adds a term to a filter; one of the same keyword with the same operator makes
// room for it.
export function addTerm(filter, term) {
  if (!filter.trim()) return term;
  if (filter.includes(term)) return filter;
  return (/\bor\b/i.test(filter) ? `(${filter})` : filter) + ' AND ' + term;
}

// responsetime between two bounds in seconds, in place of an earlier pair.
export function withResponseTime(filter, low, high) {
  const old = /(^|\s+AND\s+)responsetime\s*(>=|<)\s*[\d.]+/gi;
  const rest = filter.replace(old, '').replace(/^\s*AND\s+/i, '').trim();
  const n = v => String(+v.toPrecision(3));
  return addTerm(rest, `responsetime >= ${n(low)} AND responsetime < ${n(high)}`);
}
