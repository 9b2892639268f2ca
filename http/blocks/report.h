// SPDX-License-Identifier: Apache-2.0
// A report under way: what it asks, of which rows, in which currency, and what those rows come to by status.
//
// Every report begins with one query, by status and currency, over everything it may ask about. From its rows
// follow the currencies that are not counted, which stored words a status stands for, the number of rows and
// their sums; with what is known then, the rest is asked.
#ifndef DBK_BLOCKS_REPORT_H
#define DBK_BLOCKS_REPORT_H

#include "http/app/currency.h"
#include "http/blocks/request.h"

enum { DBK_BLOCKS_SUMS_MAX = 3, DBK_BLOCKS_FILTERS_MAX = 6 };

// What the reports of one family read. Constant data.
typedef struct dbk_blocks_source {
    const char *table, *time_column, *id_column;
    const char *const *sums; // money columns; the first is the amount of a row
    int sums_count;
    const dbk_filter *filter;    // that always holds; NULL = none
    const char *initial;         // the status of a row without one; NULL = it has none
    const char *left_out;        // rows of this status count only when asked for; NULL = none
    const char *vendor, *method; // columns that vendor_id and payment_method filter; NULL = not here
    int groups;                  // that group_by may name
    bool is_stock;               // all rows up to the end of the period, not only those of the period
} dbk_blocks_source;

typedef struct dbk_blocks_figure {
    dbk_text status; // in this dialect; length 0 = none
    int64_t rows;
    dbk_i128 sums[DBK_BLOCKS_SUMS_MAX]; // of the source's columns, ten-thousandths
} dbk_blocks_figure;

typedef struct dbk_blocks_report {
    dbk_call *call;
    const dbk_blocks_source *source;
    dbk_json_doc document; // of the body; a zeroed one without
    dbk_blocks_request request;
    dbk_settings settings;
    dbk_currency currency;
    int64_t period_from_ms, period_to_ms; // of the period: from <= time < to

    dbk_result *census;
    dbk_blocks_figure total;
    dbk_blocks_figure *figures; // one a status of the counted rows, by name; in the call's arena
    int figures_count;

    dbk_value vendor_value, method_value;
    dbk_value *status_values; // in the call's arena
    dbk_filter filters[DBK_BLOCKS_FILTERS_MAX];
    int filters_count;
} dbk_blocks_report;

// Reads the request, settles the ETag, asks the first query. False: the call is over. True: it must be ended
// with dbk_blocks_end.
bool dbk_blocks_begin(dbk_call *call, dbk_blocks_report *report, const dbk_blocks_source *source);
// Ends it with call->body, or with what failed.
void dbk_blocks_end(dbk_blocks_report *report, dbk_status status, const dbk_error *err);
// Frees what the report holds; for a call that was ended otherwise.
void dbk_blocks_dispose(dbk_blocks_report *report);

// The rows that the report counts, for a query to be completed. Points into the report.
dbk_query dbk_blocks_rows(const dbk_blocks_report *report);
dbk_status dbk_blocks_run(const dbk_blocks_report *report, const dbk_query *query, dbk_result **out,
                          dbk_error *err);
// The figure of a status; zeros when there are no such rows.
dbk_blocks_figure dbk_blocks_figure_of(const dbk_blocks_report *report, const char *status);
// A row's status as this dialect has it; length 0 = none. *failed turns true when memory is out.
dbk_text dbk_blocks_status_of(const dbk_blocks_report *report, dbk_text stored, bool *failed);

// ---- The answer ----

// {"data":{"type":"report","attributes":{ … and its end.
dbk_out dbk_blocks_open(dbk_blocks_report *report);
void dbk_blocks_close(dbk_out *out);
void dbk_blocks_write_count(dbk_out *out, const char *key, int64_t count);
void dbk_blocks_write_money(const dbk_blocks_report *report, dbk_out *out, const char *key, dbk_i128 amount);
// A percentage with one decimal: numerator ÷ denominator × 100, 0 when the denominator is.
void dbk_blocks_write_percent(dbk_out *out, const char *key, dbk_i128 numerator, int64_t denominator);
void dbk_blocks_write_currency(const dbk_blocks_report *report, dbk_out *out);
void dbk_blocks_write_period(const dbk_blocks_report *report, dbk_out *out);
// "by_status": the words of `always` (ends with NULL), then the others that occur, by name.
void dbk_blocks_write_statuses(const dbk_blocks_report *report, dbk_out *out, const char *const *always);
// False: the period has too many days to be broken down, and the call is over.
bool dbk_blocks_can_break_down(dbk_blocks_report *report);
// "breakdown": one object for each bucket of the period, {date|week|month, <count_key>, <sum_key>}; the sum
// is that of the first of the source's columns.
dbk_status dbk_blocks_write_breakdown(const dbk_blocks_report *report, dbk_out *out, const char *count_key,
                                      const char *sum_key, dbk_error *err);

#endif
