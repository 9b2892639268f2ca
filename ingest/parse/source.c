// SPDX-License-Identifier: Apache-2.0
// What the sources share.
#include "ingest/parse/source.h"

void dbk_source_reject(dbk_source *source, const dbk_reject *reject, dbk_text row)
{
    source->totals.rejected++;
    if (source->sink.on_reject)
        source->sink.on_reject(source->sink.user, reject, row);
}

dbk_status dbk_source_unknown(const dbk_table_def *table, uint64_t line, dbk_text name, dbk_error *err)
{
    char known[360];
    dbk_rows_column_list(table, known, sizeof known);
    int shown = name.length < 64 ? (int)name.length : 64;
    return dbk_fail(err, DBK_INVALID, "line %llu: %s has no column \"%.*s\"; its columns are %s",
                    (unsigned long long)line, table->name, shown, name.data, known);
}

const char *dbk_source_column_name(const dbk_table_def *table, int column)
{
    return column == DBK_ROW_CATEGORY ? "category" : column < 0 ? NULL : table->columns[column].name;
}
