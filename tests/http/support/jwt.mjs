// SPDX-License-Identifier: Apache-2.0
// Keys, key sets and tokens made with node's crypto: the other side of http/auth/jwt.h, and nothing shared with
// it. An Issuer has a key, publishes its public half and signs what it is told to; `forge` signs nothing and
// builds whatever a test wants to see refused.
import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporary } from './daybook.mjs';

const KINDS = {
    RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: () => generateKeyPairSync('ed25519'),
};

export const encode = (value) =>
    Buffer.from(typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value)).toString('base64url');

// The three parts of a token, as they are told to be: objects become JSON, texts and bytes stand as they are.
export const forge = (header, payload, signature = '') => `${encode(header)}.${encode(payload)}.${encode(signature)}`;

export function hs256(secret, payload, header = {}) {
    const text = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${encode(payload)}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

export class Issuer {
    constructor(alg = 'RS256', kid = `${alg}-1`, keys = KINDS[alg]()) {
        Object.assign(this, { alg, kid, ...keys });
    }

    // The public key as a JWK.
    get jwk() {
        return { ...this.publicKey.export({ format: 'jwk' }), use: 'sig', alg: this.alg, ...(this.kid && { kid: this.kid }) };
    }

    // The bytes of a signature over a text, in a token's form.
    signature(text) {
        const digest = this.alg === 'EdDSA' ? null : 'sha256';
        return signBytes(digest, Buffer.from(text), { key: this.privateKey, dsaEncoding: 'ieee-p1363' });
    }

    // A token. Claims are signed as they are given: say `exp` (or use `fresh`).
    token(claims, header = {}) {
        const text = `${encode({ alg: this.alg, typ: 'JWT', ...(this.kid && { kid: this.kid }), ...header })}.${encode(claims)}`;
        return `${text}.${this.signature(text).toString('base64url')}`;
    }

    // A token that is good for an hour from `now` (milliseconds).
    fresh(claims = {}, now = Date.now()) {
        return this.token({ sub: 'user-1', exp: Math.floor(now / 1000) + 3600, ...claims });
    }
}

export const jwks = (...issuers) => ({ keys: issuers.map((issuer) => issuer.jwk ?? issuer) });

// Writes a key set (or any text) into a file for `daybook tenant set --jwks FILE`; returns its path.
export function keyFile(content, name = 'jwks.json') {
    const path = join(temporary(), name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
    return path;
}
