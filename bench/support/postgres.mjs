// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL cluster of the bench's own, with Debian's defaults (so: durable), on a socket in a temporary folder.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { asClient, asServer } from './apart.mjs'

// PostgreSQL refuses to run as root.
const asOwner = process.getuid() === 0 ? ['runuser', '-u', 'postgres', '--'] : []

function run(args, extra = {}) {
  const [command, ...rest] = [...asOwner, ...args]
  const out = spawnSync(command, rest, { encoding: 'utf8', maxBuffer: 1 << 28, cwd: '/', ...extra })
  if (out.status !== 0) throw new Error(`${args.join(' ')} failed:\n${out.stdout ?? ''}${out.stderr ?? ''}${out.error ?? ''}`)
  return out.stdout
}

const bin = () => {
  const base = '/usr/lib/postgresql'
  const newest = fs.existsSync(base) ? fs.readdirSync(base).sort((a, b) => a - b).at(-1) : undefined
  if (!newest) throw new Error('PostgreSQL is not installed')
  return path.join(base, newest, 'bin')
}

export function startPostgres() {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'daybook-bench-pg-'))
  if (asOwner.length) spawnSync('chown', ['postgres:', home])
  const cluster = path.join(home, 'data')
  const env = { ...process.env, PGHOST: home, PGPORT: '5499', PGUSER: 'bench', PGDATABASE: 'postgres' }
  run([path.join(bin(), 'initdb'), '-D', cluster, '-U', 'bench', '-A', 'trust', '--no-sync'])
  run(asServer(path.join(bin(), 'pg_ctl'), ['-D', cluster, '-w', '-o', `-k ${home} -p 5499 -h ''`, '-l', path.join(home, 'log'), 'start']).flat(), { stdio: 'ignore' })
  const write = (name, text) => {
    const file = path.join(home, name)
    fs.writeFileSync(file, text)
    fs.chmodSync(file, 0o644)
    return file
  }
  return {
    home,
    env,
    psql: path.join(bin(), 'psql'),
    version: () => run(['psql', '-XAtc', 'show server_version'], { env }).trim().split(' ')[0],
    sql: (text) => run(['psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', write('script.sql', text)], { env }),
    // Transactions a second of a script, by 64 connections.
    pgbench(script, duration) {
      const file = write('bench.sql', script)
      const out = run(asClient(path.join(bin(), 'pgbench'), ['-n', '-M', 'prepared', '-c', '64', '-j', '1', '-T', String(duration), '-f', file]).flat(), { env })
      if (!/number of failed transactions: 0 /.test(out)) throw new Error(`transactions failed:\n${out}`)
      const rate = /tps = ([\d.]+)/.exec(out)
      // Nothing was done in so short a time: a machine with much else to do.
      return rate ? Number(rate[1]) : this.pgbench(script, duration * 2)
    },
    stop() {
      run([path.join(bin(), 'pg_ctl'), '-D', cluster, '-m', 'immediate', 'stop'], { stdio: 'ignore' })
      fs.rmSync(home, { recursive: true, force: true })
    }
  }
}
