// SPDX-License-Identifier: Apache-2.0
// The distribution's Chromium with a new profile and nothing that goes out by
// itself: one browser for all, a new context (cookies, storage, clipboard) for
// each page. It knows no view.
'use strict';
const { chromium } = require('playwright-core');

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const WAIT_MS = +(process.env.WAIT_MS ?? 30000);
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic',
  '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

// Gives {page(options), close()}; a page keeps what went wrong in `errors`.
async function startBrowser() {
  // It makes a new empty profile and takes it away in the end.
  const browser = await chromium.launch({ executablePath: CHROMIUM,
    headless: true, args });
  return {
    async page({ url, width = 1440, height = 900, scheme = 'light',
      motion = 'reduce', ...more } = {}) {
      const context = await browser.newContext({ baseURL: url,
        viewport: { width, height }, colorScheme: scheme,
        reducedMotion: motion, timezoneId: 'UTC', locale: 'en-GB',
        permissions: ['clipboard-read', 'clipboard-write'], ...more });
      await context.addInitScript(watchPolicy);
      const page = await context.newPage();
      page.setDefaultTimeout(WAIT_MS);
      watch(page, url);
      return page;
    },
    close: () => browser.close(),
  };
}

// Runs in the page, before its own script.
function watchPolicy() {
  addEventListener('securitypolicyviolation', e => console.error(
    `policy: ${e.violatedDirective} against ${e.blockedURI}`));
}

// Whatever no view may ever do is an error of the page: exceptions, lines of
// console.error, dialogs, requests to others, answers that are none. What a
// test brings about on purpose it names by page.expect(/…/).
function watch(page, url) {
  // A server that is away is part of some tests.
  const expected = [/ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY/];
  const all = [];
  const note = text => {
    all.push(text);
    if (text.startsWith('console: policy: ')) page.breaches++;
  };
  page.breaches = 0;
  page.expect = pattern => { expected.push(pattern); };
  Object.defineProperty(page, 'errors', { get: () =>
    all.filter(text => !expected.some(e => e.test(text))) });
  page.on('pageerror', e => note('exception: ' + (e.stack ?? e)));
  page.on('console', m => {
    if (m.type() === 'error') note('console: ' + m.text());
  });
  page.on('dialog', d => {
    note(`dialog: ${d.message()}`);
    d.dismiss();
  });
  page.requested = [];
  page.on('request', r => {
    page.requested.push(r.url());
    if (url && !r.url().startsWith(url + '/') && !/^(about|data|blob):/.test(r.url()))
      note('a request to somebody else: ' + r.url());
  });
  page.on('response', r => {
    // 304: the page's own files, asked for again.
    if (r.status() !== 200 && r.status() !== 304) note(`status ${r.status()} of ${r.url()}`);
  });
}

module.exports = { startBrowser, CHROMIUM, WAIT_MS };
