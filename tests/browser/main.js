// SPDX-License-Identifier: Apache-2.0
// All tests in one process, so that they share a browser; or those of the files
// named: node main.js list trace
'use strict';
const fs = require('node:fs');

const wanted = process.argv.slice(2);
for (const file of fs.readdirSync(__dirname).sort()) {
  const name = /^(\w+)\.test\.js$/.exec(file)?.[1];
  if (name && (!wanted.length || wanted.includes(name))) require('./' + file);
}
