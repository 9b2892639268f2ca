// SPDX-License-Identifier: Apache-2.0
// Maps: small INI files that turn a foreign CSV export into Daybook's tables. docs/MAPS.md is the grammar.
#ifndef DBK_PARSE_MAP_H
#define DBK_PARSE_MAP_H

#include "engine/base/status.h"
#include "engine/base/types.h"

typedef struct dbk_map dbk_map;

// Reads a map. `name` is for messages. DBK_INVALID says which line and what is wrong with it. A map is
// immutable: any number of parsers in any threads may use it.
dbk_status dbk_map_parse(dbk_map **out, const char *text, size_t size, const char *name, dbk_error *err);
dbk_status dbk_map_load(dbk_map **out, const char *path, dbk_error *err);
void dbk_map_destroy(dbk_map *map);

#endif
