// SPDX-License-Identifier: Apache-2.0
// kill -9 under load, again and again. The oracle is this process: it knows what was acknowledged and what was
// only attempted. After each restart: acknowledged ⊆ recovered ⊆ attempted, amounts and counts agree, and a
// batch is there whole or not at all.
//
// Each write is a customer of its own, so that the customers report is a list of what was recovered: a single
// order is a customer with one order, a batch of N one with N. Some writes replace the amounts of an earlier one:
// then the old or the new is there, as a whole. DAYBOOK_KILL_CYCLES says how many kills; a third as many loads are
// killed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { BIN, createKey, ok, run, serve, temporary } from './support/daybook.mjs';
import { cents, decimal, sum } from './support/money.mjs';
import { seeded } from './support/random.mjs';

const CYCLES = Number(process.env.DAYBOOK_KILL_CYCLES ?? 30);
const LOADS = Math.max(7, Math.floor(CYCLES / 3));
const CLIENTS = 6;
const CREATED = '2026-04-05T10:00:00Z';
const REPORT = '/api/v1/reports/customers?preset=all';

const random = seeded();
const data = temporary();
const key = await createKey(data, 't', 'reports:read,ingest:write');

// customer → {orders, revenues: what its orders may come to, acknowledged: whether it must be there}. While a
// replacement is under way there are two revenues.
const writes = new Map();
let serial = 0;

function makeRows(customer, size) {
    return Array.from({ length: size }, (_, i) => ({
        id: `${customer}-${i}`, created_at: CREATED, status: 'DELIVERED', customer_id: customer, currency: 'USD',
        total: decimal(BigInt(random.between(1, 100000))) }));
}

// `own` are the customers of this client, so that two clients never replace the same rows at once.
function makeWrite(own) {
    const again = own.length > 0 && random.below(5) === 0;
    const customer = again ? random.pick(own) : `w${serial++}`;
    const size = again ? writes.get(customer).orders : random.below(3) ? 1 : random.between(2, 60);
    const rows = makeRows(customer, size);
    const revenue = sum(rows.map((row) => cents(row.total)));
    if (again) writes.get(customer).revenues.push(revenue);
    else writes.set(customer, { orders: size, revenues: [revenue], acknowledged: false });
    return { customer, rows, revenue };
}

// Writes until the server is gone. A connection that breaks leaves its last write open: it may have happened.
async function client(server, state) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const own = [];
    while (server.alive && !state.killed) {
        const { customer, rows, revenue } = makeWrite(own);
        let answer;
        try {
            answer = await server.ingest('orders', key, rows, { agent });
        } catch {
            break;
        }
        assert.deepEqual([answer.status, answer.json], [200, { stored: rows.length, rejected: [] }], answer.body);
        Object.assign(writes.get(customer), { acknowledged: true, revenues: [revenue] });
        own.push(customer);
        state.count++;
        if (state.count >= state.target) state.reached();
    }
    agent.destroy();
}

// A load through the running server, of a file with several batches' worth of orders of one customer each.
function load(cycle) {
    const customer = `load${cycle}`;
    const count = 15000;
    const path = join(temporary(), 'orders.csv');
    const text = ['id,created_at,status,total,currency,customer_id'];
    for (let i = 0; i < count; i++) text.push(`${customer}-${i},${CREATED},DELIVERED,0.01,USD,${customer}`);
    writeFileSync(path, text.join('\n') + '\n');
    // A file may be several batches, so any part of it may be there until it is all acknowledged.
    const write = { orders: count, revenues: [BigInt(count)], acknowledged: false, divisible: true };
    writes.set(customer, write);
    const child = spawn(BIN, ['load', '--data', data, '--tenant', 't', '--table', 'orders', path], { stdio: 'ignore' });
    return new Promise((done) => child.on('exit', (code) => {
        write.acknowledged = code === 0;
        done(code);
    }));
}

async function verify(server, when) {
    const answer = await server.get(REPORT, key);
    assert.equal(answer.status, 200, answer.body);
    const { totals, rows } = answer.json.data;
    const recovered = new Map(rows.map((row) => [row.customerId, row]));
    for (const [customer, write] of writes) {
        const row = recovered.get(customer);
        if (write.acknowledged) assert.ok(row, `${when}: ${customer} was acknowledged and is lost`);
        if (!row) continue;
        recovered.delete(customer);
        const revenue = cents(row.revenue);
        const whole = row.orderCount === write.orders && write.revenues.includes(revenue);
        if (write.acknowledged || !write.divisible)
            assert.ok(whole, `${when}: ${customer} has ${row.orderCount} of ${write.orders} orders, ${row.revenue} of ${write.revenues.map(decimal)}`);
        else assert.ok(row.orderCount <= write.orders && revenue === BigInt(row.orderCount));
        // What was seen once stays as it was seen, whether it was acknowledged or not.
        if (!write.divisible) Object.assign(write, { acknowledged: true, revenues: [revenue] });
    }
    assert.deepEqual([...recovered.keys()], [], `${when}: rows that nobody wrote`);
    assert.equal(totals.orderCount, rows.reduce((all, row) => all + row.orderCount, 0));
    assert.equal(cents(totals.revenue), sum(rows.map((row) => cents(row.revenue))));
    const sales = (await server.get('/api/v1/reports/sales?preset=all', key)).json.data;
    assert.equal(sales.totals.orderCount, totals.orderCount, `${when}: two reports disagree`);
    assert.equal(sales.totals.revenue, totals.revenue);
    return totals.orderCount;
}

test(`${CYCLES} kills: what was acknowledged is there, once, and nothing else`, async (t) => {
    t.diagnostic(`DBK_SEED=${random.seed} DAYBOOK_KILL_CYCLES=${CYCLES}`);
    let acknowledged = 0, loads = 0, recovered = 0;
    for (let cycle = 0; cycle < CYCLES; cycle++) {
        const server = await serve(data);
        recovered = await verify(server, `after kill ${cycle}`);
        let reached;
        const enough = new Promise((done) => (reached = done));
        const state = { count: 0, target: random.between(1, 120), killed: false, reached };
        const loading = cycle % 3 === 0 ? load(cycle) : null;
        const clients = Array.from({ length: CLIENTS }, () => client(server, state));
        await Promise.race([enough, ...clients]);
        state.killed = random.below(2) === 1;
        await server.kill();
        await Promise.all(clients);
        if (loading && (await loading) === 0) loads++;
        acknowledged += state.count;
    }
    const check = await run(['check', '--data', data]);
    assert.equal(check.code, 0, check.stdout + check.stderr);
    const server = await serve(data);
    recovered = await verify(server, 'after the last kill');
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    const after = await run(['check', '--data', data]);
    assert.equal(after.code, 0, after.stdout + after.stderr);
    const again = await serve(data);
    assert.equal(await verify(again, 'after a clean stop'), recovered);
    await again.stop();
    t.diagnostic(`${acknowledged} acknowledged writes of ${writes.size} customers, ${loads} loads ended before the kill, ${recovered} orders`);
});

test('a kill in the middle of start-up or of a command harms nothing', async () => {
    for (let round = 0; round < 8; round++) {
        const child = spawn(BIN, round % 2 ? ['serve', '--data', data, '--listen', '127.0.0.1:0'] : ['keys', 'create', '--data', data, '--tenant', 't', '--scope', 'reports:read'],
                            { stdio: ['ignore', 'pipe', 'ignore'] });
        const ended = new Promise((done) => child.on('exit', done));
        // The manifest and the log are being read or written: no moment is special, so any will do.
        for (let turn = random.below(40); turn > 0; turn--) await new Promise((done) => setImmediate(done));
        child.kill('SIGKILL');
        await ended;
    }
    const server = await serve(data);
    await verify(server, 'after killed starts');
    await server.stop();
    const check = await run(['check', '--data', data]);
    assert.equal(check.code, 0, check.stdout + check.stderr);
});

// A load into a directory that nobody serves passes the log by: segments are written while the file is read, and a
// manifest names them at its end. So a file is there whole or not at all.
test(`${LOADS} kills of loads: files are there whole or not at all`, async (t) => {
    // More rows than a segment holds.
    const count = 66000;
    const directory = temporary();
    const path = join(temporary(), 'orders.csv');
    const rowsOf = async (when) => {
        const check = await run(['check', '--data', directory, '--json']);
        assert.equal(check.code, 0, `${when}: ${check.stdout}${check.stderr}`);
        return JSON.parse(check.stdout).rows;
    };
    await ok(['tenant', 'set', '--data', directory, '--tenant', 't', '--currency', 'USD']);
    let stored = await rowsOf('at first'), whole = 0, inSegments = 0;
    for (let cycle = 0; cycle < LOADS; cycle++) {
        const text = ['id,created_at,status,total,currency'];
        for (let i = 0; i < count; i++) text.push(`${cycle}-${i},2026-04-0${1 + (i % 9)}T10:00:00Z,DELIVERED,0.01,USD`);
        writeFileSync(path, text.join('\n') + '\n');
        const before = new Set(readdirSync(directory));
        const made = (prefix) => readdirSync(directory).some((name) => name.startsWith(prefix) && !before.has(name));
        const child = spawn(BIN, ['load', '--data', directory, '--tenant', 't', '--table', 'orders', path], { stdio: 'ignore' });
        let ended = false;
        const end = new Promise((done) => child.on('exit', (code) => done((ended = true) && code)));
        // Killed as soon as it has made a file of this kind, or a little later.
        const kind = ['lock', 'log-', 'seg-', 'seg-', 'words-', 'state-', 'manifest-'][cycle % 7];
        while (!ended && !made(kind)) await new Promise((done) => setImmediate(done));
        for (let turn = random.below(200); turn > 0 && !ended; turn--) await new Promise((done) => setImmediate(done));
        child.kill('SIGKILL');
        const code = await end;
        inSegments += code === null && made('seg-');
        const when = `after kill ${cycle} at ${kind}`;
        const rows = await rowsOf(when);
        assert.ok(rows === stored + count || (code !== 0 && rows === stored), `${when}: ${rows} rows, there were ${stored}`);
        whole += rows > stored;
        stored = rows;
    }
    t.diagnostic(`${whole} files whole, ${inSegments} loads killed when they had written segments, ${stored} rows`);
    assert.ok(inSegments > 0);
});
