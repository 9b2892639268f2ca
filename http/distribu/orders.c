// SPDX-License-Identifier: Apache-2.0
// GET /api/v1/orders and /api/v1/orders/{id}: orders with their items, newest first, in pages.
#include "http/app/row_batch.h"
#include "http/distribu/handlers.h"
#include "http/distribu/newest.h"
#include "http/distribu/order.h"
#include "http/distribu/order_filters.h"
#include "http/distribu/request.h"

enum { ORDERS_MAX = 100 };

typedef struct listing {
    dbk_newest list;
    dbk_settings settings;
    dbk_order_filters filters;
} listing;

static void tag_parameters(dbk_call *call, const listing *l)
{
    dbk_text cursor = dbk_call_param(call, "cursor");
    dbk_call_tag(call, &l->list.limit, sizeof(l->list.limit));
    dbk_call_tag(call, cursor.data, cursor.length);
    dbk_order_filters_tag(call);
}

static void take_filters(listing *l)
{
    l->list.from_ms = l->filters.from_ms;
    l->list.to_ms = l->filters.to_ms;
    l->list.filters_count = dbk_order_filters_write(&l->filters, "status", "customer_id", l->list.filters);
}

static dbk_status write_page(dbk_call *call, listing *l, dbk_error *err)
{
    dbk_order_view orders[ORDERS_MAX];
    dbk_value ids[ORDERS_MAX];
    int count = 0;
    int64_t oldest_ms = INT64_MAX;
    const dbk_result *rows;
    size_t row;
    while (dbk_newest_next(&l->list, &rows, &row)) {
        orders[count] = dbk_order_of(rows, row, &l->settings);
        ids[count] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = orders[count].id};
        oldest_ms = orders[count].created_at;
        count++;
    }
    dbk_order_lines lines = {NULL, NULL};
    if (count > 0)
        DBK_TRY(dbk_order_lines_read(call, ids, count, oldest_ms, &lines, err));
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_out_array(&out);
    for (int i = 0; i < count; i++) {
        dbk_order_write(&out, &orders[i]);
        dbk_order_lines_write(&out, &lines, orders[i].id, orders[i].digits);
        dbk_order_write_end(&out);
    }
    dbk_out_array_end(&out);
    dbk_distribu_pagination(&out, l->list.has_more, count > 0 ? orders[count - 1].id : (dbk_text){NULL, 0});
    dbk_out_object_end(&out);
    dbk_order_lines_dispose(&lines);
    return DBK_OK;
}

static void answer_page(dbk_call *call, listing *l)
{
    dbk_error err;
    dbk_status status = dbk_newest_query(call, &l->list, &err);
    if (status == DBK_OK)
        status = write_page(call, l, &err);
    dbk_newest_dispose(&l->list);
    if (status == DBK_OK)
        dbk_call_answer_json(call, 200);
    else
        dbk_call_fail_read(call, status, &err);
}

void dbk_distribu_orders(dbk_call *call)
{
    listing l = {.list = {.table = "orders",
                          .fields = dbk_order_fields,
                          .fields_count = DBK_ORDER_FIELDS,
                          .id = DBK_ORDER_ID,
                          .created_at = DBK_ORDER_CREATED_AT,
                          .limit = dbk_distribu_limit(dbk_call_param(call, "limit"))}};
    dbk_error err;
    tag_parameters(call, &l);
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &l.settings, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    if (!dbk_order_filters_read(call, &l.settings, &l.filters) ||
        !dbk_newest_resume(call, &l.list, dbk_call_param(call, "cursor")) || dbk_call_is_unchanged(call))
        return;
    take_filters(&l);
    answer_page(call, &l);
}

// ---- One order ----

static dbk_status write_order(dbk_call *call, const dbk_order_view *order, dbk_error *err)
{
    dbk_value id = {.kind = DBK_VALUE_TEXT, .text = order->id};
    dbk_order_lines lines;
    DBK_TRY(dbk_order_lines_read(call, &id, 1, order->created_at, &lines, err));
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_order_write(&out, order);
    dbk_order_lines_write(&out, &lines, order->id, order->digits);
    dbk_order_write_end(&out);
    dbk_out_object_end(&out);
    dbk_order_lines_dispose(&lines);
    return DBK_OK;
}

void dbk_distribu_order(dbk_call *call)
{
    dbk_settings settings;
    dbk_result *row = NULL;
    dbk_error err;
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &settings, &err);
    if (status == DBK_OK)
        status = dbk_stored_row(dbk_call_snapshot(call), call->tenant, DBK_ORDERS, call->argument,
                                dbk_order_fields, DBK_ORDER_FIELDS, &row, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    if (dbk_result_rows(row) == 0) {
        dbk_call_fail(call, 404, "Order not found.");
    } else if (!dbk_call_is_unchanged(call)) {
        dbk_order_view order = dbk_order_of(row, 0, &settings);
        status = write_order(call, &order, &err);
        if (status == DBK_OK)
            dbk_call_answer_json(call, 200);
        else
            dbk_call_fail_read(call, status, &err);
    }
    dbk_result_free(row);
}

#define ORDER                                                                                                \
    "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},\"status\":{\"type\":\"string\"},"    \
    "\"poNumber\":{\"type\":[\"string\",\"null\"]},\"notes\":{\"type\":[\"string\",\"null\"]},"              \
    "\"total\":{\"type\":\"number\"},\"createdAt\":{\"type\":\"string\",\"format\":\"date-time\"},"          \
    "\"updatedAt\":{\"type\":\"string\",\"format\":\"date-time\"},"                                          \
    "\"customerId\":{\"type\":[\"string\",\"null\"]},\"items\":{\"type\":\"array\",\"items\":"               \
    "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},\"quantity\":{\"type\":\"integer\"}," \
    "\"unitPrice\":{\"type\":\"number\"},\"productId\":{\"type\":[\"string\",\"null\"]},"                    \
    "\"productName\":{\"type\":[\"string\",\"null\"]},\"productSku\":{\"type\":[\"string\",\"null\"]}}}}}}"

const char dbk_schema_orders[] =
    "{\"type\":\"object\",\"properties\":{\"data\":{\"type\":\"array\",\"items\":" ORDER "},"
    "\"pagination\":{\"type\":\"object\",\"properties\":{\"hasMore\":{\"type\":\"boolean\"},"
    "\"nextCursor\":{\"type\":[\"string\",\"null\"]}}}}}";
const char dbk_schema_order[] = "{\"type\":\"object\",\"properties\":{\"data\":" ORDER "}}";
