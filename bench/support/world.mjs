// SPDX-License-Identifier: Apache-2.0
// What every suite works with: the options, the folders, the made-up company, and where results are kept.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
export const root = path.dirname(here)
export const daybook = path.join(root, 'build/release/daybook')
export const tools = path.join(root, 'build/release/bench')

export const options = { orders: 200000, threads: 2, repeat: 11, seconds: 3, peers: 'auto', queries: 'all', tables: ['orders', 'order_lines'], keep: undefined, apart: false }
export const results = { date: new Date().toISOString(), options, versions: {}, suites: {} }

// Of what is measured in milliseconds: short when only the harness itself is being tried.
export const isTrial = () => options.orders < 100000 && options.repeat < 3
// How long each run of a load generator is, in seconds.
export const runSeconds = () => (isTrial() ? 0.2 : options.seconds)

// The world: CSV files and each engine's files of one company, made when they are missing. With --keep it stays as it was
// made; without, Daybook's side is made anew when the program is newer.
export const work = () => options.keep ?? path.join(root, 'build/bench')
export const hasOrders = () => options.tables.includes('orders')
export const hasLines = () => options.tables.includes('order_lines')
export const size = () => `${options.orders}${hasOrders() ? (hasLines() ? '' : '-without-lines') : '-lines-alone'}`
export const csv = () => path.join(work(), `csv-${size()}`)
export const data = () => path.join(work(), `daybook-${size()}`)
export const databases = () => ({ duckdb: path.join(work(), `duckdb-${size()}.db`), chdb: path.join(work(), `chdb-${size()}`) })

export function must(command, args, extra = {}) {
  const run = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...extra })
  if (run.status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${run.stdout ?? ''}${run.stderr ?? ''}${run.error ?? ''}`)
  return run.stdout
}

// The tables that can be large; the lines of those that nobody loads need not stand on the disk.
const large = ['orders', 'order_lines', 'customers', 'payments', 'provider_assignments', 'subscriptions', 'vendor_payments']

// The CSV files of a company from a fixed seed, once for each size.
export function company() {
  const done = path.join(csv(), 'entropy.json')
  if (!fs.existsSync(done)) {
    fs.rmSync(csv(), { recursive: true, force: true })
    fs.mkdirSync(csv(), { recursive: true })
    for (const table of large.filter((name) => !options.tables.includes(name))) fs.symlinkSync('/dev/null', path.join(csv(), `${table}.csv`))
    console.log(`making a company of ${options.orders} orders`)
    const report = must(daybook, ['gen', '--orders', String(options.orders), '--dir', csv(), '--json'])
    fs.writeFileSync(done, report)
  }
  return JSON.parse(fs.readFileSync(done, 'utf8'))
}

export function folderBytes(folder) {
  let bytes = 0
  for (const entry of fs.readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += fs.statSync(path.join(entry.parentPath ?? entry.path, entry.name)).size
  }
  return bytes
}

// The columns and dead rows of Daybook's directory; logs are reserved space, not data.
export const segmentBytes = (folder = data()) =>
  fs.readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('log-'))
    .reduce((sum, entry) => sum + fs.statSync(path.join(folder, entry.name)).size, 0)
