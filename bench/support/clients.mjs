// SPDX-License-Identifier: Apache-2.0
// The load generators: h2load for reads, wrk for writes that all differ, pgbench for PostgreSQL. Each runs in a process
// of its own, on the same processors as what it asks: that is said wherever a figure of theirs is printed. None may
// meet an answer that is not a success.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { quantile } from './figures.mjs'
import { must, work } from './world.mjs'

const CLIENTS = 16

function h2loadArgs(url, headers, extra) {
  return ['--h1', '-t', '1', '-c', String(CLIENTS), ...extra, ...headers.flatMap((h) => ['-H', h]), ...(url ? [url] : [])]
}

function h2loadRate(out) {
  const rate = Number(/finished in [^,]+, ([\d.]+) req\/s/.exec(out)?.[1])
  const failed = Number(/(\d+) failed/.exec(out)?.[1]) + Number(/(\d+) errored/.exec(out)?.[1])
  const codes = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(out)
  if (!rate || failed || Number(codes[2]) + Number(codes[3]) + Number(codes[4]) > 0) throw new Error(`not all were answered:\n${out}`)
  return rate
}

// Requests a second, as many as it takes.
export const h2load = (url, headers, extra) => h2loadRate(must('h2load', h2loadArgs(url, headers, extra)))

// Requests at a fixed rate, each timed from the instant it was due (so that a stall is not hidden): quantiles in
// microseconds. Does not block this process, which may have something else to do meanwhile.
export async function atRate(url, headers, rate, duration) {
  const log = path.join(work, 'h2load.tsv')
  fs.rmSync(log, { force: true })
  const perClient = Math.max(1, Math.floor(rate / CLIENTS))
  const args = h2loadArgs(url, headers, ['--rps', String(perClient), '-D', String(duration), '--log-file', log])
  const child = spawn('h2load', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (chunk) => { out += chunk })
  await new Promise((resolve) => child.on('close', resolve))
  h2loadRate(out)
  const micros = fs.readFileSync(log, 'utf8').trim().split('\n').map((line) => Number(line.split('\t')[2]))
  return { rate: perClient * CLIENTS, p50: quantile(micros, 0.5), p99: quantile(micros, 0.99), p999: quantile(micros, 0.999) }
}

// Requests that a Lua script makes, from 64 connections: requests a second.
export function wrk(url, script, duration) {
  const out = must('wrk', ['-t', '1', '-c', '64', '-d', `${duration}s`, '-s', script, url])
  if (/Non-2xx/.test(out) || /Socket errors/.test(out)) throw new Error(`not all were answered:\n${out}`)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1])
}

export const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
