// SPDX-License-Identifier: Apache-2.0
// customers: who placed preorders in the window, by id. A read has a page of them; an export has all, asked
// for in ranges of ids, so that the groups of one query stay few however many customers there are.
#include "http/app/time_range.h"
#include "http/stoq/reports.h"
#include "http/stoq/sales.h"

#include <stdlib.h>
#include <string.h>

enum { SET_CUSTOMERS, SET_META };
enum { ORDERS, UNITS, FIRST, LAST };

// What the groups of one range of customers may take, well below the 64 MiB of an export, and what a customer
// and each of its lines take of it, measured with ids and names of 20 bytes. Each range goes over all lines
// once, so smaller ranges cost more time.
enum { RANGE_BYTES = 40 << 20, CUSTOMER_BYTES = 350, LINE_BYTES = 100 };
enum { RANGES_AHEAD = 4 };

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

// Where the next ranges end. Those behind the last known customer have no end: lines may name customers that
// nobody has told of.
typedef struct range_ends {
    int count;
    bool is_last;
    uint32_t lengths[RANGES_AHEAD];
    char ids[RANGES_AHEAD][DBK_ID_BYTES_MAX];
} range_ends;

static uint64_t range_size(uint64_t customers, uint64_t lines)
{
    uint64_t lines_each = customers > 0 ? (lines + customers - 1) / customers : 1;
    uint64_t size = RANGE_BYTES / (CUSTOMER_BYTES + LINE_BYTES * lines_each);
    return size > 1 ? size : 1;
}

static dbk_status find_range_ends(dbk_stoq_run *run, dbk_text after, uint64_t size, range_ends *out,
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
                       .limit = (int64_t)size * RANGES_AHEAD,
                       .after = after.length > 0 ? &cursor : NULL,
                       .after_count = after.length > 0 ? 1 : 0};
    dbk_result *ids;
    DBK_TRY(dbk_stoq_query(run, &query, &ids, err));
    size_t rows = dbk_result_rows(ids);
    *out = (range_ends){.is_last = rows < size * RANGES_AHEAD};
    for (size_t row = size; row <= rows; row += size) {
        dbk_text id = dbk_result_text(ids, row - 1, 0);
        memcpy(out->ids[out->count], id.data, id.length);
        out->lengths[out->count++] = id.length;
    }
    dbk_result_free(ids);
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
    uint64_t lines = dbk_snapshot_rows(run->snapshot, run->tenant, DBK_ORDER_LINES);
    uint64_t size = range_size(known, lines), total = known / size + 1, done = 0;
    char last[DBK_ID_BYTES_MAX];
    dbk_text after = {last, 0};
    range_ends ends = {0};
    DBK_TRY(dbk_stoq_set_begin(run, SET_CUSTOMERS, err));
    while (!ends.is_last) {
        DBK_TRY(find_range_ends(run, after, size, &ends, err));
        for (int i = 0; i < ends.count; i++) {
            DBK_TRY(put_range(run, after, (dbk_text){ends.ids[i], ends.lengths[i]}, err));
            memcpy(last, ends.ids[i], ends.lengths[i]);
            after.length = ends.lengths[i];
            dbk_stoq_progress(run, ++done < total ? done : total, total);
        }
    }
    return put_range(run, after, (dbk_text){NULL, 0}, err);
}

// All customers' money at once needs the rates that each one's does.
static dbk_status try_all(dbk_stoq_run *run, dbk_error *err)
{
    dbk_stoq_figures figures;
    dbk_stoq_question question = customer_question(run);
    question.keys_count = question.counts_count = question.fields_count = 0;
    dbk_stoq_question_filter(&question, customer_column, DBK_OP_NOT_NULL, NULL, 0);
    DBK_TRY(dbk_stoq_measure(run, &question, &figures, err));
    dbk_stoq_figures_dispose(&figures);
    return DBK_OK;
}

dbk_status dbk_stoq_customers(dbk_stoq_run *run, dbk_error *err)
{
    if (run->is_trial)
        return try_all(run, err);
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
