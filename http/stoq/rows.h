// SPDX-License-Identifier: Apache-2.0
// From what was asked to rows. A request is judged and resolved once (dbk_stoq_prepare): every default is
// filled in, so that running it later, after a restart too, asks the same question. Its rows then come one by
// one, typed, to a sink; reads make JSON of them, exports CSV.
#ifndef DBK_STOQ_ROWS_H
#define DBK_STOQ_ROWS_H

#include "engine/base/calendar.h"
#include "engine/db.h"
#include "http/app/params.h"
#include "http/app/settings.h"
#include "http/json/writer.h"
#include "http/stoq/registry.h"
#include "ingest/parse/json.h"

enum {
    DBK_STOQ_OFFERS_MAX = 100,
    DBK_STOQ_UUID_BYTES = 36,
    DBK_STOQ_FAULTS_MAX = 16,
    DBK_STOQ_DAYS_MAX = 36600, // of a window
};

// ---- A request ----

// Everything that the answer follows from beside the rows that are stored. Plain data without pointers to
// anything that ends (zones and reports live as long as the process); copy it as you like.
typedef struct dbk_stoq_request {
    const dbk_stoq_report *report;
    int32_t from_day, to_day;                 // both inclusive, whole days in the zone
    int64_t from_ms, to_ms;                   // [from_ms, to_ms)
    const dbk_zone *zone;                     // NULL = UTC
    char currency[DBK_ID_BYTES_MAX + 1];      // the reporting currency; "" = the tenant has none yet
    char home_currency[DBK_ID_BYTES_MAX + 1]; // of rows without one
    int digits;                               // of the reporting currency
    int offers_count;                         // 0 = all
    char offers[DBK_STOQ_OFFERS_MAX][DBK_STOQ_UUID_BYTES + 1];
    char product_id[DBK_ID_BYTES_MAX + 1], variant_id[DBK_ID_BYTES_MAX + 1],
        market_id[DBK_ID_BYTES_MAX + 1]; // "" = all
    dbk_unit granularity;
    uint32_t metrics; // bit i: column i of the exported set is wanted; all bits when nothing was asked
    bool include_deposits, include_balances;
    int64_t page, per_page; // of a read
} dbk_stoq_request;

// Where parameters come from: one of the two is given.
typedef struct dbk_stoq_input {
    const dbk_params *params; // a query string
    const dbk_json *body;     // a JSON object; NULL = an empty one
} dbk_stoq_input;

// What is wrong with a request, one sentence each, all of them.
typedef struct dbk_stoq_faults {
    int count;
    char texts[DBK_STOQ_FAULTS_MAX][256];
} dbk_stoq_faults;

// Judges and resolves. False: faults->count > 0 and *out must not be used; the answer is 422 with
// {"errors":[texts…]}. Paging parameters are judged for exports too, and mean nothing there.
bool dbk_stoq_prepare(const dbk_stoq_report *report, const dbk_stoq_input *input,
                      const dbk_settings *settings, int64_t now_ms, dbk_stoq_request *out,
                      dbk_stoq_faults *faults);

// The resolved request as one JSON object, for the table `exports`; and back. DBK_INVALID: not such a text,
// or of a report, column or zone that this program does not know.
void dbk_stoq_request_write(const dbk_stoq_request *request, dbk_out *json);
dbk_status dbk_stoq_request_read(dbk_text json, dbk_stoq_request *out, dbk_error *err);

// "preorders_revenue_2026-01-01_2026-05-28.csv", with a NUL.
enum { DBK_STOQ_FILE_NAME_MAX = 80 };
void dbk_stoq_file_name(const dbk_stoq_request *request, char out[DBK_STOQ_FILE_NAME_MAX]);

// ---- Rows ----

// One value. `type` is that of its column.
typedef struct dbk_stoq_cell {
    dbk_stoq_cell_type type;
    bool is_null;
    dbk_i128 number; // INT; FLAG: 0 or 1; RATIO: ten-thousandths, rounded;
                     // MONEY: units of 10^-digits, already rounded, once; DAY: days since the epoch
    int digits;      // MONEY: how many decimals to show
    dbk_text text;   // TEXT: from data, so a CSV guards it; valid until the row's call returns
} dbk_stoq_cell;

// The cell's characters as they stand in a CSV, not yet quoted or guarded: "4812.50", "0.4", "true",
// "2026-04-17"; nothing for null. Appended to the buffer.
void dbk_stoq_cell_write(const dbk_stoq_cell *cell, dbk_buffer *out);
// … and as a JSON value.
void dbk_stoq_cell_json(const dbk_stoq_cell *cell, dbk_out *json);

// Where rows go. All functions are called on the thread that runs the request. A failure that one returns
// ends the run with it.
typedef struct dbk_stoq_sink {
    // Once for each wanted set, before its rows, also when it has none. `columns` are those that rows have:
    // all of the set's, but for metrics that were not asked for.
    dbk_status (*begin)(void *user, const dbk_stoq_set *set, const dbk_stoq_column *const *columns, int count,
                        dbk_error *err);
    dbk_status (*row)(void *user, const dbk_stoq_cell *cells, int count, dbk_error *err);
    // May be NULL. Now and then, for requests that take several steps: done < total, done never goes back,
    // total never changes. That all is done is said by the run's return.
    void (*progress)(void *user, uint64_t done, uint64_t total);
    void *user;
    const volatile bool *cancelled; // may be NULL; when it turns true the run ends soon with DBK_CANCELLED
} dbk_stoq_sink;

// The rows of the report's exported set, all pages of it, in the report's order. The same rows for the same
// snapshot. Memory beside the snapshot's stays bounded for every report: all but `customers` have few rows
// (offers, variants, products, buckets), and customers are asked for in ranges of ids, which is why they come
// by id.
//
// DBK_INVALID: no exchange rate for a currency and day that the rows need; the message names them. Others as
// of dbk_query_run. Any thread; the caller holds the read of the snapshot until it returns. threads: how many
// may work on a query, 0 or 1 = the caller alone.
dbk_status dbk_stoq_rows(const dbk_stoq_request *request, const dbk_snapshot *snapshot, dbk_text tenant,
                         int threads, const dbk_stoq_sink *sink, dbk_error *err);

// Whether the rows can be had as things stand: DBK_INVALID where dbk_stoq_rows would find an exchange rate
// missing. Where money of several currencies is converted it costs what a read of the report does, otherwise
// next to nothing.
dbk_status dbk_stoq_try(const dbk_stoq_request *request, const dbk_snapshot *snapshot, dbk_text tenant,
                        int threads, dbk_error *err);

// What a read needs: all sets; customers only the request's page of them.
dbk_status dbk_stoq_read(const dbk_stoq_request *request, const dbk_snapshot *snapshot, dbk_text tenant,
                         int threads, const dbk_stoq_sink *sink, dbk_error *err);

#endif
