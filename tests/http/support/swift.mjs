// SPDX-License-Identifier: Apache-2.0
// A real object store for tests: Debian's OpenStack Swift with its S3 API (s3api), one device, one copy, on free
// ports, in a directory that goes away. It checks signatures, so who gets a file into it signs as S3 does.
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporary } from './daybook.mjs';

const run = promisify(execFile);
const PYTHON = '/usr/bin/python3'; // Debian's, which sees Debian's packages
const script = (name) => fileURLToPath(new URL(name, import.meta.url));
const ring = (...args) => run(PYTHON, [script('swift_part.py'), 'ring', ...args]);
const PARTS = ['account', 'container', 'object'];
const children = new Set();
process.on('exit', () => {
    for (const child of children) child.kill('SIGKILL');
});

const listen = () =>
    new Promise((done) => {
        const server = net.createServer().listen(0, '127.0.0.1', () => done(server));
    });

// Ports that are free now, all different.
async function freePorts(count) {
    const servers = await Promise.all(Array.from({ length: count }, listen));
    const ports = servers.map((server) => server.address().port);
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
    return ports;
}

const accepts = (port) =>
    new Promise((done) => {
        const socket = net.connect(port, '127.0.0.1');
        socket.on('connect', () => done(true)).on('error', () => done(false));
        socket.on('connect', () => socket.destroy());
    });

const common = (directory, port) => `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
swift_dir = ${directory}
devices = ${join(directory, 'node')}
mount_check = false
disable_fallocate = true
`;

const storage = (part) => `[pipeline:main]
pipeline = ${part}-server
[app:${part}-server]
use = egg:swift#${part}
`;

const proxy = `[pipeline:main]
pipeline = catch_errors cache s3api tempauth proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
`;

export class Swift {
    static async start() {
        const store = new Swift();
        const directory = temporary();
        const ports = await freePorts(4);
        mkdirSync(join(directory, 'node', 'd1'), { recursive: true });
        await Promise.all(PARTS.map(async (part, i) => {
            const builder = join(directory, `${part}.builder`);
            await ring(builder, 'create', '4', '1', '1');
            await ring(builder, 'add', `r1z1-127.0.0.1:${ports[i]}/d1`, '1');
            await ring(builder, 'rebalance');
        }));
        store.children = [...PARTS, 'proxy'].map((part, i) => {
            const file = join(directory, `${part}.conf`);
            writeFileSync(file, common(directory, ports[i]) + (part === 'proxy' ? proxy : storage(part)));
            const child = spawn(PYTHON, [script('swift_part.py'), part, file], { stdio: ['ignore', 'ignore', 'pipe'] });
            child.said = '';
            child.stderr.on('data', (chunk) => (child.said += chunk));
            child.stderr.unref();
            child.unref();
            children.add(child);
            child.on('exit', () => children.delete(child));
            return child;
        });
        for (const [i, child] of store.children.entries())
            while (!(await accepts(ports[i])))
                if (child.exitCode !== null) throw new Error(`a part of Swift ended: ${child.said}`);
        store.endpoint = `http://127.0.0.1:${ports[3]}`;
        return store;
    }

    // What the tests' user signs with.
    access = { region: 'us-east-1', access_key: 'test:tester', secret_key: 'testing' };

    // botocore's answer to a command of s3_client.py.
    async client(command) {
        const all = { endpoint: this.endpoint, ...this.access, ...command };
        const { stdout } = await run(PYTHON, [script('s3_client.py'), JSON.stringify(all)], { maxBuffer: 1 << 28 });
        return JSON.parse(stdout);
    }

    // The [s3] section that leads here; `changes` overrides lines, undefined leaves one out.
    config(bucket, changes = {}) {
        const lines = { endpoint: this.endpoint, bucket, path_style: 'on', ...this.access, ...changes };
        return `[s3]\n${Object.entries(lines).filter(([, value]) => value !== undefined)
            .map(([name, value]) => `${name} = ${value}\n`).join('')}`;
    }

    stop() {
        return Promise.all(this.children.map((child) => new Promise((done) => {
            if (child.exitCode !== null || child.signalCode !== null) return done();
            child.ref();
            child.on('exit', done);
            child.kill('SIGKILL');
        })));
    }
}
