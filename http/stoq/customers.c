// SPDX-License-Identifier: Apache-2.0
// customers: who placed preorders in the window, by id. A read has a page of them; an export has all, asked
// for in ranges of ids, so that the groups of one query stay few however many customers there are.
#include "http/app/time_range.h"
#include "http/stoq/reports.h"
#include "http/stoq/sales.h"

#include <stdlib.h>

enum { SET_CUSTOMERS, SET_META };
enum { ORDERS, UNITS, FIRST, LAST };

// The groups of so many customers, with their names and addresses, stay well below the 64 MiB that an export
// may take; each range goes over the lines once, so smaller ranges cost more time.
enum { RANGE_CUSTOMERS = 25000 };

static const char customer_column[] = "order_id.customer_id";
static const dbk_group_key customer_keys[] = {{.column = customer_column}};

static dbk_stoq_question customer_question(const dbk_stoq_run *run)
{
    static const char *const fields[] = {"order_id.customer_id.name", "order_id.customer_id.email"};
    static const dbk_aggregate counts[] = {{.kind = DBK_COUNT_DISTINCT, .column = "order_id"},
                                           {.kind = DBK_SUM, .column = "quantity"},
                                           {.kind = DBK_MIN, .column = "created_at"},
                                           {.kind = DBK_MAX, .column = "created_at"}};
    dbk_stoq_question question = dbk_stoq_placed(run, customer_keys, DBK_COUNT(customer_keys));
    question.counts = counts;
    question.counts_count = DBK_COUNT(counts);
    question.sums_count = 1;
    question.fields = fields;
    question.fields_count = DBK_COUNT(fields);
    return question;
}

static dbk_status put_customers(dbk_stoq_run *run, const dbk_stoq_question *question, dbk_error *err)
{
    dbk_stoq_figures figures;
    dbk_status status = dbk_stoq_measure(run, question, &figures, err);
    for (size_t i = 0; i < figures.count && status == DBK_OK; i++) {
        const dbk_stoq_figure *figure = &figures.rows[i];
        dbk_stoq_row row = dbk_stoq_row_begin(run, SET_CUSTOMERS);
        for (int column = 0; column < 3; column++)
            dbk_stoq_put_text(&row, dbk_result_text(figures.result, figure->row, column));
        dbk_stoq_put_int(&row, figure->counts[ORDERS]);
        dbk_stoq_put_int(&row, figure->counts[UNITS]);
        dbk_stoq_put_money(&row, figure->sums[DBK_STOQ_TOTAL], 1);
        dbk_stoq_put_day(&row, dbk_local_day((int64_t)figure->counts[FIRST], run->request->zone));
        dbk_stoq_put_day(&row, dbk_local_day((int64_t)figure->counts[LAST], run->request->zone));
        status = dbk_stoq_row_end(&row, err);
    }
    dbk_stoq_figures_dispose(&figures);
    return status;
}

// ---- A page ----

// The ids of all pages up to the one that is wanted.
static dbk_status measure_ids(dbk_stoq_run *run, dbk_stoq_figures *out, dbk_error *err)
{
    dbk_stoq_question question = customer_question(run);
    question.counts_count = question.sums_count = question.fields_count = 0;
    dbk_stoq_question_filter(&question, customer_column, DBK_OP_NOT_NULL, NULL, 0);
    return dbk_stoq_measure(run, &question, out, err);
}

static dbk_status put_page(dbk_stoq_run *run, const dbk_stoq_figures *ids, dbk_error *err)
{
    const dbk_stoq_request *request = run->request;
    dbk_value *values = malloc((size_t)request->per_page * sizeof(*values));
    if (values == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory reading customers");
    int count = 0;
    int64_t first = (request->page - 1) * request->per_page;
    for (int64_t i = first; i < first + request->per_page && i < (int64_t)ids->count; i++)
        values[count++] =
            (dbk_value){.kind = DBK_VALUE_TEXT, .text = dbk_result_text(ids->result, ids->rows[i].row, 0)};
    dbk_stoq_question question = customer_question(run);
    dbk_stoq_question_filter(&question, customer_column, DBK_OP_IN, values, count);
    dbk_status status = dbk_stoq_set_begin(run, SET_CUSTOMERS, err);
    if (status == DBK_OK && count > 0)
        status = put_customers(run, &question, err);
    free(values);
    return status;
}

static dbk_status put_meta(dbk_stoq_run *run, size_t total, dbk_error *err)
{
    const dbk_stoq_request *request = run->request;
    DBK_TRY(dbk_stoq_set_begin(run, SET_META, err));
    dbk_stoq_row row = dbk_stoq_row_begin(run, SET_META);
    dbk_stoq_put_int(&row, (dbk_i128)total);
    dbk_stoq_put_int(&row, request->page);
    dbk_stoq_put_int(&row, request->per_page);
    dbk_stoq_put_int(&row, ((dbk_i128)total + request->per_page - 1) / request->per_page);
    return dbk_stoq_row_end(&row, err);
}

// ---- All ----

// The id with RANGE_CUSTOMERS known customers up to it; no value when there are not so many left.
static dbk_status find_range_end(dbk_stoq_run *run, dbk_text after, dbk_result **out, dbk_text *end,
                                 dbk_error *err)
{
    static const char *const fields[] = {"id"};
    static const dbk_order order = {.output = 0};
    const dbk_value cursor = {.kind = DBK_VALUE_TEXT, .text = after};
    dbk_query query = {.table = "customers",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .fields = fields,
                       .fields_count = 1,
                       .order = &order,
                       .order_count = 1,
                       .limit = RANGE_CUSTOMERS,
                       .after = after.length > 0 ? &cursor : NULL,
                       .after_count = after.length > 0 ? 1 : 0};
    DBK_TRY(dbk_stoq_query(run, &query, out, err));
    size_t count = dbk_result_rows(*out);
    *end = count == RANGE_CUSTOMERS ? dbk_result_text(*out, count - 1, 0) : (dbk_text){NULL, 0};
    return DBK_OK;
}

// Customers behind `after` up to `end`, either of which may be open.
static dbk_status put_range(dbk_stoq_run *run, dbk_text after, dbk_text end, dbk_error *err)
{
    const dbk_value low = {.kind = DBK_VALUE_TEXT, .text = after};
    const dbk_value high = {.kind = DBK_VALUE_TEXT, .text = end};
    dbk_stoq_question question = customer_question(run);
    dbk_stoq_question_filter(&question, customer_column, DBK_OP_NOT_NULL, NULL, 0);
    if (after.length > 0)
        dbk_stoq_question_filter(&question, customer_column, DBK_OP_GT, &low, 1);
    if (end.length > 0)
        dbk_stoq_question_filter(&question, customer_column, DBK_OP_LE, &high, 1);
    return put_customers(run, &question, err);
}

static dbk_status put_all(dbk_stoq_run *run, dbk_error *err)
{
    uint64_t known = dbk_snapshot_rows(run->snapshot, run->tenant, DBK_CUSTOMERS);
    uint64_t total = known / RANGE_CUSTOMERS + 1, done = 0;
    dbk_text after = {NULL, 0};
    dbk_result *bound = NULL; // holds the text of `after`
    DBK_TRY(dbk_stoq_set_begin(run, SET_CUSTOMERS, err));
    for (;;) {
        dbk_result *next;
        dbk_text end;
        dbk_status status = find_range_end(run, after, &next, &end, err);
        if (status == DBK_OK) {
            status = put_range(run, after, end, err);
            if (bound != NULL)
                dbk_result_free(bound);
            bound = next;
        }
        if (status != DBK_OK || end.length == 0) {
            if (bound != NULL)
                dbk_result_free(bound);
            return status;
        }
        after = end;
        dbk_stoq_progress(run, ++done < total ? done : total, total);
    }
}

dbk_status dbk_stoq_customers(dbk_stoq_run *run, dbk_error *err)
{
    if (run->is_export)
        return put_all(run, err);
    dbk_stoq_figures ids;
    DBK_TRY(measure_ids(run, &ids, err));
    dbk_status status = put_page(run, &ids, err);
    if (status == DBK_OK)
        status = put_meta(run, ids.count, err);
    dbk_stoq_figures_dispose(&ids);
    return status;
}
