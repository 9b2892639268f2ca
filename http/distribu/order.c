// SPDX-License-Identifier: Apache-2.0
// Orders and their lines, read and written.
#include "http/distribu/order.h"

#include "engine/base/decimal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const int64_t earlier_ms = 31LL * 86400000;

const char *const dbk_order_status_names[DBK_ORDER_STATUSES] = {"SUBMITTED", "CONFIRMED", "SHIPPED",
                                                                "DELIVERED", "CANCELLED"};

int dbk_order_status_find(dbk_text name)
{
    for (int i = 0; i < DBK_ORDER_STATUSES; i++)
        if (strlen(dbk_order_status_names[i]) == name.length &&
            strncasecmp(dbk_order_status_names[i], name.data, name.length) == 0)
            return i;
    return -1;
}

// ---- Writing ----

void dbk_order_write(dbk_out *out, const dbk_order_view *order)
{
    dbk_out_object(out);
    dbk_out_key(out, "id");
    dbk_out_text(out, order->id);
    dbk_out_key(out, "status");
    dbk_out_text(out, order->status);
    dbk_out_key(out, "poNumber");
    dbk_out_text_or_null(out, order->po_number);
    dbk_out_key(out, "notes");
    dbk_out_text_or_null(out, order->notes);
    dbk_out_key(out, "total");
    dbk_out_money(out, order->total, 1, order->digits);
    dbk_out_key(out, "createdAt");
    dbk_out_time(out, order->created_at);
    dbk_out_key(out, "updatedAt");
    dbk_out_time(out, order->updated_at);
    dbk_out_key(out, "customerId");
    dbk_out_text_or_null(out, order->customer_id);
    dbk_out_key(out, "items");
    dbk_out_array(out);
}

void dbk_order_write_item(dbk_out *out, const dbk_order_item *item, int digits)
{
    dbk_out_object(out);
    dbk_out_key(out, "id");
    dbk_out_text(out, item->id);
    dbk_out_key(out, "quantity");
    dbk_out_int(out, item->quantity);
    dbk_out_key(out, "unitPrice");
    if (item->unit_price != DBK_NULL)
        dbk_out_money(out, item->unit_price, 1, digits);
    else
        dbk_out_money(out, item->total, item->quantity > 0 ? item->quantity : 1, digits);
    dbk_out_key(out, "productId");
    dbk_out_text_or_null(out, item->product_id);
    dbk_out_key(out, "productName");
    dbk_out_text_or_null(out, item->name);
    dbk_out_key(out, "productSku");
    dbk_out_text_or_null(out, item->sku);
    dbk_out_object_end(out);
}

void dbk_order_write_end(dbk_out *out)
{
    dbk_out_array_end(out);
    dbk_out_object_end(out);
}

// ---- Stored orders ----

enum { ID, CREATED_AT, UPDATED_AT, STATUS, PO_NUMBER, NOTES, TOTAL, CUSTOMER, CURRENCY };
const char *const dbk_order_fields[DBK_ORDER_FIELDS] = {
    "id", "created_at", "updated_at", "status", "po_number", "notes", "total", "customer_id", "currency"};

int dbk_order_digits(dbk_text currency, const dbk_settings *settings)
{
    return currency.length > 0 ? dbk_currency_digits(currency) : settings->currency_digits;
}

dbk_order_view dbk_order_of(const dbk_result *rows, size_t row, const dbk_settings *settings)
{
    dbk_text status = dbk_result_text(rows, row, STATUS), currency = dbk_result_text(rows, row, CURRENCY);
    int64_t created_at = dbk_result_int(rows, row, CREATED_AT),
            updated_at = dbk_result_int(rows, row, UPDATED_AT);
    int known = dbk_order_status_find(status);
    return (dbk_order_view){
        .id = dbk_result_text(rows, row, ID),
        .status = known >= 0 ? dbk_text_from(dbk_order_status_names[known]) : status,
        .po_number = dbk_result_text(rows, row, PO_NUMBER),
        .notes = dbk_result_text(rows, row, NOTES),
        .customer_id = dbk_result_text(rows, row, CUSTOMER),
        .total = dbk_result_int(rows, row, TOTAL),
        .created_at = created_at,
        .updated_at = updated_at != DBK_NULL ? updated_at : created_at,
        .digits = dbk_order_digits(currency, settings),
    };
}

// ---- Lines ----

enum { LINE_ID, LINE_ORDER, LINE_QUANTITY, LINE_PRICE, LINE_TOTAL, LINE_PRODUCT, LINE_NAME, LINE_SKU };
static const char *const line_fields[] = {"id",    "order_id",   "quantity",        "unit_price",
                                          "total", "product_id", "product_id.name", "product_id.sku"};

// By order; then shorter ids first, so that line 10 follows line 9.
static int compare_lines(const void *left, const void *right, void *user)
{
    const dbk_result *rows = user;
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    int orders = dbk_text_compare(dbk_result_text(rows, a, LINE_ORDER), dbk_result_text(rows, b, LINE_ORDER));
    if (orders != 0)
        return orders;
    dbk_text x = dbk_result_text(rows, a, LINE_ID), y = dbk_result_text(rows, b, LINE_ID);
    if (x.length != y.length)
        return x.length < y.length ? -1 : 1;
    return dbk_text_compare(x, y);
}

dbk_status dbk_order_lines_read(dbk_call *call, const dbk_value *orders, int orders_count, int64_t oldest_ms,
                                dbk_order_lines *out, dbk_error *err)
{
    *out = (dbk_order_lines){NULL, NULL};
    dbk_filter filter = {
        .column = "order_id", .op = DBK_OP_IN, .values = orders, .values_count = orders_count};
    dbk_query query = {.table = "order_lines",
                       .from_ms =
                           oldest_ms > INT64_MIN + earlier_ms ? oldest_ms - earlier_ms : DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = &filter,
                       .filters_count = 1,
                       .fields = line_fields,
                       .fields_count = DBK_COUNT(line_fields)};
    DBK_TRY(dbk_query_run(dbk_call_snapshot(call), call->tenant, &query, &out->rows, err));
    size_t count = dbk_result_rows(out->rows);
    out->places = malloc((count + 1) * sizeof(*out->places));
    if (out->places == NULL) {
        dbk_order_lines_dispose(out);
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for the lines of orders");
    }
    for (size_t i = 0; i < count; i++)
        out->places[i] = i;
    qsort_r(out->places, count, sizeof(*out->places), compare_lines, out->rows);
    return DBK_OK;
}

size_t dbk_order_lines_count(const dbk_order_lines *lines)
{
    return lines->rows != NULL ? dbk_result_rows(lines->rows) : 0;
}

static dbk_text order_of(const dbk_order_lines *lines, size_t i)
{
    return dbk_result_text(lines->rows, lines->places[i], LINE_ORDER);
}

dbk_order_item dbk_order_lines_item(const dbk_order_lines *lines, size_t i)
{
    const dbk_result *rows = lines->rows;
    size_t row = lines->places[i];
    return (dbk_order_item){.id = dbk_result_text(rows, row, LINE_ID),
                            .product_id = dbk_result_text(rows, row, LINE_PRODUCT),
                            .name = dbk_result_text(rows, row, LINE_NAME),
                            .sku = dbk_result_text(rows, row, LINE_SKU),
                            .quantity = dbk_result_int(rows, row, LINE_QUANTITY),
                            .unit_price = dbk_result_int(rows, row, LINE_PRICE),
                            .total = dbk_result_int(rows, row, LINE_TOTAL)};
}

void dbk_order_lines_write(dbk_out *out, const dbk_order_lines *lines, dbk_text order, int digits)
{
    size_t from = 0, to = dbk_order_lines_count(lines);
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (dbk_text_compare(order_of(lines, middle), order) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    for (size_t i = from; i < dbk_order_lines_count(lines); i++) {
        if (!dbk_text_equal(order_of(lines, i), order))
            break;
        dbk_order_item item = dbk_order_lines_item(lines, i);
        dbk_order_write_item(out, &item, digits);
    }
}

void dbk_order_lines_dispose(dbk_order_lines *lines)
{
    if (lines->rows != NULL)
        dbk_result_free(lines->rows);
    free(lines->places);
    *lines = (dbk_order_lines){NULL, NULL};
}
