// SPDX-License-Identifier: Apache-2.0
// Segment documents: the object of a span in them, and their texts made fit to
// read (SQL, stack, curl). Pure; a document may hold anything at all.

const DEPTH = 100;

const isObject = v => v !== null && typeof v === 'object' && !Array.isArray(v);
export const object = v => isObject(v) ? v : {};
export const list = v => Array.isArray(v) ? v : [];
export const text = v => v == null ? '' : typeof v === 'string' ? v
  : JSON.stringify(v);

// One finder a trace: documents are parsed when a span of theirs is asked for.
export function finder(documents) {
  const parsed = new Map();
  const index = d => {
    if (parsed.has(d)) return parsed.get(d);
    const byId = new Map();
    try {
      collect(JSON.parse(documents[d]), byId, 0);
    } catch { /* shown raw */ }
    parsed.set(d, byId);
    return byId;
  };
  // rows: those of the API; the object of row i, or null.
  return (rows, i) => {
    const row = rows[i], of = row.kind === 'inferred' && row.parent >= 0
      ? rows[row.parent] : row;
    return documents[of.document] == null ? null
      : index(of.document).get(of.id) ?? null;
  };
}

function collect(o, byId, depth) {
  if (!isObject(o) || depth > DEPTH) return;
  if (typeof o.id === 'string') byId.set(o.id.toLowerCase(), o);
  for (const s of list(o.subsegments)) collect(s, byId, depth + 1);
}

// Without its children, which are rows of their own.
export function alone(o) {
  const { subsegments, ...rest } = o;
  if (Array.isArray(subsegments) && subsegments.length)
    rest.subsegments = `… ${subsegments.length} more, each a row of its own`;
  return rest;
}

export function exceptions(o) {
  const cause = o?.cause;
  if (typeof cause === 'string') return [{ type: '', message:
    'The exception is described where it was raised.', id: cause, stack: [] }];
  return list(object(cause).exceptions).filter(isObject).map(e => ({
    id: text(e.id), type: text(e.type), message: text(e.message),
    remote: e.remote === true,
    stack: list(e.stack).filter(isObject).map(f => ({
      path: text(f.path), line: f.line, label: text(f.label) })),
    more: (+e.truncated || 0) + (+e.skipped || 0),
  }));
}

// The frame that is most likely the reader's own: not of a library.
const foreign = /(site-packages|dist-packages|node_modules|\/lib\/python|^node:|^internal\/|^java\.|^javax\.|^sun\.|^jdk\.|<frozen|\/go\/pkg\/mod\/|\/usr\/lib\/)/;
export const isForeign = f => foreign.test(f.path);
export const ownFrame = stack => stack.find(f => !isForeign(f)) ?? stack[0];

const breaks = new RegExp('\\b(select|from|where|group by|order by|having|' +
  'limit|offset|(?:left |right |inner |outer |full |cross )*join|union(?: all)?|' +
  'values|set|returning|on conflict|insert into|update|delete from)\\b', 'gi');
const words = new RegExp('^(select|from|where|group by|order by|having|limit|' +
  'offset|(?:left |right |inner |outer |full |cross )*join|on|and|or|as|in|is|' +
  'null|not|union(?: all)?|values|set|returning|on conflict|insert into|update|' +
  'delete from|distinct|case|when|then|else|end|like|between|desc|asc|with)$',
'i');

// SQL in lines, as [[class, text], …]; quoted parts are left as they are.
export function sqlPieces(sql) {
  const out = [];
  for (const part of sql.split(/('(?:[^']|'')*'|"[^"]*"|`[^`]*`)/)) {
    if (/^['"`]/.test(part)) {
      out.push(['ts', part]);
      continue;
    }
    const lines = part.replace(/\s+/g, ' ').replace(breaks, '\n$1')
      .replace(/ \n/g, '\n');
    const token = /(\n?(?:(?:left|right|inner|outer|full|cross) )*[a-z]+(?: by| all| into| from| conflict)?)/gi;
    for (const piece of lines.split(token)) {
      const word = piece.replace(/^\n/, '');
      const simple = word.split(' ')[0];
      if (words.test(word)) out.push(['b', piece]);
      else if (words.test(simple) && word !== simple)
        out.push(['b', piece.slice(0, piece.length - word.length) + simple],
          ['', word.slice(simple.length)]);
      else if (piece) out.push([/^(\?|\$\d+|:\w+)$/.test(piece.trim())
        ? 'ts' : '', piece]);
    }
  }
  if (out.length) out[0][1] = out[0][1].replace(/^\s+/, '');
  return out;
}

const shell = s => "'" + String(s).replace(/'/g, "'\\''") + "'";

export function curl(o) {
  const q = object(object(o?.http).request);
  if (!q.url) return null;
  return 'curl' + (q.method && q.method !== 'GET'
    ? ' -X ' + shell(text(q.method)) : '') +
    (q.user_agent ? ' -A ' + shell(text(q.user_agent)) : '') +
    ' ' + shell(text(q.url));
}

export const cli = id => 'aws xray batch-get-traces --trace-ids ' + shell(id);
