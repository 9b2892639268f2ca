// SPDX-License-Identifier: Apache-2.0
// Tokens that another implementation made: keys, key sets and signatures of node's crypto, verified by ours, and
// the attacks that need a public key in the forms in which such libraries hand it out.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { BIN, REPO, ok, run, temporary } from './support/daybook.mjs';
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
