// SPDX-License-Identifier: Apache-2.0
// Rows of a batch as NDJSON: how a load travels to a server.
#ifndef DBK_CLI_BATCH_JSON_H
#define DBK_CLI_BATCH_JSON_H

#include "engine/batch.h"

// Appends one line: the row's columns that have a value, exactly.
void dbk_batch_row_json(const dbk_batch *batch, uint32_t row, dbk_buffer *out);

#endif
