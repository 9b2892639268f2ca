// SPDX-License-Identifier: Apache-2.0
// POST /api/v1/customers and PATCH /api/v1/customers/{id}. Both are one transaction: whether the e-mail
// address is free, and what the customer was, is read where changes are put in order.
#include "engine/base/decimal.h"
#include "http/app/row_batch.h"
#include "http/distribu/customer.h"
#include "http/distribu/events.h"
#include "http/distribu/handlers.h"
#include "http/distribu/request.h"

#include <string.h>

enum { EMAIL_MAX = 254, NAME_MAX_CHARACTERS = 100, NOTES_MAX = 2000 };

static const int64_t tax_rate_max = 300000000; // 0.3

// A value that the request gives; null is a value too.
typedef struct given_text {
    bool is_given;
    dbk_text value;
} given_text;

typedef struct given_number {
    bool is_given;
    int64_t value;
} given_number;

typedef struct edit {
    dbk_call *call;
    dbk_json_doc doc;
    dbk_refusal refusal;
    bool is_new;
    dbk_text id;
    char new_id[DBK_NEW_ID_MAX];

    given_text email, name, notes, status;
    given_number credit_limit, tax_rate;

    int digits;
    dbk_batch row, audit;
    const dbk_batch *change[2];
    dbk_announcement events;
    dbk_buffer answer, data; // the whole answer; the customer alone, for the event
} edit;

static void dispose(edit *e)
{
    dbk_batch_dispose(&e->row);
    dbk_batch_dispose(&e->audit);
    dbk_announcement_dispose(&e->events);
    dbk_buffer_dispose(&e->answer);
    dbk_buffer_dispose(&e->data);
    dbk_json_doc_dispose(&e->doc);
}

static void fail(edit *e, dbk_status status, const char *message)
{
    dbk_call *call = e->call;
    dbk_refusal refusal = e->refusal;
    dispose(e);
    if (refusal.status != 0)
        dbk_call_fail(call, refusal.status, "%s", refusal.text);
    else
        dbk_call_fail_write(call, status, message);
}

// ---- What the request says ----

static bool read_text(edit *e, const char *name, int characters_max, given_text *out)
{
    out->is_given = dbk_json_get(e->doc.root, name) != NULL;
    return dbk_field_text(e->doc.root, name, characters_max, &out->value, &e->refusal);
}

// Something, an @, something; no space. What else an address may be is the mail server's to say.
static bool is_address(dbk_text text)
{
    const char *at = memchr(text.data, '@', text.length);
    const char *end = text.data + text.length;
    if (at == NULL || at == text.data || at + 1 == end || memchr(at + 1, '@', (size_t)(end - at - 1)) != NULL)
        return false;
    for (const char *c = text.data; c < end; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7F)
            return false;
    return true;
}

static bool read_email(edit *e)
{
    if (!read_text(e, "email", EMAIL_MAX, &e->email))
        return false;
    if (e->email.value.length == 0)
        return !e->is_new && !e->email.is_given ? true : dbk_refuse(&e->refusal, 400, "email is required");
    if (!is_address(e->email.value))
        return dbk_refuse(&e->refusal, 400, "email must be a valid email address");
    char *lower = dbk_arena_copy(&e->call->arena, e->email.value.data, e->email.value.length);
    if (lower == NULL)
        return dbk_refuse(&e->refusal, 507, "Out of memory; nothing was stored.");
    for (uint32_t i = 0; i < e->email.value.length; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] | 0x20);
    e->email.value.data = lower;
    return true;
}

static bool read_status(edit *e)
{
    const dbk_json *value = dbk_json_get(e->doc.root, "status");
    e->status.is_given = value != NULL;
    if (value == NULL)
        return true;
    e->status.value = dbk_json_string_of(value);
    if (dbk_text_equal(e->status.value, DBK_TEXT("ACTIVE")) ||
        dbk_text_equal(e->status.value, DBK_TEXT("BLOCKED")))
        return true;
    return dbk_refuse(&e->refusal, 400, "status must be ACTIVE or BLOCKED");
}

// A number that is not negative, with so many decimals, in units of 10^-scale.
static bool read_number(edit *e, const char *name, int decimals, int scale, given_number *out)
{
    char text[DBK_PLAIN_NUMBER_MAX];
    size_t length;
    const dbk_json *value = dbk_json_get(e->doc.root, name);
    out->is_given = value != NULL;
    out->value = DBK_NULL;
    if (value == NULL || value->type == DBK_JSON_NULL)
        return true;
    if (value->type != DBK_JSON_NUMBER)
        return dbk_refuse(&e->refusal, 400, "%s must be a number", name);
    if (!dbk_plain_number(value->text, text, &length))
        return dbk_refuse(&e->refusal, 400, "%s is out of range", name);
    dbk_decimal_fault fault = dbk_decimal_parse(text, length, decimals, &out->value);
    if (fault == DBK_DECIMAL_DIGITS)
        return dbk_refuse(&e->refusal, 400, "%s must have at most %d decimals", name, decimals);
    if (fault != DBK_DECIMAL_OK)
        return dbk_refuse(&e->refusal, 400, "%s is out of range", name);
    if (out->value < 0)
        return dbk_refuse(&e->refusal, 400, "%s must be at least 0", name);
    for (int i = decimals; i < scale; i++)
        if (__builtin_mul_overflow(out->value, 10, &out->value))
            return dbk_refuse(&e->refusal, 400, "%s is out of range", name);
    return true;
}

static bool read_request(edit *e)
{
    if (!read_email(e) || !read_text(e, "name", NAME_MAX_CHARACTERS, &e->name) ||
        !read_text(e, "notes", NOTES_MAX, &e->notes) || !read_status(e) ||
        !read_number(e, "creditLimit", 2, DBK_MONEY_SCALE, &e->credit_limit) ||
        !read_number(e, "taxRateOverride", DBK_RATE_SCALE, DBK_RATE_SCALE, &e->tax_rate))
        return false;
    if (e->tax_rate.is_given && e->tax_rate.value != DBK_NULL && e->tax_rate.value > tax_rate_max)
        return dbk_refuse(&e->refusal, 400, "taxRateOverride must be between 0 and 0.3");
    if (!e->is_new)
        return true;
    if (!dbk_distribu_new_id("cus_", e->new_id, &e->refusal))
        return false;
    e->id = dbk_text_from(e->new_id);
    return true;
}

// ---- Whether it may be ----

// Loaded customers may have capitals in their addresses, so they are searched without regard to case.
static dbk_status check_email(edit *e, dbk_error *err)
{
    bool is_taken;
    DBK_TRY(dbk_db_find_text(e->call->app->db, e->call->tenant, DBK_CUSTOMERS, "email", e->email.value, e->id,
                             &is_taken, err));
    if (!is_taken)
        return DBK_OK;
    dbk_refuse(&e->refusal, 422, "A customer with this email already exists.");
    return dbk_fail(err, DBK_INVALID, "refused");
}

// ---- What is stored ----

static dbk_status fill_given(edit *e, dbk_error *err)
{
    const struct {
        const char *column;
        const given_text *given;
    } texts[] = {{"email", &e->email}, {"name", &e->name}, {"notes", &e->notes}, {"status", &e->status}};
    for (size_t i = 0; i < DBK_COUNT(texts); i++)
        if (texts[i].given->is_given)
            DBK_TRY(dbk_row_batch_text(&e->row, 0, texts[i].column, texts[i].given->value, err));
    if (e->credit_limit.is_given)
        dbk_row_batch_int(&e->row, 0, "credit_limit", e->credit_limit.value);
    if (e->tax_rate.is_given)
        dbk_row_batch_int(&e->row, 0, "tax_rate_override", e->tax_rate.value);
    dbk_row_batch_int(&e->row, 0, "updated_at", e->call->now_ms);
    return DBK_OK;
}

static dbk_status fill_new(edit *e, dbk_error *err)
{
    DBK_TRY(dbk_row_batch_text(&e->row, 0, "id", e->id, err));
    DBK_TRY(dbk_row_batch_text(&e->row, 0, "status", DBK_TEXT("ACTIVE"), err));
    dbk_row_batch_int(&e->row, 0, "created_at", e->call->now_ms);
    dbk_row_batch_int(&e->row, 0, "email_verified", 0);
    return DBK_OK;
}

static dbk_status fill_known(edit *e, const dbk_snapshot *working, dbk_error *err)
{
    dbk_value id = {.kind = DBK_VALUE_TEXT, .text = e->id};
    dbk_result *row;
    DBK_TRY(dbk_stored_rows(working, e->call->tenant, DBK_CUSTOMERS, &id, 1, &row, err));
    dbk_status status = DBK_OK;
    if (dbk_result_rows(row) == 0) {
        dbk_refuse(&e->refusal, 404, "Customer not found.");
        status = dbk_fail(err, DBK_INVALID, "refused");
    } else {
        status = dbk_row_batch_copy(&e->row, 0, row, 0, err);
    }
    dbk_result_free(row);
    return status;
}

static dbk_text text_in(const dbk_batch *row, const char *name)
{
    const dbk_batch_column *column = &row->columns[dbk_column_find(row->table, dbk_text_from(name))];
    return column->texts ? column->texts[0] : column->words[column->codes[0]];
}

static int64_t int_in(const dbk_batch *row, const char *name)
{
    return row->columns[dbk_column_find(row->table, dbk_text_from(name))].ints[0];
}

static void write_answer(edit *e)
{
    dbk_customer customer = {.id = e->id,
                             .email = text_in(&e->row, "email"),
                             .name = text_in(&e->row, "name"),
                             .status = text_in(&e->row, "status"),
                             .notes = text_in(&e->row, "notes"),
                             .credit_limit = int_in(&e->row, "credit_limit"),
                             .tax_rate_override = int_in(&e->row, "tax_rate_override"),
                             .email_verified = int_in(&e->row, "email_verified"),
                             .created_at = int_in(&e->row, "created_at"),
                             .updated_at = int_in(&e->row, "updated_at")};
    dbk_out data = dbk_out_init(&e->data), out = dbk_out_init(&e->answer);
    dbk_customer_write(&data, &customer, e->digits);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_customer_write(&out, &customer, e->digits);
    dbk_out_object_end(&out);
}

// Which fields were given; their values may be personal and do not belong into a log that is never changed.
static dbk_status fill_audit(edit *e, dbk_error *err)
{
    const struct {
        const char *name;
        bool is_given;
    } given[] = {{"email", e->email.is_given},
                 {"name", e->name.is_given},
                 {"status", e->status.is_given},
                 {"notes", e->notes.is_given},
                 {"creditLimit", e->credit_limit.is_given},
                 {"taxRateOverride", e->tax_rate.is_given}};
    dbk_buffer details = {0};
    dbk_out out = dbk_out_init(&details);
    dbk_out_object(&out);
    dbk_out_key(&out, "fields");
    dbk_out_array(&out);
    for (size_t i = 0; i < DBK_COUNT(given); i++)
        if (given[i].is_given)
            dbk_out_string(&out, given[i].name);
    dbk_out_array_end(&out);
    dbk_out_object_end(&out);
    dbk_status status =
        details.failed
            ? dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.")
            : dbk_call_audit(e->call, &e->audit, e->is_new ? "customer.created" : "customer.updated",
                             "customer", e->id,
                             (dbk_text){(const char *)details.data, (uint32_t)details.size}, err);
    dbk_buffer_dispose(&details);
    return status;
}

static dbk_status decide(void *user, const dbk_snapshot *working, dbk_change *change, dbk_error *err)
{
    edit *e = user;
    dbk_settings settings;
    DBK_TRY(dbk_settings_read(working, e->call->tenant, &settings, err));
    e->digits = settings.currency_digits;
    DBK_TRY(dbk_row_batch_init(&e->row, DBK_CUSTOMERS, 1, err));
    DBK_TRY(e->is_new ? fill_new(e, err) : fill_known(e, working, err));
    if (e->email.is_given)
        DBK_TRY(check_email(e, err));
    DBK_TRY(fill_given(e, err));
    write_answer(e);
    if (e->answer.failed || e->data.failed)
        return dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
    DBK_TRY(fill_audit(e, err));
    e->change[0] = &e->row;
    e->change[1] = &e->audit;
    change->batches = e->change;
    change->batches_count = 2;
    DBK_TRY(dbk_event_add(e->call, &e->events, working, e->is_new ? "customer.created" : "customer.updated",
                          &e->data, err));
    return dbk_events_join(e->call, &e->events, change, err);
}

// ---- Afterwards ----

static void finish(dbk_job *job)
{
    dbk_call *call = (dbk_call *)job;
    edit *e = call->state;
    int status = e->is_new ? 201 : 200;
    dbk_announcement_begin(&e->events);
    dbk_buffer_dispose(&call->body);
    call->body = e->answer;
    e->answer = (dbk_buffer){0};
    dispose(e);
    dbk_call_answer_json(call, status);
}

static void on_done(void *user, const dbk_change_result *result)
{
    edit *e = user;
    if (result->status != DBK_OK)
        fail(e, result->status, result->message);
    else
        dbk_call_defer(e->call, finish);
}

static void begin(dbk_call *call, bool is_new)
{
    edit *e = dbk_arena_zalloc(&call->arena, sizeof(*e));
    if (e == NULL) {
        dbk_call_fail_write(call, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
        return;
    }
    e->call = call;
    e->is_new = is_new;
    e->id = call->argument;
    call->state = e;
    if (!dbk_distribu_body(call, &e->doc))
        return;
    if (!read_request(e)) {
        fail(e, DBK_INVALID, "");
        return;
    }
    dbk_call_keep(call);
    // The answer may be under way before this returns: nothing of the call may be touched any more.
    dbk_store_transact(call->app->store, call->tenant, decide, e, on_done, e);
}

void dbk_distribu_customer_create(dbk_call *call)
{
    begin(call, true);
}

void dbk_distribu_customer_update(dbk_call *call)
{
    begin(call, false);
}
