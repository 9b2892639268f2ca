// SPDX-License-Identifier: Apache-2.0
// A CSV file becomes durable and queryable: whole processes, from the start of the command to its end. Also makes the
// databases that the other suites ask.
import fs from 'node:fs'
import path from 'node:path'
import { cell, inTurns, median, seconds, summary } from '../support/figures.mjs'
import { company, csv, data, databases, daybook, folderBytes, hasOrders, here, must, options, results, segmentBytes } from '../support/world.mjs'

// Larger files are loaded once: they only serve the scans, and the disk may have no room for another copy.
const rounds = () => (options.orders <= 2000000 ? options.repeat : 1)
// Beyond this size nothing is put in order afterwards, and the CSV files go when they are loaded.
const LARGE = 20000000
// Of lines without their orders the peers get what a query reads, and the time for the order of the rows: the rest would
// take more room than most disks have.
const columns = () => (hasOrders() ? [] : ['created_at', 'product_id', 'total'])

const loaders = {
  daybook: {
    clear: () => fs.rmSync(data(), { recursive: true, force: true }),
    load(table) {
      const before = performance.now()
      must(daybook, ['load', '--data', data(), '--tenant', 'bench', '--table', table, path.join(csv(), `${table}.csv`)])
      return seconds(before)
    }
  },
  duckdb: peer('duckdb'),
  chdb: peer('chdb')
}

function peer(name) {
  const target = () => databases()[name]
  const run = (action, words) => JSON.parse(must('node', [path.join(here, `peers/${name}.mjs`), action, target(), String(options.threads), ...words]))
  return {
    clear() { for (const old of [target(), `${target()}.wal`]) fs.rmSync(old, { recursive: true, force: true }) },
    load(table) {
      const took = run('load', [csv(), table, ...columns()])
      results.versions[name] = took.version
      return took.seconds
    },
    sort: () => run('sort', options.tables)
  }
}

const finished = () => path.join(path.dirname(data()), `made-${path.basename(data())}.json`)
const mtime = (file) => fs.statSync(file).mtimeMs

// Loads what this size was not loaded into before.
export function databasesMade() {
  if (results.suites.load !== undefined) return
  const { duckdb, chdb } = databases()
  if (!fs.existsSync(finished()) || !fs.existsSync(duckdb) || !fs.existsSync(chdb)) return load()
  Object.assign(results.versions, JSON.parse(fs.readFileSync(finished(), 'utf8')).versions)
  if (fs.existsSync(data()) && (options.keep || mtime(daybook) < mtime(finished()))) return
  company()
  loaders.daybook.clear()
  for (const table of options.tables) loaders.daybook.load(table)
  fs.utimesSync(finished(), new Date(), new Date())
}

export async function load() {
  const entropy = company()
  const [first, ...others] = options.tables
  const rows = entropy.tables.find((t) => t.name === first).rows
  const bits = entropy.columns.filter((c) => c.table === 'orders').reduce((sum, c) => sum + c.bits, 0)
  const size = fs.statSync(path.join(csv(), `${first}.csv`)).size
  for (const one of Object.values(loaders)) one.clear()
  // The engine that needs most room while it loads goes first.
  const jobs = Object.fromEntries(['chdb', 'duckdb', 'daybook'].map((name) => [name, () => {
    loaders[name].clear()
    return loaders[name].load(first)
  }]))
  const times = await inTurns(jobs, rounds())
  const firstBytes = segmentBytes()
  for (const table of others) for (const one of Object.values(loaders)) one.load(table)
  if (options.orders <= LARGE) loaders.duckdb.sort()
  else fs.rmSync(csv(), { recursive: true, force: true })
  fs.writeFileSync(finished(), JSON.stringify({ versions: { duckdb: results.versions.duckdb, chdb: results.versions.chdb } }))

  console.log(`\nload: ${first}.csv, ${(size / 1e6).toFixed(0)} MB, ${rows} rows; median of ${rounds()} (minimum ±quartiles), s (durable at the end; Daybook: the whole process, peers: their statement)`)
  const row = (name, t) => console.log(`  ${name.padEnd(20)} ${cell(summary(t, 2), 22)} s ${cell((rows / median(t) / 1e6).toFixed(2), 8)} M rows/s ${cell((size / median(t) / 1e6).toFixed(0), 6)} MB/s`)
  row('Daybook', times.daybook)
  row(`DuckDB ${results.versions.duckdb}`, times.duckdb)
  row(`chDB ${results.versions.chdb}`, times.chdb)
  const ratio = Math.min(median(times.duckdb), median(times.chdb)) / median(times.daybook)
  const { duckdb, chdb } = databases()
  const bytes = { daybook: segmentBytes(), duckdb: fs.statSync(duckdb).size, chdb: folderBytes(chdb) }
  console.log(`  ${ratio.toFixed(2)} × the faster peer`)
  console.log(hasOrders()
    ? `  stored: ${(firstBytes / rows).toFixed(1)} bytes/order; information put in: ${(bits / 8 / rows).toFixed(1)}`
    : `  stored: ${(firstBytes / rows).toFixed(1)} bytes/line; the peers have only ${columns().join(', ')}`)
  console.log(`  ${options.tables.join(' and ')}: Daybook ${(bytes.daybook / 1e6).toFixed(1)} MB, DuckDB ${(bytes.duckdb / 1e6).toFixed(1)} MB, chDB ${(bytes.chdb / 1e6).toFixed(1)} MB`)
  results.suites.load = { seconds: times, ratio, bytes, bytesPerRow: firstBytes / rows, entropyBytesPerRow: hasOrders() ? bits / 8 / rows : undefined }
}
