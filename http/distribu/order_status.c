// SPDX-License-Identifier: Apache-2.0
// PATCH /api/v1/orders/{id}: an order moves on. Where it stands is read by the transaction that moves it, so
// of two that want to move it one comes first.
//
// Cancelling does not put units back unless the tenant says so (restock-on-cancel). The lines of the order
// are read before the transaction: they are not found by key, and the store's writer does not search.
#include "http/app/row_batch.h"
#include "http/distribu/events.h"
#include "http/distribu/handlers.h"
#include "http/distribu/order.h"
#include "http/distribu/request.h"

#include <stdio.h>
#include <string.h>

typedef struct restocked {
    dbk_value product;
    int64_t quantity;
} restocked;

typedef struct move {
    dbk_call *call;
    dbk_settings settings;
    dbk_refusal refusal;
    dbk_order_status to;

    dbk_order_lines lines;
    restocked *restock;
    int restock_count;

    dbk_result *stored; // the order as it was
    dbk_batch order, audit, products;
    const dbk_batch *change[3];
    dbk_announcement events;
} move;

static void dispose(move *m)
{
    if (m->stored != NULL)
        dbk_result_free(m->stored);
    dbk_order_lines_dispose(&m->lines);
    dbk_batch_dispose(&m->order);
    dbk_batch_dispose(&m->audit);
    dbk_batch_dispose(&m->products);
    dbk_announcement_dispose(&m->events);
}

static void fail(move *m, dbk_status status, const char *message)
{
    dbk_call *call = m->call;
    dbk_refusal refusal = m->refusal;
    dispose(m);
    if (refusal.status != 0)
        dbk_call_fail(call, refusal.status, "%s", refusal.text);
    else
        dbk_call_fail_write(call, status, message);
}

// ---- What the request says ----

// False: the call was answered.
static bool read_request(move *m)
{
    dbk_json_doc doc;
    if (!dbk_distribu_body(m->call, &doc))
        return false;
    dbk_text name = dbk_json_string_of(dbk_json_get(doc.root, "status"));
    int status = dbk_order_status_find(name);
    bool is_valid = status >= 0 && dbk_text_equal(name, dbk_text_from(dbk_order_status_names[status]));
    dbk_json_doc_dispose(&doc);
    if (!is_valid)
        dbk_call_fail(m->call, 400, "Invalid order status.");
    else
        m->to = (dbk_order_status)status;
    return is_valid;
}

static void add_units(move *m, const dbk_order_item *line)
{
    int i = 0;
    while (i < m->restock_count && !dbk_text_equal(m->restock[i].product.text, line->product_id))
        i++;
    if (i == m->restock_count)
        m->restock[m->restock_count++].product =
            (dbk_value){.kind = DBK_VALUE_TEXT, .text = line->product_id};
    m->restock[i].quantity += line->quantity;
}

static dbk_status read_order(move *m, const dbk_snapshot *snapshot, dbk_result **out, dbk_error *err)
{
    dbk_value id = {.kind = DBK_VALUE_TEXT, .text = m->call->argument};
    return dbk_stored_rows(snapshot, m->call->tenant, DBK_ORDERS, &id, 1, out, err);
}

static dbk_status read_lines(move *m, dbk_error *err)
{
    dbk_call *call = m->call;
    dbk_value id = {.kind = DBK_VALUE_TEXT, .text = call->argument};
    dbk_result *row;
    DBK_TRY(read_order(m, dbk_call_snapshot(call), &row, err));
    bool is_known = dbk_result_rows(row) == 1;
    int64_t created_at = is_known ? dbk_stored_int(row, 0, DBK_ORDERS, "created_at") : 0;
    dbk_result_free(row);
    return is_known ? dbk_order_lines_read(call, &id, 1, created_at, &m->lines, err) : DBK_OK;
}

static dbk_status plan_restock(move *m, dbk_error *err)
{
    if (m->to != DBK_ORDER_CANCELLED || !m->settings.restocks_on_cancel)
        return DBK_OK;
    size_t count = dbk_order_lines_count(&m->lines);
    m->restock = dbk_arena_zalloc(&m->call->arena, (count + 1) * sizeof(*m->restock));
    if (m->restock == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
    for (size_t i = 0; i < count; i++) {
        dbk_order_item line = dbk_order_lines_item(&m->lines, i);
        if (line.product_id.length > 0 && line.quantity > 0)
            add_units(m, &line);
    }
    return DBK_OK;
}

// ---- Whether it may be ----

static bool may_move(int from, dbk_order_status to)
{
    switch (from) {
    case DBK_ORDER_SUBMITTED:
        return to == DBK_ORDER_CONFIRMED || to == DBK_ORDER_CANCELLED;
    case DBK_ORDER_CONFIRMED:
        return to == DBK_ORDER_SHIPPED || to == DBK_ORDER_CANCELLED;
    case DBK_ORDER_SHIPPED:
        return to == DBK_ORDER_DELIVERED;
    default:
        return false;
    }
}

static bool check_move(move *m)
{
    if (dbk_result_rows(m->stored) == 0)
        return dbk_refuse(&m->refusal, 404, "Order not found.");
    dbk_text from = dbk_stored_text(m->stored, 0, DBK_ORDERS, "status");
    int status = dbk_order_status_find(from);
    if (status >= 0)
        from = dbk_text_from(dbk_order_status_names[status]);
    if (may_move(status, m->to))
        return true;
    return dbk_refuse(&m->refusal, 422, "Cannot change status from %.*s to %s.",
                      (int)(from.length < 64 ? from.length : 64), from.data, dbk_order_status_names[m->to]);
}

// ---- What is stored ----

static dbk_status fill_order(move *m, dbk_error *err)
{
    static const char *const moments[DBK_ORDER_STATUSES] = {[DBK_ORDER_CONFIRMED] = "confirmed_at",
                                                            [DBK_ORDER_DELIVERED] = "delivered_at",
                                                            [DBK_ORDER_CANCELLED] = "cancelled_at"};
    DBK_TRY(dbk_row_batch_init(&m->order, DBK_ORDERS, 1, err));
    DBK_TRY(dbk_row_batch_copy(&m->order, 0, m->stored, 0, err));
    dbk_row_batch_int(&m->order, 0, "updated_at", m->call->now_ms);
    if (moments[m->to] != NULL)
        dbk_row_batch_int(&m->order, 0, moments[m->to], m->call->now_ms);
    return dbk_row_batch_text(&m->order, 0, "status", dbk_text_from(dbk_order_status_names[m->to]), err);
}

static int64_t units_of(const move *m, dbk_text product)
{
    for (int i = 0; i < m->restock_count; i++)
        if (dbk_text_equal(m->restock[i].product.text, product))
            return m->restock[i].quantity;
    return 0;
}

static dbk_status copy_products(move *m, const dbk_result *rows, dbk_error *err)
{
    uint32_t count = (uint32_t)dbk_result_rows(rows);
    DBK_TRY(dbk_row_batch_init(&m->products, DBK_PRODUCTS, count, err));
    for (uint32_t row = 0; row < count; row++) {
        int64_t stock = dbk_stored_int(rows, row, DBK_PRODUCTS, "stock");
        int64_t units = units_of(m, dbk_stored_text(rows, row, DBK_PRODUCTS, "id"));
        DBK_TRY(dbk_row_batch_copy(&m->products, row, rows, row, err));
        if (__builtin_add_overflow(stock == DBK_NULL ? 0 : stock, units, &stock))
            return dbk_fail(err, DBK_OVERFLOW, "The stock would be too large.");
        dbk_row_batch_int(&m->products, row, "stock", stock);
        dbk_row_batch_int(&m->products, row, "updated_at", m->call->now_ms);
    }
    return DBK_OK;
}

static dbk_status fill_products(move *m, const dbk_snapshot *working, dbk_error *err)
{
    dbk_value *keys = dbk_arena_alloc(&m->call->arena, (size_t)m->restock_count * sizeof(*keys));
    if (keys == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
    for (int i = 0; i < m->restock_count; i++)
        keys[i] = m->restock[i].product;
    dbk_result *rows;
    DBK_TRY(dbk_stored_rows(working, m->call->tenant, DBK_PRODUCTS, keys, m->restock_count, &rows, err));
    dbk_status status = dbk_result_rows(rows) > 0 ? copy_products(m, rows, err) : DBK_OK;
    dbk_result_free(rows);
    return status;
}

static dbk_status fill_audit(move *m, dbk_error *err)
{
    int from = dbk_order_status_find(dbk_stored_text(m->stored, 0, DBK_ORDERS, "status"));
    char details[96]; // the names are our own constants
    int length = snprintf(details, sizeof(details), "{\"from\":\"%s\",\"to\":\"%s\"}",
                          dbk_order_status_names[from], dbk_order_status_names[m->to]);
    return dbk_call_audit(m->call, &m->audit, "order.status_changed", "order", m->call->argument,
                          (dbk_text){details, (uint32_t)length}, err);
}

static dbk_order_view moved_order(const move *m)
{
    dbk_text currency = dbk_stored_text(m->stored, 0, DBK_ORDERS, "currency");
    return (dbk_order_view){
        .id = m->call->argument,
        .status = dbk_text_from(dbk_order_status_names[m->to]),
        .po_number = dbk_stored_text(m->stored, 0, DBK_ORDERS, "po_number"),
        .notes = dbk_stored_text(m->stored, 0, DBK_ORDERS, "notes"),
        .customer_id = dbk_stored_text(m->stored, 0, DBK_ORDERS, "customer_id"),
        .total = dbk_stored_int(m->stored, 0, DBK_ORDERS, "total"),
        .created_at = dbk_stored_int(m->stored, 0, DBK_ORDERS, "created_at"),
        .updated_at = m->call->now_ms,
        .digits = dbk_order_digits(currency, &m->settings),
    };
}

static dbk_status announce(move *m, const dbk_snapshot *working, const char *event, dbk_error *err)
{
    int from = dbk_order_status_find(dbk_stored_text(m->stored, 0, DBK_ORDERS, "status"));
    dbk_order_view order = moved_order(m);
    dbk_buffer data = {0};
    dbk_out out = dbk_out_init(&data);
    dbk_out_object(&out);
    dbk_out_key(&out, "id");
    dbk_out_text(&out, order.id);
    dbk_out_key(&out, "status");
    dbk_out_text(&out, order.status);
    dbk_out_key(&out, "previousStatus");
    dbk_out_string(&out, dbk_order_status_names[from]);
    dbk_out_key(&out, "total");
    dbk_out_money(&out, order.total, 1, order.digits);
    dbk_out_key(&out, "customerId");
    dbk_out_text_or_null(&out, order.customer_id);
    dbk_out_key(&out, "poNumber");
    dbk_out_text_or_null(&out, order.po_number);
    dbk_out_object_end(&out);
    return dbk_event_add(m->call, &m->events, working, event, &data, err);
}

static dbk_status announce_all(move *m, const dbk_snapshot *working, dbk_error *err)
{
    DBK_TRY(announce(m, working, "order.status_changed", err));
    if (m->to == DBK_ORDER_SHIPPED)
        return announce(m, working, "order.shipped", err);
    return m->to == DBK_ORDER_CANCELLED ? announce(m, working, "order.cancelled", err) : DBK_OK;
}

static dbk_status decide(void *user, const dbk_snapshot *working, dbk_change *change, dbk_error *err)
{
    move *m = user;
    DBK_TRY(read_order(m, working, &m->stored, err));
    if (!check_move(m))
        return dbk_fail(err, DBK_INVALID, "refused");
    DBK_TRY(fill_order(m, err));
    DBK_TRY(fill_audit(m, err));
    if (m->restock_count > 0)
        DBK_TRY(fill_products(m, working, err));
    m->change[0] = &m->order;
    m->change[1] = &m->audit;
    m->change[2] = &m->products;
    change->batches = m->change;
    change->batches_count = m->products.rows > 0 ? 3 : 2;
    DBK_TRY(announce_all(m, working, err));
    return dbk_events_join(m->call, &m->events, change, err);
}

// ---- Afterwards ----

// On a worker. The move is on disk already.
static void finish(dbk_job *job)
{
    dbk_call *call = (dbk_call *)job;
    move *m = call->state;
    dbk_order_view order = moved_order(m);
    dbk_announcement_begin(&m->events);
    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_order_write(&out, &order);
    dbk_order_lines_write(&out, &m->lines, order.id, order.digits);
    dbk_order_write_end(&out);
    dbk_out_object_end(&out);
    dispose(m);
    dbk_call_answer_json(call, 200);
}

static void on_done(void *user, const dbk_change_result *result)
{
    move *m = user;
    if (result->status != DBK_OK)
        fail(m, result->status, result->message);
    else
        dbk_call_defer(m->call, finish);
}

void dbk_distribu_order_update(dbk_call *call)
{
    move *m = dbk_arena_zalloc(&call->arena, sizeof(*m));
    dbk_error err;
    if (m == NULL) {
        dbk_call_fail_write(call, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
        return;
    }
    m->call = call;
    call->state = m;
    if (!read_request(m))
        return;
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &m->settings, &err);
    if (status == DBK_OK)
        status = read_lines(m, &err);
    if (status == DBK_OK)
        status = plan_restock(m, &err);
    dbk_call_end_read(call);
    if (status != DBK_OK) {
        dispose(m);
        dbk_call_fail_read(call, status, &err);
        return;
    }
    dbk_call_keep(call);
    // The answer may be under way before this returns: nothing of the call may be touched any more.
    dbk_store_transact(call->app->store, call->tenant, decide, m, on_done, m);
}
