// SPDX-License-Identifier: Apache-2.0
// The store with its threads on real files, through both backends.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingest/store/files.h"
#include "tests/support/directory.h"
#include "tests/support/seed.h"
#include "tests/unit/store/store_rows.h"

static const dbk_text acme = {"acme", 4}, other = {"other", 5};

typedef struct directory {
    char path[64];
} directory;

static int make_directory(void **state)
{
    directory *d = calloc(1, sizeof(*d));
    strcpy(d->path, "/tmp/dbk-test-store-XXXXXX");
    if (!mkdtemp(d->path))
        return -1;
    *state = d;
    return 0;
}

static int remove_directory(void **state)
{
    directory *d = *state;
    dbk_test_directory_remove(d->path);
    free(d);
    return 0;
}

static int with_posix(void **state)
{
    setenv("DAYBOOK_IO", "posix", 1);
    return make_directory(state);
}

// Where the kernel forbids io_uring the tests run on what daybook itself would take.
static int with_any(void **state)
{
    unsetenv("DAYBOOK_IO");
    return make_directory(state);
}

static dbk_store *open_store(const char *path, uint64_t log_file_bytes, uint64_t checkpoint_bytes)
{
    dbk_store_options options = {
        .directory = path, .log_file_bytes = log_file_bytes, .checkpoint_bytes = checkpoint_bytes};
    dbk_store *store;
    dbk_error err = {0};
    if (dbk_store_open(&store, &options, &err) != DBK_OK)
        fail_msg("%s", err.message);
    return store;
}

static dbk_status write_orders(dbk_store *store, dbk_text tenant, unsigned first, unsigned count,
                               int64_t total, dbk_error *err)
{
    dbk_batch batch;
    make_orders(&batch, count);
    for (unsigned i = 0; i < count; i++)
        set_order(&batch, i, first + i, total + i);
    const dbk_batch *batches[] = {&batch};
    dbk_change change = {tenant, batches, 1};
    dbk_apply_report report;
    dbk_status status = dbk_store_write(store, &change, &report, err);
    if (status == DBK_OK)
        assert_int_equal(report.stored + report.rejected_count, count);
    free(report.rejected_rows);
    dbk_batch_dispose(&batch);
    return status;
}

static void assert_check_is_clean(const char *path)
{
    dbk_check_report report;
    dbk_error err = {0};
    if (dbk_store_check(path, NULL, NULL, &report, &err) != DBK_OK)
        fail_msg("%s", err.message);
    assert_int_equal(report.problems, 0);
    assert_true(report.files > 0 && report.bytes > 0);
}

// Large files are loaded so: rows are written once, into segments.
static void without_a_log_a_checkpoint_keeps_what_was_loaded(void **state)
{
    directory *d = *state;
    uint64_t want = 0;
    dbk_error err = {0};
    for (int round = 0; round < 6; round++) {
        bool unlogged = round % 3 < 2;
        dbk_store_options options = {.directory = d->path,
                                     .log_file_bytes = 32768,
                                     .unlogged = unlogged,
                                     .checkpoint_bytes = round ? 65536 : 0};
        dbk_store *store;
        if (dbk_store_open(&store, &options, &err) != DBK_OK)
            fail_msg("%s", err.message);
        if (round)
            assert_true(digest_of(dbk_store_db(store)) == want);
        assert_int_equal(dbk_store_is_unlogged(store), unlogged);
        for (unsigned i = 0; i < 30; i++)
            if (write_orders(store, acme, 1000 * (unsigned)round + i * 50, 100, i, &err) != DBK_OK)
                fail_msg("%s", err.message);
        if (dbk_store_checkpoint(store, &err) != DBK_OK)
            fail_msg("%s", err.message);
        want = digest_of(dbk_store_db(store));
        dbk_store_figures figures;
        dbk_store_figures_read(store, &figures);
        assert_int_equal(figures.changes, 30);
        assert_true((figures.log_bytes == 0) == unlogged);
        assert_true(figures.checkpoints > 0);
        dbk_store_close(store);
        assert_check_is_clean(d->path);
    }
}

static void what_was_acknowledged_is_there_after_reopening(void **state)
{
    directory *d = *state;
    dbk_random random = dbk_test_random(__func__);
    uint64_t want = 0;
    for (int round = 0; round < 5; round++) {
        // Small log files, and in some rounds checkpoints that start by themselves.
        dbk_store *store = open_store(d->path, 32768, round % 2 ? 65536 : 0);
        if (round)
            assert_true(digest_of(dbk_store_db(store)) == want);
        for (int i = 0; i < 40; i++) {
            dbk_error err = {0};
            if (write_orders(store, i % 3 ? acme : other, (unsigned)dbk_random_below(&random, 3000),
                             1 + (unsigned)dbk_random_below(&random, 200),
                             (int64_t)dbk_random_below(&random, 1000), &err) != DBK_OK)
                fail_msg("%s", err.message);
        }
        dbk_error err = {0};
        if (round == 3 && dbk_store_checkpoint(store, &err) != DBK_OK)
            fail_msg("%s", err.message);
        want = digest_of(dbk_store_db(store));
        dbk_store_figures figures;
        dbk_store_figures_read(store, &figures);
        assert_int_equal(figures.changes, 40);
        assert_true(figures.groups >= 1 && figures.groups <= 40 && !figures.read_only);
        dbk_store_close(store);
        assert_check_is_clean(d->path);
    }
}

// ---- A failure of the housekeeper's ----

// Each change is answered only when the next was handed over, so the writer never waits for work.
typedef struct chain {
    dbk_store *store;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool wants_next, is_over;
    dbk_status status;
    int late; // changes acknowledged after the store had turned read-only
} chain;

static void on_link(void *user, const dbk_change_result *result)
{
    chain *c = user;
    dbk_store_figures figures;
    dbk_store_figures_read(c->store, &figures);
    pthread_mutex_lock(&c->mutex);
    c->status = result->status;
    c->late += result->status == DBK_OK && figures.read_only;
    c->is_over = result->status != DBK_OK || c->late == 10;
    c->wants_next = !c->is_over;
    pthread_cond_broadcast(&c->changed);
    while (c->wants_next)
        pthread_cond_wait(&c->changed, &c->mutex);
    pthread_mutex_unlock(&c->mutex);
}

static void run_chain(chain *c, const dbk_change *change)
{
    dbk_store_submit(c->store, change, on_link, c);
    for (;;) {
        pthread_mutex_lock(&c->mutex);
        while (!c->wants_next && !c->is_over)
            pthread_cond_wait(&c->changed, &c->mutex);
        bool is_over = c->is_over;
        pthread_mutex_unlock(&c->mutex);
        if (is_over)
            return;
        dbk_store_submit(c->store, change, on_link, c);
        pthread_mutex_lock(&c->mutex);
        c->wants_next = false;
        pthread_cond_broadcast(&c->changed);
        pthread_mutex_unlock(&c->mutex);
    }
}

static void a_failed_checkpoint_ends_the_writing_under_load(void **state)
{
    directory *d = *state;
    dbk_store *store = open_store(d->path, 0, 65536);
    char blocked[128]; // the next manifest, which cannot be made where a directory stands
    snprintf(blocked, sizeof(blocked), "%s/%s", d->path, dbk_file_name_make(DBK_FILE_MANIFEST, 2).text);
    assert_int_equal(mkdir(blocked, 0700), 0);
    dbk_batch batch;
    make_orders(&batch, 1);
    set_order(&batch, 0, 1, 1);
    const dbk_batch *batches[] = {&batch};
    dbk_change change = {acme, batches, 1};
    chain c = {.store = store, .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    run_chain(&c, &change);
    assert_int_equal(c.status, DBK_READ_ONLY);
    // The group whose sync ran at that moment is whole.
    assert_true(c.late <= 1);
    dbk_store_close(store);
    dbk_batch_dispose(&batch);
    rmdir(blocked);
}

// Enough rows for sealed segments, some of them replaced: segment, dictionary and state files at once.
static void sealed_segments_and_dead_rows_come_back(void **state)
{
    directory *d = *state;
    dbk_store *store = open_store(d->path, 0, 0);
    dbk_error err = {0};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(write_orders(store, acme, i * 60000, 60000, 1, &err), DBK_OK);
    assert_int_equal(dbk_store_checkpoint(store, &err), DBK_OK);
    assert_int_equal(write_orders(store, acme, 30000, 50000, 7, &err), DBK_OK);
    assert_int_equal(dbk_store_checkpoint(store, &err), DBK_OK);
    assert_int_equal(write_orders(store, acme, 70000, 10, 9, &err), DBK_OK);
    assert_int_equal(orders_of(dbk_store_db(store), acme), 180000);
    dbk_store_figures figures;
    dbk_store_figures_read(store, &figures);
    assert_true(figures.checkpoints == 2 && figures.segments_written >= 2);
    uint64_t want = digest_of(dbk_store_db(store));
    dbk_store_close(store);
    assert_check_is_clean(d->path);
    store = open_store(d->path, 0, 0);
    assert_true(digest_of(dbk_store_db(store)) == want);
    dbk_store_close(store);
}

static void copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert_true(in && out);
    char buffer[65536];
    for (size_t n; (n = fread(buffer, 1, sizeof(buffer), in)) > 0;)
        assert_int_equal(fwrite(buffer, 1, n, out), n);
    fclose(in);
    fclose(out);
}

#define DIRECTORY_NAME "/tmp/dbk-test-store-XXXXXX"
static void copy_directory(const char *path, char *copy)
{
    char from[512], to[512];
    assert_non_null(mkdtemp(copy));
    DIR *stream = opendir(path);
    for (struct dirent *e; (e = readdir(stream)) != NULL;) {
        snprintf(from, sizeof(from), "%s/%s", path, e->d_name);
        snprintf(to, sizeof(to), "%s/%s", copy, e->d_name);
        if (e->d_name[0] != '.')
            copy_file(from, to);
    }
    closedir(stream);
}

// What a killed process leaves: a copy of the directory while the store is open.
static void a_killed_process_loses_nothing_acknowledged(void **state)
{
    directory *d = *state;
    dbk_store *store = open_store(d->path, 65536, 0);
    dbk_error err = {0};
    for (unsigned i = 0; i < 60; i++) {
        assert_int_equal(write_orders(store, acme, i * 7, 20, i, &err), DBK_OK);
        if (i == 30)
            assert_int_equal(dbk_store_checkpoint(store, &err), DBK_OK);
    }
    uint64_t want = digest_of(dbk_store_db(store));
    char copy[] = DIRECTORY_NAME;
    copy_directory(d->path, copy);
    assert_check_is_clean(copy);
    dbk_store *again = open_store(copy, 65536, 0);
    assert_true(digest_of(dbk_store_db(again)) == want);
    dbk_store_close(again);
    dbk_store_close(store);
    dbk_test_directory_empty(copy);
    rmdir(copy);
}

// ---- Many at once ----

typedef struct submitter {
    dbk_store *store;
    unsigned index;
    uint64_t last_number;
    pthread_t thread;
} submitter;

enum { SUBMITTERS = 4, WRITES = 150, OWN_IDS = 1000 };

// Each writes orders of its own; the last write of an id decides. After each answer the rows must be visible.
static void *submit_many(void *user)
{
    submitter *s = user;
    for (unsigned i = 0; i < WRITES; i++) {
        dbk_error err = {0};
        if (write_orders(s->store, acme, s->index * OWN_IDS + i, 3, 1000 * i, &err) != DBK_OK)
            return err.message[0] ? "a write failed" : "?";
        dbk_read read = dbk_read_begin(dbk_store_db(s->store));
        uint64_t number = dbk_snapshot_number(read.snapshot);
        const dbk_table_view *orders = dbk_tenant_table(dbk_snapshot_tenant(read.snapshot, acme), DBK_ORDERS);
        char id[32];
        int length = snprintf(id, sizeof(id), "order-%u", s->index * OWN_IDS + i + 2);
        bool found = false;
        dbk_locator at;
        dbk_status status = dbk_view_find_id(orders, (dbk_text){id, (uint32_t)length}, &found, &at);
        dbk_read_end(dbk_store_db(s->store), &read);
        if (status != DBK_OK || !found || number < s->last_number + 1)
            return "an acknowledged row is not visible";
        s->last_number = number;
    }
    return NULL;
}

static void concurrent_submitters_are_all_stored(void **state)
{
    directory *d = *state;
    dbk_store *store = open_store(d->path, 65536, 200000);
    submitter submitters[SUBMITTERS];
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        submitters[i] = (submitter){.store = store, .index = i};
        assert_int_equal(pthread_create(&submitters[i].thread, NULL, submit_many, &submitters[i]), 0);
    }
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        void *complaint;
        pthread_join(submitters[i].thread, &complaint);
        if (complaint)
            fail_msg("%s", (char *)complaint);
    }
    assert_int_equal(orders_of(dbk_store_db(store), acme), SUBMITTERS * (WRITES + 2));
    dbk_store_figures figures;
    dbk_store_figures_read(store, &figures);
    assert_int_equal(figures.changes, SUBMITTERS * WRITES);
    uint64_t got = digest_of(dbk_store_db(store));
    dbk_store_close(store);
    assert_check_is_clean(d->path);

    // The oracle: the same writes, one submitter after the other. Ids do not overlap, so the rows are the
    // same.
    dbk_test_directory_empty(d->path);
    store = open_store(d->path, 0, 0);
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        submitter alone = {.store = store, .index = i};
        assert_null(submit_many(&alone));
    }
    assert_true(digest_of(dbk_store_db(store)) == got);
    dbk_store_close(store);
}

// ---- Refusals ----

static void a_directory_is_opened_once(void **state)
{
    directory *d = *state;
    dbk_store *store = open_store(d->path, 65536, 0), *second;
    dbk_store_options options = {.directory = d->path};
    dbk_error err = {0};
    assert_int_equal(dbk_store_open(&second, &options, &err), DBK_BUSY);
    assert_non_null(strstr(err.message, d->path));
    dbk_check_report report;
    assert_int_equal(dbk_store_check(d->path, NULL, NULL, &report, &err), DBK_BUSY);
    dbk_store_close(store);
    assert_int_equal(dbk_store_check(d->path, NULL, NULL, &report, &err), DBK_OK);
    dbk_store_close(open_store(d->path, 65536, 0));
    options.directory = "/nonexistent/daybook";
    assert_int_not_equal(dbk_store_open(&second, &options, &err), DBK_OK);
}

static void past_the_memory_budget_changes_are_refused(void **state)
{
    directory *d = *state;
    dbk_store_options options = {.directory = d->path, .memory_bytes = 1, .log_file_bytes = 65536};
    dbk_store *store;
    dbk_error err = {0};
    assert_int_equal(dbk_store_open(&store, &options, &err), DBK_OK);
    dbk_status status = DBK_OK;
    for (unsigned i = 0; i < 100 && status == DBK_OK; i++)
        status = write_orders(store, acme, i * 100, 100, 1, &err);
    assert_int_equal(status, DBK_NO_SPACE);
    assert_int_equal(write_orders(store, (dbk_text){"no/tenant", 9}, 0, 1, 1, &err), DBK_INVALID);
    uint64_t want = digest_of(dbk_store_db(store));
    dbk_store_close(store);
    store = open_store(d->path, 65536, 0);
    assert_true(digest_of(dbk_store_db(store)) == want);
    assert_int_equal(write_orders(store, acme, 0, 1, 1, &err), DBK_OK);
    dbk_store_close(store);
}

// Orders and their amounts by status and day; from a rollup, or from the rows.
static uint64_t sums_of(dbk_db *db, bool from_rows)
{
    static const dbk_bucket day = {.unit = DBK_UNIT_DAY, .count = 1};
    static const dbk_group_key keys[] = {{"created_at", &day}, {"status", NULL}};
    static const dbk_aggregate aggregates[] = {{DBK_COUNT_ROWS, NULL}, {DBK_SUM, "total"}};
    static const dbk_order order[] = {{0, false}, {1, false}};
    dbk_query query = {.table = "orders",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .keys = keys,
                       .keys_count = 2,
                       .aggregates = aggregates,
                       .aggregates_count = 2,
                       .order = order,
                       .order_count = 2,
                       .from_rows = from_rows};
    dbk_result *result;
    dbk_error err;
    dbk_read read = dbk_read_begin(db);
    assert_int_equal(dbk_query_run(read.snapshot, acme, &query, &result, &err), DBK_OK);
    dbk_read_end(db, &read);
    assert_true((dbk_result_statistics(result).rollup_buckets > 0) != from_rows);
    uint64_t h = dbk_result_rows(result);
    assert_true(h > 5);
    for (size_t row = 0; row < dbk_result_rows(result); row++) {
        h = mix_text(mix(h, (uint64_t)dbk_result_int(result, row, 0)), dbk_result_text(result, row, 1));
        h = mix(mix(h, (uint64_t)dbk_result_int(result, row, 2)), (uint64_t)dbk_result_sum(result, row, 3));
    }
    dbk_result_free(result);
    return h;
}

static void rollups_are_those_of_the_rows_after_reopening(void **state)
{
    directory *d = *state;
    dbk_error err = {0};
    dbk_store *store = open_store(d->path, 0, 0);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(write_orders(store, acme, i * 4000, 4000, i, &err), DBK_OK);
    assert_int_equal(dbk_store_checkpoint(store, &err), DBK_OK);
    // Replaced and new ones, in the log alone when the directory is copied.
    assert_int_equal(write_orders(store, acme, 3000, 5000, 7, &err), DBK_OK);
    assert_int_equal(write_orders(store, acme, 19000, 2000, 1, &err), DBK_OK);
    uint64_t want = sums_of(dbk_store_db(store), false);
    assert_true(sums_of(dbk_store_db(store), true) == want);
    char copy[] = DIRECTORY_NAME;
    copy_directory(d->path, copy);
    dbk_store_close(store);
    assert_check_is_clean(copy);
    store = open_store(copy, 0, 0);
    assert_true(sums_of(dbk_store_db(store), true) == want);
    // The writer makes rollups before it takes the first change.
    assert_int_equal(write_orders(store, other, 0, 1, 0, &err), DBK_OK);
    assert_true(sums_of(dbk_store_db(store), false) == want);
    dbk_store_close(store);
    dbk_test_directory_empty(copy);
    rmdir(copy);
    assert_check_is_clean(d->path);
}

// ---- While keys are made ----

typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_open;
    int answers; // to changes that were handed over
} gate;

static void wait_at(void *user)
{
    gate *g = user;
    pthread_mutex_lock(&g->mutex);
    while (!g->is_open)
        pthread_cond_wait(&g->changed, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
}

static void count_answer(void *user, const dbk_change_result *result)
{
    gate *g = user;
    pthread_mutex_lock(&g->mutex);
    g->answers += result->status == DBK_OK;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->mutex);
}

// In the image before the change, whenever this thread begins.
static void *find_orders(void *user)
{
    const dbk_snapshot *snapshot = user;
    const dbk_table_view *view = dbk_tenant_table(dbk_snapshot_tenant(snapshot, acme), DBK_ORDERS);
    int total = dbk_column_find(dbk_table_def_by_id(DBK_ORDERS), DBK_TEXT("total"));
    for (unsigned i = 0; i < 72000; i += 997) {
        dbk_batch names = {0};
        dbk_locator at;
        bool found;
        make_orders(&names, 1);
        set_order(&names, 0, i, 0);
        assert_int_equal(dbk_view_find_id(view, names.columns[0].texts[0], &found, &at), DBK_OK);
        assert_int_equal(found, i < 68000);
        if (found)
            assert_int_equal(dbk_part_int_at(dbk_view_part(view, at.part), total, at.row), i % 4000);
        dbk_batch_dispose(&names);
    }
    return NULL;
}

// A process that is killed in this phase leaves what it found; one that is not stores what waited.
static void reads_are_answered_and_changes_wait_while_keys_are_made(void **state)
{
    directory *d = *state;
    dbk_error err = {0};
    dbk_store *store = open_store(d->path, 0, 0);
    for (unsigned i = 0; i < 17; i++)
        assert_int_equal(write_orders(store, acme, i * 4000, 4000, 0, &err), DBK_OK);
    const uint64_t want = sums_of(dbk_store_db(store), true), digest = digest_of(dbk_store_db(store));
    dbk_store_close(store);
    gate g = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    dbk_store_options options = {.directory = d->path, .opened = wait_at, .user = &g};
    assert_int_equal(dbk_store_open(&store, &options, &err), DBK_OK);
    dbk_db *db = dbk_store_db(store);
    pthread_t finder;
    assert_true(sums_of(db, true) == want);
    dbk_read read = dbk_read_begin(db);
    assert_int_equal(pthread_create(&finder, NULL, find_orders, (void *)read.snapshot), 0);
    dbk_batch batch;
    make_orders(&batch, 6000); // 4,000 of them replace others
    for (unsigned i = 0; i < 6000; i++)
        set_order(&batch, i, 64000 + i, 5);
    const dbk_batch *batches[] = {&batch};
    dbk_change change = {acme, batches, 1};
    dbk_store_submit(store, &change, count_answer, &g);
    char copy[] = DIRECTORY_NAME;
    copy_directory(d->path, copy);
    assert_true(sums_of(db, true) == want && orders_of(db, acme) == 68000);
    pthread_mutex_lock(&g.mutex);
    assert_int_equal(g.answers, 0);
    g.is_open = true;
    pthread_cond_broadcast(&g.changed);
    while (g.answers == 0)
        pthread_cond_wait(&g.changed, &g.mutex);
    pthread_mutex_unlock(&g.mutex);
    pthread_join(finder, NULL);
    dbk_read_end(db, &read);
    assert_int_equal(orders_of(db, acme), 70000);
    dbk_batch_dispose(&batch);
    assert_true(sums_of(db, true) != want && sums_of(db, false) == sums_of(db, true));
    dbk_store_close(store);
    assert_check_is_clean(d->path);
    assert_check_is_clean(copy);
    store = open_store(copy, 0, 0);
    assert_true(digest_of(dbk_store_db(store)) == digest);
    dbk_store_close(store);
    dbk_test_directory_empty(copy);
    rmdir(copy);
}

#define BOTH(test)                                                                                           \
    cmocka_unit_test_setup_teardown(test, with_posix, remove_directory),                                     \
        cmocka_unit_test_setup_teardown(test, with_any, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(without_a_log_a_checkpoint_keeps_what_was_loaded),
        BOTH(what_was_acknowledged_is_there_after_reopening),
        BOTH(sealed_segments_and_dead_rows_come_back),
        BOTH(a_killed_process_loses_nothing_acknowledged),
        BOTH(concurrent_submitters_are_all_stored),
        BOTH(a_directory_is_opened_once),
        BOTH(rollups_are_those_of_the_rows_after_reopening),
        BOTH(reads_are_answered_and_changes_wait_while_keys_are_made),
        BOTH(a_failed_checkpoint_ends_the_writing_under_load),
        BOTH(past_the_memory_budget_changes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
