// SPDX-License-Identifier: Apache-2.0
// The scan queries as SQL that DuckDB and ClickHouse both speak but for the functions in `dialect`. Columns: created_at
// is int64 milliseconds, money int64 ten-thousandths, strings as they are.
export function queries(dialect) {
  const { day, month, hourOfDay } = dialect
  const ms = (date) => Date.parse(`${date}T00:00:00Z`)
  const range = (from, to) => `created_at >= ${ms(from)} AND created_at < ${ms(to)}`
  return {
    sum_all: 'SELECT count(*), sum(total) FROM orders',
    sum_month: `SELECT count(*), sum(total) FROM orders WHERE ${range('2025-03-01', '2025-04-01')}`,
    filter_count: "SELECT count(*) FROM orders WHERE status = 'CANCELLED' AND payment_method = 'card'",
    day_status: `SELECT ${day} AS d, status, count(*), sum(total) FROM orders GROUP BY d, status`,
    status: 'SELECT status, count(*), sum(total) FROM orders GROUP BY status',
    method_month: `SELECT payment_method, ${month} AS m, count(*), sum(total) FROM orders GROUP BY payment_method, m`,
    top_customers_quarter: `SELECT customer_id, count(*), sum(total) AS s, max(created_at) FROM orders
      WHERE customer_id IS NOT NULL AND ${range('2025-01-01', '2025-04-01')}
      GROUP BY customer_id ORDER BY s DESC, customer_id LIMIT 100`,
    top_customers_all: `SELECT customer_id, count(*), sum(total) AS s FROM orders WHERE customer_id IS NOT NULL
      GROUP BY customer_id ORDER BY s DESC, customer_id LIMIT 100`,
    distinct_month: `SELECT ${month} AS m, count(DISTINCT customer_id) FROM orders GROUP BY m`,
    top_products: `SELECT product_id, count(*), sum(total) AS s FROM order_lines
      GROUP BY product_id ORDER BY s DESC, product_id LIMIT 100`,
    hour_of_day: `SELECT ${hourOfDay} AS h, count(*), sum(total) FROM orders GROUP BY h`
  }
}
const none = { day: '0', month: '0', hourOfDay: '0' }
export const queryNames = Object.keys(queries(none))

// Answers lines "NAME" on stdin with {"ns":…,"rows":[[…]]}, every value a string or null.
export async function answer(names, run) {
  const { createInterface } = await import('node:readline')
  console.log('{"ready":true}')
  for await (const name of createInterface({ input: process.stdin })) {
    const before = process.hrtime.bigint()
    const rows = await run(names[name], name)
    const ns = Number(process.hrtime.bigint() - before)
    const text = rows().map((row) => row.map((v) => (v === null || v === undefined ? null : String(v))))
    console.log(JSON.stringify({ ns, rows: text }))
  }
}
