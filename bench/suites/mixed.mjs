// SPDX-License-Identifier: Apache-2.0
// Reads while 20,000 orders a second arrive, every twentieth of which replaces one that is there: the latency of a
// month's sales by day at a fixed rate, each read timed from the instant it was due. Daybook is asked over HTTP and takes
// batches of 200; DuckDB and ClickHouse are asked in their process and take a batch of 20,000 a second. In the end each
// is asked whether it has what it was sent.
import fs from 'node:fs'
import path from 'node:path'
import { placement } from '../support/apart.mjs'
import { arrivalRate, bodies, expected, sentBefore, writeCsv } from '../support/arrivals.mjs'
import { atRate, h2load } from '../support/clients.mjs'
import { cell, median } from '../support/figures.mjs'
import { makeKey, serve, worker } from '../support/process.mjs'
import { data, databases, here, isTrial, options, results, runSeconds, tools, work } from '../support/world.mjs'
import { databasesMade } from './load.mjs'

const BATCH = 200
// Seconds with arrivals, and without.
const duration = () => (isTrial() ? 1 : Math.max(options.seconds, 5))
const calmly = () => (isTrial() ? 0.2 : duration())

function check(name, base, sent, total) {
  const more = expected(sent)
  const rows = BigInt(base.rows) + BigInt(more.rows), sum = BigInt(base.sum) + more.sum
  if (BigInt(total.rows) !== rows || BigInt(total.sum) !== sum) throw new Error(`${name} has ${total.rows} orders and ${total.sum}, sent were ${rows} and ${sum}`)
}

async function totals(folder) {
  const engine = await worker('Daybook', path.join(tools, 'bench_query'), [folder, 'bench', '1'])
  const { rows } = await engine.ask('sum_all')
  await engine.stop()
  return { rows: rows[0][0], sum: rows[0][1] }
}

async function ofDaybook() {
  // A copy: what is poured in must not stand in the data of the other suites.
  const folder = path.join(work(), 'daybook-mixed')
  fs.rmSync(folder, { recursive: true, force: true })
  fs.cpSync(data(), folder, { recursive: true, filter: (name) => !/\/(lock|daybook\.sock|socket)$/.test(name) })
  const base = await totals(folder)
  const server = await serve(folder, ['--threads', '1'])
  let figures, sent
  try {
    const key = makeKey('reports:read,ingest:write', folder)
    const target = '/api/v1/reports/sales?from=2025-12-01&to=2025-12-31'
    const pour = (from, to, rate) => atRate(`${server.url}/ingest/orders`, key, rate / BATCH, (to - from) / rate, { connections: 4, bodies: bodies(from, to, BATCH) })
    const before = sentBefore(), perSecond = arrivalRate()
    await pour(0, before, before)
    const most = h2load(`${server.url}${target}`, [`authorization: Bearer ${key}`], ['-D', `${runSeconds() * 1000}ms`])
    const read = (rate, seconds) => atRate(`${server.url}${target}`, key, rate, seconds)
    const some = Math.min(most / 2, 20000)
    const calm = await read(some, calmly()), calmHalf = await read(most / 2, calmly())
    sent = before
    const beside = async (rate) => {
      const from = sent
      sent += perSecond * duration()
      const pouring = pour(from, sent, perSecond)
      const busy = await read(rate, duration())
      return { busy, arrived: await pouring }
    }
    const { busy, arrived } = await beside(some), half = await beside(most / 2)
    // As fast as they come.
    const all = perSecond * duration()
    const rush = await pour(sent, sent + all, perSecond * 100)
    sent += all
    figures = { calm, busy, arrived: arrived.rate * BATCH, acknowledged: arrived, most: rush.rate * BATCH, half: { calm: calmHalf, busy: half.busy, arrived: half.arrived.rate * BATCH } }
  } finally {
    await server.stop()
  }
  check('Daybook', base, sent, await totals(folder))
  fs.rmSync(folder, { recursive: true, force: true })
  return { base, ...figures }
}

async function ofPeer(name, label, base) {
  const files = path.join(work(), `arrivals-${name}`), target = path.join(work(), `mixed-${name}.db`)
  for (const old of [files, target, `${target}.wal`]) fs.rmSync(old, { recursive: true, force: true })
  fs.mkdirSync(files)
  const perSecond = arrivalRate()
  let at = 0
  const make = (count) => Array.from({ length: count }, () => {
    const file = path.join(files, `${at}.csv`)
    writeCsv(file, at, at + perSecond)
    at += perSecond
    return file
  })
  const engine = await worker(label, 'node', [path.join(here, 'peers/mixed.mjs'), name, databases()[name], target, String(options.threads)])
  const ask = (request) => engine.ask(JSON.stringify(request))
  try {
    await ask({ do: 'insert', files: make(sentBefore() / perSecond) })
    // A rate that leaves half of the time.
    const rate = Math.min((await ask({ do: 'most', seconds: Math.min(2, calmly()) })).rate / 2, 20000)
    const calm = await ask({ do: 'read', rate, seconds: calmly(), files: [] })
    const rest = make(duration())
    const busy = await ask({ do: 'read', rate, seconds: duration(), files: rest })
    await ask({ do: 'insert', files: rest.slice(busy.poured.files) })
    const rush = make(duration())
    const most = (rush.length * perSecond) / (await ask({ do: 'insert', files: rush })).seconds
    check(label, base, at, await ask({ do: 'total' }))
    return { calm, busy, arrived: (busy.poured.files * perSecond) / Math.max(busy.poured.seconds, busy.poured.files), most, batch: median(busy.poured.took) }
  } finally {
    await engine.stop()
    for (const old of [files, target, `${target}.wal`]) fs.rmSync(old, { recursive: true, force: true })
  }
}

export async function mixed() {
  await databasesMade()
  const { base, ...daybook } = await ofDaybook()
  const all = { Daybook: daybook, DuckDB: await ofPeer('duckdb', 'DuckDB', base), chDB: await ofPeer('chdb', 'chDB', base) }
  console.log(`\nmixed: a month's sales by day of ${options.orders} orders, ${duration()} s each; ${placement()}; µs from the instant a read was due`)
  const perSecond = (n) => cell(n.toFixed(n < 10 ? 1 : 0), 6)
  const micros = (of) => `p50 ${cell(of.p50.toFixed(0), 7)} p99 ${cell(of.p99.toFixed(0), 8)} p99.9 ${cell(of.p999.toFixed(0), 8)} max ${cell(of.max.toFixed(0), 8)}`
  const show = (name, of) => {
    console.log(`  ${name.padEnd(8)} ${perSecond(of.calm.rate)} reads/s, nothing arrives                ${micros(of.calm)}`)
    console.log(`  ${''.padEnd(8)} ${perSecond(of.busy.rate)} reads/s, ${cell(of.arrived.toFixed(0), 6)} orders/s arrive       ${micros(of.busy)}`)
  }
  for (const [name, of] of Object.entries(all)) {
    show(name, of)
    if (of.half) show('', of.half)
    console.log(`  ${''.padEnd(8)} nothing read: ${cell(of.most.toFixed(0), 8)} orders/s${of.batch ? `; a batch of ${arrivalRate()} took ${(of.batch * 1000).toFixed(0)} ms while reads went on, and is seen when it is in` : `; a batch of ${BATCH} was acknowledged after ${(of.acknowledged.p50 / 1000).toFixed(1)} ms (p99 ${(of.acknowledged.p99 / 1000).toFixed(1)}) while reads went on, and is seen by then`}`)
  }
  console.log('  all have in the end what was sent, each replaced order once')
  results.suites.mixed = all
}
