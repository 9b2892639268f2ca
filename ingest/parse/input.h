// SPDX-License-Identifier: Apache-2.0
// Where rows come from: a file, a gzip file (by what it begins with, whatever its name) or standard input.
#ifndef DBK_PARSE_INPUT_H
#define DBK_PARSE_INPUT_H

#include "engine/base/status.h"
#include "engine/base/types.h"

typedef struct dbk_input dbk_input;

// "-" is standard input, which is first copied to a temporary file without a name (in $TMPDIR, else /tmp), so
// that it can be read twice like any other; that blocks until its end. DBK_NOT_FOUND, DBK_IO.
dbk_status dbk_input_open(dbk_input **out, const char *path, dbk_error *err);
// Up to size bytes of the content, unpacked; fewer only at its end, where *got is 0 at last. A gzip file that
// ends too early, is damaged or has something else behind it is DBK_INVALID, after all that could be read.
dbk_status dbk_input_read(dbk_input *input, void *data, size_t size, size_t *got, dbk_error *err);
// For content that lies in the file as it is: its size, and any part of it, from any thread at once. False
// when it has to be unpacked.
bool dbk_input_is_plain(const dbk_input *input, uint64_t *size);
dbk_status dbk_input_read_at(const dbk_input *input, void *data, size_t size, uint64_t offset, size_t *got,
                             dbk_error *err);
// Back to the first byte.
dbk_status dbk_input_rewind(dbk_input *input, dbk_error *err);
// For progress, in bytes of the file as it lies there; total is 0 when unknown.
void dbk_input_progress(const dbk_input *input, uint64_t *done, uint64_t *total);
void dbk_input_close(dbk_input *input);

#endif
