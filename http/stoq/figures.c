// SPDX-License-Identifier: Apache-2.0
// Questions to queries, and their results to figures.
//
// Where money is converted, all of it is first taken to be in the reporting currency; then what is not is
// asked for once more, by currency and day of the order, and its worth put in the place of its amount. Both
// are exact, and most money is in one currency.
#include "engine/base/calendar.h"
#include "http/app/time_range.h"
#include "http/stoq/run.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 4, AGGREGATES_MAX = DBK_STOQ_COUNTS_MAX + DBK_STOQ_SUMS_MAX, OWN_FILTERS_MAX = 8 };

// A query with room for what it points to.
typedef struct builder {
    dbk_query query;
    dbk_filter filters[DBK_STOQ_FILTERS_MAX + OWN_FILTERS_MAX];
    dbk_value offers[DBK_STOQ_OFFERS_MAX];
    dbk_value kind, product, variant, market, currencies[2];
    dbk_group_key keys[KEYS_MAX + 3];
    dbk_order order[KEYS_MAX];
    dbk_aggregate aggregates[AGGREGATES_MAX];
    dbk_bucket day;
} builder;

void dbk_stoq_question_filter(dbk_stoq_question *question, const char *column, dbk_op op,
                              const dbk_value *values, int values_count)
{
    question->filters[question->filters_count++] =
        (dbk_filter){.column = column, .op = op, .values = values, .values_count = values_count};
}

dbk_status dbk_stoq_query(dbk_stoq_run *run, dbk_query *query, dbk_result **out, dbk_error *err)
{
    query->threads = run->threads;
    query->cancelled = run->sink->cancelled;
    return dbk_query_run(run->snapshot, run->tenant, query, out, err);
}

static void add_filter(builder *b, const char *column, dbk_op op, const dbk_value *values, int count)
{
    b->filters[b->query.filters_count++] =
        (dbk_filter){.column = column, .op = op, .values = values, .values_count = count};
}

static void add_text_filter(builder *b, const char *column, const char *text, dbk_value *value)
{
    if (text[0] == 0)
        return;
    *value = (dbk_value){.kind = DBK_VALUE_TEXT, .text = dbk_text_from(text)};
    add_filter(b, column, DBK_OP_EQ, value, 1);
}

static void add_offers(builder *b, const dbk_stoq_request *request, const char *column, bool must_have)
{
    for (int i = 0; i < request->offers_count; i++)
        b->offers[i] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = dbk_text_from(request->offers[i])};
    if (request->offers_count > 0)
        add_filter(b, column, DBK_OP_IN, b->offers, request->offers_count);
    else if (must_have)
        add_filter(b, column, DBK_OP_NOT_NULL, NULL, 0);
}

// Only the reporting currency; rows without one are of the tenant's own.
static void add_currency(builder *b, const dbk_stoq_run *run, const char *column)
{
    if (run->currencies != DBK_STOQ_CURRENCIES_FILTERED)
        return;
    bool is_home = strcmp(run->request->currency, run->request->home_currency) == 0;
    b->currencies[0] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = dbk_text_from(run->request->currency)};
    b->currencies[1] = (dbk_value){.kind = DBK_VALUE_NULL};
    add_filter(b, column, DBK_OP_IN, b->currencies, is_home ? 2 : 1);
}

static void add_scope(builder *b, const dbk_stoq_run *run, const dbk_stoq_question *question)
{
    const dbk_stoq_request *request = run->request;
    if (question->of_payments) {
        add_offers(b, request, "line_id.offer_id", false);
        add_text_filter(b, "line_id.product_id", request->product_id, &b->product);
        add_text_filter(b, "line_id.variant_id", request->variant_id, &b->variant);
        add_currency(b, run, "currency");
    } else {
        add_offers(b, request, "offer_id", true);
        add_text_filter(b, "order_id.kind", "preorder", &b->kind);
        add_text_filter(b, "product_id", request->product_id, &b->product);
        add_text_filter(b, "variant_id", request->variant_id, &b->variant);
        add_currency(b, run, "order_id.currency");
    }
    add_text_filter(b, "order_id.market_id", request->market_id, &b->market);
}

static void build(builder *b, const dbk_stoq_run *run, const dbk_stoq_question *question)
{
    *b = (builder){0};
    b->query = (dbk_query){.table = question->of_payments ? "payments" : "order_lines",
                           .time_column = question->time_column,
                           .from_ms = question->from_ms,
                           .to_ms = question->to_ms,
                           .filters = b->filters,
                           .keys = b->keys,
                           .keys_count = question->keys_count,
                           .aggregates = b->aggregates,
                           .order = b->order,
                           .order_count = question->keys_count};
    for (int i = 0; i < question->filters_count; i++)
        b->filters[b->query.filters_count++] = question->filters[i];
    add_scope(b, run, question);
    for (int i = 0; i < question->keys_count; i++) {
        b->keys[i] = question->keys[i];
        b->order[i] = (dbk_order){.output = i};
    }
}

static void add_aggregate(builder *b, dbk_aggregate aggregate)
{
    b->aggregates[b->query.aggregates_count++] = aggregate;
}

// ---- Money of other currencies ----

static void build_money(builder *b, const dbk_stoq_run *run, const dbk_stoq_question *question)
{
    build(b, run, question);
    b->day = (dbk_bucket){.unit = DBK_UNIT_DAY, .count = 1, .zone = run->request->zone};
    const char *currency = question->of_payments ? "currency" : "order_id.currency";
    const char *placed = question->of_payments ? "order_id.created_at" : "created_at";
    int others;
    const dbk_value *values = dbk_stoq_other_currencies(run, &others);
    add_filter(b, currency, DBK_OP_IN, values, others);
    b->keys[b->query.keys_count++] = (dbk_group_key){.column = currency};
    b->keys[b->query.keys_count++] = (dbk_group_key){.column = placed, .bucket = &b->day};
    // A payment whose order is not known goes by its own day.
    if (question->of_payments)
        b->keys[b->query.keys_count++] = (dbk_group_key){.column = "created_at", .bucket = &b->day};
    for (int i = 0; i < question->sums_count; i++)
        add_aggregate(b, (dbk_aggregate){.kind = DBK_SUM, .column = question->sums[i]});
}

static bool has_keys(const dbk_stoq_figures *figures, size_t row, const dbk_result *money, size_t at,
                     int keys)
{
    for (int k = 0; k < keys; k++) {
        bool is_text = dbk_result_column_kind(money, k) == DBK_RESULT_TEXT;
        if (is_text ? !dbk_text_equal(dbk_result_text(figures->result, row, k), dbk_result_text(money, at, k))
                    : dbk_result_int(figures->result, row, k) != dbk_result_int(money, at, k))
            return false;
    }
    return true;
}

static dbk_status exchange(const dbk_stoq_run *run, dbk_i128 amount, dbk_text currency, int32_t day,
                           dbk_stoq_sum *sum, dbk_error *err)
{
    DBK_TRY(dbk_stoq_add(run, -amount, dbk_text_from(run->request->currency), 0, sum, err));
    return dbk_stoq_add(run, amount, currency, day, sum, err);
}

// Both results are of the same rows, one of some of them, and ascend by the question's keys.
static dbk_status exchange_all(const dbk_stoq_run *run, const dbk_stoq_question *question,
                               const dbk_result *money, dbk_stoq_figures *figures, dbk_error *err)
{
    int currency = question->keys_count, day = currency + 1;
    int sums = day + (question->of_payments ? 2 : 1);
    size_t at = 0;
    for (size_t row = 0; row < dbk_result_rows(money); row++) {
        while (at < figures->count &&
               !has_keys(figures, figures->rows[at].row, money, row, question->keys_count))
            at++;
        if (at == figures->count)
            return dbk_fail(err, DBK_CORRUPT, "two queries of one snapshot do not agree on their groups");
        bool is_orphan = dbk_result_is_null(money, row, day);
        int64_t placed_ms = dbk_result_int(money, row, is_orphan && question->of_payments ? day + 1 : day);
        int32_t placed = dbk_local_day(placed_ms, run->request->zone);
        for (int i = 0; i < question->sums_count; i++)
            DBK_TRY(exchange(run, dbk_result_sum(money, row, sums + i), dbk_result_text(money, row, currency),
                             placed, &figures->rows[at].sums[i], err));
    }
    return DBK_OK;
}

static dbk_status convert(dbk_stoq_run *run, const dbk_stoq_question *question, dbk_stoq_figures *figures,
                          dbk_error *err)
{
    builder b;
    dbk_result *money;
    build_money(&b, run, question);
    DBK_TRY(dbk_stoq_query(run, &b.query, &money, err));
    dbk_status status = exchange_all(run, question, money, figures, err);
    dbk_result_free(money);
    return status;
}

// ---- The whole ----

// A result without keys has its one row also when nothing was found.
static dbk_status take_result(dbk_stoq_run *run, const dbk_stoq_question *question, dbk_stoq_figures *out,
                              dbk_error *err)
{
    int counts = question->keys_count + question->fields_count, sums = counts + question->counts_count;
    out->count = dbk_result_rows(out->result);
    out->rows = calloc(out->count + 1, sizeof(*out->rows));
    if (out->rows == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory counting preorders");
    dbk_text own = dbk_text_from(run->request->currency);
    for (size_t row = 0; row < out->count; row++) {
        dbk_stoq_figure *figure = &out->rows[row];
        figure->row = row;
        for (int i = 0; i < question->counts_count; i++)
            figure->counts[i] = dbk_result_sum(out->result, row, counts + i);
        for (int i = 0; i < question->sums_count; i++)
            DBK_TRY(
                dbk_stoq_add(run, dbk_result_sum(out->result, row, sums + i), own, 0, &figure->sums[i], err));
    }
    return DBK_OK;
}

// Looking for them goes over all lines and their orders, and most shops have none: their lines say themselves
// when they were cancelled. So it is asked once whether there are any.
static dbk_status find_order_cancels(dbk_stoq_run *run, dbk_error *err)
{
    static const dbk_aggregate count = {.kind = DBK_COUNT_ROWS};
    if (run->order_cancels != 0)
        return DBK_OK;
    dbk_stoq_question question = {.from_ms = DBK_TIME_OPEN_FROM, .to_ms = DBK_TIME_OPEN_TO};
    dbk_stoq_question_filter(&question, "cancelled_at", DBK_OP_NULL, NULL, 0);
    dbk_stoq_question_filter(&question, "order_id.cancelled_at", DBK_OP_NOT_NULL, NULL, 0);
    builder b;
    dbk_result *result;
    build(&b, run, &question);
    add_aggregate(&b, count);
    DBK_TRY(dbk_stoq_query(run, &b.query, &result, err));
    run->order_cancels = dbk_result_int(result, 0, 0) > 0 ? 2 : 1;
    dbk_result_free(result);
    return DBK_OK;
}

dbk_status dbk_stoq_measure(dbk_stoq_run *run, const dbk_stoq_question *question, dbk_stoq_figures *out,
                            dbk_error *err)
{
    *out = (dbk_stoq_figures){0};
    DBK_TRY(dbk_stoq_currencies_read(run, err));
    if (question->of_order_cancels) {
        DBK_TRY(find_order_cancels(run, err));
        if (run->order_cancels == 1)
            return DBK_OK;
    }
    builder b;
    build(&b, run, question);
    b.query.fields = question->fields;
    b.query.fields_count = question->fields_count;
    for (int i = 0; i < question->counts_count; i++)
        add_aggregate(&b, question->counts[i]);
    for (int i = 0; i < question->sums_count; i++)
        add_aggregate(&b, (dbk_aggregate){.kind = DBK_SUM, .column = question->sums[i]});
    if (b.query.aggregates_count == 0)
        add_aggregate(&b, (dbk_aggregate){.kind = DBK_COUNT_ROWS});
    DBK_TRY(dbk_stoq_query(run, &b.query, &out->result, err));
    dbk_status status = take_result(run, question, out, err);
    if (status == DBK_OK && run->currencies == DBK_STOQ_CURRENCIES_CONVERTED && question->sums_count > 0)
        status = convert(run, question, out, err);
    if (status != DBK_OK)
        dbk_stoq_figures_dispose(out);
    return status;
}

void dbk_stoq_figures_dispose(dbk_stoq_figures *figures)
{
    if (figures->result != NULL)
        dbk_result_free(figures->result);
    free(figures->rows);
    *figures = (dbk_stoq_figures){0};
}
