// SPDX-License-Identifier: Apache-2.0
// From the start of the process to the first answer about a month: with the files in the page cache, beside the time that
// reading them from there takes, and with nothing in it, neither files nor programs, beside the disk's own floor for the files
// alone. And what memory the server then has.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { inTurns, seconds, summary, cell, median } from '../support/figures.mjs'
import { makeKey, serve, settled, worker } from '../support/process.mjs'
import { data, databases, hasLines, here, must, options, results, segmentBytes, tools } from '../support/world.mjs'
import { databasesMade } from './load.mjs'

const READING = 'reading the files'

// Drops the page cache, which the superuser may do; false where it cannot be.
function dropCache() {
  spawnSync('sync')
  try {
    fs.writeFileSync('/proc/sys/vm/drop_caches', '3')
    return true
  } catch {
    return false
  }
}

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

// What the server has in memory when everything is made.
async function residentAfterAll() {
  const server = await serve()
  await settled(server.pid)
  const bytes = Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) * 1024
  await server.stop()
  return bytes
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

// Opens the directory phase by phase, nobody else having it open, and says what the disk needs for the files alone.
function phases(cold) {
  const out = must(path.join(tools, 'bench_restart'), [data(), String(Math.min(options.repeat, 5)), ...(cold ? ['cold'] : [])])
  const disk = Number(/disk +([\d.]+) s/.exec(out)[1])
  const best = Object.fromEntries(['open', 'keys', 'proofs', 'rollups'].map((name) =>
    [name, Math.min(...[...out.matchAll(new RegExp(`${name} +([\\d.]+) s`, 'g'))].map((m) => Number(m[1])))]))
  return { disk, ...best }
}

// Of what is made behind the first answers.
const behind = ({ keys, proofs, rollups }) => [keys, proofs, rollups].map((phase) => phase.toFixed(3)).join(', ')

export async function restart() {
  await databasesMade()
  const key = makeKey('reports:read')
  const jobs = {
    Daybook: () => firstOfDaybook(key),
    DuckDB: () => firstOf('DuckDB', 'peers/duckdb.mjs', databases().duckdb),
    chDB: () => firstOf('chDB', 'peers/chdb.mjs', databases().chdb),
    [READING]: async () => readFiles()
  }
  const rounds = options.orders > 2000000 ? Math.min(options.repeat, 3) : options.repeat
  const warm = await inTurns(jobs, rounds)
  const warmPhases = phases(false)
  const bytes = segmentBytes(), resident = await residentAfterAll()
  const cold = dropCache() ? await inTurns(Object.fromEntries(Object.entries(jobs).filter(([name]) => name !== READING).map(([name, job]) => [name, async () => { dropCache(); return job() }])), Math.min(rounds, 5)) : undefined
  const coldPhases = cold && phases(true)
  const disk = coldPhases?.disk ?? warmPhases.disk
  console.log(`\nrestart: first answer after, s, median of ${rounds} (minimum ±quartiles); ${(bytes / 1e6).toFixed(0)} MB of Daybook's files`)
  const show = (name, ofWarm, ofCold) => console.log(`  ${name.padEnd(21)} ${cell(ofWarm, 28)} ${cell(ofCold, 28)}`)
  show('', 'files in the page cache', 'nothing in the page cache')
  for (const name of Object.keys(jobs)) if (name !== READING) show(name, summary(warm[name]), cold ? summary(cold[name]) : '–')
  show(READING, summary(warm[READING]), `${disk.toFixed(3)}, the disk's floor`)
  show('× reading', (median(warm.Daybook) / median(warm[READING])).toFixed(2), cold ? (median(cold.Daybook) / disk).toFixed(2) : '–')
  show('opening, checking', warmPhases.open.toFixed(3), cold ? coldPhases.open.toFixed(3) : '–')
  show('keys, proofs, rollups', behind(warmPhases), cold ? behind(coldPhases) : '–')
  if (!cold) console.log('  the page cache cannot be dropped here: no figures for a cold start')
  console.log(`  with its keys and rollups the server has ${(resident / 1e6).toFixed(0)} MB in memory, ${(resident / options.orders).toFixed(1)} bytes an order${hasLines() ? ' with its lines' : ''}`)
  results.suites.restart = { warm, cold, bytes, resident, phases: { warm: warmPhases, cold: coldPhases } }
}
