// SPDX-License-Identifier: Apache-2.0
// The URL is the state: #/view/argument…?name=value. Views read it, and change
// it in place of a state of their own.
import { watched } from './store.js';

export function parse(hash) {
  const [path, query = ''] = splitOnce(hash.replace(/^#\/?/, ''), '?');
  const [view, ...args] = path.split('/').map(safeDecode);
  return { view: view || 'traces', args, params: new URLSearchParams(query) };
}

export function href(view, args = [], params = {}) {
  const p = new URLSearchParams();
  for (const [k, v] of params instanceof URLSearchParams
    ? params : Object.entries(params))
    if (v != null && v !== '') p.set(k, v);
  const query = p.toString();
  return '#/' + [view, ...args].map(encodeURIComponent).join('/') +
    (query ? '?' + query : '');
}

export const route = watched(parse(location.hash));

export function go(url, { replace = false } = {}) {
  if (url === location.hash) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', url);
  route.set(parse(url));
}

// The same view with some parameters changed; null takes one away.
export function change(patch, options) {
  const r = route.get(), p = new URLSearchParams(r.params);
  for (const [k, v] of Object.entries(patch))
    if (v == null || v === '') p.delete(k);
    else p.set(k, v);
  go(href(r.view, r.args, p), options);
}

addEventListener('popstate', () => route.set(parse(location.hash)));
// Links are followed by the browser itself.
addEventListener('hashchange', () => {
  const now = parse(location.hash), was = route.get();
  if (href(now.view, now.args, now.params) !==
      href(was.view, was.args, was.params)) route.set(now);
});

function splitOnce(s, at) {
  const i = s.indexOf(at);
  return i < 0 ? [s] : [s.slice(0, i), s.slice(i + 1)];
}

export function safeDecode(s) {
  try {
    return decodeURIComponent(s);
  } catch {
    return s;
  }
}
