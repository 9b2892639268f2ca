// SPDX-License-Identifier: Apache-2.0
// The event channels of the point of sale, heard by a real EventSource: what is told to whom, and that a client
// who is cut off, at any byte, or whose server is killed, comes back to every event once. The oracle is this
// process: it knows which tickets were acknowledged.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { EventSource } from 'eventsource';
import { Cutter } from './support/cutter.mjs';
import { createKey, ok, serve, temporary } from './support/daybook.mjs';
import { raw } from './support/http.mjs';
import { Issuer, jwks, keyFile } from './support/jwt.mjs';
import { seeded } from './support/random.mjs';

const SCOPES = 'reports:read,ingest:write';
const CREATED = '2026-01-15T18:00:00Z';
const NAMES = ['new-order', 'confirmed-order', 'order-status-update', 'order-cancelled', 'general-closure', 'reset'];
const random = seeded();

// Clients come back at once, but for what a test says.
async function till(env = {}) {
    const data = temporary();
    const key = await createKey(data, 't', SCOPES);
    return { data, key, server: await start(data, env) };
}

function start(data, env = {}) {
    return serve(data, { env: { DAYBOOK_EVENTS_RETRY: '1', ...env } });
}

function ticket(id, status, fields = {}) {
    return { id, created_at: CREATED, kind: 'pos', status, total: '24', ...fields };
}

async function store(server, key, table, rows) {
    const answer = await server.ingest(table, key, rows);
    assert.equal(answer.status, 200, answer.body);
    assert.equal(answer.json.stored, rows.length, answer.body);
}

// An ear that stays open keeps the process alive, also after a test that failed.
const open = new Set();
test.afterEach(() => open.forEach((ear) => ear.close()));

// Listens, and keeps all it hears as {name, id, data}.
class Ear {
    constructor(port, channel, key, { query = '', lastId } = {}) {
        const own = { authorization: `Bearer ${key}`, ...(lastId ? { 'last-event-id': lastId } : {}) };
        this.heard = [];
        this.waiting = [];
        this.connections = 0;
        this.source = new EventSource(`http://127.0.0.1:${port}/events/${channel}${query}`, {
            fetch: (url, init) => {
                this.connections++;
                return fetch(url, { ...init, headers: { ...own, ...init.headers } });
            },
        });
        for (const name of [...NAMES, 'message'])
            this.source.addEventListener(name, (event) => {
                this.heard.push({ name, id: event.lastEventId, data: JSON.parse(event.data) });
                this.#look();
            });
        this.opened = new Promise((done) => this.source.addEventListener('open', done));
        open.add(this);
    }

    #look() {
        this.waiting = this.waiting.filter(({ isThere, done }) => !isThere(this.heard) || done(this.heard));
    }

    // Resolves when what was heard is enough.
    until(isThere) {
        return new Promise((done) => {
            this.waiting.push({ isThere, done });
            this.#look();
        });
    }

    async names(count) {
        return (await this.until((heard) => heard.length >= count)).map((event) => event.name);
    }

    close() {
        open.delete(this);
        this.source.close();
    }
}

async function listen(server, channel, key, options) {
    const ear = new Ear(server.port, channel, key, options);
    await ear.opened;
    await until(async () => (await metric(server, 'event_streams')) > 0);
    return ear;
}

async function metric(server, name) {
    const answer = await server.get('/metrics');
    return Number(new RegExp(`^daybook_${name} (\\d+)$`, 'm').exec(answer.body)[1]);
}

// Asks again and again; there is no moment to wait for but the one that is asked about.
async function until(isTrue) {
    while (!(await isTrue()));
}

// ---- The request ----

test('P20, P26: the head of a stream; 400, 401 and 403 with a message', async () => {
    const { data, key, server } = await till({ DAYBOOK_EVENTS_RETRY: '' });
    const weak = await createKey(data, 't', 'products:read');
    const head = await raw(server.port, `GET /events/cashier HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`,
                           { until: (text) => text.includes('id: ') });
    assert.match(head.text, /^HTTP\/1\.1 200 OK\r\n/);
    for (const line of ['content-type: text/event-stream', 'cache-control: no-cache', 'connection: keep-alive', 'x-accel-buffering: no'])
        assert.match(head.text.toLowerCase(), new RegExp(`\r\n${line}\r\n`));
    assert.doesNotMatch(head.text.toLowerCase(), /no-store/);
    assert.match(head.text, /\r\nretry: 3000\nevent: ready\ndata: {}\nid: \d+\n\n/);

    const unknown = await server.get('/events/kitchen', key);
    assert.deepEqual([unknown.status, unknown.json], [400, { message: 'Bad Request' }]);
    for (const path of ['/events/cashier', '/events/kitchen']) {
        const missing = await server.get(path);
        assert.deepEqual([missing.status, missing.json], [401, { message: 'Unauthorized' }]);
        const wrong = await server.get(path, 'dk_wrong');
        assert.deepEqual([wrong.status, wrong.json], [401, { message: 'Unauthorized' }]);
        const forbidden = await server.get(path, weak);
        assert.deepEqual([forbidden.status, forbidden.json], [403, { message: 'Forbidden' }]);
    }
    const post = await server.request('/events/cashier', { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: '' });
    assert.equal(post.status, 405);
    assert.ok(post.json.message);
    await until(async () => (await metric(server, 'event_streams')) === 0);
    await server.stop();
});

test('P20: a comment keeps a silent stream alive', async () => {
    const { key, server } = await till({ DAYBOOK_EVENTS_KEEP_ALIVE: '30' });
    const stream = await raw(server.port, `GET /events/printer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`,
                             { until: (text) => text.split(': keep-alive\n\n').length > 3 });
    assert.ok(stream.text.split(': keep-alive\n\n').length > 3);
    await server.stop();
});

// ---- What is told ----

const FOODS = [{ id: 'f1', name: 'Spaghetti alla Carbonara' }, { id: 'f2', name: 'Tiramisù' }];
const LINES = [{ id: '1', order_id: 'o1', product_id: 'f1', quantity: 2, unit_price: '12.5', total: '26', created_at: CREATED },
               { id: '2', order_id: 'o1', product_id: 'f2', quantity: 2, unit_price: '8.5', total: '18.5', created_at: CREATED },
               { id: '10', order_id: 'o1', product_id: 'f9', quantity: 1, total: '0.001', created_at: CREATED }];
const ORDER = { subtotal: '25', discount: '2', total: '24', payment_method: 'card', cash_register_id: 'r1', customer_id: 'c1' };

test('P28 to P33: an order as each channel is told of it', async () => {
    const { key, server } = await till();
    const ears = {};
    for (const channel of ['cashier', 'display', 'printer']) ears[channel] = await listen(server, channel, key);
    await until(async () => (await metric(server, 'event_streams')) === 3);
    await store(server, key, 'products', FOODS);
    await store(server, key, 'customers', [{ id: 'c1', name: 'Anna' }]);
    await store(server, key, 'order_lines', LINES);
    await store(server, key, 'orders', [ticket('o1', 'PENDING', ORDER)]);
    // All but its status is what stands when an event is made.
    await ears.cashier.until((heard) => heard.length === 1);
    await store(server, key, 'orders', [ticket('o1', 'CONFIRMED', { ...ORDER, confirmed_at: '2026-01-15T18:01:00.5Z' })]);
    const [created, confirmed] = await ears.cashier.until((heard) => heard.length === 2);
    const [shown] = await ears.display.until((heard) => heard.length === 1);
    const [printed] = await ears.printer.until((heard) => heard.length === 1);

    assert.equal(created.name, 'new-order');
    const { displayCode } = created.data;
    assert.match(displayCode, /^[2-9A-HJ-NP-Z]{3}$/);
    const item = (id, quantity, unitPrice, unitSurcharge, total) =>
        ({ id, quantity, orderId: 'o1', unitPrice, unitSurcharge, total, notes: null });
    const items = [['f1', item('1', 2, '12.5', '0.5', '26')], ['f2', item('2', 2, '8.5', '0.75', '18.5')],
                   ['f9', item('10', 1, '0.001', '0', '0.001')]];
    const order = { displayCode, ticketNumber: null, id: 'o1', table: null, userId: null, customer: 'Anna',
                    createdAt: '2026-01-15T18:00:00.000Z', paymentMethod: 'CARD', subTotal: '25', discount: '2',
                    surcharge: '1', total: '24', cashRegisterId: 'r1' };
    assert.deepEqual(created.data, { ...order, status: 'PENDING', confirmedAt: null,
                                     orderItems: items.map(([foodId, rest]) => ({ ...rest, foodId })) });
    const names = { f1: FOODS[0].name, f2: FOODS[1].name, f9: null };
    assert.deepEqual(printed, { name: 'confirmed-order', id: confirmed.id, data: {
        ...order, status: 'CONFIRMED', confirmedAt: '2026-01-15T18:01:00.500Z',
        orderItems: items.map(([id, rest]) => ({ ...rest, food: { id, name: names[id], printerId: null } })) } });
    for (const brief of [confirmed, shown])
        assert.deepEqual(brief, { name: 'confirmed-order', id: confirmed.id, data: { displayCode, ticketNumber: null, id: 'o1' } });
    assert.ok(BigInt(confirmed.id) > BigInt(created.id));
    for (const ear of Object.values(ears)) ear.close();
    await server.stop();
});

test('P21, P27: which changes are told, and to whom', async () => {
    const { data, key, server } = await till();
    const other = await createKey(data, 'other', SCOPES);
    const ears = {};
    for (const channel of ['cashier', 'display', 'printer']) ears[channel] = await listen(server, channel, key);
    await until(async () => (await metric(server, 'event_streams')) === 3);
    const rounds = [
        [ticket('a', 'PENDING'), ticket('b', 'CONFIRMED'), ticket('c', 'PENDING'), ticket('d', 'COMPLETED')],
        [ticket('a', 'PENDING', { total: '5' })],                       // nothing that anybody is told
        [ticket('a', 'CONFIRMED'), ticket('b', 'COMPLETED'), ticket('c', 'CANCELLED')],
        [ticket('c', 'CANCELLED')],                                      // again: nothing
        [ticket('a', 'PENDING')],                                        // P34: any state from any other
        [ticket('a', 'PICKED_UP'), ticket('b', 'CANCELLED')],
        [{ ...ticket('e', 'CONFIRMED'), kind: 'standard' }],             // not a ticket
        [ticket('f', 'PENDING'), ticket('f', 'CONFIRMED')],              // one row of the change: the last
        [ticket('end', 'CONFIRMED')],
    ];
    await store(server, other, 'orders', [ticket('x', 'CONFIRMED')]);     // another company's
    for (const rows of rounds) {
        const answer = await server.ingest('orders', key, rows);
        assert.equal(answer.status, 200, answer.body);
    }
    const isEnd = (heard) => heard.some((event) => event.data.id === 'end' && event.name === 'confirmed-order');
    const told = {};
    for (const [channel, ear] of Object.entries(ears))
        told[channel] = (await ear.until(isEnd)).map((event) => `${event.name} ${event.data.id} ${event.data.status ?? ''}`.trim());
    assert.deepEqual(told.cashier, [
        'new-order a PENDING', 'new-order b CONFIRMED', 'confirmed-order b', 'new-order c PENDING', 'new-order d COMPLETED', 'confirmed-order d',
        'confirmed-order a', 'order-status-update b COMPLETED', 'order-cancelled c CANCELLED',
        'order-status-update a PENDING', 'confirmed-order a', 'order-cancelled b CANCELLED',
        'new-order f CONFIRMED', 'confirmed-order f', 'new-order end CONFIRMED', 'confirmed-order end']);
    assert.deepEqual(told.display, told.cashier.filter((line) => !line.startsWith('new-order')));
    assert.deepEqual(told.printer, [
        'confirmed-order b CONFIRMED', 'confirmed-order d COMPLETED', 'confirmed-order a CONFIRMED', 'order-cancelled c CANCELLED',
        'confirmed-order a PICKED_UP', 'order-cancelled b CANCELLED', 'confirmed-order f CONFIRMED', 'confirmed-order end CONFIRMED']);
    for (const ear of Object.values(ears)) {
        const ids = ear.heard.map((event) => BigInt(event.id));
        assert.ok(ids.every((id, i) => i === 0 || id > ids[i - 1]), 'ids only grow');
        ear.close();
    }
    await server.stop();
});

test('PA13: ?unnamed=1 reaches onmessage; rows of the command line are told as well', async () => {
    const { data, key, server } = await till();
    const ear = await listen(server, 'display', key, { query: '?unnamed=1' });
    const file = join(data, 'tickets.ndjson');
    writeFileSync(file, JSON.stringify(ticket('cli', 'CONFIRMED')) + '\n');
    await ok(['load', '--data', data, '--tenant', 't', '--table', 'orders', file]);
    const [event] = await ear.until((heard) => heard.length === 1);
    assert.equal(event.name, 'message');
    assert.equal(event.data.id, 'cli');
    ear.close();
    await server.stop();
});

test('P9, P32, PA13: a closure is broadcast to the printers: the report as answered, and the register that asked', async () => {
    const { data, server, key } = await till();
    const closer = await createKey(data, 't', 'reports:read,closures:write');
    await store(server, key, 'cash_registers', [{ id: 'r1', name: 'Cassa Principale' }]);
    const printer = await listen(server, 'printer', key);
    const cashier = await listen(server, 'cashier', key);
    await store(server, key, 'orders', [ticket('a', 'CONFIRMED', { created_at: new Date().toISOString(),
                                                                  confirmed_at: new Date().toISOString(), cash_register_id: 'r1' })]);
    const close = () => server.request('/v1/reports/general-closure', {
        method: 'POST', headers: { authorization: `Bearer ${closer}`, 'content-type': 'application/json', 'idempotency-key': 'one' },
        body: JSON.stringify({ cashRegister: 'r1' }) });
    const answer = await close();
    assert.equal(answer.status, 201, answer.body);
    assert.equal((await close()).status, 201); // the same closure again: told once
    await store(server, key, 'orders', [ticket('b', 'CONFIRMED')]);
    const told = await printer.until((heard) => heard.at(-1)?.data.id === 'b');
    assert.deepEqual(told.map((event) => event.name), ['confirmed-order', 'general-closure', 'confirmed-order']);
    assert.deepEqual(told[1].data, { ...answer.json, cashRegister: 'r1' });
    await cashier.until((heard) => heard.at(-1)?.data.id === 'b');
    assert.ok(!cashier.heard.some((event) => event.name === 'general-closure'));
    printer.close();
    cashier.close();
    await server.stop();
});

test('P20: tokens with the role admin or operator; 403 for others', async () => {
    const { data, server, key } = await till();
    const issuer = new Issuer('ES256');
    await ok(['tenant', 'set', '--data', data, '--tenant', 't', '--jwks', keyFile(jwks(issuer))]);
    for (const role of ['admin', 'operator']) {
        const ear = await listen(server, 'cashier', issuer.fresh({ role }));
        await store(server, key, 'orders', [ticket(`of-${role}`, 'PENDING')]);
        await ear.until((heard) => heard.at(-1)?.data.id === `of-${role}`);
        ear.close();
    }
    const none = await server.get('/events/cashier', issuer.fresh({}));
    assert.deepEqual([none.status, none.json], [403, { message: 'Forbidden' }]);
    const stale = await server.get('/events/cashier', issuer.token({ sub: 'x', role: 'admin', exp: 1 }));
    assert.deepEqual([stale.status, stale.json], [401, { message: 'Unauthorized' }]);
    await server.stop();
});

test('PA13: ?ticket= stands for the header for a while, and opens nothing else', async () => {
    const { data, server, key } = await till({ DAYBOOK_NOW: '2026-01-15T19:00:00Z' });
    const issue = (bearer) => server.request('/events/tickets', { method: 'POST', body: '',
                                                                   headers: bearer ? { authorization: `Bearer ${bearer}` } : {} });
    assert.deepEqual([(await issue()).status, (await issue('dk_x')).status], [401, 401]);
    const answer = await issue(key);
    assert.equal(answer.status, 201, answer.body);
    assert.equal(answer.json.expiresAt, '2026-01-15T19:01:00.000Z');
    const source = new EventSource(`${server.url}/events/display?ticket=${answer.json.ticket}`);
    const told = new Promise((done) => source.addEventListener('confirmed-order', done));
    await new Promise((done) => source.addEventListener('open', done));
    await until(async () => (await metric(server, 'event_streams')) === 1);
    await store(server, key, 'orders', [ticket('a', 'CONFIRMED')]);
    assert.equal(JSON.parse((await told).data).id, 'a');
    source.close();
    assert.equal((await server.get(`/v1/reports?from=2026-01-01&groupBy=all&ticket=${answer.json.ticket}`)).status, 401);
    assert.equal((await server.get('/events/display?ticket=forged')).status, 401);
    await server.stop();
    const later = await start(data, { DAYBOOK_NOW: '2026-01-15T19:01:00Z' });
    assert.equal((await later.get(`/events/display?ticket=${answer.json.ticket}`)).status, 401);
    await later.stop();
});

// ---- Coming back ----

// What a cashier must have heard of tickets, each stored once as CONFIRMED: both events, in order, once.
function assertWhole(heard, ids) {
    const told = heard.map((event) => `${event.name} ${event.data.id}`);
    assert.deepEqual(told, ids.flatMap((id) => [`new-order ${id}`, `confirmed-order ${id}`]));
}

test('PA13: cut off at any byte, a client hears every event once and in order', async (t) => {
    t.diagnostic(`DBK_SEED=${random.seed}`);
    const { key, server } = await till();
    const cutter = await Cutter.to(server.port);
    const ear = new Ear(cutter.port, 'cashier', key);
    const ids = [];
    const sell = async (count) => {
        const rows = Array.from({ length: count }, (_, i) => ticket(`o${ids.length + i}`, 'CONFIRMED'));
        ids.push(...rows.map((row) => row.id));
        await store(server, key, 'orders', rows);
    };
    await ear.opened;
    await until(async () => (await metric(server, 'event_streams')) > 0);
    await sell(1);
    await ear.until((heard) => heard.length === 2);
    // The head alone is some 250 bytes: connections die in it, between events, and inside of them.
    cutter.allowance = () => random.between(1, 4000);
    cutter.cut();
    while (ear.connections < 60 || ids.length < 200) await sell(random.between(1, 4));
    cutter.allowance = () => Infinity;
    cutter.cut();
    const heard = await ear.until((all) => all.at(-1).name === 'confirmed-order' && all.at(-1).data.id === ids.at(-1));
    assertWhole(heard, ids);
    ear.close();
    cutter.close();
    await server.stop();
});

test('PA13: kill -9, and a client hears every acknowledged ticket once, in the order of the commits', async () => {
    let { data, key, server } = await till();
    const cutter = await Cutter.to(server.port);
    const ear = new Ear(cutter.port, 'cashier', key);
    await ear.opened;
    await until(async () => (await metric(server, 'event_streams')) > 0);
    const acknowledged = [];
    let serial = 0;
    await store(server, key, 'orders', [ticket('begin', 'CONFIRMED')]);
    await ear.until((heard) => heard.length === 2);
    for (let kill = 0; kill < 4; kill++) {
        const writers = Array.from({ length: 4 }, async () => {
            while (server.alive) {
                const id = `o${++serial}`;
                try {
                    const answer = await server.ingest('orders', key, [ticket(id, 'CONFIRMED')]);
                    if (answer.status === 200) acknowledged.push(id);
                } catch {
                    return;
                }
            }
        });
        const enough = 50 * (kill + 1);
        await until(() => new Promise((done) => setImmediate(() => done(acknowledged.length >= enough))));
        cutter.cut(); // what is told now is told to nobody
        await server.kill();
        await Promise.all(writers);
        server = await start(data);
        cutter.target = server.port;
    }
    await store(server, key, 'orders', [ticket('end', 'CONFIRMED')]);
    const heard = await ear.until((all) => all.length > 0 && all.at(-1).name === 'confirmed-order' && all.at(-1).data.id === 'end');
    assert.ok(!heard.some((event) => event.name === 'reset'), 'nothing was missing');
    const told = heard.filter((event) => event.name === 'confirmed-order').map((event) => event.data.id);
    assert.equal(new Set(told).size, told.length, 'none twice');
    for (const id of acknowledged) assert.ok(told.includes(id), `${id} was told`);
    const bothInTurn = heard.map((event) => event.data.id);
    for (let i = 0; i < heard.length; i += 2) assert.equal(bothInTurn[i], bothInTurn[i + 1]);
    const numbers = heard.map((event) => BigInt(event.id));
    assert.ok(numbers.every((id, i) => i === 0 || id > numbers[i - 1]), 'ids only grow');
    ear.close();
    cutter.close();
    await server.stop();
});

test('PA13: who has been away for longer than the ring lasts is told so, then goes on', async () => {
    const { data, key, server } = await till();
    const ear = await listen(server, 'display', key);
    await store(server, key, 'orders', [ticket('first', 'CONFIRMED')]);
    const [first] = await ear.until((heard) => heard.length === 1);
    ear.close();
    const many = Array.from({ length: 6000 }, (_, i) => ticket(`m${i}`, 'CONFIRMED'));
    await store(server, key, 'orders', many);
    for (const [query, lastId] of [['', first.id], [`?lastEventId=${first.id}`, undefined], ['?lastEventId=nonsense', undefined]]) {
        const back = new Ear(server.port, 'display', key, { query, lastId });
        const heard = await back.until((all) => all.at(-1)?.data.id === 'm5999');
        assert.deepEqual([heard[0].name, heard[0].data], ['reset', { reset: true }]);
        const told = heard.slice(1).map((event) => event.data.id);
        assert.ok(told.length > 1000, 'what the ring still has follows');
        assert.deepEqual(told, many.slice(-told.length).map((row) => row.id));
        assert.ok(heard.every((event, i) => i === 0 || BigInt(event.id) > BigInt(heard[i - 1].id)));
        back.close();
    }
    // After a stop in good order the log is empty: nobody can say what was told between.
    await server.stop();
    const again = await start(data);
    const back = new Ear(again.port, 'display', key, { lastId: first.id });
    assert.deepEqual(await back.names(1), ['reset']);
    back.close();
    await again.stop();
});

// ---- Readers and endings ----

test('a reader that does not read is dropped, and the others hear everything', async () => {
    const { key, server } = await till();
    const ear = await listen(server, 'cashier', key);
    const socket = net.connect({ host: '127.0.0.1', port: server.port });
    socket.pause();
    socket.on('error', () => {});
    socket.write(`GET /events/cashier HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`);
    await until(async () => (await metric(server, 'event_streams')) === 2);
    const ids = [];
    while ((await metric(server, 'event_streams_dropped_total')) === 0) {
        const rows = Array.from({ length: 1000 }, (_, i) => ticket(`o${ids.length + i}`, 'CONFIRMED'));
        ids.push(...rows.map((row) => row.id));
        await store(server, key, 'orders', rows);
        await ear.until((heard) => heard.length === 2 * ids.length);
    }
    assertWhole(ear.heard, ids);
    assert.equal(await metric(server, 'event_streams'), 1);
    assert.equal(await metric(server, 'event_resets_total'), 0);
    socket.destroy();
    ear.close();
    await server.stop();
});

test('a server that stops ends its streams at once', async () => {
    const { key, server } = await till();
    const ends = [];
    for (let i = 0; i < 20; i++) {
        const socket = net.connect({ host: '127.0.0.1', port: server.port });
        socket.on('error', () => {});
        socket.resume();
        socket.write(`GET /events/display HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`);
        ends.push(new Promise((done) => socket.on('close', done)));
    }
    await until(async () => (await metric(server, 'event_streams')) === 20);
    const { code } = await server.stop();
    assert.equal(code, 0);
    await Promise.all(ends);
});
