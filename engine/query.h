// SPDX-License-Identifier: Apache-2.0
// The question that every report asks, and the only way into the engine for reading. It names tables and
// columns as the data dictionary does and holds no engine type, so that another executor (SQL for a cluster)
// can stand behind it.
//
// Two forms. With aggregates or keys it is a group query: one row per combination of keys that occurs (or one
// row in all when there are no keys), columns = keys, then attached fields, then aggregates. Without them it
// is a row query: one row per stored row, columns = fields.
//
// A column name may be a path through references, "customer_id.name" or "product_id.category_id.name": the
// value of that column in the keyed table that the reference points to, "no value" where nothing is found
// there. A reference in a fact's text column ("order_id.status" in order_lines) works alike. At most two
// dots.
#ifndef DBK_QUERY_H
#define DBK_QUERY_H

#include "engine/base/calendar.h"
#include "engine/base/status.h"
#include "engine/base/types.h"

typedef enum dbk_op {
    DBK_OP_EQ, // values[0]; comparing with "no value" is never true …
    DBK_OP_NE, // … so NE finds rows that have another value
    DBK_OP_IN, // any of values; here a value of kind DBK_VALUE_NULL may stand and finds rows without value
    DBK_OP_LT,
    DBK_OP_LE,
    DBK_OP_GT,
    DBK_OP_GE,
    DBK_OP_NULL,     // no values
    DBK_OP_NOT_NULL, // no values
    DBK_OP_CONTAINS, // texts: values[0] is a substring, ASCII and Latin letters without regard to case
    DBK_OP_WITHIN,   // integers: values are the first and last of each of some intervals that ascend and do
                     // not overlap; in any of them
} dbk_op;

typedef enum dbk_value_kind { DBK_VALUE_NULL = 0, DBK_VALUE_INT, DBK_VALUE_TEXT } dbk_value_kind;

// Integers are in the column's stored unit (ten-thousandths, milliseconds, days, 0/1).
typedef struct dbk_value {
    dbk_value_kind kind;
    int64_t number;
    dbk_text text;
} dbk_value;

typedef struct dbk_filter {
    const char *column;
    dbk_op op;
    const dbk_value *values;
    int values_count;
} dbk_filter;

// A key: a column, or a calendar bucket of a column of type time. A bucket's value is its first instant in ms
// UTC; that of an hour of the day is the hour, 0 to 23.
typedef struct dbk_group_key {
    const char *column;
    const dbk_bucket *bucket; // NULL = the column itself
} dbk_group_key;

typedef enum dbk_aggregate_kind {
    DBK_COUNT_ROWS,   // column ignored
    DBK_COUNT_VALUES, // rows with a value
    DBK_SUM,          // exact, 128 bits; no value when no row had one
    DBK_MIN,          // integers only
    DBK_MAX,
    DBK_AVERAGE, // an exact quotient: sum and count of the rows with a value, divided by whoever prints it
    DBK_COUNT_DISTINCT, // exact; any type
} dbk_aggregate_kind;

typedef struct dbk_aggregate {
    dbk_aggregate_kind kind;
    const char *column;
} dbk_aggregate;

typedef struct dbk_order {
    int output; // index of an output column
    bool descending;
} dbk_order;

typedef struct dbk_query {
    const char *table;

    // Rows with from <= time column < to. time_column NULL = the table's own. Either end may be open
    // (INT64_MIN, INT64_MAX). Keyed tables have no time column of their own.
    const char *time_column;
    int64_t from_ms, to_ms;

    const dbk_filter *filters; // all must hold
    int filters_count;
    const dbk_group_key *keys;
    int keys_count;
    const char *const
        *fields; // row query: what to return. Group query: attached to a key, as "customer_id.name"
    int fields_count;
    const dbk_aggregate *aggregates;
    int aggregates_count;

    // Group query whose only key is a bucket (not an hour of the day), with both ends of the range closed:
    // also the buckets without rows, so that there is one row for each bucket that the range touches.
    bool fill;

    // Without an order, rows come in an order of the executor's choosing, but the same one each time for a
    // snapshot. Integers by value, texts by bytes, averages by quotient; "no value" first when ascending.
    const dbk_order *order;
    int order_count;
    int64_t limit; // 0 = all

    // Row query with an order: only rows strictly after this position in that order, one value per order
    // column. Averages and distinct counts cannot be resumed.
    const dbk_value *after;
    int after_count;

    bool from_rows; // look at rows even where sums of them are kept: for those who compare the two
    int threads;    // how many may work on it; 0 or 1 = the caller alone
    const volatile bool *cancelled; // optional: when it turns true the query ends with DBK_CANCELLED
} dbk_query;

#define DBK_TIME_OPEN_FROM INT64_MIN
#define DBK_TIME_OPEN_TO   INT64_MAX

#endif
