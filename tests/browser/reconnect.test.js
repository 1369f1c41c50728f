// SPDX-License-Identifier: Apache-2.0
// The program goes away and comes back at the same port while the page is open.
'use strict';
const assert = require('node:assert/strict');
const { counts, reads, shown, suite } = require('./lib/suite.js');
const { list, rows, some, waterfall } = require('./lib/views.js');
const { request } = require('./lib/documents.js');

suite('reconnect', (test, relay) => {
  const banner = page => page.getByRole('banner');

  test('the list says so, keeps its rows, and goes on', async page => {
    await some(relay(), 3);
    await page.goto('/');
    await counts(rows(page), 3);
    await reads(banner(page), /Live/);
    await relay().stop();
    await reads(banner(page), /Not connected/);
    await counts(rows(page), 3);
    await relay().start();
    // A new run with an empty store: what was is gone, what comes is shown.
    await shown(page.getByRole('heading', { name: 'Waiting for the first' }));
    await reads(banner(page), /Listening/);
    await relay().send(request(Date.now() / 1000, { seed: 9, path: '/again' }));
    await reads(rows(page), /\/again/);
  });

  test('traces that came meanwhile are there', async page => {
    await relay().clear();
    await some(relay(), 2);
    await page.goto('/');
    await counts(rows(page), 2);
    await relay().stop();
    await reads(banner(page), /Not connected/);
    await relay().start();
    await some(relay(), 4);
    await reads(banner(page), /Live/);
    await counts(rows(page), 4);
    await relay().send(request(Date.now() / 1000, { seed: 9, path: '/more' }));
    await counts(rows(page), 5);
    assert.equal(await list(page).count(), 1);
  });

  test('a waterfall stays while the program is away', async page => {
    page.expect(/status (of )?404|status 404/);
    await relay().clear();
    const one = request(Date.now() / 1000, { seed: 10, path: '/stays' });
    await relay().put([one]);
    await page.goto('/#/trace/' + one.trace_id);
    await shown(waterfall(page).getByRole('row'));
    await relay().stop();
    await reads(banner(page), /Not connected/);
    await counts(waterfall(page).getByRole('row'), 1);
    await relay().start();
    await shown(page.getByRole('heading', { name: 'This trace is gone' }));
    await relay().put([one]);
    await shown(waterfall(page).getByRole('row'));
  });

  // The stream is opened only when this has come, and its event is told.
  async function beforeStream(page, documents) {
    let first = true;
    await page.route('**/api/events*', async r => {
      if (first) {
        first = false;
        const told = event(relay().url, documents[0].trace_id);
        await told.open;
        await relay().put(documents);
        await told.come;
      }
      await r.continue();
    });
  }

  test('what comes before the stream is open is in the list', async page => {
    await relay().clear();
    await some(relay(), 2);
    await beforeStream(page, [request(Date.now() / 1000, { seed: 11 })]);
    await page.goto('/');
    await counts(rows(page), 3);
  });

  test('what comes before the stream is open is in the waterfall',
    async page => {
      await relay().clear();
      const now = Date.now() / 1000, one = request(now, { seed: 12 });
      await relay().put([one]);
      await beforeStream(page, [{ ...request(now, { seed: 13 }),
        trace_id: one.trace_id, parent_id: one.id }]);
      await page.goto('/#/trace/' + one.trace_id);
      await counts(waterfall(page).getByRole('row'), 2);
    });
});

// A stream of our own, until it tells of a trace.
function event(url, id) {
  let isOpen;
  const open = new Promise(r => { isOpen = r; });
  const come = (async () => {
    const stop = new AbortController(), text = new TextDecoder();
    const r = await fetch(url + '/api/events', { signal: stop.signal });
    let all = '';
    for await (const piece of r.body) {
      isOpen();
      all += text.decode(piece, { stream: true });
      if (all.includes(id)) break;
    }
    stop.abort();
  })();
  return { open, come };
}
