// SPDX-License-Identifier: Apache-2.0
// A source is read where it stands: integers are compared with their sign, and codes in their 32 bits, so
// that no vector of ordinals is made first.
#include "engine/segment/ints_kernel.h"
#include "engine/base/processor.h"
#include "engine/segment/format.h"

#include <string.h>

// ---- Bounds ----

// A missing value must not become the minimum: less one, it is the largest number there is.
DBK_BODY void bound_ints(const int64_t *ints, uint32_t n, uint64_t step, dbk_ints_bounds *out)
{
    int64_t min = INT64_MAX, max = INT64_MIN;
    uint64_t nulls = 0;
    for (uint32_t i = 0; i < n; i++) {
        const int64_t low = (int64_t)((uint64_t)ints[i] - step);
        min = low < min ? low : min;
        max = ints[i] > max ? ints[i] : max;
        nulls += ints[i] == DBK_NULL;
    }
    out->min = ((uint64_t)min ^ DBK_INT_BIAS) + step;
    out->max = (uint64_t)max ^ DBK_INT_BIAS;
    out->nulls = (uint32_t)nulls;
}

DBK_BODY void bound_codes(const uint32_t *codes, uint32_t n, uint32_t step, dbk_ints_bounds *out)
{
    uint32_t min = UINT32_MAX, max = 0, nulls = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t low = codes[i] - step;
        min = low < min ? low : min;
        max = codes[i] > max ? codes[i] : max;
        nulls += codes[i] == 0;
    }
    out->min = (uint64_t)min + step;
    out->max = max;
    out->nulls = nulls;
}

DBK_BODY void bound_ordinals(const uint64_t *ordinals, uint32_t n, uint64_t step, dbk_ints_bounds *out)
{
    uint64_t min = UINT64_MAX, max = 0, nulls = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t low = ordinals[i] - step;
        min = low < min ? low : min;
        max = ordinals[i] > max ? ordinals[i] : max;
        nulls += ordinals[i] == 0;
    }
    out->min = min + step;
    out->max = max;
    out->nulls = (uint32_t)nulls;
}

DBK_BODY void dbk_ints_bound_body(const dbk_ints_source *source, uint32_t vector, dbk_ints_bounds *out)
{
    const uint32_t first = vector * DBK_VECTOR_ROWS, n = dbk_vector_rows(source->rows, vector);
    if (source->ints)
        bound_ints(source->ints + first, n, source->nullable, out);
    else if (source->codes)
        bound_codes(source->codes + first, n, source->nullable, out);
    else
        bound_ordinals(source->ordinals + first, n, source->nullable, out);
    out->nulls = source->nullable ? out->nulls : 0;
}
DBK_EACH_LEVEL(void, dbk_ints_bound, (const dbk_ints_source *source, uint32_t vector, dbk_ints_bounds *out),
               (source, vector, out))

// ---- Divisors ----

dbk_exact_divisor dbk_exact_divisor_of(uint64_t divisor)
{
    const int shift = __builtin_ctzll(divisor);
    const uint64_t odd = divisor >> shift;
    uint64_t inverse = odd; // right to 3 bits; each step doubles them
    for (int i = 0; i < 5; i++)
        inverse *= 2 - odd * inverse;
    return (dbk_exact_divisor){divisor, inverse, UINT64_MAX / divisor, shift};
}

DBK_BODY uint64_t quotient(const dbk_exact_divisor *d, uint64_t n)
{
    const uint64_t product = n * d->inverse;
    return product >> d->shift | product << (-d->shift & 63);
}

#define DBK_MULTIPLES(ordinal, null)                                                                         \
    for (uint32_t i = 0; i < n; i++)                                                                         \
    wrong += (nullable && (null) ? 0 : quotient(&exact, (ordinal)-min)) > exact.limit

DBK_BODY bool dbk_ints_are_multiples_body(const dbk_ints_source *source, uint32_t vector,
                                          const dbk_exact_divisor *d, uint64_t min)
{
    const uint32_t first = vector * DBK_VECTOR_ROWS, n = dbk_vector_rows(source->rows, vector);
    const dbk_exact_divisor exact = *d;
    const bool nullable = source->nullable;
    uint64_t wrong = 0;
    if (source->ints) {
        const int64_t *ints = source->ints + first;
        DBK_MULTIPLES((uint64_t)ints[i] ^ DBK_INT_BIAS, ints[i] == DBK_NULL);
    } else if (source->codes) {
        const uint32_t *codes = source->codes + first;
        DBK_MULTIPLES(codes[i], codes[i] == 0);
    } else {
        const uint64_t *ordinals = source->ordinals + first;
        DBK_MULTIPLES(ordinals[i], ordinals[i] == 0);
    }
    return wrong == 0;
}
DBK_EACH_LEVEL(bool, dbk_ints_are_multiples,
               (const dbk_ints_source *source, uint32_t vector, const dbk_exact_divisor *d, uint64_t min),
               (source, vector, d, min))

// ---- Numbers ----

#define DBK_NUMBERS(ordinal, null)                                                                           \
    for (uint32_t i = 0; i < n; i++)                                                                         \
    out[i] = nullable && (null) ? 0 : quotient(&exact, (ordinal)-min) - base

DBK_BODY void numbers_of(const dbk_ints_source *source, uint32_t first, uint32_t n,
                         const dbk_exact_divisor *d, uint64_t min, uint64_t base, const bool nullable,
                         uint64_t *restrict out)
{
    const dbk_exact_divisor exact = *d;
    if (source->ints) {
        const int64_t *ints = source->ints + first;
        DBK_NUMBERS((uint64_t)ints[i] ^ DBK_INT_BIAS, ints[i] == DBK_NULL);
    } else if (source->codes) {
        const uint32_t *codes = source->codes + first;
        DBK_NUMBERS(codes[i], codes[i] == 0);
    } else {
        const uint64_t *ordinals = source->ordinals + first;
        DBK_NUMBERS(ordinals[i], ordinals[i] == 0);
    }
}

DBK_BODY void dbk_ints_numbers_body(const dbk_ints_source *source, uint32_t vector,
                                    const dbk_exact_divisor *d, uint64_t min, uint64_t base, bool nullable,
                                    uint64_t out[DBK_VECTOR_ROWS])
{
    const uint32_t first = vector * DBK_VECTOR_ROWS, n = dbk_vector_rows(source->rows, vector);
    // Most divisors are 1, and then nothing is multiplied.
    const dbk_exact_divisor one = {.divisor = 1, .inverse = 1};
    if (d->divisor == 1)
        numbers_of(source, first, n, &one, min, base, nullable, out);
    else
        numbers_of(source, first, n, d, min, base, nullable, out);
    memset(out + n, 0, (DBK_VECTOR_ROWS - n) * sizeof *out);
}
DBK_EACH_LEVEL(void, dbk_ints_numbers,
               (const dbk_ints_source *source, uint32_t vector, const dbk_exact_divisor *d, uint64_t min,
                uint64_t base, bool nullable, uint64_t out[DBK_VECTOR_ROWS]),
               (source, vector, d, min, base, nullable, out))

// ---- Sums ----

DBK_BODY void dbk_ints_tally_of_body(const uint32_t *numbers, uint32_t n, uint32_t step, dbk_ints_tally *out)
{
    uint32_t low = UINT32_MAX, high = 0, zeros = 0;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t number = numbers[i] - step;
        low = number < low ? number : low;
        high = numbers[i] > high ? numbers[i] : high;
        zeros += numbers[i] == 0;
        sum += numbers[i];
    }
    *out = (dbk_ints_tally){low, high, zeros, sum};
}
DBK_EACH_LEVEL(void, dbk_ints_tally_of,
               (const uint32_t *numbers, uint32_t n, uint32_t step, dbk_ints_tally *out),
               (numbers, n, step, out))

// 65,536 halves of 32 bits cannot overflow 64, and two such sums are cheaper than one of 128 bits.
DBK_BODY dbk_i128 dbk_ints_sum_body(const int64_t *ints, uint32_t rows)
{
    int64_t high = 0;
    uint64_t low = 0;
    for (uint32_t i = 0; i < rows; i++) {
        const int64_t value = ints[i] == DBK_NULL ? 0 : ints[i];
        low += (uint32_t)value;
        high += (int32_t)((uint64_t)value >> 32);
    }
    return (dbk_i128)high * ((int64_t)1 << 32) + low;
}
DBK_EACH_LEVEL(dbk_i128, dbk_ints_sum, (const int64_t *ints, uint32_t rows), (ints, rows))
