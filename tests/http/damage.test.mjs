// SPDX-License-Identifier: Apache-2.0
// Damage to a closed data directory: single bits, cut files, missing files, files put in each other's place.
// `daybook check` must say so and name the file; a server must refuse or answer what it answered before. A
// wrong number is never one of the choices.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, copyFileSync, openSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import test from 'node:test';
import { createKey, filesUnder, ok, run, serve, temporary } from './support/daybook.mjs';
import { seeded } from './support/random.mjs';

const NOW = { env: { DAYBOOK_NOW: '2026-04-17T12:00:00Z' } };
const PATHS = ['/api/v1/reports/sales?preset=all', '/api/v1/reports/customers?preset=all', '/api/v1/reports/inventory', '/api/v1/products?limit=100'];

const random = seeded();
const data = temporary();
const key = await createKey(data, 't', 'reports:read,products:read,ingest:write');
const company = join(temporary(), 'company');
// More orders than a segment holds, so that every kind of file is there.
await ok(['gen', '--orders', '66000', '--days', '90', '--dir', company]);
for (const table of ['categories', 'customers', 'products', 'orders'])
    await ok(['load', '--data', data, '--tenant', 't', '--table', table, join(company, `${table}.csv`)]);

// Logs are mostly zeros that stand ready, so copies are made with holes.
function copyOf(directory) {
    const copy = join(temporary(), 'd');
    execFileSync('cp', ['-r', '--sparse=always', directory, copy]);
    return copy;
}

// The twin: later rows in the log only, as a kill leaves them.
const LATE = 5;
const killed = copyOf(data);
const writer = await serve(killed);
for (let i = 0; i < 12; i++) {
    const orders = Array.from({ length: LATE }, (_, j) => ({ id: `late-${i}-${j}`, created_at: '2026-04-05T10:00:00Z', status: 'DELIVERED', total: '1.01', customer_id: 'c1' }));
    assert.equal((await writer.ingest('orders', key, orders)).json.stored, LATE);
}
await writer.kill();
rmSync(join(killed, 'daybook.sock'), { force: true });

async function answers(server) {
    const found = [];
    for (const path of PATHS) {
        const answer = await server.get(path, key);
        found.push([answer.status, answer.body]);
    }
    return found;
}

async function truth(directory) {
    const copy = copyOf(directory);
    const server = await serve(copy, NOW);
    const found = await answers(server);
    await server.kill();
    for (const [status] of found) assert.equal(status, 200);
    return found;
}

// The server refuses, or it answers as before (or says that it cannot). Returns which.
async function judge(directory, expected, what) {
    let server;
    try {
        server = await serve(directory, NOW);
    } catch (error) {
        assert.equal(error.code, 1, `${what}: ${error.message}`);
        assert.notEqual(error.stderr.trim(), '', `${what}: refused without a word`);
        return 'refused';
    }
    const found = await answers(server);
    await server.kill();
    found.forEach(([status, body], i) => {
        if (status === 200) assert.equal(body, expected[i][1], `${what}: a wrong answer to ${PATHS[i]}`);
        else assert.ok(status >= 500 || status === 401, `${what}: ${status}`);
    });
    return 'answered';
}

// A copy with a change; the caller removes it.
function variant(directory, change) {
    const copy = copyOf(directory);
    change(copy);
    return copy;
}

// The files that hold something, by name.
const inner = (directory) => filesUnder(directory).map((path) => relative(directory, path)).filter((name) => statSync(join(directory, name)).size > 0);

// Where in a file to flip: its head, its last byte, evenly among what it holds, and once in the zeros that a
// log keeps ready behind it.
function offsets(path, count) {
    const bytes = readFileSync(path);
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === 0) end--;
    const chosen = new Set([0, 4, 8, end - 1]);
    if (bytes.length > end + 8192) chosen.add(end + 4096 + random.below(bytes.length - end - 4096));
    while (chosen.size < Math.min(count, end)) chosen.add(random.below(end));
    return [...chosen].map((offset) => ({ offset, byte: bytes[offset], bit: random.below(8) }));
}

function poke(path, offset, byte) {
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.from([byte]), 0, 1, offset);
    closeSync(file);
}

async function checks(directory) {
    const result = await run(['check', '--data', directory]);
    return { ...result, said: result.stdout + result.stderr };
}

// Flips single bits, asks `check`, and flips them back: check changes nothing. A round is one bit in each of
// several files, all of which check must name; files that hide what the others hold (the manifest, and what
// `alone` matches) have rounds of their own. Every eighth round is served, too, and so is all that check let
// pass. Two workers, each with a copy of its own.
async function flipAll(t, directory, each, alone, tolerated) {
    const expected = await truth(directory);
    const rounds = [];
    let count = 0;
    // Shared rounds come first, so that their numbers are the places' numbers.
    const names = inner(directory).sort((a, b) => alone.test(a) - alone.test(b));
    for (const name of names) {
        offsets(join(directory, name), each).forEach((place, i) => {
            const flip = { name, ...place };
            count++;
            if (alone.test(name)) rounds.push([flip]);
            else (rounds[i] ??= []).push(flip);
        });
    }
    const outcomes = {};
    const missed = [];
    let next = 0;
    const worker = async () => {
        const copy = copyOf(directory);
        assert.equal((await checks(copy)).code, 0);
        while (next < rounds.length) {
            const number = next++;
            const flips = rounds[number];
            for (const { name, offset, byte, bit } of flips) poke(join(copy, name), offset, byte ^ (1 << bit));
            const what = flips.map(({ name, offset, bit }) => `${name}, byte ${offset}, bit ${bit}`).join('; ');
            const result = await checks(copy);
            assert.ok(result.code === 0 || result.code === 1, `${what}: check ended with ${result.code ?? result.signal}: ${result.said}`);
            for (const { name } of flips) if (result.code === 0 || !result.said.includes(name)) missed.push(`${name} is not named: ${what}\n${result.said}`);
            if (result.code === 0 || number % 8 === 0) {
                const twin = copyOf(copy);
                if (result.code === 0 && tolerated) await tolerated(twin, what);
                const outcome = result.code === 0 && tolerated ? 'tolerated' : await judge(twin, expected, what);
                outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
                rmSync(twin, { recursive: true });
            }
            for (const { name, offset, byte } of flips) poke(join(copy, name), offset, byte);
        }
        assert.equal((await checks(copy)).code, 0, 'all holds again with the bits back in place');
    };
    await Promise.all([worker(), worker()]);
    t.diagnostic(`${count} flips in ${inner(directory).length} files, ${rounds.length} rounds; served: ${JSON.stringify(outcomes)}`);
    return { flips: count, missed };
}

let flipped = 0;

test('one bit in any file of a closed directory', async (t) => {
    t.diagnostic(`DBK_SEED=${random.seed}`);
    const each = Math.ceil(200 / inner(data).length);
    const { flips, missed } = await flipAll(t, data, each, /^manifest/);
    assert.deepEqual(missed, []);
    flipped += flips;
});

test('one bit in any file of a directory whose server was killed', async (t) => {
    const expected = await truth(killed);
    const each = Math.ceil(140 / inner(killed).length);
    // The last group of a log may be torn by a crash, so damage to it alone may be cut off; then the orders of
    // that group are gone, and nothing else is.
    const last = JSON.parse(expected[0][1]).data.totals.orderCount;
    const tolerated = async (directory, what) => {
        const server = await serve(directory, NOW);
        const { totals } = (await server.get(PATHS[0], key)).json.data;
        await server.kill();
        assert.ok(totals.orderCount === last || totals.orderCount === last - LATE, `${what}: ${totals.orderCount} of ${last} orders`);
    };
    const { flips, missed } = await flipAll(t, killed, each, /^(manifest|log)/, tolerated);
    assert.deepEqual(missed.filter((what) => !/log/.test(what)), []);
    flipped += flips;
    assert.ok(flipped >= 300, `${flipped} flips`);
});

test('cut files', async (t) => {
    const expected = await truth(data);
    let cuts = 0;
    for (const name of inner(data)) {
        const size = statSync(join(data, name)).size;
        for (const length of new Set([0, size >> 1, size - 1])) {
            const copy = variant(data, (directory) => truncateSync(join(directory, name), length));
            const what = `${name} cut from ${size} to ${length}`;
            const result = await checks(copy);
            assert.equal(result.code, 1, `${what}: ${result.said}`);
            assert.ok(result.said.includes(basename(name)), `${what}: not named: ${result.said}`);
            await judge(copy, expected, what);
            rmSync(copy, { recursive: true });
            cuts++;
        }
    }
    t.diagnostic(`${cuts} cuts`);
});

test('missing files and files in each other\'s place', async (t) => {
    const expected = await truth(data);
    const names = inner(data);
    for (const name of names) {
        const copy = variant(data, (directory) => rmSync(join(directory, name)));
        const result = await checks(copy);
        assert.equal(result.code, 1, `${name} is missing: ${result.said}`);
        await judge(copy, expected, `${name} missing`);
        rmSync(copy, { recursive: true });
    }
    // The empty file that says "closed in order" holds no rows: without it, the directory is one that crashed.
    for (const path of filesUnder(data).filter((path) => statSync(path).size === 0)) {
        const copy = variant(data, (directory) => rmSync(join(directory, basename(path))));
        assert.equal(await judge(copy, expected, `${basename(path)} missing`), 'answered');
        rmSync(copy, { recursive: true });
    }
    let swaps = 0;
    for (let i = 0; i + 1 < names.length && swaps < 8; i++) {
        const copy = variant(data, (directory) => {
            renameSync(join(directory, names[i]), join(directory, 'aside'));
            renameSync(join(directory, names[i + 1]), join(directory, names[i]));
            renameSync(join(directory, 'aside'), join(directory, names[i + 1]));
        });
        const result = await checks(copy);
        assert.equal(result.code, 1, `${names[i]} and ${names[i + 1]} changed places: ${result.said}`);
        await judge(copy, expected, `${names[i]} and ${names[i + 1]} changed places`);
        rmSync(copy, { recursive: true });
        swaps++;
    }
    // An older file under the newer one's name has good checksums and the wrong place.
    const other = temporary();
    await createKey(other, 't', 'reports:read');
    for (const name of inner(other)) {
        if (!names.includes(name)) continue;
        const copy = variant(data, (directory) => copyFileSync(join(other, name), join(directory, name)));
        const result = await checks(copy);
        assert.equal(result.code, 1, `${name} of another directory: ${result.said}`);
        await judge(copy, expected, `${name} of another directory`);
        rmSync(copy, { recursive: true });
    }
    t.diagnostic(`${names.length} missing, ${swaps} swapped`);
});
