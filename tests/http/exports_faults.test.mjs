// SPDX-License-Identifier: Apache-2.0
// Exports where something around them fails: the disk, the object store. Each test has a directory of its own, so
// that no job of another resumes in it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { createKey, serve, temporary } from './support/daybook.mjs';

const BASE = '/api/v2/external/preorders/reports';

async function shop(t, args) {
    const data = temporary();
    const key = await createKey(data, 'acme', 'reports:read');
    const folder = join(data, 'exports');
    mkdirSync(folder);
    const open = async () => {
        const server = await serve(data, { args });
        t.after(() => server.stop());
        const ask = (path, method = 'GET', body) => server.request(path, { method, body,
            headers: { 'x-auth-token': key, ...(body && { 'content-type': 'application/json' }) } });
        return {
            submit: async (name, parameters) => {
                const answer = await ask(`${BASE}/${name}/export`, 'POST', JSON.stringify(parameters));
                assert.equal(answer.status, 202, answer.body);
                return answer.json.status_url;
            },
            ended: async (url) => {
                for (;;) {
                    const { json } = await ask(url);
                    if (json.status !== 'running') return json;
                }
            },
            ask,
            fetch: (job) => server.request(new URL(job.download_url).pathname + new URL(job.download_url).search),
        };
    };
    return { folder, data, open };
}

test('a full disk fails the job and nothing else', async (t) => {
    const { folder, data, open } = await shop(t, []);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'daybook-test', folder]);
    if (mounted.status !== 0) {
        t.skip('file systems cannot be mounted here; tests/unit/http/test_exporter.c has the same with a limit');
        return;
    }
    t.after(() => spawnSync('umount', ['-l', folder]));
    const { submit, ended, ask, fetch } = await open();
    const window = { from: '2020-01-01', to: '2025-12-31' }; // 2,192 days, a line each
    const job = await ended(await submit('by_date', window));
    assert.equal(job.status, 'failed');
    assert.deepEqual(Object.keys(job), ['job_id', 'status', 'progress', 'error']);
    assert.match(job.error, /room/);
    assert.ok(!job.error.includes(data));
    assert.deepEqual(readdirSync(folder), []);
    const small = await ended(await submit('summary', window));
    assert.equal(small.status, 'ready', JSON.stringify(small));
    assert.equal((await fetch(small)).status, 200);
    assert.equal((await ask(`${BASE}/by_date?from=2020-01-01&to=2025-12-31`)).status, 200);
});

// A store that answers its first requests as it is told to, `null` cutting the connection, and takes all others.
async function store(t, answers) {
    const puts = [];
    const server = http.createServer((request, answer) => {
        const chunks = [];
        request.on('data', (chunk) => chunks.push(chunk));
        request.on('end', () => {
            const status = puts.length < answers.length ? answers[puts.length] : 200;
            puts.push({ status, at: performance.now(), body: Buffer.concat(chunks).toString('utf8') });
            if (status === null) return request.socket.destroy();
            answer.statusCode = status;
            answer.end();
        });
    });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    t.after(() => {
        server.closeAllConnections();
        server.close();
    });
    const config = join(temporary(), 'daybook.ini');
    writeFileSync(config, `[s3]\nendpoint = http://127.0.0.1:${server.address().port}\nbucket = shop\npath_style = on\n`
        + 'access_key = a\nsecret_key = s\nretry_ms = 1\n');
    return { puts, config };
}

for (const [what, answers, status, tries] of [
    ['fails twice is asked a third time', [503, 500], 'ready', 3],
    ['hangs up and has too many requests is asked again', [null, 429, 503], 'ready', 4],
    ['never takes it has been asked four times', [503, 503, 503, 503], 'failed', 4],
    ['refuses it is not asked again', [403], 'failed', 1],
])
    test(`a store that ${what}`, async (t) => {
        const { puts, config } = await store(t, answers);
        const { folder, open } = await shop(t, ['--config', config]);
        const { submit, ended } = await open();
        const job = await ended(await submit('by_date', { from: '2025-01-01', to: '2025-01-31' }));
        assert.equal(job.status, status, JSON.stringify(job));
        assert.equal(puts.length, tries);
        // Every try sends the whole file; afterwards it is no more here.
        for (const { body } of puts) assert.equal(body.split('\r\n').length, 31 + 2);
        assert.deepEqual(readdirSync(folder), []);
        if (status === 'failed') assert.match(job.error, /object store/);
        // The pauses grow: the third is at least sixteen times the first.
        if (tries === 4) assert.ok(puts[3].at - puts[2].at >= 16);
    });

test('a pause that is none is refused at start', async (t) => {
    const config = join(temporary(), 'daybook.ini');
    for (const value of ['0', '-1', 'x', '60001', '1s', '']) {
        writeFileSync(config, `[s3]\nendpoint = http://127.0.0.1:1\nbucket = shop\naccess_key = a\nsecret_key = s\nretry_ms = ${value}\n`);
        const refused = await serve(temporary(), { args: ['--config', config] }).catch((error) => error);
        assert.ok(refused instanceof Error, value);
        assert.match(refused.stderr, /retry_ms|\[s3\]/);
    }
});
