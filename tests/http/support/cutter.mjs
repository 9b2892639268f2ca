// SPDX-License-Identifier: Apache-2.0
// A relay between a client and a server that breaks connections: at once, or in the middle of whatever passes,
// after a number of bytes from the server.
import net from 'node:net';

export class Cutter {
    #sockets = new Set();

    static async to(port) {
        const cutter = new Cutter();
        cutter.target = port;
        cutter.connections = 0;
        cutter.allowance = () => Infinity;
        cutter.server = net.createServer((client) => cutter.#relay(client));
        await new Promise((done) => cutter.server.listen(0, '127.0.0.1', done));
        cutter.server.unref();
        cutter.port = cutter.server.address().port;
        return cutter;
    }

    #relay(client) {
        let left = this.allowance();
        this.connections++;
        const server = net.connect({ host: '127.0.0.1', port: this.target });
        const end = () => {
            for (const socket of [client, server]) {
                socket.destroy();
                this.#sockets.delete(socket);
            }
        };
        for (const socket of [client, server]) {
            this.#sockets.add(socket);
            socket.on('error', end);
            socket.on('close', end);
        }
        client.on('data', (bytes) => server.write(bytes));
        server.on('data', (bytes) => {
            const passed = bytes.subarray(0, Math.min(left, bytes.length));
            left -= passed.length;
            if (left > 0) client.write(passed);
            else client.write(passed, end);
        });
    }

    cut() {
        for (const socket of this.#sockets) socket.destroy();
    }

    close() {
        this.cut();
        this.server.close();
    }
}
