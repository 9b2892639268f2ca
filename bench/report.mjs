// SPDX-License-Identifier: Apache-2.0
// Everything that docs/PERFORMANCE.md shows, in one go: `./run bench report` takes three quarters of an hour of a quiet
// machine with two processors, `./run bench report large` measures a hundred million orders instead and takes about an
// hour; `./run bench report small` tries all parts on a tiny company. Prints each block as it stands in that page, its
// command above it, and keeps all in build/bench/report.md.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { canBeApart } from './support/apart.mjs'
import { seconds } from './support/figures.mjs'
import { here, root } from './support/world.mjs'

const MILLION = '--orders 1000000', TWENTY = '--orders 20000000', HUNDRED = '--orders 100000000 --without-lines', LINES = '--orders 100000000 --lines-alone'
const columnar = '--peers portable,duckdb,chdb'
const usual = [
  ['The machine', 'machine'],
  ['Bulk load', `load ${MILLION}`],
  ['Scans of a million orders', `scan ${MILLION} ${columnar},polars`],
  ['Scans beside row stores', 'scan --orders 200000'],
  ['Questions of reports, everybody as best configured', `summaries ${MILLION}`],
  ['Restart', `restart ${MILLION}`],
  ['HTTP', `http ${MILLION} --seconds 1`],
  ['HTTP, client and server on processors of their own', `http ${MILLION} --seconds 1 --apart`],
  ['What a request costs', `cost ${MILLION}`],
  ['Reads while orders arrive', `mixed ${MILLION}`],
  ['Reads while orders arrive, client and server on processors of their own', `mixed ${MILLION} --apart`],
  ['Short reads beside long ones', `delay ${MILLION}`],
  ['Single durable writes', `write --seconds 2 --repeat 11`],
  ['Single durable writes, client and server on processors of their own', 'write --seconds 2 --repeat 11 --apart'],
  ['Event streams', 'events --seconds 3'],
  ['Closures', 'closures --seconds 10'],
  ['Scans of twenty million orders, two threads', `scan ${TWENTY} --threads 2 ${columnar}`],
  ['Scans of twenty million orders, one thread', `scan ${TWENTY} --threads 1 ${columnar}`],
  ['Report questions of twenty million orders', `summaries ${TWENTY}`],
  ['Restart with twenty million orders', `restart ${TWENTY} --repeat 3`]
]
const large = [
  ['Scans of a hundred million orders, two threads', `scan ${HUNDRED} --threads 2 --peers duckdb,chdb`],
  ['Scans of a hundred million orders, one thread', `scan ${HUNDRED} --threads 1 --peers duckdb,chdb`],
  ['Scans of the lines of a hundred million orders, two threads', `scan ${LINES} --threads 2 --peers duckdb,chdb`],
  ['Scans of the lines of a hundred million orders, one thread', `scan ${LINES} --threads 1 --peers duckdb,chdb`],
  ['Restart with a hundred million orders', `restart ${HUNDRED} --repeat 3`]
]
const isSmall = process.argv.includes('small')
const parts = (process.argv.includes('large') ? large : usual).filter(([, words]) => canBeApart || !words.includes('--apart'))

// The command's lines as they come; they also go to standard error, so that one sees it move.
function run(words) {
  const child = spawn('node', [path.join(here, 'bench.mjs'), ...words.split(' ')], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (chunk) => { out += chunk; process.stderr.write(chunk) })
  return new Promise((resolve, reject) => child.on('close', (code) => (code === 0 ? resolve(out) : reject(new Error(`bench ${words} ended with ${code}`)))))
}

const started = performance.now()
const blocks = []
let machine, failed = 0
for (const [title, full] of parts) {
  const words = isSmall ? `${full.replace(/ --(orders|repeat|seconds) \d+/g, '')} --orders 2000 --repeat 1 --seconds 1 --out ${path.join(root, 'build/bench')}` : full
  let out
  try {
    out = await run(words)
  } catch (error) {
    out = `\n${error.message}\n`
    failed++
  }
  const lines = out.trimEnd().split('\n')
  machine ??= lines[0]
  // Without the machine, which stands once above all, and without where the results are kept.
  const shown = lines.slice(1).filter((line) => !/^(kept in|making a company)/.test(line)).join('\n').trim()
  blocks.push(`### ${title}\n\n\`node bench/bench.mjs ${words}\`\n\n${shown.split('\n').map((line) => (line ? `    ${line}` : '')).join('\n')}\n`)
}
const page = `${machine}\n\n${blocks.join('\n')}\nTaken in ${(seconds(started) / 60).toFixed(0)} minutes.\n`
// Worlds of this size are made for this alone.
const work = path.join(root, 'build/bench')
for (const name of fs.readdirSync(work)) if (/-(20000000|100000000)/.test(name)) fs.rmSync(path.join(work, name), { recursive: true, force: true })
const file = path.join(work, process.argv.includes('large') ? 'report-large.md' : isSmall ? 'report-small.md' : 'report.md')
fs.writeFileSync(file, page)
console.log(page)
process.exit(failed ? 1 : 0)
