// SPDX-License-Identifier: Apache-2.0
// One trace: what the waterfall tells and its keys, zoom, the copy menu, and a
// trace that goes on while it is looked at.
'use strict';
const assert = require('node:assert/strict');
const { at, clipboard, counts, focused, gone, reads, shown, suite, text, until }
  = require('./lib/suite.js');
const { chosen, details, list, rows, some, waterfall }
  = require('./lib/views.js');
const { payment, request } = require('./lib/documents.js');

suite('trace', (test, relay) => {
  let story = payment(Date.now() / 1000 - 5);
  const open = async (page, query = '') => {
    await relay().clear();
    story = payment(Date.now() / 1000 - 5);
    await relay().put(story.documents);
    await page.goto(`/#/trace/${story.id}${query}`);
    await shown(waterfall(page));
  };
  const row = (page, name) => waterfall(page).getByRole('row', { name });
  const press = async (page, ...keys) => {
    for (const k of keys) await page.keyboard.press(k);
  };
  const here = (page, pattern) => reads(chosen(waterfall(page)), pattern);

  test('head and facts', async page => {
    await open(page);
    await shown(page.getByRole('heading', { level: 1, name: 'POST /pay' }));
    await reads(page.locator('.facts'), /1\.28 s response .* whole trace .*33 /);
    await reads(page.locator('.facts'), /Most time: bank\.example/);
    await reads(page.locator('main'), /AWS would refuse this The annotation key/);
    await page.getByRole('button', { name: /annotation key "order-total"/ })
      .click();
    await here(page, /^orders/);
  });

  test('the root cause, with the way to it', async page => {
    await open(page, '?sel=' + story.documents[0].id);
    const why = page.locator('.why');
    await reads(why, /^Root cause pay › bank\.example TimeoutError: no answer/);
    await reads(details(page), /Most of it in pay › bank\.example \(46 %\)|Most of it in .*\d+ %/);
    await why.getByRole('button', { name: /bank\.example/ }).click();
    await here(page, /^bank\.example/);
    // What is well has no cause; what failed further down was handled.
    const now = Date.now() / 1000 - 2, call = { name: 'cache', id: 'c'.repeat(16),
      namespace: 'remote', start_time: now, end_time: now + .01, error: true };
    const well = request(now, { seed: 70, subsegments: [call] });
    await relay().put([well]);
    await page.goto('/#/trace/' + well.trace_id);
    await reads(why, /^Handled error web › cache/);
    const plain = request(now, { seed: 71, status: 500 });
    await relay().put([plain]);
    await page.goto('/#/trace/' + plain.trace_id);
    await here(page, /^web/);
    await counts(why, 0);
  });

  test('rows: groups, levels, folded runs, orphans, what runs', async page => {
    await open(page);
    const shop = row(page, /^shop /).first();
    assert.equal(await shop.getAttribute('aria-level'), '1');
    assert.equal(await shop.getAttribute('aria-expanded'), 'true');
    assert.equal(await shop.getAttribute('aria-posinset'), '1');
    assert.ok(+await shop.getAttribute('aria-setsize') > 1);
    assert.match(await text(shop), /502 Fault .*1\.28 s .*starts at 0\.0 ms/);
    await reads(row(page, /DynamoDB.*×12/), /N\+1\?/);
    await reads(row(page, /^mailer/).first(), /running .*> /);
    await shown(row(page, /^Inferred/));
    await shown(row(page, /Waiting for parent/i));
    await reads(row(page, /render_receipt/), /12 ms/);
    const n = await waterfall(page).getAttribute('aria-rowcount');
    assert.equal(+n, await waterfall(page).getByRole('row').count());
  });

  test('it begins at the cause of the fault', async page => {
    await open(page);
    await here(page, /bank\.example/);
    await reads(details(page), /Fault .*bank\.example .*What went wrong/);
  });

  test('j k, Home End, h l and arrows walk and fold', async page => {
    await open(page);
    await press(page, 'Home');
    await here(page, /^shop/);
    await focused(chosen(waterfall(page)));
    await press(page, 'j');
    await here(page, /^auth/);
    await at(page, /sel=/);
    await press(page, 'h');
    await counts(row(page, /session-cache/).filter({ hasNotText: 'Inferred' })
      .and(page.locator('[aria-level="3"]')), 0);
    assert.equal(await chosen(waterfall(page)).getAttribute('aria-expanded'),
      'false');
    await press(page, 'l');
    await until(async () => assert.equal(await chosen(waterfall(page))
      .getAttribute('aria-expanded'), 'true'));
    await press(page, 'l');
    await here(page, /^session-cache/);
    await press(page, 'ArrowLeft');
    await here(page, /^auth/);
    await press(page, 'ArrowLeft', 'ArrowLeft');
    await here(page, /^shop/);
    await press(page, 'ArrowLeft');
    await gone(row(page, /^auth/));
    await press(page, 'ArrowRight', 'ArrowRight');
    await here(page, /^auth/);
    await press(page, 'ArrowDown', 'ArrowUp', 'k');
    await here(page, /^shop/);
    await press(page, 'Enter');
    await until(async () => assert.equal(await chosen(waterfall(page))
      .getAttribute('aria-expanded'), 'false'));
    await press(page, 'Enter', 'End');
    await here(page, /render_receipt/);
    await focused(chosen(waterfall(page)));
  });

  test('a click chooses a row, one on its sign folds it', async page => {
    await open(page);
    await row(page, /^load_cart/).click();
    await here(page, /^load_cart/);
    await reads(details(page), /load_cart/);
    await row(page, /^load_cart/).locator('.tw').click();
    await until(async () => assert.equal(await row(page, /^load_cart/)
      .getAttribute('aria-expanded'), 'false'));
  });

  test('z zooms to the span, 0 shows all; the address knows', async page => {
    await open(page);
    await press(page, 'z');
    await at(page, /zoom=[\d.]+-[\d.]+/);
    const all = page.getByRole('button', { name: 'Show all' });
    await shown(all);
    await reads(page.locator('.mini'), /6\d\d ms – 1\.[23]\d s/);
    await page.reload();
    await shown(all);
    await press(page, '0');
    await gone(all);
    // Said in so many words, as this trace still runs.
    await at(page, /zoom=all/);
    await press(page, 'z');
    await all.click();
    await gone(all);
  });

  test('a drag in the mini-map zooms', async page => {
    await open(page);
    const b = await page.locator('.mini svg').first().boundingBox();
    await page.mouse.move(b.x + b.width * .25, b.y + 20);
    await page.mouse.down();
    await page.mouse.move(b.x + b.width * .4, b.y + 20);
    await page.mouse.move(b.x + b.width * .5, b.y + 20);
    await page.mouse.up();
    await shown(page.getByRole('button', { name: 'Show all' }));
    await at(page, /zoom=[\d.]+-[\d.]+/);
  });

  test('[ and ] go through the list, with its filter', async page => {
    await relay().clear();
    await some(relay(), 9, i => ({ status: i % 2 ? 500 : 200 }));
    await page.goto('/#/traces?filter=fault');
    await counts(rows(page), 4);
    await press(page, 'j', 'Enter');
    const title = name => shown(page.getByRole('heading', { level: 1, name }));
    await title('GET /item/1');
    await reads(page.locator('.hd'), /1 of 4/);
    await press(page, ']');
    await title('GET /item/3');
    await at(page, /filter=fault/);
    await press(page, ']', ']');
    await title('GET /item/7');
    await press(page, ']');
    await title('GET /item/7');
    await press(page, '[');
    await title('GET /item/5');
    await press(page, 'Escape');
    await counts(rows(page), 4);
    await reads(chosen(list(page)), /\/item\/5/);
  });

  test('copy as', async page => {
    await open(page);
    await shown(details(page).getByRole('tab', { name: 'Exceptions' }));
    const item = name => page.getByRole('menuitem', { name });
    const copies = async (name, check) => {
      await press(page, 'c');
      await item(name).click();
      await gone(item(name));
      await until(async () => check(await clipboard(page)));
    };
    const has = (...parts) => got => {
      for (const p of parts) assert.ok(got.includes(p), `${p} in ${got}`);
    };
    await copies('Link', has(relay().url + '/#/trace/' + story.id));
    await copies('Trace id', got => assert.equal(got, story.id));
    await copies('JSON', got => {
      const { Id, Segments } = JSON.parse(got);
      assert.equal(Id, story.id);
      assert.deepEqual(Segments.map(s => JSON.parse(s.Document).name).sort(),
        story.documents.map(d => d.name).sort());
    });
    await copies('AWS CLI', has('aws xray batch-get-traces --trace-ids',
      story.id));
    await copies('curl', has('curl -X \'POST\'',
      '\'https://bank.example/v2/charges\''));
    await copies('Markdown', has('**POST /pay**', '502', 'bank.example', '```'));
    await copies('Filter', has('service(id(name: "shop"', 'fault',
      'http.method = "POST"'));
    await reads(page.getByRole('status'), /Copied/);
    // What was copied is a filter that finds the trace.
    await page.goto('/#/traces?filter=' +
      encodeURIComponent(await clipboard(page)));
    await counts(rows(page), 1);
  });

  test('the copy menu by keys', async page => {
    await open(page);
    const button = page.getByRole('button', { name: 'Copy as' });
    await press(page, 'c');
    await focused(page.getByRole('menuitem').first());
    assert.equal(await button.getAttribute('aria-expanded'), 'true');
    await press(page, 'ArrowDown');
    await focused(page.getByRole('menuitem').nth(1));
    await press(page, 'ArrowUp', 'ArrowUp');
    await focused(page.getByRole('menuitem').last());
    await press(page, 'Home');
    await focused(page.getByRole('menuitem').first());
    await press(page, 'Escape');
    await gone(page.getByRole('menu'));
    await focused(button);
    await shown(waterfall(page));
    await press(page, 'Enter');
    await focused(page.getByRole('menuitem').first());
    await press(page, 'ArrowDown', 'Enter');
    await until(async () => assert.equal(await clipboard(page), story.id));
  });

  test('s pins, d marks for a diff', async page => {
    await open(page);
    const pin = page.getByRole('button', { name: 'Pin' });
    await press(page, 's');
    await until(async () => assert.equal(await pin.getAttribute('aria-pressed'),
      'true'));
    assert.equal((await relay().get('/api/traces')).traces[0].pinned, true);
    await pin.click();
    await until(async () => assert.equal(await pin.getAttribute('aria-pressed'),
      'false'));
    await press(page, 'd');
    await reads(page.locator('.banner'), new RegExp(story.id));
    await page.getByRole('button', { name: 'Take the mark away' }).click();
    await gone(page.locator('.banner'));
  });

  test('what comes in goes to its place; the chosen row stays', async page => {
    await relay().clear();
    const start = Date.now() / 1000 - 1, root = request(start, { seed: 90,
      path: '/grow', milli: 900 }), { id, trace_id } = root;
    const { end_time, http, ...open1 } = root;
    const sub = (n, more) => ({ type: 'subsegment', name: 'step-' + n, trace_id,
      id: String(n).repeat(16), parent_id: id, start_time: start + n / 10,
      end_time: start + n / 10 + .05, ...more });
    await relay().put([{ ...open1, in_progress: true,
      http: { request: http.request } }, sub(4)]);
    await page.goto('/#/trace/' + trace_id);
    await row(page, /step-4/).click();
    await reads(row(page, /^web/), /running/);
    const first = await text(row(page, /^web/));
    await until(async () => assert.notEqual(await text(row(page, /^web/)),
      first)); // the running bar grows
    await relay().send(sub(2));
    await shown(row(page, /step-2/));
    await here(page, /step-4/);
    const order = await waterfall(page).getByRole('row').allInnerTexts();
    assert.ok(order.findIndex(t => /step-2/.test(t)) <
      order.findIndex(t => /step-4/.test(t)));
    await relay().send(root);
    await until(async () => assert.match(await text(row(page, /^web/)),
      /900 ms/));
    assert.doesNotMatch(await text(row(page, /^web/)), /running/);
  });

  test('a trace that is not there', async page => {
    page.expect(/status (of )?404|status 404/);
    await page.goto('/#/trace/1-00000000-' + '0'.repeat(24));
    await shown(page.getByRole('heading', { name: 'This trace is gone' }));
    await page.getByRole('link', { name: 'Back to the list' }).click();
    await at(page, /^#\/traces/);
  });

  test('a trace that is deleted while it is shown', async page => {
    page.expect(/status (of )?404|status 404/);
    await open(page);
    await relay().clear();
    await shown(page.getByRole('heading', { name: 'This trace is gone' }));
  });

  test('links between traces, both ways', async page => {
    const now = Date.now() / 1000, first = request(now - 2, { seed: 31 });
    const second = { ...request(now - 1, { seed: 32, path: '/taken' }),
      name: 'worker' };
    second.links = [{ trace_id: first.trace_id, id: first.id,
      attributes: { 'aws.xray.relationship': 'parent' } }];
    await relay().put([first, second]);
    await page.goto('/#/trace/' + second.trace_id);
    await reads(details(page), /Links to 1-/);
    await page.locator('.note').getByRole('link').focus();
    await page.keyboard.press('Enter');
    await at(page, new RegExp(`^#/trace/${first.trace_id}\\?sel=${first.id}`));
    await reads(page.locator('.note'), /Other traces linked from worker 1-/);
    await details(page).getByRole('link', { name: /^worker 1-/ }).click();
    await at(page, new RegExp(`^#/trace/${second.trace_id}`));
    await reads(page.locator('h1'), /\/taken/);
  });

  test('narrow: one menu has it all', { width: 360, height: 760 }, async page => {
    await open(page);
    const more = page.getByRole('button', { name: 'More' });
    await more.click();
    const menu = page.getByRole('menu'), box = await menu.boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= 360, JSON.stringify(box));
    await page.getByRole('menuitem', { name: 'Copy trace id' }).click();
    await until(async () => assert.equal(await clipboard(page), story.id));
    await more.click();
    await page.getByRole('menuitem', { name: 'Diff' }).click();
    await reads(page.locator('.banner'), new RegExp(story.id));
  });

  test('narrow: details in a sheet', { width: 360, height: 760 }, async page => {
    await open(page);
    await row(page, /^load_cart/).click();
    await reads(page.locator('.sheet'), /load_cart .*52 ms/);
    await counts(details(page), 0);
    await page.getByRole('button', { name: 'Details' }).click();
    await reads(details(page), /load_cart/);
    const height = async () => (await details(page).boundingBox()).height;
    const half = await height();
    await page.getByRole('button', { name: 'Whole height' }).click();
    await until(async () => assert.ok(await height() > 1.5 * half));
    await page.getByRole('button', { name: 'Close the details' }).click();
    await gone(details(page));
  });
});
