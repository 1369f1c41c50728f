// SPDX-License-Identifier: Apache-2.0
// `--store run`: the runs that are kept, and an earlier one looked at.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after } = require('node:test');
const { at, counts, reads, shown, suite } = require('./lib/suite.js');
const { rows, some, waterfall } = require('./lib/views.js');
const { request } = require('./lib/documents.js');

const state = fs.mkdtempSync(path.join(os.tmpdir(), 'runs-'));

suite('runs', (test, relay) => {
  after(() => fs.rmSync(state, { recursive: true }));
  const runs = page => page.locator('.runs tbody tr');

  test('an earlier run is listed, opened, and left', async page => {
    await page.goto('/');
    await shown(page.getByRole('heading', { name: 'Waiting for the first' }));
    assert.equal(await page.getByText('earlier run').count(), 0);
    await some(relay(), 3);
    await relay().stop();
    await relay().start();
    await relay().put([request(Date.now() / 1000, { seed: 9, path: '/now' })]);

    await page.goto('about:blank');
    await page.goto('/');
    await counts(rows(page), 1);
    await page.getByRole('link', { name: '1 earlier run' }).click();
    await at(page, /^#\/runs$/);
    await counts(runs(page), 2);
    await reads(runs(page).nth(0), /running .* 1 [\d.]+ kB/);
    await reads(runs(page).nth(1), / 3 [\d.]+ kB .*runs\/20.*\.db$/);

    await runs(page).nth(1).getByRole('link').click();
    await counts(rows(page), 3);
    await reads(page.locator('.banner'), /An earlier run, begun .*:\d\d: nothing/);
    await rows(page).first().getByRole('link').click();
    await counts(waterfall(page).getByRole('row'), 1);
    await page.getByRole('link', { name: 'Map' }).click();
    await shown(page.getByRole('button', { name: /^web/ }));
    assert.ok(!page.requested.some(r => /runs.*events/.test(r)));
    await page.getByRole('link', { name: 'Back to what runs now' }).click();
    await counts(rows(page), 1);
    await reads(rows(page), /\/now/);
  });

  test('a run that is gone says so', async page => {
    page.expect(/404/);
    await page.goto('/?run=2020-01-01T00-00-00Z-1.db');
    await reads(page.getByRole('alert'), /no such run/);
    await page.getByRole('link', { name: 'Back to what runs now' }).click();
    await counts(rows(page), 1);
  });
}, { store: 'run', env: { XDG_STATE_HOME: state } });
