// SPDX-License-Identifier: Apache-2.0
// One line of a mapped file: its texts, the values that a map's choices come to in it, and why it cannot be
// used.
#ifndef DBK_PARSE_MAP_LINE_H
#define DBK_PARSE_MAP_LINE_H

#include "ingest/parse/csv.h"
#include "ingest/parse/map_keys.h"
#include "ingest/parse/map_plan.h"

// What a choice came to: for a line, or so far for a group.
typedef struct map_value {
    bool has;
    int64_t number; // of an integer column
    dbk_text text;  // of a text or code
} map_value;

typedef struct map_line {
    const dbk_map *map;
    uint32_t field_of[MAP_SOURCES_MAX];    // 0-based field of each source
    dbk_map_keys numbers[MAP_SOURCES_MAX]; // of sources that are counted
    char scratch[65536];                   // texts made for the line at hand
    size_t scratch_used;
    const dbk_csv_row *row; // the line at hand
    uint32_t fault_field;   // 1-based; 0 = the whole line
    const char *fault;      // why the line cannot be used
    char reason[160];       // room for faults that are made up
} map_line;

// The text of a source in the line, without blanks around it.
dbk_text dbk_map_line_text(const map_line *line, int source);
// Says what is wrong with the line; source -1: all of it. Returns false.
bool dbk_map_line_fail(map_line *line, int source, const char *reason);
// What a choice for a column comes to. False: the line failed.
bool dbk_map_line_take(map_line *line, const dbk_column_def *def, const map_choice *choice, map_value *out);
// A source of the term, to point at in messages; -1 when there is none.
int dbk_map_term_source(const map_term *term);

#endif
