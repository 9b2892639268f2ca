// SPDX-License-Identifier: Apache-2.0
// Settings.
#include "http/app/settings.h"

#include "engine/base/decimal.h"
#include "http/auth/jwt.h"

#include <string.h>

enum { BUSINESS_DAY_DEFAULT = 7 * 60, SECRET_MAX = 1024 };
enum { DAYS_DEFAULT = 90, DAYS_MAX = 36500 };

dbk_status dbk_settings_query(const dbk_snapshot *snapshot, dbk_text tenant, dbk_result **out, dbk_error *err)
{
    static const char *const fields[] = {"id", "value"};
    dbk_order order = {.output = 0};
    dbk_query query = {.table = "settings",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .fields = fields,
                       .fields_count = 2,
                       .order = &order,
                       .order_count = 1};
    return dbk_query_run(snapshot, tenant, &query, out, err);
}

static bool parse_clock(dbk_text text, int *minutes)
{
    if (text.length != 5 || text.data[2] != ':')
        return false;
    const int places[] = {0, 1, 3, 4};
    for (int i = 0; i < 4; i++)
        if (text.data[places[i]] < '0' || text.data[places[i]] > '9')
            return false;
    int hour = (text.data[0] - '0') * 10 + text.data[1] - '0';
    int minute = (text.data[3] - '0') * 10 + text.data[4] - '0';
    *minutes = hour * 60 + minute;
    return hour < 24 && minute < 60;
}

static dbk_status load_zone(dbk_text name, const dbk_zone **out, dbk_error *err)
{
    char text[128];
    if (name.length >= sizeof(text))
        return dbk_fail(err, DBK_INVALID, "timezone must be an IANA name such as Europe/Berlin");
    memcpy(text, name.data, name.length);
    text[name.length] = 0;
    if (dbk_zone_load(text, out, NULL) != DBK_OK)
        return dbk_fail(err, DBK_INVALID,
                        "timezone \"%s\" is not known here; use an IANA name such as Europe/Berlin", text);
    return DBK_OK;
}

static bool is_currency(dbk_text text)
{
    for (uint32_t i = 0; i < text.length; i++)
        if (text.data[i] < 'A' || text.data[i] > 'Z')
            return false;
    return text.length == 3;
}

static dbk_status check_jwks(dbk_text value, dbk_error *err)
{
    dbk_jwks *set;
    DBK_TRY(dbk_jwks_parse(&set, value, err));
    dbk_jwks_destroy(set);
    return DBK_OK;
}

// A public key as secret is what an attacker of HS256 hopes for: everybody knows it.
static dbk_status check_secret(dbk_text value, dbk_error *err)
{
    static const char pem[] = "-----BEGIN";
    if (value.length < DBK_JWT_SECRET_MIN || value.length > SECRET_MAX)
        return dbk_fail(err, DBK_INVALID, "jwt-secret must be %d to %d bytes", DBK_JWT_SECRET_MIN,
                        SECRET_MAX);
    if (memmem(value.data, value.length, pem, sizeof(pem) - 1) != NULL || value.data[0] == '{')
        return dbk_fail(err, DBK_INVALID, "jwt-secret is a key file; public keys belong into jwks");
    return DBK_OK;
}

// It stands in a header: no spaces, no characters beyond ASCII.
static dbk_status check_app_id(dbk_text value, dbk_error *err)
{
    bool is_right = value.length <= DBK_APP_ID_MAX;
    for (uint32_t i = 0; i < value.length; i++)
        is_right = is_right && value.data[i] > ' ' && value.data[i] < 0x7f;
    return is_right ? DBK_OK
                    : dbk_fail(err, DBK_INVALID, "app-id must be 1 to %d characters of ASCII without spaces",
                               DBK_APP_ID_MAX);
}

// "off" is 0.
static bool parse_days(dbk_text text, int *days)
{
    int64_t value = 0;
    bool is_off = dbk_text_equal(text, DBK_TEXT("off"));
    if (!is_off && (dbk_decimal_parse(text.data, text.length, 0, &value) != DBK_DECIMAL_OK || value < 1 ||
                    value > DAYS_MAX))
        return false;
    *days = (int)value;
    return true;
}

dbk_status dbk_setting_check(dbk_text id, dbk_text value, dbk_error *err)
{
    const dbk_zone *zone;
    int minutes;
    if (id.length == 0 || id.length > DBK_ID_BYTES_MAX)
        return dbk_fail(err, DBK_INVALID, "a setting's name must be 1 to %d bytes", DBK_ID_BYTES_MAX);
    if (value.length == 0)
        return DBK_OK;
    if (dbk_text_equal(id, DBK_TEXT("jwks")))
        return check_jwks(value, err);
    if (dbk_text_equal(id, DBK_TEXT("jwt-secret")))
        return check_secret(value, err);
    if (dbk_text_equal(id, DBK_TEXT("signing-secret")))
        return dbk_fail(err, DBK_INVALID, "signing-secret is made by Daybook; it can only be taken away");
    if (value.length > DBK_SETTING_VALUE_MAX)
        return dbk_fail(err, DBK_INVALID, "a setting's value must be at most %d bytes",
                        DBK_SETTING_VALUE_MAX);
    if (dbk_text_equal(id, DBK_TEXT("app-id")))
        return check_app_id(value, err);
    if (dbk_text_equal(id, DBK_TEXT("timezone")))
        return load_zone(value, &zone, err);
    if (dbk_text_equal(id, DBK_TEXT("currency")) && !is_currency(value))
        return dbk_fail(err, DBK_INVALID, "currency must be three upper-case letters such as EUR");
    if (dbk_text_equal(id, DBK_TEXT("business-day")) && !parse_clock(value, &minutes))
        return dbk_fail(err, DBK_INVALID, "business-day must be a time such as 07:00");
    if (dbk_text_equal(id, DBK_TEXT("allow-private-webhooks")) && !dbk_text_equal(value, DBK_TEXT("on")) &&
        !dbk_text_equal(value, DBK_TEXT("off")))
        return dbk_fail(err, DBK_INVALID, "allow-private-webhooks must be on or off");
    if (dbk_text_equal(id, DBK_TEXT("restock-on-cancel")) && !dbk_text_equal(value, DBK_TEXT("on")) &&
        !dbk_text_equal(value, DBK_TEXT("off")))
        return dbk_fail(err, DBK_INVALID, "restock-on-cancel must be on or off");
    if (dbk_text_equal(id, DBK_TEXT("webhook-delivery-days")) && !parse_days(value, &minutes))
        return dbk_fail(err, DBK_INVALID, "webhook-delivery-days must be 1 to %d, or off", DAYS_MAX);
    return DBK_OK;
}

// By their keys: this is asked with every request, and is a few look-ups.
static dbk_status query_known(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_value *ids, int count,
                              dbk_result **out, dbk_error *err)
{
    static const char *const fields[] = {"id", "value"};
    const dbk_filter known = {.column = "id", .op = DBK_OP_IN, .values = ids, .values_count = count};
    dbk_query query = {.table = "settings",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = &known,
                       .filters_count = 1,
                       .fields = fields,
                       .fields_count = 2};
    return dbk_query_run(snapshot, tenant, &query, out, err);
}

// What fits.
static void copy_currency(dbk_settings *out, dbk_text value)
{
    const size_t most = sizeof(out->currency) - 1, length = value.length < most ? value.length : most;
    memcpy(out->currency, value.data, length);
    out->currency[length] = 0;
}

static dbk_status read_known(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_value *ids, int count,
                             dbk_settings *out, dbk_error *err)
{
    *out = (dbk_settings){.business_day_minutes = BUSINESS_DAY_DEFAULT, .delivery_days = DAYS_DEFAULT};
    dbk_result *rows;
    DBK_TRY(query_known(snapshot, tenant, ids, count, &rows, err));
    dbk_status status = DBK_OK;
    for (size_t row = 0; row < dbk_result_rows(rows) && status == DBK_OK; row++) {
        dbk_text id = dbk_result_text(rows, row, 0), value = dbk_result_text(rows, row, 1);
        if (value.length == 0)
            continue;
        if (dbk_text_equal(id, DBK_TEXT("timezone")))
            status = load_zone(value, &out->zone, err);
        else if (dbk_text_equal(id, DBK_TEXT("currency")))
            copy_currency(out, value);
        else if (dbk_text_equal(id, DBK_TEXT("business-day")))
            parse_clock(value, &out->business_day_minutes);
        else if (dbk_text_equal(id, DBK_TEXT("allow-private-webhooks")))
            out->allows_private_webhooks = dbk_text_equal(value, DBK_TEXT("on"));
        else if (dbk_text_equal(id, DBK_TEXT("restock-on-cancel")))
            out->restocks_on_cancel = dbk_text_equal(value, DBK_TEXT("on"));
        else if (dbk_text_equal(id, DBK_TEXT("webhook-delivery-days")))
            parse_days(value, &out->delivery_days);
    }
    dbk_result_free(rows);
    out->currency_digits = dbk_currency_digits(dbk_text_from(out->currency));
    return status;
}

dbk_status dbk_settings_read(const dbk_snapshot *snapshot, dbk_text tenant, dbk_settings *out, dbk_error *err)
{
    static const dbk_value ids[] = {
        {.kind = DBK_VALUE_TEXT, .text = {"timezone", 8}},
        {.kind = DBK_VALUE_TEXT, .text = {"currency", 8}},
        {.kind = DBK_VALUE_TEXT, .text = {"business-day", 12}},
        {.kind = DBK_VALUE_TEXT, .text = {"allow-private-webhooks", 22}},
        {.kind = DBK_VALUE_TEXT, .text = {"restock-on-cancel", 17}},
        {.kind = DBK_VALUE_TEXT, .text = {"webhook-delivery-days", 21}},
    };
    return read_known(snapshot, tenant, ids, DBK_COUNT(ids), out, err);
}

dbk_status dbk_settings_read_one(const dbk_snapshot *snapshot, dbk_text tenant, const char *id,
                                 dbk_settings *out, dbk_error *err)
{
    const dbk_value value = {.kind = DBK_VALUE_TEXT, .text = dbk_text_from(id)};
    return read_known(snapshot, tenant, &value, 1, out, err);
}

bool dbk_setting_is_secret(dbk_text id)
{
    return dbk_text_equal(id, DBK_TEXT("jwt-secret")) || dbk_text_equal(id, DBK_TEXT("signing-secret"));
}

dbk_status dbk_settings_write_all(const dbk_snapshot *snapshot, dbk_text tenant, dbk_out *json,
                                  dbk_error *err)
{
    dbk_result *rows;
    DBK_TRY(dbk_settings_query(snapshot, tenant, &rows, err));
    dbk_out_object(json);
    for (size_t row = 0; row < dbk_result_rows(rows); row++) {
        if (dbk_result_is_null(rows, row, 1))
            continue;
        dbk_out_key_text(json, dbk_result_text(rows, row, 0));
        bool is_shown = !dbk_setting_is_secret(dbk_result_text(rows, row, 0));
        dbk_out_text(json, is_shown ? dbk_result_text(rows, row, 1) : DBK_TEXT("(secret)"));
    }
    dbk_out_object_end(json);
    dbk_result_free(rows);
    return DBK_OK;
}
