// SPDX-License-Identifier: Apache-2.0
// The seed of a run and the generator that everything random is drawn from: sfc32, small and repeatable on every
// version of node.

// A new seed each run, or DBK_SEED to run one again.
export function runSeed() {
  return process.env.DBK_SEED ? Number(process.env.DBK_SEED) >>> 0 : (Date.now() ^ (process.pid << 16)) >>> 0
}

export class Random {
  constructor(seed) {
    this.state = [0x9e3779b9, 0x243f6a88, seed >>> 0, 1]
    for (let i = 0; i < 16; i++) this.next()
  }

  next() {
    const s = this.state
    const sum = (((s[0] + s[1]) | 0) + s[3]) | 0
    s[3] = (s[3] + 1) | 0
    s[0] = s[1] ^ (s[1] >>> 9)
    s[1] = (s[2] + (s[2] << 3)) | 0
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + sum
    return sum >>> 0
  }

  // 0 <= x < 1 with 53 bits.
  fraction() {
    return (this.next() * 2097152 + (this.next() >>> 11)) / 9007199254740992
  }

  // A whole number from..to, both included.
  int(from, to) {
    return from + Math.floor(this.fraction() * (to - from + 1))
  }

  chance(p) {
    return this.fraction() < p
  }

  pick(list) {
    return list[this.int(0, list.length - 1)]
  }

  // [[weight, value], …]
  weighted(choices) {
    let at = this.fraction() * choices.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, value] of choices) if ((at -= weight) < 0) return value
    return choices[choices.length - 1][1]
  }

  // 0..n-1, small numbers far more often.
  skewed(n) {
    return Math.floor(n * this.fraction() ** 3)
  }

  shuffled(list) {
    const out = [...list]
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(0, i)
      ;[out[i], out[j]] = [out[j], out[i]]
    }
    return out
  }
}
