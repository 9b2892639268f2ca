// SPDX-License-Identifier: Apache-2.0
// Taking turns, and what is printed of many times: the median, the minimum and the spread between the quartiles.
export const median = (values) => quantile(values, 0.5)
export const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))]
export const spread = (values) => quantile(values, 0.75) - quantile(values, 0.25)
export const cell = (value, width) => String(value).padStart(width)
export const seconds = (since) => (performance.now() - since) / 1000
export const geometricMean = (values) => Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length)

// "12.3 (11.9 ±0.4)": the median, the least, and the distance of the quartiles.
export function summary(values, most = 3) {
  const middle = median(values), digits = Math.min(most, middle >= 100 ? 1 : middle >= 10 ? 2 : 3)
  return `${middle.toFixed(digits)} (${Math.min(...values).toFixed(digits)} ±${spread(values).toFixed(digits)})`
}

// Runs each of the named jobs `rounds` times, A B C then C B A, and collects what they answer by name. A job is told
// the round.
export async function inTurns(jobs, rounds) {
  const taken = Object.fromEntries(Object.keys(jobs).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    const order = Object.keys(jobs)
    for (const name of round % 2 ? order.reverse() : order) taken[name].push(await jobs[name](round))
  }
  return taken
}
