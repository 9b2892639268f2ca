// SPDX-License-Identifier: Apache-2.0
// The benchmark harness: what each suite asks is in README.md. Run through `./run bench`.
import { spawn, spawnSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { createInterface } from 'node:readline'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const root = path.dirname(here)
const daybook = path.join(root, 'build/release/daybook')
const tools = path.join(root, 'build/release/bench')
const suites = { load, scan, restart, http }

const options = { orders: 200000, threads: 2, repeat: 11 }
const wanted = []
for (let i = 2; i < process.argv.length; i++) {
  const word = process.argv[i]
  if (word.startsWith('--') && word.slice(2) in options) options[word.slice(2)] = Number(process.argv[++i])
  else if (word in suites) wanted.push(word)
  else {
    console.log(`usage: ./run bench [${Object.keys(suites).join('|')} …] [--orders N] [--threads N] [--repeat N]`)
    process.exit(word === 'help' || word === '--help' ? 0 : 2)
  }
}
if (Object.values(options).some((value) => !Number.isInteger(value) || value < 1)) {
  console.error('bench: --orders, --threads and --repeat are whole numbers')
  process.exit(2)
}

const work = path.join(root, 'build/bench')
const csv = path.join(work, `csv-${options.orders}`)
const data = path.join(work, 'daybook')
const results = { date: new Date().toISOString(), machine: machine(), options, suites: {} }

function machine() {
  return { cpu: cpus()[0]?.model, processors: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version }
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1]
const seconds = (since) => (performance.now() - since) / 1000
const cell = (value, width) => String(value).padStart(width)

function must(command, args, extra = {}) {
  const run = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...extra })
  if (run.status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${run.stderr}${run.error ?? ''}`)
  return run.stdout
}

function folderBytes(folder) {
  let bytes = 0
  for (const entry of fs.readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += fs.statSync(path.join(entry.parentPath ?? entry.path, entry.name)).size
  }
  return bytes
}

function company() {
  if (fs.existsSync(path.join(csv, 'entropy.json'))) return
  fs.mkdirSync(work, { recursive: true })
  console.log(`making a company of ${options.orders} orders`)
  const report = must(daybook, ['gen', '--orders', String(options.orders), '--dir', csv, '--json'])
  fs.writeFileSync(path.join(csv, 'entropy.json'), report)
}

// ---- load: also makes the databases that scan asks ----

const databases = () => ({
  duckdb: path.join(work, `duckdb-${options.orders}.db`),
  chdb: path.join(work, `chdb-${options.orders}`)
})

function loadDaybook() {
  fs.rmSync(data, { recursive: true, force: true })
  const took = {}
  for (const table of ['orders', 'order_lines']) {
    const before = performance.now()
    must(daybook, ['load', '--data', data, '--tenant', 'bench', '--table', table, path.join(csv, `${table}.csv`)])
    took[table] = seconds(before)
    if (table === 'orders') took.ordersBytes = segmentBytes()
  }
  return took
}

// The columns and dead rows; logs are reserved space, not data.
const segmentBytes = () =>
  fs.readdirSync(data).filter((name) => !name.startsWith('log-')).reduce((sum, name) => sum + fs.lstatSync(path.join(data, name)).size, 0)

function load() {
  company()
  const { duckdb, chdb } = databases()
  for (const old of [duckdb, `${duckdb}.wal`, chdb]) fs.rmSync(old, { recursive: true, force: true })
  const entropy = JSON.parse(fs.readFileSync(path.join(csv, 'entropy.json'), 'utf8'))
  const bits = entropy.columns.filter((c) => c.table === 'orders').reduce((sum, c) => sum + c.bits, 0)
  const mine = loadDaybook()
  const duck = JSON.parse(must('node', [path.join(here, 'peers/duckdb.mjs'), 'load', duckdb, csv, String(options.threads)]))
  const click = JSON.parse(must('node', [path.join(here, 'peers/chdb.mjs'), 'load', chdb, csv, String(options.threads)]))
  results.duckdb = duck.version
  results.chdb = click.version
  const size = fs.statSync(path.join(csv, 'orders.csv')).size
  console.log(`\nload: orders.csv, ${(size / 1e6).toFixed(0)} MB, ${options.orders} rows (whole processes, durable at the end)`)
  const row = (name, s) => console.log(`  ${name.padEnd(20)} ${cell(s.toFixed(2), 8)} s ${cell((options.orders / s / 1e6).toFixed(2), 8)} M rows/s ${cell((size / s / 1e6).toFixed(0), 6)} MB/s`)
  row('Daybook', mine.orders)
  row(`DuckDB ${duck.version}`, duck.seconds.orders)
  row(`chDB ${click.version}`, click.seconds.orders)
  const ratio = Math.min(duck.seconds.orders, click.seconds.orders) / mine.orders
  console.log(`  ${ratio.toFixed(2)} × the faster peer`)
  console.log(`  stored: ${(mine.ordersBytes / options.orders).toFixed(1)} bytes/order; information put in: ${(bits / 8 / options.orders).toFixed(1)}`)
  console.log(`  orders and lines together: Daybook ${(segmentBytes() / 1e6).toFixed(1)} MB, DuckDB ${(fs.statSync(duckdb).size / 1e6).toFixed(1)} MB, chDB ${(folderBytes(chdb) / 1e6).toFixed(1)} MB`)
  results.suites.load = {
    daybook: mine, duckdb: duck.seconds, chdb: click.seconds, ratio,
    bytesPerOrder: mine.ordersBytes / options.orders, entropyBytesPerOrder: bits / 8 / options.orders
  }
}

// ---- scan ----

// A process that answers one line at a time.
async function worker(name, command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${name} ended`)
    return JSON.parse(value)
  }
  await next()
  return {
    name,
    async ask(query) {
      child.stdin.write(`${query}\n`)
      return next()
    },
    async stop() {
      const ended = new Promise((resolve) => child.on('exit', resolve))
      child.stdin.end()
      await ended
    }
  }
}

// The answers as text that is equal when they are: no value and a sum of nothing are the same, order does not count.
const normal = (rows) => rows.map((row) => row.map((v) => v ?? '0').join('\t')).sort().join('\n')

const names = ['sum_all', 'sum_month', 'filter_count', 'day_status', 'status', 'method_month',
  'top_customers_quarter', 'top_customers_all', 'distinct_month', 'top_products']

async function scan() {
  const { duckdb, chdb } = databases()
  if (!fs.existsSync(data) || !fs.existsSync(duckdb) || !fs.existsSync(chdb) || results.suites.load === undefined) load()
  const threads = String(options.threads)
  const engines = [
    await worker('Daybook', path.join(tools, 'bench_query'), [data, 'bench', threads]),
    await worker('DuckDB', 'node', [path.join(here, 'peers/duckdb.mjs'), 'query', duckdb, threads]),
    await worker('chDB', 'node', [path.join(here, 'peers/chdb.mjs'), 'query', chdb, threads])
  ]
  console.log(`\nscan: ${options.orders} orders, ${threads} threads, median of ${options.repeat} (minimum), ms`)
  console.log(`  ${'query'.padEnd(22)} ${cell('Daybook', 18)} ${cell('ns/row', 8)} ${cell('DuckDB', 18)} ${cell('chDB', 18)} ${cell('ratio', 7)}`)
  const table = {}
  let product = 1
  for (const query of names) {
    const answers = []
    for (const engine of engines) answers.push(normal((await engine.ask(query)).rows))
    for (let i = 1; i < engines.length; i++) {
      if (answers[i] !== answers[0]) throw new Error(`${query}: ${engines[i].name} answers\n${answers[i].slice(0, 400)}\nDaybook\n${answers[0].slice(0, 400)}`)
    }
    const times = engines.map(() => [])
    for (let round = 0; round < options.repeat; round++) {
      const order = round % 2 ? [2, 1, 0] : [0, 1, 2]
      for (const i of order) times[i].push((await engines[i].ask(query)).ns / 1e6)
    }
    const mid = times.map(median)
    const ratio = Math.min(mid[1], mid[2]) / mid[0]
    product *= ratio
    const show = (t, m) => cell(`${m.toFixed(3)} (${Math.min(...t).toFixed(3)})`, 18)
    console.log(`  ${query.padEnd(22)} ${show(times[0], mid[0])} ${cell(((mid[0] * 1e6) / options.orders).toFixed(2), 8)} ${show(times[1], mid[1])} ${show(times[2], mid[2])} ${cell(ratio.toFixed(1), 7)}`)
    table[query] = { daybook: times[0], duckdb: times[1], chdb: times[2], ratio }
  }
  const mean = product ** (1 / names.length)
  console.log(`  geometric mean of the ratios to the faster peer: ${mean.toFixed(1)}`)
  for (const engine of engines) await engine.stop()
  results.suites.scan = { table, mean }
}

// ---- restart ----

async function serve(args = []) {
  const child = spawn(daybook, ['serve', '--data', data, '--listen', '127.0.0.1:0', '--rate-limits', 'off', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()
  const url = value?.replace('listening on ', '')
  if (!url) throw new Error('the server did not start')
  const stopped = new Promise((resolve) => child.on('exit', resolve))
  return { url, async stop() { child.kill('SIGTERM'); await stopped } }
}

const makeKey = () => must(daybook, ['keys', 'create', '--data', data, '--tenant', 'bench', '--scope', 'reports:read'], { stdio: ['ignore', 'pipe', 'ignore'] }).trim()

// From the start of the process to the first answer about a month.
const firstAnswer = {
  async Daybook(key) {
    const server = await serve()
    const answer = await fetch(`${server.url}/api/v1/reports/sales?from=2025-12-01&to=2025-12-31`, { headers: { authorization: `Bearer ${key}` } })
    if (answer.status !== 200) throw new Error(`HTTP ${answer.status}`)
    await answer.text()
    return () => server.stop()
  },
  DuckDB: () => firstOf('DuckDB', 'peers/duckdb.mjs', databases().duckdb),
  chDB: () => firstOf('chDB', 'peers/chdb.mjs', databases().chdb)
}

async function firstOf(name, script, database) {
  const engine = await worker(name, 'node', [path.join(here, script), 'query', database, String(options.threads)])
  await engine.ask('sum_month')
  return () => engine.stop()
}

async function restart() {
  if (results.suites.load === undefined) load()
  const key = makeKey()
  const times = { Daybook: [], DuckDB: [], chDB: [] }
  for (let i = 0; i < Math.min(options.repeat, 5); i++) {
    for (const name of i % 2 ? Object.keys(times).reverse() : Object.keys(times)) {
      const before = performance.now()
      const stop = await firstAnswer[name](key)
      times[name].push(seconds(before))
      await stop()
    }
  }
  const bytes = segmentBytes()
  console.log(`\nrestart: first answer after (median, minimum; ${(bytes / 1e6).toFixed(0)} MB of Daybook's files)`)
  for (const [name, t] of Object.entries(times)) console.log(`  ${name.padEnd(12)} ${cell(median(t).toFixed(3), 8)} s (${Math.min(...t).toFixed(3)})`)
  results.suites.restart = { seconds: times, bytes }
}

// ---- http ----

function h2load(url, headers, extra) {
  const out = must('h2load', ['--h1', '-t', '1', '-c', '16', ...extra, ...headers.flatMap((h) => ['-H', h]), ...(url ? [url] : [])])
  const rate = Number(/finished in [^,]+, ([\d.]+) req\/s/.exec(out)?.[1])
  const failed = Number(/(\d+) failed/.exec(out)?.[1]) + Number(/(\d+) errored/.exec(out)?.[1])
  if (!rate || failed) throw new Error(`h2load failed:\n${out}`)
  const non2xx = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(out)
  if (Number(non2xx[2]) + Number(non2xx[3]) + Number(non2xx[4]) > 0) throw new Error(`not all were answered:\n${out}`)
  return rate
}

// Requests at a fixed rate, each timed from the instant it was due (so that a stall is not hidden): the 99th percentile.
function p99At(url, headers, rate) {
  const log = path.join(work, 'h2load.tsv')
  fs.rmSync(log, { force: true })
  const clients = 16
  h2load(url, headers, ['--rps', String(Math.max(1, Math.floor(rate / clients))), '-D', '5', '--log-file', log])
  const micros = fs.readFileSync(log, 'utf8').trim().split('\n').map((line) => Number(line.split('\t')[2])).sort((a, b) => a - b)
  return micros[Math.floor(micros.length * 0.99)]
}

async function http() {
  if (results.suites.load === undefined) load()
  const key = makeKey()
  const server = await serve(['--threads', '1'])
  const url = `${server.url}/api/v1/reports/sales?from=2025-12-01&to=2025-12-31`
  const headers = [`authorization: Bearer ${key}`]
  const body = await (await fetch(url, { headers: { authorization: `Bearer ${key}` } })).text()
  const bare = spawn(path.join(tools, 'bench_http'), ['bare', '--port', '18099', '--bytes', String(Buffer.byteLength(body))], { stdio: ['ignore', 'pipe', 'inherit'] })
  const bareUrl = 'http://127.0.0.1:18099/'
  for (let tries = 0; ; tries++) {
    try { await (await fetch(bareUrl)).text(); break } catch (error) { if (tries > 500) throw error; await new Promise((r) => setImmediate(r)) }
  }
  // The same month under many names: each name is new to whatever keeps answers, so each is computed.
  const names = path.join(work, 'urls.txt')
  fs.writeFileSync(names, Array.from({ length: 100000 }, (_, i) => `${url}&n=${i}\n`).join(''))
  const asks = {
    bare: () => h2load(bareUrl, [], ['-D', '2']),
    daybook: () => h2load(url, headers, ['-D', '2']),
    computed: () => h2load('', headers, ['-D', '2', '-i', names])
  }
  const rates = { bare: [], daybook: [], computed: [] }
  try {
    for (let round = 0; round < options.repeat; round++) {
      const order = Object.keys(asks)
      for (const who of round % 2 ? order.reverse() : order) rates[who].push(asks[who]())
    }
    const half = median(rates.daybook) / 2
    const p99 = { daybook: p99At(url, headers, half), bare: p99At(bareUrl, [], half) }
    const ratio = median(rates.daybook) / median(rates.bare)
    console.log(`\nhttp: reports/sales of a month (${Buffer.byteLength(body)} bytes), one loop, 16 connections`)
    console.log(`  bare libh2o ${cell(median(rates.bare).toFixed(0), 8)} req/s, p99 at ${half.toFixed(0)}/s ${p99.bare} µs`)
    console.log(`  Daybook     ${cell(median(rates.daybook).toFixed(0), 8)} req/s, p99 at ${half.toFixed(0)}/s ${p99.daybook} µs; ${ratio.toFixed(2)} × bare`)
    console.log(`  … computed  ${cell(median(rates.computed).toFixed(0), 8)} req/s: no request twice, so no answer is kept from before`)
    results.suites.http = { rates, p99, ratio, bytes: Buffer.byteLength(body) }
  } finally {
    bare.kill()
    await server.stop()
  }
}

console.log(`${results.machine.cpu}, ${results.machine.processors} processors, ${results.machine.memoryGiB} GiB`)
for (const name of wanted.length ? wanted : Object.keys(suites)) await suites[name]()
fs.mkdirSync(path.join(here, 'results'), { recursive: true })
fs.writeFileSync(path.join(here, 'results', `${results.date.slice(0, 10)}-${options.orders}.json`), JSON.stringify(results))
