// SPDX-License-Identifier: Apache-2.0
// The queries as SQL that all engines speak but for the functions in `dialect`. Columns: created_at is int64
// milliseconds, money int64 ten-thousandths, strings as they are. Each is a function of its variation: so many
// months earlier, another word, so that nothing can be answered from what was kept of the round before.
import { createInterface } from 'node:readline'

const METHODS = ['card', 'paypal', 'transfer', 'cash']

// The first instant of a month in ms UTC, so many months before.
export const monthStart = (date, back) => Date.UTC(Number(date.slice(0, 4)), Number(date.slice(5, 7)) - 1 - back, 1)
const range = (from, to, v) => `created_at >= ${monthStart(from, v)} AND created_at < ${monthStart(to, v)}`

// Suite A: nobody has aggregated anything before.
export function queries({ day, month, hourOfDay }) {
  return {
    sum_all: () => 'SELECT count(*), sum(total) FROM orders',
    sum_month: (v) => `SELECT count(*), sum(total) FROM orders WHERE ${range('2025-03', '2025-04', v)}`,
    filter_count: (v) => `SELECT count(*) FROM orders WHERE status = 'CANCELLED' AND payment_method = '${METHODS[v % METHODS.length]}'`,
    day_status: () => `SELECT ${day} AS d, status, count(*), sum(total) FROM orders GROUP BY d, status`,
    status: () => 'SELECT status, count(*), sum(total) FROM orders GROUP BY status',
    method_month: () => `SELECT payment_method, ${month} AS m, count(*), sum(total) FROM orders GROUP BY payment_method, m`,
    top_customers_quarter: (v) => `SELECT customer_id, count(*), sum(total) AS s, max(created_at) FROM orders
      WHERE customer_id IS NOT NULL AND ${range('2025-01', '2025-04', v)}
      GROUP BY customer_id ORDER BY s DESC, customer_id LIMIT 100`,
    top_customers_all: () => `SELECT customer_id, count(*), sum(total) AS s FROM orders WHERE customer_id IS NOT NULL
      GROUP BY customer_id ORDER BY s DESC, customer_id LIMIT 100`,
    distinct_month: () => `SELECT ${month} AS m, count(DISTINCT customer_id) FROM orders GROUP BY m`,
    top_products: () => `SELECT product_id, count(*), sum(total) AS s FROM order_lines
      GROUP BY product_id ORDER BY s DESC, product_id LIMIT 100`,
    hour_of_day: () => `SELECT ${hourOfDay} AS h, count(*), sum(total) FROM orders GROUP BY h`
  }
}
const none = { day: '0', month: '0', hourOfDay: '0' }
// Those that are asked of these tables.
export const queryNames = (tables) => Object.entries(queries(none)).filter(([, sql]) => tables.some((table) => sql(0).includes(`FROM ${table}`))).map(([name]) => name)
// Those whose variations differ; every other answer has to be computed anew because caches are off.
export const VARIATIONS = 12
const varied = Object.entries(queries(none)).filter(([, sql]) => sql(0) !== sql(1)).map(([name]) => name)
export const variationsOf = (name) => (varied.includes(name) || keptQueryNames(true).includes(name) ? VARIATIONS : 1)

// Suite B: the questions of reports, asked of tables of sums. `count` and `sum` add up what is kept ("countMerge(c)",
// "sum(c)"), tables have bucket, their dimensions, c and s.
export function keptQueries({ count, sum }) {
  const of = (from, to, v) => `bucket >= ${monthStart(from, v)} AND bucket < ${monthStart(to, v)}`
  const top = (table, key, v) => `SELECT ${key}, ${count} AS n, ${sum} AS t FROM ${table} WHERE bucket = ${monthStart('2025-03', v)}
      GROUP BY ${key} ORDER BY t DESC, ${key} LIMIT 100`
  return {
    kept_month_status_currency: (v) => `SELECT status, currency, ${count} AS n, ${sum} AS t FROM orders_by_month WHERE bucket = ${monthStart('2025-03', v)} GROUP BY status, currency`,
    kept_month_by_day: (v) => `SELECT bucket, ${count} AS n, ${sum} AS t FROM orders_by_day WHERE ${of('2025-03', '2025-04', v)} GROUP BY bucket`,
    kept_year_by_day: (v) => `SELECT bucket, ${count} AS n, ${sum} AS t FROM orders_by_day WHERE ${of('2025-01', '2026-01', v)} GROUP BY bucket`,
    kept_all_month_status: () => `SELECT bucket, status, ${count} AS n, ${sum} AS t FROM orders_by_month GROUP BY bucket, status`,
    kept_month_method: (v) => `SELECT payment_method, ${count} AS n, ${sum} AS t FROM orders_by_month WHERE bucket = ${monthStart('2025-03', v)} GROUP BY payment_method`,
    kept_month_top_customers: (v) => top('customers_by_month', 'customer_id', v),
    kept_month_top_products: (v) => top('products_by_month', 'product_id', v)
  }
}
const ofProducts = ['kept_month_top_products']
export const keptQueryNames = (withLines) => Object.keys(keptQueries({ count: '0', sum: '0' })).filter((name) => withLines || !ofProducts.includes(name))

// The tables of sums: by which bucket, of which columns. Days and months both, as those who run such tables have them.
export const keptTables = (withLines) => [
  { name: 'orders_by_day', of: 'orders', bucket: 'day', dims: ['status', 'currency', 'payment_method'] },
  { name: 'orders_by_month', of: 'orders', bucket: 'month', dims: ['status', 'currency', 'payment_method'] },
  { name: 'customers_by_month', of: 'orders', bucket: 'month', dims: ['customer_id'], where: 'customer_id IS NOT NULL' },
  ...(withLines ? [{ name: 'products_by_month', of: 'order_lines', bucket: 'month', dims: ['product_id'] }] : [])
]

// Answers lines "NAME [V]" on stdin with {"ns":…,"engine":…,"rows":[[…]]}, every value a string or null. `run` answers
// with a function that gives the rows, and one that gives the engine's own nanoseconds where it says them: the first
// are seen from Node.js and include handing the result over.
export async function answer(names, run) {
  console.log('{"ready":true}')
  for await (const line of createInterface({ input: process.stdin })) {
    const [name, variation] = line.split(' ')
    const sql = names[name](Number(variation ?? 0))
    const before = process.hrtime.bigint()
    const { rows, engine } = await run(sql, name)
    const ns = Number(process.hrtime.bigint() - before)
    const text = rows().map((row) => row.map((v) => (v === null || v === undefined ? null : String(v))))
    console.log(JSON.stringify({ ns, engine: engine?.(), rows: text }))
  }
}
