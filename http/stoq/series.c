// SPDX-License-Identifier: Apache-2.0
// revenue and by_date: one row for each day, week or month that the window touches, whether anything happened
// in it or not. A bucket is named after its first day, also where the window begins in its middle.
#include "engine/base/days.h"
#include "http/app/time_range.h"
#include "http/stoq/reports.h"
#include "http/stoq/sales.h"

#include <stdlib.h>
#include <string.h>

// What by_date has of a bucket. The order is that of its columns.
enum { ORDERS, UNITS, CUSTOMERS, CANCELLED_ORDERS, CANCELLED_UNITS, COUNTS };
enum { REVENUE, DEPOSIT, DEPOSITS_COLLECTED, BALANCES_COLLECTED, REFUNDS, SUMS };

typedef struct point {
    int64_t start_ms;
    dbk_i128 counts[COUNTS];
    dbk_stoq_sum sums[SUMS];
} point;

// The window's buckets, and the whole of it behind them.
typedef struct series {
    dbk_bucket bucket;
    size_t count;
    point *points; // count + 1
} series;

// ---- Buckets ----

static dbk_status make_series(const dbk_stoq_request *request, series *out, dbk_error *err)
{
    *out = (series){.bucket = {.unit = request->granularity, .count = 1, .zone = request->zone}};
    size_t most = (size_t)(request->to_day - request->from_day) + 1;
    out->points = calloc(most + 1, sizeof(*out->points));
    if (out->points == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory making a series");
    for (int64_t at = request->from_ms, end; at < request->to_ms && out->count < most; at = end)
        dbk_bucket_span(&out->bucket, at, &out->points[out->count++].start_ms, &end);
    return DBK_OK;
}

static point *find_point(const series *s, int64_t start_ms)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (s->points[mid].start_ms == start_ms)
            return &s->points[mid];
        if (s->points[mid].start_ms < start_ms)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

// Which figure of a question goes where; -1 = nowhere.
typedef struct route {
    int counts[DBK_STOQ_COUNTS_MAX];
    int sums[DBK_STOQ_SUMS_MAX];
} route;

static void add_figure(point *p, const dbk_stoq_figure *figure, const dbk_stoq_question *question,
                       const route *where)
{
    for (int i = 0; i < question->counts_count; i++)
        if (where->counts[i] >= 0)
            p->counts[where->counts[i]] += figure->counts[i];
    for (int i = 0; i < question->sums_count; i++)
        if (where->sums[i] >= 0)
            p->sums[where->sums[i]] += figure->sums[i];
}

static bool adds_up(const dbk_stoq_question *question)
{
    for (int i = 0; i < question->counts_count; i++)
        if (question->counts[i].kind == DBK_COUNT_DISTINCT)
            return false;
    return true;
}

// The question by bucket of its time, and as a whole, which is asked for where distinct counts do not add up.
static dbk_status add_to_series(dbk_stoq_run *run, series *s, dbk_stoq_question question,
                                const char *time_column, const route *where, dbk_error *err)
{
    dbk_stoq_figures figures;
    const dbk_group_key key = {.column = time_column, .bucket = &s->bucket};
    point *whole = &s->points[s->count];
    bool is_asked = dbk_stoq_wants_set(run, 0) && !adds_up(&question);
    if (is_asked) {
        dbk_stoq_figure figure;
        DBK_TRY(dbk_stoq_one(run, &question, &figure, err));
        add_figure(whole, &figure, &question, where);
    }
    question.keys = &key;
    question.keys_count = 1;
    DBK_TRY(dbk_stoq_measure(run, &question, &figures, err));
    for (size_t i = 0; i < figures.count; i++) {
        point *p = find_point(s, dbk_result_int(figures.result, figures.rows[i].row, 0));
        if (p != NULL)
            add_figure(p, &figures.rows[i], &question, where);
        if (!is_asked)
            add_figure(whole, &figures.rows[i], &question, where);
    }
    dbk_stoq_figures_dispose(&figures);
    return DBK_OK;
}

// Totals, then one row a point; the sets are numbers 0 and 1 of both reports.
static dbk_status put_series(dbk_stoq_run *run, const series *s,
                             void (*put)(const dbk_stoq_run *, const point *, dbk_stoq_row *), dbk_error *err)
{
    if (dbk_stoq_wants_set(run, 0)) {
        DBK_TRY(dbk_stoq_set_begin(run, 0, err));
        dbk_stoq_row row = dbk_stoq_row_begin(run, 0);
        put(run, &s->points[s->count], &row);
        DBK_TRY(dbk_stoq_row_end(&row, err));
    }
    DBK_TRY(dbk_stoq_set_begin(run, 1, err));
    for (size_t i = 0; i < s->count; i++) {
        dbk_stoq_row row = dbk_stoq_row_begin(run, 1);
        dbk_stoq_put_day(&row, dbk_local_day(s->points[i].start_ms, run->request->zone));
        put(run, &s->points[i], &row);
        DBK_TRY(dbk_stoq_row_end(&row, err));
    }
    return DBK_OK;
}

// ---- Revenue ----

static void put_revenue(const dbk_stoq_run *run, const point *p, dbk_stoq_row *row)
{
    const dbk_stoq_request *request = run->request;
    dbk_stoq_sum whole = p->sums[REVENUE], deposits = p->sums[DEPOSIT];
    dbk_stoq_put_int(row, p->counts[ORDERS]);
    dbk_stoq_put_int(row, p->counts[UNITS]);
    if (request->include_deposits)
        dbk_stoq_put_money(row, deposits, 1);
    else
        dbk_stoq_put_null(row);
    if (request->include_balances)
        dbk_stoq_put_rest(row, whole, deposits);
    else
        dbk_stoq_put_null(row);
    if (!request->include_deposits)
        dbk_stoq_put_rest(row, whole, deposits);
    else
        dbk_stoq_put_money(row, request->include_balances ? whole : deposits, 1);
}

static const route placed_route = {{ORDERS, UNITS, CUSTOMERS}, {REVENUE, DEPOSIT}};

dbk_status dbk_stoq_revenue(dbk_stoq_run *run, dbk_error *err)
{
    series s;
    dbk_status status = make_series(run->request, &s, err);
    dbk_stoq_question placed = dbk_stoq_placed(run, NULL, 0);
    placed.counts_count = DBK_STOQ_CUSTOMERS; // orders and units
    if (status == DBK_OK)
        status = add_to_series(run, &s, placed, "created_at", &placed_route, err);
    if (status == DBK_OK)
        status = put_series(run, &s, put_revenue, err);
    free(s.points);
    return status;
}

// ---- By date ----

static void put_metrics(const dbk_stoq_run *run, const point *p, dbk_stoq_row *row)
{
    (void)run;
    dbk_stoq_put_int(row, p->counts[ORDERS]);
    dbk_stoq_put_int(row, p->counts[UNITS]);
    dbk_stoq_put_money(row, p->sums[REVENUE], 1);
    dbk_stoq_put_int(row, p->counts[CUSTOMERS]);
    dbk_stoq_put_money(row, p->sums[DEPOSITS_COLLECTED], 1);
    dbk_stoq_put_money(row, p->sums[BALANCES_COLLECTED], 1);
    dbk_stoq_put_int(row, p->counts[CANCELLED_ORDERS]);
    dbk_stoq_put_int(row, p->counts[CANCELLED_UNITS]);
    dbk_stoq_put_money(row, p->sums[REFUNDS], 1);
}

// Of a question over lines only what the metrics that are wanted need.
typedef struct wanted {
    const char *orders, *units, *revenue, *customers;
} wanted;

static dbk_status add_lines(dbk_stoq_run *run, series *s, dbk_stoq_question question, const char *time_column,
                            const wanted *names, route where, dbk_error *err)
{
    const char *const counted[] = {names->orders, names->units, names->customers};
    dbk_aggregate counts[DBK_COUNT(counted)];
    route kept = {{-1, -1, -1, -1}, {-1, -1}};
    int count = 0;
    for (size_t i = 0; i < DBK_COUNT(counted); i++) {
        if (counted[i] == NULL || !dbk_stoq_wants_metric(run, counted[i]))
            continue;
        kept.counts[count] = where.counts[i];
        counts[count++] = question.counts[i];
    }
    question.counts = counts;
    question.counts_count = count;
    question.sums_count = names->revenue != NULL && dbk_stoq_wants_metric(run, names->revenue);
    kept.sums[0] = where.sums[0];
    if (question.counts_count + question.sums_count == 0)
        return DBK_OK;
    return add_to_series(run, s, question, time_column, &kept, err);
}

static dbk_status add_cancellations(dbk_stoq_run *run, series *s, dbk_error *err)
{
    static const wanted names = {.orders = "cancelled_orders", .units = "cancelled_units"};
    static const route where = {{CANCELLED_ORDERS, CANCELLED_UNITS, -1}, {-1, -1}};
    for (int how = 0; how < DBK_STOQ_CANCELS; how++)
        DBK_TRY(add_lines(run, s, dbk_stoq_cancelled(run, (dbk_stoq_cancel)how, NULL, 0),
                          dbk_stoq_cancelled_at((dbk_stoq_cancel)how), &names, where, err));
    return DBK_OK;
}

static dbk_status add_payments(dbk_stoq_run *run, series *s, dbk_error *err)
{
    static const struct {
        dbk_stoq_payment what;
        const char *metric;
        int sum;
    } payments[] = {{DBK_STOQ_DEPOSIT_PAID, "deposits_collected", DEPOSITS_COLLECTED},
                    {DBK_STOQ_BALANCE_PAID, "balances_collected", BALANCES_COLLECTED},
                    {DBK_STOQ_REFUND_PAID, "refunds_issued", REFUNDS}};
    for (size_t i = 0; i < DBK_COUNT(payments); i++) {
        const route where = {{-1, -1, -1, -1}, {payments[i].sum, -1}};
        if (!dbk_stoq_wants_metric(run, payments[i].metric))
            continue;
        DBK_TRY(
            add_to_series(run, s, dbk_stoq_paid(run, payments[i].what, NULL, 0), "created_at", &where, err));
    }
    return DBK_OK;
}

dbk_status dbk_stoq_by_date(dbk_stoq_run *run, dbk_error *err)
{
    static const wanted names = {"orders", "units", "revenue", "customers"};
    series s;
    dbk_status status = make_series(run->request, &s, err);
    if (status == DBK_OK)
        status = add_lines(run, &s, dbk_stoq_placed(run, NULL, 0), "created_at", &names, placed_route, err);
    if (status == DBK_OK)
        status = add_cancellations(run, &s, err);
    if (status == DBK_OK)
        status = add_payments(run, &s, err);
    if (status == DBK_OK)
        status = put_series(run, &s, put_metrics, err);
    free(s.points);
    return status;
}
