// SPDX-License-Identifier: Apache-2.0
// The eleven reports of the 23blocks dialect said in SQL, and the random company that both sides are asked about.
// What is expected is the text of the answer's attributes, so that digits and the order of members count too.

const text = (sql) => `CAST(${sql} AS VARCHAR)`
const quote = (value) => `'${value.replaceAll("'", "''")}'`
const pad = (n, width = 2) => String(n).padStart(width, '0')

// ---- The company ----

const M = 'money'
const R = 'rate'
const TIME = 'time'
const T = 'text'

export const tables = {
  vendors: { id: T, name: T },
  orders: {
    id: T, created_at: TIME, kind: T, status: T, customer_id: T, currency: T, subtotal: M, tax: M, tip: M, total: M, payment_method: T,
    delivered_at: TIME
  },
  payments: {
    id: T, created_at: TIME, order_id: T, customer_id: T, kind: T, status: T, method: T, amount: M, currency: T
  },
  vendor_payments: {
    id: T, created_at: TIME, vendor_id: T, order_id: T, amount: M, currency: T, status: T, paid_at: TIME
  },
  provider_assignments: {
    id: T, created_at: TIME, order_id: T, provider_id: T, vendor_id: T, commission_rate: R, amount: M, currency: T, status: T, line_id: T
  },
  subscriptions: {
    id: T, customer_id: T, model_name: T, status: T, price: M, currency: T, billing_interval: T, started_at: TIME, trial_ends_at: TIME,
    cancelled_at: TIME, ended_at: TIME
  }
}

const states = [
  'pending', 'Pending', 'SUBMITTED', 'submitted', 'confirmed', 'CONFIRMED', 'processing', 'shipped', 'delivered', 'DELIVERED', 'cancelled',
  'canceled', 'Cancelled', 'paid', 'PAID', 'assigned', 'on hold', 'ON HOLD', 'a "word"', 'été'
]
const DAY = 86_400_000
export const FIRST = Date.UTC(2024, 8, 20)
export const DAYS = 160

export class Company {
  constructor(r, currency) {
    this.r = r
    this.currency = currency
  }

  maybe(make, missing = 0.15) {
    return this.r.chance(missing) ? undefined : make()
  }

  time() {
    const { r } = this
    return new Date(r.chance(0.8) ? FIRST + r.int(0, DAYS * 1440) * 60_000 : FIRST + r.int(0, DAYS) * DAY + r.pick([0, -1, 1, 22 * 3_600_000, 23 * 3_600_000])).toISOString()
  }

  money(sign = true) {
    const { r } = this
    const units = r.weighted([[60, () => r.int(0, 90000) * 100], [30, () => r.int(0, 9_999_999)], [10, () => 0]])()
    return `${sign && r.chance(0.1) ? '-' : ''}${Math.floor(units / 10000)}.${pad(units % 10000, 4)}`
  }

  rate() {
    const { r } = this
    return r.weighted([[5, () => r.pick(['15', '15.0', '12.5', '20', '33.333333333', '0.1'])], [3, () => `${r.int(0, 99)}.${r.int(0, 9)}`],
      [1, () => `${r.int(0, 99)}.${pad(r.int(0, 999_999_999), 9)}`], [1, () => r.pick(['0', '100', '-3', '99.999999999', '250'])]])()
  }

  make(table, count) {
    return Array.from({ length: count }, (_, i) => this.row(table, `${table[0]}${r36(i)}`))
  }

  row(table, id) {
    const { r } = this
    const currency = () => this.maybe(() => r.weighted([[70, this.currency], [20, 'JPY'], [10, 'KWD']]), 0.1)
    const vendor = () => `vendor ${r.int(1, 6)}`
    switch (table) {
      case 'orders':
        return {
          id, created_at: this.time(), kind: this.maybe(() => r.pick(['standard', 'flexible', 'flexible', 'preorder', 'pos'])), status: r.pick(states),
          customer_id: this.maybe(() => `c${r.int(1, 40)}`), currency: currency(), subtotal: this.maybe(() => this.money()), tax: this.maybe(() => this.money()),
          tip: this.maybe(() => this.money(), 0.6), total: this.money(), payment_method: this.maybe(() => r.pick(['card', 'cash', 'Card', 'wire "x"'])),
          delivered_at: this.maybe(() => this.time(), 0.5)
        }
      case 'payments':
        return {
          id, created_at: this.time(), order_id: this.maybe(() => `o${r.int(1, 90)}`), customer_id: this.maybe(() => `c${r.int(1, 40)}`),
          kind: this.maybe(() => r.pick(['payment', 'payment', 'deposit', 'balance', 'refund'])), status: this.maybe(() => r.pick(['confirmed', 'confirmed', 'pending', 'failed', 'refunded'])),
          method: this.maybe(() => r.pick(['card', 'cash', 'stripe', 'unknown'])), amount: this.money(), currency: currency()
        }
      case 'vendor_payments':
        return {
          id, created_at: this.time(), vendor_id: vendor(), order_id: this.maybe(() => `o${r.int(1, 90)}`), amount: this.money(), currency: currency(),
          status: this.maybe(() => r.pick(states)), paid_at: this.maybe(() => this.time(), 0.4)
        }
      case 'provider_assignments':
        return {
          id, created_at: this.time(), order_id: this.maybe(() => `o${r.int(1, 90)}`), provider_id: `p${r.int(1, 9)}`, vendor_id: this.maybe(vendor),
          commission_rate: this.maybe(() => this.rate()), amount: this.money(), currency: currency(), status: this.maybe(() => r.pick(states)),
          line_id: this.maybe(() => `l${r.int(1, 90)}`)
        }
      case 'subscriptions':
        return {
          id, customer_id: `c${r.int(1, 40)}`, model_name: `model ${r.int(1, 5)}`, currency: currency(), price: this.money(false),
          status: r.pick(['active', 'Active', 'active', 'cancelling', 'cancelled', 'CANCELED', 'expired', 'paused', 'unpaid', 'trialing']),
          billing_interval: this.maybe(() => r.pick(['month', 'month', 'year', 'week'])), started_at: this.time(),
          trial_ends_at: this.maybe(() => this.time(), 0.7), cancelled_at: this.maybe(() => this.time(), 0.6), ended_at: this.maybe(() => this.time(), 0.7)
        }
      default:
        return { id, name: id }
    }
  }
}

const r36 = (n) => n.toString(36)

// ---- DuckDB ----

const parse = {
  money: (x) => `CAST(CAST(${x} AS DECIMAL(24,4)) * 10000 AS HUGEINT)`,
  rate: (x) => `CAST(CAST(${x} AS DECIMAL(24,9)) * 1000000000 AS HUGEINT)`,
  time: (x) => `epoch_ms(CAST(${x} AS TIMESTAMPTZ))`,
  text: (x) => x
}

// Puts the rows of an NDJSON file into a table, times as milliseconds, money and rates as whole numbers.
export async function load(duck, table, file) {
  const columns = Object.entries(tables[table])
  const names = columns.map(([name]) => `${name}: 'VARCHAR'`).join(', ')
  const values = columns.map(([name, type]) => `${parse[type](name)} AS ${name}`).join(', ')
  await duck.run(`CREATE OR REPLACE TABLE ${table} AS SELECT ${values} FROM read_json(${quote(file)}, format = 'newline_delimited', columns = {${names}})`)
}

// ---- Exact numbers ----

function divideAway(numerator, denominator) {
  const [n, d] = denominator < 0n ? [-numerator, -denominator] : [numerator, denominator]
  const magnitude = ((n < 0n ? -n : n) * 2n + d) / (2n * d)
  return n < 0n ? -magnitude : magnitude
}

// numerator ÷ denominator with so many digits.
function decimal(numerator, denominator, digits) {
  const value = divideAway(numerator * 10n ** BigInt(digits), denominator)
  const size = String(value < 0n ? -value : value).padStart(digits + 1, '0')
  const sign = value < 0n ? '-' : ''
  return digits ? `${sign}${size.slice(0, -digits)}.${size.slice(-digits)}` : `${sign}${size}`
}

const gcd = (a, b) => (b === 0n ? (a < 0n ? -a : a) : gcd(b, a % b))

class Raw {
  constructor(digits) {
    this.digits = digits
  }
}

function write(value) {
  if (value instanceof Raw) return value.digits
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`
  if (value !== null && typeof value === 'object')
    return `{${Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}:${write(member)}`).join(',')}}`
  return JSON.stringify(value)
}

// ---- Reports ----

const digitsOf = { JPY: 0, KWD: 3 }
const meaning = (x) => `CASE lower(${x}) WHEN 'submitted' THEN 'pending' WHEN 'canceled' THEN 'cancelled' ELSE lower(${x}) END`

const sources = {
  orders: { table: 'orders', amount: 'total', where: "(kind IS NULL OR kind <> 'flexible')", method: 'payment_method' },
  flexible: { table: 'orders', amount: 'total', where: "kind = 'flexible'", method: 'payment_method' },
  providers: { table: 'provider_assignments', amount: 'amount', initial: 'assigned', vendor: true },
  payments: { table: 'payments', amount: 'amount', where: "(kind IS NULL OR kind <> 'refund')", initial: 'pending', method: 'method' },
  vendors: { table: 'vendor_payments', amount: 'amount', initial: 'pending', vendor: true, leftOut: 'cancelled' },
  subscriptions: { table: 'subscriptions', amount: 'price', time: 'started_at', stock: true }
}

class Question {
  // company: { zone, currency }; fields: those of the request, dates included.
  constructor(duck, company, source, fields) {
    Object.assign(this, { duck, company, source, fields })
    this.currency = fields.currency?.toUpperCase() ?? company.currency
    this.digits = digitsOf[this.currency] ?? 2
    this.time = source.time ?? 'created_at'
  }

  local(time) {
    return `(epoch_ms(${time}) AT TIME ZONE 'UTC' AT TIME ZONE '${this.company.zone}')`
  }

  // The first instant of a local day, in milliseconds.
  start(day, more = 0) {
    return `epoch_ms(CAST(CAST(DATE '${day}' + ${more} AS TIMESTAMP) AT TIME ZONE '${this.company.zone}' AS TIMESTAMPTZ))`
  }

  get from() {
    return this.start(this.fields.start_date)
  }

  get end() {
    return this.start(this.fields.end_date, 1)
  }

  get rows() {
    const { source, fields, company } = this
    const status = source.initial ? `coalesce(${meaning('status')}, '${source.initial}')` : meaning('status')
    const conditions = [`${this.time} < ${this.end}`, `currency_of = '${this.currency}'`]
    if (!source.stock) conditions.push(`${this.time} >= ${this.from}`)
    if (source.where) conditions.push(source.where)
    if (fields.status) conditions.push(`state = ${meaning(quote(fields.status))}`)
    else if (source.leftOut) conditions.push(`state <> '${source.leftOut}'`)
    if (source.vendor && fields.vendor_id) conditions.push(`vendor_id = ${quote(fields.vendor_id)}`)
    if (source.method && fields.payment_method) conditions.push(`${source.method} = ${quote(fields.payment_method)}`)
    return `(SELECT *, ${status} AS state, coalesce(currency, '${company.currency}') AS currency_of FROM ${source.table} WHERE ${conditions.join(' AND ')})`
  }

  ask(sql) {
    return this.duck.rows(sql)
  }

  money(units, divisor = 1n) {
    return units === null ? null : new Raw(decimal(BigInt(units), 10000n * divisor, this.digits))
  }

  percent(numerator, denominator) {
    return new Raw(decimal(BigInt(numerator), BigInt(denominator), 1))
  }

  async totals(...columns) {
    const sums = columns.map((column) => text(`coalesce(sum(${column}), 0)`))
    return (await this.ask(`SELECT ${[text('count(*)'), ...sums].join(', ')} FROM ${this.rows}`))[0]
  }

  get period() {
    return { start_date: this.fields.start_date, end_date: this.fields.end_date }
  }

  async breakdown(countKey, sumKey) {
    const [key, format] = { week: ['week', '%G-W%V'], month: ['month', '%Y-%m'] }[this.fields.group_by] ?? ['date', '%Y-%m-%d']
    const { start_date, end_date } = this.fields
    const rows = await this.ask(`
      WITH days AS (SELECT strftime(CAST(range AS TIMESTAMP), '${format}') AS label FROM range(TIMESTAMP '${start_date}', TIMESTAMP '${end_date}' + INTERVAL 1 DAY, INTERVAL 1 DAY)),
        counted AS (SELECT strftime(${this.local(this.time)}, '${format}') AS label, count(*) AS n, sum(${this.source.amount}) AS s FROM ${this.rows} GROUP BY 1)
      SELECT d.label, ${text('coalesce(n, 0)')}, ${text('coalesce(s, 0)')} FROM (SELECT DISTINCT label FROM days) d LEFT JOIN counted c ON c.label = d.label ORDER BY d.label`)
    return rows.map(([label, count, sum]) => ({ [key]: label, [countKey]: Number(count), [sumKey]: this.money(sum) }))
  }

  // Records in order of time and id, or a page of them; columns: [key, sql, kind].
  async list(columns, totalKey) {
    const { page, per_page } = this.fields
    const isPaged = page !== undefined || per_page !== undefined
    const size = per_page ?? 100
    const limit = isPaged ? `LIMIT ${size} OFFSET ${((page ?? 1) - 1) * size}` : ''
    const rows = await this.ask(`SELECT ${columns.map(([, sql]) => text(sql)).join(', ')} FROM ${this.rows} r LEFT JOIN vendors v ON ${this.source.vendor ? 'v.id = r.vendor_id' : 'FALSE'}
      ORDER BY r.${this.time}, r.id ${limit}`)
    const [count, sum] = await this.totals(this.source.amount)
    const cell = (kind, value) => {
      if (value === null || kind === undefined) return value
      if (kind === 'money') return this.money(value)
      if (kind === 'rate') return new Raw(decimal(BigInt(value), 1_000_000_000n, 1))
      return new Date(Math.floor(Number(value) / 1000) * 1000).toISOString().replace('.000Z', 'Z')
    }
    const records = rows.map((row) => Object.fromEntries(columns.map(([key, , kind], i) => [key, cell(kind, row[i])])))
    return { records, total_records: Number(count), ...(totalKey && { [totalKey]: this.money(sum) }) }
  }
}

async function ordersSummary(q) {
  const isFlexible = q.source === sources.flexible
  const [orders, revenue, tax, tips] = await q.totals('total', 'tax', 'tip')
  const counts = await q.ask(`SELECT state, ${text('count(*)')} FROM ${q.rows} GROUP BY 1 ORDER BY 1`)
  const always = ['pending', 'confirmed', 'processing', ...(isFlexible ? [] : ['shipped']), 'delivered', 'cancelled']
  const found = new Map(counts.map(([state, count]) => [state, Number(count)]))
  return {
    total_orders: Number(orders), total_revenue: q.money(revenue), average_order_value: q.money(revenue, BigInt(orders) || 1n),
    ...(isFlexible ? {} : { total_tax: q.money(tax), total_tips: q.money(tips) }), currency: q.currency, period: q.period,
    by_status: Object.fromEntries([...always.map((state) => [state, found.get(state) ?? 0]), ...[...found].filter(([state]) => !always.includes(state))]),
    breakdown: await q.breakdown('orders', 'revenue')
  }
}

const ordersList = (q) => q.list([
  ['order_id', 'r.id'], ['user_id', 'customer_id'], ['total', 'total', 'money'], ['subtotal', 'subtotal', 'money'], ['tax', 'tax', 'money'],
  ['status', 'state'], ['payment_method', 'payment_method'], ['created_at', 'created_at', 'time'], ['delivered_at', 'delivered_at', 'time']
], 'total_revenue')

const providersList = (q) => q.list([
  ['provider_id', 'provider_id'], ['vendor_id', 'vendor_id'], ['vendor_name', 'v.name'], ['order_id', 'order_id'], ['detail_id', 'line_id'],
  ['commission_rate', 'commission_rate', 'rate'], ['amount', 'amount', 'money'], ['status', 'state']
])

async function providersSummary(q) {
  const [count, amount] = await q.totals('amount')
  const rates = await q.ask(`SELECT ${text('commission_rate')}, ${text('sum(amount)')} FROM ${q.rows} WHERE commission_rate > 0 AND commission_rate < 100000000000 GROUP BY 1`)
  let [numerator, denominator] = [0n, 1n]
  for (const [rate, sum] of rates) {
    const left = 100_000_000_000n - BigInt(rate)
    numerator = numerator * left + BigInt(sum) * BigInt(rate) * denominator
    denominator *= left
    const common = gcd(numerator, denominator) || 1n
    ;[numerator, denominator] = [numerator / common, denominator / common]
  }
  const vendors = await q.ask(`SELECT vendor_id, any_value(v.name), ${text('count(*)')}, ${text('sum(amount)')}, ${text('coalesce(sum(commission_rate), 0)')}, ${text('count(commission_rate)')}
    FROM ${q.rows} r LEFT JOIN vendors v ON v.id = r.vendor_id GROUP BY vendor_id ORDER BY sum(amount) DESC, vendor_id NULLS FIRST`)
  return {
    total_assignments: Number(count), total_provider_amount: q.money(amount), total_commission: q.money(numerator, denominator), currency: q.currency,
    by_vendor: vendors.map(([vendor_id, vendor_name, assignments, sum, rateSum, rated]) => ({
      vendor_id, vendor_name, assignments: Number(assignments), total_amount: q.money(sum),
      avg_commission_rate: new Raw(decimal(BigInt(rateSum), 1_000_000_000n * (BigInt(rated) || 1n), 1))
    }))
  }
}

const paymentsList = (q) => q.list([
  ['payment_id', 'r.id'], ['order_id', 'order_id'], ['user_id', 'customer_id'], ['amount', 'amount', 'money'], ['currency', 'currency_of'], ['status', 'state'],
  ['payment_method', 'method'], ['created_at', 'created_at', 'time']
], 'total_amount')

async function paymentsSummary(q) {
  const [count, amount] = await q.totals('amount')
  const [parts] = await q.ask(`SELECT ${['confirmed', 'pending', 'failed'].map((state) => text(`coalesce(sum(amount) FILTER (state = '${state}'), 0)`)).join(', ')} FROM ${q.rows}`)
  // What has no method comes last, with what is really called so.
  const methods = await q.ask(`SELECT coalesce(method, 'unknown') AS m, ${text('count(*)')}, ${text('sum(amount)')} FROM ${q.rows} GROUP BY 1
    ORDER BY m = 'unknown', sum(amount) DESC, m`)
  const group = q.fields.group_by
  const isBroken = group === 'day' || group === 'week' || q.fields.include?.includes('breakdown')
  return {
    total_payments: Number(count), total_amount: q.money(amount), confirmed_amount: q.money(parts[0]), pending_amount: q.money(parts[1]), failed_amount: q.money(parts[2]),
    currency: q.currency, by_method: Object.fromEntries(methods.map(([method, n, sum]) => [method, { count: Number(n), amount: q.money(sum) }])),
    ...(isBroken && { period: q.period, breakdown: await q.breakdown('payments', 'amount') })
  }
}

const vendorPaymentsList = (q) => q.list([
  ['payment_id', 'r.id'], ['vendor_id', 'vendor_id'], ['vendor_name', 'v.name'], ['order_id', 'order_id'], ['amount', 'amount', 'money'], ['status', 'state'],
  ['paid_at', 'paid_at', 'time']
], 'total_amount')

async function vendorPaymentsSummary(q) {
  const sums = `${text('count(*)')}, ${text('coalesce(sum(amount), 0)')}, ${text("coalesce(sum(amount) FILTER (state = 'paid'), 0)")}, ${text("coalesce(sum(amount) FILTER (state = 'pending'), 0)")}`
  const [[count, amount, paid, pending]] = await q.ask(`SELECT ${sums} FROM ${q.rows}`)
  const vendors = await q.ask(`SELECT vendor_id, any_value(v.name), ${sums} FROM ${q.rows} r LEFT JOIN vendors v ON v.id = r.vendor_id GROUP BY vendor_id ORDER BY sum(amount) DESC, vendor_id`)
  return {
    total_payments: Number(count), total_amount: q.money(amount), paid_amount: q.money(paid), pending_amount: q.money(pending), currency: q.currency,
    by_vendor: vendors.map(([vendor_id, vendor_name, n, sum, some]) => ({ vendor_id, vendor_name, payments: Number(n), total_amount: q.money(sum), paid_amount: q.money(some) }))
  }
}

const subscriptionsList = (q) => q.list([
  ['user_id', 'customer_id'], ['subscription_id', 'r.id'], ['model_name', 'model_name'], ['status', 'state'], ['price', 'price', 'money'], ['started_at', 'started_at', 'time']
])

async function subscriptionsSummary(q) {
  // When it ended or will: a long time ago for a cancelled one that does not say.
  const gone = `coalesce(ended_at, CASE WHEN state IN ('cancelled', 'expired') THEN coalesce(cancelled_at, -1) END)`
  const isActive = `(${gone} IS NULL OR ${gone} >= ${q.end})`
  const yearly = `CASE WHEN state IN ('paused', 'unpaid', 'trialing') OR coalesce(trial_ends_at >= ${q.end}, FALSE) THEN 0 ELSE price * CASE billing_interval WHEN 'year' THEN 1 WHEN 'week' THEN 52 ELSE 12 END END`
  const within = (time) => `${time} >= ${q.from} AND ${time} < ${q.end}`
  const [[total, active, fresh, churned, mrr]] = await q.ask(`SELECT ${text('count(*)')}, ${text(`count(*) FILTER (${isActive})`)},
    ${text(`count(*) FILTER (${within('coalesce(trial_ends_at, started_at)')} AND NOT coalesce(${gone} <= trial_ends_at, FALSE))`)}, ${text(`count(*) FILTER (${within(gone)})`)}, ${text(`coalesce(sum(${yearly}) FILTER (${isActive}), 0)`)} FROM ${q.rows}`)
  const models = await q.ask(`SELECT model_name, ${text('count(*)')}, ${text(`sum(${yearly})`)} FROM ${q.rows} WHERE ${isActive} GROUP BY 1 ORDER BY sum(${yearly}) DESC, model_name`)
  return {
    total_subscriptions: Number(total), active_subscriptions: Number(active), cancelled_subscriptions: Number(total) - Number(active), new_subscriptions: Number(fresh),
    churned_subscriptions: Number(churned), mrr: q.money(mrr, 12n), currency: q.currency,
    by_model: models.map(([model_name, subscribers, sum]) => ({ model_name, subscribers: Number(subscribers), revenue: q.money(sum, 12n) })),
    churn_rate: q.percent(BigInt(churned) * 100n, BigInt(total) || 1n)
  }
}

export const reports = {
  'orders/summary': ['orders', ordersSummary], 'orders/list': ['orders', ordersList], 'flexible_orders/summary': ['flexible', ordersSummary],
  'orders/providers/list': ['providers', providersList], 'orders/providers/summary': ['providers', providersSummary],
  'payments/list': ['payments', paymentsList], 'payments/summary': ['payments', paymentsSummary],
  'vendors/payments/list': ['vendors', vendorPaymentsList], 'vendors/payments/summary': ['vendors', vendorPaymentsSummary],
  'users/subscriptions/list': ['subscriptions', subscriptionsList], 'users/subscriptions/summary': ['subscriptions', subscriptionsSummary]
}

// The body that an answer must have.
export async function expected(duck, company, report, fields) {
  const [source, make] = reports[report]
  const attributes = await make(new Question(duck, company, sources[source], fields))
  return write({ data: { type: 'report', attributes } })
}
