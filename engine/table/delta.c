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

static size_t chunk_bytes(const dbk_delta *delta)
{
    return (size_t)delta->row_bytes * delta->chunk_rows;
}

static void delta_dispose(dbk_object *object)
{
    dbk_delta *delta = (dbk_delta *)object;
    for (int i = 0; i < DBK_SEGMENT_VECTORS && delta->chunks[i]; i++) {
        dbk_memory_subtract(object->memory, chunk_bytes(delta));
        free(delta->chunks[i]);
    }
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
    for (int c = 0; c < table->columns_count; c++) {
        delta->before[c] = (uint16_t)delta->row_bytes;
        delta->row_bytes += column_bytes(table->columns[c].type);
    }
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
        const void *values = dbk_delta_column(delta, c, 0);
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
    if (!dbk_delta_reserve(copy, delta->rows, dbk_delta_text_bytes(delta->table, &input, 0, delta->rows),
                           &text)) {
        dbk_object_free(&copy->object);
        return NULL;
    }
    dbk_delta_append(copy, &input, 0, delta->rows, text);
    return copy;
}

bool dbk_delta_reserve(dbk_delta *delta, uint32_t more, size_t text_bytes, char **text)
{
    assert(delta->rows + more <= dbk_delta_capacity(delta));
    *text = NULL;
    for (uint32_t i = 0; i * delta->chunk_rows < delta->rows + more; i++) {
        if (delta->chunks[i])
            continue;
        delta->chunks[i] = malloc(chunk_bytes(delta));
        if (!delta->chunks[i])
            return false;
        dbk_memory_add(delta->object.memory, chunk_bytes(delta));
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
            void *out = dbk_delta_column(delta, c, vector);
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
