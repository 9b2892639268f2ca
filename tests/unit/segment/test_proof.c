// SPDX-License-Identifier: Apache-2.0
// Columns that are proved when they are first needed: they read as those of a segment that was proved when it
// was opened, whoever comes first; and what does not hold is noted before anybody can see what came of it.
#include "engine/base/hash.h"
#include "engine/segment/columns.h"
#include "tests/support/reseal.h"
#include "tests/unit/segment/segment_made.h"

enum { THREADS = 4 };

static dbk_segment *open_late(uint8_t *bytes, size_t size)
{
    dbk_segment *segment = NULL;
    dbk_error err = {0};
    if (dbk_segment_open_late(bytes, size, &segment, &err) != DBK_OK)
        fail_msg("%s", err.message);
    return segment;
}

// ---- Ways to touch a column ----

enum { TOUCHES = 8 };

// One call that needs the column; what it says goes into a hash. False: there is no such call for the type.
static bool touch(const dbk_segment *s, int column, int way, uint32_t row, uint64_t *out)
{
    static _Thread_local int64_t ints[DBK_VECTOR_ROWS];
    static _Thread_local uint32_t codes[DBK_VECTOR_ROWS];
    const bool is_int = dbk_type_is_int(dbk_segment_table(s)->columns[column].type);
    const uint32_t v = row / DBK_VECTOR_ROWS, left = dbk_segment_rows(s) - v * DBK_VECTOR_ROWS;
    const uint32_t n = left < DBK_VECTOR_ROWS ? left : DBK_VECTOR_ROWS;
    uint64_t mask[DBK_MASK_WORDS];
    dbk_zone_map map;
    dbk_line line;
    *out = 0;
    switch (way) {
    case 0:
        dbk_segment_zone_map(s, column, &map);
        *out = dbk_checksum(&map.min, 2 * sizeof map.min) ^ map.nulls ^ (uint64_t)map.sum;
        return true;
    case 1:
        dbk_segment_vector_zone_map(s, column, v, &map);
        *out = dbk_checksum(&map.min, 2 * sizeof map.min) ^ map.nulls;
        return true;
    case 2:
        if (is_int)
            (void)dbk_segment_ints(s, column, v, ints);
        else
            (void)dbk_segment_codes(s, column, v, codes);
        *out = is_int ? dbk_checksum(ints, n * sizeof ints[0]) : dbk_checksum(codes, n * sizeof codes[0]);
        return true;
    case 3:
        *out = is_int ? (uint64_t)dbk_segment_int_at(s, column, row) : dbk_segment_code_at(s, column, row);
        return true;
    case 4:
        memset(mask, 0xFF, sizeof mask);
        *out = dbk_segment_between(s, column, v, 1, 1000, mask);
        for (uint32_t i = 0; *out && i < n; i++)
            *out += (mask[i / 64] >> i % 64 & 1) * (i + 1);
        return true;
    case 5:
        if (!is_int)
            return false;
        *out = dbk_segment_packed(s, column, v, codes, &line) ? dbk_checksum(codes, n * sizeof codes[0]) : 7;
        return true;
    case 6:
        *out = dbk_segment_is_ascending(s, column);
        return true;
    default:
        *out = dbk_segment_prove(s, column, NULL);
        return true;
    }
}

static bool is_number(const dbk_segment *s, int column)
{
    return dbk_segment_table(s)->columns[column].type != DBK_TEXT;
}

// ---- Sound segments ----

static void first_touches_in_any_order_read_as_always(void **state)
{
    (void)state;
    dbk_random random = test_random();
    for (int i = 0; i < 120; i++) {
        test_rows r;
        rows_fill(&r, &random, (dbk_table_id)(1 + dbk_random_below(&random, DBK_TABLE_END - 1)),
                  1 + (uint32_t)dbk_random_below(&random, 5000));
        dbk_segment *built = segment_build(&r);
        size_t size;
        uint8_t *bytes = segment_copy(built, &size);
        dbk_segment *late = open_late(bytes, size);
        _Atomic uint64_t memory = dbk_segment_memory(late);
        dbk_proofs proofs;
        dbk_proofs_init(&proofs, NULL, &memory);
        dbk_segment_note(late, &proofs);
        for (int k = 0; k < 200; k++) {
            const int column = (int)dbk_random_below(&random, (uint64_t)r.input.table->columns_count);
            const int way = (int)dbk_random_below(&random, TOUCHES);
            const uint32_t row = (uint32_t)dbk_random_below(&random, r.input.rows);
            uint64_t got, want;
            if (is_number(late, column) && touch(late, column, way, row, &got)) {
                assert_true(touch(built, column, way, row, &want));
                assert_true(got == want);
            }
        }
        for (int c = 0; c < r.input.table->columns_count; c++)
            assert_int_equal(dbk_segment_prove(late, c, NULL), DBK_OK);
        assert_int_equal(dbk_proofs_hold(&proofs, NULL), DBK_OK);
        assert_true(atomic_load(&memory) == dbk_segment_memory(late)); // what came later was counted
        dbk_segment_free(late);
        dbk_segment_free(built);
        dbk_proofs_dispose(&proofs);
        rows_dispose(&r);
    }
}

typedef struct crowd {
    const dbk_segment *late, *twin;
    uint64_t seed;
    _Atomic int wrong;
} crowd;

static void *touch_all(void *user)
{
    crowd *c = user;
    dbk_random random = dbk_random_seed(c->seed);
    for (int k = 0; k < 300; k++) {
        const int columns = dbk_segment_table(c->late)->columns_count;
        const int column = (int)dbk_random_below(&random, (uint64_t)columns);
        const int way = (int)dbk_random_below(&random, TOUCHES);
        const uint32_t row = (uint32_t)dbk_random_below(&random, dbk_segment_rows(c->late));
        uint64_t got, want;
        if (is_number(c->late, column) && touch(c->late, column, way, row, &got)) {
            (void)touch(c->twin, column, way, row, &want);
            if (got != want)
                atomic_fetch_add(&c->wrong, 1);
        }
    }
    return NULL;
}

static void many_threads_may_come_first(void **state)
{
    (void)state;
    dbk_random random = test_random();
    for (int i = 0; i < 20; i++) {
        test_rows r;
        rows_fill(&r, &random, i % 2 ? DBK_ORDERS : DBK_ORDER_LINES, 3000);
        dbk_segment *built = segment_build(&r);
        size_t size;
        uint8_t *bytes = segment_copy(built, &size);
        dbk_segment *late = open_late(bytes, size);
        crowd c = {.late = late, .twin = built, .seed = dbk_random_u64(&random)}; // all in the same order
        pthread_t threads[THREADS];
        for (int t = 0; t < THREADS; t++)
            assert_int_equal(pthread_create(&threads[t], NULL, touch_all, &c), 0);
        for (int t = 0; t < THREADS; t++)
            pthread_join(threads[t], NULL);
        assert_int_equal(atomic_load(&c.wrong), 0);
        dbk_segment_free(late);
        dbk_segment_free(built);
        rows_dispose(&r);
    }
}

// ---- Segments that lie ----

static dbk_segment_entry entry_of(const uint8_t *bytes, int column)
{
    dbk_segment_entry entry;
    memcpy(&entry, bytes + sizeof(dbk_segment_header) + (size_t)column * sizeof entry, sizeof entry);
    return entry;
}

static void put_entry(uint8_t *bytes, int column, const dbk_segment_entry *entry)
{
    memcpy(bytes + sizeof(dbk_segment_header) + (size_t)column * sizeof *entry, entry, sizeof *entry);
}

enum { LIES = 6 };

// Makes a statistic, or the block, say something else, under checksums that are right but for the last lie.
static void lie(uint8_t *bytes, int column, int which)
{
    dbk_segment_entry entry = entry_of(bytes, column);
    dbk_segment_header header;
    memcpy(&header, bytes, sizeof header);
    switch (which) {
    case 0:
        entry.min--;
        break;
    case 1:
        entry.max++;
        break;
    case 2:
        entry.nulls ^= 1;
        break;
    case 3:
        entry.sum_low += 100;
        break;
    case 4: // the last byte that says something, of a number or of padding
        bytes[entry.offset + entry.size - 1] ^= 0x80;
        entry.checksum = dbk_segment_seal_of(header.id, column, bytes, &entry);
        break;
    default: // damage
        bytes[entry.offset] ^= 1;
    }
    put_entry(bytes, column, &entry);
    dbk_test_reseal_front(bytes);
}

static int found_count;
static void count_found(void *user, const char *story)
{
    (void)user;
    assert_non_null(strstr(story, "column"));
    found_count++;
}

static void put_name(void *user, uint64_t segment, dbk_error *err)
{
    dbk_error with;
    (void)user, (void)segment;
    (void)dbk_fail(&with, err->status, "the file: %.400s", err->message);
    *err = with;
}

// Touches a column of forged bytes in one way, as the first call of all: it must have been found by then.
static void expect_found(const uint8_t *forged, size_t size, int column, int way, uint32_t row)
{
    dbk_segment *late = open_late(bytes_copy(forged, size), size);
    dbk_proofs whole, company, other;
    dbk_proofs_init(&whole, NULL, NULL);
    dbk_proofs_init(&company, &whole, NULL);
    dbk_proofs_init(&other, &whole, NULL);
    whole.found = count_found;
    whole.blame = put_name;
    found_count = 0;
    dbk_segment_note(late, &company);
    uint64_t said;
    if (touch(late, column, way, row, &said)) {
        dbk_error err = {0};
        assert_int_equal(dbk_proofs_hold(&company, &err), DBK_CORRUPT);
        assert_memory_equal(err.message, "the file: segment", 17);
        assert_non_null(strstr(err.message, dbk_segment_table(late)->columns[column].name));
        assert_int_equal(dbk_proofs_hold(&whole, NULL), DBK_CORRUPT);
        assert_int_equal(dbk_proofs_hold(&other, NULL), DBK_OK);
        assert_int_equal(dbk_segment_prove(late, column, &err), DBK_CORRUPT);
        assert_int_equal(found_count, 1);
        dbk_zone_map map;
        dbk_segment_zone_map(late, column, &map); // nothing is left that could be believed
        assert_int_equal(map.nulls, dbk_segment_rows(late));
        assert_true(map.min > map.max && map.sum == 0);
    }
    dbk_segment_free(late);
    dbk_proofs_dispose(&other);
    dbk_proofs_dispose(&company);
    dbk_proofs_dispose(&whole);
}

static void what_lies_is_found_by_the_first_touch_of_any_kind(void **state)
{
    (void)state;
    dbk_random random = test_random();
    int forged_count = 0;
    for (int i = 0; i < 30; i++) {
        test_rows r;
        rows_fill(&r, &random, i % 2 ? DBK_ORDERS : DBK_PAYMENTS,
                  1 + (uint32_t)dbk_random_below(&random, 3000));
        dbk_segment *built = segment_build(&r);
        for (int c = 0; c < r.input.table->columns_count; c++) {
            size_t size;
            uint8_t *bytes = segment_copy(built, &size);
            const int which = (int)dbk_random_below(&random, LIES);
            if (is_number(built, c) && entry_of(bytes, c).size > 0) {
                dbk_segment *opened;
                lie(bytes, c, which);
                // The padding of packed bits may say anything: nothing follows from it.
                if (which == 4 && dbk_segment_open(bytes, size, &opened, NULL) == DBK_OK) {
                    dbk_segment_free(opened); // and the bytes
                    continue;
                }
                assert_int_equal(dbk_segment_open(bytes, size, &opened, NULL), DBK_CORRUPT);
                for (int way = 0; way < TOUCHES; way++)
                    expect_found(bytes, size, c, way, (uint32_t)dbk_random_below(&random, r.input.rows));
                forged_count++;
            }
            free(bytes);
        }
        dbk_segment_free(built);
        rows_dispose(&r);
    }
    assert_true(forged_count > 50);
}

// A column that refers to one that lies is not believed either.
static void what_was_found_before_anybody_listened_is_told(void **state)
{
    (void)state;
    dbk_random random = test_random();
    test_rows r;
    rows_fill(&r, &random, DBK_ORDERS, 2000);
    dbk_segment *built = segment_build(&r);
    size_t size;
    uint8_t *bytes = segment_copy(built, &size);
    int column = 0;
    while (!is_number(built, column) || entry_of(bytes, column).size == 0)
        column++;
    lie(bytes, column, 1);
    dbk_segment *late = open_late(bytes, size);
    dbk_error err = {0};
    assert_int_equal(dbk_segment_prove(late, column, &err), DBK_CORRUPT);
    assert_non_null(strstr(err.message, "statistics"));
    dbk_proofs proofs;
    dbk_proofs_init(&proofs, NULL, NULL);
    dbk_segment_note(late, &proofs);
    assert_int_equal(dbk_proofs_hold(&proofs, NULL), DBK_CORRUPT);
    dbk_segment_free(late);
    dbk_proofs_dispose(&proofs);
    dbk_segment_free(built);
    rows_dispose(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_touches_in_any_order_read_as_always),
        cmocka_unit_test(many_threads_may_come_first),
        cmocka_unit_test(what_lies_is_found_by_the_first_touch_of_any_kind),
        cmocka_unit_test(what_was_found_before_anybody_listened_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
