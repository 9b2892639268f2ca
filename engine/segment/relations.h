// SPDX-License-Identifier: Apache-2.0
// Which columns of a row say something about which others. Only the builder asks: a file names the columns
// that it refers to itself, so what stands here may change at any time.
#ifndef DBK_SEGMENT_RELATIONS_H
#define DBK_SEGMENT_RELATIONS_H

#include "engine/schema.h"
#include "engine/segment/format.h"

typedef struct dbk_relation {
    bool is_share; // a constant part of the sum (a rate of tax) rather than the sum itself
    int terms;
    uint8_t columns[DBK_DERIVED_TERMS_MAX];
    int8_t signs[DBK_DERIVED_TERMS_MAX];
} dbk_relation;

enum { DBK_RELATIONS_MAX = 4 };

// The relations worth trying for a column; returns how many. Following them from column to column never leads
// back.
int dbk_relations_of(const dbk_table_def *table, int column, dbk_relation out[DBK_RELATIONS_MAX]);

#endif
