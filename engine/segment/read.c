// SPDX-License-Identifier: Apache-2.0
// Reading an opened segment. Everything was checked when it was opened, or is when it is first needed
// (proof.h), so nothing here can fail but texts, which need memory and may have to come back from disk.
#include "engine/segment/residence.h"

#include <assert.h>

// The one way to a column's statistics and numbers: behind it they are proved.
static inline const dbk_segment_column *column_of(const dbk_segment *segment, int column)
{
    assert(column >= 0 && column < segment->table->columns_count);
    const dbk_segment_column *c = &segment->columns[column];
    if (__builtin_expect(!atomic_load_explicit(&c->is_proved, memory_order_acquire), 0))
        dbk_late_need(segment->late, column);
    return c;
}

static inline const dbk_segment_column *numbers_of(const dbk_segment *segment, int column, bool is_int)
{
    assert(is_int ? dbk_type_is_int(segment->table->columns[column].type)
                  : segment->table->columns[column].type == DBK_CODE);
    return column_of(segment, column);
}

static const dbk_segment_column *texts_of(const dbk_segment *segment, int column)
{
    assert(column >= 0 && column < segment->table->columns_count);
    assert(segment->table->columns[column].type == DBK_TEXT);
    return &segment->columns[column];
}

// Of a column that is not absent, while a read of it has begun.
static const void *texts_in(const dbk_segment_column *column)
{
    return atomic_load_explicit(&column->texts, memory_order_acquire);
}

static uint32_t rows_of(const dbk_segment *segment, uint32_t vector)
{
    assert(vector < dbk_vectors(segment->rows));
    return dbk_vector_rows(segment->rows, vector);
}

const void *dbk_segment_bytes(const dbk_segment *segment, size_t *size)
{
    assert(dbk_residence_missing(segment->residence) == 0);
    *size = segment->size;
    return segment->bytes;
}

uint64_t dbk_segment_id(const dbk_segment *segment)
{
    return segment->id;
}

const dbk_table_def *dbk_segment_table(const dbk_segment *segment)
{
    return segment->table;
}

uint32_t dbk_segment_rows(const dbk_segment *segment)
{
    return segment->rows;
}

size_t dbk_segment_memory(const dbk_segment *segment)
{
    const dbk_residence *r = segment->residence;
    const size_t whole = segment->memory + segment->size + DBK_SEGMENT_SLACK;
    return r ? whole + atomic_load(&r->own_memory) - dbk_residence_missing(r) : whole;
}

bool dbk_segment_is_damaged(const dbk_segment *segment)
{
    return segment->residence && atomic_load_explicit(&segment->residence->is_damaged, memory_order_relaxed);
}

bool dbk_segment_is_ascending(const dbk_segment *segment, int column)
{
    return column_of(segment, column)->ascending != NULL;
}

size_t dbk_segment_column_bytes(const dbk_segment *segment, int column)
{
    assert(column >= 0 && column < segment->table->columns_count);
    return segment->columns[column].stored_size;
}

// ---- Statistics ----

void dbk_segment_zone_map(const dbk_segment *segment, int column, dbk_zone_map *out)
{
    *out = column_of(segment, column)->zone_map;
}

void dbk_segment_vector_zone_map(const dbk_segment *segment, int column, uint32_t vector, dbk_zone_map *out)
{
    const dbk_segment_column *c = column_of(segment, column);
    const uint32_t rows = rows_of(segment, vector);
    if (c->ascending) {
        const dbk_ascending_vector *v = &c->ascending->vectors[vector];
        const uint64_t start = c->ascending->min - DBK_INT_BIAS;
        *out = (dbk_zone_map){.min = (int64_t)(start + c->ascending->divisor * v->base),
                              .max = (int64_t)(start + c->ascending->divisor * (v->base + v->range))};
        return;
    }
    if (!c->ints) {
        *out = c->zone_map;
        out->nulls = c->derived          ? dbk_derived_nulls(c->derived, vector)
                     : out->nulls < rows ? out->nulls
                                         : rows;
        out->sum = 0;
        return;
    }
    const dbk_ints_vector *v = &c->ints->vectors[vector];
    *out = (dbk_zone_map){.min = INT64_MAX, .max = INT64_MIN, .nulls = v->has_nulls ? rows : 0};
    if (v->empty)
        return;
    const uint64_t bias = dbk_type_is_int(segment->table->columns[column].type) ? DBK_INT_BIAS : 0;
    const uint64_t start = c->ints->min - bias;
    out->min = (int64_t)(start + c->ints->divisor * v->base);
    out->max = (int64_t)(start + c->ints->divisor * (v->base + v->range));
}

// ---- Values ----

uint32_t dbk_segment_ints(const dbk_segment *segment, int column, uint32_t vector,
                          int64_t out[DBK_VECTOR_ROWS])
{
    const dbk_segment_column *c = numbers_of(segment, column, true);
    if (c->ints) {
        // Signed and unsigned of the same size may alias.
        dbk_ints_read(c->ints, vector, DBK_INT_BIAS, (uint64_t *)out);
    } else if (c->ascending) {
        dbk_ascending_read(c->ascending, vector, out);
    } else if (c->derived) {
        dbk_derived_ints(segment, c->derived, vector, out);
    } else {
        const int64_t value = c->encoding == DBK_ENCODING_CONSTANT ? c->zone_map.min : DBK_NULL;
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            out[i] = value;
    }
    return rows_of(segment, vector);
}

uint32_t dbk_segment_codes(const dbk_segment *segment, int column, uint32_t vector,
                           uint32_t out[DBK_VECTOR_ROWS])
{
    const dbk_segment_column *c = numbers_of(segment, column, false);
    if (c->ints) {
        dbk_ints_read32(c->ints, vector, out);
    } else if (c->split) {
        dbk_split_codes(c->split, vector, out);
    } else if (c->derived) {
        dbk_derived_codes(c->derived, vector, out);
    } else {
        const uint32_t code = c->encoding == DBK_ENCODING_CONSTANT ? (uint32_t)c->zone_map.min : 0;
        for (int i = 0; i < DBK_VECTOR_ROWS; i++)
            out[i] = code;
    }
    return rows_of(segment, vector);
}

bool dbk_segment_packed(const dbk_segment *segment, int column, uint32_t vector,
                        uint32_t out[DBK_VECTOR_ROWS], dbk_line *line)
{
    const dbk_segment_column *c = numbers_of(segment, column, true);
    dbk_ints_line packed;
    if (c->ascending)
        dbk_ascending_read_packed(c->ascending, vector, out, &packed);
    else if (!c->ints || !dbk_ints_read_packed(c->ints, vector, out, &packed))
        return false;
    *line = (dbk_line){(int64_t)(packed.start - DBK_INT_BIAS), packed.divisor, packed.width};
    return true;
}

bool dbk_segment_between(const dbk_segment *segment, int column, uint32_t vector, int64_t lo, int64_t hi,
                         uint64_t mask[DBK_MASK_WORDS])
{
    const dbk_segment_column *c = column_of(segment, column);
    const uint64_t bias = dbk_type_is_int(segment->table->columns[column].type) ? DBK_INT_BIAS : 0;
    if (c->ascending) {
        dbk_ascending_between(c->ascending, vector, (uint64_t)lo + bias, (uint64_t)hi + bias, mask);
        return true;
    }
    if (c->split)
        return dbk_split_between(c->split, vector, (uint64_t)lo, (uint64_t)hi, mask);
    if (c->derived)
        return dbk_derived_between(c->derived, vector, (uint64_t)lo + bias, (uint64_t)hi + bias, mask);
    return c->ints && dbk_ints_between(c->ints, vector, (uint64_t)lo + bias, (uint64_t)hi + bias, mask);
}

static dbk_status read_texts(const dbk_segment *segment, int column, uint32_t vector,
                             dbk_text_scratch *scratch)
{
    const dbk_segment_column *c = &segment->columns[column];
    DBK_TRY(dbk_residence_begin(segment, column, vector));
    dbk_status status = c->codec->read(texts_in(c), vector, scratch);
    dbk_residence_end(segment);
    return status;
}

dbk_status dbk_segment_texts(const dbk_segment *segment, int column, uint32_t vector,
                             dbk_text_scratch *scratch)
{
    const dbk_segment_column *c = texts_of(segment, column);
    const uint32_t rows = rows_of(segment, vector);
    if (c->codec)
        return read_texts(segment, column, vector, scratch);
    for (uint32_t i = 0; i < rows; i++)
        scratch->texts[i] = DBK_NO_TEXT;
    return DBK_OK;
}

int64_t dbk_segment_int_at(const dbk_segment *segment, int column, uint32_t row)
{
    const dbk_segment_column *c = numbers_of(segment, column, true);
    assert(row < segment->rows);
    if (c->ints)
        return (int64_t)(dbk_ints_at(c->ints, row) - DBK_INT_BIAS);
    if (c->ascending)
        return (int64_t)(dbk_ascending_at(c->ascending, row) - DBK_INT_BIAS);
    if (c->derived)
        return dbk_derived_int_at(segment, c->derived, row);
    return c->encoding == DBK_ENCODING_CONSTANT ? c->zone_map.min : DBK_NULL;
}

uint32_t dbk_segment_code_at(const dbk_segment *segment, int column, uint32_t row)
{
    const dbk_segment_column *c = numbers_of(segment, column, false);
    assert(row < segment->rows);
    if (c->ints)
        return (uint32_t)dbk_ints_at(c->ints, row);
    if (c->split)
        return dbk_split_code_at(c->split, row);
    if (c->derived)
        return dbk_derived_code_at(c->derived, row);
    return c->encoding == DBK_ENCODING_CONSTANT ? (uint32_t)c->zone_map.min : 0;
}

dbk_status dbk_segment_text_at(const dbk_segment *segment, int column, uint32_t row, dbk_text_cursor *cursor,
                               dbk_text *out)
{
    const dbk_segment_column *c = texts_of(segment, column);
    assert(row < segment->rows);
    *out = DBK_NO_TEXT;
    if (!c->codec)
        return DBK_OK;
    const uint32_t vector = row / DBK_VECTOR_ROWS;
    if (c->codec->at) {
        DBK_TRY(dbk_residence_begin(segment, column, vector));
        *out = c->codec->at(texts_in(c), row, cursor->single);
        dbk_residence_end(segment);
        return DBK_OK;
    }
    if (cursor->segment != segment || cursor->column != column || cursor->vector != vector) {
        // A failed read leaves the scratch with nothing.
        cursor->segment = NULL;
        DBK_TRY(read_texts(segment, column, vector, &cursor->scratch));
        cursor->segment = segment;
        cursor->column = column;
        cursor->vector = vector;
    }
    *out = cursor->scratch.texts[row % DBK_VECTOR_ROWS];
    return DBK_OK;
}
