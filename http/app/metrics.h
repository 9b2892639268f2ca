// SPDX-License-Identifier: Apache-2.0
// What the server counts about itself, and its OpenMetrics text. Counters are relaxed atomics: a scrape may
// catch two of them a request apart. Totals only: neither tenants nor keys are labels.
#ifndef DBK_METRICS_H
#define DBK_METRICS_H

#include "http/app/route.h"
#include "http/pos/events.h"
#include "ingest/store/store.h"

typedef struct dbk_metrics dbk_metrics;

dbk_status dbk_metrics_create(dbk_metrics **out, dbk_error *err);
void dbk_metrics_destroy(dbk_metrics *metrics);

// route NULL: no route was found.
void dbk_metrics_request(dbk_metrics *metrics, const dbk_route *route, int status, int64_t nanoseconds);
void dbk_metrics_ingest(dbk_metrics *metrics, uint64_t stored, uint64_t rejected);
void dbk_metrics_cache(dbk_metrics *metrics, bool was_hit);
// A request that never reached a route: bad framing, no length, too large.
void dbk_metrics_refused(dbk_metrics *metrics, int status);

// events may be NULL.
void dbk_metrics_write(dbk_metrics *metrics, dbk_store *store, dbk_pos_events *events, bool ready,
                       dbk_buffer *out);

#endif
