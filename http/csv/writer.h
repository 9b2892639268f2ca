// SPDX-License-Identifier: Apache-2.0
// Cells of a CSV.
#ifndef DBK_CSV_WRITER_H
#define DBK_CSV_WRITER_H
#include "engine/base/bytes.h"
void dbk_cell_text(dbk_buffer *out, bool first, dbk_text text);
void dbk_cell_plain(dbk_buffer *out, bool first, dbk_text text);
void dbk_cell_line_end(dbk_buffer *out);
#endif
