// SPDX-License-Identifier: Apache-2.0
// The bad day, by the hundred thousand: a store writes on a simulated disk, and before every single operation
// of the disk the power is cut, several times over with different damage. What comes back must be the state
// after exactly n changes, with every acknowledged change among them and none that was never submitted.
//
// DBK_CRASH_STATES sets how many states the main test visits (default 100,000); DBK_SEED repeats a run.
#include "engine/base/hash.h"
#include "ingest/store/journal.h"
#include "tests/support/digest.h"
#include "tests/support/io_sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHANGES_MAX = 64, LOG_FILE_BYTES = 6 * DBK_IO_BLOCK, TENANTS = 2 };

// ---- Changes: small random ones, the same for the same seed ----

typedef struct made_change {
    dbk_batch batches[2];
    const dbk_batch *pointers[2];
    dbk_change change;
} made_change;

static int column(const dbk_table_def *table, const char *name)
{
    int index = dbk_column_find(table, dbk_text_from(name));
    assert_true(index >= 0);
    return index;
}

static dbk_text text_of(dbk_batch *batch, const char *format, uint64_t number)
{
    char buffer[64];
    int length = snprintf(buffer, sizeof(buffer), format, (unsigned long long)number);
    return (dbk_text){dbk_arena_copy(&batch->arena, buffer, (size_t)length), (uint32_t)length};
}

static dbk_batch_column *code_column(dbk_batch *batch, const char *name)
{
    dbk_batch_column *c = &batch->columns[column(batch->table, name)];
    c->codes = dbk_arena_alloc(&batch->arena, batch->rows * sizeof(*c->codes));
    c->words = dbk_arena_zalloc(&batch->arena, (batch->rows + 1) * sizeof(*c->words));
    c->words_count = 1;
    return c;
}

static void code_set(dbk_batch_column *c, uint32_t row, dbk_text word)
{
    for (uint32_t code = 1; code < c->words_count; code++)
        if (dbk_text_equal(c->words[code], word)) {
            c->codes[row] = code;
            return;
        }
    c->codes[row] = c->words_count;
    c->words[c->words_count++] = word;
}

static int64_t *int_column(dbk_batch *batch, const char *name)
{
    dbk_batch_column *c = &batch->columns[column(batch->table, name)];
    return c->ints = dbk_arena_alloc(&batch->arena, batch->rows * sizeof(*c->ints));
}

static dbk_text *text_column(dbk_batch *batch, const char *name)
{
    dbk_batch_column *c = &batch->columns[column(batch->table, name)];
    return c->texts = dbk_arena_zalloc(&batch->arena, batch->rows * sizeof(*c->texts));
}

// Few ids, so that most rows replace another.
static void make_orders(dbk_batch *batch, dbk_random *random)
{
    batch->table = dbk_table_def_by_id(DBK_ORDERS);
    batch->rows = 1 + (uint32_t)dbk_random_below(random, 4);
    batch->remove = dbk_random_below(random, 8) == 0;
    dbk_text *ids = text_column(batch, "id");
    for (uint32_t i = 0; i < batch->rows; i++)
        ids[i] = text_of(batch, "order-%llu", dbk_random_below(random, 12));
    if (batch->remove)
        return;
    int64_t *created = int_column(batch, "created_at"), *total = int_column(batch, "total");
    dbk_batch_column *status = code_column(batch, "status"), *currency = code_column(batch, "currency");
    for (uint32_t i = 0; i < batch->rows; i++) {
        created[i] = 1700000000000 + (int64_t)dbk_random_below(random, 1000000);
        total[i] = (int64_t)dbk_random_below(random, 1000000) - 1000;
        code_set(status, i, text_of(batch, "STATUS-%llu", dbk_random_below(random, 5)));
        code_set(currency, i, text_of(batch, "X%02llu", dbk_random_below(random, 2)));
    }
}

static void make_products(dbk_batch *batch, dbk_random *random)
{
    batch->table = dbk_table_def_by_id(DBK_PRODUCTS);
    batch->rows = 1 + (uint32_t)dbk_random_below(random, 3);
    dbk_batch_column *id = code_column(batch, "id");
    dbk_text *name = text_column(batch, "name");
    int64_t *stock = int_column(batch, "stock");
    for (uint32_t i = 0; i < batch->rows; i++) {
        code_set(id, i, text_of(batch, "product-%llu", dbk_random_below(random, 9)));
        name[i] = text_of(batch, "a product whose name is number %llu", dbk_random_below(random, 1000));
        stock[i] = (int64_t)dbk_random_below(random, 50);
    }
}

static void make_change(made_change *made, uint64_t seed, int number)
{
    dbk_random random = dbk_random_seed(seed * 1000003 + (uint64_t)number);
    memset(made, 0, sizeof(*made));
    int count = 1 + (int)dbk_random_below(&random, 2);
    for (int b = 0; b < count; b++) {
        if (dbk_random_below(&random, 2))
            make_orders(&made->batches[b], &random);
        else
            make_products(&made->batches[b], &random);
        made->pointers[b] = &made->batches[b];
    }
    static const char *const tenants[TENANTS] = {"acme", "b.example"};
    made->change = (dbk_change){.tenant = dbk_text_from(tenants[dbk_random_below(&random, TENANTS)]),
                                .batches = made->pointers,
                                .batches_count = count};
}

static void dispose_change(made_change *made)
{
    for (int b = 0; b < made->change.batches_count; b++)
        dbk_batch_dispose(&made->batches[b]);
}

// The digest after each number of changes, from a database without any disk.
static void expect_digests(uint64_t seed, uint64_t digests[CHANGES_MAX + 1])
{
    dbk_db *db;
    assert_int_equal(dbk_db_create(&db, NULL), DBK_OK);
    digests[0] = 0;
    for (int n = 1; n <= CHANGES_MAX; n++) {
        made_change made;
        make_change(&made, seed, n);
        for (int b = 0; b < made.change.batches_count; b++) {
            dbk_apply_report report = {0};
            assert_int_equal(dbk_db_apply(db, made.change.tenant, &made.batches[b], &report, NULL), DBK_OK);
            free(report.rejected_rows);
        }
        dispose_change(&made);
        dbk_db_publish(db, dbk_db_freeze(db, (uint64_t)n));
        dbk_read read = dbk_read_begin(db);
        digests[n] = test_digest(read.snapshot);
        dbk_read_end(db, &read);
    }
    dbk_db_destroy(db);
}

// ---- One run of the store, with a crash before each operation of its disk ----

typedef struct run {
    uint64_t seed;
    uint64_t digests[CHANGES_MAX + 1];
    uint64_t acknowledged, submitted; // changes
    int damages;                      // crashes tried before each operation
    dbk_random random;                // of the damage
    uint64_t states, compound;
    uint64_t violations;
    bool tell; // print the first violation
} run;

static void say_violation(run *r, const char *format, ...)
{
    if (r->violations++ || !r->tell)
        return;
    va_list arguments;
    va_start(arguments, format);
    print_message("seed %llu: ", (unsigned long long)r->seed);
    vprint_message(format, arguments);
    print_message("\n");
    va_end(arguments);
}

typedef struct opened {
    dbk_io *io;
    dbk_db *db;
    dbk_journal *journal;
} opened;

static dbk_status open_unlogged(opened *o, sim_disk *disk, uint64_t seed, bool unlogged, dbk_error *err)
{
    o->io = sim_disk_io(disk);
    o->journal = NULL;
    assert_int_equal(dbk_db_create(&o->db, NULL), DBK_OK);
    dbk_journal_options options = {.log_file_bytes = LOG_FILE_BYTES, .seed = seed | 1, .unlogged = unlogged};
    return dbk_journal_open(&o->journal, o->io, o->db, &options, err);
}

static dbk_status open_journal(opened *o, sim_disk *disk, uint64_t seed, dbk_error *err)
{
    return open_unlogged(o, disk, seed, false, err);
}

static void drop_journal(opened *o)
{
    dbk_journal_destroy(o->journal);
    dbk_db_destroy(o->db);
    dbk_io_close(o->io);
}

// Opens what the crash left and compares; true when it may be used further.
static bool recovers(run *r, sim_disk *disk, const char *when, opened *o)
{
    dbk_error err;
    dbk_status status = open_journal(o, disk, r->seed + r->states, &err);
    r->states++;
    if (status != DBK_OK) {
        say_violation(r, "%s: it does not open: %s", when, err.message);
        return false;
    }
    dbk_read read = dbk_read_begin(o->db);
    uint64_t number = dbk_snapshot_number(read.snapshot);
    uint64_t digest = test_digest(read.snapshot);
    dbk_read_end(o->db, &read);
    if (number < r->acknowledged || number > r->submitted)
        say_violation(r, "%s: %llu changes came back; %llu were acknowledged, %llu submitted", when,
                      (unsigned long long)number, (unsigned long long)r->acknowledged,
                      (unsigned long long)r->submitted);
    else if (digest != r->digests[number])
        say_violation(r, "%s: the content after %llu changes is another", when, (unsigned long long)number);
    else
        return true;
    return false;
}

static void crash_in_recovery(void *user, sim_disk *disk, uint64_t step)
{
    run *r = user;
    if (step > 40 || dbk_random_below(&r->random, 3))
        return;
    sim_disk *copy = sim_disk_clone(disk);
    sim_disk_crash(copy, &r->random);
    opened o;
    recovers(r, copy, "a crash during recovery", &o);
    r->compound++;
    drop_journal(&o);
    sim_disk_destroy(copy);
}

// Recovery must leave a store that works on: one more change, another crash, another recovery. The change
// that the reference knows as the next one is used, so the digests still tell the truth.
static void work_on(run *r, sim_disk *disk, opened *o)
{
    uint64_t number = dbk_journal_number(o->journal);
    if (number >= CHANGES_MAX)
        return;
    run again = *r;
    made_change made;
    make_change(&made, r->seed, (int)number + 1);
    dbk_error err;
    if (dbk_journal_append(o->journal, &made.change, NULL, &err) != DBK_OK ||
        dbk_journal_commit(o->journal, &err) != DBK_OK) {
        say_violation(r, "a recovered store refuses a change: %s", err.message);
        dispose_change(&made);
        return;
    }
    dispose_change(&made);
    again.acknowledged = again.submitted = number + 1;
    sim_disk *copy = sim_disk_clone(disk);
    sim_disk_crash(copy, &again.random);
    opened next;
    recovers(&again, copy, "a crash after working on", &next);
    drop_journal(&next);
    sim_disk_destroy(copy);
    r->violations = again.violations;
    r->states = again.states;
    r->compound++;
}

static void crash_here(void *user, sim_disk *disk, uint64_t step)
{
    (void)step;
    run *r = user;
    for (int i = 0; i < r->damages; i++) {
        sim_disk *copy = sim_disk_clone(disk);
        sim_disk_crash(copy, &r->random);
        bool deeper = dbk_random_below(&r->random, 8) == 0;
        if (deeper)
            sim_disk_on_step(copy, crash_in_recovery, r);
        opened o;
        bool usable = recovers(r, copy, "a crash", &o);
        sim_disk_on_step(copy, NULL, NULL);
        if (usable && deeper)
            work_on(r, copy, &o);
        drop_journal(&o);
        sim_disk_destroy(copy);
    }
}

// Writes up to `changes` changes with commits, confirms and checkpoints where the seed wants them. Stops at
// the first failure of the store. Afterwards the disk is as a killed process leaves it.
static void write_changes(run *r, sim_disk *disk, int changes)
{
    dbk_random random = dbk_random_seed(r->seed ^ 0x5eed);
    opened o;
    dbk_error err;
    if (open_journal(&o, disk, r->seed, &err) != DBK_OK) {
        drop_journal(&o);
        return;
    }
    bool failed = false;
    while (!failed && r->submitted < (uint64_t)changes) {
        int group = 1 + (int)dbk_random_below(&random, 3);
        for (int i = 0; i < group && !failed && r->submitted < (uint64_t)changes; i++) {
            made_change made;
            make_change(&made, r->seed, (int)r->submitted + 1);
            // Before the call: a crash inside it may leave the change behind or not.
            r->submitted++;
            if (dbk_journal_append(o.journal, &made.change, NULL, &err) != DBK_OK) {
                r->submitted--;
                failed = true;
            }
            dispose_change(&made);
        }
        if (dbk_journal_commit(o.journal, &err) == DBK_OK)
            r->acknowledged = r->submitted;
        else
            failed = true;
        if (!failed && dbk_random_below(&random, 3) == 0)
            failed = dbk_journal_confirm(o.journal, &err) != DBK_OK;
        if (!failed && dbk_random_below(&random, 5) == 0)
            failed = dbk_journal_checkpoint(o.journal, &err) != DBK_OK;
    }
    drop_journal(&o);
}

// The same without a log: a change is acknowledged when a checkpoint has it.
static void load_changes(run *r, sim_disk *disk, int changes)
{
    dbk_random random = dbk_random_seed(r->seed ^ 0x10ad);
    opened o;
    dbk_error err;
    assert_int_equal(open_unlogged(&o, disk, r->seed, true, &err), DBK_OK);
    uint64_t log_bytes = dbk_journal_figures_read(o.journal).log_bytes; // a confirm group, after a crash
    while (r->submitted < (uint64_t)changes) {
        made_change made;
        make_change(&made, r->seed, (int)++r->submitted);
        assert_int_equal(dbk_journal_append(o.journal, &made.change, NULL, &err), DBK_OK);
        dispose_change(&made);
        if (r->submitted < (uint64_t)changes && dbk_random_below(&random, 2))
            continue;
        assert_int_equal(dbk_journal_commit(o.journal, &err), DBK_OK);
        if (r->submitted < (uint64_t)changes && dbk_random_below(&random, 3))
            continue;
        assert_int_equal(dbk_journal_checkpoint(o.journal, &err), DBK_OK);
        r->acknowledged = r->submitted;
    }
    assert_int_equal(dbk_journal_figures_read(o.journal).log_bytes, log_bytes);
    if (dbk_random_below(&random, 2))
        assert_int_equal(dbk_journal_close(o.journal, &err), DBK_OK);
    drop_journal(&o);
}

static uint64_t base_seed(void)
{
    const char *given = getenv("DBK_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : 20260101;
    print_message("DBK_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static void test_no_crash_loses_halves_or_invents_a_change(void **state)
{
    (void)state;
    const char *wanted = getenv("DBK_CRASH_STATES");
    uint64_t states = wanted ? strtoull(wanted, NULL, 10) : 100000;
    uint64_t visited = 0, compound = 0, seed = base_seed();
    while (visited < states) {
        run r = {.seed = seed++, .damages = 6, .tell = true};
        r.random = dbk_random_seed(r.seed);
        expect_digests(r.seed, r.digests);
        sim_disk *disk = sim_disk_create();
        sim_disk_on_step(disk, crash_here, &r);
        write_changes(&r, disk, 6 + (int)(r.seed % 25));
        assert_int_equal(r.violations, 0);
        // Without a crash nothing is missing at all.
        sim_disk_on_step(disk, NULL, NULL);
        assert_int_equal(r.acknowledged, r.submitted);
        opened o;
        assert_true(recovers(&r, disk, "a restart", &o));
        drop_journal(&o);
        sim_disk_destroy(disk);
        visited += r.states;
        compound += r.compound;
    }
    print_message("%llu states, %llu of them after a second blow\n", (unsigned long long)visited,
                  (unsigned long long)compound);
}

// Loads without a log between sessions with one: what was stored before, and what a checkpoint has, stays.
static void test_no_crash_takes_back_what_a_checkpoint_of_an_unlogged_load_has(void **state)
{
    (void)state;
    const char *wanted = getenv("DBK_CRASH_STATES");
    uint64_t states = wanted ? strtoull(wanted, NULL, 10) : 100000;
    uint64_t visited = 0, seed = base_seed();
    while (visited < states / 4) {
        run r = {.seed = seed++, .damages = 6, .tell = true};
        r.random = dbk_random_seed(r.seed);
        expect_digests(r.seed, r.digests);
        sim_disk *disk = sim_disk_create();
        sim_disk_on_step(disk, crash_here, &r);
        int changes = (int)(r.seed % 5); // 0: the directory is made by the load
        if (changes)
            write_changes(&r, disk, changes);
        load_changes(&r, disk, changes += 1 + (int)(r.seed % 7));
        write_changes(&r, disk, changes += 4);
        load_changes(&r, disk, changes + 3);
        assert_int_equal(r.violations, 0);
        sim_disk_on_step(disk, NULL, NULL);
        assert_int_equal(r.acknowledged, r.submitted);
        opened o;
        assert_true(recovers(&r, disk, "a restart", &o));
        drop_journal(&o);
        sim_disk_destroy(disk);
        visited += r.states;
    }
    print_message("%llu states\n", (unsigned long long)visited);
}

// Runs one seed with a fault at the n-th matching operation; the violations found.
static uint64_t run_with_fault(uint64_t seed, sim_fault fault, uint64_t n, bool forever, bool tell,
                               bool *struck)
{
    run r = {.seed = seed, .damages = 4, .tell = tell};
    r.random = dbk_random_seed(seed + n);
    expect_digests(seed, r.digests);
    sim_disk *disk = sim_disk_create();
    sim_disk_fail(disk, fault, n, forever);
    sim_disk_on_step(disk, crash_here, &r);
    write_changes(&r, disk, 14);
    sim_disk_on_step(disk, NULL, NULL);
    *struck = r.acknowledged < 14 || fault == SIM_SYNC_FORGOTTEN;
    // The process is gone; the power goes as well.
    sim_disk_fail(disk, SIM_NONE, 0, false);
    sim_disk_crash(disk, &r.random);
    opened o;
    recovers(&r, disk, "a crash after the fault", &o);
    drop_journal(&o);
    sim_disk_destroy(disk);
    return r.violations;
}

// The simulator itself is on trial here: a store that forgets to sync must be caught.
static void test_a_forgotten_sync_is_found(void **state)
{
    (void)state;
    uint64_t seed = base_seed(), found = 0, tried = 0;
    for (uint64_t n = 1; n <= 24; n++) {
        bool struck;
        found += run_with_fault(seed, SIM_SYNC_FORGOTTEN, n, false, false, &struck) > 0;
        tried++;
    }
    print_message("%llu of %llu forgotten syncs were found\n", (unsigned long long)found,
                  (unsigned long long)tried);
    assert_true(found >= tried / 2);
}

static void
test_after_a_failed_sync_nothing_more_is_acknowledged_and_nothing_acknowledged_is_lost(void **state)
{
    (void)state;
    uint64_t seed = base_seed();
    int struck_count = 0;
    for (uint64_t n = 1; n <= 40; n++) {
        bool struck;
        assert_int_equal(run_with_fault(seed + n % 3, SIM_SYNC_FAILS, n, n % 2, true, &struck), 0);
        struck_count += struck;
    }
    assert_true(struck_count > 10);
}

static void test_a_failed_write_loses_nothing_acknowledged(void **state)
{
    (void)state;
    uint64_t seed = base_seed();
    for (uint64_t n = 1; n <= 40; n++) {
        bool struck;
        assert_int_equal(run_with_fault(seed + n % 3, SIM_WRITE_FAILS, n, n % 2, true, &struck), 0);
    }
}

static void test_a_full_disk_refuses_changes_and_loses_none(void **state)
{
    (void)state;
    uint64_t seed = base_seed();
    for (uint64_t n = 1; n <= 20; n++) {
        bool struck;
        assert_int_equal(run_with_fault(seed + n % 3, SIM_NO_SPACE, n, n % 2, true, &struck), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_crash_loses_halves_or_invents_a_change),
        cmocka_unit_test(test_no_crash_takes_back_what_a_checkpoint_of_an_unlogged_load_has),
        cmocka_unit_test(test_a_forgotten_sync_is_found),
        cmocka_unit_test(
            test_after_a_failed_sync_nothing_more_is_acknowledged_and_nothing_acknowledged_is_lost),
        cmocka_unit_test(test_a_failed_write_loses_nothing_acknowledged),
        cmocka_unit_test(test_a_full_disk_refuses_changes_and_loses_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
