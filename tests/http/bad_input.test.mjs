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
