// SPDX-License-Identifier: Apache-2.0
// The engine under test: tests/tools/probe.c behind a pipe, one line of JSON each way.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

function program() {
  const build = process.env.DAYBOOK_BIN
    ? dirname(process.env.DAYBOOK_BIN)
    : fileURLToPath(new URL('../../../build/release', import.meta.url))
  const path = process.env.DBK_PROBE ?? join(build, 'tools', 'probe')
  if (!existsSync(path)) throw new Error(`${path} is missing: build the target "probe" first`)
  return path
}

export class Probe {
  constructor() {
    this.child = spawn(program(), { stdio: ['pipe', 'pipe', 'inherit'] })
    this.waiting = []
    this.ended = null
    createInterface({ input: this.child.stdout, crlfDelay: Infinity }).on('line', (line) => {
      this.waiting.shift().resolve(JSON.parse(line))
    })
    this.child.stdin.on('error', () => {})
    this.child.on('close', (code, signal) => {
      this.ended = new Error(`the probe ended with ${signal ?? code}`)
      for (const { reject } of this.waiting.splice(0)) reject(this.ended)
    })
  }

  ask(command) {
    if (this.ended) return Promise.reject(this.ended)
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject })
      this.child.stdin.write(JSON.stringify(command) + '\n')
    })
  }

  async close() {
    if (this.ended) return
    const closed = new Promise((resolve) => this.child.on('close', resolve))
    this.child.stdin.end()
    await closed
  }
}
