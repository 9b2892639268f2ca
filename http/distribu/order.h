// SPDX-License-Identifier: Apache-2.0
// An order as Distribu shows it: its own fields, and its lines as items with the products' current names.
#ifndef DBK_DISTRIBU_ORDER_H
#define DBK_DISTRIBU_ORDER_H

#include "http/app/call.h"

typedef enum dbk_order_status {
    DBK_ORDER_SUBMITTED,
    DBK_ORDER_CONFIRMED,
    DBK_ORDER_SHIPPED,
    DBK_ORDER_DELIVERED,
    DBK_ORDER_CANCELLED,
    DBK_ORDER_STATUSES,
} dbk_order_status;

extern const char *const dbk_order_status_names[DBK_ORDER_STATUSES];
// The status of a name, in any case; -1 for other ones, which loaded orders may well have.
int dbk_order_status_find(dbk_text name);

typedef struct dbk_order_view {
    dbk_text id, status, po_number, notes, customer_id;
    int64_t total, created_at, updated_at;
    int digits; // of its currency
} dbk_order_view;

typedef struct dbk_order_item {
    dbk_text id, product_id, name, sku;
    int64_t quantity, unit_price;
    int64_t total; // stands for a unit price that is DBK_NULL
} dbk_order_item;

// Everything up to the items; any number of them; the end.
void dbk_order_write(dbk_out *out, const dbk_order_view *order);
void dbk_order_write_item(dbk_out *out, const dbk_order_item *item, int digits);
void dbk_order_write_end(dbk_out *out);

// ---- Stored orders ----

enum { DBK_ORDER_FIELDS = 9 };
extern const char *const dbk_order_fields[DBK_ORDER_FIELDS]; // what dbk_order_of wants queried
enum { DBK_ORDER_ID, DBK_ORDER_CREATED_AT };                 // two of them by place
// The digits of an order's money: of its own currency, or of the tenant's when it names none.
int dbk_order_digits(dbk_text currency, const dbk_settings *settings);
dbk_order_view dbk_order_of(const dbk_result *rows, size_t row, const dbk_settings *settings);

// The lines of some orders, in the order in which they are shown.
//
// Lines are not found by their order: they are looked for among those that are at most a month older than the
// oldest of the orders.
typedef struct dbk_order_lines {
    dbk_result *rows;
    size_t *places;
} dbk_order_lines;

dbk_status dbk_order_lines_read(dbk_call *call, const dbk_value *orders, int orders_count, int64_t oldest_ms,
                                dbk_order_lines *out, dbk_error *err);
size_t dbk_order_lines_count(const dbk_order_lines *lines);
dbk_order_item dbk_order_lines_item(const dbk_order_lines *lines, size_t i);
void dbk_order_lines_write(dbk_out *out, const dbk_order_lines *lines, dbk_text order, int digits);
void dbk_order_lines_dispose(dbk_order_lines *lines);

#endif
