// SPDX-License-Identifier: Apache-2.0
// What the hub of events.h is made of. Who may touch what: everything is the hub's thread's, but for what
// stands below a line, which the hub's mutex guards. The mutex is held for moments: never over a query, never
// over a write to a stream.
//
//     store's writer ──▶ company.waiting ──▶ hub's thread: events made, ring, streams moved on ──▶ loops
//     loops ──▶ hub.arrived (new streams), hub.gone (streams that are over)
#ifndef DBK_POS_HUB_H
#define DBK_POS_HUB_H

#include "http/pos/event_ring.h"
#include "http/pos/events.h"
#include "ingest/store/tenant_name.h"

#include <pthread.h>

typedef struct dbk_company dbk_company;

struct dbk_listener {
    dbk_pos_events *events;
    dbk_company *company;
    dbk_stream *stream;
    dbk_pos_channel channel;
    bool is_unnamed;
    bool is_resuming;
    uint64_t last_id;  // resuming: the client's
    uint64_t sequence; // of the next event in the company's ring
    uint64_t comments; // rounds of keep-alive that it had
    bool is_behind;    // did not take what was written before
    // ----
    dbk_listener *next; // in hub.arrived or hub.gone
    bool is_known;      // the hub has it: its going is to be told
    bool is_gone;
};

// A stored row whose events are to be made.
typedef struct dbk_waiting_row {
    dbk_table_id table;
    unsigned kinds;    // dbk_order_event; of a closure: 1
    uint64_t first_id; // of the first of its events
    dbk_text status;
    uint8_t id_length;
    char id[DBK_ID_BYTES_MAX];
} dbk_waiting_row;

// A tenant with events.
struct dbk_company {
    char name[DBK_TENANT_NAME_MAX + 1];
    dbk_event_ring ring; // without memory while nobody listens
    dbk_listener **listeners;
    size_t count, capacity;
    size_t at;           // the next listener of the sweep under way
    bool is_dirty;       // somebody may have something to get: a sweep is due
    bool is_sweeping;    // one is under way
    bool has_stragglers; // the last one met a reader that is behind
    int64_t left_at_ms;  // since when nobody listens, looked at now and then; 0 = somebody does
    // ----
    dbk_company *next;               // in its bucket of hub.companies
    bool is_heard;                   // somebody listens, or did a moment ago: rows are kept
    int expected;                    // listeners on their way to the hub
    uint64_t ignored_to, missing_to; // ids: events that nobody kept; that were lost
    uint64_t last_id;                // given to an event
    dbk_waiting_row *waiting;        // a queue: [waiting_from, waiting_from + waiting_count) modulo capacity
    size_t waiting_from, waiting_count, waiting_capacity;
};

enum { DBK_COMPANY_BUCKETS = 256 };

struct dbk_pos_events {
    dbk_pos_events_options options; // defaults filled in
    dbk_db *db;
    pthread_t thread;
    bool is_running;
    uint64_t comments; // rounds of keep-alive so far
    int64_t next_comment_ms;
    dbk_buffer scratch;
    // ----
    pthread_mutex_t mutex;
    pthread_cond_t work;
    bool is_called, is_stopping;
    dbk_company *companies[DBK_COMPANY_BUCKETS];
    uint64_t base;     // id: what was before the hub
    bool is_recalling; // what is observed is the past: it is kept for listeners of the last run
    dbk_listener *arrived, *gone;
    dbk_pos_events_figures figures;
};

// ---- With the mutex held ----

// NULL when memory is out.
dbk_company *dbk_company_obtain(dbk_pos_events *events, dbk_text tenant);
// The store's observer: dbk_observer.
void dbk_pos_events_observe(void *events, const dbk_observed *observed);

// ---- The hub's thread ----

void *dbk_hub_run(void *events);
void dbk_listener_end(dbk_pos_events *events, dbk_listener *listener);

#endif
