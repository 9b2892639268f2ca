// SPDX-License-Identifier: Apache-2.0
// A window over the input that always begins with a row. Each step appends 64 KiB, scans them for the ends of
// fields and rows (csv_scan.h), hands out the whole rows and moves the begun one to the front, so that input
// is copied at most once, within the second-level cache.
#include "ingest/parse/csv.h"

#include "engine/base/bytes.h"
#include "engine/base/utf8.h"
#include "engine/base/wide.h"
#include "ingest/parse/csv_scan.h"

#include <stdlib.h>
#include <string.h>

// Before the window's first byte and end there is room for what the readers of a run look at.
enum { STEP = DBK_CSV_ROOM, ENDS_BEFORE = 1 };

struct dbk_csv {
    dbk_csv_on_row on_row;
    void *user;
    char *window_room, *window;
    size_t size, capacity;
    uint32_t *ends_room, *ends; // of fields and rows in the window, in order; behind UINT32_MAX
    size_t ends_count, ends_capacity;
    dbk_csv_state state; // behind the window's last byte
    uint64_t line;       // of the window's first byte
    dbk_text *fields;
    size_t fields_capacity;
    dbk_buffer unescaped; // fields with doubled quotes, of the row at hand
    bool check_rows;      // the rows at hand hold a byte that is no UTF-8: find out which
    dbk_csv_on_run on_run;
    uint32_t run_fields;
    uint32_t run_pause; // rows that are not worth trying: none was taken the last time
    bool plain, ascii;  // the window holds no quote; no byte above 127
};

dbk_csv *dbk_csv_create(uint64_t first_line, dbk_csv_on_row on_row, void *user)
{
    dbk_csv *csv = calloc(1, sizeof *csv);
    if (!csv)
        return NULL;
    csv->on_row = on_row;
    csv->user = user;
    csv->line = first_line;
    csv->plain = csv->ascii = true;
    return csv;
}

void dbk_csv_take_runs(dbk_csv *csv, uint32_t fields, dbk_csv_on_run on_run)
{
    csv->run_fields = fields;
    csv->on_run = on_run;
}

void dbk_csv_destroy(dbk_csv *csv)
{
    if (!csv)
        return;
    free(csv->window_room);
    free(csv->ends_room);
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
        char *room = realloc(csv->window_room, DBK_CSV_RUN_SLACK + capacity + DBK_CSV_RUN_SLACK);
        if (!room)
            return dbk_fail(err, DBK_NO_MEMORY, "out of memory for a row of %zu bytes", csv->size);
        csv->window_room = room;
        csv->window = room + DBK_CSV_RUN_SLACK;
        csv->capacity = capacity;
    }
    const size_t ends = csv->ends_count + more + DBK_CSV_SCAN_AHEAD;
    if (ends > csv->ends_capacity) {
        size_t capacity = csv->ends_capacity ? csv->ends_capacity : STEP + DBK_CSV_SCAN_AHEAD;
        while (capacity < ends)
            capacity *= 2;
        uint32_t *room = realloc(csv->ends_room, (ENDS_BEFORE + capacity) * sizeof *room);
        if (!room)
            return dbk_fail(err, DBK_NO_MEMORY, "out of memory for a row of %zu bytes", csv->size);
        csv->ends_room = room;
        csv->ends_room[0] = UINT32_MAX;
        csv->ends = room + ENDS_BEFORE;
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

// What a block holds that most do not.
typedef struct rarities {
    bool nul, quote, high;
} rarities;

DBK_WIDE static rarities look_for_rarities(const char *data, size_t size)
{
    uint8_t high = 0, nul = 0, quote = 0;
    for (size_t i = 0; i < size; i++) {
        const uint8_t byte = (uint8_t)data[i];
        high |= byte;
        nul |= byte == 0 ? 1 : 0;
        quote |= byte == '"' ? 1 : 0;
    }
    return (rarities){nul, quote, high & 0x80};
}

// Counts in bytes, for so long as they hold the count.
DBK_WIDE static size_t count_byte(const char *data, size_t size, char byte)
{
    enum { CHUNK = 32 * 255 };
    size_t count = 0;
    for (size_t at = 0; at < size; at += CHUNK) {
        const size_t chunk = size - at < CHUNK ? size - at : CHUNK;
        uint8_t lanes[32] = {0};
        size_t i = 0;
        for (; i + 32 <= chunk; i += 32) {
            for (int lane = 0; lane < 32; lane++)
                lanes[lane] = (uint8_t)(lanes[lane] + (data[at + i + (size_t)lane] == byte));
        }
        for (; i < chunk; i++)
            count += data[at + i] == byte;
        for (int lane = 0; lane < 32; lane++)
            count += lanes[lane];
    }
    return count;
}

// The quotes around the fields of a row that begins at `at`.
static size_t quotes_around(const dbk_csv *csv, size_t at, const uint32_t *ends)
{
    size_t quotes = 0;
    for (size_t f = 0; f < csv->run_fields; at = (size_t)ends[f++] + 1) {
        size_t end = ends[f];
        end -= f + 1 == csv->run_fields && end > at && csv->window[end - 1] == '\r';
        quotes += end - at > 1 && csv->window[at] == '"' && csv->window[end - 1] == '"' ? 2 : 0;
    }
    return quotes;
}

// So many of these rows have no quotes but those around their fields.
static uint32_t quoted_rows(const dbk_csv *csv, size_t start, const uint32_t *ends, uint32_t rows)
{
    const size_t fields = csv->run_fields;
    size_t at = start, quotes = 0;
    for (uint32_t r = 0; r < rows; r++, at = (size_t)ends[r * fields - 1] + 1)
        quotes += quotes_around(csv, at, ends + r * fields);
    if (count_byte(csv->window + start, at - start, '"') == quotes)
        return rows;
    at = start;
    for (uint32_t r = 0; r < rows; r++) {
        const size_t next = (size_t)ends[(r + 1) * fields - 1] + 1;
        if (count_byte(csv->window + at, next - at, '"') != quotes_around(csv, at, ends + r * fields))
            return r;
        at = next;
    }
    return rows;
}

// So many rows from `start` on have the common number of fields, each in a line of its own: the first line
// feed ends a row, and is its last end.
static uint32_t plain_rows(const dbk_csv *csv, size_t start, const uint32_t *ends, size_t count)
{
    const char *window = csv->window;
    const size_t fields = csv->run_fields;
    uint32_t rows = 0;
    while (rows < DBK_CSV_RUN_ROWS && (rows + 1) * fields <= count &&
           window[ends[(rows + 1) * fields - 1]] == '\n')
        rows++;
    // Each ends in a line feed; none has another one.
    if (rows == 0 || count_byte(window + start, ends[rows * fields - 1] + 1 - start, '\n') == rows)
        return rows;
    size_t at = start;
    for (uint32_t r = 0; r < rows; r++) {
        const size_t end = ends[(r + 1) * fields - 1];
        if (memchr(window + at, '\n', end + 1 - at) != window + end)
            return r;
        at = end + 1;
    }
    return rows;
}

// Hands out as many rows of the common number of fields as follow one another from `start` on; *taken: how
// many were taken.
static dbk_status hand_out_run(dbk_csv *csv, size_t start, const uint32_t *ends, size_t count,
                               uint32_t *taken, dbk_error *err)
{
    uint32_t rows = plain_rows(csv, start, ends, count);
    if (!csv->plain)
        rows = quoted_rows(csv, start, ends, rows);
    *taken = 0;
    if (rows > 0) {
        dbk_csv_run run = {csv->window, ends, rows, csv->line, !csv->plain};
        DBK_TRY(csv->on_run(csv->user, &run, taken, err));
        csv->line += *taken;
    }
    csv->run_pause = *taken ? 0 : 64;
    return DBK_OK;
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
    csv->check_rows = !csv->ascii && dbk_utf8_invalid_at(csv->window, whole) < whole;

    size_t start = 0, first = 0;
    while (first < last) {
        uint32_t taken = 0;
        if (csv->run_pause > 0)
            csv->run_pause--;
        else if (csv->on_run && !csv->check_rows)
            DBK_TRY(hand_out_run(csv, start, csv->ends + first, last - first, &taken, err));
        if (taken > 0) {
            first += (size_t)taken * csv->run_fields;
            start = (size_t)csv->ends[first - 1] + 1;
            continue;
        }
        size_t i = first;
        while (csv->window[csv->ends[i]] != '\n')
            i++;
        DBK_TRY(hand_out(csv, start, csv->ends + first, i + 1 - first, err));
        start = (size_t)csv->ends[i] + 1;
        first = i + 1;
    }
    csv->size -= whole;
    memmove(csv->window, csv->window + whole, csv->size);
    for (size_t i = last; i < csv->ends_count; i++)
        csv->ends[i - last] = csv->ends[i] - (uint32_t)whole;
    csv->ends_count -= last;
    const rarities left = look_for_rarities(csv->window, csv->size);
    csv->plain = !left.quote;
    csv->ascii = !left.high;
    return DBK_OK;
}

static dbk_status feed_step(dbk_csv *csv, const char *data, size_t size, dbk_error *err)
{
    const rarities found = look_for_rarities(data, size);
    const char *nul = found.nul ? memchr(data, 0, size) : NULL;
    if (nul)
        return dbk_fail(err, DBK_INVALID, "line %llu holds a NUL byte: this is not a text file",
                        (unsigned long long)(csv->line + count_feeds(csv->window, csv->size) +
                                             count_feeds(data, (size_t)(nul - data))));
    if (csv->size + size > DBK_CSV_ROW_MAX + STEP)
        return dbk_fail(err, DBK_INVALID,
                        "the row that begins on line %llu is longer than %d MiB: is a quote left open there?",
                        (unsigned long long)csv->line, DBK_CSV_ROW_MAX >> 20);
    DBK_TRY(reserve(csv, size, err));
    if (data != csv->window + csv->size)
        memcpy(csv->window + csv->size, data, size);
    size_t new_ends = csv->ends_count;
    csv->ends_count +=
        dbk_csv_scan(&csv->state, data, size, (uint32_t)csv->size, csv->ends + csv->ends_count);
    csv->size += size;
    csv->plain &= !found.quote;
    csv->ascii &= !found.high;
    return hand_out_rows(csv, new_ends, err);
}

char *dbk_csv_room(dbk_csv *csv)
{
    return reserve(csv, STEP, NULL) == DBK_OK ? csv->window + csv->size : NULL;
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
