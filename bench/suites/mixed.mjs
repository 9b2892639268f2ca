// SPDX-License-Identifier: Apache-2.0
// Reads while 20,000 orders a second arrive, every twentieth of which replaces one that is there: the latency of a
// month's sales at a fixed rate, each request timed from the instant it was due.
import fs from 'node:fs'
import nodeHttp from 'node:http'
import path from 'node:path'
import { atRate, h2load } from '../support/clients.mjs'
import { cell, seconds } from '../support/figures.mjs'
import { makeKey, serve } from '../support/process.mjs'
import { data, options, results, work } from '../support/world.mjs'
import { databasesMade } from './load.mjs'

const RATE = 20000
const BATCH = 200

function batch(number) {
  const rows = []
  for (let i = 0; i < BATCH; i++) {
    const n = number * BATCH + i
    const id = n % 20 === 19 ? Math.floor(n / 2) : n
    const at = new Date(Date.UTC(2025, 11, 1 + (n % 31), n % 24, n % 60, n % 60, n % 1000)).toISOString()
    rows.push(`{"id":"mix-${id}","created_at":"${at}","status":"${n % 20 === 19 ? 'CANCELLED' : 'SUBMITTED'}","customer_id":"cus_${n % 997}","currency":"EUR","total":"${(n % 9000) + 10}.50"}`)
  }
  return rows.join('\n')
}

// Posts batches when they are due; how many orders were acknowledged in how long.
async function pour(url, key, isOver) {
  const agent = new nodeHttp.Agent({ keepAlive: true, maxSockets: 4 })
  const post = (body) => new Promise((resolve, reject) => {
    const request = nodeHttp.request(`${url}/ingest/orders`, { method: 'POST', agent, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson', 'content-length': Buffer.byteLength(body) } }, (response) => {
      response.resume()
      response.on('end', () => response.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${response.statusCode}`)))
    })
    request.on('error', reject)
    request.end(body)
  })
  const started = performance.now()
  const waiting = new Set()
  let sent = 0
  while (!isOver()) {
    const due = Math.floor(seconds(started) * RATE / BATCH)
    for (; sent < due; sent++) {
      const one = post(batch(sent)).finally(() => waiting.delete(one))
      waiting.add(one)
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await Promise.all(waiting)
  agent.destroy()
  return (sent * BATCH) / seconds(started)
}

export async function mixed() {
  databasesMade()
  // A copy: what is poured in must not stand in the data of the other suites.
  const folder = path.join(work, 'daybook-mixed')
  fs.rmSync(folder, { recursive: true, force: true })
  fs.cpSync(data(), folder, { recursive: true, filter: (name) => !/\/(lock|daybook\.sock|socket)$/.test(name) })
  const server = await serve(folder, ['--threads', '1'])
  try {
    const key = makeKey('reports:read,ingest:write', folder)
    const url = `${server.url}/api/v1/reports/sales?from=2025-12-01&to=2025-12-31`
    const headers = [`authorization: Bearer ${key}`]
    const most = h2load(url, headers, ['-D', String(options.seconds)])
    const rate = Math.min(most / 2, 20000)
    const calm = await atRate(url, headers, rate, options.seconds)
    let over = false
    const pouring = pour(server.url, key, () => over)
    const busy = await atRate(url, headers, rate, options.seconds)
    over = true
    const arrived = await pouring
    const show = (name, figures) => `  ${name.padEnd(36)} p50 ${cell(figures.p50, 6)} p99 ${cell(figures.p99, 6)} p99.9 ${cell(figures.p999, 6)} µs`
    console.log(`\nmixed: a month's sales at ${calm.rate}/s; client and server share the processors`)
    console.log(show('nothing arrives', calm))
    console.log(show(`${arrived.toFixed(0)} orders/s arrive, 5 % replace`, busy))
    results.suites.mixed = { calm, busy, arrived }
  } finally {
    await server.stop()
  }
}
