// SPDX-License-Identifier: Apache-2.0
// STOQ's exports from outside, by rule number: what is accepted, what becomes of it, what the files hold, and what
// is left after a crash. Waits are for a job's end, never for time.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { createKey, ok, serve, temporary } from './support/daybook.mjs';

const BASE = '/api/v2/external/preorders/reports';
const NAMES = ['summary', 'revenue', 'by_offer', 'by_variant', 'by_product', 'by_date', 'cancellations',
    'balance_collection', 'customers'];
const WINDOW = { from: '2023-02-01', to: '2025-11-30' };
const DAY_MS = 86400000;
const NOW = '2026-06-01T12:00:00.000Z';
const later = (ms) => new Date(Date.parse(NOW) + ms).toISOString();

let data, key, other, server, offers;
const headers = (token = key) => ({ 'x-auth-token': token });

const read = (path, token) => server.request(path, { headers: headers(token) });
const post = (name, body, token) =>
    server.request(`${BASE}/${name}/export`, {
        method: 'POST',
        headers: { ...headers(token), 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
    });

// Polls until the job has ended; its progress never goes back.
async function ended(statusUrl, token) {
    let progress = 0;
    for (;;) {
        const { status, json, body } = await read(statusUrl, token);
        assert.equal(status, 200, body);
        assert.ok(json.progress >= progress, `progress went from ${progress} to ${json.progress}`);
        progress = json.progress;
        if (json.status !== 'running') return json;
        assert.deepEqual(Object.keys(json), ['job_id', 'status', 'progress']);
    }
}

async function exported(name, parameters, token) {
    const submitted = await post(name, parameters, token);
    assert.equal(submitted.status, 202, submitted.body);
    const job = await ended(submitted.json.status_url, token);
    assert.equal(job.status, 'ready', JSON.stringify(job));
    return job;
}

const pathOf = (url) => new URL(url).pathname + new URL(url).search;
const download = (job, extra = {}) => server.request(pathOf(job.download_url), extra);

// RFC 4180, strictly: every line ends with CRLF, quotes only where they belong.
function parseCsv(text) {
    const rows = [];
    let row = [], at = 0;
    while (at < text.length) {
        let cell;
        if (text[at] === '"') {
            const close = /^"((?:[^"]|"")*)"/.exec(text.slice(at));
            assert.ok(close, `a quote without an end at ${at}`);
            cell = close[1].replaceAll('""', '"');
            at += close[0].length;
        } else {
            cell = /^[^,\r\n"]*/.exec(text.slice(at, at + 70000))[0];
            at += cell.length;
        }
        row.push(cell);
        if (text[at] === ',') {
            at++;
            continue;
        }
        assert.equal(text.slice(at, at + 2), '\r\n', `a line that ends badly at ${at}`);
        at += 2;
        rows.push(row);
        row = [];
    }
    return rows;
}

const guarded = (text) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);

// A JSON value as the file shows it.
function cellOf(value, isMoney) {
    if (value === null) return '';
    return typeof value === 'string' && !isMoney ? guarded(value) : String(value);
}
const isMoney = (value) => /^-?\d+(\.\d+)?$/.test(value);

// The rows of the read that have exactly these columns, whichever member they stand in.
function rowsWith(answer, columns) {
    const same = (row) => JSON.stringify(Object.keys(row)) === JSON.stringify(columns);
    const found = Object.values(answer)
        .filter((value) => value !== null && typeof value === 'object')
        .map((value) => (Array.isArray(value) ? value : [value]))
        .filter((rows) => rows.length > 0 && typeof rows[0] === 'object' && same(rows[0]));
    assert.ok(found.length <= 1, 'one set of the read has the columns of the export');
    return found[0] ?? [];
}

const queryOf = (parameters) =>
    Object.entries(parameters)
        .flatMap(([name, value]) => (Array.isArray(value) ? value.map((v) => [`${name}[]`, v]) : [[name, value]]))
        .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
        .join('&');

// Everything that the read has, all pages of it.
async function readRows(name, parameters, columns) {
    const rows = [];
    for (let page = 1; ; page++) {
        const paging = name === 'customers' ? { page, per_page: 250 } : {};
        const { status, json, body } = await read(`${BASE}/${name}?${queryOf({ ...parameters, ...paging })}`);
        assert.equal(status, 200, body);
        rows.push(...rowsWith(json, columns));
        if (name !== 'customers' || page >= json.meta.total_pages) return rows;
    }
}

// Read and file, cell by cell; how many rows they have.
async function agree(name, parameters, job) {
    const file = await download(job);
    assert.equal(file.status, 200);
    const [columns, ...lines] = parseCsv(file.body);
    const rows = await readRows(name, parameters, columns);
    assert.equal(lines.length, job.row_count);
    assert.deepEqual(
        lines,
        rows.map((row) => columns.map((column) => cellOf(row[column], isMoney(row[column])))),
        `${name} ${JSON.stringify(parameters)}`,
    );
    return lines.length;
}

async function load(directory) {
    const csv = temporary();
    await ok(['gen', '--orders', '3000', '--seed', '11', '--dir', csv]);
    for (const file of readdirSync(csv).filter((name) => name.endsWith('.csv')))
        await ok(['load', '--data', directory, '--tenant', 'acme', '--table', file.slice(0, -4), join(csv, file)]);
    return readFileSync(join(csv, 'offers.csv'), 'utf8').split('\n').slice(1).filter(Boolean)
        .map((line) => line.split(',')[0]);
}

const parametersOf = (name) => (name === 'by_variant' ? { ...WINDOW, offer_ids: offers.slice(0, 3) } : WINDOW);

describe('exports', () => {
    before(async () => {
        data = temporary();
        offers = await load(data);
        key = await createKey(data, 'acme', 'reports:read');
        other = await createKey(data, 'beta', 'reports:read');
        server = await serve(data);
    });
    after(() => server.stop());

    for (const [i, name] of NAMES.entries())
        test(`S${13 + i}, S41: read and export of ${name} agree cell by cell`, async () => {
            const parameters = parametersOf(name);
            const rows = await agree(name, parameters, await exported(name, parameters));
            assert.ok(rows > 0, 'there is something to compare');
        });

    test('S41: they agree for every filter that the reports take', async () => {
        const narrow = { ...WINDOW, from: '2024-03-05', to: '2024-09-12' };
        const cases = [
            ['revenue', { ...narrow, granularity: 'week' }],
            ['revenue', { ...narrow, granularity: 'month', include_deposits: false }],
            ['revenue', { ...narrow, currency: 'EUR' }],
            ['revenue', { ...narrow, include_balances: false, offer_id: offers[0] }],
            ['by_date', { ...narrow, granularity: 'week', offer_ids: offers.slice(0, 2) }],
            ['by_offer', { ...narrow, currency: 'eur' }],
            ['customers', { ...narrow, offer_id: offers[1] }],
            ['cancellations', { ...narrow, offer_ids: offers.slice(2, 5) }],
        ];
        for (const [name, parameters] of cases) await agree(name, parameters, await exported(name, parameters));
    });

    test('SA8, S25: a rate that is missing is told at once, with the words of the read', async () => {
        const before = (await read(`${BASE}/exports`)).json.meta.total_count;
        for (const name of NAMES.filter((each) => each !== 'customers')) {
            const parameters = { ...parametersOf(name), currency: 'USD' };
            const asked = await read(`${BASE}/${name}?${queryOf(parameters)}`);
            const submitted = await post(name, parameters);
            assert.equal(asked.status, 422, asked.body);
            assert.equal(submitted.status, 422, submitted.body);
            assert.match(submitted.json.errors[0], /^no exchange rate from [A-Z]{3} to USD on \d{4}-\d\d-\d\d$/);
            if (submitted.json.errors[0] !== asked.json.errors[0]) // a read has more sets than its export
                assert.match(asked.json.errors[0], /^no exchange rate from /);
        }
        // A page of customers may have its rates where the whole list has not.
        assert.equal((await post('customers', { ...WINDOW, currency: 'USD' })).status, 422);
        assert.equal((await read(`${BASE}/exports`)).json.meta.total_count, before);
    });

    test('S41: paging means nothing to an export', async () => {
        const job = await exported('customers', { ...WINDOW, page: 2, per_page: 1 });
        assert.ok((await agree('customers', WINDOW, job)) > 1);
    });

    test('S40, S44, S45: the example of the seed: 22 weeks', async () => {
        const submitted = await post('revenue', { from: '2026-01-01', to: '2026-05-28', granularity: 'week' });
        const job = await ended(submitted.json.status_url);
        assert.deepEqual(Object.keys(job), ['job_id', 'status', 'download_url', 'file_name', 'row_count', 'progress']);
        assert.equal(job.status, 'ready');
        assert.equal(job.file_name, 'preorders_revenue_2026-01-01_2026-05-28.csv');
        assert.equal(job.row_count, 22);
        assert.equal(job.progress, 100);
    });

    test('S42, S48: a job is accepted with an id, an address and a time to come back', async () => {
        const { status, json, headers: got } = await post('summary', WINDOW);
        assert.equal(status, 202);
        assert.deepEqual(Object.keys(json), ['job_id', 'status_url']);
        assert.match(json.job_id, /^exp_[0-9a-f]{16}$/);
        assert.equal(json.status_url, `${BASE}/exports/${json.job_id}`);
        assert.equal(got.location, json.status_url);
        assert.match(got['retry-after'], /^[1-9]\d*$/);
        await ended(json.status_url);
    });

    test('S41: without a body the parameters are those of the query, without any the defaults', async () => {
        const { json } = await server.request(`${BASE}/revenue/export?from=2024-01-01&to=2024-01-31`,
            { method: 'POST', headers: headers() });
        assert.equal((await ended(json.status_url)).file_name, 'preorders_revenue_2024-01-01_2024-01-31.csv');
        const plain = await server.request(`${BASE}/by_date/export`, { method: 'POST', headers: headers() });
        assert.equal((await ended(plain.json.status_url)).row_count, 30);
    });

    test('SA8: what the read refuses is refused at once, with the same words', async () => {
        const bad = [
            ['revenue', { from: '2024-13-01', granularity: 'year' }],
            ['by_variant', WINDOW],
            ['revenue', { ...WINDOW, include_deposits: false, include_balances: false }],
            ['by_offer', { offer_id: 'x' }],
        ];
        for (const [name, parameters] of bad) {
            const submitted = await post(name, parameters);
            const asked = await read(`${BASE}/${name}?${queryOf(parameters)}`);
            assert.equal(submitted.status, 422, submitted.body);
            assert.ok(submitted.json.errors.length > 0);
            assert.deepEqual(submitted.json, asked.json);
        }
        const before = (await read(`${BASE}/exports`)).json.meta.total_count;
        for (const body of ['{', '[]', '"x"', '7']) {
            const { status, json } = await post('revenue', body);
            assert.equal(status, 400, body);
            assert.equal(json.errors.length, 1);
        }
        assert.equal((await post('revenue', `{"from":"${'x'.repeat(70000)}"}`)).status, 413);
        assert.equal((await read(`${BASE}/exports`)).json.meta.total_count, before);
    });

    test('S47, S49, S53: who may not see a job, or asks for none, is told', async () => {
        const job = await exported('summary', WINDOW);
        const path = `${BASE}/exports/${job.job_id}`;
        for (const [target, method, token, status] of [
            [path, 'GET', other, 404], [path, 'DELETE', other, 404], [path, 'GET', 'dk_x', 401],
            [`${BASE}/exports/exp_0000000000000000`, 'GET', key, 404], [`${BASE}/exports/x`, 'GET', key, 404],
            [`${BASE}/exports/x`, 'DELETE', key, 404], [`${BASE}/nope/export`, 'POST', key, 404],
            [`${BASE}/help/export`, 'POST', key, 404],
        ]) {
            const answer = await server.request(target, { method, headers: headers(token) });
            assert.equal(answer.status, status, `${method} ${target}`);
            assert.equal(answer.json.errors.length, 1);
        }
        assert.equal((await server.request(path)).status, 401);
    });

    test('SA9: jobs are listed newest first, a page at a time, each tenant its own', async () => {
        const ids = [];
        for (let i = 0; i < 5; i++) ids.unshift((await exported('summary', WINDOW, other)).job_id);
        const all = await read(`${BASE}/exports`, other);
        assert.deepEqual(all.json.exports.map((job) => job.job_id), ids);
        assert.deepEqual(all.json.meta, { total_count: 5, page: 1, per_page: 25, total_pages: 1 });
        const page = await read(`${BASE}/exports?page=2&per_page=2`, other);
        assert.deepEqual(page.json.exports.map((job) => job.job_id), ids.slice(2, 4));
        assert.deepEqual(page.json.meta, { total_count: 5, page: 2, per_page: 2, total_pages: 3 });
        assert.deepEqual((await read(`${BASE}/exports?page=9`, other)).json.exports, []);
        for (const bad of ['page=0', 'page=x', 'per_page=251', 'per_page=-1', 'page=99999999999'])
            assert.equal((await read(`${BASE}/exports?${bad}`, other)).status, 422, bad);
    });

    test('S3, S56: the help names every export, with the parameters of its read', async () => {
        const { actions } = (await read(`${BASE}/help`)).json;
        const find = (method, path) => actions.find((action) => action.method === method && action.path === path);
        for (const name of NAMES) {
            const { request_schema: asked } = find('GET', `/preorders/reports/${name}`);
            const { request_schema: taken } = find('POST', `/preorders/reports/${name}/export`);
            const { page, per_page, ...others } = asked.properties;
            assert.deepEqual(taken, { ...asked, properties: others });
        }
        for (const method of ['GET', 'DELETE'])
            assert.deepEqual(find(method, '/preorders/reports/exports/:job_id').path_params, ['job_id']);
        assert.ok(find('GET', '/preorders/reports/exports'));
    });

    test('S55: a job that has ended is not cancelled, and the answer says what to do', async () => {
        const job = await exported('summary', WINDOW);
        const { status, json } = await server.request(`${BASE}/exports/${job.job_id}`,
            { method: 'DELETE', headers: headers() });
        assert.equal(status, 409);
        assert.match(json.errors[0], /7 days/);
        assert.equal((await download(job)).status, 200);
    });

    test('SA13: the address works without a key, and only as it is', async () => {
        const job = await exported('by_date', WINDOW);
        const { status, headers: got, body } = await download(job);
        assert.equal(status, 200);
        assert.equal(got['content-type'], 'text/csv; charset=utf-8');
        assert.equal(got['content-disposition'], `attachment; filename="${job.file_name}"`);
        assert.equal(Number(got['content-length']), Buffer.byteLength(body));
        assert.ok(job.download_url.startsWith(`http://127.0.0.1:${server.port}${BASE}/exports/${job.job_id}/download?`));
        const url = new URL(job.download_url);
        const changes = [
            (u) => u.searchParams.set('tenant', 'beta'),
            (u) => u.searchParams.set('tenant', 'nobody'),
            (u) => u.searchParams.set('expires', String(Number(u.searchParams.get('expires')) + 1)),
            (u) => u.searchParams.set('signature', '0'.repeat(64)),
            (u) => u.searchParams.delete('signature'),
            (u) => u.searchParams.delete('expires'),
            (u) => u.searchParams.delete('tenant'),
            (u) => { u.pathname = u.pathname.replace(job.job_id, 'exp_0000000000000000'); },
        ];
        for (const change of changes) {
            const changed = new URL(url);
            change(changed);
            const answer = await server.request(changed.pathname + changed.search);
            assert.equal(answer.status, 403, changed.search);
            assert.equal(answer.json.errors.length, 1);
        }
    });

    test('downloads go on where they stopped', async () => {
        const job = await exported('customers', WINDOW);
        const whole = await download(job);
        const etag = whole.headers.etag;
        const size = whole.body.length;
        assert.match(etag, /^"[^"]+"$/);
        const part = async (range, extra = {}) => download(job, { headers: { range, ...extra } });
        for (const [range, from, to] of [['bytes=0-0', 0, 1], ['bytes=10-99', 10, 100], ['bytes=-7', size - 7, size],
            [`bytes=${size - 3}-`, size - 3, size], ['bytes=5-999999999', 5, size]]) {
            const { status, headers: got, body } = await part(range);
            assert.equal(status, 206, range);
            assert.equal(got['content-range'], `bytes ${from}-${to - 1}/${size}`);
            assert.equal(body, whole.body.slice(from, to));
            assert.equal(got.etag, etag);
        }
        const behind = await part(`bytes=${size}-`);
        assert.equal(behind.status, 416);
        assert.equal(behind.headers['content-range'], `bytes */${size}`);
        assert.equal((await part('bytes=0-9', { 'if-range': etag })).status, 206);
        assert.equal((await part('bytes=0-9', { 'if-range': '"another"' })).body, whole.body);
        assert.equal((await part('bytes=1-2,4-5')).status, 200);
        const head = await download(job, { method: 'HEAD' });
        assert.equal(head.status, 200);
        assert.equal(Number(head.headers['content-length']), size);
        assert.equal(head.headers['accept-ranges'], 'bytes');
        assert.equal((await download(job, { headers: { 'if-none-match': etag } })).status, 304);
    });

    test('cells that begin like a formula are guarded', async () => {
        const odd = await createKey(data, 'odd', 'reports:read,ingest:write');
        const offer = '11111111-2222-3333-4444-555555555555';
        const names = ['=1+2', '+1', '-1', '@x', '\tx', 'plain, "quoted"', 'two\nlines', "'=already"];
        const put = (table, rows) => server.ingest(table, odd, rows);
        await put('offers', [{ id: offer, name: '=cmd|calc' }]);
        await put('customers', names.map((name, i) => ({ id: `c${i}`, name, email: `c${i}@x.example` })));
        await put('orders', names.map((_, i) => ({ id: `o${i}`, created_at: '2026-05-02T10:00:00Z', kind: 'preorder',
            status: 'CONFIRMED', customer_id: `c${i}`, currency: 'EUR', total: '10' })));
        await put('order_lines', names.map((_, i) => ({ id: `l${i}`, order_id: `o${i}`, product_id: 'p', variant_id: 'v',
            offer_id: offer, quantity: 1, unit_price: '10', total: '10', deposit: '4', balance: '6' })));
        const window = { from: '2026-05-01', to: '2026-05-31' };
        const job = await exported('customers', window, odd);
        const text = (await download(job)).body;
        const [columns, ...lines] = parseCsv(text);
        const shown = lines.map((line) => line[columns.indexOf('customer_name')]);
        assert.deepEqual(shown, names.map(guarded));
        const byOffer = parseCsv((await download(await exported('by_offer', window, odd))).body);
        assert.ok(byOffer.flat().includes("'=cmd|calc"));
    });

    test('a hundred clients that do not read keep nobody waiting', async () => {
        const rows = Array.from({ length: 20000 }, (_, i) => ({ id: `w${i}`, name: 'x'.repeat(150), email: `${i}@x.example` }));
        const wide = await createKey(data, 'wide', 'reports:read,ingest:write');
        const orders = rows.map((row, i) => ({ id: `o${i}`, created_at: '2026-05-02T10:00:00Z', kind: 'preorder',
            status: 'CONFIRMED', customer_id: row.id, currency: 'EUR', total: '10' }));
        const lines = rows.map((_, i) => ({ id: `l${i}`, order_id: `o${i}`, product_id: 'p', variant_id: 'v',
            offer_id: '11111111-2222-3333-4444-555555555555', quantity: 1, unit_price: '10', total: '10', deposit: '4', balance: '6' }));
        for (const [table, all] of [['customers', rows], ['orders', orders], ['order_lines', lines]])
            assert.equal((await server.ingest(table, wide, all)).status, 200);
        const job = await exported('customers', { from: '2026-05-01', to: '2026-05-31' }, wide);
        const whole = (await download(job)).body;
        assert.ok(whole.length > 3e6, 'more than sockets hold');
        // Clients that take the head and then nothing.
        const sockets = await Promise.all(Array.from({ length: 100 }, () => new Promise((done, fail) => {
            const socket = net.connect({ host: '127.0.0.1', port: server.port });
            const chunks = [];
            socket.on('error', fail);
            socket.once('connect', () =>
                socket.write(`GET ${pathOf(job.download_url)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`));
            socket.once('data', (chunk) => {
                chunks.push(chunk);
                socket.pause();
                done({ socket, chunks });
            });
        })));
        // One of them reads on and gets everything: at once, for who does not read is cut off after a minute.
        const { socket, chunks } = sockets[42];
        const rest = new Promise((done) => socket.on('end', done));
        socket.on('data', (chunk) => chunks.push(chunk));
        socket.resume();
        await rest;
        const text = Buffer.concat(chunks).toString('utf8');
        assert.equal(text.slice(text.indexOf('\r\n\r\n') + 4), whole);
        // Jobs, writes that need a worker and other downloads go on while the others stand.
        await agree('summary', WINDOW, await exported('summary', WINDOW));
        assert.equal((await download(job)).body, whole);
        for (const each of sockets) each.socket.destroy();
    });

    test('S43, S59: a thousand exports at once all end, and reads go on meanwhile', async () => {
        const names = Array.from({ length: 1000 }, (_, i) => NAMES[i % NAMES.length]);
        const tokens = await Promise.all(['acme', 'beta', 'gamma'].map((tenant) => createKey(data, tenant, 'reports:read')));
        const accepted = await Promise.all(names.map((name, i) => post(name, parametersOf(name), tokens[i % 3])));
        for (const answer of accepted) assert.equal(answer.status, 202, answer.body);
        let left = accepted.map((answer, i) => ({ url: answer.json.status_url, token: tokens[i % 3] }));
        while (left.length > 0) {
            const asked = await read(`${BASE}/revenue?${queryOf(WINDOW)}`);
            assert.equal(asked.status, 200);
            const [first, ...others] = left;
            const job = await ended(first.url, first.token); // which looks at what running ones say
            assert.equal(job.status, 'ready', JSON.stringify(job));
            left = others;
        }
        const listed = await read(`${BASE}/exports?per_page=250`, tokens[2]);
        assert.equal(listed.json.meta.total_count, 333);
    });
});

describe('exports over time', () => {
    let directory, token;
    before(async () => {
        directory = temporary();
        offers = await load(directory);
        token = await createKey(directory, 'acme', 'reports:read');
        key = token;
    });

    test('S46, SA12: a job is shown for a day, its address opens for a week, then the file goes', async () => {
        server = await serve(directory, { env: { DAYBOOK_NOW: NOW } });
        const job = await exported('revenue', WINDOW);
        const whole = (await download(job)).body;
        const statusPath = `${BASE}/exports/${job.job_id}`;
        const file = join(directory, 'exports', `${job.job_id}.csv`);
        assert.equal(readFileSync(file, 'utf8'), whole);
        for (const [ms, status, opens, stays] of [
            [DAY_MS - 1000, 200, 200, true],
            [DAY_MS, 404, 200, true],
            [7 * DAY_MS - 1000, 404, 200, true],
            [7 * DAY_MS, 404, 403, false],
        ]) {
            await server.stop();
            server = await serve(directory, { env: { DAYBOOK_NOW: later(ms) } });
            assert.equal((await read(statusPath)).status, status, `${ms}`);
            assert.equal((await read(`${BASE}/exports`)).json.meta.total_count, status === 200 ? 1 : 0);
            const answer = await download(job);
            assert.equal(answer.status, opens, `${ms}`);
            if (opens === 200) assert.equal(answer.body, whole);
            assert.equal(existsSync(file), stays);
        }
        await server.stop();
    });

    test('a file that somebody removed is gone, and said to be', async () => {
        server = await serve(directory);
        const job = await exported('revenue', WINDOW);
        writeFileSync(join(directory, 'exports', 'notes.txt'), 'not ours');
        const file = join(directory, 'exports', `${job.job_id}.csv`);
        spawnSync('rm', [file]);
        const { status, json } = await download(job);
        assert.equal(status, 404);
        assert.match(json.errors[0], /again/);
        await server.stop();
        assert.ok(existsSync(join(directory, 'exports', 'notes.txt')));
    });

    test('--public-url begins the addresses', async () => {
        server = await serve(directory, { args: ['--public-url', 'https://reports.example'] });
        const job = await exported('summary', WINDOW);
        assert.ok(job.download_url.startsWith(`https://reports.example${BASE}/exports/${job.job_id}/download?`));
        assert.equal((await download(job)).status, 200);
        await server.stop();
        const bad = await serve(directory, { args: ['--public-url', 'reports.example/'] }).catch((error) => error);
        assert.equal(bad.code, 1);
        assert.match(bad.stderr, /public-url/);
    });

    test('S44, S46: with [s3] the file lies in the store, and the address is presigned', async (t) => {
        // A store that keeps what it is given; signatures are checked where a real one is (s3.test.mjs).
        const objects = new Map();
        let refuses = false;
        const store = http.createServer((request, answer) => {
            const chunks = [];
            const name = new URL(request.url, 'http://x').pathname;
            request.on('data', (chunk) => chunks.push(chunk));
            request.on('end', () => {
                if (request.method === 'PUT' && !refuses) objects.set(name, Buffer.concat(chunks).toString('utf8'));
                answer.statusCode = refuses ? 403 : 200;
                answer.end(request.method === 'GET' ? objects.get(name) : '');
            });
        });
        await new Promise((done) => store.listen(0, '127.0.0.1', done));
        t.after(() => {
            store.closeAllConnections();
            store.close();
        });
        const config = join(temporary(), 'daybook.ini');
        const endpoint = `http://127.0.0.1:${store.address().port}`;
        writeFileSync(config, `[s3]\nendpoint = ${endpoint}\nbucket = shop\nprefix = out/\npath_style = on\n`
            + 'access_key = a\nsecret_key = s\n');
        server = await serve(directory, { args: ['--config', config] });
        const job = await exported('revenue', WINDOW);
        assert.ok(job.download_url.startsWith(`${endpoint}/shop/out/${job.job_id}.csv?`), job.download_url);
        const url = new URL(job.download_url);
        assert.match(url.searchParams.get('X-Amz-Signature'), /^[0-9a-f]{64}$/);
        const seconds = Number(url.searchParams.get('X-Amz-Expires'));
        assert.ok(seconds > 604700 && seconds <= 604800, `${seconds}`);
        const { columns, lines } = (([first, ...others]) => ({ columns: first, lines: others }))(
            parseCsv(objects.get(`/shop/out/${job.job_id}.csv`)));
        assert.equal(lines.length, job.row_count);
        const rows = await readRows('revenue', WINDOW, columns);
        assert.deepEqual(lines, rows.map((row) => columns.map((column) => cellOf(row[column], isMoney(row[column])))));
        refuses = true;
        const failed = await ended((await post('summary', WINDOW)).json.status_url);
        assert.equal(failed.status, 'failed');
        assert.match(failed.error, /object store/);
        const left = readdirSync(join(directory, 'exports'));
        assert.ok(!left.includes(`${job.job_id}.csv`) && !left.some((name) => name.startsWith(failed.job_id)));
        await server.stop();
        // Without the section nobody knows where the file is.
        server = await serve(directory);
        const { json } = await read(`${BASE}/exports/${job.job_id}`);
        assert.equal(json.status, 'ready');
        assert.equal(json.download_url, null);
        await server.stop();
    });

    test('a kill loses no accepted job, and no file is half a file', async () => {
        const cycles = Number(process.env.DAYBOOK_KILL_CYCLES ?? 12);
        // Of its own: jobs of other tests are ready too, and their files may be elsewhere or gone.
        const directory = temporary();
        offers = await load(directory);
        key = await createKey(directory, 'acme', 'reports:read');
        const accepted = new Map();
        for (let cycle = 0; cycle < cycles; cycle++) {
            server = await serve(directory);
            const url = `http://127.0.0.1:${server.port}`;
            const names = Array.from({ length: 12 }, (_, i) => NAMES[(cycle + i) % NAMES.length]);
            const submissions = names.map((name) =>
                post(name, parametersOf(name)).then(
                    ({ status, json }) => {
                        assert.equal(status, 202);
                        accepted.set(json.status_url, { name, url });
                    },
                    () => {}, // the server was killed before it answered
                ));
            // Killed after so many answers: in the middle of accepting, running and finishing.
            await Promise.race([Promise.all(submissions), ...submissions.slice(0, (cycle % 12) + 1)]);
            await server.kill();
            await Promise.all(submissions);
        }
        assert.ok(accepted.size > 0);
        server = await serve(directory);
        const ready = new Set();
        for (const [statusUrl, { name }] of accepted) {
            const job = await ended(statusUrl);
            assert.equal(job.status, 'ready', JSON.stringify(job));
            await agree(name, parametersOf(name), job);
            ready.add(`${job.job_id}.csv`);
        }
        // Jobs may be there whose answer the kill cut off; they end as well, and nothing else is there.
        const { exports: listed, meta } = (await read(`${BASE}/exports?per_page=250`)).json;
        assert.equal(listed.length, meta.total_count);
        for (const { job_id: id } of listed)
            if ((await ended(`${BASE}/exports/${id}`)).status === 'ready') ready.add(`${id}.csv`);
        await server.stop();
        const files = readdirSync(join(directory, 'exports'));
        assert.deepEqual(files.filter((name) => /^exp_.*/.test(name) && !ready.has(name)), []);
        for (const name of ready) assert.ok(files.includes(name), name);
    });
});
