// SPDX-License-Identifier: Apache-2.0
// What becomes of rejected rows: a message each, and two files beside the one that is loaded. FILE.rejects
// holds the header and the rows as they were, to be repaired and loaded like any file; FILE.rejects.txt says
// why, one line a row: "line:column: name: reason".
#ifndef DBK_LOAD_REJECTS_H
#define DBK_LOAD_REJECTS_H

#include "ingest/load_check.h"

typedef struct dbk_load_rejects {
    const dbk_load_options *options;
    const char *path;
    const dbk_load_plan *plan;
    void *rows, *reasons; // FILE *, from the first reject on
    bool failed;          // a file could not be written
    uint64_t count;
} dbk_load_rejects;

void dbk_load_rejects_add(dbk_load_rejects *rejects, const dbk_reject *reject, dbk_text row);
// Looks for the rows that begin on these lines (ascending) in the input and writes them too.
dbk_status dbk_load_rejects_find(dbk_load_rejects *rejects, dbk_input *input, const dbk_reject *found,
                                 size_t count, dbk_error *err);
// DBK_IO when the files could not be written.
dbk_status dbk_load_rejects_close(dbk_load_rejects *rejects, dbk_error *err);

// For a file that was refused after all: closes and removes what was written.
void dbk_load_rejects_drop(dbk_load_rejects *rejects);

#endif
