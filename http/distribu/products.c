// SPDX-License-Identifier: Apache-2.0
// GET /api/v1/products and /api/v1/products/{id}: the catalogue, newest first, in pages.
#include "http/app/row_batch.h"
#include "http/distribu/handlers.h"
#include "http/distribu/newest.h"
#include "http/distribu/request.h"

enum { ID, NAME, SKU, DESCRIPTION, CATEGORY, UNIT, PRICE, STOCK, IMAGE, ACTIVE, CREATED, UPDATED };

static const char *const fields[] = {"id",         "name",      "sku",   "description", "category_id.name",
                                     "unit",       "price",     "stock", "image_url",   "is_active",
                                     "created_at", "updated_at"};

static void write_product(dbk_out *out, const dbk_result *rows, size_t row, int digits)
{
    int64_t price = dbk_result_int(rows, row, PRICE), stock = dbk_result_int(rows, row, STOCK);
    dbk_text unit = dbk_result_text(rows, row, UNIT);
    dbk_out_object(out);
    dbk_out_key(out, "id");
    dbk_out_text(out, dbk_result_text(rows, row, ID));
    dbk_out_key(out, "name");
    dbk_out_text(out, dbk_result_text(rows, row, NAME));
    dbk_out_key(out, "sku");
    dbk_out_text_or_null(out, dbk_result_text(rows, row, SKU));
    dbk_out_key(out, "description");
    dbk_out_text_or_null(out, dbk_result_text(rows, row, DESCRIPTION));
    dbk_out_key(out, "category");
    dbk_out_text_or_null(out, dbk_result_text(rows, row, CATEGORY));
    dbk_out_key(out, "unit");
    dbk_out_text(out, unit.length > 0 ? unit : DBK_TEXT("each"));
    dbk_out_key(out, "price");
    dbk_out_money(out, price == DBK_NULL ? 0 : price, 1, digits);
    dbk_out_key(out, "stock");
    dbk_out_int(out, stock == DBK_NULL ? 0 : stock);
    dbk_out_key(out, "imageUrl");
    dbk_out_text_or_null(out, dbk_result_text(rows, row, IMAGE));
    dbk_out_key(out, "isActive");
    dbk_out_bool(out, dbk_result_int(rows, row, ACTIVE) != 0);
    dbk_out_key(out, "createdAt");
    dbk_out_time(out, dbk_result_int(rows, row, CREATED));
    dbk_out_key(out, "updatedAt");
    dbk_out_time(out, dbk_result_int(rows, row, UPDATED));
    dbk_out_object_end(out);
}

// ---- The list ----

static const char *const searched[] = {"name", "sku", "category_id.name"};

// What the filters point to.
typedef struct filter_values {
    dbk_value active[2], category;
} filter_values;

static void add_filters(dbk_call *call, dbk_newest *list, filter_values *values)
{
    dbk_text active = dbk_call_param(call, "active"), category = dbk_call_param(call, "category");
    bool wants_active = dbk_text_equal(active, DBK_TEXT("true"));
    if (wants_active || dbk_text_equal(active, DBK_TEXT("false"))) {
        values->active[0] = (dbk_value){.kind = DBK_VALUE_INT, .number = wants_active};
        values->active[1] = (dbk_value){.kind = DBK_VALUE_NULL};
        list->filters[list->filters_count++] = (dbk_filter){.column = "is_active",
                                                            .op = DBK_OP_IN,
                                                            .values = values->active,
                                                            .values_count = wants_active ? 2 : 1};
    }
    if (category.length > 0) {
        values->category = (dbk_value){.kind = DBK_VALUE_TEXT, .text = category};
        list->filters[list->filters_count++] = (dbk_filter){
            .column = "category_id.name", .op = DBK_OP_EQ, .values = &values->category, .values_count = 1};
    }
}

static void write_list(dbk_newest *list, int digits, dbk_buffer *body)
{
    const dbk_result *rows;
    size_t row;
    dbk_text last = {NULL, 0};
    dbk_out out = dbk_out_init(body);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_out_array(&out);
    while (dbk_newest_next(list, &rows, &row)) {
        write_product(&out, rows, row, digits);
        last = dbk_result_text(rows, row, ID);
    }
    dbk_out_array_end(&out);
    dbk_distribu_pagination(&out, list->has_more, last);
    dbk_out_object_end(&out);
}

static void tag_parameters(dbk_call *call, const dbk_newest *list)
{
    static const char *const names[] = {"cursor", "category", "search", "active"};
    dbk_call_tag(call, &list->limit, sizeof(list->limit));
    for (size_t i = 0; i < DBK_COUNT(names); i++) {
        dbk_text value = dbk_call_param(call, names[i]);
        dbk_call_tag(call, value.data, value.length);
    }
}

void dbk_distribu_products(dbk_call *call)
{
    dbk_newest list = {.table = "products",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .fields = fields,
                       .fields_count = DBK_COUNT(fields),
                       .id = ID,
                       .created_at = CREATED,
                       .searched = searched,
                       .searched_count = DBK_COUNT(searched),
                       .search = dbk_call_param(call, "search"),
                       .limit = dbk_distribu_limit(dbk_call_param(call, "limit"))};
    filter_values values;
    dbk_settings settings;
    dbk_error err;
    tag_parameters(call, &list);
    if (!dbk_newest_resume(call, &list, dbk_call_param(call, "cursor")) || dbk_call_is_unchanged(call))
        return;
    add_filters(call, &list, &values);
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &settings, &err);
    if (status == DBK_OK)
        status = dbk_newest_query(call, &list, &err);
    if (status == DBK_OK)
        write_list(&list, settings.currency_digits, &call->body);
    dbk_newest_dispose(&list);
    if (status == DBK_OK)
        dbk_call_answer_json(call, 200);
    else
        dbk_call_fail_read(call, status, &err);
}

// ---- One product ----

void dbk_distribu_product(dbk_call *call)
{
    dbk_settings settings;
    dbk_result *row = NULL;
    dbk_error err;
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &settings, &err);
    if (status == DBK_OK)
        status = dbk_stored_row(dbk_call_snapshot(call), call->tenant, DBK_PRODUCTS, call->argument, fields,
                                DBK_COUNT(fields), &row, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    if (dbk_result_rows(row) == 0) {
        dbk_call_fail(call, 404, "Product not found.");
    } else if (!dbk_call_is_unchanged(call)) {
        dbk_out out = dbk_out_init(&call->body);
        dbk_out_object(&out);
        dbk_out_key(&out, "data");
        write_product(&out, row, 0, settings.currency_digits);
        dbk_out_object_end(&out);
        dbk_call_answer_json(call, 200);
    }
    dbk_result_free(row);
}

#define PRODUCT                                                                                              \
    "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},"      \
    "\"sku\":{\"type\":[\"string\",\"null\"]},\"description\":{\"type\":[\"string\",\"null\"]},"             \
    "\"category\":{\"type\":[\"string\",\"null\"]},\"unit\":{\"type\":\"string\"},"                          \
    "\"price\":{\"type\":\"number\"},\"stock\":{\"type\":\"integer\"},"                                      \
    "\"imageUrl\":{\"type\":[\"string\",\"null\"]},\"isActive\":{\"type\":\"boolean\"},"                     \
    "\"createdAt\":{\"type\":[\"string\",\"null\"]},\"updatedAt\":{\"type\":[\"string\",\"null\"]}}}"

const char dbk_schema_products[] =
    "{\"type\":\"object\",\"properties\":{\"data\":{\"type\":\"array\",\"items\":" PRODUCT "},"
    "\"pagination\":{\"type\":\"object\",\"properties\":{\"hasMore\":{\"type\":\"boolean\"},"
    "\"nextCursor\":{\"type\":[\"string\",\"null\"]}}}}}";
const char dbk_schema_product[] = "{\"type\":\"object\",\"properties\":{\"data\":" PRODUCT "}}";
