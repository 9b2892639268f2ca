// SPDX-License-Identifier: Apache-2.0
// Export jobs: what becomes of them, in which order, and what a bad day does to them.
#include "tests/unit/http/exporter_world.h"

static void test_a_job_becomes_a_file(void **state)
{
    (void)state;
    start_exporter(0);
    job_id id = submit("acme", "rows", "100000");
    dbk_export job = await_state("acme", id, DBK_EXPORT_READY);
    assert_int_equal(job.rows, 100000);
    assert_int_equal(job.progress, 100);
    assert_int_equal(job.done_at, world.now_ms);
    assert_int_equal(job.expires_at, world.now_ms + DBK_EXPORT_SHOWN_MS);
    assert_int_equal(job.keep_until, world.now_ms + DBK_EXPORT_KEPT_MS);
    int fd;
    uint64_t size;
    assert_int_equal(dbk_exporter_open(world.exporter, dbk_text_from(id.text), &fd, &size, &err), DBK_OK);
    assert_int_equal(size, job.bytes);
    FILE *file = fdopen(fd, "r");
    char line[64], wanted[64];
    assert_non_null(fgets(line, sizeof(line), file));
    assert_string_equal(line, "n,text\r\n");
    for (int i = 0; i < 100000; i++) {
        assert_non_null(fgets(line, sizeof(line), file));
        snprintf(wanted, sizeof(wanted), "%d,line\r\n", i);
        assert_string_equal(line, wanted);
    }
    assert_null(fgets(line, sizeof(line), file));
    fclose(file);
    assert_int_equal(count_files(), 1);
}

static void test_an_empty_file_is_a_file(void **state)
{
    (void)state;
    start_exporter(0);
    dbk_export job = await_state("acme", submit("acme", "rows", "0"), DBK_EXPORT_READY);
    assert_int_equal(job.rows, 0);
    assert_int_equal(job.bytes, 8);
}

static void test_tenants_take_turns(void **state)
{
    (void)state;
    start_exporter(1);
    submit("a", "gate", "1");
    wait_for_waiting(1);
    submit("a", "rows", "2");
    submit("a", "rows", "3");
    submit("b", "rows", "4");
    submit("b", "rows", "5");
    job_id last_one = submit("c", "rows", "6");
    open_gate(true);
    await_state("c", last_one, DBK_EXPORT_READY);
    job_id behind = submit("a", "rows", "7");
    await_state("a", behind, DBK_EXPORT_READY);
    static const char *const wanted[] = {"a 1", "b 4", "c 6", "a 2", "b 5", "a 3", "a 7"};
    // c's only job came before a's third; a's seventh after everything of a's.
    for (size_t i = 0; i < DBK_COUNT(wanted); i++)
        assert_string_equal(gate.order[i], wanted[i]);
}

static void test_a_tenant_runs_one_at_a_time(void **state)
{
    (void)state;
    start_exporter(4);
    submit("a", "gate", "1");
    submit("a", "gate", "2");
    submit("b", "gate", "3");
    wait_for_waiting(2);
    assert_int_equal(gate.begun, 2);
    open_gate(true);
}

static void test_cancelling_stops_what_runs(void **state)
{
    (void)state;
    start_exporter(1);
    job_id running = submit("a", "gate", "100"), waiting = submit("a", "rows", "5");
    wait_for_waiting(1);
    assert_true(has_file(running, ".csv.part"));
    assert_int_equal(cancel("b", running), DBK_NOT_FOUND);
    assert_int_equal(cancel("a", waiting), DBK_OK);
    assert_int_equal(cancel("a", running), DBK_OK);
    assert_int_equal(await_state("a", running, DBK_EXPORT_CANCELLED).done_at, world.now_ms);
    // The next one runs when that one is out of the way.
    await_state("a", submit("a", "rows", "1"), DBK_EXPORT_READY);
    assert_false(has_file(running, ".csv.part"));
    assert_false(has_file(running, ".csv"));
    assert_false(has_file(waiting, ".csv"));
    assert_int_equal(gate.begun, 2);
    assert_int_equal(cancel("a", running), DBK_INVALID);
    assert_int_equal(last.found, DBK_EXPORT_CANCELLED);
}

static void test_what_ended_is_not_cancelled(void **state)
{
    (void)state;
    start_exporter(1);
    job_id id = submit("a", "rows", "5");
    await_state("a", id, DBK_EXPORT_READY);
    assert_int_equal(cancel("a", id), DBK_INVALID);
    assert_int_equal(last.found, DBK_EXPORT_READY);
    await_state("a", id, DBK_EXPORT_READY);
    assert_true(has_file(id, ".csv"));
}

// What runs when the server ends runs again; progress that was seen is not taken back.
static void test_a_restart_loses_nothing(void **state)
{
    (void)state;
    start_exporter(1);
    job_id running = submit("a", "gate", "100"), waiting = submit("a", "rows", "5"),
           other = submit("b", "rows", "7");
    wait_for_waiting(1);
    dbk_export job;
    do
        assert_int_equal(look("a", running, &job), DBK_OK);
    while (job.progress == 0);
    assert_int_equal(job.progress, 50);
    stop_exporter();
    assert_false(has_file(running, ".csv.part"));
    dbk_store_close(world.store);
    open_store();
    // The second time it tells of less, and that is stored when the tenant's number has moved.
    gate.percent = 10;
    uint64_t before = tenant_number("a");
    start_exporter(1);
    wait_for_waiting(1);
    while (tenant_number("a") == before)
        poll(NULL, 0, 1);
    assert_int_equal(look("a", running, &job), DBK_OK);
    assert_int_equal(job.state, DBK_EXPORT_RUNNING);
    assert_int_equal(job.progress, 50);
    open_gate(true);
    assert_int_equal(await_state("a", running, DBK_EXPORT_READY).rows, 100);
    assert_int_equal(await_state("a", waiting, DBK_EXPORT_READY).rows, 5);
    assert_int_equal(await_state("b", other, DBK_EXPORT_READY).rows, 7);
}

static void test_leftovers_go_at_start(void **state)
{
    (void)state;
    start_exporter(1);
    job_id id = submit("a", "rows", "5");
    await_state("a", id, DBK_EXPORT_READY);
    stop_exporter();
    put_file("exp_0123456789abcdef.csv.part");
    put_file("exp_0123456789abcdef.csv");
    put_file("notes.csv");
    start_exporter(1);
    assert_int_equal(count_files(), 2);
    assert_true(has_file(id, ".csv"));
}

// The kernel refuses what is written beyond the limit, as it does on a full disk.
static void test_a_file_that_cannot_be_written_fails_the_job(void **state)
{
    (void)state;
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    start_exporter(1);
    await_state("a", submit("a", "rows", "1"), DBK_EXPORT_READY);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 100 << 20, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    job_id id = submit("a", "rows", "12000000");
    dbk_export job = await_state("a", id, DBK_EXPORT_FAILED);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(job.error.length > 0);
    assert_null(memmem(job.error.data, job.error.length, world.directory, strlen(world.directory)));
    assert_false(has_file(id, ".csv.part"));
    assert_false(has_file(id, ".csv"));
    await_state("a", submit("a", "rows", "1"), DBK_EXPORT_READY);
}

static void test_a_directory_that_is_none_fails_the_job(void **state)
{
    (void)state;
    FILE *file = fopen(world.exports, "w");
    assert_non_null(file);
    fclose(file);
    start_exporter(1);
    await_state("a", submit("a", "rows", "1"), DBK_EXPORT_FAILED);
    assert_int_equal(unlink(world.exports), 0);
    await_state("a", submit("a", "rows", "1"), DBK_EXPORT_READY);
}

static void test_failures_say_what_the_client_may_know(void **state)
{
    (void)state;
    start_exporter(1);
    dbk_export job = await_state("a", submit("a", "invalid", "EUR"), DBK_EXPORT_FAILED);
    assert_true(dbk_text_equal(job.error, DBK_TEXT("there is no rate of EUR")));
    assert_int_equal(job.expires_at, world.now_ms + DBK_EXPORT_SHOWN_MS);
    job = await_state("a", submit("a", "broken", "x"), DBK_EXPORT_FAILED);
    assert_true(dbk_text_equal(job.error, DBK_TEXT("Internal server error.")));
}

// SA12: a day, a week, and running jobs never.
static void test_time_takes_jobs_and_files_away(void **state)
{
    (void)state;
    dbk_export job;
    int64_t day = DBK_EXPORT_SHOWN_MS;
    start_exporter(1);
    job_id ready = submit("a", "rows", "1"), failed = submit("a", "invalid", "x"),
           running = submit("a", "gate", "2");
    await_state("a", ready, DBK_EXPORT_READY);
    await_state("a", failed, DBK_EXPORT_FAILED);
    wait_for_waiting(1);
    stop_exporter();
    world.now_ms += day - 1;
    start_exporter(1);
    assert_int_equal(look("a", failed, &job), DBK_OK);
    stop_exporter();
    world.now_ms += 1;
    start_exporter(1);
    assert_int_equal(look("a", failed, &job), DBK_NOT_FOUND);
    assert_int_equal(look("a", ready, &job), DBK_OK);
    assert_true(has_file(ready, ".csv"));
    stop_exporter();
    world.now_ms += 6 * day;
    start_exporter(1);
    assert_int_equal(look("a", ready, &job), DBK_NOT_FOUND);
    assert_false(has_file(ready, ".csv"));
    assert_int_equal(look("a", running, &job), DBK_OK);
    assert_int_equal(job.state, DBK_EXPORT_RUNNING);
}

static void test_a_tenant_cannot_queue_without_end(void **state)
{
    (void)state;
    start_exporter(1);
    submit("a", "gate", "1");
    wait_for_waiting(1);
    for (int i = 1; i < DBK_EXPORT_JOBS_MAX; i++)
        hand_over("a", "rows", "0");
    assert_int_equal(await(DBK_EXPORT_JOBS_MAX - 1), DBK_OK);
    hand_over("a", "rows", "0");
    assert_int_equal(await(1), DBK_LIMIT);
    job_id other = submit("b", "gate", "0");
    stop_exporter(); // ten thousand files are not this test's business
    dbk_export job;
    assert_int_equal(look("b", other, &job), DBK_OK);
    start_exporter(1);
    hand_over("a", "rows", "0");
    assert_int_equal(await(1), DBK_LIMIT);
}

static void test_without_a_directory_jobs_wait(void **state)
{
    (void)state;
    dbk_exporter_options options = {.store = world.store, .kinds = kinds, .kinds_count = 1, .now_ms = now_ms};
    assert_int_equal(dbk_exporter_create(&world.exporter, &options, &err), DBK_OK);
    job_id id = submit("a", "rows", "3");
    stop_exporter();
    assert_int_equal(gate.begun, 0);
    start_exporter(1);
    await_state("a", id, DBK_EXPORT_READY);
}

static void test_pages_are_newest_first(void **state)
{
    (void)state;
    job_id ids[5];
    start_exporter(1);
    for (int i = 0; i < 5; i++) {
        ids[i] = submit("a", "rows", "1");
        await_state("a", ids[i], DBK_EXPORT_READY);
        world.now_ms += 1000;
    }
    dbk_db *db = dbk_store_db(world.store);
    dbk_read read = dbk_read_begin(db);
    dbk_result *rows;
    size_t first;
    int64_t total;
    dbk_text a = DBK_TEXT("a");
    for (int page = 1; page <= 4; page++) {
        assert_int_equal(
            dbk_exports_page(read.snapshot, a, "test", world.now_ms, page, 2, &rows, &first, &total, &err),
            DBK_OK);
        assert_int_equal(total, 5);
        static const int sizes[] = {2, 2, 1, 0};
        assert_int_equal(dbk_result_rows(rows) - first, sizes[page - 1]);
        for (size_t row = first; row < dbk_result_rows(rows); row++) {
            dbk_export job;
            dbk_export_of(rows, row, &job);
            assert_true(dbk_text_equal(job.id, dbk_text_from(ids[4 - row].text)));
        }
        dbk_result_free(rows);
    }
    // Two have expired; another kind has none.
    assert_int_equal(dbk_exports_page(read.snapshot, a, "test", world.now_ms + DBK_EXPORT_SHOWN_MS - 4000, 1,
                                      2, &rows, &first, &total, &err),
                     DBK_OK);
    assert_int_equal(total, 3);
    dbk_result_free(rows);
    assert_int_equal(
        dbk_exports_page(read.snapshot, a, "other", world.now_ms, 1, 2, &rows, &first, &total, &err), DBK_OK);
    assert_int_equal(total, 0);
    dbk_result_free(rows);
    dbk_read_end(db, &read);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_job_becomes_a_file),
        TEST(test_an_empty_file_is_a_file),
        TEST(test_tenants_take_turns),
        TEST(test_a_tenant_runs_one_at_a_time),
        TEST(test_cancelling_stops_what_runs),
        TEST(test_what_ended_is_not_cancelled),
        TEST(test_a_restart_loses_nothing),
        TEST(test_leftovers_go_at_start),
        TEST(test_a_file_that_cannot_be_written_fails_the_job),
        TEST(test_a_directory_that_is_none_fails_the_job),
        TEST(test_failures_say_what_the_client_may_know),
        TEST(test_time_takes_jobs_and_files_away),
        TEST(test_a_tenant_cannot_queue_without_end),
        TEST(test_without_a_directory_jobs_wait),
        TEST(test_pages_are_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
