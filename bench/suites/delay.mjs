// SPDX-License-Identifier: Apache-2.0
// What short reads feel of long ones: in the engine, where queries over all rows run back to back on all threads, and over
// HTTP, where reports that look at rows are asked at a rate of their own. Each short read is timed from the instant it was
// due.
import path from 'node:path'
import { atRate } from '../support/clients.mjs'
import { cell } from '../support/figures.mjs'
import { makeKey, serve } from '../support/process.mjs'
import { data, isTrial, must, options, results, runSeconds, tools } from '../support/world.mjs'
import { databasesMade } from './load.mjs'

const LONG = ['top_customers_all', 'day_status', 'distinct_month']
const RATE = 1000, HTTP_RATE = 2000, LONG_RATE = 4
const micros = (ns) => cell((ns / 1000).toFixed(ns < 100000 ? 1 : 0), 7)
const quantiles = (of) => `p50 ${micros(of.p50)} p99 ${micros(of.p99)} max ${micros(of.max)}`

function showEngine(line) {
  console.log(`  beside ${line.beside}${line.long_queries ? `, ${line.ms_each.toFixed(2)} ms each; a thread works on it without looking up for (processor) ${quantiles(line.pieces_cpu)}` : ''}`)
  for (const [name, reader] of [['ordinary turns', line.ordinary], ['short turns', line.prompt]]) {
    for (const [kind, of] of [['a month by day', reader.month], ['an order', reader.order]]) {
      console.log(`    ${name.padEnd(14)} ${kind.padEnd(14)} ${quantiles(of.whole)}; until it ran ${quantiles(of.late)}; processor ${quantiles(of.cpu)}`)
    }
  }
}

// A month by day, whose sums are kept; beside it the best products of a year, for which rows of lines are looked at. One event loop,
// so that one long read on it would keep every other waiting.
async function overHttp() {
  const server = await serve(data(), ['--threads', '1'])
  try {
    const key = makeKey('reports:read')
    const ask = (target, rate, seconds, vary) => atRate(`${server.url}${target}`, key, rate, seconds, { vary })
    const month = '/api/v1/reports/sales?from=2025-03-01&to=2025-03-31', year = '/api/v1/reports/products?from=2025-01-01&to=2025-12-31'
    const seconds = isTrial() ? 0.5 : runSeconds()
    const alone = await ask(month, HTTP_RATE, seconds, true)
    const [long, beside] = await Promise.all([ask(year, LONG_RATE, seconds, true), ask(month, HTTP_RATE, seconds, true)])
    return { alone, beside, long }
  } finally {
    await server.stop()
  }
}

export async function delay() {
  await databasesMade()
  const seconds = isTrial() ? 0.2 : runSeconds()
  const lines = must(path.join(tools, 'bench_delay'), [data(), 'bench', String(options.threads), String(RATE), String(seconds), ...LONG])
  const engine = lines.trim().split('\n').map((line) => JSON.parse(line))
  console.log(`\ndelay: ${options.orders} orders; ${RATE} short reads a second beside queries over all rows on ${options.threads} threads, ${seconds} s each; µs from the instant a read was due`)
  engine.forEach(showEngine)
  const http = await overHttp()
  const micro = (of) => `p50 ${cell(of.p50.toFixed(0), 7)} p99 ${cell(of.p99.toFixed(0), 7)} max ${cell(of.max.toFixed(0), 7)}`
  console.log(`  over HTTP, one event loop, ${HTTP_RATE} sales of a month a second; client and server share the processors`)
  console.log(`    alone                                    ${micro(http.alone)}`)
  console.log(`    beside ${LONG_RATE} best products of a year a second ${micro(http.beside)}; those ${micro(http.long)}`)
  console.log(`  expected of a plan, by which event loops decide, and taken:\n${must(path.join(tools, 'bench_delay'), [data(), 'bench', 'expected']).trimEnd().split('\n').map((line) => `    ${line}`).join('\n')}`)
  results.suites.delay = { engine, http }
}
