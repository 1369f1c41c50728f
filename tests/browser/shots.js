// SPDX-License-Identifier: Apache-2.0
// Pictures of every view, to be looked at: 360, 1024 and 1440 px, light and
// dark, few traces and many. node tests/browser/shots.js DIR [NAME…]
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { startRelay } = require('./lib/relay.js');
const { startBrowser } = require('./lib/browser.js');
const { hostile, payment, request, traffic } = require('./lib/documents.js');

const widths = [[360, 760], [1024, 800], [1440, 900]];

async function main(dir, only) {
  fs.mkdirSync(dir, { recursive: true });
  const now = Date.now() / 1000, few = await startRelay(),
    many = await startRelay(), empty = await startRelay(),
    bad = await startRelay({ args: ['--redact', 'password'] }),
    runs = fs.mkdtempSync(path.join(os.tmpdir(), 'shots-')), kept =
      await startRelay({ store: 'run', env: { XDG_STATE_HOME: runs } });
  const story = payment(now - 2);
  await few.put(story.documents);
  await many.put(traffic(now - 3, 700, 1.2));
  await many.put(story.documents);
  await many.send({ name: 'shop', id: '00', trace_id: '1-692f-8c02be77',
    start_time: 1 });
  const evil = hostile(now - 2), secret = request(now - 1, { path: '/login' });
  await bad.put(evil.documents);
  await bad.put([{ ...secret, metadata: { default: { password: 'x' } } }]);
  await kept.put(story.documents);
  await kept.stop();
  await kept.start();
  await kept.put(traffic(now - 3, 20, 1.2));
  const [, before] = (await kept.get('/api/runs')).runs;
  const graph = await (await fetch(many.url + '/api/graph')).json();
  const pay = graph.nodes.find(n => n.name === 'pay' && !n.client);
  const node = encodeURIComponent(pay.name + '\0' + pay.type);
  const list = await (await fetch(many.url + '/api/traces?limit=50&filter=' +
    encodeURIComponent('http.url CONTAINS "/pay"'))).json();
  const views = [['empty', empty, '#/traces'], ['list-few', few, '#/traces'],
    ['list-many', many, '#/traces'], ['trace', many, '#/trace/' + story.id],
    ['trace-zoom', many, `#/trace/${story.id}?zoom=560-1320&tab=Exceptions`],
    ['map', many, '#/map?as=map&node=' + node], ['map-few', few, '#/map?as=map'],
    ['table', many, '#/map?as=table'], ['live', many, '#/live'],
    ['sampling', many, '#/sampling'],
    ['diff', many, `#/diff/${list.traces[1].id}/${story.id}`],
    ['nothing', many, '#/traces?filter=http.status%3D999'],
    ['bad', many, '#/traces?filter=responsetime+%3E%3D'], ['help', many, '#/live'],
    ['hostile-list', bad, '#/traces'], ['hostile-trace', bad,
      '#/trace/' + evil.id], ['hostile-map', bad, '#/map?as=map'],
    ['redacted', bad, `#/trace/${secret.trace_id}?tab=Metadata`],
    ['runs', kept, '#/runs'], ['run', kept, `?run=${before.name}#/traces`],
    ['full', many, '#/traces'], ['typed', many, '#/traces'],
    ['away', few, '#/traces']];
  const browser = await startBrowser();
  try {
    for (const scheme of ['light', 'dark'])
      for (const [width, height] of widths) {
        const page = await browser.page({ width, height, scheme });
        for (const [name, relay, hash] of views) {
          const file = `${name}-${width}-${scheme}`;
          if (only.length && !only.some(o => file.includes(o))) continue;
          await page.goto('about:blank');
          if (name === 'full') await page.route('**/api/health', r => r.fulfill(
            { json: { version: '1', store: { state: 'memory', message: 'The ' +
              'disk is full: the newest traces are kept in memory, tried ' +
              'again each 10 s.' } } }));
          await page.goto(relay.url + '/' + hash);
          await page.waitForTimeout(name === 'live' ? 3500 : 900);
          if (name === 'help') await page.keyboard.press('?');
          if (name === 'full') await page.unroute('**/api/health');
          if (name === 'typed') {
            await page.keyboard.press('/');
            await page.keyboard.type('annotation.');
            await page.waitForTimeout(900);
          }
          if (name === 'away') {
            await few.stop();
            await page.waitForTimeout(1500);
          }
          await page.screenshot({ path: path.join(dir, file + '.png') });
          if (name === 'away') {
            await few.start();
            await few.put(story.documents);
          }
        }
        if (page.errors.length) console.log(width, scheme, page.errors);
        await page.context().close();
      }
  } finally {
    await browser.close();
    await Promise.all([few, many, empty, bad, kept].map(r => r.stop()));
    fs.rmSync(runs, { recursive: true });
  }
}

main(process.argv[2], process.argv.slice(3)).catch(e => {
  console.error(e);
  process.exitCode = 1;
});
