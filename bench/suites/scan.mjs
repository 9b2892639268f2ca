// SPDX-License-Identifier: Apache-2.0
// What a query costs a row when nobody has aggregated anything before: every engine reads its own tables, answers are
// compared before anything is timed.
import path from 'node:path'
import { cell, geometricMean, inTurns, median, spread } from '../support/figures.mjs'
import { worker } from '../support/process.mjs'
import { csv, data, here, options, results, tools } from '../support/world.mjs'
import { queryNames } from '../peers/queries.mjs'
import { databases, databasesMade } from './load.mjs'

// Row stores take seconds where columns take milliseconds: beyond this size they are only asked when named.
const ROW_STORES_MAX = 2000000

const starts = {
  duckdb: (threads) => worker('DuckDB', 'node', [path.join(here, 'peers/duckdb.mjs'), 'query', databases().duckdb, threads]),
  chdb: (threads) => worker('chDB', 'node', [path.join(here, 'peers/chdb.mjs'), 'query', databases().chdb, threads]),
  polars: (threads) => worker('Polars', 'node', [path.join(here, 'peers/polars.mjs'), csv(), threads]),
  sqlite: () => worker('SQLite', 'node', [path.join(here, 'peers/sqlite.mjs'), csv()]),
  postgres: (threads) => worker('PostgreSQL', 'node', [path.join(here, 'peers/postgres.mjs'), csv(), threads])
}
const columnar = ['duckdb', 'chdb', 'polars']

function chosen() {
  if (options.peers !== 'auto') return options.peers.split(',')
  return options.orders <= ROW_STORES_MAX ? Object.keys(starts) : columnar
}

// The answers as text that is equal when they are: no value and a sum of nothing are the same, order does not count.
const normal = (rows) => rows.map((row) => row.map((v) => v ?? '0').join('\t')).sort().join('\n')

async function compare(engines, query) {
  const answers = []
  for (const engine of engines) answers.push(normal((await engine.ask(query)).rows))
  for (let i = 1; i < engines.length; i++) {
    if (answers[i] !== answers[0]) throw new Error(`${query}: ${engines[i].name} answers\n${answers[i].slice(0, 400)}\nDaybook\n${answers[0].slice(0, 400)}`)
  }
}

export async function scan() {
  databasesMade()
  const threads = String(options.threads)
  const peers = chosen()
  const engines = [await worker('Daybook', path.join(tools, 'bench_query'), [data(), 'bench', threads])]
  for (const peer of peers) engines.push(await starts[peer](threads))
  console.log(`\nscan: ${options.orders} orders, ${threads} threads, no rollups; median of ${options.repeat} (minimum), ms; ratio to the faster of DuckDB and chDB`)
  console.log(`  ${'query'.padEnd(22)} ${engines.map((e) => cell(e.name, 20)).join(' ')} ${cell('ns/row', 8)} ${cell('ratio', 7)}`)
  const table = {}
  for (const query of queryNames) {
    await compare(engines, query)
    const jobs = Object.fromEntries(engines.map((engine) => [engine.name, async () => (await engine.ask(query)).ns / 1e6]))
    const times = await inTurns(jobs, options.repeat)
    const best = Math.min(...['DuckDB', 'chDB'].filter((name) => times[name]).map((name) => median(times[name])))
    const mine = median(times.Daybook)
    const ratio = best / mine
    const show = (t) => cell(`${median(t).toFixed(3)} (${Math.min(...t).toFixed(3)})`, 20)
    console.log(`  ${query.padEnd(22)} ${engines.map((e) => show(times[e.name])).join(' ')} ${cell(((mine * 1e6) / options.orders).toFixed(2), 8)} ${cell(ratio.toFixed(1), 7)}`)
    table[query] = { times, ratio, spread: Object.fromEntries(engines.map((e) => [e.name, spread(times[e.name])])) }
  }
  const mean = geometricMean(Object.values(table).map((row) => row.ratio))
  const worst = Math.min(...Object.values(table).map((row) => row.ratio))
  console.log(`  geometric mean of the ratios ${mean.toFixed(1)}, the smallest ${worst.toFixed(1)}`)
  for (const engine of engines) await engine.stop()
  results.suites.scan = { table, mean, worst }
}
