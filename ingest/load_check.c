// SPDX-License-Identifier: Apache-2.0
// Everything that refuses a whole file is found here, at the speed of reading it: what its first bytes are,
// its header, NUL bytes, rows without end, gzip data that does not unpack to its end.
#include "ingest/load_check.h"

#include "ingest/load_piece.h"
#include "ingest/parse/csv.h"
#include "ingest/parse/csv_header.h"
#include "ingest/parse/csv_scan.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BLOCK = 1 << 20 };

static bool ends_with(const char *name, size_t length, const char *end)
{
    size_t end_length = strlen(end);
    return length >= end_length && strncasecmp(name + length - end_length, end, end_length) == 0;
}

static dbk_format find_format(const char *path, const char *data, size_t size)
{
    size_t length = strlen(path);
    if (ends_with(path, length, ".gz"))
        length -= 3;
    if (ends_with(path, length, ".ndjson") || ends_with(path, length, ".jsonl"))
        return DBK_FORMAT_NDJSON;
    if (ends_with(path, length, ".csv"))
        return DBK_FORMAT_CSV;
    size_t at = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < size && strchr(" \t\r\n", data[at]) && data[at])
        at++;
    return at < size && data[at] == '{' ? DBK_FORMAT_NDJSON : DBK_FORMAT_CSV;
}

static dbk_status drop_batch(void *user, dbk_batch *batch, dbk_error *err)
{
    (void)user;
    (void)err;
    dbk_batch_dispose(batch);
    free(batch);
    return DBK_OK;
}

// Lets a parser see the first block, which holds everything that it may refuse.
static dbk_status check_start(const dbk_load_options *options, dbk_format format, const char *data,
                              size_t size, bool whole, dbk_error *err)
{
    dbk_parse_sink sink = {drop_batch, NULL, NULL};
    dbk_parse_options parse = {.table = options->table,
                               .format = format,
                               .zone = options->zone,
                               .ignore_unknown = options->ignore_unknown};
    dbk_parser *parser;
    if (options->map)
        DBK_TRY(dbk_parser_create_mapped(&parser, options->map, &sink, err));
    else
        DBK_TRY(dbk_parser_create(&parser, &parse, &sink, err));
    dbk_status status = dbk_parser_feed(parser, data, size, err);
    if (status == DBK_OK && whole)
        status = dbk_parser_finish(parser, err);
    dbk_parser_destroy(parser);
    return status;
}

// The part of a block that decides: the header and some rows. A header that is larger is nothing anybody has.
static dbk_status check_first(const dbk_load_options *options, const char *path, const char *data,
                              size_t size, dbk_load_plan *plan, dbk_error *err)
{
    enum { START = 1 << 16 };
    plan->format = options->map ? DBK_FORMAT_CSV : options->format;
    if (!plan->format)
        plan->format = find_format(path, data, size);
    bool whole = size < START;
    DBK_TRY(check_start(options, plan->format, data, whole ? size : START, whole, err));
    if (plan->format == DBK_FORMAT_CSV) {
        size_t header;
        dbk_csv_header_find(data, size, &header);
        dbk_buffer_append(&plan->header, data, header ? header : size);
        if (!header && size == BLOCK)
            return dbk_fail(err, DBK_INVALID,
                            "line 1: a header of more than 1 MiB: is a quote left open there?");
    }
    return plan->header.failed ? dbk_fail(err, DBK_NO_MEMORY, "out of memory for a header") : DBK_OK;
}

static size_t find_split(dbk_format format, dbk_csv_state *state, const char *data, size_t size)
{
    if (format == DBK_FORMAT_CSV)
        return dbk_csv_split(state, data, size);
    const char *feed = memrchr(data, '\n', size);
    return feed ? (size_t)(feed + 1 - data) : 0;
}

static bool cut(dbk_load_plan *plan, uint64_t at)
{
    if (!dbk_load_grow((void **)&plan->cuts, plan->cuts_count, &plan->cuts_capacity, sizeof *plan->cuts))
        return false;
    plan->cuts[plan->cuts_count++] = at;
    return true;
}

void dbk_load_plan_dispose(dbk_load_plan *plan)
{
    dbk_buffer_dispose(&plan->header);
    free(plan->cuts);
}

// Rows that end in the block, and what they take.
static void count_rows(const char *block, size_t size, uint64_t *rows, uint64_t *bytes)
{
    const char *last = NULL;
    for (const char *at = block, *feed; (feed = memchr(at, '\n', (size_t)(block + size - at)));
         at = feed + 1) {
        last = feed;
        ++*rows;
    }
    *bytes += last ? (uint64_t)(last + 1 - block) : 0;
}

// The last ranges are smaller, so that no thread has much to do when the others are at their end.
static bool cut_ranges(dbk_load_plan *plan)
{
    const uint64_t whole = plan->range_bytes, end = plan->file_bytes;
    bool kept = true;
    for (uint64_t at = 0; at < end && kept;) {
        const bool is_last = end > 4 * whole && end - at <= 2 * whole;
        const uint64_t size = is_last ? whole / 2 + 1 : whole;
        at = end - at < size ? end : at + size;
        kept = cut(plan, at);
    }
    return kept;
}

// Rows are not as long at one end of a file as at the other: samples say what they take.
static dbk_status plan_ranges(const dbk_input *input, uint32_t range_rows, char *block, dbk_load_plan *plan,
                              dbk_error *err)
{
    enum { SAMPLES = 8, SAMPLE = 1 << 15 };
    uint64_t rows = 0, bytes = 0;
    for (uint64_t i = 0; i < SAMPLES; i++) {
        size_t got;
        DBK_TRY(dbk_input_read_at(input, block, SAMPLE, plan->file_bytes / SAMPLES * i, &got, err));
        count_rows(block, got, &rows, &bytes);
    }
    plan->rows = rows ? (uint64_t)((double)plan->file_bytes * (double)rows / (double)bytes) : 1;
    uint64_t ranges = (plan->rows + range_rows - 1) / range_rows;
    plan->range_bytes = plan->file_bytes / (ranges ? ranges : 1) + 1;
    if (plan->range_bytes > DBK_LOAD_PIECE_BYTES_MAX)
        plan->range_bytes = DBK_LOAD_PIECE_BYTES_MAX;
    return cut_ranges(plan) ? DBK_OK : dbk_fail(err, DBK_NO_MEMORY, "out of memory for a plan of a load");
}

dbk_status dbk_load_check_start(const dbk_load_options *options, const char *path, dbk_input *input,
                                uint32_t range_rows, dbk_load_plan *plan, dbk_error *err)
{
    *plan = (dbk_load_plan){0};
    char *block = malloc(BLOCK);
    if (!block)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for reading %s", path);
    size_t got;
    dbk_input_is_plain(input, &plan->file_bytes);
    dbk_status status = dbk_input_read(input, block, BLOCK, &got, err);
    if (status == DBK_OK)
        status = check_first(options, path, block, got, plan, err);
    if (status == DBK_OK)
        status = plan_ranges(input, range_rows, block, plan, err);
    free(block);
    return status == DBK_OK ? dbk_input_rewind(input, err) : status;
}

// Bytes of a piece of so many rows, if all are as long as those of this block.
static uint64_t piece_bytes(const char *block, size_t size, uint32_t piece_rows)
{
    uint64_t rows = 0, bytes = 0;
    count_rows(block, size, &rows, &bytes);
    bytes = rows ? bytes * piece_rows / rows : 0;
    return bytes < DBK_LOAD_PIECE_BYTES       ? DBK_LOAD_PIECE_BYTES
           : bytes > DBK_LOAD_PIECE_BYTES_MAX ? DBK_LOAD_PIECE_BYTES_MAX
                                              : bytes;
}

dbk_status dbk_load_check(const dbk_load_options *options, const char *path, dbk_input *input,
                          uint32_t piece_rows, dbk_load_plan *plan, dbk_error *err)
{
    dbk_status status = DBK_OK;
    dbk_csv_state state = DBK_CSV_OPENABLE;
    uint64_t at = 0, last_cut = 0, piece = DBK_LOAD_PIECE_BYTES;
    size_t got = 0, row = 0; // row: bytes since the last row ended
    bool kept = true;
    *plan = (dbk_load_plan){0};
    char *block = malloc(BLOCK);
    if (!block)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for reading %s", path);
    do {
        status = dbk_input_read(input, block, BLOCK, &got, err);
        if (status == DBK_OK && at == 0)
            status = check_first(options, path, block, got, plan, err);
        if (status != DBK_OK)
            break;
        if (at == 0 && piece_rows)
            piece = piece_bytes(block, got, piece_rows);
        const char *nul = got ? memchr(block, 0, got) : NULL;
        size_t split = got ? find_split(plan->format, &state, block, got) : 0;
        row = split ? got - split : row + got;
        if (split && at + split - last_cut >= piece) {
            last_cut = at + split;
            kept &= cut(plan, last_cut);
        }
        if (nul)
            status = dbk_fail(err, DBK_INVALID, "a NUL byte at offset %llu: this is not a text file",
                              (unsigned long long)(at + (uint64_t)(nul - block)));
        else if (row > DBK_CSV_ROW_MAX)
            status = dbk_fail(
                err, DBK_INVALID,
                "the row that begins at offset %llu is longer than %d MiB: is a quote left open there?",
                (unsigned long long)(at + got - row), DBK_CSV_ROW_MAX >> 20);
        at += got;
    } while (status == DBK_OK && got == BLOCK);
    free(block);
    if (last_cut < at || at == 0)
        kept &= cut(plan, at);
    if (status == DBK_OK && !kept)
        status = dbk_fail(err, DBK_NO_MEMORY, "out of memory for reading %s", path);
    return status == DBK_OK ? dbk_input_rewind(input, err) : status;
}
