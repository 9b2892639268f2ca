// SPDX-License-Identifier: Apache-2.0
// Where the lines of an export go: a buffer of bounded size, then the file. Knows how far the job is and
// whether it was cancelled. Belongs to the thread that writes the job.
#ifndef DBK_EXPORT_SINK_H
#define DBK_EXPORT_SINK_H

#include "engine/base/bytes.h"
#include "http/exports/file.h"

typedef struct dbk_export_sink {
    dbk_buffer out; // append whole lines here, then call dbk_export_sink_lines
    dbk_export_file *file;
    int64_t rows;  // lines that were reported, the header not among them
    int64_t total; // how many there will be, as far as that is known; 0 = it is not
    // Turns true when the job is not to be finished. Queries take it as their `cancelled`.
    const volatile bool *cancelled;
    // Told each percent that the job gets ahead, never the hundredth: that is the file's to say. Optional.
    void (*on_percent)(void *user, int percent);
    void *user;
    int percent;
} dbk_export_sink;

// `lines` more lines of rows stand in the buffer (0 for the header): writes it out when it has grown enough.
// DBK_CANCELLED ends the job; so does whatever the disk says.
dbk_status dbk_export_sink_lines(dbk_export_sink *sink, int64_t lines, dbk_error *err);
// Tells how far the job is by another measure than lines: part of total. For work that comes before them.
void dbk_export_sink_reached(dbk_export_sink *sink, int64_t part, int64_t total);
// Writes out what is left in the buffer.
dbk_status dbk_export_sink_flush(dbk_export_sink *sink, dbk_error *err);

#endif
