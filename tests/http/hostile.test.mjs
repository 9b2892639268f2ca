// SPDX-License-Identifier: Apache-2.0
// Bytes that no honest client sends. Whatever comes: the server lives, answers /healthz, keeps no descriptors,
// and never answers 200 to a message that two readers could read in two ways.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import test from 'node:test';
import { createKey, serve, temporary } from './support/daybook.mjs';
import { raw, statuses } from './support/http.mjs';
import { seeded } from './support/random.mjs';

const data = temporary();
const key = await createKey(data, 't', 'reports:read,products:read,ingest:write');
const server = await serve(data);
const AUTH = `Authorization: Bearer ${key}\r\n`;
const get = (headers = 'Host: x\r\n', target = '/healthz', version = 'HTTP/1.1') => `GET ${target} ${version}\r\n${headers}\r\n`;
const post = (headers, body) => `POST /ingest/orders HTTP/1.1\r\nHost: x\r\n${AUTH}${headers}\r\n${body}`;
const CLOSE = 'Connection: close\r\n';

async function alive(what) {
    assert.ok(server.alive, `${what}: the server is gone\n${server.stderr()}`);
    const answer = await server.get('/healthz');
    assert.equal(answer.status, 200, what);
}

async function orderCount() {
    return (await server.get('/api/v1/reports/sales?preset=all', key)).json.data.totals.orderCount;
}

const descriptors = () => readdirSync(`/proc/${server.pid}/fd`).length;

test('ambiguous framing is refused and the connection closed', async () => {
    const row = '{"id":"smuggled","created_at":"2026-04-05","status":"DELIVERED","total":"1"}';
    const cases = {
        'two lengths': post('Content-Length: 3\r\nContent-Length: 5\r\n', 'abcde'),
        'two equal lengths': post('Content-Length: 3\r\nContent-Length: 3\r\n', 'abc'),
        'a list of lengths': post('Content-Length: 3, 3\r\n', 'abc'),
        'length and chunked': post(`Content-Length: ${row.length}\r\nTransfer-Encoding: chunked\r\n`, row),
        'chunked and length': post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', '0\r\n\r\n' + get()),
        'identity, then chunked': post('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
        'a signed length': post('Content-Length: +3\r\n', 'abc'),
        'a negative length': post('Content-Length: -1\r\n', ''),
        'a hexadecimal length': post('Content-Length: 0x3\r\n', 'abc'),
        'an empty length': post('Content-Length:\r\n', ''),
        'a space before the colon': post('Content-Length : 3\r\n', 'abc'),
        'bare LF after the request line': 'GET /healthz HTTP/1.1\nHost: x\r\n\r\n',
        'bare LF after a header': 'GET /healthz HTTP/1.1\r\nHost: x\nAccept: */*\r\n\r\n',
        'bare LF everywhere': 'GET /healthz HTTP/1.1\nHost: x\n\n',
        'bare CR in a header': 'GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n',
        'two hosts': get('Host: x\r\nHost: y\r\n'),
        'two equal hosts': get('Host: x\r\nHost: x\r\n'),
        'no host': get(''),
        'a host with a path': get('Host: x/../y\r\n'),
        'a host with a space': get('Host: x y\r\n'),
        'a folded header': get('Host: x\r\nX: a\r\n b\r\n'),
        'a folded first header': 'GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n',
        'a header without a colon': get('Host: x\r\nnonsense\r\n'),
        'a header without a name': get('Host: x\r\n: v\r\n'),
        'NUL in a header': get('Host: x\r\nX: a\0b\r\n'),
        'NUL in the target': get('Host: x\r\n', '/healthz\0'),
        'a version nobody has': get('Host: x\r\n', '/healthz', 'HTTP/1.9'),
        'another version': get('Host: x\r\n', '/healthz', 'HTTP/3.0'),
        'no version': 'GET /healthz\r\nHost: x\r\n\r\n',
        'two spaces': 'GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
        'a tab for a space': 'GET\t/healthz\tHTTP/1.1\r\nHost: x\r\n\r\n',
        'no method': ' /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
    };
    for (const [what, bytes] of Object.entries(cases)) {
        const { text, closed } = await raw(server.port, bytes);
        const seen = statuses(text);
        assert.ok(closed, `${what}: the connection stays open: ${text}`);
        // The library itself closes some of them without a word.
        assert.ok(seen.length <= 1, `${what}: ${seen}`);
        for (const status of seen) assert.ok([400, 411, 413, 431, 505].includes(status), `${what}: ${status}\n${text}`);
    }
    const chunked = await raw(server.port, post('Transfer-Encoding: chunked\r\n', `${row.length.toString(16)}\r\n${row}\r\n0\r\n\r\n`));
    assert.deepEqual(statuses(chunked.text), [411]);
    assert.ok(chunked.closed);
    assert.equal(await orderCount(), 0, 'nothing was smuggled in');
    await alive('framing');
});

test('refusals are JSON where anything is said', async () => {
    const { text } = await raw(server.port, post('Content-Length: 3\r\nContent-Length: 5\r\n', 'abcde'));
    const [head, body] = text.split('\r\n\r\n');
    assert.match(head, /^HTTP\/1\.1 400 /);
    assert.match(head, /^content-type: application\/json/im);
    assert.match(head, /^connection: close/im);
    assert.equal(typeof JSON.parse(body).error, 'string');
});

test('odd targets and methods', async () => {
    const fine = (status) => [200, 400, 401, 403, 404, 405, 414, 431].includes(status);
    const targets = ['/' + '../'.repeat(2000) + 'etc/passwd', '/%2e%2e/'.repeat(300), '/healthz/../admin/keys?tenant=t', '/%61dmin/keys?tenant=t', '//admin/keys?tenant=t',
                     '/./admin/keys?tenant=t', '/healthz/%2e%2e/admin/keys?tenant=t', '/%00', '/healthz%00', '/%', '/%zz', '/%c0%ae%c0%ae/', '/\u00ff', '/?' + 'a=b&'.repeat(5000),
                     '/api/v1/products/' + 'x'.repeat(8000), '/api/v1/products/%2e%2e%2f%2e%2e%2fetc%2fpasswd', '/api/v1/reports/sales?' + 'from=1&'.repeat(3000), 'healthz', '*', '?',
                     'http://elsewhere.example/healthz', 'http://', '/ingest/../healthz', '/;/', '/\\..\\'];
    for (const target of targets) {
        const { text } = await raw(server.port, get(`Host: x\r\n${AUTH}${CLOSE}`, target));
        const shown = target.slice(0, 60);
        for (const status of statuses(text)) assert.ok(fine(status), `${shown}: ${text.slice(0, 200)}`);
        assert.ok(!text.includes('root:'), shown);
        if (target.includes('dmin')) assert.deepEqual(statuses(text), [404], `${shown}: the operator's routes are not here`);
    }
    for (const [method, target] of [['OPTIONS', '*'], ['OPTIONS', '/healthz'], ['CONNECT', 'elsewhere:443'], ['CONNECT', '/'], ['TRACE', '/healthz'], ['PRI', '*'], ['get', '/healthz'],
                                    ['X'.repeat(1000), '/healthz'], ['GET', '/healthz'.padEnd(20000, 'z')]]) {
        const { text } = await raw(server.port, `${method} ${target} HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`);
        for (const status of statuses(text)) assert.ok(status !== 200 && status < 500, `${method} ${target.slice(0, 40)}: ${text.slice(0, 200)}`);
    }
    await alive('targets');
});

test('heads beyond measure', async () => {
    const cases = { 'one long header': `Host: x\r\nX: ${'a'.repeat(40000)}\r\n`, 'many headers': 'Host: x\r\n' + 'X: y\r\n'.repeat(500), 'many bytes': 'Host: x\r\n' + `X: ${'y'.repeat(1000)}\r\n`.repeat(600) };
    for (const [what, headers] of Object.entries(cases)) {
        const { text, closed } = await raw(server.port, get(headers));
        assert.ok(closed, what);
        for (const status of statuses(text)) assert.ok([400, 413, 431].includes(status), `${what}: ${status}`);
    }
    await alive('heads');
});

test('other protocols on the plain port', async () => {
    const hello = Buffer.from('16030100c8010000c40303' + '5a'.repeat(190), 'hex');
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';
    const upgrade = get('Host: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n');
    const greeted = await raw(server.port, hello, { half: true });
    assert.ok(!statuses(greeted.text).includes(200));
    const priory = await raw(server.port, preface, { half: true });
    assert.ok(!statuses(priory.text).includes(200), priory.text);
    const upgraded = await raw(server.port, upgrade);
    assert.ok(!statuses(upgraded.text).includes(101), 'HTTP/2 stays off');
    assert.deepEqual(statuses(upgraded.text), [200]);
    for (const bytes of ['PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n', '\r\n'.repeat(1000), '\0'.repeat(5000), 'SSH-2.0-x\r\n', '{"jsonrpc":"2.0"}\n'])
        assert.ok(!statuses((await raw(server.port, bytes, { half: true })).text).includes(200));
    await alive('protocols');
});

test('pipelined requests are answered in their order', async () => {
    const count = 100;
    const order = (i) => JSON.stringify({ id: `p${i}`, created_at: '2026-04-05', status: 'DELIVERED', total: '1' });
    let bytes = '';
    for (let i = 0; i < count; i++) {
        if (i % 3 === 0) bytes += post(`Content-Length: ${order(i).length}\r\n`, order(i));
        else if (i % 3 === 1) bytes += get();
        else bytes += get(`Host: x\r\n${AUTH}`, '/nowhere');
    }
    bytes += get(`Host: x\r\n${CLOSE}`);
    const { text, closed } = await raw(server.port, bytes);
    assert.ok(closed);
    const expected = Array.from({ length: count }, (_, i) => (i % 3 === 2 ? 404 : 200));
    assert.deepEqual(statuses(text), [...expected, 200]);
    assert.equal(await orderCount(), Math.ceil(count / 3));
    // A refused message takes what stands behind it with it.
    const behind = await raw(server.port, get() + post('Content-Length: 0\r\nContent-Length: 90\r\n', '') + get('Host: x\r\n', '/metrics'));
    assert.deepEqual(statuses(behind.text), [200, 400]);
    assert.ok(behind.closed);
});

test('half a request, then nothing', async () => {
    const whole = post('Content-Type: application/x-ndjson\r\nContent-Length: 80\r\n', '{"id":"half","created_at":"2026-04-05","status":"DELIVERED","total":"1"}        ');
    const before = await orderCount();
    const cuts = Array.from({ length: 60 }, (_, i) => Math.floor(((i + 1) * (whole.length - 1)) / 60));
    await Promise.all(cuts.map(async (cut) => {
        const { text } = await raw(server.port, whole.slice(0, cut), { half: true });
        assert.ok(!statuses(text).includes(200), `cut at ${cut}: ${text}`);
    }));
    // And those who reset in the middle.
    await Promise.all(cuts.map((cut) => new Promise((done) => {
        const socket = net.connect(server.port, '127.0.0.1', () => socket.write(whole.slice(0, cut), () => socket.resetAndDestroy()));
        socket.on('error', () => {});
        socket.on('close', done);
    })));
    assert.equal(await orderCount(), before, 'a row that was not sent whole is not there');
    await alive('halves');
});

test('2,000 mutated requests', async (t) => {
    const random = seeded();
    t.diagnostic(`DBK_SEED=${random.seed}`);
    const order = '{"id":"m","created_at":"2026-04-05","status":"DELIVERED","total":"1"}';
    const seeds = [get(), get(`Host: x\r\n${AUTH}If-None-Match: "a", W/"b"\r\n`, '/api/v1/reports/sales?preset=month&from=2026-04-01&to=2026-04-17'),
                   get(`Host: x\r\n${AUTH}`, '/api/v1/products?limit=5&cursor=abc&search=%20x'), post(`Content-Type: application/x-ndjson\r\nContent-Length: ${order.length}\r\n`, order),
                   post('Content-Type: text/csv\r\nContent-Length: 53\r\n', 'id,created_at,status,total\nc,2026-04-05,DELIVERED,1.5\n'), get('Host: x\r\n', '/metrics'),
                   `HEAD /openapi.json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`].map((text) => Buffer.from(text, 'latin1'));
    const pieces = ['\r\n', '\n', '\r', '\0', ' ', '\t', ':', '%00', '%2e%2e%2f', '\r\n\r\n', 'Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'Host: y\r\n', '\xff\xfe', 'HTTP/1.1', '{', '"', '99999999999999999999']
        .map((text) => Buffer.from(text, 'latin1'));
    const mutate = (bytes) => {
        let out = Buffer.from(bytes);
        for (let times = random.between(1, 4); times > 0; times--) {
            const at = random.below(out.length + 1);
            const kind = random.below(5);
            if (kind === 0 && at < out.length) out[at] ^= 1 << random.below(8);
            else if (kind === 1 && at < out.length) out[at] = random.below(256);
            else if (kind === 2) out = Buffer.concat([out.subarray(0, at), out.subarray(Math.min(out.length, at + random.between(1, 12)))]);
            else if (kind === 3) out = Buffer.concat([out.subarray(0, at), random.pick(pieces), out.subarray(at)]);
            else out = Buffer.concat([out.subarray(0, at), random.pick(seeds).subarray(random.below(30))]);
        }
        return out;
    };
    // What a strict reader sees in the first head; anything it objects to must not be answered with 200.
    const isAmbiguous = (bytes) => {
        const text = bytes.toString('latin1').replace(/^\r\n/, '');
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return true;
        const [, ...headers] = text.slice(0, end).split('\r\n');
        const named = (name) => headers.filter((line) => line.toLowerCase().startsWith(`${name}:`)).length;
        return /[\0\n\r]/.test(text.slice(0, end).replaceAll('\r\n', '')) || headers.some((line) => /^[ \t]/.test(line)) || named('content-length') > 1 || named('host') > 1 ||
               named('transfer-encoding') > 0;
    };
    const mutations = Array.from({ length: 2000 }, () => mutate(random.pick(seeds)));
    const before = descriptors();
    const tally = {};
    let next = 0;
    const client = async () => {
        while (next < mutations.length) {
            const bytes = mutations[next++];
            const { text } = await raw(server.port, bytes, { half: true });
            const first = statuses(text)[0] ?? 'closed';
            tally[first] = (tally[first] ?? 0) + 1;
            if (first === 200) assert.ok(!isAmbiguous(bytes), `200 for ${JSON.stringify(bytes.toString('latin1'))}`);
            assert.notEqual(first, 500, bytes.toString('latin1'));
        }
    };
    await Promise.all(Array.from({ length: 8 }, client));
    await alive('mutations');
    t.diagnostic(JSON.stringify(tally));
    // Closed connections are forgotten at the latest when the next one is accepted.
    let after = descriptors();
    for (let turn = 0; turn < 200 && after > before + 4; turn++) {
        await alive('descriptors');
        after = descriptors();
    }
    assert.ok(after <= before + 4, `${before} descriptors before, ${after} after`);
});

test('the server was the same all the time', async () => {
    await alive('end');
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
});
