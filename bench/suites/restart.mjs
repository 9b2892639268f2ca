// SPDX-License-Identifier: Apache-2.0
// From the start of the process to the first answer about a month, beside the time that reading the files takes: from the
// page cache, and from the disk, which is the floor of a start after which nothing is cached.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { cell, inTurns, median, seconds } from '../support/figures.mjs'
import { makeKey, serve, worker } from '../support/process.mjs'
import { data, here, must, options, results, segmentBytes, tools } from '../support/world.mjs'
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

// Drops the page cache, which the superuser may do; false where it cannot be.
function dropCaches() {
  return spawnSync('sh', ['-c', 'sync; echo 3 > /proc/sys/vm/drop_caches'], { stdio: 'ignore' }).status === 0
}

// Opens the directory phase by phase, nobody else having it open, and says what the disk needs for the files alone.
function phases(cold) {
  const out = must(path.join(tools, 'bench_restart'), [data(), String(Math.min(options.repeat, 5)), ...(cold ? ['cold'] : [])])
  const disk = Number(/disk +([\d.]+) s/.exec(out)[1])
  const best = Object.fromEntries(['open', 'keys', 'rollups'].map((name) =>
    [name, Math.min(...[...out.matchAll(new RegExp(`${name} +([\\d.]+) s`, 'g'))].map((m) => Number(m[1])))]))
  return { disk, ...best }
}

export async function restart() {
  databasesMade()
  const key = makeKey('reports:read')
  const times = await inTurns({
    Daybook: () => firstOfDaybook(key),
    DuckDB: () => firstOf('DuckDB', 'peers/duckdb.mjs', databases().duckdb),
    chDB: () => firstOf('chDB', 'peers/chdb.mjs', databases().chdb),
    'the page cache': async () => readFiles()
  }, Math.min(options.repeat, 5))
  const bytes = segmentBytes()
  console.log(`\nrestart: first answer after (median, minimum; ${(bytes / 1e6).toFixed(0)} MB of Daybook's files)`)
  for (const [name, t] of Object.entries(times)) console.log(`  ${name.padEnd(18)} ${cell(median(t).toFixed(3), 8)} s (${Math.min(...t).toFixed(3)})`)
  const first = Math.min(...times.Daybook)
  const warm = phases(false)
  console.log(`  the disk itself    ${cell(warm.disk.toFixed(3), 8)} s; the least first answer is ${(first / warm.disk).toFixed(2)} times that`)
  console.log(`  phases, the files in the page cache: open and check ${warm.open.toFixed(3)} s, then keys ${warm.keys.toFixed(3)} s, rollups ${warm.rollups.toFixed(3)} s`)
  const cold = dropCaches() ? phases(true) : undefined
  if (cold) console.log(`  phases, nothing in the page cache: open and check ${cold.open.toFixed(3)} s, ${(cold.open / cold.disk).toFixed(2)} times the disk itself`)
  else console.log('  the page cache cannot be dropped here: no figures for a cold start')
  results.suites.restart = { seconds: times, bytes, warm, cold }
}
