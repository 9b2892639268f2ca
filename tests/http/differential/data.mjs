// SPDX-License-Identifier: Apache-2.0
// A random company as CSV texts: nulls, skew, odd strings, negative and four-decimal money, late rows, references to
// nothing, times around clock changes.
import { tables } from './schema.mjs'
import { DAY } from './calendar.mjs'

const odd = [
  'completed', 'pending', 'cancelled', 'Cancelled', 'a "quoted" one', '"', 'comma, status', 'two\nlines', "it's", 'ÉTÉ',
  'été', 'Łódź', 'łódź', 'naïve Ünïcode', '商品', 'эмодзи 🎉', 'NULL', 'null', '0', '-1', '\\N', '%', '_', 'a;b', '{"x":1}',
  'Ångström', 'smørrebrød', 'ñandú', 'completed ok', 'z'
]
const currencies = ['EUR', 'USD', 'JPY', 'CHF', 'KWD']
const pad = (n, width) => String(n).padStart(width, '0')

// One of the ways to write an instant.
function timeText(r, ms) {
  const utc = new Date(ms).toISOString()
  if (r.chance(0.7)) return ms % 1000 === 0 ? utc.replace('.000Z', 'Z') : utc
  const minutes = r.pick([0, 120, -330, 345, -60, 840])
  const local = new Date(ms + minutes * 60_000).toISOString().slice(0, -1)
  const size = Math.abs(minutes)
  const offset = `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60), 2)}:${pad(size % 60, 2)}`
  return (r.chance(0.5) ? local.replace('T', ' ') : local) + offset
}

// `units` ten-thousandths as decimal text, sometimes with zeros to spare.
function moneyText(r, units) {
  const size = units < 0n ? -units : units
  let text = `${size / 10000n}.${pad(size % 10000n, 4)}`
  if (r.chance(0.8)) text = text.replace(/0+$/, '').replace(/\.$/, '')
  return (units < 0n ? '-' : '') + text
}

function moneyUnits(r) {
  return BigInt(
    r.weighted([
      [50, () => r.int(100, 30000) * 100],
      [10, () => r.int(-500000, 500000) * 100],
      [15, () => r.int(-99999999, 99999999)],
      [10, () => r.int(0, 500) * 10000],
      [10, () => 0],
      [4, () => r.int(-9, 9)],
      [1, () => r.int(-90071992547409, 90071992547409)]
    ])()
  )
}

export class Company {
  // `sizes`: rows a table. `changes`: instants around which more happens.
  constructor(r, sizes, changes) {
    this.r = r
    this.sizes = sizes
    this.changes = changes
    this.used = {} // ids a table
    this.serial = 0
  }

  time() {
    const { r } = this
    return r.weighted([
      [80, () => Date.UTC(2023, 0, 1) + r.int(0, 900 * DAY / 1000) * 1000],
      [8, () => Date.UTC(2024, 2, 1) + r.int(0, 40) * DAY + r.pick([0, -1, 1, 3600000])],
      [6, () => r.pick(this.changes) + r.int(-180, 180) * 60_000 + r.pick([0, 0, 1, -1])],
      [4, () => Date.UTC(2011, 3, 1) + r.int(0, 4000 * DAY)],
      [2, () => Date.UTC(2025, 5, 1) + r.int(0, 5) * 250]
    ])()
  }

  reference(table, missing = 0.1) {
    const { r } = this
    if (r.chance(missing)) return ''
    const count = this.sizes[table]
    // A few of these exist nowhere.
    return this.id(table, r.skewed(Math.ceil(count * 1.03)))
  }

  id(table, n) {
    const shape = { customers: ['c', 'C'], products: ['p-', 'P/'], orders: ['o', 'Ö-'], order_lines: ['', 'L,'] }[table]
    const [usual, rare] = shape ?? [table[0], table[0].toUpperCase()]
    return n % 17 === 3 ? `${rare}${n}` : `${usual}${n}`
  }

  maybe(missing, make) {
    return this.r.chance(missing) ? '' : make()
  }

  // The CSV cells of one row; created: its time in ms.
  row(table, n, created) {
    const { r } = this
    const money = (missing = 0) => this.maybe(missing, () => moneyText(r, moneyUnits(r)))
    const later = (missing) => this.maybe(missing, () => timeText(r, created + r.int(0, 20 * DAY)))
    const word = (missing = 0) => this.maybe(missing, () => odd[r.skewed(odd.length)])
    const name = (missing) => this.maybe(missing, () => `${r.pick(odd)}${r.chance(0.5) ? ' ' + r.int(1, 30) : ''}`)
    const id = this.id(table, n)
    switch (table) {
      case 'categories':
      case 'markets':
        return { id, name: name(0) }
      case 'customers':
        return {
          id, name: name(0.15), email: this.maybe(0.3, () => `${pad(n, 3)}@example.org`), created_at: later(0.2),
          updated_at: later(0.6)
        }
      case 'products':
        return {
          id, name: name(0), sku: this.maybe(0.3, () => `SKU ${r.int(1, 40)}`), category_id: this.reference('categories'),
          unit: r.pick(['', 'kg', 'piece', 'm²']), price: money(0.1), stock: this.maybe(0.2, () => String(r.int(-20, 900))),
          is_active: r.pick(['true', 'false', 'true', '']), created_at: later(0.1), updated_at: later(0.5)
        }
      case 'variants':
        return {
          id, product_id: this.reference('products', 0), name: name(0.2), sku: this.maybe(0.4, () => `V${r.int(1, 50)}`)
        }
      case 'orders':
        return {
          id, created_at: timeText(r, created), updated_at: later(0.3),
          kind: r.pick(['standard', 'standard', 'flexible', 'preorder', 'pos', '']), status: word(),
          customer_id: this.reference('customers'), currency: this.maybe(0.08, () => currencies[r.skewed(currencies.length)]),
          subtotal: money(0.2), discount: money(0.7), shipping: money(0.5), tax: money(0.4),
          // Near the ends of 64 bits now and then: sums need more.
          tip: r.chance(0.01) ? moneyText(r, BigInt(r.pick([-1, 1])) * 900_000_000_000_000_0000n + BigInt(r.int(0, 99))) : money(0.6),
          total: money(), payment_method: r.pick(['card', 'cash', 'paypal', 'card', '']), market_id: this.reference('markets', 0.3),
          confirmed_at: later(0.3), completed_at: later(0.5), cancelled_at: later(0.85), cancel_reason: word(0.85)
        }
      case 'order_lines':
        return {
          id, order_id: this.reference('orders', 0) , created_at: this.maybe(0.5, () => timeText(r, created)),
          product_id: this.reference('products', 0.05), variant_id: this.reference('variants', 0.5),
          quantity: String(r.int(-2, 12)), unit_price: money(0.1), discount: money(0.8), total: money(), deposit: money(0.7),
          cancelled_at: later(0.9), cancel_reason: word(0.9), refunded: money(0.8)
        }
      case 'payments':
        return {
          id, created_at: timeText(r, created), order_id: this.reference('orders', 0.1), line_id: this.reference('order_lines', 0.6),
          customer_id: this.reference('customers', 0.2), kind: r.pick(['payment', 'deposit', 'balance', 'refund', '']),
          status: r.pick(['confirmed', 'confirmed', 'pending', 'failed', '']), method: r.pick(['card', 'cash', 'wire', '']),
          amount: money(), currency: this.maybe(0.1, () => r.pick(currencies))
        }
    }
  }

  // The whole table, mostly in order of time.
  first(table) {
    const count = this.sizes[table]
    const times = Array.from({ length: count }, () => this.time())
    if (this.r.chance(0.7)) times.sort((a, b) => a - b)
    for (let i = 0; i < count / 50; i++) times[this.r.int(0, count - 1)] = this.time()
    return times.map((time, n) => this.row(table, n, time))
  }

  // Rows that exist already, some twice, and new ones.
  second(table) {
    const { r } = this
    const count = this.sizes[table]
    const rows = []
    for (let i = 0; i < count * 0.06 + 2; i++) rows.push(this.row(table, r.int(0, count - 1), this.time()))
    for (let i = 0; i < count * 0.03; i++) rows.push(this.row(table, count + i, this.time()))
    rows.push({ ...rows[0] }, this.row(table, 0, this.time()), this.row(table, 0, this.time()))
    return rows
  }

  removed(table) {
    const { r } = this
    const ids = new Set()
    for (let i = 0; i < this.sizes[table] * 0.02 + 1; i++) ids.add(this.id(table, r.int(0, this.sizes[table] - 1)))
    return [...ids, 'nobody']
  }
}

const cell = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

// { header, text }: columns in any order, and some optional ones left out.
export function toCsv(r, table, rows, leaveOut) {
  const required = new Set(['id', 'created_at', 'status', 'total', 'order_id', 'quantity', 'amount', 'name', 'product_id'])
  const header = r.shuffled(Object.keys(tables[table].columns)).filter(
    (column) => !leaveOut || required.has(column) || r.chance(0.85)
  )
  const lines = rows.map((row) => header.map((column) => cell(row[column])).join(','))
  return { header, text: header.join(',') + '\n' + lines.join('\n') + '\n' }
}
