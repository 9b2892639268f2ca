// SPDX-License-Identifier: Apache-2.0
// Where the fields of one column of a run stand: only those that have a text, side by side, so that nothing
// that looks at them asks whether there is one.
#ifndef DBK_PARSE_RUN_FIELDS_H
#define DBK_PARSE_RUN_FIELDS_H

#include "ingest/parse/row_run.h"

// So many fields are looked at together: what is behind the last is made up, and results are written for it.
enum { DBK_RUN_LANES = 16 };

// The ends of a run field by field, side by side; all zeros to begin with.
typedef struct dbk_run_ends {
    uint32_t *before; // field f of row r begins behind before[f * DBK_RUN_ROWS + r], and ends at the next f's
    size_t fields;    // that there is room for
} dbk_run_ends;
// false: no memory.
bool dbk_run_ends_turn(dbk_run_ends *ends, const dbk_run *run);
void dbk_run_ends_dispose(dbk_run_ends *ends);

typedef struct dbk_run_fields {
    uint32_t count;
    // Of each: where its text begins in the run's, its bytes, at least one, and its row.
    uint32_t from[DBK_RUN_ROWS + DBK_RUN_LANES];
    uint32_t length[DBK_RUN_ROWS + DBK_RUN_LANES];
    uint8_t row[DBK_RUN_ROWS + DBK_RUN_LANES];
    uint8_t present[DBK_RUN_ROWS / 8]; // bit r % 8 of byte r / 8: row r has a text
} dbk_run_fields;
_Static_assert(DBK_RUN_ROWS <= 256, "a row of a run is a byte");

// Of the first `rows` rows.
void dbk_run_fields_find(const dbk_run *run, const dbk_run_ends *ends, uint32_t field, uint32_t rows,
                         dbk_run_fields *out);
// The first row that has no text, `rows` if all have.
uint32_t dbk_run_fields_absent(const dbk_run_fields *fields, uint32_t rows);
// Gives each of the first `rows` rows its value, rows without text `none`. values: of the fields.
void dbk_run_fields_spread64(const dbk_run_fields *fields, uint32_t rows, const int64_t *values, int64_t none,
                             int64_t *out);
void dbk_run_fields_spread32(const dbk_run_fields *fields, uint32_t rows, const uint32_t *values,
                             uint32_t none, uint32_t *out);

static inline dbk_text dbk_run_field(const dbk_run *run, const dbk_run_fields *fields, uint32_t i)
{
    return (dbk_text){run->text + fields->from[i], fields->length[i]};
}

#endif
