// SPDX-License-Identifier: Apache-2.0
// Every suite of the benchmarks runs, at its smallest size: that the engines answer alike is checked by the suites
// themselves, how fast they are is not looked at. And the parts that a figure's honesty rests on do what they say.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import nodeHttp from 'node:http'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { asClient, asServer, canBeApart } from './support/apart.mjs'
import { compare } from './support/engines.mjs'
import { inTurns } from './support/figures.mjs'
import { options } from './support/world.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const tools = path.join(here, '..', 'build', 'release', 'bench')
const suites = ['machine', 'load', 'scan', 'summaries', 'restart', 'http', 'cost', 'mixed', 'delay', 'write', 'events', 'closures']

// One world for all of them: each suite makes what it misses, and the second finds it.
const world = fs.mkdtempSync(path.join(os.tmpdir(), 'daybook-bench-'))
test.after(() => fs.rmSync(world, { recursive: true, force: true }))

for (const suite of suites) {
  test(`the suite ${suite} runs and keeps its figures`, () => {
    const out = fs.mkdtempSync(path.join(world, 'out-'))
    const run = spawnSync('node', [path.join(here, 'bench.mjs'), suite, '--orders', '2000', '--repeat', '1', '--seconds', '1', '--keep', world, '--out', out], { encoding: 'utf8' })
    assert.equal(run.status, 0, run.stdout + run.stderr)
    const [file] = fs.readdirSync(out)
    const results = JSON.parse(fs.readFileSync(path.join(out, file), 'utf8'))
    assert.ok(Object.keys(results.suites).includes(suite), run.stdout)
    assert.ok(results.machine.cpu && results.machine.kernel && results.versions.compiler, 'the machine and the versions are kept')
  })
}

test('apart, no processor is both the client\'s and the server\'s; a suite says so, and others are refused', { skip: !canBeApart && 'one processor' }, () => {
  const processors = (place) => {
    const [command, args] = place('sh', ['-c', 'grep Cpus_allowed: /proc/self/status'])
    return parseInt(spawnSync(command, args, { encoding: 'utf8' }).stdout.split(':')[1].replaceAll(',', ''), 16)
  }
  options.apart = true
  const server = processors(asServer), client = processors(asClient)
  options.apart = false
  assert.ok(server && client && (server & client) === 0, `${server} ${client}`)
  const bench = (suite) => spawnSync('node', [path.join(here, 'bench.mjs'), suite, '--apart', '--orders', '2000', '--repeat', '1', '--seconds', '1', '--keep', world, '--out', world], { encoding: 'utf8' })
  const write = bench('write')
  assert.equal(write.status, 0, write.stdout + write.stderr)
  assert.match(write.stdout, /write: .*apart: servers on processors? [\d-]+, clients on \d/)
  assert.equal(bench('scan').status, 2)
})

test('scans run without lines, too', () => {
  const run = spawnSync('node', [path.join(here, 'bench.mjs'), 'scan', '--orders', '1000', '--without-lines', '--repeat', '1', '--peers', 'portable,duckdb', '--keep', world, '--out', world], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stdout + run.stderr)
  assert.doesNotMatch(run.stdout, /top_products/)
})

test('scans run of lines alone, too', () => {
  const run = spawnSync('node', [path.join(here, 'bench.mjs'), 'scan', '--orders', '1000', '--lines-alone', '--repeat', '1', '--peers', 'portable,duckdb,chdb', '--keep', world, '--out', world], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stdout + run.stderr)
  assert.match(run.stdout, /top_products/)
  assert.doesNotMatch(run.stdout, /sum_all/)
})

test('rollups and rows give the same answers', () => {
  const run = spawnSync(path.join(tools, 'bench_rollup'), ['70000', '3'], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stdout + run.stderr)
})

const engineOf = (name, rows) => ({ name, ask: async () => ({ rows }) })

test('an engine that answers otherwise ends the run', async () => {
  const rows = [['card', '3', null], ['cash', '1', '20']]
  await compare([engineOf('one', rows), engineOf('two', [['cash', '1', '20'], ['card', '3', '0']])], 'a', 2)
  await assert.rejects(compare([engineOf('one', rows), engineOf('two', [['card', '3', '1'], ['cash', '1', '20']])], 'a', 2), /two answers/)
})

test('jobs take turns, there and back', async () => {
  const order = []
  const job = (name) => async (round) => { order.push(name + round) }
  await inTurns({ a: job('a'), b: job('b') }, 2)
  assert.deepEqual(order, ['a0', 'b0', 'b1', 'a1'])
})

// Runs bench_rate against a server whose handler is given; its answer or how it ended.
async function rate(handler, words) {
  const server = nodeHttp.createServer(handler)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const child = spawn(path.join(tools, 'bench_rate'), [String(server.address().port), ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
    let out = '', err = ''
    child.stdout.on('data', (chunk) => { out += chunk })
    child.stderr.on('data', (chunk) => { err += chunk })
    const code = await new Promise((resolve) => child.on('close', resolve))
    return { code, out, err }
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('a server that stalls is charged with every request that was due meanwhile', async () => {
  let requests = 0
  const { code, out, err } = await rate((request, response) => {
    const until = performance.now() + (requests++ === 20 ? 400 : 0)
    while (performance.now() < until);
    response.end('{}')
  }, ['100', '1', '1', '-', '/'])
  assert.equal(code, 0, err)
  // One connection: whoever times requests from when they were sent finds one that was slow, of a hundred.
  const figures = JSON.parse(out)
  assert.equal(requests, 100)
  assert.ok(figures.p90 >= 200000, out)
  assert.ok(figures.max >= 400000, out)
})

test('an answer that is no success ends a run at a rate', async () => {
  const { code, err } = await rate((request, response) => { response.statusCode = 503; response.end('{}') }, ['100', '1', '1', '-', '/'])
  assert.equal(code, 1)
  assert.match(err, /503/)
})

test('an unknown suite is refused with the list of those there are', () => {
  const run = spawnSync('node', [path.join(here, 'bench.mjs'), 'nonsense'], { encoding: 'utf8' })
  assert.equal(run.status, 2)
  assert.match(run.stdout, /usage: .*scan/)
})
