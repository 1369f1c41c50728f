// SPDX-License-Identifier: Apache-2.0
// Pictures of every view, to be looked at: 360, 1024 and 1440 px, light and
// dark, few traces and many. node tests/browser/shots.js DIR [NAME…]
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { startRelay } = require('./lib/relay.js');
const { startBrowser } = require('./lib/browser.js');
const { payment, traffic } = require('./lib/documents.js');

const widths = [[360, 760], [1024, 800], [1440, 900]];

async function main(dir, only) {
  fs.mkdirSync(dir, { recursive: true });
  const now = Date.now() / 1000, few = await startRelay(),
    many = await startRelay(), empty = await startRelay();
  const story = payment(now - 2);
  await few.put(story.documents);
  await many.put(traffic(now - 3, 700, 1.2));
  await many.put(story.documents);
  await many.send({ name: 'shop', id: '00', trace_id: '1-692f-8c02be77',
    start_time: 1 });
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
    ['bad', many, '#/traces?filter=responsetime+%3E%3D'], ['help', many, '#/live']];
  const browser = await startBrowser();
  try {
    for (const scheme of ['light', 'dark'])
      for (const [width, height] of widths) {
        const page = await browser.page({ width, height, scheme });
        for (const [name, relay, hash] of views) {
          const file = `${name}-${width}-${scheme}`;
          if (only.length && !only.some(o => file.includes(o))) continue;
          await page.goto('about:blank');
          await page.goto(relay.url + '/' + hash);
          await page.waitForTimeout(name === 'live' ? 3500 : 900);
          if (name === 'help') await page.keyboard.press('?');
          await page.screenshot({ path: path.join(dir, file + '.png') });
        }
        if (page.errors.length) console.log(width, scheme, page.errors);
        await page.context().close();
      }
  } finally {
    await browser.close();
    await Promise.all([few, many, empty].map(r => r.stop()));
  }
}

main(process.argv[2], process.argv.slice(3)).catch(e => {
  console.error(e);
  process.exitCode = 1;
});
