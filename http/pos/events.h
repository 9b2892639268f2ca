// SPDX-License-Identifier: Apache-2.0
// The event channels of the point of sale: what happened in a company, told to whoever listens at its tills,
// displays and printers (P20, P21, PA13).
//
// Every event follows from a committed row, and from nothing else: orders of kind pos and closures are
// observed where the store publishes them, whatever way they came in, and who writes a row has nothing to
// call. Events of a tenant are in the order of the commits, each once. Their ids only grow, also over a
// restart, because they are made of the number of the change; after a crash the events of the log that was
// replayed are there again. The newest events of each tenant stand in a ring of bounded size. A stream is a
// place in its tenant's ring and nothing more: one thread (the hub's) moves all of them on, so an event costs
// its bytes once, a stream that is behind gets several events in one write, and neither the store's writer
// nor an event loop is ever kept waiting.
#ifndef DBK_POS_EVENTS_H
#define DBK_POS_EVENTS_H

#include "http/server/stream.h"
#include "ingest/store/store.h"

typedef struct dbk_pos_events dbk_pos_events;

// Channels are bits: an event goes to each of them that it names.
typedef enum dbk_pos_channel {
    DBK_POS_CASHIER = 1,
    DBK_POS_DISPLAY = 2,
    DBK_POS_PRINTER = 4,
} dbk_pos_channel;

// What the store has to be opened with, see dbk_store_options.
enum { DBK_POS_WATCHES = 2 };
extern const dbk_watch dbk_pos_watches[DBK_POS_WATCHES];

// 0 for a name that is none of "cashier", "display", "printer".
dbk_pos_channel dbk_pos_channel_find(dbk_text name);

typedef struct dbk_pos_events_options {
    dbk_store *store;
    int keep_alive_ms; // between comments on a stream; 0 = 15,000
    int retry_ms;      // what clients are told to wait before they come back; 0 = 3,000
    int ring_events;   // kept for each tenant; 0 = 4,096
    size_t ring_bytes; // … and at most this much of them; 0 = 8 MiB
    int linger_ms;     // for how long after its last listener a tenant's events are kept; 0 = 600,000
} dbk_pos_events_options;

// Observes the store from here on and starts the hub's thread.
dbk_status dbk_pos_events_create(dbk_pos_events **out, const dbk_pos_events_options *options, dbk_error *err);
// Ends every stream that is left. Nothing may be subscribed any more. NULL is fine.
void dbk_pos_events_destroy(dbk_pos_events *events);

// Where a stream starts: "right now", or behind the last event that a client has seen.
typedef struct dbk_pos_subscription {
    dbk_text tenant;
    dbk_pos_channel channel;
    bool is_unnamed;  // leave `event:` out, for clients that only hear onmessage
    dbk_text last_id; // as the client sent it; empty = it starts here
} dbk_pos_subscription;

typedef struct dbk_listener dbk_listener;

// Makes ready for a stream: fills its options, with which the caller then opens it. NULL when memory is out.
// From here on what happens in the tenant is kept. Any thread.
dbk_listener *dbk_pos_events_listen(dbk_pos_events *events, const dbk_pos_subscription *subscription,
                                    dbk_stream_options *options);
// Hands the open stream over, which the hub will end; NULL when it could not be opened. Right after
// dbk_pos_events_listen, once.
void dbk_pos_events_begin(dbk_pos_events *events, dbk_listener *listener, dbk_stream *stream);

typedef struct dbk_pos_events_figures {
    uint64_t streams;   // open
    uint64_t published; // events put into rings
    uint64_t dropped;   // streams cut off because their reader did not read
    uint64_t resets;    // streams told that events are missing between their last id and the ring
} dbk_pos_events_figures;
dbk_pos_events_figures dbk_pos_events_figures_read(dbk_pos_events *events);

#endif
