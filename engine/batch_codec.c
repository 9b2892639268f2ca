// SPDX-License-Identifier: Apache-2.0
// The stored form of a batch: docs/FORMAT.md, "Batch". Plain little-endian arrays at the narrowest width that
// holds a column's range: small for one row, and regular enough for the LZ4 of the log to find the rest.
#include "engine/batch.h"

#include <assert.h>
#include <string.h>

enum { FORMAT_VERSION = 1, FLAG_REMOVE = 1, FLAG_LINES = 2, FLAGS_KNOWN = FLAG_REMOVE | FLAG_LINES };
enum { FORM_INTS = 1, FORM_CODES, FORM_TEXTS };

// ---- Numbers of 0, 1, 2, 4 or 8 bytes ----

static int width_for(uint64_t largest)
{
    return largest == 0            ? 0
           : largest <= UINT8_MAX  ? 1
           : largest <= UINT16_MAX ? 2
           : largest <= UINT32_MAX ? 4
                                   : 8;
}

// Single moves, for which the machine must be little-endian like the format.
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied as they are");

static inline void put_number(uint8_t *out, uint64_t value, int width)
{
    switch (width) {
    case 1:
        *out = (uint8_t)value;
        break;
    case 2:
        memcpy(out, &value, 2);
        break;
    case 4:
        memcpy(out, &value, 4);
        break;
    case 8:
        memcpy(out, &value, 8);
        break;
    default:
        break;
    }
}

static inline uint64_t get_number(const uint8_t *in, int width)
{
    uint64_t value = 0;
    switch (width) {
    case 1:
        return *in;
    case 2:
        memcpy(&value, in, 2);
        return value;
    case 4:
        memcpy(&value, in, 4);
        return value;
    case 8:
        memcpy(&value, in, 8);
        return value;
    default:
        return 0;
    }
}

static void put_u32s(dbk_buffer *out, const uint32_t *values, uint32_t count)
{
    uint32_t largest = 0;
    for (uint32_t i = 0; i < count; i++)
        largest = values[i] > largest ? values[i] : largest;
    int width = width_for(largest);
    dbk_buffer_u8(out, (uint8_t)width);
    uint8_t *at = dbk_buffer_reserve(out, (size_t)count * (size_t)width);
    if (!at)
        return;
    for (uint32_t i = 0; i < count; i++)
        put_number(at + (size_t)i * (size_t)width, values[i], width);
    out->size += (size_t)count * (size_t)width;
}

// ---- Writing ----

static bool has_ints(const dbk_batch_column *column, uint32_t rows)
{
    for (uint32_t i = 0; column->ints && i < rows; i++) {
        if (column->ints[i] != DBK_NULL)
            return true;
    }
    return false;
}

static bool has_codes(const dbk_batch_column *column, uint32_t rows)
{
    for (uint32_t i = 0; column->codes && i < rows; i++) {
        if (column->codes[i])
            return true;
    }
    return false;
}

static bool has_texts(const dbk_batch_column *column, uint32_t rows)
{
    for (uint32_t i = 0; column->texts && i < rows; i++) {
        if (column->texts[i].length)
            return true;
    }
    return false;
}

// Values are stored as their distance from the smallest, plus 1 when 0 has to say "no value".
static void put_ints(dbk_buffer *out, const int64_t *values, uint32_t rows)
{
    int64_t min = INT64_MAX, max = INT64_MIN;
    bool nulls = false;
    for (uint32_t i = 0; i < rows; i++) {
        if (values[i] == DBK_NULL) {
            nulls = true;
            continue;
        }
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    // Without INT64_MIN among the values the distance is at most 2^64 - 2, so the 1 always fits.
    uint64_t shift = nulls;
    int width = width_for((uint64_t)max - (uint64_t)min + shift);
    dbk_buffer_u8(out, (uint8_t)width);
    dbk_buffer_u8(out, nulls);
    dbk_buffer_u64(out, (uint64_t)min);
    uint8_t *at = dbk_buffer_reserve(out, (size_t)rows * (size_t)width);
    if (!at)
        return;
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t value = values[i] == DBK_NULL ? 0 : (uint64_t)values[i] - (uint64_t)min + shift;
        put_number(at + (size_t)i * (size_t)width, value, width);
    }
    out->size += (size_t)rows * (size_t)width;
}

static void put_texts(dbk_buffer *out, const dbk_text *texts, uint32_t count)
{
    uint32_t largest = 0;
    for (uint32_t i = 0; i < count; i++)
        largest = texts[i].length > largest ? texts[i].length : largest;
    int width = width_for(largest);
    dbk_buffer_u8(out, (uint8_t)width);
    uint8_t *at = dbk_buffer_reserve(out, (size_t)count * (size_t)width);
    if (!at)
        return;
    for (uint32_t i = 0; i < count; i++)
        put_number(at + (size_t)i * (size_t)width, texts[i].length, width);
    out->size += (size_t)count * (size_t)width;
    for (uint32_t i = 0; i < count; i++) {
        if (texts[i].length)
            dbk_buffer_append(out, texts[i].data, texts[i].length);
    }
}

// Of a column that has a value; the members that are set are those of its type.
static void put_column(dbk_buffer *out, const dbk_batch *batch, int c)
{
    const dbk_batch_column *column = &batch->columns[c];
    dbk_buffer_u8(out, (uint8_t)c);
    if (column->ints) {
        dbk_buffer_u8(out, FORM_INTS);
        put_ints(out, column->ints, batch->rows);
    } else if (column->codes) {
        dbk_buffer_u8(out, FORM_CODES);
        dbk_buffer_u32(out, column->words_count);
        put_texts(out, column->words + 1, column->words_count - 1);
        put_u32s(out, column->codes, batch->rows);
    } else {
        dbk_buffer_u8(out, FORM_TEXTS);
        put_texts(out, column->texts, batch->rows);
    }
}

static bool is_stored(const dbk_batch *batch, int c)
{
    const dbk_batch_column *column = &batch->columns[c];
    if (column->ints)
        return has_ints(column, batch->rows);
    return column->codes ? has_codes(column, batch->rows) : has_texts(column, batch->rows);
}

void dbk_batch_encode(const dbk_batch *batch, dbk_buffer *out)
{
    uint64_t stored = 0;
    for (int c = 0; c < batch->table->columns_count; c++)
        stored |= (uint64_t)is_stored(batch, c) << c;
    dbk_buffer_u8(out, FORMAT_VERSION);
    dbk_buffer_u8(out, (uint8_t)batch->table->id);
    dbk_buffer_u8(out, (uint8_t)((batch->remove ? FLAG_REMOVE : 0) | (batch->lines ? FLAG_LINES : 0)));
    dbk_buffer_u8(out, (uint8_t)__builtin_popcountll(stored));
    dbk_buffer_u32(out, batch->rows);
    for (; stored; stored &= stored - 1)
        put_column(out, batch, __builtin_ctzll(stored));
    if (batch->lines)
        put_u32s(out, batch->lines, batch->rows);
}

// ---- Reading ----

typedef struct decoder {
    dbk_reader r;
    dbk_batch *batch;
    dbk_error *err;
} decoder;

static dbk_status corrupt(const decoder *d, const char *what)
{
    return dbk_fail(d->err, DBK_CORRUPT, "a batch %s (at byte %zu of %zu)", what, d->r.at, d->r.size);
}

static dbk_status no_memory(const decoder *d)
{
    return dbk_fail(d->err, DBK_NO_MEMORY, "memory is out while reading a batch");
}

static dbk_status get_width(decoder *d, int largest, int *out)
{
    int width = dbk_read_u8(&d->r);
    if (d->r.failed || width > largest || (width & (width - 1)) != 0)
        return corrupt(d, "has numbers of an impossible width");
    *out = width;
    return DBK_OK;
}

static dbk_status get_array(decoder *d, uint32_t count, int width, const uint8_t **out)
{
    *out = dbk_read_bytes(&d->r, (size_t)count * (size_t)width);
    return d->r.failed ? corrupt(d, "ends too early") : DBK_OK;
}

static dbk_status get_u32s(decoder *d, uint32_t count, uint32_t **out)
{
    int width = 0;
    const uint8_t *in = NULL;
    DBK_TRY(get_width(d, 4, &width));
    DBK_TRY(get_array(d, count, width, &in));
    *out = dbk_arena_alloc(&d->batch->arena, count * sizeof **out);
    if (!*out)
        return no_memory(d);
    for (uint32_t i = 0; i < count; i++)
        (*out)[i] = (uint32_t)get_number(in + (size_t)i * (size_t)width, width);
    return DBK_OK;
}

static dbk_status get_ints(decoder *d, int64_t **out)
{
    uint32_t rows = d->batch->rows;
    int width = 0;
    DBK_TRY(get_width(d, 8, &width));
    uint8_t nulls = dbk_read_u8(&d->r);
    uint64_t min = dbk_read_u64(&d->r);
    const uint8_t *in = NULL;
    DBK_TRY(get_array(d, rows, width, &in));
    if (nulls > 1)
        return corrupt(d, "has a column that neither has nor lacks values");
    *out = dbk_arena_alloc(&d->batch->arena, rows * sizeof **out);
    if (!*out)
        return no_memory(d);
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t value = get_number(in + (size_t)i * (size_t)width, width);
        bool is_null = nulls && value == 0;
        (*out)[i] = is_null ? DBK_NULL : (int64_t)(min + value - nulls);
        // Neither "no value" in disguise nor a distance that leads out of the type.
        if (!is_null && ((*out)[i] == DBK_NULL || (*out)[i] < (int64_t)min))
            return corrupt(d, "has a number out of its range");
    }
    return DBK_OK;
}

// `count` texts into out[0 …]; their bytes are copied into the arena in one piece.
static dbk_status get_texts(decoder *d, uint32_t count, dbk_text *out)
{
    int width = 0;
    const uint8_t *lengths = NULL;
    DBK_TRY(get_width(d, 4, &width));
    DBK_TRY(get_array(d, count, width, &lengths));
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += get_number(lengths + (size_t)i * (size_t)width, width);
    if (total > dbk_reader_left(&d->r))
        return corrupt(d, "ends too early");
    const uint8_t *bytes = dbk_read_bytes(&d->r, (size_t)total);
    char *copy = dbk_arena_alloc(&d->batch->arena, (size_t)total + 1);
    if (!copy)
        return no_memory(d);
    if (total)
        memcpy(copy, bytes, (size_t)total);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length = (uint32_t)get_number(lengths + (size_t)i * (size_t)width, width);
        out[i] = (dbk_text){length ? copy : NULL, length};
        copy += length;
    }
    return DBK_OK;
}

static dbk_status get_codes(decoder *d, dbk_batch_column *column)
{
    uint32_t words = dbk_read_u32(&d->r);
    // Each word takes bytes of its own, so a forged count cannot ask for more memory than the input excuses.
    if (d->r.failed || words == 0 || words > dbk_reader_left(&d->r) + 1)
        return corrupt(d, "has an impossible number of words");
    column->words = dbk_arena_alloc(&d->batch->arena, words * sizeof *column->words);
    if (!column->words)
        return no_memory(d);
    column->words[0] = (dbk_text){NULL, 0};
    column->words_count = words;
    DBK_TRY(get_texts(d, words - 1, column->words + 1));
    return get_u32s(d, d->batch->rows, &column->codes);
}

static dbk_status get_column(decoder *d, int *last)
{
    int c = dbk_read_u8(&d->r);
    int form = dbk_read_u8(&d->r);
    if (d->r.failed || c <= *last || c >= d->batch->table->columns_count)
        return corrupt(d, "has an unknown column or one out of order");
    *last = c;
    dbk_type type = d->batch->table->columns[c].type;
    if (form != (type == DBK_TEXT ? FORM_TEXTS : type == DBK_CODE ? FORM_CODES : FORM_INTS))
        return corrupt(d, "has a column of another type");
    dbk_batch_column *column = &d->batch->columns[c];
    if (form == FORM_INTS)
        return get_ints(d, &column->ints);
    if (form == FORM_CODES)
        return get_codes(d, column);
    column->texts = dbk_arena_alloc(&d->batch->arena, d->batch->rows * sizeof *column->texts);
    return column->texts ? get_texts(d, d->batch->rows, column->texts) : no_memory(d);
}

static dbk_status decode(decoder *d)
{
    dbk_batch *batch = d->batch;
    uint8_t version = dbk_read_u8(&d->r);
    batch->table = dbk_table_def_by_id(dbk_read_u8(&d->r));
    uint8_t flags = dbk_read_u8(&d->r);
    int columns = dbk_read_u8(&d->r), last = -1;
    batch->rows = dbk_read_u32(&d->r);
    if (d->r.failed || version != FORMAT_VERSION || !batch->table || flags & ~FLAGS_KNOWN ||
        batch->rows > DBK_SEGMENT_ROWS)
        return corrupt(d, "has an impossible header");
    batch->remove = flags & FLAG_REMOVE;
    for (int i = 0; i < columns; i++)
        DBK_TRY(get_column(d, &last));
    if (flags & FLAG_LINES)
        DBK_TRY(get_u32s(d, batch->rows, &batch->lines));
    if (dbk_reader_left(&d->r) != 0)
        return corrupt(d, "goes on after its end");
    dbk_error inner;
    if (dbk_batch_check(batch, &inner) != DBK_OK)
        return dbk_fail(d->err, DBK_CORRUPT, "%s", inner.message);
    return DBK_OK;
}

dbk_status dbk_batch_decode(dbk_batch *batch, const void *data, size_t size, dbk_error *err)
{
    *batch = (dbk_batch){0};
    decoder d = {dbk_reader_init(data, size), batch, err};
    dbk_status status = decode(&d);
    if (status != DBK_OK)
        dbk_batch_dispose(batch);
    return status;
}
