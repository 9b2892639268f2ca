// SPDX-License-Identifier: Apache-2.0
// The point of sale over HTTP: reports against a naive twin while tickets come, change and go; closures that
// always add up; registers that close at once; kill -9 in the middle of it.
import assert from 'node:assert/strict';
import http from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { createKey, ok, run, serve, temporary } from './support/daybook.mjs';
import { Issuer, jwks, keyFile } from './support/jwt.mjs';
import { decimal } from './support/money.mjs';
import { Twin, businessDay, figures, iso, window } from './support/pos.mjs';
import { seeded } from './support/random.mjs';

const ZONE = 'Europe/Rome';
const HOUR = 3600000;
const GROUPINGS = ['1h', '4h', '12h', 'day', 'all'];
const SCOPES = 'reports:read,closures:write,ingest:write';
const random = seeded();

// A request of the operator, through the directory's own socket.
function local(data, method, path) {
    return new Promise((done, fail) => {
        const outgoing = http.request({ socketPath: join(data, 'daybook.sock'), method, path }, (incoming) => {
            const chunks = [];
            incoming.on('data', (chunk) => chunks.push(chunk));
            incoming.on('end', () => done({ status: incoming.statusCode, body: Buffer.concat(chunks).toString() }));
        });
        outgoing.on('error', fail);
        outgoing.end();
    });
}

async function stored(answer) {
    const { status, body, json } = await answer;
    assert.equal(status, 200, body);
    assert.deepEqual(json.rejected, []);
}

function close(server, key, register, idempotency, agent) {
    return server.request('/v1/reports/general-closure', {
        method: 'POST',
        agent,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json',
                   ...(idempotency ? { 'idempotency-key': idempotency } : {}) },
        body: JSON.stringify({ cashRegister: register }),
    });
}

const time = (ms) => (ms === null ? null : new Date(ms).toISOString());

const ticketRow = (t) => ({
    id: t.id, created_at: time(t.created), confirmed_at: time(t.confirmed), completed_at: time(t.completed), kind: 'pos',
    status: t.status, total: decimal(t.total), currency: 'EUR', payment_method: t.method, cash_register_id: t.register,
});
const lineRow = (l) => ({ id: l.id, order_id: l.order, product_id: l.food, quantity: l.quantity, total: decimal(l.total) });

// A company with a few foods and registers, known to the twin too.
class Festival {
    static async open() {
        const festival = new Festival();
        festival.data = temporary();
        festival.twin = new Twin(ZONE);
        await ok(['tenant', 'set', '--data', festival.data, '--tenant', 't', '--timezone', ZONE, '--currency', 'EUR']);
        festival.key = await createKey(festival.data, 't', SCOPES);
        festival.names = 0;
        festival.count = 0;
        return festival;
    }

    // The server again, at a later moment. Hours that ended since are kept before this returns.
    async at(now) {
        await this.server?.stop();
        this.now = now;
        this.server = await serve(this.data, { env: { DAYBOOK_NOW: new Date(now).toISOString() } });
        const kept = await local(this.data, 'POST', '/admin/pos-hours?tenant=t');
        assert.equal(kept.status, 200, kept.body);
        this.twin.keepHours(now);
    }

    // Gives everything another name.
    async rename() {
        const n = ++this.names;
        const { categories, foods, registers } = this.twin;
        for (let i = 0; i < 3; i++) categories.set(`c${i}`, `Category ${i} ${n}`);
        for (let i = 0; i < 8; i++) foods.set(`f${i}`, { name: `Food ${i} ${n}`, category: `c${i % 3}` });
        for (let i = 0; i < 4; i++) registers.set(`r${i}`, `Till ${(i * 7 + n) % 5} ${n}`);
        await stored(this.server.ingest('categories', this.key, [...categories].map(([id, name]) => ({ id, name }))));
        await stored(this.server.ingest('products', this.key,
                                        [...foods].map(([id, food]) => ({ id, name: food.name, category_id: food.category }))));
        await stored(this.server.ingest('cash_registers', this.key, [...registers].map(([id, name]) => ({ id, name }))));
    }

    randomTicket(id, earliest) {
        const confirmed = earliest + random.below(this.now - earliest);
        const created = confirmed - random.below(HOUR / 4);
        const status = random.pick(['PENDING', 'CONFIRMED', 'COMPLETED', 'PICKED_UP', 'PICKED_UP', 'CANCELLED']);
        const isDone = status === 'COMPLETED' || status === 'PICKED_UP';
        return { id, created, confirmed: status === 'PENDING' ? null : confirmed, status,
                 completed: isDone && random.below(4) > 0 ? created + random.below(HOUR) : null,
                 total: BigInt(random.below(10000)), method: random.pick(['CASH', 'CARD', 'CARD', 'VOUCHER']),
                 register: random.pick([null, 'r0', 'r1', 'r2', 'r3']) };
    }

    randomLines(ticket) {
        return Array.from({ length: 1 + random.below(3) }, (_, i) => ({
            id: `${ticket.id}-${i}`, order: ticket.id, food: `f${random.below(8)}`, quantity: random.between(1, 4),
            total: BigInt(random.below(5000)),
        }));
    }

    // New tickets since `earliest`, and changes of old ones: confirmed or not, moved, paid otherwise, cancelled;
    // and lines that become something else.
    async trade(earliest, fresh, changed) {
        const tickets = [], lines = [];
        for (let i = 0; i < fresh; i++) {
            const ticket = this.randomTicket(`t${this.count++}`, earliest);
            tickets.push(ticket);
            lines.push(...this.randomLines(ticket));
        }
        const old = [...this.twin.tickets.values()];
        for (let i = 0; i < changed && old.length > 0; i++) {
            const ticket = random.pick(old);
            tickets.push({ ...this.randomTicket(ticket.id, ticket.created), created: ticket.created });
            if (random.below(2)) lines.push(...this.randomLines(ticket));
        }
        for (const ticket of tickets) this.twin.tickets.set(ticket.id, ticket);
        for (const line of lines) this.twin.lines.set(line.id, line);
        await stored(this.server.ingest('orders', this.key, tickets.map(ticketRow)));
        await stored(this.server.ingest('order_lines', this.key, lines.map(lineRow)));
    }

    async reports(from, to, groupBy) {
        const query = `from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}&groupBy=${groupBy}`;
        const answer = await this.server.get(`/v1/reports?${query}`, this.key);
        assert.equal(answer.status, 200, answer.body);
        return answer.json;
    }
}

// Ids are for reading again, everything else is compared.
function withoutIds(value) {
    if (Array.isArray(value)) return value.map(withoutIds);
    if (value === null || typeof value !== 'object') return value;
    const own = new Set(['id', 'reportId', 'categoryStatsId']);
    return Object.fromEntries(Object.entries(value).filter(([key]) => !own.has(key)).map(([key, of]) => [key, withoutIds(of)]));
}

test('P11, P13 to P16, PA2 to PA6, PA9: whatever happened, reports are what a walk over all rows says', async (t) => {
    t.diagnostic(`DBK_SEED=${random.seed}`);
    const festival = await Festival.open();
    // Over the night in which clocks go back.
    let now = Date.UTC(2025, 9, 25, 17, 20, 31, 123);
    for (let round = 0; round < 14; round++) {
        await festival.at(now);
        if (round % 3 === 0) await festival.rename();
        await festival.trade(now - 6 * HOUR, 40, round === 0 ? 0 : 25);
        for (let i = 0; i < 10; i++) {
            const groupBy = GROUPINGS[i % GROUPINGS.length];
            const from = now - random.below(40 * HOUR), to = Math.min(now, from + random.below(40 * HOUR));
            const reports = await festival.reports(from, to, groupBy);
            assert.deepEqual(withoutIds(reports), festival.twin.reports(from, to, groupBy),
                             `${new Date(from).toISOString()} ${new Date(to).toISOString()} ${groupBy}, round ${round}`);
            for (const report of reports) {
                const again = await festival.server.get(`/v1/reports/${report.id}`, festival.key);
                assert.deepEqual(again.json, report);
            }
        }
        now += HOUR / 2 + random.below(3 * HOUR);
    }
    await festival.server.stop();
});

test('PA7, PA9: closures add up to what is stored of their periods, whatever changed since', async (t) => {
    t.diagnostic(`DBK_SEED=${random.seed}`);
    const festival = await Festival.open();
    const periods = [], closures = [];
    let now = Date.UTC(2026, 2, 28, 9, 0, 0, 500), last = -Infinity;
    for (let round = 0; round < 12; round++) {
        await festival.at(now);
        if (round % 4 === 0) await festival.rename();
        await festival.trade(now - 12 * HOUR, 30, round === 0 ? 0 : 30);
        const answer = await close(festival.server, festival.key, `r${round % 4}`, `round ${round}`);
        assert.equal(answer.status, 201, answer.body);
        const start = businessDay(now, ZONE, 7 * 60);
        const from = Math.max(start, last + 1);
        assert.equal(answer.json.timestamp, iso(now));
        assert.equal(answer.json.intervalInMinutes, Math.round((now - from) / 60000));
        assert.equal(answer.json.averageCompletitionTime, null);
        periods.push([from, now]);
        closures.push(answer.json);
        last = now;
        const { twin } = festival;
        const tickets = periods.flatMap(([begin, end]) => twin.counted(begin, end));
        const truth = twin.report(tickets, { start: 0, end: 0, covers: () => false });
        assert.deepEqual(figures(closures), figures([truth]), `round ${round}`);
        now += HOUR + random.below(14 * HOUR);
    }
    // Sealed is sealed.
    await festival.rename();
    for (const closure of closures)
        assert.deepEqual((await festival.server.get(`/v1/reports/${closure.id}`, festival.key)).json, closure);
    await festival.server.stop();
    const list = JSON.parse(await ok(['closure', 'list', '--data', festival.data, '--tenant', 't', '--json'])).data;
    assert.deepEqual(list.map((row) => row.number), closures.map((_, i) => i + 1));
    assert.deepEqual(list.map((row) => row.from), periods.map(([from]) => time(from)));
    assert.match(await ok(['check', '--data', festival.data]), /all hold/);
});

test('PA8: four registers close at once while tickets arrive; numbers follow, periods do not overlap', async () => {
    const data = temporary();
    const key = await createKey(data, 't', SCOPES);
    const server = await serve(data);
    const registers = ['a', 'b', 'c', 'd'];
    await stored(server.ingest('cash_registers', key, registers.map((id) => ({ id, name: id }))));
    let sold = 0, done = false;
    async function sell() {
        while (!done) {
            const now = new Date().toISOString();
            const tickets = Array.from({ length: 20 }, () => ({
                id: `t${sold++}`, created_at: now, confirmed_at: now, kind: 'pos', status: 'CONFIRMED', total: '1.50',
                currency: 'EUR', payment_method: sold % 2 ? 'CASH' : 'CARD', cash_register_id: registers[sold % 4] }));
            await stored(server.ingest('orders', key, tickets));
            await stored(server.ingest('order_lines', key, tickets.map((t) => ({
                id: `${t.id}-1`, order_id: t.id, product_id: `p${sold % 3}`, quantity: 1, total: '1.50' }))));
        }
    }
    async function closer(register) {
        const reports = [];
        for (let i = 0; i < 6; i++) {
            const answer = await close(server, key, register, `${register} ${i}`);
            assert.equal(answer.status, 201, answer.body);
            reports.push(answer.json);
        }
        return reports;
    }
    const sales = sell();
    const reports = (await Promise.all(registers.map(closer))).flat();
    done = true;
    await sales;
    const last = await close(server, key, 'a', 'last');
    assert.equal(last.status, 201, last.body);
    reports.push(last.json);
    assert.equal(new Set(reports.map((report) => report.id)).size, 25);
    assert.equal(reports.reduce((sum, report) => sum + report.totalOrders, 0), sold);
    assert.equal(figures(reports).revenue, String(sold * 150));
    assert.equal(figures(reports)['c '], String(sold * 150));
    await server.stop();
    const list = JSON.parse(await ok(['closure', 'list', '--data', data, '--tenant', 't', '--json'])).data;
    assert.deepEqual(list.map((row) => row.number), Array.from({ length: 25 }, (_, i) => i + 1));
    for (let i = 1; i < list.length; i++) assert.ok(list[i].from > list[i - 1].to, `${i}`);
    assert.match(await ok(['check', '--data', data]), /all hold/);
});

test('PA8: after kill -9 the same Idempotency-Key returns the closure that was committed, or makes it once', async (t) => {
    const data = temporary();
    const key = await createKey(data, 't', SCOPES);
    let server = await serve(data);
    await stored(server.ingest('cash_registers', key, [{ id: 'r', name: 'Till' }]));
    let committed = 0;
    const ROUNDS = 8;
    for (let round = 0; round < ROUNDS; round++) {
        const id = `t${round}`, now = new Date().toISOString();
        await stored(server.ingest('orders', key, [{ id, created_at: now, confirmed_at: now, kind: 'pos', status: 'CONFIRMED',
                                                     total: '2', currency: 'EUR', payment_method: 'CASH', cash_register_id: 'r' }]));
        // The answer is left lying: the closure may or may not have been committed when the process dies. Every
        // other time its row is seen first, so that it was.
        const lost = close(server, key, 'r', `k${round}`).catch(() => undefined);
        if (round % 2 === 0)
            while (JSON.parse((await local(data, 'GET', '/admin/closures?tenant=t')).body).data.length <= round);
        await server.kill();
        await lost;
        server = await serve(data);
        const before = JSON.parse((await local(data, 'GET', '/admin/closures?tenant=t')).body).data;
        const again = await close(server, key, 'r', `k${round}`);
        assert.equal(again.status, 201, again.body);
        const after = JSON.parse((await local(data, 'GET', '/admin/closures?tenant=t')).body).data;
        assert.equal(after.length, round + 1);
        assert.equal(after[round].id, again.json.id);
        if (before.length > round) {
            committed++;
            assert.equal(again.headers['idempotency-replayed'], 'true');
        }
        assert.equal(after.reduce((sum, row) => sum + row.totalOrders, 0), round + 1);
    }
    t.diagnostic(`${committed} of ${ROUNDS} had been committed`);
    assert.ok(committed >= ROUNDS / 2);
    await server.stop();
    assert.match(await ok(['check', '--data', data]), /all hold/);
});

test('P10, P23, P24: a token needs the role admin; keys need their scopes; bodies are the seed\'s', async () => {
    const data = temporary();
    const issuer = new Issuer('ES256');
    await ok(['tenant', 'set', '--data', data, '--tenant', 't', '--jwks', keyFile(jwks(issuer))]);
    const key = await createKey(data, 't', SCOPES), reader = await createKey(data, 't', 'reports:read');
    const server = await serve(data);
    await stored(server.ingest('cash_registers', key, [{ id: 'r', name: 'Till' }]));
    const list = '/v1/reports?from=2026-01-01&groupBy=day';
    const says = async (answer, status, message) => {
        const { body, json, ...got } = await answer;
        assert.deepEqual([got.status, json], [status, { message }], body);
    };
    const admin = issuer.fresh({ role: 'admin' }), operator = issuer.fresh({ role: 'operator' });
    assert.equal((await server.get(list, admin)).status, 200);
    const closure = await close(server, admin, 'r');
    assert.equal(closure.status, 201, closure.body);
    assert.equal((await server.get(`/v1/reports/${closure.json.id}`, admin)).status, 200);
    await says(server.get(list, operator), 403, 'Forbidden');
    await says(server.get(`/v1/reports/${closure.json.id}`, operator), 403, 'Forbidden');
    await says(close(server, operator, 'r'), 403, 'Forbidden');
    await says(close(server, reader, 'r'), 403, 'Forbidden');
    for (const bearer of [undefined, 'dk_wrong', issuer.token({ sub: 'x', role: 'admin', exp: 1 }), `${admin}x`]) {
        await says(server.get(list, bearer), 401, 'Unauthorized');
        await says(close(server, bearer, 'r'), 401, 'Unauthorized');
    }
    // P23: a page that somebody has open must not be able to close a till with the browser's cookie.
    const ambient = { cookie: `mysagra_token=${admin}`, 'x-api-key': key };
    await says(server.get(list, undefined, ambient), 401, 'Unauthorized');
    await says(server.request('/v1/reports/general-closure', { method: 'POST', headers: ambient, body: '{"cashRegister":"r"}' }),
               401, 'Unauthorized');
    await says(server.get('/v1/reports?groupBy=day', admin), 400, 'Bad Request');
    await says(server.get('/v1/reports/clx', admin), 404, 'Report not found');
    await server.stop();
});

test('daybook closure makes, lists and shows, with and without a server', async () => {
    const data = temporary();
    const at = ['--data', data, '--tenant', 't'];
    const env = { DAYBOOK_NOW: '2026-01-15T23:59:00Z' };
    await run(['load', ...at, '--table', 'cash_registers', '-'], { input: 'id,name\nr1,Till\n' });
    await run(['load', ...at, '--table', 'orders', '-'], {
        input: 'id,created_at,confirmed_at,kind,status,total,currency,payment_method,cash_register_id\n' +
               'o1,2026-01-15T12:00:00Z,2026-01-15T12:00:00Z,pos,CONFIRMED,12.50,EUR,CASH,r1\n' });
    const made = JSON.parse(await ok(['closure', 'make', ...at, '--register', 'r1'], { env }));
    assert.equal(made.totalRevenue, 12.5);
    assert.equal(made.intervalInMinutes, 1019);
    const fails = async () => {
        const wrong = await run(['closure', 'make', ...at, '--register', 'r2'], { env });
        assert.equal(wrong.code, 1);
        assert.equal(wrong.stderr, 'daybook: there is no such cash register\n');
    };
    await fails();
    assert.equal((await run(['closure', 'make', ...at])).code, 2);
    assert.equal((await run(['closure', 'show', '2', ...at])).code, 1);
    const server = await serve(data, { env });
    await fails();
    const shown = JSON.parse(await ok(['closure', 'show', '1', ...at]));
    assert.deepEqual(shown.report, made);
    assert.equal(shown.previousHash, '0'.repeat(64));
    const table = await ok(['closure', 'list', ...at]);
    assert.match(table, /number/);
    assert.ok(table.includes(shown.hash), table);
    await server.stop();
});
