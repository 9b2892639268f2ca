// SPDX-License-Identifier: Apache-2.0
// What a query costs a row when nobody has aggregated anything before: every engine reads its own tables, answers are
// compared before anything is timed. Beside the peers stands the floor: what the bytes or the rows that the query must
// touch cost on this machine at the least.
import { compare, starts } from '../support/engines.mjs'
import { cell, geometricMean, inTurns, median, spread, summary } from '../support/figures.mjs'
import { floorOf } from '../support/floors.mjs'
import { company, options, results } from '../support/world.mjs'
import { queryNames, variationsOf } from '../peers/queries.mjs'
import { databasesMade } from './load.mjs'

// Row stores take seconds where columns take milliseconds: beyond this size they are only asked when named. Polars
// reads the CSV files into memory, each string of its own.
const ROW_STORES_MAX = 2000000, POLARS_MAX = 20000000
const fromFiles = ['polars', 'sqlite', 'postgres']

function chosen() {
  if (options.peers !== 'auto') return options.peers.split(',')
  if (options.orders > POLARS_MAX) return ['duckdb', 'chdb']
  return options.orders <= ROW_STORES_MAX ? Object.keys(starts).slice(1) : ['portable', 'duckdb', 'chdb', 'polars']
}

function showTouched(touched, floor) {
  const columns = Object.entries(touched.columns).map(([name, bits]) => `${name} ${bits.toFixed(1)}`).join(', ')
  if (!touched.statistics && !floor) return `${cell(touched.rows, 11)} rows, not sealed yet`
  if (!floor) return `${cell(touched.rows, 11)} rows  sums of whole segments are known; at the ends of a range, ${columns}`
  return `${cell(touched.rows, 11)} rows  ${cell(floor.bits.toFixed(1), 5)} bits/row ${cell((floor.bytes / 1e6).toFixed(1), 7)} MB  by memory ${cell(floor.memory.toFixed(2), 7)} ms, by work ${cell(floor.work.toFixed(2), 7)} ms  (${columns}${touched.groups > 1 ? `; ${touched.groups} groups` : ''})`
}

export async function scan() {
  await databasesMade()
  const peers = chosen()
  if (peers.some((peer) => fromFiles.includes(peer))) company()
  const engines = []
  for (const name of ['daybook', ...peers]) engines.push(await starts[name](engines[0]))
  const touched = await engines[0].ask('describe')
  const names = queryNames(options.tables).filter((name) => options.queries === 'all' || options.queries.split(',').includes(name))
  if (!names.length) throw new Error(`--queries: there are ${queryNames(options.tables).join(', ')}`)
  const floors = Object.fromEntries(names.map((name) => [name, floorOf(touched[name])]))
  console.log(`\nscan: ${options.orders} orders, ${options.threads} threads, no rollups; median of ${options.repeat} (minimum ±quartiles), ms
  ratio: the faster of DuckDB and chDB as Node.js sees it by Daybook; own clock: the same by the engines' own clocks; × floor: Daybook by the least that this machine can`)
  console.log(`  ${'query'.padEnd(22)} ${engines.map((e) => cell(e.name, 24)).join(' ')} ${cell('ns/row', 8)} ${cell('ratio', 7)} ${cell('own clock', 9)} ${cell('floor', 8)} ${cell('× floor', 7)}`)
  const table = {}
  for (const query of names) {
    const variations = variationsOf(query)
    await compare(engines, query, variations)
    const own = Object.fromEntries(engines.map((engine) => [engine.name, []]))
    const jobs = Object.fromEntries(engines.map((engine) => [engine.name, async (round) => {
      const { ns, engine: engineNs } = await engine.ask(`${query} ${round % variations}`)
      own[engine.name].push((engineNs ?? ns) / 1e6)
      return ns / 1e6
    }]))
    const times = await inTurns(jobs, options.repeat)
    const mine = median(times.Daybook)
    const fastest = (of) => Math.min(...['DuckDB', 'chDB'].filter((name) => of[name]).map((name) => median(of[name]))) / mine
    const ratio = fastest(times), ownRatio = fastest(own), floor = floors[query]
    console.log(`  ${query.padEnd(22)} ${engines.map((e) => cell(summary(times[e.name]), 24)).join(' ')} ${cell(((mine * 1e6) / touched[query].rows).toFixed(2), 8)} ${cell(ratio.toFixed(1), 7)} ${cell(ownRatio.toFixed(1), 9)} ${cell(floor ? floor.ms.toFixed(3) : '–', 8)} ${cell(floor ? (mine / floor.ms).toFixed(1) : '–', 7)}`)
    table[query] = { times, own, ratio, ownRatio, floor, touched: touched[query], spread: Object.fromEntries(engines.map((e) => [e.name, spread(times[e.name])])) }
  }
  const all = Object.values(table)
  const mean = geometricMean(all.map((row) => row.ratio)), worst = Math.min(...all.map((row) => row.ratio))
  const ownMean = geometricMean(all.map((row) => row.ownRatio)), ownWorst = Math.min(...all.map((row) => row.ownRatio))
  const multiples = all.filter((row) => row.floor).map((row) => median(row.times.Daybook) / row.floor.ms)
  console.log(`  geometric mean of the ratios ${mean.toFixed(1)}, the smallest ${worst.toFixed(1)}; by their own clocks ${ownMean.toFixed(1)} and ${ownWorst.toFixed(1)}; of the multiples of the floor ${multiples.length ? geometricMean(multiples).toFixed(1) : '–'}`)
  console.log('\n  what a query must touch at the least (bits as the segments have them):')
  for (const query of names) console.log(`  ${query.padEnd(22)} ${showTouched(touched[query], floors[query])}`)
  for (const engine of engines) await engine.stop()
  results.suites.scan = { ...results.suites.scan, [`${options.threads} threads`]: { table, mean, worst, ownMean, ownWorst } }
}
