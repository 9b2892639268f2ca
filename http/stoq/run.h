// SPDX-License-Identifier: Apache-2.0
// One request being answered: what the functions that yield a report's rows work with.
//
// A preorder line is a line sold under an offer in an order of kind preorder; it was placed at its
// created_at. All figures of sales are over such lines. Deposits, balances and refunds that were paid are
// rows of payments.
//
// Money of other currencies than the reporting one is converted at the rate of the day on which its order was
// placed, and summed as amount × rate, exactly, in units of 10^-13: it is rounded once, when a cell is made.
// Where the tenant has loaded no rates at all, only what is in the reporting currency counts.
#ifndef DBK_STOQ_RUN_H
#define DBK_STOQ_RUN_H

#include "http/stoq/rows.h"

// Units of 10^-13: ten-thousandths times a rate in thousand-millionths.
typedef dbk_i128 dbk_stoq_sum;

typedef enum dbk_stoq_currencies {
    DBK_STOQ_CURRENCIES_UNKNOWN = 0, // not looked at yet
    DBK_STOQ_CURRENCIES_ONE,         // all money is in the reporting currency
    DBK_STOQ_CURRENCIES_CONVERTED,
    DBK_STOQ_CURRENCIES_FILTERED, // no rates: other currencies are left out
} dbk_stoq_currencies;

typedef struct dbk_stoq_rates dbk_stoq_rates;

struct dbk_stoq_run {
    const dbk_stoq_request *request;
    const dbk_snapshot *snapshot;
    dbk_text tenant;
    const dbk_stoq_sink *sink;
    int threads;
    bool is_export; // only the exported set is wanted, with all its pages
    bool is_trial;  // … and only whether its rows can be had
    dbk_stoq_currencies currencies;
    dbk_stoq_rates *rates; // once currencies are known
    // Whether any line of the request's scope is cancelled by its order alone: 0 = not looked at, 1 = none, 2
    // = some.
    int order_cancels;
};

// ---- Questions ----

enum { DBK_STOQ_COUNTS_MAX = 4, DBK_STOQ_SUMS_MAX = 2, DBK_STOQ_FILTERS_MAX = 8 };

// A group query over preorder lines or their payments, within the request's offers, product, variant and
// market.
typedef struct dbk_stoq_question {
    bool of_payments;
    bool of_order_cancels;   // only lines that are cancelled by their order alone
    const char *time_column; // NULL = created_at
    int64_t from_ms, to_ms;
    const dbk_group_key *keys;
    int keys_count;
    const char *const *fields; // attached to keys
    int fields_count;
    const dbk_aggregate *counts; // whatever is no money
    int counts_count;
    const char *const *sums; // money columns to add up
    int sums_count;
    dbk_filter filters[DBK_STOQ_FILTERS_MAX]; // beside the request's
    int filters_count;
} dbk_stoq_question;

void dbk_stoq_question_filter(dbk_stoq_question *question, const char *column, dbk_op op,
                              const dbk_value *values, int values_count);

// One group.
typedef struct dbk_stoq_figure {
    size_t row; // of the result: keys, then fields
    dbk_i128 counts[DBK_STOQ_COUNTS_MAX];
    dbk_stoq_sum sums[DBK_STOQ_SUMS_MAX];
} dbk_stoq_figure;

// The groups, ascending by key; one in all without keys, or none where nothing can match.
typedef struct dbk_stoq_figures {
    dbk_result *result;
    size_t count;
    dbk_stoq_figure *rows;
} dbk_stoq_figures;

// DBK_INVALID: a rate is missing. On failure there is nothing to dispose of.
dbk_status dbk_stoq_measure(dbk_stoq_run *run, const dbk_stoq_question *question, dbk_stoq_figures *out,
                            dbk_error *err);
void dbk_stoq_figures_dispose(dbk_stoq_figures *figures);
// Any other query of the run.
dbk_status dbk_stoq_query(dbk_stoq_run *run, dbk_query *query, dbk_result **out, dbk_error *err);

// ---- Money ----

// Which currencies there are, and the rates, if they are needed.
dbk_status dbk_stoq_currencies_read(dbk_stoq_run *run, dbk_error *err);
void dbk_stoq_rates_dispose(dbk_stoq_run *run);
// CONVERTED: what the currencies of other money than in the reporting one can be, "no value" among them where
// that stands for one; valid as long as the run.
const dbk_value *dbk_stoq_other_currencies(const dbk_stoq_run *run, int *count);
// Adds amount, of that currency (length 0 = none given) and day, to *sum.
dbk_status dbk_stoq_add(const dbk_stoq_run *run, dbk_i128 amount, dbk_text currency, int32_t day,
                        dbk_stoq_sum *sum, dbk_error *err);

// ---- Rows out ----

typedef struct dbk_stoq_row {
    dbk_stoq_run *run;
    const dbk_stoq_set *set;
    int column; // the next of the set's columns
    int count;
    dbk_stoq_cell cells[DBK_STOQ_COLUMNS_MAX];
} dbk_stoq_row;

// Whether the set's rows are wanted, and the column of it.
bool dbk_stoq_wants_set(const dbk_stoq_run *run, int set);
bool dbk_stoq_wants_metric(const dbk_stoq_run *run, const char *key);
// Begins a wanted set.
dbk_status dbk_stoq_set_begin(dbk_stoq_run *run, int set, dbk_error *err);
// A row's cells, one call for each of the set's columns in their order; those that are not wanted are left
// out.
dbk_stoq_row dbk_stoq_row_begin(dbk_stoq_run *run, int set);
void dbk_stoq_put_int(dbk_stoq_row *row, dbk_i128 value);
// sum / divisor; 0 when the divisor is 0.
void dbk_stoq_put_money(dbk_stoq_row *row, dbk_stoq_sum sum, dbk_i128 divisor);
// What is left of the rounded sum when the rounded part is taken away, so that the three add up as shown.
void dbk_stoq_put_rest(dbk_stoq_row *row, dbk_stoq_sum sum, dbk_stoq_sum part);
void dbk_stoq_put_text(dbk_stoq_row *row, dbk_text text); // null when there is no value
void dbk_stoq_put_day(dbk_stoq_row *row, int32_t day);
void dbk_stoq_put_ratio(dbk_stoq_row *row, dbk_i128 part, dbk_i128 whole); // 0 when the whole is 0
void dbk_stoq_put_flag(dbk_stoq_row *row, bool value);
void dbk_stoq_put_null(dbk_stoq_row *row);
dbk_status dbk_stoq_row_end(dbk_stoq_row *row, dbk_error *err);
// A step of a run whose length is known.
void dbk_stoq_progress(const dbk_stoq_run *run, uint64_t done, uint64_t total);

#endif
