// SPDX-License-Identifier: Apache-2.0
// Any bytes as the query of a report: parameters, dates in every form that JavaScript takes, the range that
// comes of them and its label.
#include "http/app/js_date.h"
#include "http/app/params.h"
#include "http/app/time_range.h"

#include <assert.h>
#include <string.h>

static void resolve(const dbk_params *params, const dbk_zone *zone, int64_t now_ms)
{
    dbk_range_request wanted = {dbk_params_get(params, "preset"), dbk_params_get(params, "from"),
                                dbk_params_get(params, "to")};
    dbk_time_range range;
    if (dbk_time_range_resolve(&range, &wanted, zone, now_ms, NULL) != DBK_OK)
        return;
    if (range.needs_first && dbk_time_range_begin(&range, now_ms - 1000000007ll * 400, zone, NULL) != DBK_OK)
        return;
    assert(range.from_ms <= range.to_ms);
    assert(range.from_day <= range.to_day);
    char label[DBK_RANGE_LABEL_MAX];
    dbk_time_range_label(&range, label);
    assert(memchr(label, 0, sizeof(label)) != NULL && label[0] != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const dbk_zone *berlin;
    if (!berlin && dbk_zone_load("Europe/Berlin", &berlin, NULL) != DBK_OK)
        return 0;
    dbk_text text = {(const char *)data, (uint32_t)size};
    dbk_params params;
    dbk_arena arena = {0};
    if (dbk_params_parse(&params, text, &arena)) {
        assert(params.count <= DBK_PARAMS_MAX);
        resolve(&params, NULL, 1776400000000);
        resolve(&params, berlin, 1774746000000);
    }
    int64_t ms;
    dbk_time_form form;
    dbk_js_date_parse(text, berlin, &ms, &form);
    dbk_arena_dispose(&arena);
    return 0;
}
