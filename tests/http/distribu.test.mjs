// SPDX-License-Identifier: Apache-2.0
// The Distribu dialect from outside: what its documentation says, number by number (rules D1–D56, DA1–DA13).
import assert from 'node:assert/strict';
import test from 'node:test';
import { createKey, ok, run, serve, temporary } from './support/daybook.mjs';
import { cents, decimal, divide, sum } from './support/money.mjs';
import { seeded } from './support/random.mjs';

const NOW = '2026-04-17T12:00:00.000Z';
const MISSING = 'Missing or invalid Authorization header. Use: Bearer <api_key>';
const REFUSED = 'Invalid, expired, or revoked API key.';
const STATUSES = ['SUBMITTED', 'CONFIRMED', 'SHIPPED', 'DELIVERED', 'CANCELLED'];
const ISO_MS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const data = temporary();
const server = await serve(data, { env: { DAYBOOK_NOW: NOW } });
const sales = '/api/v1/reports/sales';
const customers = '/api/v1/reports/customers';
const inventory = '/api/v1/reports/inventory';
const products = '/api/v1/products';

// A fresh tenant with its rows; returns its key.
async function tenant(name, tables, settings = []) {
    if (settings.length) await ok(['tenant', 'set', '--data', data, '--tenant', name, ...settings]);
    const key = await createKey(data, name);
    for (const [table, rows] of Object.entries(tables)) {
        const answer = await server.ingest(table, key, rows);
        assert.equal(answer.status, 200, answer.body);
        assert.deepEqual(answer.json, { stored: rows.length, rejected: [] });
    }
    return key;
}

async function read(path, key) {
    const answer = await server.get(path, key);
    assert.equal(answer.status, 200, `${path}: ${answer.body}`);
    assert.equal(answer.headers['content-type'], 'application/json');
    return answer.json.data;
}

// The seed's own April: 42 orders worth 18743.50, three of them worth 1240.00 on the first day.
function seedOrders() {
    const shares = { SUBMITTED: [2, 410], CONFIRMED: [5, 2100.5], SHIPPED: [10, 4500], DELIVERED: [23, 10533], CANCELLED: [2, 1200] };
    const orders = [];
    for (const [status, [count, revenue]] of Object.entries(shares)) {
        for (let i = 0; i < count; i++) {
            const total = i === 0 ? cents(revenue) - BigInt(count - 1) * 10000n : 10000n;
            orders.push({ id: `${status}-${i}`, created_at: `2026-04-${String(2 + (i % 15)).padStart(2, '0')}T09:30:00Z`,
                          status, total: decimal(total), currency: 'USD', customer_id: `c${i % 3}` });
        }
    }
    // Three of them on the first of the month: 1040.00 + 160.00 + 40.00.
    const first = orders.filter((o) => o.status === 'CANCELLED');
    first[0].total = '1040.00';
    first[1].total = '160.00';
    const third = orders.find((o) => o.status === 'SHIPPED' && o.id.endsWith('-9'));
    const fourth = orders.find((o) => o.status === 'SHIPPED' && o.id.endsWith('-8'));
    fourth.total = decimal(cents(fourth.total) + cents(third.total) - 4000n);
    third.total = '40.00';
    for (const order of [...first, third]) order.created_at = '2026-04-01T00:00:00.000Z';
    return orders;
}

const seedKey = await tenant('seed', {
    customers: [{ id: 'c0', name: 'Acme Restaurant Group', email: 'buyer@acme.com' }, { id: 'c1', name: 'Blue', email: 'b@x.io' },
                { id: 'c2', name: null, email: 'c@x.io' }],
    orders: seedOrders(),
});

test("D1, D10–D19: the seed's sales example, number by number", async () => {
    const answer = await server.get(`${sales}?preset=month`, seedKey);
    assert.equal(answer.status, 200);
    const { range, totals, daily, byStatus } = answer.json.data;
    assert.deepEqual(Object.keys(answer.json), ['data']);
    assert.deepEqual(Object.keys(answer.json.data), ['range', 'totals', 'daily', 'byStatus']);
    assert.equal(JSON.stringify(range), JSON.stringify({
        from: '2026-04-01T00:00:00.000Z', to: '2026-04-17T23:59:59.999Z', preset: 'month', label: 'April 2026' }));
    assert.equal(JSON.stringify(totals), JSON.stringify({ orderCount: 42, revenue: 18743.5, averageOrderValue: 446.27 }));
    assert.ok(answer.body.includes('"revenue":18743.50,'), 'money has the digits of its currency');
    assert.equal(JSON.stringify(daily[0]), JSON.stringify({ date: '2026-04-01', orderCount: 3, revenue: 1240 }));
    assert.equal(daily.length, 17);
    assert.equal(daily.at(-1).date, '2026-04-17');
    assert.equal(JSON.stringify(byStatus), JSON.stringify([
        { status: 'SUBMITTED', orderCount: 2, revenue: 410 }, { status: 'CONFIRMED', orderCount: 5, revenue: 2100.5 },
        { status: 'SHIPPED', orderCount: 10, revenue: 4500 }, { status: 'DELIVERED', orderCount: 23, revenue: 10533 },
        { status: 'CANCELLED', orderCount: 2, revenue: 1200 }]));
    assert.equal((await server.get(sales, seedKey)).body, answer.body, 'month is the default preset');
});

test('D2, D20–D27: customers: shape, order, current names', async () => {
    const body = await read(`${customers}?preset=quarter`, seedKey);
    assert.deepEqual(Object.keys(body), ['range', 'totals', 'rows']);
    assert.deepEqual(Object.keys(body.totals), ['customerCount', 'orderCount', 'revenue']);
    assert.equal(body.range.label, 'Q2 2026');
    assert.equal(body.totals.customerCount, 3);
    assert.equal(body.totals.orderCount, 42);
    assert.equal(body.totals.revenue, 18743.5);
    for (const row of body.rows) {
        assert.deepEqual(Object.keys(row), ['customerId', 'customerName', 'customerEmail', 'orderCount', 'revenue', 'lastOrderAt']);
        assert.match(row.lastOrderAt, ISO_MS);
    }
    for (let i = 1; i < body.rows.length; i++) assert.ok(body.rows[i - 1].revenue >= body.rows[i].revenue);
    const named = body.rows.find((row) => row.customerId === 'c0');
    assert.equal(named.customerName, 'Acme Restaurant Group');
    assert.equal(named.customerEmail, 'buyer@acme.com');
    assert.equal(body.rows.find((row) => row.customerId === 'c2').customerName, null);

    const renamed = await server.ingest('customers', seedKey, [{ id: 'c0', name: 'Acme Ltd', email: 'new@acme.com' }]);
    assert.equal(renamed.json.stored, 1);
    const after = (await read(`${customers}?preset=quarter`, seedKey)).rows.find((row) => row.customerId === 'c0');
    assert.equal(after.customerName, 'Acme Ltd', 'names are current ones, not snapshots');
    assert.equal(after.customerEmail, 'new@acme.com');
    assert.equal(after.revenue, named.revenue);
});

test('D3, D28–D32: inventory: value, groups, inactive products, negative stock', async () => {
    const key = await tenant('stock', { products: [
        { id: 'p1', name: 'Widget Blue', sku: 'WDG-001', category: 'Hardware', stock: 42, price: '8.50', is_active: true },
        { id: 'p2', name: 'Widget Red', category: 'Hardware', stock: 10, price: '1.25' },
        { id: 'p3', name: 'Loose', sku: 'L', stock: -3, price: '2.00', is_active: true },
        { id: 'p4', name: 'Gone', category: 'Hardware', stock: 1000, price: '99.99', is_active: false },
        { id: 'p5', name: 'Blank', category: '', stock: 1, price: '0.005' }] });
    const body = await read(inventory, key);
    assert.deepEqual(Object.keys(body), ['totals', 'rows', 'groups']);
    assert.equal(JSON.stringify(body.rows[0]), JSON.stringify({ productId: 'p1', name: 'Widget Blue', sku: 'WDG-001',
        category: 'Hardware', stock: 42, unitPrice: 8.5, value: 357, isActive: true }));
    assert.deepEqual(body.rows.map((row) => row.productId), ['p1', 'p2', 'p5', 'p3'], 'by value, then id; p4 is inactive');
    assert.equal(body.rows[1].sku, null);
    assert.equal(body.rows[3].value, -6);
    assert.equal(body.rows[3].category, null);
    assert.equal(body.rows[2].category, null, 'a blank category is none');
    // 357 + 12.50 - 6 + 0.005
    assert.deepEqual(body.totals, { productCount: 4, totalUnits: 50, totalValue: 363.51 });
    // The last group is worth minus 5.995: half away from zero, once.
    assert.deepEqual(body.groups, [{ category: 'Hardware', productCount: 2, totalUnits: 52, totalValue: 369.5 },
                                   { category: 'Uncategorised', productCount: 2, totalUnits: -2, totalValue: -6 }]);

    await server.ingest('products', key, [{ id: 'p1', name: 'Widget Blue', category: 'Hardware', stock: 42, price: '8.50', is_active: false }]);
    const after = await read(inventory, key);
    assert.equal(after.totals.productCount, 3, 'an inactive product leaves the report at once');
    assert.equal(after.totals.totalUnits, 8);
    assert.deepEqual((await read(`${inventory}?from=nonsense&preset=never`, key)), after, 'inventory has no parameters');
});

test('D7, D12, D13: presets and labels at a frozen moment', async () => {
    const key = await tenant('presets', { orders: [
        { id: 'first', created_at: '2024-02-29T23:59:59.999Z', status: 'DELIVERED', total: '1.00', currency: 'USD' },
        { id: 'year', created_at: '2026-01-01T00:00:00Z', status: 'DELIVERED', total: '2.00' },
        { id: 'quarter', created_at: '2026-04-01T00:00:00Z', status: 'DELIVERED', total: '4.00' },
        { id: 'week', created_at: '2026-04-13T00:00:00Z', status: 'DELIVERED', total: '8.00' },
        { id: 'sunday', created_at: '2026-04-12T23:59:59.999Z', status: 'DELIVERED', total: '16.00' },
        { id: 'today', created_at: '2026-04-17T00:00:00Z', status: 'DELIVERED', total: '32.00' },
        { id: 'end', created_at: '2026-04-17T23:59:59.999Z', status: 'DELIVERED', total: '64.00' },
        { id: 'tomorrow', created_at: '2026-04-18T00:00:00Z', status: 'DELIVERED', total: '128.00' }] });
    const expected = {
        today: ['2026-04-17', 'Apr 17, 2026', 96], week: ['2026-04-13', '2026-04-13 → 2026-04-17', 104],
        month: ['2026-04-01', 'April 2026', 124], quarter: ['2026-04-01', 'Q2 2026', 124],
        year: ['2026-01-01', '2026', 126], all: ['2024-02-29', 'All time', 127] };
    for (const [preset, [from, label, revenue]] of Object.entries(expected)) {
        const body = await read(`${sales}?preset=${preset}`, key);
        assert.deepEqual(body.range, { from: `${from}T00:00:00.000Z`, to: '2026-04-17T23:59:59.999Z', preset, label }, preset);
        assert.equal(body.totals.revenue, revenue, preset);
        const days = (Date.parse('2026-04-17') - Date.parse(from)) / 86400000 + 1;
        assert.equal(body.daily.length, days, `${preset}: no gaps`);
        assert.deepEqual((await read(`${customers}?preset=${preset}`, key)).range, body.range);
    }
});

test('D8, D9, D11: from and to: inclusive ends, one-sided, forms of dates', async () => {
    const key = await tenant('ranges', { orders: [
        { id: 'a', created_at: '2026-03-31T23:59:59.999Z', status: 'DELIVERED', total: '1.00', currency: 'USD' },
        { id: 'b', created_at: '2026-04-01T00:00:00.000Z', status: 'DELIVERED', total: '2.00' },
        { id: 'c', created_at: '2026-04-10T12:00:00.000Z', status: 'DELIVERED', total: '4.00' },
        { id: 'd', created_at: '2026-04-10T12:00:00.001Z', status: 'DELIVERED', total: '8.00' },
        { id: 'e', created_at: '2026-04-16T23:59:59.999Z', status: 'DELIVERED', total: '16.00' },
        { id: 'f', created_at: '2026-04-17T00:00:00.000Z', status: 'DELIVERED', total: '32.00' }] });
    const range = (query) => read(`${sales}?${query}`, key);
    let body = await range('from=2026-04-01&to=2026-04-16');
    assert.deepEqual(body.range, { from: '2026-04-01T00:00:00.000Z', to: '2026-04-16T23:59:59.999Z', preset: 'custom',
                                   label: '2026-04-01 → 2026-04-16' });
    assert.equal(body.totals.revenue, 30);
    assert.equal(body.daily.length, 16);
    body = await range('from=2026-04-01T00:00:00Z&to=2026-04-10T12:00:00Z');
    assert.equal(body.range.to, '2026-04-10T12:00:00.000Z', 'a time is used as given, inclusive');
    assert.equal(body.totals.revenue, 6);
    assert.equal((await range('from=2026-04-10T14:00:00.001%2B02:00&to=2026-04-16')).totals.revenue, 24);
    assert.equal((await range('from=2026-04-17&to=2026-04-17')).daily.length, 1);
    // One end from the preset, the other overridden.
    body = await range('preset=month&from=2026-03-31');
    assert.deepEqual([body.range.from, body.range.to, body.range.preset],
                     ['2026-03-31T00:00:00.000Z', '2026-04-17T23:59:59.999Z', 'custom']);
    assert.equal(body.totals.revenue, 63);
    body = await range('preset=year&to=2026-04-09');
    assert.deepEqual([body.range.from, body.range.to], ['2026-01-01T00:00:00.000Z', '2026-04-09T23:59:59.999Z']);
    assert.equal((await range('preset=nonsense&from=2026-04-01&to=2026-04-16')).totals.revenue, 30,
                 'both ends given: the preset is ignored');
    assert.equal((await range('from=2026-04-01&to=2026-04-16&colour=blue')).totals.revenue, 30, 'unknown keys are ignored');
    assert.equal((await range('from=2027-01-01&to=2027-01-31')).totals.averageOrderValue, 0);
});

test('bad parameters are 400 with a reason', async () => {
    const cases = [['preset=decade', 'Invalid preset.'], ['preset=Month', 'Invalid preset.'], ['from=yesterday', 'Invalid from date.'],
                   ['from=2026-02-30T25:00:00Z', 'Invalid from date.'], ['to=%00'], ['to=2026-13-01', 'Invalid to date.'],
                   ['from=2026-04-02&to=2026-04-01'], ['from=2027-01-01'], ['from=0001-01-01&to=2026-04-01'], ['currency=DOLLARS']];
    for (const [query, text] of cases) {
        const answer = await server.get(`${sales}?${query}`, seedKey);
        assert.equal(answer.status, 400, `${query}: ${answer.body}`);
        assert.deepEqual(Object.keys(answer.json), ['error']);
        if (text) assert.equal(answer.json.error, text, query);
        assert.equal(answer.headers['content-type'], 'application/json');
    }
});

test("days are the tenant's own: Berlin on its 23 and 25 hour days", async () => {
    const directory = temporary();
    await ok(['tenant', 'set', '--data', directory, '--tenant', 'berlin', '--timezone', 'Europe/Berlin', '--currency', 'EUR']);
    const key = await createKey(directory, 'berlin');
    const order = (id, created_at, total) => ({ id, created_at, status: 'DELIVERED', total });
    let berlin = await serve(directory, { env: { DAYBOOK_NOW: '2026-03-29T21:59:59.999Z' } });
    await berlin.ingest('orders', key, [
        order('saturday', '2026-03-28T22:59:59.999Z', '1.00'), order('midnight', '2026-03-28T23:00:00Z', '2.00'),
        order('last', '2026-03-29T21:59:59.999Z', '4.00'), order('monday', '2026-03-29T22:00:00Z', '8.00'),
        order('october', '2026-10-24T22:00:00Z', '16.00'), order('twice', '2026-10-25T00:30:00Z', '32.00'),
        order('again', '2026-10-25T01:30:00Z', '64.00'), order('late', '2026-10-25T22:59:59.999Z', '128.00')]);
    let body = (await berlin.get(`${sales}?preset=today`, key)).json.data;
    assert.deepEqual(body.range, { from: '2026-03-28T23:00:00.000Z', to: '2026-03-29T21:59:59.999Z', preset: 'today', label: 'Mar 29, 2026' });
    assert.deepEqual(body.daily, [{ date: '2026-03-29', orderCount: 2, revenue: 6 }]);
    body = (await berlin.get(`${sales}?from=2026-03-28&to=2026-03-30`, key)).json.data;
    assert.deepEqual(body.daily.map((day) => [day.date, day.revenue]), [['2026-03-28', 1], ['2026-03-29', 6], ['2026-03-30', 8]]);
    assert.equal(body.range.from, '2026-03-27T23:00:00.000Z');
    assert.equal(body.range.to, '2026-03-30T21:59:59.999Z');
    body = (await berlin.get(`${sales}?preset=week`, key)).json.data;
    assert.equal(body.range.from, '2026-03-22T23:00:00.000Z');
    await berlin.stop();

    berlin = await serve(directory, { env: { DAYBOOK_NOW: '2026-10-25T22:59:59.999Z' } });
    body = (await berlin.get(`${sales}?preset=today`, key)).json.data;
    assert.deepEqual(body.range, { from: '2026-10-24T22:00:00.000Z', to: '2026-10-25T22:59:59.999Z', preset: 'today', label: 'Oct 25, 2026' });
    assert.deepEqual(body.daily, [{ date: '2026-10-25', orderCount: 4, revenue: 240 }]);
    body = (await berlin.get(`${sales}?from=2026-10-24&to=2026-10-26`, key)).json.data;
    assert.deepEqual(body.daily.map((day) => [day.date, day.revenue]), [['2026-10-24', 0], ['2026-10-25', 240], ['2026-10-26', 0]]);
    await berlin.stop();
});

test('currencies are never added together', async () => {
    const order = (id, currency, total) => ({ id, created_at: '2026-04-05T00:00:00Z', status: 'DELIVERED', total, currency, customer_id: 'x' });
    const key = await tenant('money', { orders: [
        order('1', 'USD', '10.00'), order('2', 'EUR', '3.00'), order('3', 'EUR', '4.00'), order('4', 'JPY', '500'),
        order('5', undefined, '1.00'), { ...order('6', 'USD', '7.00'), status: 'REFUSED' }] }, ['--currency', 'USD']);
    const answer = await server.get(sales, key);
    assert.deepEqual(answer.json.data.totals, { orderCount: 3, revenue: 18, averageOrderValue: 6 });
    assert.equal(answer.headers['daybook-other-currencies'], 'EUR=2, JPY=1');
    assert.deepEqual(answer.json.data.byStatus.map((row) => row.status), [...STATUSES, 'REFUSED'], 'other states follow the five');
    const other = await server.get(`${sales}?currency=EUR`, key);
    assert.deepEqual(other.json.data.totals, { orderCount: 2, revenue: 7, averageOrderValue: 3.5 });
    assert.match(other.headers['daybook-other-currencies'], /\bUSD=/);
    assert.notEqual(other.headers.etag, answer.headers.etag);
    const yen = await server.get(`${sales}?currency=JPY`, key);
    assert.ok(yen.body.includes('"revenue":500,'), 'yen have no digits');
    const spend = await server.get(`${customers}?currency=EUR`, key);
    assert.deepEqual(spend.json.data.totals, { customerCount: 1, orderCount: 2, revenue: 7 });
    assert.match(spend.headers['daybook-other-currencies'], /\bUSD=/);
    const none = await server.get(`${sales}?currency=CHF`, key);
    assert.equal(none.json.data.totals.orderCount, 0);
    // A tenant of one currency hears nothing about others.
    assert.equal((await server.get(sales, seedKey)).headers['daybook-other-currencies'], undefined);
});

test('money is exact and rounded once', async () => {
    const order = (id, day, total) => ({ id, created_at: `2026-04-${day}T00:00:00Z`, status: 'DELIVERED', total, currency: 'USD' });
    const key = await tenant('exact', { orders: [
        order('1', '01', '10.0025'), order('2', '01', '10.0025'), order('3', '02', '-10.0025'), order('4', '02', '-10.0025'),
        order('5', '03', '900000000000000.01'), order('6', '03', '900000000000000.01'), order('7', '04', '0.0001')] });
    const { body } = await server.get(sales, key);
    assert.ok(body.includes('{"date":"2026-04-01","orderCount":2,"revenue":20.01}'), body);
    assert.ok(body.includes('{"date":"2026-04-02","orderCount":2,"revenue":-20.01}'), body);
    assert.ok(body.includes('{"date":"2026-04-03","orderCount":2,"revenue":1800000000000000.02}'), body);
    assert.ok(body.includes('{"date":"2026-04-04","orderCount":1,"revenue":0.00}'), body);
    assert.ok(body.includes('"totals":{"orderCount":7,"revenue":1800000000000000.02,'), body);
});

test('D22, D26: orders without a customer count in sales and not in customers', async () => {
    const order = (id, customer_id) => ({ id, created_at: '2026-04-05T10:00:00Z', status: 'DELIVERED', total: '5.00', customer_id });
    const key = await tenant('staff', { orders: [order('1', 'known'), order('2', null), order('3', undefined), order('4', '')],
                                        customers: [{ id: 'silent', name: 'Silent', email: 's@x.io' }] });
    assert.equal((await read(sales, key)).totals.orderCount, 4);
    const spend = await read(customers, key);
    assert.deepEqual(spend.totals, { customerCount: 1, orderCount: 1, revenue: 5 });
    assert.deepEqual(spend.rows.map((row) => row.customerId), ['known'], 'silent customers are left out');
});

test('D19: every range agrees with itself and with a naive sum', async (t) => {
    const random = seeded();
    t.diagnostic(`DBK_SEED=${random.seed}`);
    const orders = Array.from({ length: 2000 }, (_, i) => ({
        id: `o${i}`, created_at: new Date(Date.UTC(2026, 0, 1) + random.below(107 * 86400) * 1000 + random.below(1000)).toISOString(),
        status: random.pick(STATUSES), customer_id: random.below(10) ? `c${random.below(40)}` : null, currency: 'USD',
        total: decimal(BigInt(random.between(-500, 100000))) }));
    const key = await tenant('random', { orders });
    for (let round = 0; round < 40; round++) {
        const from = random.below(107);
        const to = random.between(from, 107);
        const day = (n) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10);
        const query = `from=${day(from)}&to=${day(to)}`;
        const inside = orders.filter((o) => o.created_at.slice(0, 10) >= day(from) && o.created_at.slice(0, 10) <= day(to));
        const revenue = sum(inside.map((o) => cents(o.total)));
        const body = await read(`${sales}?${query}`, key);
        assert.equal(body.totals.orderCount, inside.length, query);
        assert.equal(cents(body.totals.revenue), revenue, query);
        assert.equal(cents(body.totals.averageOrderValue), inside.length ? divide(revenue, BigInt(inside.length)) : 0n, query);
        assert.deepEqual(body.daily.map((row) => row.date), Array.from({ length: to - from + 1 }, (_, i) => day(from + i)));
        for (const row of body.daily) {
            const those = inside.filter((o) => o.created_at.startsWith(row.date));
            assert.equal(row.orderCount, those.length, `${query} ${row.date}`);
            assert.equal(cents(row.revenue), sum(those.map((o) => cents(o.total))), `${query} ${row.date}`);
        }
        assert.deepEqual(body.byStatus.map((row) => row.status), STATUSES, 'always all five, in lifecycle order');
        for (const row of body.byStatus) {
            const those = inside.filter((o) => o.status === row.status);
            assert.equal(row.orderCount, those.length);
            assert.equal(cents(row.revenue), sum(those.map((o) => cents(o.total))));
        }
        const spend = await read(`${customers}?${query}`, key);
        const known = inside.filter((o) => o.customer_id);
        assert.equal(spend.totals.customerCount, new Set(known.map((o) => o.customer_id)).size);
        assert.equal(spend.totals.customerCount, spend.rows.length);
        assert.equal(spend.totals.orderCount, known.length);
        assert.equal(cents(spend.totals.revenue), sum(known.map((o) => cents(o.total))));
        let before;
        for (const row of spend.rows) {
            const those = known.filter((o) => o.customer_id === row.customerId);
            assert.equal(row.orderCount, those.length);
            assert.equal(cents(row.revenue), sum(those.map((o) => cents(o.total))));
            assert.equal(row.lastOrderAt, those.map((o) => o.created_at).sort().at(-1));
            if (before) assert.ok(before.revenue > row.revenue || (before.revenue === row.revenue && before.customerId < row.customerId));
            before = row;
        }
    }
});

test('D35–D37, D48–D50: keys: who is let in, and the words for who is not', async () => {
    const refused = async (headers, status, text) => {
        const answer = await server.request(sales, { headers });
        assert.equal(answer.status, status, answer.body);
        assert.deepEqual(answer.json, { error: text });
        assert.equal(answer.headers['content-type'], 'application/json');
    };
    await refused({}, 401, MISSING);
    await refused({ authorization: seedKey }, 401, MISSING);
    await refused({ authorization: `Basic ${seedKey}` }, 401, MISSING);
    await refused({ authorization: `Token ${seedKey}` }, 401, MISSING);
    await refused({ authorization: 'Bearer dk_nonsense' }, 401, REFUSED);
    await refused({ authorization: `Bearer ${seedKey}x` }, 401, REFUSED);
    await refused({ authorization: `Bearer ${seedKey.slice(0, -1)}` }, 401, REFUSED);
    await refused({ authorization: `Bearer ${seedKey.slice(0, -1)}${seedKey.endsWith('A') ? 'B' : 'A'}` }, 401, REFUSED);
    for (const [scope, path] of [['reports:read', sales], ['reports:read', customers], ['reports:read', inventory], ['products:read', products],
                                 ['products:read', `${products}/p1`]]) {
        const other = await createKey(data, 'seed', scope === 'reports:read' ? 'products:read,orders:write' : 'reports:read');
        const answer = await server.get(path, other);
        assert.equal(answer.status, 403);
        assert.deepEqual(answer.json, { error: `Insufficient permissions. This key lacks the "${scope}" scope.` });
    }
    assert.match(seedKey, /^dk_[A-Za-z0-9_-]{43}$/);
    const created = await run(['keys', 'create', '--data', data, '--tenant', 'seed', '--scope', 'reports:read']);
    const id = /id (\S+);/.exec(created.stderr)[1];
    assert.equal((await server.get(sales, created.stdout.trim())).status, 200);
    await ok(['keys', 'revoke', '--data', data, '--tenant', 'seed', id]);
    await refused({ authorization: `Bearer ${created.stdout.trim()}` }, 401, REFUSED);
});

test('X24: nothing crosses tenants', async () => {
    const key = await createKey(data, 'stranger');
    const body = await read(`${sales}?preset=all&tenant=seed`, key);
    assert.equal(body.totals.orderCount, 0);
    assert.equal((await read(inventory, key)).totals.productCount, 0);
    assert.equal((await server.get(`${products}/p1`, key)).status, 404);
    assert.equal((await server.get('/admin/keys?tenant=seed', key)).status, 404);
    assert.equal((await server.get('/admin/report/sales?tenant=seed', key)).status, 404);
});

test('D38: the rate limit: per key, with the seconds to wait', async () => {
    const key = await createKey(data, 'seed', 'reports:read', ['--rate', '5']);
    for (let i = 0; i < 5; i++) assert.equal((await server.get(sales, key)).status, 200);
    const answer = await server.get(sales, key);
    assert.equal(answer.status, 429);
    assert.deepEqual(Object.keys(answer.json), ['error', 'retryAfter']);
    assert.equal(answer.json.error, 'Rate limit exceeded. Try again shortly.');
    assert.ok(Number.isInteger(answer.json.retryAfter) && answer.json.retryAfter >= 1 && answer.json.retryAfter <= 60);
    assert.equal(answer.headers['retry-after'], String(answer.json.retryAfter));
    assert.equal((await server.get(customers, key)).status, 429, 'one budget for the whole API');
    const second = await createKey(data, 'seed', 'reports:read', ['--rate', '5']);
    assert.equal((await server.get(sales, second)).status, 200, 'a budget is its key\'s own');
    // The dialect's own limit is 60; a minute refills one a second.
    const plain = await createKey(data, 'seed', 'reports:read', []);
    const seen = [];
    while (seen.length < 200 && seen.at(-1) !== 429) seen.push((await server.get(sales, plain)).status);
    assert.equal(seen.at(-1), 429);
    assert.ok(seen.length > 60, `${seen.length - 1} passed`);
});

test('entity tags', async () => {
    const key = await createKey(data, 'tags');
    const order = { id: '1', created_at: '2026-04-05T10:00:00Z', status: 'DELIVERED', total: '5.00' };
    await server.ingest('orders', key, [order]);
    for (const path of [sales, customers, inventory, products]) {
        const { headers, body } = await server.get(path, key);
        assert.match(headers.etag, /^"[^"]+"$/, 'strong');
        for (const tag of [headers.etag, `"other", ${headers.etag}`, '*', `W/${headers.etag}`]) {
            const again = await server.get(path, key, { 'if-none-match': tag });
            assert.equal(again.status, 304, `${path} ${tag}`);
            assert.equal(again.body, '');
            assert.equal(again.headers.etag, headers.etag);
        }
        const other = await server.get(path, key, { 'if-none-match': '"other"' });
        assert.equal(other.status, 200);
        assert.equal(other.body, body, 'two identical reads are equal byte for byte');
    }
    const before = await server.get(sales, key);
    await server.ingest('orders', key, [{ ...order, total: '6.00' }]);
    const after = await server.get(sales, key, { 'if-none-match': before.headers.etag });
    assert.equal(after.status, 200);
    assert.notEqual(after.headers.etag, before.headers.etag);
    assert.equal(after.json.data.totals.revenue, 6);
    assert.equal((await server.request(sales, { headers: { 'if-none-match': before.headers.etag } })).status, 401,
                 'a tag opens nothing');
});

test('HEAD is GET without the body', async () => {
    for (const path of [sales, inventory, products, '/healthz', '/openapi.json']) {
        const get = await server.get(path, seedKey);
        const head = await server.request(path, { method: 'HEAD', headers: { authorization: `Bearer ${seedKey}` } });
        assert.equal(head.status, 200, path);
        assert.equal(head.body, '');
        assert.equal(head.headers['content-length'], get.headers['content-length'], path);
        assert.equal(head.headers.etag, get.headers.etag, path);
    }
});

test('D33: every error is JSON: unknown paths and methods', async () => {
    for (const path of ['/', '/api', '/api/v1', '/api/v2/reports/sales', '/api/v1/reports', '/api/v1/reports/sales/', '/api/v1/Reports/sales', '/favicon.ico']) {
        const answer = await server.get(path, seedKey);
        assert.equal(answer.status, 404, path);
        assert.equal(answer.headers['content-type'], 'application/json');
        assert.equal(typeof answer.json.error, 'string');
    }
    for (const [method, path, allow] of [['POST', sales, ['GET', 'HEAD']], ['DELETE', products, ['GET', 'HEAD']], ['PUT', inventory, ['GET', 'HEAD']],
                                         ['PATCH', `${products}/p1`, ['GET', 'HEAD']], ['GET', '/ingest/orders', ['POST']], ['POST', '/healthz', ['GET', 'HEAD']]]) {
        const answer = await server.request(path, { method, headers: { authorization: `Bearer ${seedKey}` }, body: method === 'GET' ? undefined : '{}' });
        assert.equal(answer.status, 405, `${method} ${path}`);
        assert.deepEqual(answer.headers.allow.split(', ').sort(), allow.sort());
        assert.equal(typeof answer.json.error, 'string');
        assert.equal(answer.headers['content-type'], 'application/json');
    }
});

test('D4, D42, D55–D57: products: twelve fields, pages, filters', async () => {
    const many = Array.from({ length: 130 }, (_, i) => ({
        id: `p${String(i).padStart(3, '0')}`, name: `Product ${i}`, sku: i % 3 ? `SKU-${i}` : null, price: '8.5', stock: i - 1,
        category: i % 4 ? (i % 4 === 1 ? 'Hardware' : 'Soft Goods') : null, is_active: i % 10 !== 0,
        // Pairs share a moment, so that the order among equals is tested.
        created_at: new Date(Date.UTC(2026, 2, 1) + Math.floor(i / 2) * 1000).toISOString(), updated_at: '2026-04-10T09:30:00Z' }));
    const key = await tenant('catalogue', { products: many });
    const newest = [...many].sort((a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : a.id < b.id ? -1 : 1));
    const page = async (query) => {
        const answer = await server.get(`${products}?${query}`, key);
        assert.equal(answer.status, 200, `${query}: ${answer.body}`);
        assert.deepEqual(Object.keys(answer.json), ['data', 'pagination']);
        assert.deepEqual(Object.keys(answer.json.pagination), ['hasMore', 'nextCursor']);
        return answer.json;
    };
    const first = await page('');
    const row = first.data[0];
    const seed = ['id', 'name', 'sku', 'category', 'unit', 'price', 'stock', 'isActive', 'createdAt', 'updatedAt'];
    assert.deepEqual(Object.keys(row).filter((name) => seed.includes(name)), seed);
    assert.deepEqual(Object.keys(row).filter((name) => !seed.includes(name)).sort(), ['description', 'imageUrl']);
    assert.equal(row.unit, 'each');
    assert.equal(row.price, 8.5);
    assert.equal(row.description, null);
    assert.equal(row.createdAt, newest[0].created_at);
    assert.equal(row.updatedAt, '2026-04-10T09:30:00.000Z');
    assert.deepEqual(first.data.map((p) => p.id), newest.slice(0, 50).map((p) => p.id));
    assert.deepEqual(first.pagination, { hasMore: true, nextCursor: newest[49].id });
    for (const [limit, count] of [['0', 1], ['-5', 1], ['1', 1], ['100', 100], ['101', 100], ['99999999999999999999', 100], ['abc', 50], ['', 50], ['7', 7]])
        assert.equal((await page(`limit=${limit}`)).data.length, count, `limit=${limit}`);
    for (const limit of [1, 7, 50, 65, 100]) {
        const seen = [];
        let cursor = null;
        do {
            const body = await page(`limit=${limit}${cursor ? `&cursor=${cursor}` : ''}`);
            seen.push(...body.data.map((p) => p.id));
            assert.equal(body.pagination.hasMore, body.pagination.nextCursor !== null);
            cursor = body.pagination.nextCursor;
        } while (cursor !== null);
        assert.deepEqual(seen, newest.map((p) => p.id), `pages of ${limit}`);
        if (limit === 1) assert.equal(seen.length, 130);
    }
    assert.deepEqual((await page('limit=65&cursor=' + newest[64].id)).pagination, { hasMore: false, nextCursor: null });
    assert.deepEqual((await server.get(`${products}?cursor=nobody`, key)).json, { error: 'Invalid cursor.' });
    assert.equal((await server.get(`${products}?cursor=nobody`, key)).status, 400);
    const ids = async (query) => (await page(`limit=100&${query}`)).data.map((p) => p.id);
    const those = (predicate) => newest.filter(predicate).map((p) => p.id).slice(0, 100);
    assert.deepEqual(await ids('category=Hardware'), those((p) => p.category === 'Hardware'));
    assert.deepEqual(await ids('category=hardware'), []);
    assert.deepEqual(await ids('active=false'), those((p) => !p.is_active));
    assert.deepEqual(await ids('active=true'), those((p) => p.is_active));
    assert.deepEqual(await ids('active=maybe'), those(() => true));
    assert.deepEqual(await ids('search=product%2012'), those((p) => p.name.includes('Product 12')));
    assert.deepEqual(await ids('search=sku-1'), those((p) => p.sku?.startsWith('SKU-1')));
    assert.deepEqual(await ids('search=soft+g'), those((p) => p.category === 'Soft Goods'));
    assert.deepEqual(await ids('search=soft&active=true'), those((p) => p.category === 'Soft Goods' && p.is_active));
    assert.deepEqual(await ids('search=zzz'), []);
    const one = await server.get(`${products}/p001`, key);
    assert.deepEqual(one.json, { data: first.data.find((p) => p.id === 'p001') ?? one.json.data });
    assert.equal(one.json.data.id, 'p001');
    const missing = await server.get(`${products}/nobody`, key);
    assert.equal(missing.status, 404);
    assert.deepEqual(missing.json, { error: 'Product not found.' });
});

test('what needs no key: health, readiness, metrics, the description', async () => {
    assert.equal((await server.get('/healthz')).status, 200);
    assert.equal((await server.get('/readyz')).status, 200);
    const metrics = await server.get('/metrics');
    assert.equal(metrics.status, 200);
    assert.match(metrics.headers['content-type'], /^application\/openmetrics-text/);
    assert.ok(metrics.body.endsWith('# EOF\n'));
    const description = await server.get('/openapi.json');
    assert.match(description.json.openapi, /^3\./);
    for (const path of [sales, customers, inventory, products]) assert.ok(description.json.paths[path]?.get, path);
    assert.ok(!description.body.includes('/admin'), 'the operator\'s routes are not described');
    assert.equal((await server.get(`${sales}?preset=month`, seedKey)).headers.server, undefined);
});
