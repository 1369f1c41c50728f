// SPDX-License-Identifier: Apache-2.0
// What a file of tests is written with: one program for the file, one browser
// for all files, a new context for each test, and waiting on conditions. A test
// fails also when its page noted an error (see browser.js).
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { startBrowser, WAIT_MS } = require('./browser.js');
const { startRelay } = require('./relay.js');

const PICTURES = path.join(__dirname, '../../../build/log/browser');
const TEST_MS = 180000; // a test that hangs is ended
const LOOK_MS = 25;

let starting = null, files = 0;
const browser = () => starting ??= startBrowser();

// fill(test, relay): test(name, [options of the page,] async page => …), relay()
// is the running program.
function suite(name, fill, options = {}) {
  describe(name, () => {
    let relay = null;
    files++;
    before(async () => { relay = await startRelay(options); });
    after(async () => {
      await relay?.stop();
      if (--files === 0 && starting) await (await starting).close();
    });
    const test = (what, ...rest) => it(what, { timeout: TEST_MS }, async () => {
      const body = rest.pop(), page = await (await browser()).page({
        url: relay.url, ...rest[0] });
      try {
        await body(page);
        assert.deepEqual(page.errors, []);
      } catch (e) {
        await picture(page, `${name}, ${what}`);
        if (page.errors.length) e.message += '\nthe page noted: ' +
          page.errors.join('\n');
        e.message += relay.ended();
        throw e;
      } finally {
        await page.context().close();
      }
    });
    fill(test, () => relay);
  });
}

async function picture(page, what) {
  const file = path.join(PICTURES, what.replace(/[^\w]+/g, '-') + '.png');
  fs.mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: file, timeout: 5000 }).catch(() => {});
}

// Tries again until `look` neither throws nor gives false.
async function until(look) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    try {
      const is = await look();
      if (is !== false) return is;
      if (Date.now() > end) throw new Error('not within time: ' + look);
    } catch (e) {
      if (Date.now() > end) throw e;
    }
    await new Promise(r => setTimeout(r, LOOK_MS));
  }
}

const text = async locator => (await locator.innerText())
  .replace(/[\s\u202f]+/g, ' ').trim();

// The text of what is found comes to fit.
async function reads(locator, pattern) {
  return until(async () => assert.match(await text(locator.first()), pattern));
}

// As many are found, in the end.
async function counts(locator, n) {
  return until(async () => assert.equal(await locator.count(), n));
}

const shown = locator => locator.first().waitFor();
const gone = locator => locator.first().waitFor({ state: 'hidden' });

// The hash of the address comes to fit.
async function at(page, pattern) {
  return until(() => assert.match(decodeURIComponent(
    new URL(page.url()).hash.replace(/\+/g, ' ')), pattern));
}

// Where the focus is, by a selector.
async function focused(locator) {
  return until(() => locator.first().evaluate(e =>
    e === document.activeElement || false));
}

const clipboard = page => page.evaluate(() => navigator.clipboard.readText());

module.exports = { suite, until, text, reads, counts, shown, gone, at, focused,
  clipboard };
