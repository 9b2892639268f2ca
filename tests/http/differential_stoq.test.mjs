// SPDX-License-Identifier: Apache-2.0
// The differential oracle for STOQ's nine reports: random shops with several currencies and rates, answered by
// Daybook over HTTP and by DuckDB in SQL, equal in every field of every answer.
//
// DBK_SEED repeats a run. Local days are computed here, by the calendar of JavaScript, and given to DuckDB as
// columns; money is summed there as amount × rate, in whole units of 10^-13.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Duck } from './differential/oracle.mjs'
import { Random, runSeed } from './differential/random.mjs'
import { createKey, ok, serve, temporary } from './support/daybook.mjs'

const seed = runSeed()
const DAY = 86_400_000
const ZONE = 'Europe/Berlin'
const CURRENCIES = ['EUR', 'USD', 'JPY']
const DIGITS = { EUR: 2, USD: 2, JPY: 0 }
const REPORTS = '/api/v2/external/preorders/reports'
// The clocks of the zone go forward on 29 March 2026.
const FIRST = Date.UTC(2026, 1, 10)
const DAYS = 90

// How a locale writes a date differs between versions of Node.js; its parts do not.
const berlin = new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, year: 'numeric', month: '2-digit', day: '2-digit' })
const localDate = (ms) => {
  const parts = Object.fromEntries(berlin.formatToParts(ms).map(({ type, value }) => [type, value]))
  return `${parts.year}-${parts.month}-${parts.day}`
}
const quote = (value) => (value === null || value === undefined || value === '' ? 'NULL' : `'${String(value).replaceAll("'", "''")}'`)

let duck
let server
const data = temporary()

before(async () => {
  console.log(`differential: DBK_SEED=${seed}`)
  duck = await Duck.start()
  server = await serve(data)
})

after(async () => {
  duck.close()
  await server.stop()
})

// ---- A random shop ----

const uuid = (n) => `${String(n).padStart(8, '0')}-0000-4000-8000-00000000000${n % 10}`
const money = (r) => (r.int(-500, 99999) / r.pick([1, 10, 100, 10000])).toFixed(4)
const time = (r) => FIRST + r.int(0, DAYS * 1440) * 60_000 + r.pick([0, 0, 1, 999])
const maybe = (r, missing, make) => (r.chance(missing) ? '' : make())

function makeShop(r) {
  const shop = { offers: [], products: [], variants: [], offer_variants: [], customers: [], fx_rates: [], orders: [], order_lines: [], payments: [] }
  for (let i = 1; i <= 6; i++) shop.offers.push({ id: uuid(i), name: maybe(r, 0.2, () => `Offer, "${i}"`) })
  for (let i = 1; i <= 7; i++) shop.products.push({ id: `p${i}`, name: maybe(r, 0.2, () => `Product ${i}`), sku: maybe(r, 0.3, () => `S${i}`) })
  for (let i = 1; i <= 15; i++)
    shop.variants.push({ id: `v${i}`, product_id: `p${r.int(1, 8)}`, name: maybe(r, 0.2, () => `Variant ${i}`), sku: maybe(r, 0.3, () => `V${i}`) })
  for (const { id } of shop.offers)
    for (let i = 1; i <= 15; i++) if (r.chance(0.4)) shop.offer_variants.push({ offer_id: id, variant_id: `v${i}` })
  for (let i = 1; i <= 40; i++) shop.customers.push({ id: `c${i}`, name: maybe(r, 0.2, () => `Customer ${i}`), email: maybe(r, 0.3, () => `c${i}@x.example`) })
  for (let day = -1; day <= DAYS + 1; day++)
    for (const base of CURRENCIES)
      for (const other of CURRENCIES)
        if (base !== other)
          shop.fx_rates.push({ date: new Date(FIRST + day * DAY).toISOString().slice(0, 10), base, quote: other, rate: (0.0001 + r.fraction() * 200).toFixed(9) })
  for (let i = 0; i < 500; i++) shop.orders.push(makeOrder(r, i))
  for (let i = 0; i < 1100; i++) shop.order_lines.push(makeLine(r, i, shop))
  for (let i = 0; i < 900; i++) shop.payments.push(makePayment(r, i, shop))
  return shop
}

function makeOrder(r, i) {
  const at = time(r)
  return {
    id: `o${i}`, created_at: at, kind: r.pick(['preorder', 'preorder', 'preorder', 'standard', '']), status: 'open', total: money(r),
    currency: r.weighted([[50, () => 'EUR'], [20, () => 'USD'], [20, () => 'JPY'], [10, () => '']])(), customer_id: maybe(r, 0.1, () => `c${r.int(1, 42)}`),
    market_id: maybe(r, 0.3, () => `m${r.int(1, 3)}`), cancelled_at: maybe(r, 0.8, () => at + r.int(0, 20 * DAY)),
    cancel_reason: maybe(r, 0.5, () => r.pick(['late', 'dear', 'other']))
  }
}

// An order's lines are placed with it; a line is cancelled by itself only where the order is not, so that orders are
// cancelled in one way.
function makeLine(r, i, shop) {
  const order = r.pick(shop.orders)
  order.mode ??= r.pick(['line', 'order'])
  return {
    id: `l${i}`, order_id: order.id, created_at: order.created_at, offer_id: maybe(r, 0.15, () => uuid(r.int(1, 7))), product_id: maybe(r, 0.1, () => `p${r.int(1, 8)}`),
    variant_id: maybe(r, 0.1, () => `v${r.int(1, 16)}`), quantity: r.int(-1, 9), total: money(r), deposit: maybe(r, 0.3, () => money(r)),
    cancelled_at: order.mode === 'line' && order.cancelled_at !== '' ? order.cancelled_at : '', cancel_reason: maybe(r, 0.7, () => r.pick(['late', 'alone']))
  }
}

function makePayment(r, i, shop) {
  const line = r.pick(shop.order_lines)
  return {
    id: `y${i}`, created_at: time(r), order_id: line.order_id, line_id: maybe(r, 0.2, () => line.id), kind: r.pick(['deposit', 'balance', 'balance', 'refund', 'payment']),
    status: r.pick(['confirmed', 'confirmed', 'failed', 'pending']), amount: money(r), currency: r.pick([...CURRENCIES, ''])
  }
}

// ---- Into both ----

const isTime = (column) => column.endsWith('_at')

async function intoDaybook(tenant, shop) {
  const key = await createKey(data, tenant, 'ingest:write,reports:read')
  await ok(['tenant', 'set', '--data', data, '--tenant', tenant, '--currency', 'EUR', '--timezone', ZONE])
  for (const [table, rows] of Object.entries(shop)) {
    const texts = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([column, value]) => value !== '' && column !== 'mode')
      .map(([column, value]) => [column, isTime(column) ? new Date(value).toISOString() : value])))
    const answer = await server.ingest(table, key, texts)
    assert.deepEqual([answer.status, answer.json.rejected], [200, []], `${table}: ${answer.body.slice(0, 300)}`)
  }
  return key
}

async function intoDuck(shop) {
  const columns = {
    offers: 'id VARCHAR, name VARCHAR', products: 'id VARCHAR, name VARCHAR, sku VARCHAR', variants: 'id VARCHAR, product_id VARCHAR, name VARCHAR, sku VARCHAR',
    offer_variants: 'offer_id VARCHAR, variant_id VARCHAR', customers: 'id VARCHAR, name VARCHAR, email VARCHAR',
    fx_rates: 'date VARCHAR, base VARCHAR, quote VARCHAR, rate HUGEINT',
    orders: 'id VARCHAR, created_at VARCHAR, kind VARCHAR, currency VARCHAR, customer_id VARCHAR, market_id VARCHAR, cancelled_at VARCHAR, cancel_reason VARCHAR',
    order_lines: 'id VARCHAR, order_id VARCHAR, created_at VARCHAR, offer_id VARCHAR, product_id VARCHAR, variant_id VARCHAR, quantity BIGINT, total DECIMAL(18, 4), deposit DECIMAL(18, 4), cancelled_at VARCHAR, cancel_reason VARCHAR',
    payments: 'id VARCHAR, created_at VARCHAR, order_id VARCHAR, line_id VARCHAR, kind VARCHAR, status VARCHAR, amount DECIMAL(18, 4), currency VARCHAR'
  }
  for (const [table, definition] of Object.entries(columns)) {
    const names = definition.split(', ').map((column) => column.split(' ')[0]).filter((name) => !/^\d/.test(name))
    await duck.run(`CREATE OR REPLACE TABLE ${table} (${definition})`)
    const values = shop[table].map((row) => `(${names.map((name) => quote(isTime(name) && row[name] !== '' ? localDate(row[name]) : name === 'rate' ? row.rate.replace('.', '') : row[name])).join(', ')})`)
    await duck.run(`INSERT INTO ${table} VALUES ${values.join(', ')}`)
  }
}

// ---- The nine in SQL ----

// Views over the request's scope: `l` preorder lines and `y` payments, with what they are worth in the reporting
// currency; `on_day` is the day that counts, `gone` the day of cancellation.
async function makeViews(q) {
  const rate = (currency, day) => `CASE WHEN coalesce(${currency}, 'EUR') = '${q.currency}' THEN 1000000000 ELSE
    (SELECT f.rate FROM fx_rates f WHERE f.base = coalesce(${currency}, 'EUR') AND f.quote = '${q.currency}' AND f.date = ${day}) END`
  const units = (column) => `CAST(coalesce(${column}, 0) * 10000 AS HUGEINT)`
  const offers = q.offers.length ? q.offers.map(quote).join(', ') : null
  const only = (column, value) => (value ? `AND ${column} = ${quote(value)}` : '')
  await duck.run(`CREATE OR REPLACE TEMP TABLE l AS SELECT l.id, l.order_id, l.offer_id, l.product_id, l.variant_id, l.quantity, l.created_at AS on_day,
      o.customer_id, l.cancelled_at IS NOT NULL AS by_line, coalesce(l.cancelled_at, o.cancelled_at) AS gone,
      CASE WHEN l.cancelled_at IS NULL THEN 1 WHEN l.cancel_reason IS NULL THEN 2 ELSE 3 END AS way,
      CASE WHEN l.cancelled_at IS NOT NULL THEN coalesce(l.cancel_reason, o.cancel_reason, 'unknown') ELSE coalesce(o.cancel_reason, 'unknown') END AS reason,
      ${units('l.total')} * ${rate('o.currency', 'l.created_at')} AS worth, ${units('l.deposit')} * ${rate('o.currency', 'l.created_at')} AS deposit
    FROM order_lines l JOIN orders o ON o.id = l.order_id
    WHERE o.kind = 'preorder' AND l.offer_id IS NOT NULL ${offers ? `AND l.offer_id IN (${offers})` : ''}
      ${only('l.product_id', q.product_id)} ${only('l.variant_id', q.variant_id)} ${only('o.market_id', q.market_id)}`)
  await duck.run(`CREATE OR REPLACE TEMP TABLE y AS SELECT y.kind, y.status, y.created_at AS on_day, l.offer_id, o.kind AS order_kind,
      coalesce(l.cancelled_at, o.cancelled_at) AS gone, ${units('y.amount')} * ${rate('y.currency', 'o.created_at')} AS worth
    FROM payments y JOIN orders o ON o.id = y.order_id LEFT JOIN order_lines l ON l.id = y.line_id
    WHERE true ${offers ? `AND l.offer_id IN (${offers})` : ''} ${only('l.product_id', q.product_id)} ${only('l.variant_id', q.variant_id)}
      ${only('o.market_id', q.market_id)}`)
}

// Half away from zero to the currency's digits, as text; parts: a fraction's divisor.
function moneyText(q, value, divisor = 1n) {
  const digits = DIGITS[q.currency]
  const unit = 10n ** BigInt(13 - digits) * divisor
  const units = BigInt(value ?? 0)
  const magnitude = ((units < 0n ? -units : units) * 2n + unit) / (2n * unit)
  const text = String(magnitude).padStart(digits + 1, '0')
  const sign = units < 0n && magnitude > 0n ? '-' : ''
  return digits ? `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}` : sign + text
}

const whole = (text) => BigInt(text.replace('.', ''))
function fromWhole(q, units) {
  return moneyText(q, units * 10n ** BigInt(13 - DIGITS[q.currency]))
}

// The rest as it is shown: rounded whole less rounded part.
const restText = (q, worth, deposit) => fromWhole(q, whole(moneyText(q, worth)) - whole(moneyText(q, deposit)))

function ratio(part, all) {
  if (all <= 0n) return 0
  const magnitude = ((part < 0n ? -part : part) * 20000n + all) / (2n * all)
  return Number(part < 0n ? -magnitude : magnitude) / 10000
}

const SALES = 'count(DISTINCT order_id), coalesce(sum(quantity), 0), coalesce(sum(worth), 0), coalesce(sum(deposit), 0), count(DISTINCT customer_id)'
// The parts of a list that commas outside parentheses separate.
function parts(list) {
  const out = ['']
  let depth = 0
  for (const c of list) {
    depth += (c === '(') - (c === ')')
    if (c === ',' && depth === 0) out.push('')
    else out[out.length - 1] += c
  }
  return out
}
const select = (list, rest) => duck.rows(`SELECT ${parts(list).map((part) => `CAST(${part} AS VARCHAR)`).join(', ')} ${rest}`)
const placed = (q) => `on_day BETWEEN '${q.from}' AND '${q.to}'`
const gone = (q) => `gone BETWEEN '${q.from}' AND '${q.to}'`

const sales = (q, [orders, units, worth, deposit, customers]) => ({
  orders: Number(orders), units: Number(units), revenue: moneyText(q, worth), deposits: moneyText(q, deposit),
  balances: restText(q, worth, deposit), customers: Number(customers)
})
const bytes = (a, b) => Buffer.compare(Buffer.from(a ?? ''), Buffer.from(b ?? ''))
// Most first, then by the keys.
const most = (index, keys) => (a, b) => {
  const [x, y] = [BigInt(a[index]), BigInt(b[index])]
  if (x !== y) return x > y ? -1 : 1
  for (const key of keys) if (bytes(a[key], b[key])) return bytes(a[key], b[key])
  return 0
}

async function byOffer(q) {
  const rows = await select(`l.offer_id, any_value(offers.name), ${SALES}`, `FROM l LEFT JOIN offers ON offers.id = l.offer_id WHERE ${placed(q)} GROUP BY l.offer_id`)
  return rows.sort(most(4, [0])).map(([offer_id, offer_name, ...rest]) => ({ offer_id, offer_name, ...sales(q, rest) }))
}

async function salesTotals(q) {
  return sales(q, (await select(SALES, `FROM l WHERE ${placed(q)}`))[0])
}

async function outstanding(q, group) {
  const column = group ? 'offer_id' : 'NULL'
  return select('k, sum(open)', `FROM (SELECT ${column} AS k, worth - deposit AS open, on_day, gone FROM l UNION ALL
    SELECT ${column}, -worth, on_day, gone FROM y WHERE kind = 'balance' AND status = 'confirmed')
    WHERE on_day <= '${q.to}' AND (gone IS NULL OR gone > '${q.to}') GROUP BY k`)
}

// Orders are counted once for lines cancelled by themselves, once for those that went with the order; by reason, lines
// with a reason of their own and lines with the order's are apart too.
const CANCELLED = 'count(DISTINCT CASE WHEN by_line THEN order_id END) + count(DISTINCT CASE WHEN NOT by_line THEN order_id END), coalesce(sum(quantity), 0), coalesce(sum(worth), 0)'
const CANCELLED_BY_REASON = CANCELLED.replace(/^.*?, coalesce/, 'count(DISTINCT order_id || way), coalesce')
const cancelled = (q, [orders, units, worth]) => ({
  cancelled_orders: Number(orders), cancelled_units: Number(units), cancelled_revenue: moneyText(q, worth)
})
const paid = (q, kind, status = 'confirmed') => `FROM y WHERE kind = '${kind}' AND status = '${status}' AND ${placed(q)}`

const bucket = (q, column) => `strftime(date_trunc('${q.granularity}', CAST(${column} AS DATE)), '%Y-%m-%d')`

async function buckets(q) {
  const rows = await duck.rows(`SELECT DISTINCT ${bucket(q, 'd')} FROM generate_series(DATE '${q.from}', DATE '${q.to}', INTERVAL 1 DAY) AS t(d) ORDER BY 1`)
  return rows.map(([day]) => day)
}

// key → row of a grouped query.
async function keyed(list, rest) {
  return new Map((await select(list, rest)).map(([key, ...row]) => [key, row]))
}

function revenuePoint(q, [orders, units, worth, deposit]) {
  const deposits = q.include_deposits ? moneyText(q, deposit) : null
  const balances = q.include_balances ? restText(q, worth, deposit) : null
  const revenue = deposits !== null && balances !== null ? moneyText(q, worth) : (deposits ?? balances)
  return { orders: Number(orders), units: Number(units), deposits, balances, revenue }
}

async function datePoints(q, key) {
  const group = key ? (column) => bucket(q, column) : () => "'all'"
  const end = 'GROUP BY 1'
  const lines = await keyed(`${group('on_day')}, ${SALES}`, `FROM l WHERE ${placed(q)} ${end}`)
  const gones = await keyed(`${group('gone')}, ${CANCELLED}`, `FROM l WHERE ${gone(q)} ${end}`)
  const pays = {}
  for (const kind of ['deposit', 'balance', 'refund'])
    pays[kind] = await keyed(`${group('on_day')}, sum(worth)`, `${paid(q, kind)} ${kind === 'refund' ? "AND order_kind = 'preorder'" : ''} ${end}`)
  return (day) => {
    const line = sales(q, lines.get(day) ?? ['0', '0', '0', '0', '0'])
    const { cancelled_orders, cancelled_units } = cancelled(q, gones.get(day) ?? ['0', '0', '0'])
    const sum = (kind) => moneyText(q, pays[kind].get(day)?.[0] ?? '0')
    const all = {
      orders: line.orders, units: line.units, revenue: line.revenue, customers: line.customers, deposits_collected: sum('deposit'),
      balances_collected: sum('balance'), cancelled_orders, cancelled_units, refunds_issued: sum('refund')
    }
    return Object.fromEntries(Object.entries(all).filter(([name]) => !q.metrics.length || q.metrics.includes(name)))
  }
}

function balances(q, open, [collected, collectedCount, failed, failedCount]) {
  const [ok_, bad] = [BigInt(collectedCount), BigInt(failedCount)]
  return {
    balances_outstanding: moneyText(q, open), balances_collected: moneyText(q, collected), balances_failed: moneyText(q, failed),
    balances_collected_count: Number(ok_), balances_failed_count: Number(bad), collection_rate: ratio(ok_, ok_ + bad)
  }
}

const BALANCES = `coalesce(sum(CASE WHEN status = 'confirmed' THEN worth END), 0), count(CASE WHEN status = 'confirmed' THEN 1 END),
  coalesce(sum(CASE WHEN status = 'failed' THEN worth END), 0), count(CASE WHEN status = 'failed' THEN 1 END)`.replace(/\s+/g, ' ')
const ofBalances = (q) => `FROM y WHERE kind = 'balance' AND status IN ('confirmed', 'failed') AND ${placed(q)}`

const expected = {
  async summary(q) {
    const all = await salesTotals(q)
    const [[worth]] = await select('coalesce(sum(worth), 0)', `FROM l WHERE ${placed(q)}`)
    const collected = async (kind) => moneyText(q, (await select('coalesce(sum(worth), 0)', paid(q, kind)))[0][0])
    const { cancelled_orders, cancelled_units } = cancelled(q, (await select(CANCELLED, `FROM l WHERE ${gone(q)}`))[0])
    return {
      totals: {
        orders: all.orders, units: all.units, revenue: all.revenue, customers: all.customers,
        average_order_value: all.orders ? moneyText(q, worth, BigInt(all.orders)) : moneyText(q, 0n),
        deposits_collected: await collected('deposit'), balances_collected: await collected('balance'),
        balances_outstanding: moneyText(q, (await outstanding(q, false))[0]?.[1]), cancelled_orders, cancelled_units
      },
      by_offer_top_5: (await byOffer(q)).slice(0, 5)
    }
  },
  async revenue(q) {
    const totals = revenuePoint(q, (await select(SALES, `FROM l WHERE ${placed(q)}`))[0])
    const points = await keyed(`${bucket(q, 'on_day')}, ${SALES}`, `FROM l WHERE ${placed(q)} GROUP BY 1`)
    const rows = (await buckets(q)).map((date) => ({ date, ...revenuePoint(q, points.get(date) ?? ['0', '0', '0', '0']) }))
    return { granularity: q.granularity, include_deposits: q.include_deposits, include_balances: q.include_balances, totals, rows }
  },
  async by_offer(q) {
    return { totals: await salesTotals(q), rows: await byOffer(q) }
  },
  async by_variant(q) {
    const rows = await select(`k.offer_id, offers.name, k.variant_id, variants.name, variants.sku, variants.product_id, products.name, k.attached, s.a, s.b, s.c, s.d, s.e`,
      `FROM (SELECT offer_id, variant_id, max(attached) AS attached FROM (
          SELECT offer_id, a.variant_id, 1 AS attached FROM offer_variants a LEFT JOIN variants v ON v.id = a.variant_id
            WHERE offer_id IN (${q.offers.map(quote).join(', ')}) ${q.variant_id ? `AND a.variant_id = ${quote(q.variant_id)}` : ''}
            ${q.product_id ? `AND v.product_id = ${quote(q.product_id)}` : ''}
          UNION ALL SELECT offer_id, variant_id, 0 FROM l WHERE ${placed(q)}) GROUP BY ALL) k
        LEFT JOIN (SELECT offer_id, variant_id, ${parts(SALES).map((part, i) => `${part} AS ${'abcde'[i]}`).join(', ')} FROM l WHERE ${placed(q)} GROUP BY ALL) s
          ON s.offer_id = k.offer_id AND s.variant_id IS NOT DISTINCT FROM k.variant_id
        LEFT JOIN offers ON offers.id = k.offer_id LEFT JOIN variants ON variants.id = k.variant_id LEFT JOIN products ON products.id = variants.product_id`)
    for (const row of rows) for (let i = 8; i < 13; i++) row[i] ??= '0'
    return {
      totals: await salesTotals(q),
      rows: rows.sort(most(10, [0, 2])).map(([offer_id, offer_name, variant_id, variant_name, sku, product_id, product_name, attached, ...rest]) =>
        ({ offer_id, offer_name, variant_id, variant_name, sku, product_id, product_name, attached: attached === '1', ...sales(q, rest) }))
    }
  },
  async by_product(q) {
    const rows = await select(`l.product_id, any_value(products.name), any_value(products.sku), count(DISTINCT variant_id), ${SALES}`,
      `FROM l LEFT JOIN products ON products.id = l.product_id WHERE ${placed(q)} GROUP BY l.product_id`)
    return {
      totals: await salesTotals(q),
      rows: rows.sort(most(6, [0])).map(([product_id, product_name, sku, variants, ...rest]) =>
        ({ product_id, product_name, sku, variants: Number(variants), ...sales(q, rest) }))
    }
  },
  async by_date(q) {
    const point = await datePoints(q, true)
    const totals = (await datePoints(q, false))('all')
    return { granularity: q.granularity, totals, rows: (await buckets(q)).map((date) => ({ date, ...point(date) })) }
  },
  async cancellations(q) {
    const refunds = `${paid(q, 'refund')} AND order_kind = 'preorder'`
    const [[refunded, count]] = await select('coalesce(sum(worth), 0), count(*)', refunds)
    const [[part, all]] = await select(`coalesce(sum(CASE WHEN gone <= '${q.to}' THEN quantity END), 0), coalesce(sum(quantity), 0)`, `FROM l WHERE ${placed(q)}`)
    const by = async (keys) => select(`${keys.join(', ')}, ${keys.includes('reason') ? CANCELLED_BY_REASON : CANCELLED}`, `FROM l WHERE ${gone(q)} GROUP BY ${keys.join(', ')}`)
    const names = new Map(await duck.rows('SELECT id, name FROM offers'))
    const offers = new Map((await by(['offer_id'])).map((row) => [row[0], row]))
    const refundsBy = await keyed('offer_id, sum(worth)', `${refunds} GROUP BY offer_id`)
    for (const id of refundsBy.keys()) if (!offers.has(id)) offers.set(id, [id, '0', '0', '0'])
    return {
      totals: { ...cancelled(q, (await select(CANCELLED, `FROM l WHERE ${gone(q)}`))[0]), refunds_issued: moneyText(q, refunded),
                refund_count: Number(count), cancellation_rate: ratio(BigInt(part), BigInt(all)) },
      by_reason: (await by(['reason'])).sort(most(3, [0])).map(([reason, ...rest]) => ({ reason, ...cancelled(q, rest) })),
      by_offer: [...offers.values()].sort(most(3, [0])).map(([offer_id, ...rest]) =>
        ({ offer_id, offer_name: names.get(offer_id) ?? null, ...cancelled(q, rest), refunds_issued: moneyText(q, refundsBy.get(offer_id)?.[0]) })),
      rows: (await by(['reason', 'offer_id'])).sort(most(4, [0, 1])).map(([reason, offer_id, ...rest]) =>
        ({ reason, offer_id, offer_name: names.get(offer_id) ?? null, ...cancelled(q, rest) }))
    }
  },
  async balance_collection(q) {
    const names = new Map(await duck.rows('SELECT id, name FROM offers'))
    const open = new Map(await outstanding(q, true))
    const payments = await keyed(`offer_id, ${BALANCES}`, `${ofBalances(q)} GROUP BY offer_id`)
    const none = ['0', '0', '0', '0']
    const rows = [...new Set([...open.keys(), ...payments.keys()])].map((id) => [id, open.get(id) ?? '0', payments.get(id) ?? none])
      .filter(([, left, [, good, , bad]]) => BigInt(left) !== 0n || good !== '0' || bad !== '0')
    return {
      totals: balances(q, (await outstanding(q, false))[0]?.[1], (await select(BALANCES, ofBalances(q)))[0]),
      rows: rows.sort(most(1, [0])).map(([offer_id, left, figures]) => ({ offer_id, offer_name: names.get(offer_id) ?? null, ...balances(q, left, figures) }))
    }
  },
  async customers(q) {
    const rows = await select(`l.customer_id, any_value(c.name), any_value(c.email), count(DISTINCT order_id), sum(quantity), sum(worth), min(on_day), max(on_day)`,
      `FROM l LEFT JOIN customers c ON c.id = l.customer_id WHERE ${placed(q)} AND l.customer_id IS NOT NULL GROUP BY l.customer_id`)
    rows.sort((a, b) => bytes(a[0], b[0]))
    const first = (q.page - 1) * q.per_page
    return {
      customers: rows.slice(first, first + q.per_page).map(([customer_id, customer_name, customer_email, orders, units, worth, first_order_on, last_order_on]) =>
        ({ customer_id, customer_name, customer_email, orders: Number(orders), units: Number(units), revenue: moneyText(q, worth), first_order_on, last_order_on })),
      meta: { total_count: rows.length, page: q.page, per_page: q.per_page, total_pages: Math.ceil(rows.length / q.per_page) }
    }
  }
}

// ---- Random requests ----

const WARES = ['summary', 'revenue', 'by_variant', 'by_product', 'by_date']

function makeRequest(r, name) {
  const day = () => new Date(FIRST + r.int(-5, DAYS + 5) * DAY).toISOString().slice(0, 10)
  let [from, to] = [day(), day()].sort()
  if (r.chance(0.1)) to = from
  const has = (names, p) => names.includes(name) && r.chance(p)
  const offers = name === 'by_variant' || r.chance(0.3) ? [...new Set(Array.from({ length: r.int(1, 3) }, () => uuid(r.int(1, 7))))] : []
  return {
    name, from, to, offers, currency: r.pick(CURRENCIES), product_id: has(WARES, 0.2) ? `p${r.int(1, 9)}` : '', variant_id: has(WARES, 0.2) ? `v${r.int(1, 17)}` : '',
    market_id: has(WARES, 0.2) ? `m${r.int(1, 3)}` : '', granularity: has(['revenue', 'by_date'], 0.7) ? r.pick(['day', 'week', 'month']) : 'day',
    metrics: has(['by_date'], 0.4) ? r.shuffled(['orders', 'units', 'revenue', 'customers', 'deposits_collected', 'cancelled_orders', 'refunds_issued']).slice(0, r.int(1, 4)) : [],
    include_deposits: !has(['revenue'], 0.2), include_balances: true, page: name === 'customers' ? r.int(1, 3) : 1, per_page: name === 'customers' ? r.int(1, 30) : 25
  }
}

function queryOf(q) {
  const pairs = [['from', q.from], ['to', q.to], ['currency', q.currency], ['granularity', q.granularity], ['include_deposits', q.include_deposits],
                 ['include_balances', q.include_balances], ['page', q.page], ['per_page', q.per_page]]
  for (const name of ['product_id', 'variant_id', 'market_id']) if (q[name]) pairs.push([name, q[name]])
  for (const offer of q.offers) pairs.push(['offer_ids[]', offer])
  if (q.metrics.length) pairs.push(['metrics', q.metrics.join(',')])
  return new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString()
}

const ROUNDS = Number(process.env.DBK_QUERIES ?? 1)

test('the nine reports give the answers of SQL, field by field', async () => {
  for (let round = 0; round < 2; round++) {
    const r = new Random(seed + round * 7919)
    const shop = makeShop(r)
    const key = await intoDaybook(`shop${round}`, shop)
    await intoDuck(shop)
    for (let i = 0; i < 14 * ROUNDS; i++)
      for (const name of Object.keys(expected)) {
        const q = makeRequest(r, name)
        if (name === 'revenue' && q.include_deposits && r.chance(0.2)) q.include_balances = false
        await makeViews(q)
        const want = { window: { from: q.from, to: q.to }, currency: q.currency, ...(await expected[name](q)) }
        const answer = await server.request(`${REPORTS}/${name}?${queryOf(q)}`, { headers: { 'x-auth-token': key } })
        assert.equal(answer.status, 200, `${answer.body} DBK_SEED=${seed}`)
        assert.deepEqual(answer.json, want, `DBK_SEED=${seed} ${JSON.stringify(q)}`)
        assert.equal(JSON.stringify(answer.json), JSON.stringify(want), 'in the same order of keys')
      }
  }
})
