// SPDX-License-Identifier: Apache-2.0
// Batches that become segments against the naive twin of the database: keys that stand twice in a batch, in
// several that are under way at once, in hot rows and in segments; built, settled and finished in any order.
#include "engine/bulk.h"

#include "engine/base/hash.h"
#include "tests/unit/table/table_model.h"

enum { UNDER_WAY = 4 };

typedef struct one {
    dbk_bulk *bulk;
    dbk_batch *batch;  // NULL once it is settled
    const void *bytes; // of its segment, from then on
    size_t size;
    uint64_t checksum;
} one;

typedef struct under_way {
    one ones[UNDER_WAY];
    int count;
} under_way;

static void batch_free(dbk_batch *batch)
{
    dbk_batch_dispose(batch);
    free(batch);
}

static void settle(one *o)
{
    dbk_error err;
    assert_null(dbk_bulk_segment(o->bulk));
    assert_int_equal(dbk_bulk_build(o->bulk, &err), DBK_OK);
    assert_non_null(dbk_bulk_segment(o->bulk));
    o->bytes = dbk_segment_bytes(dbk_bulk_segment(o->bulk), &o->size);
    o->checksum = dbk_checksum(o->bytes, o->size);
    assert_int_equal(dbk_bulk_settle(o->bulk, &err), DBK_OK);
    batch_free(o->batch);
    o->batch = NULL;
}

// Whatever came between, the bytes of one that was settled are where they were.
static void finish_one(dbk_random *r, under_way *u)
{
    dbk_error err;
    one *o = &u->ones[dbk_random_below(r, (uint64_t)u->count)];
    if (!o->batch) {
        assert_int_equal(dbk_checksum(o->bytes, o->size), o->checksum);
    } else if (dbk_random_below(r, 2)) {
        settle(o);
    } else {
        assert_int_equal(dbk_bulk_build(o->bulk, &err), DBK_OK);
    }
    assert_int_equal(dbk_bulk_finish(o->bulk, &err), DBK_OK);
    dbk_bulk_free(o->bulk);
    if (o->batch)
        batch_free(o->batch);
    *o = u->ones[--u->count];
}

static void settle_some(dbk_random *r, under_way *u)
{
    for (int i = 0; i < u->count; i++)
        if (u->ones[i].batch && dbk_random_below(r, 3) == 0)
            settle(&u->ones[i]);
}

static void finish_all(dbk_random *r, under_way *u)
{
    while (u->count > 0)
        finish_one(r, u);
}

static void apply(dbk_random *r, dbk_db *db, under_way *u, int tenant, const dbk_batch *batch)
{
    dbk_apply_report report;
    dbk_error err;
    finish_all(r, u);
    assert_int_equal(dbk_db_apply(db, model_tenant(tenant), batch, &report, &err), DBK_OK);
    free(report.rejected_rows);
}

static void store_random(dbk_random *r, dbk_db *db, under_way *u, model *m)
{
    static const dbk_table_id tables[] = {DBK_ORDERS, DBK_ORDERS, DBK_ORDER_LINES, DBK_CUSTOMERS};
    dbk_table_id id = tables[dbk_random_below(r, DBK_COUNT(tables))];
    int tenant = (int)dbk_random_below(r, 2);
    uint32_t rows = 1 + (uint32_t)dbk_random_below(r, dbk_random_below(r, 4) ? 40 : 1500);
    dbk_batch *batch = malloc(sizeof *batch);
    dbk_bulk *bulk;
    dbk_error err;
    random_batch(r, batch, id, rows, dbk_random_below(r, 8) == 0);
    model_apply(m, tenant, batch);
    assert_int_equal(dbk_bulk_prepare(batch, 10, &bulk), DBK_OK);
    if (!bulk) {
        apply(r, db, u, tenant, batch);
        batch_free(batch);
        return;
    }
    settle_some(r, u);
    if (u->count == UNDER_WAY)
        finish_one(r, u);
    assert_int_equal(dbk_bulk_place(db, model_tenant(tenant), bulk, &err), DBK_OK);
    u->ones[u->count++] = (one){.bulk = bulk, .batch = batch};
}

static void test_segments_of_batches_are_what_applying_them_makes(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    for (int i = 0; i < 3; i++) {
        dbk_db *db;
        dbk_error err;
        under_way u = {0};
        assert_int_equal(dbk_db_create(&db, &err), DBK_OK);
        assert_true(dbk_bulk_is_possible(db));
        dbk_db_set_segment_rows(db, 20 + (uint32_t)dbk_random_below(&r, 400));
        model *m = calloc(1, sizeof *m);
        model *held = NULL;
        dbk_read read;
        for (int round = 1; round <= 25; round++) {
            for (int k = (int)dbk_random_below(&r, 7); k >= 0; k--)
                store_random(&r, db, &u, m);
            finish_all(&r, &u);
            dbk_snapshot *snapshot = dbk_db_freeze(db, (uint64_t)round);
            assert_non_null(snapshot);
            dbk_db_publish(db, snapshot);
            snapshot_check(snapshot, m);
            // One read stays while rows are replaced.
            if (held && dbk_random_below(&r, 3) == 0) {
                snapshot_check(read.snapshot, held);
                dbk_read_end(db, &read);
                model_free(held);
                held = NULL;
            }
            if (!held) {
                read = dbk_read_begin(db);
                held = model_copy(m);
            }
        }
        dbk_read_end(db, &read);
        model_free(held);
        dbk_db_destroy(db);
        model_free(m);
    }
}

// Orders by number, some of each batch again in the next; enough that the index outgrows one partition.
static void test_an_index_that_is_split_on_the_way(void **state)
{
    (void)state;
    enum { ROWS = 60000, BATCHES = 6, STEP = 50000 };
    dbk_random r = dbk_test_random(__func__);
    const dbk_table_def *def = dbk_table_def_by_id(DBK_ORDERS);
    dbk_db *db;
    dbk_error err;
    under_way u = {0};
    assert_int_equal(dbk_db_create(&db, &err), DBK_OK);
    bool was_busy = false;
    for (uint32_t b = 0; b < BATCHES; b++) {
        dbk_batch *batch = calloc(1, sizeof *batch);
        *batch = (dbk_batch){.table = def, .rows = ROWS};
        dbk_batch_column *id = &batch->columns[def->key_column], *time = &batch->columns[def->time_column];
        dbk_batch_column *total = &batch->columns[dbk_column_find(def, DBK_TEXT("total"))];
        dbk_batch_column *status = &batch->columns[dbk_column_find(def, DBK_TEXT("status"))];
        id->texts = dbk_arena_alloc(&batch->arena, ROWS * sizeof *id->texts);
        time->ints = dbk_arena_alloc(&batch->arena, ROWS * sizeof *time->ints);
        total->ints = dbk_arena_alloc(&batch->arena, ROWS * sizeof *total->ints);
        status->codes = dbk_arena_alloc(&batch->arena, ROWS * sizeof *status->codes);
        status->words = dbk_arena_zalloc(&batch->arena, 2 * sizeof *status->words);
        status->words[1] = DBK_TEXT("PAID");
        status->words_count = 2;
        for (uint32_t i = 0; i < ROWS; i++) {
            char text[32];
            int length = snprintf(text, sizeof text, "order-%u", b * STEP + i);
            id->texts[i] = (dbk_text){dbk_arena_copy(&batch->arena, text, (size_t)length), (uint32_t)length};
            time->ints[i] = (int64_t)dbk_random_below(&r, 1000000);
            total->ints[i] = b + 1;
            status->codes[i] = 1;
        }
        dbk_bulk *bulk;
        assert_int_equal(dbk_bulk_prepare(batch, ROWS, &bulk), DBK_OK);
        if (u.count == UNDER_WAY)
            finish_one(&r, &u);
        dbk_status status_of_place = dbk_bulk_place(db, DBK_TEXT("t"), bulk, &err);
        if (status_of_place == DBK_BUSY) {
            was_busy = true;
            finish_all(&r, &u);
            status_of_place = dbk_bulk_place(db, DBK_TEXT("t"), bulk, &err);
        }
        assert_int_equal(status_of_place, DBK_OK);
        u.ones[u.count++] = (one){.bulk = bulk, .batch = batch};
    }
    assert_true(was_busy);
    finish_all(&r, &u);
    dbk_snapshot *snapshot = dbk_db_freeze(db, 1);
    dbk_db_publish(db, snapshot);
    assert_int_equal(dbk_snapshot_rows(snapshot, DBK_TEXT("t"), DBK_ORDERS), STEP * (BATCHES - 1) + ROWS);
    const dbk_table_view *view = dbk_tenant_table(dbk_snapshot_tenant(snapshot, DBK_TEXT("t")), DBK_ORDERS);
    for (uint32_t number = 0; number < STEP * (BATCHES - 1) + ROWS; number += 97) {
        char text[32];
        int length = snprintf(text, sizeof text, "order-%u", number);
        bool found;
        dbk_locator at;
        assert_int_equal(dbk_view_find_id(view, (dbk_text){text, (uint32_t)length}, &found, &at), DBK_OK);
        assert_true(found);
        // Of the batches that have it, the last.
        uint32_t last = number / STEP < BATCHES ? number / STEP : BATCHES - 1;
        int c = dbk_column_find(def, DBK_TEXT("total"));
        assert_int_equal(dbk_part_int_at(dbk_view_part(view, at.part), c, at.row), last + 1);
    }
    dbk_db_destroy(db);
}

// The naive twin is a stable insertion sort.
static void test_rows_are_ordered_stably(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    enum { MOST = 300 };
    for (int round = 0; round < 400; round++) {
        int64_t values[MOST];
        uint32_t order[MOST], naive[MOST];
        uint32_t count = (uint32_t)dbk_random_below(&r, MOST + 1);
        uint64_t disorder = dbk_random_below(&r, 4);
        for (uint32_t i = 0; i < count; i++) {
            values[i] = disorder == 0   ? (int64_t)i / 3
                        : disorder == 1 ? (int64_t)i / 2 - (dbk_random_below(&r, 20) ? 0 : 40)
                        : disorder == 2 ? (int64_t)dbk_random_below(&r, 50) - 25
                                        : (int64_t)dbk_random_u64(&r);
            uint32_t at = i;
            for (; at > 0 && values[naive[at - 1]] > values[i]; at--)
                naive[at] = naive[at - 1];
            naive[at] = i;
        }
        assert_true(dbk_rows_order(values, count, order));
        assert_memory_equal(order, naive, count * sizeof *order);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_ordered_stably),
        cmocka_unit_test(test_segments_of_batches_are_what_applying_them_makes),
        cmocka_unit_test(test_an_index_that_is_split_on_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
