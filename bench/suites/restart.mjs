// SPDX-License-Identifier: Apache-2.0
// From the start of the process to the first answer about a month, beside the time that reading the files takes: with the
// files in the machine's cache, and from the disk. And what memory the server then has.
import fs from 'node:fs'
import path from 'node:path'
import { inTurns, seconds, summary, cell, median } from '../support/figures.mjs'
import { makeKey, serve, worker } from '../support/process.mjs'
import { data, databases, here, options, results, segmentBytes } from '../support/world.mjs'
import { databasesMade } from './load.mjs'

// Only root may empty the machine's cache of files.
function emptyCache() {
  try {
    fs.writeFileSync('/proc/sys/vm/drop_caches', '3')
    return true
  } catch {
    return false
  }
}

let resident = 0
async function firstOfDaybook(key) {
  const before = performance.now()
  const server = await serve()
  const answer = await fetch(`${server.url}/api/v1/reports/sales?from=2025-12-01&to=2025-12-31`, { headers: { authorization: `Bearer ${key}` } })
  if (answer.status !== 200) throw new Error(`HTTP ${answer.status}`)
  await answer.text()
  const took = seconds(before)
  resident = Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) * 1024
  await server.stop()
  return took
}

async function firstOf(name, script, database) {
  const before = performance.now()
  const engine = await worker(name, 'node', [path.join(here, script), 'query', database, String(options.threads)])
  await engine.ask('sum_month')
  const took = seconds(before)
  await engine.stop()
  return took
}

// Reads every file of the columns once, as a restart has to.
function readFiles() {
  const before = performance.now()
  const block = Buffer.allocUnsafe(8 << 20)
  for (const entry of fs.readdirSync(data(), { withFileTypes: true })) {
    if (!entry.isFile() || entry.name.startsWith('log-')) continue
    const file = fs.openSync(path.join(data(), entry.name))
    while (fs.readSync(file, block) > 0);
    fs.closeSync(file)
  }
  return seconds(before)
}

export async function restart() {
  await databasesMade()
  const key = makeKey('reports:read')
  const jobs = {
    Daybook: () => firstOfDaybook(key),
    DuckDB: () => firstOf('DuckDB', 'peers/duckdb.mjs', databases().duckdb),
    chDB: () => firstOf('chDB', 'peers/chdb.mjs', databases().chdb),
    'reading the files': async () => readFiles()
  }
  const rounds = options.orders > 2000000 ? Math.min(options.repeat, 3) : options.repeat
  const warm = await inTurns(jobs, rounds)
  const bytes = segmentBytes()
  const isRoot = emptyCache()
  const cold = isRoot ? await inTurns(Object.fromEntries(Object.entries(jobs).map(([name, job]) => [name, async () => { emptyCache(); return job() }])), Math.min(rounds, 5)) : undefined
  console.log(`\nrestart: first answer after, s, median of ${rounds} (minimum ±quartiles); ${(bytes / 1e6).toFixed(0)} MB of Daybook's files`)
  console.log(`  ${''.padEnd(18)} ${cell('files in the cache', 24)} ${cell('from the disk', 24)}`)
  for (const name of Object.keys(jobs)) console.log(`  ${name.padEnd(18)} ${cell(summary(warm[name]), 24)} ${cold ? cell(summary(cold[name]), 24) : ''}`)
  const times = (of) => (median(of.Daybook) / median(of['reading the files'])).toFixed(2)
  console.log(`  ${'× reading'.padEnd(18)} ${cell(times(warm), 24)} ${cold ? cell(times(cold), 24) : ''}`)
  console.log(`  the server then has ${(resident / 1e6).toFixed(0)} MB in memory, ${(resident / options.orders).toFixed(1)} bytes an order${options.lines ? ' with its lines' : ''}`)
  results.suites.restart = { warm, cold, bytes, resident }
}
