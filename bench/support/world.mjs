// SPDX-License-Identifier: Apache-2.0
// What every suite works with: the options, the folders, the made-up company, and where results are kept.
import { spawnSync } from 'node:child_process'
import { cpus, totalmem, release } from 'node:os'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
export const root = path.dirname(here)
export const daybook = path.join(root, 'build/release/daybook')
export const tools = path.join(root, 'build/release/bench')

export const options = { orders: 200000, threads: 2, repeat: 11, seconds: 3, peers: 'auto' }

export const work = path.join(root, 'build/bench')
export const csv = () => path.join(work, `csv-${options.orders}`)
export const data = () => path.join(work, `daybook-${options.orders}`)

export const machine = {
  cpu: cpus()[0]?.model,
  processors: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version
}
export const results = { date: new Date().toISOString(), machine, options, versions: {}, suites: {} }

export function must(command, args, extra = {}) {
  const run = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...extra })
  if (run.status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${run.stdout ?? ''}${run.stderr ?? ''}${run.error ?? ''}`)
  return run.stdout
}

// The CSV files of a company from a fixed seed, once for each size.
export function company() {
  const done = path.join(csv(), 'entropy.json')
  if (!fs.existsSync(done)) {
    fs.mkdirSync(work, { recursive: true })
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
