// SPDX-License-Identifier: Apache-2.0
// Orders as CSV at a size that shows what is kept in memory: a file many times larger than what the server's
// memory may grow by, while others write.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { createKey, ok, serve, temporary } from './support/daybook.mjs';

const ORDERS = Number(process.env.DAYBOOK_EXPORT_ORDERS ?? 300000);
// Cells of one chunk of orders, a query over their lines, the queue of a connection: far below the file.
const GROWTH_KIB = 48 * 1024;

// AddressSanitizer keeps what was freed for a while, 256 MiB of it unless told otherwise: that is no growth.
const env = { ASAN_OPTIONS: [process.env.ASAN_OPTIONS, 'quarantine_size_mb=4:thread_local_quarantine_size_kb=64'].filter(Boolean).join(':') };

const key_scopes = 'orders:read,reports:read,ingest:write';

async function shop() {
    const data = temporary();
    const csv = temporary();
    await ok(['gen', '--orders', String(ORDERS), '--dir', csv]);
    for (const table of ['customers', 'products', 'orders', 'order_lines'])
        await ok(['load', '--data', data, '--tenant', 't', '--table', table, join(csv, `${table}.csv`)]);
    const key = await createKey(data, 't', key_scopes);
    return { key, server: await serve(data, { env }) };
}

const statusLine = (pid, name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

// What memory grows by at most while `work` runs: the kernel's own high-water mark.
async function peakOf(pid, work) {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
    const before = statusLine(pid, 'VmRSS');
    await work();
    return statusLine(pid, 'VmHWM') - before;
}

// Splits RFC 4180 as it arrives; every cell of the generated company is without line ends.
function download(server, key, path, onRow, onFirst) {
    return new Promise((done, fail) => {
        const outgoing = http.get({ host: '127.0.0.1', port: server.port, path, headers: { authorization: `Bearer ${key}` } }, (incoming) => {
            let rest = '', bytes = 0, rows = 0, begun = false;
            incoming.setEncoding('utf8');
            incoming.on('error', fail);
            incoming.on('data', async (chunk) => {
                if (!begun && onFirst) {
                    begun = true;
                    incoming.pause();
                    await onFirst();
                    incoming.resume();
                }
                bytes += chunk.length;
                const lines = (rest + chunk).split('\r\n');
                rest = lines.pop();
                for (const line of lines) onRow(line, rows++);
            });
            incoming.on('end', () => done({ status: incoming.statusCode, headers: incoming.headers, bytes, rows: rows - 1, rest }));
        });
        outgoing.on('error', fail);
    });
}

test('D73: an export of any size in bounded memory, of one moment', async (t) => {
    const { key, server } = await shop();
    const sales = await server.get('/api/v1/reports/sales?preset=all', key);
    const found = { orders: 0, items: 0 };
    let summary, lines;

    const growth = await peakOf(server.pid, async () => {
        summary = await download(server, key, '/api/v1/orders/export', (line, n) => {
            if (n === 0) return;
            const cells = line.split(',');
            assert.equal(cells.length, 12, line);
            found.orders++;
            assert.match(cells[3], /^-?\d+(\.\d+)?$/);
            found.items += Number(cells[4]);
        }, async () => {
            // Written while the file is under way: not in it.
            const rows = [{ id: 'late', created_at: '2026-01-01T00:00:00Z', status: 'SUBMITTED', total: '1.00' }];
            assert.equal((await server.ingest('orders', key, rows)).status, 200);
        });
    });
    t.diagnostic(`${summary.bytes} bytes, memory grew by ${growth} KiB at most`);
    assert.equal(summary.status, 200);
    assert.equal(summary.rest, '');
    assert.equal(summary.headers['transfer-encoding'], 'chunked');
    assert.equal(found.orders, ORDERS);
    // The report counts one currency and names how many orders have others.
    const others = [...(sales.headers['daybook-other-currencies'] ?? '').matchAll(/=(\d+)/g)];
    assert.equal(others.reduce((sum, m) => sum + Number(m[1]), sales.json.data.totals.orderCount), ORDERS);

    let count = 0;
    const linesGrowth = await peakOf(server.pid, async () => {
        lines = await download(server, key, '/api/v1/orders/export?mode=line-items', (line, n) => {
            if (n === 0) return;
            assert.equal(line.split(',').length, 9, line);
            count++;
        });
    });
    t.diagnostic(`${lines.bytes} bytes, memory grew by ${linesGrowth} KiB at most`);
    assert.equal(count, found.items);
    if (ORDERS >= 300000) {
        assert.ok(growth < GROWTH_KIB && linesGrowth < GROWTH_KIB, `${growth}, ${linesGrowth} KiB`);
        assert.ok(lines.bytes > GROWTH_KIB * 1024 / 2, `${lines.bytes} bytes`);
    }
    assert.equal((await server.stop()).code, 0);
});

test('an export whose client goes away, or stops reading, holds nothing up', async () => {
    const data = temporary();
    const key = await createKey(data, 't', key_scopes);
    const server = await serve(data);
    const rows = (n) => Array.from({ length: n }, (_, i) => ({ id: `o${i}`, created_at: '2026-04-01T00:00:00Z', status: 'SUBMITTED', total: '1.00',
                                                               notes: 'x'.repeat(900) }));
    assert.equal((await server.ingest('orders', key, rows(12000))).status, 200);
    // As many as there are threads for it, none of which is read on.
    const idle = await Promise.all(Array.from({ length: 4 }, () => new Promise((done) => {
        const request = http.get({ host: '127.0.0.1', port: server.port, path: '/api/v1/orders/export',
                                   headers: { authorization: `Bearer ${key}` } }, (incoming) => {
            incoming.pause();
            incoming.on('error', () => {});
            done(request);
        });
        request.on('error', () => {});
    })));
    assert.equal((await server.get('/api/v1/orders?limit=1', key)).status, 200);
    assert.equal((await server.ingest('orders', key, rows(1))).status, 200);
    for (const request of idle) request.destroy();
    // Their threads are free again.
    let count = 0;
    const answer = await download(server, key, '/api/v1/orders/export', () => count++);
    assert.equal(answer.status, 200);
    assert.equal(count, 12001);
    assert.equal((await server.stop()).code, 0);
});
