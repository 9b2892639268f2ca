// SPDX-License-Identifier: Apache-2.0
// Writes CSV as RFC 4180 has it into a buffer, cell by cell: commas between cells, CRLF behind each row,
// quotes where a cell needs them. A failed allocation shows in the buffer's `failed`, once, at the end.
//
// A spreadsheet takes a cell that begins with =, +, -, @, a tab or a carriage return for a formula. Such
// texts get an apostrophe in front, which spreadsheets read as "this is text". Numbers and times, which we
// write ourselves, do not.
#ifndef DBK_CSV_WRITER_H
#define DBK_CSV_WRITER_H

#include "engine/base/bytes.h"
#include "engine/base/types.h"

typedef struct dbk_sheet {
    dbk_buffer *out;
    bool comma; // a cell stands before in this row
} dbk_sheet;

dbk_sheet dbk_sheet_init(dbk_buffer *out);

// A column's name, or another constant of ours: as it stands, without guard and quotes.
void dbk_sheet_key(dbk_sheet *sheet, const char *name);
// The same for a text that is not a constant: digits, days, words of ours. Empty when there is no value.
void dbk_sheet_plain(dbk_sheet *sheet, dbk_text text);
// A row of keys.
void dbk_sheet_header(dbk_sheet *sheet, const char *const *names, size_t count);
// Guarded and quoted; bytes that are not UTF-8 become U+FFFD. Empty when there is no value.
void dbk_sheet_text(dbk_sheet *sheet, dbk_text text);
void dbk_sheet_empty(dbk_sheet *sheet);
// These write nothing for DBK_NULL.
void dbk_sheet_int(dbk_sheet *sheet, int64_t value);
void dbk_sheet_time(dbk_sheet *sheet, int64_t ms); // 2026-04-17T23:59:59.999Z
// Money in ten-thousandths with so many digits, rounded once.
void dbk_sheet_money(dbk_sheet *sheet, int64_t value, int digits);
// … a sum over a divisor (1 for the sum itself), which always has a value.
void dbk_sheet_wide_money(dbk_sheet *sheet, dbk_i128 value, int64_t divisor, int digits);
void dbk_sheet_row_end(dbk_sheet *sheet);

#endif
