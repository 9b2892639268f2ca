// SPDX-License-Identifier: Apache-2.0
// Tokens that another implementation made: keys, key sets and signatures of node's crypto, verified by ours, and
// the attacks that need a public key in the forms in which such libraries hand it out.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { BIN, REPO, createKey, ok, run, serve, temporary } from './support/daybook.mjs';
import { Issuer, encode, forge, hs256, jwks, keyFile } from './support/jwt.mjs';

const build = process.env.DAYBOOK_BIN ? dirname(BIN) : join(REPO, 'build', 'release');
const TOOL = join(build, 'tools', 'jwt_verify');
if (!existsSync(TOOL)) throw new Error(`${TOOL} is missing: build the target "jwt_verify" first`);

const child = spawn(TOOL, { stdio: ['pipe', 'pipe', 'inherit'] });
const waiting = [];
createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()(JSON.parse(line)));
test.after(() => child.stdin.end());

const NOW = 1776000000;
const verify = (token, { keys, ...trust }) =>
    new Promise((done) => {
        waiting.push(done);
        child.stdin.write(`${JSON.stringify({ token, now: NOW, ...(keys && { jwks: JSON.stringify(keys) }), ...trust })}\n`);
    });

const issuers = ['RS256', 'ES256', 'EdDSA'].map((alg) => new Issuer(alg));
const keys = jwks(...issuers);
const claims = (more = {}) => ({ sub: 'ü-1', exp: NOW + 60, ...more });

test('tokens of node\'s crypto verify, a hundred of each kind', async () => {
    for (const issuer of issuers)
        for (let i = 0; i < 100; i++) // r, s and the hash begin with zeros now and then
            assert.deepEqual(await verify(issuer.token(claims({ role: 'admin', jti: i })), { keys }), { subject: 'ü-1', role: 2 });
    const secret = randomBytes(24).toString('base64');
    assert.deepEqual(await verify(hs256(secret, claims({ scope: 'a operator' })), { keys, secret }), { subject: 'ü-1', role: 1 });
    assert.deepEqual(await verify(issuers[0].token(claims({ aud: ['x', 'y'] })), { keys, audience: 'y' }), { subject: 'ü-1', role: 0 });
});

test('larger RSA keys, and keys that begin with a zero byte', async () => {
    const { generateKeyPairSync } = await import('node:crypto');
    for (const modulusLength of [3072, 4096]) {
        const issuer = new Issuer('RS256', 'big', generateKeyPairSync('rsa', { modulusLength, publicExponent: 3 }));
        assert.equal((await verify(issuer.token(claims()), { keys: jwks(issuer) })).subject, 'ü-1');
    }
    const issuer = issuers[0];
    const padded = encode(Buffer.concat([Buffer.from([0]), Buffer.from(issuer.jwk.n, 'base64url')]));
    assert.equal((await verify(issuer.token(claims()), { keys: jwks({ ...issuer.jwk, n: padded }) })).subject, 'ü-1');
});

test('a public key in no form is a shared secret', async () => {
    for (const issuer of issuers) {
        const forms = [{ type: 'spki', format: 'pem' }, { type: 'spki', format: 'der' }, ...(issuer.alg === 'RS256'
            ? [{ type: 'pkcs1', format: 'pem' }, { type: 'pkcs1', format: 'der' }] : [])].map((form) => issuer.publicKey.export(form));
        const secrets = [...forms, ...forms.filter((form) => typeof form === 'string').map((form) => form.trim()),
            JSON.stringify(issuer.jwk), JSON.stringify(keys), issuer.jwk.n ?? issuer.jwk.x, ''];
        for (const secret of secrets)
            for (const header of [{}, { kid: issuer.kid }, { alg: 'HS256', jwk: issuer.jwk }])
                assert.equal((await verify(hs256(secret, claims({ role: 'admin' }), header), { keys })).error, 'no key is known for the token');
    }
});

test('what is signed by another key, or said to be, is refused', async () => {
    for (const issuer of issuers) {
        const stranger = new Issuer(issuer.alg, issuer.kid);
        const wrong = 'the token\'s signature is wrong';
        assert.equal((await verify(stranger.token(claims()), { keys })).error, wrong);
        assert.equal((await verify(stranger.token(claims(), { jwk: stranger.jwk }), { keys })).error, wrong);
        const [header, , signature] = issuer.token(claims()).split('.');
        assert.equal((await verify(`${header}.${encode(claims({ role: 'admin' }))}.${signature}`, { keys })).error, wrong);
        for (const other of issuers.filter((each) => each !== issuer)) {
            assert.ok((await verify(issuer.token(claims(), { kid: other.kid }), { keys })).error);
            assert.ok((await verify(issuer.token(claims(), { alg: other.alg }), { keys })).error);
            assert.ok((await verify(issuer.token(claims(), { alg: other.alg, kid: other.kid }), { keys })).error);
        }
        for (const alg of ['none', 'None', 'NONE', 'nOnE', '', 'null'])
            assert.equal((await verify(forge({ alg, kid: issuer.kid }, claims()), { keys })).error, 'the token\'s algorithm is not accepted');
    }
});

test('tenant set says which key cannot be used and why, and stores none of the set', async () => {
    const data = temporary();
    const set = (...args) => run(['tenant', 'set', '--data', data, '--tenant', 'acme', ...args]);
    const weak = new Issuer('RS256', 'weak', (await import('node:crypto')).generateKeyPairSync('rsa', { modulusLength: 1024 }));
    const cases = [[jwks(issuers[0], weak), 'key 2 is an RSA key of 1024 bits; it must have at least 2048'],
        [jwks(issuers[0].privateKey.export({ format: 'jwk' })), 'key 1 is a private key; only its public half belongs here'],
        [jwks(issuers[1], { ...issuers[1].jwk, kid: 'y', y: issuers[1].jwk.x }), 'key 2 is no point of the curve P-256'],
        ['{"keys":[],', 'it is not JSON at line 1, column 12']];
    for (const [content, said] of cases) {
        const { code, stderr } = await set('--jwks', keyFile(content));
        assert.equal(code, 1);
        assert.ok(stderr.startsWith(`daybook: jwks: ${said}`), stderr);
    }
    assert.equal((await set('--jwks', '/nonexistent/file')).code, 1);
    assert.equal((await set('--jwt-secret-file', keyFile('short'))).code, 1);
    assert.equal((await set('--jwt-secret-file', keyFile(issuers[0].publicKey.export({ type: 'spki', format: 'pem' })))).code, 1);
    assert.equal(await ok(['tenant', 'show', '--data', data, '--tenant', 'acme']), '{}');
    const secret = randomBytes(32).toString('hex');
    const { code, stdout } = await set('--jwks', keyFile(keys), '--jwt-secret-file', keyFile(`${secret}\n`), '--app-id', 'a', '--jwt-audience', 'b');
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), { 'app-id': 'a', jwks: JSON.stringify(keys), 'jwt-audience': 'b', 'jwt-secret': '(secret)' });
    assert.deepEqual(JSON.parse((await set('--jwks', '', '--jwt-secret-file', '', '--app-id', '', '--jwt-audience', '')).stdout), {});
});

test('B4, P10, P20: tokens at the routes that take them', async (t) => {
    const data = temporary();
    const [acme, globex] = [new Issuer('RS256', 'a'), new Issuer('ES256', 'g')];
    const set = (...args) => ok(['tenant', 'set', '--data', data, ...args]);
    await set('--tenant', 'acme', '--jwks', keyFile(jwks(acme)), '--app-id', 'app-a');
    await set('--tenant', 'globex', '--jwks', keyFile(jwks(globex)));
    const server = await serve(data);
    t.after(() => server.stop());
    const ask = (path, token, headers = {}, method = 'GET') =>
        server.request(path, { method, headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers } });

    const blocks = '/reports/orders/summary';
    for (const [token, headers, status] of [
        [acme.fresh(), { AppId: 'app-a' }, 200], [acme.fresh(), { 'X-App-Id': 'app-a' }, 200],
        [globex.fresh(), { AppId: 'globex' }, 200], [acme.fresh(), {}, 401], [acme.fresh(), { AppId: 'acme' }, 401],
        [acme.fresh(), { AppId: 'globex' }, 401], [acme.fresh({ exp: 1 }), { AppId: 'app-a' }, 401],
        [acme.fresh({ nbf: 4e9 }), { AppId: 'app-a' }, 401], ['x.y.z', { AppId: 'app-a' }, 401], [null, { AppId: 'app-a' }, 401],
        ['x'.repeat(20000), { AppId: 'app-a' }, 401]]) {
        const answer = await ask(blocks, token, headers);
        assert.equal(answer.status, status, JSON.stringify([headers, answer.body]));
        if (status === 401) assert.ok(Array.isArray(answer.json.errors) && answer.headers['www-authenticate'].startsWith('Bearer'));
    }
    const key = await createKey(data, 'acme', 'reports:read');
    assert.equal((await ask(blocks, key)).status, 200);
    assert.equal((await ask(blocks, key, { AppId: 'app-a' })).status, 200);
    const foreign = await ask(blocks, key, { AppId: 'globex' });
    assert.deepEqual([foreign.status, Array.isArray(foreign.json.errors)], [403, true]);

    const pos = '/v1/reports?from=2026-04-01T00:00:00Z&to=2026-04-02T00:00:00Z&groupBy=day';
    for (const [token, status] of [[acme.fresh({ role: 'admin' }), 200], [acme.fresh({ role: 'operator' }), 403],
        [acme.fresh(), 403], [acme.fresh({ role: 'admin', exp: 1 }), 401], [null, 401], [key, 200]])
        assert.equal((await ask(pos, token)).status, status);

    // An operator's ticket opens a stream of events, and nothing else.
    const made = await ask('/events/tickets', acme.fresh({ role: 'operator' }), {}, 'POST');
    assert.equal(made.status, 201);
    const { ticket } = made.json;
    const stream = await new Promise((done, fail) =>
        http.get({ host: '127.0.0.1', port: server.port, path: `/events/cashier?ticket=${ticket}` }, done).on('error', fail));
    assert.deepEqual([stream.statusCode, stream.headers['content-type']], [200, 'text/event-stream']);
    stream.destroy();
    assert.equal((await ask(`/events/cashier?ticket=${ticket.slice(0, -2)}AA`)).status, 401);
    assert.equal((await ask(`${pos}&ticket=${ticket}`)).status, 401);
    assert.equal((await ask('/events/tickets', acme.fresh(), {}, 'POST')).status, 403);

    // A set that is taken away ends its tokens at once, with the server running.
    const token = acme.fresh({ role: 'admin' });
    assert.equal((await ask(pos, token)).status, 200);
    await set('--tenant', 'acme', '--jwks', '');
    assert.equal((await ask(pos, token)).status, 401);
    // Distribu takes keys alone.
    assert.equal((await ask('/api/v1/reports/sales', globex.fresh({ role: 'admin' }), { AppId: 'globex' })).status, 401);
});

test('B4: a request that contradicts itself is refused', async (t) => {
    const data = temporary();
    const [acme, globex] = [new Issuer('ES256', 'k'), new Issuer('ES256', 'k')];
    await ok(['tenant', 'set', '--data', data, '--tenant', 'acme', '--jwks', keyFile(jwks(acme))]);
    await ok(['tenant', 'set', '--data', data, '--tenant', 'globex', '--jwks', keyFile(jwks(globex))]);
    const server = await serve(data);
    t.after(() => server.stop());
    const [token, foreign] = [acme.fresh(), globex.fresh()], key = await createKey(data, 'acme', 'reports:read');
    const ask = async (authorization, headers, path = '/reports/orders/list') =>
        (await server.request(path, { headers: { authorization: [authorization].flat().map((one) => `Bearer ${one}`), ...headers } })).status;
    for (const own of [token, key]) {
        // Said twice is said once.
        assert.equal(await ask([own, own], { AppId: ['acme', 'acme'], 'X-App-Id': ['acme', 'acme'] }), 200);
        assert.equal(await ask(own, { AppId: '', 'X-App-Id': 'acme' }), 200);
        for (const headers of [{ AppId: ['acme', 'globex'] }, { AppId: ['globex', 'acme'] }, { AppId: 'acme', 'X-App-Id': 'globex' },
            { AppId: 'globex', 'X-App-Id': 'acme' }, { 'X-App-Id': ['acme', 'globex'] }, { AppId: 'acme', 'X-App-Id': ['acme', 'globex'] }])
            assert.equal(await ask(own, headers), 401, JSON.stringify(headers));
        for (const both of [[own, foreign], [foreign, own], [own, 'x.y.z'], ['x.y.z', own]])
            for (const AppId of ['acme', 'globex']) assert.equal(await ask(both, { AppId }), 401);
    }
    const pos = '/v1/reports?from=2026-04-01T00:00:00Z&to=2026-04-02T00:00:00Z&groupBy=day';
    assert.equal(await ask(key, { AppId: ['acme', 'globex'] }, pos), 401);
    assert.equal(await ask([key, 'dk_'.padEnd(46, 'x')], {}, '/api/v1/reports/sales'), 401);
});

test('B4: settings change under requests: nobody reads with a key that was taken away, nor another company\'s rows', async (t) => {
    const data = temporary();
    const [first, second] = [new Issuer('EdDSA', 'k'), new Issuer('EdDSA', 'k')];
    const files = [first, second].map((issuer) => keyFile(jwks(issuer)));
    const server = await serve(data);
    t.after(() => server.stop());
    for (const tenant of ['acme', 'globex']) {
        const writer = await createKey(data, tenant, 'ingest:write');
        await server.ingest('orders', writer, [{ id: `order of ${tenant}`, created_at: '2025-01-05', status: 'x', total: '1' }]);
    }
    const set = (tenant, ...args) => ok(['tenant', 'set', '--data', data, '--tenant', tenant, ...args]);
    const ask = (issuer, AppId) => server.request('/reports/orders/list?start_date=2025-01-01&end_date=2025-01-31',
                                                  { headers: { authorization: `Bearer ${issuer.fresh()}`, AppId } });
    let isChanging = true, answered = 0, refused = 0;
    const askOn = async (issuer, AppId) => {
        while (isChanging) {
            const { status, body, json } = await ask(issuer, AppId);
            assert.ok(status === 200 || status === 401, body);
            if (status === 401) refused++;
            else assert.deepEqual(json.data.attributes.records.map((record) => record.order_id), [`order of ${AppId === 'swap' ? 'acme' : AppId}`], String(answered++));
        }
    };
    const asking = [first, second].flatMap((issuer) => ['acme', 'globex', 'swap'].map((AppId) => askOn(issuer, AppId)));
    for (let i = 0; i < 12; i++) {
        const [own, other] = i % 2 ? [first, second] : [second, first];
        await set('acme', '--jwks', files[i % 2 ? 0 : 1], '--app-id', i % 4 < 2 ? 'swap' : '');
        await set('globex', '--jwks', files[i % 2 ? 1 : 0]);
        // What was acknowledged holds at once.
        const AppId = i % 4 < 2 ? 'swap' : 'acme';
        assert.deepEqual([(await ask(own, AppId)).status, (await ask(other, AppId)).status, (await ask(own, 'globex')).status, (await ask(other, 'globex')).status],
                         [200, 401, 401, 200]);
    }
    isChanging = false;
    await Promise.all(asking);
    assert.ok(answered > 0 && refused > 0);
});
