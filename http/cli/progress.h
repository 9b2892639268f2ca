// SPDX-License-Identifier: Apache-2.0
// A progress bar on stderr, on a terminal only.
#ifndef DBK_CLI_PROGRESS_H
#define DBK_CLI_PROGRESS_H

#include "engine/base/types.h"

typedef struct dbk_progress {
    bool shown;       // stderr is a terminal
    const char *unit; // what is counted, plural
    int64_t started_ms, drawn_ms;
} dbk_progress;

dbk_progress dbk_progress_begin(const char *unit);
// done of total in whatever measures the way (bytes, rows; total 0 = unknown), and how many units that is.
// Draws at most ten times a second.
void dbk_progress_update(dbk_progress *progress, uint64_t done, uint64_t total, uint64_t units);
// Wipes the bar.
void dbk_progress_end(dbk_progress *progress);

#endif
