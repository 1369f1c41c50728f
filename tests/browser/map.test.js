// SPDX-License-Identifier: Apache-2.0
// The service map, its keys, and the table that is its twin.
'use strict';
const assert = require('node:assert/strict');
const { at, counts, focused, gone, reads, shown, suite, text, until }
  = require('./lib/suite.js');
const { filter, rows } = require('./lib/views.js');
const { payment, request } = require('./lib/documents.js');

suite('map', (test, relay) => {
  const open = async (page, query = '') => {
    await relay().clear();
    await relay().put(payment(Date.now() / 1000 - 5).documents);
    await page.goto('/#/map' + query);
  };
  const node = (page, name) => page.locator('.mapw')
    .getByRole('button', { name });
  const panel = page => page.getByRole('complementary', { name: 'Node' });
  const way = page => page.getByRole('radiogroup', { name: 'Show as' });

  test('nodes are buttons with their state in words', async page => {
    await open(page);
    await reads(node(page, /^shop/), /1\.28 s · .*100 % Fault/);
    await shown(node(page, /^client/));
    await reads(node(page, /^orders-table/), /Throttled/);
    // Every node of the API is there.
    const { nodes } = await relay().get('/api/graph');
    await counts(page.locator('.mapw').getByRole('button'), nodes.length);
    await reads(panel(page), /6 services|\d+ services/);
  });

  test('the way of a message is dashed and named', async page => {
    await open(page);
    await counts(page.locator('.mapw .edge.da'), 1);
    await reads(page.locator('.leg'), /message$/);
    await page.goto('/#/map?as=table');
    await reads(page.getByRole('table').nth(1).getByRole('row',
      { name: /^orders mailer message/ }), /message/);
    // Who asks for an answer beside it makes it a call.
    const now = Date.now() / 1000, call = { id: 'd'.repeat(16), name: 'mailer',
      namespace: 'remote', start_time: now, end_time: now + .1 };
    const orders = request(now, { seed: 31, name: 'orders',
      origin: 'AWS::Lambda::Function', subsegments: [call] });
    await relay().put([orders, request(now, { seed: 32, name: 'mailer',
      origin: 'AWS::Lambda::Function', trace_id: orders.trace_id,
      parent_id: call.id })]);
    await gone(page.getByText('message', { exact: true }));
  });

  test('a node chosen: its numbers, then its traces', async page => {
    await open(page);
    await node(page, /^pay/).click();
    await reads(panel(page), /^pay .*Health, 1 segment .*Fault 5xx 1 100 %/);
    await reads(panel(page), /Calls .*bank\.example .*Called by .*shop/);
    await reads(panel(page), /TimeoutError|did not answer/);
    await at(page, /node=pay/);
    await page.reload();
    await reads(panel(page), /^pay/);
    await page.getByRole('button', { name: 'Only its faults' }).click();
    await at(page, /^#\/traces.*service\(id\(name: "pay".*\{ fault \}/);
    await counts(rows(page), 1);
    await page.goBack();
    await reads(panel(page), /^pay/);
    await page.keyboard.press('Escape');
    await reads(panel(page), /services/);
  });

  test('arrows go along the edges', async page => {
    await open(page);
    await node(page, /^client/).focus();
    await page.keyboard.press('ArrowRight');
    await focused(node(page, /^shop/));
    await reads(panel(page), /^shop/);
    await page.keyboard.press('ArrowRight');
    await until(async () => assert.doesNotMatch(await text(panel(page)),
      /^shop/));
    await page.keyboard.press('ArrowLeft');
    await focused(node(page, /^shop/));
    await page.keyboard.press('ArrowRight');
    const first = await text(panel(page));
    await page.keyboard.press('ArrowDown');
    await until(async () => assert.notEqual(await text(panel(page)), first));
    await page.keyboard.press('ArrowUp');
    await until(async () => assert.equal(await text(panel(page)), first));
  });

  test('Enter on a node filters', async page => {
    await open(page);
    await node(page, /^client/).focus();
    await page.keyboard.press('ArrowRight');
    await focused(node(page, /^shop/));
    await page.keyboard.press('Enter');
    await at(page, /^#\/traces.*filter=service\(id\(name: "shop"/);
    await counts(rows(page), 1);
  });

  test('the table holds the same numbers and is sorted', async page => {
    await open(page);
    await way(page).getByRole('radio', { name: 'Table' }).click();
    await at(page, /as=table/);
    const nodes = page.getByRole('table').first();
    const { nodes: all, edges } = await relay().get('/api/graph');
    await counts(nodes.getByRole('row'),
      all.filter(n => !n.client).length + 1);
    await counts(page.getByRole('table').nth(1).getByRole('row'),
      edges.length + 1);
    const head = nodes.getByRole('columnheader', { name: 'Name' });
    await head.getByRole('button').click();
    await until(async () => assert.equal(await head.getAttribute('aria-sort'),
      'ascending'));
    const names = await nodes.locator('tbody tr td:first-child')
      .allInnerTexts();
    assert.deepEqual(names, [...names].sort((a, b) => a < b ? -1 : 1));
    await head.getByRole('button').click();
    await until(async () => assert.equal(await head.getAttribute('aria-sort'),
      'descending'));
    await nodes.getByRole('button', { name: 'pay', exact: true }).click();
    await reads(panel(page), /^pay/);
    await way(page).getByRole('radio', { name: 'Table' }).press('ArrowLeft');
    await shown(node(page, /^pay/));
  });

  test('counts change live, nodes keep their places', async page => {
    await open(page);
    const shop = node(page, /^shop/);
    await shop.click();
    const place = await shop.boundingBox();
    await reads(panel(page), /Health, 1 segment/);
    const more = payment(Date.now() / 1000 - 3, 8);
    await relay().put(more.documents);
    await reads(panel(page), /Health, 2 segments/);
    assert.deepEqual(await shop.boundingBox(), place);
  });

  test('zoom and fit', async page => {
    await open(page);
    const width = async () => (await node(page, /^shop/).boundingBox()).width;
    await shown(node(page, /^shop/));
    const fit = await width();
    await page.getByRole('button', { name: 'Smaller' }).click();
    await until(async () => assert.ok(await width() < fit));
    await page.getByRole('button', { name: 'Fit' }).click();
    await until(async () => assert.equal(await width(), fit));
    await page.getByRole('button', { name: 'Larger' }).click();
    await until(async () => assert.ok(await width() > fit));
  });

  test('a filter and a range', async page => {
    page.expect(/status (of )?400|status 400/);
    await open(page);
    await relay().put([request(Date.now() / 1000 - 2, { seed: 5 })]);
    await shown(node(page, /^web/));
    await filter(page).fill('fault');
    await filter(page).press('Enter');
    await gone(node(page, /^web/));
    await shown(node(page, /^shop/));
    await filter(page).fill('fault AND');
    await filter(page).press('Enter');
    await reads(page.getByRole('alert'), /^Column \d+: /);
    await shown(node(page, /^shop/));
    await page.goto('/#/map?filter=http.status%3D999');
    await shown(page.getByRole('heading', { name: 'No calls' }));
  });

  test('empty: how to send', async page => {
    await relay().clear();
    await page.goto('/#/map');
    await shown(page.getByRole('heading', { name: 'Waiting for the first' }));
  });

  test('narrow: the table first', { width: 360, height: 760 }, async page => {
    await open(page);
    await counts(page.getByRole('table'), 2);
    await way(page).getByRole('radio', { name: 'Map' }).click();
    await shown(node(page, /^shop/));
  });
});
