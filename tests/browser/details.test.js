// SPDX-License-Identifier: Apache-2.0
// The tabs of a span's details.
'use strict';
const assert = require('node:assert/strict');
const { at, clipboard, focused, reads, shown, suite, text, until }
  = require('./lib/suite.js');
const { chosen, details, filter, rows, waterfall } = require('./lib/views.js');
const { payment, request } = require('./lib/documents.js');

suite('details', (test, relay) => {
  const story = payment(Date.now() / 1000 - 5);
  const open = async (page, name) => {
    await relay().clear();
    await relay().put(story.documents);
    await page.goto('/#/trace/' + story.id);
    if (name) await waterfall(page).getByRole('row', { name }).first().click();
    await shown(tab(page, 'Overview'));
  };
  const tab = (page, name) => details(page).getByRole('tab', { name });
  const panel = page => details(page).getByRole('tabpanel');
  const pick = async (page, name) => {
    await tab(page, name).click();
    await until(async () => assert.equal(await tab(page, name)
      .getAttribute('aria-selected'), 'true'));
  };

  test('Overview: what, who called, how long, what went wrong', async page => {
    await open(page);
    await reads(panel(page), new RegExp(['Called by pay', 'Starts \\+672 ms',
      'Lasts 586 ms \\(46 % of the response\\)', 'Own time 586 ms',
      'What went wrong TimeoutError no answer from bank\\.example .*' +
      'pay/bank\\.py:88 charge', 'Annotations order_id 41207'].join('.*')));
    await panel(page).getByRole('button', { name: 'pay', exact: true }).click();
    await reads(chosen(waterfall(page)), /^pay/);
  });

  test('HTTP, AWS, Annotations, Metadata', async page => {
    await open(page, /^shop /);
    await pick(page, 'HTTP');
    await reads(panel(page), /Method POST URL https:\/\/shop\.example\/pay .*Status 502/);
    await pick(page, 'AWS');
    await reads(panel(page), /X-Ray for Python.*shop-7d9f/i);
    await pick(page, 'Metadata');
    await reads(panel(page), /default .*"attempt": 1/);
    await pick(page, 'Annotations');
    await reads(panel(page), /order_id 41207 tenant initech/);
    await panel(page).getByRole('button', { name: 'initech' }).click();
    await at(page, /^#\/traces.*annotation\.tenant = "initech"/);
    await reads(rows(page), /\/pay/);
    assert.equal(await filter(page).inputValue(), 'annotation.tenant = "initech"');
  });

  test('SQL is set in lines; as sent it is what came', async page => {
    await open(page, /^cart@cart-db/);
    await pick(page, 'SQL');
    const code = panel(page).locator('pre');
    assert.match(await code.textContent(), /^SELECT l\.sku, l\.qty, p\.price\n ?FROM/);
    await reads(panel(page), /Database type PostgreSQL/i);
    await panel(page).getByRole('button', { name: 'As sent' }).click();
    await until(async () => assert.match(await code.textContent(),
      /^SELECT .* ORDER BY l\.pos$/));
    await panel(page).getByRole('button', { name: 'Copy' }).click();
    await until(async () => assert.match(await clipboard(page),
      /^SELECT .* ORDER BY l\.pos$/));
  });

  test('Exceptions: the stack, frames of libraries told apart', async page => {
    await open(page);
    await pick(page, 'Exceptions');
    await reads(panel(page), /TimeoutError .*pay\/bank\.py:88 charge .*http\/client\.py:1327 getresponse .*Dim frames/);
    await reads(panel(page), /On the way up UpstreamFailed: the bank did not answer in pay/);
  });

  test('Raw is the document byte for byte', async page => {
    await open(page, /^pay /);
    await pick(page, 'Raw');
    await panel(page).getByRole('button', { name: /Whole document/ }).click();
    const sent = JSON.stringify(story.documents.find(d => d.name === 'pay'));
    await until(async () => assert.equal(await panel(page).locator('pre')
      .textContent(), sent));
    await panel(page).getByRole('button', { name: 'Copy' }).click();
    await until(async () => assert.equal(await clipboard(page), sent));
  });

  test('tabs by 1 to 8 and arrows, kept from span to span', async page => {
    await open(page, /^shop /);
    await shown(tab(page, 'AWS'));
    const is = (name, on = true) => until(async () => assert.equal(
      await tab(page, name).getAttribute('aria-selected'), String(on)));
    for (const [key, name] of [['2', 'HTTP'], ['3', 'AWS'],
      ['5', 'Annotations'], ['6', 'Metadata'], ['8', 'Raw'], ['1', 'Overview']]) {
      await page.keyboard.press(key);
      await is(name);
    }
    await page.keyboard.press('4'); // SQL: nothing there
    await is('Overview');
    assert.equal(await tab(page, 'SQL').isDisabled(), true);
    await tab(page, 'Overview').press('ArrowRight');
    await focused(tab(page, 'HTTP'));
    await is('HTTP');
    await at(page, /tab=HTTP/);
    await page.keyboard.press('ArrowLeft');
    await focused(tab(page, 'Overview'));
    await page.keyboard.press('ArrowLeft');
    await focused(tab(page, 'Raw'));
    await waterfall(page).getByRole('row', { name: /^orders / }).first().click();
    await is('Raw');
    await page.reload();
    await is('Raw');
  });

  test('a value of 84 kB is cut until it is asked for', async page => {
    await relay().clear();
    const d = request(Date.now() / 1000 - 2, { seed: 31,
      metadata: { default: { long: 'x'.repeat(40000) } } });
    await relay().put([d]);
    await page.goto(`/#/trace/${d.trace_id}?tab=Metadata`);
    const all = panel(page).getByRole('button', { name: 'Show all 40.0 kB' });
    await shown(all);
    assert.ok((await text(panel(page))).length < 3000);
    await all.click();
    await until(async () => assert.ok((await panel(page).textContent())
      .length > 40000));
  });
});
