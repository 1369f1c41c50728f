// SPDX-License-Identifier: Apache-2.0
// Segment documents for the page's tests: an invented shop, the same at each
// run but for the time. A document is a plain object until it is sent.
'use strict';

// A small generator of numbers, so that runs are alike.
function dice(seed) {
  return () => (seed = (seed * 16807) % 2147483647) / 2147483647;
}

function ids(seed) {
  const roll = dice(seed);
  const hex = n => Array.from({ length: n },
    () => '0123456789abcdef'[Math.floor(roll() * 16)]).join('');
  return { id: () => hex(16),
    trace: at => `1-${Math.floor(at).toString(16)}-${hex(24)}` };
}

const sec = v => Math.round(v * 1e6) / 1e6;

// One request through the shop that fails at the bank: the waterfall's story.
// Gives {id, documents}.
function payment(at, seed = 7) {
  const make = ids(seed), trace_id = make.trace(at), t = v => sec(at + v / 1e3);
  const sub = (name, a, b, more = {}) => ({ id: make.id(), name,
    start_time: t(a), ...b == null ? { in_progress: true } : { end_time: t(b) },
    ...more });
  const remote = { namespace: 'remote' }, aws = { namespace: 'aws' };
  const http = (method, url, status) => ({ http: { request: { method, url },
    ...status ? { response: { status } } : {} } });
  const table = (operation, more) => ({ ...aws, aws: { operation,
    region: 'eu-west-1', table_name: 'orders-table', request_id: 'R' + make.id() },
  ...more });
  const timeout = { working_directory: '/srv/pay', exceptions: [{
    id: make.id(), type: 'TimeoutError',
    message: 'no answer from bank.example after 580 ms', remote: false,
    stack: [{ path: '/srv/pay/bank.py', line: 88, label: 'charge' },
      { path: '/srv/pay/pay.py', line: 41, label: 'post_charge' },
      { path: '/usr/lib/python3.11/http/client.py', line: 1327,
        label: 'getresponse' },
      { path: '/usr/lib/python3.11/socket.py', line: 706, label: 'readinto' }] }] };
  const callOrders = sub('orders.internal', 96, 612, { ...remote,
    ...http('POST', 'http://orders.internal/orders', 201) });
  const callPay = sub('pay.internal', 616, 1270, { ...remote, fault: true,
    ...http('POST', 'http://pay.internal/charge', 500) });
  const send = sub('SQS', 500, 538, { ...aws, aws: { operation: 'SendMessage',
    queue_url: 'https://sqs.eu-west-1.amazonaws.com/1/order-events' },
  ...http(undefined, undefined, 200) });
  const shop = sub('shop', 0, 1284, { trace_id, origin: 'AWS::ECS::Container',
    fault: true, user: 'alice', ...http('POST', 'https://shop.example/pay', 502),
    annotations: { order_id: '41207', tenant: 'initech' },
    metadata: { default: { attempt: 1, cart: { lines: 3, total: 129.9 } } },
    aws: { xray: { sdk: 'X-Ray for Python', sdk_version: '2.14.0' },
      ecs: { container: 'shop-7d9f' } },
    subsegments: [
      sub('auth', 4, 38, { subsegments: [sub('session-cache', 9, 14, remote)] }),
      sub('load_cart', 40, 92, { subsegments: [sub('cart@cart-db', 44, 88, {
        ...remote, sql: { url: 'postgresql://cart-db:5432/cart', user: 'shop',
          database_type: 'PostgreSQL', database_version: '16.2',
          preparation: 'statement', sanitized_query: 'SELECT l.sku, l.qty, ' +
            'p.price FROM cart_line l JOIN product p ON p.sku = l.sku ' +
            'WHERE l.cart_id = ? ORDER BY l.pos' } })] }),
      callOrders, callPay] });
  const gets = Array.from({ length: 12 }, (_, i) => sub('DynamoDB',
    133 + i * 22.3, 133 + i * 22.3 + 18 + (i * 7) % 5, table('GetItem',
      { http: { response: { status: 200 } } })));
  const orders = sub('orders', 110, 604, { trace_id, parent_id: callOrders.id,
    origin: 'AWS::Lambda::Function',
    ...http('POST', 'http://orders.internal/orders', 201),
    annotations: { 'order-total': 129.9 },
    subsegments: [sub('validate', 114, 130), sub('load_lines', 131, 402,
      { subsegments: gets }),
    sub('DynamoDB', 410, 446, table('PutItem', { throttle: true, error: true,
      http: { response: { status: 400 } }, cause: { exceptions: [{
        id: make.id(), type: 'ProvisionedThroughputExceededException',
        message: 'Rate of requests exceeds the allowed throughput' }] } })),
    sub('DynamoDB', 466, 492, table('PutItem', { http: { response:
      { status: 200 } } })), send] });
  const pay = sub('pay', 632, 1262, { trace_id, parent_id: callPay.id,
    origin: 'AWS::EC2::Instance', fault: true,
    ...http('POST', 'http://pay.internal/charge', 500),
    cause: { exceptions: [{ id: make.id(), type: 'UpstreamFailed',
      message: 'the bank did not answer' }] },
    subsegments: [sub('fraud_check', 638, 668, { subsegments: [
      sub('fraud-rules', 641, 664, { ...remote, error: true,
        ...http('GET', 'https://fraud-rules.example/rules/eu', 404) })] }),
    sub('bank.example', 672, 1258, { ...remote, fault: true,
      ...http('POST', 'https://bank.example/v2/charges'), cause: timeout,
      annotations: { order_id: '41207', amount: 129.9, retry: false },
      metadata: { default: { attempt: 1, idempotency: 'c81e-41' } } })] });
  const mailer = sub('mailer', 742, null, { trace_id, parent_id: send.id,
    origin: 'AWS::Lambda::Function', subsegments: [
      sub('render_mail', 760, 905), sub('smtp.example', 915, null, remote)] });
  const orphan = sub('render_receipt', 1266, 1278, { trace_id,
    type: 'subsegment', parent_id: '3f2a91c07be4d815' });
  return { id: trace_id, documents: [shop, orders, pay, mailer, orphan] };
}

const kinds = [
  ['GET', '/cart/{id}', 40, [['cart-db', 'sql']]],
  ['POST', '/orders', 420, [['orders', 'seg'], ['orders-table', 'ddb']]],
  ['GET', '/products?page=2', 55, [['catalog', 'seg']]],
  ['POST', '/pay', 900, [['pay', 'seg'], ['bank.example', 'remote']]],
  ['GET', '/orders/{id}', 90, [['orders', 'seg'], ['orders-table', 'ddb']]],
  ['PUT', '/cart/{id}/lines', 70, [['cart-db', 'sql'],
    ['session-cache', 'remote']]],
  ['GET', '/report/daily', 2600, [['cart-db', 'sql']], 'report-cron'],
];

// n requests of the shop, the newest at `end`, about `apart` seconds apart.
function traffic(end, n, apart = 1.4, seed = 11) {
  const roll = dice(seed), make = ids(seed + 1), out = [];
  let at = end;
  for (let i = 0; i < n; i++) {
    at -= apart * (.1 + 1.8 * roll());
    out.push(...visit(at, roll, make));
  }
  return out;
}

function visit(at, roll, make) {
  const [method, path, usual, through, entry = 'shop'] =
    kinds[Math.floor(roll() * kinds.length)];
  const url = 'https://shop.example' + path.replace('{id}',
    1000 + Math.floor(roll() * 9000));
  const luck = roll(), bad = luck < .06 ? 'fault' : luck < .14 ? 'error'
    : luck < .16 ? 'throttle' : '';
  const status = { fault: 500, error: luck < .1 ? 404 : 422, throttle: 429,
    '': method === 'POST' ? 201 : 200 }[bad];
  const d = usual / 1e3 * (.4 + roll() * roll() * 3), trace_id = make.trace(at);
  const cause = { fault: ['KeyError', '"sku"'], error: ['ValidationError', 'qty'],
    throttle: ['Throttled', 'Too many requests'] }[bad];
  const documents = [], top = { id: make.id(), trace_id, name: entry,
    start_time: sec(at), end_time: sec(at + d),
    origin: entry === 'shop' ? 'AWS::ECS::Container' : 'AWS::EC2::Instance',
    http: { request: { method, url, user_agent: 'tests/1' },
      response: { status } },
    annotations: { tenant: ['acme', 'globex', 'initech'][
      Math.floor(roll() * 3)], ...method === 'GET' ? {}
      : { order_id: String(41000 + Math.floor(roll() * 900)) } },
    ...bad ? { [bad]: true, cause: { exceptions: [{ id: make.id(),
      type: cause[0], message: cause[1] }] } } : {}, subsegments: [] };
  if (bad === 'throttle') top.error = true;
  let above = top, a = at, room = d;
  for (const [name, kind] of through) {
    a += room * .08;
    room *= .8;
    const sub = { id: make.id(), name, start_time: sec(a),
      end_time: sec(a + room), namespace: kind === 'ddb' ? 'aws' : 'remote' };
    if (kind === 'ddb') Object.assign(sub, { name: 'DynamoDB', aws: {
      operation: 'GetItem', table_name: name } });
    if (kind === 'sql') sub.sql = { sanitized_query: 'SELECT 1' };
    above.subsegments.push(sub);
    if (kind !== 'seg') continue;
    above = { id: make.id(), trace_id, parent_id: sub.id, name,
      start_time: sec(a + room * .04), end_time: sec(a + room * .96),
      origin: name === 'orders' ? 'AWS::Lambda::Function'
        : 'AWS::ECS::Container', subsegments: [] };
    documents.push(above);
    room *= .9;
    a += room * .05;
  }
  return [top, ...documents];
}

// One request in one segment; what is left out is usual.
function request(at, { seed = 1, path = '/', method = 'GET', status = 200,
  milli = 20, ...more } = {}) {
  const make = ids(seed);
  return { name: 'web', id: make.id(), trace_id: make.trace(at),
    start_time: sec(at), end_time: sec(at + milli / 1e3), http: { request:
      { method, url: 'http://web.example' + path }, response: { status } },
    ...status >= 500 ? { fault: true } : status >= 400 ? { error: true } : {},
    ...more };
}

// A trace of n spans: pages of work under a hundred segments.
function large(at, n) {
  const make = ids(n + 3), trace_id = make.trace(at), documents = [];
  const step = 20 / n, each = Math.min(100, n - 1), root = make.id();
  const calls = [];
  for (let made = 1; made < n;) {
    const from = at + made * step, callee = { id: make.id(), trace_id,
      name: 'worker-' + (documents.length % 7), start_time: sec(from + .001),
      origin: 'AWS::ECS::Container', subsegments: [] };
    const call = { id: make.id(), name: callee.name, namespace: 'remote',
      start_time: sec(from) };
    callee.parent_id = call.id;
    made += 2;
    let home = callee;
    for (let i = 0; i < each && made < n; i++, made++) {
      const a = from + i * step, s = { id: make.id(),
        name: ['load', 'parse', 'check', 'write'][i % 4] + ' ' + (made % 50),
        start_time: sec(a), end_time: sec(a + step * (1 + i % 5)),
        subsegments: [], ...made % 97 === 0 ? { fault: true } : {} };
      home.subsegments.push(s);
      home = i % 6 === 5 ? callee : s;
    }
    callee.end_time = call.end_time = sec(at + made * step);
    calls.push(call);
    documents.push(callee);
  }
  // The caller's subsegments, in documents of their own: none is over 64 kB.
  for (const c of calls) documents.push({ ...c, trace_id, type: 'subsegment',
    parent_id: root });
  documents.push({ id: root, trace_id, name: 'batch', start_time: sec(at),
    end_time: sec(at + n * step), origin: 'AWS::ECS::Container' });
  return { id: trace_id, documents };
}

const names = ['<script>window.hacked = 1</script>',
  '<img src=x onerror="window.hacked = 2">', '"><svg onload=window.hacked=3>',
  'javascript:window.hacked=4', '{{constructor.constructor("hacked=5")()}}',
  '‮evil‬\u0000\u001b[31m\u200b', '𝕏'.repeat(40), 'a'.repeat(199), '__proto__',
  'constructor'];

// Names that would like to be markup, in every place that the page shows.
function hostile(at) {
  const make = ids(99), trace_id = make.trace(at);
  return { id: trace_id, documents: names.map((name, i) => ({ id: make.id(),
    trace_id, name, start_time: sec(at + i / 100),
    end_time: sec(at + i / 100 + .02), user: name, origin: name, fault: true,
    http: { request: { method: name, url: name, user_agent: name,
      client_ip: name }, response: { status: 500 } },
    annotations: { [name]: name, plain: name }, metadata: { [name]:
      { [name]: name } },
    cause: { exceptions: [{ id: make.id(), type: name, message: name, stack: [
      { path: name, line: 1, label: name }] }] },
    subsegments: [{ id: make.id(), name, start_time: sec(at + i / 100),
      end_time: sec(at + i / 100 + .01), namespace: 'remote', sql: { url: name,
        sanitized_query: name, user: name } }] })) };
}

module.exports = { payment, request, traffic, large, hostile, hostileNames: names };
