// SPDX-License-Identifier: Apache-2.0
// Applying rows to one table in two steps, so that a change is whole or not at all: prepare does everything
// that can fail (looks keys up, adds words, reserves memory), commit does the rest and cannot.
//
// What prepare leaves behind when the change is given up (words without rows, room, copies of pages) changes
// nothing that anybody sees.
#ifndef DBK_TABLE_CHANGE_H
#define DBK_TABLE_CHANGE_H

#include "engine/table/state.h"

// A run of the new rows that goes into one delta.
typedef struct dbk_change_piece {
    uint32_t from, count;
    uint32_t slot;
    dbk_delta *delta;
    char *text;
} dbk_change_piece;

// Zero it, set the first group, prepare, commit, dispose.
typedef struct dbk_change {
    dbk_table *table;
    const dbk_batch *batch;
    const int64_t *times;    // fills the table's time column where the batch has no value; or NULL
    const bool *is_rejected; // rows to leave out; or NULL

    dbk_arena arena;
    dbk_delta_input input;      // input.rows: the rows to store, or whose keys to remove; each key once
    uint32_t count;             // of them
    const uint64_t *hashes;     // facts: of the ids, by row of the batch
    const uint32_t *keys;       // keyed tables: codes, by row of the batch
    dbk_place *old;             // where the key stands now, by index in input.rows
    _Atomic uint64_t **entries; // facts: and its entry, or where that begins to look for a place
    dbk_change_piece *pieces;
    uint32_t pieces_count;
} dbk_change;

dbk_status dbk_change_prepare(dbk_change *change);
void dbk_change_commit(dbk_change *change);
// Between the two: tells the rows that the db watches, see dbk_db_watch.
void dbk_change_tell(const dbk_change *change);
void dbk_change_dispose(dbk_change *change);

// The currency of the first row that has one, length 0 when none has; and making it the tenant's, unless that
// is settled (apply.c).
dbk_text dbk_batch_first_currency(const dbk_batch *batch);
dbk_status dbk_tenant_settle_currency(dbk_tenant *tenant, dbk_text currency);

// Puts rows into a fresh delta, for restoring; their keys are not led to them yet. false: no memory.
bool dbk_table_delta_fill(dbk_table *table, const dbk_rows *rows, uint32_t *slot);

#endif
