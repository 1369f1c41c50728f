// SPDX-License-Identifier: Apache-2.0
// The parts of the page by role and name, as its users find them, and traces
// that several tests want.
'use strict';
const { request } = require('./documents.js');

const list = page => page.getByRole('grid', { name: 'Traces' });
const rows = page => list(page).getByRole('row').filter({
  has: page.getByRole('link') });
const filter = page => page.getByRole('combobox',
  { name: 'Filter expression' });
const waterfall = page => page.getByRole('treegrid', { name: 'Waterfall' });
const details = page => page.getByRole('complementary', { name: 'Details' });

// The chosen row of a list or waterfall.
const chosen = table => table.getByRole('row', { selected: true });

// n traces of one segment, each a second older than the one before.
function some(relay, n, more = () => ({})) {
  const now = Date.now() / 1000;
  return relay.put(Array.from({ length: n }, (_, i) => request(now - 1 - i,
    { seed: i + 1, path: `/item/${i}`, ...more(i) })));
}

module.exports = { list, rows, filter, waterfall, details, chosen, some };
