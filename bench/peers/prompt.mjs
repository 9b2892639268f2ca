// SPDX-License-Identifier: Apache-2.0
// Asks an engine's own command-line program: text in, lines out, up to the line that the program prints when told to
// say that it is done.
import { createInterface } from 'node:readline'

export function prompt(shell, sayEnd) {
  const lines = createInterface({ input: shell.stdout })[Symbol.asyncIterator]()
  return async (text) => {
    shell.stdin.write(`${text}\n${sayEnd}\n`)
    const answer = []
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error('the program ended')
      if (value === '@@end') return answer
      answer.push(value)
    }
  }
}
