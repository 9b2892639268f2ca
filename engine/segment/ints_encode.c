// SPDX-License-Identifier: Apache-2.0
// Analysis and encoding of columns of numbers.
//
// Division is the dearest thing here, so there is hardly any: that a divisor d = odd * 2^k divides n exactly
// is tested, and the quotient found, by one multiplication with the inverse of `odd` modulo 2^64 (Granlund
// and Montgomery 1994, section 9). Multiples of `odd`, and only they, land at or below (2^64 - 1) / odd.
#include "engine/base/wide.h"
#include "engine/segment/bitpack.h"
#include "engine/segment/format.h"
#include "engine/segment/ints.h"

#include <assert.h>
#include <string.h>

// The ordinals of a vector, filled up with its last one: in `room`, unless they are there already.
DBK_WIDE static const uint64_t *load_vector(const dbk_ints_source *source, uint32_t vector,
                                            uint64_t room[DBK_VECTOR_ROWS])
{
    const uint32_t first = vector * DBK_VECTOR_ROWS, n = dbk_vector_rows(source->rows, vector);
    if (source->ints) {
        for (uint32_t i = 0; i < n; i++)
            room[i] = (uint64_t)source->ints[first + i] ^ DBK_INT_BIAS;
    } else if (source->codes) {
        for (uint32_t i = 0; i < n; i++)
            room[i] = source->codes[first + i];
    } else if (n == DBK_VECTOR_ROWS) {
        return source->ordinals + first;
    } else {
        memcpy(room, source->ordinals + first, n * sizeof *room);
    }
    for (uint32_t i = n; i < DBK_VECTOR_ROWS; i++)
        room[i] = room[n - 1];
    return room;
}

typedef struct exact_divisor {
    uint64_t divisor;
    uint64_t inverse; // of the odd part
    uint64_t limit;   // (2^64 - 1) / odd part
    uint64_t low_mask;
    int shift;
} exact_divisor;

static exact_divisor exact_divisor_of(uint64_t divisor)
{
    int shift = __builtin_ctzll(divisor);
    uint64_t odd = divisor >> shift, inverse = odd; // right to 3 bits; each step doubles them
    for (int i = 0; i < 5; i++)
        inverse *= 2 - odd * inverse;
    return (exact_divisor){divisor, inverse, UINT64_MAX / odd, (UINT64_C(1) << shift) - 1, shift};
}

static inline __attribute__((always_inline)) uint64_t divide_exactly(const exact_divisor *d, uint64_t n)
{
    return n * d->inverse >> d->shift;
}

DBK_WIDE static bool divides_all(const exact_divisor *d, const uint64_t *ordinals, uint64_t min,
                                 bool nullable)
{
    bool all = true;
    for (int i = 0; i < DBK_VECTOR_ROWS; i++) {
        uint64_t n = nullable && ordinals[i] == 0 ? 0 : ordinals[i] - min;
        all &= n * d->inverse <= d->limit && (n & d->low_mask) == 0;
    }
    return all;
}

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint64_t common_divisor(const dbk_ints_source *source, uint64_t min)
{
    uint64_t room[DBK_VECTOR_ROWS], divisor = 0;
    for (uint32_t v = 0; v < dbk_vectors(source->rows) && divisor != 1; v++) {
        const uint64_t *ordinals = load_vector(source, v, room);
        if (divisor) {
            exact_divisor d = exact_divisor_of(divisor);
            if (divides_all(&d, ordinals, min, source->nullable))
                continue;
        }
        for (int i = 0; i < DBK_VECTOR_ROWS && divisor != 1; i++) {
            if (!source->nullable || ordinals[i] != 0)
                divisor = greatest_common_divisor(ordinals[i] - min, divisor);
        }
    }
    return divisor ? divisor : 1;
}

static int bytes_for(uint64_t number)
{
    return (dbk_bits_width(number) + 7) / 8;
}

static int vector_width(const dbk_ints_plan *plan, uint32_t v)
{
    if (plan->empty_vectors >> v & 1)
        return 0;
    return dbk_bits_width(plan->range[v] + (plan->null_vectors >> v & 1));
}

static size_t directory_size(const dbk_ints_plan *plan, uint32_t vectors)
{
    return sizeof(dbk_ints_header) + (size_t)vectors * (size_t)(plan->base_bytes + plan->range_bytes);
}

// Bounds and nulls; base and range hold a vector's smallest and largest ordinal until the divisor is known.
DBK_WIDE static void find_bounds(const dbk_ints_source *source, dbk_ints_plan *plan)
{
    *plan = (dbk_ints_plan){.min = UINT64_MAX, .max = 0};
    for (uint32_t v = 0; v < dbk_vectors(source->rows); v++) {
        uint64_t room[DBK_VECTOR_ROWS], min = UINT64_MAX, max = 0;
        const uint64_t *ordinals = load_vector(source, v, room);
        uint32_t n = dbk_vector_rows(source->rows, v), nulls = 0;
        for (uint32_t i = 0; i < n; i++) {
            // A missing value must not become the minimum: less one, it is the largest number there is.
            uint64_t low = ordinals[i] - source->nullable;
            min = low < min ? low : min;
            max = ordinals[i] > max ? ordinals[i] : max;
            nulls += ordinals[i] == 0;
        }
        nulls = source->nullable ? nulls : 0;
        min += source->nullable;
        plan->nulls += nulls;
        plan->null_vectors |= (uint64_t)(nulls > 0) << v;
        plan->empty_vectors |= (uint64_t)(nulls == n) << v;
        if (nulls == n)
            continue;
        plan->base[v] = min;
        plan->range[v] = max;
        plan->min = min < plan->min ? min : plan->min;
        plan->max = max > plan->max ? max : plan->max;
    }
}

void dbk_ints_analyze(const dbk_ints_source *source, dbk_ints_plan *plan)
{
    assert(source->rows > 0 && source->rows <= DBK_SEGMENT_ROWS);
    find_bounds(source, plan);
    plan->divisor = plan->min < plan->max ? common_divisor(source, plan->min) : 1;

    const exact_divisor d = exact_divisor_of(plan->divisor);
    const uint32_t vectors = dbk_vectors(source->rows);
    size_t packed = 0;
    for (uint32_t v = 0; v < vectors; v++) {
        if (!(plan->empty_vectors >> v & 1)) {
            plan->range[v] = divide_exactly(&d, plan->range[v] - plan->base[v]);
            plan->base[v] = divide_exactly(&d, plan->base[v] - plan->min);
        }
        int base_bytes = bytes_for(plan->base[v]), range_bytes = bytes_for(plan->range[v]);
        plan->base_bytes = base_bytes > plan->base_bytes ? base_bytes : plan->base_bytes;
        plan->range_bytes = range_bytes > plan->range_bytes ? range_bytes : plan->range_bytes;
        packed += dbk_bits_size(vector_width(plan, v));
    }
    plan->size = dbk_segment_align(directory_size(plan, vectors)) + packed;
    plan->size = dbk_segment_align(plan->size);
}

DBK_WIDE void dbk_ints_encode(const dbk_ints_source *source, const dbk_ints_plan *plan, uint8_t *block)
{
    assert(plan->min <= plan->max);
    const uint32_t vectors = dbk_vectors(source->rows);
    const dbk_ints_header header = {.min = plan->min,
                                    .max = plan->max,
                                    .divisor = plan->divisor,
                                    .null_vectors = plan->null_vectors,
                                    .empty_vectors = plan->empty_vectors,
                                    .base_bytes = (uint8_t)plan->base_bytes,
                                    .range_bytes = (uint8_t)plan->range_bytes};
    const size_t packed_at = dbk_segment_align(directory_size(plan, vectors));
    memset(block, 0, packed_at);
    memcpy(block, &header, sizeof header);
    uint8_t *bases = block + sizeof header, *ranges = bases + vectors * (uint32_t)plan->base_bytes;
    for (uint32_t v = 0; v < vectors; v++) {
        memcpy(bases + v * (uint32_t)plan->base_bytes, &plan->base[v], (size_t)plan->base_bytes);
        memcpy(ranges + v * (uint32_t)plan->range_bytes, &plan->range[v], (size_t)plan->range_bytes);
    }

    const exact_divisor d = exact_divisor_of(plan->divisor);
    uint8_t *to = block + packed_at;
    for (uint32_t v = 0; v < vectors; v++) {
        int width = vector_width(plan, v);
        if (width == 0)
            continue;
        uint64_t room[DBK_VECTOR_ROWS], numbers[DBK_VECTOR_ROWS];
        const uint64_t *ordinals = load_vector(source, v, room);
        const uint32_t n = dbk_vector_rows(source->rows, v);
        if (plan->null_vectors >> v & 1) {
            uint64_t base = plan->base[v] - 1;
            for (uint32_t i = 0; i < n; i++)
                numbers[i] = ordinals[i] == 0 ? 0 : divide_exactly(&d, ordinals[i] - plan->min) - base;
        } else {
            for (uint32_t i = 0; i < n; i++)
                numbers[i] = divide_exactly(&d, ordinals[i] - plan->min) - plan->base[v];
        }
        memset(numbers + n, 0, (DBK_VECTOR_ROWS - n) * sizeof *numbers);
        dbk_bits_pack(numbers, width, to);
        to += dbk_bits_size(width);
    }
    assert(to == block + plan->size);
}
