// SPDX-License-Identifier: Apache-2.0
// Polars' side of the scans: `polars.mjs CSVDIR THREADS TABLE…`. Data frames in memory, sorted by time; strings that are grouped
// are categorical, as its users would have them.
import { answer, queries } from './queries.mjs'

const [, , folder, threads, ...words] = process.argv
process.env.POLARS_MAX_THREADS = threads
const { default: pl } = await import('nodejs-polars')

const read = (table, columns) => pl.readCSV(`${folder}/${table}.csv`, { columns, inferSchemaLength: 0 })
const time = pl.col('created_at').str.strptime(pl.Datetime('ms'), '%Y-%m-%dT%H:%M:%S%.3fZ')
// Amounts of the made-up company have two decimals and stand far below 2^53 ten-thousandths: exact as they are read.
const total = pl.col('total').cast(pl.Float64).mul(pl.lit(10000)).round(0).cast(pl.Int64).alias('total')
const group = (name) => pl.col(name).cast(pl.Categorical)
const orders = read('orders', ['created_at', 'status', 'customer_id', 'payment_method', 'total'])
  .withColumns(time.alias('at'), time.cast(pl.Int64).alias('created_at'), total, group('status'), group('customer_id'), group('payment_method'))
  .sort('created_at')
const frames = { orders }
if (words.includes('order_lines')) frames.order_lines = read('order_lines', ['product_id', 'total']).withColumns(total, group('product_id'))
const context = pl.SQLContext(frames)
const sql = queries({
  day: 'created_at // 86400000 * 86400000',
  month: '(EXTRACT(year FROM at) * 12 + EXTRACT(month FROM at) - 1)',
  hourOfDay: '(created_at // 3600000) % 24'
})
// A month of the SQL above is a number of months; the others answer with its first millisecond.
const monthAt = { method_month: 1, distinct_month: 0 }
const instant = (months) => Date.UTC(Math.floor(months / 12), months % 12, 1)

await answer(sql, async (text, name) => {
  const frame = context.execute(text, { eager: true })
  return { rows: () => frame.rows().map((row) => row.map((value, i) => (i === monthAt[name] ? instant(Number(value)) : value))) }
})
process.stdout.write('', () => process.exit(0))
