// SPDX-License-Identifier: Apache-2.0
// The questions of reports, everybody as best configured: Daybook with the sums that it keeps, ClickHouse with
// AggregatingMergeTree tables behind materialised views, DuckDB with tables of sums kept up by hand. What each pays for
// them when it loads, and in bytes, stands beside.
import path from 'node:path'
import { compare, starts } from '../support/engines.mjs'
import { cell, inTurns, median, summary } from '../support/figures.mjs'
import { databases, hasLines, here, isTrial, must, options, results, tools } from '../support/world.mjs'
import { keptQueryNames, variationsOf } from '../peers/queries.mjs'
import { databasesMade } from './load.mjs'

// Nanoseconds of the processor and bytes an order, with rollups and without, of orders that the program makes up.
function costOfRollups() {
  const orders = Math.min(options.orders, 1000000)
  const out = must(path.join(tools, 'bench_rollup'), [String(orders), '1'])
  const read = (word) => /applied in ([\d.]+) ns .* order, ([\d.]+) bytes/.exec(out.split('\n').find((line) => line.includes(`${word} rollups:`))).slice(1).map(Number)
  const [withNs, withBytes] = read('with'), [withoutNs, withoutBytes] = read('without')
  return { seconds: ((withNs - withoutNs) * options.orders) / 1e9, bytes: (withBytes - withoutBytes) * options.orders, orders }
}

export async function summaries() {
  await databasesMade()
  const costs = { Daybook: costOfRollups() }
  for (const [name, label] of [['duckdb', 'DuckDB'], ['chdb', 'chDB']]) {
    costs[label] = JSON.parse(must('node', [path.join(here, `peers/${name}.mjs`), 'keep', databases()[name], String(options.threads), ...options.tables]))
  }
  const engines = []
  for (const name of ['daybook', 'duckdb', 'chdb']) engines.push(await starts[name]())
  const repeat = isTrial() ? options.repeat : Math.max(options.repeat, 25)
  console.log(`\nsummaries: ${options.orders} orders, ${options.threads} threads, sums kept by everybody; median of ${repeat} (minimum ±quartiles), ms; ratio: as in scan`)
  console.log(`  ${'question'.padEnd(28)} ${engines.map((e) => cell(e.name, 24)).join(' ')} ${cell('ratio', 8)} ${cell('own clock', 9)}`)
  const table = {}
  for (const query of keptQueryNames(hasLines())) {
    const variations = variationsOf(query)
    await compare(engines, query, variations)
    const own = Object.fromEntries(engines.map((engine) => [engine.name, []]))
    const jobs = Object.fromEntries(engines.map((engine) => [engine.name, async (round) => {
      const { ns, engine: engineNs } = await engine.ask(`${query} ${round % variations}`)
      own[engine.name].push((engineNs ?? ns) / 1e6)
      return ns / 1e6
    }]))
    const times = await inTurns(jobs, repeat)
    const fastest = (of) => Math.min(median(of.DuckDB), median(of.chDB)) / median(times.Daybook)
    table[query] = { times, own, ratio: fastest(times), ownRatio: fastest(own) }
    console.log(`  ${query.slice(5).replaceAll('_', ' ').padEnd(28)} ${engines.map((e) => cell(summary(times[e.name]), 24)).join(' ')} ${cell(table[query].ratio.toFixed(1), 8)} ${cell(table[query].ownRatio.toFixed(1), 9)}`)
  }
  for (const engine of engines) await engine.stop()
  const show = (name, what) => console.log(`  ${name.padEnd(8)} pays ${cell(((costs[name].seconds * 1e9) / options.orders).toFixed(0), 6)} ns and ${cell((costs[name].bytes / options.orders).toFixed(2), 6)} bytes an order: ${what}`)
  show('Daybook', `of the processor, when rows are applied (from ${costs.Daybook.orders} made-up orders); in memory, made anew at the start`)
  show('DuckDB', 'by the clock, when the tables are made from the rows; who inserts must add to them')
  show('chDB', 'by the clock, all rows through the views; merged afterwards, which is not counted')
  results.suites.summaries = { table, costs }
}
