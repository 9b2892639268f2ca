// SPDX-License-Identifier: Apache-2.0
// What a query means, said in SQL, and the answer DuckDB gives to it.
import { bucketSql } from './calendar.mjs'
import { references, resolve, tables } from './schema.mjs'

function literal(value) {
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : `CAST(${value.int} AS BIGINT)`
}

// Collects the joins that paths and buckets need.
class From {
  constructor(table, calendars) {
    this.table = table
    this.calendars = calendars
    this.joins = new Map()
  }

  column(path) {
    const steps = path.split('.')
    const column = steps.pop()
    let alias = 't'
    let prefix = ''
    for (const step of steps) {
      prefix += (prefix && '.') + step
      if (!this.joins.has(prefix))
        this.joins.set(prefix, `LEFT JOIN ${references[step]} "${prefix}" ON "${prefix}".id = ${alias === 't' ? 't' : `"${alias}"`}.${step}`)
      alias = prefix
    }
    return `${alias === 't' ? 't' : `"${alias}"`}.${column}`
  }

  async bucket(bucket) {
    const { name } = await this.calendars.make(bucket.zone ?? null, bucket.dayStart ?? 0)
    const time = this.column(bucket.column)
    const join = `${name} ${bucket.column}`
    if (!this.joins.has(join)) this.joins.set(join, `ASOF LEFT JOIN ${name} "${join}" ON "${join}".day <= ${time}`)
    return bucketSql(bucket, time, `"${join}"`)
  }

  toString() {
    return [`${this.table} t`, ...this.joins.values()].join('\n  ')
  }
}

function condition(from, { column, op, values }) {
  const x = from.column(column)
  switch (op) {
    case 'null':
      return `${x} IS NULL`
    case 'not_null':
      return `${x} IS NOT NULL`
    case 'contains':
      return `contains(lower(${x}), lower(${literal(values[0])}))`
    case 'in': {
      const some = values.filter((value) => value !== null)
      const parts = some.length ? [`${x} IN (${some.map(literal).join(', ')})`] : []
      if (some.length < values.length) parts.push(`${x} IS NULL`)
      return `(${parts.join(' OR ')})`
    }
    default:
      return `${x} ${{ eq: '=', ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=' }[op]} ${literal(values[0])}`
  }
}

// Strictly behind a position: "no value" is the smallest.
function behind(order, columns, after) {
  const alternatives = order.map(({ output, descending }, i) => {
    const same = order.slice(0, i).map((by, j) => `${columns[by.output]} IS NOT DISTINCT FROM ${after[j] === null ? 'NULL' : literal(after[j])}`)
    const x = columns[output]
    const value = after[i]
    let further
    if (value === null) further = descending ? 'FALSE' : `${x} IS NOT NULL`
    else further = descending ? `(${x} < ${literal(value)} OR ${x} IS NULL)` : `${x} > ${literal(value)}`
    return `(${[...same, further].join(' AND ')})`
  })
  return `(${alternatives.join(' OR ')})`
}

function aggregateSql(from, { kind, column }) {
  if (kind === 'rows') return ['count(*)']
  const x = from.column(column)
  switch (kind) {
    case 'values':
      return [`count(${x})`]
    case 'distinct':
      return [`count(DISTINCT ${x})`]
    case 'average':
      return [`sum(${x})`, `count(${x})`]
    default:
      return [`${kind}(${x})`]
  }
}

// { sql, kinds }: an inner query with typed columns c0, c1, … (an average has a second one, c2n) and an outer one that
// orders, limits and turns every cell into text. Without `sorted` the order and limit are left to the caller.
export async function toSql(query, calendars, sorted) {
  const from = new From(query.table, calendars)
  const isGroup = query.keys?.length || query.aggregates?.length
  const plain = []
  const kinds = []
  const kindOf = (path) => (['text', 'code'].includes(resolve(query.table, path).type) ? 'text' : 'int')
  for (const key of query.keys ?? []) {
    plain.push(typeof key === 'string' ? from.column(key) : await from.bucket(key))
    kinds.push(typeof key === 'string' ? kindOf(key) : 'int')
  }
  for (const field of query.fields ?? []) {
    plain.push(from.column(field))
    kinds.push(kindOf(field))
  }
  const inner = plain.map((sql, i) => `${sql} AS c${i}`)
  const outer = plain.map((_, i) => `CAST(c${i} AS VARCHAR)`)
  for (const aggregate of query.aggregates ?? []) {
    const i = kinds.length
    const [first, second] = aggregateSql(from, aggregate)
    inner.push(`${first} AS c${i}`)
    if (second) inner.push(`${second} AS c${i}n`)
    outer.push(second ? `CAST(c${i} AS VARCHAR) || '/' || CAST(c${i}n AS VARCHAR)` : `CAST(c${i} AS VARCHAR)`)
    kinds.push({ sum: 'sum', average: 'average' }[aggregate.kind] ?? 'int')
  }
  const conditions = (query.filters ?? []).map((filter) => condition(from, filter))
  const time = from.column(query.timeColumn ?? tables[query.table].time ?? 'id')
  if (query.from != null) conditions.push(`${time} >= ${query.from}`)
  if (query.to != null) conditions.push(`${time} < ${query.to}`)
  if (query.after) conditions.push(behind(query.order, plain, query.after))
  let sql = `SELECT ${outer.join(', ')} FROM (\n  SELECT ${inner.join(', ')}\n  FROM ${from}`
  if (conditions.length) sql += `\n  WHERE ${conditions.join(' AND ')}`
  if (isGroup && plain.length) sql += `\n  GROUP BY ${plain.map((_, i) => i + 1).join(', ')}`
  sql += ')'
  if (sorted && query.order) {
    const by = query.order.map(({ output, descending }) => `c${output} ${descending ? 'DESC NULLS LAST' : 'ASC NULLS FIRST'}`)
    sql += `\nORDER BY ${by.join(', ')}`
  }
  if (sorted && query.limit) sql += `\nLIMIT ${query.limit}`
  return { sql, kinds }
}

function compareCells(kind, a, b) {
  if (a === null || b === null) return (a !== null) - (b !== null)
  if (kind === 'text') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  let [x, y] = [a, b]
  if (kind === 'average') {
    const [sumA, countA] = a.split('/').map(BigInt)
    const [sumB, countB] = b.split('/').map(BigInt)
    ;[x, y] = [sumA * countB, sumB * countA]
  } else {
    ;[x, y] = [BigInt(a), BigInt(b)]
  }
  return x < y ? -1 : x > y ? 1 : 0
}

export function compareRows(order, kinds, a, b) {
  for (const { output, descending } of order) {
    const sign = compareCells(kinds[output], a[output], b[output])
    if (sign) return descending ? -sign : sign
  }
  return 0
}

// The rows that a bucket key without rows would have.
async function fill(query, calendars, kinds, rows) {
  const have = new Set(rows.map(([start]) => start))
  for (const start of await calendars.touched(query.keys[0], query.from, query.to)) {
    if (have.has(String(start))) continue
    const empty = query.aggregates.map(({ kind }) => (['rows', 'values', 'distinct'].includes(kind) ? '0' : null))
    rows.push([String(start), ...empty])
  }
}

// { sql, kinds, rows }: the rows in the query's order when it has one. A limit without an order is not applied.
export async function expected(duck, calendars, query) {
  const byAverage = (query.order ?? []).some(({ output }) => output >= (query.keys?.length ?? 0) + (query.fields?.length ?? 0) &&
    query.aggregates?.[output - (query.keys?.length ?? 0) - query.fields.length]?.kind === 'average')
  const sorted = Boolean(query.order) && !byAverage && !query.fill
  const { sql, kinds } = await toSql(query, calendars, sorted)
  let rows = await duck.rows(sql)
  if (query.fill && query.from < query.to) await fill(query, calendars, kinds, rows)
  if (query.order && !sorted) {
    rows.sort((a, b) => compareRows(query.order, kinds, a, b))
    if (query.limit) rows = rows.slice(0, query.limit)
  }
  return { sql, kinds, rows }
}
