// SPDX-License-Identifier: Apache-2.0
// The database against its naive twin: random batches, frozen, published, read back row by row, while old
// snapshots stay what they were; and the same after a way through the image and through encoded batches.
#include "tests/unit/table/table_model.h"

#include <pthread.h>

enum { HELD = 4 };

typedef struct held {
    dbk_read read;
    model *model;
} held;

static void held_end(dbk_db *db, held *h)
{
    if (!h->model)
        return;
    snapshot_check(h->read.snapshot, h->model);
    dbk_read_end(db, &h->read);
    model_free(h->model);
    h->model = NULL;
}

static void apply_random(dbk_random *r, dbk_db *db, model *m)
{
    dbk_table_id id = model_tables[dbk_random_below(r, DBK_COUNT(model_tables))];
    int tenant = (int)dbk_random_below(r, MODEL_TENANTS);
    uint32_t rows = 1 + (uint32_t)dbk_random_below(r, dbk_random_below(r, 5) ? 12 : 300);
    dbk_batch batch, decoded;
    dbk_error err;
    random_batch(r, &batch, id, rows, dbk_random_below(r, 6) == 0);
    assert_int_equal(dbk_batch_check(&batch, &err), DBK_OK);
    uint32_t rejected = model_apply(m, tenant, &batch);

    dbk_buffer bytes = {0};
    dbk_batch_encode(&batch, &bytes);
    assert_false(bytes.failed);
    assert_int_equal(dbk_batch_decode(&decoded, bytes.data, bytes.size, &err), DBK_OK);
    dbk_apply_report report;
    const dbk_batch *used = dbk_random_below(r, 2) ? &batch : &decoded;
    assert_int_equal(dbk_db_apply(db, model_tenant(tenant), used, &report, &err), DBK_OK);
    assert_int_equal(report.rejected_count, rejected);
    assert_int_equal(report.stored + report.rejected_count, rows);
    for (uint32_t i = 1; i < rejected; i++)
        assert_true(report.rejected_rows[i - 1] < report.rejected_rows[i]);
    free(report.rejected_rows);
    dbk_buffer_dispose(&bytes);
    dbk_batch_dispose(&batch);
    dbk_batch_dispose(&decoded);
}

static dbk_segment *segment_copy(const dbk_segment *segment)
{
    size_t size;
    const void *bytes = dbk_segment_bytes(segment, &size);
    void *copy = aligned_alloc(64, (size + DBK_SEGMENT_SLACK + 63) / 64 * 64);
    memcpy(copy, bytes, size);
    dbk_segment *out;
    dbk_error err;
    assert_int_equal(dbk_segment_open(copy, size, &out, &err), DBK_OK);
    return out;
}

static void table_restore(const dbk_snapshot *snapshot, size_t tenant, dbk_table_id id, dbk_db *to)
{
    dbk_error err;
    dbk_text name = dbk_snapshot_tenant_name(snapshot, tenant);
    for (size_t slot = 0; slot < dbk_image_slots(snapshot, tenant, id); slot++) {
        const dbk_segment *segment = dbk_image_segment(snapshot, tenant, id, slot);
        dbk_image_prepared *prepared;
        if (!segment)
            continue;
        assert_int_equal(dbk_image_prepare_segment(segment_copy(segment),
                                                   dbk_image_dead(snapshot, tenant, id, slot), &prepared,
                                                   &err),
                         DBK_OK);
        assert_int_equal(dbk_image_restore_segment(to, name, id, slot, prepared, &err), DBK_OK);
    }
    dbk_segment *delta;
    assert_int_equal(dbk_image_delta(snapshot, tenant, id, &delta, &err), DBK_OK);
    if (delta)
        assert_int_equal(dbk_image_restore_delta(to, name, id, delta, &err), DBK_OK);
}

// One, two, three … at a time.
static void words_restore(const dbk_snapshot *snapshot, size_t tenant, dbk_domain domain, dbk_db *to)
{
    enum { AT_ONCE_MAX = 200 };
    dbk_error err;
    dbk_text name = dbk_snapshot_tenant_name(snapshot, tenant), words[AT_ONCE_MAX];
    uint32_t left = dbk_image_words(snapshot, tenant, domain), code = 0;
    if (left % 2) // helps, and need not be asked for
        assert_int_equal(dbk_image_expect_words(to, name, domain, left, &err), DBK_OK);
    for (uint32_t step = 1; left > 0; step = step % AT_ONCE_MAX + 1) {
        uint32_t n = step < left ? step : left;
        for (uint32_t i = 0; i < n; i++)
            words[i] = dbk_image_word(snapshot, tenant, domain, ++code);
        assert_int_equal(dbk_image_restore_words(to, name, domain, words, n, &err), DBK_OK);
        left -= n;
    }
    if (code > 0) // a word again, behind a new one
        assert_int_equal(dbk_image_restore_words(to, name, domain, words, 1, &err), DBK_CORRUPT);
}

typedef struct early_reader {
    dbk_db *db;
    const model *model;
} early_reader;

// Counts rows at once, finds them by their ids once it can.
static void *read_early(void *user)
{
    early_reader *reader = user;
    dbk_read read = dbk_read_begin(reader->db);
    snapshot_check(read.snapshot, reader->model);
    dbk_read_end(reader->db, &read);
    return NULL;
}

// Rows as they were kept, and no key led to its row yet when `put_off`.
static dbk_db *restored_rows(const dbk_snapshot *snapshot, bool put_off)
{
    dbk_db *db;
    dbk_error err;
    assert_int_equal(dbk_db_create(&db, &err), DBK_OK);
    if (put_off)
        dbk_db_put_off_keys(db);
    for (size_t t = 0; t < dbk_snapshot_tenants(snapshot); t++) {
        for (int d = 1; d < DBK_DOMAIN_COUNT; d++)
            words_restore(snapshot, t, (dbk_domain)d, db);
        for (int id = 1; id < DBK_TABLE_END; id++)
            table_restore(snapshot, t, (dbk_table_id)id, db);
    }
    dbk_image_restore_next_segment_id(db, dbk_image_next_segment_id(snapshot));
    assert_int_equal(dbk_image_restore_end(db, &err), DBK_OK);
    dbk_snapshot *fresh = dbk_db_freeze(db, dbk_snapshot_number(snapshot));
    assert_non_null(fresh);
    dbk_db_publish(db, fresh);
    return db;
}

// With a model, keys are made behind the first image, while it is read and compared with the model.
static dbk_db *restored(const dbk_snapshot *snapshot, const model *m)
{
    dbk_db *db = restored_rows(snapshot, m != NULL);
    if (!m)
        return db;
    early_reader reader = {db, m};
    pthread_t thread;
    dbk_error err;
    assert_int_equal(pthread_create(&thread, NULL, read_early, &reader), 0);
    assert_int_equal(dbk_db_make_keys(db, &err), DBK_OK);
    pthread_join(thread, NULL);
    return db;
}

// What the writer sees of its own state; nothing of it may be left when the next batch comes.
static void look_check(dbk_db *db, uint64_t number, const model *m)
{
    const dbk_snapshot *look = dbk_db_look(db, number);
    assert_non_null(look);
    assert_int_equal(dbk_snapshot_number(look), number);
    snapshot_check(look, m);
    uint64_t memory = dbk_db_memory(db);
    dbk_db_look_end(db, look);
    assert_true(dbk_db_memory(db) < memory);
}

static void run(dbk_random *r, uint32_t segment_rows, int rounds)
{
    dbk_db *db;
    dbk_error err;
    assert_int_equal(dbk_db_create(&db, &err), DBK_OK);
    dbk_db_set_segment_rows(db, segment_rows);
    model *m = calloc(1, sizeof *m);
    held helds[HELD] = {0};
    for (int round = 1; round <= rounds; round++) {
        for (int i = (int)dbk_random_below(r, 4); i >= 0; i--)
            apply_random(r, db, m);
        if (dbk_random_below(r, 8) == 0)
            look_check(db, (uint64_t)round, m);
        if (dbk_random_below(r, 3) == 0)
            continue;
        dbk_snapshot *snapshot = dbk_db_freeze(db, (uint64_t)round);
        assert_non_null(snapshot);
        model *frozen = model_copy(m);
        // Sometimes the writer has gone on before the image is published, sometimes it never is.
        for (int i = (int)dbk_random_below(r, 3); i > 0; i--)
            apply_random(r, db, m);
        if (dbk_random_below(r, 5) == 0) {
            model_free(frozen);
            continue;
        }
        dbk_db_publish(db, snapshot);
        held *h = &helds[dbk_random_below(r, HELD)];
        held_end(db, h);
        *h = (held){dbk_read_begin(db), frozen};
        assert_int_equal(dbk_snapshot_number(h->read.snapshot), round);
        if (dbk_random_below(r, 4) == 0)
            snapshot_check(h->read.snapshot, h->model);
        if (dbk_random_below(r, 12) == 0) {
            dbk_db *other = restored(h->read.snapshot, dbk_random_below(r, 2) ? h->model : NULL);
            dbk_read read = dbk_read_begin(other);
            snapshot_check(read.snapshot, h->model);
            dbk_read_end(other, &read);
            if (dbk_random_below(r, 3)) {
                dbk_db_destroy(other);
            } else {
                // The restored database goes on in the place of the first.
                for (int i = 0; i < HELD; i++)
                    if (&helds[i] != h)
                        held_end(db, &helds[i]);
                model *base = model_copy(h->model);
                held_end(db, h);
                dbk_db_destroy(db);
                model_free(m);
                db = other;
                m = base;
                dbk_db_set_segment_rows(db, segment_rows);
            }
        }
    }
    for (int i = 0; i < HELD; i++)
        held_end(db, &helds[i]);
    dbk_db_destroy(db);
    model_free(m);
}

static void test_random_batches_with_tiny_segments(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    for (int i = 0; i < 3; i++)
        run(&r, 5 + (uint32_t)dbk_random_below(&r, 20), 120);
}

static void test_random_batches_with_larger_segments(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    run(&r, 1 + (uint32_t)dbk_random_below(&r, 2500), 200);
}

static void orders_batch(dbk_batch *b, uint32_t first, uint32_t rows, int64_t total)
{
    *b = (dbk_batch){.table = dbk_table_def_by_id(DBK_ORDERS), .rows = rows};
    dbk_text *ids = b->columns[0].texts = dbk_arena_alloc(&b->arena, rows * sizeof(dbk_text));
    int64_t *times = b->columns[1].ints = dbk_arena_alloc(&b->arena, rows * sizeof(int64_t));
    uint32_t *codes = b->columns[4].codes = dbk_arena_zalloc(&b->arena, rows * sizeof(uint32_t));
    b->columns[4].words = dbk_arena_zalloc(&b->arena, 2 * sizeof(dbk_text));
    b->columns[4].words[1] = DBK_TEXT("open");
    b->columns[4].words_count = 2;
    int64_t *totals = b->columns[12].ints = dbk_arena_alloc(&b->arena, rows * sizeof(int64_t));
    for (uint32_t i = 0; i < rows; i++) {
        char id[32];
        int length = snprintf(id, sizeof id, "order-%u", first + i);
        ids[i] = (dbk_text){dbk_arena_copy(&b->arena, id, (size_t)length), (uint32_t)length};
        times[i] = 1700000000000 + (int64_t)(first + i) * 1000;
        codes[i] = 1;
        totals[i] = total;
    }
}

static void orders_apply(dbk_db *db, uint32_t first, uint32_t rows, int64_t total)
{
    dbk_batch b;
    orders_batch(&b, first, rows, total);
    dbk_apply_report report;
    dbk_error err;
    assert_int_equal(dbk_db_apply(db, DBK_TEXT("t"), &b, &report, &err), DBK_OK);
    dbk_batch_dispose(&b);
}

enum { MANY_BATCHES = 6, MANY_ROWS = 65536 };

static void many_orders_check(dbk_db *db)
{
    dbk_read read = dbk_read_begin(db);
    const dbk_table_view *view =
        dbk_tenant_table(dbk_snapshot_tenant(read.snapshot, DBK_TEXT("t")), DBK_ORDERS);
    assert_int_equal(dbk_view_rows(view), MANY_BATCHES * MANY_ROWS);
    for (uint32_t i = 0; i < MANY_BATCHES * MANY_ROWS; i += 97) {
        char id[32];
        int length = snprintf(id, sizeof id, "order-%u", i);
        bool found;
        dbk_locator at;
        assert_int_equal(dbk_view_find_id(view, (dbk_text){id, (uint32_t)length}, &found, &at), DBK_OK);
        assert_true(found);
        int64_t total = dbk_part_int_at(dbk_view_part(view, at.part), 12, at.row);
        assert_int_equal(total, i >= 100 && i < 60100 ? 77 : i / MANY_ROWS);
        id[0] = 'O';
        assert_int_equal(dbk_view_find_id(view, (dbk_text){id, (uint32_t)length}, &found, &at), DBK_OK);
        assert_false(found);
    }
    dbk_read_end(db, &read);
}

// Whatever was asked before, a finder says what a search says.
static void orders_find(const dbk_table_view *view, dbk_finder *finder, uint32_t number, bool expected)
{
    char text[32];
    dbk_text id = {text, (uint32_t)snprintf(text, sizeof text, "order-%u", number)};
    bool found, found_alone;
    dbk_locator at, alone;
    dbk_finder_expect(finder, id);
    assert_int_equal(dbk_finder_find(finder, id, &found, &at), DBK_OK);
    assert_int_equal(dbk_view_find_id(view, id, &found_alone, &alone), DBK_OK);
    assert_int_equal(found, expected);
    assert_int_equal(found_alone, expected);
    if (found)
        assert_memory_equal(&at, &alone, sizeof at);
}

static void many_orders_find(dbk_db *db, dbk_random *r)
{
    enum { ROWS = MANY_BATCHES * MANY_ROWS, RUNS = 300, RUN_MAX = 400 };
    dbk_read read = dbk_read_begin(db);
    const dbk_table_view *view =
        dbk_tenant_table(dbk_snapshot_tenant(read.snapshot, DBK_TEXT("t")), DBK_ORDERS);
    dbk_finder *finder = dbk_finder_create(view);
    assert_non_null(finder);
    bool found;
    dbk_locator at;
    assert_int_equal(dbk_finder_find(finder, (dbk_text){0}, &found, &at), DBK_OK);
    assert_false(found);
    for (int run = 0; run < RUNS; run++) {
        // Runs in the order of the rows, across the ends of parts and among dead rows too, with gaps, or all
        // over the place; now and then an id that is not there.
        uint32_t number = run % 3 == 0 ? (uint32_t)dbk_random_below(r, MANY_BATCHES) * MANY_ROWS - 50u
                                       : (uint32_t)dbk_random_below(r, ROWS);
        uint32_t gap = (uint32_t)dbk_random_below(r, 3), length = (uint32_t)dbk_random_below(r, RUN_MAX);
        for (uint32_t i = 0; i < length; i++) {
            number = gap == 2 ? (uint32_t)dbk_random_below(r, ROWS + 50) : number + 1 + gap;
            orders_find(view, finder, number, number < ROWS);
        }
    }
    dbk_finder_free(finder);
    dbk_read_end(db, &read);
}

// Past 2^18 keys the index is split; rows stay where they are found, and are found again once restored.
static void test_many_orders_are_found(void **state)
{
    (void)state;
    dbk_db *db;
    dbk_error err;
    assert_int_equal(dbk_db_create(&db, &err), DBK_OK);
    orders_apply(db, 0, 10, 1);
    for (uint32_t i = 0; i < MANY_BATCHES; i++)
        orders_apply(db, i * MANY_ROWS, MANY_ROWS, i);
    orders_apply(db, 100, 60000, 77); // most of the first segment dies
    dbk_db_publish(db, dbk_db_freeze(db, 1));
    many_orders_check(db);
    dbk_random r = dbk_test_random("test_many_orders_are_found");
    many_orders_find(db, &r);
    // 21 columns, of which four have values.
    assert_in_range(dbk_db_memory(db), 1, 40u << 20);
    dbk_read read = dbk_read_begin(db);
    dbk_db *other = restored(read.snapshot, NULL);
    dbk_read_end(db, &read);
    dbk_db_destroy(db);
    many_orders_check(other);
    many_orders_find(other, &r);
    orders_apply(other, 0, 100, 0); // keys of the restored rows are known to the writer too
    dbk_db_publish(other, dbk_db_freeze(other, 2));
    many_orders_check(other);
    dbk_db_destroy(other);
}

static uint64_t orders_count(dbk_db *db)
{
    dbk_read read = dbk_read_begin(db);
    uint64_t count = dbk_snapshot_rows(read.snapshot, DBK_TEXT("t"), DBK_ORDERS);
    dbk_read_end(db, &read);
    return count;
}

static bool order_is_there(dbk_db *db, const char *id)
{
    dbk_read read = dbk_read_begin(db);
    bool found;
    dbk_locator at;
    assert_int_equal(
        dbk_view_find_id(dbk_tenant_table(dbk_snapshot_tenant(read.snapshot, DBK_TEXT("t")), DBK_ORDERS),
                         dbk_text_from(id), &found, &at),
        DBK_OK);
    dbk_read_end(db, &read);
    return found;
}

static dbk_db *few_orders(void)
{
    dbk_db *db;
    dbk_error err;
    assert_int_equal(dbk_db_create(&db, &err), DBK_OK);
    dbk_db_set_segment_rows(db, 50);
    orders_apply(db, 0, 120, 1);
    orders_apply(db, 30, 40, 2);
    dbk_db_publish(db, dbk_db_freeze(db, 1));
    return db;
}

// Keys that were put off are there for the first change: it replaces what it should.
static void test_the_first_change_makes_the_keys(void **state)
{
    (void)state;
    dbk_db *db = few_orders();
    dbk_error err;
    dbk_read read = dbk_read_begin(db);
    dbk_db *other = restored_rows(read.snapshot, true);
    dbk_read_end(db, &read);
    dbk_db_destroy(db);
    assert_int_equal(orders_count(other), 120);
    orders_apply(other, 100, 30, 3);
    dbk_db_publish(other, dbk_db_freeze(other, 2));
    assert_int_equal(orders_count(other), 130);
    assert_true(order_is_there(other, "order-0"));
    assert_true(order_is_there(other, "order-129"));
    assert_false(order_is_there(other, "order-130"));
    assert_int_equal(dbk_db_make_keys(other, &err), DBK_OK);
    dbk_db_destroy(other);
}

// A database with two live rows of one id cannot have come from us.
static void test_an_id_that_lives_twice_is_told(void **state)
{
    (void)state;
    dbk_db *db = few_orders(), *other;
    dbk_error err = {0};
    for (int put_off = 0; put_off < 2; put_off++) {
        dbk_read read = dbk_read_begin(db);
        assert_int_equal(dbk_db_create(&other, &err), DBK_OK);
        if (put_off)
            dbk_db_put_off_keys(other);
        for (int d = 1; d < DBK_DOMAIN_COUNT; d++)
            words_restore(read.snapshot, 0, (dbk_domain)d, other);
        for (size_t slot = 0; slot < 2; slot++) {
            dbk_image_prepared *prepared;
            assert_int_equal(
                dbk_image_prepare_segment(segment_copy(dbk_image_segment(read.snapshot, 0, DBK_ORDERS, 0)),
                                          NULL, &prepared, &err),
                DBK_OK);
            assert_int_equal(
                dbk_image_restore_segment(other, DBK_TEXT("t"), DBK_ORDERS, slot, prepared, &err), DBK_OK);
        }
        dbk_read_end(db, &read);
        assert_int_equal(dbk_image_restore_end(other, &err), put_off ? DBK_OK : DBK_CORRUPT);
        dbk_db_publish(other, dbk_db_freeze(other, 1));
        assert_int_equal(dbk_db_make_keys(other, &err), DBK_CORRUPT);
        assert_non_null(strstr(err.message, "lives twice"));
        // Reads go on, slowly and right; changes do not.
        assert_true(order_is_there(other, "order-7"));
        assert_false(order_is_there(other, "order-77"));
        dbk_batch b;
        dbk_apply_report report;
        orders_batch(&b, 500, 1, 1);
        assert_int_equal(dbk_db_apply(other, DBK_TEXT("t"), &b, &report, &err), DBK_CORRUPT);
        assert_non_null(strstr(err.message, "lives twice"));
        dbk_batch_dispose(&b);
        dbk_db_destroy(other);
    }
    dbk_db_destroy(db);
}

// Whoever makes keys can be told to stop; who looks for an id then finds it among the rows.
static void test_making_keys_can_be_stopped(void **state)
{
    (void)state;
    dbk_db *db = few_orders();
    dbk_error err;
    dbk_read read = dbk_read_begin(db);
    dbk_db *other = restored_rows(read.snapshot, true);
    dbk_read_end(db, &read);
    dbk_db_destroy(db);
    dbk_db_stop_making_keys(other);
    assert_int_equal(dbk_db_make_keys(other, &err), DBK_CANCELLED);
    assert_true(order_is_there(other, "order-119"));
    assert_false(order_is_there(other, "order-120"));
    dbk_db_destroy(other);
}

static void test_a_small_database_is_small(void **state)
{
    (void)state;
    dbk_db *db;
    dbk_error err;
    assert_int_equal(dbk_db_create(&db, &err), DBK_OK);
    uint64_t empty = dbk_db_memory(db);
    orders_apply(db, 0, 1, 5);
    dbk_db_publish(db, dbk_db_freeze(db, 1));
    assert_in_range(dbk_db_memory(db) - empty, 1, 16384);
    dbk_batch b;
    orders_batch(&b, 0, 1, 5);
    dbk_buffer bytes = {0};
    dbk_batch_encode(&b, &bytes);
    assert_in_range(bytes.size, 1, 200);
    dbk_buffer_dispose(&bytes);
    dbk_batch_dispose(&b);
    dbk_db_destroy(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_batches_with_tiny_segments),
        cmocka_unit_test(test_random_batches_with_larger_segments),
        cmocka_unit_test(test_many_orders_are_found),
        cmocka_unit_test(test_the_first_change_makes_the_keys),
        cmocka_unit_test(test_an_id_that_lives_twice_is_told),
        cmocka_unit_test(test_making_keys_can_be_stopped),
        cmocka_unit_test(test_a_small_database_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
