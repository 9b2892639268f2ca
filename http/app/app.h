// SPDX-License-Identifier: Apache-2.0
// Daybook as an application: everything between a request and its reply that is not transport. One dbk_app
// serves a store; its handler is given to the server, and the command line calls the same handler in its own
// process.
#ifndef DBK_APP_H
#define DBK_APP_H

#include "http/s3/config.h"
#include "http/server/server.h"
#include "ingest/store/store.h"

typedef struct dbk_app dbk_app;

typedef struct dbk_app_options {
    // Milliseconds since the epoch that "today" is taken from; NULL = the system clock. DAYBOOK_NOW=<ISO
    // time> in the environment freezes it for tests and examples.
    int64_t (*now_ms)(void);
    bool rate_limits; // false: no limits at all (benches)
    bool webhooks;    // false: events are stored but sent by nobody
    bool events;      // streams of events; the store must have been opened with dbk_pos_watches
    bool pos_hours;   // false: hours of the point of sale are kept by nobody until somebody asks for it
    int workers;      // threads for reads that take their time and large bodies; 0 = 2
    // What a read may take on an event loop, as far as can be told beforehand, in nanoseconds; 0 = 100 µs.
    // Negative: reads with queries are answered on the threads for the longest alone.
    int64_t patience_ns;
    // Where the files of exports are; NULL: exports are stored but written by nobody. Copied, as the next.
    const char *exports_directory;
    // "https://reports.example", what clients reach this server by; NULL = what they say themselves, by Host.
    const char *public_url;
    bool tls; // that they reach it by https
    // Where the files go from there, checked; NULL = they stay. Must live as long as the app.
    const dbk_s3_config *s3;
} dbk_app_options;

dbk_status dbk_app_create(dbk_app **out, dbk_store *store, const dbk_app_options *options, dbk_error *err);
// No request may be under way.
void dbk_app_destroy(dbk_app *app);

// The dbk_handler, refuse and log of dbk_server_options, with the dbk_app as `app`.
void dbk_app_handle(void *app, dbk_request *request);
void dbk_app_refuse(void *app, int status, const char *detail, dbk_text path, dbk_reply *reply);
void dbk_app_log(void *app, const dbk_request *request, int status, size_t bytes, uint64_t nanoseconds);

// /readyz answers 503 until this, and again after dbk_app_drain: load balancers stop sending first.
void dbk_app_ready(dbk_app *app);
void dbk_app_drain(dbk_app *app);

#endif
