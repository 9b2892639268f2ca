// SPDX-License-Identifier: Apache-2.0
// The header row of a CSV file, as tables and maps both read it.
#ifndef DBK_PARSE_CSV_HEADER_H
#define DBK_PARSE_CSV_HEADER_H

#include "ingest/parse/csv.h"

enum { DBK_CSV_COLUMNS_MAX = 1024 };

// Refuses what cannot be a header: faults, empty or duplicate names, lines that end in a lone CR, more than
// 1,024 columns.
dbk_status dbk_csv_header_check(const dbk_csv_row *header, dbk_error *err);
// Looks through the first bytes for a header row that is whole; *size is its length with its line end, 0 when
// it does not end in them.
void dbk_csv_header_find(const char *data, size_t length, size_t *size);

#endif
