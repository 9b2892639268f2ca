// SPDX-License-Identifier: Apache-2.0
// GET /api/v1/webhooks/{id}/deliveries: what was sent to a webhook and what came back, newest first, in
// pages. An addition: the vendor shows it in its dashboard alone (D84).
#include "http/app/call.h"
#include "http/distribu/handlers.h"
#include "http/distribu/request.h"
#include "http/webhooks/webhook.h"

#include <string.h>

enum { ID, CREATED, EVENT, STATE, ATTEMPTS, NEXT, STATUS, ERROR, ANSWER, DONE, WEBHOOK };
static const char *const columns[] = {"id",        "created_at",      "event",       "state",
                                      "attempts",  "next_attempt_at", "last_status", "last_error",
                                      "last_body", "done_at",         "webhook_id"};
static const dbk_order newest_first[] = {{.output = CREATED, .descending = true}, {.output = ID}};

static dbk_query deliveries_query(const dbk_filter *filters, int count)
{
    return (dbk_query){.table = "webhook_deliveries",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = filters,
                       .filters_count = count,
                       .fields = columns,
                       .fields_count = DBK_COUNT(columns)};
}

// DBK_NOT_FOUND: no delivery of this webhook has the cursor's id.
static dbk_status find_cursor(dbk_call *call, const dbk_filter *of_webhook, dbk_value after[2],
                              dbk_error *err)
{
    after[1] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = dbk_call_param(call, "cursor")};
    dbk_filter filters[] = {*of_webhook,
                            {.column = "id", .op = DBK_OP_EQ, .values = &after[1], .values_count = 1}};
    dbk_query query = deliveries_query(filters, 2);
    dbk_result *row;
    DBK_TRY(dbk_query_run(dbk_call_snapshot(call), call->tenant, &query, &row, err));
    bool is_known = dbk_result_rows(row) > 0;
    if (is_known)
        after[0] = (dbk_value){.kind = DBK_VALUE_INT, .number = dbk_result_int(row, 0, CREATED)};
    dbk_result_free(row);
    return is_known ? DBK_OK : dbk_fail(err, DBK_NOT_FOUND, "Invalid cursor.");
}

static void write_number(dbk_out *out, int64_t value)
{
    if (value == DBK_NULL)
        dbk_out_null(out);
    else
        dbk_out_int(out, value);
}

static void write_delivery(dbk_out *out, const dbk_result *rows, size_t row)
{
    dbk_text state = dbk_result_text(rows, row, STATE), error = dbk_result_text(rows, row, ERROR);
    dbk_out_object(out);
    dbk_out_key(out, "id");
    dbk_out_text(out, dbk_result_text(rows, row, ID));
    dbk_out_key(out, "event");
    dbk_out_text(out, dbk_result_text(rows, row, EVENT));
    dbk_out_key(out, "state");
    dbk_out_text(out, state);
    dbk_out_key(out, "success");
    dbk_out_bool(out, dbk_text_equal(state, DBK_TEXT("delivered")));
    dbk_out_key(out, "attempts");
    dbk_out_int(out, dbk_result_int(rows, row, ATTEMPTS));
    dbk_out_key(out, "statusCode");
    write_number(out, dbk_result_int(rows, row, STATUS));
    dbk_out_key(out, "body");
    dbk_out_text_or_null(out, error.length > 0 ? error : dbk_result_text(rows, row, ANSWER));
    dbk_out_key(out, "createdAt");
    dbk_out_time(out, dbk_result_int(rows, row, CREATED));
    dbk_out_key(out, "nextAttemptAt");
    dbk_out_time(out, dbk_result_int(rows, row, NEXT));
    dbk_out_key(out, "doneAt");
    dbk_out_time(out, dbk_result_int(rows, row, DONE));
    dbk_out_object_end(out);
}

static void write_page(dbk_out *out, const dbk_result *rows, size_t limit)
{
    size_t count = dbk_result_rows(rows), shown = count > limit ? limit : count;
    dbk_out_object(out);
    dbk_out_key(out, "data");
    dbk_out_array(out);
    for (size_t row = 0; row < shown; row++)
        write_delivery(out, rows, row);
    dbk_out_array_end(out);
    dbk_text next = count > limit ? dbk_result_text(rows, shown - 1, ID) : (dbk_text){NULL, 0};
    dbk_distribu_pagination(out, count > limit, next);
    dbk_out_object_end(out);
}

static dbk_status query_page(dbk_call *call, size_t limit, dbk_result **out, dbk_error *err)
{
    dbk_value id = {.kind = DBK_VALUE_TEXT, .text = call->argument}, after[2];
    dbk_filter filter = {.column = "webhook_id", .op = DBK_OP_EQ, .values = &id, .values_count = 1};
    dbk_query query = deliveries_query(&filter, 1);
    if (dbk_call_param(call, "cursor").length > 0) {
        DBK_TRY(find_cursor(call, &filter, after, err));
        query.after = after;
        query.after_count = 2;
    }
    query.order = newest_first;
    query.order_count = DBK_COUNT(newest_first);
    query.limit = (int64_t)limit + 1;
    return dbk_query_run(dbk_call_snapshot(call), call->tenant, &query, out, err);
}

void dbk_distribu_webhook_deliveries(dbk_call *call)
{
    size_t limit = (size_t)dbk_distribu_limit(dbk_call_param(call, "limit"));
    dbk_webhook_list list;
    dbk_result *rows;
    dbk_error err;
    dbk_status status =
        dbk_webhooks_read(dbk_call_snapshot(call), call->tenant, call->argument, &call->arena, &list, &err);
    if (status == DBK_OK && list.count == 0) {
        dbk_call_fail(call, 404, "Webhook not found.");
        return;
    }
    if (status == DBK_OK)
        status = query_page(call, limit, &rows, &err);
    if (status == DBK_NOT_FOUND) {
        dbk_call_fail(call, 400, "Invalid cursor.");
        return;
    }
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    dbk_out out = dbk_out_init(&call->body);
    write_page(&out, rows, limit);
    dbk_result_free(rows);
    dbk_call_answer_json(call, 200);
}

const char dbk_schema_deliveries[] =
    "{\"type\":\"object\",\"properties\":{\"data\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"properties\":{\"id\":{\"type\":\"string\"},\"event\":{\"type\":\"string\"},\"state\":{\"enum\":["
    "\"pending\",\"delivered\",\"failed\"]},\"success\":{\"type\":\"boolean\"},"
    "\"attempts\":{\"type\":\"integer\"},\"statusCode\":{\"type\":[\"integer\",\"null\"]},"
    "\"body\":{\"type\":[\"string\",\"null\"]},\"createdAt\":{\"type\":\"string\"},"
    "\"nextAttemptAt\":{\"type\":[\"string\",\"null\"]},\"doneAt\":{\"type\":[\"string\",\"null\"]}}}},"
    "\"pagination\":{\"type\":\"object\"}}}";
