// SPDX-License-Identifier: Apache-2.0
// Any text as a number and as a time: refused, or one that survives being written and read again.
#include "engine/base/calendar.h"
#include "engine/base/decimal.h"

#include <stdlib.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_decimal(const char *text, size_t length)
{
    for (int scale = 0; scale <= DBK_RATE_SCALE; scale++) {
        char out[DBK_DECIMAL_TEXT_MAX];
        int64_t value = 0, back;
        if (dbk_decimal_parse(text, length, scale, &value) != DBK_DECIMAL_OK)
            continue;
        require(value != DBK_NULL);
        size_t written = dbk_decimal_write_exact(out, value, scale);
        require(dbk_decimal_parse(out, written, scale, &back) == DBK_DECIMAL_OK && back == value);
        written = dbk_decimal_write(out, value, scale, 1, scale);
        require(dbk_decimal_parse(out, written, scale, &back) == DBK_DECIMAL_OK && back == value);
        for (int digits = 0; digits <= DBK_RATE_SCALE; digits++)
            require(dbk_decimal_write(out, value, scale, 1 + (int64_t)length, digits) <=
                    DBK_DECIMAL_TEXT_MAX);
    }
}

static void check_time(const char *text, size_t length)
{
    static const dbk_zone *berlin;
    if (!berlin && dbk_zone_load("Europe/Berlin", &berlin, NULL) != DBK_OK)
        berlin = NULL;
    char out[DBK_TIME_TEXT_MAX];
    int64_t ms, back;
    dbk_time_form form;
    int32_t day;
    bool is_date = dbk_date_parse(text, length, &day);
    bool is_time = dbk_time_parse(text, length, berlin, &ms, &form);
    require(is_date == (is_time && form == DBK_TIME_DATE));
    if (!dbk_time_parse(text, length, NULL, &ms, &form))
        return;
    require(is_time);
    require(dbk_time_write(out, ms) == 24);
    // An offset may carry the first or the last day out of the years that are written.
    if (ms >= -62135596800000 && ms < 253402300800000)
        require(dbk_time_parse(out, 24, NULL, &back, &form) && back == ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_decimal((const char *)data, size);
    check_time((const char *)data, size);
    return 0;
}
