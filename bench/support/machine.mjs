// SPDX-License-Identifier: Apache-2.0
// The machine and the versions that figures belong to, and how quiet it was while they were taken.
import { spawnSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'
import fs from 'node:fs'
import path from 'node:path'
import { root } from './world.mjs'

const read = (file) => { try { return fs.readFileSync(file, 'utf8').trim() } catch { return undefined } }
const firstLine = (command, args) => spawnSync(command, args, { encoding: 'utf8' }).stdout?.split('\n')[0].trim() || undefined

function caches() {
  const found = []
  for (let i = 0; ; i++) {
    const at = `/sys/devices/system/cpu/cpu0/cache/index${i}`
    const level = read(`${at}/level`)
    if (level === undefined) return found
    if (read(`${at}/type`) !== 'Instruction') found.push(`L${level} ${read(`${at}/size`)}`)
  }
}

function wide() {
  const flags = read('/proc/cpuinfo')?.match(/^flags\s*:(.*)$/m)?.[1].split(' ') ?? []
  return ['avx2', 'avx512f', 'avx512vbmi2'].filter((flag) => flags.includes(flag))
}

export const describeMachine = () => ({
  cpu: cpus()[0]?.model,
  processors: cpus().length,
  clockMHz: Number(read('/proc/cpuinfo')?.match(/cpu MHz\s*: ([\d.]+)/)?.[1]),
  flags: wide(),
  caches: caches(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  disk: firstLine('findmnt', ['-no', 'SOURCE,FSTYPE', '-T', root]),
  virtual: firstLine('systemd-detect-virt', ['--vm']) ?? (read('/proc/cpuinfo')?.includes('hypervisor') ? 'a virtual machine' : 'none'),
  kernel: release()
})

export const describeVersions = () => ({
  node: process.version,
  compiler: firstLine('gcc', ['--version']),
  h2o: firstLine('dpkg-query', ['-W', '-f=${Version}', 'libh2o-evloop0.13']),
  h2load: firstLine('h2load', ['--version']),
  commit: firstLine('git', ['-C', root, 'describe', '--always', '--dirty']),
  built: fs.existsSync(path.join(root, 'build/release/daybook')) ? fs.statSync(path.join(root, 'build/release/daybook')).mtime.toISOString() : undefined
})

// What the processors did since `before`: shares of all their time that were stolen by other machines.
export function processorTime() {
  const words = read('/proc/stat')?.split('\n')[0].trim().split(/\s+/).slice(1).map(Number) ?? []
  return { all: words.slice(0, 8).reduce((sum, n) => sum + n, 0), steal: words[7] ?? 0 }
}
export function quietness(before) {
  const now = processorTime()
  return { stolen: (now.steal - before.steal) / Math.max(1, now.all - before.all), load: loadavg()[0] }
}
