// SPDX-License-Identifier: Apache-2.0
// Time zones from the system's TZif files (RFC 9636), without the process-global TZ of the C library.
//
// Zones are loaded once, cached for the life of the process and immutable, so a pointer may be kept and
// shared between threads. The rule in a file's footer is expanded to transitions until the year 2200. Below,
// a zone of NULL is UTC.
#ifndef DBK_BASE_ZONE_H
#define DBK_BASE_ZONE_H

#include "engine/base/status.h"
#include "engine/base/types.h"

typedef struct dbk_zone dbk_zone;

// The zone of an IANA name such as "Europe/Berlin" from /usr/share/zoneinfo (or $TZDIR). "UTC" always exists.
// Names that could leave the folder ("..", absolute) are refused as DBK_INVALID; a missing one is
// DBK_NOT_FOUND. Thread-safe.
dbk_status dbk_zone_load(const char *name, const dbk_zone **out, dbk_error *err);

const char *dbk_zone_name(const dbk_zone *zone);

// Seconds east of Greenwich at a UTC instant. If span is given, [span[0], span[1]) in ms is the period around
// it in which the offset does not change.
int32_t dbk_zone_offset(const dbk_zone *zone, int64_t utc_ms, int64_t span[2]);

// The UTC instant of a local wall-clock reading (local_ms counts as if it were UTC). A reading that a clock
// change skips maps to the instant of the change; one that occurs twice maps to the earlier.
int64_t dbk_zone_local_to_utc(const dbk_zone *zone, int64_t local_ms);

#endif
