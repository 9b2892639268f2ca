// SPDX-License-Identifier: Apache-2.0
// PostgreSQL's side of the scans: `postgres.mjs CSVDIR THREADS TABLE…`. A cluster of its own with Debian's settings but for the
// number of workers; only the columns that are asked for, in the order of time, with an index on it.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { startPostgres } from '../support/postgres.mjs'
import { prompt } from './prompt.mjs'
import { answer, queries } from './queries.mjs'

const [, , folder, threads, ...words] = process.argv
const withLines = words.includes('order_lines')
const server = startPostgres()
process.on('exit', () => server.stop())
const header = (table) => fs.readFileSync(path.join(folder, `${table}.csv`), 'utf8').split('\n', 1)[0].split(',')
const shell = spawn(server.psql, ['-XqAt', '-F', '\t', '-v', 'ON_ERROR_STOP=1'], { env: server.env, stdio: ['pipe', 'pipe', 'inherit'] })
const ask = prompt(shell, '\\echo @@end')
const raw = (table) => `CREATE UNLOGGED TABLE raw_${table} (${header(table).map((c) => `${c} text`).join(', ')});
\\copy raw_${table} FROM '${folder}/${table}.csv' WITH (FORMAT csv, HEADER)
`
const ms = 'CAST(extract(epoch FROM CAST(created_at AS timestamptz)) * 1000 AS bigint)'
const money = 'CAST(CAST(total AS numeric) * 10000 AS bigint)'
await ask(`${raw('orders')}${withLines ? raw('order_lines') : ''}
CREATE TABLE orders AS SELECT ${ms} AS created_at, status, customer_id, payment_method, ${money} AS total FROM raw_orders ORDER BY 1;
${withLines ? `CREATE TABLE order_lines AS SELECT product_id, ${money} AS total FROM raw_order_lines;
DROP TABLE raw_order_lines;` : ''}
DROP TABLE raw_orders;
CREATE INDEX ON orders (created_at);
VACUUM ANALYZE;
SET max_parallel_workers_per_gather = ${Number(threads) - 1};
SET work_mem = '256MB';
SET timezone = 'UTC';`)
const sql = queries({
  day: 'created_at / 86400000 * 86400000',
  month: "CAST(extract(epoch FROM date_trunc('month', to_timestamp(created_at / 1000))) * 1000 AS bigint)",
  hourOfDay: 'created_at / 3600000 % 24'
})
await answer(sql, async (text) => {
  // Compiling a plan helps some queries and costs others: the faster of the two counts.
  let best
  for (const jit of ['on', 'off']) {
    await ask(`SET jit = ${jit};`)
    const before = process.hrtime.bigint()
    const lines = await ask(`${text};`)
    const ns = Number(process.hrtime.bigint() - before)
    if (!best || ns < best.ns) best = { ns, lines }
  }
  return { rows: () => best.lines.map((line) => line.split('\t').map((value) => (value === '' ? null : value))), engine: () => best.ns }
})
shell.stdin.end()
process.exit(0)
