// SPDX-License-Identifier: Apache-2.0
// The inner loops give what a plain loop gives, at every level of the processor.
#include "engine/exec/kernel.h"
#include "engine/exec/words.h"
#include "tests/support/levels.h"
#include "tests/support/seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CANARY = 16, MANY = 3000 };

static void fill_mask(dbk_random *r, uint64_t mask[DBK_MASK_WORDS])
{
    const uint64_t thinning = dbk_random_below(r, 5);
    for (int w = 0; w < DBK_MASK_WORDS; w++) {
        mask[w] = dbk_random_below(r, 6) ? dbk_random_u64(r) : dbk_random_below(r, 2) ? UINT64_MAX : 0;
        for (uint64_t i = 0; i < thinning; i++)
            mask[w] &= dbk_random_u64(r);
    }
}

static void rows_of_a_mask_are_listed_and_picked(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random("pick");
    static uint32_t codes[DBK_VECTOR_ROWS], some_codes[DBK_VECTOR_ROWS + CANARY];
    static int64_t ints[DBK_VECTOR_ROWS], some_ints[DBK_VECTOR_ROWS + CANARY];
    static uint16_t rows[DBK_VECTOR_ROWS + CANARY];
    for (int round = 0; round < 400; round++) {
        uint64_t mask[DBK_MASK_WORDS];
        fill_mask(&r, mask);
        if (round == 0)
            memset(mask, 0xFF, sizeof mask);
        for (int i = 0; i < DBK_VECTOR_ROWS; i++) {
            codes[i] = (uint32_t)dbk_random_u64(&r);
            ints[i] = (int64_t)dbk_random_u64(&r);
        }
        DBK_TEST_LEVELS(level)
        {
            memset(rows, 0xa5, sizeof rows);
            memset(some_codes, 0xa5, sizeof some_codes);
            memset(some_ints, 0xa5, sizeof some_ints);
            const uint32_t count = dbk_mask_list(mask, rows);
            assert_int_equal(count, dbk_mask_count(mask));
            dbk_pick_codes(codes, mask, rows, count, some_codes);
            dbk_pick_ints(ints, mask, rows, count, some_ints);
            uint32_t n = 0;
            for (uint32_t i = 0; i < DBK_VECTOR_ROWS; i++) {
                if (!(mask[i / 64] >> i % 64 & 1))
                    continue;
                assert_int_equal(rows[n], i);
                assert_int_equal(some_codes[n], codes[i]);
                assert_true(some_ints[n++] == ints[i]);
            }
            assert_int_equal(count, n);
            for (int i = 0; i < CANARY; i++) {
                assert_int_equal(rows[DBK_VECTOR_ROWS + i], 0xa5a5);
                assert_int_equal(some_codes[DBK_VECTOR_ROWS + i], 0xa5a5a5a5);
            }
        }
    }
}

// Rows of one register's lane all in one group, each with the largest number: the most that a lane can hold.
static void few_groups_are_tallied(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random("few");
    static uint32_t groups[DBK_VECTOR_ROWS], numbers[DBK_VECTOR_ROWS];
    for (int round = 0; round < 3000; round++) {
        const uint32_t n = round % 3 ? DBK_VECTOR_ROWS : (uint32_t)dbk_random_below(&r, DBK_VECTOR_ROWS + 1);
        const uint32_t span = 1 + (uint32_t)dbk_random_below(&r, round % 2 ? 14 : DBK_FEW_GROUPS);
        const uint32_t low = (uint32_t)dbk_random_below(&r, 100000);
        const int width = (int)dbk_random_below(&r, 33);
        const uint32_t top = width ? UINT32_MAX >> (32 - width) : 0;
        const bool crowded = dbk_random_below(&r, 4) == 0;
        uint64_t wanted_counts[DBK_FEW_GROUPS] = {0}, wanted_sums[DBK_FEW_GROUPS] = {0};
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t g = crowded ? span - 1 : (uint32_t)dbk_random_below(&r, span);
            groups[i] = low + g;
            numbers[i] = crowded ? top : (uint32_t)dbk_random_u64(&r) & top;
            wanted_counts[g]++;
            wanted_sums[g] += numbers[i];
        }
        DBK_TEST_LEVELS(level)
        {
            uint32_t counts[DBK_FEW_GROUPS];
            uint64_t sums[DBK_FEW_GROUPS];
            dbk_tally_few(groups, low, span, numbers, n, width, counts, sums);
            for (uint32_t g = 0; g < span; g++) {
                assert_int_equal(counts[g], wanted_counts[g]);
                assert_true(sums[g] == wanted_sums[g]);
            }
        }
    }
}

static void many_groups_are_tallied(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random("many");
    static uint32_t groups[DBK_VECTOR_ROWS], numbers[DBK_VECTOR_ROWS];
    static int64_t values[DBK_VECTOR_ROWS];
    static dbk_tally packed[MANY], plain[MANY], wanted[2][MANY];
    for (int round = 0; round < 400; round++) {
        const uint32_t n = (uint32_t)dbk_random_below(&r, DBK_VECTOR_ROWS + 1);
        const uint32_t span = 1 + (uint32_t)dbk_random_below(&r, round % 2 ? 3 : MANY);
        const bool far = dbk_random_below(&r, 2);
        const dbk_line line = {(int64_t)dbk_random_u64(&r) >> 20, dbk_random_u64(&r) >> 44, 32};
        for (uint32_t i = 0; i < n; i++) {
            groups[i] = (uint32_t)dbk_random_below(&r, span);
            numbers[i] = (uint32_t)dbk_random_u64(&r) >> 14;
            values[i] = dbk_random_below(&r, 5) ? (int64_t)dbk_random_u64(&r) >> 24 : DBK_NULL;
            wanted[0][groups[i]].count++;
            wanted[0][groups[i]].sum += line.start + (int64_t)line.divisor * numbers[i];
            wanted[1][groups[i]].count++;
            wanted[1][groups[i]].sum += values[i] == DBK_NULL ? 0 : values[i];
        }
        dbk_tally_packed(packed, groups, numbers, n, &line, far);
        dbk_tally_ints(plain, groups, values, n, far);
        assert_memory_equal(packed, wanted[0], sizeof packed);
        assert_memory_equal(plain, wanted[1], sizeof plain);
        memset(packed, 0, sizeof packed);
        memset(plain, 0, sizeof plain);
        memset(wanted, 0, sizeof wanted);
    }
}

// Two threads' words of few groups, so that counts and sums pass the halves of their fields, against plain
// sums.
static void words_hold_what_tallies_would(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random("words");
    static uint32_t groups[DBK_VECTOR_ROWS], numbers[DBK_VECTOR_ROWS];
    enum { FAR = 1 << 18 }; // enough to be asked for ahead
    static dbk_tally tallies[2][FAR], wanted[FAR];
    for (int round = 0; round < 12; round++) {
        const uint32_t span = 1 + (uint32_t)dbk_random_below(&r, round % 3 ? 3 : MANY);
        const uint32_t room = round % 4 == 3 ? FAR : span;
        const int64_t least = (int64_t)dbk_random_u64(&r) >> 40;
        const uint64_t divisor = 1 + dbk_random_below(&r, 1000);
        dbk_group_words words[2];
        memset(tallies, 0, sizeof tallies);
        memset(wanted, 0, sizeof wanted);
        for (int t = 0; t < 2; t++) {
            assert_true(dbk_group_words_init(&words[t], room, least));
            for (int vector = 0; vector < 2600; vector++) {
                const bool whole = dbk_random_below(&r, 8) != 0;
                const uint32_t n = whole ? DBK_VECTOR_ROWS : (uint32_t)dbk_random_below(&r, DBK_VECTOR_ROWS);
                const int width = (int)dbk_random_below(&r, round % 2 ? 32 : 33);
                const uint32_t top = width ? UINT32_MAX >> (32 - width) : 0;
                const dbk_line line = {least + (int64_t)(divisor * dbk_random_below(&r, 100)) +
                                           (dbk_random_below(&r, 50) == 0) * (int64_t)dbk_random_below(&r, 3),
                                       dbk_random_below(&r, 50) ? divisor : divisor + 1, width};
                for (uint32_t i = 0; i < n; i++) {
                    groups[i] = (uint32_t)dbk_random_below(&r, span);
                    numbers[i] = top - (uint32_t)dbk_random_below(&r, (uint64_t)top / 2 + 1);
                    wanted[groups[i]].count++;
                    wanted[groups[i]].sum += line.start + (int64_t)line.divisor * numbers[i];
                }
                if (!dbk_group_words_add(&words[t], tallies[t], groups, numbers, n, &line))
                    dbk_tally_packed(tallies[t], groups, numbers, n, &line, false);
            }
        }
        for (uint32_t g = 0; g < span; g++) {
            tallies[0][g].count += tallies[1][g].count;
            tallies[0][g].sum += tallies[1][g].sum;
        }
        dbk_group_words_merge_begin(&words[0], &words[1]);
        for (uint32_t first = 0, end; first < words[1].groups; first = end) {
            end = first + 1 + (uint32_t)dbk_random_below(&r, words[1].groups - first);
            dbk_group_words_merge(&words[0], tallies[0], &words[1], first, end);
        }
        for (uint32_t g = 0; g < span; g++) {
            assert_true(tallies[0][g].count + dbk_word_count(&words[0], g) == wanted[g].count);
            assert_true(tallies[0][g].sum + dbk_word_sum(&words[0], g) == wanted[g].sum);
        }
        dbk_group_words_settle(&words[0], tallies[0]);
        assert_memory_equal(tallies[0], wanted, span * sizeof *wanted);
        dbk_group_words_dispose(&words[1]);
    }
}

static void bits_are_counted(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random("bits");
    static uint64_t words[100];
    for (int round = 0; round < 200; round++) {
        const size_t n = (size_t)dbk_random_below(&r, DBK_COUNT(words) + 1);
        uint64_t wanted = 0;
        for (size_t w = 0; w < n; w++) {
            words[w] = dbk_random_u64(&r) & dbk_random_u64(&r);
            for (int bit = 0; bit < 64; bit++)
                wanted += words[w] >> bit & 1;
        }
        DBK_TEST_LEVELS(level)
        assert_true(dbk_count_bits(words, n) == wanted);
    }
}

static void numbers_are_summed(void **state)
{
    (void)state;
    static uint32_t numbers[DBK_VECTOR_ROWS];
    uint64_t wanted = 0;
    for (uint32_t n = 0; n <= DBK_VECTOR_ROWS; n++) {
        DBK_TEST_LEVELS(level)
        assert_true(dbk_sum_numbers(numbers, n) == wanted);
        if (n < DBK_VECTOR_ROWS)
            wanted += numbers[n] = UINT32_MAX - n * 77;
    }
}

static void runs_are_found_and_summed(void **state)
{
    (void)state;
    static int64_t values[DBK_VECTOR_ROWS];
    static uint32_t numbers[DBK_VECTOR_ROWS], scaled[DBK_VECTOR_ROWS];
    dbk_random r = dbk_test_random("runs");
    for (int turn = 0; turn < 2000; turn++) {
        const uint32_t n = 1 + (uint32_t)dbk_random_below(&r, DBK_VECTOR_ROWS);
        const uint64_t step = 1 + dbk_random_below(&r, 1 + (uint64_t)turn % 50);
        uint32_t ends[64], runs = 0;
        int64_t value = -(int64_t)dbk_random_below(&r, 1000);
        for (uint32_t i = 0; i < n; i++) {
            values[i] = value += (int64_t)dbk_random_below(&r, step);
            numbers[i] = (uint32_t)dbk_random_u64(&r);
        }
        for (uint32_t end = 0; end < n; runs++) {
            end += 1 + (uint32_t)dbk_random_below(&r, runs == 62 ? 1 : n);
            ends[runs] = end = end > n || runs == 63 ? n : end;
        }
        const int64_t bound =
            values[0] - 2 + (int64_t)dbk_random_below(&r, (uint64_t)(value - values[0]) + 4);
        const uint32_t weight = (uint32_t)dbk_random_below(&r, 1000), base = (uint32_t)dbk_random_u64(&r);
        uint32_t below = 0;
        while (below < n && values[below] < bound)
            below++;
        DBK_TEST_LEVELS(level)
        {
            uint64_t sums[64];
            assert_int_equal(dbk_near_bound(values, n, bound), below);
            dbk_sum_runs(numbers, ends, runs, sums);
            dbk_scale_codes(numbers, n, weight, base, scaled);
            for (uint32_t i = 0, run = 0; run < runs; run++) {
                uint64_t wanted = 0;
                for (; i < ends[run]; i++) {
                    wanted += numbers[i];
                    assert_int_equal(scaled[i], (uint32_t)(base + numbers[i] * weight));
                }
                assert_true(sums[run] == wanted);
            }
        }
    }
}

static void rows_with_a_code_of_a_set_are_kept(void **state)
{
    (void)state;
    enum { CODES = 200 };
    dbk_random r = dbk_test_random("code in");
    static uint32_t codes[DBK_VECTOR_ROWS];
    for (int round = 0; round < 400; round++) {
        uint64_t mask[DBK_MASK_WORDS], before[DBK_MASK_WORDS], bits[CODES / 64 + 1];
        const uint32_t n = round % 3 ? DBK_VECTOR_ROWS : (uint32_t)dbk_random_below(&r, DBK_VECTOR_ROWS + 1);
        fill_mask(&r, mask);
        dbk_mask_rows(mask, 0, n);
        memcpy(before, mask, sizeof before);
        for (size_t i = 0; i < CODES / 64 + 1; i++)
            bits[i] = dbk_random_u64(&r) & dbk_random_u64(&r);
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            codes[i] = (uint32_t)dbk_random_below(&r, CODES);
        dbk_mask_code_in(mask, codes, n, bits);
        for (uint32_t i = 0; i < DBK_VECTOR_ROWS; i++) {
            const bool is_in = bits[codes[i] / 64] >> codes[i] % 64 & 1;
            assert_int_equal(mask[i / 64] >> i % 64 & 1, (before[i / 64] >> i % 64 & 1) && is_in);
        }
    }
}

static void pairs_that_came_before_are_dropped(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random("pairs dropped");
    uint32_t groups[DBK_VECTOR_ROWS], values[DBK_VECTOR_ROWS];
    for (int round = 0; round < 300; round++) {
        const uint32_t n = (uint32_t)dbk_random_below(&r, DBK_VECTOR_ROWS + 1);
        const uint32_t distance = 1 + (uint32_t)dbk_random_below(&r, 20);
        uint64_t kinds = 1 + dbk_random_below(&r, round % 2 ? 5 : 5000);
        for (uint32_t i = 0; i < n; i++) {
            groups[i] = (uint32_t)dbk_random_below(&r, kinds) * 0x1000001;
            values[i] = (uint32_t)dbk_random_below(&r, kinds) * 0x1000001;
        }
        DBK_TEST_LEVELS(level)
        {
            uint8_t kept[DBK_VECTOR_ROWS + CANARY];
            bool any = false;
            memset(kept, 1, n);
            memset(kept + n, 0xa5, CANARY);
            for (uint32_t i = 0; i < n; i += 7) // dropped before
                kept[i] = 0;
            const bool found = dbk_drop_pairs(groups, values, n, distance, kept);
            for (uint32_t i = 0; i < n; i++) {
                const bool value = i >= distance && values[i] == values[i - distance];
                const bool pair = value && groups[i] == groups[i - distance];
                any |= value;
                assert_int_equal(kept[i], i % 7 != 0 && !pair);
            }
            assert_int_equal(found, any);
            for (uint32_t i = 0; i < CANARY; i++)
                assert_int_equal(kept[n + i], 0xa5);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_with_a_code_of_a_set_are_kept),
        cmocka_unit_test(rows_of_a_mask_are_listed_and_picked),
        cmocka_unit_test(few_groups_are_tallied),
        cmocka_unit_test(many_groups_are_tallied),
        cmocka_unit_test(words_hold_what_tallies_would),
        cmocka_unit_test(pairs_that_came_before_are_dropped),
        cmocka_unit_test(bits_are_counted),
        cmocka_unit_test(numbers_are_summed),
        cmocka_unit_test(runs_are_found_and_summed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
