// SPDX-License-Identifier: Apache-2.0
// chDB's (ClickHouse's) side: the same actions as duckdb.mjs, on MergeTree tables in a folder of its own; `keep` fills
// AggregatingMergeTree tables through materialised views.
import { Session } from 'chdb'
import { answer, keptQueries, keptTables, queries } from './queries.mjs'

const [, , action, folder, threads, ...words] = process.argv
const session = new Session(folder)
const settings = `SETTINGS max_threads = ${threads}, use_query_cache = 0, use_query_condition_cache = 0`
const time = (c) => `toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull(${c}, 3, 'UTC'))`
const money = (c) => `toInt64(toDecimal64(${c}, 4) * 10000)`

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
const dialect = {
  day: 'intDiv(created_at, 86400000) * 86400000',
  month: "toUnixTimestamp(toDateTime(toStartOfMonth(fromUnixTimestamp64Milli(created_at, 'UTC')), 'UTC')) * 1000",
  hourOfDay: 'intDiv(created_at, 3600000) % 24'
}
const seconds = (since) => (performance.now() - since) / 1000

function load([csv, table, ...only]) {
  session.query('CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic')
  const before = performance.now()
  session.query(`CREATE TABLE bench.${table} ENGINE = MergeTree ORDER BY created_at SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 1
    AS SELECT ${only.join(', ') || '*'} FROM (SELECT ${select[table]} FROM file('${csv}/${table}.csv', CSVWithNames, '${raw[table]}')) ${settings}`)
  const took = seconds(before)
  session.query(`OPTIMIZE TABLE bench.${table} FINAL`)
  const version = session.query('SELECT version()', 'TSV').trim()
  console.log(JSON.stringify({ version, seconds: took }))
}

// What materialised views cost beside an insert: all rows go once into a table that keeps none, with the views behind it.
function keep(tables) {
  session.query('DROP DATABASE IF EXISTS kept SYNC')
  session.query('CREATE DATABASE kept ENGINE = Atomic')
  const kept = keptTables(tables.includes('order_lines'))
  for (const table of tables) session.query(`CREATE TABLE kept.${table} AS bench.${table} ENGINE = Null`)
  for (const { name, of, bucket, dims, where } of kept) {
    session.query(`CREATE TABLE kept.${name} ENGINE = AggregatingMergeTree ORDER BY (bucket, ${dims.join(', ')})
      SETTINGS allow_nullable_key = 1 AS SELECT toInt64(${dialect[bucket]}) AS bucket, ${dims.join(', ')}, countState() AS c, sumState(total) AS s
      FROM bench.${of} WHERE 0 GROUP BY bucket, ${dims.join(', ')}`)
    session.query(`CREATE MATERIALIZED VIEW kept.${name}_view TO kept.${name} AS SELECT toInt64(${dialect[bucket]}) AS bucket, ${dims.join(', ')},
      countState() AS c, sumState(total) AS s FROM kept.${of} ${where ? `WHERE ${where}` : ''} GROUP BY bucket, ${dims.join(', ')}`)
  }
  const before = performance.now()
  for (const table of tables) session.query(`INSERT INTO kept.${table} SELECT * FROM bench.${table} ${settings}`)
  const took = seconds(before)
  for (const { name } of kept) session.query(`OPTIMIZE TABLE kept.${name} FINAL`)
  const bytes = Number(session.query("SELECT sum(bytes_on_disk) FROM system.parts WHERE database = 'kept' AND active", 'TSV'))
  console.log(JSON.stringify({ seconds: took, bytes }))
}

// Rows are in the tables' order when they come.
const sort = () => console.log('{}')

if (action === 'load') load(words)
else if (action === 'sort') sort()
else if (action === 'keep') keep(words)
else {
  const names = { ...queries(dialect), ...keptQueries({ count: 'countMerge(c)', sum: 'sumMerge(s)' }) }
  await answer(names, async (text, name) => {
    const database = name.startsWith('kept_') ? 'kept' : 'bench'
    const result = await session.queryAsync(`${text.replace(/FROM (\w+)/, `FROM ${database}.$1`)} ${settings}`, { format: 'JSONCompactStrings' })
    return { rows: () => result.json().data, engine: () => Math.round(result.elapsed * 1e9) }
  })
}
// The engine's own threads would keep the process alive.
process.stdout.write('', () => process.exit(0))
