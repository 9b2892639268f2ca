// SPDX-License-Identifier: Apache-2.0
// What one request costs, counted rather than timed: allocations (count_allocations.c stands before the C library),
// system calls (strace), instructions (perf where the machine has counters, else callgrind, which has no 512-bit vectors
// and so counts the loops for 256 bits), and the processor time of all the server's threads. One event loop.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { bodies } from '../support/arrivals.mjs'
import { atRate } from '../support/clients.mjs'
import { cell } from '../support/figures.mjs'
import { makeKey, serve } from '../support/process.mjs'
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
const perfCounts = () => has('perf') && !/not (supported|counted)/.test(spawnSync('perf', ['stat', '-e', 'instructions:u', 'true'], { encoding: 'utf8' }).stderr)

// Starts a server on a copy of the data, lets `measure` have it, and cleans up.
async function withServer(extra, measure) {
  const folder = path.join(work(), 'daybook-cost')
  fs.rmSync(folder, { recursive: true, force: true })
  fs.cpSync(data(), folder, { recursive: true, filter: (name) => !/\/(lock|daybook\.sock|socket)$/.test(name) })
  const key = makeKey('reports:read,ingest:write', folder)
  const server = await serve(folder, ['--threads', '1'], extra)
  try {
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
  const ticks = (pid) => fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13).map(Number)
  const perTick = 1e6 / Number(must('getconf', ['CLK_TCK']))
  return withServer({}, (server, key) => each(async (kind) => {
    const many = kind.writes ? requests * 4 : requests * 20
    await ask(server, key, kind, Math.max(16, many / 10))
    const before = ticks(server.pid)
    await ask(server, key, kind, many)
    const after = ticks(server.pid)
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
      const text = await attached('perf', ['stat', '-x', ';', '-e', 'instructions:u', '-p', String(server.pid), '-o', output], output, () => ask(server, key, kind, requests))
      return { instructions: Number(text.split('\n').find((line) => line.includes('instructions')).split(';')[0]) / requests }
    }))
  }
  // The posix backend makes the same calls of the engine; callgrind knows nothing of rings.
  const valgrind = ['valgrind', '-q', '--tool=callgrind', `--callgrind-out-file=${output}.%p`]
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
    return { instructions: Number(/^(?:totals|summary):\s*(\d+)/m.exec(text)[1]) / some }
  }))
}

export async function cost() {
  await databasesMade()
  const requests = isTrial() ? 64 : 2000
  const counted = { allocations: await allocations(requests), processor: await processorTime(requests) }
  if (has('strace')) counted.calls = await systemCalls(requests)
  if (has('valgrind') || perfCounts()) counted.instructions = await instructions(requests)
  console.log(`\ncost: of one request, over ${requests} of each, one event loop; the processor's time with the client beside it`)
  console.log(`  ${''.padEnd(30)} ${cell('allocations', 11)} ${cell('bytes', 8)} ${cell('user µs', 8)} ${cell('system µs', 9)} ${cell('calls', 6)} ${cell('instructions', 12)}`)
  for (const name of Object.keys(kinds)) {
    const a = counted.allocations[name], p = counted.processor[name], c = counted.calls?.[name], i = counted.instructions?.[name]
    console.log(`  ${name.padEnd(30)} ${cell(a.allocations.toFixed(1), 11)} ${cell(a.bytes.toFixed(0), 8)} ${cell(p.user.toFixed(1), 8)} ${cell(p.system.toFixed(1), 9)} ${cell(c ? c.all.toFixed(2) : '–', 6)} ${cell(i ? i.instructions.toFixed(0) : '–', 12)}`)
    if (c) console.log(`  ${''.padEnd(30)} ${Object.entries(c.calls).filter(([, n]) => n >= 0.01).sort((x, y) => y[1] - x[1]).map(([call, n]) => `${call} ${n.toFixed(2)}`).join(', ')}`)
  }
  results.suites.cost = counted
}
