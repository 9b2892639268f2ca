// SPDX-License-Identifier: Apache-2.0
// Building a segment: analyse every column, lay the blocks out, write them once in their place, seal them.
// What was written is then opened like any file, so that nothing is ever stored that could not be read back.
#include "engine/base/hash.h"
#include "engine/segment/columns.h"
#include "engine/segment/ints_kernel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// One column between analysis and writing.
typedef struct column_plan {
    dbk_segment_entry entry;
    dbk_ints_source ints;
    dbk_ints_plan *ints_plan;
    dbk_derived_plan *derived;
    dbk_split_plan *split;
    dbk_texts_source texts;
    dbk_text_choice choice;
} column_plan;

typedef struct build {
    const dbk_segment_input *input;
    column_plan columns[DBK_COLUMNS_MAX];
    size_t cold, size;
} build;

static void no_values(const dbk_segment_input *input, dbk_segment_entry *entry)
{
    entry->encoding = DBK_ENCODING_ABSENT;
    entry->nulls = input->rows;
}

static dbk_status plan_numbers(build *b, int index, dbk_error *err)
{
    column_plan *column = &b->columns[index];
    const dbk_segment_input *input = b->input;
    column->ints = (dbk_ints_source){
        .ints = input->ints[index], .codes = input->codes[index], .rows = input->rows, .nullable = true};
    const bool is_int = dbk_type_is_int(input->table->columns[index].type);
    if (is_int ? !column->ints.ints : !column->ints.codes) {
        no_values(input, &column->entry);
        return DBK_OK;
    }
    // The type decides, should both be set.
    column->ints.ints = is_int ? column->ints.ints : NULL;

    dbk_ints_plan *plan = column->ints_plan = malloc(sizeof *plan);
    if (!plan)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    dbk_ints_analyze(&column->ints, plan);
    if (plan->nulls == input->rows) {
        no_values(input, &column->entry);
        return DBK_OK;
    }
    const uint64_t bias = is_int ? DBK_INT_BIAS : 0;
    const dbk_i128 sum = is_int ? dbk_ints_sum(column->ints.ints, input->rows) : 0;
    column->entry.nulls = plan->nulls;
    column->entry.min = (int64_t)(plan->min - bias);
    column->entry.max = (int64_t)(plan->max - bias);
    column->entry.sum_low = (uint64_t)sum;
    column->entry.sum_high = (uint64_t)(sum >> 64);
    if (plan->nulls == 0 && plan->min == plan->max) {
        column->entry.encoding = DBK_ENCODING_CONSTANT;
    } else {
        column->entry.encoding = DBK_ENCODING_PACKED;
        column->entry.size = plan->size;
    }
    // The rows of a fact are in the order of their time.
    if (index == input->table->time_column && column->entry.encoding == DBK_ENCODING_PACKED) {
        const size_t size = dbk_ascending_size(column->ints.ints, input->rows, plan);
        if (size < plan->size) {
            column->entry.encoding = DBK_ENCODING_ASCENDING;
            column->entry.size = size;
        }
    }
    return DBK_OK;
}

static dbk_status plan_texts(build *b, int index, dbk_error *err)
{
    column_plan *column = &b->columns[index];
    const dbk_segment_input *input = b->input;
    const dbk_text *texts = input->texts[index];
    uint32_t nulls = 0;
    for (uint32_t i = 0; texts && i < input->rows; i++)
        nulls += texts[i].length == 0;
    if (!texts || nulls == input->rows) {
        no_values(input, &column->entry);
        return DBK_OK;
    }
    column->texts = (dbk_texts_source){texts, input->rows, nulls};
    DBK_TRY(dbk_text_choose(&column->texts, &column->choice, err));
    column->entry.encoding = (uint8_t)column->choice.encoding;
    column->entry.nulls = nulls;
    column->entry.size = column->choice.size;
    return DBK_OK;
}

static dbk_status plan_column(build *b, int index, dbk_error *err)
{
    const dbk_type type = b->input->table->columns[index].type;
    b->columns[index].entry = (dbk_segment_entry){.type = (uint8_t)type, .min = INT64_MAX, .max = INT64_MIN};
    return type == DBK_TEXT ? plan_texts(b, index, err) : plan_numbers(b, index, err);
}

// ---- Columns that follow from others ----

static dbk_status derive(build *b, int index, const dbk_anchors *anchors, dbk_error *err)
{
    column_plan *column = &b->columns[index];
    DBK_TRY(dbk_derived_choose(b->input, index, column->ints_plan, anchors, &column->derived, err));
    if (column->derived) {
        column->entry.encoding = DBK_ENCODING_DERIVED;
        column->entry.size = dbk_derived_size(column->derived);
        return DBK_OK;
    }
    if (b->input->table->columns[index].type == DBK_CODE)
        DBK_TRY(dbk_split_choose(b->input, index, column->ints_plan, &column->split, err));
    if (column->split) {
        column->entry.encoding = DBK_ENCODING_SPLIT;
        column->entry.size = dbk_split_size(column->split);
    }
    return DBK_OK;
}

// One more than that of the deepest column it refers to.
static int depth_of(const build *b, int index)
{
    if (!b->columns[index].derived)
        return 0;
    int depth = 0;
    for (uint32_t left = dbk_derived_references(b->columns[index].derived); left; left &= left - 1) {
        const int below = 1 + depth_of(b, __builtin_ctz(left));
        depth = below > depth ? below : depth;
    }
    return depth;
}

static void forget_what_is_too_deep(build *b)
{
    for (int i = 0; i < b->input->table->columns_count; i++) {
        column_plan *column = &b->columns[i];
        if (depth_of(b, i) <= DBK_DERIVED_DEPTH_MAX)
            continue;
        dbk_derived_forget(column->derived);
        column->derived = NULL;
        column->entry.encoding = DBK_ENCODING_PACKED;
        column->entry.size = column->ints_plan->size;
    }
}

// First the codes that might anchor others, for those that stay packed can; then everything else.
static dbk_status plan_derived(build *b, dbk_error *err)
{
    const dbk_table_def *table = b->input->table;
    dbk_anchors anchors = {0};
    const dbk_anchors none = {0};
    bool done[DBK_COLUMNS_MAX] = {false};
    for (int i = 0; i < table->columns_count; i++) {
        const column_plan *column = &b->columns[i];
        done[i] = column->entry.encoding != DBK_ENCODING_PACKED;
        if (done[i] || table->columns[i].type != DBK_CODE || !dbk_anchor_fits(column->ints_plan))
            continue;
        done[i] = true;
        DBK_TRY(derive(b, i, &none, err));
        if (column->derived)
            continue;
        anchors.columns[anchors.count] = (uint8_t)i;
        anchors.min[anchors.count++] = (uint32_t)column->ints_plan->min;
    }
    for (int i = 0; i < table->columns_count; i++) {
        if (!done[i])
            DBK_TRY(derive(b, i, &anchors, err));
    }
    forget_what_is_too_deep(b);
    return DBK_OK;
}

// ---- Writing ----

// Hot blocks, then cold ones, each at the next multiple of 64.
static void lay_out(build *b)
{
    const dbk_table_def *table = b->input->table;
    size_t at = sizeof(dbk_segment_header) + (size_t)table->columns_count * sizeof(dbk_segment_entry);
    for (int cold = 0; cold < 2; cold++) {
        if (cold)
            b->cold = at;
        for (int i = 0; i < table->columns_count; i++) {
            dbk_segment_entry *entry = &b->columns[i].entry;
            if ((table->columns[i].type == DBK_TEXT) != cold || entry->size == 0)
                continue;
            entry->offset = at;
            at = dbk_segment_align(at + entry->size);
        }
    }
    b->size = at;
}

static void write_blocks(build *b, uint8_t *bytes)
{
    for (int i = 0; i < b->input->table->columns_count; i++) {
        column_plan *column = &b->columns[i];
        dbk_segment_entry *entry = &column->entry;
        if (entry->size == 0)
            continue;
        uint8_t *block = bytes + entry->offset;
        if (column->choice.plan)
            column->choice.codec->encode(&column->texts, column->choice.plan, block);
        else if (entry->encoding == DBK_ENCODING_ASCENDING)
            dbk_ascending_encode(column->ints.ints, column->ints.rows, column->ints_plan, block);
        else if (column->split)
            dbk_split_encode(column->split, block);
        else if (column->derived)
            dbk_derived_encode(column->derived, depth_of(b, i), block);
        else
            dbk_ints_encode(&column->ints, column->ints_plan, block);
        size_t end = entry->offset + entry->size;
        memset(bytes + end, 0, dbk_segment_align(end) - end);
        entry->checksum = dbk_segment_seal_of(b->input->id, i, bytes, entry);
    }
}

static void write_header(const build *b, uint8_t *bytes)
{
    const dbk_segment_input *input = b->input;
    uint8_t *directory = bytes + sizeof(dbk_segment_header);
    const size_t entry_size = sizeof(dbk_segment_entry), columns = (size_t)input->table->columns_count;
    for (size_t i = 0; i < columns; i++)
        memcpy(directory + i * entry_size, &b->columns[i].entry, entry_size);

    dbk_segment_header header = {.magic = DBK_SEGMENT_MAGIC,
                                 .version = DBK_SEGMENT_VERSION,
                                 .table = input->table->id,
                                 .id = input->id,
                                 .rows = input->rows,
                                 .columns = (uint32_t)columns,
                                 .size = b->size,
                                 .cold = b->cold,
                                 .directory_checksum = dbk_checksum(directory, columns * entry_size)};
    header.checksum = dbk_checksum(&header, offsetof(dbk_segment_header, checksum));
    memcpy(bytes, &header, sizeof header);
}

static dbk_status write_segment(build *b, dbk_segment **out, dbk_error *err)
{
    lay_out(b);
    uint8_t *bytes = aligned_alloc(DBK_SEGMENT_ALIGN, b->size + DBK_SEGMENT_SLACK);
    if (!bytes)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for a segment of %zu bytes", b->size);
    write_blocks(b, bytes);
    write_header(b, bytes);
    dbk_status status = dbk_segment_open(bytes, b->size, out, err);
    assert(status == DBK_OK || status == DBK_NO_MEMORY);
    if (status != DBK_OK)
        free(bytes);
    return status;
}

dbk_status dbk_segment_build(const dbk_segment_input *input, dbk_segment **out, dbk_error *err)
{
    assert(input->rows > 0 && input->rows <= DBK_SEGMENT_ROWS);
    const int columns = input->table->columns_count;
    build *b = calloc(1, sizeof *b);
    if (!b)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    b->input = input;
    dbk_status status = DBK_OK;
    for (int i = 0; i < columns && status == DBK_OK; i++)
        status = plan_column(b, i, err);
    if (status == DBK_OK)
        status = plan_derived(b, err);
    if (status == DBK_OK)
        status = write_segment(b, out, err);
    for (int i = 0; i < columns; i++) {
        free(b->columns[i].ints_plan);
        dbk_derived_forget(b->columns[i].derived);
        dbk_split_forget(b->columns[i].split);
        if (b->columns[i].choice.plan)
            b->columns[i].choice.codec->forget(b->columns[i].choice.plan);
    }
    free(b);
    return status;
}
