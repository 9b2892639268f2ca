// SPDX-License-Identifier: Apache-2.0
// Segments give back the rows they were built from by every path, know their statistics, and refuse files in
// which anything was changed.
#include "engine/base/hash.h"
#include "engine/segment/format.h"
#include "tests/unit/segment/segment_rows.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int64_t int_of(const rows *r, int column, uint32_t row)
{
    return r->input.ints[column] ? r->input.ints[column][row] : DBK_NULL;
}

static uint32_t code_of(const rows *r, int column, uint32_t row)
{
    return r->input.codes[column] ? r->input.codes[column][row] : 0;
}

static dbk_text text_of(const rows *r, int column, uint32_t row)
{
    return r->input.texts[column] ? r->input.texts[column][row] : (dbk_text){NULL, 0};
}

// The value of a row as its zone map sees it; false when it has none.
static bool number_of(const rows *r, int column, uint32_t row, int64_t *out)
{
    const bool is_int = dbk_type_is_int(r->input.table->columns[column].type);
    *out = is_int ? int_of(r, column, row) : code_of(r, column, row);
    return *out != (is_int ? DBK_NULL : 0);
}

static dbk_zone_map naive_zone_map(const rows *r, int column, uint32_t first, uint32_t end)
{
    dbk_zone_map map = {.min = INT64_MAX, .max = INT64_MIN};
    for (uint32_t row = first; row < end; row++) {
        int64_t value;
        if (!number_of(r, column, row, &value)) {
            map.nulls++;
            continue;
        }
        map.min = value < map.min ? value : map.min;
        map.max = value > map.max ? value : map.max;
        map.sum += value;
    }
    return map;
}

static void check_numbers(const dbk_segment *segment, const rows *r, int column)
{
    const bool is_int = dbk_type_is_int(r->input.table->columns[column].type);
    dbk_zone_map map, twin = naive_zone_map(r, column, 0, r->input.rows);
    dbk_segment_zone_map(segment, column, &map);
    assert_int_equal(map.min, twin.min);
    assert_int_equal(map.max, twin.max);
    assert_int_equal(map.nulls, twin.nulls);
    assert_true(map.sum == (is_int ? twin.sum : 0));
    for (uint32_t v = 0; v * DBK_VECTOR_ROWS < r->input.rows; v++) {
        int64_t ints[DBK_VECTOR_ROWS];
        uint32_t codes[DBK_VECTOR_ROWS], first = v * DBK_VECTOR_ROWS;
        uint32_t n = is_int ? dbk_segment_ints(segment, column, v, ints)
                            : dbk_segment_codes(segment, column, v, codes);
        assert_int_equal(n,
                         r->input.rows - first < DBK_VECTOR_ROWS ? r->input.rows - first : DBK_VECTOR_ROWS);
        for (uint32_t i = 0; i < n; i++) {
            if (is_int) {
                assert_int_equal(ints[i], int_of(r, column, first + i));
                assert_int_equal(dbk_segment_int_at(segment, column, first + i), ints[i]);
            } else {
                assert_int_equal(codes[i], code_of(r, column, first + i));
                assert_int_equal(dbk_segment_code_at(segment, column, first + i), codes[i]);
            }
        }
        twin = naive_zone_map(r, column, first, first + n);
        dbk_segment_vector_zone_map(segment, column, v, &map);
        assert_true(map.min <= twin.min && map.max >= twin.max);
        assert_true(map.nulls >= twin.nulls && map.nulls <= n);
        assert_true(map.sum == 0);
    }
}

static void check_texts(const dbk_segment *segment, const rows *r, int column)
{
    dbk_text_scratch *scratch = calloc(1, sizeof *scratch);
    dbk_text_cursor *cursor = calloc(1, sizeof *cursor);
    assert_non_null(scratch);
    assert_non_null(cursor);
    for (uint32_t row = 0; row < r->input.rows; row++) {
        const uint32_t i = row % DBK_VECTOR_ROWS;
        if (i == 0)
            assert_int_equal(dbk_segment_texts(segment, column, row / DBK_VECTOR_ROWS, scratch), DBK_OK);
        dbk_text single, expected = text_of(r, column, row);
        assert_int_equal(scratch->texts[i].length, expected.length);
        assert_memory_equal(scratch->texts[i].data, expected.length ? expected.data : "", expected.length);
        assert_int_equal(dbk_segment_text_at(segment, column, row, cursor, &single), DBK_OK);
        assert_int_equal(single.length, expected.length);
        assert_memory_equal(single.data, expected.length ? expected.data : "", expected.length);
    }
    dbk_text_scratch_dispose(scratch);
    dbk_text_scratch_dispose(&cursor->scratch);
    free(scratch);
    free(cursor);
}

static void check_segment(const dbk_segment *segment, const rows *r)
{
    assert_int_equal(dbk_segment_rows(segment), r->input.rows);
    assert_int_equal(dbk_segment_id(segment), r->input.id);
    assert_ptr_equal(dbk_segment_table(segment), r->input.table);
    for (int c = 0; c < r->input.table->columns_count; c++) {
        if (r->input.table->columns[c].type == DBK_TEXT)
            check_texts(segment, r, c);
        else
            check_numbers(segment, r, c);
    }
}

static dbk_segment *build(const rows *r)
{
    dbk_segment *segment = NULL;
    dbk_error err = {0};
    if (dbk_segment_build(&r->input, &segment, &err) != DBK_OK)
        fail_msg("%s", err.message);
    return segment;
}

// A copy as a file would be read into.
static uint8_t *copy_bytes(const dbk_segment *segment, size_t *size)
{
    const void *bytes = dbk_segment_bytes(segment, size);
    uint8_t *copy = aligned_alloc(64, dbk_segment_align(*size + DBK_SEGMENT_SLACK));
    assert_non_null(copy);
    memcpy(copy, bytes, *size);
    memset(copy + *size, 0xa5, DBK_SEGMENT_SLACK);
    return copy;
}

static void rows_come_back_from_memory_and_from_a_file(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 31, 32, 33, 1023, 1024, 1025, 2047, 5000, 65535, 65536};
    dbk_random random = test_random();
    for (int table = DBK_ORDERS; table < DBK_TABLE_END; table++) {
        for (size_t i = 0; i < DBK_COUNT(counts); i++) {
            if (counts[i] > 5000 && table > DBK_PAYMENTS)
                continue; // the largest ones take time
            rows r;
            rows_fill(&r, &random, (dbk_table_id)table, counts[i]);
            dbk_segment *built = build(&r), *opened = NULL;
            check_segment(built, &r);
            size_t size;
            uint8_t *bytes = copy_bytes(built, &size);
            dbk_error err = {0};
            assert_int_equal(dbk_segment_open(bytes, size, &opened, &err), DBK_OK);
            check_segment(opened, &r);
            dbk_segment_free(opened);
            dbk_segment_free(built);
            rows_dispose(&r);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_from_memory_and_from_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
