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
} dbk_far;

// The view may be NULL: nothing is found in it.
void dbk_far_init(dbk_far *far, const dbk_table_view *view, int column, dbk_type type);
void dbk_far_dispose(dbk_far *far);
// out[row] = the value at places[row], of the `count` rows listed; "no value" for DBK_NO_PLACE. `out` is
// int64_t or uint32_t by the type. False: no memory.
bool dbk_far_read(dbk_far *far, const dbk_place *places, const uint16_t *rows, uint32_t count, void *out);

#endif
