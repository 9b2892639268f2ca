// SPDX-License-Identifier: Apache-2.0
// What a closure of the point of sale takes while 100 tickets a second arrive and four tills close each second: with
// nothing behind it, and with a month of tickets behind it, each evening of which is closed. Each closure is timed from
// the instant it was due. Before the figures are believed, all closures together must say what the report says.
import fs from 'node:fs'
import nodeHttp from 'node:http'
import path from 'node:path'
import { cell, quantile, seconds } from '../support/figures.mjs'
import { makeKey, serve } from '../support/process.mjs'
import { daybook, must, options, results, work } from '../support/world.mjs'

const EVENINGS = 30
const TICKETS = 100
const BATCHES = 20
const TILLS = ['reg_01', 'reg_02', 'reg_03', 'reg_04']
const DAY = 86400000

// The festival ended two days ago, so that its last business day is over wherever now is in today's.
const lastEvening = Math.floor(Date.now() / DAY) * DAY - 2 * DAY
const day = (time) => new Date(time).toISOString().slice(0, 10)

function festival() {
  const folder = path.join(work(), `csv-festival-${options.orders}-${day(lastEvening)}`)
  if (!fs.existsSync(path.join(folder, 'done'))) {
    fs.mkdirSync(work(), { recursive: true })
    must(daybook, ['gen', '--festival', '--orders', String(options.orders), '--days', String(EVENINGS), '--until', day(lastEvening), '--dir', folder])
    fs.writeFileSync(path.join(folder, 'done'), '')
  }
  return folder
}

const load = (folder, table, csv) => must(daybook, ['load', '--data', folder, '--tenant', 'bench', '--table', table, path.join(csv, `${table}.csv`)])

function client(url, key) {
  const agent = new nodeHttp.Agent({ keepAlive: true })
  return {
    send: (method, target, type, body) => new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${key}` }
      if (body !== undefined) Object.assign(headers, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
      const request = nodeHttp.request(url + target, { method, agent, headers }, (response) => {
        const parts = []
        response.on('data', (part) => parts.push(part))
        response.on('end', () => response.statusCode < 300
          ? resolve(JSON.parse(Buffer.concat(parts).toString()))
          : reject(new Error(`${target}: HTTP ${response.statusCode} ${Buffer.concat(parts)}`)))
      })
      request.on('error', reject)
      request.end(body)
    }),
    end: () => agent.destroy()
  }
}

const close = (till, cashRegister) => till.send('POST', '/v1/reports/general-closure', 'application/json', JSON.stringify({ cashRegister }))

// Each evening is closed before its tickets are there: they all come late, and the first closure that is made of them
// has them in its adjustment. That takes thirty starts of a server on a directory that is almost empty.
async function closeEvenings(folder, key) {
  const made = []
  for (let i = EVENINGS - 1; i >= 0; i--) {
    const end = new Date(lastEvening - i * DAY + DAY + 7 * 3600000 - 1000).toISOString()
    const server = await serve(folder, [], { env: { DAYBOOK_NOW: end } })
    const till = client(server.url, key)
    made.push(await close(till, TILLS[0]))
    till.end()
    await server.stop()
  }
  return made
}

function batch(number) {
  const now = new Date().toISOString()
  const orders = []
  const lines = []
  for (let i = 0; i < TICKETS / BATCHES; i++) {
    const id = `now-${number}-${i}`
    const till = TILLS[i % TILLS.length]
    orders.push(`{"id":"${id}","created_at":"${now}","confirmed_at":"${now}","kind":"pos","status":"CONFIRMED","total":"12.50","currency":"EUR","payment_method":"${i % 2 ? 'CASH' : 'CARD'}","cash_register_id":"${till}"}`)
    for (let k = 0; k < 3; k++) lines.push(`{"id":"${id}-${k}","order_id":"${id}","created_at":"${now}","product_id":"food_${k + 1}","quantity":1,"total":"4.10"}`)
  }
  return { orders: orders.join('\n'), lines: lines.join('\n') }
}

async function sell(till, isOver) {
  const started = performance.now()
  for (let sent = 0; !isOver(); sent++) {
    const { orders, lines } = batch(sent)
    await till.send('POST', '/ingest/order_lines', 'application/x-ndjson', lines)
    await till.send('POST', '/ingest/orders', 'application/x-ndjson', orders)
    const rest = (sent + 1) / BATCHES - seconds(started)
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest * 1000))
  }
}

// The four tills of each second, whether those of the second before are done or not.
async function closeEachSecond(tills, made) {
  const started = performance.now()
  const took = []
  const under = []
  for (let second = 1; second <= options.seconds; second++) {
    await new Promise((resolve) => setTimeout(resolve, second * 1000 - (performance.now() - started)))
    const due = started + second * 1000
    TILLS.forEach((name, i) => under.push(close(tills[i], name).then((report) => { took.push(performance.now() - due); made.push(report) })))
  }
  await Promise.all(under)
  return took
}

const cents = (text) => Math.round(Number(text) * 100)

async function compare(till, made) {
  const from = day(lastEvening - (EVENINGS + 1) * DAY)
  const [whole] = await till.send('GET', `/v1/reports?from=${from}&groupBy=all`)
  for (const [name, of] of [['totalOrders', Number], ['totalRevenue', cents], ['totalCashRevenue', cents]]) {
    const said = made.reduce((sum, report) => sum + of(report[name]), 0)
    if (said !== of(whole[name])) throw new Error(`closures add up to ${name} ${said}, the report says ${of(whole[name])}`)
  }
}

async function measure(folder, hasPast) {
  const csv = festival()
  fs.rmSync(folder, { recursive: true, force: true })
  for (const table of ['categories', 'products', 'cash_registers']) load(folder, table, csv)
  const key = makeKey('reports:read,closures:write,ingest:write', folder)
  const made = hasPast ? await closeEvenings(folder, key) : []
  if (hasPast) for (const table of ['orders', 'order_lines']) load(folder, table, csv)
  const server = await serve(folder)
  const tills = TILLS.map(() => client(server.url, key))
  const seller = client(server.url, key)
  try {
    const begun = performance.now()
    made.push(await close(tills[0], TILLS[0]))
    const first = performance.now() - begun
    let over = false
    const selling = sell(seller, () => over)
    const took = await closeEachSecond(tills, made)
    over = true
    await selling
    made.push(await close(tills[0], TILLS[0]))
    await compare(seller, made)
    return { first, p50: quantile(took, 0.5), p99: quantile(took, 0.99), closures: took.length }
  } finally {
    for (const till of [...tills, seller]) till.end()
    await server.stop()
  }
}

export async function closures() {
  const empty = await measure(path.join(work(), 'daybook-closures-empty'), false)
  const month = await measure(path.join(work(), 'daybook-closures'), true)
  const show = (name, f) => console.log(`  ${name.padEnd(36)} p50 ${cell(f.p50.toFixed(1), 7)} p99 ${cell(f.p99.toFixed(1), 7)} ms of ${f.closures}; the first after the start ${f.first.toFixed(0)} ms`)
  console.log(`\nclosures: ${TICKETS} tickets/s arrive while ${TILLS.length} tills close each second; clients and server share the processors`)
  show('nothing behind it', empty)
  show(`${options.orders} tickets of ${EVENINGS} evenings`, month)
  results.suites.closures = { empty, month }
}
