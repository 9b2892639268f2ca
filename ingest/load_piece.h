// SPDX-License-Identifier: Apache-2.0
// A piece of an input, cut between two rows, and what parsing it gave: kept until it is its turn.
#ifndef DBK_LOAD_PIECE_H
#define DBK_LOAD_PIECE_H

#include "ingest/load_check.h"

// A reject that outlives its row.
typedef struct dbk_load_kept {
    dbk_reject reject;
    char column_name[64], reason[160];
    char *row;
    uint32_t row_length;
} dbk_load_kept;

typedef struct dbk_load_piece {
    bool parsed; // for whoever waits for it, under the loader's lock
    char *data;  // the piece, or room to read a range
    size_t size, capacity;
    // A range of a plain file, which whoever parses it reads (load_range.c); to = 0: the data is there. The
    // rows in [begin, end) are those that begin in [from, to).
    uint64_t from, to, file_bytes, begin, end;
    bool knows_begin; // it was told; otherwise it is what parsing took it for
    // Of a range that is not the first, 2: what is found is numbered from there, and moved in the end.
    uint64_t first_line;
    dbk_load_ticket **tickets;
    size_t tickets_count, tickets_capacity;
    dbk_load_kept *rejects;
    size_t rejects_count, rejects_capacity;
    struct dbk_load *load; // the tickets'
    bool no_memory;        // keeping batches or rejects
    uint64_t rows, lines;
    dbk_status status;
    dbk_error error;
} dbk_load_piece;

// Parses the piece's data, or its range of the input. The batches, rejects and rows of a failed piece count
// for nothing, and yet must be freed.
void dbk_load_piece_parse(dbk_load_piece *piece, struct dbk_load *load, const dbk_load_options *options,
                          const dbk_load_plan *plan, const dbk_input *input);
// Reads the range and feeds its rows to the parser (load_range.c).
dbk_status dbk_load_range_feed(dbk_load_piece *piece, const dbk_input *input, dbk_format format,
                               dbk_parser *parser, dbk_error *err);
// A ticket for a batch, which it takes over, prepared for the sink; NULL when memory is out (load.c).
dbk_load_ticket *dbk_load_ticket_make(struct dbk_load *load, dbk_batch *batch, dbk_error *err);
// Frees a batch that is on the heap.
void dbk_load_batch_free(dbk_batch *batch);
// Room for one more element of an array.
bool dbk_load_grow(void **array, size_t count, size_t *capacity, size_t size);

#endif
