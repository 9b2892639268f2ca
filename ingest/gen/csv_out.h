// SPDX-License-Identifier: Apache-2.0
// One CSV file being written: fields one after another, a line at a time. Fields of the generator never need
// quotes.
#ifndef DBK_GEN_CSV_OUT_H
#define DBK_GEN_CSV_OUT_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"

typedef struct dbk_csv_out {
    int fd;
    dbk_buffer buffer;
    bool line_open;
    uint64_t rows;
    uint64_t bytes;
    int error_number; // the first failed write; checked at the end
} dbk_csv_out;

// Creates directory/name.csv (replacing it) and writes the header line as given.
dbk_status dbk_csv_out_open(dbk_csv_out *out, const char *directory, const char *name, const char *header,
                            dbk_error *err);
void dbk_csv_text(dbk_csv_out *out, const char *text);
void dbk_csv_format(dbk_csv_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void dbk_csv_int(dbk_csv_out *out, int64_t value);
// Cents as decimal text with two digits.
void dbk_csv_cents(dbk_csv_out *out, int64_t cents);
// An instant in ms, 0 = empty field.
void dbk_csv_time(dbk_csv_out *out, int64_t ms);
void dbk_csv_empty(dbk_csv_out *out);
void dbk_csv_end_line(dbk_csv_out *out);
dbk_status dbk_csv_out_close(dbk_csv_out *out, const char *name, dbk_error *err);

#endif
