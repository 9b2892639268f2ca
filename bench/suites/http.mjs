// SPDX-License-Identifier: Apache-2.0
// How much of a bare libh2o handler's throughput is left when it is a report that is sent.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import fs from 'node:fs'
import path from 'node:path'
import { atRate, h2load } from '../support/clients.mjs'
import { cell, inTurns, median } from '../support/figures.mjs'
import { makeKey, serve } from '../support/process.mjs'
import { options, results, tools, work } from '../support/world.mjs'
import { databasesMade } from './load.mjs'

// A handler that only sends so many bytes.
async function bareHandler(bytes) {
  const child = spawn(path.join(tools, 'bench_http'), ['bare', '--port', '0', '--bytes', String(bytes)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()
  return { url: `http://127.0.0.1:${/(\d+)\s*$/.exec(value)[1]}/`, stop: () => child.kill() }
}

export async function http() {
  databasesMade()
  const key = makeKey('reports:read')
  const server = await serve(undefined, ['--threads', '1'])
  const url = `${server.url}/api/v1/reports/sales?from=2025-12-01&to=2025-12-31`
  const headers = [`authorization: Bearer ${key}`]
  const body = await (await fetch(url, { headers: { authorization: `Bearer ${key}` } })).text()
  const bare = await bareHandler(Buffer.byteLength(body))
  // The same month under many names: each name is new to whatever keeps answers, so each is computed.
  const names = path.join(work, 'urls.txt')
  fs.writeFileSync(names, Array.from({ length: 100000 }, (_, i) => `${url}&n=${i}\n`).join(''))
  const duration = ['-D', String(options.seconds)]
  try {
    const rates = await inTurns({
      bare: () => h2load(bare.url, [], duration),
      daybook: () => h2load(url, headers, duration),
      computed: () => h2load('', headers, [...duration, '-i', names])
    }, options.repeat)
    const half = median(rates.daybook) / 2
    const calm = { daybook: await atRate(url, headers, half, options.seconds), bare: await atRate(bare.url, [], half, options.seconds) }
    const ratio = median(rates.daybook) / median(rates.bare)
    console.log(`\nhttp: reports/sales of a month (${Buffer.byteLength(body)} bytes), one loop, 16 connections; client and server share the processors`)
    console.log(`  bare libh2o ${cell(median(rates.bare).toFixed(0), 8)} req/s, p99 at ${half.toFixed(0)}/s ${calm.bare.p99} µs`)
    console.log(`  Daybook     ${cell(median(rates.daybook).toFixed(0), 8)} req/s, p99 at ${half.toFixed(0)}/s ${calm.daybook.p99} µs; ${ratio.toFixed(2)} × bare`)
    console.log(`  … computed  ${cell(median(rates.computed).toFixed(0), 8)} req/s: no request twice, so no answer is kept from before`)
    results.suites.http = { rates, calm, ratio, bytes: Buffer.byteLength(body) }
  } finally {
    bare.stop()
    await server.stop()
  }
}
