// SPDX-License-Identifier: Apache-2.0
// GET /api/v1/customers and /api/v1/customers/{id}: customers, newest first, in pages.
#include "engine/base/decimal.h"
#include "http/app/row_batch.h"
#include "http/distribu/customer.h"
#include "http/distribu/handlers.h"
#include "http/distribu/newest.h"
#include "http/distribu/request.h"

// Those of the data dictionary, in its order, so that stored rows and listed ones are read alike.
static const char *const fields[] = {
    "id",     "name",  "email",        "created_at",        "updated_at",
    "status", "notes", "credit_limit", "tax_rate_override", "email_verified"};
enum { ID, NAME, EMAIL, CREATED, UPDATED, STATUS, NOTES, CREDIT, TAX, VERIFIED };

// Of a row with all columns of the table (dbk_stored_rows), or with these as fields in their order.
static dbk_customer customer_of(const dbk_result *rows, size_t row)
{
    return (dbk_customer){.id = dbk_result_text(rows, row, ID),
                          .email = dbk_result_text(rows, row, EMAIL),
                          .name = dbk_result_text(rows, row, NAME),
                          .status = dbk_result_text(rows, row, STATUS),
                          .notes = dbk_result_text(rows, row, NOTES),
                          .credit_limit = dbk_result_int(rows, row, CREDIT),
                          .tax_rate_override = dbk_result_int(rows, row, TAX),
                          .email_verified = dbk_result_int(rows, row, VERIFIED),
                          .created_at = dbk_result_int(rows, row, CREATED),
                          .updated_at = dbk_result_int(rows, row, UPDATED)};
}

void dbk_customer_write(dbk_out *out, const dbk_customer *c, int digits)
{
    dbk_out_object(out);
    dbk_out_key(out, "id");
    dbk_out_text(out, c->id);
    dbk_out_key(out, "email");
    dbk_out_text_or_null(out, c->email);
    dbk_out_key(out, "name");
    dbk_out_text_or_null(out, c->name);
    dbk_out_key(out, "status");
    dbk_out_text(out, c->status.length > 0 ? c->status : DBK_TEXT("ACTIVE"));
    dbk_out_key(out, "notes");
    dbk_out_text_or_null(out, c->notes);
    dbk_out_key(out, "creditLimit");
    if (c->credit_limit != DBK_NULL)
        dbk_out_money(out, c->credit_limit, 1, digits);
    else
        dbk_out_null(out);
    dbk_out_key(out, "taxRateOverride");
    if (c->tax_rate_override != DBK_NULL) {
        char text[DBK_DECIMAL_TEXT_MAX + 1];
        text[dbk_decimal_write_exact(text, c->tax_rate_override, DBK_RATE_SCALE)] = 0;
        dbk_out_raw(out, text);
    } else {
        dbk_out_null(out);
    }
    dbk_out_key(out, "emailVerified");
    dbk_out_bool(out, c->email_verified == 1);
    dbk_out_key(out, "createdAt");
    dbk_out_time(out, c->created_at);
    dbk_out_key(out, "updatedAt");
    dbk_out_time(out, c->updated_at);
    dbk_out_object_end(out);
}

// ---- The list ----

static const char *const searched[] = {"name", "email"};

static bool filter_status(dbk_call *call, dbk_newest *list, dbk_value values[2])
{
    dbk_text wanted = dbk_call_param(call, "status");
    if (wanted.length == 0)
        return true;
    bool is_active = dbk_text_equal(wanted, DBK_TEXT("ACTIVE"));
    if (!is_active && !dbk_text_equal(wanted, DBK_TEXT("BLOCKED"))) {
        dbk_call_fail(call, 400, "Invalid customer status.");
        return false;
    }
    // Who has no status is active.
    values[0] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = wanted};
    values[1] = (dbk_value){.kind = DBK_VALUE_NULL};
    list->filters[list->filters_count++] = (dbk_filter){
        .column = "status", .op = DBK_OP_IN, .values = values, .values_count = is_active ? 2 : 1};
    return true;
}

static void tag_parameters(dbk_call *call, const dbk_newest *list)
{
    static const char *const names[] = {"cursor", "status", "search"};
    dbk_call_tag(call, &list->limit, sizeof(list->limit));
    for (size_t i = 0; i < DBK_COUNT(names); i++) {
        dbk_text value = dbk_call_param(call, names[i]);
        dbk_call_tag(call, value.data, value.length);
    }
}

static void write_page(dbk_newest *list, int digits, dbk_buffer *body)
{
    const dbk_result *rows;
    size_t row;
    dbk_text last = {NULL, 0};
    dbk_out out = dbk_out_init(body);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_out_array(&out);
    while (dbk_newest_next(list, &rows, &row)) {
        dbk_customer customer = customer_of(rows, row);
        dbk_customer_write(&out, &customer, digits);
        last = customer.id;
    }
    dbk_out_array_end(&out);
    dbk_distribu_pagination(&out, list->has_more, last);
    dbk_out_object_end(&out);
}

void dbk_distribu_customer_list(dbk_call *call)
{
    dbk_newest list = {.table = "customers",
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
    dbk_value statuses[2];
    dbk_settings settings;
    dbk_error err;
    tag_parameters(call, &list);
    if (!filter_status(call, &list, statuses) ||
        !dbk_newest_resume(call, &list, dbk_call_param(call, "cursor")) || dbk_call_is_unchanged(call))
        return;
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &settings, &err);
    if (status == DBK_OK)
        status = dbk_newest_query(call, &list, &err);
    if (status == DBK_OK)
        write_page(&list, settings.currency_digits, &call->body);
    dbk_newest_dispose(&list);
    if (status == DBK_OK)
        dbk_call_answer_json(call, 200);
    else
        dbk_call_fail_read(call, status, &err);
}

// ---- One customer ----

void dbk_distribu_customer(dbk_call *call)
{
    dbk_value id = {.kind = DBK_VALUE_TEXT, .text = call->argument};
    dbk_settings settings;
    dbk_result *row = NULL;
    dbk_error err;
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &settings, &err);
    if (status == DBK_OK)
        status = dbk_stored_rows(dbk_call_snapshot(call), call->tenant, DBK_CUSTOMERS, &id, 1, &row, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    if (dbk_result_rows(row) == 0) {
        dbk_call_fail(call, 404, "Customer not found.");
    } else if (!dbk_call_is_unchanged(call)) {
        dbk_customer customer = customer_of(row, 0);
        dbk_out out = dbk_out_init(&call->body);
        dbk_out_object(&out);
        dbk_out_key(&out, "data");
        dbk_customer_write(&out, &customer, settings.currency_digits);
        dbk_out_object_end(&out);
        dbk_call_answer_json(call, 200);
    }
    dbk_result_free(row);
}

#define CUSTOMER                                                                                             \
    "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},"                                     \
    "\"email\":{\"type\":[\"string\",\"null\"]},\"name\":{\"type\":[\"string\",\"null\"]},"                  \
    "\"status\":{\"type\":\"string\",\"enum\":[\"ACTIVE\",\"BLOCKED\"]},"                                    \
    "\"notes\":{\"type\":[\"string\",\"null\"]},\"creditLimit\":{\"type\":[\"number\",\"null\"]},"           \
    "\"taxRateOverride\":{\"type\":[\"number\",\"null\"]},\"emailVerified\":{\"type\":\"boolean\"},"         \
    "\"createdAt\":{\"type\":[\"string\",\"null\"]},\"updatedAt\":{\"type\":[\"string\",\"null\"]}}}"

const char dbk_schema_customer_list[] =
    "{\"type\":\"object\",\"properties\":{\"data\":{\"type\":\"array\",\"items\":" CUSTOMER "},"
    "\"pagination\":{\"type\":\"object\",\"properties\":{\"hasMore\":{\"type\":\"boolean\"},"
    "\"nextCursor\":{\"type\":[\"string\",\"null\"]}}}}}";
const char dbk_schema_customer[] = "{\"type\":\"object\",\"properties\":{\"data\":" CUSTOMER "}}";
