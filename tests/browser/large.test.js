// SPDX-License-Identifier: Apache-2.0
// A trace of 10,000 spans: it is whole, only what is in view is in the document,
// and how quick it is is printed (a loaded machine must not fail the tests).
'use strict';
const assert = require('node:assert/strict');
const { at, reads, shown, suite, text, until } = require('./lib/suite.js');
const { chosen, waterfall } = require('./lib/views.js');
const { large } = require('./lib/documents.js');

const SPANS = 10000;

suite('large', (test, relay) => {
  const trace = large(Date.now() / 1000 - 30, SPANS);
  const open = async page => {
    await relay().put(trace.documents);
    await page.addInitScript(() => {
      window.tasks = [];
      new PerformanceObserver(l => window.tasks.push(...l.getEntries()
        .map(e => Math.round(e.duration)))).observe({ type: 'longtask',
        buffered: true });
    });
    await page.goto('/#/traces');
    await shown(page.getByRole('grid', { name: 'Traces' }).getByRole('link'));
  };
  const scroller = '[role=treegrid]';

  test('the first paint, the scroll', async page => {
    await open(page);
    const paint = await page.evaluate(([id, sel]) => new Promise(done => {
      const began = performance.now();
      const look = () => document.querySelector(sel + ' [role=row]')
        ? requestAnimationFrame(() => setTimeout(() =>
          done(performance.now() - began)))
        : requestAnimationFrame(look);
      location.hash = '#/trace/' + id;
      look();
    }), [trace.id, scroller]);
    await reads(page.locator('.facts'), /10 000 spans/);

    // All rows open, so that there is something to scroll.
    await page.keyboard.press('Home');
    const rows = +await waterfall(page).getAttribute('aria-rowcount');
    await page.evaluate(() => { window.tasks.length = 0; });
    const steady = await scrollBy(page, scroller, 60, 120);
    const jumps = await scrollBy(page, scroller, 30, 5000);
    console.log(`     10,000 spans: first rows after ${Math.round(paint)} ms` +
      ` (wanted: < 1000)\n     scrolling, ${rows} rows: ${figures(steady)};` +
      ` jumping: ${figures(jumps)} (wanted: none over 50)`);
    const n = await waterfall(page).getByRole('row').count();
    assert.ok(n > 10 && n < 120, `${n} rows are in the document`);
  });

  test('opened whole, to its last row and back', async page => {
    await open(page);
    await page.goto('/#/trace/' + trace.id);
    await shown(waterfall(page).getByRole('row'));
    await page.keyboard.press('Home');
    const rows = async () => +await waterfall(page).getAttribute('aria-rowcount');
    const before = await rows();
    // The first closed segment: open it.
    const closed = waterfall(page).getByRole('row', { expanded: false });
    await until(async () => {
      if (await closed.count()) return true;
      await waterfall(page).evaluate(e => { e.scrollTop += 600; });
      return false;
    });
    await closed.last().click();
    await page.keyboard.press('l');
    await until(async () => await rows() > before);
    await page.keyboard.press('End');
    await until(async () => assert.equal(+await chosen(waterfall(page))
      .getAttribute('aria-rowindex'), await rows()));
    await page.keyboard.press('Home');
    await reads(chosen(waterfall(page)), /^batch/);
    await page.keyboard.press('z');
    await at(page, /sel=/);
    assert.match(await text(page.locator('.facts')), /10 000 spans/);
  });
});

// Scrolls by steps, one a frame; gives the frames' and the long tasks' times.
function scrollBy(page, selector, steps, by) {
  return page.evaluate(async ([sel, n, step]) => {
    const box = document.querySelector(sel), frames = [];
    const frame = () => new Promise(r => requestAnimationFrame(r));
    window.tasks.length = 0;
    let last = await frame(), way = 1;
    for (let i = 0; i < n; i++) {
      const most = box.scrollHeight - box.clientHeight;
      if (box.scrollTop + way * step > most || box.scrollTop + way * step < 0)
        way = -way;
      box.scrollTop += way * step;
      const now = await frame();
      frames.push(now - last);
      last = now;
    }
    await frame();
    return { frames: frames.sort((a, b) => a - b), tasks: window.tasks };
  }, [selector, steps, by]);
}

function figures({ frames, tasks }) {
  return `frames ${Math.round(frames[frames.length >> 1])} ms median, ` +
    `${Math.round(frames.at(-1))} ms longest, long tasks ${tasks.length
      ? tasks.join(' ') + ' ms' : 'none'}`;
}
