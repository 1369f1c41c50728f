// SPDX-License-Identifier: Apache-2.0
// Live (what reached which listener), Sampling, and Diff.
'use strict';
const assert = require('node:assert/strict');
const { at, counts, focused, gone, reads, shown, suite, text, until }
  = require('./lib/suite.js');
const { payment, request } = require('./lib/documents.js');

suite('live', (test, relay) => {
  const section = (page, name) => page.locator('section').filter({
    has: page.getByRole('heading', { name, exact: true }) });

  test('counts by listener, as they come', async page => {
    await page.goto('/#/live');
    const line = section(page, 'Listeners').getByRole('row',
      { name: /daemon udp/ });
    await reads(line, new RegExp(`X-Ray daemon udp 127\\.0\\.0\\.1:${
      relay().port} 0 0 0/s .*never`));
    await reads(section(page, 'Checks'), /X-Ray daemon udp has had nothing/);
    for (let i = 0; i < 3; i++)
      await relay().send(request(Date.now() / 1000, { seed: i + 1 }));
    await reads(line, / 3 3 /);
    await until(async () => assert.doesNotMatch(await text(line), /never/));
    await reads(section(page, 'Checks'), /No datagram lost .*All listeners are open .*Store is well/);
    const start = Date.now() / 1000;
    await relay().span('work', { start, trace: '1-' +
      Math.floor(start).toString(16) + '-' + 'cd'.repeat(12) });
    await reads(section(page, 'Listeners').getByRole('row',
      { name: new RegExp(String(relay().otlp)) }), / 1 1 /);
  });

  test('a refused document: reason, text, what would be right', async page => {
    await page.goto('/#/live');
    await reads(section(page, 'Refused documents'), /None/);
    await relay().send({ name: 'bad', id: '0'.repeat(16), start_time: 1,
      end_time: 2, trace_id: '1-692f-8c02be77' });
    const refused = section(page, 'Refused documents');
    await reads(refused, /InvalidTraceId X-Ray daemon udp .*1-692f-8c02be77.*1-, 8 hex digits, -, 24 hex/);
    await until(async () => assert.equal(await refused.locator('mark')
      .innerText(), '"1-692f-8c02be77"'));
    await reads(section(page, 'Checks'), /^Checks 1 document refused/);
    await relay().datagram('no header at all');
    await until(async () => assert.equal(await refused.getByRole('listitem')
      .count(), 2));
  });

  test('who sends, and who polls for sampling', async page => {
    await page.goto('/#/live');
    await relay().send(request(Date.now() / 1000, { seed: 20, aws: { xray: {
      sdk: 'X-Ray for Python', sdk_version: '2.14.0' } } }));
    await reads(section(page, 'Who sends'), /X-Ray for Python 2\.14\.0 1/);
    // That the page looks at the rules makes it no sampler.
    const asked = page.waitForResponse(/GetSamplingRules/);
    await page.goto('/#/sampling');
    assert.equal((await asked).status(), 200);
    assert.deepEqual((await relay().get('/api/live')).samplers, []);
    await page.goto('/#/live');
    await fetch(relay().url + '/GetSamplingRules', { method: 'POST' });
    await fetch(relay().url + '/SamplingTargets', { method: 'POST',
      body: '{"SamplingStatisticsDocuments":[]}' });
    await reads(section(page, 'Sampler polls'), /127\.0\.0\.1.* 1 1 in /);
  });

  test('sampling rules: made, changed, deleted', async page => {
    page.expect(/status (of )?400|status 400/);
    await page.goto('/#/sampling');
    const rule = name => section(page, 'Rules').getByRole('row', { name });
    await reads(rule(/^Default/), /10000 100 %|\d+ \d+ %/);
    await page.getByRole('button', { name: 'New rule' }).click();
    const field = name => page.getByRole('textbox', { name });
    await focused(field(/^Name/));
    await field(/^Name/).fill('orders');
    await field('Priority').fill('70000');
    await page.getByRole('button', { name: 'Save' }).click();
    await reads(page.getByRole('alert'), /priority/i);
    await field('Priority').fill('7');
    await field('Fixed rate').fill('0.25');
    await field('Path').fill('/orders/*');
    await page.keyboard.press('Enter');
    await reads(rule(/^orders/), /orders 7 25 % 1\/s .*\/orders\/\*/);
    await reads(page.getByRole('status'), /Rule orders saved/);
    await page.getByRole('button', { name: 'Change orders' }).click();
    await field('Fixed rate').fill('0.5');
    await page.getByRole('button', { name: 'Save' }).click();
    await reads(rule(/^orders/), /50 %/);
    await counts(page.getByRole('button', { name: 'Delete Default' }), 0);
    await page.getByRole('button', { name: 'Delete orders' }).click();
    await gone(rule(/^orders/));
    await page.getByRole('button', { name: 'New rule' }).click();
    await page.keyboard.press('Escape'); // leaves the field
    await page.keyboard.press('Escape'); // closes the form
    await gone(field(/^Name/));
    await page.keyboard.press('Escape'); // up one view
    await at(page, /^#\/traces/);
  });
});

suite('diff', (test, relay) => {
  const a = payment(Date.now() / 1000 - 20), b = payment(
    Date.now() / 1000 - 5, 8);
  // B took longer, lost a call, has another one, and a better end.
  const shop = b.documents[0], bank = b.documents[2].subsegments[1];
  shop.end_time += .5;
  shop.subsegments = shop.subsegments.filter(s => s.name !== 'auth');
  shop.subsegments[0].name = 'load_basket';
  delete bank.fault;
  delete bank.cause;
  bank.http.response = { status: 200 };
  const open = async page => {
    await relay().put([...a.documents, ...b.documents]);
    await page.goto(`/#/diff/${a.id}/${b.id}`);
    await shown(page.getByRole('heading', { name: 'A against B' }));
  };
  const tree = page => page.getByRole('treegrid', { name: 'Differences' });
  const row = (page, name) => tree(page).getByRole('row', { name });

  test('added, removed, changed, and times', async page => {
    await open(page);
    await reads(page.locator('main'), /B took \+500 ms .*1 added|B took \+500 ms/);
    await reads(row(page, /load_basket/), /\+ ?load_basket only in B/);
    await reads(row(page, /auth/), /− ?auth only in A/);
    await reads(row(page, /bank\.example/), /≠ ?bank\.example .*Fault.* → .*200/i);
    await reads(row(page, /shop/), /\+500 ms/);
    const totals = page.getByRole('complementary', { name: 'Totals' });
    await reads(totals.getByRole('row', { name: /^shop/ }), /\+\d+ ms/);
  });

  test('keys: j k, from difference to difference, Enter opens', async page => {
    await open(page);
    const here = pattern => reads(tree(page).getByRole('row',
      { selected: true }), pattern);
    await here(/shop/);
    await page.keyboard.press('j');
    await until(async () => assert.doesNotMatch(await text(tree(page)
      .getByRole('row', { selected: true })), /^shop/));
    await focused(tree(page).getByRole('row', { selected: true }));
    await page.keyboard.press('k');
    await here(/shop/);
    await page.keyboard.press(']');
    await here(/only in|→/);
    await page.keyboard.press('End');
    await page.keyboard.press('[');
    await here(/only in|→/);
    await page.keyboard.press('Home');
    await here(/shop/);
    await page.keyboard.press('Enter');
    await at(page, new RegExp('^#/trace/' + b.id));
    await page.goBack();
    await shown(tree(page));
  });

  test('Swap turns it round; a trace that is gone is told', async page => {
    page.expect(/status (of )?404|status 404/);
    await open(page);
    await page.getByRole('link', { name: 'Swap' }).click();
    await at(page, new RegExp(`^#/diff/${b.id}/${a.id}`));
    await reads(page.locator('main'), /B took −500 ms/);
    await reads(row(page, /load_basket/), /only in A/);
    await page.goto(`/#/diff/${a.id}/1-00000000-${'0'.repeat(24)}`);
    await shown(page.getByRole('heading', { name: 'cannot be compared' }));
  });
});
