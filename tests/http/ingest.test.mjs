// SPDX-License-Identifier: Apache-2.0
// POST /ingest/{table}: what is acknowledged is visible, what is rejected is told with its place, and what
// cannot be read stores nothing.
import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { createKey, run, serve, temporary } from './support/daybook.mjs';
import { raw, statuses } from './support/http.mjs';
import { cents, decimal, sum } from './support/money.mjs';
import { seeded } from './support/random.mjs';

const data = temporary();
const server = await serve(data, { env: { DAYBOOK_NOW: '2026-04-17T12:00:00Z' } });
const order = (id, total = '1.00', more = {}) => ({ id, created_at: '2026-04-05T10:00:00Z', status: 'DELIVERED', total, currency: 'USD', ...more });
const HEADER = 'id,created_at,status,total\n';

async function totals(key) {
    const answer = await server.get('/api/v1/reports/sales?preset=all', key);
    assert.equal(answer.status, 200, answer.body);
    return answer.json.data.totals;
}

test('NDJSON and CSV, each with its names', async () => {
    const key = await createKey(data, 'formats');
    const row = JSON.stringify(order('n')) + '\n';
    let i = 0;
    for (const type of ['application/x-ndjson', 'application/ndjson', 'application/json', 'Application/X-NDJSON; charset=utf-8']) {
        const answer = await server.ingest('orders', key, row.replace('"n"', `"n${i++}"`), { type });
        assert.equal(answer.status, 200, `${type} ${answer.body}`);
        assert.equal(answer.body, '{"stored":1,"rejected":[]}');
        assert.equal(answer.headers['content-type'], 'application/json');
    }
    for (const type of ['text/csv', 'text/csv; charset=utf-8; header=present']) {
        const answer = await server.ingest('orders', key, `${HEADER}c${i++},2026-04-05,DELIVERED,1\nc${i++},2026-04-05,DELIVERED,"1"`, { type });
        assert.deepEqual(answer.json, { stored: 2, rejected: [] }, answer.body);
    }
    assert.equal((await totals(key)).orderCount, 8);
    const crlf = await server.ingest('orders', key, `\ufeff${HEADER}c9,2026-04-05,DELIVERED,1\n`.replaceAll('\n', '\r\n'), { type: 'text/csv' });
    assert.deepEqual(crlf.json, { stored: 1, rejected: [] }, crlf.body);
    assert.equal((await totals(key)).orderCount, 9);
});

test('rejected rows: line, column, reason; the others are stored', async () => {
    const key = await createKey(data, 'rejects');
    const answer = await server.ingest('orders', key, [
        order('1'), order('2', '1.23456'), order('3'), { ...order('4'), created_at: 'yesterday' }, { ...order('5'), status: undefined },
        order(''), order('x'.repeat(65)), order('é'.repeat(32)), { ...order('9'), kind: 'surprise' }, order('10', '99999999999999999999')]);
    assert.equal(answer.status, 200);
    assert.equal(answer.json.stored, 3, answer.body);
    assert.deepEqual(answer.json.rejected.map((r) => [r.line, r.column]), [[2, 'total'], [4, 'created_at'], [5, 'status'], [6, 'id'], [7, 'id'],
                                                                          [9, 'kind'], [10, 'total']]);
    for (const rejected of answer.json.rejected) {
        assert.deepEqual(Object.keys(rejected), ['line', 'column', 'reason']);
        assert.notEqual(rejected.reason, '');
    }
    const csv = await server.ingest('orders', key, `${HEADER}11,2026-04-05,DELIVERED,1\n12,2026-04-05,DELIVERED\n13,2026-04-05,DELIVERED,one\n14,2026-04-05,DELIVERED,2\n`,
                                    { type: 'text/csv' });
    assert.equal(csv.json.stored, 2);
    assert.deepEqual(csv.json.rejected.map((r) => r.line), [3, 4]);
    assert.equal(csv.json.rejected[1].column, 'total');
    const broken = await server.ingest('orders', key, `${JSON.stringify(order('15'))}\n{"id":"16",\n[1]\n"text"\n\n${JSON.stringify(order('17'))}\n`);
    assert.equal(broken.json.stored, 2, broken.body);
    assert.deepEqual(broken.json.rejected.map((r) => r.line), [2, 3, 4]);
    assert.equal((await server.ingest('orders', key, 'nonsense\n')).status, 400, 'what is no NDJSON at all is no rejected row');
    assert.equal((await totals(key)).orderCount, 7);
});

test('replacing by id retracts the old row at once', async () => {
    const key = await createKey(data, 'replace');
    const status = async () => Object.fromEntries((await server.get('/api/v1/reports/sales?preset=month', key)).json.data.byStatus.map((s) => [s.status, s.revenue]));
    await server.ingest('orders', key, [order('1', '10.00', { customer_id: 'a' }), order('2', '5.00', { customer_id: 'a' })]);
    assert.deepEqual(await totals(key), { orderCount: 2, revenue: 15, averageOrderValue: 7.5 });
    await server.ingest('orders', key, [order('1', '99.99', { customer_id: 'b', status: 'CANCELLED', created_at: '2026-04-16T00:00:00Z' })]);
    assert.deepEqual(await totals(key), { orderCount: 2, revenue: 104.99, averageOrderValue: 52.5 });
    assert.deepEqual(await status(), { SUBMITTED: 0, CONFIRMED: 0, SHIPPED: 0, DELIVERED: 5, CANCELLED: 99.99 });
    const daily = (await server.get('/api/v1/reports/sales', key)).json.data.daily;
    assert.deepEqual(daily.filter((d) => d.orderCount).map((d) => [d.date, d.revenue]), [['2026-04-05', 5], ['2026-04-16', 99.99]]);
    const rows = (await server.get('/api/v1/reports/customers', key)).json.data.rows;
    assert.deepEqual(rows.map((r) => [r.customerId, r.revenue]), [['b', 99.99], ['a', 5]]);
    // The last of several in one body wins.
    const twice = await server.ingest('orders', key, [order('3', '1.00'), order('3', '2.00'), order('3', '4.00')]);
    assert.equal(twice.json.stored, 3);
    assert.equal((await totals(key)).revenue, 108.99);
    assert.equal((await totals(key)).orderCount, 3);
});

test('what is refused stores nothing', async () => {
    const key = await createKey(data, 'refused');
    const rows = JSON.stringify(order('1')) + '\n';
    const post = (path, headers, body = rows) => server.request(path, { method: 'POST', headers: { authorization: `Bearer ${key}`, ...headers }, body });
    const expect = async (answer, status) => {
        assert.equal(answer.status, status, answer.body);
        assert.deepEqual(Object.keys(answer.json), ['error']);
        assert.notEqual(answer.json.error, '');
        assert.equal(answer.headers['content-type'], 'application/json');
    };
    await expect(await post('/ingest/nonsense', {}), 404);
    await expect(await post('/ingest/settings', {}), 404);
    await expect(await post('/ingest/api_keys', {}), 404);
    await expect(await post('/ingest/', {}), 404);
    await expect(await post('/ingest/orders', { 'content-type': 'application/x-www-form-urlencoded' }), 415);
    await expect(await post('/ingest/orders', { 'content-type': 'text/plain' }), 415);
    await expect(await post('/ingest/orders', { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' }, gzipSync(rows)), 415);
    await expect(await post('/ingest/orders', { 'content-type': 'text/csv' }, 'id,created_at,status,total,colour\n1,2026-04-05,DELIVERED,1,blue\n'), 400);
    await expect(await post('/ingest/orders', { 'content-type': 'text/csv' }, 'id,created_at,status\n1,2026-04-05,DELIVERED\n'), 400);
    await expect(await post('/ingest/orders', { 'content-type': 'text/csv' }, gzipSync(HEADER + '1,2026-04-05,DELIVERED,1\n')), 400);
    const reader = await createKey(data, 'refused', 'reports:read');
    const forbidden = await server.ingest('orders', reader, [order('1')]);
    await expect(forbidden, 403);
    assert.equal(forbidden.json.error, 'Insufficient permissions. This key lacks the "ingest:write" scope.');
    await expect(await server.request('/ingest/orders', { method: 'POST', body: rows }), 401);
    await expect(await server.request('/ingest/orders?tenant=refused', { method: 'POST', body: rows }), 401);
    assert.equal((await totals(key)).orderCount, 0);
    const empty = await post('/ingest/orders', { 'content-type': 'application/x-ndjson' }, '');
    assert.deepEqual([empty.status, empty.json], [200, { stored: 0, rejected: [] }]);
    const bare = await raw(server.port, `POST /ingest/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nConnection: close\r\n\r\n`);
    assert.deepEqual(statuses(bare.text), [200], 'no body and no length is an empty body');
    assert.ok(bare.text.endsWith('{"stored":0,"rejected":[]}'));
    // A body for another tenant goes to the key's own.
    assert.equal((await post('/ingest/orders?tenant=replace', {})).status, 200);
    assert.equal((await totals(key)).orderCount, 1);
});

test('bodies: 16 MiB is the end, chunks are not spoken', async () => {
    const key = await createKey(data, 'large');
    const rows = [];
    for (let bytes = 0, i = 0; bytes < 15 << 20; i++) {
        rows.push(JSON.stringify(order(`large-${i}`, '0.01')));
        bytes += rows[i].length + 1;
    }
    const large = await server.ingest('orders', key, rows.join('\n'));
    assert.equal(large.status, 200, large.body.slice(0, 200));
    assert.deepEqual(large.json, { stored: rows.length, rejected: [] });
    assert.equal((await totals(key)).orderCount, rows.length);
    const head = (more) => `POST /ingest/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/x-ndjson\r\n${more}\r\n`;
    const over = await raw(server.port, head(`Content-Length: ${(16 << 20) + 1}\r\n`));
    assert.deepEqual(statuses(over.text), [413]);
    assert.ok(over.closed);
    assert.match(over.text, /\{"error":"/);
    const endless = await raw(server.port, head('Content-Length: 18446744073709551616\r\n'));
    assert.ok([400, 413].includes(statuses(endless.text)[0]), endless.text);
    const body = JSON.stringify(order('chunked'));
    const chunked = await raw(server.port, head('Transfer-Encoding: chunked\r\n') + `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
    assert.deepEqual(statuses(chunked.text), [411]);
    assert.ok(chunked.closed);
    assert.equal((await totals(key)).orderCount, rows.length);
});

test('other tables are read by the reports', async () => {
    const key = await createKey(data, 'tables');
    const rows = { customers: { id: 'c', name: 'N', email: 'e@x.io' }, products: { id: 'p', name: 'P', price: '2', stock: 3 }, categories: { id: 'k', name: 'K' },
                   order_lines: { id: 'l', order_id: '1', quantity: 1, total: '1' }, payments: { id: 'y', created_at: '2026-04-05', amount: '1' },
                   vendors: { id: 'v', name: 'V' }, markets: { id: 'm', name: 'M' }, offers: { id: 'f' }, variants: { id: 'w', product_id: 'p' },
                   offer_variants: { offer_id: 'f', variant_id: 'w' }, providers: { id: 'r', name: 'R' }, cash_registers: { id: 't', name: 'T' },
                   fx_rates: { date: '2026-04-05', base: 'EUR', quote: 'USD', rate: '1.0834' },
                   price_overrides: { customer_id: 'c', product_id: 'p', price: '1.75' },
                   subscriptions: { id: 's', customer_id: 'c', model_name: 'Pro', status: 'active', price: '9.99', started_at: '2026-04-05' },
                   vendor_payments: { id: 'vp', created_at: '2026-04-05', vendor_id: 'v', amount: '1' },
                   provider_assignments: { id: 'pa', created_at: '2026-04-05', provider_id: 'r', amount: '1' } };
    const early = await server.ingest('order_lines', key, [rows.order_lines]);
    assert.deepEqual([early.json.stored, early.json.rejected.length], [0, 1], 'a line without time needs its order');
    await server.ingest('orders', key, [order('1')]);
    for (const [table, row] of Object.entries(rows)) {
        const answer = await server.ingest(table, key, [row]);
        assert.deepEqual([answer.status, answer.json], [200, { stored: 1, rejected: [] }], table);
    }
    assert.equal((await server.get('/api/v1/reports/inventory', key)).json.data.totals.totalValue, 6);
});

test('many clients at once: the report is the sum of what was acknowledged', async (t) => {
    const random = seeded();
    t.diagnostic(`DBK_SEED=${random.seed}`);
    const key = await createKey(data, 'many');
    // By id: the amount, written by one client only, or by all of them in the same words.
    const acknowledged = new Map();
    let highest = 0;
    const client = async (name) => {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        for (let round = 0; round < 60; round++) {
            const rows = Array.from({ length: random.below(4) ? 1 : random.between(2, 300) }, () =>
                order(`${name}-${random.below(500)}`, decimal(BigInt(random.between(-1000, 100000))), { customer_id: name }));
            const answer = await server.ingest('orders', key, rows, { agent });
            assert.deepEqual([answer.status, answer.json], [200, { stored: rows.length, rejected: [] }]);
            for (const row of rows) acknowledged.set(row.id, row);
            if (round % 10 === 9) {
                const mine = [...acknowledged.values()].filter((row) => row.customer_id === name);
                const spend = (await server.get('/api/v1/reports/customers?preset=all', key)).json.data.rows.find((row) => row.customerId === name);
                assert.equal(spend.orderCount, mine.length, 'a client reads its own writes');
                assert.equal(cents(spend.revenue), sum(mine.map((row) => cents(row.total))));
            }
        }
        agent.destroy();
    };
    let done = false;
    const reader = (async () => {
        while (!done) {
            const body = (await server.get('/api/v1/reports/sales?preset=all', key)).json.data;
            assert.ok(body.totals.orderCount >= highest, 'rows do not go away');
            highest = body.totals.orderCount;
            assert.equal(sum(body.daily.map((row) => cents(row.revenue))), cents(body.totals.revenue), 'one moment for all of a report');
            assert.equal(sum(body.byStatus.map((row) => cents(row.revenue))), cents(body.totals.revenue));
        }
    })();
    await Promise.all(['a', 'b', 'c', 'd'].map(client));
    done = true;
    await reader;
    const expected = sum([...acknowledged.values()].map((row) => cents(row.total)));
    const found = await totals(key);
    assert.equal(found.orderCount, acknowledged.size);
    assert.equal(cents(found.revenue), expected);
    await server.stop();
    const check = await run(['check', '--data', data]);
    assert.equal(check.code, 0, check.stdout + check.stderr);
});
