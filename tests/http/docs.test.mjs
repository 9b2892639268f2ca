// SPDX-License-Identifier: Apache-2.0
// The pages of docs/api are run as they stand.
//
// The convention, for whoever writes such a page:
//   - A fenced block that begins with ```sh is run. All of a page run in one bash, in order, with `set -eu` and
//     pipefail, in an empty directory, with `daybook` on the PATH: what a block sets, the next ones have.
//   - The server is the test's: lines that begin with `daybook serve` are left out, its address stands in place of
//     http://127.0.0.1:8080, and ./data is its data directory. The company `acme` is there, with some ten thousand
//     made-up orders until its server's today, which is a day in the middle of a month and of a quarter.
//   - Every curl must be answered with a 2xx or 304. ```sh 422 says that the block's last curl gets a 422.
//   - Fenced ```json and ```csv blocks right behind it show the answers to the block's last curls: one block the
//     last one's, two the last two's, in order. What a ```json block shows must be there with the same type, and an object has no other keys than those shown; null, in the page or in the answer,
//     stands for any type. Of a list, every element is compared with the one element shown (or with the one in its
//     place when there are several); there must be one. A key "…" in an object stands for further keys.
//     A ```csv block shows the answer's first line, and perhaps more that is not compared.
//   - Anything else (indented lines, ```text, ```http, ```console) is for reading only.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { BIN, REPO, ok, run, serve, temporary } from './support/daybook.mjs';

const PAGES = join(REPO, 'docs', 'api');
const ORDERS = 30000;
const TODAY = '2026-05-20';
const TABLES = ['categories', 'vendors', 'providers', 'cash_registers', 'markets', 'customers', 'products', 'variants', 'offers',
                'offer_variants', 'fx_rates', 'orders', 'order_lines', 'payments', 'vendor_payments', 'provider_assignments', 'subscriptions'];

// The ```sh blocks of a page: {line, script, status, shown}; shown = [{line, kind, text}] of the blocks behind it.
function blocksOf(page) {
    const lines = readFileSync(page, 'utf8').split('\n');
    const blocks = [];
    let last = null; // the sh block, while nothing but empty lines followed it
    for (let i = 0; i < lines.length; i++) {
        const fence = /^```(\S*)\s*(.*)$/.exec(lines[i]);
        if (!fence) {
            if (lines[i].trim()) last = null;
            continue;
        }
        const start = i + 1;
        for (i++; i < lines.length && lines[i] !== '```'; i++);
        assert.ok(i < lines.length, `${page}:${start}: the block has no end`);
        const text = lines.slice(start, i);
        if (fence[1] === 'sh') {
            const script = text.filter((line) => !line.startsWith('daybook serve')).join('\n');
            last = { line: start, script, status: fence[2] ? Number(fence[2]) : null, shown: [] };
            blocks.push(last);
        } else {
            if (last && ['json', 'csv'].includes(fence[1])) last.shown.push({ line: start, kind: fence[1], text: text.join('\n') });
            else last = null;
        }
    }
    return blocks;
}

// A curl that keeps the heads and the body of each answer: BLOCK.SERIAL.head, BLOCK.SERIAL.body.
function putCurl(bin, log, real) {
    writeFileSync(join(bin, 'curl'), `#!/usr/bin/env bash
set -o pipefail
mkdir -p ${log}/$DOCS_BLOCK
while n=$(ls ${log}/$DOCS_BLOCK | grep -c head); ! (set -C; : >${log}/$DOCS_BLOCK/$n.head) 2>/dev/null; do :; done
${real} -D ${log}/$DOCS_BLOCK/$n.head "$@" | tee ${log}/$DOCS_BLOCK/$n.body
`);
    chmodSync(join(bin, 'curl'), 0o755);
}

function bash(script, options) {
    return new Promise((done, fail) => {
        const child = spawn('bash', ['-c', script], options);
        let output = '';
        child.stdout.on('data', (chunk) => (output += chunk));
        child.stderr.on('data', (chunk) => (output += chunk));
        child.on('error', fail);
        child.on('close', (code) => done({ code, output }));
    });
}

const typeOf = (value) => (value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value);

function compare(shown, got, path) {
    if (shown === null || got === null) return;
    assert.equal(typeOf(got), typeOf(shown), `${path} is shown as ${JSON.stringify(shown)}, and is ${JSON.stringify(got)}`);
    if (Array.isArray(shown)) {
        if (shown.length === 0) return;
        assert.ok(got.length >= shown.length, `${path} is shown with ${shown.length} elements, and has ${got.length}`);
        if (shown.length === 1) got.forEach((element, i) => compare(shown[0], element, `${path}[${i}]`));
        else shown.forEach((element, i) => compare(element, got[i], `${path}[${i}]`));
    } else if (typeof shown === 'object') {
        const names = Object.keys(shown).filter((name) => name !== '…');
        for (const name of names) assert.ok(name in got, `${path}.${name} is shown, and not there: ${JSON.stringify(got).slice(0, 400)}`);
        if (!('…' in shown))
            for (const name of Object.keys(got)) assert.ok(name in shown, `${path}.${name} is there, and not shown`);
        for (const name of names) compare(shown[name], got[name], `${path}.${name}`);
    }
}

function checkBlock(page, block, log) {
    const where = `${page}:${block.line}`;
    const at = join(log, String(block.line));
    const heads = existsSync(at) ? readdirSync(at).filter((name) => name.endsWith('.head')).sort((a, b) => parseInt(a) - parseInt(b)) : [];
    heads.forEach((name, i) => {
        const status = Number([...readFileSync(join(at, name), 'latin1').matchAll(/^HTTP\/[\d.]+ (\d+)/gm)].at(-1)?.[1]);
        const body = readFileSync(join(at, name.replace('head', 'body')), 'utf8');
        const isLast = i === heads.length - 1;
        if (isLast && block.status) assert.equal(status, block.status, `${where}: curl ${i + 1}: ${body}`);
        else assert.ok((status >= 200 && status < 300) || status === 304, `${where}: curl ${i + 1} got ${status}: ${body}`);
    });
    assert.ok(heads.length >= block.shown.length, `${where}: more answers are shown than were asked for`);
    block.shown.forEach(({ line, kind, text }, i) => {
        const body = readFileSync(join(at, heads.at(i - block.shown.length).replace('head', 'body')), 'utf8');
        if (kind === 'csv') assert.equal(body.split(/\r?\n/)[0], text.split('\n')[0], `${page}:${line}`);
        else compare(JSON.parse(text), JSON.parse(body), `${page}:${line}: answer`);
    });
}

const company = (async () => {
    const csv = temporary();
    await ok(['gen', '--orders', String(ORDERS), '--until', TODAY, '--dir', csv]);
    return csv;
})();

for (const name of readdirSync(PAGES).filter((file) => file.endsWith('.md')).sort()) {
    const page = join('docs', 'api', name);
    const blocks = blocksOf(join(PAGES, name));
    if (blocks.length === 0) continue;
    test(`${page} does what it says`, async () => {
        const home = temporary(), log = temporary(), bin = join(temporary(), 'bin'), data = join(home, 'data');
        for (const table of TABLES)
            await ok(['load', '--data', data, '--tenant', 'acme', '--table', table, join(await company, `${table}.csv`)]);
        await ok(['tenant', 'set', '--data', data, '--tenant', 'acme', '--currency', 'EUR']);
        const server = await serve(data, { env: { DAYBOOK_NOW: `${TODAY}T12:00:00Z` } });
        mkdirSync(bin);
        symlinkSync(BIN, join(bin, 'daybook'));
        const real = (await bash('command -v curl', {})).output.trim();
        putCurl(bin, log, real);
        const script = blocks.map((block) => `export DOCS_BLOCK=${block.line}\n${block.script}\n`).join('')
                             .replaceAll('http://127.0.0.1:8080', server.url);
        const trap = `trap 'echo "${page}:$DOCS_BLOCK: failed: $BASH_COMMAND" >&2' ERR\n`;
        const result = await bash(`set -eEu -o pipefail\n${trap}${script}`,
                                  { cwd: home, env: { ...process.env, PATH: `${bin}:${process.env.PATH}` } });
        for (const block of blocks.filter((each) => existsSync(join(log, String(each.line))))) checkBlock(page, block, log);
        assert.equal(result.code, 0, result.output);
        assert.equal((await server.stop()).code, 0);
    });
}

test('every page with examples is run', () => {
    // A page whose examples are all for reading would pass by saying nothing.
    const run = readdirSync(PAGES).filter((file) => file.endsWith('.md') && blocksOf(join(PAGES, file)).some((block) => /\bcurl\b/.test(block.script)));
    assert.ok(['daybook.md', 'distribu.md', 'pos.md'].every((name) => run.includes(name)), run.join(', '));
});

// README's table of tables, as {table: columns}; the marks of what is required and the values in brackets are for
// readers, but for another name of a column.
function tablesOfReadme() {
    const found = {};
    for (const [, tables, columns] of readFileSync(join(REPO, 'README.md'), 'utf8').matchAll(/^\| ((?:`[a-z_]+`(?:, )?)+) \| (.*) \|$/gm))
        for (const [, table] of tables.matchAll(/`([a-z_]+)`/g))
            found[table] = columns.replace(/ \(or `([a-z_]+)`[^)]*\)/g, ', $1').replace(/ *\([^)]*\)/g, '').replaceAll('\\*', '').split(', ').sort();
    return found;
}

test("README's tables are those of the binary", async () => {
    const directory = temporary();
    const file = join(directory, 'x.csv');
    writeFileSync(file, 'no_such_column\n1\n');
    const load = (table) => run(['load', '--data', join(directory, 'd'), '--tenant', 't', '--table', table, file]);
    const tables = (await load('no_such_table')).stderr.split('\n').filter((line) => line.startsWith('  ')).map((line) => line.trim());
    assert.ok(tables.length > 10);
    const said = {};
    for (const table of tables) said[table] = /its columns are (.*)/.exec((await load(table)).stderr)[1].split(', ').sort();
    assert.deepEqual(tablesOfReadme(), said);
});
