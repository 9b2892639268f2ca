// SPDX-License-Identifier: Apache-2.0
// Orders of events: one query for all of them and one for their lines, then written one by one.
#include "http/pos/event_order.h"

#include "engine/base/decimal.h"
#include "engine/base/hash.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

// ---- What happened ----

static bool is_word(dbk_text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.data, word, text.length) == 0;
}

static bool counts(dbk_text status)
{
    return is_word(status, "CONFIRMED") || is_word(status, "COMPLETED") || is_word(status, "PICKED_UP");
}

unsigned dbk_order_events_of(const dbk_watched_row *row)
{
    unsigned events = row->was_there ? 0 : DBK_ORDER_NEW;
    bool is_other = row->was_there && !dbk_text_equal(row->before, row->after);
    bool counted = row->was_there && counts(row->before);
    if (counts(row->after) && !counted)
        return events | DBK_ORDER_CONFIRMED;
    if (is_word(row->after, "CANCELLED") && (is_other || !row->was_there))
        return events | DBK_ORDER_CANCELLED;
    return is_other ? events | DBK_ORDER_CHANGED : events;
}

// ---- Reading ----

enum { ID, CREATED, CONFIRMED, CUSTOMER, CUSTOMER_NAME, METHOD, SUBTOTAL, DISCOUNT, TOTAL, REGISTER };
static const char *const order_fields[] = {
    "id",       "created_at", "confirmed_at", "customer_id",     "customer_id.name", "payment_method",
    "subtotal", "discount",   "total",        "cash_register_id"};
enum { LINE_ID, LINE_ORDER, LINE_QUANTITY, LINE_PRICE, LINE_TOTAL, LINE_FOOD, LINE_FOOD_NAME };
static const char *const line_fields[] = {"id",    "order_id",   "quantity",       "unit_price",
                                          "total", "product_id", "product_id.name"};

static const int64_t day_ms = 86400000;

static int compare_orders(const void *left, const void *right, void *rows)
{
    return dbk_text_compare(dbk_result_text(rows, *(const size_t *)left, ID),
                            dbk_result_text(rows, *(const size_t *)right, ID));
}

// By order; then shorter ids first, so that line 10 follows line 9.
static int compare_lines(const void *left, const void *right, void *rows)
{
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    int orders = dbk_text_compare(dbk_result_text(rows, a, LINE_ORDER), dbk_result_text(rows, b, LINE_ORDER));
    if (orders != 0)
        return orders;
    dbk_text x = dbk_result_text(rows, a, LINE_ID), y = dbk_result_text(rows, b, LINE_ID);
    if (x.length != y.length)
        return x.length < y.length ? -1 : 1;
    return dbk_text_compare(x, y);
}

static dbk_status sort_rows(dbk_result *rows, int (*compare)(const void *, const void *, void *),
                            size_t **places, dbk_error *err)
{
    size_t count = dbk_result_rows(rows);
    *places = malloc((count + 1) * sizeof(**places));
    if (*places == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for the orders of events");
    for (size_t i = 0; i < count; i++)
        (*places)[i] = i;
    qsort_r(*places, count, sizeof(**places), compare, rows);
    return DBK_OK;
}

static dbk_status read_orders(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_value *ids,
                              int ids_count, dbk_event_orders *out, dbk_error *err)
{
    dbk_filter filter = {.column = "id", .op = DBK_OP_IN, .values = ids, .values_count = ids_count};
    dbk_query query = {.table = "orders",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = &filter,
                       .filters_count = 1,
                       .fields = order_fields,
                       .fields_count = DBK_COUNT(order_fields)};
    DBK_TRY(dbk_query_run(snapshot, tenant, &query, &out->orders, err));
    return sort_rows(out->orders, compare_orders, &out->order_places, err);
}

static dbk_status read_lines(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_value *ids,
                             int ids_count, dbk_event_orders *out, dbk_error *err)
{
    int64_t oldest = INT64_MAX - day_ms, newest = INT64_MIN + day_ms;
    for (size_t i = 0; i < dbk_result_rows(out->orders); i++) {
        int64_t created = dbk_result_int(out->orders, i, CREATED);
        oldest = created < oldest ? created : oldest;
        newest = created > newest ? created : newest;
    }
    if (oldest > newest)
        oldest = newest = 0; // no order, no lines
    dbk_filter filter = {.column = "order_id", .op = DBK_OP_IN, .values = ids, .values_count = ids_count};
    dbk_query query = {.table = "order_lines",
                       .from_ms = oldest - day_ms,
                       .to_ms = newest + day_ms,
                       .filters = &filter,
                       .filters_count = 1,
                       .fields = line_fields,
                       .fields_count = DBK_COUNT(line_fields)};
    DBK_TRY(dbk_query_run(snapshot, tenant, &query, &out->lines, err));
    return sort_rows(out->lines, compare_lines, &out->line_places, err);
}

dbk_status dbk_event_orders_read(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_value *ids,
                                 int ids_count, dbk_event_orders *out, dbk_error *err)
{
    *out = (dbk_event_orders){0};
    dbk_status status = read_orders(snapshot, tenant, ids, ids_count, out, err);
    if (status == DBK_OK)
        status = read_lines(snapshot, tenant, ids, ids_count, out, err);
    if (status != DBK_OK)
        dbk_event_orders_dispose(out);
    return status;
}

void dbk_event_orders_dispose(dbk_event_orders *orders)
{
    if (orders->orders != NULL)
        dbk_result_free(orders->orders);
    if (orders->lines != NULL)
        dbk_result_free(orders->lines);
    free(orders->order_places);
    free(orders->line_places);
    *orders = (dbk_event_orders){0};
}

// The first place, in rows sorted by a column, whose text is not below the one given.
static size_t lower_bound(const dbk_result *rows, const size_t *places, int column, dbk_text text)
{
    size_t from = 0, to = dbk_result_rows(rows);
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (dbk_text_compare(dbk_result_text(rows, places[middle], column), text) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

// ---- Writing ----

// Unpadded decimal text: "25", "12.5".
static void write_amount(dbk_out *out, const char *key, dbk_i128 value)
{
    char text[DBK_DECIMAL_TEXT_MAX];
    size_t length = dbk_decimal_write(text, value, DBK_MONEY_SCALE, 1, DBK_MONEY_SCALE);
    while (text[length - 1] == '0')
        length--;
    if (text[length - 1] == '.')
        length--;
    dbk_out_key(out, key);
    dbk_out_text(out, (dbk_text){text, (uint32_t)length});
}

static void write_null(dbk_out *out, const char *key)
{
    dbk_out_key(out, key);
    dbk_out_null(out);
}

static void write_text(dbk_out *out, const char *key, dbk_text text)
{
    dbk_out_key(out, key);
    dbk_out_text_or_null(out, text);
}

// Three characters that are the same each time for an id, none of them easily taken for another. They are for
// calling out, not for finding: different orders may share them.
static void write_display_code(dbk_out *out, dbk_text id)
{
    static const char letters[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    uint64_t sum = dbk_checksum(id.data, id.length);
    char code[3];
    for (int i = 0; i < 3; i++, sum /= 32)
        code[i] = letters[sum % 32];
    write_text(out, "displayCode", (dbk_text){code, 3});
}

// P29 knows two methods.
static void write_method(dbk_out *out, dbk_text method)
{
    dbk_text shown = {NULL, 0};
    if (method.length == 4 && strncasecmp(method.data, "cash", 4) == 0)
        shown = DBK_TEXT("CASH");
    else if (method.length == 4 && strncasecmp(method.data, "card", 4) == 0)
        shown = DBK_TEXT("CARD");
    write_text(out, "paymentMethod", shown);
}

static dbk_i128 or_zero(int64_t value)
{
    return value == DBK_NULL ? 0 : value;
}

// P33: total = subTotal - discount + surcharge. The surcharge has no column: it is what the three others
// leave.
static void write_amounts(dbk_out *out, const dbk_result *orders, size_t row)
{
    dbk_i128 discount = or_zero(dbk_result_int(orders, row, DISCOUNT)),
             total = or_zero(dbk_result_int(orders, row, TOTAL));
    int64_t stored = dbk_result_int(orders, row, SUBTOTAL);
    dbk_i128 subtotal = stored == DBK_NULL ? total + discount : stored;
    write_amount(out, "subTotal", subtotal);
    write_amount(out, "discount", discount);
    write_amount(out, "surcharge", total - subtotal + discount);
    write_amount(out, "total", total);
}

// P33: total = (unitPrice + unitSurcharge) x quantity.
static void write_item_amounts(dbk_out *out, const dbk_result *lines, size_t row)
{
    int64_t quantity = dbk_result_int(lines, row, LINE_QUANTITY),
            stored = dbk_result_int(lines, row, LINE_PRICE);
    dbk_i128 total = or_zero(dbk_result_int(lines, row, LINE_TOTAL));
    dbk_i128 each =
        quantity > 0 ? dbk_decimal_round(total, DBK_MONEY_SCALE, quantity, DBK_MONEY_SCALE) : total;
    dbk_i128 price = stored == DBK_NULL ? each : stored;
    write_amount(out, "unitPrice", price);
    write_amount(out, "unitSurcharge", quantity > 0 ? each - price : 0);
    write_amount(out, "total", total);
}

static void write_food(dbk_out *out, const dbk_result *lines, size_t row, dbk_order_shape shape)
{
    dbk_text id = dbk_result_text(lines, row, LINE_FOOD);
    if (shape == DBK_SHAPE_FOOD_ID) {
        write_text(out, "foodId", id);
        return;
    }
    dbk_out_key(out, "food");
    dbk_out_object(out);
    write_text(out, "id", id);
    write_text(out, "name", dbk_result_text(lines, row, LINE_FOOD_NAME));
    write_null(out, "printerId");
    dbk_out_object_end(out);
}

static void write_items(dbk_out *out, const dbk_event_orders *orders, dbk_text order, dbk_order_shape shape)
{
    const dbk_result *lines = orders->lines;
    dbk_out_key(out, "orderItems");
    dbk_out_array(out);
    for (size_t i = lower_bound(lines, orders->line_places, LINE_ORDER, order); i < dbk_result_rows(lines);
         i++) {
        size_t row = orders->line_places[i];
        if (!dbk_text_equal(dbk_result_text(lines, row, LINE_ORDER), order))
            break;
        dbk_out_object(out);
        write_text(out, "id", dbk_result_text(lines, row, LINE_ID));
        dbk_out_key(out, "quantity");
        dbk_out_int(out, dbk_result_int(lines, row, LINE_QUANTITY));
        write_text(out, "orderId", order);
        write_food(out, lines, row, shape);
        write_item_amounts(out, lines, row);
        write_null(out, "notes");
        dbk_out_object_end(out);
    }
    dbk_out_array_end(out);
}

static void write_fields(dbk_out *out, const dbk_event_orders *orders, dbk_text id)
{
    const dbk_result *rows = orders->orders;
    size_t at = lower_bound(rows, orders->order_places, ID, id);
    if (at == dbk_result_rows(rows) ||
        !dbk_text_equal(dbk_result_text(rows, orders->order_places[at], ID), id))
        return;
    size_t row = orders->order_places[at];
    dbk_text name = dbk_result_text(rows, row, CUSTOMER_NAME);
    write_text(out, "customer", name.length > 0 ? name : dbk_result_text(rows, row, CUSTOMER));
    dbk_out_key(out, "createdAt");
    dbk_out_time(out, dbk_result_int(rows, row, CREATED));
    dbk_out_key(out, "confirmedAt");
    dbk_out_time(out, dbk_result_int(rows, row, CONFIRMED));
    write_method(out, dbk_result_text(rows, row, METHOD));
    write_amounts(out, rows, row);
    write_text(out, "cashRegisterId", dbk_result_text(rows, row, REGISTER));
}

void dbk_event_order_write(dbk_out *out, const dbk_event_orders *orders, dbk_text id, dbk_text status,
                           dbk_order_shape shape)
{
    dbk_out_object(out);
    write_display_code(out, id);
    write_null(out, "ticketNumber");
    write_text(out, "id", id);
    if (shape != DBK_SHAPE_BRIEF)
        write_text(out, "status", status);
    if (shape == DBK_SHAPE_FOOD_ID || shape == DBK_SHAPE_FOOD) {
        write_null(out, "table");
        write_null(out, "userId");
        write_fields(out, orders, id);
        write_items(out, orders, id, shape);
    }
    dbk_out_object_end(out);
}
