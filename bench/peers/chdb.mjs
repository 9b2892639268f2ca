// SPDX-License-Identifier: Apache-2.0
// chDB's (ClickHouse's) side: the same two actions as duckdb.mjs, on MergeTree tables in a folder of its own.
import { Session } from 'chdb'
import { answer, queries } from './queries.mjs'

const [, , action, folder, a, b] = process.argv
const threads = action === 'load' ? b : a
const session = new Session(folder)
const settings = `SETTINGS max_threads = ${threads}, use_query_cache = 0, use_query_condition_cache = 0`
const time = (c) => `toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull(${c}, 3, 'UTC'))`
const money = (c) => `toInt64(toDecimal64(${c}, 4) * 10000)`

if (action === 'load') {
  session.query('CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic')
  const result = {}
  const raw = {
    orders: 'id String, created_at String, updated_at String, kind String, status String, customer_id String, currency String, subtotal String, discount String, shipping String, tax String, tip String, total String, payment_method String, market_id String, cash_register_id String, confirmed_at String, delivered_at String, completed_at String, cancelled_at String, cancel_reason String',
    order_lines: 'id String, order_id String, created_at String, product_id String, variant_id String, offer_id String, quantity Int64, unit_price String, discount String, total String, deposit String, balance String, cancelled_at String, cancel_reason String, refunded String'
  }
  const select = {
    orders: `id, assumeNotNull(${time('created_at')}) AS created_at, toLowCardinality(kind) AS kind, toLowCardinality(status) AS status,
      nullIf(customer_id, '') AS customer_id, toLowCardinality(currency) AS currency, ${money('subtotal')} AS subtotal, ${money('discount')} AS discount,
      ${money('shipping')} AS shipping, ${money('tax')} AS tax, ${money('tip')} AS tip, ${money('total')} AS total, toLowCardinality(payment_method) AS payment_method,
      toLowCardinality(market_id) AS market_id, toLowCardinality(cash_register_id) AS cash_register_id, ${time('confirmed_at')} AS confirmed_at,
      ${time('delivered_at')} AS delivered_at, ${time('completed_at')} AS completed_at, ${time('cancelled_at')} AS cancelled_at,
      toLowCardinality(cancel_reason) AS cancel_reason`,
    order_lines: `id, order_id, assumeNotNull(${time('created_at')}) AS created_at, toLowCardinality(product_id) AS product_id,
      toLowCardinality(variant_id) AS variant_id, toLowCardinality(offer_id) AS offer_id, quantity, ${money('unit_price')} AS unit_price, ${money('total')} AS total`
  }
  for (const table of ['orders', 'order_lines']) {
    const before = performance.now()
    session.query(`CREATE TABLE bench.${table} ENGINE = MergeTree ORDER BY created_at SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
      AS SELECT ${select[table]} FROM file('${a}/${table}.csv', CSVWithNames, '${raw[table]}') ${settings}`)
    result[table] = (performance.now() - before) / 1000
    session.query(`OPTIMIZE TABLE bench.${table} FINAL`)
  }
  const version = session.query('SELECT version()', 'TSV').trim()
  console.log(JSON.stringify({ version, seconds: result }))
} else {
  const sql = queries({
    day: 'intDiv(created_at, 86400000) * 86400000',
    month: "toUnixTimestamp(toDateTime(toStartOfMonth(fromUnixTimestamp64Milli(created_at, 'UTC')), 'UTC')) * 1000",
    hourOfDay: 'intDiv(created_at, 3600000) % 24'
  })
  await answer(sql, async (text) => {
    const out = session.query(`${text.replace(/FROM (orders|order_lines)/, 'FROM bench.$1')} ${settings}`, 'JSONCompactStrings')
    return () => JSON.parse(out).data
  })
}
// The engines' own threads would keep the process alive.
process.stdout.write('', () => process.exit(0))
