// SPDX-License-Identifier: Apache-2.0
// Reports that are lists: records in order of time and id, all of them or a page, and what all come to.
//
// Records are asked for in blocks and written at once, so that what is in memory is one block and the answer.
#ifndef DBK_BLOCKS_LIST_H
#define DBK_BLOCKS_LIST_H

#include "http/blocks/report.h"

typedef enum dbk_blocks_kind {
    DBK_BLOCKS_TEXT,
    DBK_BLOCKS_MONEY,
    DBK_BLOCKS_RATE, // percent, one decimal
    DBK_BLOCKS_TIME,
    DBK_BLOCKS_STATUS,
    DBK_BLOCKS_CURRENCY, // a row without one has the tenant's
} dbk_blocks_kind;

typedef struct dbk_blocks_column {
    const char *key, *path; // in the record, in the table
    dbk_blocks_kind kind;
} dbk_blocks_column;

enum { DBK_BLOCKS_COLUMNS_MAX = 12 };

typedef struct dbk_blocks_list {
    const dbk_blocks_column *columns;
    int columns_count;
    const char *total_key; // of the sum of the source's first column; NULL = not shown
} dbk_blocks_list;

// Answers the call.
void dbk_blocks_answer_list(dbk_call *call, const dbk_blocks_source *source, const dbk_blocks_list *list);

#endif
