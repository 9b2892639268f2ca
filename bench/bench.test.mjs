// SPDX-License-Identifier: Apache-2.0
// Every suite of the benchmarks runs, at its smallest size: that the engines answer alike is checked by the suites
// themselves, how fast they are is not looked at.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))

for (const suite of ['machine', 'load', 'scan', 'restart', 'http', 'mixed', 'write', 'closures']) {
  test(`the suite ${suite} runs and keeps its figures`, () => {
    const out = fs.mkdtempSync(path.join(os.tmpdir(), 'daybook-bench-'))
    try {
      const run = spawnSync('node', [path.join(here, 'bench.mjs'), suite, '--orders', '2000', '--repeat', '1', '--seconds', '1', '--out', out], { encoding: 'utf8' })
      assert.equal(run.status, 0, run.stdout + run.stderr)
      const [file] = fs.readdirSync(out)
      const results = JSON.parse(fs.readFileSync(path.join(out, file), 'utf8'))
      assert.ok(Object.keys(results.suites).includes(suite), run.stdout)
    } finally {
      fs.rmSync(out, { recursive: true, force: true })
    }
  })
}

test('rollups and rows give the same answers', () => {
  const run = spawnSync(path.join(here, '..', 'build', 'release', 'bench', 'bench_rollup'), ['70000', '3'], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stdout + run.stderr)
})

test('an unknown suite is refused with the list of those there are', () => {
  const run = spawnSync('node', [path.join(here, 'bench.mjs'), 'nonsense'], { encoding: 'utf8' })
  assert.equal(run.status, 2)
  assert.match(run.stdout, /usage: .*scan/)
})
