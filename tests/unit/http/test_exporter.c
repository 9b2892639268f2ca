// SPDX-License-Identifier: Apache-2.0
// Export jobs over a real store and a real directory, with a kind of report made for tests: jobs that stop at
// a gate until the test lets them go on. Every wait is for a fact.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/exports/exporter.h"

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static dbk_error err;

// ---- The kind ----
//
// The report says how a job behaves: "rows" writes as many lines as its parameters say; "gate" stops half-way
// until the gate opens or it is cancelled; "invalid" and "broken" fail.

enum { BEGUN_MAX = 64 };
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_open;
    int percent; // that a job at the gate says it has reached
    int begun, waiting;
    char order[BEGUN_MAX][32]; // "tenant parameters" of each job begun
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void note_begun(const dbk_export_task *task)
{
    pthread_mutex_lock(&gate.lock);
    if (gate.begun < BEGUN_MAX)
        snprintf(gate.order[gate.begun], sizeof(gate.order[0]), "%.*s %.*s", (int)task->tenant.length,
                 task->tenant.data, (int)task->parameters.length, task->parameters.data);
    gate.begun++;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static void wait_at_gate(dbk_export_sink *sink)
{
    pthread_mutex_lock(&gate.lock);
    gate.waiting++;
    pthread_cond_broadcast(&gate.changed);
    while (!gate.is_open && !__atomic_load_n(sink->cancelled, __ATOMIC_RELAXED)) {
        // Nobody tells a job that it was cancelled; it looks.
        struct timespec soon;
        clock_gettime(CLOCK_REALTIME, &soon);
        soon.tv_nsec += 5000000;
        if (soon.tv_nsec >= 1000000000) {
            soon.tv_nsec -= 1000000000;
            soon.tv_sec++;
        }
        pthread_cond_timedwait(&gate.changed, &gate.lock, &soon);
    }
    gate.waiting--;
    pthread_mutex_unlock(&gate.lock);
}

static dbk_status write_lines(dbk_export_sink *sink, int from, int to, dbk_error *error)
{
    for (int i = from; i < to; i++) {
        dbk_buffer_format(&sink->out, "%d,line\r\n", i);
        DBK_TRY(dbk_export_sink_lines(sink, 1, error));
    }
    return DBK_OK;
}

static dbk_status write_test(const dbk_export_task *task, dbk_export_sink *sink, dbk_error *error)
{
    char number[16];
    snprintf(number, sizeof(number), "%.*s", (int)task->parameters.length, task->parameters.data);
    int rows = atoi(number);
    note_begun(task);
    if (dbk_text_equal(task->report, DBK_TEXT("invalid")))
        return dbk_fail(error, DBK_INVALID, "there is no rate of %s", number);
    if (dbk_text_equal(task->report, DBK_TEXT("broken")))
        return dbk_fail(error, DBK_CORRUPT, "secret insides");
    sink->total = rows;
    dbk_buffer_format(&sink->out, "n,text\r\n");
    DBK_TRY(dbk_export_sink_lines(sink, 0, error));
    DBK_TRY(write_lines(sink, 0, rows / 2, error));
    if (dbk_text_equal(task->report, DBK_TEXT("gate"))) {
        dbk_export_sink_reached(sink, gate.percent, 100);
        wait_at_gate(sink);
    }
    return write_lines(sink, rows / 2, rows, error);
}

static const dbk_export_kind test_kind = {.name = "test", .write = write_test};
static const dbk_export_kind *const kinds[] = {&test_kind};

static void open_gate(bool is_open)
{
    pthread_mutex_lock(&gate.lock);
    gate.is_open = is_open;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static void wait_for_waiting(int count)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.waiting < count)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

// ---- The world ----

static struct {
    char directory[64], exports[96];
    dbk_store *store;
    dbk_exporter *exporter;
    int64_t now_ms;
} world;

static int64_t now_ms(void *user)
{
    (void)user;
    return __atomic_load_n(&world.now_ms, __ATOMIC_RELAXED);
}

static void start_exporter(int threads)
{
    dbk_exporter_options options = {.store = world.store,
                                    .directory = world.exports,
                                    .kinds = kinds,
                                    .kinds_count = 1,
                                    .now_ms = now_ms,
                                    .threads = threads};
    assert_int_equal(dbk_exporter_create(&world.exporter, &options, &err), DBK_OK);
}

static void stop_exporter(void)
{
    dbk_exporter_destroy(world.exporter);
    world.exporter = NULL;
}

static void open_store(void)
{
    dbk_store_options options = {.directory = world.directory, .create = true};
    assert_int_equal(dbk_store_open(&world.store, &options, &err), DBK_OK);
}

static int set_up(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    strcpy(world.directory, "/tmp/dbk-exports-XXXXXX");
    assert_non_null(mkdtemp(world.directory));
    snprintf(world.exports, sizeof(world.exports), "%s/exports", world.directory);
    world.now_ms = 1780000000000;
    gate.is_open = false;
    gate.percent = 50;
    gate.begun = gate.waiting = 0;
    open_store();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    open_gate(true);
    stop_exporter();
    dbk_store_close(world.store);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", world.directory);
    return system(command);
}

// What the last change of a job came to.
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int told, wanted;
    dbk_status status;
    dbk_export_state found;
} last = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void on_done(void *user, const dbk_exporter_reply *reply)
{
    (void)user;
    pthread_mutex_lock(&last.lock);
    last.told++;
    last.status = reply->status;
    last.found = reply->found;
    pthread_cond_broadcast(&last.changed);
    pthread_mutex_unlock(&last.lock);
}

static dbk_status await(int count)
{
    pthread_mutex_lock(&last.lock);
    last.wanted += count;
    while (last.told < last.wanted)
        pthread_cond_wait(&last.changed, &last.lock);
    dbk_status status = last.status;
    pthread_mutex_unlock(&last.lock);
    return status;
}

typedef struct job_id {
    char text[DBK_EXPORT_ID_BYTES + 1];
} job_id;

// Hands a job over without waiting.
static job_id hand_over(const char *tenant, const char *report, const char *parameters)
{
    job_id id;
    assert_int_equal(dbk_export_id(id.text, &err), DBK_OK);
    dbk_export job = {.id = dbk_text_from(id.text),
                      .kind = DBK_TEXT("test"),
                      .report = dbk_text_from(report),
                      .parameters = dbk_text_from(parameters),
                      .file_name = DBK_TEXT("test.csv"),
                      .state = DBK_EXPORT_RUNNING,
                      .created_at = world.now_ms,
                      .done_at = DBK_NULL,
                      .rows = DBK_NULL,
                      .bytes = DBK_NULL};
    dbk_exporter_submit(world.exporter, dbk_text_from(tenant), &job, on_done, NULL);
    return id;
}

static job_id submit(const char *tenant, const char *report, const char *parameters)
{
    job_id id = hand_over(tenant, report, parameters);
    assert_int_equal(await(1), DBK_OK);
    return id;
}

static dbk_status cancel(const char *tenant, job_id id)
{
    dbk_exporter_cancel(world.exporter, dbk_text_from(tenant), dbk_text_from(id.text), on_done, NULL);
    return await(1);
}

// The row as it stands; texts live until the next call.
static dbk_status look(const char *tenant, job_id id, dbk_export *job)
{
    static dbk_result *rows;
    dbk_result_free(rows);
    rows = NULL;
    dbk_db *db = dbk_store_db(world.store);
    dbk_read read = dbk_read_begin(db);
    dbk_result *found;
    dbk_status status =
        dbk_export_find(read.snapshot, dbk_text_from(tenant), dbk_text_from(id.text), &found, job, &err);
    dbk_read_end(db, &read);
    if (status == DBK_OK)
        rows = found;
    return status;
}

static uint64_t tenant_number(const char *tenant)
{
    dbk_db *db = dbk_store_db(world.store);
    dbk_read read = dbk_read_begin(db);
    uint64_t number = dbk_snapshot_tenant_number(read.snapshot, dbk_text_from(tenant));
    dbk_read_end(db, &read);
    return number;
}

static dbk_export await_state(const char *tenant, job_id id, dbk_export_state state)
{
    dbk_export job;
    do {
        assert_int_equal(look(tenant, id, &job), DBK_OK);
        if (job.state != DBK_EXPORT_RUNNING)
            break;
        poll(NULL, 0, 1);
    } while (true);
    assert_int_equal(job.state, state);
    return job;
}

static bool has_file(job_id id, const char *ending)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s%s", world.exports, id.text, ending);
    return access(path, F_OK) == 0;
}

static void put_file(const char *name)
{
    char path[160];
    mkdir(world.exports, 0700);
    snprintf(path, sizeof(path), "%s/%s", world.exports, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("old", file);
    fclose(file);
}

static int count_files(void)
{
    DIR *directory = opendir(world.exports);
    int count = 0;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

// ---- Tests ----

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
