// SPDX-License-Identifier: Apache-2.0
// Requests with node:http (which does not touch the bytes of a body) and, where every byte of a request
// matters, with a bare socket.
import http from 'node:http';
import net from 'node:net';

// One request: {status, headers, body, json}. `json` is undefined when the body is not JSON.
export function request(port, path, { method = 'GET', headers = {}, body, agent = false } = {}) {
    return new Promise((done, fail) => {
        const outgoing = http.request({ host: '127.0.0.1', port, path, method, headers, agent }, (incoming) => {
            const chunks = [];
            incoming.on('data', (chunk) => chunks.push(chunk));
            incoming.on('error', fail);
            incoming.on('end', () => {
                const text = Buffer.concat(chunks).toString('utf8');
                done({ status: incoming.statusCode, headers: incoming.headers, body: text, json: parse(text) });
            });
        });
        outgoing.on('error', fail);
        if (body !== undefined && outgoing.getHeader('transfer-encoding') === undefined)
            outgoing.setHeader('content-length', Buffer.byteLength(body));
        outgoing.end(body);
    });
}

function parse(text) {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

// Sends bytes and collects what comes back until the server closes, `until(text)` is true, or the server has
// been silent for `patience` ms (how a test says "and nothing more comes"; it is never waited for when an
// answer arrives). `half` closes our side after the bytes.
export function raw(port, bytes, { until, half = false, patience = 5000 } = {}) {
    return new Promise((done) => {
        const socket = net.connect({ host: '127.0.0.1', port });
        const chunks = [];
        let closed = false;
        const end = () => {
            socket.destroy();
            done({ text: Buffer.concat(chunks).toString('latin1'), closed });
        };
        socket.setTimeout(patience, end);
        socket.on('connect', () => {
            if (half) socket.end(bytes);
            else socket.write(bytes);
        });
        socket.on('data', (chunk) => {
            chunks.push(chunk);
            if (until && until(Buffer.concat(chunks).toString('latin1'))) end();
        });
        // A reset is a way to close.
        socket.on('error', () => {
            closed = true;
        });
        socket.on('end', () => {
            closed = true;
        });
        socket.on('close', () => {
            closed = true;
            end();
        });
    });
}

// The statuses of the answers in a stream of them; a body need not end in a line feed.
export function statuses(text) {
    return [...text.matchAll(/HTTP\/1\.[01] (\d{3}) [A-Z]/g)].map((match) => Number(match[1]));
}
