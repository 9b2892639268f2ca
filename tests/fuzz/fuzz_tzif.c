// SPDX-License-Identifier: Apache-2.0
// Any bytes as a time zone file: refused, or a zone whose answers hold together.
#include "engine/base/calendar.h"
#include "engine/base/zone.h"
#include "engine/base/zone_parse.h"

#include <stdlib.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dbk_zone *zone;
    dbk_error err;
    dbk_status status = dbk_zone_parse(data, size, &zone, &err);
    if (status != DBK_OK) {
        require(err.status == status && err.message[0]);
        return 0;
    }
    static const int64_t instants[] = {INT64_MIN,     -62135596800000, -1,           0, 999, 1700000000000,
                                       7258118400000, 253402300799999, INT64_MAX - 1};
    for (size_t i = 0; i < DBK_COUNT(instants); i++) {
        int64_t ms = instants[i], span[2], start, end;
        int32_t offset = dbk_zone_offset(zone, ms, span);
        require(span[0] <= ms && ms < span[1]);
        require(dbk_zone_offset(zone, span[0], NULL) == offset);
        require(dbk_zone_offset(zone, span[1] - 1, NULL) == offset);
        dbk_zone_local_to_utc(zone, ms);
        if (ms > -62135596800001 && ms < 253402300800000) {
            int64_t local = ms + (int64_t)offset * 1000;
            require(dbk_zone_local_to_utc(zone, local) <= ms);
        }
        for (int unit = DBK_UNIT_MINUTE; unit <= DBK_UNIT_YEAR; unit++) {
            dbk_bucket bucket = {(dbk_unit)unit, 1 + (int)i, (int)i * 100, zone};
            dbk_bucket_span(&bucket, ms, &start, &end);
            require(start <= ms && ms < end);
        }
    }
    dbk_zone_free(zone);
    return 0;
}
