// SPDX-License-Identifier: Apache-2.0
// The differential oracle: random companies and random queries, answered by Daybook's engine and by DuckDB, equal to
// the last digit. Both read the same CSV files; everything else about the two is different.
//
// DBK_SEED repeats a run. A mismatch prints the query, its SQL and both answers.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Calendars } from './differential/calendar.mjs'
import { Company, toCsv } from './differential/data.mjs'
import { Duck } from './differential/oracle.mjs'
import { Probe } from './differential/probe.mjs'
import { Queries } from './differential/query.mjs'
import { Random, runSeed } from './differential/random.mjs'
import { isInteger, tables } from './differential/schema.mjs'
import { compareRows, expected } from './differential/sql.mjs'

const seed = runSeed()
// More than one mismatch at a time helps whoever looks for their common cause.
const mismatchesMax = Number(process.env.DBK_MISMATCHES ?? 1)
const factor = Number(process.env.DBK_QUERIES ?? 1)
let folder
let duck
let calendars
let asked = 0

before(async () => {
  console.log(`differential: DBK_SEED=${seed}`)
  folder = await mkdtemp(join(tmpdir(), 'daybook-differential-'))
  duck = await Duck.start()
  calendars = new Calendars(duck)
})

after(async () => {
  console.log(`differential: ${asked} queries compared`)
  duck.close()
  await rm(folder, { recursive: true, force: true })
})

const short = (value) => {
  const text = JSON.stringify(value)
  return text.length > 3000 ? `${text.slice(0, 3000)} … (${text.length} characters)` : text
}

// One company in both databases.
class World {
  static async make(round, sizes) {
    const world = new World()
    world.round = round
    world.r = new Random(seed + round * 7919)
    await duck.createTables()
    world.probe = new Probe()
    world.company = new Company(world.r, sizes, await calendars.changes())
    world.mismatches = []
    return world
  }

  async close() {
    await this.probe.close()
  }

  async load(table, rows, { leaveOut = false, twice = false, batchRows = 0, tenant } = {}) {
    const { header, text } = toCsv(this.r, table, rows, leaveOut)
    const file = join(folder, `${table}-${this.round}-${rows.length}.csv`)
    await writeFile(file, text)
    const command = { load: { table, format: 'csv', file, batch_rows: batchRows, tenant } }
    const report = await this.probe.ask(command)
    assert.equal(report.error, undefined, `${table}: ${report.error}`)
    assert.deepEqual([report.rows, report.rejected, report.rejects], [rows.length, 0, []], table)
    assert.equal(report.stored + report.refused, rows.length, table)
    if (tenant) return
    const refused = await duck.load(table, file, header)
    assert.equal(report.refused, refused, `${table}: lines without a time to be had`)
    if (twice) assert.equal((await this.probe.ask(command)).stored, report.stored)
  }

  async remove(table) {
    const ids = this.company.removed(table)
    const report = await this.probe.ask({ remove: { table, ids } })
    assert.equal(report.error, undefined, report.error)
    await duck.remove(table, ids)
  }

  // Values that occur, for filters and ends of ranges.
  async pools() {
    const pools = {}
    for (const [table, { columns }] of Object.entries(tables))
      for (const [column, type] of Object.entries(columns)) {
        const rows = await duck.rows(
          `SELECT CAST(v AS VARCHAR) FROM (SELECT DISTINCT ${column} AS v FROM ${table} WHERE v IS NOT NULL) ORDER BY hash(v) LIMIT 60`
        )
        const values = rows.map(([value]) => (isInteger(type) ? Number(value) : value))
        pools[`${table}.${column}`] = values.filter((value) => typeof value === 'string' || Number.isSafeInteger(value))
      }
    return pools
  }

  mismatch(query, sql, why, want, got) {
    this.mismatches.push(why)
    console.log(
      `differential: MISMATCH with DBK_SEED=${seed}: ${why}\nquery: ${JSON.stringify(query)}\nsql:\n${sql}\nDuckDB:  ${short(want)}\nDaybook: ${short(got)}\n`
    )
    if (this.mismatches.length >= mismatchesMax) assert.fail(`${this.mismatches.join('; ')} (DBK_SEED=${seed})`)
  }

  // Asks both and compares cell by cell.
  async check(query) {
    asked++
    const [want, answer] = await Promise.all([
      expected(duck, calendars, query).catch((error) => {
        throw new Error(`${error.message}\n${JSON.stringify(query)}`)
      }),
      this.probe.ask({ query })
    ])
    const { sql, kinds } = want
    if (answer.error !== undefined) return this.mismatch(query, sql, 'refused', want.rows, answer.error)
    const got = answer.rows.map((row) => row.map(cellText))
    if (!(query.stream && got.length === 0) && String(answer.columns.map(([kind]) => kind)) !== String(kinds))
      return this.mismatch(query, sql, 'other kinds of columns', kinds, answer.columns)
    const difference = compare(query, kinds, want.rows, got)
    if (difference) this.mismatch(query, sql, difference.why, difference.want, difference.got)
  }

  async checkMany(count, large) {
    const queries = new Queries(this.r, await this.pools(), large)
    for (let i = 0; i < count * factor; i++) await this.check(queries.next())
  }

  finish() {
    assert.deepEqual(this.mismatches, [], `DBK_SEED=${seed}`)
  }
}

function cellText(cell) {
  return cell !== null && typeof cell === 'object' ? `${cell.sum}/${cell.count}` : cell
}

// null when equal; otherwise what differs, with the rows that only one side has.
function compare(query, kinds, want, got) {
  const texts = (rows) => rows.map((row) => JSON.stringify(row))
  const [wanted, gotten] = [texts(want), texts(got)]
  const total = isTotal(query)
  if (total) {
    const at = wanted.findIndex((row, i) => row !== gotten[i])
    if (at < 0 && wanted.length === gotten.length) return null
    const first = at < 0 ? wanted.length : at
    return {
      why: `${wanted.length} rows wanted, ${gotten.length} got, the first other one at ${first}`,
      want: want.slice(first, first + 5),
      got: got.slice(first, first + 5)
    }
  }
  const counts = new Map()
  for (const row of wanted) counts.set(row, (counts.get(row) ?? 0) + 1)
  const extra = []
  for (const row of gotten) {
    const left = counts.get(row) ?? 0
    if (left > 0) counts.set(row, left - 1)
    else extra.push(row)
  }
  const missing = [...counts].filter(([, left]) => left > 0).map(([row]) => row)
  if (extra.length || missing.length || wanted.length !== gotten.length)
    return {
      why: `${wanted.length} rows wanted, ${gotten.length} got, ${missing.length} missing, ${extra.length} too many`,
      want: missing.slice(0, 10),
      got: extra.slice(0, 10)
    }
  if (query.order)
    for (let i = 1; i < got.length; i++)
      if (compareRows(query.order, kinds, got[i - 1], got[i]) > 0)
        return { why: `not in order at row ${i}`, want: query.order, got: got.slice(i - 1, i + 1) }
  return null
}

// Whether the order leaves nothing open: all keys of a group query, the id of a row query.
function isTotal(query) {
  const outputs = new Set((query.order ?? []).map(({ output }) => output))
  if (query.keys?.length) return query.keys.every((_, i) => outputs.has(i))
  if (query.aggregates?.length) return true
  return outputs.has(query.fields.indexOf('id'))
}

const small = { categories: 9, markets: 4, customers: 120, products: 90, variants: 70, orders: 2400, order_lines: 4200, payments: 1500 }
const large = {
  categories: 12, markets: 6, customers: 3000, products: 500, variants: 800, orders: 72000, order_lines: 90000, payments: 9000
}

// Three states of one company: as first loaded, with rows replaced and added, with rows removed.
async function play(world, counts, isLarge) {
  const { company, r } = world
  for (const table of Object.keys(tables)) {
    if (table === 'orders') {
      const stranger = new Company(new Random(seed + 1), small, [Date.UTC(2024, 1, 1)])
      await world.load(table, stranger.first(table), { tenant: 'stranger' })
    }
    await world.load(table, company.first(table), { batchRows: isLarge ? r.pick([0, 20000]) : r.pick([0, 1, 100, 1000]) })
  }
  await world.checkMany(counts[0], isLarge)
  for (const table of Object.keys(tables))
    await world.load(table, company.second(table), { leaveOut: r.chance(0.5), twice: r.chance(0.3), batchRows: r.pick([0, 50]) })
  await world.checkMany(counts[1], isLarge)
  for (const table of ['orders', 'order_lines', 'payments', 'customers', 'products']) await world.remove(table)
  await world.checkMany(counts[2], isLarge)
}

async function within(round, sizes, body) {
  const world = await World.make(round, sizes)
  try {
    await body(world)
    world.finish()
  } finally {
    await world.close()
  }
}

test('small tables give the answers of DuckDB as loaded, with rows replaced and with rows removed', async () => {
  for (let round = 1; round <= 3; round++) await within(round, small, (world) => play(world, [150, 250, 120], false))
})

test('sealed segments beside hot rows give the answers of DuckDB through the same three states', async () => {
  await within(10, large, async (world) => {
    await play(world, [150, 300, 150], true)
    const { segments } = await world.probe.ask({ query: { table: 'orders', aggregates: [{ kind: 'rows' }] } })
    assert.ok(segments >= 2, `orders are in ${segments} parts: nothing was sealed`)
  })
})

test('paging through an order gives each row once and in order', async () => {
  await within(20, small, async (world) => {
    for (const table of Object.keys(tables)) await world.load(table, world.company.first(table))
    const queries = new Queries(world.r, await world.pools(), false)
    for (let i = 0; i < 20; i++) {
      const query = queries.row()
      for (const part of ['after', 'stream', 'limit']) delete query[part]
      const id = query.fields.indexOf('id')
      query.order = world.r.shuffled([0, 1]).filter((output) => output !== id).map((output) => ({ output, descending: world.r.chance(0.5) }))
      query.order.push({ output: id, descending: world.r.chance(0.5) })
      const whole = await expected(duck, calendars, query)
      const limit = Math.max(7, Math.ceil(whole.rows.length / 12))
      const pages = []
      for (let after; ; ) {
        asked++
        const page = await world.probe.ask({ query: { ...query, limit, after } })
        assert.equal(page.error, undefined, `${page.error} ${JSON.stringify(query)} DBK_SEED=${seed}`)
        pages.push(...page.rows)
        if (page.rows.length < limit) break
        const last = page.rows[page.rows.length - 1]
        after = query.order.map(({ output }) => {
          const value = last[output]
          return value !== null && whole.kinds[output] === 'int' ? { int: value } : value
        })
      }
      const difference = compare(query, whole.kinds, whole.rows, pages)
      if (difference) world.mismatch(query, whole.sql, `paged: ${difference.why}`, difference.want, difference.got)
    }
  })
})

test('an answer without an order comes in the same order from one thread and from two', async () => {
  await within(30, { ...small, orders: 70000 }, async (world) => {
    for (const table of Object.keys(tables)) await world.load(table, world.company.first(table))
    const queries = new Queries(world.r, await world.pools(), false)
    for (let i = 0; i < 60; i++) {
      const query = { ...queries.next(), limit: world.r.pick([0, 5, 100]) }
      for (const part of ['order', 'after', 'stream']) delete query[part]
      asked++
      const [one, two, again] = await Promise.all([1, 2, 2].map((threads) => world.probe.ask({ query: { ...query, threads } })))
      for (const answer of [one, two, again]) delete answer.segments
      if (JSON.stringify(one) !== JSON.stringify(two) || JSON.stringify(two) !== JSON.stringify(again))
        world.mismatch(query, '', 'another order', one, two)
    }
  })
})

test('a limit without an order gives so many rows of the whole answer', async () => {
  await within(40, small, async (world) => {
    for (const table of Object.keys(tables)) await world.load(table, world.company.first(table))
    const queries = new Queries(world.r, await world.pools(), false)
    for (let i = 0; i < 60; i++) {
      const query = { ...queries.next() }
      for (const part of ['order', 'after', 'stream', 'limit']) delete query[part]
      asked++
      const limit = world.r.pick([1, 3, 40])
      const whole = await expected(duck, calendars, query)
      const answer = await world.probe.ask({ query: { ...query, limit } })
      const got = answer.rows?.map((row) => JSON.stringify(row.map(cellText))) ?? []
      const all = new Set(whole.rows.map((row) => JSON.stringify(row)))
      if (got.length !== Math.min(limit, whole.rows.length) || !got.every((row) => all.has(row)))
        world.mismatch({ ...query, limit }, whole.sql, 'not a part of the answer', whole.rows.slice(0, 5), answer)
    }
  })
})

test('a query that cannot be is refused with words', async () => {
  await within(50, small, async (world) => {
    await world.load('orders', world.company.first('orders'))
    const rows = [{ kind: 'rows' }]
    const impossible = {
      'an unknown table': { table: 'order', aggregates: rows },
      'no table': { aggregates: rows },
      'an unknown column': { table: 'orders', aggregates: [{ kind: 'sum', column: 'totals' }] },
      'an unknown field': { table: 'orders', fields: ['id', 'customer_id.nickname'] },
      'a path through no reference': { table: 'orders', fields: ['status.name'] },
      'a path of three dots': { table: 'payments', fields: ['line_id.order_id.customer_id.name'] },
      'a sum of texts': { table: 'orders', aggregates: [{ kind: 'sum', column: 'status' }] },
      'the least of texts': { table: 'orders', aggregates: [{ kind: 'min', column: 'status' }] },
      'a text where a number belongs': { table: 'orders', aggregates: rows, filters: [{ column: 'total', op: 'eq', values: ['5'] }] },
      'a number where a text belongs': { table: 'orders', aggregates: rows, filters: [{ column: 'status', op: 'eq', values: [{ int: '5' }] }] },
      'part of a number': { table: 'orders', aggregates: rows, filters: [{ column: 'total', op: 'contains', values: ['5'] }] },
      'a comparison without value': { table: 'orders', aggregates: rows, filters: [{ column: 'total', op: 'eq', values: [] }] },
      'buckets of texts': { table: 'orders', keys: [{ column: 'status', unit: 'day' }], aggregates: rows },
      'buckets of 25 hours': { table: 'orders', keys: [{ column: 'created_at', unit: 'hour', count: 25 }], aggregates: rows },
      'buckets of two months': { table: 'orders', keys: [{ column: 'created_at', unit: 'month', count: 2 }], aggregates: rows },
      'a field beside no key of its own': { table: 'orders', keys: ['status'], fields: ['customer_id.name'], aggregates: rows },
      'an order by a column that is not there': { table: 'orders', fields: ['id'], order: [{ output: 1 }] },
      'a resume with too few values': { table: 'orders', fields: ['id', 'total'], order: [{ output: 1 }, { output: 0 }], after: [{ int: '1' }] },
      'a time column that holds no time': { table: 'orders', timeColumn: 'total', from: 0, to: 1, aggregates: rows },
      'a range of a table without a time of its own': { table: 'products', from: 0, to: 1, aggregates: rows },
      'filling an open range': { table: 'orders', fill: true, from: 0, keys: [{ column: 'created_at', unit: 'day' }], aggregates: rows }
    }
    for (const [what, query] of Object.entries(impossible)) {
      const answer = await world.probe.ask({ query })
      if (answer.status !== 'invalid' || !answer.error) world.mismatch(query, '', `${what} was not refused`, 'invalid', answer)
    }
  })
})
