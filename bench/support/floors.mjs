// SPDX-License-Identifier: Apache-2.0
// The least that a query can cost on this machine: the bytes that it must read, at the bandwidth that memory has for so
// many; or its rows, at what unpacking their columns and adding to their groups costs. Both are measured here, once
// for each size, by the programs of the suite `machine`.
import path from 'node:path'
import { isTrial, must, options, tools } from './world.mjs'

const known = new Map()
const once = (key, measure) => {
  if (!known.has(key)) known.set(key, measure())
  return known.get(key)
}
const milliseconds = () => (isTrial() ? '0.2' : '30')
const tool = (name, args) => must(path.join(tools, name), args)

// Sizes are rounded to a quarter of an octave: bandwidth does not change faster.
const rounded = (n) => Math.round(2 ** (Math.round(Math.log2(Math.max(n, 1)) * 4) / 4))

const bandwidth = (bytes, threads) => {
  const size = Math.max(16384, Math.min(rounded(bytes), 2 ** 30))
  return once(`read ${size} ${threads}`, () => Number(tool('bench_memory', ['read', String(size), String(threads), milliseconds()])))
}
const addCost = (groups) => {
  const size = Math.min(rounded(groups), 1 << 24)
  return once(`add ${size}`, () => Number(tool('bench_memory', ['add', String(size), milliseconds()])))
}
// At the best of the processor's levels; what comparing takes stands in brackets.
const unpackRates = () => once('unpack', () => {
  const rates = []
  for (const line of tool('bench_unpack', isTrial() ? ['10'] : []).split('\n').slice(1)) {
    const [width, ...levels] = line.replace(/\([^)]*\)/g, '').trim().split(/\s+/).map(Number)
    if (width) rates[width] = Math.max(...levels)
  }
  return rates
})

// `touched` is what bench_query says of a query ("describe"). Milliseconds; undefined where there is none to tell.
export function floorOf(touched) {
  if (touched.statistics) return undefined
  const threads = options.threads
  const bits = Object.values(touched.columns).reduce((sum, b) => sum + b, 0)
  if (bits === 0) return undefined // rows that are not sealed yet
  const bytes = (touched.rows * bits) / 8
  const memory = bytes / bandwidth(bytes, threads) / 1e6
  const unpack = Object.values(touched.columns).reduce((sum, b) => sum + (b < 0.05 ? 0 : 1 / unpackRates()[Math.min(64, Math.max(1, Math.ceil(b)))]), 0)
  const add = touched.groups > 1 ? addCost(touched.groups) : 0
  const work = (touched.rows * (unpack + add)) / threads / 1e6
  return { bits, bytes, memory, unpack, add, work, ms: Math.max(memory, work) }
}
