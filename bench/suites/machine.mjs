// SPDX-License-Identifier: Apache-2.0
// What the machine can do at all: the floors under every other figure.
import path from 'node:path'
import { must, options, results, tools, work } from '../support/world.mjs'
import fs from 'node:fs'

export function machine() {
  fs.mkdirSync(work, { recursive: true })
  results.suites.machine = {}
  for (const [name, args] of Object.entries({
    bench_memory: [],
    bench_unpack: [],
    bench_sync: [work, String(options.repeat * 20)]
  })) {
    const out = must(path.join(tools, name), args)
    console.log(`\nmachine: ${name}\n${out.trimEnd()}`)
    results.suites.machine[name] = out.split('\n')
  }
}
