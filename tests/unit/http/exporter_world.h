// SPDX-License-Identifier: Apache-2.0
// An exporter over a real store and a real directory, with a kind of report made for tests: jobs that stop at
// a gate until the test lets them go on. Every wait is for a fact.
#ifndef DBK_TEST_EXPORTER_WORLD_H
#define DBK_TEST_EXPORTER_WORLD_H

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

static inline void note_begun(const dbk_export_task *task)
{
    pthread_mutex_lock(&gate.lock);
    if (gate.begun < BEGUN_MAX)
        snprintf(gate.order[gate.begun], sizeof(gate.order[0]), "%.*s %.*s", (int)task->tenant.length,
                 task->tenant.data, (int)task->parameters.length, task->parameters.data);
    gate.begun++;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static inline void wait_at_gate(dbk_export_sink *sink)
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

static inline dbk_status write_lines(dbk_export_sink *sink, int from, int to, dbk_error *error)
{
    for (int i = from; i < to; i++) {
        dbk_buffer_format(&sink->out, "%d,line\r\n", i);
        DBK_TRY(dbk_export_sink_lines(sink, 1, error));
    }
    return DBK_OK;
}

static inline dbk_status write_test(const dbk_export_task *task, dbk_export_sink *sink, dbk_error *error)
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

static inline void open_gate(bool is_open)
{
    pthread_mutex_lock(&gate.lock);
    gate.is_open = is_open;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static inline void wait_for_waiting(int count)
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

static inline int64_t now_ms(void *user)
{
    (void)user;
    return __atomic_load_n(&world.now_ms, __ATOMIC_RELAXED);
}

static inline void start_exporter(int threads)
{
    dbk_exporter_options options = {.store = world.store,
                                    .directory = world.exports,
                                    .kinds = kinds,
                                    .kinds_count = 1,
                                    .now_ms = now_ms,
                                    .threads = threads};
    assert_int_equal(dbk_exporter_create(&world.exporter, &options, &err), DBK_OK);
}

static inline void stop_exporter(void)
{
    dbk_exporter_destroy(world.exporter);
    world.exporter = NULL;
}

static inline void open_store(void)
{
    dbk_store_options options = {.directory = world.directory, .create = true};
    assert_int_equal(dbk_store_open(&world.store, &options, &err), DBK_OK);
}

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
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

static inline void on_done(void *user, const dbk_exporter_reply *reply)
{
    (void)user;
    pthread_mutex_lock(&last.lock);
    last.told++;
    last.status = reply->status;
    last.found = reply->found;
    pthread_cond_broadcast(&last.changed);
    pthread_mutex_unlock(&last.lock);
}

static inline dbk_status await(int count)
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
static inline job_id hand_over(const char *tenant, const char *report, const char *parameters)
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

static inline job_id submit(const char *tenant, const char *report, const char *parameters)
{
    job_id id = hand_over(tenant, report, parameters);
    assert_int_equal(await(1), DBK_OK);
    return id;
}

static inline dbk_status cancel(const char *tenant, job_id id)
{
    dbk_exporter_cancel(world.exporter, dbk_text_from(tenant), dbk_text_from(id.text), on_done, NULL);
    return await(1);
}

// The row as it stands; texts live until the next call.
static inline dbk_status look(const char *tenant, job_id id, dbk_export *job)
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

static inline uint64_t tenant_number(const char *tenant)
{
    dbk_db *db = dbk_store_db(world.store);
    dbk_read read = dbk_read_begin(db);
    uint64_t number = dbk_snapshot_tenant_number(read.snapshot, dbk_text_from(tenant));
    dbk_read_end(db, &read);
    return number;
}

static inline dbk_export await_state(const char *tenant, job_id id, dbk_export_state state)
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

static inline bool has_file(job_id id, const char *ending)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s%s", world.exports, id.text, ending);
    return access(path, F_OK) == 0;
}

static inline void put_file(const char *name)
{
    char path[160];
    mkdir(world.exports, 0700);
    snprintf(path, sizeof(path), "%s/%s", world.exports, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("old", file);
    fclose(file);
}

static inline int count_files(void)
{
    DIR *directory = opendir(world.exports);
    int count = 0;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

#endif
