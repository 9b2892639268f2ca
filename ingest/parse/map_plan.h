// SPDX-License-Identifier: Apache-2.0
// A map as it is kept between reading (map_file.c) and applying it (map_line.c, map_source.c).
//
// A map names columns of the file (sources) and fills columns of tables from them. Each filled column is a
// list of choices in order of preference, of which the first that has a value wins; rules ("status when …")
// are choices with a condition and come before the others.
#ifndef DBK_PARSE_MAP_PLAN_H
#define DBK_PARSE_MAP_PLAN_H

#include "engine/base/arena.h"
#include "engine/base/zone.h"
#include "engine/schema.h"
#include "ingest/parse/map.h"

enum {
    MAP_SOURCES_MAX = 64,
    MAP_SECTIONS_MAX = 16,
    MAP_CHOICES_MAX = 8,
    MAP_PARTS_MAX = 8,
};

// How a column of a file writes its times; NULL: ISO 8601.
typedef struct map_source {
    dbk_text name;
    const char *time_pattern;
    bool counted; // {#Name} stands somewhere
} map_source;

typedef enum map_part_kind { MAP_LITERAL, MAP_SOURCE, MAP_NUMBER } map_part_kind;

// A piece of a text: as it stands, a column's value, or the running number of the line among those with the
// same value.
typedef struct map_part {
    map_part_kind kind;
    int source;
    dbk_text literal;
} map_part;

typedef struct map_term {
    map_part parts[MAP_PARTS_MAX];
    int parts_count;
} map_term;

typedef enum map_test {
    MAP_ALWAYS,
    MAP_IS,
    MAP_IS_NOT,
    MAP_IS_BLANK,
    MAP_IS_NOT_BLANK,
    MAP_IS_NEGATIVE,
    MAP_STARTS_WITH,
    MAP_ENDS_WITH,
    MAP_CONTAINS,
} map_test;

typedef enum map_pick { MAP_FIRST, MAP_LAST, MAP_SMALLEST, MAP_LARGEST, MAP_SUM } map_pick;

typedef struct map_choice {
    map_test test;
    int test_source;
    dbk_text test_text;
    map_pick pick; // over the lines of a group
    map_term terms[4];
    int terms_count; // more than one: their product
} map_choice;

typedef struct map_column {
    int column; // of the table, or DBK_ROW_CATEGORY
    map_choice choices[MAP_CHOICES_MAX];
    int choices_count;
} map_column;

typedef struct map_section {
    const dbk_table_def *table;
    int group; // source whose distinct values make one row each; -1: one row a line
    map_column columns[DBK_COLUMNS_MAX + 1];
    int columns_count;
} map_section;

struct dbk_map {
    dbk_arena arena;
    const dbk_zone *zone; // of times without offset
    const char *time_pattern;
    map_source sources[MAP_SOURCES_MAX];
    int sources_count;
    map_section sections[MAP_SECTIONS_MAX];
    int sections_count;
};

// ---- map_time.c ----

// NULL, or what is wrong with a pattern such as "M/D/YYYY H:mm".
const char *dbk_map_time_check(const char *pattern);
// The instant that a text is by the pattern, read in the zone.
bool dbk_map_time_parse(const char *pattern, dbk_text text, const dbk_zone *zone, int64_t *out_ms);

#endif
