// SPDX-License-Identifier: Apache-2.0
// From the bytes of a TZif file to a zone. Whoever only asks what time it is somewhere needs zone.h.
#ifndef DBK_BASE_ZONE_PARSE_H
#define DBK_BASE_ZONE_PARSE_H

#include "engine/base/status.h"
#include "engine/base/types.h"

typedef struct dbk_zone dbk_zone;

// DBK_CORRUPT: these are not the bytes of a TZif file; DBK_INVALID: of one that counts leap seconds. The
// caller frees with dbk_zone_free.
dbk_status dbk_zone_parse(const uint8_t *bytes, size_t size, dbk_zone **out, dbk_error *err);
void dbk_zone_free(dbk_zone *zone);

#endif
