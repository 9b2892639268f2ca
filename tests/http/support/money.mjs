// SPDX-License-Identifier: Apache-2.0
// Money as whole cents, so that the tests' own sums are exact. An answer's number is compared through its
// text: the nearest double of a two-digit decimal prints as that decimal.

export function cents(value) {
    const match = /^(-?)(\d+)(?:\.(\d{1,2}))?$/.exec(String(value));
    if (!match) throw new Error(`${value} is not money`);
    const magnitude = BigInt(match[2]) * 100n + BigInt((match[3] ?? '').padEnd(2, '0'));
    return match[1] ? -magnitude : magnitude;
}

export function decimal(value) {
    const magnitude = value < 0n ? -value : value;
    return `${value < 0n ? '-' : ''}${magnitude / 100n}.${String(magnitude % 100n).padStart(2, '0')}`;
}

export function sum(values) {
    return values.reduce((total, value) => total + value, 0n);
}

// Half away from zero.
export function divide(value, count) {
    const magnitude = value < 0n ? -value : value;
    const rounded = (magnitude * 2n + count) / (count * 2n);
    return value < 0n ? -rounded : rounded;
}
