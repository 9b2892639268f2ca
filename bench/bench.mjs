// SPDX-License-Identifier: Apache-2.0
// The benchmark harness: what each suite asks is in README.md. Run through `./run bench`.
import fs from 'node:fs'
import path from 'node:path'
import { closures } from './suites/closures.mjs'
import { cost } from './suites/cost.mjs'
import { delay } from './suites/delay.mjs'
import { events } from './suites/events.mjs'
import { http } from './suites/http.mjs'
import { load } from './suites/load.mjs'
import { machine } from './suites/machine.mjs'
import { mixed } from './suites/mixed.mjs'
import { restart } from './suites/restart.mjs'
import { scan } from './suites/scan.mjs'
import { summaries } from './suites/summaries.mjs'
import { write } from './suites/write.mjs'
import { canBeApart } from './support/apart.mjs'
import { describeMachine, describeVersions, processorTime, quietness } from './support/machine.mjs'
import { hasOrders, here, options, results, size } from './support/world.mjs'

// Those whose clients are processes of their own.
const apart = ['http', 'cost', 'mixed', 'write']
const suites = { machine, load, scan, summaries, restart, http, cost, mixed, delay, write, events, closures }

function usage(status) {
  console.log(`usage: ./run bench [${Object.keys(suites).join('|')} …]
                   [--orders N] [--without-lines|--lines-alone] [--threads N] [--repeat N] [--seconds N] [--peers NAME,…] [--queries NAME,…]
                   [--apart] [--keep DIR] [--out DIR]
  --orders N       orders of the made-up company (default ${options.orders})
  --without-lines  only the orders: what 100,000,000 of them want is then some 50 GB of disk while they are loaded
  --lines-alone    only their lines, for the scans: the peers get the columns that a query reads
  --threads N      threads of each engine (default ${options.threads})
  --repeat N       how often each thing is timed, in turns (default ${options.repeat})
  --seconds N      how long each run of a load generator is (default ${options.seconds})
  --peers …        of the scans: portable,duckdb,chdb,polars,sqlite,postgres (default: all up to two million orders, beyond
                   without the row stores, beyond twenty million the first two peers; portable is Daybook without its
                   loops for this processor)
  --queries …      of the scans: only these (default: all)
  --apart          the clients have the last processor to themselves, and the servers the others, as two machines
                   would; of ${apart.join(', ')}
  --keep DIR       where the loaded data stand and stay as they are (default build/bench, where Daybook's are loaded anew
                   when the program is newer)
  --out DIR        where the results are kept as JSON (default bench/results)
./run bench report [large] runs all that docs/PERFORMANCE.md shows, and prints it as it stands there.`)
  process.exit(status)
}

if (process.argv[2] === 'report') await import('./report.mjs')

const wanted = []
let folder = path.join(here, 'results')
for (let i = 2; i < process.argv.length; i++) {
  const word = process.argv[i]
  const option = word.startsWith('--') ? word.slice(2) : undefined
  if (word === 'help' || word === '--help') usage(0)
  else if (option === 'without-lines') options.tables = ['orders']
  else if (option === 'lines-alone') options.tables = ['order_lines']
  else if (option === 'apart') options.apart = true
  else if (['peers', 'queries', 'keep'].includes(option)) options[option] = process.argv[++i] ?? usage(2)
  else if (option === 'out') folder = process.argv[++i] ?? usage(2)
  else if (['orders', 'threads', 'repeat', 'seconds'].includes(option)) options[option] = Number(process.argv[++i])
  else if (word in suites) wanted.push(word)
  else usage(2)
}
if (['orders', 'threads', 'repeat', 'seconds'].some((name) => !Number.isInteger(options[name]) || options[name] < 1)) {
  console.error('bench: --orders, --threads, --repeat and --seconds are whole numbers')
  process.exit(2)
}

if (options.apart && (!canBeApart || !wanted.length || wanted.some((name) => !apart.includes(name)))) {
  console.error(`bench: --apart wants two processors, and is for the suites ${apart.join(', ')}`)
  process.exit(2)
}
if (!hasOrders() && !wanted.every((name) => ['load', 'scan'].includes(name))) {
  console.error('bench: of lines alone there are only the suites load and scan')
  process.exit(2)
}

const machineNow = describeMachine()
results.machine = machineNow
results.versions = describeVersions()
console.log(`${machineNow.cpu}, ${machineNow.processors} processors, ${machineNow.caches.join(', ')}, ${machineNow.memoryGiB} GiB, ${machineNow.disk}, ${machineNow.virtual}, Linux ${machineNow.kernel}; Daybook ${results.versions.commit}, ${results.versions.compiler}`)
const names = wanted.length ? wanted : Object.keys(suites)
results.quiet = {}
for (const name of names) {
  const before = processorTime()
  await suites[name]()
  results.quiet[name] = quietness(before)
}
const file = path.join(folder, `${results.date.slice(0, 19).replaceAll(':', '')}-${names.length === Object.keys(suites).length ? 'all' : names.join('-')}-${size()}-${options.threads}${options.apart ? '-apart' : ''}.json`)
fs.mkdirSync(path.dirname(file), { recursive: true })
fs.writeFileSync(file, `${JSON.stringify(results)}\n`)
const { versions } = results
console.log(`\nNode.js ${versions.node}${versions.duckdb ? `, DuckDB ${versions.duckdb}` : ''}${versions.chdb ? `, chDB ${versions.chdb}` : ''}; time stolen by other machines: ${names.map((name) => `${name} ${(results.quiet[name].stolen * 100).toFixed(1)} %`).join(', ')}`)
console.log(`kept in ${path.relative(process.cwd(), file)}`)
process.exit(0)
