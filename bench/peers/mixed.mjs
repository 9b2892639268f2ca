// SPDX-License-Identifier: Apache-2.0
// The peers' side of the suite `mixed`: `mixed.mjs duckdb|chdb LOADED TARGET THREADS` copies the loaded orders into a table
// whose rows can be replaced, and then does what the lines of JSON on stdin say:
//
//   {"do":"insert","files":[…]}                            one after the other; rows and seconds
//   {"do":"most","seconds":S}                              reads a second, one after the other
//   {"do":"read","rate":R,"seconds":S,"files":[…]}         reads at a rate, each timed from when it was due, while a
//                                                          file a second is inserted; quantiles in µs, rows inserted
//   {"do":"total"}                                         rows and their sum
//
// Engines and Node.js share the process, so a read costs no connection: that favours them.
import { createInterface } from 'node:readline'
import { quantile } from '../support/figures.mjs'
import { monthStart } from './queries.mjs'

const [, , name, loaded, target, threads] = process.argv
const READERS = 4
const month = `created_at >= ${monthStart('2025-12', 0)} AND created_at < ${monthStart('2026-01', 0)}`

// DuckDB replaces by primary key; a batch is one transaction, durable when it is committed.
async function duckdb() {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(target, { threads })
  const writer = await instance.connect()
  await writer.run(`ATTACH '${loaded}' AS loaded (READ_ONLY)`)
  await writer.run('CREATE TABLE orders AS SELECT *, CAST(0 AS BIGINT) AS version FROM loaded.orders')
  await writer.run('DETACH loaded')
  await writer.run('ALTER TABLE orders ADD PRIMARY KEY (id)')
  await writer.run('CHECKPOINT')
  const readers = []
  for (let i = 0; i < READERS; i++) readers.push(await instance.connect())
  return {
    insert: (file) => writer.run(`INSERT OR REPLACE INTO orders BY NAME SELECT * FROM read_csv('${file}', header = true)`),
    read: (i) => readers[i].runAndReadAll(`SELECT created_at // 86400000 AS d, count(*), sum(total) FROM orders WHERE ${month} GROUP BY d`),
    async total() {
      const [[rows, sum]] = (await writer.runAndReadAll('SELECT count(*), sum(total) FROM orders')).getRows()
      return { rows: String(rows), sum: String(sum) }
    }
  }
}

// ClickHouse keeps versions and takes the newest when it reads (FINAL), by partitions of a month so that FINAL looks at
// no more than it must; inserts of 20,000 rows once a second, as its documentation advises, and synced.
async function chdb() {
  const { Session } = await import('chdb')
  const writer = new Session(loaded)
  writer.query('DROP DATABASE IF EXISTS mixed SYNC')
  writer.query('CREATE DATABASE mixed ENGINE = Atomic')
  writer.query(`CREATE TABLE mixed.orders ENGINE = ReplacingMergeTree(version) PARTITION BY intDiv(created_at, 2629800000) ORDER BY (created_at, id)
    SETTINGS fsync_after_insert = 1, fsync_part_directory = 1 AS SELECT *, toUInt64(0) AS version FROM bench.orders SETTINGS max_partitions_per_insert_block = 1000`)
  const readers = Array.from({ length: READERS }, () => new Session(loaded))
  const settings = `SETTINGS max_threads = ${threads}, use_query_cache = 0, use_query_condition_cache = 0, do_not_merge_across_partitions_select_final = 1`
  return {
    insert: (file) => writer.queryAsync(`INSERT INTO mixed.orders (id, created_at, status, customer_id, currency, total, version)
      SELECT * FROM file('${file}', CSVWithNames, 'id String, created_at Int64, status String, customer_id String, currency String, total Int64, version UInt64')`),
    read: (i) => readers[i].queryAsync(`SELECT intDiv(created_at, 86400000) AS d, count(), sum(total) FROM mixed.orders FINAL WHERE ${month} GROUP BY d ${settings}`, { format: 'JSONCompactStrings' }),
    async total() {
      const [rows, sum] = writer.query('SELECT count(), sum(total) FROM mixed.orders FINAL', 'TSV').trim().split('\t')
      return { rows, sum }
    },
    end: () => writer.query('DROP DATABASE mixed SYNC')
  }
}

const engine = await { duckdb, chdb }[name]()
const seconds = (since) => (performance.now() - since) / 1000
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// Inserts a file each second from now on, or as soon as it can when it is behind; until `isOver`.
async function pour(files, isOver) {
  const start = performance.now(), took = []
  for (let i = 0; i < files.length && !isOver(); i++) {
    while (seconds(start) < i && !isOver()) await pause(2)
    if (isOver()) break
    const before = performance.now()
    await engine.insert(files[i])
    took.push(seconds(before))
  }
  return { files: took.length, took, seconds: seconds(start) }
}

async function readAtRate(rate, duration) {
  const start = performance.now(), total = Math.max(1, Math.floor(rate * duration)), micros = []
  const idle = Array.from({ length: READERS }, (_, i) => i)
  const running = new Set()
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.floor(seconds(start) * rate) + 1)
    while (sent < due && idle.length) {
      const reader = idle.pop(), at = start + (sent++ * 1000) / rate
      const one = engine.read(reader).then(() => { micros.push((performance.now() - at) * 1000); idle.push(reader); running.delete(one) })
      running.add(one)
    }
    if (idle.length) await pause(Math.max(0, start + (sent * 1000) / rate - performance.now()))
    else await Promise.race(running)
  }
  await Promise.all(running)
  return { rate, answered: micros.length / seconds(start), p50: quantile(micros, 0.5), p99: quantile(micros, 0.99), p999: quantile(micros, 0.999), max: Math.max(...micros) }
}

const actions = {
  async insert({ files }) {
    const before = performance.now()
    for (const file of files) await engine.insert(file)
    return { seconds: seconds(before) }
  },
  async most({ seconds: duration }) {
    const before = performance.now()
    let count = 0
    for (; seconds(before) < duration || count < 3; count++) await engine.read(0)
    return { rate: count / seconds(before) }
  },
  async read({ rate, seconds: duration, files }) {
    let over = false
    const pouring = pour(files, () => over)
    const reads = await readAtRate(rate, duration)
    over = true
    return { ...reads, poured: await pouring }
  },
  total: () => engine.total()
}

console.log('{"ready":true}')
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  console.log(JSON.stringify(await actions[request.do](request)))
}
engine.end?.()
process.stdout.write('', () => process.exit(0))
