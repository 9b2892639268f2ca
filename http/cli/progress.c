// SPDX-License-Identifier: Apache-2.0
// Drawn over itself, at most ten times a second.
#include "http/cli/progress.h"

#include "engine/base/clock.h"
#include "http/cli/cli.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR_WIDTH = 30 };

dbk_progress dbk_progress_begin(const char *unit)
{
    return (dbk_progress){.shown = isatty(STDERR_FILENO), .unit = unit, .started_ms = dbk_clock_steady_ms()};
}

void dbk_progress_update(dbk_progress *progress, uint64_t done, uint64_t total, uint64_t units)
{
    if (!progress->shown)
        return;
    int64_t now = dbk_clock_steady_ms();
    if (now - progress->drawn_ms < 100)
        return;
    progress->drawn_ms = now;
    double seconds = (double)(now - progress->started_ms) / 1000;
    char count[32], rate[32];
    dbk_cli_human(count, (double)units, progress->unit);
    dbk_cli_human(rate, seconds > 0 ? (double)units / seconds : 0, "");
    if (total == 0) {
        fprintf(stderr, "\r\033[K%s, %s/s", count, rate);
        return;
    }
    double part = (double)done / (double)total;
    if (part > 1)
        part = 1;
    int filled = (int)(part * BAR_WIDTH);
    fprintf(stderr, "\r\033[K[%.*s%*s] %3.0f%%  %s, %s/s", filled, "##############################",
            BAR_WIDTH - filled, "", part * 100, count, rate);
    if (part > 0.01)
        fprintf(stderr, ", %.0f s left", seconds / part - seconds);
}

void dbk_progress_end(dbk_progress *progress)
{
    if (progress->shown && progress->drawn_ms)
        fputs("\r\033[K", stderr);
}
