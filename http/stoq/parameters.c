// SPDX-License-Identifier: Apache-2.0
// Parameters judged: each by its type, from a query string or a JSON body alike, every fault noted.
#include "engine/base/decimal.h"
#include "http/app/time_range.h"
#include "http/stoq/rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DAYS_DEFAULT = 30, VALUES_MAX = 256 };

// The values given for one parameter: none, one, or the members of a list.
typedef struct given {
    int count;
    bool is_list, is_wrong; // wrong: a JSON value of a type that no parameter has, or too many
    dbk_text texts[VALUES_MAX];
} given;

typedef struct judge {
    const dbk_stoq_report *report;
    const dbk_stoq_input *input;
    dbk_stoq_request *request;
    dbk_stoq_faults *faults;
    bool has_bad_day;
} judge;

static void fault(judge *j, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fault(judge *j, const char *format, ...)
{
    if (j->faults->count == DBK_STOQ_FAULTS_MAX)
        return;
    char *text = j->faults->texts[j->faults->count++];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(j->faults->texts[0]), format, arguments);
    va_end(arguments);
}

// ---- What was given ----

static void give(given *g, dbk_text text)
{
    if (g->count == VALUES_MAX)
        g->is_wrong = true;
    else
        g->texts[g->count++] = text;
}

static void give_split(given *g, dbk_text text)
{
    while (text.length > 0) {
        const char *comma = memchr(text.data, ',', text.length);
        uint32_t length = comma != NULL ? (uint32_t)(comma - text.data) : text.length;
        uint32_t step = comma != NULL ? length + 1 : length;
        if (length > 0)
            give(g, (dbk_text){text.data, length});
        text.data += step;
        text.length -= step;
    }
}

static bool is_list(const dbk_stoq_parameter *parameter)
{
    return parameter->type == DBK_STOQ_UUID_LIST || parameter->type == DBK_STOQ_ENUM_LIST;
}

// "offer_ids", "offer_ids[]" and "offer_ids[3]".
static bool names_parameter(dbk_text name, const dbk_stoq_parameter *parameter)
{
    uint32_t length = (uint32_t)strlen(parameter->name);
    if (name.length < length || memcmp(name.data, parameter->name, length) != 0)
        return false;
    if (name.length == length)
        return true;
    return is_list(parameter) && name.data[length] == '[' && name.data[name.length - 1] == ']';
}

static void read_params(const dbk_params *params, const dbk_stoq_parameter *parameter, given *g)
{
    for (int i = 0; i < params->count; i++) {
        if (!names_parameter(params->items[i].name, parameter) || params->items[i].value.length == 0)
            continue;
        if (is_list(parameter)) {
            give_split(g, params->items[i].value);
        } else {
            give(g, params->items[i].value);
            return; // given twice, the first wins
        }
    }
}

static void read_scalar(const dbk_json *value, const dbk_stoq_parameter *parameter, given *g)
{
    bool takes_number = parameter->type == DBK_STOQ_ID || parameter->type == DBK_STOQ_INTEGER ||
                        parameter->type == DBK_STOQ_BOOL;
    switch (value->type) {
    case DBK_JSON_NULL:
        return;
    case DBK_JSON_STRING:
        if (is_list(parameter))
            give_split(g, value->text);
        else if (value->text.length > 0)
            give(g, value->text);
        return;
    case DBK_JSON_NUMBER:
        g->is_wrong |= !takes_number;
        give(g, value->text);
        return;
    case DBK_JSON_TRUE:
    case DBK_JSON_FALSE:
        g->is_wrong |= parameter->type != DBK_STOQ_BOOL;
        give(g, value->type == DBK_JSON_TRUE ? DBK_TEXT("true") : DBK_TEXT("false"));
        return;
    default:
        g->is_wrong = true;
    }
}

static void read_body(const dbk_json *body, const dbk_stoq_parameter *parameter, given *g)
{
    const dbk_json *value = dbk_json_get(body, parameter->name);
    if (value == NULL)
        return;
    if (value->type != DBK_JSON_ARRAY || !is_list(parameter)) {
        read_scalar(value, parameter, g);
        return;
    }
    for (const dbk_json *m = dbk_json_first(value); m != NULL; m = dbk_json_next(value, m)) {
        if (m->type == DBK_JSON_STRING)
            give(g, m->text);
        else
            g->is_wrong = true;
    }
}

// ---- By type ----

static bool is_uuid(dbk_text text)
{
    if (text.length != DBK_STOQ_UUID_BYTES)
        return false;
    for (uint32_t i = 0; i < text.length; i++) {
        char c = text.data[i], lower = c | 0x20;
        bool is_hex = (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f');
        if (i == 8 || i == 13 || i == 18 || i == 23 ? c != '-' : !is_hex)
            return false;
    }
    return true;
}

static bool is_currency(dbk_text text)
{
    for (uint32_t i = 0; i < text.length; i++)
        if ((text.data[i] | 0x20) < 'a' || (text.data[i] | 0x20) > 'z')
            return false;
    return text.length == 3;
}

static int find_value(const char *const *values, dbk_text text)
{
    for (int i = 0; values[i] != NULL; i++)
        if (dbk_text_equal(text, dbk_text_from(values[i])))
            return i;
    return -1;
}

static bool read_bool(dbk_text text, bool *out)
{
    *out = dbk_text_equal(text, DBK_TEXT("true")) || dbk_text_equal(text, DBK_TEXT("1"));
    return *out || dbk_text_equal(text, DBK_TEXT("false")) || dbk_text_equal(text, DBK_TEXT("0"));
}

static bool read_integer(dbk_text text, int64_t *out)
{
    return dbk_decimal_parse(text.data, text.length, 0, out) == DBK_DECIMAL_OK &&
           memchr(text.data, '.', text.length) == NULL;
}

static void fault_enum(judge *j, const dbk_stoq_parameter *parameter)
{
    char list[256] = "";
    size_t at = 0;
    for (int i = 0; parameter->values[i] != NULL; i++)
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i > 0 ? ", " : "", parameter->values[i]);
    fault(j, "%s must be one of: %s", parameter->name, list);
}

static void copy_text(char *out, size_t size, dbk_text text)
{
    snprintf(out, size, "%.*s", (int)text.length, text.data);
}

// ---- Each parameter ----

static void take_offer(judge *j, dbk_text text)
{
    dbk_stoq_request *request = j->request;
    for (int i = 0; i < request->offers_count; i++)
        if (dbk_text_equal(text, dbk_text_from(request->offers[i])))
            return;
    if (request->offers_count == DBK_STOQ_OFFERS_MAX) {
        fault(j, "offer_ids must be at most %d offers", DBK_STOQ_OFFERS_MAX);
        return;
    }
    copy_text(request->offers[request->offers_count++], sizeof(request->offers[0]), text);
}

static void take_offers(judge *j, const dbk_stoq_parameter *parameter, const given *g)
{
    if (g->count > parameter->max && is_list(parameter)) {
        fault(j, "%s must be at most %lld offers", parameter->name, (long long)parameter->max);
        return;
    }
    for (int i = 0; i < g->count; i++)
        if (g->is_wrong || !is_uuid(g->texts[i])) {
            fault(j, is_list(parameter) ? "%s must be a list of UUIDs" : "%s must be a UUID",
                  parameter->name);
            return;
        }
    for (int i = 0; i < g->count; i++)
        take_offer(j, g->texts[i]);
}

static void take_metrics(judge *j, const dbk_stoq_parameter *parameter, const given *g)
{
    const dbk_stoq_set *set = dbk_stoq_report_export(j->report);
    uint32_t chosen = 0;
    for (int i = 0; i < g->count; i++) {
        if (find_value(parameter->values, g->texts[i]) < 0) {
            fault_enum(j, parameter);
            return;
        }
        for (int c = 0; c < set->columns_count; c++)
            if (dbk_text_equal(g->texts[i], dbk_text_from(set->columns[c].key)))
                chosen |= 1u << c;
    }
    if (g->is_wrong)
        fault_enum(j, parameter);
    else if (chosen != 0)
        j->request->metrics = chosen;
}

static void take_day(judge *j, const dbk_stoq_parameter *parameter, dbk_text text, int32_t *day)
{
    if (dbk_date_parse(text.data, text.length, day))
        return;
    j->has_bad_day = true;
    fault(j, "%s must be a date (YYYY-MM-DD)", parameter->name);
}

static void take_id(judge *j, const dbk_stoq_parameter *parameter, const given *g, char *out)
{
    dbk_text text = g->texts[0];
    // No id has a NUL, and the request's would end there.
    if (g->is_wrong || memchr(text.data, 0, text.length) != NULL)
        fault(j, "%s must be a text", parameter->name);
    else if (text.length > DBK_ID_BYTES_MAX)
        fault(j, "%s must be at most %d bytes", parameter->name, DBK_ID_BYTES_MAX);
    else
        copy_text(out, DBK_ID_BYTES_MAX + 1, text);
}

static void take_bool(judge *j, const dbk_stoq_parameter *parameter, dbk_text text, bool *out)
{
    if (!read_bool(text, out))
        fault(j, "%s must be true or false", parameter->name);
}

static void take_integer(judge *j, const dbk_stoq_parameter *parameter, dbk_text text, int64_t *out)
{
    if (!read_integer(text, out) || *out < parameter->min || *out > parameter->max)
        fault(j, "%s must be a whole number from %lld to %lld", parameter->name, (long long)parameter->min,
              (long long)parameter->max);
}

static void take_granularity(judge *j, const dbk_stoq_parameter *parameter, dbk_text text)
{
    static const dbk_unit units[] = {DBK_UNIT_DAY, DBK_UNIT_WEEK, DBK_UNIT_MONTH};
    int value = find_value(parameter->values, text);
    if (value < 0)
        fault_enum(j, parameter);
    else
        j->request->granularity = units[value];
}

static void take_currency(judge *j, const dbk_stoq_parameter *parameter, dbk_text text)
{
    if (!is_currency(text)) {
        fault(j, "%s must be a three-letter currency code", parameter->name);
        return;
    }
    for (int i = 0; i < 3; i++)
        j->request->currency[i] = text.data[i] & ~0x20;
    j->request->currency[3] = 0;
}

// A JSON value of a type that the parameter does not take, put into words that its own judge refuses too.
static dbk_text only_text(const given *g)
{
    return g->is_wrong ? DBK_TEXT("{}") : g->texts[0];
}

static void take(judge *j, dbk_stoq_parameter_id id, const given *g)
{
    const dbk_stoq_parameter *parameter = &dbk_stoq_parameters[id];
    dbk_stoq_request *request = j->request;
    dbk_text text = only_text(g);
    switch (id) {
    case DBK_STOQ_FROM:
        take_day(j, parameter, text, &request->from_day);
        break;
    case DBK_STOQ_TO:
        take_day(j, parameter, text, &request->to_day);
        break;
    case DBK_STOQ_OFFER_ID:
    case DBK_STOQ_OFFER_IDS:
        take_offers(j, parameter, g);
        break;
    case DBK_STOQ_REPORT_CURRENCY:
        take_currency(j, parameter, text);
        break;
    case DBK_STOQ_PRODUCT_ID:
        take_id(j, parameter, g, request->product_id);
        break;
    case DBK_STOQ_VARIANT_ID:
        take_id(j, parameter, g, request->variant_id);
        break;
    case DBK_STOQ_MARKET_ID:
        take_id(j, parameter, g, request->market_id);
        break;
    case DBK_STOQ_GRANULARITY:
        take_granularity(j, parameter, text);
        break;
    case DBK_STOQ_METRICS:
        take_metrics(j, parameter, g);
        break;
    case DBK_STOQ_INCLUDE_DEPOSITS:
        take_bool(j, parameter, text, &request->include_deposits);
        break;
    case DBK_STOQ_INCLUDE_BALANCES:
        take_bool(j, parameter, text, &request->include_balances);
        break;
    case DBK_STOQ_PAGE:
        take_integer(j, parameter, text, &request->page);
        break;
    case DBK_STOQ_PER_PAGE:
        take_integer(j, parameter, text, &request->per_page);
        break;
    case DBK_STOQ_PARAMETER_COUNT:
        break;
    }
}

// ---- The whole ----

static void set_defaults(dbk_stoq_request *request, const dbk_stoq_report *report,
                         const dbk_settings *settings)
{
    *request = (dbk_stoq_request){.report = report,
                                  .from_day = INT32_MIN,
                                  .to_day = INT32_MIN,
                                  .zone = settings->zone,
                                  .granularity = DBK_UNIT_DAY,
                                  .metrics = UINT32_MAX,
                                  .include_deposits = true,
                                  .include_balances = true,
                                  .page = 1,
                                  .per_page = 25};
    copy_text(request->home_currency, sizeof(request->home_currency), dbk_text_from(settings->currency));
    copy_text(request->currency, sizeof(request->currency), dbk_text_from(settings->currency));
}

static void resolve_window(judge *j, int64_t now_ms)
{
    dbk_stoq_request *request = j->request;
    if (request->to_day == INT32_MIN)
        request->to_day = dbk_local_day(now_ms, request->zone);
    if (request->from_day == INT32_MIN)
        request->from_day = request->to_day - (DAYS_DEFAULT - 1);
    if (request->from_day > request->to_day)
        fault(j, "from must be on or before to");
    else if (request->to_day - request->from_day >= DBK_STOQ_DAYS_MAX)
        fault(j, "the window must be at most %d days", DBK_STOQ_DAYS_MAX);
    else {
        request->from_ms = dbk_local_day_start(request->from_day, request->zone);
        request->to_ms = dbk_local_day_start(request->to_day + 1, request->zone);
    }
}

bool dbk_stoq_prepare(const dbk_stoq_report *report, const dbk_stoq_input *input,
                      const dbk_settings *settings, int64_t now_ms, dbk_stoq_request *out,
                      dbk_stoq_faults *faults)
{
    judge j = {.report = report, .input = input, .request = out, .faults = faults};
    bool gives_offer = false;
    faults->count = 0;
    set_defaults(out, report, settings);
    for (int id = 0; id < DBK_STOQ_PARAMETER_COUNT; id++) {
        if (!dbk_stoq_report_takes(report, (dbk_stoq_parameter_id)id))
            continue;
        given g = {.count = 0};
        if (input->params != NULL)
            read_params(input->params, &dbk_stoq_parameters[id], &g);
        else
            read_body(input->body, &dbk_stoq_parameters[id], &g);
        if (g.is_wrong && g.count == 0)
            give(&g, DBK_TEXT("{}"));
        if (g.count > 0)
            take(&j, (dbk_stoq_parameter_id)id, &g);
        gives_offer |= g.count > 0 && (id == DBK_STOQ_OFFER_ID || id == DBK_STOQ_OFFER_IDS);
    }
    if (report->needs_offer && !gives_offer)
        fault(&j, "offer_id is required");
    if (!out->include_deposits && !out->include_balances)
        fault(&j, "at least one of include_deposits, include_balances must be true");
    if (!j.has_bad_day)
        resolve_window(&j, now_ms);
    out->digits = dbk_currency_digits(dbk_text_from(out->currency));
    return faults->count == 0;
}
