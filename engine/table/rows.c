// SPDX-License-Identifier: Apache-2.0
// Rows on their way from one part into a new segment: the live ones, as plain columns.
#include "engine/table/state.h"

#include <stdlib.h>
#include <string.h>

enum { ALL_COLUMNS = -1 };

static bool columns_reserve(dbk_rows *out, const dbk_table_def *def, uint32_t capacity, int only)
{
    for (int c = 0; c < def->columns_count; c++) {
        if (only != ALL_COLUMNS && c != only)
            continue;
        if (def->columns[c].type == DBK_TEXT) {
            out->texts[c] = dbk_arena_alloc(&out->arena, capacity * sizeof(dbk_text));
            if (!out->texts[c])
                return false;
        } else if (def->columns[c].type == DBK_CODE) {
            out->codes[c] = dbk_arena_alloc(&out->arena, capacity * sizeof(uint32_t));
            if (!out->codes[c])
                return false;
        } else {
            out->ints[c] = dbk_arena_alloc(&out->arena, capacity * sizeof(int64_t));
            if (!out->ints[c])
                return false;
        }
    }
    out->source = dbk_arena_alloc(&out->arena, capacity * sizeof *out->source);
    return out->source != NULL;
}

// The texts of a segment live in a scratch that the next vector overwrites.
static bool text_copy(dbk_rows *out, dbk_text *text)
{
    if (text->length == 0)
        return true;
    char *copy = dbk_arena_alloc(&out->arena, text->length);
    if (!copy)
        return false;
    memcpy(copy, text->data, text->length);
    text->data = copy;
    return true;
}

static dbk_status vector_gather(dbk_rows *out, int c, dbk_type type, const dbk_part *part, uint32_t vector,
                                const uint16_t *alive, uint32_t count, dbk_text_scratch *scratch)
{
    if (type == DBK_TEXT) {
        const dbk_text *texts;
        DBK_TRY(dbk_part_texts(part, c, vector, scratch, &texts));
        for (uint32_t i = 0; i < count; i++) {
            dbk_text *text = &out->texts[c][out->rows + i];
            *text = texts[alive[i]];
            if (part->sealed && !text_copy(out, text))
                return DBK_NO_MEMORY;
        }
    } else if (type == DBK_CODE) {
        uint32_t buffer[DBK_VECTOR_ROWS];
        const uint32_t *codes = dbk_part_codes(part, c, vector, buffer);
        for (uint32_t i = 0; i < count; i++)
            out->codes[c][out->rows + i] = codes[alive[i]];
    } else {
        int64_t buffer[DBK_VECTOR_ROWS];
        const int64_t *ints = dbk_part_ints(part, c, vector, buffer);
        for (uint32_t i = 0; i < count; i++)
            out->ints[c][out->rows + i] = ints[alive[i]];
    }
    return DBK_OK;
}

static dbk_status part_gather(dbk_rows *out, const dbk_table_def *def, const dbk_part *part, int only,
                              dbk_text_scratch *scratch)
{
    for (uint32_t start = 0; start < part->rows; start += DBK_VECTOR_ROWS) {
        uint16_t alive[DBK_VECTOR_ROWS];
        uint32_t count = 0;
        for (uint32_t i = 0; i < DBK_VECTOR_ROWS && start + i < part->rows; i++) {
            if (!dbk_part_is_dead(part, start + i))
                alive[count++] = (uint16_t)i;
        }
        if (count == 0)
            continue;
        for (int c = 0; c < def->columns_count; c++) {
            if (only == ALL_COLUMNS || c == only)
                DBK_TRY(vector_gather(out, c, def->columns[c].type, part, start / DBK_VECTOR_ROWS, alive,
                                      count, scratch));
        }
        for (uint32_t i = 0; i < count; i++)
            out->source[out->rows + i] = start + alive[i];
        out->rows += count;
    }
    return DBK_OK;
}

static dbk_status gather(dbk_rows *out, const dbk_table_def *def, const dbk_part *part, uint32_t capacity,
                         int only)
{
    if (!out->source && !columns_reserve(out, def, capacity, only))
        return DBK_NO_MEMORY;
    dbk_text_scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return DBK_NO_MEMORY;
    dbk_status status = part_gather(out, def, part, only, scratch);
    dbk_text_scratch_dispose(scratch);
    free(scratch);
    return status;
}

dbk_status dbk_rows_gather(dbk_rows *out, const dbk_table_def *def, const dbk_part *part, uint32_t capacity)
{
    return gather(out, def, part, capacity, ALL_COLUMNS);
}

dbk_status dbk_rows_gather_column(dbk_rows *out, const dbk_table_def *def, const dbk_part *part,
                                  uint32_t capacity, int column)
{
    return gather(out, def, part, capacity, column);
}

dbk_status dbk_rows_build(const dbk_rows *rows, const dbk_table_def *def, uint64_t id, dbk_segment **out,
                          dbk_error *err)
{
    dbk_segment_input input = {.table = def, .id = id, .rows = rows->rows};
    for (int c = 0; c < def->columns_count; c++) {
        input.ints[c] = rows->ints[c];
        input.codes[c] = rows->codes[c];
        input.texts[c] = rows->texts[c];
    }
    return dbk_segment_build(&input, out, err);
}

void dbk_rows_dispose(dbk_rows *rows)
{
    dbk_arena_dispose(&rows->arena);
}

// ---- Sorting ----

typedef struct sort_item {
    uint64_t key;
    uint32_t row;
} sort_item;

bool dbk_rows_is_sorted(const int64_t *values, uint32_t rows)
{
    for (uint32_t i = 1; i < rows; i++) {
        if (values[i] < values[i - 1])
            return false;
    }
    return true;
}

// One stable pass over one byte of the keys; false, and nothing done, when they all have the same.
static bool sort_pass(const sort_item *from, sort_item *to, uint32_t count, int shift)
{
    uint32_t starts[256] = {0};
    for (uint32_t i = 0; i < count; i++)
        starts[from[i].key >> shift & 255]++;
    if (starts[from[0].key >> shift & 255] == count)
        return false;
    uint32_t sum = 0;
    for (int b = 0; b < 256; b++) {
        uint32_t n = starts[b];
        starts[b] = sum;
        sum += n;
    }
    for (uint32_t i = 0; i < count; i++)
        to[starts[from[i].key >> shift & 255]++] = from[i];
    return true;
}

static bool rows_permute(dbk_rows *rows, const dbk_table_def *def, const uint32_t *order)
{
    dbk_rows sorted = {.arena = rows->arena, .rows = rows->rows};
    bool ok = columns_reserve(&sorted, def, rows->rows, ALL_COLUMNS);
    rows->arena = sorted.arena; // both sets of columns live in the one arena
    if (!ok)
        return false;
    for (int c = 0; c < def->columns_count; c++) {
        for (uint32_t i = 0; rows->ints[c] && i < rows->rows; i++)
            sorted.ints[c][i] = rows->ints[c][order[i]];
        for (uint32_t i = 0; rows->codes[c] && i < rows->rows; i++)
            sorted.codes[c][i] = rows->codes[c][order[i]];
        for (uint32_t i = 0; rows->texts[c] && i < rows->rows; i++)
            sorted.texts[c][i] = rows->texts[c][order[i]];
    }
    for (uint32_t i = 0; i < rows->rows; i++)
        sorted.source[i] = rows->source[order[i]];
    *rows = sorted;
    return true;
}

// Sorts items[0, count); returns them in the first or the second half of items, which has room for 2 * count.
static const sort_item *items_sort(sort_item *items, uint32_t count)
{
    sort_item *from = items, *to = items + count;
    for (int shift = 0; shift < 64; shift += 8) {
        if (sort_pass(from, to, count, shift)) {
            sort_item *swap = from;
            from = to;
            to = swap;
        }
    }
    return from;
}

// Rows that come late, behind one of a later time, to `late`; the others, which are ascending, to `order`.
// Returns how many are late.
static uint32_t late_find(const int64_t *values, uint32_t count, uint32_t *order, sort_item *late)
{
    int64_t latest = INT64_MIN;
    uint32_t in_time = 0, late_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const bool is_late = values[i] < latest;
        latest = is_late ? latest : values[i];
        late[late_count] = (sort_item){(uint64_t)values[i] ^ 1ull << 63, i}; // in the order of signed numbers
        order[in_time] = i;
        late_count += is_late;
        in_time += !is_late;
    }
    return late_count;
}

// Merges the late rows into the others, from the end, where there is room for them.
static void late_merge(const int64_t *values, uint32_t *order, uint32_t in_time, const sort_item *late,
                       uint32_t late_count)
{
    for (uint32_t to = in_time + late_count; late_count > 0;) {
        const uint32_t row = late[late_count - 1].row;
        // Of rows of the same time the first comes first.
        while (in_time > 0 && (values[order[in_time - 1]] > values[row] ||
                               (values[order[in_time - 1]] == values[row] && order[in_time - 1] > row)))
            order[--to] = order[--in_time];
        order[--to] = row;
        late_count--;
    }
}

bool dbk_rows_order(const int64_t *values, uint32_t count, uint32_t *order)
{
    sort_item *items = malloc((2 * (size_t)count + 1) * sizeof *items); // never of nothing, which may be NULL
    if (!items)
        return false;
    uint32_t late = late_find(values, count, order, items);
    if (late)
        late_merge(values, order, count - late, items_sort(items, late), late);
    free(items);
    return true;
}

static dbk_status rows_sort(dbk_rows *rows, const dbk_table_def *def, int column)
{
    const int64_t *values = rows->ints[column];
    if (dbk_rows_is_sorted(values, rows->rows))
        return DBK_OK;
    uint32_t *order = malloc(rows->rows * sizeof *order);
    bool ok = order && dbk_rows_order(values, rows->rows, order) && rows_permute(rows, def, order);
    free(order);
    return ok ? DBK_OK : DBK_NO_MEMORY;
}

// ---- Hot rows, gathered in their new order ----

// The live rows in the order of a column, as row numbers of the delta.
static bool order_find(const dbk_part *part, int column, uint32_t *order, uint32_t *count)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < part->rows; i++) {
        if (!dbk_part_is_dead(part, i))
            order[n++] = i;
    }
    *count = n;
    int64_t *values = malloc(n * (sizeof *values + sizeof *order));
    if (!values)
        return n == 0;
    for (uint32_t i = 0; i < n; i++)
        values[i] = dbk_delta_int(part->delta, column, order[i]);
    bool ok = true;
    if (!dbk_rows_is_sorted(values, n)) {
        uint32_t *sorted = (uint32_t *)(values + n);
        ok = dbk_rows_order(values, n, sorted);
        for (uint32_t i = 0; ok && i < n; i++)
            sorted[i] = order[sorted[i]];
        if (ok)
            memcpy(order, sorted, n * sizeof *order);
    }
    free(values);
    return ok;
}

dbk_status dbk_rows_gather_sorted(dbk_rows *out, const dbk_table_def *def, const dbk_part *part, int column)
{
    if (!part->delta) {
        DBK_TRY(dbk_rows_gather(out, def, part, part->rows));
        return rows_sort(out, def, column);
    }
    const dbk_delta *delta = part->delta;
    if (!columns_reserve(out, def, part->rows, ALL_COLUMNS) ||
        !order_find(part, column, out->source, &out->rows))
        return DBK_NO_MEMORY;
    const uint32_t *order = out->source;
    for (int c = 0; c < def->columns_count; c++) {
        for (uint32_t i = 0; out->ints[c] && i < out->rows; i++)
            out->ints[c][i] = dbk_delta_int(delta, c, order[i]);
        for (uint32_t i = 0; out->codes[c] && i < out->rows; i++)
            out->codes[c][i] = dbk_delta_code(delta, c, order[i]);
        for (uint32_t i = 0; out->texts[c] && i < out->rows; i++)
            out->texts[c][i] = dbk_delta_text(delta, c, order[i]);
    }
    return DBK_OK;
}
