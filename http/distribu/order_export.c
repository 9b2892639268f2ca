// SPDX-License-Identifier: Apache-2.0
// GET /api/v1/orders/export: orders, or their lines, as CSV. One snapshot, streamed in storage order in
// bounded memory, at the pace of the client.
//
// A row of the summary says how many lines its order has, and lines are not found by their order. So orders
// are written a chunk at a time: their cells on the left and on the right of the count are kept, one query
// counts the lines of all of them, and then the rows go out.
#include "http/csv/writer.h"
#include "http/distribu/handlers.h"
#include "http/distribu/order.h"
#include "http/distribu/order_filters.h"

#include <stdio.h>
#include <string.h>

// Orders whose lines are counted by one query: a few megabytes of cells.
enum { CHUNK = 16384, PIECE = 64 << 10 };
static const int64_t around_ms = 31LL * 86400000; // how far a line may be from its order

typedef struct pending {
    size_t id, id_size; // places in `text`
    size_t left, right, end;
} pending;

typedef struct export
{
    dbk_call *call;
    dbk_settings settings;
    dbk_order_filters filters;
    bool has_lines; // mode=line-items
    dbk_buffer out; // ready for the client

    // The summary's chunk.
    pending *orders;
    dbk_value *ids;
    size_t count;
    dbk_buffer text;
    int64_t oldest_ms, newest_ms;
}
export;

static dbk_status no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "no memory for an export");
}

// Hands over what is ready. DBK_CANCELLED: the client is gone.
static dbk_status send(export *e, dbk_error *err)
{
    if (e->out.failed)
        return no_memory(err);
    for (size_t at = 0; at < e->out.size; at += PIECE) {
        size_t size = e->out.size - at < PIECE ? e->out.size - at : PIECE;
        if (!dbk_stream_wait(e->call->stream) || !dbk_stream_write(e->call->stream, e->out.data + at, size))
            return dbk_fail(err, DBK_CANCELLED, "the client is gone");
    }
    dbk_buffer_reset(&e->out);
    return DBK_OK;
}

// ---- Summary ----

static const char *const summary_names[] = {
    "orderId",      "createdAt", "status", "total",        "itemCount",      "customerEmail",
    "customerName", "poNumber",  "notes",  "shippingCity", "shippingRegion", "shippingCountry"};

// The fields of an order, with these behind them.
static const char *const more_fields[] = {"customer_email", "customer_id.email", "customer_id.name",
                                          "shipping_city",  "shipping_region",   "shipping_country"};
enum { FROZEN_EMAIL = DBK_ORDER_FIELDS, CURRENT_EMAIL, CUSTOMER_NAME, CITY, REGION, COUNTRY, SUMMARY_FIELDS };

// The address at which the order was placed; the current one for orders that do not say.
static dbk_text email_of(const dbk_result *block, size_t row, int frozen, int current)
{
    dbk_text email = dbk_result_text(block, row, frozen);
    return email.length > 0 ? email : dbk_result_text(block, row, current);
}

static void keep_order(export *e, const dbk_result *block, size_t row)
{
    dbk_order_view order = dbk_order_of(block, row, &e->settings);
    pending *p = &e->orders[e->count++];
    dbk_sheet sheet = dbk_sheet_init(&e->text);
    p->id = e->text.size;
    p->id_size = order.id.length;
    dbk_buffer_append(&e->text, order.id.data, order.id.length);
    p->left = e->text.size;
    dbk_sheet_text(&sheet, order.id);
    dbk_sheet_time(&sheet, order.created_at);
    dbk_sheet_text(&sheet, order.status);
    dbk_sheet_money(&sheet, order.total, order.digits);
    p->right = e->text.size;
    dbk_sheet_text(&sheet, email_of(block, row, FROZEN_EMAIL, CURRENT_EMAIL));
    dbk_sheet_text(&sheet, dbk_result_text(block, row, CUSTOMER_NAME));
    dbk_sheet_text(&sheet, order.po_number);
    dbk_sheet_text(&sheet, order.notes);
    for (int field = CITY; field <= COUNTRY; field++)
        dbk_sheet_text(&sheet, dbk_result_text(block, row, field));
    dbk_sheet_row_end(&sheet);
    p->end = e->text.size;
    if (order.created_at < e->oldest_ms)
        e->oldest_ms = order.created_at;
    if (order.created_at > e->newest_ms)
        e->newest_ms = order.created_at;
}

static dbk_status count_lines(export *e, dbk_result **out, dbk_error *err)
{
    for (size_t i = 0; i < e->count; i++) {
        const pending *p = &e->orders[i];
        e->ids[i] = (dbk_value){.kind = DBK_VALUE_TEXT,
                                .text = {(const char *)e->text.data + p->id, (uint32_t)p->id_size}};
    }
    dbk_filter filter = {
        .column = "order_id", .op = DBK_OP_IN, .values = e->ids, .values_count = (int)e->count};
    dbk_group_key key = {.column = "order_id"};
    dbk_aggregate lines = {.kind = DBK_COUNT_ROWS};
    dbk_order order = {.output = 0};
    dbk_query query = {
        .table = "order_lines",
        .from_ms = e->oldest_ms > INT64_MIN + around_ms ? e->oldest_ms - around_ms : DBK_TIME_OPEN_FROM,
        .to_ms = e->newest_ms < INT64_MAX - around_ms ? e->newest_ms + around_ms : DBK_TIME_OPEN_TO,
        .filters = &filter,
        .filters_count = 1,
        .keys = &key,
        .keys_count = 1,
        .aggregates = &lines,
        .aggregates_count = 1,
        .order = &order,
        .order_count = 1};
    return dbk_query_run(dbk_call_snapshot(e->call), e->call->tenant, &query, out, err);
}

// The counts are in the order of their ids.
static int64_t count_of(const dbk_result *counts, dbk_text id)
{
    size_t low = 0, high = dbk_result_rows(counts);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = dbk_text_compare(dbk_result_text(counts, middle, 0), id);
        if (order == 0)
            return dbk_result_int(counts, middle, 1);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static dbk_status flush_chunk(export *e, dbk_error *err)
{
    dbk_result *counts;
    if (e->text.failed)
        return no_memory(err);
    if (e->count == 0)
        return DBK_OK;
    DBK_TRY(count_lines(e, &counts, err));
    dbk_status status = DBK_OK;
    for (size_t i = 0; i < e->count && status == DBK_OK; i++) {
        const pending *p = &e->orders[i];
        dbk_sheet sheet = {.out = &e->out, .comma = true};
        dbk_buffer_append(&e->out, e->text.data + p->left, p->right - p->left);
        dbk_sheet_int(&sheet, count_of(counts, e->ids[i].text));
        dbk_buffer_append(&e->out, e->text.data + p->right, p->end - p->right);
        if (e->out.size >= PIECE)
            status = send(e, err);
    }
    dbk_result_free(counts);
    dbk_buffer_reset(&e->text);
    e->count = 0;
    e->oldest_ms = INT64_MAX;
    e->newest_ms = INT64_MIN;
    return status;
}

static dbk_status on_orders(void *user, const dbk_result *block, dbk_error *err)
{
    export *e = user;
    for (size_t row = 0; row < dbk_result_rows(block); row++) {
        keep_order(e, block, row);
        if (e->count == CHUNK)
            DBK_TRY(flush_chunk(e, err));
    }
    return DBK_OK;
}

static dbk_status write_summary(export *e, dbk_error *err)
{
    const char *fields[SUMMARY_FIELDS];
    dbk_filter filters[DBK_ORDER_FILTERS_MAX];
    memcpy(fields, dbk_order_fields, sizeof(dbk_order_fields));
    memcpy(fields + DBK_ORDER_FIELDS, more_fields, sizeof(more_fields));
    e->orders = dbk_arena_alloc(&e->call->arena, CHUNK * sizeof(*e->orders));
    e->ids = dbk_arena_alloc(&e->call->arena, CHUNK * sizeof(*e->ids));
    if (e->orders == NULL || e->ids == NULL)
        return no_memory(err);
    e->oldest_ms = INT64_MAX;
    e->newest_ms = INT64_MIN;
    dbk_query query = {.table = "orders",
                       .from_ms = e->filters.from_ms,
                       .to_ms = e->filters.to_ms,
                       .filters = filters,
                       .filters_count =
                           dbk_order_filters_write(&e->filters, "status", "customer_id", filters),
                       .fields = fields,
                       .fields_count = SUMMARY_FIELDS};
    dbk_sheet sheet = dbk_sheet_init(&e->out);
    dbk_sheet_header(&sheet, summary_names, DBK_COUNT(summary_names));
    DBK_TRY(dbk_query_stream(dbk_call_snapshot(e->call), e->call->tenant, &query, on_orders, e, err));
    return flush_chunk(e, err);
}

// ---- Lines ----

static const char *const line_names[] = {"orderId",       "createdAt",  "status",
                                         "customerEmail", "productSku", "productName",
                                         "quantity",      "unitPrice",  "lineTotal"};

enum {
    ORDER,
    CREATED_AT,
    STATUS,
    LINE_FROZEN_EMAIL,
    LINE_CURRENT_EMAIL,
    SKU,
    NAME,
    QUANTITY,
    PRICE,
    TOTAL,
    CURRENCY
};
static const char *const line_fields[] = {"order_id",
                                          "order_id.created_at",
                                          "order_id.status",
                                          "order_id.customer_email",
                                          "order_id.customer_id.email",
                                          "product_id.sku",
                                          "product_id.name",
                                          "quantity",
                                          "unit_price",
                                          "total",
                                          "order_id.currency"};

static void write_line(export *e, dbk_sheet *sheet, const dbk_result *block, size_t row)
{
    dbk_text status = dbk_result_text(block, row, STATUS);
    int known = dbk_order_status_find(status);
    int digits = dbk_order_digits(dbk_result_text(block, row, CURRENCY), &e->settings);
    int64_t quantity = dbk_result_int(block, row, QUANTITY), price = dbk_result_int(block, row, PRICE),
            total = dbk_result_int(block, row, TOTAL);
    dbk_sheet_text(sheet, dbk_result_text(block, row, ORDER));
    dbk_sheet_time(sheet, dbk_result_int(block, row, CREATED_AT));
    dbk_sheet_text(sheet, known >= 0 ? dbk_text_from(dbk_order_status_names[known]) : status);
    dbk_sheet_text(sheet, email_of(block, row, LINE_FROZEN_EMAIL, LINE_CURRENT_EMAIL));
    dbk_sheet_text(sheet, dbk_result_text(block, row, SKU));
    dbk_sheet_text(sheet, dbk_result_text(block, row, NAME));
    dbk_sheet_int(sheet, quantity);
    if (price != DBK_NULL)
        dbk_sheet_money(sheet, price, digits);
    else
        dbk_sheet_wide_money(sheet, total, quantity > 0 ? quantity : 1, digits);
    dbk_sheet_money(sheet, total, digits);
    dbk_sheet_row_end(sheet);
}

static dbk_status on_lines(void *user, const dbk_result *block, dbk_error *err)
{
    export *e = user;
    dbk_sheet sheet = dbk_sheet_init(&e->out);
    for (size_t row = 0; row < dbk_result_rows(block); row++)
        write_line(e, &sheet, block, row);
    return e->out.size >= PIECE ? send(e, err) : DBK_OK;
}

// The range is the orders', not the lines'.
static dbk_status write_lines(export *e, dbk_error *err)
{
    dbk_filter filters[DBK_ORDER_FILTERS_MAX + 2];
    dbk_value from = {.kind = DBK_VALUE_INT, .number = e->filters.from_ms};
    dbk_value to = {.kind = DBK_VALUE_INT, .number = e->filters.to_ms};
    int n = dbk_order_filters_write(&e->filters, "order_id.status", "order_id.customer_id", filters);
    if (from.number != DBK_TIME_OPEN_FROM)
        filters[n++] = (dbk_filter){
            .column = "order_id.created_at", .op = DBK_OP_GE, .values = &from, .values_count = 1};
    if (to.number != DBK_TIME_OPEN_TO)
        filters[n++] =
            (dbk_filter){.column = "order_id.created_at", .op = DBK_OP_LT, .values = &to, .values_count = 1};
    dbk_query query = {.table = "order_lines",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = filters,
                       .filters_count = n,
                       .fields = line_fields,
                       .fields_count = DBK_COUNT(line_fields)};
    dbk_sheet sheet = dbk_sheet_init(&e->out);
    dbk_sheet_header(&sheet, line_names, DBK_COUNT(line_names));
    return dbk_query_stream(dbk_call_snapshot(e->call), e->call->tenant, &query, on_lines, e, err);
}

// ---- The call ----

static void name_file(export *e)
{
    char date[DBK_TIME_TEXT_MAX];
    dbk_buffer text = {0};
    dbk_time_write(date, e->call->now_ms);
    dbk_buffer_format(&text, "attachment; filename=\"orders-%s-%.10s.csv\"",
                      e->has_lines ? "line-items" : "summary", date);
    char *copy = text.failed ? NULL : dbk_arena_copy(&e->call->arena, (const char *)text.data, text.size);
    if (copy != NULL)
        dbk_call_header(e->call, "content-disposition", (dbk_text){copy, (uint32_t)text.size});
    dbk_buffer_dispose(&text);
}

// On a thread that may wait for the client.
static void run(dbk_job *job)
{
    dbk_call *call = (dbk_call *)job;
    export *e = call->state;
    dbk_stream_options options = {.length = -1, .queue_max = 4 * PIECE};
    dbk_error err;
    name_file(e);
    if (!dbk_call_stream(call, 200, call->route->answer_type, &options))
        return;
    dbk_status status = e->has_lines ? write_lines(e, &err) : write_summary(e, &err);
    dbk_call_end_read(call);
    if (status == DBK_OK)
        status = send(e, &err);
    if (status != DBK_OK && status != DBK_CANCELLED)
        fprintf(stderr, "daybook: an export of orders broke off: %s\n", err.message);
    dbk_buffer_dispose(&e->out);
    dbk_buffer_dispose(&e->text);
    dbk_call_stream_end(call, status == DBK_OK);
}

static bool read_mode(dbk_call *call, export *e)
{
    dbk_text mode = dbk_call_param(call, "mode");
    e->has_lines = dbk_text_equal(mode, DBK_TEXT("line-items"));
    if (e->has_lines || mode.length == 0 || dbk_text_equal(mode, DBK_TEXT("summary")))
        return true;
    dbk_call_fail(call, 400, "mode must be summary or line-items");
    return false;
}

void dbk_distribu_orders_export(dbk_call *call)
{
    export *e = dbk_arena_zalloc(&call->arena, sizeof(*e));
    dbk_error err;
    if (e == NULL) {
        dbk_call_fail(call, 503, "Out of memory. Try again shortly.");
        return;
    }
    e->call = call;
    call->state = e;
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &e->settings, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    if (!read_mode(call, e) || !dbk_order_filters_read(call, &e->settings, &e->filters))
        return;
    dbk_call_tag(call, &e->has_lines, sizeof(e->has_lines));
    dbk_order_filters_tag(call);
    if (!dbk_call_is_unchanged(call))
        dbk_call_defer_stream(call, run);
}
