// SPDX-License-Identifier: Apache-2.0
// What is wrong with a header is said before any row is read.
#include "ingest/parse/csv_header.h"

#include "ingest/parse/csv_scan.h"
#include "ingest/parse/row.h"

#include <string.h>

dbk_status dbk_csv_header_check(const dbk_csv_row *header, dbk_error *err)
{
    unsigned long long line = header->line;
    if (header->fault)
        return dbk_fail(err, DBK_INVALID, "line %llu: the header cannot be read: %s in field %u", line,
                        header->fault, header->fault_field);
    if (memchr(header->raw.data, '\r', header->raw.length))
        return dbk_fail(err, DBK_INVALID, "line %llu: lines end in CR alone; convert them (tr '\\r' '\\n')",
                        line);
    if (header->count > DBK_CSV_COLUMNS_MAX)
        return dbk_fail(err, DBK_INVALID, "line %llu: %u columns; at most %d are read", line, header->count,
                        DBK_CSV_COLUMNS_MAX);
    for (uint32_t i = 0; i < header->count; i++) {
        dbk_text name = dbk_text_trim(header->fields[i]);
        if (name.length == 0)
            return dbk_fail(err, DBK_INVALID, "line %llu: column %u of the header has no name", line, i + 1);
        for (uint32_t j = 0; j < i; j++) {
            if (dbk_text_equal(name, dbk_text_trim(header->fields[j])))
                return dbk_fail(err, DBK_INVALID, "line %llu: the header names column \"%.*s\" twice", line,
                                name.length < 64 ? (int)name.length : 64, name.data);
        }
    }
    return DBK_OK;
}

void dbk_csv_header_find(const char *data, size_t length, size_t *size)
{
    dbk_csv_state state = DBK_CSV_OPENABLE;
    uint32_t positions[1 + DBK_CSV_SCAN_AHEAD];
    size_t first = 0;
    *size = 0;
    for (size_t i = 0; i < length; i++) {
        size_t count = dbk_csv_scan(&state, data + i, 1, 0, positions);
        if (count == 0 || data[i] != '\n')
            continue;
        bool empty = i == first || (i == first + 1 && data[first] == '\r');
        first = i + 1;
        if (!empty) {
            *size = i + 1;
            return;
        }
    }
}
