// SPDX-License-Identifier: Apache-2.0
// Sorted lists come back by every path, with and without wide registers, take what sorted lists have to take,
// and damaged blocks are refused or stay within their bounds.
#include "engine/base/processor.h"
#include "engine/segment/ascending.h"
#include "engine/segment/ascending_layout.h"
#include "engine/segment/format.h"
#include "tests/unit/segment/segment_rows.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

// The block of some rows; NULL where they cannot be stored so.
static uint8_t *encode(const int64_t *ints, uint32_t rows, size_t *size)
{
    enum { CANARY = 64 };
    dbk_ints_plan plan;
    dbk_ints_analyze(&(dbk_ints_source){.ints = ints, .rows = rows, .nullable = true}, &plan);
    *size = dbk_ascending_size(ints, rows, &plan);
    if (*size == SIZE_MAX)
        return NULL;
    uint8_t *block = aligned_alloc(64, *size + CANARY);
    assert_non_null(block);
    memset(block, 0xa5, *size + CANARY);
    dbk_ascending_encode(ints, rows, &plan, block);
    for (size_t i = 0; i < CANARY; i++)
        assert_int_equal(block[*size + i], 0xa5);
    return block;
}

static uint64_t ordinal_of(int64_t value)
{
    return (uint64_t)value ^ DBK_INT_BIAS;
}

static void check_between(const dbk_ascending *a, const int64_t *ints, uint32_t vector, dbk_random *random)
{
    const uint32_t first = vector * DBK_VECTOR_ROWS, n = dbk_vector_rows(a->rows, vector);
    for (int round = 0; round < 12; round++) {
        const uint64_t near = ordinal_of(ints[dbk_random_below(random, a->rows)]);
        const uint64_t far = ordinal_of(ints[first + dbk_random_below(random, n)]);
        const uint64_t bounds[] = {0, 1, UINT64_MAX, near, near - 1, near + 1, far, far - 1, far + 1};
        const uint64_t lo = bounds[dbk_random_below(random, DBK_COUNT(bounds))];
        const uint64_t hi = bounds[dbk_random_below(random, DBK_COUNT(bounds))];
        uint64_t mask[DBK_MASK_WORDS];
        memset(mask, 0xFF, sizeof mask);
        dbk_ascending_between(a, vector, lo, hi, mask);
        for (uint32_t i = 0; i < n; i++) {
            const uint64_t ordinal = ordinal_of(ints[first + i]);
            assert_int_equal(mask[i / 64] >> i % 64 & 1, lo <= ordinal && ordinal <= hi);
        }
    }
}

static void check_reads(const dbk_ascending *a, const int64_t *ints)
{
    dbk_u128 sum = 0;
    for (uint32_t row = 0; row < a->rows; row++) {
        static int64_t out[DBK_VECTOR_ROWS];
        static uint32_t numbers[DBK_VECTOR_ROWS];
        static dbk_ints_line line;
        const uint32_t v = row / DBK_VECTOR_ROWS, i = row % DBK_VECTOR_ROWS;
        if (i == 0) {
            dbk_ascending_read(a, v, out);
            dbk_ascending_read_packed(a, v, numbers, &line);
        }
        assert_int_equal(out[i], ints[row]);
        assert_true(dbk_ascending_at(a, row) == ordinal_of(ints[row]));
        assert_true(line.start + line.divisor * numbers[i] == ordinal_of(ints[row]));
        assert_int_equal((uint64_t)numbers[i] >> line.width, 0);
        sum += ordinal_of(ints[row]);
    }
    assert_true(a->sum == sum);
}

// The same with low bits of all 1,024 numbers of the last vector, of which those behind the last row are 0.
static void check_uncut(const uint8_t *block, size_t size, const int64_t *ints, uint32_t rows)
{
    dbk_ints_plan plan;
    dbk_ints_analyze(&(dbk_ints_source){.ints = ints, .rows = rows, .nullable = true}, &plan);
    const uint32_t vectors = dbk_vectors(rows);
    size_t at = dbk_segment_align(sizeof(dbk_ascending_header) +
                                  (size_t)vectors * (size_t)(plan.base_bytes + plan.range_bytes));
    size_t more = 0;
    for (uint32_t v = 0; v < vectors; v++) {
        const uint32_t n = dbk_vector_rows(rows, v);
        const int low_bits = dbk_ascending_low_bits(n, (uint32_t)plan.range[v]);
        at += dbk_bits_size_of(low_bits, n);
        more = dbk_bits_size(low_bits) - dbk_bits_size_of(low_bits, n);
    }
    uint8_t *whole = aligned_alloc(64, dbk_segment_align(size + more));
    assert_non_null(whole);
    memcpy(whole, block, at);
    memset(whole + at, 0, more);
    memcpy(whole + at + more, block + at, size - at);
    assert_int_equal(whole[offsetof(dbk_ascending_header, cut)], 1);
    whole[offsetof(dbk_ascending_header, cut)] = 0;
    dbk_ascending *a = NULL;
    dbk_error err = {0};
    if (dbk_ascending_open(whole, size + more, rows, &a, &err) != DBK_OK)
        fail_msg("%s", err.message);
    check_reads(a, ints);
    free(a);
    free(whole);
}

// Returns the bytes it took.
static size_t round_trip(const int64_t *ints, uint32_t rows, dbk_random *random)
{
    size_t size;
    uint8_t *block = encode(ints, rows, &size);
    assert_non_null(block);
    for (int level = 0; level <= (int)dbk_level_best(); level++) {
        dbk_level_use((dbk_level)level);
        dbk_ascending *a = NULL;
        dbk_error err = {0};
        if (dbk_ascending_open(block, size, rows, &a, &err) != DBK_OK)
            fail_msg("%s", err.message);
        check_reads(a, ints);
        for (uint32_t v = 0; v < dbk_vectors(rows); v++)
            check_between(a, ints, v, random);
        free(a);
    }
    dbk_level_use(dbk_level_best());
    check_uncut(block, size, ints, rows);
    free(block);
    return size;
}

static void all_gaps_come_back(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 63, 64, 65, 1023, 1024, 1025, 5000, 65536};
    static const uint64_t divisors[] = {1, 1, 1000, 60000, UINT64_C(6000000007)};
    dbk_random random = test_random();
    int64_t *ints = malloc(DBK_SEGMENT_ROWS * sizeof *ints);
    assert_non_null(ints);
    for (int round = 0; round < 120; round++) {
        const uint32_t rows = counts[dbk_random_below(&random, DBK_COUNT(counts) - (round % 10 ? 1 : 0))];
        const uint64_t divisor = divisors[dbk_random_below(&random, DBK_COUNT(divisors))];
        // So that not even the most rows with the largest steps leave 63 bits.
        const int shape = round % 5, width = (int)dbk_random_below(&random, divisor > UINT32_MAX ? 14 : 20);
        int64_t at = (int64_t)(dbk_random_u64(&random) >> 8) - (INT64_C(1) << 55);
        for (uint32_t i = 0; i < rows; i++) {
            uint64_t gap = dbk_random_below(&random, (UINT64_C(1) << width) + 1);
            if (shape == 1)
                gap = 0; // all the same
            else if (shape == 2)
                gap = dbk_random_below(&random, 300) ? 0 : gap; // runs of the same
            else if (shape == 3)
                gap = dbk_random_below(&random, 700) ? 1 : 1000000; // some far ones
            at += (int64_t)(gap * divisor);
            ints[i] = at;
        }
        round_trip(ints, rows, &random);
    }
    free(ints);
}

static void sorted_lists_take_what_they_must(void **state)
{
    (void)state;
    dbk_random random = test_random();
    int64_t *ints = malloc(DBK_SEGMENT_ROWS * sizeof *ints);
    assert_non_null(ints);
    for (int width = 4; width <= 20; width += 4) {
        int64_t at = INT64_C(1700000000000);
        for (uint32_t i = 0; i < DBK_SEGMENT_ROWS; i++)
            ints[i] = at += (int64_t)dbk_random_below(&random, UINT64_C(1) << width);
        // The mean gap is half of 2^width; a bit for the row, at most two for its high part, and the
        // directory.
        const size_t bits = round_trip(ints, DBK_SEGMENT_ROWS, &random) * 8;
        assert_true(bits <= (size_t)DBK_SEGMENT_ROWS * (size_t)(width - 1 + 2) + DBK_SEGMENT_ROWS / 5);
    }
    free(ints);
}

static void what_descends_or_is_missing_is_not_taken(void **state)
{
    (void)state;
    size_t size;
    assert_null(encode((const int64_t[]){3, 2}, 2, &size));
    assert_null(encode((const int64_t[]){DBK_NULL, 2}, 2, &size));
    assert_null(encode((const int64_t[]){0, INT64_C(1) << 40, (INT64_C(1) << 40) + 1}, 3, &size));
}

// No checksum stands before the block here: each flipped bit must be refused, or be one that comes to other
// rows within bounds.
static void damaged_blocks_are_refused_or_bounded(void **state)
{
    (void)state;
    enum { ROWS = 1500 };
    static int64_t ints[ROWS];
    dbk_random random = test_random();
    for (uint32_t i = 0; i < ROWS; i++)
        ints[i] = (i ? ints[i - 1] : 0) + (int64_t)dbk_random_below(&random, 3000);
    size_t size;
    uint8_t *block = encode(ints, ROWS, &size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        block[bit / 8] ^= (uint8_t)(1 << bit % 8);
        dbk_ascending *a = NULL;
        if (dbk_ascending_open(block, size, ROWS, &a, NULL) == DBK_OK) {
            assert_true(bit >= sizeof(dbk_ascending_header) * 8);
            int64_t out[DBK_VECTOR_ROWS];
            for (uint32_t v = 0; v < dbk_vectors(ROWS); v++) {
                dbk_ascending_read(a, v, out);
                for (uint32_t i = 0; i < dbk_vector_rows(ROWS, v); i++) {
                    assert_true(ordinal_of(out[i]) >= a->min && ordinal_of(out[i]) <= a->max);
                    assert_true(dbk_ascending_at(a, v * DBK_VECTOR_ROWS + i) == ordinal_of(out[i]));
                }
            }
            free(a);
        }
        block[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t less = 0; less < size; less++) {
        dbk_ascending *a = NULL;
        assert_int_equal(dbk_ascending_open(block, less, ROWS, &a, NULL), DBK_CORRUPT);
    }
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_gaps_come_back),
        cmocka_unit_test(sorted_lists_take_what_they_must),
        cmocka_unit_test(what_descends_or_is_missing_is_not_taken),
        cmocka_unit_test(damaged_blocks_are_refused_or_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
