// SPDX-License-Identifier: Apache-2.0
// Readers on other threads while the writer replaces, removes, seals and compacts: each snapshot must be one
// moment. In state n every key k below 64 * (n % 7 + 1) exists and its total is n; keys that are gone are
// gone.
#include "tests/unit/table/table_model.h"

#include <pthread.h>

enum { READERS = 3, STATES = 400, STEP = 64 };

typedef struct arena_of_states {
    dbk_db *db;
    _Atomic bool stop;
    _Atomic uint64_t reads;
} arena_of_states;

static uint32_t keys_of(uint64_t n)
{
    return n ? STEP * (uint32_t)(n % 7 + 1) : 0;
}

static dbk_text key_of(dbk_arena *arena, char *buffer, uint32_t key)
{
    char id[32];
    int length = snprintf(id, sizeof id, "key-%u", key);
    if (arena)
        buffer = dbk_arena_alloc(arena, sizeof id);
    memcpy(buffer, id, sizeof id);
    return (dbk_text){buffer, (uint32_t)length};
}

static void require(bool holds, const char *what, uint64_t n)
{
    if (holds)
        return;
    fprintf(stderr, "snapshot %llu: %s\n", (unsigned long long)n, what);
    abort();
}

static void facts_check(const dbk_table_view *view, uint64_t n)
{
    uint64_t alive = 0;
    for (size_t p = 0; p < dbk_view_parts(view); p++) {
        const dbk_part *part = dbk_view_part(view, p);
        for (uint32_t i = 0; i < dbk_part_rows(part); i++) {
            const uint64_t *dead = dbk_part_dead(part, i / DBK_VECTOR_ROWS);
            if (dead && dead[i % DBK_VECTOR_ROWS / 64] >> (i % 64) & 1)
                continue;
            alive++;
            require(dbk_part_int_at(part, 12, i) == (int64_t)n, "a row of another state", n);
        }
    }
    require(alive == keys_of(n) && alive == dbk_view_rows(view), "rows are missing", n);
}

static void ids_check(const dbk_table_view *view, uint64_t n, uint32_t start, int64_t column)
{
    bool is_fact = view->table->def->kind != DBK_KEYED;
    dbk_finder *finder = is_fact ? dbk_finder_create(view) : NULL;
    for (uint32_t i = 0; i < 20; i++) {
        // A finder is asked for neighbours, so that it guesses.
        uint32_t key = (start + i * (is_fact ? 1 : 13)) % (STEP * 8);
        char buffer[32];
        bool found;
        dbk_locator at;
        dbk_text id = key_of(NULL, buffer, key);
        dbk_status status = is_fact && start % 2 == 0 ? dbk_finder_find(finder, id, &found, &at)
                                                      : dbk_view_find_id(view, id, &found, &at);
        require(status == DBK_OK, "no memory", n);
        require(found == (key < keys_of(n)), "a key is found that should not be, or the reverse", n);
        if (found)
            require(dbk_part_int_at(dbk_view_part(view, at.part), (int)column, at.row) == (int64_t)n,
                    "a key leads to a row of another state", n);
    }
    dbk_finder_free(finder);
}

static void *reader(void *user)
{
    arena_of_states *s = user;
    uint64_t last = 0;
    uint32_t start = 0;
    while (!atomic_load(&s->stop)) {
        dbk_read read = dbk_read_begin(s->db);
        uint64_t n = dbk_snapshot_number(read.snapshot);
        require(n >= last, "older than the one before", n);
        last = n;
        const dbk_tenant_view *tenant = dbk_snapshot_tenant(read.snapshot, DBK_TEXT("t"));
        require((tenant != NULL) == (n > 0), "the tenant", n);
        if (tenant) {
            facts_check(dbk_tenant_table(tenant, DBK_ORDERS), n);
            ids_check(dbk_tenant_table(tenant, DBK_ORDERS), n, start, 12);
            ids_check(dbk_tenant_table(tenant, DBK_PRODUCTS), n, start++, 6);
        }
        dbk_read_end(s->db, &read);
        atomic_fetch_add(&s->reads, 1);
    }
    return NULL;
}

static void apply(dbk_db *db, dbk_batch *b)
{
    dbk_apply_report report;
    dbk_error err;
    if (b->rows)
        assert_int_equal(dbk_db_apply(db, DBK_TEXT("t"), b, &report, &err), DBK_OK);
    dbk_batch_dispose(b);
}

static void code_column(dbk_batch *b, int c, uint32_t from)
{
    b->columns[c].words = dbk_arena_zalloc(&b->arena, (b->rows + 1) * sizeof(dbk_text));
    b->columns[c].codes = dbk_arena_zalloc(&b->arena, b->rows * sizeof(uint32_t));
    b->columns[c].words_count = b->rows + 1;
    for (uint32_t i = 0; i < b->rows; i++) {
        b->columns[c].words[i + 1] = key_of(&b->arena, NULL, from + i);
        b->columns[c].codes[i] = i + 1;
    }
}

static void texts_column(dbk_batch *b, int c, uint32_t from)
{
    b->columns[c].texts = dbk_arena_zalloc(&b->arena, b->rows * sizeof(dbk_text));
    for (uint32_t i = 0; i < b->rows; i++)
        b->columns[c].texts[i] = key_of(&b->arena, NULL, from + i);
}

static void ints_column(dbk_batch *b, int c, int64_t value)
{
    b->columns[c].ints = dbk_arena_zalloc(&b->arena, b->rows * sizeof(int64_t));
    for (uint32_t i = 0; i < b->rows; i++)
        b->columns[c].ints[i] = value;
}

static dbk_batch batch_of(dbk_table_id id, uint32_t rows, bool remove)
{
    return (dbk_batch){.table = dbk_table_def_by_id((int)id), .rows = rows, .remove = remove};
}

static void state_apply(dbk_db *db, dbk_random *r, uint64_t n)
{
    uint32_t now = keys_of(n), before = keys_of(n - 1);
    dbk_batch orders = batch_of(DBK_ORDERS, now, false);
    texts_column(&orders, 0, 0);
    ints_column(&orders, 1, 1000);
    for (uint32_t i = 0; i < now; i++)
        orders.columns[1].ints[i] += (int64_t)dbk_random_below(r, 100000);
    code_column(&orders, 4, (uint32_t)n * 100); // new words all the time
    ints_column(&orders, 12, (int64_t)n);
    apply(db, &orders);
    dbk_batch products = batch_of(DBK_PRODUCTS, now, false);
    code_column(&products, 0, 0);
    texts_column(&products, 1, 0);
    ints_column(&products, 6, (int64_t)n);
    apply(db, &products);
    if (before <= now)
        return;
    dbk_batch gone = batch_of(DBK_ORDERS, before - now, true);
    texts_column(&gone, 0, now);
    apply(db, &gone);
    gone = batch_of(DBK_PRODUCTS, before - now, true);
    code_column(&gone, 0, now);
    apply(db, &gone);
}

static void test_every_snapshot_is_one_moment(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    arena_of_states *s = calloc(1, sizeof *s);
    dbk_error err;
    assert_int_equal(dbk_db_create(&s->db, &err), DBK_OK);
    dbk_db_set_segment_rows(s->db, 100 + (uint32_t)dbk_random_below(&r, 2000));
    pthread_t threads[READERS];
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, s), 0);
    for (uint64_t n = 1; n <= STATES; n++) {
        state_apply(s->db, &r, n);
        dbk_snapshot *snapshot = dbk_db_freeze(s->db, n);
        assert_non_null(snapshot);
        if (n % 3 == 0 && n < STATES) {
            state_apply(s->db, &r, ++n);
            dbk_snapshot *second = dbk_db_freeze(s->db, n);
            assert_non_null(second);
            if (n % 2)
                dbk_db_publish(s->db, snapshot);
            snapshot = second;
        }
        dbk_db_publish(s->db, snapshot);
    }
    // The last state must have been read by somebody, however the threads were scheduled.
    uint64_t reads = atomic_load(&s->reads);
    while (atomic_load(&s->reads) < reads + 10)
        sched_yield();
    atomic_store(&s->stop, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    dbk_db_destroy(s->db);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_snapshot_is_one_moment)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
