// SPDX-License-Identifier: Apache-2.0
// What open event streams cost: memory of each, processor time, and what they do to the latency of reads, silent and
// while tickets come in.
import fs from 'node:fs'
import path from 'node:path'
import { cell } from '../support/figures.mjs'
import { makeKey, serve } from '../support/process.mjs'
import { isTrial, must, options, results, tools, work } from '../support/world.mjs'

const streamsOf = () => (isTrial() ? 100 : 5000)
const READS = 500
const TICKETS = 5

export async function events() {
  const streams = streamsOf()
  const folder = path.join(work(), 'daybook-events')
  fs.rmSync(folder, { recursive: true, force: true })
  fs.mkdirSync(work(), { recursive: true })
  const server = await serve(folder, ['--threads', '2'])
  try {
    const key = makeKey('reports:read,ingest:write', folder)
    const args = [new URL(server.url).port, server.pid, key, streams, options.seconds, READS, TICKETS].map(String)
    const figures = JSON.parse(must(path.join(tools, 'bench_events'), args))
    const show = (name, of) => `  ${name.padEnd(36)} p50 ${cell(of.p50us, 6)} p99 ${cell(of.p99us, 6)} µs, the server's processors ${cell(of.processorMs, 5)} ms`
    console.log(`\nevents: ${streams} streams, ${READS} reads/s, ${options.seconds} s each; client and server share the processors`)
    console.log(`  ${figures.bytesPerStream} bytes of memory a silent stream, ${figures.bytesPerStreamAfterEvents} after events`)
    console.log(show('no streams', figures.withoutStreams))
    console.log(show('silent streams', figures.silent))
    console.log(show(`${TICKETS} tickets/s, each to every stream`, figures.events))
    console.log(`  an event has reached the last stream after ${figures.toLastStreamMs.p50} ms (p99 ${figures.toLastStreamMs.p99})`)
    results.suites.events = figures
  } finally {
    await server.stop()
  }
}
