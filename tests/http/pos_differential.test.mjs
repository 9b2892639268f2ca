// SPDX-License-Identifier: Apache-2.0
// A festival as `daybook gen` makes it, reported by Daybook over HTTP and by DuckDB in SQL: every window, category
// and food.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Duck } from './differential/oracle.mjs';
import { createKey, ok, serve, temporary } from './support/daybook.mjs';
import { cents } from './support/money.mjs';

const ZONE = 'Europe/Rome';
const TICKETS = 12000;
// Two evenings and the one of the night in which clocks go back.
const festival = (dir, seed = 7) =>
    ok(['gen', '--festival', '--orders', String(TICKETS), '--days', '3', '--until', '2025-10-26', '--seed', String(seed),
        '--dir', dir, '--json']).then(JSON.parse);
const TABLES = ['categories', 'products', 'cash_registers', 'orders', 'order_lines'];
const COMPARED = new Set(['products', 'orders', 'order_lines']);

const digest = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

test('a festival is the same for the same seed and another for another', async () => {
    const [a, b, c] = [temporary(), temporary(), temporary()];
    const made = await Promise.all([festival(a), festival(b), festival(c, 8)]);
    assert.equal(made[0].tables.find((table) => table.name === 'orders').rows, TICKETS);
    for (const table of TABLES) assert.equal(digest(join(a, `${table}.csv`)), digest(join(b, `${table}.csv`)), table);
    assert.notEqual(digest(join(a, 'orders.csv')), digest(join(c, 'orders.csv')));
});

// Milliseconds of the start of each grouping's window around the column `moment`, days being local ones.
const local = "(epoch_ms(moment) AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Rome')";
const instant = (wall) => `epoch_ms(${wall} AT TIME ZONE '${ZONE}')`;
const midnight = instant(`date_trunc('day', ${local})`);
const hours = (n) => `(${midnight} + (moment - ${midnight}) // ${n * 3600000} * ${n * 3600000})`;
const STARTS = { '1h': hours(1), '4h': hours(4), '12h': hours(12), day: midnight };

const COUNTED = `SELECT *, confirmed_at AS moment FROM orders
    WHERE kind = 'pos' AND status IN ('CONFIRMED', 'COMPLETED', 'PICKED_UP') AND confirmed_at BETWEEN $from AND $to`;
const text = (...columns) => columns.map((column) => `CAST(${column} AS VARCHAR)`).join(', ');
const sql = (template, from, to) => template.replaceAll('$from', from).replaceAll('$to', to);

async function expected(duck, groupBy, from, to) {
    const start = STARTS[groupBy] ?? String(from);
    const tickets = `(${sql(COUNTED, from, to)})`;
    const totals = await duck.rows(`SELECT ${text('start', 'count(*)', 'sum(total)', "coalesce(sum(total) FILTER (WHERE payment_method = 'CASH'), 0)",
        "coalesce(sum(total) FILTER (WHERE payment_method = 'CARD'), 0)", 'round(avg(completed_at - created_at) / 60000)')}
        FROM (SELECT *, ${start} AS start FROM ${tickets}) GROUP BY start ORDER BY start`);
    const foods = await duck.rows(`SELECT ${text('start', 'p.category_id', 'p.id', 'sum(l.total)', 'sum(l.quantity)')}
        FROM (SELECT *, ${start} AS start FROM ${tickets}) o JOIN order_lines l ON l.order_id = o.id
        JOIN products p ON p.id = l.product_id GROUP BY ALL`);
    return { totals: totals.map((row) => row.join(' ')), foods: foods.map((row) => row.join(' ')).sort() };
}

const stored = (value) => String(cents(value) * 100n); // ten-thousandths

function answered(reports, all) {
    const start = (report) => (all ? String(all) : String(Date.parse(report.timestamp)));
    return {
        totals: reports.map((r) => [start(r), r.totalOrders, stored(r.totalRevenue), stored(r.totalCashRevenue),
                                    stored(r.totalCardRevenue), r.averageCompletitionTime === null ? '' : `${r.averageCompletitionTime}.0`].join(' ')),
        foods: reports.flatMap((r) => r.categoryStats.flatMap((category) => category.foodStats.map((of) =>
            [start(r), category.categoryId, of.foodId, stored(of.revenue), of.quantity].join(' ')))).sort(),
    };
}

test('PA2, P13 to P15: windows of a festival are those of DuckDB', async () => {
    const csv = temporary(), data = temporary();
    await festival(csv);
    const duck = await Duck.start();
    await duck.createTables();
    for (const table of TABLES) {
        const file = join(csv, `${table}.csv`);
        await ok(['load', '--data', data, '--tenant', 't', '--table', table, file]);
        if (COMPARED.has(table)) await duck.load(table, file, readFileSync(file, 'utf8').split('\n', 1)[0].split(','));
    }
    await ok(['tenant', 'set', '--data', data, '--tenant', 't', '--timezone', ZONE]);
    const key = await createKey(data, 't', 'reports:read');
    const server = await serve(data, { env: { DAYBOOK_NOW: '2025-11-01T00:00:00Z' } });
    const ranges = [['2025-10-20T00:00:00.000Z', '2025-10-31T00:00:00.000Z'],
                    ['2025-10-25T18:17:03.421Z', '2025-10-26T20:41:59.007Z']];
    for (const [from, to] of ranges) {
        for (const groupBy of ['1h', '4h', '12h', 'day', 'all']) {
            const answer = await server.get(`/v1/reports?from=${from}&to=${to}&groupBy=${groupBy}`, key);
            assert.equal(answer.status, 200, answer.body);
            const whole = groupBy === 'all' ? Date.parse(from) : 0;
            assert.deepEqual(answered(answer.json, whole), await expected(duck, groupBy, Date.parse(from), Date.parse(to)),
                             `${from} ${to} ${groupBy}`);
        }
    }
    await server.stop();
    duck.close();
});
