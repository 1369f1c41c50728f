// SPDX-License-Identifier: Apache-2.0
// Stack frames of files below --source-root are links to the editor.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after } = require('node:test');
const { reads, shown, suite } = require('./lib/suite.js');
const { details } = require('./lib/views.js');
const { payment } = require('./lib/documents.js');

const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'frames-')));
const file = path.join(root, 'pay', 'bank #1', 'bank.py');

suite('source', (test, relay) => {
  after(() => fs.rmSync(root, { recursive: true }));

  test('a frame leads to its file', async page => {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, '');
    const story = payment(Date.now() / 1000 - 5);
    const documents = JSON.parse(JSON.stringify(story.documents)
      .replaceAll('/srv/pay/bank.py', '/srv/pay/bank #1/bank.py'));
    await relay().put(documents);
    await page.goto(`/#/trace/${story.id}?tab=Exceptions`);
    const link = details(page).getByRole('link', { name: 'bank.py:88' });
    await shown(link);
    assert.equal(await link.getAttribute('href'),
      `vscode://file${root}/pay/bank%20%231/bank.py:88`);
    await reads(details(page), /pay\.py:41/);
    assert.equal(await details(page).getByRole('link').count(), 1);
  });
}, { args: ['--source-root', root] });
