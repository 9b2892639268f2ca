// SPDX-License-Identifier: Apache-2.0
// A server that is given less memory than the texts of its orders take: it takes them all, answers everything
// about them, replaces them by key, restarts, and refuses writes only when what cannot stay on disk is too much.
// The oracle is this process: what an order says follows from its number and how often it was replaced.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { createKey, run, serve, temporary } from './support/daybook.mjs';
import { seeded } from './support/random.mjs';

const MEMORY = 40 * 1024 * 1024;
const ORDERS = Number(process.env.DAYBOOK_COLD_ORDERS ?? 220000);
const BATCH = 10000;
// A change is taken while the budget is not used up, and may then be beyond it by what it has itself.
const MOST = MEMORY + BATCH * 700;
const SCOPES = 'orders:read,reports:read,products:read,ingest:write';
const HEADER = 'id,created_at,status,total,currency,notes,customer_email\n';
const NOW = { DAYBOOK_NOW: '2026-04-17T12:00:00Z' };

const random = seeded();
const versions = new Uint8Array(ORDERS);

// Two hundred bytes that do not shrink.
const notesOf = (n, version) => ['a', 'b', 'c'].map((part) => createHash('sha384').update(`${n}.${version}.${part}`).digest('base64')).join('');
const centsOf = (n, version) => 100 + ((n * 7 + version * 13) % 9900);
const line = (n) => {
    const version = versions[n], cents = centsOf(n, version);
    return `ord-${n},2026-04-${String(1 + (n % 16)).padStart(2, '0')}T10:00:00Z,DELIVERED,${(cents / 100).toFixed(2)},USD,${notesOf(n, version)},c${n % 500}@x.y\n`;
};

async function post(server, key, numbers) {
    return server.ingest('orders', key, HEADER + numbers.map(line).join(''), { type: 'text/csv' });
}

async function metric(server, name) {
    const body = (await server.get('/metrics')).body;
    return Number(new RegExp(`^daybook_${name} (\\d+)$`, 'm').exec(body)[1]);
}

function expectedTotals(count) {
    let cents = 0;
    for (let n = 0; n < count; n++) cents += centsOf(n, versions[n]);
    return { orderCount: count, revenue: cents / 100 };
}

async function checkTotals(server, key) {
    const answer = await server.get('/api/v1/reports/sales?preset=all', key);
    assert.equal(answer.status, 200, answer.body);
    const { orderCount, revenue } = answer.json.data.totals;
    assert.deepEqual({ orderCount, revenue }, expectedTotals(ORDERS));
}

async function checkOrder(server, key, n) {
    const answer = await server.get(`/api/v1/orders/ord-${n}`, key);
    assert.equal(answer.status, 200, answer.body);
    assert.equal(answer.json.data.id, `ord-${n}`);
    assert.equal(answer.json.data.notes, notesOf(n, versions[n]));
}

async function checkExport(server, key) {
    const answer = await server.get('/api/v1/orders/export', key);
    assert.equal(answer.status, 200);
    const lines = answer.body.trim().split('\r\n').slice(1);
    assert.equal(lines.length, ORDERS);
    const seen = new Set(lines.map((text) => text.split(',')[0]));
    assert.equal(seen.size, ORDERS);
    for (let i = 0; i < 100; i++) assert.ok(seen.has(`ord-${random.below(ORDERS)}`));
}

async function checkList(server, key) {
    const answer = await server.get('/api/v1/orders?limit=100', key);
    assert.equal(answer.status, 200, answer.body);
    assert.equal(answer.json.data.length, 100);
    for (const order of answer.json.data) assert.match(order.id, /^ord-\d+$/);
}

async function checkReads(server, key) {
    for (let i = 0; i < 200; i++) await checkOrder(server, key, random.below(ORDERS));
    assert.equal((await server.get(`/api/v1/orders/ord-${ORDERS}`, key)).status, 404);
    await checkTotals(server, key);
    await checkList(server, key);
    await checkExport(server, key);
}

const data = temporary();
const key = await createKey(data, 't', SCOPES);
let server = await serve(data, { args: ['--memory', String(MEMORY)], env: NOW });

test('more orders than memory could hold with their texts', async (t) => {
    t.diagnostic(`DBK_SEED=${random.seed}`);
    for (let n = 0; n < ORDERS; n += BATCH) {
        const answer = await post(server, key, Array.from({ length: Math.min(BATCH, ORDERS - n) }, (_, i) => n + i));
        assert.equal(answer.status, 200, answer.body);
        assert.deepEqual(answer.json.rejected, []);
        const memory = await metric(server, 'memory_bytes');
        assert.ok(memory <= MOST, `${memory} bytes after ${n}`);
    }
    const onDisk = await metric(server, 'texts_on_disk_bytes');
    t.diagnostic(`memory ${await metric(server, 'memory_bytes')}, texts on disk ${onDisk}`);
    assert.ok(onDisk + (await metric(server, 'memory_bytes')) > MEMORY, 'it would not have fitted');
    await checkReads(server, key);
    assert.ok((await metric(server, 'texts_misses_total')) > 0);
    assert.equal(await metric(server, 'texts_failures_total'), 0);
});

test('reports of numbers read no text', async () => {
    const before = await metric(server, 'texts_read_bytes_total');
    await checkTotals(server, key);
    assert.equal((await server.get('/api/v1/reports/customers?preset=all', key)).status, 200);
    assert.equal(await metric(server, 'texts_read_bytes_total'), before);
});

test('rows are replaced by keys that are on disk', async () => {
    for (let round = 0; round < 4; round++) {
        const numbers = [...new Set(Array.from({ length: 3000 }, () => random.below(ORDERS)))];
        for (const n of numbers) versions[n]++;
        const answer = await post(server, key, numbers);
        assert.equal(answer.status, 200, answer.body);
        assert.equal(answer.json.stored, numbers.length);
        for (let i = 0; i < 50; i++) await checkOrder(server, key, random.pick(numbers));
    }
    await checkReads(server, key);
});

test('after kill -9, and after a stop', async () => {
    await server.kill();
    server = await serve(data, { args: ['--memory', String(MEMORY)], env: NOW });
    await checkReads(server, key);
    await server.stop();
    server = await serve(data, { args: ['--memory', String(MEMORY)], env: NOW });
    assert.ok((await metric(server, 'texts_on_disk_bytes')) > 0, 'opened without texts');
    assert.ok((await metric(server, 'memory_bytes')) <= MEMORY);
    await checkReads(server, key);
});

test('a damaged block: an error that names its file, and everything else goes on', async () => {
    const name = readdirSync(data).filter((file) => file.startsWith('seg-')).sort()[0];
    const path = join(data, name);
    const size = statSync(path).size;
    const good = readFileSync(path);
    await server.stop();
    server = await serve(data, { args: ['--memory', String(MEMORY)], env: NOW });
    const fd = openSync(path, 'r+');
    // The second half of the file is texts.
    writeSync(fd, Buffer.alloc(size / 2, 0x5a), 0, Math.floor(size / 2), Math.floor(size / 2));
    const answers = [];
    for (let n = 0; n < ORDERS; n += 997) answers.push((await server.get(`/api/v1/orders/ord-${n}`, key)).status);
    assert.ok(answers.includes(500) && answers.includes(200), String(answers));
    assert.ok(answers.every((status) => status === 200 || status === 500), String(answers));
    assert.match(server.stderr(), new RegExp(`${name}: column `));
    assert.ok((await metric(server, 'texts_failures_total')) > 0);
    await checkTotals(server, key);
    const fresh = await server.ingest('orders', key, `${HEADER}fresh,2026-04-05T10:00:00Z,DELIVERED,1.00,USD,,\n`, { type: 'text/csv' });
    assert.equal(fresh.status, 200, fresh.body);
    assert.equal(await metric(server, 'read_only'), 0);
    writeSync(fd, good, 0, size, 0);
    closeSync(fd);
    for (let n = 0; n < ORDERS; n += 997) await checkOrder(server, key, n);
    await server.stop();
    const check = await run(['check', '--data', data]);
    assert.equal(check.code, 0, check.stdout + check.stderr);
});

test('507 only when what cannot stay on disk does not fit; never killed', async () => {
    const small = 12 * 1024 * 1024;
    server = await serve(data, { args: ['--memory', String(small)], env: NOW });
    let refused = null, stored = 0;
    for (let n = 0; n < 60 && refused === null; n++) {
        const rows = Array.from({ length: BATCH }, (_, i) => `more-${n * BATCH + i},2026-03-01T10:00:00Z,DELIVERED,1.00,USD,${notesOf(n * BATCH + i, 0)},\n`);
        const answer = await server.ingest('orders', key, HEADER + rows.join(''), { type: 'text/csv' });
        if (answer.status === 200) stored += BATCH;
        else refused = answer;
    }
    assert.equal(refused?.status, 507, refused?.body);
    assert.match(refused.body, /memory budget/);
    assert.ok(server.alive);
    for (let i = 0; i < 50; i++) await checkOrder(server, key, random.below(ORDERS));
    const totals = (await server.get('/api/v1/reports/sales?preset=all', key)).json.data.totals;
    assert.ok(totals.orderCount >= ORDERS + stored, `${totals.orderCount}`);
    await server.stop();
    server = await serve(data, { args: ['--memory', String(MEMORY * 2)], env: NOW });
    assert.equal((await server.ingest('orders', key, '{"id":"room","created_at":"2026-04-05","status":"DELIVERED","total":"1"}\n')).json.stored, 1);
    await server.stop();
});
