// SPDX-License-Identifier: Apache-2.0
// Codec "frames": any texts; the lengths as packed numbers, the bytes of each vector as one LZ4 block, or as
// they are where LZ4 does not help (docs/FORMAT.md, "Texts: FRAMES").
//
// Lengths stay outside of LZ4 because bit packing makes them smaller than it could, and because they let a
// whole vector be located and bounded without decoding it.
//
// The fast level of LZ4 it is: on vectors of e-mail addresses levels 2, 4 and 9 of LZ4HC made 18, 24 and 26 %
// less, at a seventh, a fourteenth and a thirtieth of its speed, and loading pays for it row by row.
#include "engine/base/bytes.h"
#include "engine/segment/ints.h"
#include "engine/segment/text.h"

#include <assert.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

// LZ4 spends at least a byte on 255, so a larger ratio is a lie that would cost us memory.
enum { RATIO_MAX = 255 };

// ---- Encoding ----

typedef struct frames_plan {
    dbk_ints_plan lengths_plan;
    uint64_t *lengths;
    uint32_t stored[DBK_SEGMENT_VECTORS];
    dbk_buffer frames;
} frames_plan;

static dbk_ints_source lengths_source(const dbk_texts_source *source, const frames_plan *plan)
{
    return (dbk_ints_source){.ordinals = plan->lengths, .rows = source->rows};
}

static void frames_forget(void *state)
{
    frames_plan *plan = state;
    free(plan->lengths);
    dbk_buffer_dispose(&plan->frames);
    free(plan);
}

// Appends the stored form of a vector's bytes to `to` and tells its size. `plain` is room to gather them in.
static dbk_status store_vector(const dbk_texts_source *source, uint32_t vector, dbk_buffer *plain,
                               dbk_buffer *to, uint32_t *stored, dbk_error *err)
{
    const dbk_text *texts = source->texts + vector * DBK_VECTOR_ROWS;
    const uint32_t n = dbk_vector_rows(source->rows, vector);
    uint64_t size = 0;
    for (uint32_t i = 0; i < n; i++)
        size += texts[i].length;
    if (size > LZ4_MAX_INPUT_SIZE)
        return dbk_fail(err, DBK_LIMIT, "the texts of %u rows exceed 2 GB: load shorter ones", n);

    dbk_buffer_reset(plain);
    for (uint32_t i = 0; i < n; i++)
        dbk_buffer_append(plain, texts[i].data, texts[i].length);
    *stored = 0;
    if (size == 0)
        return DBK_OK;
    uint8_t *room = dbk_buffer_reserve(to, size);
    if (!room || plain->failed)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    // One byte less than the plain size: what does not shrink is not worth decoding.
    int packed = LZ4_compress_default((const char *)plain->data, (char *)room, (int)size, (int)size - 1);
    if (packed <= 0) {
        memcpy(room, plain->data, size);
        packed = (int)size;
    }
    to->size += (size_t)packed;
    *stored = (uint32_t)packed;
    return DBK_OK;
}

// One vector from the middle, to be quick about columns that an id codec takes far better.
static dbk_status sample(const dbk_texts_source *source, dbk_buffer *plain, dbk_buffer *frame, size_t *size,
                         dbk_error *err)
{
    const uint32_t vectors = dbk_vectors(source->rows);
    uint32_t stored;
    DBK_TRY(store_vector(source, vectors / 2, plain, frame, &stored, err));
    dbk_buffer_reset(frame);
    *size = (size_t)stored * vectors;
    return DBK_OK;
}

static dbk_status store_vectors(const dbk_texts_source *source, size_t beat, frames_plan *plan, size_t *size,
                                dbk_error *err)
{
    const uint32_t vectors = dbk_vectors(source->rows);
    dbk_buffer plain = {0};
    size_t expected = 0;
    dbk_status status = DBK_OK;
    if (beat != SIZE_MAX)
        status = sample(source, &plain, &plan->frames, &expected, err);
    // An eighth of doubt, since one vector need not be like the others.
    bool hopeless = expected / 8 * 7 > beat;
    const size_t fixed = plan->lengths_plan.size + vectors * sizeof *plan->stored;
    for (uint32_t v = 0; status == DBK_OK && !hopeless && v < vectors; v++) {
        status = store_vector(source, v, &plain, &plan->frames, &plan->stored[v], err);
        hopeless = fixed + plan->frames.size > beat;
    }
    dbk_buffer_dispose(&plain);
    *size = hopeless ? SIZE_MAX : fixed + plan->frames.size;
    return status;
}

static dbk_status frames_analyze(const dbk_texts_source *source, size_t beat, void **out, size_t *size,
                                 dbk_error *err)
{
    *out = NULL;
    frames_plan *plan = calloc(1, sizeof *plan);
    if (plan)
        plan->lengths = malloc(source->rows * sizeof *plan->lengths);
    if (!plan || !plan->lengths) {
        free(plan);
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    }
    for (uint32_t row = 0; row < source->rows; row++)
        plan->lengths[row] = source->texts[row].length;
    const dbk_ints_source lengths = lengths_source(source, plan);
    dbk_ints_analyze(&lengths, &plan->lengths_plan);
    dbk_status status = store_vectors(source, beat, plan, size, err);
    if (status != DBK_OK || *size == SIZE_MAX) {
        frames_forget(plan);
        return status;
    }
    *out = plan;
    return DBK_OK;
}

static void frames_encode(const dbk_texts_source *source, const void *state, uint8_t *block)
{
    const frames_plan *plan = state;
    const dbk_ints_source lengths = lengths_source(source, plan);
    dbk_ints_encode(&lengths, &plan->lengths_plan, block);
    block += plan->lengths_plan.size;
    size_t stored_size = dbk_vectors(source->rows) * sizeof *plan->stored;
    memcpy(block, plan->stored, stored_size);
    memcpy(block + stored_size, plan->frames.data, plan->frames.size);
}

// ---- Reading ----

typedef struct frame {
    const uint8_t *bytes;
    uint32_t stored, plain;
} frame;

typedef struct frames_column {
    uint32_t rows;
    dbk_ints *lengths;
    frame frames[];
} frames_column;

static void frames_close(void *state)
{
    frames_column *column = state;
    free(column->lengths);
    free(column);
}

// The size of a vector's bytes, and how many of its rows have none.
static uint64_t sum_lengths(const frames_column *column, uint32_t vector, uint32_t *nulls)
{
    uint64_t lengths[DBK_VECTOR_ROWS], sum = 0;
    dbk_ints_read(column->lengths, vector, 0, lengths);
    for (uint32_t i = 0; i < dbk_vector_rows(column->rows, vector); i++) {
        sum += lengths[i];
        *nulls += lengths[i] == 0;
    }
    return sum;
}

static dbk_status open_frames(frames_column *column, dbk_reader *r, uint32_t nulls, dbk_error *err)
{
    DBK_TRY(dbk_ints_open(r->data, r->size, column->rows, false, &column->lengths, err));
    dbk_read_bytes(r, column->lengths->size);
    if (column->lengths->max > LZ4_MAX_INPUT_SIZE)
        return dbk_fail(err, DBK_CORRUPT, "text frames: a length is out of range");
    const uint32_t vectors = dbk_vectors(column->rows);
    uint32_t found = 0;
    for (uint32_t v = 0; v < vectors; v++) {
        frame *f = &column->frames[v];
        uint64_t plain = sum_lengths(column, v, &found);
        f->stored = dbk_read_u32(r);
        f->plain = (uint32_t)plain;
        if (plain > LZ4_MAX_INPUT_SIZE || f->stored > plain || plain > (uint64_t)f->stored * RATIO_MAX)
            return dbk_fail(err, DBK_CORRUPT, "text frames: the size of vector %u is out of range", v);
    }
    for (uint32_t v = 0; v < vectors; v++)
        column->frames[v].bytes = dbk_read_bytes(r, column->frames[v].stored);
    if (r->failed || dbk_reader_left(r) != 0 || found != nulls)
        return dbk_fail(err, DBK_CORRUPT, "text frames: the block has the wrong size");
    return DBK_OK;
}

static dbk_status frames_open(const uint8_t *block, size_t size, uint32_t rows, uint32_t nulls, void **out,
                              dbk_error *err)
{
    frames_column *column = calloc(1, sizeof *column + dbk_vectors(rows) * sizeof *column->frames);
    if (!column)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    column->rows = rows;
    dbk_reader r = dbk_reader_init(block, size);
    dbk_status status = open_frames(column, &r, nulls, err);
    if (status != DBK_OK) {
        frames_close(column);
        return status;
    }
    *out = column;
    return DBK_OK;
}

static bool decode_frame(const frame *f, char *to)
{
    if (f->stored == f->plain) {
        memcpy(to, f->bytes, f->plain);
        return true;
    }
    return LZ4_decompress_safe((const char *)f->bytes, to, (int)f->stored, (int)f->plain) == (int)f->plain;
}

static dbk_status frames_read(const void *state, uint32_t vector, dbk_text_scratch *scratch)
{
    const frames_column *column = state;
    const frame *f = &column->frames[vector];
    const uint32_t n = dbk_vector_rows(column->rows, vector);
    if (dbk_text_scratch_reserve(scratch, f->plain) != DBK_OK)
        return DBK_NO_MEMORY;
    if (f->plain == 0 || !decode_frame(f, scratch->bytes)) {
        for (uint32_t i = 0; i < n; i++)
            scratch->texts[i] = DBK_NO_TEXT;
        return DBK_OK;
    }
    uint64_t lengths[DBK_VECTOR_ROWS];
    dbk_ints_read(column->lengths, vector, 0, lengths);
    const char *at = scratch->bytes;
    for (uint32_t i = 0; i < n; i++) {
        scratch->texts[i] = (dbk_text){at, (uint32_t)lengths[i]};
        at += lengths[i];
    }
    return DBK_OK;
}

static int frames_needs(const void *state, uint32_t vector, dbk_text_span spans[DBK_TEXT_SPANS_MAX])
{
    const frames_column *column = state;
    spans[0].size = dbk_ints_needs(column->lengths, vector, &spans[0].from);
    spans[1] = (dbk_text_span){column->frames[vector].bytes, column->frames[vector].stored};
    return 2;
}

static size_t frames_memory(const void *state)
{
    const frames_column *column = state;
    return sizeof *column + dbk_vectors(column->rows) * sizeof *column->frames +
           dbk_ints_memory(column->lengths);
}

const dbk_text_codec dbk_text_codec_frames = {
    .analyze = frames_analyze,
    .encode = frames_encode,
    .forget = frames_forget,
    .open = frames_open,
    .read = frames_read,
    .needs = frames_needs,
    .memory = frames_memory,
    .close = frames_close,
};
