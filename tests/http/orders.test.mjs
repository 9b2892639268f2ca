// SPDX-License-Identifier: Apache-2.0
// Orders over HTTP: many clients after the same stock, and kill -9 among them. The oracle is this process: it
// knows what was asked, what was acknowledged, and that a unit is sold once or not at all.
import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { createKey, run, serve, temporary } from './support/daybook.mjs';
import { cents } from './support/money.mjs';
import { seeded } from './support/random.mjs';

const CLIENTS = 64;
const KILLS = Number(process.env.DAYBOOK_ORDER_KILLS ?? 6);
const SCOPES = 'orders:read,orders:write,products:read,reports:read,ingest:write';
const PRICE = 1250n; // cents

const random = seeded();

async function shop(stock) {
    const data = temporary();
    const key = await createKey(data, 't', SCOPES);
    const server = await serve(data);
    const customers = Array.from({ length: 8 }, (_, i) => ({ id: `c${i}`, name: `Customer ${i}`, email: `c${i}@x.y` }));
    assert.equal((await server.ingest('customers', key, customers)).status, 200);
    const products = [{ id: 'p', name: 'Widget', price: '12.50', stock, is_active: true },
                      { id: 'q', name: 'Other', price: '1.00', stock: 1000000, is_active: true }];
    assert.equal((await server.ingest('products', key, products)).status, 200);
    return { data, key, server };
}

function post(server, key, agent, body, idempotency) {
    return server.request('/api/v1/orders', {
        method: 'POST',
        agent,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json',
                   ...(idempotency ? { 'idempotency-key': idempotency } : {}) },
        body: JSON.stringify(body),
    });
}

async function stockOf(server, key, product) {
    const answer = await server.get(`/api/v1/products/${product}`, key);
    assert.equal(answer.status, 200, answer.body);
    return answer.json.data.stock;
}

async function everyOrder(server, key) {
    const orders = [];
    for (let cursor = ''; cursor !== null;) {
        const answer = await server.get(`/api/v1/orders?limit=100${cursor && `&cursor=${cursor}`}`, key);
        assert.equal(answer.status, 200, answer.body);
        orders.push(...answer.json.data);
        cursor = answer.json.pagination.nextCursor;
    }
    return orders;
}

const unitsOf = (order) => order.items.reduce((all, item) => all + item.quantity, 0);

test('D54, D64: 64 clients never oversell, and the reports agree with what was acknowledged at every moment', async (t) => {
    t.diagnostic(`DBK_SEED=${random.seed}`);
    const STOCK = 1200;
    const { key, server } = await shop(STOCK);
    // Counted before a request is sent, and after it is answered.
    const asked = { orders: 0, units: 0 };
    const acknowledged = { orders: 0, units: 0 };
    let refused = 0, working = CLIENTS;

    async function client(n) {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        for (let refusals = 0; refusals < 2;) {
            const quantity = random.between(1, 3);
            asked.orders++;
            asked.units += quantity;
            const answer = await post(server, key, agent, { customerId: `c${n % 8}`, items: [{ productId: 'p', quantity }] });
            if (answer.status === 201) {
                assert.equal(cents(answer.json.data.total), PRICE * BigInt(quantity));
                acknowledged.orders++;
                acknowledged.units += quantity;
            } else {
                const match = /^Not enough stock for Widget\. Only (\d+) available\.$/.exec(answer.json.error);
                assert.ok(answer.status === 422 && match && Number(match[1]) < quantity, answer.body);
                asked.orders--;
                asked.units -= quantity;
                refusals++;
                refused++;
            }
        }
        agent.destroy();
        working--;
    }

    // Whatever a report shows lies between what was acknowledged before it was asked for and what had been asked
    // for when it came; a request that is refused later may have been counted as asked for.
    async function sample() {
        let samples = 0;
        while (working > 0) {
            const before = { ...acknowledged };
            const sales = (await server.get('/api/v1/reports/sales?preset=all', key)).json.data;
            const after = { ...asked };
            const { orderCount, revenue } = sales.totals;
            assert.ok(before.orders <= orderCount && orderCount <= after.orders + refused, `${before.orders} ${orderCount} ${after.orders}`);
            const units = cents(revenue) / PRICE;
            assert.equal(units * PRICE, cents(revenue));
            assert.ok(BigInt(before.units) <= units && units <= BigInt(STOCK));
            assert.equal(sales.byStatus.reduce((all, row) => all + row.orderCount, 0), orderCount);
            assert.equal(sales.daily.reduce((all, row) => all + cents(row.revenue), 0n), cents(revenue));

            const sold = acknowledged.units;
            const inventory = (await server.get('/api/v1/reports/inventory', key)).json.data;
            const stock = inventory.rows.find((row) => row.productId === 'p').stock;
            assert.ok(stock >= 0 && stock <= STOCK - sold, `${stock} left, ${sold} sold before`);

            // Customers' orders are of one moment: they add up among themselves.
            const customers = (await server.get('/api/v1/reports/customers?preset=all', key)).json.data;
            assert.equal(customers.rows.reduce((all, row) => all + cents(row.revenue), 0n), cents(customers.totals.revenue));
            samples++;
        }
        return samples;
    }

    const samples = sample();
    await Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(n)));
    t.diagnostic(`${acknowledged.orders} orders, ${refused} refusals, ${await samples} samples`);
    const left = await stockOf(server, key, 'p');
    assert.equal(acknowledged.units + left, STOCK);
    assert.ok(left < 3, 'clients stop when there is not enough for them');
    const sales = (await server.get('/api/v1/reports/sales?preset=all', key)).json.data;
    assert.equal(sales.totals.orderCount, acknowledged.orders);
    assert.equal(cents(sales.totals.revenue), PRICE * BigInt(acknowledged.units));
    const orders = await everyOrder(server, key);
    assert.equal(orders.length, acknowledged.orders);
    assert.equal(orders.reduce((all, order) => all + unitsOf(order), 0), acknowledged.units);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
});

test('D41: the same key from many clients at once makes one order', async () => {
    const { key, server } = await shop(100);
    const answers = await Promise.all(Array.from({ length: 16 }, () =>
        post(server, key, false, { customerId: 'c1', items: [{ productId: 'p', quantity: 3 }] }, 'once')));
    for (const answer of answers) assert.deepEqual([answer.status, answer.body], [201, answers[0].body]);
    assert.equal(await stockOf(server, key, 'p'), 97);
    assert.equal((await everyOrder(server, key)).length, 1);
    await server.stop();
});

test(`D64: ${KILLS} kills lose no acknowledged order and no unit of stock`, async (t) => {
    const STOCK = 1000000;
    const first = await shop(STOCK);
    const { data, key } = first;
    let server = first.server;
    // poNumber → what was asked; `id` once it was acknowledged. Each is asked with a key of its own, so that
    // those that were not answered can be asked again.
    const asked = new Map();
    let serial = 0;

    async function client(state) {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        while (!state.killed) {
            const number = `po-${serial++}`;
            const quantities = [random.between(1, 9), random.between(1, 9)];
            const body = { customerId: 'c1', poNumber: number,
                           items: [{ productId: 'p', quantity: quantities[0] }, { productId: 'q', quantity: quantities[1] }] };
            asked.set(number, { body, id: null });
            let answer;
            try {
                answer = await post(server, key, agent, body, number);
            } catch {
                break;
            }
            assert.equal(answer.status, 201, answer.body);
            asked.get(number).id = answer.json.data.id;
            if (++state.count >= state.target) state.reached();
        }
        agent.destroy();
    }

    async function verify(when) {
        const orders = await everyOrder(server, key);
        const byNumber = new Map(orders.map((order) => [order.poNumber, order]));
        assert.equal(byNumber.size, orders.length, `${when}: an order was made twice`);
        const sold = { p: 0, q: 0 };
        for (const order of orders) {
            const wanted = asked.get(order.poNumber);
            assert.ok(wanted, `${when}: ${order.poNumber} was never asked for`);
            assert.deepEqual(order.items.map(({ productId, quantity }) => ({ productId, quantity })), wanted.body.items,
                             `${when}: ${order.id} is not whole`);
            for (const item of order.items) sold[item.productId] += item.quantity;
        }
        for (const [number, { id }] of asked)
            if (id) assert.equal(byNumber.get(number)?.id, id, `${when}: ${number} was acknowledged and is lost`);
        assert.equal(await stockOf(server, key, 'p'), STOCK - sold.p, `${when}: stock and orders disagree`);
        assert.equal(await stockOf(server, key, 'q'), 1000000 - sold.q, `${when}: stock and orders disagree`);
        const sales = (await server.get('/api/v1/reports/sales?preset=all', key)).json.data;
        assert.equal(sales.totals.orderCount, orders.length);
        assert.equal(cents(sales.totals.revenue), PRICE * BigInt(sold.p) + 100n * BigInt(sold.q));
        return orders.length;
    }

    for (let cycle = 0; cycle < KILLS; cycle++) {
        let reached;
        const enough = new Promise((done) => (reached = done));
        const state = { count: 0, target: random.between(20, 150), killed: false, reached };
        const clients = Array.from({ length: 16 }, () => client(state));
        await Promise.race([enough, ...clients]);
        state.killed = random.below(2) === 1;
        await server.kill();
        await Promise.all(clients);
        server = await serve(data);
        await verify(`after kill ${cycle}`);
        // Who got no answer asks again and gets one order, whether the first was stored or not.
        for (const [number, wanted] of asked) {
            if (wanted.id) continue;
            const answer = await post(server, key, false, wanted.body, number);
            assert.equal(answer.status, 201, answer.body);
            wanted.id = answer.json.data.id;
        }
        assert.equal(await verify(`asked again after kill ${cycle}`), asked.size);
    }
    t.diagnostic(`${asked.size} orders`);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    const check = await run(['check', '--data', data]);
    assert.equal(check.code, 0, check.stdout + check.stderr);
});
