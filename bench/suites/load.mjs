// SPDX-License-Identifier: Apache-2.0
// A CSV file becomes durable and queryable: whole processes, from the start of the command to its end. Also makes the
// databases that the scans ask.
import fs from 'node:fs'
import path from 'node:path'
import { cell, seconds } from '../support/figures.mjs'
import { company, csv, data, daybook, folderBytes, here, must, options, results, segmentBytes, work } from '../support/world.mjs'

export const databases = () => ({
  duckdb: path.join(work, `duckdb-${options.orders}.db`),
  chdb: path.join(work, `chdb-${options.orders}`)
})

function loadDaybook() {
  fs.rmSync(data(), { recursive: true, force: true })
  const took = {}
  for (const table of ['orders', 'order_lines']) {
    const before = performance.now()
    must(daybook, ['load', '--data', data(), '--tenant', 'bench', '--table', table, path.join(csv(), `${table}.csv`)])
    took[table] = seconds(before)
    if (table === 'orders') took.ordersBytes = segmentBytes()
  }
  return took
}

function loadPeer(name, target) {
  const took = JSON.parse(must('node', [path.join(here, `peers/${name}.mjs`), 'load', target, csv(), String(options.threads)]))
  results.versions[name] = took.version
  return took.seconds
}

// Loads, unless this size was loaded before by the same versions.
export function databasesMade() {
  const { duckdb, chdb } = databases()
  if (results.suites.load === undefined && !(fs.existsSync(data()) && fs.existsSync(duckdb) && fs.existsSync(chdb))) load()
}

export function load() {
  const entropy = company()
  const { duckdb, chdb } = databases()
  for (const old of [duckdb, `${duckdb}.wal`, chdb]) fs.rmSync(old, { recursive: true, force: true })
  const bits = entropy.columns.filter((c) => c.table === 'orders').reduce((sum, c) => sum + c.bits, 0)
  const mine = loadDaybook()
  const duck = loadPeer('duckdb', duckdb)
  const click = loadPeer('chdb', chdb)
  const size = fs.statSync(path.join(csv(), 'orders.csv')).size
  console.log(`\nload: orders.csv, ${(size / 1e6).toFixed(0)} MB, ${options.orders} rows (durable at the end; Daybook: the whole process, peers: their statement)`)
  const row = (name, s) => console.log(`  ${name.padEnd(20)} ${cell(s.toFixed(2), 8)} s ${cell((options.orders / s / 1e6).toFixed(2), 8)} M rows/s ${cell((size / s / 1e6).toFixed(0), 6)} MB/s`)
  row('Daybook', mine.orders)
  row(`DuckDB ${results.versions.duckdb}`, duck.orders)
  row(`chDB ${results.versions.chdb}`, click.orders)
  const ratio = Math.min(duck.orders, click.orders) / mine.orders
  console.log(`  ${ratio.toFixed(2)} × the faster peer`)
  console.log(`  stored: ${(mine.ordersBytes / options.orders).toFixed(1)} bytes/order; information put in: ${(bits / 8 / options.orders).toFixed(1)}`)
  console.log(`  orders and lines together: Daybook ${(segmentBytes() / 1e6).toFixed(1)} MB, DuckDB ${(fs.statSync(duckdb).size / 1e6).toFixed(1)} MB, chDB ${(folderBytes(chdb) / 1e6).toFixed(1)} MB`)
  results.suites.load = {
    daybook: mine, duckdb: duck, chdb: click, ratio,
    bytesPerOrder: mine.ordersBytes / options.orders, entropyBytesPerOrder: bits / 8 / options.orders
  }
}
