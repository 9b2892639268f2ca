// SPDX-License-Identifier: Apache-2.0
// From the start of the process to the first answer about a month, beside the time that reading the files takes.
import fs from 'node:fs'
import path from 'node:path'
import { cell, inTurns, median, seconds } from '../support/figures.mjs'
import { makeKey, serve, worker } from '../support/process.mjs'
import { data, here, options, results, segmentBytes } from '../support/world.mjs'
import { databases, databasesMade } from './load.mjs'

async function firstOfDaybook(key) {
  const before = performance.now()
  const server = await serve()
  const answer = await fetch(`${server.url}/api/v1/reports/sales?from=2025-12-01&to=2025-12-31`, { headers: { authorization: `Bearer ${key}` } })
  if (answer.status !== 200) throw new Error(`HTTP ${answer.status}`)
  await answer.text()
  const took = seconds(before)
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

// Reads every file of the columns once, as a restart has to; warm or cold as the machine has them, like the others.
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
  databasesMade()
  const key = makeKey('reports:read')
  const times = await inTurns({
    Daybook: () => firstOfDaybook(key),
    DuckDB: () => firstOf('DuckDB', 'peers/duckdb.mjs', databases().duckdb),
    chDB: () => firstOf('chDB', 'peers/chdb.mjs', databases().chdb),
    'reading the files': async () => readFiles()
  }, Math.min(options.repeat, 5))
  const bytes = segmentBytes()
  console.log(`\nrestart: first answer after (median, minimum; ${(bytes / 1e6).toFixed(0)} MB of Daybook's files)`)
  for (const [name, t] of Object.entries(times)) console.log(`  ${name.padEnd(18)} ${cell(median(t).toFixed(3), 8)} s (${Math.min(...t).toFixed(3)})`)
  results.suites.restart = { seconds: times, bytes }
}
