// SPDX-License-Identifier: Apache-2.0
// Columns of numbers survive encoding whatever their range, cost what their entropy suggests, and damaged
// blocks are refused.
#include "engine/segment/bitpack.h"
#include "engine/segment/format.h"
#include "engine/segment/ints.h"
#include "tests/unit/segment/segment_rows.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint8_t *encode(const dbk_ints_source *source, dbk_ints_plan *plan)
{
    enum { CANARY = 64 };
    dbk_ints_analyze(source, plan);
    uint8_t *block = aligned_alloc(64, dbk_segment_align(plan->size) + CANARY);
    assert_non_null(block);
    memset(block, 0xa5, plan->size + CANARY);
    dbk_ints_encode(source, plan, block);
    for (size_t i = 0; i < CANARY; i++)
        assert_int_equal(block[plan->size + i], 0xa5);
    return block;
}

static uint64_t ordinal_of(const dbk_ints_source *source, uint32_t row)
{
    return source->ints    ? (uint64_t)source->ints[row] + DBK_INT_BIAS
           : source->codes ? source->codes[row]
                           : source->ordinals[row];
}

static void check_reads(const dbk_ints *ints, const dbk_ints_source *source)
{
    uint32_t nulls = 0;
    dbk_u128 sum = 0;
    for (uint32_t row = 0; row < source->rows; row++) {
        static uint64_t out[DBK_VECTOR_ROWS], biased[DBK_VECTOR_ROWS];
        static uint32_t narrow[DBK_VECTOR_ROWS];
        const uint32_t v = row / DBK_VECTOR_ROWS, i = row % DBK_VECTOR_ROWS;
        if (i == 0) {
            dbk_ints_read(ints, v, 0, out);
            dbk_ints_read(ints, v, DBK_INT_BIAS, biased);
            if (ints->max <= UINT32_MAX)
                dbk_ints_read32(ints, v, narrow);
        }
        const uint64_t expected = ordinal_of(source, row);
        assert_true(out[i] == expected);
        assert_true(biased[i] == expected - DBK_INT_BIAS);
        assert_true(ints->max > UINT32_MAX || narrow[i] == expected);
        assert_true(dbk_ints_at(ints, row) == expected);
        nulls += source->nullable && expected == 0;
        sum += expected;
    }
    assert_int_equal(ints->nulls, nulls);
    assert_true(ints->sum == sum);
}

static uint64_t some_bound(dbk_random *random, const dbk_ints_source *source)
{
    const uint64_t near = ordinal_of(source, (uint32_t)dbk_random_below(random, source->rows));
    const uint64_t bounds[] = {0, 1, UINT64_MAX, near, near - 1, near + 1};
    return bounds[dbk_random_below(random, DBK_COUNT(bounds))];
}

// Conditions on packed rows, and rows as they are packed.
static void check_packed(const dbk_ints *ints, const dbk_ints_source *source)
{
    dbk_random random = dbk_random_seed(source->rows + ints->min);
    for (uint32_t first = 0; first < source->rows; first += DBK_VECTOR_ROWS) {
        const uint32_t v = first / DBK_VECTOR_ROWS;
        const uint32_t n = source->rows - first < DBK_VECTOR_ROWS ? source->rows - first : DBK_VECTOR_ROWS;
        const dbk_ints_vector *vector = &ints->vectors[v];
        uint64_t mask[DBK_MASK_WORDS], lo = some_bound(&random, source), hi = some_bound(&random, source);
        memset(mask, 0xFF, sizeof mask);
        const bool compared = dbk_ints_between(ints, v, lo, hi, mask);
        assert_true(compared == (vector->width <= 32 && lo <= hi));
        for (uint32_t i = 0; compared && i < n; i++) {
            const uint64_t ordinal = ordinal_of(source, first + i);
            assert_int_equal(mask[i / 64] >> i % 64 & 1, lo <= ordinal && ordinal <= hi);
        }
        static uint32_t numbers[DBK_VECTOR_ROWS];
        dbk_ints_line line;
        const bool packed = dbk_ints_read_packed(ints, v, numbers, &line);
        assert_true(packed == (vector->width <= 32 && !vector->has_nulls));
        for (uint32_t i = 0; packed && i < n; i++) {
            assert_true(line.start + line.divisor * numbers[i] == ordinal_of(source, first + i));
            assert_int_equal((uint64_t)numbers[i] >> line.width, 0);
        }
    }
}

static dbk_ints *open_block(const uint8_t *block, size_t size, const dbk_ints_source *source)
{
    dbk_ints *ints = NULL;
    dbk_error err = {0};
    if (dbk_ints_open(block, size, source->rows, source->nullable, &ints, &err) != DBK_OK)
        fail_msg("%s", err.message);
    assert_int_equal(ints->size, size);
    return ints;
}

// The same with a last vector of 1,024 numbers, of which those behind the last row are 0.
static void check_uncut(const uint8_t *block, const dbk_ints_plan *plan, const dbk_ints_source *source)
{
    const uint32_t vectors = dbk_vectors(source->rows);
    const uint64_t largest = plan->range[vectors - 1] + (plan->null_vectors >> (vectors - 1) & 1);
    const int width = plan->empty_vectors >> (vectors - 1) & 1 ? 0 : dbk_bits_width(largest);
    const size_t more =
        dbk_bits_size(width) - dbk_bits_size_of(width, dbk_vector_rows(source->rows, vectors - 1));
    const size_t size = plan->size + more;
    uint8_t *whole = aligned_alloc(64, dbk_segment_align(size));
    assert_non_null(whole);
    memcpy(whole, block, plan->size);
    memset(whole + plan->size, 0, more);
    assert_int_equal(whole[offsetof(dbk_ints_header, cut)], 1);
    whole[offsetof(dbk_ints_header, cut)] = 0;
    dbk_ints *ints = open_block(whole, size, source);
    check_reads(ints, source);
    check_packed(ints, source);
    free(ints);
    dbk_ints *opened;
    if (more > 0)
        assert_int_equal(dbk_ints_open(whole, plan->size, source->rows, source->nullable, &opened, NULL),
                         DBK_CORRUPT);
    free(whole);
}

// Encodes, opens and compares; returns the size. Nothing is encoded of a column without any value.
static size_t round_trip(const dbk_ints_source *source)
{
    dbk_ints_plan plan;
    dbk_ints_analyze(source, &plan);
    if (plan.nulls == source->rows)
        return 0;
    uint8_t *block = encode(source, &plan);
    dbk_ints *ints = open_block(block, plan.size, source);
    check_reads(ints, source);
    check_packed(ints, source);
    free(ints);
    check_uncut(block, &plan, source);
    free(block);
    return plan.size;
}

static void all_shapes_come_back(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 31, 32, 33, 1023, 1024, 1025, 3000, 65535, 65536};
    static const uint64_t divisors[] = {
        1, 2, 3, 100, 1000, 4096, 60000, UINT64_C(6000000007), UINT64_C(1) << 62};
    dbk_random random = test_random();
    int64_t *ints = malloc(DBK_SEGMENT_ROWS * sizeof *ints);
    assert_non_null(ints);
    for (int width = 1; width <= 64; width++) {
        for (rows_nulls nulls = ROWS_NULLS_NONE; nulls <= ROWS_NULLS_ALTERNATE; nulls++) {
            const uint32_t count = counts[dbk_random_below(&random, DBK_COUNT(counts) - (width % 8 ? 2 : 0))];
            const uint64_t divisor = divisors[dbk_random_below(&random, DBK_COUNT(divisors))];
            const uint64_t start = dbk_random_u64(&random);
            for (uint32_t i = 0; i < count; i++) {
                const bool null = row_is_null(&random, nulls, i);
                ints[i] = (int64_t)(start + (dbk_random_u64(&random) >> (64 - width)) / divisor * divisor);
                ints[i] = null ? DBK_NULL : ints[i];
            }
            round_trip(&(dbk_ints_source){.ints = ints, .rows = count, .nullable = true});
            round_trip(&(dbk_ints_source){.ordinals = (uint64_t *)ints, .rows = count});
        }
    }
    free(ints);
}

static void codes_come_back(void **state)
{
    (void)state;
    dbk_random random = test_random();
    uint32_t codes[4000];
    for (int width = 1; width <= 32; width++) {
        for (rows_nulls nulls = ROWS_NULLS_NONE; nulls <= ROWS_NULLS_ALTERNATE; nulls++) {
            for (uint32_t i = 0; i < DBK_COUNT(codes); i++)
                codes[i] =
                    row_is_null(&random, nulls, i) ? 0 : (uint32_t)(dbk_random_u64(&random) >> (64 - width));
            codes[7] = UINT32_MAX >> (32 - width);
            round_trip(&(dbk_ints_source){.codes = codes, .rows = DBK_COUNT(codes), .nullable = true});
        }
    }
}

static void the_ends_of_the_type_come_back(void **state)
{
    (void)state;
    int64_t ints[] = {INT64_MAX, INT64_MIN + 1, 0, -1, DBK_NULL, 1, INT64_MAX - 1};
    round_trip(&(dbk_ints_source){.ints = ints, .rows = DBK_COUNT(ints), .nullable = true});
    round_trip(&(dbk_ints_source){.ints = ints, .rows = 4, .nullable = true});
    round_trip(&(dbk_ints_source){.ints = ints, .rows = 2, .nullable = true});
    uint64_t ordinals[] = {UINT64_MAX, 0, 1, UINT64_MAX - 1};
    round_trip(&(dbk_ints_source){.ordinals = ordinals, .rows = 4});
    round_trip(&(dbk_ints_source){.ordinals = ordinals, .rows = 2});
    round_trip(&(dbk_ints_source){.ordinals = ordinals, .rows = 1});
}

// The divisor is found without dividing: an odd part, a power of two, both, and one row that breaks it late.
static void the_divisor_is_the_greatest(void **state)
{
    (void)state;
    dbk_random random = test_random();
    static int64_t ints[5000];
    static const int64_t divisors[] = {1, 2, 5, 8, 100, 999, 2500, 86400000, INT64_C(9007199254740993)};
    for (size_t d = 0; d < DBK_COUNT(divisors); d++) {
        for (int i = 0; i < 5000; i++)
            ints[i] = divisors[d] * (int64_t)dbk_random_below(&random, 1000) - 12345;
        ints[0] = -12345;
        ints[1] = divisors[d] - 12345;
        const dbk_ints_source source = {.ints = ints, .rows = 5000, .nullable = true};
        dbk_ints_plan plan;
        dbk_ints_analyze(&source, &plan);
        assert_true(plan.divisor == (uint64_t)divisors[d]);
        ints[4999] += 1;
        dbk_ints_analyze(&source, &plan);
        assert_true(plan.divisor == 1);
        round_trip(&source);
    }
}

static size_t bits_per_row(size_t size)
{
    return (size * 8 + DBK_SEGMENT_ROWS - 1) / DBK_SEGMENT_ROWS;
}

static void sizes_are_what_entropy_suggests(void **state)
{
    (void)state;
    dbk_random random = test_random();
    static int64_t ints[DBK_SEGMENT_ROWS];
    const dbk_ints_source source = {.ints = ints, .rows = DBK_SEGMENT_ROWS, .nullable = true};

    for (int i = 0, ms = 0; i < DBK_SEGMENT_ROWS; i++)
        ints[i] = INT64_C(1776384000000) + (ms += (int)dbk_random_below(&random, 3200));
    assert_true(bits_per_row(round_trip(&source)) <= 22); // 1,024 gaps of 1.6 s: 1.6 million ms

    for (int i = 0; i < DBK_SEGMENT_ROWS; i++)
        ints[i] = (int64_t)dbk_random_below(&random, 10000) * 100; // up to 100.00 in cents
    assert_true(bits_per_row(round_trip(&source)) <= 15);

    for (int i = 0; i < DBK_SEGMENT_ROWS; i++)
        ints[i] = (int64_t)dbk_random_below(&random, 2);
    assert_true(bits_per_row(round_trip(&source)) <= 2);

    // One row in a hundred has a value, the same: a bit each.
    for (int i = 0; i < DBK_SEGMENT_ROWS; i++)
        ints[i] = dbk_random_below(&random, 100) ? DBK_NULL : 50000;
    assert_true(bits_per_row(round_trip(&source)) <= 2);

    for (int i = 0; i < DBK_SEGMENT_ROWS; i++)
        ints[i] = 42;
    assert_true(round_trip(&source) <= 64);

    // Vectors without any value take no bytes.
    for (int i = 0; i < DBK_SEGMENT_ROWS; i++)
        ints[i] = i / DBK_VECTOR_ROWS == 9 ? i : DBK_NULL;
    assert_true(round_trip(&source) <= 64 + 64 * 4 + 128 * 10);
}

static void the_worked_example_of_the_format_holds(void **state)
{
    (void)state;
    int64_t prices[] = {199000, 50000, 125000};
    const dbk_ints_source source = {.ints = prices, .rows = 3, .nullable = true};
    dbk_ints_plan plan;
    uint8_t *block = encode(&source, &plan);
    assert_true(plan.min == 50000 + DBK_INT_BIAS);
    assert_int_equal(plan.divisor, 1000);
    assert_int_equal(plan.base[0], 0);
    assert_int_equal(plan.range[0], 149);
    assert_int_equal(plan.size, 64 + 128); // of the vector's eight words a lane the first
    const uint32_t *lanes = (const uint32_t *)(block + 64);
    assert_int_equal(lanes[0], 149);
    assert_int_equal(lanes[1], 0);
    assert_int_equal(lanes[2], 75);
    free(block);
}

// A block is not sealed by itself, but what a change leaves readable still keeps its own promises.
static void damaged_blocks_are_refused_or_bounded(void **state)
{
    (void)state;
    dbk_random random = test_random();
    static int64_t ints[2500];
    for (int i = 0; i < 2500; i++)
        ints[i] = i % 7 ? (int64_t)dbk_random_below(&random, 5000) * 100 : DBK_NULL;
    const dbk_ints_source source = {.ints = ints, .rows = 2500, .nullable = true};
    dbk_ints_plan plan;
    uint8_t *block = encode(&source, &plan);
    dbk_ints *opened;
    for (size_t size = 0; size < plan.size; size++)
        assert_int_equal(dbk_ints_open(block, size, 2500, true, &opened, NULL), DBK_CORRUPT);
    for (size_t bit = 0; bit < plan.size * 8; bit++) {
        block[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (dbk_ints_open(block, plan.size, 2500, true, &opened, NULL) == DBK_OK) {
            for (uint32_t v = 0; v < 3; v++) {
                uint64_t out[DBK_VECTOR_ROWS];
                dbk_ints_read(opened, v, 0, out);
                for (uint32_t i = 0; i < dbk_vector_rows(2500, v); i++)
                    assert_true(out[i] == 0 || (out[i] >= opened->min && out[i] <= opened->max));
            }
            free(opened);
        }
        block[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_shapes_come_back),
        cmocka_unit_test(codes_come_back),
        cmocka_unit_test(the_ends_of_the_type_come_back),
        cmocka_unit_test(the_divisor_is_the_greatest),
        cmocka_unit_test(sizes_are_what_entropy_suggests),
        cmocka_unit_test(the_worked_example_of_the_format_holds),
        cmocka_unit_test(damaged_blocks_are_refused_or_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
