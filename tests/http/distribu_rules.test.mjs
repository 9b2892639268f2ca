// SPDX-License-Identifier: Apache-2.0
// Rules of the Distribu dialect that hold for all of its routes at once, and some that only a whole company shows.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createKey, ok, run, serve, temporary } from './support/daybook.mjs';

const SCOPES = ['products:read', 'products:write', 'orders:read', 'orders:write', 'customers:read', 'customers:write', 'reports:read',
                'webhooks:read', 'webhooks:write'];
const OWN = ['ingest:write', 'closures:write'];
const data = temporary();
const server = await serve(data);
await ok(['tenant', 'set', '--data', data, '--tenant', 'acme', '--currency', 'USD']);
const key = await createKey(data, 'acme', [...SCOPES, 'ingest:write'].join(','));
test.after(() => server.stop());

const send = (method, path, body, as = key) => server.request(path, {
    method, headers: { authorization: `Bearer ${as}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
const load = async (table, ...rows) => assert.equal((await server.ingest(table, key, rows)).status, 200);

await load('products', { id: 'p1', name: 'Widget', price: '8.50', stock: 100 }, { id: 'p2', name: 'Bolt', price: '1', stock: 6 });
await load('customers', { id: 'c1', name: 'Acme', email: 'a@acme.com' });

const ROUTES = [
    ['GET', '/api/v1/reports/sales', 'reports:read'], ['GET', '/api/v1/reports/customers', 'reports:read'],
    ['GET', '/api/v1/reports/inventory', 'reports:read'], ['GET', '/api/v1/reports/products', 'reports:read'],
    ['GET', '/api/v1/audit-log', 'reports:read'],
    ['GET', '/api/v1/products', 'products:read'], ['GET', '/api/v1/products/p1', 'products:read'],
    ['GET', '/api/v1/orders', 'orders:read'], ['GET', '/api/v1/orders/none', 'orders:read'], ['GET', '/api/v1/orders/export', 'orders:read'],
    ['POST', '/api/v1/orders', 'orders:write'], ['PATCH', '/api/v1/orders/none', 'orders:write'],
    ['GET', '/api/v1/customers', 'customers:read'], ['GET', '/api/v1/customers/c1', 'customers:read'],
    ['POST', '/api/v1/customers', 'customers:write'], ['PATCH', '/api/v1/customers/none', 'customers:write'],
    ['GET', '/api/v1/webhooks', 'webhooks:read'], ['GET', '/api/v1/webhooks/none', 'webhooks:read'],
    ['GET', '/api/v1/webhooks/none/deliveries', 'webhooks:read'],
    ['POST', '/api/v1/webhooks', 'webhooks:write'], ['PATCH', '/api/v1/webhooks/none', 'webhooks:write'],
    ['DELETE', '/api/v1/webhooks/none', 'webhooks:write'],
];

test('D46, D47, D50: each route wants its own scope, and no other opens it', async () => {
    const only = new Map(), without = new Map();
    for (const scope of SCOPES) {
        only.set(scope, await createKey(data, 'acme', scope));
        without.set(scope, await createKey(data, 'acme', [...SCOPES, ...OWN].filter((each) => each !== scope).join(',')));
    }
    for (const [method, path, scope] of ROUTES) {
        const refused = await send(method, path, method === 'GET' ? undefined : {}, without.get(scope));
        assert.equal(refused.status, 403, `${method} ${path}`);
        assert.deepEqual(refused.json, { error: `Insufficient permissions. This key lacks the "${scope}" scope.` });
        const open = await send(method, path, method === 'GET' ? undefined : {}, only.get(scope));
        assert.ok([200, 400, 404].includes(open.status), `${method} ${path}: ${open.status}`);
    }
    // Reserved: it opens nothing at all.
    for (const [method, path] of ROUTES)
        assert.equal((await send(method, path, method === 'GET' ? undefined : {}, only.get('products:write'))).status, 403);
    const unknown = await run(['keys', 'create', '--data', data, '--tenant', 'acme', '--scope', 'orders:delete']);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /unknown scope "orders:delete"; the scopes are products:read, /);
});

test('D47: nothing is put, and only webhooks are deleted', async () => {
    for (const [, path] of ROUTES) {
        assert.equal((await send('PUT', path, {})).status, 405, path);
        if (!/webhooks\/none$/.test(path)) assert.equal((await send('DELETE', path)).status, 405, path);
    }
});

test('D39, D53: what rules of business are against is 422, and nothing of it is stored', async () => {
    const order = (quantity, customerId = 'c1') => ({ customerId, items: [{ productId: 'p1', quantity: 1 }, { productId: 'p2', quantity }] });
    await load('customers', { id: 'c2', name: 'Blocked', email: 'b@acme.com', status: 'BLOCKED' });
    await load('products', { id: 'p3', name: 'Old', price: '1', stock: 6, is_active: false });
    const orders = (await send('GET', '/api/v1/orders')).json.data.length;
    const log = (await send('GET', '/api/v1/audit-log?entityType=order')).json.data.length;
    for (const [method, path, body, text] of [
        ['POST', '/api/v1/orders', order(7), 'Not enough stock for Bolt. Only 6 available.'],
        ['POST', '/api/v1/orders', order(1, 'c2'), 'This customer is blocked.'],
        ['POST', '/api/v1/orders', { customerId: 'c1', items: [{ productId: 'p3', quantity: 1 }] }, 'Old is not available.'],
        ['POST', '/api/v1/customers', { email: 'A@ACME.com' }, 'A customer with this email already exists.'],
        ['PATCH', '/api/v1/customers/c2', { email: 'a@acme.com' }, 'A customer with this email already exists.'],
    ]) {
        const answer = await send(method, path, body);
        assert.equal(answer.status, 422, answer.body);
        assert.deepEqual(answer.json, { error: text });
    }
    assert.equal((await send('GET', '/api/v1/orders')).json.data.length, orders);
    assert.equal((await send('GET', '/api/v1/audit-log?entityType=order')).json.data.length, log);
    for (const [id, stock] of [['p1', 100], ['p2', 6], ['p3', 6]]) assert.equal((await send('GET', `/api/v1/products/${id}`)).json.data.stock, stock);
});

test('D70: an order that staff entered has no customer, no order.created and takes no stock; its moves are told', async () => {
    // The address is refused, being private: what was to be sent can be read all the same.
    const made = await send('POST', '/api/v1/webhooks', { url: 'http://127.0.0.1/', events: ['order.created', 'order.status_changed', 'product.low_stock'] });
    assert.equal(made.status, 201);
    await load('orders', { id: 'staff-1', created_at: '2026-04-01T10:00:00Z', status: 'SUBMITTED', total: '17' });
    await load('order_lines', { id: 'l1', order_id: 'staff-1', product_id: 'p1', quantity: 96, unit_price: '8.50', total: '816' });
    const order = (await send('GET', '/api/v1/orders/staff-1')).json.data;
    assert.equal(order.customerId, null);
    assert.equal(order.items.length, 1);
    assert.equal((await send('GET', '/api/v1/products/p1')).json.data.stock, 100);
    const events = async () => (await send('GET', `/api/v1/webhooks/${made.json.data.id}/deliveries`)).json.data.map((d) => d.event);
    assert.deepEqual(await events(), []);
    assert.equal((await send('PATCH', '/api/v1/orders/staff-1', { status: 'CONFIRMED' })).json.data.customerId, null);
    assert.deepEqual(await events(), ['order.status_changed']);
    assert.equal((await send('DELETE', `/api/v1/webhooks/${made.json.data.id}`)).status, 200);
});

test('D72: a refund changes neither total nor status of its order, nor its place in the reports', async () => {
    const made = await send('POST', '/api/v1/orders', { customerId: 'c1', items: [{ productId: 'p1', quantity: 2 }] });
    assert.equal(made.status, 201);
    const before = (await send('GET', '/api/v1/reports/sales?preset=today')).json.data;
    await load('payments', { id: 'r1', created_at: made.json.data.createdAt, order_id: made.json.data.id, kind: 'refund', status: 'confirmed',
                             amount: '17.00', currency: 'USD' });
    const { total, status } = (await send('GET', `/api/v1/orders/${made.json.data.id}`)).json.data;
    assert.deepEqual([total, status], [17, 'SUBMITTED']);
    assert.deepEqual((await send('GET', '/api/v1/reports/sales?preset=today')).json.data, before);
});

test('D76: an e-mail address is one customer\'s, however customers came, changed and went', async () => {
    const create = async (email) => (await send('POST', '/api/v1/customers', { email })).status;
    assert.equal(await create('first@x.y'), 201);
    assert.equal(await create('First@X.Y'), 422);
    // Loaded behind the back of what is remembered of addresses, and changed, and loaded again.
    await load('customers', { id: 'l1', name: 'L', email: 'Loaded@x.y' });
    assert.equal(await create('loaded@x.y'), 422);
    await load('customers', { id: 'l1', name: 'L', email: 'moved@x.y' });
    assert.equal(await create('loaded@x.y'), 201);
    assert.equal(await create('MOVED@x.y'), 422);
    assert.equal((await send('PATCH', '/api/v1/customers/l1', { email: 'Moved@x.y' })).status, 200);
    assert.equal((await send('PATCH', '/api/v1/customers/l1', { email: 'again@x.y' })).status, 200);
    assert.equal(await create('moved@x.y'), 201);
    // Of many at once one comes first.
    const many = await Promise.all(Array.from({ length: 16 }, () => create('race@x.y')));
    assert.deepEqual(many.sort(), [201, ...Array(15).fill(422)]);
});

test('D88: what the operator does is in the audit log, without an actor and without secrets', async () => {
    const cli = (...args) => ok([...args.slice(0, 2), '--data', data, '--tenant', 'acme', ...args.slice(2)]);
    const made = await run(['keys', 'create', '--data', data, '--tenant', 'acme', '--scope', 'orders:read', '--by', 'ada']);
    const id = /id (\S+);/.exec(made.stderr)[1];
    await cli('keys', 'revoke', id);
    await cli('tenant', 'set', '--timezone', 'Europe/Berlin', '--app-id', '');
    const hook = (await send('POST', '/api/v1/webhooks', { url: 'http://127.0.0.1/', events: ['order.created'] })).json.data;
    const { secret } = JSON.parse(await cli('webhooks', 'rotate', hook.id)).data;
    assert.match(secret, /^whsec_/);
    const text = await ok(['audit', '--data', data, '--tenant', 'acme', '--limit', '5', '--json']);
    assert.ok(!text.includes(secret) && !text.includes(hook.secret) && !text.includes(made.stdout.trim()));
    const entries = JSON.parse(text).data.reverse();
    assert.deepEqual(entries.map((e) => [e.action, e.actorType, e.entityType, e.entityId]), [
        ['api_key.created', 'SYSTEM', 'api_key', id], ['api_key.revoked', 'SYSTEM', 'api_key', id],
        ['tenant.settings_changed', 'SYSTEM', 'tenant', 'acme'],
        ['webhook.created', 'USER', 'webhook', hook.id], ['webhook.secret_rotated', 'SYSTEM', 'webhook', hook.id]]);
    for (const entry of entries) assert.equal(entry.actor === null, entry.actorType === 'SYSTEM');
    assert.deepEqual(entries[2].details, { timezone: 'Europe/Berlin', 'app-id': null });
    // What a key sees is the same, and no key changes it.
    const seen = (await send('GET', '/api/v1/audit-log?actorType=SYSTEM&entityType=tenant')).json.data;
    assert.deepEqual(seen[0], entries[2]);
    for (const method of ['POST', 'PATCH', 'DELETE']) assert.equal((await send(method, '/api/v1/audit-log', {})).status, 405);
});
