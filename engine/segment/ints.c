// SPDX-License-Identifier: Apache-2.0
// Opening and reading columns of packed numbers.
#include "engine/base/bytes.h"
#include "engine/base/wide.h"
#include "engine/segment/bitpack.h"
#include "engine/segment/format.h"
#include "engine/segment/ints_kernel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint64_t little(const uint8_t *bytes, size_t size)
{
    uint64_t number = 0;
    memcpy(&number, bytes, size);
    return number;
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++)
        any |= bytes[i];
    return any == 0;
}

// The bits of vectors that a column of so many does not have.
static uint64_t bits_beyond(uint32_t vectors)
{
    return vectors == 64 ? 0 : UINT64_MAX << vectors;
}

static bool header_is_sound(const dbk_ints_header *h, uint32_t vectors, bool nullable)
{
    return h->min <= h->max && h->divisor > 0 && h->base_bytes <= 8 && h->range_bytes <= 8 && h->cut <= 1 &&
           all_zero(h->reserved, sizeof h->reserved) && (h->null_vectors & bits_beyond(vectors)) == 0 &&
           (h->empty_vectors & ~h->null_vectors) == 0 && (nullable ? h->min > 0 : h->null_vectors == 0);
}

// No ordinal of the vector can leave [min, max], so nothing that follows overflows.
static bool vector_is_bounded(const dbk_ints *ints, const dbk_ints_vector *v)
{
    dbk_u128 top = (dbk_u128)v->base + v->range;
    return top <= UINT64_MAX && top * ints->divisor <= ints->max - ints->min &&
           (!v->empty || (v->base == 0 && v->range == 0));
}

// Where a vector is packed in full: the last one of a column may have to be put into the room first.
static inline __attribute__((always_inline)) const uint8_t *
packed_of(const dbk_ints *ints, const dbk_ints_vector *v, dbk_bits_room *room)
{
    const uint8_t *packed = ints->packed + (size_t)v->at * 128;
    return __builtin_expect(v->cut, 0)
               ? dbk_bits_whole(packed, v->width, dbk_vector_rows(ints->rows, dbk_vectors(ints->rows) - 1),
                                room)
               : packed;
}

// What the numbers of a vector come to: the smallest and the largest, `step` subtracted from the former, how
// many are 0, and their sum.
typedef struct wide_tally {
    uint64_t low, high;
    uint32_t zeros;
    dbk_u128 sum;
} wide_tally;

DBK_WIDE static void tally_wide(const uint64_t *numbers, uint32_t rows, uint64_t step, wide_tally *out)
{
    uint64_t low = UINT64_MAX, high = 0;
    uint64_t halves[2] = {0, 0};
    uint32_t zeros = 0;
    for (uint32_t i = 0; i < rows; i++) {
        const uint64_t n = numbers[i] - step;
        low = n < low ? n : low;
        high = numbers[i] > high ? numbers[i] : high;
        zeros += numbers[i] == 0;
        // 1,024 halves of 32 bits cannot overflow, and two of them cost less than one sum of 128 bits.
        halves[0] += (uint32_t)numbers[i];
        halves[1] += numbers[i] >> 32;
    }
    *out = (wide_tally){low, high, zeros, ((dbk_u128)halves[1] << 32) + halves[0]};
}

// Decodes what is stored of a vector and compares it with what the directory promises.
static bool vector_is_true(dbk_ints *ints, const dbk_ints_vector *v, uint32_t rows)
{
    if (v->empty) {
        ints->nulls += rows;
        return true;
    }
    if (v->width == 0) {
        ints->sum += (dbk_u128)(ints->min + ints->divisor * v->base) * rows;
        return true;
    }
    // Without a value a row stores 0; less one, that is the largest number there is.
    dbk_bits_room room;
    const uint8_t *packed = packed_of(ints, v, &room);
    const uint64_t step = v->has_nulls;
    wide_tally t;
    if (v->width <= 32) {
        uint32_t numbers[DBK_VECTOR_ROWS];
        dbk_ints_tally narrow;
        dbk_bits_unpack32(packed, v->width, numbers);
        dbk_ints_tally_of(numbers, rows, (uint32_t)step, &narrow);
        t = (wide_tally){narrow.low, narrow.high, narrow.zeros, narrow.sum};
    } else {
        uint64_t numbers[DBK_VECTOR_ROWS];
        dbk_bits_unpack64(packed, v->width, numbers);
        tally_wide(numbers, rows, step, &t);
    }
    const uint32_t nulls = v->has_nulls ? t.zeros : 0, valued = rows - nulls;
    const dbk_u128 sum = t.sum - (v->has_nulls ? valued : 0);
    ints->nulls += nulls;
    ints->sum += (dbk_u128)(ints->min + ints->divisor * v->base) * valued + sum * ints->divisor;
    return t.low == 0 && t.high == v->range + step && (nulls > 0) == v->has_nulls;
}

static void read_directory(dbk_ints *ints, const dbk_ints_header *header, const uint8_t *entries,
                           uint32_t vectors)
{
    const uint8_t *ranges = entries + (size_t)vectors * header->base_bytes;
    uint32_t at = 0;
    for (uint32_t i = 0; i < vectors; i++) {
        dbk_ints_vector *v = &ints->vectors[i];
        v->base = little(entries + (size_t)i * header->base_bytes, header->base_bytes);
        v->range = little(ranges + (size_t)i * header->range_bytes, header->range_bytes);
        v->has_nulls = header->null_vectors >> i & 1;
        v->empty = header->empty_vectors >> i & 1;
        // At the top of the range this wraps to 0, which vector_is_bounded has yet to refuse.
        v->width = v->empty ? 0 : (uint8_t)dbk_bits_width(v->range + v->has_nulls);
        v->at = (uint16_t)at;
        at += v->width;
    }
    const uint32_t last = vectors - 1, rows = dbk_vector_rows(ints->rows, last);
    dbk_ints_vector *v = &ints->vectors[last];
    v->cut = header->cut && dbk_bits_size_of(v->width, rows) < dbk_bits_size(v->width);
}

// Whether the extremes that the header names are those of the vectors.
static bool bounds_are_true(const dbk_ints *ints, uint32_t vectors)
{
    uint64_t low = UINT64_MAX, high = 0;
    for (uint32_t i = 0; i < vectors; i++) {
        const dbk_ints_vector *v = &ints->vectors[i];
        if (v->empty)
            continue;
        low = v->base < low ? v->base : low;
        high = v->base + v->range > high ? v->base + v->range : high;
    }
    return low == 0 && high * ints->divisor == ints->max - ints->min;
}

static dbk_status check_numbers(dbk_ints *ints, dbk_reader *r, uint32_t vectors, dbk_error *err)
{
    size_t packed = 0;
    for (uint32_t i = 0; i < vectors; i++) {
        if (!vector_is_bounded(ints, &ints->vectors[i]))
            return dbk_fail(err, DBK_CORRUPT, "packed numbers: vector %u leaves the column's range", i);
        const dbk_ints_vector *v = &ints->vectors[i];
        packed +=
            v->cut ? dbk_bits_size_of(v->width, dbk_vector_rows(ints->rows, i)) : dbk_bits_size(v->width);
    }
    if (!bounds_are_true(ints, vectors))
        return dbk_fail(err, DBK_CORRUPT, "packed numbers: the column's range is not that of its vectors");
    ints->packed = dbk_read_bytes(r, packed);
    if (!ints->packed)
        return dbk_fail(err, DBK_CORRUPT, "packed numbers: the block ends early");
    for (uint32_t i = 0; i < vectors; i++) {
        if (!vector_is_true(ints, &ints->vectors[i], dbk_vector_rows(ints->rows, i)))
            return dbk_fail(err, DBK_CORRUPT, "packed numbers: vector %u is not what its header says", i);
    }
    ints->size = r->at;
    return DBK_OK;
}

dbk_status dbk_ints_open(const uint8_t *block, size_t size, uint32_t rows, bool nullable, dbk_ints **out,
                         dbk_error *err)
{
    const uint32_t vectors = dbk_vectors(rows);
    dbk_reader r = dbk_reader_init(block, size);
    dbk_ints_header header;
    const uint8_t *view = dbk_read_bytes(&r, sizeof header);
    if (!view)
        return dbk_fail(err, DBK_CORRUPT, "packed numbers: the block ends early");
    memcpy(&header, view, sizeof header);
    if (!header_is_sound(&header, vectors, nullable))
        return dbk_fail(err, DBK_CORRUPT, "packed numbers: the header is damaged");

    const uint8_t *entries =
        dbk_read_bytes(&r, (size_t)vectors * ((size_t)header.base_bytes + header.range_bytes));
    size_t padding = dbk_segment_align(r.at) - r.at;
    const uint8_t *zeros = dbk_read_bytes(&r, padding);
    if (r.failed || !all_zero(zeros, padding))
        return dbk_fail(err, DBK_CORRUPT, "packed numbers: the directory is damaged");

    dbk_ints *ints = calloc(1, sizeof *ints + vectors * sizeof *ints->vectors);
    if (!ints)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    ints->min = header.min;
    ints->max = header.max;
    ints->divisor = header.divisor;
    ints->rows = rows;
    read_directory(ints, &header, entries, vectors);
    dbk_status status = check_numbers(ints, &r, vectors, err);
    if (status != DBK_OK) {
        free(ints);
        return status;
    }
    *out = ints;
    return DBK_OK;
}

size_t dbk_ints_memory(const dbk_ints *ints)
{
    return sizeof *ints + dbk_vectors(ints->rows) * sizeof *ints->vectors;
}

// out = start + divisor * number. Most divisors are small, and a product of two 32-bit numbers is one vector
// instruction where one of 64-bit numbers is six.
static inline __attribute__((always_inline)) void scale(const dbk_ints *ints, const uint32_t *restrict narrow,
                                                        uint64_t start, uint64_t *restrict out)
{
    if (ints->divisor == 1) {
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            out[i] = start + narrow[i];
    } else if (ints->divisor <= UINT32_MAX) {
        const uint32_t divisor = (uint32_t)ints->divisor;
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            out[i] = start + (uint64_t)narrow[i] * divisor;
    } else {
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            out[i] = start + narrow[i] * ints->divisor;
    }
}

static void fill(uint64_t value, uint64_t out[DBK_VECTOR_ROWS])
{
    for (int i = 0; i < DBK_VECTOR_ROWS; i++)
        out[i] = value;
}

DBK_WIDE void dbk_ints_read(const dbk_ints *ints, uint32_t vector, uint64_t bias,
                            uint64_t out[DBK_VECTOR_ROWS])
{
    const dbk_ints_vector *v = &ints->vectors[vector];
    if (v->empty) {
        fill(0 - bias, out);
        return;
    }
    dbk_bits_room room;
    const uint8_t *packed = packed_of(ints, v, &room);
    const uint64_t step = v->has_nulls, start = ints->min + ints->divisor * (v->base - step) - bias;
    if (v->width == 0) {
        fill(start, out);
        return;
    }
    if (v->width <= 32) {
        uint32_t narrow[DBK_VECTOR_ROWS];
        dbk_bits_unpack32(packed, v->width, narrow);
        scale(ints, narrow, start, out);
        if (v->has_nulls) {
            for (int i = 0; i < DBK_VECTOR_ROWS; i++)
                out[i] = narrow[i] ? out[i] : 0 - bias;
        }
        return;
    }
    dbk_bits_unpack64(packed, v->width, out);
    if (v->has_nulls) {
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            out[i] = out[i] ? start + ints->divisor * out[i] : 0 - bias;
    } else {
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            out[i] = start + ints->divisor * out[i];
    }
}

DBK_WIDE void dbk_ints_read32(const dbk_ints *ints, uint32_t vector, uint32_t out[DBK_VECTOR_ROWS])
{
    assert(ints->max <= UINT32_MAX);
    const dbk_ints_vector *v = &ints->vectors[vector];
    if (v->empty) {
        memset(out, 0, DBK_VECTOR_ROWS * sizeof *out);
        return;
    }
    const uint32_t divisor = (uint32_t)ints->divisor,
                   start = (uint32_t)(ints->min + ints->divisor * (v->base - v->has_nulls));
    dbk_bits_room room;
    dbk_bits_unpack32(packed_of(ints, v, &room), v->width, out);
    if (v->has_nulls) {
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            out[i] = out[i] ? start + divisor * out[i] : 0;
    } else if (divisor == 1) {
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            out[i] += start;
    } else {
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            out[i] = start + divisor * out[i];
    }
}

bool dbk_ints_read_packed(const dbk_ints *ints, uint32_t vector, uint32_t out[DBK_VECTOR_ROWS],
                          dbk_ints_line *line)
{
    const dbk_ints_vector *v = &ints->vectors[vector];
    if (v->has_nulls || v->width > 32)
        return false;
    *line = (dbk_ints_line){ints->min + ints->divisor * v->base, ints->divisor, v->width};
    dbk_bits_room room;
    dbk_bits_unpack32(packed_of(ints, v, &room), v->width, out);
    return true;
}

// Numbers ascend with ordinals, and "no value" is number 0 before all others: what lies between two ordinals
// lies between two numbers.
bool dbk_ints_between(const dbk_ints *ints, uint32_t vector, uint64_t lo, uint64_t hi,
                      uint64_t mask[DBK_MASK_WORDS])
{
    const dbk_ints_vector *v = &ints->vectors[vector];
    if (v->width > 32 || lo > hi)
        return false;
    const uint64_t step = v->has_nulls, first = ints->min + ints->divisor * v->base;
    // The wanted numbers, as [from, to); numbers of values begin at `step`.
    uint64_t from = 0, to = v->has_nulls && lo == 0 ? 1 : 0;
    if (lo > 0)
        from = lo <= first ? step : step + (lo - first - 1) / ints->divisor + 1;
    const uint64_t end = v->empty ? 1 : v->range + step + 1;
    if (hi >= first && !v->empty) {
        const uint64_t last = (hi - first) / ints->divisor;
        to = last < v->range ? step + last + 1 : end;
    }
    if (from >= to)
        memset(mask, 0, DBK_MASK_WORDS * sizeof *mask);
    else if (v->width > 0 && (from > 0 || to < end)) {
        dbk_bits_room room;
        dbk_bits_between(packed_of(ints, v, &room), v->width, (uint32_t)from, (uint32_t)(to - 1), mask);
    }
    return true;
}

uint64_t dbk_ints_at(const dbk_ints *ints, uint32_t row)
{
    assert(row < ints->rows);
    const dbk_ints_vector *v = &ints->vectors[row / DBK_VECTOR_ROWS];
    if (v->empty)
        return 0;
    uint64_t number = dbk_bits_at(ints->packed + (size_t)v->at * 128, v->width, row % DBK_VECTOR_ROWS);
    if (v->has_nulls && number == 0)
        return 0;
    return ints->min + ints->divisor * (v->base + number - v->has_nulls);
}

size_t dbk_ints_needs(const dbk_ints *ints, uint32_t vector, const uint8_t **from)
{
    const dbk_ints_vector *v = &ints->vectors[vector];
    *from = ints->packed + (size_t)v->at * 128;
    return v->cut ? dbk_bits_size_of(v->width, dbk_vector_rows(ints->rows, vector)) : dbk_bits_size(v->width);
}
