// SPDX-License-Identifier: Apache-2.0
// The hours of the point of sale: each full hour in which tickets counted is kept as a row of pos_snapshots,
// taken on the hour, with the names of that moment.
//
// An answer takes its names from there (P16) and its numbers from the tickets and lines as they are stored
// (PA9). So it is right to the millisecond, late changes included, whatever the row of an hour says; the row
// says what was known on the hour.
#ifndef DBK_POS_HOURS_H
#define DBK_POS_HOURS_H

#include "engine/base/calendar.h"
#include "engine/db.h"
#include "http/pos/figures.h"
#include "ingest/store/store.h"

// Puts the names of kept hours into figures that are not sorted yet. Each window's names are those of the
// last kept hour in it that knows them; what no hour of the window knows keeps the name that it has. `bucket`
// is that of the windows, NULL for a single one from from_ms on; only hours up to to_ms are looked at. The
// names' bytes are put into the figures' arena.
typedef struct dbk_pos_naming {
    const dbk_snapshot *snapshot;
    dbk_text tenant;
    const dbk_zone *zone; // hours begin in it
    const dbk_bucket *bucket;
    int64_t from_ms, to_ms;
} dbk_pos_naming;
dbk_status dbk_pos_hours_name(dbk_pos_figures *figures, const dbk_pos_naming *naming, dbk_error *err);

// An hour that was missed (no server ran) is made up for, if it ended less than so long ago.
enum { DBK_POS_HOURS_MISSED_DAYS = 31 };

// Keeps every full hour of the tenant that is not kept yet. Says how many. Waits for the disk. One thread at
// a time.
dbk_status dbk_pos_hours_take(dbk_store *store, dbk_text tenant, int64_t now_ms, int *taken, dbk_error *err);

// The thread that does so for every tenant, a moment after each quarter of an hour (zones are whole quarters
// apart), and once when it starts.
typedef struct dbk_pos_keeper dbk_pos_keeper;
typedef struct dbk_pos_keeper_options {
    dbk_store *store;
    int64_t (*now_ms)(void *user); // the clock that hours follow
    void *user;
    bool runs; // false: no thread; hours are kept when dbk_pos_keeper_run is called
} dbk_pos_keeper_options;
dbk_status dbk_pos_keeper_create(dbk_pos_keeper **out, const dbk_pos_keeper_options *options, dbk_error *err);
// Finishes the tenant it is at. NULL is fine.
void dbk_pos_keeper_destroy(dbk_pos_keeper *keeper);
// Keeps what is due of one tenant, in the caller's thread, behind what the thread keeps when it starts: so
// what is stored after this returned is not kept before the next quarter. Waits for the disk.
dbk_status dbk_pos_keeper_run(dbk_pos_keeper *keeper, dbk_text tenant, int *taken, dbk_error *err);

#endif
