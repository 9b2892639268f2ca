// SPDX-License-Identifier: Apache-2.0
// GET /api/v1/audit-log: who changed what (D43, D88), newest first, in pages. An addition: the vendor shows
// it in its dashboard alone.
#include "http/app/audit.h"
#include "http/app/call.h"
#include "http/app/js_date.h"
#include "http/app/time_range.h"
#include "http/distribu/handlers.h"
#include "http/distribu/request.h"

// False: not a date. A date alone is its first moment, or its last for the end of a range; days are those of
// the tenant's zone.
static bool parse_time(dbk_text text, const dbk_zone *zone, bool is_end, int64_t *out)
{
    dbk_time_form form;
    if (text.length == 0)
        return true;
    if (!dbk_js_date_parse(text, zone, out, &form))
        return false;
    if (is_end && form == DBK_TIME_DATE)
        *out = dbk_local_day_start(dbk_local_day(*out, zone) + 1, zone) - 1;
    return true;
}

static bool is_actor_type(dbk_text text)
{
    return text.length == 0 || dbk_text_equal(text, DBK_TEXT("USER")) ||
           dbk_text_equal(text, DBK_TEXT("CUSTOMER")) || dbk_text_equal(text, DBK_TEXT("SYSTEM"));
}

void dbk_distribu_audit_log(dbk_call *call)
{
    dbk_settings settings;
    dbk_error err;
    dbk_audit_search search = {.from_ms = DBK_NULL,
                               .to_ms = DBK_NULL,
                               .actor = dbk_call_param(call, "actor"),
                               .actor_type = dbk_call_param(call, "actorType"),
                               .entity_type = dbk_call_param(call, "entityType"),
                               .cursor = dbk_call_param(call, "cursor"),
                               .limit = dbk_distribu_limit(dbk_call_param(call, "limit"))};
    if (!is_actor_type(search.actor_type)) {
        dbk_call_fail(call, 400, "Invalid actor type.");
        return;
    }
    dbk_status status = dbk_settings_read(dbk_call_snapshot(call), call->tenant, &settings, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return;
    }
    if (!parse_time(dbk_call_param(call, "from"), settings.zone, false, &search.from_ms)) {
        dbk_call_fail(call, 400, "Invalid from date.");
        return;
    }
    if (!parse_time(dbk_call_param(call, "to"), settings.zone, true, &search.to_ms)) {
        dbk_call_fail(call, 400, "Invalid to date.");
        return;
    }
    dbk_out out = dbk_out_init(&call->body);
    status = dbk_audit_write(dbk_call_snapshot(call), call->tenant, &search, &out, &err);
    if (status == DBK_OK)
        dbk_call_answer_json(call, 200);
    else if (status == DBK_NOT_FOUND)
        dbk_call_fail(call, 400, "Invalid cursor.");
    else
        dbk_call_fail_read(call, status, &err);
}

const char dbk_schema_audit_log[] =
    "{\"type\":\"object\",\"properties\":{\"data\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"properties\":{\"id\":{\"type\":\"string\"},\"createdAt\":{\"type\":\"string\"},"
    "\"actorType\":{\"enum\":[\"USER\",\"SYSTEM\"]},\"actor\":{\"type\":[\"string\",\"null\"]},"
    "\"creator\":{\"type\":[\"string\",\"null\"]},\"action\":{\"type\":\"string\"},"
    "\"entityType\":{\"type\":[\"string\",\"null\"]},\"entityId\":{\"type\":[\"string\",\"null\"]},"
    "\"details\":{}}}},\"pagination\":{\"type\":\"object\"}}}";
