// SPDX-License-Identifier: Apache-2.0
// What holds for every view: accessible in both colour schemes (axe-core), no
// sideways scroll at 360 and 1440 px, the strict policy, no request to others;
// theme, reduced motion.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const { at, reads, shown, suite, until } = require('./lib/suite.js');
const { filter, list, rows, some, waterfall } = require('./lib/views.js');
const { payment, traffic } = require('./lib/documents.js');

const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

suite('page', (test, relay) => {
  const now = Date.now() / 1000, a = payment(now - 60, 8), b = payment(now - 5);
  let filled = false;
  const fill = async () => {
    if (filled) return;
    filled = true;
    await relay().put([...traffic(now - 8, 60, 2), ...a.documents,
      ...b.documents]);
    await relay().send({ name: 'bad', id: '0'.repeat(16), start_time: 1,
      end_time: 2, trace_id: '1-692f-8c02be77' });
  };

  // name, hash, what tells that it is there, what to do then
  const views = [
    ['list', '#/traces', page => shown(rows(page))],
    ['list with a chosen row', '#/traces', async page => {
      await shown(rows(page));
      await page.keyboard.press('j');
      await shown(list(page).getByRole('row', { selected: true }));
    }],
    ['completion', '#/traces', async page => {
      await filter(page).fill('http.st');
      await shown(page.getByRole('option'));
    }],
    ['filter error', '#/traces?filter=' + encodeURIComponent('responsetime >='),
      page => shown(page.getByRole('alert'))],
    ['nothing matches', '#/traces?filter=http.status%3D999',
      page => shown(page.getByRole('heading', { name: 'Nothing matches' }))],
    ['waterfall', '#/trace/' + b.id, page =>
      shown(waterfall(page).getByRole('row', { selected: true }))],
    ...['HTTP', 'Annotations', 'Metadata', 'Exceptions', 'Raw'].map(tab =>
      [`details, ${tab}`, `#/trace/${b.id}?tab=${tab}`, async page => {
        await shown(waterfall(page).getByRole('row'));
        if (page.viewportSize().width > 1100)
          await shown(page.getByRole('tab', { name: tab, selected: true }));
      }]),
    ['details, SQL', `#/trace/${b.id}?tab=SQL&sel=${
      b.documents[0].subsegments[1].subsegments[0].id}`,
    page => shown(waterfall(page).getByRole('row'))],
    ['map', '#/map?as=map', page => shown(page.locator('.mapw')
      .getByRole('button', { name: /^shop/ }))],
    ['map, a node', '#/map?as=map&node=' + encodeURIComponent(
      'pay\0AWS::EC2::Instance'), page => shown(page.getByRole('button',
      { name: 'Traces through it' }))],
    ['table', '#/map?as=table', page => shown(page.getByRole('table'))],
    ['live', '#/live', page => shown(page.getByText('InvalidTraceId'))],
    ['sampling', '#/sampling', page => shown(page.getByRole('row',
      { name: /^Default/ }))],
    ['new rule', '#/sampling', async page => {
      await page.getByRole('button', { name: 'New rule' }).click();
      await shown(page.getByRole('textbox', { name: 'Priority' }));
    }],
    ['diff', `#/diff/${a.id}/${b.id}`, page => shown(page.getByRole('treegrid'))],
    ['keys', '#/live', async page => {
      await page.keyboard.press('?');
      await shown(page.getByRole('dialog'));
    }],
    ['gone', '#/trace/1-00000000-' + '0'.repeat(24),
      page => shown(page.getByRole('heading', { name: 'gone' }))],
    ['no such view', '#/nonsense',
      page => shown(page.getByRole('heading', { name: 'no view' }))],
  ];

  // Each view in turn, from nothing.
  const each = async (page, look) => {
    page.expect(/status (of )?40[04]|status 40[04]/);
    await fill();
    for (const [name, hash, ready] of views) {
      await page.goto('about:blank');
      await page.goto('/' + hash);
      await ready(page);
      await look(name);
    }
  };

  const findings = async page => {
    const { violations } = await page.evaluate(AXE + `;axe.run(document,
      { resultTypes: ['violations'] })`);
    return violations.map(v => `${v.impact} ${v.id}: ${v.nodes.slice(0, 3)
      .map(n => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')).join('; ')}`);
  };
  const serious = of => of.filter(f => /^(serious|critical)/.test(f));

  const sideways = page => page.evaluate(() => {
    const d = document.scrollingElement;
    return d.scrollWidth - d.clientWidth;
  });

  for (const [scheme, width] of [['light', 1440], ['dark', 1440],
    ['light', 360], ['dark', 360]])
    test(`nothing serious by axe, nothing too wide: ${scheme}, ${width} px`,
      { scheme, width }, async page => {
        const bad = [], rest = new Map();
        await each(page, async name => {
          const e = await sideways(page);
          if (e) bad.push(`${name}: ${e} px too wide`);
          if (await page.locator('h1').count() !== 1)
            bad.push(`${name}: not one h1`);
          // Its contrast apart, a narrow dark view is a narrow light one.
          if (scheme === 'dark' && width === 360) return;
          for (const f of await findings(page))
            if (serious([f]).length) bad.push(`${name}: ${f}`);
            else rest.set(f.replace(/:.*/, ''), name);
        });
        for (const [f, name] of rest)
          console.log(`     axe, ${f}, as in ${name}`);
        assert.deepEqual(bad, []);
        assert.match(await page.title(), /xray-relay local$/);
        assert.equal(await page.locator('html').getAttribute('lang'), 'en');
      });

  test('the empty page too, in both schemes and widths', async page => {
    await relay().clear();
    filled = false;
    for (const scheme of ['light', 'dark'])
      for (const width of [1440, 360]) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.setViewportSize({ width, height: 800 });
        await page.goto('about:blank');
        await page.goto('/');
        await shown(page.getByRole('heading', { name: 'Waiting for the' }));
        assert.deepEqual(serious(await findings(page)), []);
        assert.equal(await sideways(page), 0);
      }
  });

  test('the policy is strict, and nobody else is asked', async page => {
    await fill();
    const answer = await page.goto('/');
    await shown(rows(page));
    const h = answer.headers();
    for (const part of ["default-src 'none'", "script-src 'self'",
      "style-src 'self'", "connect-src 'self'", "base-uri 'none'",
      "frame-ancestors 'none'", "form-action 'none'"])
      assert.ok(h['content-security-policy'].split(/; */).includes(part), part);
    assert.doesNotMatch(h['content-security-policy'], /unsafe|\*|http/);
    assert.equal(h['x-content-type-options'], 'nosniff');
    assert.equal(h['referrer-policy'], 'no-referrer');
    // It is in force: what is put in is not run (and so noted as a breach).
    page.expect(/policy:|Content Security Policy|violates/);
    const ran = await page.evaluate(async () => {
      const s = document.createElement('script');
      s.textContent = 'window.injected = 1';
      document.body.append(s);
      const other = await fetch('http://127.0.0.1:1/').then(() => true,
        () => false);
      return [window.injected, other];
    });
    assert.deepEqual(ran, [undefined, false]);
    await until(() => assert.ok(page.breaches >= 2));
  });

  test('every request goes to us; data is not stored', async page => {
    const uncached = [];
    page.on('response', r => {
      if (/\/(api|[A-Z])/.test(new URL(r.url()).pathname) &&
        !/no-store/.test(r.headers()['cache-control'] ?? ''))
        uncached.push(r.url());
    });
    await each(page, () => {});
    assert.ok(page.requested.length > 50);
    assert.deepEqual(page.requested.filter(u => !u.startsWith(relay().url + '/')
      && !/^(about|data|blob):/.test(u)), []);
    assert.deepEqual(uncached, []);
  });

  test('theme: the switch turns it round and is remembered', async page => {
    await fill();
    const ground = () => page.evaluate(() =>
      getComputedStyle(document.body).backgroundColor);
    await page.goto('/');
    await shown(rows(page));
    const light = await ground();
    await page.getByRole('button', { name: 'Switch light or dark' }).click();
    await until(async () => assert.notEqual(await ground(), light));
    const dark = await ground();
    await page.reload();
    await shown(rows(page));
    assert.equal(await ground(), dark);
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.equal(await ground(), dark);
    await page.getByRole('button', { name: 'Switch light or dark' }).click();
    await until(async () => assert.equal(await ground(), light));
  });

  for (const scheme of ['light', 'dark'])
    test(`the system's scheme: ${scheme}`, { scheme }, async page => {
      await page.goto('/');
      await shown(page.getByRole('banner'));
      const [r] = (await page.evaluate(() =>
        getComputedStyle(document.body).backgroundColor)).match(/\d+/g);
      assert.equal(+r > 128, scheme === 'light');
    });

  for (const motion of ['reduce', 'no-preference'])
    test(`motion: ${motion}`, { motion }, async page => {
      await fill();
      await page.goto('/');
      await shown(rows(page));
      await some(relay(), 1, () => ({ seed: motion.length, path: '/' + motion }));
      const row = rows(page).filter({ hasText: '/' + motion });
      await shown(row);
      // What just came in is marked by a dot that fades, or just stands.
      const moving = await page.evaluate(() => document.getAnimations()
        .filter(a => a.effect.getComputedTiming().duration > 1).length);
      if (motion === 'reduce') assert.equal(moving, 0);
      else assert.ok(moving > 0);
    });

  test('Back and a pasted link give the same view', async page => {
    await fill();
    await page.goto('/');
    await shown(rows(page));
    await page.goto('/#/map?as=table');
    await shown(page.getByRole('table'));
    await page.goto(`/#/trace/${b.id}?tab=Exceptions&zoom=560-1200`);
    await shown(page.getByRole('tab', { name: /Exceptions/, selected: true }));
    await shown(page.getByRole('button', { name: 'Show all' }));
    await page.goBack();
    await shown(page.getByRole('table'));
    await page.goBack();
    await shown(rows(page));
    await page.goForward();
    await page.goForward();
    await shown(page.getByRole('tab', { name: /Exceptions/, selected: true }));
    await at(page, /zoom=560-1200/);
    await reads(page.locator('.mini'), /560 ms – 1\.20 s/);
  });
});
