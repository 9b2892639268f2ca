// SPDX-License-Identifier: Apache-2.0
// Writes export jobs to files, from threads of its own that give way to everything else.
//
// A job is a row from the moment it is accepted (export.h). What runs when the server ends runs again from
// its beginning after the next start, so every accepted job comes to an end. A job reads one snapshot: its
// file shows one moment, and what later changes replace stays in memory until the job ends.
//
// Progress is stored now and then and shown as it is stored, so a restart never shows less than was seen.
#ifndef DBK_EXPORTER_H
#define DBK_EXPORTER_H

#include "http/exports/export.h"
#include "http/exports/sink.h"
#include "http/s3/config.h"

typedef struct dbk_exporter dbk_exporter;

// A job as its kind sees it.
typedef struct dbk_export_task {
    dbk_text tenant, report, parameters;
    const dbk_snapshot *snapshot;
} dbk_export_task;

// A family of reports that can be exported; a constant of its dialect.
typedef struct dbk_export_kind {
    const char *name;
    // Writes the header and every row. On one of the exporter's threads, in bounded memory. A failure ends
    // the job: DBK_INVALID with a message for the client, everything else with one for the operator.
    dbk_status (*write)(const dbk_export_task *task, dbk_export_sink *sink, dbk_error *err);
} dbk_export_kind;

enum { DBK_EXPORT_JOBS_MAX = 10000 }; // of one tenant, running or waiting

typedef struct dbk_exporter_options {
    dbk_store *store;
    // Where the files are. NULL: jobs are stored and wait for a process that writes them.
    const char *directory;
    const dbk_export_kind *const *kinds;
    int kinds_count;
    int64_t (*now_ms)(void *user); // any thread
    void *user;
    int threads; // 0 = 2
    // Where the files go when they are whole; NULL = they stay. Must live as long as the exporter.
    const dbk_s3_config *s3;
} dbk_exporter_options;

// Takes up what was running when the last process ended; removes files that no job stands behind.
dbk_status dbk_exporter_create(dbk_exporter **out, const dbk_exporter_options *options, dbk_error *err);
// Breaks off what runs. Nobody may call the exporter any more. NULL is fine.
void dbk_exporter_destroy(dbk_exporter *exporter);

// How a change of a job ended.
typedef struct dbk_exporter_reply {
    dbk_status status;
    const char *message;    // when not DBK_OK; valid during the call
    dbk_export_state found; // cancelling, DBK_INVALID: how the job had ended before
} dbk_exporter_reply;
// Called once, on the store's writer thread or before the call returns.
typedef void (*dbk_exporter_done)(void *user, const dbk_exporter_reply *reply);

// Stores a running job and queues it when it is on disk. What `job` points to must live until done was
// called. DBK_LIMIT: the tenant has DBK_EXPORT_JOBS_MAX already. Any thread but the store's writer.
void dbk_exporter_submit(dbk_exporter *exporter, dbk_text tenant, const dbk_export *job,
                         dbk_exporter_done done, void *user);
// Ends a running job. DBK_NOT_FOUND: there is none of this id; DBK_INVALID: it has ended. As above.
void dbk_exporter_cancel(dbk_exporter *exporter, dbk_text tenant, dbk_text id, dbk_exporter_done done,
                         void *user);

// Opens the file of a job that is ready for reading: a descriptor for the caller to close. DBK_NOT_FOUND when
// it is gone.
dbk_status dbk_exporter_open(const dbk_exporter *exporter, dbk_text id, int *fd, uint64_t *size,
                             dbk_error *err);

#endif
