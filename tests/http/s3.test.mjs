// SPDX-License-Identifier: Apache-2.0
// Files on their way to an S3-compatible store: into a real one, Debian's Swift with s3api, which checks every
// signature; read back by another client, botocore; and against servers that answer as stores do on bad days.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { BIN, REPO, run as daybook, temporary } from './support/daybook.mjs';
import { request } from './support/http.mjs';
import { Swift } from './support/swift.mjs';

const build = process.env.DAYBOOK_BIN ? dirname(BIN) : join(REPO, 'build', 'release');
const TOOL = join(build, 'tools', 's3_put');
if (!existsSync(TOOL)) throw new Error(`${TOOL} is missing: build the target "s3_put" first`);

function start(args, env = {}) {
    const child = spawn(TOOL, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const texts = ['', ''];
    child.stdout.on('data', (chunk) => (texts[0] += chunk));
    child.stderr.on('data', (chunk) => (texts[1] += chunk));
    child.done = new Promise((done) => child.on('close', (code) => done({ code, url: texts[0].trim(), said: texts[1].trim() })));
    return child;
}

function write(content, name = 'file') {
    const path = join(temporary(), name);
    writeFileSync(path, content);
    return path;
}

const put = (config, file, object, ...more) => start([write(config), file, object, ...more]).done;

// A store that answers as it is told to.
async function fake(handler) {
    const server = createServer(handler);
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const endpoint = `http://127.0.0.1:${server.address().port}`;
    return {
        config: `[s3]\nendpoint = ${endpoint}\nbucket = exports\npath_style = on\naccess_key = a\nsecret_key = s\n`,
        stop: () => {
            server.closeAllConnections();
            return new Promise((done) => server.close(done));
        },
    };
}

const error = (code, message) => `<?xml version='1.0'?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;

test('a real store', async (t) => {
    const swift = await Swift.start();
    t.after(() => swift.stop());
    assert.equal((await swift.client({ do: 'create', bucket: 'exports' })).status, 200);
    const port = Number(new URL(swift.endpoint).port);

    await t.test('what was put is what another client gets', async () => {
        const names = ['report.csv', 'a b+c/ä&=%25.csv', '..', "it's(1)*~!.csv"];
        for (const name of names) {
            const content = randomBytes(100000);
            const sent = await put(swift.config('exports', { prefix: 'daybook/' }), write(content), name);
            assert.deepEqual([sent.code, sent.said], [0, '']);
            const got = await swift.client({ do: 'get', bucket: 'exports', key: `daybook/${name}` });
            assert.equal(Buffer.compare(Buffer.from(got.body, 'base64'), content), 0);
            assert.equal(got.type, 'text/csv; charset=utf-8');
            assert.equal(got.disposition, 'attachment; filename="report.csv"');
        }
    });

    await t.test('the URL fetches it without a key, in parts too, and only as it was signed', async () => {
        const content = 'id,total\n1,2.50\n';
        const { url } = await put(swift.config('exports'), write(content), 'x/y z.csv');
        const path = url.slice(swift.endpoint.length);
        const whole = await request(port, path);
        assert.deepEqual([whole.status, whole.body], [200, content]);
        const part = await request(port, path, { headers: { range: 'bytes=3-7' } });
        assert.deepEqual([part.status, part.body], [206, content.slice(3, 8)]);
        for (const changed of [path.replace('y%20z', 'other'), path.replace('Expires=60', 'Expires=61'),
            path.replace(/Signature=../, 'Signature=00'), path.replace(/X-Amz-Signature=.*/, '')])
            assert.notEqual((await request(port, changed)).status, 200, changed);
        assert.equal((await request(port, path, { method: 'DELETE' })).status, 403);
    });

    await t.test('an empty file and a large one arrive', async () => {
        for (const size of [0, 1, 40_000_003]) {
            const file = write('');
            truncateSync(file, size);
            const sent = await put(swift.config('exports'), file, `of ${size}`);
            assert.equal(sent.code, 0, sent.said);
            const got = await request(port, sent.url.slice(swift.endpoint.length));
            assert.equal(got.body.length, size);
        }
    });

    await t.test('an object is replaced', async () => {
        for (const content of ['first', 'second']) {
            const { url } = await put(swift.config('exports'), write(content), 'same');
            assert.equal((await request(port, url.slice(swift.endpoint.length))).body, content);
        }
    });

    await t.test('refusals name status and code', async () => {
        const file = write('x');
        const cases = [
            [{ secret_key: 'wrong' }, /^invalid: S3 at 127\.0\.0\.1:\d+ answered 403 SignatureDoesNotMatch: \S/],
            [{ access_key: 'nobody' }, /^invalid: S3 at \S+ answered 403 \w+: \S/],
            [{ bucket: 'missing' }, /^invalid: S3 at \S+ answered 404 NoSuchBucket: \S/],
            [{ region: 'eu-west-1' }, /^invalid: S3 at \S+ answered 40[03] AuthorizationHeaderMalformed: \S/],
        ];
        for (const [changes, said] of cases) {
            const sent = await put(swift.config('exports', changes), file, 'x');
            assert.equal(sent.code, 1);
            assert.match(sent.said, said);
        }
    });

    await t.test('botocore signs the same URL', async () => {
        for (const object of ['x.csv', 'a b+c/ä&=%25.csv', "it's(1)*~!.csv"]) {
            const { url } = await put(swift.config('exports'), write('x'), object, '604800');
            const asked = new URL(url);
            const [, year, month, day, hour, minute, second] =
                asked.searchParams.get('X-Amz-Date').match(/^(....)(..)(..)T(..)(..)(..)Z$/);
            const at = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
            const theirs = await swift.client({ do: 'presign', url: url.split('?')[0], expires: 604800, at });
            assert.equal(new URL(theirs.url).searchParams.get('X-Amz-Signature'), asked.searchParams.get('X-Amz-Signature'));
        }
    });
});

test('the hash of the file is sent and signed', async (t) => {
    const content = randomBytes(300000);
    let seen;
    const store = await fake((request_, response) => {
        const hash = createHash('sha256');
        request_.on('data', (chunk) => hash.update(chunk)).on('end', () => {
            seen = { headers: request_.headers, hash: hash.digest('hex') };
            response.end();
        });
    });
    t.after(store.stop);
    assert.equal((await put(store.config, write(content), 'x')).code, 0);
    assert.equal(seen.headers['x-amz-content-sha256'], seen.hash);
    assert.equal(seen.headers['content-length'], '300000');
    assert.match(seen.headers.authorization,
        /^AWS4-HMAC-SHA256 Credential=a\/\d{8}\/us-east-1\/s3\/aws4_request,SignedHeaders=content-disposition;content-type;host;x-amz-content-sha256;x-amz-date,Signature=[0-9a-f]{64}$/);
});

test('bad days are worth another try, refusals are not', async (t) => {
    const answers = [[500, error('InternalError', 'We encountered an internal error.'), /^busy: \S.* answered 500 InternalError: We encountered/],
        [503, error('SlowDown', 'Please reduce your request rate.'), /^busy: \S.* answered 503 SlowDown: Please/],
        [429, '', /^busy: \S.* answered 429$/], [502, '<html>bad\ngateway</html>', /^busy: \S.* answered 502$/],
        [301, error('PermanentRedirect', 'elsewhere'), /^invalid: \S.* answered 301 PermanentRedirect: elsewhere$/],
        [400, '<Error><Code>' + 'x'.repeat(100000), /^invalid: \S.* answered 400 x{63}$/],
        [403, '\u0000\u0001<Code>A\nB</Code><Message>', /^invalid: \S.* answered 403 A B$/]];
    for (const [status, body, said] of answers) {
        const store = await fake((request_, response) => {
            request_.resume().on('end', () => response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(body));
        });
        const sent = await put(store.config, write('x'), 'x');
        await store.stop();
        assert.equal(sent.code, 1);
        assert.match(sent.said, said);
    }
    const closing = await fake((request_) => request_.socket.destroy());
    t.after(closing.stop);
    assert.match((await put(closing.config, write('x'), 'x')).said, /^busy: S3 at /);
    const gone = await fake(() => {});
    await gone.stop();
    assert.match((await put(gone.config, write('x'), 'x')).said, /^busy: S3 at \S+: \S/);
});

test('an upload is cancelled while the store keeps it waiting', async (t) => {
    let arrived;
    const first = new Promise((done) => (arrived = done));
    const store = await fake((request_) => request_.once('data', () => {
        request_.pause();
        arrived();
    }));
    t.after(store.stop);
    const file = write('');
    truncateSync(file, 200_000_000);
    const child = start([write(store.config), file, 'x']);
    await first;
    child.kill('SIGUSR1');
    const { code, said } = await child.done;
    assert.deepEqual([code, said], [1, 'cancelled: cancelled']);
});

test('files that cannot be sent say why', async () => {
    const config = '[s3]\nendpoint = http://127.0.0.1:1\nbucket = exports\naccess_key = a\nsecret_key = s\n';
    assert.match((await put(config, '/nonexistent/file', 'x')).said, /^io: \/nonexistent\/file: No such file/);
    const huge = write('');
    truncateSync(huge, 5 * 2 ** 30 + 1);
    assert.match((await put(config, huge, 'x')).said, /^limit: .* more than the 5 GiB/);
});

test('serve refuses a section [s3] that cannot be, and does not print its values', async () => {
    const cases = [['[s3]\nendpoint = nowhere\n', /\[s3\] endpoint must be/],
        ['[s3]\nendpoint = http://127.0.0.1:1\nbucket = B\n', /\[s3\] bucket must be/],
        ['[s3]\nendpoint = http://127.0.0.1:1\nbucket = exports\n', /AWS_SECRET_ACCESS_KEY/],
        ['[s3]\nsecret = hunter2\n', /cannot use `secret` of \[s3\]/]];
    for (const [config, said] of cases) {
        const env = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };
        const { code, stderr } = await daybook(['serve', '--data', temporary(), '--config', write(config)], { env });
        assert.equal(code, 2);
        assert.match(stderr, said);
        assert.ok(!stderr.includes('hunter2'));
    }
});
