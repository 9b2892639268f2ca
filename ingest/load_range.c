// SPDX-License-Identifier: Apache-2.0
// A range of a file, read by the thread that parses it, in steps that stay in the second-level cache, to where
// the parser looks at them.
//
// A range has the rows that begin in it. Where the first one begins is behind the first line feed that ends a
// row, at or behind the byte before the range. Whether a line feed does can only be told from the start of
// the file on; it is taken for granted that the range does not begin inside quotes. The loader compares:
// where a range ended and the next one began must be the same place, else that one is parsed again from the
// right one.
#include "ingest/load_piece.h"
#include "ingest/parse/csv_scan.h"

#include <stdlib.h>
#include <string.h>

enum { STEP = DBK_PARSER_ROOM, SCAN_STEP = 4096, FIND_STEP = 4096 };

typedef struct range {
    dbk_load_piece *piece;
    const dbk_input *input;
    dbk_format format;
    dbk_csv_state state; // behind what was fed
    dbk_error *err;
} range;

static dbk_status read_step(const range *r, char *to, uint64_t at, size_t wanted, dbk_error *err)
{
    size_t got;
    DBK_TRY(dbk_input_read_at(r->input, to, wanted, at, &got, err));
    return got == wanted ? DBK_OK : dbk_fail(err, DBK_IO, "the file became shorter while it was loaded");
}

static size_t step_at(const range *r, uint64_t at, size_t most)
{
    const uint64_t left = r->piece->file_bytes - at;
    return left < most ? (size_t)left : most;
}

static dbk_status find_begin(const range *r)
{
    dbk_load_piece *p = r->piece;
    if (p->knows_begin)
        return DBK_OK;
    for (uint64_t at = p->from - 1; at < p->file_bytes;) {
        const size_t step = step_at(r, at, FIND_STEP);
        DBK_TRY(read_step(r, p->data, at, step, r->err));
        const char *feed = memchr(p->data, '\n', step);
        if (feed) {
            p->begin = at + (uint64_t)(feed + 1 - p->data);
            return DBK_OK;
        }
        at += step;
    }
    p->begin = p->file_bytes;
    return DBK_OK;
}

// Moves the state on over these bytes.
static void pass_over(range *r, const char *data, size_t size)
{
    if (r->format != DBK_FORMAT_CSV || size == 0)
        return;
    if (memchr(data, '"', size)) {
        dbk_csv_split(&r->state, data, size);
    } else if (r->state != DBK_CSV_INSIDE) {
        const char last = data[size - 1];
        r->state = last == ',' || last == '\n' ? DBK_CSV_OPENABLE : DBK_CSV_PLAIN;
    }
}

// The bytes up to the end of the first row that ends in them, 0 when none does.
static size_t find_row_end(range *r, const char *data, size_t size)
{
    if (r->format != DBK_FORMAT_CSV) {
        const char *feed = memchr(data, '\n', size);
        return feed ? (size_t)(feed + 1 - data) : 0;
    }
    uint32_t ends[SCAN_STEP + DBK_CSV_SCAN_AHEAD];
    for (size_t at = 0; at < size; at += SCAN_STEP) {
        const size_t step = size - at < SCAN_STEP ? size - at : SCAN_STEP;
        const size_t count = dbk_csv_scan(&r->state, data + at, step, 0, ends);
        for (size_t i = 0; i < count; i++) {
            if (data[at + ends[i]] == '\n')
                return at + ends[i] + 1;
        }
    }
    return 0;
}

static dbk_status feed_rows(range *r, dbk_parser *parser)
{
    dbk_load_piece *p = r->piece;
    bool is_done = p->begin >= p->to;
    p->end = p->begin;
    while (!is_done && p->end < p->file_bytes) {
        const size_t step = step_at(r, p->end, STEP);
        size_t taken = step;
        char *room = dbk_parser_room(parser), *data = room ? room : p->data;
        DBK_TRY(read_step(r, data, p->end, step, r->err));
        if (p->to < p->file_bytes && p->end + step >= p->to) {
            // The row that the last byte before `to` belongs to is the last one.
            const size_t sure = p->to - 1 > p->end ? (size_t)(p->to - 1 - p->end) : 0;
            pass_over(r, data, sure);
            const size_t rest = find_row_end(r, data + sure, step - sure);
            is_done = rest > 0;
            taken = is_done ? sure + rest : step;
        } else {
            pass_over(r, data, step);
        }
        DBK_TRY(dbk_parser_feed(parser, data, taken, r->err));
        p->end += taken;
    }
    return DBK_OK;
}

dbk_status dbk_load_range_feed(dbk_load_piece *p, const dbk_input *input, dbk_format format,
                               dbk_parser *parser, dbk_error *err)
{
    range r = {.piece = p, .input = input, .format = format, .err = err};
    if (!p->data) {
        p->data = malloc(STEP);
        if (!p->data)
            return dbk_fail(err, DBK_NO_MEMORY, "out of memory for reading a file");
        p->capacity = STEP;
    }
    DBK_TRY(find_begin(&r));
    return feed_rows(&r, parser);
}
