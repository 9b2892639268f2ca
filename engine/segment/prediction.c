// SPDX-License-Identifier: Apache-2.0
// What columns predict, the same way for both directions.
#include "engine/base/processor.h"
#include "engine/segment/derived.h"

static uint64_t step_of(const dbk_prediction *p)
{
    return p->unit * p->denominator;
}

bool dbk_prediction_is_sound(const dbk_prediction *p)
{
    if (p->denominator == 0)
        return p->numerator == 0 && p->unit == 0;
    return p->denominator >= 2 && p->numerator <= DBK_SHARE_NUMERATOR_MAX && p->unit >= 1 &&
           p->unit <= DBK_SHARE_STEP_MAX && p->denominator <= DBK_SHARE_STEP_MAX &&
           step_of(p) <= DBK_SHARE_STEP_MAX;
}

DBK_BODY void dbk_prediction_add_body(uint64_t *restrict sums, const int64_t *restrict values, int sign)
{
    if (sign < 0) {
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            sums[i] -= values[i] == DBK_NULL ? 0 : (uint64_t)values[i];
    } else {
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            sums[i] += values[i] == DBK_NULL ? 0 : (uint64_t)values[i];
    }
}
DBK_EACH_LEVEL(void, dbk_prediction_add,
               (uint64_t sums[DBK_VECTOR_ROWS], const int64_t values[DBK_VECTOR_ROWS], int sign),
               (sums, values, sign))

// The division is a multiplication with m = 2^64 / step, rounded up. That is exact while the dividend times
// what was rounded up stays below 2^64: it is below 2^36 * 2^10 * 2^18.
typedef struct share {
    uint64_t numerator, unit, half, m;
} share;

static share share_with(const dbk_prediction *p)
{
    const uint64_t step = step_of(p);
    return (share){p->numerator, p->unit, step / 2, UINT64_MAX / step + 1};
}

static inline __attribute__((always_inline)) uint64_t share_of(const share *s, uint64_t sum)
{
    const uint64_t negative = 0 - (sum >> 63), magnitude = (sum ^ negative) - negative;
    if (magnitude >= DBK_SHARE_REACH)
        return 0;
    const uint64_t parts = (uint64_t)((dbk_u128)(magnitude * s->numerator + s->half) * s->m >> 64);
    return (parts * s->unit ^ negative) - negative;
}

uint64_t dbk_prediction_share_of(const dbk_prediction *p, uint64_t sum)
{
    if (p->denominator == 0)
        return sum;
    const share s = share_with(p);
    return share_of(&s, sum);
}

void dbk_prediction_share(const dbk_prediction *p, uint64_t *sums, uint32_t n)
{
    if (p->denominator == 0)
        return;
    const share s = share_with(p);
    for (uint32_t i = 0; i < n; i++)
        sums[i] = share_of(&s, sums[i]);
}
