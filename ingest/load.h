// SPDX-License-Identifier: Apache-2.0
// Loading files: read, unpack, parse on several threads, hand the batches on in the order of the file.
//
// A file that is no CSV or NDJSON, holds NUL bytes, is truncated or lacks a column is refused whole. It is
// looked through before anything of it is stored, unless the sink can take back what was. Apart from that
// single rows can only be rejected, each with file:line:column and a reason, and for every file rows = stored
// + rejected. Memory is bounded by a few blocks and batches (a map holds its groups, docs/MAPS.md).
#ifndef DBK_LOAD_H
#define DBK_LOAD_H

#include "engine/db.h"
#include "ingest/parse/reader.h"
#include "ingest/store/store.h"

// A batch on its way to where it is stored. Whoever takes it calls dbk_load_done once, from any thread, also
// before submit returns; the batch lives until then. change is room for one that needs it, and prepared for
// what prepare made of the batch.
typedef struct dbk_load_ticket {
    dbk_batch *batch;
    struct dbk_load *load; // of the loader
    dbk_change change;
    const dbk_batch *batches[1];
    void *prepared;
    uint64_t line_offset; // to be added to the batch's lines
} dbk_load_ticket;

typedef struct dbk_load_sink {
    // What can be done to a batch before it is its turn: called at most once for each, before submit, on the
    // thread that parsed it. May be NULL. DBK_NO_MEMORY or DBK_OK.
    dbk_status (*prepare)(void *user, dbk_load_ticket *ticket);
    // For a ticket that was prepared and will not be submitted; on any thread.
    void (*forget)(void *user, dbk_load_ticket *ticket);
    uint32_t batch_rows; // that a batch should have, about; 0 = no matter
    // Called once before the first submit: it begins now. rows: about how many the table (NULL: several) gets
    // of the file, 0 when nobody knows. A failure ends the load. May be NULL.
    dbk_status (*begin)(void *user, const dbk_table_def *table, uint64_t rows, dbk_error *err);
    // May block. Called by one thread at a time, in the order of the file.
    void (*submit)(void *user, dbk_load_ticket *ticket);
    // What submit left to be done that needs no order: called once after each submit, on any thread, several
    // at a time. It computes, and waits for nobody. May be NULL.
    void (*work)(void *user);
    void *user;
    // Called once, when everything was submitted, and waits until all of it is done: puts it on stable
    // storage where `done` did not say so yet. NULL: it did. `refused`: the file turned out to be one of
    // which nothing may be stored, and nothing is.
    dbk_status (*finish)(void *user, bool refused, dbk_error *err);
    // Finish can take back what was submitted. So a file need not be looked through before.
    bool takes_back;
} dbk_load_sink;

// status: what storing came to, message the reason when it failed. report: rows rejected by the engine; may
// be NULL. Both are valid during the call only.
void dbk_load_done(dbk_load_ticket *ticket, dbk_status status, const char *message,
                   const dbk_apply_report *report);

typedef struct dbk_load_options {
    const dbk_table_def *table; // NULL with a map
    const dbk_map *map;         // or NULL
    dbk_format format;          // 0: by the name, or by the first byte
    const dbk_zone *zone;       // of times without offset; NULL = UTC. A map has its own
    bool ignore_unknown;
    bool dry_run;       // check and count; store nothing and write no rejects
    bool write_rejects; // FILE.rejects: header and rows as they were; FILE.rejects.txt: one line a reason
    int threads;        // 0 = one a core, at most 8
    // "orders.csv:12:3: total: more than 4 decimals"; the column is 0 when the whole row is meant. Optional.
    void (*on_reject)(void *user, const char *line);
    // Bytes of the file read and in all (0 = unknown), rows so far. Optional.
    void (*on_progress)(void *user, uint64_t done, uint64_t total, uint64_t rows);
    void *user;
} dbk_load_options;

typedef struct dbk_load_totals {
    uint64_t rows;     // of the file, without its header
    uint64_t rejected; // by the parser or by the engine
    uint64_t stored;   // rows - rejected, unless the load failed on the way
    uint64_t lines, bytes;
    uint64_t stored_in[DBK_TABLE_END]; // rows of each table: with a map, or categories of products
} dbk_load_totals;

// Loads one file ("-" = standard input). Callbacks come one at a time, on any thread. DBK_INVALID: the file
// was refused and nothing of it stored; any other failure: totals says how much was stored before. Rejects
// are no failure.
dbk_status dbk_load_file(const dbk_load_options *options, const char *path, const dbk_load_sink *sink,
                         dbk_load_totals *totals, dbk_error *err);

// The sink that stores into a data directory without a log. open is asked for the store when the first batch
// is there, once: it may have been opened meanwhile. The last two members are the sink's own.
typedef struct dbk_load_store {
    dbk_text tenant;
    dbk_status (*open)(void *user, dbk_store **out, dbk_error *err);
    void *user;
    dbk_store *store;
    struct dbk_store_bulk *bulk;
} dbk_load_store;
dbk_load_sink dbk_load_store_sink(dbk_load_store *target);

#endif
