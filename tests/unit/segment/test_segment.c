// SPDX-License-Identifier: Apache-2.0
// Segments give back the rows they were built from by every path, know their statistics, and refuse files in
// which anything was changed.
#include "engine/base/hash.h"
#include "engine/segment/format.h"
#include "tests/support/reseal.h"
#include "tests/unit/segment/segment_made.h"

static int64_t int_of(const test_rows *r, int column, uint32_t row)
{
    return r->input.ints[column] ? r->input.ints[column][row] : DBK_NULL;
}

static uint32_t code_of(const test_rows *r, int column, uint32_t row)
{
    return r->input.codes[column] ? r->input.codes[column][row] : 0;
}

static dbk_text text_of(const test_rows *r, int column, uint32_t row)
{
    return r->input.texts[column] ? r->input.texts[column][row] : (dbk_text){NULL, 0};
}

// The value of a row as its zone map sees it; false when it has none.
static bool number_of(const test_rows *r, int column, uint32_t row, int64_t *out)
{
    const bool is_int = dbk_type_is_int(r->input.table->columns[column].type);
    *out = is_int ? int_of(r, column, row) : code_of(r, column, row);
    return *out != (is_int ? DBK_NULL : 0);
}

static dbk_zone_map naive_zone_map(const test_rows *r, int column, uint32_t first, uint32_t end)
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

static void check_numbers(const dbk_segment *segment, const test_rows *r, int column)
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

static void check_texts(const dbk_segment *segment, const test_rows *r, int column)
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

static void check_segment(const dbk_segment *segment, const test_rows *r)
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

static void rows_come_back_from_memory_and_from_a_file(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 31, 32, 33, 1023, 1024, 1025, 2047, 5000, 65535, 65536};
    dbk_random random = test_random();
    for (int table = DBK_ORDERS; table < DBK_TABLE_END; table++) {
        for (size_t i = 0; i < DBK_COUNT(counts); i++) {
            if (counts[i] > 5000 && table > DBK_PAYMENTS)
                continue; // the largest ones take time
            test_rows r;
            rows_fill(&r, &random, (dbk_table_id)table, counts[i]);
            dbk_segment *built = segment_build(&r), *opened = NULL;
            check_segment(built, &r);
            size_t size;
            uint8_t *bytes = segment_copy(built, &size);
            dbk_error err = {0};
            assert_int_equal(dbk_segment_open(bytes, size, &opened, &err), DBK_OK);
            check_segment(opened, &r);
            dbk_segment_free(opened);
            dbk_segment_free(built);
            rows_dispose(&r);
        }
    }
}

// A segment with every encoding, small enough to be damaged bit by bit.
static void fill_small(test_rows *r, uint32_t count)
{
    static int64_t times[3000], money[3000];
    static uint32_t codes[3000];
    static dbk_text ids[3000], words[3000], numbers[3000];
    static char text[3000][32];
    assert_true(count <= 3000);
    *r = (test_rows){.input = {.table = dbk_table_def_by_id(DBK_PAYMENTS), .id = 11, .rows = count}};
    for (uint32_t i = 0; i < count; i++) {
        times[i] = 1000 * i;
        money[i] = 50000;
        codes[i] = i % 3;
        ids[i] = (dbk_text){text[i], (uint32_t)snprintf(text[i], 32, "p_%08x", i * 2654435761u)};
        words[i] = i % 2 ? DBK_TEXT("every other row") : (dbk_text){NULL, 0};
        numbers[i] = (dbk_text){text[i] + 16, (uint32_t)snprintf(text[i] + 16, 16, "%u", 95 + i)};
    }
    r->input.texts[0] = ids;
    r->input.ints[1] = times;
    r->input.texts[2] = words;
    r->input.texts[3] = numbers;
    r->input.codes[4] = codes;
    r->input.ints[8] = money;
}

static void every_flipped_bit_is_found(void **state)
{
    (void)state;
    static const uint32_t counts[] = {3, 1100};
    for (size_t k = 0; k < DBK_COUNT(counts); k++) {
        test_rows r;
        fill_small(&r, counts[k]);
        dbk_segment *built = segment_build(&r), *opened = NULL;
        check_segment(built, &r);
        size_t size;
        uint8_t *bytes = segment_copy(built, &size);
        for (size_t at = 0; at < size; at++) {
            // One bit of every byte, another one at each offset.
            bytes[at] ^= (uint8_t)(1 << at % 8);
            dbk_error err = {0};
            assert_int_equal(dbk_segment_open(bytes, size, &opened, &err), DBK_CORRUPT);
            assert_true(err.message[0] != 0);
            bytes[at] ^= (uint8_t)(1 << at % 8);
        }
        assert_int_equal(dbk_segment_open(bytes, size, &opened, NULL), DBK_OK);
        dbk_segment_free(opened);
        dbk_segment_free(built);
    }
}

static void every_truncation_and_every_extra_byte_is_refused(void **state)
{
    (void)state;
    test_rows r;
    fill_small(&r, 40);
    dbk_segment *built = segment_build(&r), *opened = NULL;
    size_t size;
    uint8_t *bytes = segment_copy(built, &size);
    for (size_t less = 0; less < size; less++)
        assert_int_equal(dbk_segment_open(bytes, less, &opened, NULL), DBK_CORRUPT);
    for (size_t more = 1; more <= DBK_SEGMENT_SLACK; more++)
        assert_int_equal(dbk_segment_open(bytes, size + more, &opened, NULL), DBK_CORRUPT);
    free(bytes);
    dbk_segment_free(built);
}

static void a_block_of_another_segment_is_refused(void **state)
{
    (void)state;
    test_rows r;
    fill_small(&r, 40);
    dbk_segment *built = segment_build(&r), *opened = NULL;
    size_t size;
    uint8_t *bytes = segment_copy(built, &size);
    dbk_segment_header header;
    memcpy(&header, bytes, sizeof header);
    header.id++;
    memcpy(bytes, &header, sizeof header);
    dbk_test_reseal_front(bytes);
    dbk_error err = {0};
    assert_int_equal(dbk_segment_open(bytes, size, &opened, &err), DBK_CORRUPT);
    assert_non_null(strstr(err.message, "fails its checksum"));
    free(bytes);
    dbk_segment_free(built);
}

static void forged_statistics_are_refused(void **state)
{
    (void)state;
    test_rows r;
    fill_small(&r, 40);
    dbk_segment *built = segment_build(&r), *opened = NULL;
    size_t size;
    uint8_t *bytes = segment_copy(built, &size);
    static const size_t fields[] = {offsetof(dbk_segment_entry, nulls), offsetof(dbk_segment_entry, min),
                                    offsetof(dbk_segment_entry, max), offsetof(dbk_segment_entry, sum_low),
                                    offsetof(dbk_segment_entry, sum_high)};
    for (int column = 0; column < r.input.table->columns_count; column++) {
        for (size_t f = 0; f < DBK_COUNT(fields); f++) {
            uint8_t *field =
                bytes + sizeof(dbk_segment_header) + (size_t)column * sizeof(dbk_segment_entry) + fields[f];
            *field ^= 1;
            dbk_test_reseal_front(bytes);
            assert_int_equal(dbk_segment_open(bytes, size, &opened, NULL), DBK_CORRUPT);
            *field ^= 1;
        }
    }
    dbk_test_reseal_front(bytes);
    assert_int_equal(dbk_segment_open(bytes, size, &opened, NULL), DBK_OK);
    dbk_segment_free(opened);
    dbk_segment_free(built);
}

// A file from before the last column was appended, made by taking its entry out: everything behind it moves
// up by the size of an entry, which is the alignment of blocks.
static void columns_that_came_later_have_no_value(void **state)
{
    (void)state;
    test_rows r;
    fill_small(&r, 40);
    dbk_segment *built = segment_build(&r), *opened = NULL;
    size_t size;
    uint8_t *bytes = segment_copy(built, &size);
    const size_t entry_size = sizeof(dbk_segment_entry), columns = (size_t)r.input.table->columns_count;
    const size_t directory_end = sizeof(dbk_segment_header) + columns * entry_size;
    memmove(bytes + directory_end - entry_size, bytes + directory_end, size - directory_end);
    dbk_segment_header header;
    memcpy(&header, bytes, sizeof header);
    header.columns--;
    header.size -= entry_size;
    header.cold -= entry_size;
    memcpy(bytes, &header, sizeof header);
    for (size_t i = 0; i + 1 < columns; i++) {
        dbk_segment_entry entry;
        uint8_t *at = bytes + sizeof header + i * entry_size;
        memcpy(&entry, at, entry_size);
        if (entry.size == 0)
            continue;
        entry.offset -= entry_size;
        const dbk_segment_seal seal = {header.id, i, entry.offset, entry.size,
                                       dbk_checksum(bytes + entry.offset, entry.size)};
        entry.checksum = dbk_checksum(&seal, sizeof seal);
        memcpy(at, &entry, entry_size);
    }
    dbk_test_reseal_front(bytes);
    dbk_error err = {0};
    if (dbk_segment_open(bytes, header.size, &opened, &err) != DBK_OK)
        fail_msg("%s", err.message);
    check_segment(opened, &r); // fill_small leaves the last column without any value
    assert_int_equal(dbk_segment_column_bytes(opened, (int)columns - 1), 0);
    dbk_segment_free(opened);
    dbk_segment_free(built);
}

static void constants_cost_a_directory_entry(void **state)
{
    (void)state;
    test_rows r;
    fill_small(&r, 3000);
    dbk_segment *built = segment_build(&r);
    assert_int_equal(dbk_segment_column_bytes(built, 8), 64);
    assert_int_equal(dbk_segment_column_bytes(built, 9), 64);
    size_t size, sum = 64;
    dbk_segment_bytes(built, &size);
    for (int c = 0; c < r.input.table->columns_count; c++)
        sum += dbk_segment_column_bytes(built, c);
    assert_int_equal(sum, size);
    assert_true(dbk_segment_memory(built) > size);
    dbk_segment_free(built);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_from_memory_and_from_a_file),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(every_truncation_and_every_extra_byte_is_refused),
        cmocka_unit_test(a_block_of_another_segment_is_refused),
        cmocka_unit_test(forged_statistics_are_refused),
        cmocka_unit_test(columns_that_came_later_have_no_value),
        cmocka_unit_test(constants_cost_a_directory_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
