// SPDX-License-Identifier: Apache-2.0
// Processes beside the harness: engines that answer one line at a time, and Daybook's server.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import path from 'node:path'
import { asServer } from './apart.mjs'
import { daybook, data, must, tools } from './world.mjs'

// One thread gets the last processor, more get as many from the first on: the same for every engine.
const pinned = (threads) => ['taskset', '-c', threads > 1 ? `0-${Math.min(threads, availableParallelism()) - 1}` : String(availableParallelism() - 1)]

// A process that says one line when it is ready, and then answers each line with one line of JSON. With `threads`, it
// runs on so many processors, the same for every engine.
export async function worker(name, command, args, threads) {
  const [file, ...words] = threads ? [...pinned(threads), command, ...args] : [command, ...args]
  const child = spawn(file, words, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${name} ended`)
    return JSON.parse(value)
  }
  await next()
  return {
    name,
    async ask(query) {
      child.stdin.write(`${query}\n`)
      return next()
    },
    async stop() {
      const ended = new Promise((resolve) => child.on('exit', resolve))
      child.stdin.end()
      await ended
    }
  }
}

// Daybook's server on a free port, without rate limits; `under` is a program and its arguments that runs it, `env` is added
// to the environment.
export async function serve(folder = data(), args = [], { under = [], env = {} } = {}) {
  const [command, ...words] = [...under, daybook, 'serve', '--data', folder, '--listen', '127.0.0.1:0', '--rate-limits', 'off', ...args]
  const child = spawn(...asServer(command, words), { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } })
  const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()
  const url = value?.replace('listening on ', '')
  if (!url) throw new Error('the server did not start')
  const stopped = new Promise((resolve) => child.on('exit', resolve))
  return { url, pid: child.pid, async stop() { child.kill('SIGTERM'); await stopped } }
}

// The processor time of a process, of the program and of the kernel for it, in hundredths of a second.
export const ticksOf = (pid) => fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13).map(Number)

// When the server has made its key indexes and rollups: when its processor time has stood still for half a second.
export async function settled(pid) {
  for (let before, now = ticksOf(pid).join(); now !== before; now = ticksOf(pid).join()) {
    before = now
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

// A handler that only sends so many bytes.
export async function bareHandler(bytes) {
  const child = spawn(...asServer(path.join(tools, 'bench_http'), ['bare', '--port', '0', '--bytes', String(bytes)]), { stdio: ['ignore', 'pipe', 'inherit'] })
  const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()
  return { url: `http://127.0.0.1:${/(\d+)\s*$/.exec(value)[1]}/`, stop: () => child.kill() }
}

export const makeKey = (scopes, folder = data()) =>
  must(daybook, ['keys', 'create', '--data', folder, '--tenant', 'bench', '--scope', scopes], { stdio: ['ignore', 'pipe', 'ignore'] }).trim()
