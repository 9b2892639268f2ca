// SPDX-License-Identifier: Apache-2.0
// A store with its threads, given less memory than its texts need: readers, writers, the sweep and
// checkpoints at the same time, and refusals only when what cannot stay on disk does not fit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "engine/table/state.h"
#include "http/app/row_batch.h"
#include "ingest/store/bulk.h"
#include "ingest/store/store_state.h"
#include "tests/support/directory.h"
#include "tests/support/seed.h"

enum { BATCH = 1000, NOTES = 400, READERS = 3, SEGMENT = 4096 };
static const dbk_text shop = {"shop", 4};

typedef struct directory {
    char path[64];
} directory;

static int make_directory(void **state)
{
    directory *d = calloc(1, sizeof(*d));
    strcpy(d->path, "/tmp/dbk-test-cold-XXXXXX");
    *state = d;
    return mkdtemp(d->path) ? 0 : -1;
}

static int remove_directory(void **state)
{
    directory *d = *state;
    dbk_test_directory_remove(d->path);
    free(d);
    return 0;
}

// What an order's notes are follows from its id alone: bytes that do not shrink.
static dbk_text notes_of(unsigned id, char room[NOTES])
{
    dbk_random random = dbk_random_seed(id * 2654435761u + 1);
    for (int i = 0; i < NOTES; i++)
        room[i] = (char)(' ' + dbk_random_below(&random, 95));
    return (dbk_text){room, NOTES};
}

static dbk_text id_of(unsigned id, char room[32])
{
    return (dbk_text){room, (uint32_t)snprintf(room, 32, "order-%u", id)};
}

static void make_orders(dbk_batch *batch, unsigned first, unsigned count)
{
    char id[32], notes[NOTES];
    assert_int_equal(dbk_row_batch_init(batch, DBK_ORDERS, count, NULL), DBK_OK);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(dbk_row_batch_text(batch, i, "id", id_of(first + i, id), NULL), DBK_OK);
        assert_int_equal(dbk_row_batch_text(batch, i, "notes", notes_of(first + i, notes), NULL), DBK_OK);
        assert_int_equal(dbk_row_batch_text(batch, i, "status", DBK_TEXT("DELIVERED"), NULL), DBK_OK);
        dbk_row_batch_int(batch, i, "created_at", 1700000000000 + (int64_t)(first + i) * 1000);
        dbk_row_batch_int(batch, i, "total", 10000);
    }
}

static dbk_status write_orders(dbk_store *store, unsigned first, unsigned count, bool remove, dbk_error *err)
{
    dbk_batch batch;
    make_orders(&batch, first, count);
    batch.remove = remove;
    const dbk_batch *batches[] = {&batch};
    const dbk_change change = {shop, batches, 1};
    dbk_status status = dbk_store_write(store, &change, NULL, err);
    dbk_batch_dispose(&batch);
    return status;
}

typedef struct answer {
    bool found;
    char wrong[400]; // "": nothing
} answer;

// An order by its key: there, or not there yet, and with its own notes. Any thread.
static answer ask_order(dbk_db *db, unsigned id)
{
    static const char *const fields[] = {"id", "notes"};
    char room[32], notes[NOTES];
    const dbk_value key = {.kind = DBK_VALUE_TEXT, .text = id_of(id, room)};
    const dbk_filter filter = {"id", DBK_OP_EQ, &key, 1};
    const dbk_query query = {.table = "orders",
                             .from_ms = DBK_TIME_OPEN_FROM,
                             .to_ms = DBK_TIME_OPEN_TO,
                             .filters = &filter,
                             .filters_count = 1,
                             .fields = fields,
                             .fields_count = 2};
    dbk_read read = dbk_read_begin(db);
    dbk_result *result = NULL;
    dbk_error err = {0};
    answer a = {0};
    if (dbk_query_run(read.snapshot, shop, &query, &result, &err) != DBK_OK)
        snprintf(a.wrong, sizeof a.wrong, "order %u: %.350s", id, err.message);
    else
        a.found = dbk_result_rows(result) == 1;
    if (a.found && (!dbk_text_equal(dbk_result_text(result, 0, 0), key.text) ||
                    !dbk_text_equal(dbk_result_text(result, 0, 1), notes_of(id, notes))))
        snprintf(a.wrong, sizeof a.wrong, "order %u has other texts", id);
    dbk_result_free(result);
    dbk_read_end(db, &read);
    return a;
}

static bool read_order(dbk_db *db, unsigned id)
{
    answer a = ask_order(db, id);
    assert_string_equal(a.wrong, "");
    return a.found;
}

typedef struct reader {
    dbk_db *db;
    _Atomic unsigned *written;
    _Atomic bool *over;
    uint64_t seed;
    _Atomic unsigned found;
    _Atomic bool has_failed;
    char wrong[400];
} reader;

static void *run_reader(void *user)
{
    reader *r = user;
    dbk_random random = dbk_random_seed(r->seed);
    while (!atomic_load(r->over) && !atomic_load(&r->has_failed)) {
        unsigned bound = atomic_load(r->written);
        if (bound == 0)
            continue;
        const unsigned id = (unsigned)dbk_random_below(&random, bound);
        const answer a = ask_order(r->db, id);
        memcpy(r->wrong, a.wrong, sizeof r->wrong);
        if (!a.found && !a.wrong[0])
            snprintf(r->wrong, sizeof r->wrong, "order %u is missing", id);
        atomic_store(&r->has_failed, r->wrong[0] != 0);
        atomic_fetch_add(&r->found, 1);
    }
    return NULL;
}

// Until each has read twice: who began before is done by then, and holds on to nothing that was replaced.
static void wait_for_readers(reader *readers)
{
    for (int i = 0; i < READERS; i++) {
        unsigned before = atomic_load(&readers[i].found);
        while (atomic_load(&readers[i].found) < before + 2 && !atomic_load(&readers[i].has_failed))
            sched_yield();
    }
}

static dbk_store *open_unlogged(const char *path, uint64_t memory, bool unlogged)
{
    const dbk_store_options options = {.directory = path,
                                       .create = true,
                                       .memory_bytes = memory,
                                       .log_file_bytes = 8 << 20,
                                       .unlogged = unlogged};
    dbk_store *store;
    dbk_error err = {0};
    if (dbk_store_open(&store, &options, &err) != DBK_OK)
        fail_msg("%s", err.message);
    dbk_db_set_segment_rows(dbk_store_db(store), SEGMENT);
    return store;
}

static dbk_store *open_store(const char *path, uint64_t memory)
{
    return open_unlogged(path, memory, false);
}

// When the housekeeper has done all that it was asked for.
static dbk_store_figures figures_at_rest(dbk_store *store)
{
    dbk_store_figures figures;
    pthread_mutex_lock(&store->mutex);
    while (store->room_made != store->room_wanted || store->checkpoints_done != store->checkpoints_wanted)
        pthread_cond_wait(&store->changed, &store->mutex);
    pthread_mutex_unlock(&store->mutex);
    dbk_store_figures_read(store, &figures);
    return figures;
}

static void test_more_texts_than_memory(void **state)
{
    enum { ORDERS = 60000, MEMORY = 14 << 20 };
    const directory *d = *state;
    dbk_random random = dbk_test_random("more texts than memory");
    dbk_store *store = open_store(d->path, MEMORY);
    _Atomic unsigned written = 0;
    _Atomic bool over = false;
    pthread_t threads[READERS];
    reader readers[READERS] = {0};
    for (int i = 0; i < READERS; i++) {
        readers[i].db = dbk_store_db(store);
        readers[i].written = &written;
        readers[i].over = &over;
        readers[i].seed = dbk_random_u64(&random);
        assert_int_equal(pthread_create(&threads[i], NULL, run_reader, &readers[i]), 0);
    }
    dbk_error err = {0};
    dbk_status status = DBK_OK;
    for (unsigned first = 0; first < ORDERS && status == DBK_OK; first += BATCH) {
        status = write_orders(store, first, BATCH, false, &err);
        if (status != DBK_OK)
            break;
        atomic_store(&written, first + BATCH);
        wait_for_readers(readers);
        // Some again: their keys are compared with ids that may be on disk.
        unsigned again = (unsigned)dbk_random_below(&random, first + BATCH - 100);
        status = write_orders(store, again, 100, false, &err);
    }
    atomic_store(&over, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_string_equal(status == DBK_OK ? "" : err.message, "");
    for (int i = 0; i < READERS; i++) {
        assert_string_equal(readers[i].wrong, "");
        assert_true(readers[i].found > 0);
    }
    // A change is taken while the budget is not used up, and what is being read stays: with neither, all is
    // below.
    assert_int_equal(write_orders(store, 0, 1, false, &err), DBK_OK);
    dbk_store_figures figures = figures_at_rest(store);
    assert_true(figures.memory_bytes <= MEMORY);
    assert_true(figures.cold.on_disk_bytes > (uint64_t)ORDERS * NOTES / 2);
    assert_true(figures.cold.misses > 0);
    assert_int_equal(figures.cold.failures, 0);
    dbk_store_close(store);

    store = open_store(d->path, MEMORY);
    figures = figures_at_rest(store);
    assert_true(figures.memory_bytes <= MEMORY);
    for (unsigned id = 0; id < ORDERS; id += 1 + (unsigned)dbk_random_below(&random, 200))
        assert_true(read_order(dbk_store_db(store), id));
    assert_false(read_order(dbk_store_db(store), ORDERS));
    dbk_store_close(store);
    dbk_check_report report;
    assert_int_equal(dbk_store_check(d->path, NULL, NULL, &report, &err), DBK_OK);
    assert_int_equal(report.problems, 0);
}

static void forget_batch(void *user, const dbk_change_result *result)
{
    if (result->status != DBK_OK)
        fail_msg("%s", result->message);
    dbk_batch_dispose(user);
    free(user);
}

// Each batch brings some of the one before again, whose ids may be on disk by then.
static void load_orders(dbk_store *store, unsigned count)
{
    enum { ROWS = 4000, AGAIN = 50 };
    dbk_store_bulk *load;
    dbk_error err = {0};
    assert_int_equal(dbk_store_bulk_begin(&load, store, shop, &err), DBK_OK);
    for (unsigned first = 0; first < count; first += ROWS) {
        dbk_batch *batch = malloc(sizeof *batch);
        dbk_bulk *prepared;
        make_orders(batch, first < AGAIN ? 0 : first - AGAIN, first < AGAIN ? ROWS : ROWS + AGAIN);
        assert_int_equal(dbk_bulk_prepare(batch, 1, &prepared), DBK_OK);
        assert_non_null(prepared);
        dbk_store_bulk_store(load, batch, prepared, forget_batch, batch);
    }
    if (dbk_store_bulk_end(load, false, &err) != DBK_OK)
        fail_msg("%s", err.message);
}

static void test_a_load_of_more_texts_than_memory(void **state)
{
    enum { ORDERS = 60000, MEMORY = 14 << 20 };
    const directory *d = *state;
    dbk_random random = dbk_test_random("a load of more texts than memory");
    dbk_store *store = open_unlogged(d->path, MEMORY, true);
    for (int again = 0; again < 2; again++) {
        load_orders(store, ORDERS);
        dbk_store_figures figures;
        dbk_store_figures_read(store, &figures);
        assert_true(figures.memory_bytes <= MEMORY);
        assert_true(figures.cold.on_disk_bytes > (uint64_t)ORDERS * NOTES / 3);
        assert_int_equal(figures.cold.waiting_bytes, 0);
        assert_int_equal(figures.cold.failures, 0);
        for (unsigned id = 0; id < ORDERS; id += 1 + (unsigned)dbk_random_below(&random, 200))
            assert_true(read_order(dbk_store_db(store), id));
        assert_false(read_order(dbk_store_db(store), ORDERS));
    }
    dbk_store_close(store);
    store = open_store(d->path, MEMORY);
    assert_true(read_order(dbk_store_db(store), ORDERS - 1));
    dbk_store_close(store);
    dbk_check_report report;
    dbk_error err = {0};
    assert_int_equal(dbk_store_check(d->path, NULL, NULL, &report, &err), DBK_OK);
    assert_int_equal(report.problems, 0);
}

// A load begins when the housekeeper is done with what it was asked for before: the two would meet in the
// working state and in the manifest.
static void test_a_load_begins_when_all_is_at_rest(void **state)
{
    enum { TIMES = 8 };
    const directory *d = *state;
    dbk_store *store = open_unlogged(d->path, 64 << 20, true);
    for (unsigned i = 0; i < TIMES; i++) {
        dbk_store_bulk *load;
        dbk_error err = {0};
        assert_int_equal(write_orders(store, i * BATCH, BATCH, false, &err), DBK_OK);
        pthread_mutex_lock(&store->mutex);
        const uint64_t checkpoint = ++store->checkpoints_wanted, room = ++store->room_wanted;
        pthread_cond_signal(&store->chores);
        pthread_mutex_unlock(&store->mutex);
        assert_int_equal(dbk_store_bulk_begin(&load, store, shop, &err), DBK_OK);
        pthread_mutex_lock(&store->mutex);
        const bool is_at_rest = store->checkpoints_done >= checkpoint && store->room_made >= room;
        pthread_mutex_unlock(&store->mutex);
        assert_int_equal(dbk_store_bulk_end(load, false, &err), DBK_OK);
        assert_true(is_at_rest);
    }
    dbk_store_close(store);
}

static void test_refused_when_nothing_more_can_leave(void **state)
{
    enum { MEMORY = 9 << 20, MOST = 1000000 };
    const directory *d = *state;
    dbk_store *store = open_store(d->path, MEMORY);
    dbk_error err = {0};
    unsigned stored = 0;
    dbk_status status = DBK_OK;
    while (stored < MOST && (status = write_orders(store, stored, BATCH, false, &err)) == DBK_OK)
        stored += BATCH;
    assert_int_equal(status, DBK_NO_SPACE);
    dbk_store_figures figures;
    dbk_store_figures_read(store, &figures);
    // Far more is stored than would fit, nearly all texts have left, and nothing is lost.
    assert_true((uint64_t)stored * NOTES > 2 * (uint64_t)MEMORY);
    assert_true(figures.cold.resident_bytes + figures.cold.waiting_bytes < MEMORY / 4);
    assert_int_equal(write_orders(store, stored, BATCH, false, &err), DBK_NO_SPACE);
    assert_false(figures.read_only);
    for (unsigned id = 0; id < stored; id += 97)
        assert_true(read_order(dbk_store_db(store), id));
    assert_false(read_order(dbk_store_db(store), stored));
    dbk_store_close(store);
    store = open_store(d->path, 8 * (uint64_t)MEMORY);
    assert_int_equal(write_orders(store, stored, BATCH, false, &err), DBK_OK);
    dbk_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_more_texts_than_memory, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_a_load_of_more_texts_than_memory, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(test_a_load_begins_when_all_is_at_rest, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(test_refused_when_nothing_more_can_leave, make_directory,
                                        remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
