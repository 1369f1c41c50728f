// SPDX-License-Identifier: Apache-2.0
// Names that would like to be markup, script or a direction of writing, in every
// place of a document: shown as text, never run.
'use strict';
const assert = require('node:assert/strict');
const { clipboard, counts, reads, shown, suite, until }
  = require('./lib/suite.js');
const { details, filter, rows, waterfall } = require('./lib/views.js');
const { hostile, hostileNames, request } = require('./lib/documents.js');

suite('hostile names', (test, relay) => {
  const trace = hostile(Date.now() / 1000 - 3);
  // None of what the documents hold has become an element, an attribute that
  // runs, or a value of window.
  const clean = async page => {
    assert.deepEqual(await page.evaluate(() => [typeof window.hacked,
      document.querySelectorAll('#app script, #app img, #app iframe, [onload], ' +
        '[onerror], [onclick], a[href^="javascript:" i]').length]),
    ['undefined', 0]);
  };
  const open = async (page, hash) => {
    await relay().clear();
    await relay().put(trace.documents);
    await relay().put(hostileNames.map((name, i) => request(
      Date.now() / 1000 - 1, { seed: 60 + i, name, path: '/' + name,
        method: name, status: 500, annotations: { [name]: name },
        user: name, cause: { exceptions: [{ id: '1'.repeat(16), type: name,
          message: name }] } })));
    await page.goto('/' + hash);
  };

  test('list and its columns', async page => {
    await open(page, '#/traces?cols=' + encodeURIComponent(hostileNames.map(
      encodeURIComponent).join(',')));
    await counts(rows(page), hostileNames.length + 1);
    await reads(rows(page).filter({ hasText: '<img' }).first(),
      /<img src=x onerror/);
    await clean(page);
    await page.getByRole('button', { name: 'Columns' }).click();
    await shown(page.getByRole('checkbox', { name: '<script>' }));
    await clean(page);
    // What came in live goes the same way.
    await relay().send(request(Date.now() / 1000, { seed: 59,
      name: hostileNames[1], path: '/' + hostileNames[0] }));
    await counts(rows(page), hostileNames.length + 2);
    await clean(page);
  });

  test('waterfall and every tab of every span', async page => {
    await open(page, '#/trace/' + trace.id);
    await shown(waterfall(page).getByRole('row'));
    await shown(waterfall(page).getByText('<script>window.hacked = 1</script>'));
    await page.keyboard.press('Home');
    for (let i = 0; i < hostileNames.length * 2; i++) {
      const tabs = details(page).getByRole('tab');
      await shown(tabs);
      for (let t = 1; t <= 8; t++) await page.keyboard.press(String(t));
      await page.keyboard.press('j');
    }
    await clean(page);
    for (const tab of ['HTTP', 'SQL', 'Annotations', 'Metadata', 'Exceptions',
      'Raw']) {
      const { id } = trace.documents[0].subsegments[0];
      await page.goto(`/#/trace/${trace.id}?tab=${tab}` +
        (tab === 'SQL' ? '&sel=' + id : ''));
      await shown(page.getByRole('tab', { name: tab, selected: true }));
      await reads(details(page).getByRole('tabpanel'), /hacked|evil|𝕏|aaa|proto/);
      await clean(page);
    }
  });

  test('copied as Markdown it is text too', async page => {
    await open(page, '#/trace/' + trace.id);
    await shown(waterfall(page).getByRole('row'));
    await shown(details(page).getByRole('tab', { name: 'Raw' }));
    await page.keyboard.press('c');
    await page.getByRole('menuitem', { name: /Markdown/ }).click();
    await until(async () => assert.match(await clipboard(page), /```/));
    const [head, , ...block] = (await clipboard(page)).split('\n');
    assert.doesNotMatch(head, /(?<!\\)<(script|img)/);
    assert.equal(block[0], '```');
    assert.equal(block.slice(1).filter(l => l.startsWith('```')).length, 1);
  });

  test('map, table and panel', async page => {
    await open(page, '#/map?as=map');
    await shown(page.locator('.mapw').getByRole('button', { name: '<script>' }));
    await clean(page);
    await page.locator('.mapw').getByRole('button', { name: '<img' }).first()
      .click();
    await reads(page.getByRole('complementary', { name: 'Node' }), /<img src=x/);
    await clean(page);
    await page.goto('/#/map?as=table');
    await shown(page.getByRole('table'));
    await clean(page);
  });

  test('diff', async page => {
    await open(page, `#/diff/${trace.id}/${trace.id}`);
    await shown(page.getByRole('treegrid').getByText('<script>'));
    await clean(page);
  });

  test('completion of hostile keys and values', async page => {
    await open(page, '#/traces');
    for (const words of ['annotation', 'name = ', 'service(']) {
      await filter(page).fill(words);
      await shown(page.getByRole('option'));
      await clean(page);
      await filter(page).press('Escape');
    }
  });

  test('refused documents and senders in Live', async page => {
    await relay().datagram('{"format":"json","version":1}\n{"name":' +
      JSON.stringify(hostileNames[0]) + ',"trace_id":"<img src=x onerror=1>"}');
    await relay().datagram(hostileNames[1]);
    await relay().put([request(Date.now() / 1000, { seed: 58, aws: { xray: {
      sdk: hostileNames[0], sdk_version: hostileNames[1] } } })]);
    await page.goto('/#/live');
    await reads(page.locator('main'), /<img src=x onerror/);
    await reads(page.locator('main'), /Who sends .*<script>window/);
    await clean(page);
  });

  test('addresses that lie', async page => {
    page.expect(/status (of )?40[04]|status 40[04]/);
    await relay().put(trace.documents);
    for (const hash of ['#/<img src=x onerror=alert(1)>',
      '#/trace/<img src=x onerror=alert(1)>?tab=__proto__&sel=constructor',
      '#/traces?filter=<script>alert(1)</script>&range=<b>&cols=__proto__,%25',
      '#/traces?range=1-2&sel=javascript:alert(1)',
      '#/map?as=<b>&node=__proto__&range=99999999999999999h',
      '#/diff/%E0%A4%A/__proto__', '#/trace/%', '#/__proto__', '#/constructor',
      `#/trace/${trace.id}?zoom=1e999-NaN&tab=constructor`,
      `#/trace/${trace.id}?zoom=5-1&sel=%00`]) {
      await page.goto('about:blank');
      await page.goto('/' + hash);
      await shown(page.getByRole('heading', { level: 1 }).or(
        page.getByRole('alert')).or(page.getByRole('combobox')));
      await clean(page);
    }
  });
});
