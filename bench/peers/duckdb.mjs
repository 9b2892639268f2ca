// SPDX-License-Identifier: Apache-2.0
// DuckDB's side. `load FILE.db THREADS CSVDIR TABLE [COLUMN…]` makes a table, of all columns or these, and prints the seconds; `sort FILE.db THREADS
// TABLE…` puts them in the order of time; `keep FILE.db THREADS TABLE…` makes tables of sums beside them and prints
// what that took; `query FILE.db THREADS` answers queries.
import { DuckDBInstance, version } from '@duckdb/node-api'
import fs from 'node:fs'
import { answer, keptQueries, keptTables, queries } from './queries.mjs'

const [, , action, file, threads, ...words] = process.argv
const instance = await DuckDBInstance.create(file, { threads })
const db = await instance.connect()

const columns = (table) =>
  table === 'orders'
    ? `id, epoch_ms(created_at) AS created_at, kind, status, customer_id, currency,
       CAST(subtotal * 10000 AS BIGINT) AS subtotal, CAST(discount * 10000 AS BIGINT) AS discount,
       CAST(shipping * 10000 AS BIGINT) AS shipping, CAST(tax * 10000 AS BIGINT) AS tax,
       CAST(tip * 10000 AS BIGINT) AS tip, CAST(total * 10000 AS BIGINT) AS total, payment_method, market_id,
       cash_register_id, epoch_ms(confirmed_at) AS confirmed_at, epoch_ms(delivered_at) AS delivered_at,
       epoch_ms(completed_at) AS completed_at, epoch_ms(cancelled_at) AS cancelled_at, cancel_reason`
    : `id, order_id, epoch_ms(created_at) AS created_at, product_id, variant_id, offer_id, quantity,
       CAST(unit_price * 10000 AS BIGINT) AS unit_price, CAST(total * 10000 AS BIGINT) AS total`
const types = {
  orders: `{'id':'VARCHAR','created_at':'TIMESTAMP','updated_at':'TIMESTAMP','kind':'VARCHAR','status':'VARCHAR',
    'customer_id':'VARCHAR','currency':'VARCHAR','subtotal':'DECIMAL(18,4)','discount':'DECIMAL(18,4)',
    'shipping':'DECIMAL(18,4)','tax':'DECIMAL(18,4)','tip':'DECIMAL(18,4)','total':'DECIMAL(18,4)',
    'payment_method':'VARCHAR','market_id':'VARCHAR','cash_register_id':'VARCHAR','confirmed_at':'TIMESTAMP',
    'delivered_at':'TIMESTAMP','completed_at':'TIMESTAMP','cancelled_at':'TIMESTAMP','cancel_reason':'VARCHAR'}`,
  order_lines: `{'id':'VARCHAR','order_id':'VARCHAR','created_at':'TIMESTAMP','product_id':'VARCHAR',
    'variant_id':'VARCHAR','offer_id':'VARCHAR','quantity':'BIGINT','unit_price':'DECIMAL(18,4)',
    'discount':'DECIMAL(18,4)','total':'DECIMAL(18,4)','deposit':'DECIMAL(18,4)','balance':'DECIMAL(18,4)',
    'cancelled_at':'TIMESTAMP','cancel_reason':'VARCHAR','refunded':'DECIMAL(18,4)'}`
}

const dialect = {
  day: "epoch_ms(date_trunc('day', make_timestamp(created_at * 1000)))",
  month: "epoch_ms(CAST(date_trunc('month', make_timestamp(created_at * 1000)) AS TIMESTAMP))",
  hourOfDay: 'created_at // 3600000 % 24'
}
const seconds = (since) => (performance.now() - since) / 1000

async function load([folder, table, ...only]) {
  const before = performance.now()
  await db.run(`CREATE TABLE ${table} AS SELECT ${only.join(', ') || '*'} FROM (SELECT ${columns(table)} FROM
    read_csv('${folder}/${table}.csv', header = true, auto_detect = false, columns = ${types[table]}))`)
  await db.run('CHECKPOINT')
  console.log(JSON.stringify({ version: version(), seconds: seconds(before) }))
}

// What arrived late stands with its day, as in the others' tables.
async function sort(tables) {
  for (const table of tables) {
    await db.run(`CREATE TABLE sorted AS SELECT * FROM ${table} ORDER BY created_at`)
    await db.run(`DROP TABLE ${table}`)
    await db.run(`ALTER TABLE sorted RENAME TO ${table}`)
  }
  await db.run('ANALYZE')
  await db.run('CHECKPOINT')
  console.log('{}')
}

// Tables of sums, kept up by hand: made from the rows here, to be added to by whoever inserts.
async function keep(tables) {
  const size = () => fs.statSync(file).size
  const before = performance.now(), bytesBefore = size()
  for (const { name, of, bucket, dims, where } of keptTables(tables.includes('order_lines'))) {
    await db.run(`CREATE OR REPLACE TABLE ${name} AS SELECT ${dialect[bucket]} AS bucket, ${dims.join(', ')}, count(*) AS c, CAST(sum(total) AS BIGINT) AS s
      FROM ${of} ${where ? `WHERE ${where}` : ''} GROUP BY ALL ORDER BY ALL`)
  }
  await db.run('ANALYZE')
  await db.run('CHECKPOINT')
  console.log(JSON.stringify({ seconds: seconds(before), bytes: size() - bytesBefore }))
}

// DuckDB's own clock: of the last query, without what Node.js does with the result.
async function profiled(text, profile) {
  const reader = await db.runAndReadAll(text)
  return { rows: () => reader.getRows(), engine: () => Math.round(JSON.parse(fs.readFileSync(profile, 'utf8')).latency * 1e9) }
}

if (action === 'load') await load(words)
else if (action === 'sort') await sort(words)
else if (action === 'keep') await keep(words)
else {
  const profile = `${file}.${process.pid}.profile.json`
  await db.run("PRAGMA enable_profiling = 'json'")
  await db.run(`SET profiling_output = '${profile}'`)
  await db.run(`SET custom_profiling_settings = '{"LATENCY": "true"}'`)
  await answer({ ...queries(dialect), ...keptQueries({ count: 'sum(c)', sum: 'sum(s)' }) }, (text) => profiled(text, profile))
  fs.rmSync(profile, { force: true })
}
// The engine's own threads would keep the process alive.
process.stdout.write('', () => process.exit(0))
