// SPDX-License-Identifier: Apache-2.0
// The program under test as a process: commands that run to their end, servers that stay, directories that go
// away. Nothing here sleeps: a server is ready when it says so, a command is done when it exits. Whatever a
// test leaves behind is killed and removed when the test's process ends.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from './http.mjs';

export const REPO = resolve(fileURLToPath(new URL('../../..', import.meta.url)));
export const BIN = process.env.DAYBOOK_BIN ?? join(REPO, 'build', 'daybook');
if (!existsSync(BIN)) throw new Error(`there is no ${BIN}: build it, or say DAYBOOK_BIN`);

const children = new Set();
const directories = [];

process.on('exit', () => {
    for (const child of children) child.kill('SIGKILL');
    for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

// A new empty directory. Sockets live in data directories, so its name is kept short.
export function temporary() {
    const directory = mkdtempSync(join(tmpdir(), 'dbk-'));
    directories.push(directory);
    return directory;
}

// Every file below a directory, by path.
export function filesUnder(directory) {
    return readdirSync(directory, { withFileTypes: true })
        .flatMap((entry) => {
            const path = join(directory, entry.name);
            return entry.isDirectory() ? filesUnder(path) : entry.isFile() ? [path] : [];
        })
        .sort();
}

function start(args, { env, cwd, stdio = 'pipe' } = {}) {
    const child = spawn(BIN, args, { env: { ...process.env, ...env }, cwd, stdio });
    children.add(child);
    child.on('exit', () => children.delete(child));
    return child;
}

function collect(stream) {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    return () => Buffer.concat(chunks).toString('utf8');
}

// Runs a command to its end. Never throws for an exit code: {code, signal, stdout, stderr}.
export function run(args, { input, ...options } = {}) {
    return new Promise((done, fail) => {
        const child = start(args, options);
        const stdout = collect(child.stdout);
        const stderr = collect(child.stderr);
        child.on('error', fail);
        child.on('close', (code, signal) => done({ code, signal, stdout: stdout(), stderr: stderr() }));
        // A command may well end before it has read everything.
        child.stdin.on('error', () => {});
        child.stdin.end(input);
    });
}

// The same for commands that must succeed: the trimmed stdout.
export async function ok(args, options) {
    const result = await run(args, options);
    if (result.code !== 0)
        throw new Error(`daybook ${args.join(' ')}: exit ${result.code ?? result.signal}\n${result.stderr}`);
    return result.stdout.trim();
}

export class Server {
    constructor(child, port, stderr) {
        this.child = child;
        this.port = port;
        this.url = `http://127.0.0.1:${port}`;
        this.stderr = stderr;
        this.ended = new Promise((done) => child.on('exit', (code, signal) => done({ code, signal })));
        // A server that is only waiting must not keep the test's process alive.
        child.unref();
        child.stdout.unref();
        child.stderr.unref();
        child.stdin.unref();
    }

    get pid() {
        return this.child.pid;
    }

    get alive() {
        return this.child.exitCode === null && this.child.signalCode === null;
    }

    async end(signal) {
        this.child.ref();
        this.child.kill(signal);
        return this.ended;
    }

    stop() {
        return this.end('SIGTERM');
    }

    kill() {
        return this.end('SIGKILL');
    }

    request(path, options) {
        return request(this.port, path, options);
    }

    // GET with a key: {status, headers, body, json}.
    get(path, key, headers = {}) {
        return this.request(path, { headers: { ...(key ? { authorization: `Bearer ${key}` } : {}), ...headers } });
    }

    // Rows as NDJSON (objects) or as they are (text); the answer.
    ingest(table, key, rows, { type, agent } = {}) {
        const isText = typeof rows === 'string' || Buffer.isBuffer(rows);
        return this.request(`/ingest/${table}`, {
            method: 'POST',
            agent,
            headers: { authorization: `Bearer ${key}`, 'content-type': type ?? 'application/x-ndjson' },
            body: isText ? rows : rows.map((row) => JSON.stringify(row)).join('\n') + '\n',
        });
    }
}

// Starts a server and resolves when it has said `listening on …`. A server that ends before it does so is an
// error that carries what it wrote: {code, stderr}.
export function serve(data, { args = [], env } = {}) {
    return new Promise((done, fail) => {
        const child = start(['serve', '--data', data, '--listen', '127.0.0.1:0', ...args], { env });
        const stderr = collect(child.stderr);
        let said = '';
        const onExit = (code, signal) => {
            const error = new Error(`the server ended (${code ?? signal}) before it listened:\n${stderr()}`);
            fail(Object.assign(error, { code, signal, stderr: stderr() }));
        };
        const onData = (chunk) => {
            said += chunk;
            const match = /^listening on https?:\/\/[^\n]*:(\d+)\n/m.exec(said);
            if (!match) return;
            child.off('close', onExit);
            child.stdout.off('data', onData);
            child.stdout.resume();
            done(new Server(child, Number(match[1]), stderr));
        };
        child.on('close', onExit);
        child.on('error', fail);
        child.stdout.on('data', onData);
    });
}

export const DISTRIBU_SCOPES = 'products:read,reports:read';

export function createKey(data, tenant, scopes = `${DISTRIBU_SCOPES},ingest:write`, extra = ['--rate', 'off']) {
    return ok(['keys', 'create', '--data', data, '--tenant', tenant, '--scope', scopes, ...extra]);
}
