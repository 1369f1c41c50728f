// SPDX-License-Identifier: Apache-2.0
// Requests to /api (docs/LOCAL_API.md) and to the X-Ray query API beside it.

export class ApiError extends Error {
  constructor(message, status, column) {
    super(message);
    this.status = status; // 0: no answer at all
    this.column = column; // of the filter, from 1; null
  }
}

// The earlier run that is shown instead of what comes in: /?run=NAME.
export const run = new URLSearchParams(location.search).get('run');

export async function get(path, params = {}, signal) {
  if (run) path = path.replace(/^\/api(?!\/runs)/, '/api/runs/' +
    encodeURIComponent(run));
  const p = new URLSearchParams();
  for (const [k, v] of Object.entries(params))
    if (v != null && v !== '') p.set(k, v);
  const query = p.toString();
  return ask(path + (query ? '?' + query : ''), { signal });
}

// The header makes the browser ask first when another site would send this.
export async function send(method, path, body) {
  return ask(path, { method, headers: { 'X-Xray-Relay': '1' }, body });
}

// An operation of X-Ray's query API, as an SDK would call it; but the header says
// that it is no sampler that asks.
export async function call(operation, body = {}) {
  return ask('/' + operation, {
    method: 'POST', body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', 'X-Xray-Relay': '1' },
  });
}

async function ask(url, options) {
  let answer, text;
  try {
    answer = await fetch(url, options);
    text = await answer.text();
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    throw new ApiError('xray-relay does not answer. Is it running?', 0, null);
  }
  let json = null;
  try {
    json = JSON.parse(text);
  } catch {
    if (answer.ok)
      throw new ApiError('the answer is not JSON', answer.status, null);
  }
  const event = answer.headers.get('X-Xray-Relay-Event');
  if (answer.ok) return event ? { ...json, event } : json;
  throw new ApiError(
    json?.error?.message ?? json?.Message ?? json?.message ??
      `${answer.status} ${answer.statusText}`,
    answer.status, json?.error?.column ?? null);
}

// The range chosen in the URL as the API wants it: "15m" counts from now,
// "all" has no start, "A-B" are seconds since 1970.
export const ranges = run ? ['all'] : ['5m', '15m', '1h', '24h', 'all'];
export const usual = run ? 'all' : '15m';

export function rangeParams(range) {
  if (range === 'all') return {};
  const fixed = /^([\d.]+)-([\d.]+)$/.exec(range);
  if (fixed) return { start: fixed[1], end: fixed[2] };
  const m = /^(\d+)(m|h|d)$/.exec(range) || [0, 15, 'm'];
  return { start: -m[1] * { m: 60, h: 3600, d: 86400 }[m[2]] };
}

export function rangeWords(range) {
  if (range === 'all') return 'in the store';
  const words = { '5m': '5 minutes', '15m': '15 minutes', '1h': 'hour',
    '24h': '24 hours' };
  return words[range] ? 'in the last ' + words[range] : 'in this range';
}
