// SPDX-License-Identifier: Apache-2.0
// The 23blocks dialect from outside: what is refused and how, currencies, entity tags, what each report counts, and
// that every summary is the sum of its list.
import assert from 'node:assert/strict';
import test from 'node:test';
import { REPORTS, ask as askServer } from './support/blocks.mjs';
import { createKey, ok, run, serve, temporary } from './support/daybook.mjs';
import { Issuer, forge, hs256, jwks, keyFile } from './support/jwt.mjs';
import { cents, decimal, divide, sum } from './support/money.mjs';
import { seeded } from './support/random.mjs';

const NOW = '2025-01-31T12:00:00.000Z';
const JANUARY = { start_date: '2025-01-01', end_date: '2025-01-31' };
const data = temporary();
const server = await serve(data, { env: { DAYBOOK_NOW: NOW } });
const ask = (...question) => askServer(server, ...question);

async function tenant(name, tables, settings = []) {
    if (settings.length) await ok(['tenant', 'set', '--data', data, '--tenant', name, ...settings]);
    const key = await createKey(data, name);
    for (const [table, rows] of Object.entries(tables)) {
        const answer = await server.ingest(table, key, rows);
        assert.deepEqual(answer.json, { stored: rows.length, rejected: [] }, table);
    }
    return key;
}

async function read(report, key, fields) {
    const answer = await ask(report, key, fields);
    assert.equal(answer.status, 200, `${report} ${JSON.stringify(fields)}: ${answer.body}`);
    return answer.json.data.attributes;
}

function refused(answer, status, code, detail) {
    assert.equal(answer.status, status, answer.body);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.deepEqual(Object.keys(answer.json), ['errors']);
    const [error, ...more] = answer.json.errors;
    assert.deepEqual(more, []);
    assert.deepEqual(Object.keys(error), ['status', 'code', 'title', 'detail']);
    assert.deepEqual([error.status, error.code], [String(status), code], answer.body);
    if (detail instanceof RegExp) assert.match(error.detail, detail);
    else if (detail !== undefined) assert.equal(error.detail, detail);
    assert.equal(answer.headers.etag, undefined, 'a refusal has no tag');
    return error;
}

const day = (n) => `2025-01-${String(n).padStart(2, '0')}T12:00:00Z`;
const key = await tenant('shop', { orders: [{ id: 'o1', created_at: day(3), status: 'DELIVERED', total: '12.50', currency: 'USD' }] });

// ---- What is refused ----

test('B8: the published error, and each field with an impossible value', async () => {
    const error = refused(await ask('orders/summary', key, { report: { start_date: '2025-02-01', end_date: '2025-01-31' } }), 422,
                          'invalid_parameters', 'start_date must be before end_date.');
    assert.equal(error.title, 'Invalid Report Parameters');
    const impossible = {
        start_date: ['2025-1-1', '2025-02-30', '01/02/2025', '2025-01-01T00:00:00Z', 'today', 20250101, true, {}, []],
        end_date: ['2025-13-01', '2025-01', ' 2025-01-01', '-2025-01-01', 5],
        group_by: ['year', 'DAY', 'quarter', 'days', 1, ['day']],
        status: [1, true, ['delivered'], {}],
        currency: ['dollar', 'U$D', 'US', 840, []],
        vendor_id: [7, {}],
        vendor_unique_id: [7, false],
        payment_method: [1, false, ['card']],
        page: [0, -1, 1.5, '1', '2x', true, 1e300, 1000000001, {}],
        per_page: [0, -5, 10001, '20', 0.5, []],
        include: ['everything', ['breakdown', 'more'], [1], 5, {}, true],
    };
    for (const report of REPORTS)
        for (const [name, values] of Object.entries(impossible))
            for (const value of values) {
                const answer = await ask(report, key, { report: { [name]: value } });
                const { detail } = refused(answer, 422, 'invalid_parameters');
                assert.ok(detail.includes(name), `${name}=${JSON.stringify(value)}: ${detail}`);
            }
    for (const query of ['page=0', 'page=1.5', 'per_page=x', 'start_date=5', 'group_by=year', 'include=more', 'currency=%24%24%24'])
        refused(await server.get(`/reports/orders/list?${query}`, key), 422, 'invalid_parameters');
    refused(await server.get('/reports/orders/list?start_date=%zz', key), 400, 'bad_request');
});

test('B5: group_by knows vendor and model where there are some', async () => {
    const vendor = ['orders/providers/list', 'orders/providers/summary', 'vendors/payments/list', 'vendors/payments/summary'];
    for (const report of REPORTS) {
        const takes = (group) => (group === 'vendor' ? vendor.includes(report) : group === 'model' ? report.startsWith('users/') : true);
        for (const group_by of ['day', 'week', 'month', 'vendor', 'model']) {
            const answer = await ask(report, key, { group_by });
            if (takes(group_by)) assert.equal(answer.status, 200, answer.body);
            else refused(answer, 422, 'invalid_parameters', /^group_by must be day, week(, month or (vendor|model)| or month)\.$/);
        }
    }
});

test('BA5: bodies that are not JSON, not an object, or not said to be JSON', async () => {
    for (const body of ['{', '{"report":}', 'report=1', '{"a":1}x', '{"a":1,"a":2}', '\u0000', Buffer.from([0x7b, 0xff, 0x7d])]) {
        const answer = await ask('orders/summary', key, body);
        refused(answer, 400, 'invalid_json');
        assert.match(answer.headers['daybook-json-error'], /^line 1, column \d+: /);
    }
    for (const body of ['[]', '"report"', '5', 'true', 'null', '[{"report":{}}]', '{"report":[]}', '{"report":"x"}', '{"report":5}'])
        refused(await ask('orders/summary', key, body), 422, 'invalid_parameters', /object/);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'text/json'])
        refused(await ask('orders/summary', key, '{}', { 'content-type': type }), 415, 'unsupported_media_type');
    refused(await ask('orders/summary', key, '{}', { 'content-encoding': 'gzip' }), 415, 'unsupported_media_type');
    for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON'])
        assert.equal((await ask('orders/summary', key, '{}', { 'content-type': type })).status, 200);
    const padded = (size) => `{"status":"${'x'.repeat(size - 13)}"}`;
    assert.equal((await ask('orders/summary', key, padded(1 << 20))).status, 200);
    refused(await ask('orders/summary', key, padded((1 << 20) + 1)), 413, 'payload_too_large');
    refused(await ask('orders/summary', key, `[${'0,'.repeat(8 << 20)}`.slice(0, (16 << 20) - 2) + '0]'), 413, 'payload_too_large');
    // A body that was answered before is not answered again under another type.
    refused(await ask('orders/summary', key, '{}', { 'content-type': 'text/plain' }), 415, 'unsupported_media_type');
});

test('X5: unknown paths, other methods', async () => {
    for (const path of ['/reports', '/reports/orders', '/reports/orders/summary/x', '/reports/flexible_orders/list', '/reports/orders/Summary'])
        refused(await server.request(path, { method: 'POST', headers: { authorization: `Bearer ${key}` } }), 404, 'not_found', 'Not found.');
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
        const answer = await server.request('/reports/orders/summary', { method, headers: { authorization: `Bearer ${key}` } });
        refused(answer, 405, 'method_not_allowed');
        assert.equal(answer.headers.allow, 'POST, QUERY, GET, HEAD');
    }
});

test('B4, BA5: who may ask', async () => {
    const writer = await createKey(data, 'shop', 'ingest:write');
    for (const report of REPORTS) {
        for (const authorization of ['', 'Basic x', 'Bearer', key])
            refused(await ask(report, null, {}, authorization ? { authorization } : {}), 401, 'unauthorized');
        refused(await ask(report, 'dk_' + 'A'.repeat(43), {}), 401, 'unauthorized');
        refused(await ask(report, writer, {}), 403, 'forbidden', /reports:read/);
    }
});

test('B4, BA5: a token and the AppId beside it', async () => {
    const issuer = new Issuer('RS256'), stranger = new Issuer('RS256', issuer.kid), curve = new Issuer('ES256'), edwards = new Issuer('EdDSA');
    const now = Date.parse(NOW);
    await tenant('trusting', { orders: [{ id: 't1', created_at: day(3), status: 'DELIVERED', total: '4.50', currency: 'USD' }] },
                 ['--jwks', keyFile(jwks(issuer, curve, edwards)), '--app-id', 'pk_live_sh_1', '--jwt-audience', 'sales']);
    await tenant('wary', {}, ['--jwks', keyFile(jwks(new Issuer('RS256', 'other')))]);
    const good = issuer.fresh({ aud: 'sales' }, now);
    const asked = (token, appId, header = 'appid') => ask('orders/summary', token, JANUARY, appId ? { [header]: appId } : {});
    for (const token of [good, curve.fresh({ aud: ['x', 'sales'] }, now), edwards.fresh({ aud: 'sales' }, now)])
        for (const header of ['appid', 'x-app-id']) {
            const answer = await asked(token, 'pk_live_sh_1', header);
            assert.equal(answer.status, 200, answer.body);
            assert.equal(answer.json.data.attributes.total_revenue, 4.5);
        }
    for (const report of REPORTS)
        assert.equal((await server.get(`/reports/${report}`, good, { appid: 'pk_live_sh_1' })).status, 200, report);
    const claims = { sub: 'user-1', aud: 'sales', exp: Math.floor(now / 1000) + 60 };
    const secret = issuer.publicKey.export({ type: 'spki', format: 'pem' });
    const wrong = {
        'no AppId': [good],
        "another company's AppId": [good, 'wary'],
        'its name, where it has an AppId of its own': [good, 'trusting'],
        'an AppId of nobody': [good, 'nobody'],
        'another key under the same kid': [stranger.fresh({ aud: 'sales' }, now), 'pk_live_sh_1'],
        'an unknown kid': [issuer.token(claims, { kid: 'unknown' }), 'pk_live_sh_1'],
        expired: [issuer.fresh({ aud: 'sales' }, now - 2 * 3600000), 'pk_live_sh_1'],
        'no expiry': [issuer.token({ sub: 'user-1', aud: 'sales' }), 'pk_live_sh_1'],
        'another audience': [issuer.fresh({ aud: 'hr' }, now), 'pk_live_sh_1'],
        'no algorithm': [forge({ alg: 'none' }, claims), 'pk_live_sh_1'],
        'the public key as a shared secret': [hs256(secret, claims, { kid: issuer.kid }), 'pk_live_sh_1'],
        'a shared secret that was never set': [hs256('x'.repeat(32), claims), 'pk_live_sh_1'],
        'another algorithm in the header': [issuer.token(claims, { alg: 'ES256' }), 'pk_live_sh_1'],
        'a part too few': [good.split('.').slice(0, 2).join('.'), 'pk_live_sh_1'],
        'a changed body': [good.replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ ...claims, sub: 'root' })).toString('base64url')}.`), 'pk_live_sh_1'],
    };
    for (const [what, [token, appId]] of Object.entries(wrong)) {
        const answer = await asked(token, appId);
        assert.equal(answer.status, 401, `${what}: ${answer.body}`);
        refused(answer, 401, 'unauthorized');
    }
    // A key knows its company; an AppId beside it has to be the same.
    const own = await createKey(data, 'trusting');
    assert.equal((await asked(own)).status, 200);
    assert.equal((await asked(own, 'pk_live_sh_1')).status, 200);
    refused(await asked(own, 'wary'), 403, 'forbidden');
    refused(await asked(key, 'pk_live_sh_1'), 403, 'forbidden');
    // What was answered and kept is answered again to those who may ask, and to nobody else.
    refused(await asked(wrong.expired[0], 'pk_live_sh_1'), 401, 'unauthorized');
    assert.equal((await asked(good, 'pk_live_sh_1')).json.data.attributes.total_revenue, 4.5);
});

test('a period that is broken down has at most 36,600 days', async () => {
    const most = { start_date: '1925-01-01', end_date: '2025-03-16' };
    assert.equal((await read('orders/summary', key, most)).breakdown.length, 36600);
    const more = { ...most, end_date: '2025-03-17' };
    for (const [report, fields] of [['orders/summary', more], ['flexible_orders/summary', { ...more, group_by: 'month' }], ['payments/summary', { ...more, group_by: 'day' }]])
        refused(await ask(report, key, fields), 422, 'invalid_parameters', 'The period is too long: at most 36600 days.');
    const ever = { start_date: '0001-01-01', end_date: '9999-12-31' };
    assert.equal((await read('orders/list', key, ever)).total_records, 1);
    assert.equal((await read('payments/summary', key, ever)).total_payments, 0);
});

test('daybook report gives the bodies of the API', async () => {
    const names = REPORTS.map((report) => report.replace('orders/providers', 'providers').replace('vendors/payments', 'vendor-payments')
        .replace('users/subscriptions', 'subscriptions').replace('flexible_orders', 'flexible-orders').replace('/', '-'));
    const own = (name, ...rest) => run(['report', '--data', data, '--tenant', 'shop', name, ...rest]);
    for (let i = 0; i < REPORTS.length; i++) {
        const answer = await ask(REPORTS[i], key, { ...JANUARY, group_by: 'week', status: 'delivered' });
        const printed = await own(names[i], '--from', JANUARY.start_date, '--to', JANUARY.end_date, '--group-by', 'week', '--status', 'delivered', '--json');
        assert.deepEqual([printed.code, printed.stdout.trim()], [0, answer.body], names[i]);
    }
    const preset = await own('orders-list', '--preset', 'month');
    assert.equal(preset.code, 1);
    assert.match(preset.stderr, /no presets/);
    const table = await own('orders-list', '--from', '2025-01-01', '--to', '2025-01-31');
    assert.match(table.stdout, /order_id[^]*o1[^]*total_revenue: 12\.50/);
    assert.equal((await server.get('/admin/report/orders-summary?tenant=shop', key)).status, 404);
});

// ---- Tags and kept answers ----

test('BA13: a strong tag for POST as for GET; a change of the data is another answer', async () => {
    const own = await tenant('tags', { orders: [{ id: 'o1', created_at: day(3), status: 'pending', total: '1', currency: 'USD' }] });
    for (const report of REPORTS) {
        const first = await ask(report, own, JANUARY);
        assert.match(first.headers.etag, /^"[^"]+"$/);
        const again = await ask(report, own, JANUARY, { 'idempotency-key': 'x' });
        assert.deepEqual([again.headers.etag, again.body], [first.headers.etag, first.body]);
        const known = await ask(report, own, JANUARY, { 'if-none-match': first.headers.etag });
        assert.deepEqual([known.status, known.body], [304, '']);
        const other = await ask(report, own, { ...JANUARY, end_date: '2025-01-30' }, { 'if-none-match': first.headers.etag });
        assert.equal(other.status, 200, 'another question');
        assert.notEqual(other.headers.etag, first.headers.etag);
    }
    const before = await ask('orders/summary', own, JANUARY);
    await server.ingest('orders', own, [{ id: 'o2', created_at: day(4), status: 'pending', total: '2', currency: 'USD' }]);
    const after = await ask('orders/summary', own, JANUARY, { 'if-none-match': before.headers.etag });
    assert.equal(after.status, 200);
    assert.equal(after.json.data.attributes.total_revenue, 3);
});

test('BA13: QUERY asks what POST asks', async () => {
    const body = JSON.stringify({ report: { ...JANUARY, status: 'delivered' } });
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    for (const report of REPORTS) {
        const posted = await ask(report, key, body);
        const queried = await server.request(`/reports/${report}`, { method: 'QUERY', headers, body });
        assert.deepEqual([queried.status, queried.body, queried.headers.etag], [200, posted.body, posted.headers.etag]);
    }
    const write = await server.request('/api/v1/orders', { method: 'QUERY', headers, body: '{}' });
    assert.equal(write.status, 405, 'what changes something is no question');
});

test('BA13: kept answers are counted, and keep their headers', async () => {
    const metric = async () => Number(/^daybook_answer_cache_hits_total (\d+)$/m.exec((await server.get('/metrics')).body)[1]);
    const fields = { ...JANUARY, payment_method: 'kept' };
    const first = await ask('orders/list', key, fields);
    const count = await metric();
    const second = await ask('orders/list', key, fields);
    assert.equal(second.headers['daybook-currency'], first.headers['daybook-currency']);
    assert.equal(second.headers.etag, first.headers.etag);
    assert.equal(await metric(), count + 1);
});

// ---- Currencies ----

test('BA12, X18: one currency an answer, the others in a header', async () => {
    const money = [['USD', 3, '10.00'], ['EUR', 2, '7.25'], ['JPY', 1, '500'], [undefined, 1, '1.00']];
    const rows = (make) => money.flatMap(([currency, count, amount], m) => Array.from({ length: count }, (_, i) => make(`r${m}-${i}`, currency, amount)));
    const mixed = await tenant('mixed', {
        orders: [...rows((id, currency, total) => ({ id, created_at: day(5), status: 'pending', total, currency })),
                 ...rows((id, currency, total) => ({ id: `f${id}`, created_at: day(5), status: 'pending', total, currency, kind: 'flexible' }))],
        payments: rows((id, currency, amount) => ({ id, created_at: day(5), amount, currency, status: 'confirmed', method: 'card' })),
        vendor_payments: rows((id, currency, amount) => ({ id, created_at: day(5), vendor_id: 'v', amount, currency, status: 'paid' })),
        provider_assignments: rows((id, currency, amount) => ({ id, created_at: day(5), provider_id: 'p', vendor_id: 'v', amount, currency, commission_rate: '50' })),
        subscriptions: rows((id, currency, price) => ({ id, customer_id: id, model_name: 'M', status: 'active', price, currency, started_at: day(5) })),
    });
    for (const report of REPORTS) {
        const own = await ask(report, mixed, JANUARY);
        assert.equal(own.headers['daybook-other-currencies'], 'EUR=2, JPY=1', report);
        const { attributes } = own.json.data;
        const count = attributes.total_orders ?? attributes.total_records ?? attributes.total_assignments ?? attributes.total_payments ?? attributes.total_subscriptions;
        assert.equal(count, 4, report);
        if (attributes.records) assert.equal(own.headers['daybook-currency'], 'USD');
        else assert.equal(attributes.currency, 'USD');
        assert.ok(own.body.includes('31.00') || attributes.records, own.body);
        const yen = await ask(report, mixed, { ...JANUARY, currency: 'jpy' });
        assert.equal(yen.headers['daybook-other-currencies'], 'EUR=2, USD=4', report);
        assert.ok(/:500[,}]/.test(yen.body), `yen have no decimals: ${yen.body}`);
        const none = await ask(report, mixed, { ...JANUARY, currency: 'CHF' });
        assert.equal(none.headers['daybook-other-currencies'], 'EUR=2, JPY=1, USD=4');
        const first = await ask(report, mixed, { ...JANUARY, page: 1, per_page: 1 });
        assert.equal(first.headers['daybook-other-currencies'], 'EUR=2, JPY=1', 'the page does not change what is met');
    }
    const payments = (await read('payments/list', mixed, JANUARY)).records.map((record) => record.currency);
    assert.deepEqual(payments, ['USD', 'USD', 'USD', 'USD'], 'a payment without a currency has the company\'s');
});

test('X21: a company without anything', async () => {
    const empty = await tenant('empty', {});
    for (const report of REPORTS) {
        const attributes = await read(report, empty, JANUARY);
        if (attributes.records) assert.deepEqual(attributes.records, []);
        else assert.equal(attributes.currency, null);
    }
    assert.equal((await read('orders/summary', empty, JANUARY)).average_order_value, 0);
    assert.equal((await read('users/subscriptions/summary', empty, JANUARY)).churn_rate, 0);
});

// ---- What each report counts ----

test('B15: flexible orders are in their report and in no other', async () => {
    const kinds = await tenant('kinds', { orders: ['standard', 'flexible', 'preorder', 'pos', undefined].map((kind, i) => (
        { id: `k${i}`, created_at: day(5), kind, status: kind === 'flexible' ? 'SHIPPED' : 'pending', total: String(10 ** i), currency: 'USD' })) });
    assert.equal((await read('orders/summary', kinds, JANUARY)).total_revenue, 11101);
    assert.equal((await read('orders/list', kinds, JANUARY)).total_revenue, 11101);
    const flexible = await read('flexible_orders/summary', kinds, JANUARY);
    assert.equal(flexible.total_revenue, 10);
    assert.equal(JSON.stringify(flexible.by_status), JSON.stringify({ pending: 0, confirmed: 0, processing: 0, delivered: 0, cancelled: 0, shipped: 1 }));
});

test('B26, B31, B35, BA8: refunds are no payments, refunded ones are in the totals, the breakdown is asked for', async () => {
    const pay = (id, fields) => ({ id, created_at: day(6), amount: '10.00', currency: 'USD', status: 'confirmed', method: 'card', ...fields });
    const own = await tenant('payments', { payments: [
        pay('p1', {}), pay('p2', { kind: 'deposit', status: 'pending' }), pay('p3', { kind: 'balance', status: 'failed', method: undefined }),
        pay('p4', { status: 'refunded', method: 'cash' }), pay('p5', { kind: 'refund', amount: '99.00' }), pay('p6', { status: undefined, created_at: day(20) })] });
    const month = await read('payments/summary', own, { ...JANUARY, group_by: 'month' });
    assert.equal(JSON.stringify(month), JSON.stringify({
        total_payments: 5, total_amount: 50, confirmed_amount: 10, pending_amount: 20, failed_amount: 10, currency: 'USD',
        by_method: { card: { count: 3, amount: 30 }, cash: { count: 1, amount: 10 }, unknown: { count: 1, amount: 10 } } }));
    const plain = await read('payments/summary', own, JANUARY);
    assert.deepEqual(plain, month);
    const weeks = await read('payments/summary', own, { ...JANUARY, group_by: 'week' });
    assert.deepEqual(weeks.period, JANUARY);
    assert.deepEqual(weeks.breakdown.map((row) => [row.week, row.payments, row.amount]),
                     [['2025-W01', 0, 0], ['2025-W02', 4, 40], ['2025-W03', 0, 0], ['2025-W04', 1, 10], ['2025-W05', 0, 0]]);
    const asked = await read('payments/summary', own, { ...JANUARY, group_by: 'month', include: ['breakdown'] });
    assert.deepEqual(asked.breakdown, [{ month: '2025-01', payments: 5, amount: 50 }]);
    assert.deepEqual((await read('payments/summary', own, { ...JANUARY, include: [] })), month);
    const pending = await read('payments/list', own, { ...JANUARY, status: 'pending', payment_method: 'card' });
    assert.deepEqual(pending.records.map((record) => [record.payment_id, record.status]), [['p2', 'pending'], ['p6', 'pending']]);
});

test('B27, B33, B36: cancelled vendor payments are left out unless asked for', async () => {
    const own = await tenant('vendor-payments', { vendor_payments: [
        ...['paid', 'Pending', 'CANCELLED', undefined].map((status, i) => ({ id: `v${i}`, created_at: day(7), vendor_id: i < 2 ? 'a' : 'b', amount: String(10 ** i), currency: 'USD', status }))] });
    const summary = await read('vendors/payments/summary', own, JANUARY);
    assert.deepEqual([summary.total_payments, summary.total_amount, summary.paid_amount, summary.pending_amount], [3, 1011, 1, 1010]);
    assert.deepEqual(summary.by_vendor, [{ vendor_id: 'b', vendor_name: null, payments: 1, total_amount: 1000, paid_amount: 0 },
                                         { vendor_id: 'a', vendor_name: null, payments: 2, total_amount: 11, paid_amount: 1 }]);
    const list = await read('vendors/payments/list', own, JANUARY);
    assert.deepEqual(list.records.map((record) => [record.payment_id, record.status, record.paid_at]), [['v0', 'paid', null], ['v1', 'pending', null], ['v3', 'pending', null]]);
    assert.equal(list.total_amount, 1011);
    const cancelled = await read('vendors/payments/summary', own, { ...JANUARY, status: 'cancelled' });
    assert.deepEqual([cancelled.total_payments, cancelled.total_amount, cancelled.paid_amount], [1, 100, 0]);
    assert.deepEqual((await read('vendors/payments/list', own, { ...JANUARY, status: 'Cancelled', vendor_id: 'b' })).records.map((record) => record.payment_id), ['v2']);
});

test('B25, B32: commission of several rates is added exactly and rounded once', async () => {
    const rows = [['0.01', '33.333333333'], ['0.02', '50'], ['0.10', '20'], ['5.00', undefined], ['7.00', '0'], ['3.00', '100'], ['4.00', '-5']];
    const own = await tenant('rates', { provider_assignments: rows.map(([amount, commission_rate], i) => (
        { id: `a${i}`, created_at: day(8), provider_id: 'p', vendor_id: i < 3 ? 'v' : undefined, amount, commission_rate, currency: 'USD' })) });
    const summary = await read('orders/providers/summary', own, JANUARY);
    // 0.01 × 33.333333333/66.666666667 = 0.00499…, 0.02, 0.025: together 0.04999…
    assert.equal(summary.total_commission, 0.05);
    assert.deepEqual(summary.by_vendor.map((row) => [row.vendor_id, row.assignments, row.total_amount, row.avg_commission_rate]),
                     [[null, 4, 19, 31.7], ['v', 3, 0.13, 34.4]]);
    const statuses = (await read('orders/providers/list', own, JANUARY)).records.map((record) => [record.status, record.commission_rate]);
    assert.deepEqual(statuses.slice(0, 4), [['assigned', 33.3], ['assigned', 50], ['assigned', 20], ['assigned', null]]);
});

test('X20, B22, B25: amounts at the end of their range, only cancelled orders, currencies of no and of three digits', async () => {
    const tables = (amount, currency) => {
        const three = (make) => [0, 1, 2].map((i) => ({ id: `e${i}`, created_at: day(3), currency, ...make(i) }));
        return {
            orders: three(() => ({ status: 'cancelled', total: amount, tax: amount, tip: amount })),
            payments: three(() => ({ status: 'failed', amount })),
            vendor_payments: three(() => ({ vendor_id: 'v', status: 'paid', amount })),
            provider_assignments: three((i) => ({ provider_id: 'p', vendor_id: 'v', amount, commission_rate: ['99.999999999', '0', '100'][i] })),
            subscriptions: three((i) => ({ customer_id: 'c', model_name: 'M', status: 'active', price: amount, started_at: day(3), created_at: undefined,
                                           billing_interval: ['week', 'month', 'year'][i] })),
        };
    };
    for (const [name, amount, currency, digits] of [['most', '922337203685477.5807', 'USD', 2], ['least', '-922337203685477.5807', 'USD', 2],
        ['yen', '100.5', 'JPY', 0], ['dinar', '1.0005', 'KWD', 3]]) {
        const own = await tenant(`edge-${name}`, tables(amount, currency), ['--currency', currency]);
        const [whole, part = ''] = amount.split('.'), one = BigInt(whole + part.padEnd(4, '0'));
        // Numbers as texts: the largest are beyond a double.
        const money = (numerator, denominator = 1n) => {
            const units = divide(numerator, denominator * 10n ** BigInt(4 - digits));
            const text = String(units < 0n ? -units : units).padStart(digits + 1, '0');
            return (units < 0n ? '-' : '') + (digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text);
        };
        const has = async (report, members) => {
            const { body } = await ask(report, own, JANUARY);
            for (const [member, value] of Object.entries(members)) assert.ok(body.includes(`"${member}":${value}`), `${name} ${report} ${member} ${value}: ${body}`);
        };
        await has('orders/summary', { total_revenue: money(3n * one), average_order_value: money(one), total_tips: money(3n * one), cancelled: 3 });
        await has('orders/list', { total: money(one), total_revenue: money(3n * one) });
        await has('payments/summary', { total_amount: money(3n * one), failed_amount: money(3n * one), confirmed_amount: money(0n) });
        await has('vendors/payments/summary', { paid_amount: money(3n * one), pending_amount: money(0n) });
        // One that keeps all but the least part of the whole; none and all of it are no commission.
        await has('orders/providers/summary', { total_provider_amount: money(3n * one), total_commission: money(one * 99999999999n), avg_commission_rate: '66.7' });
        await has('users/subscriptions/summary', { mrr: money(one * (52n + 12n + 1n), 12n), churn_rate: '0.0' });
    }
});

test('B28, B34, BA11: intervals, trials, pauses, and when a subscription has ended', async () => {
    const sub = (id, fields) => ({ id, customer_id: id, model_name: 'M', status: 'active', price: '12.00', currency: 'USD', started_at: '2024-06-01', ...fields });
    const own = await tenant('subscriptions', { subscriptions: [
        sub('month', { billing_interval: 'month' }), sub('year', { billing_interval: 'year', price: '120.00' }),
        sub('week', { billing_interval: 'week', price: '3.00' }), sub('none', { model_name: 'N', price: '0.01' }),
        sub('free', { price: '0' }), sub('paused', { status: 'Paused' }),
        sub('trial', { started_at: day(20), trial_ends_at: '2025-02-03' }), sub('tried', { started_at: '2024-12-20', trial_ends_at: day(3) }),
        sub('leaving', { status: 'cancelling', cancelled_at: day(5), ended_at: '2025-02-05' }),
        sub('left', { status: 'cancelling', cancelled_at: '2024-12-05', ended_at: day(5) }),
        sub('gone', { status: 'CANCELED', cancelled_at: day(9) }), sub('later', { status: 'cancelled', cancelled_at: '2025-02-01T00:00:00Z' }),
        sub('long', { status: 'expired' }), sub('new', { started_at: '2025-01-31T23:59:59.999Z' }), sub('next', { started_at: '2025-02-01T00:00:00Z' })] });
    const summary = await read('users/subscriptions/summary', own, JANUARY);
    // Paying: month, tried, leaving, later, new at 12; year 10; week 3 × 52 / 12 = 13; none 0.01.
    assert.equal(JSON.stringify(summary), JSON.stringify({
        total_subscriptions: 14, active_subscriptions: 11, cancelled_subscriptions: 3, new_subscriptions: 2, churned_subscriptions: 2, mrr: 83.01,
        currency: 'USD', by_model: [{ model_name: 'M', subscribers: 10, revenue: 83 }, { model_name: 'N', subscribers: 1, revenue: 0.01 }], churn_rate: 14.3 }));
    const before = await read('users/subscriptions/summary', own, { start_date: '2024-12-01', end_date: '2024-12-31' });
    assert.deepEqual([before.total_subscriptions, before.active_subscriptions, before.churned_subscriptions, before.new_subscriptions], [12, 11, 0, 0]);
    assert.equal((await read('users/subscriptions/list', own, JANUARY)).total_records, 14);
    const only = await read('users/subscriptions/summary', own, { ...JANUARY, status: 'cancelling' });
    assert.deepEqual([only.total_subscriptions, only.active_subscriptions, only.churned_subscriptions, only.mrr], [2, 1, 1, 12]);
});

test('B28, BA11: what is unpaid or trialing brings nothing; who leaves in the trial was never new', async () => {
    const sub = (id, fields) => ({ id, customer_id: id, model_name: id, status: 'active', price: '31.00', currency: 'USD', started_at: '2024-12-20', ...fields });
    const trial = { trial_ends_at: day(16) };
    const own = await tenant('trials', { subscriptions: [
        sub('owing', { status: 'past_due' }), sub('unpaid', { status: 'Unpaid' }), sub('trialing', { status: 'trialing' }),
        sub('stayed', trial), sub('left', { ...trial, ended_at: day(10), status: 'cancelled', cancelled_at: day(9) }),
        sub('let go', { ...trial, ...{ ended_at: day(16) }, status: 'expired' }), sub('left after', { ...trial, ended_at: day(17), status: 'cancelled' }),
        sub('said no', { ...trial, status: 'canceled', cancelled_at: day(16) }), sub('said no later', { ...trial, status: 'cancelled', cancelled_at: day(18) }),
        sub('no more', { ...trial, status: 'expired' }), sub('leaves', { ...trial, status: 'cancelling', cancelled_at: day(10), ended_at: '2025-02-16' })] });
    const summary = await read('users/subscriptions/summary', own, JANUARY);
    assert.deepEqual([summary.total_subscriptions, summary.active_subscriptions, summary.new_subscriptions, summary.churned_subscriptions, summary.mrr],
                     [11, 5, 4, 5, 93], 'new: stayed, left after, said no later, leaves; paying: owing, stayed, leaves');
    assert.deepEqual(summary.by_model.map((row) => [row.model_name, row.revenue]),
                     [['leaves', 31], ['owing', 31], ['stayed', 31], ['trialing', 0], ['unpaid', 0]]);
});

test('B28: months\' ends and leap days', async () => {
    const sub = (id, fields) => ({ id, customer_id: id, model_name: 'M', status: 'active', price: '12.00', currency: 'USD', ...fields });
    const own = await tenant('calendar', { subscriptions: [
        sub('leap', { started_at: '2024-02-29T00:00:00Z', billing_interval: 'year', ended_at: '2025-02-28T23:59:59.999Z' }),
        sub('last', { started_at: '2025-01-31T23:59:59.999Z' }), sub('first', { started_at: '2025-02-01T00:00:00Z', ended_at: '2025-03-01T00:00:00Z' })] });
    const of = async (start_date, end_date) => {
        const a = await read('users/subscriptions/summary', own, { start_date, end_date });
        return [a.total_subscriptions, a.active_subscriptions, a.new_subscriptions, a.churned_subscriptions, a.mrr, a.churn_rate];
    };
    assert.deepEqual(await of('2024-02-28', '2024-02-28'), [0, 0, 0, 0, 0, 0]);
    assert.deepEqual(await of('2024-02-29', '2024-02-29'), [1, 1, 1, 0, 1, 0]);
    assert.deepEqual(await of('2025-01-31', '2025-01-31'), [2, 2, 1, 0, 13, 0]);
    assert.deepEqual(await of('2025-02-01', '2025-02-28'), [3, 2, 1, 1, 24, 33.3]);
    assert.deepEqual(await of('2025-03-01', '2025-03-01'), [3, 1, 0, 1, 12, 33.3]);
});

test('BA6: pages of rows that all have one time', async () => {
    const N = 70001, id = (i) => `o${String(i).padStart(5, '0')}`;
    // Not in the order of their ids.
    const rows = Array.from({ length: N }, (_, i) => ({ id: id((i * 7919) % N), created_at: '2025-01-05', status: 'pending', total: '1', currency: 'USD' }));
    const own = await tenant('one-time', { orders: rows });
    for (const [page, per_page] of [[1, 4000], [2, 4000], [3, 4000], [70001, 1], [70, 1000], [2, 1024], [2, 1025], [7, 10000], [8, 10000]]) {
        const { records, total_records } = await read('orders/list', own, { ...JANUARY, page, per_page });
        const wanted = Array.from({ length: N }, (_, i) => id(i)).slice((page - 1) * per_page, page * per_page);
        assert.equal(total_records, N);
        assert.deepEqual(records.map((record) => record.order_id), wanted, `${page} of ${per_page}`);
    }
});

test('answers agree: orders and flexible orders together are the sales of the other dialect', async () => {
    const own = await tenant('agree', { orders: Array.from({ length: 200 }, (_, i) => ({
        id: `a${i}`, created_at: new Date(Date.UTC(2025, 0, 1) + i * 13000000).toISOString(), kind: [undefined, 'flexible', 'pos', 'preorder', 'standard'][i % 5],
        status: ['SUBMITTED', 'CONFIRMED', 'SHIPPED', 'DELIVERED', 'CANCELLED'][i % 5], total: `${i}.${10 + i % 90}`, currency: 'EUR' })) });
    const { totals, daily, byStatus } = (await server.get('/api/v1/reports/sales?from=2025-01-01&to=2025-01-31', own)).json.data;
    const [plain, flexible] = [await read('orders/summary', own, JANUARY), await read('flexible_orders/summary', own, JANUARY)];
    assert.equal(plain.total_orders + flexible.total_orders, totals.orderCount);
    assert.equal(cents(plain.total_revenue) + cents(flexible.total_revenue), cents(totals.revenue));
    daily.forEach((row, i) => assert.equal(plain.breakdown[i].orders + flexible.breakdown[i].orders, row.orderCount, row.date));
    for (const { status, orderCount } of byStatus) {
        const name = status === 'SUBMITTED' ? 'pending' : status.toLowerCase();
        assert.equal(plain.by_status[name] + (flexible.by_status[name] ?? 0), orderCount, status);
    }
});

test('/openapi.json describes the eleven, as POST and as GET', async () => {
    const { paths, components } = (await server.get('/openapi.json')).json;
    for (const report of REPORTS) {
        const { post, get } = paths[`/reports/${report}`];
        assert.equal(post.requestBody.required, false);
        assert.ok(post.requestBody.content['application/json'].schema.properties.report.properties.start_date);
        assert.ok(get.parameters.some((parameter) => parameter.name === 'per_page'));
        const described = post.responses['200'].content['application/json'].schema.properties.data.properties.attributes.properties;
        assert.deepEqual(get.responses['200'].content, post.responses['200'].content);
        for (const name of Object.keys(await read(report, key, JANUARY))) assert.ok(described[name], `${report}: ${name}`);
        assert.equal(post.responses['422'].content['application/json'].schema.$ref, '#/components/schemas/Errors');
    }
    assert.ok(components.schemas.Errors);
});

// ---- Each summary is the sum of its list ----

const random = seeded(process.env.DBK_SEED ? undefined : Date.now() % 2 ** 31);

function randomRows() {
    const statuses = ['pending', 'SUBMITTED', 'confirmed', 'Delivered', 'cancelled', 'canceled', 'paid', 'odd one'];
    const money = () => (random.below(20) === 0 ? '-' : '') + `${random.below(900)}.${String(random.below(100)).padStart(2, '0')}`;
    const when = () => new Date(Date.UTC(2024, 11, 20) + random.below(60 * 24 * 60) * 60000).toISOString();
    const currency = () => random.pick(['USD', 'USD', 'USD', 'EUR', undefined]);
    const many = (make) => Array.from({ length: random.between(1, 400) }, (_, i) => make(`r${i}`));
    const vendor_id = () => `v${random.below(5)}`;
    return {
        orders: many((id) => ({ id, created_at: when(), kind: random.pick(['standard', 'flexible', 'pos', undefined]), status: random.pick(statuses), total: money(), tax: money(),
                                tip: random.below(2) ? money() : undefined, currency: currency(), payment_method: random.pick(['card', 'cash', undefined]) })),
        payments: many((id) => ({ id, created_at: when(), kind: random.pick(['payment', 'deposit', 'refund', undefined]), status: random.pick(['confirmed', 'pending', 'failed', 'refunded', undefined]),
                                  amount: money(), currency: currency(), method: random.pick(['card', 'wire', undefined]) })),
        vendor_payments: many((id) => ({ id, created_at: when(), vendor_id: vendor_id(), amount: money(), currency: currency(), status: random.pick([...statuses, undefined]) })),
        provider_assignments: many((id) => ({ id, created_at: when(), provider_id: 'p', vendor_id: random.below(9) ? vendor_id() : undefined, amount: money(), currency: currency(),
                                              commission_rate: random.pick(['15', '12.5', '7', '33.3', '0.1', '99.9', undefined]), status: random.pick([...statuses, undefined]) })),
        subscriptions: many((id) => ({ id, customer_id: id, model_name: `m${random.below(4)}`, status: random.pick(['active', 'active', 'active', 'Active']), price: money().replace('-', ''),
                                       currency: currency(), billing_interval: random.pick(['month', undefined]), started_at: when() })),
    };
}

const total = (records, name) => sum(records.map((record) => cents(record[name])));
const money = (value, expected, what) => assert.equal(decimal(cents(value)), decimal(expected), `${what} (DBK_SEED=${random.seed})`);

// Twice a fraction of exact numbers, to cents, half away from zero.
function commissionOf(records) {
    let [numerator, denominator] = [0n, 1n];
    for (const { amount, commission_rate } of records) {
        const tenths = commission_rate === null ? 0n : BigInt(Math.round(commission_rate * 10));
        numerator = numerator * (1000n - tenths) + cents(amount) * tenths * denominator;
        denominator *= 1000n - tenths;
    }
    return divide(numerator, denominator);
}

test('B22–B28: each summary is what its list adds up to, on random companies', async () => {
    console.log(`blocks: DBK_SEED=${random.seed}`);
    for (let round = 0; round < 6; round++) {
        const own = await tenant(`random-${round}`, randomRows(), ['--currency', 'USD']);
        const filters = [{}, { status: 'pending' }, { currency: 'EUR' }, { start_date: '2025-01-05', end_date: '2025-01-05' }];
        for (const filter of filters) {
            const fields = { ...JANUARY, ...filter };
            const both = async (family) => [await read(`${family}/summary`, own, fields), (await read(`${family}/list`, own, fields)).records];

            const [orders, orderList] = await both('orders');
            const list = await read('orders/list', own, fields);
            assert.equal(orders.total_orders, orderList.length);
            money(orders.total_revenue, total(orderList, 'total'), 'revenue');
            money(orders.total_tax, total(orderList, 'tax'), 'tax');
            assert.equal(list.total_revenue, orders.total_revenue);
            assert.equal(Object.values(orders.by_status).reduce((a, b) => a + b, 0), orders.total_orders);
            for (const [status, count] of Object.entries(orders.by_status)) assert.equal(orderList.filter((record) => record.status === status).length, count, status);
            money(orders.total_revenue, total(orders.breakdown, 'revenue'), 'breakdown');
            for (const row of orders.breakdown) assert.equal(orderList.filter((record) => record.created_at.startsWith(row.date)).length, row.orders);
            if (orderList.length) money(orders.average_order_value, divide(total(orderList, 'total'), BigInt(orderList.length)), 'average');

            const [payments, paymentList] = await both('payments');
            assert.equal(payments.total_payments, paymentList.length);
            for (const [name, status] of [['total_amount', null], ['confirmed_amount', 'confirmed'], ['pending_amount', 'pending'], ['failed_amount', 'failed']])
                money(payments[name], total(paymentList.filter((record) => !status || record.status === status), 'amount'), name);
            for (const [method, { count, amount }] of Object.entries(payments.by_method)) {
                const some = paymentList.filter((record) => (record.payment_method ?? 'unknown') === method);
                assert.equal(some.length, count);
                money(amount, total(some, 'amount'), method);
            }

            const [paid, paidList] = await both('vendors/payments');
            assert.equal(paid.total_payments, paidList.length);
            money(paid.total_amount, total(paidList, 'amount'), 'vendor payments');
            money(paid.paid_amount, total(paidList.filter((record) => record.status === 'paid'), 'amount'), 'paid');
            for (const row of paid.by_vendor) {
                const some = paidList.filter((record) => record.vendor_id === row.vendor_id);
                assert.equal(row.payments, some.length);
                money(row.total_amount, total(some, 'amount'), row.vendor_id);
                money(row.paid_amount, total(some.filter((record) => record.status === 'paid'), 'amount'), row.vendor_id);
            }

            const [providers, providerList] = await both('orders/providers');
            assert.equal(providers.total_assignments, providerList.length);
            money(providers.total_provider_amount, total(providerList, 'amount'), 'providers');
            money(providers.total_commission, commissionOf(providerList), 'commission');
            assert.equal(providers.by_vendor.reduce((a, row) => a + row.assignments, 0), providerList.length);

            const [subscriptions, subscriptionList] = await both('users/subscriptions');
            assert.equal(subscriptions.total_subscriptions, subscriptionList.length);
            assert.equal(subscriptions.active_subscriptions, subscriptionList.length);
            money(subscriptions.mrr, total(subscriptionList, 'price'), 'mrr');
            money(subscriptions.mrr, total(subscriptions.by_model, 'revenue'), 'by_model');
            assert.equal(subscriptions.new_subscriptions, subscriptionList.filter((record) => record.started_at >= fields.start_date).length);
        }
    }
});
