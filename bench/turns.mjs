// SPDX-License-Identifier: Apache-2.0
// Two or more builds of bench_query (or one at several levels of the processor) answer the same queries in turns, so that
// a change is judged by what it does and not by what else the machine does:
//
//     node bench/turns.mjs [--threads N] [--rounds N] [--query NAME,…] PROGRAM=DIR[@LEVEL] PROGRAM=DIR[@LEVEL] …
//
// Each needs a copy of the data directory of its own, which is locked while it is open. Prints nanoseconds a row of the
// table: the packed bytes that the query must touch, and of each side the least processor time of all threads, and the
// least and the median time by the clock.
import { cell, inTurns, median } from './support/figures.mjs'
import { worker } from './support/process.mjs'
import { queryNames } from './peers/queries.mjs'

let threads = '1'
let rounds = 11
let names = queryNames(true)
const sides = []
for (let i = 2; i < process.argv.length; i++) {
  const word = process.argv[i]
  if (word === '--threads') threads = process.argv[++i]
  else if (word === '--rounds') rounds = Number(process.argv[++i])
  else if (word === '--query') names = process.argv[++i].split(',')
  else {
    const [, program, dir, level] = word.match(/^(.+?)=([^@]+)(?:@(.+))?$/)
    sides.push(await worker(`${sides.length}`, program, [dir, 'bench', threads, ...(level ? [level] : [])]))
  }
}

const normal = (answer) => answer.rows.map((row) => row.join('\t')).sort().join('\n')
console.log(`${threads} thread(s), ${rounds} rounds; bytes/row; of each side: ns/row of the processor (least), by the clock (least, median)`)
for (const name of names) {
  const answers = []
  for (const side of sides) answers.push(await side.ask(name))
  if (answers.some((a) => normal(a) !== normal(answers[0]))) throw new Error(`${name}: the answers differ`)
  const rows = answers[0].table_rows
  const taken = await inTurns(Object.fromEntries(sides.map((side) => [side.name, () => side.ask(name)])), rounds)
  const show = (side) => {
    const cpu = taken[side.name].map((a) => a.cpu / rows)
    const ns = taken[side.name].map((a) => a.ns / rows)
    return `${cell(Math.min(...cpu).toFixed(3), 9)} ${cell(Math.min(...ns).toFixed(3), 7)} ${cell(median(ns).toFixed(3), 7)}`
  }
  const { scanned, bytes } = answers[0]
  console.log(`${name.padEnd(22)} ${cell(((bytes * scanned) / rows / rows).toFixed(2), 6)} ${sides.map(show).join('  |')}`)
}
for (const side of sides) await side.stop()
process.exit(0)
