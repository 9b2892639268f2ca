// SPDX-License-Identifier: Apache-2.0
// A database whose texts are on disk against one that has them all in memory: the same changes, the same
// answers; and where the disk fails, a failure or the same answer, never another one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/store/check.h"
#include "ingest/store/files.h"
#include "tests/unit/store/cold_world.h"

enum { STEPS = 60, TINY = 1 }; // a limit that nothing fits below

static void compare(const cold_side *cold, const cold_side *warm, dbk_random *random, int questions)
{
    dbk_read a = dbk_read_begin(cold->db), b = dbk_read_begin(warm->db);
    for (int i = 0; i < questions; i++) {
        int question = (int)dbk_random_below(random, COLD_QUESTIONS);
        uint64_t choice = dbk_random_u64(random), got, expected;
        dbk_error err = {0};
        assert_int_equal(cold_ask(b.snapshot, question, choice, &expected, &err), DBK_OK);
        dbk_status status = cold_ask(a.snapshot, question, choice, &got, &err);
        if (status != DBK_OK || got != expected)
            fail_msg("question %d, choice %llu: %s", question, (unsigned long long)choice, err.message);
    }
    dbk_read_end(cold->db, &a);
    dbk_read_end(warm->db, &b);
}

static void compare_all(const cold_side *cold, const cold_side *warm)
{
    dbk_read a = dbk_read_begin(cold->db), b = dbk_read_begin(warm->db);
    assert_int_equal(test_digest(a.snapshot), test_digest(b.snapshot));
    dbk_read_end(cold->db, &a);
    dbk_read_end(warm->db, &b);
}

static void change_both(cold_side *cold, cold_side *warm, dbk_random *random)
{
    dbk_batch batch;
    cold_batch(random, &batch);
    assert_int_equal(cold_append(cold, &batch), DBK_OK);
    assert_int_equal(cold_append(warm, &batch), DBK_OK);
    dbk_batch_dispose(&batch);
}

static void checkpoint(cold_side *s)
{
    if (dbk_journal_checkpoint(s->journal, &s->err) != DBK_OK)
        fail_msg("%s", s->err.message);
}

static void reopen(cold_side *s, sim_disk *disk, uint64_t limit)
{
    cold_side_shut(s);
    if (cold_side_open(s, disk, limit) != DBK_OK)
        fail_msg("%s", s->err.message);
}

static void check_holds(sim_disk *disk)
{
    dbk_check_report report = {0};
    dbk_check check = {.report = &report, .memory_bytes = TINY};
    dbk_error err = {0};
    dbk_io *io = sim_disk_io(disk);
    assert_int_equal(dbk_segment_files_create(&check.files, cold_open_io, disk, &err), DBK_OK);
    assert_int_equal(dbk_check_directory(io, &check, &err), DBK_OK);
    assert_int_equal(report.problems, 0);
    assert_true(report.segments > 0);
    dbk_segment_files_destroy(check.files);
    dbk_io_close(io);
}

static void test_same_answers(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("same answers");
    sim_disk *cold_disk = sim_disk_create(), *warm_disk = sim_disk_create();
    cold_side cold, warm;
    assert_int_equal(cold_side_open(&cold, cold_disk, TINY), DBK_OK);
    assert_int_equal(cold_side_open(&warm, warm_disk, 0), DBK_OK);
    for (int step = 0; step < STEPS; step++) {
        change_both(&cold, &warm, &random);
        if (dbk_random_below(&random, 8) == 0) {
            checkpoint(&cold);
            checkpoint(&warm);
        }
        if (dbk_random_below(&random, 3) == 0)
            dbk_cold_trim(dbk_image_cold(cold.db), dbk_random_below(&random, 2) ? 0 : 4 << 20, false);
        if (dbk_random_below(&random, 4) == 0)
            compare(&cold, &warm, &random, 4);
        if (dbk_random_below(&random, 40) == 0) {
            reopen(&cold, cold_disk, TINY);
            reopen(&warm, warm_disk, 0);
        }
    }
    compare(&cold, &warm, &random, 30);
    compare_all(&cold, &warm);
    checkpoint(&cold);
    dbk_cold_trim(dbk_image_cold(cold.db), 0, false);
    assert_true(cold_figures(&cold).on_disk_bytes > 0);
    assert_int_equal(cold_figures(&cold).resident_bytes, 0);
    uint64_t misses = cold_figures(&cold).misses;
    compare_all(&cold, &warm);
    assert_true(cold_figures(&cold).misses > misses);
    reopen(&cold, cold_disk, TINY);
    compare_all(&cold, &warm);
    cold_side_shut(&cold);
    cold_side_shut(&warm);
    check_holds(cold_disk);
    sim_disk_destroy(cold_disk);
    sim_disk_destroy(warm_disk);
}

// Both sides with several segments in files, the cold one with nothing of them in memory.
static void make_sides(cold_side *cold, cold_side *warm, dbk_random *random)
{
    assert_int_equal(cold_side_open(cold, sim_disk_create(), TINY), DBK_OK);
    assert_int_equal(cold_side_open(warm, sim_disk_create(), 0), DBK_OK);
    for (int i = 0; i < 40 || cold_figures(cold).on_disk_bytes < 100000; i++) {
        change_both(cold, warm, random);
        if (i % 20 == 19) {
            checkpoint(cold);
            dbk_cold_trim(dbk_image_cold(cold->db), 0, false);
        }
    }
}

static void drop_sides(cold_side *cold, cold_side *warm)
{
    sim_disk *disks[] = {cold->disk, warm->disk};
    cold_side_shut(cold);
    cold_side_shut(warm);
    sim_disk_destroy(disks[0]);
    sim_disk_destroy(disks[1]);
}

// Every question once, on a disk that does what it wants: the right answer or this failure, with a story that
// names a segment file. How many failed.
static int ask_in_trouble(const cold_side *cold, const cold_side *warm, dbk_status trouble,
                          dbk_random *random)
{
    int failed = 0;
    dbk_read a = dbk_read_begin(cold->db), b = dbk_read_begin(warm->db);
    for (int question = 0; question < COLD_QUESTIONS; question++) {
        uint64_t choice = dbk_random_u64(random), got, expected;
        dbk_error err = {0};
        assert_int_equal(cold_ask(b.snapshot, question, choice, &expected, NULL), DBK_OK);
        dbk_status status = cold_ask(a.snapshot, question, choice, &got, &err);
        if (status == DBK_OK) {
            assert_int_equal(got, expected);
            continue;
        }
        assert_int_equal(status, trouble);
        if (!strstr(err.message, "seg-") || !strstr(err.message, "column "))
            fail_msg("question %d: %s", question, err.message);
        failed++;
    }
    dbk_read_end(cold->db, &a);
    dbk_read_end(warm->db, &b);
    return failed;
}

// After a change that was tried in trouble, which is over: one whose keys could not be compared has stored
// nothing, and is welcome when it comes again. Whether it was refused. Disposes of the batch.
static int settle_change(cold_side *cold, cold_side *warm, dbk_batch *batch, dbk_status status,
                         dbk_status trouble, dbk_random *random)
{
    if (status != DBK_OK) {
        assert_int_equal(status, trouble);
        assert_non_null(strstr(cold->err.message, "seg-"));
        assert_non_null(strstr(cold->err.message, "nothing was stored"));
        assert_null(dbk_journal_read_only(cold->journal));
        compare(cold, warm, random, 2);
        assert_int_equal(cold_append(cold, batch), DBK_OK);
    }
    assert_int_equal(cold_append(warm, batch), DBK_OK);
    dbk_batch_dispose(batch);
    return status != DBK_OK;
}

static void test_reads_that_fail(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("reads that fail");
    cold_side cold, warm;
    int failed = 0, refused = 0;
    make_sides(&cold, &warm, &random);
    // Until each kind of trouble has been seen.
    for (int round = 0; round < 25 || ((failed == 0 || refused == 0) && round < 1000); round++) {
        dbk_cold_trim(dbk_image_cold(cold.db), 0, false);
        sim_disk_fail(cold.disk, SIM_READ_FAILS, 1 + dbk_random_below(&random, 20),
                      dbk_random_below(&random, 2));
        failed += ask_in_trouble(&cold, &warm, DBK_IO, &random);
        dbk_batch batch;
        cold_batch(&random, &batch);
        dbk_cold_trim(dbk_image_cold(cold.db), 0, false);
        sim_disk_fail(cold.disk, SIM_READ_FAILS, 1 + dbk_random_below(&random, 20), true);
        dbk_status status = cold_append(&cold, &batch);
        sim_disk_fail(cold.disk, SIM_NONE, 1, false);
        refused += settle_change(&cold, &warm, &batch, status, DBK_IO, &random);
        if (round % 10 == 0)
            checkpoint(&cold);
    }
    assert_true(failed > 0);
    assert_true(refused > 0);
    compare_all(&cold, &warm);
    drop_sides(&cold, &warm);
}

static const char *random_segment(const sim_disk *disk, dbk_random *random)
{
    for (;;) {
        const char *name = sim_disk_file_name(disk, dbk_random_below(random, sim_disk_files(disk)));
        if (strncmp(name, "seg-", 4) == 0)
            return name;
    }
}

static void test_bytes_that_changed(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("bytes that changed");
    cold_side cold, warm;
    int failed = 0, refused = 0;
    make_sides(&cold, &warm, &random);
    for (int round = 0; round < 30 || ((failed == 0 || refused == 0) && round < 1000); round++) {
        size_t size;
        uint8_t *bytes = sim_disk_bytes(cold.disk, random_segment(cold.disk, &random), &size);
        if (!bytes) // a file that was removed
            continue;
        const size_t at = dbk_random_below(&random, size), count = 1 + dbk_random_below(&random, 100000);
        const size_t end = at + count < size ? at + count : size;
        const uint8_t with = (uint8_t)(1 + dbk_random_below(&random, 255));
        dbk_cold_trim(dbk_image_cold(cold.db), 0, false);
        for (size_t i = at; i < end; i++)
            bytes[i] ^= with;
        failed += ask_in_trouble(&cold, &warm, DBK_CORRUPT, &random);
        dbk_batch batch;
        cold_batch(&random, &batch);
        dbk_cold_trim(dbk_image_cold(cold.db), 0, false);
        dbk_status status = cold_append(&cold, &batch);
        for (size_t i = at; i < end; i++)
            bytes[i] ^= with;
        refused += settle_change(&cold, &warm, &batch, status, DBK_CORRUPT, &random);
        if (round % 10 == 0)
            checkpoint(&cold);
    }
    assert_true(failed > 0);
    assert_true(refused > 0);
    compare_all(&cold, &warm);
    drop_sides(&cold, &warm);
}

static size_t count_segments(const sim_disk *disk, sim_disk *bytes_of)
{
    size_t count = 0, size;
    for (size_t i = 0; i < sim_disk_files(disk); i++)
        if (strncmp(sim_disk_file_name(disk, i), "seg-", 4) == 0 &&
            sim_disk_bytes(bytes_of, sim_disk_file_name(disk, i), &size))
            count++;
    return count;
}

// A read goes on in what it began with, though a checkpoint needs those files no more; then they go.
static void test_files_wait_for_readers(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("files wait");
    cold_side cold, warm;
    make_sides(&cold, &warm, &random);
    dbk_read old = dbk_read_begin(cold.db), same = dbk_read_begin(warm.db);
    uint64_t expected = test_digest(same.snapshot);
    dbk_read_end(warm.db, &same);
    for (int i = 0; i < 60; i++) // most rows are replaced, segments are compacted
        change_both(&cold, &warm, &random);
    checkpoint(&cold);
    size_t waiting = count_segments(cold.disk, cold.disk);
    dbk_cold_trim(dbk_image_cold(cold.db), 0, false);
    assert_int_equal(test_digest(old.snapshot), expected);
    dbk_read_end(cold.db, &old);
    change_both(&cold, &warm, &random); // frees what nobody can see
    checkpoint(&cold);
    assert_true(count_segments(cold.disk, cold.disk) < waiting);
    compare_all(&cold, &warm);
    reopen(&cold, cold.disk, TINY);
    compare_all(&cold, &warm);
    drop_sides(&cold, &warm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_answers),
        cmocka_unit_test(test_reads_that_fail),
        cmocka_unit_test(test_bytes_that_changed),
        cmocka_unit_test(test_files_wait_for_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
