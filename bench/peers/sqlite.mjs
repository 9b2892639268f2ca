// SPDX-License-Identifier: Apache-2.0
// SQLite's side of the scans: `sqlite.mjs CSVDIR TABLE…`. Debian's command-line program with a database in memory: only the
// columns that are asked for, in the order of time.
import { spawn } from 'node:child_process'
import { answer, queries } from './queries.mjs'
import { prompt } from './prompt.mjs'

const [, , folder, ...words] = process.argv
const withLines = words.includes('order_lines')
const shell = spawn('sqlite3', ['-batch', ':memory:'], { stdio: ['pipe', 'pipe', 'inherit'] })
const ask = prompt(shell, '.print @@end')
const ms = (c) => `unixepoch(${c}) * 1000 + CAST(substr(${c}, 21, 3) AS INTEGER)`
await ask(`.mode tabs
.nullvalue ''
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -1000000;
.import --csv ${folder}/orders.csv raw_orders
${withLines ? `.import --csv ${folder}/order_lines.csv raw_lines\n` : ''}CREATE TABLE orders AS SELECT ${ms('created_at')} AS created_at, status, nullif(customer_id, '') AS customer_id, payment_method,
  CAST(round(total * 10000) AS INTEGER) AS total FROM raw_orders ORDER BY 1;
${withLines ? `CREATE TABLE order_lines AS SELECT nullif(product_id, '') AS product_id, CAST(round(total * 10000) AS INTEGER) AS total FROM raw_lines;
DROP TABLE raw_lines;` : ''}
DROP TABLE raw_orders;
CREATE INDEX orders_at ON orders (created_at);
ANALYZE;`)
const sql = queries({
  day: 'created_at / 86400000 * 86400000',
  month: "unixepoch(created_at / 1000, 'unixepoch', 'start of month') * 1000",
  hourOfDay: 'created_at / 3600000 % 24'
})
await answer(sql, async (text) => {
  const lines = await ask(`${text};`)
  return { rows: () => lines.map((line) => line.split('\t').map((value) => (value === '' ? null : value))) }
})
shell.stdin.end()
