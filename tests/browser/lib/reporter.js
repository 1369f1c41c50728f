// SPDX-License-Identifier: Apache-2.0
// Reporter of node's test runner: a line a test, what failed with its reason,
// printed figures as they come, and one closing line.
'use strict';

module.exports = async function* report(source) {
  const n = { passed: 0, failed: 0, skipped: 0 }, began = Date.now();
  for await (const { type, data } of source) {
    const what = data.details?.type === 'suite' ? null : data.name;
    const seconds = ((data.details?.duration_ms ?? 0) / 1000).toFixed(1);
    if (type === 'test:stdout' || type === 'test:stderr') yield data.message;
    else if (type === 'test:diagnostic' && data.nesting > 0)
      yield `     ${data.message}\n`;
    else if (type === 'test:start' && data.nesting === 0)
      yield `${data.name}\n`;
    else if (type === 'test:pass' && what && data.skip !== undefined) {
      n.skipped++;
      yield `skip ${what}: ${data.skip}\n`;
    } else if (type === 'test:pass' && what) {
      n.passed++;
      yield `  ok ${what} (${seconds} s)\n`;
    } else if (type === 'test:fail' && (what || hookFailed(data))) {
      n.failed++;
      const e = data.details.error, cause = e?.cause ?? e;
      yield `FAIL ${data.name} (${seconds} s)\n${indent(cause?.stack ?? cause)}\n`;
    }
  }
  yield `browser: ${n.passed} passed, ${n.failed} failed, ${n.skipped} skipped` +
    ` in ${Math.round((Date.now() - began) / 1000)} s\n`;
};

// A suite fails with its tests, which are counted; or by itself.
function hookFailed(data) {
  return data.details.error?.failureType !== 'subtestsFailed';
}

const indent = s => String(s).replace(/^/gm, '       ');
