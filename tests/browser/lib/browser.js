// SPDX-License-Identifier: Apache-2.0
// The distribution's Chromium, with a profile of its own and nothing that goes
// out by itself.
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { chromium } = require('playwright-core');

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic',
  '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

// Gives {page(options), close()}; a page keeps what went wrong in `errors`.
async function startBrowser() {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'xray-relay-browser-'));
  const open = [];
  return {
    async page({ url, width = 1440, height = 900, scheme = 'light',
      motion = 'reduce', ...more } = {}) {
      const context = await chromium.launchPersistentContext(
        path.join(profile, String(open.length)), { executablePath: CHROMIUM,
          headless: true, args, viewport: { width, height }, colorScheme: scheme,
          reducedMotion: motion, baseURL: url, timezoneId: 'UTC',
          locale: 'en-GB', permissions: ['clipboard-read', 'clipboard-write'],
          ...more });
      open.push(context);
      const page = context.pages()[0] ?? await context.newPage();
      page.errors = [];
      page.on('pageerror', e => page.errors.push(String(e)));
      page.on('console', m => {
        // A server that is away is part of some tests.
        if (m.type() === 'error' && !/ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY/
          .test(m.text())) page.errors.push(m.text());
      });
      page.setDefaultTimeout(8000);
      return page;
    },
    async close() {
      for (const c of open) await c.close();
      fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

module.exports = { startBrowser };
