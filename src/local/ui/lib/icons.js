// SPDX-License-Identifier: Apache-2.0
// The signs of the page. A state is a shape and a word, never a colour alone.
import { html } from './html.js';

const paths = {
  ok: 'M6 3.2a2.8 2.8 0 1 0 .01 0z', error: 'M6 1.2 11.2 10.8H.8z',
  throttle: 'M6 .6 11.4 6 6 11.4.6 6z', fault: 'M1 1h10v10H1z',
  prog: 'M6 1.5a4.5 4.5 0 1 0 .01 0z',
  no: 'M6 1a5 5 0 1 0 .01 0zM2.6 9.4l6.8-6.8',
  open: 'M2 4l4 4 4-4', closed: 'M4 2l4 4-4 4',
  star: 'M6 1l1.5 3.3 3.5.4-2.6 2.4.7 3.6L6 8.9l-3.1 1.8.7-3.6L1 4.7l3.5-.4z',
  copy: 'M4 4h7v7H4zM8 4V1H1v7h3', pause: 'M4 2v8M8 2v8', play: 'M3 2l7 4-7 4z',
  queue: 'M1 4h10v5H1zM4 4v5M7 4v5', db: 'M2 2.5h8v7H2zM2 6h8',
  service: 'M2 2h8v8H2z', lambda: 'M3 1.5h2l4 9M6 5 3 10.5',
  net: 'M6 1.2a4.8 4.8 0 1 0 .01 0zM1.2 6h9.6M6 1.2c-3 3-3 6.6 0 9.6 3-3 3-6.6' +
    ' 0-9.6',
  user: 'M6 1.5a2 2 0 1 0 .01 0zM2 11c0-5 8-5 8 0',
  theme: 'M6 1.5a4.5 4.5 0 1 0 .01 0zM6 1.5v9', up: 'M6 10V2M2.5 5.5 6 2l3.5 3.5',
  list: 'M2 3h8M2 6h8M2 9h8', close: 'M2 2l8 8M10 2l-8 8',
};

export const words = {
  ok: 'OK', error: 'Error', throttle: 'Throttled', fault: 'Fault',
  prog: 'In progress',
};
export const classes = ['ok', 'error', 'throttle', 'fault'];
export const worse = (a, b) =>
  classes.indexOf(a) > classes.indexOf(b) ? a : b;

export function Icon({ name, class: extra = '' }) {
  const solid = classes.includes(name);
  return html`<svg class=${`i ${solid ? 'f ' : ''}${extra}`}
      viewBox="0 0 12 12" aria-hidden="true">
    <path d=${paths[name]} stroke-dasharray=${name === 'prog' ? '2 1.5' : null}/>
    ${name === 'fault' &&
      html`<path class="kx" d="M3.5 3.5l5 5M8.5 3.5l-5 5"/>`}</svg>`;
}

export const glyphPath = name => paths[name];

// A sign with its code, or its word where there is none. The word is always
// there for who cannot see the sign.
export function Status({ kind, code, text }) {
  const shown = text ?? (code ? String(code)
    : kind === 'prog' ? '…' : kind === 'ok' ? '' : words[kind].toLowerCase());
  return html`<span class=${'st ' + kind} title=${words[kind]}>
    <${Icon} name=${kind}/><span>${shown}</span>${code || kind === 'ok'
      || kind === 'prog'
      ? html`<span class="sr"> ${words[kind]}</span>` : null}</span>`;
}

// What kind of thing a node is, for its glyph.
export function glyphOf(type = '', namespace = '') {
  if (type === 'client') return 'user';
  if (/Lambda/.test(type)) return 'lambda';
  if (/SQS|SNS|Kinesis|Events|Kafka|MQ/i.test(type)) return 'queue';
  if (/SQL|DynamoDB|RDS|S3|Cache|Database|Mongo|Redis/i.test(type)) return 'db';
  if (type === 'remote' || !type && namespace === 'remote') return 'net';
  return namespace === 'aws' ? 'db' : 'service';
}
