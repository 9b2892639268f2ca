// SPDX-License-Identifier: Apache-2.0
// What nobody should send to STOQ's reports and exports: every parameter of every report in every wrong way, bodies
// that are none, ids of jobs that are no ids or another shop's, addresses that were changed. Every refusal has the
// dialect's form, and the server goes on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createKey, ok, serve, temporary } from './support/daybook.mjs';

const BASE = '/api/v2/external/preorders/reports';
const NAMES = ['summary', 'revenue', 'by_offer', 'by_variant', 'by_product', 'by_date', 'cancellations',
               'balance_collection', 'customers'];
const OFFER = '11111111-1111-4111-8111-111111111111';
const uuid = (i) => `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`;
const data = temporary();
let server, key, other, parametersOf;

const ask = (path, { token = key, ...options } = {}) =>
    server.request(path, { ...options, headers: { ...(token && { 'x-auth-token': token }), ...options.headers } });
const post = (name, body, headers = {}) => ask(`${BASE}/${name}/export`,
    { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

function refused(answer, status, what) {
    assert.equal(answer.status, status, `${what}: ${answer.body}`);
    assert.match(answer.headers['content-type'], /^application\/json/);
    assert.deepEqual(Object.keys(answer.json), ['errors'], what);
    assert.ok(answer.json.errors.length > 0 && answer.json.errors.every((text) => typeof text === 'string' && text.length < 400), what);
    return answer.json.errors;
}

async function ended(url) {
    for (;;) {
        const { json } = await ask(url);
        if (json.status !== 'running') return json;
    }
}

before(async () => {
    key = await createKey(data, 'acme', 'reports:read,ingest:write');
    other = await createKey(data, 'other', 'reports:read');
    await ok(['tenant', 'set', '--data', data, '--tenant', 'acme', '--currency', 'EUR']);
    server = await serve(data);
    const put = (table, rows) => server.ingest(table, key, rows);
    await put('offers', [{ id: OFFER, name: 'Lamps' }]);
    await put('customers', [{ id: 'c', name: 'C', email: 'c@x.example' }]);
    await put('orders', [{ id: 'o', created_at: '2026-05-02T10:00:00Z', kind: 'preorder', status: 'CONFIRMED', customer_id: 'c',
        market_id: '7', currency: 'EUR', total: '10' }]);
    await put('order_lines', [{ id: 'l', order_id: 'o', product_id: '42', variant_id: 'v', offer_id: OFFER, quantity: 1,
        unit_price: '10', total: '10', deposit: '4', balance: '6' }]);
    const { actions } = (await ask(`${BASE}/help`)).json;
    parametersOf = (name) => actions.find(({ method, path }) => method === 'GET' && path.endsWith(`/${name}`)).request_schema.properties;
});
after(() => server.stop());

const offered = (name) => (name === 'by_variant' ? `offer_id=${OFFER}&` : '');
const LONG = 'x'.repeat(2000);
// Values that a parameter of the type cannot have, as they stand in a query string and as JSON.
const WRONG = {
    date: ['2026-02-30', '2026-13-01', '0000-00-00', '20260501', '2026-5-1', '2026-05-01T00:00:00Z', '-1', '99999-01-01', ' 2026-05-01', '2026-05-01\0', LONG],
    uuid: ['x', OFFER.slice(1), `${OFFER}0`, OFFER.replaceAll('-', ''), OFFER.replace('1', 'g'), `{${OFFER}}`, `${OFFER}\0`, LONG],
    currency: ['E', 'EU', 'EURO', 'E1R', '€', 'EU\0', LONG],
    text: [LONG, 'x'.repeat(65), '42\0', '\0'],
    boolean: ['yes', 'TRUE', '2', '-1', 'truefalse', 'true\0', LONG],
    integer: ['0', '-1', '1.5', '1e3', '9'.repeat(30), 'x', '0x10', '1\0', LONG],
    enum: ['year', 'DAY', 'day\0', 'day,week', LONG],
    list: ['nope', 'orders,nope', 'orders\0', LONG],
};
const JSON_WRONG = [{}, [], [[]], [{}], { a: 1 }, -1.5, 1e300];

function kindOf(name, schema) {
    if (name === 'metrics') return 'list';
    if (name === 'currency') return 'currency';
    if (schema.type === 'array' || schema.format === 'uuid') return 'uuid';
    if (schema.enum) return 'enum';
    return schema.format === 'date' ? 'date' : schema.type === 'string' ? 'text' : schema.type;
}

for (const report of NAMES) {
    test(`X6, SA8: every parameter of ${report} in every wrong way is named, by the read and by the export`, async () => {
        for (const [name, schema] of Object.entries(parametersOf(report))) {
            const kind = kindOf(name, schema);
            for (const value of WRONG[kind]) {
                const prefix = name.startsWith('offer_id') ? '' : offered(report);
                const body = JSON.stringify({ ...(prefix && { offer_id: OFFER }), [name]: value });
                const errors = refused(await post(report, body), 422, body.slice(0, 99));
                assert.ok(errors.some((text) => text.startsWith(`${name} must be `)), `${body.slice(0, 99)}: ${errors}`);
                // No query string has a NUL.
                const asked = await ask(`${BASE}/${report}?${prefix}${name}=${encodeURIComponent(value)}`);
                const told = refused(asked, value.includes('\0') ? 400 : 422, `${name}=${value.slice(0, 80)}`);
                if (asked.status === 422) assert.deepEqual(told, errors);
            }
            for (const value of JSON_WRONG) {
                if (Array.isArray(value) && value.length === 0 && schema.type === 'array') continue; // an empty list is none
                if (kind === 'text' && typeof value === 'number') continue; // S62: ids may be numbers
                const body = { ...(!name.startsWith('offer_id') && offered(report) && { offer_id: OFFER }), [name]: value };
                const errors = refused(await post(report, JSON.stringify(body)), 422, JSON.stringify(body));
                assert.ok(errors.some((text) => text.startsWith(`${name} must be `)), `${JSON.stringify(body)}: ${errors}`);
            }
            // Twice: the first counts. Without text, or null: as if it were not there.
            const bad = WRONG[kind][0];
            assert.equal((await ask(`${BASE}/${report}?offer_id=${OFFER}&${name}=`)).status, 200, name);
            assert.equal((await post(report, JSON.stringify({ offer_id: OFFER, ...(name !== 'offer_id' && { [name]: null }) }))).status, 202, name);
            if (schema.type !== 'array')
                refused(await ask(`${BASE}/${report}?${name}=${encodeURIComponent(bad)}&${name}=&${name}=${encodeURIComponent(bad)}&offer_id=${OFFER}`), 422, name);
        }
    });

    test(`SA4: ${report} takes no more offers than it says, however they are written`, async () => {
        const many = Array.from({ length: 1000 }, (_, i) => uuid(i));
        refused(await ask(`${BASE}/${report}?offer_ids=${many.join(',')}`), 431, 'a head of 37 KB');
        assert.deepEqual(refused(await ask(`${BASE}/${report}?offer_ids=${many.slice(0, 800).join(',')}`), 422, '800'), ['offer_ids must be at most 100 offers']);
        assert.deepEqual(refused(await post(report, JSON.stringify({ offer_ids: many })), 422, '1000'), ['offer_ids must be at most 100 offers']);
        // So many parameters are no query string.
        refused(await ask(`${BASE}/${report}?${many.slice(0, 300).map((id) => `offer_ids[]=${id}`).join('&')}`), 400, '300 times');
        const hundred = many.slice(0, 100);
        assert.equal((await ask(`${BASE}/${report}?${hundred.map((id) => `offer_ids%5B%5D=${id}`).join('&')}`)).status, 200);
        refused(await ask(`${BASE}/${report}?offer_ids=${hundred.join(',')}&offer_id=${uuid(100)}`), 422, 'one more');
        assert.equal((await ask(`${BASE}/${report}?offer_ids=${hundred.join(',')}&offer_id=${uuid(3)}`)).status, 200);
    });
}

test('S23: windows at the ends of the calendar are answered or refused, never taken for others', async () => {
    for (const [from, to] of [['0001-01-01', '0001-01-05'], ['9999-12-30', '9999-12-31'], [null, '0001-01-05'], ['9999-12-31', null],
        ['1582-10-04', '1582-10-15'], ['0001-01-01', '9999-12-31'], ['2026-05-02', '2026-05-01']]) {
        const query = [from && `from=${from}`, to && `to=${to}`].filter(Boolean).join('&');
        for (const name of NAMES) {
            const answer = await ask(`${BASE}/${name}?${offered(name)}${query}`);
            assert.ok([200, 422].includes(answer.status), `${query}: ${answer.body}`);
            if (answer.status === 422) refused(answer, 422, query);
            else {
                if (to) assert.equal(answer.json.window.to, to);
                assert.match(answer.json.window.from, /^\d{4}-\d\d-\d\d$/, query);
            }
        }
    }
});

test('S41: bodies of an export that are no JSON object, too large or of another kind', async () => {
    for (const body of ['{', '}', '[]', '[{}]', '"x"', '7', 'null', 'true', '{"from":}', '{"from":"2026-05-01",}', '{} {}', '\u0000',
        '{"a":"\\ud800"}', '\ufeff{', `${'['.repeat(5000)}`, `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`, ' '])
        refused(await post('revenue', body), 400, body.slice(0, 40));
    refused(await post('revenue', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])), 400, 'not UTF-8');
    refused(await post('revenue', JSON.stringify({ nothing: 'x'.repeat(70000) })), 413, 'large');
    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) // what curl -d says
        refused(await post('revenue', 'from=2026-05-01', { 'content-type': type }), 400, type);
    // Keys that nobody knows are none, and paging means nothing but is judged.
    for (const body of ['{}', '{"__proto__":1,"nope":[]}'])
        assert.equal((await post('revenue', body)).status, 202, body);
    refused(await post('revenue', '{"from":"2026-05-01","from":"2026-05-02"}'), 400, 'a key twice');
    refused(await post('customers', '{"page":0}'), 422, 'page');
});

test('S22, S47, S49: ids of jobs that are none, another shop\'s, or more than an id', async () => {
    const { json } = await post('summary', '{"from":"2026-05-01","to":"2026-05-31"}');
    const { job_id: id } = await ended(json.status_url);
    const ids = ['x', 'exp_', 'exp_0000000000000000', 'exp_ZZZZZZZZZZZZZZZZ', `${id}0`, id.slice(0, -1), id.toUpperCase(), `${id}.csv`,
        `${id}.csv.part`, `${id}%00`, `%2e%2e`, '%2e%2e%2fmanifest', '..%2f..%2fetc%2fpasswd', `..%2f..%2fexports%2f${id}`, '%ff', '*', "'%20or%201=1", 'x'.repeat(300)];
    for (const bad of ids)
        for (const [method, path] of [['GET', ''], ['DELETE', ''], ['GET', '/download?tenant=acme&expires=9999999999&signature=00']]) {
            const answer = await ask(`${BASE}/exports/${bad}${path}`, { method });
            assert.ok([400, 403, 404].includes(answer.status), `${method} ${bad}${path}: ${answer.status}`);
            refused(answer, answer.status, bad);
        }
    for (const path of [`${BASE}/exports/../exports/${id}/../../help`, `${BASE}/exports/./${id}`, `${BASE}/exports//${id}`]) {
        const answer = await ask(path);
        assert.ok(answer.status < 500, path);
    }
    for (const method of ['GET', 'DELETE']) refused(await ask(`${BASE}/exports/${id}`, { method, token: other }), 404, method);
    for (const token of [undefined, '', 'x', `${key}x`, 'dk_'.padEnd(5000, 'y')])
        if (token !== undefined) refused(await ask(`${BASE}/exports/${id}`, { token }), 401, String(token).slice(0, 9));
    for (const method of ['PUT', 'PATCH', 'POST']) refused(await ask(`${BASE}/exports/${id}`, { method }), 404, method);
    // It has ended: neither the first nor the second DELETE takes it away.
    for (let i = 0; i < 2; i++) refused(await ask(`${BASE}/exports/${id}`, { method: 'DELETE' }), 409, 'DELETE');
    assert.equal((await ask(`${BASE}/exports/${id}`)).json.status, 'ready');
});

test('S55: a job that was cancelled is cancelled once', async () => {
    // Many at once: one of a shop runs at a time, so that the last ones wait.
    const jobs = await Promise.all(Array.from({ length: 40 }, () => post('by_date', '{"from":"1990-01-01","to":"2026-05-31"}')));
    const last = jobs.at(-1).json.status_url;
    const twice = await Promise.all([1, 2].map(() => ask(last, { method: 'DELETE' })));
    const statuses = twice.map((answer) => answer.status).sort();
    if (statuses[0] === 200) {
        assert.deepEqual(statuses, [200, 409]);
        assert.equal((await ask(last)).json.status, 'cancelled');
        refused(await ask(last, { method: 'DELETE' }), 409, 'again');
    } else assert.deepEqual(statuses, [409, 409]); // it was faster
    for (const { json } of jobs.slice(0, -1)) assert.equal((await ended(json.status_url)).status, 'ready');
});

test('SA13: an address opens as it is, whatever else is asked of it', async () => {
    const job = await ended((await post('by_date', '{"from":"2026-05-01","to":"2026-05-31"}')).json.status_url);
    const url = new URL(job.download_url);
    const get = (search = url.search, headers = {}, method = 'GET', path = url.pathname) =>
        server.request(path + search, { method, headers });
    const whole = (await get()).body;
    const { etag } = (await get()).headers;
    const size = whole.length;
    const change = (edit) => {
        const changed = new URL(url);
        edit(changed.searchParams);
        return changed.search;
    };
    const signature = url.searchParams.get('signature'), expires = url.searchParams.get('expires');
    for (const search of ['', '?', change((p) => p.set('tenant', 'other')), change((p) => p.set('tenant', '')), change((p) => p.set('tenant', 'x'.repeat(500))),
        change((p) => p.set('expires', String(Number(expires) + 1))), change((p) => p.set('expires', '0')), change((p) => p.set('expires', '-1')),
        change((p) => p.set('expires', '9'.repeat(40))), change((p) => p.set('expires', `${expires}x`)), change((p) => p.set('expires', '')),
        change((p) => p.set('signature', signature.slice(1))), change((p) => p.set('signature', `${signature}0`)),
        change((p) => p.set('signature', 'z'.repeat(signature.length))), change((p) => p.set('signature', '')),
        change((p) => p.set('signature', signature.replace(/.$/, (c) => (c === '0' ? '1' : '0')))), change((p) => p.delete('expires'))]) {
        refused(await get(search), 403, search);
        refused(await get(search, { 'if-none-match': etag }), 403, search); // nor does it tell of the file
        assert.equal((await get(search, {}, 'HEAD')).status, 403, search);
    }
    refused(await get(url.search, {}, 'GET', url.pathname.replace(job.job_id, 'exp_0123456789abcdef')), 403, 'path');
    refused(await get(url.search, {}, 'GET', url.pathname.replace(job.job_id, `..%2f${job.job_id}`)), 404, 'traversal');
    assert.equal((await get(`${url.search}&utm=1`)).status, 200); // trackers add to addresses
    // One range is a part, what is none or several is the whole, what is behind the end is refused.
    for (const [range, status, body] of [['bytes=0-0', 206, whole[0]], [`bytes=-${size * 2}`, 206, whole], ['bytes=-1', 206, whole.at(-1)],
        [`bytes=${size - 1}-`, 206, whole.at(-1)], [`bytes=0-${'9'.repeat(18)}`, 206, whole], ['bytes=5-2', 200, whole], ['bytes=', 200, whole],
        ['bytes=-', 200, whole], ['bytes=a-b', 200, whole], ['lines=0-1', 200, whole], ['bytes=0-1,3-4', 200, whole], ['bytes=0-1,', 200, whole],
        ['bytes=0x1-2', 200, whole], [`bytes=${'9'.repeat(40)}-`, null, null], ['bytes=-0', 416, null], [`bytes=${size}-`, 416, null], [`bytes=${size * 9}-`, 416, null]]) {
        const answer = await get(url.search, { range });
        if (status !== null) assert.equal(answer.status, status, range);
        else assert.ok([200, 416].includes(answer.status), range);
        if (body !== null) assert.equal(answer.body, body, range);
        if (answer.status === 416) assert.equal(answer.headers['content-range'], `bytes */${size}`, range);
    }
    for (const [condition, status] of [[etag, 206], ['"x"', 200], [`W/${etag}`, 200], ['Wed, 21 Oct 2015 07:28:00 GMT', 200], ['garbage', 200]])
        assert.equal((await get(url.search, { range: 'bytes=0-3', 'if-range': condition })).status, status, condition);
    const head = await get(url.search, { range: 'bytes=0-3' }, 'HEAD');
    assert.ok([200, 206].includes(head.status));
    assert.equal(head.body, '');
    for (const method of ['POST', 'DELETE', 'PUT']) refused(await get(url.search, {}, method), 404, method);
});

test('S52, S62, S64: bodies are bare, reads are 200, submissions 202, and ids may be whole numbers', async () => {
    const window = { from: '2026-05-01', to: '2026-05-31' };
    const asked = await ask(`${BASE}/revenue?from=${window.from}&to=${window.to}&product_id=42&market_id=7`);
    assert.equal(asked.status, 200);
    assert.deepEqual(Object.keys(asked.json).slice(0, 2), ['window', 'currency']);
    assert.equal(asked.json.totals.revenue, '10.00');
    for (const [product_id, market_id, rows] of [[42, 7, 1], ['42', '7', 1], [43, 7, 0]]) {
        const submitted = await post('by_product', JSON.stringify({ ...window, product_id, market_id }));
        assert.equal(submitted.status, 202);
        assert.deepEqual(Object.keys(submitted.json), ['job_id', 'status_url']);
        assert.equal((await ended(submitted.json.status_url)).row_count, rows);
    }
});

test('after all that it still answers', async () => {
    assert.equal((await ask(`${BASE}/summary?from=2026-05-01&to=2026-05-31`)).json.totals.orders, 1);
});
