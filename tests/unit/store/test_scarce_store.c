// SPDX-License-Identifier: Apache-2.0
// The store while memory runs out, at each allocation in turn: what it said it has stored is there, what it
// refused is not, in memory and after the directory is opened again; a checkpoint and an opening that fail
// have changed nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/scarce.h"
#include "tests/unit/store/cold_world.h"

enum { CHANGES = 14 };

static uint64_t digest(const cold_side *s)
{
    dbk_read read = dbk_read_begin(s->db);
    uint64_t number = test_digest(read.snapshot);
    dbk_read_end(s->db, &read);
    return number;
}

static void reopen(cold_side *s)
{
    sim_disk *disk = s->disk;
    cold_side_shut(s);
    if (cold_side_open(s, disk, 0) != DBK_OK)
        fail_msg("%s", s->err.message);
}

static dbk_status store(cold_side *s, const dbk_batch *batch)
{
    const dbk_change change = {cold_shop, &batch, 1};
    s->err = (dbk_error){0};
    DBK_TRY(dbk_journal_append(s->journal, &change, NULL, &s->err));
    return dbk_journal_commit(s->journal, &s->err);
}

// A journal that could not bring a change to its end knows no more than the disk does.
static void settle(cold_side *s)
{
    if (dbk_journal_read_only(s->journal))
        reopen(s);
}

// How many allocations failed until the change was stored.
static uint64_t store_short_of_each(cold_side *scarce, cold_side *plenty, const dbk_batch *batch)
{
    const uint64_t before = digest(scarce);
    assert_int_equal(before, digest(plenty));
    assert_int_equal(store(plenty, batch), DBK_OK);
    const uint64_t after = digest(plenty);
    for (uint64_t nth = 1;; nth++) {
        scarce_begin(nth);
        dbk_status status = store(scarce, batch);
        bool has_failed = scarce_end();
        if (status != DBK_OK) {
            assert_true(has_failed);
            if (status != DBK_NO_MEMORY && status != DBK_READ_ONLY)
                fail_msg("allocation %llu: %s", (unsigned long long)nth, scarce->err.message);
            settle(scarce);
        }
        const uint64_t now = digest(scarce);
        if (status == DBK_OK || now != before) {
            assert_int_equal(now, after);
            return nth - !has_failed;
        }
    }
}

static uint64_t checkpoint_short_of_each(cold_side *s)
{
    const uint64_t before = digest(s);
    for (uint64_t nth = 1;; nth++) {
        scarce_begin(nth);
        dbk_status status = dbk_journal_checkpoint(s->journal, &s->err);
        bool has_failed = scarce_end();
        if (status != DBK_OK)
            settle(s);
        // All rows of sealed parts are decoded one by one, so not each time.
        if (nth % 16 == 1 || !has_failed)
            assert_int_equal(digest(s), before);
        if (!has_failed) {
            assert_int_equal(status, DBK_OK);
            return nth - 1;
        }
    }
}

static uint64_t open_short_of_each(cold_side *s)
{
    const uint64_t before = digest(s);
    sim_disk *disk = s->disk;
    cold_side_shut(s);
    for (uint64_t nth = 1;; nth++) {
        dbk_journal_options options = {.log_file_bytes = 4 << 20, .seed = 7};
        *s = (cold_side){.disk = disk, .io = sim_disk_io(disk)};
        assert_int_equal(dbk_db_create(&s->db, &s->err), DBK_OK);
        dbk_db_set_segment_rows(s->db, COLD_SEGMENT_ROWS);
        scarce_begin(nth);
        dbk_status status = dbk_journal_open(&s->journal, s->io, s->db, &options, &s->err);
        bool has_failed = scarce_end();
        if (status == DBK_OK && (nth % 16 == 1 || !has_failed))
            assert_int_equal(digest(s), before);
        else if (status != DBK_OK && status != DBK_NO_MEMORY)
            fail_msg("allocation %llu: %s", (unsigned long long)nth, s->err.message);
        if (!has_failed) {
            assert_int_equal(status, DBK_OK);
            return nth - 1;
        }
        if (status != DBK_OK)
            s->journal = NULL;
        cold_side_shut(s);
    }
}

static void test_the_store_when_memory_runs_out(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random(__func__);
    sim_disk *disks[] = {sim_disk_create(), sim_disk_create()};
    cold_side scarce, plenty;
    assert_int_equal(cold_side_open(&scarce, disks[0], 0), DBK_OK);
    assert_int_equal(cold_side_open(&plenty, disks[1], 0), DBK_OK);
    uint64_t changes = 0, checkpoints = 0, openings = 0;
    for (int i = 0; i < CHANGES; i++) {
        dbk_batch batch;
        cold_batch(&random, &batch);
        changes += store_short_of_each(&scarce, &plenty, &batch);
        dbk_batch_dispose(&batch);
        if (i % 5 == 4) {
            checkpoints += checkpoint_short_of_each(&scarce);
            openings += open_short_of_each(&scarce);
        }
    }
    printf("%llu allocations failed of changes, %llu of checkpoints, %llu of openings\n",
           (unsigned long long)changes, (unsigned long long)checkpoints, (unsigned long long)openings);
    assert_true(changes > CHANGES && checkpoints > 0 && openings > 0);
    cold_side_shut(&scarce);
    cold_side_shut(&plenty);
    sim_disk_destroy(disks[0]);
    sim_disk_destroy(disks[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_store_when_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
