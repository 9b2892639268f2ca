// SPDX-License-Identifier: Apache-2.0
// Random choices that can be repeated: each file prints its seed, and DBK_SEED sets it.

export function seeded(seed = Number(process.env.DBK_SEED ?? 1)) {
    let state = seed >>> 0;
    const next = () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(state ^ (state >>> 15), state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return (mixed ^ (mixed >>> 14)) >>> 0;
    };
    return {
        seed,
        // 0 … below
        below: (limit) => next() % limit,
        between: (low, high) => low + (next() % (high - low + 1)),
        pick: (list) => list[next() % list.length],
    };
}
