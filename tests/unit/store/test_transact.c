// SPDX-License-Identifier: Apache-2.0
// Transactions: each sees everything decided before it, and what it decides is stored whole or not at all.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "tests/support/seed.h"
#include "tests/unit/store/store_rows.h"

enum { THREADS = 8, ROUNDS = 150 };

static const dbk_text acme = {"acme", 4};

typedef struct world {
    char path[64];
    dbk_store *store;
} world;

static void open_store(world *w)
{
    dbk_error err = {0};
    dbk_store_options options = {.directory = w->path, .create = true, .log_file_bytes = 1 << 20};
    if (dbk_store_open(&w->store, &options, &err) != DBK_OK)
        fail_msg("%s", err.message);
}

static int setup(void **state)
{
    world *w = calloc(1, sizeof(*w));
    strcpy(w->path, "/tmp/dbk-test-transact-XXXXXX");
    assert_non_null(mkdtemp(w->path));
    open_store(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    char command[96];
    dbk_store_close(w->store);
    snprintf(command, sizeof(command), "rm -rf '%s'", w->path);
    int code = system(command);
    free(w);
    return code;
}

static int64_t total_in(const dbk_snapshot *snapshot, const char *id)
{
    static const char *const fields[] = {"total"};
    dbk_value value = {.kind = DBK_VALUE_TEXT, .text = dbk_text_from(id)};
    dbk_filter filter = {.column = "id", .op = DBK_OP_EQ, .values = &value, .values_count = 1};
    dbk_query query = {.table = "orders",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = &filter,
                       .filters_count = 1,
                       .fields = fields,
                       .fields_count = 1};
    dbk_result *rows;
    dbk_error err = {0};
    if (dbk_query_run(snapshot, acme, &query, &rows, &err) != DBK_OK)
        abort(); // not on a thread that cmocka knows
    int64_t total = dbk_result_rows(rows) ? dbk_result_int(rows, 0, 0) : 0;
    dbk_result_free(rows);
    return total;
}

static int64_t published_total(world *w, const char *id)
{
    dbk_read read = dbk_read_begin(dbk_store_db(w->store));
    int64_t total = total_in(read.snapshot, id);
    dbk_read_end(dbk_store_db(w->store), &read);
    return total;
}

static void make_customer(dbk_batch *b, const char *name)
{
    const dbk_table_def *t = dbk_table_def_by_id(DBK_CUSTOMERS);
    *b = (dbk_batch){.table = t, .rows = 1};
    dbk_batch_column *id = &b->columns[t->key_column];
    id->codes = dbk_arena_zalloc(&b->arena, sizeof(uint32_t));
    id->words = dbk_arena_zalloc(&b->arena, 2 * sizeof(dbk_text));
    id->words_count = 2;
    id->words[1] = arena_text(b, "customer", 0);
    id->codes[0] = 1;
    dbk_batch_column *column = &b->columns[dbk_column_find(t, DBK_TEXT("name"))];
    column->texts = dbk_arena_zalloc(&b->arena, sizeof(dbk_text));
    column->texts[0] = (dbk_text){dbk_arena_copy(&b->arena, name, strlen(name)), (uint32_t)strlen(name)};
}

// Adds one to the total of order-0, or refuses, or stores nothing.
typedef enum deed { ADD, REFUSE, NOTHING } deed;

typedef struct step {
    deed deed;
    int64_t seen;
    dbk_batch order, customer;
    const dbk_batch *batches[2];
    pthread_mutex_t mutex;
    pthread_cond_t done;
    bool is_done;
    dbk_status status;
    char message[64];
} step;

static dbk_status decide(void *user, const dbk_snapshot *working, dbk_change *change, dbk_error *err)
{
    step *s = user;
    s->seen = total_in(working, "order-0");
    if (s->deed == REFUSE)
        return dbk_fail(err, DBK_INVALID, "refused at %lld", (long long)s->seen);
    if (s->deed == NOTHING)
        return DBK_OK;
    make_orders(&s->order, 1);
    set_order(&s->order, 0, 0, s->seen + 1);
    make_customer(&s->customer, "somebody");
    s->batches[0] = &s->order;
    s->batches[1] = &s->customer;
    change->batches = s->batches;
    change->batches_count = 2;
    return DBK_OK;
}

static void on_done(void *user, const dbk_change_result *result)
{
    step *s = user;
    pthread_mutex_lock(&s->mutex);
    s->status = result->status;
    snprintf(s->message, sizeof(s->message), "%.60s", result->message);
    s->is_done = true;
    pthread_cond_signal(&s->done);
    pthread_mutex_unlock(&s->mutex);
}

static void run_step(world *w, step *s, deed what)
{
    *s = (step){.deed = what, .mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    dbk_store_transact(w->store, acme, decide, s, on_done, s);
    pthread_mutex_lock(&s->mutex);
    while (!s->is_done)
        pthread_cond_wait(&s->done, &s->mutex);
    pthread_mutex_unlock(&s->mutex);
    dbk_batch_dispose(&s->order);
    dbk_batch_dispose(&s->customer);
}

typedef struct client {
    world *w;
    dbk_random random;
    int64_t added;
    bool saw_unpublished; // an answer came before what it follows from was published
} client;

static void *work(void *user)
{
    client *c = user;
    for (int i = 0; i < ROUNDS; i++) {
        step s;
        deed what = (deed)dbk_random_below(&c->random, 3);
        run_step(c->w, &s, what);
        c->added += what == ADD && s.status == DBK_OK;
        c->saw_unpublished |= published_total(c->w, "order-0") < s.seen + (what == ADD);
    }
    return NULL;
}

static void no_update_is_lost_and_no_answer_runs_ahead(void **state)
{
    world *w = *state;
    dbk_random random = dbk_test_random(__func__);
    pthread_t threads[THREADS];
    client clients[THREADS];
    for (int i = 0; i < THREADS; i++) {
        clients[i] = (client){.w = w, .random = dbk_random_seed(dbk_random_u64(&random))};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &clients[i]), 0);
    }
    int64_t added = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        added += clients[i].added;
        assert_false(clients[i].saw_unpublished);
    }
    assert_true(added > THREADS);
    assert_int_equal(published_total(w, "order-0"), added);
    uint64_t want = digest_of(dbk_store_db(w->store));
    dbk_store_close(w->store);
    open_store(w);
    assert_true(digest_of(dbk_store_db(w->store)) == want);
}

static void a_refusal_says_why_and_changes_nothing(void **state)
{
    world *w = *state;
    step s;
    run_step(w, &s, ADD);
    assert_int_equal(s.status, DBK_OK);
    uint64_t want = digest_of(dbk_store_db(w->store));
    run_step(w, &s, REFUSE);
    assert_int_equal(s.status, DBK_INVALID);
    assert_string_equal(s.message, "refused at 1");
    run_step(w, &s, NOTHING);
    assert_int_equal(s.status, DBK_OK);
    assert_true(digest_of(dbk_store_db(w->store)) == want);
}

// What a transaction decided is checked like everybody's change.
static dbk_status decide_badly(void *user, const dbk_snapshot *working, dbk_change *change, dbk_error *err)
{
    step *s = user;
    DBK_TRY(decide(s, working, change, err));
    s->order.columns[dbk_column_find(s->order.table, DBK_TEXT("total"))].ints[0] = DBK_NULL;
    return DBK_OK;
}

static void a_bad_decision_is_refused(void **state)
{
    world *w = *state;
    step s = {.mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    dbk_store_transact(w->store, acme, decide_badly, &s, on_done, &s);
    pthread_mutex_lock(&s.mutex);
    while (!s.is_done)
        pthread_cond_wait(&s.done, &s.mutex);
    pthread_mutex_unlock(&s.mutex);
    assert_int_equal(s.status, DBK_INVALID);
    assert_int_equal(orders_of(dbk_store_db(w->store), acme), 0);
    dbk_batch_dispose(&s.order);
    dbk_batch_dispose(&s.customer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_update_is_lost_and_no_answer_runs_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refusal_says_why_and_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bad_decision_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
