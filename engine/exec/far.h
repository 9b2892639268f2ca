// SPDX-License-Identifier: Apache-2.0
// Values of a column of another table at given places, for one thread. Places that follow one another mostly
// lie in one vector, which is then decoded once.
#ifndef DBK_EXEC_FAR_H
#define DBK_EXEC_FAR_H

#include "engine/table/view.h"

typedef struct dbk_far {
    const dbk_table_view *view;
    int column;
    dbk_type type;    // integers or codes
    dbk_place vector; // the place of the first row of the decoded vector; DBK_NO_PLACE = none
    const void *values;
    void *scratch;
    // Which rows of a vector lie in the interval that was asked for last.
    dbk_place judged; // the place of the vector's first row; DBK_NO_PLACE = none
    int64_t lo, hi;
    uint64_t within[DBK_MASK_WORDS];
} dbk_far;

// The view may be NULL: nothing is found in it.
void dbk_far_init(dbk_far *far, const dbk_table_view *view, int column, dbk_type type);
void dbk_far_dispose(dbk_far *far);
// out[row] = the value at places[row], of the `count` rows listed; "no value" for DBK_NO_PLACE. `out` is
// int64_t or uint32_t by the type. False: no memory.
bool dbk_far_read(dbk_far *far, const dbk_place *places, const uint16_t *rows, uint32_t count, void *out);

// Of the rows listed, clears the bits of those whose value is not in [lo, hi], "no value" being DBK_NULL and
// code 0. Vectors are judged without making their values where that can be. False: no memory.
bool dbk_far_between(dbk_far *far, const dbk_place *places, const uint16_t *rows, uint32_t count, int64_t lo,
                     int64_t hi, uint64_t mask[DBK_MASK_WORDS]);

#endif
