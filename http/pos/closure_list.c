// SPDX-License-Identifier: Apache-2.0
// The operator's routes of the point of sale: closures with what the dialect does not show of them, and
// keeping the hours that are due now.
#include "http/app/row_batch.h"
#include "http/pos/handlers.h"
#include "http/pos/hours.h"
#include "http/pos/report.h"
#include "ingest/parse/json.h"

enum { NUMBER, ID, FROM_AT, CREATED_AT, REGISTER, ACTOR, REPORT, PREVIOUS, HASH, COLUMNS };
static const char *const fields[COLUMNS] = {
    "number", "id", "from_at", "created_at", "cash_register_id", "actor", "report", "previous_hash", "hash"};

static dbk_status query_closures(dbk_call *call, const dbk_filter *filter, dbk_result **out, dbk_error *err)
{
    static const dbk_order by_number = {.output = NUMBER};
    dbk_query query = {.table = "closures",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = filter,
                       .filters_count = filter != NULL,
                       .fields = fields,
                       .fields_count = COLUMNS,
                       .order = &by_number,
                       .order_count = 1};
    return dbk_query_run(dbk_call_snapshot(call), call->tenant, &query, out, err);
}

static void write_text(dbk_out *out, const char *name, dbk_text text)
{
    dbk_out_key(out, name);
    dbk_out_text_or_null(out, text);
}

static void write_time(dbk_out *out, const char *name, int64_t ms)
{
    dbk_out_key(out, name);
    dbk_out_time(out, ms);
}

// Keys of a closure that stand in the list too.
static void write_head(dbk_out *out, const dbk_result *rows, size_t row)
{
    dbk_out_key(out, "number");
    dbk_out_int(out, dbk_result_int(rows, row, NUMBER));
    write_text(out, "id", dbk_result_text(rows, row, ID));
    write_time(out, "from", dbk_result_int(rows, row, FROM_AT));
    write_time(out, "to", dbk_result_int(rows, row, CREATED_AT));
    write_text(out, "cashRegister", dbk_result_text(rows, row, REGISTER));
}

// A number of the sealed report, as it stands there.
static void write_figure(dbk_out *out, dbk_arena *arena, const dbk_json *report, const char *name)
{
    const dbk_json *value = dbk_json_get(report, name);
    dbk_out_key(out, name);
    const char *text = value != NULL && value->type == DBK_JSON_NUMBER
                           ? dbk_arena_copy(arena, value->text.data, value->text.length)
                           : NULL;
    dbk_out_raw(out, text != NULL ? text : "null");
}

static void write_row(dbk_call *call, dbk_out *out, const dbk_result *rows, size_t row)
{
    dbk_text report = dbk_result_text(rows, row, REPORT);
    dbk_json_doc doc;
    bool is_read = dbk_json_parse(report.data, report.length, &doc, NULL, NULL) == DBK_OK;
    dbk_out_object(out);
    write_head(out, rows, row);
    write_figure(out, &call->arena, is_read ? doc.root : NULL, "totalOrders");
    write_figure(out, &call->arena, is_read ? doc.root : NULL, "totalRevenue");
    write_text(out, "hash", dbk_result_text(rows, row, HASH));
    dbk_out_object_end(out);
    if (is_read)
        dbk_json_doc_dispose(&doc);
}

void dbk_admin_closure_list(dbk_call *call)
{
    dbk_result *rows;
    dbk_error err;
    dbk_status status = query_closures(call, NULL, &rows, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_out_array(&out);
    for (size_t row = 0; row < dbk_result_rows(rows); row++)
        write_row(call, &out, rows, row);
    dbk_out_array_end(&out);
    dbk_out_object_end(&out);
    dbk_result_free(rows);
    dbk_call_answer_json(call, 200);
}

static void write_closure(dbk_call *call, const dbk_result *rows)
{
    dbk_text report = dbk_result_text(rows, 0, REPORT);
    const char *text = dbk_arena_copy(&call->arena, report.data, report.length);
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    write_head(&out, rows, 0);
    write_text(&out, "actor", dbk_result_text(rows, 0, ACTOR));
    write_text(&out, "previousHash", dbk_result_text(rows, 0, PREVIOUS));
    write_text(&out, "hash", dbk_result_text(rows, 0, HASH));
    dbk_out_key(&out, "report");
    dbk_out_raw(&out, text != NULL ? text : "null");
    dbk_out_object_end(&out);
}

void dbk_admin_closure_get(dbk_call *call)
{
    int64_t number = 0;
    for (uint32_t i = 0; i < call->argument.length && number >= 0; i++) {
        char c = call->argument.data[i];
        number = c >= '0' && c <= '9' && number < INT32_MAX ? number * 10 + (c - '0') : -1;
    }
    dbk_value value = {.kind = DBK_VALUE_INT, .number = number};
    dbk_filter filter = {.column = "number", .op = DBK_OP_EQ, .values = &value, .values_count = 1};
    dbk_result *rows;
    dbk_error err;
    dbk_status status = query_closures(call, &filter, &rows, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    bool is_there = dbk_result_rows(rows) > 0;
    if (is_there)
        write_closure(call, rows);
    dbk_result_free(rows);
    if (is_there)
        dbk_call_answer_json(call, 200);
    else
        dbk_call_fail(call, 404, "There is no closure with this number.");
}

void dbk_admin_pos_hours(dbk_call *call)
{
    int taken;
    dbk_error err;
    dbk_status status = dbk_pos_keeper_run(call->app->pos_keeper, call->tenant, &taken, &err);
    if (status != DBK_OK) {
        dbk_call_fail_write(call, status, err.message);
        return;
    }
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "kept");
    dbk_out_int(&out, taken);
    dbk_out_object_end(&out);
    dbk_call_answer_json(call, 200);
}
