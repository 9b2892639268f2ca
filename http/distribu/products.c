// SPDX-License-Identifier: Apache-2.0
// GET /api/v1/products and /api/v1/products/{id}: the catalogue, newest first, in pages.
//
// A query joins its conditions with "and"; a search is an "or" over name, SKU and category. It is asked as
// three queries in the same order and under the same limit, whose rows are merged: the first rows of a union
// are among the first rows of its parts.
#include "http/app/call.h"
#include "http/app/handlers.h"

#include <string.h>

enum { ID, NAME, SKU, DESCRIPTION, CATEGORY, UNIT, PRICE, STOCK, IMAGE, ACTIVE, CREATED, UPDATED };
enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 100, SEARCH_COLUMNS = 3 };

static const char *const fields[] = {"id",         "name",      "sku",   "description", "category_id.name",
                                     "unit",       "price",     "stock", "image_url",   "is_active",
                                     "created_at", "updated_at"};
// What has no created_at comes last.
static const dbk_order newest_first[] = {{.output = CREATED, .descending = true}, {.output = ID}};

static dbk_query products_query(void)
{
    return (dbk_query){.table = "products",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .fields = fields,
                       .fields_count = DBK_COUNT(fields)};
}

static dbk_status query_product(dbk_call *call, dbk_text id, dbk_result **out, dbk_error *err)
{
    dbk_value value = {.kind = DBK_VALUE_TEXT, .text = id};
    dbk_filter filter = {.column = "id", .op = DBK_OP_EQ, .values = &value, .values_count = 1};
    dbk_query query = products_query();
    query.filters = &filter;
    query.filters_count = 1;
    return dbk_query_run(dbk_call_snapshot(call), call->tenant, &query, out, err);
}

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

// Clamped when out of range; what is no number counts as the default.
static int64_t parse_limit(dbk_text text)
{
    bool is_negative = text.length > 0 && text.data[0] == '-';
    uint32_t at = is_negative ? 1 : 0;
    int64_t value = 0;
    if (at == text.length)
        return LIMIT_DEFAULT;
    for (; at < text.length; at++) {
        if (text.data[at] < '0' || text.data[at] > '9')
            return LIMIT_DEFAULT;
        value = value > LIMIT_MAX ? value : value * 10 + (text.data[at] - '0');
    }
    if (is_negative || value < 1)
        return 1;
    return value > LIMIT_MAX ? LIMIT_MAX : value;
}

typedef struct listing {
    int64_t limit;
    int digits;
    dbk_value active_values[2], category_value, search_value;
    dbk_filter filters[3];
    int filters_count;
    dbk_value after[2];
    int after_count;

    dbk_result *parts[SEARCH_COLUMNS]; // each at most limit + 1 rows, newest first
    int parts_count;
} listing;

static void add_filters(dbk_call *call, listing *l)
{
    dbk_text active = dbk_call_param(call, "active"), category = dbk_call_param(call, "category");
    bool wants_active = dbk_text_equal(active, DBK_TEXT("true"));
    if (wants_active || dbk_text_equal(active, DBK_TEXT("false"))) {
        l->active_values[0] = (dbk_value){.kind = DBK_VALUE_INT, .number = wants_active};
        l->active_values[1] = (dbk_value){.kind = DBK_VALUE_NULL};
        l->filters[l->filters_count++] = (dbk_filter){.column = "is_active",
                                                      .op = DBK_OP_IN,
                                                      .values = l->active_values,
                                                      .values_count = wants_active ? 2 : 1};
    }
    if (category.length > 0) {
        l->category_value = (dbk_value){.kind = DBK_VALUE_TEXT, .text = category};
        l->filters[l->filters_count++] = (dbk_filter){
            .column = "category_id.name", .op = DBK_OP_EQ, .values = &l->category_value, .values_count = 1};
    }
}

// The cursor is the id of the last item shown; the page goes on behind it. False: the call was answered.
static bool resolve_cursor(dbk_call *call, listing *l)
{
    dbk_text cursor = dbk_call_param(call, "cursor");
    dbk_result *row;
    dbk_error err;
    if (cursor.length == 0)
        return true;
    dbk_status status = query_product(call, cursor, &row, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return false;
    }
    bool is_known = dbk_result_rows(row) == 1;
    if (is_known) {
        int64_t created_at = dbk_result_int(row, 0, CREATED);
        l->after[0] = (dbk_value){.kind = created_at == DBK_NULL ? DBK_VALUE_NULL : DBK_VALUE_INT,
                                  .number = created_at};
        l->after[1] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = cursor};
        l->after_count = 2;
    }
    dbk_result_free(row);
    if (!is_known)
        dbk_call_fail(call, 400, "Invalid cursor.");
    return is_known;
}

static dbk_status query_part(dbk_call *call, listing *l, dbk_error *err)
{
    dbk_query query = products_query();
    query.filters = l->filters;
    query.filters_count = l->filters_count;
    query.order = newest_first;
    query.order_count = DBK_COUNT(newest_first);
    query.after = l->after;
    query.after_count = l->after_count;
    query.limit = l->limit + 1;
    DBK_TRY(dbk_query_run(dbk_call_snapshot(call), call->tenant, &query, &l->parts[l->parts_count], err));
    l->parts_count++;
    return DBK_OK;
}

static dbk_status query_parts(dbk_call *call, listing *l, dbk_error *err)
{
    static const char *const searched[SEARCH_COLUMNS] = {"name", "sku", "category_id.name"};
    dbk_text search = dbk_call_param(call, "search");
    if (search.length == 0)
        return query_part(call, l, err);
    l->search_value = (dbk_value){.kind = DBK_VALUE_TEXT, .text = search};
    dbk_filter *filter = &l->filters[l->filters_count++];
    for (int i = 0; i < SEARCH_COLUMNS; i++) {
        *filter = (dbk_filter){
            .column = searched[i], .op = DBK_OP_CONTAINS, .values = &l->search_value, .values_count = 1};
        DBK_TRY(query_part(call, l, err));
    }
    return DBK_OK;
}

typedef struct place {
    const dbk_result *rows;
    size_t row;
} place;

// Negative when a stands before b: newer first, then by id.
static int compare_places(place a, place b)
{
    int64_t left = dbk_result_int(a.rows, a.row, CREATED), right = dbk_result_int(b.rows, b.row, CREATED);
    if (left != right)
        return left > right ? -1 : 1; // DBK_NULL is the least of all and so comes last
    return dbk_text_compare(dbk_result_text(a.rows, a.row, ID), dbk_result_text(b.rows, b.row, ID));
}

// The next row of the merged parts, taken from each part that has it. False at the end.
static bool next_place(const listing *l, size_t heads[SEARCH_COLUMNS], place *out)
{
    bool found = false;
    for (int i = 0; i < l->parts_count; i++) {
        place candidate = {l->parts[i], heads[i]};
        if (heads[i] < dbk_result_rows(l->parts[i]) && (!found || compare_places(candidate, *out) < 0)) {
            *out = candidate;
            found = true;
        }
    }
    for (int i = 0; found && i < l->parts_count; i++)
        if (heads[i] < dbk_result_rows(l->parts[i]) &&
            compare_places((place){l->parts[i], heads[i]}, *out) == 0)
            heads[i]++;
    return found;
}

static void write_list(const listing *l, dbk_buffer *body)
{
    size_t heads[SEARCH_COLUMNS] = {0};
    place at = {0}, last = {0};
    int64_t shown = 0;
    bool has_more = false;
    dbk_out out = dbk_out_init(body);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_out_array(&out);
    while (next_place(l, heads, &at)) {
        if (shown == l->limit) {
            has_more = true;
            break;
        }
        write_product(&out, at.rows, at.row, l->digits);
        last = at;
        shown++;
    }
    dbk_out_array_end(&out);
    dbk_out_key(&out, "pagination");
    dbk_out_object(&out);
    dbk_out_key(&out, "hasMore");
    dbk_out_bool(&out, has_more);
    dbk_out_key(&out, "nextCursor");
    if (has_more)
        dbk_out_text(&out, dbk_result_text(last.rows, last.row, ID));
    else
        dbk_out_null(&out);
    dbk_out_object_end(&out);
    dbk_out_object_end(&out);
}

static void tag_parameters(dbk_call *call, const listing *l)
{
    static const char *const names[] = {"cursor", "category", "search", "active"};
    dbk_call_tag(call, &l->limit, sizeof(l->limit));
    for (size_t i = 0; i < DBK_COUNT(names); i++) {
        dbk_text value = dbk_call_param(call, names[i]);
        dbk_call_tag(call, value.data, value.length);
    }
}

void dbk_distribu_products(dbk_call *call)
{
    listing l = {.limit = parse_limit(dbk_call_param(call, "limit"))};
    dbk_settings settings;
    dbk_error err;
    tag_parameters(call, &l);
    if (!resolve_cursor(call, &l) || dbk_call_is_unchanged(call))
        return;
    add_filters(call, &l);
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &settings, &err);
    if (status == DBK_OK)
        status = query_parts(call, &l, &err);
    if (status == DBK_OK) {
        l.digits = settings.currency_digits;
        write_list(&l, &call->body);
    }
    for (int i = 0; i < l.parts_count; i++)
        dbk_result_free(l.parts[i]);
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
        status = query_product(call, call->argument, &row, &err);
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
