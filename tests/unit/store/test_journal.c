// SPDX-License-Identifier: Apache-2.0
// The journal on a simulated disk: what a crash, a fault or a damaged byte may do to it, and what never.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/store/check.h"
#include "ingest/store/files.h"
#include "ingest/store/journal.h"
#include "tests/support/io_sim.h"
#include "tests/support/seed.h"
#include "tests/unit/store/store_rows.h"

typedef struct opened {
    dbk_io *io;
    dbk_db *db;
    dbk_journal *journal;
    dbk_error err;
    int notices;
} opened;

static void count_notice(void *user, const char *line)
{
    (void)line;
    ((opened *)user)->notices++;
}

static dbk_status open_on(opened *o, sim_disk *disk)
{
    memset(o, 0, sizeof(*o));
    o->io = sim_disk_io(disk);
    assert_int_equal(dbk_db_create(&o->db, &o->err), DBK_OK);
    dbk_journal_options options = {
        .log_file_bytes = 8 * DBK_IO_BLOCK, .seed = 7, .notice = count_notice, .user = o};
    return dbk_journal_open(&o->journal, o->io, o->db, &options, &o->err);
}

static void shut(opened *o)
{
    dbk_journal_destroy(o->journal);
    dbk_db_destroy(o->db);
    dbk_io_close(o->io);
}

static dbk_status append(opened *o, dbk_text tenant, unsigned first, unsigned count, int64_t total)
{
    dbk_batch batch;
    make_orders(&batch, count);
    for (unsigned i = 0; i < count; i++)
        set_order(&batch, i, first + i, total + i);
    const dbk_batch *batches[] = {&batch};
    dbk_change change = {tenant, batches, 1};
    dbk_apply_report report = {0};
    dbk_status status = dbk_journal_append(o->journal, &change, &report, &o->err);
    free(report.rejected_rows);
    dbk_batch_dispose(&batch);
    return status;
}

static void write_one(opened *o, dbk_text tenant, unsigned first, unsigned count, int64_t total)
{
    assert_int_equal(append(o, tenant, first, count, total), DBK_OK);
    assert_int_equal(dbk_journal_commit(o->journal, &o->err), DBK_OK);
}

static const dbk_text acme = {"acme", 4}, other = {"other", 5};

static uint64_t problems_of(sim_disk *disk)
{
    dbk_io *io = sim_disk_io(disk);
    dbk_check_report report = {0};
    dbk_check check = {.report = &report};
    dbk_error err = {0};
    assert_int_equal(dbk_check_directory(io, &check, &err), DBK_OK);
    dbk_io_close(io);
    return report.problems;
}

static void what_was_published_survives_any_number_of_reopenings(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random(__func__);
    sim_disk *disk = sim_disk_create();
    uint64_t want = 0;
    for (int round = 0; round < 12; round++) {
        opened o;
        if (open_on(&o, disk) != DBK_OK)
            fail_msg("%s", o.err.message);
        if (round)
            assert_true(digest_of(o.db) == want);
        for (int i = 0; i < 8; i++)
            write_one(&o, i % 3 ? acme : other, (unsigned)dbk_random_below(&random, 500),
                      1 + (unsigned)dbk_random_below(&random, 80),
                      (int64_t)dbk_random_below(&random, 100000));
        if (round % 3 == 1 && dbk_journal_checkpoint(o.journal, &o.err) != DBK_OK)
            fail_msg("%s", o.err.message);
        want = digest_of(o.db);
        if (round % 4 == 3)
            assert_int_equal(dbk_journal_close(o.journal, &o.err), DBK_OK);
        shut(&o);
        sim_disk_crash(disk, &random);
        assert_int_equal(problems_of(disk), 0);
    }
    sim_disk_destroy(disk);
}

// A small directory with everything in it, closed in order.
static sim_disk *closed_directory(uint64_t *want)
{
    sim_disk *disk = sim_disk_create();
    opened o;
    assert_int_equal(open_on(&o, disk), DBK_OK);
    write_one(&o, acme, 0, 40, 100);
    write_one(&o, other, 0, 10, 100);
    assert_int_equal(dbk_journal_checkpoint(o.journal, &o.err), DBK_OK);
    write_one(&o, acme, 20, 5, 7);
    assert_int_equal(dbk_journal_confirm(o.journal, &o.err), DBK_OK);
    *want = digest_of(o.db);
    assert_int_equal(dbk_journal_close(o.journal, &o.err), DBK_OK);
    shut(&o);
    return disk;
}

// Found by the check, and never a wrong answer: opening fails, or what it shows is right (the damage was in
// bytes that nobody needs any more).
static void assert_noticed(sim_disk *disk, uint64_t want, const char *name, size_t at)
{
    if (problems_of(disk) == 0)
        fail_msg("damage to %s at %zu was not noticed", name, at);
    opened o;
    if (open_on(&o, disk) == DBK_OK && digest_of(o.db) != want)
        fail_msg("damage to %s at %zu gives a wrong answer", name, at);
    shut(&o);
}

static void every_flipped_byte_of_a_closed_directory_is_noticed(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random(__func__);
    uint64_t want;
    sim_disk *disk = closed_directory(&want);
    assert_int_equal(problems_of(disk), 0);
    for (size_t f = 0; f < sim_disk_files(disk); f++) {
        const char *name = sim_disk_file_name(disk, f);
        size_t size = 0;
        sim_disk_bytes(disk, name, &size); // of an empty file there is nothing to flip
        // Of the log, whose most is padding, a sample with every header byte.
        bool sampled = size > 16384;
        for (size_t at = 0; at < size;
             at += sampled && at % DBK_IO_BLOCK >= 64 ? 1 + dbk_random_below(&random, 60) : 1) {
            sim_disk *damaged = sim_disk_clone(disk);
            uint8_t *bytes = sim_disk_bytes(damaged, name, &size);
            bytes[at] ^= (uint8_t)(1u << dbk_random_below(&random, 8));
            if (at % 16 == 0)
                assert_noticed(damaged, want, name, at);
            else if (problems_of(damaged) == 0)
                fail_msg("a flipped bit of %s at %zu was not noticed", name, at);
            sim_disk_destroy(damaged);
        }
    }
    sim_disk_destroy(disk);
}

// Rewrites a file with other content, durably.
static void replace(sim_disk *disk, const char *name, const void *data, size_t size)
{
    dbk_io *io = sim_disk_io(disk);
    (void)io->backend->remove(io, name, NULL);
    if (data)
        assert_int_equal(dbk_io_write_file(io, name, DBK_OPEN_CREATE, data, size, NULL), DBK_OK);
    assert_int_equal(io->backend->sync_directory(io, NULL), DBK_OK);
    dbk_io_close(io);
}

static void truncated_missing_and_swapped_files_are_noticed(void **state)
{
    (void)state;
    uint64_t want;
    sim_disk *disk = closed_directory(&want);
    for (size_t f = 0; f < sim_disk_files(disk); f++) {
        char name[64];
        snprintf(name, sizeof(name), "%s", sim_disk_file_name(disk, f));
        size_t size;
        const uint8_t *bytes = sim_disk_bytes(disk, name, &size);
        const size_t cuts[] = {0, 1, size / 2, size - 1};
        for (size_t c = 0; size && c < DBK_COUNT(cuts); c++) {
            sim_disk *damaged = sim_disk_clone(disk);
            replace(damaged, name, bytes, cuts[c]);
            assert_noticed(damaged, want, name, cuts[c]);
            sim_disk_destroy(damaged);
        }
        sim_disk *damaged = sim_disk_clone(disk);
        replace(damaged, name, NULL, 0);
        // Without its mark a closed directory is one that crashed: whole all the same.
        if (strncmp(name, "closed-", 7) != 0)
            assert_noticed(damaged, want, name, 0);
        sim_disk_destroy(damaged);
    }
    sim_disk_destroy(disk);
}

static void foreign_files_are_left_alone(void **state)
{
    (void)state;
    uint64_t want;
    sim_disk *disk = closed_directory(&want);
    replace(disk, "README", "hello", 5);
    replace(disk, "seg-00000000000000ff", "leftover", 8);
    opened o;
    assert_int_equal(open_on(&o, disk), DBK_OK);
    assert_true(digest_of(o.db) == want);
    assert_int_equal(o.notices, 1);
    shut(&o);
    size_t size;
    assert_non_null(sim_disk_bytes(disk, "README", &size));
    assert_null(sim_disk_bytes(disk, "seg-00000000000000ff", &size));
    sim_disk_destroy(disk);
}

// The file and the offset at which the next group would stand.
static uint8_t *log_end(opened *o, sim_disk *disk, uint64_t *offset)
{
    dbk_log_position end = dbk_journal_published(o->journal);
    size_t size;
    *offset = end.offset;
    return sim_disk_bytes(disk, dbk_file_name_make(DBK_FILE_LOG, end.sequence).text, &size);
}

static void a_torn_tail_is_cut_and_damage_before_the_end_is_not(void **state)
{
    (void)state;
    sim_disk *disk = sim_disk_create();
    opened o;
    assert_int_equal(open_on(&o, disk), DBK_OK);
    write_one(&o, acme, 0, 3, 1);
    uint64_t want = digest_of(o.db), end, last;
    write_one(&o, acme, 1, 3, 9);
    uint8_t *log = log_end(&o, disk, &end);
    last = end - DBK_IO_BLOCK; // the second group is one block
    shut(&o);

    // Unconfirmed, the last group may have been in flight.
    sim_disk *torn = sim_disk_clone(disk);
    size_t size;
    uint8_t *bytes = sim_disk_bytes(torn, dbk_file_name_make(DBK_FILE_LOG, 1).text, &size);
    assert_memory_equal(bytes, log, size);
    bytes[last + 100] ^= 1;
    assert_int_equal(problems_of(torn), 0);
    assert_int_equal(open_on(&o, torn), DBK_OK);
    assert_true(digest_of(o.db) == want);
    assert_int_equal(o.notices, 1);
    write_one(&o, acme, 5, 1, 1);
    shut(&o);
    assert_int_equal(open_on(&o, torn), DBK_OK);
    assert_int_equal(o.notices, 0);
    assert_int_equal(orders_of(o.db, acme), 4);
    shut(&o);
    sim_disk_destroy(torn);

    // Opening confirms it; from then on the same damage is damage.
    assert_int_equal(open_on(&o, disk), DBK_OK);
    shut(&o);
    bytes = sim_disk_bytes(disk, dbk_file_name_make(DBK_FILE_LOG, 1).text, &size);
    bytes[last + 100] ^= 1;
    assert_int_equal(problems_of(disk), 1);
    assert_int_equal(open_on(&o, disk), DBK_CORRUPT);
    assert_non_null(strstr(o.err.message, "log-0000000000000001"));
    shut(&o);
    sim_disk_destroy(disk);
}

static void a_failed_sync_or_write_ends_writing_but_not_reading(void **state)
{
    (void)state;
    static const sim_fault faults[] = {SIM_SYNC_FAILS, SIM_WRITE_FAILS};
    for (size_t f = 0; f < DBK_COUNT(faults); f++) {
        dbk_random random = dbk_test_random(__func__);
        sim_disk *disk = sim_disk_create();
        opened o;
        assert_int_equal(open_on(&o, disk), DBK_OK);
        write_one(&o, acme, 0, 3, 1);
        uint64_t want = digest_of(o.db);
        sim_disk_fail(disk, faults[f], 1, false);
        assert_int_equal(append(&o, acme, 10, 1, 1), DBK_OK);
        assert_int_equal(dbk_journal_commit(o.journal, &o.err), DBK_READ_ONLY);
        assert_true(digest_of(o.db) == want);
        assert_int_equal(append(&o, acme, 11, 1, 1), DBK_READ_ONLY);
        assert_int_equal(dbk_journal_commit(o.journal, &o.err), DBK_READ_ONLY);
        assert_int_equal(dbk_journal_confirm(o.journal, &o.err), DBK_READ_ONLY);
        assert_int_equal(dbk_journal_checkpoint(o.journal, &o.err), DBK_READ_ONLY);
        assert_non_null(dbk_journal_read_only(o.journal));
        assert_true(digest_of(o.db) == want);
        shut(&o);
        sim_disk_crash(disk, &random);
        if (open_on(&o, disk) != DBK_OK)
            fail_msg("%s", o.err.message);
        assert_true(orders_of(o.db, acme) == 3 || orders_of(o.db, acme) == 4);
        shut(&o);
        sim_disk_destroy(disk);
    }
}

static void a_full_disk_refuses_changes_and_forgets_them_until_there_is_room(void **state)
{
    (void)state;
    sim_disk *disk = sim_disk_create();
    opened o;
    assert_int_equal(open_on(&o, disk), DBK_OK);
    sim_disk_fail(disk, SIM_NO_SPACE, 1, true);
    unsigned stored = 0;
    dbk_status status = DBK_OK;
    while (status == DBK_OK && stored < 100) {
        status = append(&o, acme, stored, 1, 5);
        if (status == DBK_OK) {
            assert_int_equal(dbk_journal_commit(o.journal, &o.err), DBK_OK);
            stored++;
        }
    }
    assert_int_equal(status, DBK_NO_SPACE);
    assert_true(stored > 2 && stored < 10); // what one file of 8 blocks has room for
    assert_int_equal(orders_of(o.db, acme), stored);
    assert_int_equal(dbk_journal_checkpoint(o.journal, &o.err), DBK_NO_SPACE);
    assert_int_equal(append(&o, acme, 50, 1, 5), DBK_NO_SPACE);
    sim_disk_fail(disk, SIM_NONE, 1, false);
    write_one(&o, acme, 60, 1, 5);
    assert_int_equal(orders_of(o.db, acme), stored + 1);
    assert_int_equal(dbk_journal_checkpoint(o.journal, &o.err), DBK_OK);
    uint64_t want = digest_of(o.db);
    shut(&o);
    assert_int_equal(open_on(&o, disk), DBK_OK);
    assert_true(digest_of(o.db) == want);
    shut(&o);
    assert_int_equal(problems_of(disk), 0);
    sim_disk_destroy(disk);
}

static void a_refused_change_leaves_nothing_in_the_group(void **state)
{
    (void)state;
    sim_disk *disk = sim_disk_create();
    opened o;
    assert_int_equal(open_on(&o, disk), DBK_OK);
    assert_int_equal(append(&o, acme, 0, 2, 5), DBK_OK);
    size_t before = dbk_journal_pending_bytes(o.journal);
    assert_int_equal(append(&o, DBK_TEXT("../etc"), 0, 1, 5), DBK_INVALID);
    assert_int_equal(append(&o, DBK_TEXT(""), 0, 1, 5), DBK_INVALID);
    dbk_change empty = {acme, NULL, 0};
    assert_int_equal(dbk_journal_append(o.journal, &empty, NULL, &o.err), DBK_INVALID);
    assert_int_equal(dbk_journal_pending_bytes(o.journal), before);
    assert_int_equal(dbk_journal_commit(o.journal, &o.err), DBK_OK);
    assert_int_equal(dbk_journal_number(o.journal), 1);
    uint64_t want = digest_of(o.db);
    shut(&o);
    assert_int_equal(open_on(&o, disk), DBK_OK);
    assert_true(digest_of(o.db) == want);
    shut(&o);
    sim_disk_destroy(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_published_survives_any_number_of_reopenings),
        cmocka_unit_test(every_flipped_byte_of_a_closed_directory_is_noticed),
        cmocka_unit_test(truncated_missing_and_swapped_files_are_noticed),
        cmocka_unit_test(foreign_files_are_left_alone),
        cmocka_unit_test(a_torn_tail_is_cut_and_damage_before_the_end_is_not),
        cmocka_unit_test(a_failed_sync_or_write_ends_writing_but_not_reading),
        cmocka_unit_test(a_full_disk_refuses_changes_and_forgets_them_until_there_is_room),
        cmocka_unit_test(a_refused_change_leaves_nothing_in_the_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
