// SPDX-License-Identifier: Apache-2.0
// Watched rows: each that was stored is told once, in the order of the changes, with what stood there before,
// not before it is published; and again from the log after a crash.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "http/app/system_row.h"
#include "tests/support/seed.h"
#include "tests/unit/store/store_rows.h"

#include <pthread.h>

enum { CHANGES = 3000, IDS = 40 };

static const dbk_watch watches[] = {
    {.table = DBK_ORDERS, .where = "kind", .is = "pos", .column = "status"},
    {.table = DBK_PAYMENTS},
};
static const char *const tenants[] = {"acme", "bazar"};
static const char *const words[] = {"PENDING", "CONFIRMED", "COMPLETED", "CANCELLED"};

typedef struct told {
    dbk_table_id table;
    char tenant[16], id[16], before[16], after[16];
    bool was_there;
    uint64_t number;
} told;

typedef struct world {
    char path[64];
    dbk_store *store;
    pthread_mutex_t lock;
    told *rows;
    size_t count, expected_count;
    told *expected;
    uint64_t missing_to;
    bool was_early; // told before it could be read
} world;

static void copy_text(char out[16], dbk_text text)
{
    assert_true(text.length < 16);
    memset(out, 0, 16);
    if (text.length > 0)
        memcpy(out, text.data, text.length);
}

static void on_observed(void *user, const dbk_observed *observed)
{
    world *w = user;
    dbk_read read = dbk_read_begin(dbk_store_db(w->store));
    pthread_mutex_lock(&w->lock);
    if (w->missing_to < observed->missing_to)
        w->missing_to = observed->missing_to;
    for (size_t i = 0; i < observed->count; i++) {
        const dbk_watched_row *row = &observed->rows[i];
        told *out = &w->rows[w->count++];
        *out = (told){.table = row->table, .was_there = row->was_there, .number = row->number};
        copy_text(out->tenant, row->tenant);
        copy_text(out->id, (dbk_text){row->id, row->id_length});
        copy_text(out->before, row->before);
        copy_text(out->after, row->after);
        w->was_early |= dbk_snapshot_number(read.snapshot) < row->number;
    }
    pthread_mutex_unlock(&w->lock);
    dbk_read_end(dbk_store_db(w->store), &read);
}

static void open_store(world *w, const char *path)
{
    dbk_error err = {0};
    dbk_store_options options = {.directory = path, .create = true, .watches = watches, .watches_count = 2};
    if (dbk_store_open(&w->store, &options, &err) != DBK_OK)
        fail_msg("%s", err.message);
}

static int setup(void **state)
{
    world *w = calloc(1, sizeof(*w));
    strcpy(w->path, "/tmp/dbk-test-observe-XXXXXX");
    assert_non_null(mkdtemp(w->path));
    pthread_mutex_init(&w->lock, NULL);
    w->rows = calloc(4 * CHANGES, sizeof(*w->rows));
    w->expected = calloc(4 * CHANGES, sizeof(*w->expected));
    open_store(w, w->path);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    char command[160];
    dbk_store_close(w->store);
    snprintf(command, sizeof(command), "rm -rf '%s' '%s.copy'", w->path, w->path);
    int code = system(command);
    free(w->rows);
    free(w->expected);
    free(w);
    return code;
}

// ---- A model of what is stored ----

static int model[2][IDS]; // the word that stands there + 2; 0 = nothing

static void make_order(dbk_batch *batch, int id, bool is_ticket, int word)
{
    char name[16];
    snprintf(name, sizeof(name), "o%d", id);
    dbk_system_field fields[] = {
        {.column = "id", .text = dbk_text_from(name)},
        {.column = "created_at", .number = 1700000000000},
        {.column = "total", .number = 10000},
        {.column = "status", .text = dbk_text_from(words[word])},
        {.column = "kind", .text = is_ticket ? DBK_TEXT("pos") : DBK_TEXT("standard")},
    };
    dbk_error err = {0};
    if (dbk_system_row_build(batch, DBK_ORDERS, fields, DBK_COUNT(fields), false, &err) != DBK_OK)
        fail_msg("%s", err.message);
}

static void expect(world *w, int tenant, int id, bool is_ticket, int word)
{
    int before = model[tenant][id];
    model[tenant][id] = word + 2;
    if (!is_ticket)
        return;
    told *row = &w->expected[w->expected_count++];
    *row = (told){.table = DBK_ORDERS, .was_there = before != 0};
    snprintf(row->tenant, sizeof(row->tenant), "%s", tenants[tenant]);
    snprintf(row->id, sizeof(row->id), "o%d", id);
    snprintf(row->before, sizeof(row->before), "%s", before ? words[before - 2] : "");
    snprintf(row->after, sizeof(row->after), "%s", words[word]);
}

static pthread_mutex_t done_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done_changed = PTHREAD_COND_INITIALIZER;
static int done_count;

static void on_done(void *user, const dbk_change_result *result)
{
    (void)user;
    if (result->status != DBK_OK)
        abort(); // not on a thread that cmocka knows
    pthread_mutex_lock(&done_lock);
    done_count++;
    pthread_cond_signal(&done_changed);
    pthread_mutex_unlock(&done_lock);
}

// Hands over everything without waiting, so that groups of the log hold many changes.
static void change_at_random(world *w)
{
    dbk_random random = dbk_test_random("observe");
    dbk_batch *batches = calloc(CHANGES, sizeof(*batches));
    const dbk_batch **refs = calloc(CHANGES, sizeof(*refs));
    dbk_change *changes = calloc(CHANGES, sizeof(*changes));
    memset(model, 0, sizeof(model));
    done_count = 0;
    for (int i = 0; i < CHANGES; i++) {
        int tenant = (int)dbk_random_below(&random, 2), id = (int)dbk_random_below(&random, IDS),
            word = (int)dbk_random_below(&random, DBK_COUNT(words));
        bool is_ticket = dbk_random_below(&random, 4) != 0;
        make_order(&batches[i], id, is_ticket, word);
        expect(w, tenant, id, is_ticket, word);
        refs[i] = &batches[i];
        changes[i] =
            (dbk_change){.tenant = dbk_text_from(tenants[tenant]), .batches = &refs[i], .batches_count = 1};
        dbk_store_submit(w->store, &changes[i], on_done, NULL);
    }
    pthread_mutex_lock(&done_lock);
    while (done_count < CHANGES)
        pthread_cond_wait(&done_changed, &done_lock);
    pthread_mutex_unlock(&done_lock);
    for (int i = 0; i < CHANGES; i++)
        dbk_batch_dispose(&batches[i]);
    free(batches);
    free(refs);
    free(changes);
}

static void assert_told(world *w, size_t from)
{
    assert_int_equal(w->count, w->expected_count - from);
    for (size_t i = 0; i < w->count; i++) {
        const told *is = &w->rows[i], *should = &w->expected[from + i];
        assert_int_equal(is->table, should->table);
        assert_string_equal(is->tenant, should->tenant);
        assert_string_equal(is->id, should->id);
        assert_int_equal(is->was_there, should->was_there);
        assert_string_equal(is->before, should->before);
        assert_string_equal(is->after, should->after);
        assert_true(i == 0 || is->number > w->rows[i - 1].number);
    }
    assert_false(w->was_early);
}

static void test_each_row_once_in_order(void **state)
{
    world *w = *state;
    dbk_store_observe(w->store, on_observed, w);
    assert_int_equal(w->missing_to, 0);
    change_at_random(w);
    assert_told(w, 0);
    assert_int_equal(w->missing_to, 0);
}

static void test_the_last_row_of_a_change(void **state)
{
    world *w = *state;
    dbk_batch first = {0}, payment = {0};
    dbk_error err = {0};
    dbk_store_observe(w->store, on_observed, w);
    make_order(&first, 1, true, 0);
    dbk_system_field fields[] = {{.column = "id", .text = DBK_TEXT("p1")},
                                 {.column = "created_at", .number = 1700000000000},
                                 {.column = "amount", .number = 10000}};
    assert_int_equal(dbk_system_row_build(&payment, DBK_PAYMENTS, fields, 3, false, &err), DBK_OK);
    const dbk_batch *batches[] = {&first, &payment};
    assert_int_equal(dbk_system_rows_write(w->store, dbk_text_from("acme"), batches, 2, &err), DBK_OK);
    assert_int_equal(w->count, 2);
    assert_int_equal(w->rows[1].table, DBK_PAYMENTS);
    assert_string_equal(w->rows[1].id, "p1");
    assert_int_equal(w->rows[0].number, w->rows[1].number);
    dbk_batch_dispose(&first);
    dbk_batch_dispose(&payment);
}

// A copy of the directory is what a crash would leave.
static void crash(world *w)
{
    char command[200];
    snprintf(command, sizeof(command), "cp -r '%s' '%s.copy'", w->path, w->path);
    assert_int_equal(system(command), 0);
    dbk_store_close(w->store);
    snprintf(command, sizeof(command), "%s.copy", w->path);
    w->count = 0;
    open_store(w, command);
}

static void test_the_log_is_told_after_a_crash(void **state)
{
    world *w = *state;
    change_at_random(w);
    crash(w);
    dbk_store_observe(w->store, on_observed, w);
    assert_int_equal(w->missing_to, 0);
    assert_told(w, 0);
}

static void test_what_was_checkpointed_is_missing(void **state)
{
    world *w = *state;
    dbk_error err = {0};
    change_at_random(w);
    assert_int_equal(dbk_store_checkpoint(w->store, &err), DBK_OK);
    dbk_batch row = {0};
    const dbk_batch *rows[] = {&row};
    make_order(&row, 7, true, 1);
    size_t from = w->expected_count;
    expect(w, 0, 7, true, 1);
    assert_int_equal(dbk_system_rows_write(w->store, dbk_text_from("acme"), rows, 1, &err), DBK_OK);
    dbk_batch_dispose(&row);
    crash(w);
    dbk_store_observe(w->store, on_observed, w);
    assert_int_equal(w->missing_to, CHANGES);
    assert_told(w, from);
    assert_int_equal(w->rows[0].number, CHANGES + 1);
}

static void test_nobody_is_told_any_more(void **state)
{
    world *w = *state;
    dbk_store_observe(w->store, on_observed, w);
    dbk_store_observe(w->store, NULL, NULL);
    change_at_random(w);
    assert_int_equal(w->count, 0);
    // Who comes later hears that it missed something.
    dbk_store_observe(w->store, on_observed, w);
    assert_int_equal(w->count, 0);
    assert_true(w->missing_to > 0 && w->missing_to <= CHANGES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_row_once_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_last_row_of_a_change, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_log_is_told_after_a_crash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_checkpointed_is_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_is_told_any_more, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
