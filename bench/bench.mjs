// SPDX-License-Identifier: Apache-2.0
// The benchmark harness: what each suite asks is in README.md. Run through `./run bench`.
import fs from 'node:fs'
import path from 'node:path'
import { closures } from './suites/closures.mjs'
import { events } from './suites/events.mjs'
import { http } from './suites/http.mjs'
import { load } from './suites/load.mjs'
import { machine } from './suites/machine.mjs'
import { mixed } from './suites/mixed.mjs'
import { restart } from './suites/restart.mjs'
import { scan } from './suites/scan.mjs'
import { write } from './suites/write.mjs'
import { here, options, results } from './support/world.mjs'

const suites = { machine, load, scan, restart, http, mixed, write, events, closures }

function usage(status) {
  console.log(`usage: ./run bench [${Object.keys(suites).join('|')} …]
                   [--orders N] [--threads N] [--repeat N] [--seconds N] [--peers NAME,…] [--out DIR]
  --orders N    orders of the made-up company (default ${options.orders})
  --threads N   threads of each engine (default ${options.threads})
  --repeat N    how often each thing is timed, in turns (default ${options.repeat})
  --seconds N   how long each run of a load generator is (default ${options.seconds})
  --peers …     of the scans: duckdb,chdb,polars,sqlite,postgres (default: all up to two million orders, then the first three)
  --out DIR     where the results are kept as JSON (default bench/results)`)
  process.exit(status)
}

const wanted = []
let folder = path.join(here, 'results')
for (let i = 2; i < process.argv.length; i++) {
  const word = process.argv[i]
  const option = word.startsWith('--') ? word.slice(2) : undefined
  if (word === 'help' || word === '--help') usage(0)
  else if (option === 'peers') options.peers = process.argv[++i] ?? usage(2)
  else if (option === 'out') folder = process.argv[++i] ?? usage(2)
  else if (option !== undefined && option in options) options[option] = Number(process.argv[++i])
  else if (word in suites) wanted.push(word)
  else usage(2)
}
if (['orders', 'threads', 'repeat', 'seconds'].some((name) => !Number.isInteger(options[name]) || options[name] < 1)) {
  console.error('bench: --orders, --threads, --repeat and --seconds are whole numbers')
  process.exit(2)
}

console.log(`${results.machine.cpu}, ${results.machine.processors} processors, ${results.machine.memoryGiB} GiB, Linux ${results.machine.kernel}`)
const names = wanted.length ? wanted : Object.keys(suites)
for (const name of names) await suites[name]()
const file = path.join(folder, `${results.date.slice(0, 19).replaceAll(':', '')}-${names.length === Object.keys(suites).length ? 'all' : names.join('-')}-${options.orders}.json`)
fs.mkdirSync(path.dirname(file), { recursive: true })
fs.writeFileSync(file, `${JSON.stringify(results)}\n`)
console.log(`\nkept in ${path.relative(process.cwd(), file)}`)
process.exit(0)
