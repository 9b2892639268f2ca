// SPDX-License-Identifier: Apache-2.0
// Rollups against a naive loop over the rows: random changes, late rows, changes of the time zone, snapshots
// held while the writer goes on, and databases built again from images.
#include "engine/table/state.h"
#include "tests/support/seed.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { KEYS = 600, HELD = 3 };

static const dbk_text tenant_name = {"acme", 4};
static const char *const zones[] = {"UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns",
                                    "Pacific/Apia"};
static const char *const statuses[] = {"SUBMITTED", "DELIVERED", "CANCELLED"};
static const char *const currencies[] = {"EUR", "USD"};

// ---- Random orders ----

static void set_word(dbk_batch *b, const char *name, uint32_t row, const char *word)
{
    dbk_batch_column *column = &b->columns[dbk_column_find(b->table, dbk_text_from(name))];
    if (!column->codes) {
        column->words = dbk_arena_zalloc(&b->arena, (b->rows + 1) * sizeof(dbk_text));
        column->codes = dbk_arena_zalloc(&b->arena, b->rows * sizeof(uint32_t));
        column->words_count = 1;
    }
    column->words[column->words_count] = dbk_text_from(word);
    column->codes[row] = column->words_count++;
}

static void set_int(dbk_batch *b, const char *name, uint32_t row, int64_t value)
{
    dbk_batch_column *column = &b->columns[dbk_column_find(b->table, dbk_text_from(name))];
    if (!column->ints) {
        column->ints = dbk_arena_alloc(&b->arena, b->rows * sizeof(int64_t));
        for (uint32_t i = 0; i < b->rows; i++)
            column->ints[i] = DBK_NULL;
    }
    column->ints[row] = value;
}

static int64_t random_time(dbk_random *r)
{
    switch (dbk_random_below(r, 30)) {
    case 0: // before 1970, and when zones had odd offsets
        return -(int64_t)dbk_random_below(r, 4000000000000);
    case 1: // no date that anybody means
        return (int64_t)dbk_random_u64(r) | 1;
    case 2: // around the day that Apia left out
        return 1325160000000 + (int64_t)dbk_random_below(r, 4 * (uint64_t)DBK_MS_DAY);
    default:
        return 1700000000000 + (int64_t)dbk_random_below(r, 200 * (uint64_t)DBK_MS_DAY);
    }
}

static void apply(dbk_db *db, dbk_batch *b)
{
    dbk_error err = {0};
    dbk_apply_report report;
    if (dbk_db_apply(db, tenant_name, b, &report, &err) != DBK_OK)
        fail_msg("%s", err.message);
    free(report.rejected_rows);
    dbk_batch_dispose(b);
}

static void apply_orders(dbk_random *r, dbk_db *db, uint32_t rows, bool remove)
{
    dbk_batch b = {.table = dbk_table_def_by_id(DBK_ORDERS), .rows = rows, .remove = remove};
    b.columns[0].texts = dbk_arena_alloc(&b.arena, rows * sizeof(dbk_text));
    for (uint32_t i = 0; i < rows; i++) {
        char id[16];
        int length = snprintf(id, sizeof id, "o%d", (int)dbk_random_below(r, KEYS));
        b.columns[0].texts[i] = (dbk_text){dbk_arena_copy(&b.arena, id, (size_t)length), (uint32_t)length};
        if (remove)
            continue;
        set_int(&b, "created_at", i, random_time(r));
        set_int(&b, "total", i, (int64_t)dbk_random_below(r, 100000) - 20000);
        set_word(&b, "status", i, statuses[dbk_random_below(r, DBK_COUNT(statuses))]);
        if (dbk_random_below(r, 3))
            set_word(&b, "currency", i, currencies[dbk_random_below(r, DBK_COUNT(currencies))]);
        if (dbk_random_below(r, 3))
            set_word(&b, "kind", i, dbk_random_below(r, 2) ? "pos" : "standard");
        if (dbk_random_below(r, 3))
            set_int(&b, "tax", i, (int64_t)dbk_random_below(r, 1000));
    }
    apply(db, &b);
}

static void apply_zone(dbk_db *db, const char *zone)
{
    dbk_batch b = {.table = dbk_table_def_by_id(DBK_SETTINGS), .rows = 1};
    set_word(&b, b.table->columns[b.table->key_column].name, 0, "timezone");
    dbk_batch_column *value = &b.columns[dbk_column_find(b.table, DBK_TEXT("value"))];
    value->texts = dbk_arena_alloc(&b.arena, sizeof(dbk_text));
    value->texts[0] = dbk_text_from(zone);
    apply(db, &b);
}

// ---- The naive loop ----

// What a rollup has for a bucket and a tuple; column as in its cells.
static int64_t cell_of(const dbk_rollup_view *v, dbk_grain grain, int32_t bucket, uint32_t tuple, int column)
{
    const dbk_cells *cells = dbk_cube_find(&v->cubes[grain], bucket);
    const void *page = cells ? dbk_cells_page(cells, tuple / DBK_CUBE_PAGE) : NULL;
    return page ? dbk_cells_number(cells, page, (uint32_t)column, tuple) : 0;
}

static bool has_codes(const dbk_rollup_view *v, uint32_t tuple, const dbk_part *part, uint32_t row)
{
    for (int d = 0; d < v->shape->dims_count; d++)
        if (v->tuples->codes[d][tuple] != dbk_part_code_at(part, v->shape->dims[d], row))
            return false;
    return true;
}

// The same from the rows of the bucket that this row is in, one by one.
static void check_bucket_of(const dbk_table_view *view, const dbk_rollup_view *v, const dbk_part *of,
                            uint32_t at)
{
    int64_t ms = dbk_part_int_at(of, v->shape->time, at), start, end;
    for (int g = 0; g < DBK_GRAIN_COUNT; g++) {
        if (!v->grains[g])
            continue;
        int32_t bucket = dbk_rollup_bucket((dbk_grain)g, v->zone, ms, &start, &end);
        for (uint32_t t = 0; t < v->tuples_count; t++) {
            int64_t numbers[1 + 2 * DBK_ROLLUP_MEASURES_MAX] = {0};
            for (size_t p = 0; p < dbk_view_parts(view); p++) {
                const dbk_part *part = dbk_view_part(view, p);
                for (uint32_t i = 0; i < dbk_part_rows(part); i++) {
                    int64_t time = dbk_part_int_at(part, v->shape->time, i);
                    if (dbk_part_is_dead(part, i) || time < start || (time >= end && end != INT64_MAX) ||
                        !has_codes(v, t, part, i))
                        continue;
                    numbers[0]++;
                    for (int m = 0; m < v->shape->measures_count; m++) {
                        int64_t value = dbk_part_int_at(part, v->shape->measures[m], i);
                        numbers[v->shape->sums[m]] += value == DBK_NULL ? 0 : value;
                        if (v->shape->values[m])
                            numbers[v->shape->values[m]] += value != DBK_NULL;
                    }
                }
            }
            for (int c = 0; c < v->shape->columns; c++)
                if (cell_of(v, (dbk_grain)g, bucket, t, c) != numbers[c])
                    fail_msg("%s: grain %d, bucket %d, tuple %u, column %d: %lld instead of %lld",
                             v->shape->def->name, g, bucket, t, c,
                             (long long)cell_of(v, (dbk_grain)g, bucket, t, c), (long long)numbers[c]);
        }
    }
}

static const dbk_table_view *orders_of(const dbk_snapshot *snapshot)
{
    return dbk_tenant_table(dbk_snapshot_tenant(snapshot, tenant_name), DBK_ORDERS);
}

static void check(dbk_random *r, const dbk_snapshot *snapshot)
{
    const dbk_table_view *view = orders_of(snapshot);
    const dbk_rollups_view *rollups = dbk_view_rollups(view);
    const char *wrong;
    assert_non_null(rollups);
    assert_int_equal(dbk_view_rollups_check(view, &wrong), DBK_OK);
    if (wrong)
        fail_msg("%s differs from its rows", wrong);
    for (int i = 0; i < rollups->count; i++) {
        assert_true(rollups->rollups[i].kept);
        for (int n = 0; n < 2; n++) {
            const dbk_part *part = dbk_view_part(view, dbk_random_below(r, dbk_view_parts(view)));
            if (dbk_part_rows(part))
                check_bucket_of(view, &rollups->rollups[i], part,
                                (uint32_t)dbk_random_below(r, dbk_part_rows(part)));
        }
    }
}

static void random_changes_leave_the_sums_of_the_rows(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random("rollups");
    for (int round = 0; round < 4; round++) {
        dbk_db *db;
        dbk_error err;
        assert_int_equal(dbk_db_create(&db, &err), DBK_OK);
        dbk_db_set_segment_rows(db, 50 + (uint32_t)dbk_random_below(&r, 300));
        dbk_db_set_rollup_rows(db, 1, dbk_random_below(&r, 2) ? 0 : dbk_random_below(&r, 8));
        dbk_read held[HELD] = {{0}};
        apply_orders(&r, db, 400, false);
        for (uint64_t step = 1; step <= 60; step++) {
            for (int i = (int)dbk_random_below(&r, 3); i >= 0; i--)
                apply_orders(&r, db, 1 + (uint32_t)dbk_random_below(&r, 60), dbk_random_below(&r, 4) == 0);
            if (dbk_random_below(&r, 10) == 0)
                apply_zone(db, zones[dbk_random_below(&r, DBK_COUNT(zones))]);
            dbk_snapshot *snapshot = dbk_db_freeze(db, step);
            assert_non_null(snapshot);
            // Some images are never published; readers stay on theirs for a while.
            if (dbk_random_below(&r, 3))
                dbk_db_publish(db, snapshot);
            dbk_read *read = &held[dbk_random_below(&r, HELD)];
            if (read->snapshot) {
                if (dbk_snapshot_number(read->snapshot))
                    check(&r, read->snapshot);
                dbk_read_end(db, read);
            }
            *read = dbk_read_begin(db);
        }
        for (int i = 0; i < HELD; i++)
            if (held[i].snapshot)
                dbk_read_end(db, &held[i]);
        dbk_db_destroy(db);
    }
}

// Rows that several have added come, merged, to what one would have made of them.
static void sums_of_shares_are_those_of_all(void **state)
{
    (void)state;
    enum { SHARES = 3, ROUNDS = 20 };
    dbk_random r = dbk_test_random("shares");
    const dbk_table_def *def = dbk_table_def_by_id(DBK_ORDERS);
    for (int round = 0; round < ROUNDS; round++) {
        dbk_versions versions = {.generation = 1};
        dbk_grain finest = (dbk_grain)dbk_random_below(&r, DBK_GRAIN_COUNT);
        dbk_rollups *all = dbk_rollups_create(&versions, def, NULL, 0, finest), *shares[SHARES];
        for (int i = 0; i < SHARES; i++)
            shares[i] = dbk_rollups_create(&versions, def, NULL, 0, finest);
        for (int step = 0; step < 12; step++) {
            static int64_t times[DBK_VECTOR_ROWS], totals[DBK_VECTOR_ROWS];
            static uint32_t status[DBK_VECTOR_ROWS], kind[DBK_VECTOR_ROWS];
            dbk_rollup_rows rows = {.count = 1 + (uint32_t)dbk_random_below(&r, DBK_VECTOR_ROWS)};
            // Sorted or not, near or far, or a full vector in which no row is of the day before it; small
            // codes, and now and then large ones.
            int64_t at = random_time(&r) / 2;
            bool is_sorted = dbk_random_below(&r, 2), is_large = dbk_random_below(&r, 4) == 0;
            bool takes_turns = dbk_random_below(&r, 4) == 0;
            if (takes_turns)
                rows.count = DBK_VECTOR_ROWS;
            for (uint32_t i = 0; i < rows.count; i++) {
                at += (int64_t)dbk_random_below(&r, DBK_MS_HOUR / 20);
                times[i] = takes_turns ? at + i % 29 * DBK_MS_DAY : is_sorted ? at : random_time(&r);
                totals[i] = (int64_t)dbk_random_below(&r, 1000) - 300;
                status[i] = (uint32_t)dbk_random_below(&r, 4);
                kind[i] = (uint32_t)dbk_random_below(&r, 3) << (is_large ? 16 : 0);
            }
            rows.ints[dbk_column_find(def, DBK_TEXT("created_at"))] = times;
            rows.ints[dbk_column_find(def, DBK_TEXT("total"))] = totals;
            rows.codes[dbk_column_find(def, DBK_TEXT("status"))] = status;
            rows.codes[dbk_column_find(def, DBK_TEXT("kind"))] = kind;
            dbk_rollups_add(all, &rows, 1);
            dbk_rollups_add(shares[dbk_random_below(&r, SHARES)], &rows, 1);
        }
        for (int i = 1; i < SHARES; i++)
            dbk_rollups_merge(shares[0], shares[i]);
        assert_int_equal(dbk_rollups_gaps(shares[0]), dbk_rollups_gaps(all));
        dbk_rollups_view *a = dbk_rollups_freeze(all), *b = dbk_rollups_freeze(shares[0]);
        const char *what = NULL;
        if (!dbk_rollups_equal(a, b, &what) || !dbk_rollups_equal(b, a, &what))
            fail_msg("%s: the shares come to something else", what);
        for (int i = 0; i < a->count; i++)
            assert_true(a->rollups[i].kept && b->rollups[i].kept &&
                        a->rollups[i].first_ms == b->rollups[i].first_ms &&
                        a->rollups[i].last_ms == b->rollups[i].last_ms);
        dbk_object_free(&a->object);
        dbk_object_free(&b->object);
        dbk_rollups_destroy(all, NULL);
        for (int i = 0; i < SHARES; i++)
            dbk_rollups_destroy(shares[i], NULL);
    }
}

// ---- What is given up ----

static const dbk_rollups_view *publish(dbk_db *db, uint64_t number)
{
    dbk_snapshot *snapshot = dbk_db_freeze(db, number);
    assert_non_null(snapshot);
    dbk_db_publish(db, snapshot);
    return dbk_view_rollups(orders_of(snapshot));
}

static void apply_one_at(dbk_db *db, const char *id, int64_t at)
{
    dbk_batch b = {.table = dbk_table_def_by_id(DBK_ORDERS), .rows = 1};
    b.columns[0].texts = dbk_arena_alloc(&b.arena, sizeof(dbk_text));
    b.columns[0].texts[0] = dbk_text_from(id);
    set_int(&b, "created_at", 0, at);
    set_int(&b, "total", 0, 1);
    set_word(&b, "status", 0, "NEW");
    apply(db, &b);
}

static void apply_one(dbk_db *db, const char *id, const char *status, const char *kind, int64_t total)
{
    dbk_batch b = {.table = dbk_table_def_by_id(DBK_ORDERS), .rows = 1};
    b.columns[0].texts = dbk_arena_alloc(&b.arena, sizeof(dbk_text));
    b.columns[0].texts[0] = dbk_text_from(id);
    set_int(&b, "created_at", 0, 1700000000000);
    set_int(&b, "total", 0, total);
    set_word(&b, "status", 0, status);
    if (kind)
        set_word(&b, "kind", 0, kind);
    apply(db, &b);
}

static void what_cannot_be_kept_is_given_up_alone(void **state)
{
    (void)state;
    dbk_db *db;
    dbk_error err;
    assert_int_equal(dbk_db_create(&db, &err), DBK_OK);
    apply_one(db, "a", "NEW", NULL, 1);
    assert_null(publish(db, 1)); // too small a table
    dbk_db_set_rollup_rows(db, 1, 0);
    apply_one(db, "b", "NEW", NULL, INT64_MAX - 1);
    assert_true(publish(db, 2)->rollups[0].kept);
    apply_one(db, "c", "NEW", "pos", 1); // where kind is no dimension, the sum does not fit any more
    const dbk_rollups_view *rollups = publish(db, 3);
    assert_false(rollups->rollups[0].kept);
    assert_true(rollups->rollups[1].kept && rollups->rollups[2].kept);
    char status[16];
    for (int i = 0; i <= DBK_TUPLES_MAX; i++) {
        snprintf(status, sizeof status, "S%d", i);
        apply_one(db, "d", status, NULL, 1);
    }
    rollups = publish(db, 4);
    assert_false(rollups->rollups[1].kept || rollups->rollups[2].kept);
    const char *wrong;
    dbk_read read = dbk_read_begin(db);
    assert_int_equal(dbk_view_rollups_check(orders_of(read.snapshot), &wrong), DBK_OK);
    assert_null(wrong);
    dbk_read_end(db, &read);
    dbk_db_destroy(db);
}

// Orders o0, o1, … spread evenly over so many days.
static void apply_spread(dbk_db *db, uint32_t rows, int64_t days)
{
    dbk_batch b = {.table = dbk_table_def_by_id(DBK_ORDERS), .rows = rows};
    b.columns[0].texts = dbk_arena_alloc(&b.arena, rows * sizeof(dbk_text));
    for (uint32_t i = 0; i < rows; i++) {
        char id[16];
        int length = snprintf(id, sizeof id, "o%u", i);
        b.columns[0].texts[i] = (dbk_text){dbk_arena_copy(&b.arena, id, (size_t)length), (uint32_t)length};
        set_int(&b, "created_at", i, 1700000000000 + days * DBK_MS_DAY / rows * i);
        set_int(&b, "total", i, 1);
        set_word(&b, "status", i, "NEW");
    }
    apply(db, &b);
}

static void assert_grains(const dbk_rollups_view *rollups, bool hour, bool day)
{
    assert_true(rollups->rollups[0].kept && rollups->rollups[0].grains[DBK_GRAIN_MONTH]);
    assert_int_equal(rollups->rollups[0].grains[DBK_GRAIN_HOUR], hour);
    assert_int_equal(rollups->rollups[0].grains[DBK_GRAIN_DAY], day);
    assert_false(rollups->rollups[1].grains[DBK_GRAIN_HOUR]); // never asked for
}

static void only_grains_of_many_rows_are_kept(void **state)
{
    (void)state;
    dbk_error err;
    for (int old = 0; old < 2; old++) {
        dbk_db *db;
        assert_int_equal(dbk_db_create(&db, &err), DBK_OK);
        dbk_db_set_rollup_rows(db, 100, 5);
        if (old) // a single one of another age does not make the others look thin
            apply_one_at(db, "old", 0);
        apply_spread(db, 3000, 100);
        assert_grains(publish(db, 1), false, true);
        apply_spread(db, 3000, 3); // replaces them all
        apply_zone(db, "Europe/Berlin");
        assert_grains(publish(db, 2), true, true);
        apply_spread(db, 3000, 2000); // days come to less than half of five rows
        assert_grains(publish(db, 3), false, false);
        dbk_db_destroy(db);
    }
}

static void a_broken_sum_is_found(void **state)
{
    (void)state;
    dbk_db *db;
    dbk_error err;
    assert_int_equal(dbk_db_create(&db, &err), DBK_OK);
    dbk_db_set_rollup_rows(db, 1, 0);
    apply_one(db, "a", "NEW", NULL, 5);
    const dbk_rollups_view *rollups = publish(db, 1);
    int64_t start, end;
    for (int i = 0; i < rollups->count; i++) {
        const dbk_rollup_view *v = &rollups->rollups[i];
        for (int g = 0; g < DBK_GRAIN_COUNT; g++) {
            const dbk_cells *cells = dbk_cube_find(
                &v->cubes[g], dbk_rollup_bucket((dbk_grain)g, v->zone, 1700000000000, &start, &end));
            for (int c = 0; cells && c < v->shape->columns; c++) {
                assert_false(cells->is_wide);
                int32_t *number = (int32_t *)(uintptr_t)dbk_cells_page(cells, 0) + c * DBK_CUBE_PAGE;
                dbk_read read = dbk_read_begin(db);
                const char *wrong;
                ++*number;
                assert_int_equal(dbk_view_rollups_check(orders_of(read.snapshot), &wrong), DBK_OK);
                assert_ptr_equal(wrong, v->shape->def->name);
                --*number;
                assert_int_equal(dbk_view_rollups_check(orders_of(read.snapshot), &wrong), DBK_OK);
                assert_null(wrong);
                dbk_read_end(db, &read);
            }
        }
    }
    dbk_db_destroy(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_changes_leave_the_sums_of_the_rows),
        cmocka_unit_test(sums_of_shares_are_those_of_all),
        cmocka_unit_test(what_cannot_be_kept_is_given_up_alone),
        cmocka_unit_test(only_grains_of_many_rows_are_kept),
        cmocka_unit_test(a_broken_sum_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
