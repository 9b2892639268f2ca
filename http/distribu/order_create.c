// SPDX-License-Identifier: Apache-2.0
// POST /api/v1/orders: an order priced from the catalogue, its lines, and the stock it takes, in one commit.
//
// What the request says is checked on the thread that got it. Whether the order can be is decided by a
// transaction, which sees every order before it: the stock it reads is the stock there is.
#include "engine/base/decimal.h"
#include "http/app/idempotency.h"
#include "http/app/row_batch.h"
#include "http/distribu/events.h"
#include "http/distribu/handlers.h"
#include "http/distribu/order.h"
#include "http/distribu/request.h"

#include <stdio.h>
#include <string.h>

enum { ITEMS_MAX = 500, QUANTITY_MAX = 1000000000, PO_NUMBER_MAX = 100, NOTES_MAX = 2000 };
enum { LOW_STOCK = 5, INLINE_BYTES_MAX = 65536 };
enum { ORDERS, LINES, PRODUCTS, AUDIT, ANSWER, BATCHES };

typedef struct item {
    dbk_text product_id;
    int64_t quantity;
    int product; // its place among the distinct products
} item;

typedef struct product {
    size_t row; // of the stored products
    int64_t quantity, stock, price;
    dbk_text name;
} product;

typedef struct creation {
    dbk_call *call;
    dbk_json_doc doc;
    dbk_idempotency key;
    dbk_refusal refusal;

    dbk_text customer_id, po_number, notes;
    dbk_text customer_email; // as the transaction finds it
    item *items;
    int items_count;
    dbk_value *product_keys; // distinct
    product *products;
    int products_count;
    char id[DBK_NEW_ID_MAX];

    // The transaction's.
    dbk_settings settings;
    dbk_result *stored; // the products
    int64_t total;
    dbk_batch batches[BATCHES];
    dbk_announcement events;
    const dbk_batch *change[BATCHES];
    int status;
    bool is_replay;
    dbk_buffer answer;
} creation;

static void dispose(creation *c)
{
    if (c->stored != NULL)
        dbk_result_free(c->stored);
    for (int i = 0; i < BATCHES; i++)
        dbk_batch_dispose(&c->batches[i]);
    dbk_announcement_dispose(&c->events);
    dbk_buffer_dispose(&c->answer);
    dbk_json_doc_dispose(&c->doc);
}

// ---- What the request says ----

static bool read_quantity(const dbk_json *value, int64_t *out, dbk_refusal *refusal)
{
    char text[DBK_PLAIN_NUMBER_MAX];
    size_t length;
    if (value == NULL || value->type != DBK_JSON_NUMBER)
        return dbk_refuse(refusal, 400, "quantity must be a number");
    if (!dbk_plain_number(value->text, text, &length))
        return dbk_refuse(refusal, 400, "quantity must be at most %d", QUANTITY_MAX);
    dbk_decimal_fault fault = dbk_decimal_parse(text, length, 0, out);
    if (fault == DBK_DECIMAL_DIGITS)
        return dbk_refuse(refusal, 400, "quantity must be a whole number");
    if (text[0] == '-' || (fault == DBK_DECIMAL_OK && *out < 1))
        return dbk_refuse(refusal, 400, "quantity must be at least 1");
    if (fault != DBK_DECIMAL_OK || *out > QUANTITY_MAX)
        return dbk_refuse(refusal, 400, "quantity must be at most %d", QUANTITY_MAX);
    return true;
}

static int find_product(creation *c, dbk_text id)
{
    for (int i = 0; i < c->products_count; i++)
        if (dbk_text_equal(c->product_keys[i].text, id))
            return i;
    c->product_keys[c->products_count] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = id};
    return c->products_count++;
}

static bool read_item(creation *c, const dbk_json *value)
{
    item *to = &c->items[c->items_count];
    if (value->type != DBK_JSON_OBJECT)
        return dbk_refuse(&c->refusal, 400, "Validation failed.");
    if (!dbk_field_id(value, "productId", &to->product_id, &c->refusal) ||
        !read_quantity(dbk_json_get(value, "quantity"), &to->quantity, &c->refusal))
        return false;
    to->product = find_product(c, to->product_id);
    c->products[to->product].quantity += to->quantity;
    c->items_count++;
    return true;
}

static bool read_items(creation *c, const dbk_json *list)
{
    if (list == NULL || list->type == DBK_JSON_NULL)
        return dbk_refuse(&c->refusal, 400, "At least one item is required");
    if (list->type != DBK_JSON_ARRAY)
        return dbk_refuse(&c->refusal, 400, "items must be an array");
    if (list->count == 0)
        return dbk_refuse(&c->refusal, 400, "At least one item is required");
    if (list->count > ITEMS_MAX)
        return dbk_refuse(&c->refusal, 400, "items must be at most %d", ITEMS_MAX);
    dbk_arena *arena = &c->call->arena;
    c->items = dbk_arena_zalloc(arena, list->count * sizeof(*c->items));
    c->product_keys = dbk_arena_zalloc(arena, list->count * sizeof(*c->product_keys));
    c->products = dbk_arena_zalloc(arena, list->count * sizeof(*c->products));
    if (c->items == NULL || c->product_keys == NULL || c->products == NULL)
        return dbk_refuse(&c->refusal, 507, "Out of memory; nothing was stored.");
    for (const dbk_json *m = dbk_json_first(list); m != NULL; m = dbk_json_next(list, m))
        if (!read_item(c, m))
            return false;
    return true;
}

static bool read_request(creation *c)
{
    const dbk_json *body = c->doc.root;
    return dbk_field_id(body, "customerId", &c->customer_id, &c->refusal) &&
           read_items(c, dbk_json_get(body, "items")) &&
           dbk_field_text(body, "poNumber", PO_NUMBER_MAX, &c->po_number, &c->refusal) &&
           dbk_field_text(body, "notes", NOTES_MAX, &c->notes, &c->refusal);
}

// ---- Whether it can be ----

// The refusal is kept with its HTTP status; the store only hears that there is one.
static dbk_status refused(dbk_error *err)
{
    return dbk_fail(err, DBK_INVALID, "refused");
}

// An order keeps the address of the moment at which it was placed (D71).
static dbk_status keep_email(creation *c, dbk_text email, dbk_error *err)
{
    c->customer_email = (dbk_text){dbk_arena_copy(&c->call->arena, email.data, email.length), email.length};
    return c->customer_email.data != NULL
               ? DBK_OK
               : dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
}

static dbk_status check_customer(creation *c, const dbk_snapshot *working, dbk_error *err)
{
    dbk_value key = {.kind = DBK_VALUE_TEXT, .text = c->customer_id};
    dbk_result *rows;
    DBK_TRY(dbk_stored_rows(working, c->call->tenant, DBK_CUSTOMERS, &key, 1, &rows, err));
    bool is_known = dbk_result_rows(rows) == 1;
    bool is_blocked =
        is_known && dbk_text_equal(dbk_stored_text(rows, 0, DBK_CUSTOMERS, "status"), DBK_TEXT("BLOCKED"));
    dbk_status status =
        is_known ? keep_email(c, dbk_stored_text(rows, 0, DBK_CUSTOMERS, "email"), err) : DBK_OK;
    dbk_result_free(rows);
    DBK_TRY(status);
    if (!is_known)
        dbk_refuse(&c->refusal, 404, "Customer not found.");
    else if (is_blocked)
        dbk_refuse(&c->refusal, 422, "This customer is blocked.");
    return c->refusal.status != 0 ? refused(err) : DBK_OK;
}

static bool find_stored(creation *c, int i)
{
    for (size_t row = 0; row < dbk_result_rows(c->stored); row++) {
        if (!dbk_text_equal(dbk_stored_text(c->stored, row, DBK_PRODUCTS, "id"), c->product_keys[i].text))
            continue;
        dbk_text name = dbk_stored_text(c->stored, row, DBK_PRODUCTS, "name");
        int64_t stock = dbk_stored_int(c->stored, row, DBK_PRODUCTS, "stock");
        c->products[i].row = row;
        c->products[i].stock = stock == DBK_NULL ? 0 : stock;
        c->products[i].name = name.length > 0 ? name : c->product_keys[i].text;
        return true;
    }
    return false;
}

static bool check_product(creation *c, int i)
{
    const product *p = &c->products[i];
    if (!find_stored(c, i))
        return dbk_refuse(&c->refusal, 404, "Product not found.");
    int name_length = (int)(p->name.length < 300 ? p->name.length : 300);
    if (dbk_stored_int(c->stored, p->row, DBK_PRODUCTS, "is_active") == 0)
        return dbk_refuse(&c->refusal, 422, "%.*s is not available.", name_length, p->name.data);
    if (p->quantity > p->stock)
        return dbk_refuse(&c->refusal, 422, "Not enough stock for %.*s. Only %lld available.", name_length,
                          p->name.data, (long long)(p->stock > 0 ? p->stock : 0));
    return true;
}

// The key of price_overrides: customer and product, joined as the schema says.
static bool override_key(creation *c, dbk_text product_id, dbk_value *out)
{
    dbk_text customer = c->customer_id;
    char *text = dbk_arena_alloc(&c->call->arena, (size_t)customer.length + 1 + product_id.length);
    if (text == NULL)
        return false;
    memcpy(text, customer.data, customer.length);
    text[customer.length] = 0x1F;
    memcpy(text + customer.length + 1, product_id.data, product_id.length);
    *out = (dbk_value){.kind = DBK_VALUE_TEXT, .text = {text, customer.length + 1 + product_id.length}};
    return true;
}

static void take_override(creation *c, const dbk_result *rows, size_t row)
{
    dbk_text product_id = dbk_stored_text(rows, row, DBK_PRICE_OVERRIDES, "product_id");
    int64_t price = dbk_stored_int(rows, row, DBK_PRICE_OVERRIDES, "price");
    for (int i = 0; i < c->products_count; i++)
        if (price != DBK_NULL && dbk_text_equal(c->product_keys[i].text, product_id))
            c->products[i].price = price;
}

// The customer's own price where there is one (D59), otherwise the catalogue's.
static dbk_status find_prices(creation *c, const dbk_snapshot *working, dbk_error *err)
{
    dbk_value *keys = dbk_arena_alloc(&c->call->arena, (size_t)c->products_count * sizeof(*keys));
    bool has_room = keys != NULL;
    for (int i = 0; i < c->products_count && has_room; i++) {
        int64_t price = dbk_stored_int(c->stored, c->products[i].row, DBK_PRODUCTS, "price");
        c->products[i].price = price == DBK_NULL ? 0 : price;
        has_room = override_key(c, c->product_keys[i].text, &keys[i]);
    }
    if (!has_room)
        return dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
    dbk_result *rows;
    DBK_TRY(
        dbk_stored_rows(working, c->call->tenant, DBK_PRICE_OVERRIDES, keys, c->products_count, &rows, err));
    for (size_t row = 0; row < dbk_result_rows(rows); row++)
        take_override(c, rows, row);
    dbk_result_free(rows);
    return DBK_OK;
}

static int64_t price_of(const creation *c, const item *it)
{
    return c->products[it->product].price;
}

static bool add_up(creation *c)
{
    dbk_i128 total = 0;
    bool fits = true;
    for (int i = 0; i < c->items_count; i++) {
        dbk_i128 line = (dbk_i128)price_of(c, &c->items[i]) * c->items[i].quantity;
        total += line;
        fits &= line <= INT64_MAX && line >= -INT64_MAX;
    }
    if (!fits || total > INT64_MAX || total < -INT64_MAX)
        return dbk_refuse(&c->refusal, 422, "The order's total is too large.");
    c->total = (int64_t)total;
    return true;
}

static dbk_status check_order(creation *c, const dbk_snapshot *working, dbk_error *err)
{
    dbk_text tenant = c->call->tenant;
    DBK_TRY(check_customer(c, working, err));
    DBK_TRY(
        dbk_stored_rows(working, tenant, DBK_PRODUCTS, c->product_keys, c->products_count, &c->stored, err));
    for (int i = 0; i < c->items_count; i++)
        if (!check_product(c, c->items[i].product))
            return refused(err);
    DBK_TRY(find_prices(c, working, err));
    return add_up(c) ? DBK_OK : refused(err);
}

// ---- What is stored ----

static dbk_status fill_order(creation *c, dbk_error *err)
{
    dbk_batch *b = &c->batches[ORDERS];
    DBK_TRY(dbk_row_batch_init(b, DBK_ORDERS, 1, err));
    DBK_TRY(dbk_row_batch_text(b, 0, "id", dbk_text_from(c->id), err));
    dbk_row_batch_int(b, 0, "created_at", c->call->now_ms);
    dbk_row_batch_int(b, 0, "updated_at", c->call->now_ms);
    DBK_TRY(dbk_row_batch_text(b, 0, "kind", DBK_TEXT("standard"), err));
    DBK_TRY(dbk_row_batch_text(b, 0, "status", DBK_TEXT("SUBMITTED"), err));
    DBK_TRY(dbk_row_batch_text(b, 0, "customer_id", c->customer_id, err));
    DBK_TRY(dbk_row_batch_text(b, 0, "currency", dbk_text_from(c->settings.currency), err));
    dbk_row_batch_int(b, 0, "subtotal", c->total);
    dbk_row_batch_int(b, 0, "total", c->total);
    DBK_TRY(dbk_row_batch_text(b, 0, "po_number", c->po_number, err));
    DBK_TRY(dbk_row_batch_text(b, 0, "customer_email", c->customer_email, err));
    return dbk_row_batch_text(b, 0, "notes", c->notes, err);
}

enum { LINE_ID_MAX = DBK_NEW_ID_MAX + 12 };

static dbk_text line_id(const creation *c, int i, char out[LINE_ID_MAX])
{
    return (dbk_text){out, (uint32_t)snprintf(out, LINE_ID_MAX, "%s-%d", c->id, i + 1)};
}

static dbk_status fill_lines(creation *c, dbk_error *err)
{
    dbk_batch *b = &c->batches[LINES];
    DBK_TRY(dbk_row_batch_init(b, DBK_ORDER_LINES, (uint32_t)c->items_count, err));
    for (int i = 0; i < c->items_count; i++) {
        const item *it = &c->items[i];
        uint32_t row = (uint32_t)i;
        char id[LINE_ID_MAX];
        int64_t price = price_of(c, it);
        DBK_TRY(dbk_row_batch_text(b, row, "id", line_id(c, i, id), err));
        DBK_TRY(dbk_row_batch_text(b, row, "order_id", dbk_text_from(c->id), err));
        dbk_row_batch_int(b, row, "created_at", c->call->now_ms);
        DBK_TRY(dbk_row_batch_text(b, row, "product_id", it->product_id, err));
        dbk_row_batch_int(b, row, "quantity", it->quantity);
        dbk_row_batch_int(b, row, "unit_price", price);
        dbk_row_batch_int(b, row, "total", price * it->quantity);
    }
    return DBK_OK;
}

static dbk_status fill_products(creation *c, dbk_error *err)
{
    dbk_batch *b = &c->batches[PRODUCTS];
    DBK_TRY(dbk_row_batch_init(b, DBK_PRODUCTS, (uint32_t)c->products_count, err));
    for (int i = 0; i < c->products_count; i++) {
        const product *p = &c->products[i];
        DBK_TRY(dbk_row_batch_copy(b, (uint32_t)i, c->stored, p->row, err));
        dbk_row_batch_int(b, (uint32_t)i, "stock", p->stock - p->quantity);
        dbk_row_batch_int(b, (uint32_t)i, "updated_at", c->call->now_ms);
    }
    return DBK_OK;
}

static void write_items(const creation *c, dbk_out *out)
{
    for (int i = 0; i < c->items_count; i++) {
        const item *it = &c->items[i];
        char id[LINE_ID_MAX];
        size_t row = c->products[it->product].row;
        dbk_order_item shown = {.id = line_id(c, i, id),
                                .product_id = it->product_id,
                                .name = dbk_stored_text(c->stored, row, DBK_PRODUCTS, "name"),
                                .sku = dbk_stored_text(c->stored, row, DBK_PRODUCTS, "sku"),
                                .quantity = it->quantity,
                                .unit_price = price_of(c, it)};
        dbk_order_write_item(out, &shown, c->settings.currency_digits);
    }
}

static void write_answer(creation *c)
{
    dbk_order_view order = {.id = dbk_text_from(c->id),
                            .status = DBK_TEXT("SUBMITTED"),
                            .po_number = c->po_number,
                            .notes = c->notes,
                            .customer_id = c->customer_id,
                            .total = c->total,
                            .created_at = c->call->now_ms,
                            .updated_at = c->call->now_ms,
                            .digits = c->settings.currency_digits};
    dbk_out out = dbk_out_init(&c->answer);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_order_write(&out, &order);
    write_items(c, &out);
    dbk_order_write_end(&out);
    dbk_out_object_end(&out);
}

static dbk_status fill_audit(creation *c, dbk_error *err)
{
    dbk_buffer details = {0};
    dbk_out out = dbk_out_init(&details);
    dbk_out_object(&out);
    dbk_out_key(&out, "customerId");
    dbk_out_text(&out, c->customer_id);
    dbk_out_key(&out, "total");
    dbk_out_money(&out, c->total, 1, c->settings.currency_digits);
    dbk_out_key(&out, "itemCount");
    dbk_out_int(&out, c->items_count);
    dbk_out_object_end(&out);
    dbk_status status =
        dbk_call_audit(c->call, &c->batches[AUDIT], "order.placed", "order", dbk_text_from(c->id),
                       (dbk_text){(const char *)details.data, (uint32_t)details.size}, err);
    dbk_buffer_dispose(&details);
    return status;
}

static dbk_status announce_order(creation *c, const dbk_snapshot *working, dbk_error *err)
{
    dbk_buffer data = {0};
    dbk_out out = dbk_out_init(&data);
    dbk_out_object(&out);
    dbk_out_key(&out, "id");
    dbk_out_string(&out, c->id);
    dbk_out_key(&out, "status");
    dbk_out_string(&out, "SUBMITTED");
    dbk_out_key(&out, "total");
    dbk_out_money(&out, c->total, 1, c->settings.currency_digits);
    dbk_out_key(&out, "customerId");
    dbk_out_text(&out, c->customer_id);
    dbk_out_key(&out, "poNumber");
    dbk_out_text_or_null(&out, c->po_number);
    dbk_out_key(&out, "itemCount");
    dbk_out_int(&out, c->items_count);
    dbk_out_key(&out, "items");
    dbk_out_array(&out);
    write_items(c, &out);
    dbk_out_array_end(&out);
    dbk_out_object_end(&out);
    return dbk_event_add(c->call, &c->events, working, "order.created", &data, err);
}

// Low is more than none and at most five; only the order that crosses the line says so.
static dbk_status announce_low_stock(creation *c, const dbk_snapshot *working, dbk_error *err)
{
    for (int i = 0; i < c->products_count; i++) {
        const product *p = &c->products[i];
        int64_t left = p->stock - p->quantity;
        if (p->stock <= LOW_STOCK || left > LOW_STOCK || left <= 0)
            continue;
        dbk_buffer data = {0};
        dbk_out out = dbk_out_init(&data);
        dbk_out_object(&out);
        dbk_out_key(&out, "id");
        dbk_out_text(&out, c->product_keys[i].text);
        dbk_out_key(&out, "name");
        dbk_out_text(&out, p->name);
        dbk_out_key(&out, "sku");
        dbk_out_text_or_null(&out, dbk_stored_text(c->stored, p->row, DBK_PRODUCTS, "sku"));
        dbk_out_key(&out, "stock");
        dbk_out_int(&out, left);
        dbk_out_object_end(&out);
        DBK_TRY(dbk_event_add(c->call, &c->events, working, "product.low_stock", &data, err));
    }
    return DBK_OK;
}

static dbk_status fill_change(creation *c, const dbk_snapshot *working, dbk_change *change, dbk_error *err)
{
    DBK_TRY(fill_order(c, err));
    DBK_TRY(fill_lines(c, err));
    DBK_TRY(fill_products(c, err));
    DBK_TRY(fill_audit(c, err));
    write_answer(c);
    if (c->answer.failed)
        return dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
    c->status = 201;
    if (c->key.is_used)
        DBK_TRY(dbk_idempotency_keep(&c->key, c->status, &c->answer, &c->batches[ANSWER], err));
    for (int i = 0; i < BATCHES; i++)
        c->change[i] = &c->batches[i];
    change->batches = c->change;
    change->batches_count = c->key.is_used ? BATCHES : BATCHES - 1;
    if (!dbk_events_are_heard(c->call, working))
        return DBK_OK;
    DBK_TRY(announce_order(c, working, err));
    DBK_TRY(announce_low_stock(c, working, err));
    return dbk_events_join(c->call, &c->events, change, err);
}

static dbk_status decide(void *user, const dbk_snapshot *working, dbk_change *change, dbk_error *err)
{
    creation *c = user;
    dbk_idempotency_state state;
    DBK_TRY(dbk_idempotency_find(&c->key, working, c->call->tenant, &state, &c->status, &c->answer, err));
    c->is_replay = state == DBK_IDEMPOTENCY_SAME;
    if (c->is_replay)
        return DBK_OK;
    if (state == DBK_IDEMPOTENCY_OTHER) {
        dbk_refuse(&c->refusal, 422, "This Idempotency-Key was already used for another request.");
        return refused(err);
    }
    DBK_TRY(dbk_settings_read_one(working, c->call->tenant, "currency", &c->settings, err));
    DBK_TRY(check_order(c, working, err));
    return fill_change(c, working, change, err);
}

// ---- Afterwards ----

static void fail(creation *c, dbk_status status, const char *message)
{
    dbk_call *call = c->call;
    dbk_refusal refusal = c->refusal;
    dispose(c);
    if (refusal.status != 0)
        dbk_call_fail(call, refusal.status, "%s", refusal.text);
    else
        dbk_call_fail_write(call, status, message);
}

// On the request's own thread: the store's writer has no time for answers.
static void finish(dbk_job *job)
{
    dbk_call *call = (dbk_call *)job;
    creation *c = call->state;
    if (c->is_replay)
        dbk_call_header(call, "idempotency-replayed", DBK_TEXT("true"));
    dbk_announcement_begin(&c->events);
    dbk_buffer_dispose(&call->body);
    call->body = c->answer;
    c->answer = (dbk_buffer){0};
    int status = c->status;
    dispose(c);
    dbk_call_answer_json(call, status);
}

static void on_done(void *user, const dbk_change_result *result)
{
    creation *c = user;
    if (result->status != DBK_OK)
        fail(c, result->status, result->message);
    else
        dbk_call_resume(c->call, finish);
}

static void submit(dbk_call *call)
{
    creation *c = call->state;
    if (!dbk_distribu_body(call, &c->doc))
        return;
    if (!read_request(c) || !dbk_distribu_new_id("ord_", c->id, &c->refusal)) {
        fail(c, DBK_INVALID, "");
        return;
    }
    dbk_call_keep(call);
    dbk_idempotency_sweep(&c->key, call->app->store, call->tenant);
    // The answer may be under way before this returns: nothing of the call may be touched any more.
    dbk_store_transact(call->app->store, call->tenant, decide, c, on_done, c);
}

static void run_submit(dbk_job *job)
{
    submit((dbk_call *)job);
}

void dbk_distribu_order_create(dbk_call *call)
{
    creation *c = dbk_arena_zalloc(&call->arena, sizeof(*c));
    if (c == NULL) {
        dbk_call_fail_write(call, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
        return;
    }
    c->call = call;
    call->state = c;
    if (!dbk_idempotency_begin(call, &c->key))
        return;
    if (call->request->body.length > INLINE_BYTES_MAX)
        dbk_call_defer(call, run_submit);
    else
        submit(call);
}
