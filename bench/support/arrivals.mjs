// SPDX-License-Identifier: Apache-2.0
// The orders that arrive in the suite `mixed`: the same for every engine, in bodies for Daybook and in files for the
// peers. Every twentieth order replaces one that came a second and a half before it, with another status and total; what they come to
// is known, so that every engine can be asked whether it has it.
import fs from 'node:fs'
import { isTrial } from './world.mjs'

// Orders a second.
export const arrivalRate = () => (isTrial() ? 2000 : 20000)
// What has to be there before the first is replaced; sent before anything is timed.
export const sentBefore = () => arrivalRate() * 2

const replaces = (n) => n % 20 === 19 && n >= sentBefore()
// The one before it that it replaces was no replacement itself.
const idOf = (n) => (replaces(n) ? n - (arrivalRate() * 1.5 + 1) : n)

function order(n) {
  const id = idOf(n)
  return {
    id: `mix-${id}`,
    at: new Date(Date.UTC(2025, 11, 1 + (id % 31), id % 24, id % 60, (id >> 3) % 60, id % 1000)).toISOString(),
    status: replaces(n) ? 'CANCELLED' : 'SUBMITTED',
    customer: `cus_${id % 997}`,
    total: `${((n * 7919) % 9000) + 10}.50`
  }
}

const json = (n) => {
  const o = order(n)
  return `{"id":"${o.id}","created_at":"${o.at}","status":"${o.status}","customer_id":"${o.customer}","currency":"EUR","total":"${o.total}"}`
}

// Orders [from, to) as NDJSON, `size` to a body, each preceded by its length as bench_rate wants it.
export function bodies(from, to, size) {
  const out = []
  for (let first = from; first < to; first += size) {
    const rows = []
    for (let n = first; n < Math.min(first + size, to); n++) rows.push(json(n))
    const body = rows.join('\n')
    out.push(`${Buffer.byteLength(body)}\n${body}`)
  }
  return out.join('')
}

// The same as a CSV file: id, created_at in ms, status, customer_id, currency, total in ten-thousandths, version.
export function writeCsv(file, from, to) {
  const rows = []
  for (let n = from; n < to; n++) {
    const o = order(n)
    rows.push(`${o.id},${Date.parse(o.at)},${o.status},${o.customer},EUR,${Math.round(Number(o.total) * 10000)},${n}`)
  }
  fs.writeFileSync(file, `id,created_at,status,customer_id,currency,total,version\n${rows.join('\n')}\n`)
}

// What orders [0, to) come to: rows, and the sum of their totals in ten-thousandths.
export function expected(to) {
  const totals = new Map()
  for (let n = 0; n < to; n++) totals.set(idOf(n), BigInt(Math.round(Number(order(n).total) * 10000)))
  let sum = 0n
  for (const total of totals.values()) sum += total
  return { rows: totals.size, sum }
}
