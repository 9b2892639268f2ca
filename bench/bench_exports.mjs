// SPDX-License-Identifier: Apache-2.0
// Two questions about exports: what do a thousand of them do to the reads that go on meanwhile, and how much memory
// does one of ten million rows take? See README.md. Run after ./run build:
//
//     node bench/bench_exports.mjs [reads|rows] [--orders N] [--exports N] [--rate N] [--rows N]
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const daybook = path.join(root, 'build/release/daybook')
const work = path.join(root, 'build/bench')
const base = '/api/v2/external/preorders/reports'
const names = ['summary', 'revenue', 'by_offer', 'by_product', 'by_date', 'cancellations', 'balance_collection', 'customers']
const options = { orders: 200000, exports: 1000, rate: 50, rows: 10000000, seconds: 10 }
const suites = []
for (let i = 2; i < process.argv.length; i++) {
  const word = process.argv[i]
  if (word.startsWith('--') && word.slice(2) in options) options[word.slice(2)] = Number(process.argv[++i])
  else if (word === 'reads' || word === 'rows') suites.push(word)
  else {
    console.log('usage: node bench/bench_exports.mjs [reads|rows] [--orders N] [--exports N] [--rate N] [--rows N] [--seconds N]')
    process.exit(2)
  }
}

function must(args) {
  const run = spawnSync(daybook, args, { encoding: 'utf8', maxBuffer: 1 << 28 })
  if (run.status !== 0) throw new Error(`daybook ${args.join(' ')}: ${run.stderr}`)
  return run.stdout.trim()
}

async function serve(data) {
  const child = spawn(daybook, ['serve', '--data', data, '--listen', '127.0.0.1:0', '--rate-limits', 'off'], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const [line] = await once(child.stdout, 'data')
  return { child, port: Number(/:(\d+)/.exec(line.toString().slice(12))[1]) }
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 64 })
// Reads that are timed have connections of their own: they are not to wait here for what else is sent.
const timedAgent = new http.Agent({ keepAlive: true, maxSockets: 64 })
function ask(port, target, key, method = 'GET', body, agentOf = agent) {
  return new Promise((done, fail) => {
    const request = http.request({ host: '127.0.0.1', port, path: target, method, agent: agentOf, headers: { 'x-auth-token': key } }, (answer) => {
      const chunks = []
      answer.on('data', (chunk) => chunks.push(chunk))
      answer.on('end', () => done({ status: answer.statusCode, body: Buffer.concat(chunks).toString() }))
    })
    request.on('error', fail)
    request.end(body)
  })
}

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
const figures = (list) => {
  const sorted = [...list].sort((a, b) => a - b)
  const ms = (share) => percentile(sorted, share).toFixed(2)
  return `${String(sorted.length).padStart(6)} reads   p50 ${ms(0.5)} ms   p99 ${ms(0.99)} ms   p99.9 ${ms(0.999)} ms   max ${ms(1)} ms`
}

// Reads at a fixed rate, whatever the answers take, each of another window so that none is a kept answer. Their
// time counts from the moment at which they were due.
function reader(port, key, rate) {
  const times = []
  let asked = 0
  let running = 0
  let stopped = false
  const began = performance.now()
  const timer = setInterval(() => {
    while (!stopped && asked < ((performance.now() - began) * rate) / 1000) {
      const due = began + (asked * 1000) / rate
      const day = String(1 + (asked % 28)).padStart(2, '0')
      const to = String(1 + ((asked / 28) | 0) % 28).padStart(2, '0')
      asked++
      running++
      ask(port, `${base}/revenue?from=2023-03-${day}&to=2025-10-${to}&n=${asked}`, key, 'GET', undefined, timedAgent).then((answer) => {
        if (answer.status !== 200) throw new Error(answer.body)
        times.push(performance.now() - due)
        running--
      })
    }
  }, 1)
  return {
    times,
    async stop() {
      stopped = true
      clearInterval(timer)
      while (running > 0) await new Promise((done) => setImmediate(done))
    }
  }
}

async function reads() {
  const csv = path.join(work, `csv-${options.orders}`)
  const data = path.join(work, 'exports-reads')
  fs.rmSync(data, { recursive: true, force: true })
  fs.mkdirSync(work, { recursive: true })
  if (!fs.existsSync(path.join(csv, 'orders.csv'))) must(['gen', '--orders', String(options.orders), '--dir', csv])
  for (const file of fs.readdirSync(csv).filter((name) => name.endsWith('.csv')))
    must(['load', '--data', data, '--tenant', 'bench', '--table', file.slice(0, -4), path.join(csv, file)])
  const key = must(['keys', 'create', '--data', data, '--tenant', 'bench', '--scope', 'reports:read', '--rate', 'off'])
  const { child, port } = await serve(data)
  const quiet = reader(port, key, options.rate)
  await new Promise((done) => setTimeout(done, options.seconds * 1000))
  await quiet.stop()

  const busy = reader(port, key, options.rate)
  const began = performance.now()
  const body = JSON.stringify({ from: '2023-01-01', to: '2025-12-31' })
  const jobs = await Promise.all(Array.from({ length: options.exports }, (_, i) =>
    ask(port, `${base}/${names[i % names.length]}/export`, key, 'POST', body)))
  const accepted = performance.now() - began
  if (jobs.some((answer) => answer.status !== 202)) throw new Error(jobs.find((answer) => answer.status !== 202).body)
  const urls = jobs.map((answer) => JSON.parse(answer.body).status_url)
  let rows = 0
  for (const url of urls)
    for (;;) {
      const job = JSON.parse((await ask(port, url, key)).body)
      if (job.status === 'failed') throw new Error(job.error)
      if (job.status === 'ready') {
        rows += job.row_count
        break
      }
      await new Promise((done) => setTimeout(done, 20))
    }
  const took = performance.now() - began
  await busy.stop()
  console.log(`reads: ${options.orders} orders, ${options.rate} reads/s of ${base}/revenue over 32 months, each another window`)
  console.log(`  alone                ${figures(quiet.times)}`)
  console.log(`  with ${String(options.exports).padStart(5)} exports   ${figures(busy.times)}`)
  console.log(`  ${options.exports} exports accepted in ${accepted.toFixed(0)} ms, all ready after ${(took / 1000).toFixed(1)} s, ${rows} rows`)
  child.kill('SIGTERM')
  await once(child, 'exit')
}

// Lines made by a function of their number, into a load that reads standard input.
async function load(data, table, header, line, count) {
  const child = spawn(daybook, ['load', '--data', data, '--tenant', 'bench', '--table', table, '-'], { stdio: ['pipe', 'ignore', 'inherit'] })
  child.stdin.write(header + '\n')
  for (let i = 0; i < count; ) {
    const lines = []
    for (const end = Math.min(count, i + 20000); i < end; i++) lines.push(line(i))
    if (!child.stdin.write(lines.join('\n') + '\n')) await once(child.stdin, 'drain')
  }
  child.stdin.end()
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`load ${table}: exit ${code}`)
}

const memory = (pid) => Object.fromEntries([...fs.readFileSync(`/proc/${pid}/status`, 'utf8').matchAll(/^(VmRSS|VmHWM|RssAnon|RssFile):\s+(\d+)/gm)]
  .map(([, name, kib]) => [name, kib / 1024]))

async function rows() {
  const data = path.join(work, 'exports-rows')
  fs.rmSync(data, { recursive: true, force: true })
  fs.mkdirSync(work, { recursive: true })
  const offer = '11111111-2222-3333-4444-555555555555'
  const id = (i) => String(i).padStart(8, '0')
  const moment = (i) => new Date(Date.UTC(2025, 0, 1) + Math.floor((i * 300 * 86400000) / options.rows)).toISOString()
  console.log(`rows: loading ${options.rows} customers with an order each`)
  await load(data, 'offers', 'id,name', () => `${offer},Offer`, 1)
  await load(data, 'customers', 'id,name,email', (i) => `cus_${id(i)},Customer ${i},buyer${i}@shop.example`, options.rows)
  await load(data, 'orders', 'id,created_at,kind,status,customer_id,currency,total',
    (i) => `o${id(i)},${moment(i)},preorder,CONFIRMED,cus_${id((i * 7919) % options.rows)},EUR,${10 + (i % 90)}.50`, options.rows)
  await load(data, 'order_lines', 'id,order_id,created_at,product_id,variant_id,offer_id,quantity,unit_price,total,deposit,balance',
    (i) => `l${id(i)},o${id(i)},${moment(i)},p1,v1,${offer},1,${10 + (i % 90)}.50,${10 + (i % 90)}.50,4.00,${6 + (i % 90)}.50`, options.rows)
  const key = must(['keys', 'create', '--data', data, '--tenant', 'bench', '--scope', 'reports:read', '--rate', 'off'])
  const { child, port } = await serve(data)
  const began = performance.now()
  const before = memory(child.pid)
  fs.writeFileSync(`/proc/${child.pid}/clear_refs`, '5') // the high-water mark begins anew
  const body = JSON.stringify({ from: '2025-01-01', to: '2025-12-31' })
  const accepted = await ask(port, `${base}/customers/export`, key, 'POST', body)
  if (accepted.status !== 202) throw new Error(accepted.body)
  const anonymous = []
  let job
  do {
    await new Promise((done) => setTimeout(done, 50))
    anonymous.push(memory(child.pid).RssAnon)
    job = JSON.parse((await ask(port, JSON.parse(accepted.body).status_url, key)).body)
  } while (job.status === 'running')
  if (job.status !== 'ready') throw new Error(JSON.stringify(job))
  const after = memory(child.pid)
  const bytes = fs.statSync(path.join(data, 'exports', `${job.job_id}.csv`)).size
  console.log(`rows: ${job.row_count} rows, ${(bytes / 2 ** 20).toFixed(0)} MiB in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  console.log(`  RSS before ${before.VmRSS.toFixed(1)} MiB, highest during ${after.VmHWM.toFixed(1)} MiB: ${(after.VmHWM - before.VmRSS).toFixed(1)} MiB more`)
  console.log(`  anonymous before ${before.RssAnon.toFixed(1)} MiB, highest of ${anonymous.length} samples ${Math.max(...anonymous).toFixed(1)} MiB`)
  child.kill('SIGTERM')
  await once(child, 'exit')
  fs.rmSync(data, { recursive: true, force: true })
}

if (suites.length === 0 || suites.includes('reads')) await reads()
if (suites.length === 0 || suites.includes('rows')) await rows()
agent.destroy()
