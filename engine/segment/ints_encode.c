// SPDX-License-Identifier: Apache-2.0
// Analysis and encoding of columns of numbers. Division is the dearest thing here, so there is hardly any
// (ints_kernel.h).
#include "engine/segment/bitpack.h"
#include "engine/segment/format.h"
#include "engine/segment/ints_kernel.h"

#include <assert.h>
#include <string.h>

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint64_t ordinal_at(const dbk_ints_source *source, uint32_t row)
{
    return source->ints    ? (uint64_t)source->ints[row] ^ DBK_INT_BIAS
           : source->codes ? source->codes[row]
                           : source->ordinals[row];
}

static uint64_t common_divisor(const dbk_ints_source *source, uint64_t min)
{
    uint64_t divisor = 0;
    for (uint32_t v = 0; v < dbk_vectors(source->rows) && divisor != 1; v++) {
        if (divisor) {
            const dbk_exact_divisor d = dbk_exact_divisor_of(divisor);
            if (dbk_ints_are_multiples(source, v, &d, min))
                continue;
        }
        for (uint32_t i = 0; i < dbk_vector_rows(source->rows, v) && divisor != 1; i++) {
            const uint64_t ordinal = ordinal_at(source, v * DBK_VECTOR_ROWS + i);
            if (!source->nullable || ordinal != 0)
                divisor = greatest_common_divisor(ordinal - min, divisor);
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
static void find_bounds(const dbk_ints_source *source, dbk_ints_plan *plan)
{
    *plan = (dbk_ints_plan){.min = UINT64_MAX, .max = 0};
    for (uint32_t v = 0; v < dbk_vectors(source->rows); v++) {
        dbk_ints_bounds bounds;
        dbk_ints_bound(source, v, &bounds);
        const bool empty = bounds.nulls == dbk_vector_rows(source->rows, v);
        plan->nulls += bounds.nulls;
        plan->null_vectors |= (uint64_t)(bounds.nulls > 0) << v;
        plan->empty_vectors |= (uint64_t)empty << v;
        if (empty)
            continue;
        plan->base[v] = bounds.min;
        plan->range[v] = bounds.max;
        plan->min = bounds.min < plan->min ? bounds.min : plan->min;
        plan->max = bounds.max > plan->max ? bounds.max : plan->max;
    }
}

void dbk_ints_analyze(const dbk_ints_source *source, dbk_ints_plan *plan)
{
    assert(source->rows > 0 && source->rows <= DBK_SEGMENT_ROWS);
    find_bounds(source, plan);
    plan->divisor = plan->min < plan->max ? common_divisor(source, plan->min) : 1;

    const uint32_t vectors = dbk_vectors(source->rows);
    size_t packed = 0;
    for (uint32_t v = 0; v < vectors; v++) {
        if (!(plan->empty_vectors >> v & 1)) {
            plan->range[v] = (plan->range[v] - plan->base[v]) / plan->divisor;
            plan->base[v] = (plan->base[v] - plan->min) / plan->divisor;
        }
        int base_bytes = bytes_for(plan->base[v]), range_bytes = bytes_for(plan->range[v]);
        plan->base_bytes = base_bytes > plan->base_bytes ? base_bytes : plan->base_bytes;
        plan->range_bytes = range_bytes > plan->range_bytes ? range_bytes : plan->range_bytes;
        packed += dbk_bits_size_of(vector_width(plan, v), dbk_vector_rows(source->rows, v));
    }
    plan->size = dbk_segment_align(directory_size(plan, vectors)) + packed;
}

void dbk_ints_encode(const dbk_ints_source *source, const dbk_ints_plan *plan, uint8_t *block)
{
    assert(plan->min <= plan->max);
    const uint32_t vectors = dbk_vectors(source->rows);
    const dbk_ints_header header = {.min = plan->min,
                                    .max = plan->max,
                                    .divisor = plan->divisor,
                                    .null_vectors = plan->null_vectors,
                                    .empty_vectors = plan->empty_vectors,
                                    .base_bytes = (uint8_t)plan->base_bytes,
                                    .range_bytes = (uint8_t)plan->range_bytes,
                                    .cut = 1};
    const size_t packed_at = dbk_segment_align(directory_size(plan, vectors));
    memset(block, 0, packed_at);
    memcpy(block, &header, sizeof header);
    uint8_t *bases = block + sizeof header, *ranges = bases + vectors * (uint32_t)plan->base_bytes;
    for (uint32_t v = 0; v < vectors; v++) {
        memcpy(bases + v * (uint32_t)plan->base_bytes, &plan->base[v], (size_t)plan->base_bytes);
        memcpy(ranges + v * (uint32_t)plan->range_bytes, &plan->range[v], (size_t)plan->range_bytes);
    }

    const dbk_exact_divisor d = dbk_exact_divisor_of(plan->divisor);
    uint8_t *to = block + packed_at;
    for (uint32_t v = 0; v < vectors; v++) {
        const int width = vector_width(plan, v);
        if (width == 0)
            continue;
        const bool has_nulls = plan->null_vectors >> v & 1;
        uint64_t numbers[DBK_VECTOR_ROWS];
        dbk_ints_numbers(source, v, &d, plan->min, plan->base[v] - has_nulls, has_nulls, numbers);
        const size_t size = dbk_bits_size_of(width, dbk_vector_rows(source->rows, v));
        if (size == dbk_bits_size(width)) {
            dbk_bits_pack(numbers, width, to);
        } else {
            dbk_bits_room whole;
            dbk_bits_pack(numbers, width, whole.bytes);
            memcpy(to, whole.bytes, size);
        }
        to += size;
    }
    assert(to == block + plan->size);
}
