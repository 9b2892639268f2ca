// SPDX-License-Identifier: Apache-2.0
// xoshiro256** 1.0 after Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators" (2018).
#include "engine/base/random.h"

#include <assert.h>

static uint64_t rotate_left(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

dbk_random dbk_random_seed(uint64_t seed)
{
    // splitmix64 gives four unrelated words from any seed, so the state is never all zeros, where xoshiro
    // would stay.
    dbk_random r;
    for (size_t i = 0; i < DBK_COUNT(r.state); i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        r.state[i] = z ^ (z >> 31);
    }
    return r;
}

uint64_t dbk_random_u64(dbk_random *r)
{
    uint64_t *s = r->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t dbk_random_below(dbk_random *r, uint64_t bound)
{
    assert(bound > 0);
    // The high half of a 128-bit product is uniform once the products whose low half falls into the
    // incomplete first stretch of 2^64 mod bound are drawn again (Lemire 2019).
    dbk_u128 product = (dbk_u128)dbk_random_u64(r) * bound;
    if ((uint64_t)product < bound) {
        uint64_t threshold = -bound % bound;
        while ((uint64_t)product < threshold)
            product = (dbk_u128)dbk_random_u64(r) * bound;
    }
    return (uint64_t)(product >> 64);
}

double dbk_random_unit(dbk_random *r)
{
    return (double)(dbk_random_u64(r) >> 11) * 0x1p-53;
}
