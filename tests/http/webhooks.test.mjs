// SPDX-License-Identifier: Apache-2.0
// Webhooks from outside (D79–D88): orders placed over the API, receivers that are well, slow, down, redirecting
// or gone, and a server that is killed in the middle. Nothing here sleeps: it waits for requests to arrive and
// for rows to say so.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import test from 'node:test';
import { createKey, ok, serve, temporary } from './support/daybook.mjs';

const SCOPES = 'orders:read,orders:write,customers:read,customers:write,products:read,reports:read,webhooks:read,webhooks:write,ingest:write';
// Two further attempts, soon; and one that would wait for an hour.
const SOON = { DAYBOOK_WEBHOOK_PAUSES: '20,20' };

// Those of a test that failed must not keep the process alive.
const receivers = new Set();
test.after(() => Promise.all([...receivers].map((receiver) => receiver.stop())));

// A receiver: `answer` decides; requests are kept and can be waited for.
class Receiver {
    constructor(answer) {
        this.requests = [];
        this.waiting = [];
        this.server = createServer((request, response) => {
            const chunks = [];
            request.on('data', (chunk) => chunks.push(chunk));
            request.on('end', () => {
                const got = { path: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() };
                this.requests.push(got);
                const here = this.requests.length;
                for (const w of this.waiting.filter((each) => each.count <= here)) w.done();
                this.waiting = this.waiting.filter((each) => each.count > here);
                answer(response, got, this.requests.length);
            });
        });
        receivers.add(this);
    }

    static async start(answer = (response) => response.end('thanks'), port = 0) {
        const receiver = new Receiver(answer);
        await new Promise((done) => receiver.server.listen(port, '127.0.0.1', done));
        receiver.port = receiver.server.address().port;
        receiver.url = `http://127.0.0.1:${receiver.port}/in`;
        return receiver;
    }

    arrived(count) {
        if (this.requests.length >= count) return Promise.resolve();
        return new Promise((done) => this.waiting.push({ count, done }));
    }

    stop() {
        receivers.delete(this);
        this.server.closeAllConnections();
        return new Promise((done) => this.server.close(done));
    }
}

async function company(env, settings = ['--allow-private-webhooks', 'on']) {
    const data = temporary();
    const c = { data, env, server: await serve(data, { env }) };
    if (settings.length) await ok(['tenant', 'set', '--data', data, '--tenant', 'acme', '--currency', 'USD', ...settings]);
    c.key = await createKey(data, 'acme', SCOPES);
    for (const [table, row] of [
        ['products', { id: 'p1', name: 'Widget', sku: 'W', price: '8.50', stock: 1000, is_active: true }],
        ['customers', { id: 'c1', name: 'Acme', email: 'a@acme.com' }],
    ])
        assert.equal((await c.server.ingest(table, c.key, [row])).status, 200);
    c.send = (method, path, body) =>
        c.server.request(path, {
            method,
            headers: { authorization: `Bearer ${c.key}`, 'content-type': 'application/json' },
            body: body && JSON.stringify(body),
        });
    c.hook = async (url, events = ['order.created']) => {
        const made = await c.send('POST', '/api/v1/webhooks', { url, events });
        assert.equal(made.status, 201, made.body);
        return made.json.data;
    };
    c.order = async (quantity = 1) => {
        const made = await c.send('POST', '/api/v1/orders', { customerId: 'c1', items: [{ productId: 'p1', quantity }] });
        assert.equal(made.status, 201, made.body);
        return made.json.data;
    };
    c.deliveries = async (id) => (await c.server.get(`/api/v1/webhooks/${id}/deliveries`, c.key)).json.data;
    // Until every delivery of the webhook, `count` of them, satisfies the condition.
    c.until = async (id, count, holds) => {
        for (;;) {
            const rows = await c.deliveries(id);
            if (rows.length === count && rows.every(holds)) return rows;
            await new Promise(setImmediate);
        }
    };
    return c;
}

test('D82, D85, D87: what arrives and how it is signed', async () => {
    const c = await company(SOON);
    const receiver = await Receiver.start();
    const hook = await c.hook(receiver.url);
    const order = await c.order(3);
    await receiver.arrived(1);
    const { headers, body } = receiver.requests[0];
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers['x-webhook-event'], 'order.created');
    assert.equal(headers['x-webhook-signature'], createHmac('sha256', hook.secret).update(body).digest('hex'));
    const key = Buffer.from(hook.secret.slice('whsec_'.length), 'base64');
    assert.equal(key.length, 24);
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    assert.equal(headers['webhook-signature'], `v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
    assert.ok(Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp'])) < 60);
    const envelope = JSON.parse(body);
    assert.deepEqual(Object.keys(envelope), ['event', 'timestamp', 'data']);
    assert.match(envelope.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal(envelope.data.id, order.id);
    assert.equal(envelope.data.total, 25.5);
    assert.equal(envelope.data.customerId, 'c1');
    const [row] = await c.until(hook.id, 1, (d) => d.state === 'delivered');
    assert.equal(row.id, headers['webhook-id']);
    assert.equal(row.success, true);
    assert.equal(row.statusCode, 200);
    assert.equal(row.body, 'thanks');
    assert.equal(row.attempts, 1);
    await receiver.stop();
    await c.server.stop();
});

test('D86: a move to SHIPPED fires both events; only those who listen hear them', async () => {
    const c = await company(SOON);
    const shipped = await Receiver.start(), changed = await Receiver.start();
    await c.hook(shipped.url, ['order.shipped']);
    await c.hook(changed.url, ['order.status_changed']);
    const order = await c.order();
    for (const status of ['CONFIRMED', 'SHIPPED'])
        assert.equal((await c.send('PATCH', `/api/v1/orders/${order.id}`, { status })).status, 200);
    await shipped.arrived(1);
    await changed.arrived(2);
    assert.deepEqual(shipped.requests.map((r) => JSON.parse(r.body).event), ['order.shipped']);
    assert.deepEqual(changed.requests.map((r) => JSON.parse(r.body).event), ['order.status_changed', 'order.status_changed']);
    await Promise.all([shipped.stop(), changed.stop()]);
    await c.server.stop();
});

test('a receiver that is slow or never answers delays no order and no other receiver', async () => {
    const c = await company(SOON);
    const held = [];
    const slow = await Receiver.start((response) => held.push(response));
    const quick = await Receiver.start();
    const hook = await c.hook(slow.url);
    await c.hook(quick.url);
    for (let i = 0; i < 12; i++) await c.order();
    await quick.arrived(12);
    assert.ok((await c.deliveries(hook.id)).every((d) => d.state === 'pending'));
    // At most four at once to the same receiver.
    await slow.arrived(4);
    assert.equal(slow.requests.length, 4);
    // A stop does not wait for it either, and does not count the attempts that it cut.
    await c.server.stop();
    await slow.stop();
    const after = await Receiver.start(undefined, slow.port);
    c.server = await serve(c.data, { env: SOON });
    await after.arrived(12);
    const rows = await c.until(hook.id, 12, (d) => d.state === 'delivered');
    assert.ok(rows.every((d) => d.attempts === 1));
    await Promise.all([after.stop(), quick.stop()]);
    await c.server.stop();
});

test('D83: no answer within 10 seconds is a failure', async () => {
    const c = await company({ DAYBOOK_WEBHOOK_PAUSES: '3600000' });
    const receiver = await Receiver.start(() => {});
    const hook = await c.hook(receiver.url);
    await c.order();
    const [row] = await c.until(hook.id, 1, (d) => d.attempts === 1);
    assert.equal(row.state, 'pending');
    assert.equal(row.statusCode, null); // D84
    assert.equal(row.body, 'no answer within 10 seconds');
    assert.ok(Date.parse(row.nextAttemptAt) > Date.now());
    await receiver.stop();
    await c.server.stop();
});

test('a receiver that is down gets it when it is back, across a kill -9', async () => {
    const c = await company({ DAYBOOK_WEBHOOK_PAUSES: '20,3600000' });
    const probe = await Receiver.start();
    const { port, url } = probe;
    await probe.stop();
    const hook = await c.hook(url);
    const order = await c.order();
    const [row] = await c.until(hook.id, 1, (d) => d.attempts === 2);
    assert.equal(row.state, 'pending');
    assert.equal(row.statusCode, null);
    await c.server.kill();
    const receiver = await Receiver.start(undefined, port);
    // Nothing is due for an hour, so nothing arrives but the new order.
    c.server = await serve(c.data, { env: SOON });
    await c.order();
    await receiver.arrived(1);
    assert.notEqual(JSON.parse(receiver.requests[0].body).data.id, order.id);
    const rows = await c.until(hook.id, 2, (d) => d.attempts > 0);
    assert.equal(rows.find((d) => d.id === row.id).nextAttemptAt, row.nextAttemptAt);
    await receiver.stop();
    await c.server.stop();
});

test('kill -9 while deliveries are under way loses none', async () => {
    const c = await company(SOON);
    let refuse = true;
    const receiver = await Receiver.start((response) => (refuse ? response.destroy() : response.end()));
    // Attempts that break off are failures; enough of them are left after the kill.
    const hook = await c.hook(receiver.url);
    await c.server.stop();
    c.server = await serve(c.data, { env: { DAYBOOK_WEBHOOK_PAUSES: Array(16).fill('100').join(',') } });
    const orders = [];
    for (let i = 0; i < 20; i++) orders.push((await c.order()).id);
    await c.until(hook.id, 20, () => true);
    await c.server.kill();
    refuse = false;
    c.server = await serve(c.data, { env: SOON });
    await c.until(hook.id, 20, (d) => d.state === 'delivered');
    const seen = new Set(receiver.requests.map((r) => JSON.parse(r.body).data.id));
    assert.deepEqual([...seen].sort(), orders.sort());
    await receiver.stop();
    await c.server.stop();
});

test('kill -9 among writes: what is stored has its event, and an event tells of what is stored', async (t) => {
    const CYCLES = 4;
    const c = await company(SOON);
    const receiver = await Receiver.start();
    const hook = await c.hook(receiver.url, ['order.created', 'order.status_changed', 'customer.created']);
    const acknowledged = new Set();

    async function client(state, n) {
        try {
            while (!state.killed) {
                const placed = await c.send('POST', '/api/v1/orders', { customerId: 'c1', items: [{ productId: 'p1', quantity: 1 }] });
                if (placed.status !== 201) break;
                const { id } = placed.json.data;
                acknowledged.add(`order.created ${id}`);
                if (++state.count >= state.target) state.reached();
                if ((await c.send('PATCH', `/api/v1/orders/${id}`, { status: 'CONFIRMED' })).status !== 200) break;
                acknowledged.add(`order.status_changed ${id}`);
                const made = await c.send('POST', '/api/v1/customers', { email: `${n}-${state.cycle}-${state.count}@x.y` });
                if (made.status === 201) acknowledged.add(`customer.created ${made.json.data.id}`);
            }
        } catch {
            // The server is gone.
        }
    }

    const everything = async (path) => {
        const rows = [];
        for (let cursor = ''; cursor !== null;) {
            const answer = await c.server.get(`${path}?limit=100${cursor && `&cursor=${cursor}`}`, c.key);
            assert.equal(answer.status, 200, answer.body);
            rows.push(...answer.json.data);
            cursor = answer.json.pagination.nextCursor;
        }
        return rows;
    };

    for (let cycle = 0; cycle < CYCLES; cycle++) {
        let reached;
        const enough = new Promise((done) => (reached = done));
        const state = { cycle, count: 0, target: 15 + 10 * cycle, killed: false, reached };
        const clients = Array.from({ length: 8 }, (_, n) => client(state, n));
        await Promise.race([enough, Promise.all(clients)]);
        await c.server.kill();
        state.killed = true;
        await Promise.all(clients);
        c.server = await serve(c.data, { env: SOON });

        const stored = new Set();
        for (const order of await everything('/api/v1/orders')) {
            stored.add(`order.created ${order.id}`);
            if (order.status !== 'SUBMITTED') stored.add(`order.status_changed ${order.id}`);
        }
        for (const customer of await everything('/api/v1/customers'))
            if (customer.id !== 'c1') stored.add(`customer.created ${customer.id}`);
        for (const change of acknowledged) assert.ok(stored.has(change), `${change} was acknowledged and is lost`);

        for (;;) {
            const rows = await everything(`/api/v1/webhooks/${hook.id}/deliveries`);
            assert.equal(rows.length, stored.size);
            if (rows.every((d) => d.state === 'delivered')) break;
        }
        const told = new Set(receiver.requests.map(({ body }) => {
            const { event, data } = JSON.parse(body);
            return `${event} ${data.id}`;
        }));
        assert.deepEqual([...told].sort(), [...stored].sort());
    }
    t.diagnostic(`${acknowledged.size} changes acknowledged, ${receiver.requests.length} requests`);
    await receiver.stop();
    await c.server.stop();
});

test('D83: redirects fail and are not followed; 410 disables; both can be read', async () => {
    const c = await company(SOON);
    const target = await Receiver.start();
    const away = await Receiver.start((response) => response.writeHead(307, { location: target.url }).end());
    const gone = await Receiver.start((response) => response.writeHead(410).end('no more'));
    const first = await c.hook(away.url), second = await c.hook(gone.url);
    await c.order();
    const [redirected] = await c.until(first.id, 1, (d) => d.state === 'failed');
    assert.equal(redirected.statusCode, 307);
    assert.equal(redirected.attempts, 3);
    assert.equal(target.requests.length, 0);
    const [ended] = await c.until(second.id, 1, (d) => d.state === 'failed');
    assert.equal(ended.statusCode, 410);
    assert.equal(ended.attempts, 1);
    assert.equal(ended.body, 'no more');
    assert.equal((await c.server.get(`/api/v1/webhooks/${second.id}`, c.key)).json.data.isActive, false);
    const log = (await c.server.get('/api/v1/audit-log?entityType=webhook', c.key)).json.data;
    assert.equal(log[0].action, 'webhook.disabled');
    assert.equal(log[0].actorType, 'SYSTEM');
    assert.equal(gone.requests.length, 1);
    await Promise.all([target.stop(), away.stop(), gone.stop()]);
    await c.server.stop();
});

test('addresses that are not public are refused unless the tenant allows them', async () => {
    const c = await company({ ...SOON, http_proxy: 'http://127.0.0.1:1', HTTPS_PROXY: 'http://127.0.0.1:1' }, []);
    const receiver = await Receiver.start();
    const hosts = ['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', 'localhost', '0', '[::1]', '[::ffff:127.0.0.1]', '[::]'];
    const hooks = [];
    for (const host of hosts) hooks.push(await c.hook(`http://${host}:${receiver.port}/in`));
    await c.order();
    for (const [i, hook] of hooks.entries()) {
        const [row] = await c.until(hook.id, 1, (d) => d.state === 'failed');
        assert.equal(row.body, 'the URL leads to an address that is not public', hosts[i]);
    }
    assert.equal(receiver.requests.length, 0);
    await ok(['tenant', 'set', '--data', c.data, '--tenant', 'acme', '--allow-private-webhooks', 'on']);
    await c.order();
    await receiver.arrived(1);
    await receiver.stop();
    await c.server.stop();
});

test('D79: a rotation on the command line has both secrets sign', async () => {
    const c = await company(SOON);
    const receiver = await Receiver.start();
    const hook = await c.hook(receiver.url);
    const rotated = JSON.parse(await ok(['webhooks', 'rotate', '--data', c.data, '--tenant', 'acme', hook.id])).data;
    assert.notEqual(rotated.secret, hook.secret);
    assert.ok(Date.parse(rotated.secretRotationGraceExpiresAt) > Date.now());
    await c.order();
    await receiver.arrived(1);
    const { headers, body } = receiver.requests[0];
    const hex = (secret) => createHmac('sha256', secret).update(body).digest('hex');
    assert.equal(headers['x-webhook-signature'], hex(rotated.secret));
    assert.equal(headers['x-webhook-signature-previous'], hex(hook.secret));
    assert.equal(headers['webhook-signature'].split(' ').length, 2);
    assert.match(await ok(['webhooks', 'list', '--data', c.data, '--tenant', 'acme']), new RegExp(hook.id));
    await c.until(hook.id, 1, (d) => d.state === 'delivered');
    assert.match(await ok(['webhooks', 'deliveries', '--data', c.data, '--tenant', 'acme', hook.id]), /delivered/);
    await receiver.stop();
    await c.server.stop();
});

test('D43, D88: writes with a key are in the log with its id and its creator', async () => {
    const c = await company(SOON);
    const key = await createKey(c.data, 'acme', SCOPES, ['--rate', 'off', '--by', 'ada']);
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ customerId: 'c1', items: [{ productId: 'p1', quantity: 2 }] });
    const order = (await c.server.request('/api/v1/orders', { method: 'POST', headers, body })).json.data;
    const moved = JSON.stringify({ status: 'CONFIRMED' });
    assert.equal((await c.server.request(`/api/v1/orders/${order.id}`, { method: 'PATCH', headers, body: moved })).status, 200);
    const [update, placed] = JSON.parse(await ok(['audit', '--data', c.data, '--tenant', 'acme', '--entity', 'order', '--json'])).data;
    assert.equal(placed.action, 'order.placed'); // D66
    assert.equal(placed.entityId, order.id);
    assert.equal(placed.creator, 'ada');
    assert.equal(placed.details.total, 17);
    assert.equal(update.action, 'order.status_changed');
    assert.deepEqual(update.details, { from: 'SUBMITTED', to: 'CONFIRMED' });
    const keys = JSON.parse(await ok(['keys', 'list', '--data', c.data, '--tenant', 'acme', '--json'])).data;
    const mine = keys.find((k) => k.createdBy === 'ada');
    assert.equal(placed.actor, mine.id);
    assert.ok(mine.lastUsedAt !== null); // D48
    await c.server.stop();
});
