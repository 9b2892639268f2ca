// SPDX-License-Identifier: Apache-2.0
// Random queries in the probe's JSON: every part of dbk_query, over data that is there.
import { zones, DAY, bucketLength } from './calendar.mjs'
import { isInteger, references, resolve, tables } from './schema.mjs'

// ASCII and the Latin letters of the data; other scripts keep their case.
const flip = (c) => {
  if (!/^[A-Za-zÀ-ÖØ-öø-þŁłŃń]$/.test(c)) return c
  const upper = c.toUpperCase()
  return c === upper ? c.toLowerCase() : upper
}

// The paths from a table with no, one and two dots.
const known = new Map()
function pathsOf(table) {
  if (!known.has(table)) {
    let front = [['', table]]
    const every = [0, 1, 2].map(() => {
      const paths = []
      const next = []
      for (const [prefix, at] of front)
        for (const name of Object.keys(tables[at].columns)) {
          paths.push(prefix + name)
          if (references[name] && references[name] !== at) next.push([`${prefix}${name}.`, references[name]])
        }
      front = next
      return paths
    })
    known.set(table, every)
  }
  return known.get(table)
}

export class Queries {
  // pools: values that occur, a list for each "table.column", integers as numbers; large: keep answers short.
  constructor(r, pools, large) {
    this.r = r
    this.pools = pools
    this.large = large
  }

  table() {
    return this.r.weighted([[45, 'orders'], [27, 'order_lines'], [14, 'payments'], [8, 'products'], [4, 'customers'], [2, 'variants']])
  }

  // A column or a path from a table whose end satisfies `wanted`: mostly a column of the table itself. Any when there
  // is none.
  path(table, wanted = () => true) {
    const { r } = this
    const every = pathsOf(table)
    const wantedOnes = every.map((paths) => paths.filter((path) => wanted(resolve(table, path))))
    const choices = wantedOnes.map((paths, dots) => [paths.length ? [72, 20, 8][dots] : 0, paths])
    const some = choices.some(([weight]) => weight > 0)
    return r.pick(some ? r.weighted(choices) : every[0])
  }

  sample(table, path) {
    const { table: end, column } = resolve(table, path)
    const pool = this.pools[`${end}.${column}`]
    return pool.length ? this.r.pick(pool) : undefined
  }

  value(table, path) {
    const { r } = this
    const { type } = resolve(table, path)
    let value = this.sample(table, path)
    if (isInteger(type)) {
      value ??= type === 'bool' ? r.int(0, 1) : r.int(-5, 5)
      if (type !== 'bool' && r.chance(0.2)) value += r.pick([-1, 1, 10000])
      return { int: String(value) }
    }
    return value === undefined || r.chance(0.05) ? r.pick(['nothing', 'Z', '0', 'é']) : value
  }

  piece(text) {
    const { r } = this
    const letters = [...text]
    const from = r.int(0, letters.length - 1)
    const piece = letters.slice(from, r.int(from + 1, Math.min(letters.length, from + 6)))
    return piece.map((c) => (r.chance(0.4) ? flip(c) : c)).join('')
  }

  filter(table) {
    const { r } = this
    const column = this.path(table)
    const integer = isInteger(resolve(table, column).type)
    const op = r.weighted([
      [18, 'eq'], [10, 'ne'], [20, 'in'], [8, 'lt'], [8, 'le'], [8, 'gt'], [8, 'ge'], [7, 'null'], [10, 'not_null'],
      [integer ? 0 : 12, 'contains']
    ])
    if (op === 'null' || op === 'not_null') return { column, op, values: [] }
    if (op === 'contains') return { column, op, values: [this.piece(this.value(table, column))] }
    if (op !== 'in') return { column, op, values: [this.value(table, column)] }
    const values = Array.from({ length: r.weighted([[3, 1], [5, 3], [2, 12]]) }, () => this.value(table, column))
    if (r.chance(0.25)) values.splice(r.int(0, values.length), r.int(0, 1), null)
    return { column, op, values }
  }

  filters(table) {
    const count = this.r.weighted([[35, 0], [35, 1], [20, 2], [7, 3], [3, 4]])
    return Array.from({ length: count }, () => this.filter(table))
  }

  // Ends of a range of the column, either of them sometimes open, sometimes on the instant of a row.
  range(table, column, days) {
    const { r } = this
    const end = () => {
      const time = this.sample(table, column) ?? Date.UTC(2024, 0, 1)
      return r.weighted([[3, time], [1, time + 1], [3, Math.floor(time / DAY) * DAY], [2, Math.floor(time / 3600000) * 3600000]])
    }
    let from = end()
    let to = days ? from + r.int(1, days * DAY) : end()
    if (from > to && r.chance(0.97)) [from, to] = [to, from]
    return r.weighted([
      [6, { from, to }],
      [days ? 0 : 1.5, { from, to: null }],
      [days ? 0 : 1.5, { from: null, to }]
    ])
  }

  timed(table, query) {
    const { r } = this
    const times = Object.entries(tables[table].columns).filter(([, type]) => type === 'time').map(([name]) => name)
    if (!times.length || !r.chance(0.6)) return
    if (r.chance(0.3) || !tables[table].time) query.timeColumn = r.pick(times)
    Object.assign(query, this.range(table, query.timeColumn ?? tables[table].time, this.large && r.chance(0.5) ? 200 : 0))
  }

  bucket(column) {
    const { r } = this
    const unit = r.weighted([
      [6, 'minute'], [18, 'hour'], [22, 'day'], [14, 'week'], [20, 'month'], [10, 'quarter'], [10, 'year']
    ])
    const bucket = { column, unit, count: 1 }
    if (unit === 'minute') bucket.count = r.pick([1, 15, 30, 7, 1440, 90])
    if (unit === 'hour') bucket.count = r.pick([1, 1, 4, 5, 12, 24])
    const zone = r.pick(zones)
    if (zone) bucket.zone = zone
    bucket.dayStart = r.pick([0, 0, 0, 420, 150, 60, 1439])
    return bucket
  }

  // Columns that group into few: codes and what they point to.
  key(table) {
    const { r } = this
    const few = ({ type, column }) => type === 'code' && column !== 'id'
    const times = (end) => end.type === 'time'
    return r.weighted([
      [46, () => this.path(table, few)],
      [38, () => {
        const own = tables[table].time
        if (own && r.chance(0.75)) return this.bucket(own)
        return table === 'variants' ? this.path(table, few) : this.bucket(this.path(table, times))
      }],
      [10, () => this.path(table, ({ column }) => column === 'name')],
      [6, () => this.path(table)]
    ])()
  }

  // Names and the like beside a key that is a reference.
  attached(table, keys) {
    const { r } = this
    const fields = []
    for (const key of keys) {
      if (typeof key !== 'string' || key.split('.').length === 3 || !r.chance(0.5)) continue
      const target = references[key.split('.').pop()]
      if (target) fields.push(`${key}.${r.pick(Object.keys(tables[target].columns))}`)
    }
    return fields
  }

  aggregate(table) {
    const { r } = this
    const number = ({ type }) => type === 'money' || type === 'int'
    // Customers have names and times only.
    if (table === 'customers') return { kind: r.pick(['rows', 'values', 'distinct']), column: this.path(table) }
    return r.weighted([
      [20, () => ({ kind: 'rows' })],
      [12, () => ({ kind: 'values', column: this.path(table) })],
      [32, () => ({ kind: 'sum', column: this.path(table, number) })],
      [12, () => ({ kind: 'min', column: this.path(table, (end) => isInteger(end.type)) })],
      [12, () => ({ kind: 'max', column: this.path(table, (end) => isInteger(end.type)) })],
      [14, () => ({ kind: 'average', column: this.path(table, number) })],
      [12, () => ({ kind: 'distinct', column: this.path(table) })]
    ])()
  }

  group() {
    const { r } = this
    const table = this.table()
    const query = { table, threads: r.int(1, 2) }
    this.timed(table, query)
    query.filters = this.filters(table)
    query.keys = Array.from({ length: r.weighted([[20, 0], [45, 1], [25, 2], [10, 3]]) }, () => this.key(table))
    const hasTimes = query.from != null && query.to != null
    const aggregates = query.keys.length ? r.weighted([[5, 0], [35, 1], [30, 2], [30, 4]]) : r.int(1, 5)
    query.aggregates = Array.from({ length: aggregates }, () => this.aggregate(table))
    query.fields = this.attached(table, query.keys)
    if (hasTimes && r.chance(0.25)) this.makeFilled(table, query)
    const outputs = query.keys.length + query.fields.length + query.aggregates.length
    if (r.chance(0.5) || this.large) this.orderBy(query, outputs, query.keys.map((_, i) => i))
    return query
  }

  makeFilled(table, query) {
    const { r } = this
    const column = query.timeColumn ?? tables[table].time
    const bucket = this.bucket(column)
    Object.assign(query, { fill: true, keys: [bucket], fields: [] })
    if (!query.aggregates.length) query.aggregates = [{ kind: 'rows' }]
    // No more than some thousand buckets.
    const longest = 2000 * (bucketLength(bucket) || DAY)
    if (query.from > query.to) [query.from, query.to] = [query.to, query.from]
    query.to = Math.min(query.to, query.from + longest - r.int(0, 100000))
  }

  // An order, made total with the outputs `unique` when there is a limit as well.
  orderBy(query, outputs, unique) {
    const { r } = this
    const order = []
    const add = (output) => {
      if (!order.some((by) => by.output === output)) order.push({ output, descending: r.chance(0.4) })
    }
    for (let i = r.int(unique.length ? 0 : 1, 3); i > 0; i--) add(r.int(0, outputs - 1))
    if (!order.length || this.large || r.chance(0.5)) {
      unique.forEach(add)
      if (this.large || r.chance(0.6)) query.limit = r.pick([1, 2, 7, 50, 300])
    }
    if (order.length) query.order = order
  }

  row() {
    const { r } = this
    const table = this.table()
    const query = { table, threads: r.int(1, 2) }
    this.timed(table, query)
    query.filters = this.filters(table)
    query.fields = ['id', ...Array.from({ length: r.int(1, 5) }, () => this.path(table))]
    query.fields = r.shuffled(query.fields)
    if (r.chance(0.7) || this.large) {
      this.orderBy(query, query.fields.length, [query.fields.indexOf('id')])
      if (query.order && r.chance(0.35))
        query.after = query.order.map(({ output }) => (r.chance(0.15) ? null : this.value(table, query.fields[output])))
    } else if (r.chance(0.2)) {
      query.stream = true
    }
    return query
  }

  next() {
    return this.r.chance(0.68) ? this.group() : this.row()
  }
}
