// SPDX-License-Identifier: Apache-2.0
// What no handler of Distribu's writes may let through, asked of every one of them: bodies that are no JSON or of
// another type, ids that are unknown or another company's, methods and paths that there are not.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createKey, ok, serve, temporary } from './support/daybook.mjs';

const SCOPES = 'orders:read,orders:write,customers:read,customers:write,products:read,webhooks:read,webhooks:write,reports:read,ingest:write';
const data = temporary();
const server = await serve(data);
const key = await createKey(data, 'acme', SCOPES);
const foreign = await createKey(data, 'other', SCOPES);
test.after(() => server.stop());

const send = (method, path, body, headers = {}, as = key) => server.request(path, {
    method, headers: { authorization: `Bearer ${as}`, 'content-type': 'application/json', ...headers }, body });

for (const [company, id] of [[key, 'ours'], [foreign, 'theirs']]) {
    await server.ingest('customers', company, [{ id: `c-${id}`, name: id, email: `${id}@x.y` }]);
    await server.ingest('products', company, [{ id: `p-${id}`, name: id, price: '1', stock: 10 }]);
    await server.ingest('orders', company, [{ id: `o-${id}`, created_at: '2026-04-01T00:00:00Z', status: 'SUBMITTED', total: '1' }]);
}
await ok(['tenant', 'set', '--data', data, '--tenant', 'other', '--currency', 'USD']);
const theirs = await send('POST', '/api/v1/webhooks', '{"url":"https://example.com/","events":["order.created"]}', {}, foreign);
assert.equal(theirs.status, 201, theirs.body);

const WRITES = [['POST', '/api/v1/orders'], ['PATCH', '/api/v1/orders/o-ours'], ['POST', '/api/v1/customers'],
                ['PATCH', '/api/v1/customers/c-ours'], ['POST', '/api/v1/webhooks']];

const error = (answer, status, text) => {
    assert.equal(answer.status, status, answer.body);
    assert.match(answer.headers['content-type'], /^application\/json/);
    assert.deepEqual(Object.keys(answer.json), ['error']);
    if (text instanceof RegExp) assert.match(answer.json.error, text);
    else assert.equal(answer.json.error, text);
};

for (const [method, path] of WRITES)
    test(`D34, D51: ${method} ${path} takes no body that is not what it asks for`, async () => {
        for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'text/json'])
            error(await send(method, path, '{}', { 'content-type': type }), 415, 'Content-Type must be application/json.');
        for (const [body, line, column] of [['{"a":1,\n "b":}', 2, 6], ['{"a"', 1, 5], ['[1,]', 1, 4], ['', 1, 1]]) {
            const answer = await send(method, path, body);
            error(answer, 400, 'Invalid JSON body.');
            const position = answer.headers['daybook-json-error'];
            assert.match(position, new RegExp(`^line ${line}, column ${column}: .`), JSON.stringify(body));
        }
        for (const body of ['[]', '1', '"x"', 'null', 'true']) error(await send(method, path, body), 400, /./);
        error(await send(method, path, `${'['.repeat(2000)}${']'.repeat(2000)}`), 400, 'Invalid JSON body.');
        if (!path.startsWith('/api/v1/customers/')) error(await send(method, path, '{}'), 400, /./);
    });

test('X24: ids that are unknown or another company\'s are both not found', async () => {
    const hook = theirs.json.data.id;
    for (const id of ['unknown', 'theirs', '%00', 'x'.repeat(300)]) {
        error(await send('GET', `/api/v1/orders/o-${id}`), 404, 'Order not found.');
        error(await send('PATCH', `/api/v1/orders/o-${id}`, '{"status":"CONFIRMED"}'), 404, 'Order not found.');
        error(await send('GET', `/api/v1/customers/c-${id}`), 404, 'Customer not found.');
        error(await send('PATCH', `/api/v1/customers/c-${id}`, '{"name":"N"}'), 404, 'Customer not found.');
        error(await send('GET', `/api/v1/products/p-${id}`), 404, 'Product not found.');
    }
    for (const id of ['wh_unknown', hook]) {
        error(await send('GET', `/api/v1/webhooks/${id}`), 404, 'Webhook not found.');
        error(await send('PATCH', `/api/v1/webhooks/${id}`, '{"isActive":false}'), 404, 'Webhook not found.');
        error(await send('DELETE', `/api/v1/webhooks/${id}`), 404, 'Webhook not found.');
        error(await send('GET', `/api/v1/webhooks/${id}/deliveries`), 404, 'Webhook not found.');
    }
    const order = (customerId, productId) => JSON.stringify({ customerId, items: [{ productId, quantity: 1 }] });
    error(await send('POST', '/api/v1/orders', order('c-theirs', 'p-ours')), 404, 'Customer not found.');
    error(await send('POST', '/api/v1/orders', order('c-ours', 'p-theirs')), 404, 'Product not found.');
    // And nothing of it happened there.
    assert.equal((await send('GET', '/api/v1/orders/o-theirs', undefined, {}, foreign)).json.data.status, 'SUBMITTED');
    assert.equal((await send('GET', `/api/v1/webhooks/${hook}`, undefined, {}, foreign)).json.data.isActive, true);
});

test('unknown paths are 404, known ones with another method 405 that names the right ones', async () => {
    for (const path of ['/', '/api', '/api/v1', '/api/v1/order', '/api/v1/orders/', '/api/v2/orders', '/api/v1/orders/a/b'])
        error(await send('GET', path), 404, 'Not found.');
    for (const [method, path, allow] of [
        ['DELETE', '/api/v1/orders', 'GET, HEAD, POST'], ['PUT', '/api/v1/orders/o-ours', 'GET, HEAD, PATCH'],
        ['POST', '/api/v1/orders/export', null], ['POST', '/api/v1/products', 'GET, HEAD'],
        ['POST', '/api/v1/reports/sales', 'GET, HEAD'], ['PUT', '/api/v1/webhooks/x', 'GET, HEAD, PATCH, DELETE'],
        ['DELETE', '/api/v1/customers/c-ours', 'GET, HEAD, PATCH'], ['TRACE', '/api/v1/audit-log', 'GET, HEAD']]) {
        const answer = await send(method, path, method === 'TRACE' ? undefined : '{}');
        error(answer, 405, /^Method not allowed\. Use /);
        const allowed = answer.headers.allow.split(', ').sort();
        if (allow) assert.deepEqual(allowed, allow.split(', ').sort(), `${method} ${path}`);
        else assert.ok(allowed.includes('GET'));
    }
});

// ---- Field by field ----

const long = (n) => 'x'.repeat(n);
const OTHERS = (...types) => [['a string', 'x'], ['a number', 7], ['a boolean', true], ['null', null], ['an array', [1]],
                              ['an object', { a: 1 }]].filter(([name]) => !types.includes(name));

// Each case is [what is wrong, the field's value (undefined: it is missing), the text].
const order = { customerId: 'c-ours', items: [{ productId: 'p-ours', quantity: 1 }] };
const inItem = (change) => [{ ...order.items[0], ...change }];
const wrong = (field, text, ...right) => OTHERS(...right).map(([name, value]) => [`${field} is ${name}`, { [field]: value }, text]);

const TEXTS = [...wrong('poNumber', 'poNumber must be a string', 'a string', 'null'),
               ...wrong('notes', 'notes must be a string', 'a string', 'null'),
               ['poNumber is too long', { poNumber: long(101) }, 'poNumber must be at most 100 characters'],
               ['notes are too long', { notes: 'é'.repeat(2001) }, 'notes must be at most 2000 characters']];
const ORDER = [
    ...TEXTS,
    ['customerId is missing', { customerId: undefined }, 'customerId is required'],
    ['customerId is null', { customerId: null }, 'customerId is required'],
    ['customerId is blank', { customerId: ' ' }, 'customerId is required'],
    ['customerId is too long', { customerId: long(65) }, 'customerId must be at most 64 characters'],
    ...wrong('customerId', 'customerId must be a string', 'a string', 'null'),
    ['items are missing', { items: undefined }, 'At least one item is required'],
    ['items are null', { items: null }, 'At least one item is required'],
    ['items are none', { items: [] }, 'At least one item is required'],
    ['items are too many', { items: Array(501).fill(order.items[0]) }, 'items must be at most 500'],
    ...wrong('items', 'items must be an array', 'an array', 'null'),
    ...OTHERS('an object').map(([name, value]) => [`an item is ${name}`, { items: [value] }, 'Validation failed.']),
    ['productId is missing', { items: inItem({ productId: undefined }) }, 'productId is required'],
    ['productId is null', { items: inItem({ productId: null }) }, 'productId is required'],
    ['productId is empty', { items: inItem({ productId: '' }) }, 'productId is required'],
    ['productId is too long', { items: inItem({ productId: long(65) }) }, 'productId must be at most 64 characters'],
    ...OTHERS('a string', 'null').map(([name, value]) => [`productId is ${name}`, { items: inItem({ productId: value }) },
                                                          'productId must be a string']),
    ['productId is unknown', { items: inItem({ productId: 'p-none' }) }, 'Product not found.', 404],
    ['quantity is missing', { items: inItem({ quantity: undefined }) }, 'quantity must be a number'],
    ...OTHERS('a number').map(([name, value]) => [`quantity is ${name}`, { items: inItem({ quantity: value }) },
                                                  'quantity must be a number']),
    ['quantity is a fraction', { items: inItem({ quantity: 1.5 }) }, 'quantity must be a whole number'],
    ['quantity is 0', { items: inItem({ quantity: 0 }) }, 'quantity must be at least 1'],
    ['quantity is negative', { items: inItem({ quantity: -1 }) }, 'quantity must be at least 1'],
    ['quantity is too large', { items: inItem({ quantity: 1e9 + 1 }) }, 'quantity must be at most 1000000000'],
    ['the second item is wrong', { items: [order.items[0], { productId: 'p-ours' }] }, 'quantity must be a number'],
];
const MOVE = [['status is missing', {}, 'Invalid order status.'], ...wrong('status', 'Invalid order status.'),
              ['status is in small letters', { status: 'confirmed' }, 'Invalid order status.'],
              ['status has space around it', { status: ' CONFIRMED' }, 'Invalid order status.'],
              ['status is too long', { status: long(100000) }, 'Invalid order status.']];
const CUSTOMER = [
    ...wrong('email', 'email must be a string', 'a string', 'null'),
    ['email is null', { email: null }, 'email is required'], ['email is blank', { email: '\t ' }, 'email is required'],
    ['email is no address', { email: 'nobody' }, 'email must be a valid email address'],
    ['email is too long', { email: `${long(251)}@b.c` }, 'email must be at most 254 characters'],
    ...wrong('name', 'name must be a string', 'a string', 'null'), ['name is too long', { name: long(101) }, 'name must be at most 100 characters'],
    ...wrong('notes', 'notes must be a string', 'a string', 'null'),
    ['notes are too long', { notes: long(2001) }, 'notes must be at most 2000 characters'],
    ...wrong('status', 'status must be ACTIVE or BLOCKED'),
    ['status is in small letters', { status: 'blocked' }, 'status must be ACTIVE or BLOCKED'],
    ...wrong('creditLimit', 'creditLimit must be a number', 'a number', 'null'),
    ['creditLimit is negative', { creditLimit: -0.01 }, 'creditLimit must be at least 0'],
    ['creditLimit has three decimals', { creditLimit: 1.005 }, 'creditLimit must have at most 2 decimals'],
    ['creditLimit is too large', { creditLimit: 1e300 }, 'creditLimit is out of range'],
    ...wrong('taxRateOverride', 'taxRateOverride must be a number', 'a number', 'null'),
    ['taxRateOverride is too large', { taxRateOverride: 0.301 }, 'taxRateOverride must be between 0 and 0.3'],
    ['taxRateOverride is negative', { taxRateOverride: -0.1 }, 'taxRateOverride must be at least 0'],
    ['taxRateOverride has ten decimals', { taxRateOverride: 0.1234567891 }, 'taxRateOverride must have at most 9 decimals'],
];
const hook = { url: 'https://example.com/', events: ['order.created'] };
const WEBHOOK = [...wrong('url', 'Validation failed.'), ['url is empty', { url: '' }, 'Validation failed.'],
                 ['url is too long', { url: `https://example.com/${long(2029)}` }, 'Validation failed.'],
                 ['url is no http', { url: 'ftp://example.com/' }, 'Validation failed.'],
                 ...wrong('events', 'Validation failed.'), ['events are none', { events: [] }, 'Validation failed.'],
                 ...OTHERS().map(([name, value]) => [`an event is ${name}`, { events: ['order.created', value] }, 'Validation failed.']),
                 ...wrong('isActive', 'Validation failed.', 'a boolean')];

const refusesEach = async (method, path, base, cases) => {
    for (const [what, change, text, status = 400] of cases) {
        const answer = await send(method, path, JSON.stringify({ ...base, ...change }));
        assert.equal(answer.json?.error, text, `${method} ${path}: ${what}`);
        error(answer, status, text);
    }
};

test('D51, D63: each field of a new order', () => refusesEach('POST', '/api/v1/orders', order, ORDER));
test('D68: each field of an order that moves on', () => refusesEach('PATCH', '/api/v1/orders/o-ours', {}, MOVE));
test('D76: each field of a new customer', () =>
    refusesEach('POST', '/api/v1/customers', { email: 'new@x.y' }, [...CUSTOMER, ['email is missing', { email: undefined }, 'email is required']]));
test('D76: each field of a customer that changes', () => refusesEach('PATCH', '/api/v1/customers/c-ours', {}, CUSTOMER));
test('D80: each field of a new webhook', () =>
    refusesEach('POST', '/api/v1/webhooks', hook, [...WEBHOOK, ['url is missing', { url: undefined }, 'Validation failed.'],
                                                   ['events are missing', { events: undefined }, 'Validation failed.']]));
test('D80: each field of a webhook that changes', async () => {
    const made = await send('POST', '/api/v1/webhooks', JSON.stringify(hook));
    assert.equal(made.status, 201);
    await refusesEach('PATCH', `/api/v1/webhooks/${made.json.data.id}`, {}, WEBHOOK);
    // The last of all these tests: nothing that was refused has left anything behind.
    const { updatedAt, secret, ...rest } = made.json.data;
    const after = (await send('GET', `/api/v1/webhooks/${made.json.data.id}`)).json.data;
    assert.deepEqual({ ...rest, updatedAt }, after);
    assert.ok(secret);
    assert.deepEqual((await send('GET', '/api/v1/orders')).json.data.map((o) => [o.id, o.status]), [['o-ours', 'SUBMITTED']]);
    assert.deepEqual((await send('GET', '/api/v1/customers')).json.data.map((c) => [c.id, c.name, c.email]), [['c-ours', 'ours', 'ours@x.y']]);
    assert.equal((await send('GET', '/api/v1/products/p-ours')).json.data.stock, 10);
});

// ---- Query parameters ----

test('D8, D42, D55, D60, D74, D88: parameters that cannot be are errors, by name', async () => {
    const made = await send('GET', '/api/v1/webhooks');
    const deliveries = `/api/v1/webhooks/${made.json.data[0].id}/deliveries`;
    const LISTS = ['/api/v1/orders', '/api/v1/products', '/api/v1/customers', '/api/v1/audit-log', deliveries];
    for (const path of LISTS) {
        for (const cursor of ['none', 'o-theirs', 'p-theirs', 'c-theirs', '%C3%A9', long(3000)])
            error(await send('GET', `${path}?cursor=${cursor}`), 400, 'Invalid cursor.');
        for (const limit of ['0', '-5', '101', '9'.repeat(40), 'ten', '1.5', '%20', ''])
            assert.equal((await send('GET', `${path}?limit=${limit}`)).status, 200, `${path} ${limit}`);
        for (const text of ['%ZZ', '%00', '%FF%FE']) error(await send('GET', `${path}?cursor=${text}`), 400, 'Invalid query string.');
    }
    for (const path of ['/api/v1/orders', '/api/v1/orders/export']) {
        for (const status of ['submitted', 'PAID', 'SUBMITTED,SHIPPED', long(3000)])
            error(await send('GET', `${path}?status=${status}`), 400, 'Invalid order status.');
        for (const name of ['since', 'until'])
            for (const date of ['yesterday', '2026-02-30', '2026-13-01', '1776384000000', long(3000)])
                error(await send('GET', `${path}?${name}=${date}`), 400, `Invalid ${name} date.`);
    }
    error(await send('GET', '/api/v1/orders/export?mode=xml'), 400, 'mode must be summary or line-items');
    for (const status of ['active', 'DELETED']) error(await send('GET', `/api/v1/customers?status=${status}`), 400, 'Invalid customer status.');
    for (const type of ['user', 'ROBOT']) error(await send('GET', `/api/v1/audit-log?actorType=${type}`), 400, 'Invalid actor type.');
    assert.deepEqual((await send('GET', '/api/v1/audit-log?actorType=CUSTOMER')).json.data, []);
    for (const name of ['from', 'to']) error(await send('GET', `/api/v1/audit-log?${name}=soon`), 400, `Invalid ${name} date.`);
    for (const report of ['sales', 'customers', 'products']) {
        const path = `/api/v1/reports/${report}`;
        error(await send('GET', `${path}?preset=fortnight`), 400, 'Invalid preset.');
        for (const name of ['from', 'to']) error(await send('GET', `${path}?${name}=2026-02-30`), 400, `Invalid ${name} date.`);
        error(await send('GET', `${path}?from=2026-04-02&to=2026-04-01`), 400, 'Invalid date range: from is after to.');
        error(await send('GET', `${path}?currency=${long(65)}`), 400, 'Invalid currency.');
    }
    for (const report of ['customers', 'inventory', 'products']) error(await send('GET', `/api/v1/reports/${report}?fields=nothing`), 400, /nothing/);
    error(await send('GET', '/api/v1/reports/sales?include=everything'), 400, /include/);
    error(await send('GET', '/api/v1/reports/products?by=colour'), 400, /by must/);
    // What no one knows is ignored, and so is an `active` that is neither.
    for (const path of [...LISTS, '/api/v1/reports/sales']) assert.equal((await send('GET', `${path}?colour=red`)).status, 200);
    assert.equal((await send('GET', '/api/v1/products?active=perhaps')).json.data.length, 1);
});
