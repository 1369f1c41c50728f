// SPDX-License-Identifier: Apache-2.0
// The filter box: running, errors with their column, completion, groups; and
// that the address holds what was asked for.
'use strict';
const assert = require('node:assert/strict');
const { at, counts, focused, gone, reads, shown, suite, until }
  = require('./lib/suite.js');
const { request } = require('./lib/documents.js');
const { filter, list, rows, some } = require('./lib/views.js');

suite('filter', (test, relay) => {
  const options = page => page.getByRole('listbox', { name: 'Completions' })
    .getByRole('option');
  const ready = async page => {
    await relay().clear();
    await some(relay(), 6, i => ({ status: i % 3 ? 200 : 500,
      annotations: { order_id: String(40 + i) } }));
    await page.goto('/');
    await counts(rows(page), 6);
  };

  test('Enter runs it; address, reload and Back know it', async page => {
    await ready(page);
    await filter(page).fill('fault');
    await filter(page).press('Enter');
    await counts(rows(page), 2);
    await at(page, /filter=fault$/);
    await filter(page).fill('annotation.order_id = "41"');
    await filter(page).press('Enter');
    await counts(rows(page), 1);
    await page.reload();
    await counts(rows(page), 1);
    assert.equal(await filter(page).inputValue(), 'annotation.order_id = "41"');
    await page.goBack();
    await counts(rows(page), 2);
    assert.equal(await filter(page).inputValue(), 'fault');
    await page.goBack();
    await counts(rows(page), 6);
    await page.goForward();
    await counts(rows(page), 2);
  });

  test('only what matches comes in live', async page => {
    await ready(page);
    await page.goto('/#/traces?filter=fault');
    await counts(rows(page), 2);
    await some(relay(), 8, i => ({ status: i === 7 ? 500 : 200, seed: 80 + i }));
    await counts(rows(page), 3);
    await reads(rows(page).filter({ hasText: '/item/7' }), /500/);
  });

  test('an error names its column, the rows stay', async page => {
    page.expect(/status (of )?400|status 400/);
    await ready(page);
    await filter(page).fill('fault');
    await filter(page).press('Enter');
    await counts(rows(page), 2);
    await filter(page).fill('responsetime >=');
    await filter(page).press('Enter');
    const alert = page.getByRole('alert');
    await reads(alert, /^Column 16: .*expected.*Rows below still use fault/);
    assert.equal(await filter(page).getAttribute('aria-invalid'), 'true');
    assert.equal(await filter(page).getAttribute('aria-describedby'),
      await alert.getAttribute('id'));
    await counts(rows(page), 2);
    await at(page, /responsetime >=/);
    await filter(page).fill('http.status = 500 AND bogus.word = 3');
    await filter(page).press('Enter');
    await reads(alert, /^Column 23: /);
    await filter(page).fill('ok');
    await filter(page).press('Enter');
    await gone(alert);
    await counts(rows(page), 4);
    assert.equal(await filter(page).getAttribute('aria-invalid'), null);
  });

  test('a pasted address with a bad filter says so', async page => {
    page.expect(/status (of )?400|status 400/);
    await relay().clear();
    await some(relay(), 1);
    await page.goto('/#/traces?filter=' + encodeURIComponent('http.status = "x"'));
    await reads(page.getByRole('alert'), /^Column 1\d: /);
  });

  test('completion of keywords, keys and values', async page => {
    await ready(page);
    await page.keyboard.press('/');
    await focused(filter(page));
    assert.equal(await filter(page).evaluate(e => e.spellcheck), false);
    await page.keyboard.type('annotation.or');
    await reads(options(page), /annotation\.order_id.* ×1.* \d+$/);
    assert.equal(await filter(page).getAttribute('aria-expanded'), 'true');
    await page.keyboard.press('Tab');
    await until(async () => assert.equal(await filter(page).inputValue(),
      'annotation.order_id'));
    await focused(filter(page));
    await page.keyboard.type(' = ');
    await reads(options(page).first(), /^"4\d"/);
    const first = await options(page).nth(0).innerText();
    await page.keyboard.press('ArrowDown');
    const second = options(page).and(page.getByRole('option',
      { selected: true }));
    await until(async () => assert.notEqual(await second.innerText(), first));
    assert.equal(await filter(page).getAttribute('aria-activedescendant'),
      await second.getAttribute('id'));
    await page.keyboard.press('ArrowUp');
    await until(async () => assert.equal(await second.innerText(), first));
    await page.keyboard.press('Tab');
    await until(async () => assert.match(await filter(page).inputValue(),
      /^annotation\.order_id = "4\d"$/));
    await page.keyboard.press('Enter');
    await counts(rows(page), 1);
    await gone(options(page));
  });

  test('a completion takes in what was typed since', async page => {
    await ready(page);
    await page.keyboard.press('/');
    await focused(filter(page));
    await page.keyboard.type('annotation.o');
    await reads(options(page), /annotation\.order_id/);
    // From here on no answer comes.
    await page.route('**/api/complete*', () => {});
    await page.keyboard.type('r');
    await page.keyboard.press('Tab');
    await until(async () => assert.equal(await filter(page).inputValue(),
      'annotation.order_id'));
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  });

  test('Escape closes the completion, then leaves the field', async page => {
    await ready(page);
    await filter(page).fill('http.s');
    await shown(options(page));
    await page.keyboard.press('Escape');
    await gone(options(page));
    await focused(filter(page));
    await page.keyboard.press('Escape');
    await until(() => filter(page).evaluate(e => e !== document.activeElement));
    await counts(rows(page), 6);
  });

  test('a click chooses a completion', async page => {
    await ready(page);
    await filter(page).fill('http.st');
    await options(page).filter({ hasText: 'http.status' }).click();
    await until(async () => assert.equal(await filter(page).inputValue(),
      'http.status'));
    await focused(filter(page));
  });

  test('nothing matches: what is there, and a way back', async page => {
    await ready(page);
    await page.goto('/#/traces?filter=http.status%3D999');
    await shown(page.getByRole('heading', { name: 'Nothing matches' }));
    await reads(page.locator('main'), /6 traces in the last 15 minutes/);
    await page.getByRole('button', { name: 'Clear filter' }).click();
    await counts(rows(page), 6);
    assert.equal(await filter(page).inputValue(), '');
    await filter(page).fill('fault');
    await filter(page).press('Enter');
    await counts(rows(page), 2);
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await counts(rows(page), 6);
  });

  test('a filter is kept as a group of X-Ray', async page => {
    page.expect(/status (of )?400|status 400/);
    await ready(page);
    await filter(page).fill('fault');
    await filter(page).press('Enter');
    const saved = page.getByRole('button', { name: 'Saved filters' });
    const name = page.getByLabel('Save this filter as');
    await saved.click();
    await name.fill('broken');
    await page.keyboard.press('Enter');
    await reads(page.getByRole('status'), /Saved: group\.name = "broken"/);
    await page.keyboard.press('Escape');
    await gone(name);
    await filter(page).fill('group.name = "broken"');
    await filter(page).press('Enter');
    await counts(rows(page), 2);
    await saved.click();
    await name.fill('broken');
    await page.keyboard.press('Enter');
    await reads(page.getByRole('alert'), /group of this name already/);
    await page.getByRole('button', { name: /^broken/ }).click();
    await gone(name);
    assert.equal(await filter(page).inputValue(), 'fault');
    await saved.click();
    await page.getByRole('button', { name: 'Delete broken' }).click();
    await gone(page.getByRole('button', { name: /^broken/ }));
    assert.equal(await list(page).count(), 1);
  });

  test('narrow: saved filters', { width: 360, height: 760 }, async page => {
    await relay().clear();
    await some(relay(), 4, i => ({ status: i % 2 ? 500 : 200 }));
    await page.goto('/#/traces?filter=fault');
    await counts(rows(page), 2);
    const saved = page.getByRole('button', { name: 'Saved filters' });
    await saved.click();
    const name = page.getByRole('textbox', { name: 'Save this filter as' });
    await name.fill('on-the-phone');
    const box = await page.locator('.save').boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= 360, JSON.stringify(box));
    await name.press('Enter');
    await shown(page.getByRole('button', { name: /^on-the-phone/ }));
    await page.keyboard.press('Escape');
    await gone(name);
    await page.goto('/#/traces');
    await counts(rows(page), 4);
    await saved.click();
    await page.getByRole('button', { name: /^on-the-phone/ }).click();
    await counts(rows(page), 2);
    await saved.click();
    await page.getByRole('button', { name: 'Delete on-the-phone' }).click();
    await gone(page.getByRole('button', { name: /^on-the-phone/ }));
  });

  test('what is no filter is searched for as text', async page => {
    page.expect(/400/);
    await relay().clear();
    await some(relay(), 3, i => ({ metadata: { default: { word: 'w' + i } } }));
    await page.goto('/');
    await counts(rows(page), 3);
    await filter(page).fill('w1');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Search all text' }).click();
    await at(page, /q=w1/);
    await counts(rows(page), 1);
    await reads(page.locator('.note'), /Only traces in which the text w1 stands/);
    // The stream knows nothing of the text: what comes does not come in.
    await relay().put([request(Date.now() / 1000, { seed: 21, path: '/else' })]);
    await reads(page.getByRole('banner'), /4 traces/);
    await counts(rows(page), 1);
    await rows(page).getByRole('link').click();
    await page.keyboard.press('Escape');
    await counts(rows(page), 1);
    await page.getByRole('button', { name: 'All traces' }).click();
    await counts(rows(page), 4);
  });
});
