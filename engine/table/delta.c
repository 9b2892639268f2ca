// SPDX-License-Identifier: Apache-2.0
// Hot rows.
#include "engine/table/delta.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_FIRST = 16, CHUNK_SECOND = 128 };

static uint32_t column_bytes(dbk_type type)
{
    return type == DBK_TEXT ? sizeof(dbk_text) : type == DBK_CODE ? sizeof(uint32_t) : sizeof(int64_t);
}

// What columns without any value in a chunk hold.
static const int64_t no_ints[DBK_VECTOR_ROWS] = {[0 ... DBK_VECTOR_ROWS - 1] = DBK_NULL};
static const uint32_t no_codes[DBK_VECTOR_ROWS];
static const dbk_text no_texts[DBK_VECTOR_ROWS];

static void *nothing_of(dbk_type type)
{
    const void *nothing = type == DBK_TEXT   ? (const void *)no_texts
                          : type == DBK_CODE ? (const void *)no_codes
                                             : (const void *)no_ints;
    return (void *)(uintptr_t)nothing; // nobody writes there
}

// The writer's, which alone changes it: NULL when the column has no value in the chunk.
static void *own_column(const dbk_delta *delta, int column, uint32_t vector)
{
    void *values = atomic_load_explicit(&delta->chunks[vector]->columns[column], memory_order_relaxed);
    return values == nothing_of(delta->table->columns[column].type) ? NULL : values;
}

struct dbk_delta_piece {
    struct dbk_delta_piece *next;
    size_t bytes;
    _Alignas(16) uint8_t values[];
};

static size_t chunk_bytes(const dbk_delta *delta)
{
    return sizeof(dbk_delta_chunk) + (size_t)delta->table->columns_count * sizeof(void *);
}

static void chunk_destroy(const dbk_delta *delta, dbk_delta_chunk *chunk)
{
    while (chunk->pieces) {
        struct dbk_delta_piece *next = chunk->pieces->next;
        dbk_memory_subtract(delta->object.memory, chunk->pieces->bytes);
        free(chunk->pieces);
        chunk->pieces = next;
    }
    dbk_memory_subtract(delta->object.memory, chunk_bytes(delta));
    free(chunk);
}

static void delta_dispose(dbk_object *object)
{
    dbk_delta *delta = (dbk_delta *)object;
    for (int i = 0; i < DBK_SEGMENT_VECTORS && delta->chunks[i]; i++)
        chunk_destroy(delta, delta->chunks[i]);
    dbk_hot_links_dispose(atomic_load(&delta->links), object->memory);
    dbk_memory_subtract(object->memory, delta->texts.total_bytes);
    dbk_arena_dispose(&delta->texts);
}

static dbk_delta *delta_create(dbk_versions *versions, const dbk_table_def *table, uint32_t chunk_rows)
{
    dbk_delta *delta = dbk_versions_create(versions, sizeof *delta, delta_dispose);
    if (!delta)
        return NULL;
    delta->table = table;
    delta->chunk_rows = chunk_rows;
    return delta;
}

dbk_delta *dbk_delta_create(dbk_versions *versions, const dbk_table_def *table)
{
    return delta_create(versions, table, CHUNK_FIRST);
}

// Only deltas of one chunk are enlarged, so their columns are contiguous.
static dbk_delta_input input_of(const dbk_delta *delta)
{
    dbk_delta_input input = {0};
    for (int c = 0; delta->rows && c < delta->table->columns_count; c++) {
        const void *values = own_column(delta, c, 0);
        if (delta->table->columns[c].type == DBK_TEXT)
            input.texts[c] = values;
        else if (delta->table->columns[c].type == DBK_CODE)
            input.codes[c] = values;
        else
            input.ints[c] = values;
    }
    return input;
}

dbk_delta *dbk_delta_enlarge(dbk_versions *versions, const dbk_delta *delta, uint32_t more)
{
    uint32_t needed = delta->rows + more;
    dbk_delta *copy =
        delta_create(versions, delta->table, needed <= CHUNK_SECOND ? CHUNK_SECOND : DBK_VECTOR_ROWS);
    if (!copy)
        return NULL;
    dbk_delta_input input = input_of(delta);
    char *text;
    if (!dbk_delta_reserve(copy, &input, delta->rows,
                           dbk_delta_text_bytes(delta->table, &input, 0, delta->rows), &text)) {
        dbk_object_free(&copy->object);
        return NULL;
    }
    dbk_delta_append(copy, &input, 0, delta->rows, text);
    return copy;
}

static bool chunk_create(dbk_delta *delta, uint32_t vector)
{
    dbk_delta_chunk *chunk = malloc(chunk_bytes(delta));
    if (!chunk)
        return false;
    chunk->pieces = NULL;
    for (int c = 0; c < delta->table->columns_count; c++)
        atomic_init(&chunk->columns[c], nothing_of(delta->table->columns[c].type));
    dbk_memory_add(delta->object.memory, chunk_bytes(delta));
    delta->chunks[vector] = chunk;
    return true;
}

static bool has_values(const dbk_delta_input *input, int column)
{
    return input->ints[column] || input->codes[column] || input->texts[column];
}

// Gives the columns that the input has values of memory of their own, which says "no value" of the first
// rows.
static bool columns_create(dbk_delta *delta, const dbk_delta_input *input, uint32_t vector, uint32_t rows)
{
    const dbk_column_def *columns = delta->table->columns;
    size_t bytes = 0;
    for (int c = 0; c < delta->table->columns_count; c++)
        if (has_values(input, c) && !own_column(delta, c, vector))
            bytes += (size_t)column_bytes(columns[c].type) * delta->chunk_rows;
    if (bytes == 0)
        return true;
    struct dbk_delta_piece *piece = malloc(sizeof *piece + bytes);
    if (!piece)
        return false;
    dbk_delta_chunk *chunk = delta->chunks[vector];
    *piece = (struct dbk_delta_piece){.next = chunk->pieces, .bytes = sizeof *piece + bytes};
    chunk->pieces = piece;
    dbk_memory_add(delta->object.memory, piece->bytes);
    uint8_t *at = piece->values;
    for (int c = 0; c < delta->table->columns_count; c++) {
        if (!has_values(input, c) || own_column(delta, c, vector))
            continue;
        memcpy(at, nothing_of(columns[c].type), (size_t)column_bytes(columns[c].type) * rows);
        // Readers may be looking at the rows before.
        atomic_store_explicit(&chunk->columns[c], at, memory_order_release);
        at += (size_t)column_bytes(columns[c].type) * delta->chunk_rows;
    }
    return true;
}

uint64_t dbk_delta_memory(const dbk_delta *delta)
{
    uint64_t bytes = delta->texts.total_bytes;
    for (int i = 0; i < DBK_SEGMENT_VECTORS && delta->chunks[i]; i++) {
        bytes += chunk_bytes(delta);
        for (const struct dbk_delta_piece *piece = delta->chunks[i]->pieces; piece; piece = piece->next)
            bytes += piece->bytes;
    }
    return bytes;
}

bool dbk_delta_reserve(dbk_delta *delta, const dbk_delta_input *input, uint32_t more, size_t text_bytes,
                       char **text)
{
    assert(delta->rows + more <= dbk_delta_capacity(delta));
    *text = NULL;
    for (uint32_t i = delta->rows / delta->chunk_rows; i * delta->chunk_rows < delta->rows + more; i++) {
        const uint32_t first = i * delta->chunk_rows, before = delta->rows > first ? delta->rows - first : 0;
        if (!delta->chunks[i] && !chunk_create(delta, i))
            return false;
        if (!columns_create(delta, input, i, before))
            return false;
    }
    if (text_bytes == 0)
        return true;
    size_t before = delta->texts.total_bytes;
    *text = dbk_arena_alloc(&delta->texts, text_bytes);
    dbk_memory_add(delta->object.memory, delta->texts.total_bytes - before);
    return *text != NULL;
}

static uint32_t source_row(const dbk_delta_input *input, uint32_t i)
{
    return input->rows ? input->rows[i] : i;
}

size_t dbk_delta_text_bytes(const dbk_table_def *table, const dbk_delta_input *input, uint32_t from,
                            uint32_t count)
{
    size_t bytes = 0;
    for (int c = 0; c < table->columns_count; c++) {
        for (uint32_t i = 0; input->texts[c] && i < count; i++)
            bytes += input->texts[c][source_row(input, from + i)].length;
    }
    return bytes;
}

static void append_ints(int64_t *out, const int64_t *values, const dbk_delta_input *input, uint32_t from,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = values ? values[source_row(input, from + i)] : DBK_NULL;
}

static void append_codes(uint32_t *out, const uint32_t *values, const dbk_delta_input *input, uint32_t from,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = values ? values[source_row(input, from + i)] : 0;
}

static char *append_texts(dbk_text *out, const dbk_text *values, const dbk_delta_input *input, uint32_t from,
                          uint32_t count, char *text)
{
    for (uint32_t i = 0; i < count; i++) {
        dbk_text value = values ? values[source_row(input, from + i)] : (dbk_text){NULL, 0};
        out[i] = (dbk_text){value.length ? text : NULL, value.length};
        if (value.length) {
            memcpy(text, value.data, value.length);
            text += value.length;
        }
    }
    return text;
}

void dbk_delta_append(dbk_delta *delta, const dbk_delta_input *input, uint32_t from, uint32_t count,
                      char *text)
{
    while (count > 0) {
        uint32_t vector = delta->rows / delta->chunk_rows;
        uint32_t at = delta->rows % delta->chunk_rows;
        uint32_t n = delta->chunk_rows - at < count ? delta->chunk_rows - at : count;
        for (int c = 0; c < delta->table->columns_count; c++) {
            void *out = own_column(delta, c, vector);
            if (!out)
                continue;
            dbk_type type = delta->table->columns[c].type;
            if (type == DBK_TEXT)
                text = append_texts((dbk_text *)out + at, input->texts[c], input, from, n, text);
            else if (type == DBK_CODE)
                append_codes((uint32_t *)out + at, input->codes[c], input, from, n);
            else
                append_ints((int64_t *)out + at, input->ints[c], input, from, n);
        }
        delta->rows += n;
        from += n;
        count -= n;
    }
}
