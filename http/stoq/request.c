// SPDX-License-Identifier: Apache-2.0
// A resolved request as JSON, so that a job outlives the process that took it. Days and names are written,
// not instants and bits: they mean the same whatever is counted differently later.
#include "engine/base/decimal.h"
#include "http/app/time_range.h"
#include "http/stoq/rows.h"

#include <stdio.h>
#include <string.h>

static const dbk_stoq_column *export_column(const dbk_stoq_request *request, int column)
{
    return &dbk_stoq_report_export(request->report)->columns[column];
}

static const char *const unit_names[] = {
    [DBK_UNIT_DAY] = "day", [DBK_UNIT_WEEK] = "week", [DBK_UNIT_MONTH] = "month"};

static void write_text(dbk_out *json, const char *key, const char *text)
{
    dbk_out_key(json, key);
    dbk_out_string(json, text);
}

void dbk_stoq_request_write(const dbk_stoq_request *request, dbk_out *json)
{
    const dbk_stoq_set *set = dbk_stoq_report_export(request->report);
    dbk_out_object(json);
    write_text(json, "report", request->report->name);
    dbk_out_key(json, "from");
    dbk_out_day(json, request->from_day);
    dbk_out_key(json, "to");
    dbk_out_day(json, request->to_day);
    write_text(json, "zone", request->zone != NULL ? dbk_zone_name(request->zone) : "UTC");
    write_text(json, "currency", request->currency);
    write_text(json, "home_currency", request->home_currency);
    dbk_out_key(json, "offer_ids");
    dbk_out_array(json);
    for (int i = 0; i < request->offers_count; i++)
        dbk_out_string(json, request->offers[i]);
    dbk_out_array_end(json);
    write_text(json, "product_id", request->product_id);
    write_text(json, "variant_id", request->variant_id);
    write_text(json, "market_id", request->market_id);
    write_text(json, "granularity", unit_names[request->granularity]);
    dbk_out_key(json, "metrics");
    dbk_out_array(json);
    for (int i = 0; i < set->columns_count; i++)
        if (request->metrics != UINT32_MAX && (request->metrics >> i & 1))
            dbk_out_string(json, export_column(request, i)->key);
    dbk_out_array_end(json);
    dbk_out_key(json, "include_deposits");
    dbk_out_bool(json, request->include_deposits);
    dbk_out_key(json, "include_balances");
    dbk_out_bool(json, request->include_balances);
    dbk_out_key(json, "page");
    dbk_out_int(json, request->page);
    dbk_out_key(json, "per_page");
    dbk_out_int(json, request->per_page);
    dbk_out_object_end(json);
}

// ---- Back ----

static bool read_text(const dbk_json *root, const char *key, char *out, size_t size)
{
    dbk_text text = dbk_json_string_of(dbk_json_get(root, key));
    snprintf(out, size, "%.*s", (int)text.length, text.data);
    return text.length < size;
}

static bool read_day(const dbk_json *root, const char *key, int32_t *out)
{
    dbk_text text = dbk_json_string_of(dbk_json_get(root, key));
    return dbk_date_parse(text.data, text.length, out);
}

static bool read_flag(const dbk_json *root, const char *key, bool *out)
{
    const dbk_json *value = dbk_json_get(root, key);
    *out = value != NULL && value->type == DBK_JSON_TRUE;
    return *out || (value != NULL && value->type == DBK_JSON_FALSE);
}

static bool read_number(const dbk_json *root, const char *key, int64_t *out)
{
    const dbk_json *value = dbk_json_get(root, key);
    return value != NULL && dbk_json_int_of(value, out) && *out >= 1 && *out <= 1000000000;
}

static bool read_offers(const dbk_json *root, dbk_stoq_request *out)
{
    const dbk_json *list = dbk_json_get(root, "offer_ids");
    if (list == NULL || list->type != DBK_JSON_ARRAY || list->count > DBK_STOQ_OFFERS_MAX)
        return false;
    for (const dbk_json *m = dbk_json_first(list); m != NULL; m = dbk_json_next(list, m)) {
        dbk_text text = dbk_json_string_of(m);
        if (text.length != DBK_STOQ_UUID_BYTES)
            return false;
        memcpy(out->offers[out->offers_count++], text.data, text.length);
    }
    return true;
}

static bool read_granularity(const dbk_json *root, dbk_stoq_request *out)
{
    dbk_text text = dbk_json_string_of(dbk_json_get(root, "granularity"));
    for (size_t i = 0; i < DBK_COUNT(unit_names); i++) {
        out->granularity = (dbk_unit)i;
        if (unit_names[i] != NULL && dbk_text_equal(text, dbk_text_from(unit_names[i])))
            return true;
    }
    return false;
}

static bool read_metrics(const dbk_json *root, dbk_stoq_request *out)
{
    const dbk_json *list = dbk_json_get(root, "metrics");
    const dbk_stoq_set *set = dbk_stoq_report_export(out->report);
    if (list == NULL || list->type != DBK_JSON_ARRAY)
        return false;
    out->metrics = list->count > 0 ? 0 : UINT32_MAX;
    for (const dbk_json *m = dbk_json_first(list); m != NULL; m = dbk_json_next(list, m)) {
        int column = 0;
        while (column < set->columns_count &&
               !dbk_text_equal(dbk_json_string_of(m), dbk_text_from(set->columns[column].key)))
            column++;
        if (column == set->columns_count)
            return false;
        out->metrics |= 1u << column;
    }
    return true;
}

static bool read_zone(const dbk_json *root, dbk_stoq_request *out, dbk_error *err)
{
    char name[129];
    return read_text(root, "zone", name, sizeof(name)) && dbk_zone_load(name, &out->zone, err) == DBK_OK;
}

static bool read_window(const dbk_json *root, dbk_stoq_request *out)
{
    if (!read_day(root, "from", &out->from_day) || !read_day(root, "to", &out->to_day) ||
        out->from_day > out->to_day || out->to_day - out->from_day >= DBK_STOQ_DAYS_MAX)
        return false;
    out->from_ms = dbk_local_day_start(out->from_day, out->zone);
    out->to_ms = dbk_local_day_start(out->to_day + 1, out->zone);
    return true;
}

static bool read_request(const dbk_json *root, dbk_stoq_request *out, dbk_error *err)
{
    *out =
        (dbk_stoq_request){.report = dbk_stoq_report_find(dbk_json_string_of(dbk_json_get(root, "report")))};
    return out->report != NULL && read_zone(root, out, err) && read_window(root, out) &&
           read_text(root, "currency", out->currency, sizeof(out->currency)) &&
           read_text(root, "home_currency", out->home_currency, sizeof(out->home_currency)) &&
           read_offers(root, out) &&
           read_text(root, "product_id", out->product_id, sizeof(out->product_id)) &&
           read_text(root, "variant_id", out->variant_id, sizeof(out->variant_id)) &&
           read_text(root, "market_id", out->market_id, sizeof(out->market_id)) &&
           read_granularity(root, out) && read_metrics(root, out) &&
           read_flag(root, "include_deposits", &out->include_deposits) &&
           read_flag(root, "include_balances", &out->include_balances) &&
           read_number(root, "page", &out->page) && read_number(root, "per_page", &out->per_page);
}

dbk_status dbk_stoq_request_read(dbk_text json, dbk_stoq_request *out, dbk_error *err)
{
    dbk_json_doc doc;
    dbk_error why = {0};
    DBK_TRY(dbk_json_parse(json.data, json.length, &doc, NULL, err));
    bool is_read = read_request(doc.root, out, &why);
    dbk_json_doc_dispose(&doc);
    if (!is_read)
        return dbk_fail(err, DBK_INVALID, "not a request for a report that is known here%s%.200s",
                        why.message[0] != 0 ? ": " : "", why.message);
    out->digits = dbk_currency_digits(dbk_text_from(out->currency));
    return DBK_OK;
}

void dbk_stoq_file_name(const dbk_stoq_request *request, char out[DBK_STOQ_FILE_NAME_MAX])
{
    char from[DBK_TIME_TEXT_MAX], to[DBK_TIME_TEXT_MAX];
    int from_length = (int)dbk_date_write(from, request->from_day);
    int to_length = (int)dbk_date_write(to, request->to_day);
    snprintf(out, DBK_STOQ_FILE_NAME_MAX, "preorders_%s_%.*s_%.*s.csv", request->report->name, from_length,
             from, to_length, to);
}
