// SPDX-License-Identifier: Apache-2.0
// Tickets by window, register and way to pay; how long the completed ones took; their lines by window and
// food.
//
// Lines know their ticket by its id alone, which is looked for line by line. What is asked of lines is
// therefore only asked of those around the tickets' creation.
#include "http/pos/gather.h"

#include <strings.h>

enum { FILTERS_MAX = 5 };

typedef struct conditions {
    dbk_value kind, statuses[3], currencies[2], from, to;
    dbk_filter filters[FILTERS_MAX];
    int count;
} conditions;

static void add_filter(conditions *c, const char *column, dbk_op op, const dbk_value *values, int count)
{
    c->filters[c->count++] =
        (dbk_filter){.column = column, .op = op, .values = values, .values_count = count};
}

static dbk_value text_value(dbk_text text)
{
    return (dbk_value){.kind = DBK_VALUE_TEXT, .text = text};
}

static void set_values(conditions *c, const dbk_pos_gathering *g)
{
    *c = (conditions){.kind = text_value(DBK_TEXT("pos")),
                      .statuses = {text_value(DBK_TEXT("CONFIRMED")), text_value(DBK_TEXT("COMPLETED")),
                                   text_value(DBK_TEXT("PICKED_UP"))},
                      .currencies = {text_value(g->currency), {.kind = DBK_VALUE_NULL}},
                      .from = {.kind = DBK_VALUE_INT, .number = g->from_ms},
                      .to = {.kind = DBK_VALUE_INT, .number = g->to_ms}};
}

static void of_orders(conditions *c, const dbk_pos_gathering *g)
{
    set_values(c, g);
    add_filter(c, "kind", DBK_OP_EQ, &c->kind, 1);
    add_filter(c, "status", DBK_OP_IN, c->statuses, 3);
    add_filter(c, "currency", DBK_OP_IN, c->currencies, 2);
}

static void of_counted_orders(conditions *c)
{
    add_filter(c, "order_id.kind", DBK_OP_EQ, &c->kind, 1);
    add_filter(c, "order_id.status", DBK_OP_IN, c->statuses, 3);
    add_filter(c, "order_id.currency", DBK_OP_IN, c->currencies, 2);
}

// The window first: what it leaves is asked further.
static void of_lines(conditions *c, const dbk_pos_gathering *g)
{
    set_values(c, g);
    add_filter(c, "order_id.confirmed_at", DBK_OP_GE, &c->from, 1);
    add_filter(c, "order_id.confirmed_at", DBK_OP_LE, &c->to, 1);
    of_counted_orders(c);
}

static dbk_query query_orders(const dbk_pos_gathering *g, const conditions *c)
{
    return (dbk_query){.table = "orders",
                       .time_column = "confirmed_at",
                       .from_ms = g->from_ms,
                       .to_ms = g->to_ms + 1,
                       .filters = c->filters,
                       .filters_count = c->count,
                       .threads = g->threads};
}

// Keys of a query: the bucket, when there are windows, and then others.
enum { KEYS_MAX = 3 };
typedef struct key_list {
    dbk_group_key keys[KEYS_MAX];
    int count;
} key_list;

static void add_window_key(key_list *list, const dbk_pos_gathering *g, const char *column)
{
    if (g->bucket != NULL)
        list->keys[list->count++] = (dbk_group_key){.column = column, .bucket = g->bucket};
}

static void add_key(key_list *list, const char *column)
{
    list->keys[list->count++] = (dbk_group_key){.column = column};
}

static int64_t window_of(const dbk_pos_gathering *g, const dbk_result *rows, size_t row)
{
    return g->bucket != NULL ? dbk_result_int(rows, row, 0) : g->window_ms;
}

static bool is_method(dbk_text method, const char *name)
{
    dbk_text wanted = dbk_text_from(name);
    return method.length == wanted.length && strncasecmp(method.data, wanted.data, wanted.length) == 0;
}

// ---- Tickets ----

typedef struct created {
    int64_t first_ms, last_ms; // DBK_NULL: no ticket
} created;

static void widen(created *c, int64_t first_ms, int64_t last_ms)
{
    if (c->first_ms == DBK_NULL || first_ms < c->first_ms)
        c->first_ms = first_ms;
    if (c->last_ms == DBK_NULL || last_ms > c->last_ms)
        c->last_ms = last_ms;
}

static void add_tickets(dbk_pos_ledger *ledger, dbk_pos_source source, const dbk_pos_gathering *g,
                        const dbk_result *rows, created *when)
{
    int key = g->bucket != NULL ? 1 : 0; // register, way to pay, register's name, and the sums
    for (size_t row = 0; row < dbk_result_rows(rows); row++) {
        dbk_text method = dbk_result_text(rows, row, key + 1);
        dbk_i128 revenue = dbk_result_sum(rows, row, key + 4);
        dbk_pos_tickets entry = {.window_ms = window_of(g, rows, row),
                                 .source = source,
                                 .register_id = dbk_result_text(rows, row, key),
                                 .register_name = dbk_result_text(rows, row, key + 2),
                                 .orders = dbk_result_int(rows, row, key + 3),
                                 .revenue = revenue,
                                 .cash = is_method(method, "cash") ? revenue : 0,
                                 .card = is_method(method, "card") ? revenue : 0};
        dbk_pos_ledger_add_tickets(ledger, &entry);
        if (when != NULL)
            widen(when, dbk_result_int(rows, row, key + 5), dbk_result_int(rows, row, key + 6));
    }
}

static dbk_status gather_tickets(dbk_pos_ledger *ledger, dbk_pos_source source, const dbk_pos_gathering *g,
                                 created *when, dbk_error *err)
{
    static const char *const fields[] = {"cash_register_id.name"};
    static const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_ROWS},
                                               {.kind = DBK_SUM, .column = "total"},
                                               {.kind = DBK_MIN, .column = "created_at"},
                                               {.kind = DBK_MAX, .column = "created_at"}};
    conditions c;
    of_orders(&c, g);
    key_list list = {0};
    add_window_key(&list, g, "confirmed_at");
    add_key(&list, "cash_register_id");
    add_key(&list, "payment_method");
    dbk_query query = query_orders(g, &c);
    query.keys = list.keys;
    query.keys_count = list.count;
    query.fields = fields;
    query.fields_count = DBK_COUNT(fields);
    query.aggregates = aggregates;
    query.aggregates_count = DBK_COUNT(aggregates);
    dbk_result *rows;
    DBK_TRY(dbk_query_run(g->snapshot, g->tenant, &query, &rows, err));
    DBK_TRY(dbk_pos_ledger_keep(ledger, rows, err));
    add_tickets(ledger, source, g, rows, when);
    return DBK_OK;
}

// ---- How long they took ----

static dbk_status gather_completions(dbk_pos_ledger *ledger, const dbk_pos_gathering *g, dbk_error *err)
{
    static const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_ROWS},
                                               {.kind = DBK_SUM, .column = "completed_at"},
                                               {.kind = DBK_SUM, .column = "created_at"}};
    conditions c;
    of_orders(&c, g);
    add_filter(&c, "completed_at", DBK_OP_NOT_NULL, NULL, 0);
    key_list list = {0};
    add_window_key(&list, g, "confirmed_at");
    dbk_query query = query_orders(g, &c);
    query.keys = list.keys;
    query.keys_count = list.count;
    query.aggregates = aggregates;
    query.aggregates_count = DBK_COUNT(aggregates);
    dbk_result *rows;
    DBK_TRY(dbk_query_run(g->snapshot, g->tenant, &query, &rows, err));
    int key = g->bucket != NULL ? 1 : 0;
    for (size_t row = 0; row < dbk_result_rows(rows); row++) {
        dbk_pos_completion entry = {.window_ms = window_of(g, rows, row),
                                    .orders = dbk_result_int(rows, row, key),
                                    .ms = dbk_result_sum(rows, row, key + 1) -
                                          dbk_result_sum(rows, row, key + 2)};
        dbk_pos_ledger_add_completion(ledger, &entry);
    }
    dbk_result_free(rows);
    return DBK_OK;
}

// ---- Lines ----

static const char *const item_fields[] = {"product_id.name", "product_id.category_id",
                                          "product_id.category_id.name"};
static const dbk_aggregate item_aggregates[] = {{.kind = DBK_SUM, .column = "quantity"},
                                                {.kind = DBK_SUM, .column = "total"}};

static void add_items(dbk_pos_ledger *ledger, dbk_pos_source source, const dbk_pos_gathering *g,
                      const dbk_result *rows)
{
    int key = g->bucket != NULL ? 1 : 0; // food, its name, its category, that one's name, quantity, total
    for (size_t row = 0; row < dbk_result_rows(rows); row++) {
        dbk_pos_items entry = {.window_ms = window_of(g, rows, row),
                               .source = source,
                               .food_id = dbk_result_text(rows, row, key),
                               .food_name = dbk_result_text(rows, row, key + 1),
                               .category_id = dbk_result_text(rows, row, key + 2),
                               .category_name = dbk_result_text(rows, row, key + 3),
                               .quantity = dbk_result_sum(rows, row, key + 4),
                               .revenue = dbk_result_sum(rows, row, key + 5)};
        dbk_pos_ledger_add_items(ledger, &entry);
    }
}

static dbk_status gather_items(dbk_pos_ledger *ledger, dbk_pos_source source, const dbk_pos_gathering *g,
                               const created *when, dbk_error *err)
{
    conditions c;
    of_lines(&c, g);
    key_list list = {0};
    add_window_key(&list, g, "order_id.confirmed_at");
    add_key(&list, "product_id");
    dbk_query query = {.table = "order_lines",
                       .from_ms = when->first_ms - DBK_POS_LINES_WITHIN_MS,
                       .to_ms = when->last_ms + DBK_POS_LINES_WITHIN_MS + 1,
                       .filters = c.filters,
                       .filters_count = c.count,
                       .keys = list.keys,
                       .keys_count = list.count,
                       .fields = item_fields,
                       .fields_count = DBK_COUNT(item_fields),
                       .aggregates = item_aggregates,
                       .aggregates_count = DBK_COUNT(item_aggregates),
                       .threads = g->threads};
    dbk_result *rows;
    DBK_TRY(dbk_query_run(g->snapshot, g->tenant, &query, &rows, err));
    DBK_TRY(dbk_pos_ledger_keep(ledger, rows, err));
    add_items(ledger, source, g, rows);
    return DBK_OK;
}

// ---- The whole ----

static dbk_status keep_result(dbk_pos_ledger *ledger, dbk_standing *standing, const dbk_pos_gathering *g,
                              dbk_query *query, const dbk_result **out, dbk_error *err)
{
    dbk_result *rows;
    query->from_ms = DBK_TIME_OPEN_FROM;
    query->to_ms = DBK_TIME_OPEN_TO;
    query->threads = g->threads;
    DBK_TRY(dbk_standing_run(standing, g->snapshot, g->tenant, query, NULL, &rows, err));
    *out = rows;
    return dbk_pos_ledger_keep(ledger, rows, err);
}

static dbk_status gather_kept_tickets(dbk_pos_ledger *ledger, dbk_pos_source source,
                                      const dbk_pos_gathering *g, dbk_standing *standing,
                                      const dbk_value *intervals, int count, dbk_error *err)
{
    static const dbk_group_key keys[] = {{.column = "cash_register_id"}, {.column = "payment_method"}};
    static const char *const fields[] = {"cash_register_id.name"};
    static const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_ROWS},
                                               {.kind = DBK_SUM, .column = "total"}};
    const dbk_result *rows;
    conditions c;
    of_orders(&c, g);
    add_filter(&c, "confirmed_at", DBK_OP_WITHIN, intervals, count);
    dbk_query query = {.table = "orders",
                       .filters = c.filters,
                       .filters_count = c.count,
                       .keys = keys,
                       .keys_count = DBK_COUNT(keys),
                       .fields = fields,
                       .fields_count = DBK_COUNT(fields),
                       .aggregates = aggregates,
                       .aggregates_count = DBK_COUNT(aggregates)};
    DBK_TRY(keep_result(ledger, standing, g, &query, &rows, err));
    add_tickets(ledger, source, g, rows, NULL);
    return DBK_OK;
}

static dbk_status gather_kept_items(dbk_pos_ledger *ledger, dbk_pos_source source, const dbk_pos_gathering *g,
                                    dbk_standing *standing, const dbk_value *intervals, int count,
                                    dbk_error *err)
{
    static const dbk_group_key keys[] = {{.column = "product_id"}};
    const dbk_result *rows;
    conditions c;
    set_values(&c, g);
    add_filter(&c, "order_id.confirmed_at", DBK_OP_WITHIN, intervals, count);
    of_counted_orders(&c);
    dbk_query query = {.table = "order_lines",
                       .filters = c.filters,
                       .filters_count = c.count,
                       .keys = keys,
                       .keys_count = DBK_COUNT(keys),
                       .fields = item_fields,
                       .fields_count = DBK_COUNT(item_fields),
                       .aggregates = item_aggregates,
                       .aggregates_count = DBK_COUNT(item_aggregates)};
    DBK_TRY(keep_result(ledger, standing, g, &query, &rows, err));
    add_items(ledger, source, g, rows);
    return DBK_OK;
}

dbk_status dbk_pos_gather_kept(dbk_pos_ledger *ledger, dbk_pos_source source, const dbk_pos_gathering *g,
                               dbk_pos_kept_gathering *kept, const dbk_value *intervals, int count,
                               dbk_error *err)
{
    DBK_TRY(gather_kept_tickets(ledger, source, g, kept->tickets, intervals, count, err));
    return gather_kept_items(ledger, source, g, kept->items, intervals, count, err);
}

dbk_status dbk_pos_gather(dbk_pos_ledger *ledger, dbk_pos_source source, const dbk_pos_gathering *g,
                          dbk_error *err)
{
    created when = {DBK_NULL, DBK_NULL};
    if (g->from_ms > g->to_ms)
        return DBK_OK;
    DBK_TRY(gather_tickets(ledger, source, g, &when, err));
    if (when.first_ms == DBK_NULL)
        return DBK_OK;
    DBK_TRY(gather_completions(ledger, g, err));
    return gather_items(ledger, source, g, &when, err);
}

dbk_status dbk_pos_measure(const dbk_pos_gathering *g, dbk_pos_extent *out, dbk_error *err)
{
    static const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_ROWS},
                                               {.kind = DBK_MIN, .column = "confirmed_at"},
                                               {.kind = DBK_MAX, .column = "confirmed_at"}};
    *out = (dbk_pos_extent){0, DBK_NULL, DBK_NULL};
    if (g->from_ms > g->to_ms)
        return DBK_OK;
    conditions c;
    of_orders(&c, g);
    dbk_query query = query_orders(g, &c);
    query.aggregates = aggregates;
    query.aggregates_count = DBK_COUNT(aggregates);
    dbk_result *rows;
    DBK_TRY(dbk_query_run(g->snapshot, g->tenant, &query, &rows, err));
    if (dbk_result_rows(rows) > 0)
        *out = (dbk_pos_extent){dbk_result_int(rows, 0, 0), dbk_result_int(rows, 0, 1),
                                dbk_result_int(rows, 0, 2)};
    dbk_result_free(rows);
    return DBK_OK;
}
