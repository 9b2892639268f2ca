// SPDX-License-Identifier: Apache-2.0
// A window over the input that always begins with a row. Each step appends 64 KiB, scans them for the ends of
// fields and rows (csv_scan.h), hands out the whole rows and moves the begun one to the front, so that input
// is copied once, within the second-level cache.
#include "ingest/parse/csv.h"

#include "engine/base/bytes.h"
#include "engine/base/utf8.h"
#include "ingest/parse/csv_scan.h"

#include <stdlib.h>
#include <string.h>

enum { STEP = 65536 };

struct dbk_csv {
    dbk_csv_on_row on_row;
    void *user;
    char *window;
    size_t size, capacity;
    uint32_t *ends; // of fields and rows in the window, in order
    size_t ends_count, ends_capacity;
    dbk_csv_state state; // behind the window's last byte
    uint64_t line;       // of the window's first byte
    dbk_text *fields;
    size_t fields_capacity;
    dbk_buffer unescaped; // fields with doubled quotes, of the row at hand
    bool check_rows;      // the rows at hand hold a byte that is no UTF-8: find out which
};

dbk_csv *dbk_csv_create(uint64_t first_line, dbk_csv_on_row on_row, void *user)
{
    dbk_csv *csv = calloc(1, sizeof *csv);
    if (!csv)
        return NULL;
    csv->on_row = on_row;
    csv->user = user;
    csv->line = first_line;
    return csv;
}

void dbk_csv_destroy(dbk_csv *csv)
{
    if (!csv)
        return;
    free(csv->window);
    free(csv->ends);
    free(csv->fields);
    dbk_buffer_dispose(&csv->unescaped);
    free(csv);
}

uint64_t dbk_csv_line(const dbk_csv *csv)
{
    return csv->line;
}

static dbk_status reserve(dbk_csv *csv, size_t more, dbk_error *err)
{
    if (csv->size + more > csv->capacity) {
        size_t capacity = csv->capacity ? csv->capacity : 2 * STEP;
        while (capacity < csv->size + more)
            capacity *= 2;
        char *window = realloc(csv->window, capacity);
        if (!window)
            return dbk_fail(err, DBK_NO_MEMORY, "out of memory for a row of %zu bytes", csv->size);
        csv->window = window;
        csv->capacity = capacity;
    }
    // The scan writes up to 8 positions ahead.
    if (csv->ends_count + more + 8 > csv->ends_capacity) {
        size_t capacity = csv->ends_capacity ? csv->ends_capacity : STEP + 8;
        while (capacity < csv->ends_count + more + 8)
            capacity *= 2;
        uint32_t *ends = realloc(csv->ends, capacity * sizeof *ends);
        if (!ends)
            return dbk_fail(err, DBK_NO_MEMORY, "out of memory for a row of %zu bytes", csv->size);
        csv->ends = ends;
        csv->ends_capacity = capacity;
    }
    return DBK_OK;
}

static dbk_status reserve_fields(dbk_csv *csv, size_t count, dbk_error *err)
{
    if (count <= csv->fields_capacity)
        return DBK_OK;
    size_t capacity = csv->fields_capacity ? csv->fields_capacity : 64;
    while (capacity < count)
        capacity *= 2;
    dbk_text *fields = realloc(csv->fields, capacity * sizeof *fields);
    if (!fields)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for a row of %zu fields", count);
    csv->fields = fields;
    csv->fields_capacity = capacity;
    return DBK_OK;
}

static uint64_t count_feeds(const char *data, size_t size)
{
    uint64_t count = 0;
    const char *end = data + size;
    while ((data = memchr(data, '\n', (size_t)(end - data)))) {
        count++;
        data++;
    }
    return count;
}

// Turns `"a ""b"""` into `a "b"`. Returns the fault, or NULL.
static const char *unquote(dbk_csv *csv, dbk_text *field)
{
    const char *at = field->data + 1, *end = field->data + field->length;
    const char *quote = memchr(at, '"', (size_t)(end - at));
    if (quote && quote + 1 == end) {
        *field = (dbk_text){at, (uint32_t)(quote - at)};
        return NULL;
    }
    // The row's size was reserved, so that earlier fields in the buffer stay where they are.
    char *out = (char *)csv->unescaped.data + csv->unescaped.size, *first = out;
    const char *fault = "a quote is left open";
    while (quote) {
        memcpy(out, at, (size_t)(quote - at));
        out += quote - at;
        at = quote + 1;
        if (at == end || *at != '"') {
            fault = at == end ? NULL : "text after a closing quote";
            break;
        }
        *out++ = '"';
        at++;
        quote = memchr(at, '"', (size_t)(end - at));
    }
    csv->unescaped.size += (size_t)(out - first);
    *field = (dbk_text){first, (uint32_t)(out - first)};
    return fault;
}

static void find_bad_field(dbk_csv_row *row)
{
    if (dbk_utf8_invalid_at(row->raw.data, row->raw.length) == row->raw.length)
        return;
    row->fault = "not valid UTF-8";
    row->fault_field = 0;
    for (uint32_t i = 0; i < row->count && !row->fault_field; i++) {
        if (dbk_utf8_invalid_at(row->fields[i].data, row->fields[i].length) < row->fields[i].length)
            row->fault_field = i + 1;
    }
}

// Hands out the row from `start` whose fields end at ends[0..count); the last of these is the row's end.
static dbk_status hand_out(dbk_csv *csv, size_t start, const uint32_t *ends, size_t count, dbk_error *err)
{
    DBK_TRY(reserve_fields(csv, count, err));
    const char *window = csv->window;
    size_t row_end = ends[count - 1];
    dbk_csv_row row = {.line = csv->line, .fields = csv->fields, .count = (uint32_t)count};
    uint64_t lines = 1;
    if (row_end > start && window[row_end - 1] == '\r')
        row_end--;
    row.raw = (dbk_text){window + start, (uint32_t)(row_end - start)};
    csv->unescaped.size = 0;

    size_t at = start;
    for (size_t i = 0; i < count; i++) {
        size_t end = i + 1 < count ? ends[i] : row_end;
        dbk_text *field = &csv->fields[i];
        *field = (dbk_text){window + at, (uint32_t)(end - at)};
        if (end > at && window[at] == '"') {
            if (csv->unescaped.capacity < row.raw.length) {
                if (!dbk_buffer_reserve(&csv->unescaped, row.raw.length))
                    return dbk_fail(err, DBK_NO_MEMORY, "out of memory for a row of %u bytes",
                                    row.raw.length);
            }
            lines += count_feeds(window + at, end - at);
            const char *fault = unquote(csv, field);
            if (fault && !row.fault) {
                row.fault = fault;
                row.fault_field = (uint32_t)i + 1;
            }
        }
        at = end + 1;
    }
    csv->line += lines;
    if (row.raw.length == 0)
        return DBK_OK;
    if (csv->check_rows)
        find_bad_field(&row);
    return csv->on_row(csv->user, &row, err);
}

// Hands out the rows that end in the window and drops them from it. new_ends: the first that earlier calls
// have not seen, so that a row over many steps is looked through once.
static dbk_status hand_out_rows(dbk_csv *csv, size_t new_ends, dbk_error *err)
{
    size_t last = csv->ends_count;
    while (last > new_ends && csv->window[csv->ends[last - 1]] != '\n')
        last--;
    if (last == new_ends)
        return DBK_OK;
    size_t whole = (size_t)csv->ends[last - 1] + 1;
    csv->check_rows = dbk_utf8_invalid_at(csv->window, whole) < whole;

    size_t start = 0, first = 0;
    for (size_t i = 0; i < last; i++) {
        if (csv->window[csv->ends[i]] != '\n')
            continue;
        DBK_TRY(hand_out(csv, start, csv->ends + first, i + 1 - first, err));
        start = (size_t)csv->ends[i] + 1;
        first = i + 1;
    }
    csv->size -= whole;
    memmove(csv->window, csv->window + whole, csv->size);
    for (size_t i = last; i < csv->ends_count; i++)
        csv->ends[i - last] = csv->ends[i] - (uint32_t)whole;
    csv->ends_count -= last;
    return DBK_OK;
}

static dbk_status feed_step(dbk_csv *csv, const char *data, size_t size, dbk_error *err)
{
    const char *nul = memchr(data, 0, size);
    if (nul)
        return dbk_fail(err, DBK_INVALID, "line %llu holds a NUL byte: this is not a text file",
                        (unsigned long long)(csv->line + count_feeds(csv->window, csv->size) +
                                             count_feeds(data, (size_t)(nul - data))));
    if (csv->size + size > DBK_CSV_ROW_MAX + STEP)
        return dbk_fail(err, DBK_INVALID,
                        "the row that begins on line %llu is longer than %d MiB: is a quote left open there?",
                        (unsigned long long)csv->line, DBK_CSV_ROW_MAX >> 20);
    DBK_TRY(reserve(csv, size, err));
    memcpy(csv->window + csv->size, data, size);
    size_t new_ends = csv->ends_count;
    csv->ends_count +=
        dbk_csv_scan(&csv->state, data, size, (uint32_t)csv->size, csv->ends + csv->ends_count);
    csv->size += size;
    return hand_out_rows(csv, new_ends, err);
}

dbk_status dbk_csv_feed(dbk_csv *csv, const char *data, size_t size, dbk_error *err)
{
    while (size > 0) {
        size_t step = size < STEP ? size : STEP;
        DBK_TRY(feed_step(csv, data, step, err));
        data += step;
        size -= step;
    }
    return DBK_OK;
}

dbk_status dbk_csv_finish(dbk_csv *csv, dbk_error *err)
{
    if (csv->size == 0)
        return DBK_OK;
    // The row without line end, whether or not a quote is still open in it.
    DBK_TRY(reserve(csv, 1, err));
    csv->ends[csv->ends_count++] = (uint32_t)csv->size;
    csv->check_rows = true;
    dbk_status status = hand_out(csv, 0, csv->ends, csv->ends_count, err);
    csv->size = 0;
    csv->ends_count = 0;
    return status;
}
