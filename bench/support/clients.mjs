// SPDX-License-Identifier: Apache-2.0
// The load generators: h2load for as many reads as it takes, bench_rate for requests at a fixed rate, and for as many as it
// takes where all differ. Each runs in a process of its own, on the same processors as what it asks unless they are kept apart:
// which, is said wherever a figure of theirs is printed. None may meet an answer that is not a success.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { asClient } from './apart.mjs'
import { must, tools } from './world.mjs'

const CLIENTS = 16
// Open connections at a fixed rate: enough that a request hardly ever waits for one that the server is quick with.
const CONNECTIONS = 64

// Requests a second, as many as it takes.
export function h2load(url, headers, extra) {
  const out = must(...asClient('h2load', ['--h1', '-t', '1', '-c', String(CLIENTS), ...extra, ...headers.flatMap((h) => ['-H', h]), ...(url ? [url] : [])]))
  const rate = Number(/finished in [^,]+, ([\d.]+) req\/s/.exec(out)?.[1])
  const failed = Number(/(\d+) failed/.exec(out)?.[1]) + Number(/(\d+) errored/.exec(out)?.[1])
  const codes = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(out)
  if (!rate || failed || Number(codes[2]) + Number(codes[3]) + Number(codes[4]) > 0) throw new Error(`not all were answered:\n${out}`)
  return rate
}

// Requests at a fixed rate, each timed from the instant it was due whether or not a connection was free then: quantiles
// in microseconds. `vary` makes each ask something else; `bodies` of that type are posted instead (support/arrivals.mjs).
export async function atRate(url, key, rate, duration, { vary = false, bodies = undefined, type = 'application/x-ndjson', connections = CONNECTIONS } = {}) {
  const { port, pathname, search } = new URL(url)
  const words = bodies === undefined ? (vary ? ['vary'] : []) : ['bodies', type]
  const child = spawn(...asClient(path.join(tools, 'bench_rate'), [port, rate.toFixed(3), String(duration), String(connections), key ?? '-', pathname + search, ...words]), { stdio: [bodies === undefined ? 'ignore' : 'pipe', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (chunk) => { out += chunk })
  // A client that ends early says why by its exit status.
  child.stdin?.on('error', () => {})
  child.stdin?.end(bodies)
  const code = await new Promise((resolve) => child.on('close', resolve))
  if (code !== 0) throw new Error(`bench_rate ended with ${code}`)
  // "rate" is what was reached, "due" what was asked for.
  return { ...JSON.parse(out), due: rate }
}

// So many requests as fast as the connections take them, each something else with `vary` or its own of `bodies`:
// requests a second.
export const atOnce = async (url, key, requests, extra) => (await atRate(url, key, 1e9, requests / 1e9, { connections: CLIENTS, ...extra })).rate
