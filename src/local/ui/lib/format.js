// SPDX-License-Identifier: Apache-2.0
// Numbers, times and names as the page writes them: one rule of units for all
// views. Pure.

const THIN = '\u202f';

// Milliseconds. Below 10 ms one decimal, below 1 s none, then seconds.
export function ms(v) {
  if (v == null || !isFinite(v)) return '–';
  if (v < 9.95) return v.toFixed(1) + ' ms';
  if (v < 999.5) return Math.round(v) + ' ms';
  if (v < 9995) return (v / 1e3).toFixed(2) + ' s';
  if (v < 59950) return (v / 1e3).toFixed(1) + ' s';
  const s = Math.round(v / 1e3), two = n => String(n).padStart(2, '0');
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  const h = Math.floor(s / 3600);
  if (h < 48) return `${h} h ${two(Math.floor(s / 60) % 60)} min`;
  return `${Math.floor(h / 24)} d ${h % 24} h`;
}

export const seconds = s => ms(s == null ? null : s * 1e3);

// 12 655
export function count(n) {
  if (n == null) return '–';
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, THIN);
}

export function rate(n) {
  if (!n) return '0/s';
  return (n < 10 ? n.toFixed(1) : count(n)) + '/s';
}

export function perMinute(n) {
  if (n >= 10) return count(n);
  return n >= 1 ? n.toFixed(1).replace('.0', '') : n ? '< 1' : '0';
}

export function bytes(n) {
  if (n < 1000) return n + ' B';
  for (const unit of ['kB', 'MB', 'GB', 'TB']) {
    n /= 1000;
    if (n < 1000) return (n < 100 ? n.toFixed(1) : Math.round(n)) + ' ' + unit;
  }
  return count(n) + ' PB';
}

export function percent(share) {
  const p = share * 100;
  return (p > 0 && p < 1 ? '< 1' : p > 99 && p < 100 ? '> 99'
    : Math.round(p)) + ' %';
}

export const plural = (n, one, many = one + 's') =>
  `${count(n)} ${n === 1 ? one : many}`;

const two = n => String(n).padStart(2, '0');
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

// Local time of day in parts; the date only where it is not today's.
export function clock(sec, now = Date.now() / 1e3) {
  const d = new Date(sec * 1e3), t = new Date(now * 1e3);
  const today = d.toDateString() === t.toDateString();
  return {
    date: today ? '' : `${d.getDate()} ${months[d.getMonth()]}` +
      (d.getFullYear() === t.getFullYear() ? '' : ` ${d.getFullYear()}`),
    time: `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`,
    milli: '.' + String(d.getMilliseconds()).padStart(3, '0'),
  };
}

export function clockText(sec, now) {
  const c = clock(sec, now);
  return (c.date ? c.date + ' ' : '') + c.time + c.milli;
}

// For the hover: the moment without doubt.
export const utc = sec =>
  `${new Date(sec * 1e3).toISOString()} · ${sec.toFixed(3)}`;

export function ago(sec, now) {
  if (!sec) return 'never';
  return ms(Math.max(0, now - sec) * 1e3);
}

export const shortId = id => id.slice(0, 6) + '…' + id.slice(-4);
export const shortType = type => type.replace(/^AWS::/, '');

// What of a URL tells requests apart: path and query.
export function pathOf(url) {
  if (!url) return '';
  const m = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*(.*)$/i.exec(url);
  return (m ? m[1] : url) || '/';
}

// What a trace is called: its request, or its entry's name.
export function title(row) {
  const path = pathOf(row.url);
  if (path) return (row.method ? row.method + ' ' : '') + path;
  return row.name || 'trace without a segment';
}
