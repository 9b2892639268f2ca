// SPDX-License-Identifier: Apache-2.0
// GET /api/v1/reports/inventory: stock times price of what is active, now.
//
// The catalogue is small and the order is by a product of two columns, so rows are asked for as they are,
// valued and sorted here. Negative stock is shown and counted as it is.
#include "http/app/call.h"
#include "http/distribu/fields.h"
#include "http/distribu/handlers.h"

#include <stdlib.h>

enum { ID, NAME, SKU, CATEGORY, STOCK, PRICE };

typedef struct item {
    const dbk_result *rows;
    size_t row;
    dbk_text category;
    int64_t stock;
    dbk_i128 value;
} item;

typedef struct group {
    dbk_text category;
    int64_t products;
    dbk_i128 units, value;
} group;

static dbk_status query_products(dbk_call *call, dbk_result **out, dbk_error *err)
{
    static const char *const fields[] = {"id", "name", "sku", "category_id.name", "stock", "price"};
    // A product that does not say is active.
    static const dbk_value active[] = {{.kind = DBK_VALUE_INT, .number = 1}, {.kind = DBK_VALUE_NULL}};
    static const dbk_filter filter = {
        .column = "is_active", .op = DBK_OP_IN, .values = active, .values_count = 2};
    dbk_query query = {.table = "products",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = &filter,
                       .filters_count = 1,
                       .fields = fields,
                       .fields_count = DBK_COUNT(fields)};
    return dbk_query_run(dbk_call_snapshot(call), call->tenant, &query, out, err);
}

static int compare_values(dbk_i128 a, dbk_i128 b)
{
    return (a < b) - (a > b);
}

static int compare_items(const void *left, const void *right)
{
    const item *a = left, *b = right;
    int by_value = compare_values(a->value, b->value);
    return by_value != 0
               ? by_value
               : dbk_text_compare(dbk_result_text(a->rows, a->row, ID), dbk_result_text(b->rows, b->row, ID));
}

static int compare_categories(const void *left, const void *right)
{
    return dbk_text_compare(((const item *)left)->category, ((const item *)right)->category);
}

static int compare_groups(const void *left, const void *right)
{
    const group *a = left, *b = right;
    int by_value = compare_values(a->value, b->value);
    return by_value != 0 ? by_value : dbk_text_compare(a->category, b->category);
}

static int64_t or_zero(int64_t value)
{
    return value == DBK_NULL ? 0 : value;
}

static void value_items(const dbk_result *rows, item *items)
{
    for (size_t row = 0; row < dbk_result_rows(rows); row++) {
        int64_t stock = or_zero(dbk_result_int(rows, row, STOCK));
        dbk_text category = dbk_result_text(rows, row, CATEGORY);
        items[row] = (item){.rows = rows,
                            .row = row,
                            .category = category.length > 0 ? category : DBK_TEXT("Uncategorised"),
                            .stock = stock,
                            .value = (dbk_i128)stock * or_zero(dbk_result_int(rows, row, PRICE))};
    }
}

// Items by category in, groups out; returns how many.
static size_t group_items(const item *items, size_t count, group *groups)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (used == 0 || !dbk_text_equal(groups[used - 1].category, items[i].category))
            groups[used++] = (group){.category = items[i].category};
        groups[used - 1].products++;
        groups[used - 1].units += items[i].stock;
        groups[used - 1].value += items[i].value;
    }
    return used;
}

static void write_sums(dbk_out *out, const group *g, int digits)
{
    dbk_out_key(out, "productCount");
    dbk_out_int(out, g->products);
    dbk_out_key(out, "totalUnits");
    dbk_out_wide(out, g->units);
    dbk_out_key(out, "totalValue");
    dbk_out_money(out, g->value, 1, digits);
}

static const char *const row_fields[] = {"productId", "name",  "sku",      "category", "stock",
                                         "unitPrice", "value", "isActive", NULL};

static void write_item(dbk_out *out, const item *it, const dbk_fields *fields, int digits)
{
    dbk_out_object(out);
    if (dbk_fields_open(fields, out, "productId"))
        dbk_out_text(out, dbk_result_text(it->rows, it->row, ID));
    if (dbk_fields_open(fields, out, "name"))
        dbk_out_text(out, dbk_result_text(it->rows, it->row, NAME));
    if (dbk_fields_open(fields, out, "sku"))
        dbk_out_text_or_null(out, dbk_result_text(it->rows, it->row, SKU));
    if (dbk_fields_open(fields, out, "category"))
        dbk_out_text_or_null(out, dbk_result_text(it->rows, it->row, CATEGORY));
    if (dbk_fields_open(fields, out, "stock"))
        dbk_out_int(out, it->stock);
    if (dbk_fields_open(fields, out, "unitPrice"))
        dbk_out_money(out, or_zero(dbk_result_int(it->rows, it->row, PRICE)), 1, digits);
    if (dbk_fields_open(fields, out, "value"))
        dbk_out_money(out, it->value, 1, digits);
    if (dbk_fields_open(fields, out, "isActive"))
        dbk_out_bool(out, true);
    dbk_out_object_end(out);
}

static void write_inventory(dbk_call *call, item *items, size_t count, group *groups,
                            const dbk_fields *fields, int digits)
{
    if (count > 0)
        qsort(items, count, sizeof(*items), compare_categories);
    size_t groups_count = group_items(items, count, groups);
    group total = {0};
    for (size_t i = 0; i < groups_count; i++) {
        total.products += groups[i].products;
        total.units += groups[i].units;
        total.value += groups[i].value;
    }
    if (count > 0) {
        qsort(groups, groups_count, sizeof(*groups), compare_groups);
        qsort(items, count, sizeof(*items), compare_items);
    }

    dbk_out out = dbk_out_init(&call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_out_object(&out);
    dbk_out_key(&out, "totals");
    dbk_out_object(&out);
    write_sums(&out, &total, digits);
    dbk_out_object_end(&out);
    dbk_out_key(&out, "rows");
    dbk_out_array(&out);
    for (size_t i = 0; i < count; i++)
        write_item(&out, &items[i], fields, digits);
    dbk_out_array_end(&out);
    dbk_out_key(&out, "groups");
    dbk_out_array(&out);
    for (size_t i = 0; i < groups_count; i++) {
        dbk_out_object(&out);
        dbk_out_key(&out, "category");
        dbk_out_text(&out, groups[i].category);
        write_sums(&out, &groups[i], digits);
        dbk_out_object_end(&out);
    }
    dbk_out_array_end(&out);
    dbk_out_object_end(&out);
    dbk_out_object_end(&out);
}

void dbk_distribu_inventory(dbk_call *call)
{
    dbk_settings settings;
    dbk_result *rows = NULL;
    dbk_error err;
    dbk_fields fields;
    if (!dbk_fields_read(call, row_fields, &fields) || dbk_call_is_unchanged(call))
        return;
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &settings, &err);
    if (status == DBK_OK)
        status = query_products(call, &rows, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    size_t count = dbk_result_rows(rows);
    item *items = dbk_arena_alloc(&call->arena, (count + 1) * sizeof(item));
    group *groups = dbk_arena_alloc(&call->arena, (count + 1) * sizeof(group));
    if (items != NULL && groups != NULL) {
        value_items(rows, items);
        write_inventory(call, items, count, groups, &fields, settings.currency_digits);
    } else {
        call->body.failed = true;
    }
    dbk_result_free(rows);
    dbk_call_answer_json(call, 200);
}

const char dbk_schema_inventory[] =
    "{\"type\":\"object\",\"required\":[\"data\"],\"properties\":{\"data\":{\"type\":\"object\","
    "\"required\":[\"totals\",\"rows\",\"groups\"],\"properties\":{"
    "\"totals\":{\"type\":\"object\",\"properties\":{\"productCount\":{\"type\":\"integer\"},"
    "\"totalUnits\":{\"type\":\"integer\"},\"totalValue\":{\"type\":\"number\"}}},"
    "\"rows\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"productId\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},\"sku\":{\"type\":[\"string\","
    "\"null\"]},"
    "\"category\":{\"type\":[\"string\",\"null\"]},\"stock\":{\"type\":\"integer\"},"
    "\"unitPrice\":{\"type\":\"number\"},\"value\":{\"type\":\"number\"},\"isActive\":{\"type\":\"boolean\"}}"
    "}},"
    "\"groups\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"category\":{\"type\":\"string\"},\"productCount\":{\"type\":\"integer\"},"
    "\"totalUnits\":{\"type\":\"integer\"},\"totalValue\":{\"type\":\"number\"}}}}}}}}";
