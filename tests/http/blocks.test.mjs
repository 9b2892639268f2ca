// SPDX-License-Identifier: Apache-2.0
// The 23blocks dialect from outside: its published examples, field by field, and the rules behind them (B1–B38,
// BA1–BA13).
import assert from 'node:assert/strict';
import test from 'node:test';
import { REPORTS, ask as askServer } from './support/blocks.mjs';
import { createKey, ok, serve, temporary } from './support/daybook.mjs';
import { cents, decimal, sum } from './support/money.mjs';

const NOW = '2025-01-31T12:00:00.000Z';
const JANUARY = { start_date: '2025-01-01', end_date: '2025-01-31' };
const data = temporary();
const server = await serve(data, { env: { DAYBOOK_NOW: NOW } });

// A fresh tenant with its rows; returns its key.
async function tenant(name, tables, settings = []) {
    if (settings.length) await ok(['tenant', 'set', '--data', data, '--tenant', name, ...settings]);
    const key = await createKey(data, name);
    for (const [table, rows] of Object.entries(tables)) {
        const answer = await server.ingest(table, key, rows);
        assert.equal(answer.status, 200, answer.body);
        assert.deepEqual(answer.json, { stored: rows.length, rejected: [] }, table);
    }
    return key;
}

const ask = (...question) => askServer(server, ...question);

async function read(report, key, fields) {
    const answer = await ask(report, key, fields && { report: fields });
    assert.equal(answer.status, 200, `${report}: ${answer.body}`);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.deepEqual(Object.keys(answer.json), ['data']);
    assert.deepEqual(Object.keys(answer.json.data), ['type', 'attributes']);
    assert.equal(answer.json.data.type, 'report');
    return answer.json.data.attributes;
}

// The same text in the same order: numbers, digits and keys.
function same(answer, attributes) {
    const text = JSON.stringify({ data: { type: 'report', attributes } });
    assert.equal(JSON.stringify(answer.json), text);
}

// `count` amounts in cents that add up to `total`, the first of them given.
function amounts(count, total, ...first) {
    const rest = cents(total) - sum(first.map(cents));
    const left = BigInt(count - first.length);
    const each = left > 0n ? rest / left : 0n;
    return [...first.map(cents), ...Array.from({ length: count - first.length }, (_, i) => (i === 0 ? rest - each * (left - 1n) : each))];
}

const day = (n) => String(n).padStart(2, '0');

// ---- The data of the published examples ----

// 150 orders of 18750.00, 90 of them delivered for 11250.00, five on the first day for 625.00.
function exampleOrders() {
    const counts = { pending: 12, confirmed: 8, processing: 15, shipped: 20, cancelled: 5 };
    const states = Object.entries(counts).flatMap(([status, count]) => Array(count).fill(status));
    const others = amounts(60, '7500.00', '125.00', '125.00', '125.00', '125.00', '125.00');
    const delivered = amounts(90, '11250.00', '109.99');
    const taxes = amounts(149, decimal(cents('1875.00') - cents('10.00')));
    const order = (i, status, total) => ({
        id: `order-${i}`, status, currency: 'USD', total: decimal(total), tax: decimal(taxes[i]), tip: i === 0 ? '450.00' : undefined,
        created_at: i < 5 ? `2025-01-01T0${i}:00:00Z` : `2025-01-${day(2 + (i % 30))}T12:00:00Z`, customer_id: `user-${i % 7}`,
    });
    const rows = [...states.map((status, i) => order(i, status, others[i])),
                  ...delivered.slice(1).map((total, i) => order(60 + i, 'delivered', total))];
    rows.push({ id: 'order-uuid-123', customer_id: 'user-uuid-456', status: 'delivered', currency: 'USD', subtotal: '99.99',
                tax: '10.00', total: '109.99', payment_method: 'stripe', created_at: '2025-01-10T10:30:00Z',
                delivered_at: '2025-01-14T14:00:00Z' });
    return rows;
}

// 75 flexible orders of 18750.00, 18 of them in the first week for 4500.00.
function exampleFlexible() {
    const counts = { pending: 5, confirmed: 10, processing: 8, delivered: 48, cancelled: 4 };
    const states = Object.entries(counts).flatMap(([status, count]) => Array(count).fill(status));
    const first = amounts(18, '4500.00'), later = amounts(57, '14250.00');
    return states.map((status, i) => ({
        id: `flexible-${i}`, kind: 'flexible', status, currency: 'USD', total: decimal(i < 18 ? first[i] : later[i - 18]),
        created_at: i < 18 ? `2025-01-0${1 + (i % 5)}T08:00:00Z` : `2025-01-${day(6 + (i % 26))}T08:00:00Z`,
    }));
}

// 90 assignments of 7650.00 at 15 percent, 45 of them of one vendor for 3825.00.
function exampleAssignments() {
    const rows = [];
    for (const [vendor, first] of [['vendor-uuid-001', ['85.00']], ['vendor-uuid-002', []]])
        amounts(45, '3825.00', ...first).forEach((amount, i) => rows.push({
            id: `${vendor}-${i}`, vendor_id: vendor, provider_id: 'provider-uuid-001', order_id: `order-${i}`, commission_rate: '15.0',
            amount: decimal(amount), currency: 'USD', status: 'completed', created_at: `2025-01-${day(2 + (i % 20))}T09:00:00Z` }));
    Object.assign(rows[0], { provider_id: 'provider-uuid-002', order_id: 'order-uuid-123', line_id: 'detail-uuid-1', status: 'confirmed',
                             created_at: '2025-01-01T09:00:00Z' });
    return rows;
}

// 150 payments: 120 by stripe for 12500.00, 25 by mercadopago for 2750.50, 5 by transfer for 500.00; of all
// 15200.00 confirmed, 400.50 pending, 150.00 failed.
function examplePayments() {
    const rows = [];
    const add = (method, status, list) => list.forEach((amount, i) => rows.push({
        id: `${method}-${status}-${i}`, order_id: `order-${i}`, customer_id: `user-${i % 5}`, amount: decimal(amount), currency: 'USD',
        status, method, created_at: `2025-01-${day(11 + (i % 20))}T09:00:00Z` }));
    add('stripe', 'confirmed', amounts(119, '12350.00', '109.99'));
    add('stripe', 'failed', amounts(1, '150.00'));
    add('mercadopago', 'confirmed', amounts(20, '2350.00'));
    add('mercadopago', 'pending', amounts(5, '400.50'));
    add('transfer', 'confirmed', amounts(5, '500.00'));
    Object.assign(rows[0], { id: 'payment-uuid-001', order_id: 'order-uuid-123', customer_id: 'user-uuid-456',
                             created_at: '2025-01-10T10:30:00Z' });
    return rows;
}

// 120 vendor payments of 10500.00, 8500.00 of it paid; 45 of one vendor for 3825.00, 3200.00 of it paid.
function exampleVendorPayments() {
    const rows = [];
    const add = (vendor, status, list) => list.forEach((amount, i) => rows.push({
        id: `${vendor}-${status}-${i}`, vendor_id: vendor, order_id: `order-${i}`, amount: decimal(amount), currency: 'USD', status,
        created_at: `2025-01-${day(2 + (i % 20))}T09:00:00Z`, paid_at: status === 'paid' ? '2025-01-25T15:00:00Z' : undefined }));
    add('vendor-uuid-001', 'paid', amounts(38, '3200.00', '85.00'));
    add('vendor-uuid-001', 'pending', amounts(7, '625.00'));
    add('vendor-uuid-002', 'paid', amounts(40, '2800.00'));
    add('vendor-uuid-002', 'pending', amounts(10, '800.00'));
    add('vendor-uuid-003', 'paid', amounts(20, '2500.00'));
    add('vendor-uuid-003', 'pending', amounts(5, '575.00'));
    Object.assign(rows[0], { id: 'vendor-payment-uuid-001', order_id: 'order-uuid-123', paid_at: '2025-01-12T15:00:00Z',
                             created_at: '2025-01-01T00:00:00Z' });
    return rows;
}

// 245 subscriptions: 180 active to Pro Plan at 49.99, 50 to Enterprise Plan at 45.45, 15 cancelled, 8 of them in
// January; 32 new ones in January.
function exampleSubscriptions() {
    const rows = [];
    const add = (count, model, price, status, cancelled) => {
        for (let i = 0; i < count; i++)
            rows.push({ id: `sub-${rows.length}`, customer_id: `user-${rows.length}`, model_name: model, price, currency: 'USD', status,
                        billing_interval: 'month', started_at: `2024-11-${day(1 + (rows.length % 28))}T10:30:00Z`, cancelled_at: cancelled });
    };
    add(180, 'Pro Plan', '49.99', 'active');
    add(50, 'Enterprise Plan', '45.45', 'active');
    add(8, 'Pro Plan', '49.99', 'cancelled', '2025-01-20T00:00:00Z');
    add(7, 'Pro Plan', '49.99', 'cancelled', '2024-12-31T23:59:59.999Z');
    for (let i = 0; i < 32; i++) rows[i * 5].started_at = `2025-01-${day(1 + (i % 31))}T10:30:00Z`;
    Object.assign(rows[0], { id: 'sub-uuid-001', customer_id: 'user-uuid-456' });
    return rows;
}

const vendors = [1, 2, 3].map((n) => ({ id: `vendor-uuid-00${n}`, name: n === 1 ? 'Vendor Corp' : `Vendor ${n}` }));
const key = await tenant('example', {
    vendors, orders: [...exampleOrders(), ...exampleFlexible()], provider_assignments: exampleAssignments(),
    payments: examplePayments(), vendor_payments: exampleVendorPayments(), subscriptions: exampleSubscriptions(),
});

// The page that holds one record, found in the whole list.
async function pageOf(report, fields, id, from = key) {
    const { records } = await read(report, from, fields);
    const at = records.findIndex((record) => Object.values(record).includes(id));
    assert.ok(at >= 0, id);
    return ask(report, from, { report: { ...fields, page: at + 1, per_page: 1 } });
}

// ---- The published examples ----

test('B11, B22: the example of the orders summary', async () => {
    const answer = await ask('orders/summary', key, { report: { ...JANUARY, group_by: 'day' } });
    const { breakdown } = answer.json.data.attributes;
    assert.equal(breakdown.length, 31);
    assert.equal(JSON.stringify(breakdown[0]), JSON.stringify({ date: '2025-01-01', orders: 5, revenue: 625 }));
    same(answer, {
        total_orders: 150, total_revenue: 18750, average_order_value: 125, total_tax: 1875, total_tips: 450, currency: 'USD',
        period: JANUARY, by_status: { pending: 12, confirmed: 8, processing: 15, shipped: 20, delivered: 90, cancelled: 5 }, breakdown });
    assert.ok(answer.body.includes('"total_revenue":18750.00,"average_order_value":125.00,'), 'money has its digits');
    const counted = Object.values(answer.json.data.attributes.by_status).reduce((a, b) => a + b);
    assert.equal(counted, 150, 'cancelled orders count');
    assert.equal(breakdown.reduce((a, row) => a + row.orders, 0), 150);
    assert.equal(decimal(sum(breakdown.map((row) => cents(row.revenue)))), '18750.00');
});

test('B12, B23, B24: the example of the orders list', async () => {
    const answer = await pageOf('orders/list', { ...JANUARY, status: 'delivered' }, 'order-uuid-123');
    same(answer, {
        records: [{ order_id: 'order-uuid-123', user_id: 'user-uuid-456', total: 109.99, subtotal: 99.99, tax: 10, status: 'delivered',
                    payment_method: 'stripe', created_at: '2025-01-10T10:30:00Z', delivered_at: '2025-01-14T14:00:00Z' }],
        total_records: 90, total_revenue: 11250 });
});

test('B13: the example of the providers list', async () => {
    const answer = await pageOf('orders/providers/list', { ...JANUARY, vendor_id: 'vendor-uuid-001' }, 'detail-uuid-1');
    same(answer, {
        records: [{ provider_id: 'provider-uuid-002', vendor_id: 'vendor-uuid-001', vendor_name: 'Vendor Corp', order_id: 'order-uuid-123',
                    detail_id: 'detail-uuid-1', commission_rate: 15, amount: 85, status: 'confirmed' }],
        total_records: 45 });
    assert.ok(answer.body.includes('"commission_rate":15.0,'));
});

test('B14, B25: the example of the providers summary, commission on what is left', async () => {
    const answer = await ask('orders/providers/summary', key, { report: { ...JANUARY, group_by: 'vendor' } });
    same(answer, {
        total_assignments: 90, total_provider_amount: 7650, total_commission: 1350, currency: 'USD',
        by_vendor: [
            { vendor_id: 'vendor-uuid-001', vendor_name: 'Vendor Corp', assignments: 45, total_amount: 3825, avg_commission_rate: 15 },
            { vendor_id: 'vendor-uuid-002', vendor_name: 'Vendor 2', assignments: 45, total_amount: 3825, avg_commission_rate: 15 }] });
    assert.ok(answer.body.includes('"total_commission":1350.00,'));
});

test('B15, B22: the example of the flexible orders summary', async () => {
    const answer = await ask('flexible_orders/summary', key, { report: { ...JANUARY, group_by: 'week' } });
    const { breakdown } = answer.json.data.attributes;
    assert.deepEqual(breakdown.map((row) => row.week), ['2025-W01', '2025-W02', '2025-W03', '2025-W04', '2025-W05']);
    assert.equal(JSON.stringify(breakdown[0]), JSON.stringify({ week: '2025-W01', orders: 18, revenue: 4500 }));
    same(answer, {
        total_orders: 75, total_revenue: 18750, average_order_value: 250, currency: 'USD', period: JANUARY,
        by_status: { pending: 5, confirmed: 10, processing: 8, delivered: 48, cancelled: 4 }, breakdown });
});

test('B16: the example of the payments list', async () => {
    const answer = await pageOf('payments/list', { ...JANUARY, payment_method: 'stripe' }, 'payment-uuid-001');
    same(answer, {
        records: [{ payment_id: 'payment-uuid-001', order_id: 'order-uuid-123', user_id: 'user-uuid-456', amount: 109.99, currency: 'USD',
                    status: 'confirmed', payment_method: 'stripe', created_at: '2025-01-10T10:30:00Z' }],
        total_records: 120, total_amount: 12500 });
});

test('B17, B26: the example of the payments summary, failed ones included', async () => {
    const answer = await ask('payments/summary', key, { report: { ...JANUARY, group_by: 'month' } });
    same(answer, {
        total_payments: 150, total_amount: 15750.5, confirmed_amount: 15200, pending_amount: 400.5, failed_amount: 150, currency: 'USD',
        by_method: { stripe: { count: 120, amount: 12500 }, mercadopago: { count: 25, amount: 2750.5 }, transfer: { count: 5, amount: 500 } } });
});

test('B18: the example of the vendor payments list', async () => {
    // 45 of the vendor, as in the example; its filter names the status alone.
    const other = await tenant('vendor-list', { vendors, vendor_payments: exampleVendorPayments().filter((row) => row.vendor_id === 'vendor-uuid-001')
        .map((row) => ({ ...row, status: 'paid', paid_at: row.paid_at ?? '2025-01-30T00:00:00Z' })) });
    const answer = await pageOf('vendors/payments/list', { ...JANUARY, status: 'paid' }, 'vendor-payment-uuid-001', other);
    same(answer, {
        records: [{ payment_id: 'vendor-payment-uuid-001', vendor_id: 'vendor-uuid-001', vendor_name: 'Vendor Corp', order_id: 'order-uuid-123',
                    amount: 85, status: 'paid', paid_at: '2025-01-12T15:00:00Z' }],
        total_records: 45, total_amount: 3825 });
});

test('B19, B27: the example of the vendor payments summary', async () => {
    const answer = await ask('vendors/payments/summary', key, { report: { ...JANUARY, group_by: 'vendor' } });
    same(answer, {
        total_payments: 120, total_amount: 10500, paid_amount: 8500, pending_amount: 2000, currency: 'USD',
        by_vendor: [
            { vendor_id: 'vendor-uuid-001', vendor_name: 'Vendor Corp', payments: 45, total_amount: 3825, paid_amount: 3200 },
            { vendor_id: 'vendor-uuid-002', vendor_name: 'Vendor 2', payments: 50, total_amount: 3600, paid_amount: 2800 },
            { vendor_id: 'vendor-uuid-003', vendor_name: 'Vendor 3', payments: 25, total_amount: 3075, paid_amount: 2500 }] });
});

test('B20: the example of the subscriptions list', async () => {
    // The example shows 245 active ones where the summary's has 230: a company of its own.
    const other = await tenant('active', { subscriptions: exampleSubscriptions().map((row) => ({ ...row, status: 'active', cancelled_at: undefined })) });
    const answer = await pageOf('users/subscriptions/list', { ...JANUARY, status: 'active' }, 'sub-uuid-001', other);
    same(answer, {
        records: [{ user_id: 'user-uuid-456', subscription_id: 'sub-uuid-001', model_name: 'Pro Plan', status: 'active', price: 49.99,
                    started_at: '2025-01-01T10:30:00Z' }],
        total_records: 245 });
    assert.equal((await read('users/subscriptions/list', key, { ...JANUARY, status: 'active' })).total_records, 230, 'BA10');
});

test('B21, B28, B29: the example of the subscriptions summary', async () => {
    const answer = await ask('users/subscriptions/summary', key, { report: { ...JANUARY, group_by: 'model' } });
    same(answer, {
        total_subscriptions: 245, active_subscriptions: 230, cancelled_subscriptions: 15, new_subscriptions: 32, churned_subscriptions: 8,
        mrr: 11270.7, currency: 'USD',
        by_model: [{ model_name: 'Pro Plan', subscribers: 180, revenue: 8998.2 }, { model_name: 'Enterprise Plan', subscribers: 50, revenue: 2272.5 }],
        churn_rate: 3.3 });
    assert.ok(answer.body.includes('"mrr":11270.70,'));
});

// ---- Requests ----

test('B1, B3: wrapped, unwrapped, absent and GET are the same question', async () => {
    const fields = { ...JANUARY, group_by: 'week', status: 'delivered' };
    for (const report of REPORTS) {
        const whole = await ask(report, key);
        assert.equal(whole.status, 200, whole.body);
        // Without dates the period is the month to date, which on the last day is the month.
        for (const body of ['{}', '{"report":{}}', '{"report":null}', JSON.stringify(JANUARY), '{"report":{"start_date":null,"status":""}}'])
            assert.equal((await ask(report, key, body)).body, whole.body, `${report} ${body}`);
        const wrapped = await ask(report, key, { report: fields });
        assert.equal(wrapped.status, 200, wrapped.body);
        assert.equal((await ask(report, key, fields)).body, wrapped.body, report);
        const query = new URLSearchParams(fields);
        assert.equal((await server.get(`/reports/${report}?${query}`, key)).body, wrapped.body, report);
    }
});

test('B38, X23: an alias, and fields that are not known', async () => {
    const wanted = await ask('orders/providers/list', key, { ...JANUARY, vendor_id: 'vendor-uuid-002' });
    assert.equal(wanted.json.data.attributes.total_records, 45);
    const alias = await ask('orders/providers/list', key, { ...JANUARY, vendor_unique_id: 'vendor-uuid-002', colour: ['blue'] });
    assert.equal(alias.body, wanted.body);
});

test('BA1, BA2: both days are whole ones, in the zone of the company; one day is a period', async () => {
    const rows = ['2025-01-09T22:59:59.999Z', '2025-01-09T23:00:00Z', '2025-01-10T22:59:59.999Z', '2025-01-10T23:00:00Z']
        .map((created_at, i) => ({ id: `z${i}`, created_at, status: 'pending', total: '1', currency: 'EUR' }));
    const zoned = await tenant('zoned', { orders: rows }, ['--timezone', 'Europe/Berlin']);
    const list = await read('orders/list', zoned, { start_date: '2025-01-10', end_date: '2025-01-10' });
    assert.deepEqual(list.records.map((record) => record.order_id), ['z1', 'z2']);
    const summary = await read('orders/summary', zoned, { start_date: '2025-01-10', end_date: '2025-01-10' });
    assert.deepEqual(summary.breakdown, [{ date: '2025-01-10', orders: 2, revenue: 2 }]);
    const open = await read('orders/summary', zoned, { end_date: '2025-01-09' });
    assert.deepEqual(open.period, { start_date: '2025-01-01', end_date: '2025-01-09' });
    assert.equal(open.total_orders, 1);
    assert.deepEqual((await read('orders/summary', zoned, { start_date: '2025-01-10' })).period, { start_date: '2025-01-10', end_date: '2025-01-31' });
});

test('BA3: the breakdown has no gaps, by day, ISO week and month', async () => {
    const span = { start_date: '2024-12-30', end_date: '2025-02-02' };
    const days = (await read('orders/summary', key, span)).breakdown;
    assert.equal(days.length, 35);
    assert.deepEqual(days[0], { date: '2024-12-30', orders: 0, revenue: 0 });
    const weeks = (await read('orders/summary', key, { ...span, group_by: 'week' })).breakdown;
    assert.deepEqual(weeks.map((row) => row.week), ['2025-W01', '2025-W02', '2025-W03', '2025-W04', '2025-W05']);
    const months = (await read('orders/summary', key, { ...span, group_by: 'month' })).breakdown;
    assert.deepEqual(months, [{ month: '2024-12', orders: 0, revenue: 0 }, { month: '2025-01', orders: 150, revenue: 18750 },
                              { month: '2025-02', orders: 0, revenue: 0 }]);
    const cut = (await read('orders/summary', key, { start_date: '2025-01-02', end_date: '2025-01-31', group_by: 'month' })).breakdown;
    assert.deepEqual(cut, [{ month: '2025-01', orders: 145, revenue: 18125 }], 'the rows at the ends count the period only');
    assert.deepEqual((await read('orders/summary', key, { start_date: '2024-12-31', end_date: '2024-12-31', group_by: 'week' })).breakdown,
                     [{ week: '2025-W01', orders: 0, revenue: 0 }]);
});

const spelled = await tenant('spelled', { orders: ['SUBMITTED', 'Pending', 'pending', 'DELIVERED', 'canceled', 'Cancelled', 'On Hold', 'on hold', 'returned']
    .map((status, i) => ({ id: `s${i}`, created_at: '2025-01-05', status, total: String(i + 1), currency: 'USD' })) });

test('BA4: statuses in any case, synonyms, others behind the six', async () => {
    const { by_status, total_orders } = await read('orders/summary', spelled, JANUARY);
    assert.equal(JSON.stringify(by_status), JSON.stringify({ pending: 3, confirmed: 0, processing: 0, shipped: 0, delivered: 1, cancelled: 2, 'on hold': 2, returned: 1 }));
    assert.equal(total_orders, 9);
    for (const status of ['pending', 'PENDING', 'submitted', 'Submitted']) {
        const list = await read('orders/list', spelled, { ...JANUARY, status });
        assert.deepEqual(list.records.map((record) => [record.order_id, record.status]), [['s0', 'pending'], ['s1', 'pending'], ['s2', 'pending']]);
        assert.equal(list.total_revenue, 6);
    }
    const held = await read('orders/summary', spelled, { ...JANUARY, status: 'ON HOLD' });
    assert.equal(held.total_revenue, 15);
    assert.deepEqual(held.by_status, { pending: 0, confirmed: 0, processing: 0, shipped: 0, delivered: 0, cancelled: 0, 'on hold': 2 });
    assert.equal(held.breakdown[4].revenue, 15, 'the breakdown is of the same rows');
});

test('BA5: an unknown status finds nothing', async () => {
    for (const report of REPORTS) {
        const attributes = await read(report, key, { ...JANUARY, status: 'teleported' });
        const counts = Object.entries(attributes).filter(([name]) => /^total_|^active_|^new_|^churn|mrr/.test(name));
        assert.ok(counts.length > 0);
        for (const [name, value] of counts) assert.equal(value, 0, `${report} ${name}`);
        if (attributes.records) assert.deepEqual(attributes.records, []);
        if (attributes.breakdown) assert.ok(attributes.breakdown.every((row) => row.orders === 0 && row.revenue === 0));
    }
});

test('BA6: pages hold each record once, in order; totals are of all', async () => {
    for (const report of REPORTS.filter((name) => name.endsWith('/list'))) {
        const whole = await read(report, key, JANUARY);
        assert.equal(whole.records.length, whole.total_records);
        const { records, ...totals } = whole;
        const time = records[0].created_at ? 'created_at' : records[0].started_at ? 'started_at' : null;
        for (let i = 1; i < records.length && time; i++) assert.ok(records[i - 1][time] <= records[i][time], report);
        const paged = [];
        for (let page = 1; paged.length < whole.total_records; page++) {
            const { records: some, ...same } = await read(report, key, { ...JANUARY, page, per_page: 17 });
            assert.deepEqual(same, totals);
            assert.ok(some.length === 17 || paged.length + some.length === whole.total_records);
            paged.push(...some);
        }
        assert.deepEqual(paged, records, report);
        assert.deepEqual((await read(report, key, { ...JANUARY, page: 1000 })).records, []);
        assert.equal((await read(report, key, { ...JANUARY, page: 1 })).records.length, Math.min(100, whole.total_records));
    }
});

test('BA6: more than 10,000 records have to be asked for in pages', async () => {
    const rows = Array.from({ length: 10001 }, (_, i) => ({
        id: `o${String(i).padStart(5, '0')}`, created_at: new Date(Date.UTC(2025, 0, 1) + i * 200000).toISOString(), status: i % 2 ? 'delivered' : 'pending',
        total: '1.25', currency: 'USD' }));
    const many = await tenant('many', { orders: rows });
    const refused = await ask('orders/list', many, JANUARY);
    assert.equal(refused.status, 422);
    assert.deepEqual(refused.json, { errors: [{ status: '422', code: 'result_too_large', title: 'Result Too Large',
        detail: 'The list has 10001 records. Ask for it in pages, with page and per_page (at most 10000).' }] });
    const first = await read('orders/list', many, { ...JANUARY, per_page: 10000 });
    assert.deepEqual([first.records.length, first.total_records, first.total_revenue], [10000, 10001, 12501.25]);
    assert.deepEqual(first.records.map((record) => record.order_id), rows.slice(0, 10000).map((row) => row.id));
    const second = await read('orders/list', many, { ...JANUARY, per_page: 10000, page: 2 });
    assert.deepEqual(second.records.map((record) => record.order_id), ['o10000']);
    const middle = await read('orders/list', many, { ...JANUARY, per_page: 1500, page: 5 });
    assert.deepEqual(middle.records.map((record) => record.order_id), rows.slice(6000, 7500).map((row) => row.id));
    assert.equal((await read('orders/list', many, { ...JANUARY, status: 'delivered' })).records.length, 5000);
    const equal = await read('orders/list', many, { start_date: '2025-01-01', end_date: '2025-01-23' });
    assert.ok(equal.total_records <= 10000 && equal.records.length === equal.total_records);
});
