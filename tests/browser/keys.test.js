// SPDX-License-Identifier: Apache-2.0
// Every key of the list and of the page as a whole; the waterfall's are in
// trace.test.js, the map's in map.test.js.
'use strict';
const assert = require('node:assert/strict');
const { at, counts, focused, gone, reads, shown, suite, until }
  = require('./lib/suite.js');
const { chosen, filter, list, rows, some } = require('./lib/views.js');

suite('keys', (test, relay) => {
  const ready = async page => {
    await relay().clear();
    await some(relay(), 30);
    await page.goto('/');
    await shown(rows(page));
  };
  const press = async (page, ...keys) => {
    for (const k of keys) await page.keyboard.press(k);
  };
  const here = (page, pattern) => reads(chosen(list(page)), pattern);

  test('j k, arrows, Home and End move the row and the focus', async page => {
    await ready(page);
    await press(page, 'j');
    await here(page, /\/item\/0/);
    await focused(chosen(list(page)));
    await press(page, 'j', 'j');
    await here(page, /\/item\/2/);
    await press(page, 'k');
    await here(page, /\/item\/1/);
    await press(page, 'ArrowDown', 'ArrowDown', 'ArrowUp');
    await here(page, /\/item\/2/);
    await press(page, 'End');
    await here(page, /\/item\/29/);
    await press(page, 'j');
    await here(page, /\/item\/29/);
    await press(page, 'Home');
    await here(page, /\/item\/0/);
    await press(page, 'PageDown');
    await here(page, /\/item\/\d\d/);
    await press(page, 'PageUp');
    await here(page, /\/item\/0/);
    await focused(chosen(list(page)));
  });

  test('Enter opens, Escape goes up, to the row it came from', async page => {
    await ready(page);
    await press(page, 'j', 'j', 'j', 'Enter');
    await shown(page.getByRole('heading', { name: 'GET /item/2' }));
    await at(page, /^#\/trace\/1-/);
    await press(page, 'Escape');
    await shown(list(page));
    await here(page, /\/item\/2/);
    await press(page, 'Enter');
    await shown(page.getByRole('heading', { name: 'GET /item/2' }));
    await page.goBack();
    await here(page, /\/item\/2/);
  });

  test('Back shows the list where it was', async page => {
    await relay().clear();
    await some(relay(), 120);
    await page.goto('/');
    await shown(rows(page));
    await list(page).evaluate(e => { e.scrollTop = 1400; });
    const row = list(page).getByRole('link', { name: '/item/60' });
    await row.click();
    await shown(page.getByRole('heading', { name: 'GET /item/60' }));
    await page.goBack();
    await shown(row);
    await until(async () => assert.equal(await list(page).evaluate(
      e => e.scrollTop), 1400));
  });

  test('s pins and takes the pin away', async page => {
    await ready(page);
    await press(page, 'j', 's');
    await reads(chosen(list(page)), /pinned/);
    const { traces } = await relay().get('/api/traces?limit=1');
    assert.equal(traces[0].pinned, true);
    await press(page, 's');
    await until(async () => assert.doesNotMatch(await chosen(list(page))
      .innerText(), /pinned/));
  });

  test('d marks, d on another compares', async page => {
    await ready(page);
    await press(page, 'j', 'd');
    await reads(page.locator('.banner'), /Marked for a diff: 1-/);
    await press(page, 'd');
    await gone(page.locator('.banner'));
    await press(page, 'd', 'j', 'd');
    await at(page, /^#\/diff\/1-[^/]+\/1-/);
    await shown(page.getByRole('heading', { name: 'A against B' }));
    await press(page, 'Escape');
    await shown(list(page));
  });

  test('g and a letter go to a view', async page => {
    await ready(page);
    for (const [key, view, title] of [['m', 'map', 'Map'], ['l', 'live', 'Live'],
      ['s', 'sampling', 'Sampling'], ['t', 'traces', 'Traces']]) {
      await press(page, 'g', key);
      await at(page, new RegExp('^#/' + view));
      await shown(page.getByRole('heading', { level: 1, name: title }));
      await until(async () => assert.equal(await page.title(),
        title + ' · xray-relay local'));
      await shown(page.getByRole('navigation', { name: 'Views' })
        .getByRole('link', { name: title }).and(
          page.locator('[aria-current=page]')));
    }
    for (const from of ['map', 'live', 'sampling']) {
      await page.goto('/#/' + from);
      await shown(page.getByRole('heading', { level: 1, name:
        new RegExp(from, 'i') }));
      await press(page, 'Escape');
      await at(page, /^#\/traces/);
    }
  });

  test('? shows the keys, Escape closes them', async page => {
    await ready(page);
    await press(page, '?');
    const dialog = page.getByRole('dialog', { name: 'Keys' });
    await reads(dialog, /mark for a diff.*zoom to the span/);
    await press(page, 'Escape');
    await gone(dialog);
    await shown(list(page));
    await page.getByRole('button', { name: 'Keys' }).click();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await gone(dialog);
  });

  test('none acts in a field, nor with Ctrl, Alt or Meta', async page => {
    await ready(page);
    await press(page, '/');
    await focused(filter(page));
    await page.keyboard.type('gtjkdsp?');
    assert.equal(await filter(page).inputValue(), 'gtjkdsp?');
    await counts(page.getByRole('dialog'), 0);
    await counts(chosen(list(page)), 0);
    await press(page, 'Escape', 'Escape');
    await press(page, 'Alt+j', 'Meta+j', 'Control+p', 'j');
    await here(page, /\/item\/0/);
    await shown(page.getByRole('button', { name: 'Pause' }));
  });

  test('single letters can be switched off, and stay off', async page => {
    await ready(page);
    await press(page, '?');
    await page.getByRole('checkbox', { name: /Switch off the keys/ }).check();
    await press(page, 'Escape');
    await press(page, 'p', 'j');
    await press(page, 'ArrowDown');
    await here(page, /\/item\/0/);
    await shown(page.getByRole('button', { name: 'Pause' }));
    await page.reload();
    await shown(rows(page));
    await press(page, 'p', 'ArrowDown');
    await here(page, /\/item\/1/);
    await shown(page.getByRole('button', { name: 'Pause' }));
    await press(page, '?');
    await page.getByRole('checkbox', { name: /Switch off the keys/ }).uncheck();
    await press(page, 'Escape', 'p');
    await shown(page.getByRole('button', { name: 'Go on' }));
  });

  test('Tab reaches everything and shows where it is', async page => {
    await ready(page);
    const seen = [];
    for (let i = 0; i < 30 && !seen.includes('row'); i++) {
      await press(page, 'Tab');
      seen.push(await page.evaluate(() => {
        const e = document.activeElement, box = e.closest('.fb') ?? e;
        const s = getComputedStyle(e.role === 'combobox' ? box : e);
        if (s.outlineStyle === 'none' && s.boxShadow === 'none')
          return `${e.outerHTML.slice(0, 80)} shows no focus`;
        return e.getAttribute('role') ?? e.textContent.trim();
      }));
    }
    assert.deepEqual(seen.filter(s => /no focus/.test(s)), []);
    for (const what of ['Traces', 'Map', 'Live', 'Sampling', 'combobox',
      'radio', 'Pause', 'Columns', 'row'])
      assert.ok(seen.includes(what), `${what} of ${seen}`);
  });
});
