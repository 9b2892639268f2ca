// SPDX-License-Identifier: Apache-2.0
// Fields of a request.
#include "http/blocks/request.h"

#include "engine/base/calendar.h"

#include <stdio.h>
#include <string.h>

static const struct {
    dbk_blocks_group group;
    const char *name;
} group_names[] = {
    {DBK_BLOCKS_DAY, "day"},       {DBK_BLOCKS_WEEK, "week"},   {DBK_BLOCKS_MONTH, "month"},
    {DBK_BLOCKS_VENDOR, "vendor"}, {DBK_BLOCKS_MODEL, "model"},
};

// Where the fields stand: one of the two, or neither.
typedef struct fields {
    const dbk_json *object;
    const dbk_params *params;
} fields;

typedef enum field_kind { ABSENT, TEXT, NUMBER, OTHER } field_kind;

typedef struct field {
    field_kind kind;
    dbk_text text;
} field;

static field find(const fields *from, const char *name)
{
    if (from->params != NULL) {
        dbk_text text = dbk_params_get(from->params, name);
        return (field){text.length > 0 ? TEXT : ABSENT, text};
    }
    const dbk_json *value = dbk_json_get(from->object, name);
    switch (value != NULL ? value->type : DBK_JSON_NULL) {
    case DBK_JSON_NULL:
        return (field){ABSENT, {NULL, 0}};
    case DBK_JSON_STRING:
        return (field){value->text.length > 0 ? TEXT : ABSENT, value->text};
    case DBK_JSON_NUMBER:
        return (field){NUMBER, value->text};
    default:
        return (field){OTHER, {NULL, 0}};
    }
}

static dbk_status read_text(const fields *from, const char *name, dbk_text *out, dbk_error *err)
{
    field found = find(from, name);
    if (found.kind == NUMBER || found.kind == OTHER)
        return dbk_fail(err, DBK_INVALID, "%s must be a string.", name);
    *out = found.text;
    return DBK_OK;
}

// Two names for one field; the first wins. The second may be NULL.
static dbk_status read_either(const fields *from, const char *name, const char *alias, dbk_text *out,
                              dbk_error *err)
{
    DBK_TRY(read_text(from, name, out, err));
    return out->length > 0 || alias == NULL ? DBK_OK : read_text(from, alias, out, err);
}

// ---- Dates ----

static dbk_status read_day(dbk_text text, const char *name, bool *given, int32_t *out, dbk_error *err)
{
    *given = text.length > 0;
    if (*given && !dbk_date_parse(text.data, text.length, out))
        return dbk_fail(err, DBK_INVALID, "%s must be a date of the form YYYY-MM-DD.", name);
    return DBK_OK;
}

static dbk_status read_dates(dbk_blocks_request *out, const fields *from, int32_t today, dbk_error *err)
{
    dbk_text start, end;
    bool has_start, has_end;
    DBK_TRY(read_either(from, "start_date", from->params != NULL ? "from" : NULL, &start, err));
    DBK_TRY(read_either(from, "end_date", from->params != NULL ? "to" : NULL, &end, err));
    DBK_TRY(read_day(start, "start_date", &has_start, &out->start_day, err));
    DBK_TRY(read_day(end, "end_date", &has_end, &out->end_day, err));
    if (!has_end)
        out->end_day = today;
    if (!has_start) {
        int year, month, day;
        dbk_civil_from_day(out->end_day, &year, &month, &day);
        out->start_day = dbk_day_from_civil(year, month, 1);
    }
    if (out->start_day > out->end_day)
        return dbk_fail(err, DBK_INVALID, "start_date must be before end_date.");
    return DBK_OK;
}

// ---- Groups ----

static dbk_status refuse_group(int groups, dbk_error *err)
{
    char names[64] = "";
    size_t at = 0;
    int left = __builtin_popcount((unsigned)groups);
    for (size_t i = 0; i < DBK_COUNT(group_names); i++) {
        if (!(groups & (int)group_names[i].group))
            continue;
        const char *before = at == 0 ? "" : left == 1 ? " or " : ", ";
        at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", before, group_names[i].name);
        left--;
    }
    return dbk_fail(err, DBK_INVALID, "group_by must be %s.", names);
}

static dbk_status read_group(dbk_blocks_request *out, const fields *from, int groups, dbk_error *err)
{
    dbk_text text;
    DBK_TRY(read_text(from, "group_by", &text, err));
    for (size_t i = 0; i < DBK_COUNT(group_names); i++)
        if (dbk_text_equal(text, dbk_text_from(group_names[i].name)))
            out->group = group_names[i].group;
    if (text.length > 0 && !((int)out->group & groups))
        return refuse_group(groups, err);
    return DBK_OK;
}

// "include": the name of an addition, or a list of them.
static dbk_status read_include(dbk_blocks_request *out, const fields *from, dbk_error *err)
{
    static const char refusal[] = "include must be a list of: breakdown.";
    field one = find(from, "include");
    if (one.kind == ABSENT)
        return DBK_OK;
    out->wants_breakdown = true;
    if (one.kind == TEXT && dbk_text_equal(one.text, DBK_TEXT("breakdown")))
        return DBK_OK;
    const dbk_json *list = from->params != NULL ? NULL : dbk_json_get(from->object, "include");
    if (list == NULL || list->type != DBK_JSON_ARRAY)
        return dbk_fail(err, DBK_INVALID, refusal);
    out->wants_breakdown = list->count > 0;
    for (const dbk_json *m = dbk_json_first(list); m != NULL; m = dbk_json_next(list, m))
        if (!dbk_text_equal(dbk_json_string_of(m), DBK_TEXT("breakdown")))
            return dbk_fail(err, DBK_INVALID, refusal);
    return DBK_OK;
}

// ---- Pages ----

// A whole number from 1 to max; 0 when absent. A query string has numbers as texts.
static dbk_status read_count(const fields *from, const char *name, int64_t max, int64_t *out, dbk_error *err)
{
    field found = find(from, name);
    bool is_number = found.kind == (from->params != NULL ? TEXT : NUMBER);
    *out = 0;
    if (found.kind == ABSENT)
        return DBK_OK;
    for (uint32_t i = 0; i < found.text.length && is_number; i++) {
        char c = found.text.data[i];
        is_number = c >= '0' && c <= '9' && *out <= max;
        *out = *out * 10 + (c - '0');
    }
    if (!is_number || *out < 1 || *out > max)
        return dbk_fail(err, DBK_INVALID, "%s must be a whole number from 1 to %lld.", name, (long long)max);
    return DBK_OK;
}

static dbk_status read_page(dbk_blocks_request *out, const fields *from, dbk_error *err)
{
    enum { PAGES_MAX = 1000000000 };
    DBK_TRY(read_count(from, "page", PAGES_MAX, &out->page, err));
    DBK_TRY(read_count(from, "per_page", DBK_BLOCKS_RECORDS_MAX, &out->per_page, err));
    if (out->page > 0 && out->per_page == 0)
        out->per_page = DBK_BLOCKS_PER_PAGE_DEFAULT;
    if (out->per_page > 0 && out->page == 0)
        out->page = 1;
    return DBK_OK;
}

// ---- All of them ----

static dbk_status read_all(dbk_blocks_request *out, const fields *from, int groups, int32_t today,
                           dbk_error *err)
{
    *out = (dbk_blocks_request){0};
    DBK_TRY(read_dates(out, from, today, err));
    DBK_TRY(read_group(out, from, groups, err));
    DBK_TRY(read_text(from, "status", &out->status, err));
    DBK_TRY(read_text(from, "currency", &out->currency, err));
    DBK_TRY(read_either(from, "vendor_id", "vendor_unique_id", &out->vendor_id, err));
    DBK_TRY(read_text(from, "payment_method", &out->payment_method, err));
    DBK_TRY(read_include(out, from, err));
    return read_page(out, from, err);
}

dbk_status dbk_blocks_request_of_json(dbk_blocks_request *out, const dbk_json *root, int groups,
                                      int32_t today, dbk_error *err)
{
    fields from = {.object = root};
    if (root != NULL && root->type != DBK_JSON_OBJECT)
        return dbk_fail(err, DBK_INVALID, "The request body must be a JSON object.");
    const dbk_json *wrapped = dbk_json_get(root, "report");
    if (wrapped != NULL) {
        if (wrapped->type != DBK_JSON_OBJECT && wrapped->type != DBK_JSON_NULL)
            return dbk_fail(err, DBK_INVALID, "report must be an object.");
        from.object = wrapped->type == DBK_JSON_OBJECT ? wrapped : NULL;
    }
    return read_all(out, &from, groups, today, err);
}

dbk_status dbk_blocks_request_of_params(dbk_blocks_request *out, const dbk_params *params, int groups,
                                        int32_t today, dbk_error *err)
{
    fields from = {.params = params};
    return read_all(out, &from, groups, today, err);
}
