// SPDX-License-Identifier: Apache-2.0
// How much of a bare libh2o handler's throughput is left when it is a report that is sent, and how long requests take at
// fixed rates, each a part of what the bare handler can do at most.
import { placement } from '../support/apart.mjs'
import { atOnce, atRate, h2load } from '../support/clients.mjs'
import { cell, inTurns, median, summary } from '../support/figures.mjs'
import { bareHandler, makeKey, serve } from '../support/process.mjs'
import { isTrial, options, results, runSeconds } from '../support/world.mjs'
import { databasesMade } from './load.mjs'

// Of the bare handler's maximum.
const fractions = () => (isTrial() ? [0.1] : [0.1, 0.25, 0.5, 0.75, 0.9])
const ROUNDS_AT_RATE = 3

// Medians of the rounds' quantiles, and the longest of all.
function together(rounds) {
  const of = (name) => median(rounds.map((round) => round[name]))
  return { rate: of('rate'), p50: of('p50'), p99: of('p99'), p999: of('p999'), late99: of('late99'), max: Math.max(...rounds.map((round) => round.max)), rounds }
}

export async function http() {
  await databasesMade()
  const key = makeKey('reports:read')
  const server = await serve(undefined, ['--threads', '1'])
  const url = `${server.url}/api/v1/reports/sales?from=2025-12-01&to=2025-12-31`
  const headers = [`authorization: Bearer ${key}`]
  const body = await (await fetch(url, { headers: { authorization: `Bearer ${key}` } })).text()
  const bare = await bareHandler(Buffer.byteLength(body))
  const duration = ['-D', `${runSeconds() * 1000}ms`]
  try {
    const rates = await inTurns({
      bare: () => h2load(bare.url, [], duration),
      kept: () => h2load(url, headers, duration),
      // The same month under many names: each is asked once, so that its answer is computed. (Clients that go through one
      // list of names, as h2load's do, ask each name as often as there are clients, and all but one find it kept.)
      computed: () => atOnce(url, key, Math.ceil(10000 * runSeconds()), { vary: true })
    }, options.repeat)
    const most = median(rates.bare)
    const ratio = median(rates.kept) / most, computedRatio = median(rates.computed) / most
    console.log(`\nhttp: reports/sales of a month (${Buffer.byteLength(body)} bytes), one loop; ${placement()}`)
    console.log(`  as many as it takes, 16 connections, median of ${options.repeat} (minimum ±quartiles), requests/s`)
    const show = (name, of, note) => console.log(`    ${name.padEnd(12)} ${cell(summary(of, 0), 26)}  ${note}`)
    show('bare libh2o', rates.bare, 'sends the same number of bytes')
    show('Daybook', rates.kept, `${ratio.toFixed(2)} × bare: the same question since the last change, its answer kept`)
    show('… computed', rates.computed, `${computedRatio.toFixed(2)} × bare: no request twice, so no answer is kept from before`)
    console.log(`  at fixed rates, 64 connections, µs from the instant a request was due; median of ${Math.min(ROUNDS_AT_RATE, options.repeat)} runs of ${runSeconds()} s, the longest of all; late: the client itself, which is in the others, too`)
    console.log(`    ${'of bare'.padEnd(8)} ${cell('due/s', 8)}  ${''.padEnd(12)} ${cell('reached/s', 10)} ${cell('p50', 9)} ${cell('p99', 9)} ${cell('p99.9', 9)} ${cell('max', 9)} ${cell('late p99', 9)}`)
    const calm = {}
    for (const fraction of fractions()) {
      const rate = most * fraction
      const taken = await inTurns({
        'bare libh2o': () => atRate(bare.url, undefined, rate, runSeconds()),
        Daybook: () => atRate(url, key, rate, runSeconds()),
        '… computed': () => atRate(url, key, rate, runSeconds(), { vary: true })
      }, Math.min(ROUNDS_AT_RATE, options.repeat))
      calm[fraction] = {}
      for (const [name, rounds] of Object.entries(taken)) {
        const of = calm[fraction][name] = together(rounds)
        console.log(`    ${name === 'bare libh2o' ? `${String(fraction * 100).padStart(4)} %   ${cell(rate.toFixed(0), 8)}` : ' '.repeat(17)}  ${name.padEnd(12)} ${cell(of.rate.toFixed(0), 10)} ${cell(of.p50.toFixed(0), 9)} ${cell(of.p99.toFixed(0), 9)} ${cell(of.p999.toFixed(0), 9)} ${cell(of.max.toFixed(0), 9)} ${cell(of.late99.toFixed(0), 9)}`)
      }
    }
    results.suites.http = { rates, calm, ratio, computedRatio, bytes: Buffer.byteLength(body) }
  } finally {
    bare.stop()
    await server.stop()
  }
}
