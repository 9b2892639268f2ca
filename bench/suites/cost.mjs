// SPDX-License-Identifier: Apache-2.0
// What one request costs, counted rather than timed: allocations (count_allocations.c stands before the C library),
// system calls (strace), instructions and misses of the caches, and the processor time of all the server's threads. One
// event loop. Instructions and misses are the processor's own counts where perf may read them. Elsewhere callgrind runs the
// server on a processor of its own making: it has no 512-bit vectors, counts each step of a repeated string instruction,
// and has the machine's first-level and last-level caches, in which nobody else's data stand; the kernel's work and
// prefetching are not in it.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { placement } from '../support/apart.mjs'
import { bodies } from '../support/arrivals.mjs'
import { atRate } from '../support/clients.mjs'
import { cell } from '../support/figures.mjs'
import { makeKey, serve, settled, ticksOf } from '../support/process.mjs'
import { data, isTrial, must, options, results, tools, work } from '../support/world.mjs'
import { databasesMade } from './load.mjs'

const MONTH = '/api/v1/reports/sales?from=2025-12-01&to=2025-12-31'
// Requests due at once: as fast as so many connections take them.
const AT_ONCE = 1e9

const kinds = {
  'kept report': { target: MONTH, connections: 1 },
  'computed report': { target: MONTH, connections: 1, vary: true },
  'kept report, 16 connections': { target: MONTH, connections: 16 },
  'durable write': { target: '/ingest/orders', connections: 1, writes: true },
  'durable write, 64 connections': { target: '/ingest/orders', connections: 64, writes: true }
}

// Rows that are not there yet; each call other ones.
let written = 0
function ask(server, key, { target, connections, vary, writes }, about) {
  const from = written, requests = Math.ceil(about)
  written += writes ? requests : 0
  return atRate(`${server.url}${target}`, key, AT_ONCE, requests / AT_ONCE, { connections, vary, bodies: writes ? bodies(from, from + requests, 1) : undefined })
}

const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
// Instructions, and misses of the first-level caches of instructions and of data, and of the last level.
const COUNTED = ['instructions:u', 'L1-icache-load-misses:u', 'L1-dcache-load-misses:u', 'cache-misses:u']
const perfCounts = () => has('perf') && !/not (supported|counted)/.test(spawnSync('perf', ['stat', '-e', COUNTED.join(), 'true'], { encoding: 'utf8' }).stderr)

// Starts a server on a copy of the data, lets `measure` have it, and cleans up.
async function withServer(extra, measure) {
  const folder = path.join(work(), 'daybook-cost')
  fs.rmSync(folder, { recursive: true, force: true })
  fs.cpSync(data(), folder, { recursive: true, filter: (name) => !/\/(lock|daybook\.sock|socket)$/.test(name) })
  const key = makeKey('reports:read,ingest:write', folder)
  const server = await serve(folder, ['--threads', '1'], extra)
  try {
    await settled(server.pid)
    return await measure(server, key)
  } finally {
    await server.stop()
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

const each = async (measure) => {
  const found = {}
  for (const [name, kind] of Object.entries(kinds)) found[name] = await measure(kind)
  return found
}

function allocations(requests) {
  const file = path.join(work(), 'allocations')
  fs.writeFileSync(file, Buffer.alloc(4096))
  const counters = () => { const b = fs.readFileSync(file); return { allocations: Number(b.readBigUInt64LE(0)), bytes: Number(b.readBigUInt64LE(8)) } }
  const env = { LD_PRELOAD: path.join(tools, 'count_allocations.so'), DAYBOOK_COUNT_FILE: file }
  return withServer({ env }, (server, key) => each(async (kind) => {
    await ask(server, key, kind, Math.max(16, requests / 10))
    const before = counters()
    await ask(server, key, kind, requests)
    const after = counters()
    return { allocations: (after.allocations - before.allocations) / requests, bytes: (after.bytes - before.bytes) / requests }
  }))
}

function processorTime(requests) {
  const perTick = 1e6 / Number(must('getconf', ['CLK_TCK']))
  return withServer({}, (server, key) => each(async (kind) => {
    const many = kind.writes ? requests * 4 : requests * 20
    await ask(server, key, kind, Math.max(16, many / 10))
    const before = ticksOf(server.pid)
    await ask(server, key, kind, many)
    const after = ticksOf(server.pid)
    return { user: ((after[0] - before[0]) * perTick) / many, system: ((after[1] - before[1]) * perTick) / many }
  }))
}

// Attaches a program to the server while requests are made; what it then wrote.
async function attached(command, args, output, requests) {
  fs.rmSync(output, { force: true })
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise((resolve) => child.on('close', resolve))
  // strace says when it begins to attach to the threads; perf says nothing.
  await new Promise((resolve) => { child.stderr.on('data', resolve); setTimeout(resolve, 2000) })
  await new Promise((resolve) => setTimeout(resolve, isTrial() ? 200 : 500))
  await requests()
  child.kill('SIGINT')
  await ended
  return fs.readFileSync(output, 'utf8')
}

function systemCalls(requests) {
  const output = path.join(work(), 'strace.txt')
  return withServer({}, (server, key) => each(async (kind) => {
    await ask(server, key, kind, Math.max(16, requests / 10))
    const text = await attached('strace', ['-c', '-f', '-p', String(server.pid), '-o', output], output, () => ask(server, key, kind, requests))
    const calls = {}
    for (const line of text.split('\n')) {
      const words = line.trim().split(/\s+/)
      if (/^[\d.]+$/.test(words[0]) && words.length >= 5 && words.at(-1) !== 'total') calls[words.at(-1)] = Number(words[3]) / requests
    }
    return { all: Object.values(calls).reduce((sum, n) => sum + n, 0), calls }
  }))
}

function instructions(requests) {
  const output = path.join(work(), 'instructions')
  if (perfCounts()) {
    return withServer({}, (server, key) => each(async (kind) => {
      await ask(server, key, kind, requests)
      const text = await attached('perf', ['stat', '-x', ';', '-e', COUNTED.join(), '-p', String(server.pid), '-o', output], output, () => ask(server, key, kind, requests))
      const of = (event) => Number(text.split('\n').find((line) => line.includes(event)).split(';')[0]) / requests
      return { instructions: of(COUNTED[0]), code: of(COUNTED[1]), data: of(COUNTED[2]), last: of(COUNTED[3]) }
    }))
  }
  // The posix backend makes the same calls of the engine; callgrind knows nothing of rings.
  const valgrind = ['valgrind', '-q', '--tool=callgrind', '--cache-sim=yes', `--callgrind-out-file=${output}.%p`]
  return withServer({ under: valgrind, env: { DAYBOOK_IO: 'posix' } }, (server, key) => each(async (kind) => {
    const some = Math.ceil(requests / 4)
    const file = `${output}.${server.pid}`
    const control = (action) => must('callgrind_control', [action, String(server.pid)])
    await ask(server, key, kind, Math.max(16, some / 4))
    control('-z')
    await ask(server, key, kind, some)
    const before = fs.readdirSync(work()).filter((name) => name.startsWith(path.basename(file)))
    control('-d')
    const [dump] = fs.readdirSync(work()).filter((name) => name.startsWith(path.basename(file)) && !before.includes(name))
    const text = fs.readFileSync(path.join(work(), dump), 'utf8')
    for (const name of fs.readdirSync(work())) if (name.startsWith(path.basename(file))) fs.rmSync(path.join(work(), name))
    const words = (line) => new RegExp(`^(?:${line}):\\s*(.*)$`, 'm').exec(text)[1].trim().split(/\s+/)
    const totals = words('totals|summary') // without the zeros at its end
    const of = (...events) => events.reduce((sum, event) => sum + Number(totals[words('events').indexOf(event)] ?? 0), 0) / some
    return { instructions: of('Ir'), code: of('I1mr'), data: of('D1mr', 'D1mw'), last: of('ILmr', 'DLmr', 'DLmw') }
  }))
}

export async function cost() {
  await databasesMade()
  const requests = isTrial() ? 64 : 2000
  const counted = { allocations: await allocations(requests), processor: await processorTime(requests) }
  if (has('strace')) counted.calls = await systemCalls(requests)
  if (has('valgrind') || perfCounts()) counted.instructions = await instructions(requests)
  console.log(`\ncost: of one request, over ${requests} of each, one event loop; ${placement()}; misses of the first-level caches and of the last ${perfCounts() ? 'as the processor counts them' : 'in a simulation'}`)
  console.log(`  ${''.padEnd(30)} ${cell('allocations', 11)} ${cell('bytes', 8)} ${cell('user µs', 8)} ${cell('system µs', 9)} ${cell('calls', 6)} ${cell('instructions', 12)} ${cell('L1 code', 8)} ${cell('L1 data', 8)} ${cell('last', 6)}`)
  for (const name of Object.keys(kinds)) {
    const a = counted.allocations[name], p = counted.processor[name], c = counted.calls?.[name], i = counted.instructions?.[name]
    console.log(`  ${name.padEnd(30)} ${cell(a.allocations.toFixed(1), 11)} ${cell(a.bytes.toFixed(0), 8)} ${cell(p.user.toFixed(1), 8)} ${cell(p.system.toFixed(1), 9)} ${cell(c ? c.all.toFixed(2) : '–', 6)} ${cell(i ? i.instructions.toFixed(0) : '–', 12)} ${cell(i ? i.code.toFixed(0) : '–', 8)} ${cell(i ? i.data.toFixed(0) : '–', 8)} ${cell(i ? i.last.toFixed(1) : '–', 6)}`)
    if (c) console.log(`  ${''.padEnd(30)} ${Object.entries(c.calls).filter(([, n]) => n >= 0.01).sort((x, y) => y[1] - x[1]).map(([call, n]) => `${call} ${n.toFixed(2)}`).join(', ')}`)
  }
  results.suites.cost = counted
}
