// SPDX-License-Identifier: Apache-2.0
// DuckDB's side. `load FILE.db CSVDIR THREADS` makes the tables and prints the seconds; `query FILE.db THREADS`
// answers queries.
import { DuckDBInstance, version } from '@duckdb/node-api'
import { answer, queries } from './queries.mjs'

const [, , action, file, a, b] = process.argv
const threads = action === 'load' ? b : a
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

if (action === 'load') {
  const result = {}
  for (const table of ['orders', 'order_lines']) {
    const before = performance.now()
    await db.run(`CREATE TABLE ${table} AS SELECT ${columns(table)} FROM
      read_csv('${a}/${table}.csv', header = true, auto_detect = false, columns = ${types[table]})`)
    await db.run('CHECKPOINT')
    result[table] = (performance.now() - before) / 1000
  }
  console.log(JSON.stringify({ version: version(), seconds: result }))
} else {
  const sql = queries({
    day: "epoch_ms(date_trunc('day', make_timestamp(created_at * 1000)))",
    month: "epoch_ms(CAST(date_trunc('month', make_timestamp(created_at * 1000)) AS TIMESTAMP))",
    hourOfDay: 'created_at // 3600000 % 24'
  })
  await answer(sql, async (text) => {
    const reader = await db.runAndReadAll(text)
    return () => reader.getRows()
  })
}
// The engines' own threads would keep the process alive.
process.stdout.write('', () => process.exit(0))
