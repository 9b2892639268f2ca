// SPDX-License-Identifier: Apache-2.0
// Lines on their way to a file.
#include "http/exports/sink.h"

enum { FLUSH_BYTES = 256 << 10 };

dbk_status dbk_export_sink_flush(dbk_export_sink *sink, dbk_error *err)
{
    if (sink->out.failed)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for the lines of an export");
    if (sink->out.size > 0)
        DBK_TRY(dbk_export_file_append(sink->file, sink->out.data, sink->out.size, err));
    dbk_buffer_reset(&sink->out);
    return DBK_OK;
}

void dbk_export_sink_reached(dbk_export_sink *sink, int64_t part, int64_t total)
{
    dbk_i128 exact = total > 0 ? (dbk_i128)part * 100 / total : 0;
    int percent = exact < 0 ? 0 : exact > 99 ? 99 : (int)exact;
    if (percent <= sink->percent)
        return;
    sink->percent = percent;
    if (sink->on_percent != NULL)
        sink->on_percent(sink->user, percent);
}

dbk_status dbk_export_sink_lines(dbk_export_sink *sink, int64_t lines, dbk_error *err)
{
    sink->rows += lines;
    if (__atomic_load_n(sink->cancelled, __ATOMIC_RELAXED))
        return dbk_fail(err, DBK_CANCELLED, "the export was cancelled");
    if (sink->out.size < FLUSH_BYTES && !sink->out.failed)
        return DBK_OK;
    dbk_export_sink_reached(sink, sink->rows, sink->total);
    return dbk_export_sink_flush(sink, err);
}
