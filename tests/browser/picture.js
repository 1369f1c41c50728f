// SPDX-License-Identifier: Apache-2.0
// The pictures of the documentation, of the real page with the traces of
// `xray-relay demo`: node tests/browser/picture.js [DIR]. Wants pngquant, and
// fonts-inter, which is near to what desktops show as their system font.
'use strict';
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const WIDTH = 1280, HEIGHT = 720, SCALE = 1.5;
const LOADED_MS = 60000, SETTLED_MS = 1500;
const inter = family => `<match><test name="family"><string>${family}</string>
  </test><edit name="family" mode="prepend" binding="strong"><string>Inter
  </string></edit></match>`.replace(/\s+</g, '<');
const fontRules = `<?xml version="1.0"?><fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  ${['sans', 'sans-serif', 'system-ui'].map(inter).join('\n')}</fontconfig>`;

// Before Chromium is started, which reads it from the environment.
const fonts = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'picture-')),
  'fonts.conf');
fs.writeFileSync(fonts, fontRules);
process.env.FONTCONFIG_FILE = fonts;
const { BINARY, startRelay } = require('./lib/relay.js');
const { startBrowser } = require('./lib/browser.js');

async function main(dir) {
  const relay = await startRelay(), browser = await startBrowser();
  try {
    const sent = spawnSync(BINARY, ['demo', '-t', `127.0.0.1:${relay.port}`],
      { encoding: 'utf8' });
    if (sent.status !== 0) throw new Error('demo: ' + sent.stderr + sent.stdout);
    const id = await entry(relay.url);
    fs.mkdirSync(dir, { recursive: true });
    for (const scheme of ['light', 'dark']) {
      const page = await browser.page({ url: relay.url, width: WIDTH,
        height: HEIGHT, scheme, deviceScaleFactor: SCALE });
      await take(page, '/#/traces', path.join(dir, `list-${scheme}.png`));
      await take(page, '/#/trace/' + id, path.join(dir, `trace-${scheme}.png`));
      if (page.errors.length) throw new Error(page.errors.join('\n'));
      await page.context().close();
    }
  } finally {
    await browser.close();
    await relay.stop();
    fs.rmSync(path.dirname(fonts), { recursive: true });
  }
}

// The trace with the most to be seen: the largest that failed.
async function entry(url) {
  const until = Date.now() + LOADED_MS;
  for (;;) {
    const { traces } = await (await fetch(url + '/api/traces?filter=fault'))
      .json();
    if (traces.length)
      return traces.sort((a, b) => b.spans - a.spans)[0].id;
    if (Date.now() > until) throw new Error('no trace with a fault came');
    await new Promise(r => setTimeout(r, 100));
  }
}

// Few colours are enough for text and flat bars.
async function take(page, url, file) {
  await page.goto('about:blank');
  await page.goto(url);
  await page.waitForTimeout(SETTLED_MS);
  await page.screenshot({ path: file });
  execFileSync('pngquant', ['--force', '--strip', '--skip-if-larger', '--speed',
    '1', '--output', file, '48', file]);
  console.log(file, fs.statSync(file).size);
}

main(process.argv[2] ?? 'docs/images').catch(e => {
  console.error(e);
  process.exitCode = 1;
});
