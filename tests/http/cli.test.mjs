// SPDX-License-Identifier: Apache-2.0
// Every command as a person or a script meets it: exit codes, what stands on stdout and what on stderr, files
// that are left behind, and the same answer with and without a running server.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { createKey, filesUnder, ok, run, serve, temporary } from './support/daybook.mjs';
import { cents, decimal, sum } from './support/money.mjs';

const OK = 0, FAILED = 1, USAGE = 2, REJECTS = 3, UNREACHABLE = 4;
const NOW = { env: { DAYBOOK_NOW: '2026-04-17T12:00:00Z' } };
const HEADER = 'id,created_at,status,total,currency,customer_id\n';
const line = (i, total = '1.00') => `o${i},2026-04-${String(1 + (i % 16)).padStart(2, '0')}T10:00:00Z,DELIVERED,${total},USD,c${i % 5}\n`;
const lines = (count, from = 0) => Array.from({ length: count }, (_, i) => line(from + i)).join('');

function file(name, content) {
    const path = join(temporary(), name);
    writeFileSync(path, content);
    return path;
}

const load = (data, ...rest) => run(['load', '--data', data, '--tenant', 't', ...rest]);
const loadOrders = (data, ...files) => load(data, '--table', 'orders', ...files);

async function totals(data) {
    return JSON.parse(await ok(['report', '--data', data, '--tenant', 't', 'sales', '--preset', 'all', '--json'], NOW)).data.totals;
}

async function clean(data) {
    const check = await run(['check', '--data', data]);
    assert.equal(check.code, OK, check.stdout + check.stderr);
    assert.match(check.stdout, /all hold/);
}

test('help, version and wrong uses', async () => {
    const commands = ['serve', 'load', 'keys', 'tenant', 'report', 'check', 'gen'];
    const help = await run(['--help']);
    assert.equal(help.code, OK);
    for (const command of commands) {
        assert.match(help.stdout, new RegExp(`^ +${command} `, 'm'));
        const own = await run([command, '--help']);
        assert.equal(own.code, OK, command);
        assert.match(own.stdout, new RegExp(`^usage: daybook ${command}`));
        assert.equal(own.stderr, '');
        const unknown = await run([command, '--no-such-option']);
        assert.equal(unknown.code, USAGE, command);
        assert.equal(unknown.stdout, '');
        assert.notEqual(unknown.stderr, '');
    }
    assert.match((await run(['--version'])).stdout, /^daybook \d+\.\d+\.\d+\n$/);
    const cases = [[], ['frobnicate'], ['serve'], ['load'], ['keys'], ['keys', 'create'], ['tenant'], ['report'], ['check'], ['gen'],
                   ['gen', '--orders', '0'], ['gen', '--orders', 'many'],
                   ['load', '--data', 'x', '--tenant', 't', 'f.csv'], ['load', '--data', 'x', '--table', 'orders', 'f.csv'],
                   ['load', '--data', 'x', '--tenant', 't', '--table', 'orders'], ['load', '--data', 'x', '--tenant', 't', '--table', 'nonsense', 'f.csv'],
                   ['load', '--url', 'http://127.0.0.1:1', '--table', 'orders', 'f.csv'],
                   ['keys', 'create', '--data', 'x', '--tenant', 't'], ['keys', 'revoke', '--data', 'x', '--tenant', 't'],
                   ['tenant', 'set', '--data', 'x', '--tenant', 't'], ['report', '--data', 'x', '--tenant', 't', 'sales', '--format', 'pdf'],
                   ['serve', '--data', 'x', '--threads', '0'], ['serve', '--data', 'x', '--memory', 'lots']];
    for (const args of cases) {
        const result = await run(args, { cwd: temporary() });
        assert.equal(result.code, USAGE, `daybook ${args.join(' ')}: ${result.stderr}`);
        assert.equal(result.stdout, '', args.join(' '));
        assert.match(result.stderr, /daybook/);
    }
});

test('load: CSV, NDJSON, gzip, standard input; twice changes nothing', async () => {
    const data = join(temporary(), 'made', 'by', 'load');
    mkdirSync(join(data, '..'), { recursive: true });
    const ndjson = (count, from) => Array.from({ length: count }, (_, i) => {
        const [id, created_at, status, total, currency, customer_id] = line(from + i).trim().split(',');
        return JSON.stringify({ id, created_at, status, total, currency, customer_id });
    }).join('\n');
    const files = [file('a.csv', HEADER + lines(100)), file('b.ndjson', ndjson(50, 100)),
                   file('c.csv.gz', gzipSync(HEADER + lines(25, 150))), file('d.ndjson.gz', gzipSync(ndjson(25, 175) + '\n'))];
    const first = await loadOrders(data, ...files);
    assert.equal(first.code, OK, first.stderr);
    assert.match(first.stdout, /a\.csv: 100 rows, 100 stored, 0 rejected/);
    assert.match(first.stdout, /d\.ndjson\.gz: 25 rows, 25 stored, 0 rejected/);
    assert.equal(first.stderr, '', 'no progress bar where there is no terminal');
    const piped = await run(['load', '--data', data, '--tenant', 't', '--table', 'orders', '-'], { input: HEADER + lines(10, 200) });
    assert.equal(piped.code, OK, piped.stderr);
    const pipedJson = await run(['load', '--data', data, '--tenant', 't', '--table', 'orders', '--json', '-'], { input: ndjson(10, 210) });
    assert.deepEqual([pipedJson.code, JSON.parse(pipedJson.stdout).stored], [OK, 10], pipedJson.stderr);
    const quoted = await loadOrders(data, '--json', file('a "quoted" \\ name.csv', HEADER + line(0)));
    assert.match(JSON.parse(quoted.stdout).file, /a "quoted" \\ name\.csv$/);
    const before = await totals(data);
    assert.deepEqual(before, { orderCount: 220, revenue: 220, averageOrderValue: 1 });
    const again = await loadOrders(data, ...files);
    assert.equal(again.code, OK);
    assert.deepEqual(await totals(data), before);
    await clean(data);
    // Replacing retracts the old amount.
    await loadOrders(data, file('new.csv', HEADER + line(0, '100.50')));
    assert.deepEqual(await totals(data), { orderCount: 220, revenue: 319.5, averageOrderValue: 1.45 });
    await clean(data);
});

test('load: broken rows are told, kept and counted; the rest is stored', async () => {
    const data = temporary();
    const rows = Array.from({ length: 1000 }, (_, i) => line(i));
    rows[399] = 'o399,2026-04-05T10:00:00Z,DELIVERED,1.23456,USD,c1\n';
    rows[499] = 'o499,yesterday,DELIVERED,1.00,USD,c1\n';
    rows[599] = 'o599,2026-04-05T10:00:00Z,DELIVERED\n';
    const path = file('orders.csv', HEADER + rows.join(''));
    const result = await loadOrders(data, '--json', path);
    assert.equal(result.code, REJECTS);
    const report = JSON.parse(result.stdout);
    assert.deepEqual([report.rows, report.stored, report.rejected], [1000, 997, 3]);
    assert.equal(report.rows, report.stored + report.rejected);
    const told = result.stderr.split('\n').filter((text) => text.includes('orders.csv:'));
    assert.equal(told.length, 3, result.stderr);
    assert.match(told[0], /orders\.csv:401:4: .*total.*decimals/);
    assert.match(told[1], /orders\.csv:501:2: .*created_at/);
    assert.match(told[2], /orders\.csv:601:\d+: ./);
    const rejects = readFileSync(`${path}.rejects`, 'utf8').split('\n').filter(Boolean);
    assert.deepEqual(rejects, [HEADER.trim(), rows[399].trim(), rows[499].trim(), rows[599].trim()]);
    assert.equal((await totals(data)).orderCount, 997);
    // The corrected rejects complete the load.
    const corrected = file('corrected.csv', HEADER + line(399) + line(499) + line(599));
    assert.equal((await loadOrders(data, corrected)).code, OK);
    assert.deepEqual(await totals(data), { orderCount: 1000, revenue: 1000, averageOrderValue: 1 });
    await clean(data);
    const json = file('rows.ndjson', '{"id":"n1","created_at":"2026-04-01","status":"DELIVERED","total":"1"}\n{"id":"n2",\n' +
                      '{"id":"n3","created_at":"2026-04-01","status":"DELIVERED","total":true}\n{"id":"n4","created_at":"2026-04-01","status":"DELIVERED","total":2}\n');
    const ndjson = await loadOrders(data, json);
    assert.equal(ndjson.code, REJECTS, ndjson.stderr);
    assert.match(ndjson.stdout, /4 rows, 2 stored, 2 rejected/);
    assert.match(ndjson.stderr, /rows\.ndjson:2:\d+: /);
    assert.match(ndjson.stderr, /rows\.ndjson:3:\d+: /);
    assert.equal((await totals(data)).orderCount, 1002);
});

test('load: a file that is not what it seems is refused whole', async () => {
    const data = temporary();
    assert.equal((await loadOrders(data, file('one.csv', HEADER + line(0)))).code, OK);
    const before = await totals(data);
    const good = HEADER + lines(3000, 1);
    const zipped = gzipSync(good);
    const broken = Buffer.from(zipped);
    broken[Math.floor(broken.length / 2)] ^= 0x10;
    const refused = {
        'zip.csv': Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.from(good)]),
        'lfs.csv': 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n',
        'cut.csv.gz': zipped.subarray(0, zipped.length - 9),
        'half.csv.gz': zipped.subarray(0, zipped.length >> 1),
        'flipped.csv.gz': broken,
        'wide.csv': Buffer.from('\ufeff' + good, 'utf16le'),
        'unknown.csv': HEADER.replace('customer_id', 'costumer_id') + lines(3, 1),
        'missing.csv': 'id,created_at,status\n' + 'o1,2026-04-01,DELIVERED\n',
        'twice.csv': 'id,created_at,status,total,total\no1,2026-04-01,DELIVERED,1,2\n',
        'empty.csv': '',
        'page.csv': '<!DOCTYPE html>\n<html><body>404</body></html>\n',
        'nul.csv': HEADER + lines(10, 1) + '\0\0\0\0\n' + lines(10, 11),
        'headless.csv': lines(10, 1),
    };
    const accepted = [];
    for (const [name, content] of Object.entries(refused)) {
        const path = file(name, content);
        const result = await loadOrders(data, path);
        if (result.code !== FAILED) accepted.push(`${name}: exit ${result.code} ${result.stdout}${result.stderr}`);
        else assert.ok(result.stderr.includes(name), `${name} is named: ${result.stderr}`);
        assert.deepEqual(await totals(data), before, `${name} stored something`);
    }
    assert.deepEqual(accepted, []);
    assert.equal((await loadOrders(data, join(temporary(), 'nowhere.csv'))).code, FAILED);
    assert.equal((await load(data, '--table', 'orders', '--ignore-unknown', file('u.csv', refused['unknown.csv']))).code, OK);
    assert.equal((await totals(data)).orderCount, 4);
    await clean(data);
});

test('load: what a file holds decides, not its name', async () => {
    const data = temporary();
    assert.equal((await loadOrders(data, file('zipped.csv', gzipSync(HEADER + lines(7))))).code, OK);
    assert.equal((await loadOrders(data, file('plain.csv.gz', HEADER + lines(7, 7)))).code, OK);
    assert.equal((await totals(data)).orderCount, 14);
});

test('load: a dry run stores nothing', async () => {
    const data = temporary();
    await loadOrders(data, file('one.csv', HEADER + line(0)));
    const path = file('more.csv', HEADER + lines(20, 1) + 'bad,row,is,here\n');
    const result = await loadOrders(data, '--dry-run', path);
    assert.equal(result.code, REJECTS, result.stderr);
    assert.match(result.stdout, /21 rows, 20 good, 1 rejected/);
    assert.match(result.stderr, /more\.csv:22:/);
    assert.ok(!existsSync(`${path}.rejects`));
    assert.equal((await totals(data)).orderCount, 1);
    assert.equal((await loadOrders(data, '--dry-run', file('good.csv', HEADER + lines(20, 1)))).code, OK);
    assert.equal((await totals(data)).orderCount, 1);
});

test('load: through a server on the directory, and through a server elsewhere', async () => {
    const data = temporary();
    const key = await createKey(data, 't', 'ingest:write,reports:read');
    const server = await serve(data, NOW);
    const there = ['load', '--url', server.url, '--key', key, '--table', 'orders'];
    const first = await loadOrders(data, file('a.csv', HEADER + lines(3000)));
    assert.equal(first.code, OK, first.stderr);
    assert.match(first.stdout, /3000 rows, 3000 stored, 0 rejected/);
    const count = async () => (await server.get('/api/v1/reports/sales?preset=all', key)).json.data.totals.orderCount;
    assert.equal(await count(), 3000, 'visible at once');
    const second = await run([...there, file('b.csv.gz', gzipSync(HEADER + lines(2000, 3000)))]);
    assert.equal(second.code, OK, second.stderr);
    assert.equal(await count(), 5000);
    for (const how of [['load', '--data', data, '--tenant', 't', '--table', 'orders'], there]) {
        const path = file('mixed.csv', HEADER + line(5000) + 'o5001,2026-04-01T00:00:00Z,DELIVERED,1.00001,USD,c1\n' + line(5002));
        const mixed = await run([...how, path]);
        assert.equal(mixed.code, REJECTS, mixed.stderr);
        assert.match(mixed.stdout, /3 rows, 2 stored, 1 rejected/);
        assert.match(mixed.stderr, /mixed\.csv:3:4: .*total/);
        assert.equal(readFileSync(`${path}.rejects`, 'utf8').split('\n').filter(Boolean).length, 2);
    }
    assert.equal(await count(), 5002);
    const refused = await run([...there.slice(0, 3), '--key', 'dk_wrong', '--table', 'orders', file('c.csv', HEADER + lines(1, 6000))]);
    assert.equal(refused.code, FAILED);
    assert.match(refused.stderr, /Invalid, expired, or revoked API key/);
    await server.stop();
    const gone = await run([...there, file('d.csv', HEADER + lines(1, 6000))]);
    assert.equal(gone.code, UNREACHABLE, gone.stderr);
    assert.equal((await totals(data)).orderCount, 5002);
    await clean(data);
});

test('keys: create, list and revoke, with and without a server', async () => {
    const data = temporary();
    const cycle = async () => {
        const created = await run(['keys', 'create', '--data', data, '--tenant', 't', '--scope', 'reports:read,products:read', '--name', 'till "7"']);
        assert.equal(created.code, OK, created.stderr);
        assert.match(created.stdout, /^dk_[A-Za-z0-9_-]{43}\n$/, 'the key, alone');
        assert.ok(!created.stderr.includes(created.stdout.trim()));
        const id = /id (\S+);/.exec(created.stderr)[1];
        const list = async () => JSON.parse(await ok(['keys', 'list', '--data', data, '--tenant', 't', '--json'])).data;
        const mine = (await list()).find((key) => key.id === id);
        assert.equal(mine.name, 'till "7"');
        assert.deepEqual([...mine.scopes].sort(), ['products:read', 'reports:read']);
        assert.equal(mine.status, 'Active');
        assert.ok(!JSON.stringify(await list()).includes(created.stdout.trim()), 'a key is not listed');
        assert.match(await ok(['keys', 'list', '--data', data, '--tenant', 't']), new RegExp(id));
        assert.deepEqual(JSON.parse(await ok(['keys', 'list', '--data', data, '--tenant', 'other', '--json'])).data, []);
        assert.equal((await run(['keys', 'revoke', '--data', data, '--tenant', 'other', id])).code, FAILED);
        await ok(['keys', 'revoke', '--data', data, '--tenant', 't', id]);
        assert.equal((await list()).find((key) => key.id === id).status, 'Revoked', 'dead keys stay listed');
        assert.equal((await run(['keys', 'revoke', '--data', data, '--tenant', 't', 'key_nobody'])).code, FAILED);
        return created.stdout.trim();
    };
    const early = await cycle();
    const server = await serve(data);
    assert.equal((await server.get('/api/v1/products', early)).status, 401);
    await cycle();
    const key = await createKey(data, 't', 'products:read');
    assert.equal((await server.get('/api/v1/products', key)).status, 200, 'works at once on the running server');
    await server.stop();
    for (const path of filesUnder(data)) assert.ok(!readFileSync(path).includes(key), `${path} holds the key`);
    for (const [scope, rest] of [['reports:write', []], ['', []], ['reports:read,,', []], ['reports:read', ['--rate', '0']], ['reports:read', ['--rate', 'fast']], ['reports:read', ['--rate', '100001']],
                                 ['reports:read', ['--expires', 'someday']]]) {
        const result = await run(['keys', 'create', '--data', data, '--tenant', 't', '--scope', scope, ...rest]);
        assert.ok([FAILED, USAGE].includes(result.code), `${scope} ${rest}: ${result.code}`);
        assert.equal(result.stdout, '');
        assert.notEqual(result.stderr, '');
    }
    assert.equal((await run(['keys', 'create', '--data', data, '--tenant', '../up', '--scope', 'reports:read'])).code, FAILED);
});

test('tenant: settings are checked before they are stored', async () => {
    const data = temporary();
    const set = (...rest) => run(['tenant', 'set', '--data', data, '--tenant', 't', ...rest]);
    const good = await set('--timezone', 'Europe/Berlin', '--currency', 'EUR', '--business-day', '06:30', '--app-id', 'app-"1"');
    assert.equal(good.code, OK, good.stderr);
    const settings = { 'app-id': 'app-"1"', 'business-day': '06:30', currency: 'EUR', timezone: 'Europe/Berlin' };
    assert.deepEqual(JSON.parse(good.stdout), settings);
    for (const bad of [['--timezone', 'Mars/Olympus'], ['--app-id', 'app 1'], ['--timezone', '../../etc/passwd'], ['--currency', 'euro'], ['--currency', 'E1R'],
                       ['--business-day', '24:00'], ['--business-day', '7'], ['--currency', 'USD', '--timezone', 'Nowhere/At_All']]) {
        const result = await set(...bad);
        assert.equal(result.code, FAILED, bad.join(' '));
        assert.notEqual(result.stderr, '');
        assert.equal(result.stdout, '');
    }
    assert.deepEqual(JSON.parse(await ok(['tenant', 'show', '--data', data, '--tenant', 't'])), settings, 'all or nothing');
    const server = await serve(data);
    assert.equal((await set('--currency', 'CHF')).code, OK);
    await server.stop();
    assert.equal(JSON.parse(await ok(['tenant', 'show', '--data', data, '--tenant', 't'])).currency, 'CHF');
});

test('report: the figures of the API in each format', async () => {
    const data = temporary();
    await loadOrders(data, file('o.csv', HEADER + Array.from({ length: 300 }, (_, i) => line(i, decimal(BigInt(i * 37 + 5)))).join('')));
    await load(data, '--table', 'customers', file('c.csv', 'id,name,email\nc0,=HYPERLINK(1),a@x.io\nc1,"Comma, Inc",b@x.io\nc2,Zoë,c@x.io\n'));
    await load(data, '--table', 'products', file('p.csv', 'id,name,sku,category,price,stock\np1,Widget,W,Hardware,8.50,42\np2,Loose,,,1.25,3\n'));
    const key = await createKey(data, 't', 'reports:read');
    const report = (name, ...rest) => ok(['report', '--data', data, '--tenant', 't', name, ...rest], NOW);
    const alone = {};
    for (const name of ['sales', 'customers', 'inventory']) alone[name] = await report(name, '--format', 'json');
    const server = await serve(data, NOW);
    for (const name of ['sales', 'customers', 'inventory']) {
        const answer = await server.get(`/api/v1/reports/${name}`, key);
        assert.equal(alone[name], answer.body, `${name}: the same bytes as the API`);
        assert.equal(await report(name, '--json'), answer.body, `${name}: and through the running server`);
        const rows = answer.json.data.daily ?? answer.json.data.rows;
        const csv = (await report(name, '--format', 'csv')).split(/\r?\n/);
        assert.equal(csv[0], Object.keys(rows[0]).join(','));
        assert.equal(csv.length, rows.length + 1);
        const table = await report(name);
        for (const value of Object.values(answer.json.data.totals)) assert.ok(table.includes(String(value)), `${name}: ${value} in\n${table}`);
    }
    const csv = await report('sales', '--format', 'csv', '--from', '2026-04-03', '--to', '2026-04-05');
    const expected = [3, 4, 5].map((day) => {
        const those = Array.from({ length: 300 }, (_, i) => i).filter((i) => 1 + (i % 16) === day);
        return `2026-04-0${day},${those.length},${decimal(sum(those.map((i) => cents(decimal(BigInt(i * 37 + 5))))))}`;
    });
    assert.deepEqual(csv.replaceAll('"', '').split(/\r?\n/).slice(1), expected);
    const guarded = await report('customers', '--format', 'csv');
    assert.ok(guarded.includes("'=HYPERLINK(1)"), 'a formula is text in a spreadsheet');
    assert.ok(guarded.includes('"Comma, Inc"'));
    await server.stop();
    for (const [args, code] of [[['sales', '--preset', 'decade'], FAILED], [['sales', '--from', 'never'], FAILED], [['nonsense'], FAILED]]) {
        const result = await run(['report', '--data', data, '--tenant', 't', ...args]);
        assert.equal(result.code, code, `${args}: ${result.stderr}`);
        assert.equal(result.stdout, '');
        assert.notEqual(result.stderr, '');
    }
});

test('directories: missing, in use, not ours', async () => {
    const missing = join(temporary(), 'missing');
    for (const args of [['keys', 'list', '--data', missing, '--tenant', 't'], ['keys', 'revoke', '--data', missing, '--tenant', 't', 'k'],
                        ['tenant', 'show', '--data', missing, '--tenant', 't'], ['report', '--data', missing, '--tenant', 't', 'sales'],
                        ['check', '--data', missing]]) {
        const result = await run(args);
        assert.equal(result.code, FAILED, `${args.join(' ')}: ${result.code} ${result.stderr}`);
        assert.ok(result.stderr.includes('missing'), result.stderr);
        assert.ok(!existsSync(missing), `${args[0]} made it`);
    }
    assert.equal((await loadOrders(missing, file('a.csv', HEADER + line(1)))).code, OK, 'load makes it');
    assert.equal(statSync(missing).mode & 0o777, 0o700);
    const server = await serve(missing);
    assert.equal(statSync(join(missing, 'daybook.sock')).mode & 0o777, 0o600, 'the socket is the operator\'s alone');
    await assert.rejects(serve(missing), (error) => error.code === FAILED && /in use by another daybook/.test(error.stderr));
    const check = await run(['check', '--data', missing]);
    assert.equal(check.code, FAILED);
    assert.match(check.stderr, /in use/);
    assert.equal((await server.get('/healthz')).status, 200, 'the first one goes on');
    assert.equal((await server.stop()).code, OK);
    await clean(missing);
    const made = join(temporary(), 'fresh');
    await createKey(made, 't');
    assert.ok(existsSync(made), 'keys create makes it');
    const notADirectory = file('a-file', 'x');
    assert.equal((await run(['check', '--data', notADirectory])).code, FAILED);
    await assert.rejects(serve(notADirectory), (error) => error.code === FAILED);
});

test('check: totals as JSON; gen: the same bytes for the same seed', async () => {
    const gen = async (...rest) => {
        const out = join(temporary(), 'company');
        const report = JSON.parse(await ok(['gen', '--orders', '2000', '--dir', out, '--json', ...rest]));
        return { out, report, files: Object.fromEntries(readdirSync(out).sort().map((name) => [name, readFileSync(join(out, name), 'utf8')])) };
    };
    const one = await gen(), same = await gen(), other = await gen('--seed', '2');
    assert.deepEqual(one.files, same.files);
    assert.notDeepEqual(one.files, other.files);
    assert.equal(one.files['orders.csv'].trim().split('\n').length, 2001);
    const bytes = Object.values(one.files).reduce((size, text) => size + Buffer.byteLength(text), 0);
    assert.equal(one.report.csvBytes, bytes);
    const data = temporary();
    for (const { name, rows } of one.report.tables.filter((table) => table.rows > 0)) {
        const result = await load(data, '--table', name, '--json', join(one.out, `${name}.csv`));
        assert.equal(result.code, OK, `${name}: ${result.stderr}`);
        assert.equal(JSON.parse(result.stdout).stored, rows, name);
    }
    assert.equal((await totals(data)).orderCount > 0, true);
    const check = JSON.parse(await ok(['check', '--data', data, '--json']));
    assert.equal(check.problems, 0);
    assert.equal(check.tenants, 1);
    // The default currency that the first money brought is a row of the tenant's settings.
    assert.equal(check.rows, one.report.tables.reduce((all, table) => all + table.rows, 0) + 1);
});
