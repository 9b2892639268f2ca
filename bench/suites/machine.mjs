// SPDX-License-Identifier: Apache-2.0
// What the machine can do at all: the floors under every other figure.
import path from 'node:path'
import fs from 'node:fs'
import { isTrial, must, options, results, tools, work } from '../support/world.mjs'

// Widths stand side by side.
function inColumns(lines, columns) {
  const rows = Math.ceil(lines.length / columns)
  return Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => lines[column * rows + row] ?? '').join('   ').trimEnd())
}

export function machine() {
  fs.mkdirSync(work(), { recursive: true })
  results.suites.machine = {}
  for (const [name, args, columns] of [
    ['bench_fresh', [isTrial() ? '4' : '2048'], 1], // first: what follows uses memory
    ['bench_memory', isTrial() ? ['0.1'] : [], 1],
    ['bench_unpack', isTrial() ? ['10'] : [], 2],
    ['bench_sync', [work(), String(isTrial() ? 3 : options.repeat * 20)], 1],
    ['bench_loopback', isTrial() ? ['50'] : [], 1]
  ]) {
    const lines = must(path.join(tools, name), args).trimEnd().split('\n')
    const [head, rest] = columns > 1 ? [inColumns(Array(columns).fill(lines[0]), columns), lines.slice(1)] : [[], lines]
    console.log(`\nmachine: ${name}\n${[...head, ...inColumns(rest, columns)].map((line) => `  ${line}`).join('\n')}`)
    results.suites.machine[name] = lines
  }
}
