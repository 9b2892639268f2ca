// SPDX-License-Identifier: Apache-2.0
// A real company's year, where its file is at hand (DBK_SHARED/data): through the map, over HTTP, against figures
// that were computed by others. No row of it lives in this repository.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { BIN, createKey, ok, REPO, run, serve, temporary } from './support/daybook.mjs';
import { cents, sum } from './support/money.mjs';

const FILE = join(process.env.DBK_SHARED ?? join(REPO, '..', 'shared'), 'data', 'online_retail.csv.gz');
const MAP = join(REPO, 'docs', 'maps', 'online-retail.ini');
const NOW = { env: { DAYBOOK_NOW: '2011-12-31T12:00:00Z' } };

async function figures(server, key) {
    const read = async (path) => {
        const answer = await server.get(`/api/v1/reports/${path}`, key);
        assert.equal(answer.status, 200, answer.body);
        return answer.json.data;
    };
    const all = await read('sales?preset=all');
    assert.deepEqual(all.totals, { orderCount: 25900, revenue: 9747747.93, averageOrderValue: 376.36 });
    assert.equal(all.range.from, '2010-12-01T00:00:00.000Z');
    assert.deepEqual(all.byStatus.filter((row) => row.orderCount), [{ status: 'DELIVERED', orderCount: 22064, revenue: 10644560.42 },
                                                                     { status: 'CANCELLED', orderCount: 3836, revenue: -896812.49 }]);
    assert.equal(sum(all.daily.map((row) => cents(row.revenue))), 974774793n);
    const november = await read('sales?from=2011-11-01&to=2011-11-30');
    assert.equal(november.totals.orderCount, 3462);
    assert.equal(november.totals.revenue, 1461756.25);
    assert.equal(november.daily.length, 30);
    assert.deepEqual(november.daily[3], { date: '2011-11-04', orderCount: 143, revenue: 60081.76 });
    assert.deepEqual(november.daily[4], { date: '2011-11-05', orderCount: 0, revenue: 0 });
    const spend = await read('customers?from=2011-01-01&to=2011-03-31');
    assert.deepEqual(spend.totals, { customerCount: 1812, orderCount: 4057, revenue: 1491585.14 });
    const { customerId, orderCount, revenue } = spend.rows[0];
    assert.deepEqual([customerId, orderCount, revenue], ['14646', 13, 70691.54]);
    const inventory = await read('inventory');
    return JSON.stringify([all, november, spend, inventory]);
}

if (!existsSync(FILE)) {
    test('the data set is not at hand: nothing to compare with', () => assert.ok(!existsSync(FILE)));
} else {
    test('a real company: orders, customers, months and days; loading it again changes nothing', async (t) => {
        const data = temporary();
        const load = async () => {
            const result = await run(['load', '--data', data, '--tenant', 'retail', '--map', MAP, '--json', FILE]);
            assert.equal(result.code, 0, result.stderr.slice(0, 2000));
            const totals = JSON.parse(result.stdout);
            assert.equal(totals.rows, totals.stored + totals.rejected);
            assert.equal(totals.rejected, 0);
            return totals;
        };
        const first = await load();
        t.diagnostic(`${BIN}: ${JSON.stringify(first.tables)}`);
        assert.equal(first.tables.orders, 25900);
        const key = await createKey(data, 'retail', 'reports:read');
        let server = await serve(data, NOW);
        const before = await figures(server, key);
        // The second time through the running server.
        await load();
        assert.equal(await figures(server, key), before);
        await server.stop();
        const check = await run(['check', '--data', data]);
        assert.equal(check.code, 0, check.stdout + check.stderr);
        server = await serve(data, NOW);
        assert.equal(await figures(server, key), before, 'and after a restart');
        await server.stop();
        const printed = await ok(['report', '--data', data, '--tenant', 'retail', 'sales', '--preset', 'all'], NOW);
        assert.ok(printed.includes('9747747.93'));
    });
}
