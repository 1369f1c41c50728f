// SPDX-License-Identifier: Apache-2.0
// The list of traces: what a row tells, what comes in live, the strip, columns.
'use strict';
const assert = require('node:assert/strict');
const { at, clipboard, counts, focused, gone, reads, shown, suite, text, until }
  = require('./lib/suite.js');
const { payment, request, traffic } = require('./lib/documents.js');
const { list, rows, some } = require('./lib/views.js');

const now = () => Date.now() / 1000;

suite('list', (test, relay) => {
  test('empty store: how to send, then the first trace by UDP', async page => {
    await relay().clear();
    await page.goto('/');
    await shown(page.getByRole('heading', { name: 'Waiting for the first' }));
    await reads(page.locator('main'), new RegExp('X-Ray daemon udp ' +
      relay().port));
    for (const how of ['Python, X-Ray SDK', 'Node, X-Ray SDK',
      'Any OpenTelemetry SDK', 'AWS CLI'])
      await shown(page.getByRole('heading', { name: how }));
    await page.getByRole('button', { name: 'Copy: Python' }).click();
    await until(async () => assert.match(await clipboard(page),
      /^from aws_xray_sdk.core import[^]*in_segment/));
    await relay().send(request(now() - 1, { path: '/first' }));
    await counts(rows(page), 1);
    await reads(rows(page), /GET ?\/first/);
  });

  test('the first trace by OTLP', async page => {
    await relay().clear();
    await page.goto('/');
    await shown(page.getByRole('heading', { name: 'Waiting for the first' }));
    const start = now() - 1;
    await relay().span('work', { start, trace: '1-' +
      Math.floor(start).toString(16) + '-' + 'ab'.repeat(12) });
    await reads(rows(page), /hello/);
  });

  test('an import by the page', async page => {
    await relay().clear();
    await page.goto('/');
    const { documents } = payment(now() - 5);
    await page.getByLabel('Import').setInputFiles({ name: 'traces.ndjson',
      mimeType: 'application/x-ndjson', buffer: Buffer.from(
        documents.map(d => JSON.stringify(d)).join('\n')) });
    await reads(rows(page), /\/pay/);
  });

  test('a row tells what a trace was', async page => {
    await relay().clear();
    const { id, documents } = payment(now() - 5);
    await relay().put(documents);
    await page.goto('/');
    const row = rows(page).first(), words = await text(row);
    assert.match(words, /^\d\d:\d\d:\d\d\.\d{3}/);
    assert.match(words, /502 Fault/);
    assert.match(words, /1\.28 s/);
    assert.match(words, /POST ?\/pay/);
    assert.match(words, /TimeoutError: no answer from bank\.example/);
    assert.match(words, /shop › .* › bank\.example/);
    assert.match(words, /AWS would refuse 1 thing/);
    assert.ok(words.includes(id.slice(-4)));
    await shown(list(page).getByRole('columnheader', { name: 'order_id' }));
    assert.match(words, /41207/);
    await reads(page.getByRole('banner'), /1 trace/);
    assert.equal(await list(page).getAttribute('aria-rowcount'), '1');
  });

  test('new traces come in at the top, changed ones in place', async page => {
    await relay().clear();
    await some(relay(), 3);
    await page.goto('/');
    await counts(rows(page), 3);
    await reads(page.getByRole('banner'), /Live/);
    const running = request(now() - .5, { path: '/slow', seed: 70 });
    const { end_time, http, ...rest } = running;
    await relay().send({ ...rest, in_progress: true,
      http: { request: http.request } });
    await counts(rows(page), 4);
    await reads(rows(page), /In progress .*\/slow/);
    await reads(page.getByRole('status'), /1 new trace/);
    await relay().send({ ...running, http: { ...http,
      response: { status: 503 } }, fault: true });
    await reads(rows(page), /503 Fault/);
    assert.doesNotMatch(await text(rows(page).first()), /AWS would refuse/);
    await counts(rows(page), 4);
  });

  test('pause holds new traces back and counts them', async page => {
    await relay().clear();
    await some(relay(), 2);
    await page.goto('/');
    await counts(rows(page), 2);
    await page.keyboard.press('p');
    const button = page.getByRole('button', { name: 'Go on' });
    assert.equal(await button.getAttribute('aria-pressed'), 'true');
    await relay().send(request(now(), { path: '/late', seed: 71 }));
    await reads(page.getByRole('banner'), /Paused, 1 waiting/);
    await counts(rows(page), 2);
    await button.click();
    await counts(rows(page), 3);
    await reads(rows(page), /\/late/);
    await shown(page.getByRole('button', { name: 'Pause' }));
  });

  test('scrolled: a pill counts what is new and brings it in', async page => {
    await relay().clear();
    await some(relay(), 80);
    await page.goto('/');
    await shown(rows(page));
    const top = () => list(page).evaluate(e => e.scrollTop);
    await list(page).hover();
    await page.mouse.wheel(0, 900);
    await until(async () => await top() > 400);
    const before = await top();
    await relay().send(request(now(), { path: '/a', seed: 72 }));
    await shown(page.getByRole('button', { name: '1 new trace' }));
    await relay().send(request(now(), { path: '/b', seed: 73 }));
    const pill = page.getByRole('button', { name: '2 new traces' });
    await shown(pill);
    assert.equal(await top(), before);
    await pill.click();
    await reads(rows(page), /\/b/);
    assert.equal(await top(), 0);
    await gone(pill);
  });

  test('deleted traces go', async page => {
    await relay().clear();
    await some(relay(), 3);
    await page.goto('/');
    await counts(rows(page), 3);
    const { traces } = await relay().get('/api/traces');
    await relay().delete('/api/traces/' + traces[1].id);
    await counts(rows(page), 2);
    await relay().clear();
    await shown(page.getByRole('heading', { name: 'Waiting for the first' }));
  });

  test('a trace that comes and goes at once stays gone', async page => {
    await relay().clear();
    await some(relay(), 2);
    await page.goto('/');
    await counts(rows(page), 2);
    await reads(page.getByRole('banner'), /Live/);
    await relay().put([request(now(), { path: '/brief', seed: 74 })]);
    await relay().clear();
    await relay().put([request(now(), { path: '/stays', seed: 75 })]);
    await reads(rows(page), /\/stays/);
    assert.equal(await rows(page).count(), 1);
  });

  test('the strip: a drag chooses a time, or durations', async page => {
    await relay().clear();
    await relay().put(traffic(now() - 1, 60, 2));
    await page.goto('/');
    const strip = name => page.getByRole('figure').filter({ hasText: name })
      .getByRole('img');
    await until(async () => assert.match(await strip('How long')
      .getAttribute('aria-label'), /^Response times: p50 .*p90 .*p99/));
    await drag(page, strip('How long'), .4, .8);
    await at(page, /filter=responsetime >= 0\.1 AND responsetime < 10/);
    await until(async () => assert.match(await text(rows(page).first()), / s /));
    await page.goBack();
    await at(page, /^(#\/traces)?$/);
    await until(async () => assert.match(await strip('When')
      .getAttribute('aria-label'), /^60 traces/));
    await drag(page, strip('When'), .5, 1);
    await at(page, /range=[\d.]+-[\d.]+/);
    const fixed = page.getByRole('radiogroup', { name: 'Time range' })
      .getByRole('radio', { checked: true });
    await reads(fixed, /\d\d:\d\d(:\d\d)?–\d\d:\d\d/);
  });

  test('the range is a radio group that arrows move', async page => {
    await relay().clear();
    await relay().put([request(now() - 1200, { path: '/older' }),
      request(now() - 5, { path: '/newer', seed: 2 })]);
    await page.goto('/');
    await counts(rows(page), 1);
    const group = page.getByRole('radiogroup', { name: 'Time range' });
    await group.getByRole('radio', { name: '15m' }).press('ArrowRight');
    await at(page, /range=1h/);
    await focused(group.getByRole('radio', { name: '1h', checked: true }));
    await counts(rows(page), 2);
    await page.reload();
    await counts(rows(page), 2);
    await page.goBack();
    await counts(rows(page), 1);
  });

  test('annotations as columns', async page => {
    await relay().clear();
    await relay().put([request(now() - 1, { annotations: { color: 'teal',
      size: 5, extra: true } })]);
    await page.goto('/#/traces?cols=color');
    const head = name => list(page).getByRole('columnheader', { name });
    await shown(head('color'));
    await counts(head('size'), 0);
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('checkbox', { name: 'size' }).check();
    await shown(head('size'));
    await at(page, /cols=color,size/);
    await reads(rows(page), /teal 5/);
    await page.keyboard.press('Escape');
    await gone(page.getByRole('checkbox', { name: 'size' }));
    await page.goto('/#/live');
    await page.goto('/');
    await shown(head('size')); // remembered
  });

  test('more than a page: further rows come by scrolling', async page => {
    await relay().clear();
    await some(relay(), 450);
    await page.goto('/');
    await shown(rows(page));
    const last = list(page).getByRole('row', { name: '/item/449' });
    await until(async () => {
      await list(page).evaluate(e => { e.scrollTop = e.scrollHeight; });
      return await last.count() === 1;
    });
    assert.ok(await list(page).getByRole('row').count() < 120);
  });
});

// A drag from one share of the width to another.
async function drag(page, locator, from, to) {
  const b = await locator.boundingBox(), y = b.y + b.height / 2;
  await page.mouse.move(b.x + b.width * from, y);
  await page.mouse.down();
  await page.mouse.move(b.x + b.width * (from + to) / 2, y);
  await page.mouse.move(b.x + b.width * to, y);
  await page.mouse.up();
}
