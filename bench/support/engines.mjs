// SPDX-License-Identifier: Apache-2.0
// The engines that answer the queries of `scan` and `summaries`, each a process of its own on the same processors, and
// how their answers are compared.
import path from 'node:path'
import { worker } from './process.mjs'
import { csv, data, databases, here, options, tools } from './world.mjs'

const node = (name, script, args) => worker(name, 'node', [path.join(here, 'peers', script), ...args], options.threads)
const threads = () => String(options.threads)

export const starts = {
  daybook: () => worker('Daybook', path.join(tools, 'bench_query'), [data(), 'bench', threads()], options.threads),
  // The same process, asked to go without its loops for this processor.
  portable: (daybook) => ({ name: 'portable', ask: (query) => daybook.ask(`portable ${query}`), stop: async () => {} }),
  duckdb: () => node('DuckDB', 'duckdb.mjs', ['query', databases().duckdb, threads()]),
  chdb: () => node('chDB', 'chdb.mjs', ['query', databases().chdb, threads()]),
  polars: () => node('Polars', 'polars.mjs', [csv(), threads(), ...options.tables]),
  sqlite: () => node('SQLite', 'sqlite.mjs', [csv(), ...options.tables]),
  postgres: () => node('PostgreSQL', 'postgres.mjs', [csv(), threads(), ...options.tables])
}

// The answers as text that is equal when they are: no value and a sum of nothing are the same, order does not count.
const normal = (rows) => rows.map((row) => row.map((v) => v ?? '0').join('\t')).sort().join('\n')

// Every variation of a query, of every engine: which also warms them up.
export async function compare(engines, query, variations) {
  for (let v = 0; v < variations; v++) {
    const answers = []
    for (const engine of engines) answers.push(normal((await engine.ask(`${query} ${v}`)).rows))
    for (let i = 1; i < engines.length; i++) {
      if (answers[i] !== answers[0]) throw new Error(`${query} ${v}: ${engines[i].name} answers\n${answers[i].slice(0, 400)}\n${engines[0].name}\n${answers[0].slice(0, 400)}`)
    }
  }
}
