// SPDX-License-Identifier: Apache-2.0
// Opening a segment: every byte is checked before anything is believed. The order is that of trust: the
// header's checksum, the directory's, the places of the blocks, their checksums, their content.
#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "engine/segment/residence.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// What reads need of the file while it is being checked.
typedef struct opening {
    dbk_segment *segment;
    dbk_segment_header header;
    dbk_segment_entry entries[DBK_COLUMNS_MAX];
    bool leaves_texts; // on disk: nothing of their blocks is in memory
    bool is_late;      // columns of numbers are proved when they are needed
    dbk_error *err;
} opening;

uint64_t dbk_segment_seal_of(uint64_t id, int column, const uint8_t *bytes, const dbk_segment_entry *entry)
{
    const dbk_segment_seal seal = {.id = id,
                                   .column = (uint64_t)column,
                                   .offset = entry->offset,
                                   .size = entry->size,
                                   .content = dbk_checksum(bytes + entry->offset, entry->size)};
    return dbk_checksum(&seal, sizeof seal);
}

static dbk_status read_header(opening *o, dbk_reader *r)
{
    dbk_segment_header *h = &o->header;
    const uint8_t *view = dbk_read_bytes(r, sizeof *h);
    if (!view)
        return dbk_fail(o->err, DBK_CORRUPT, "segment: %zu bytes are less than a header", r->size);
    memcpy(h, view, sizeof *h);
    if (h->magic != DBK_SEGMENT_MAGIC)
        return dbk_fail(o->err, DBK_CORRUPT, "segment: the file does not begin like one");
    if (h->checksum != dbk_checksum(h, offsetof(dbk_segment_header, checksum)))
        return dbk_fail(o->err, DBK_CORRUPT, "segment: the header fails its checksum");
    if (h->version != DBK_SEGMENT_VERSION)
        return dbk_fail(o->err, DBK_CORRUPT,
                        "segment %" PRIu64 ": format %u was written by a newer Daybook: use that one", h->id,
                        h->version);
    const dbk_table_def *table = h->table < DBK_TABLE_END ? dbk_table_def_by_id((int)h->table) : NULL;
    if (!table || h->columns > (uint32_t)table->columns_count)
        return dbk_fail(o->err, DBK_CORRUPT,
                        "segment %" PRIu64
                        ": %u columns of table %u were written by a newer Daybook: use that one",
                        h->id, h->columns, h->table);
    if (h->columns == 0 || h->rows == 0 || h->rows > DBK_SEGMENT_ROWS)
        return dbk_fail(o->err, DBK_CORRUPT, "segment %" PRIu64 ": %u rows, %u columns", h->id, h->rows,
                        h->columns);
    if (h->size != r->size)
        return dbk_fail(o->err, DBK_CORRUPT, "segment %" PRIu64 ": %zu bytes instead of %" PRIu64, h->id,
                        r->size, h->size);
    o->segment->table = table;
    o->segment->id = h->id;
    o->segment->rows = h->rows;
    return DBK_OK;
}

static dbk_status read_directory(opening *o, dbk_reader *r)
{
    const size_t size = o->header.columns * sizeof *o->entries;
    const uint8_t *view = dbk_read_bytes(r, size);
    if (!view || o->header.directory_checksum != dbk_checksum(view, size))
        return dbk_fail(o->err, DBK_CORRUPT, "segment %" PRIu64 ": the directory fails its checksum",
                        o->header.id);
    memcpy(o->entries, view, size);
    return DBK_OK;
}

static bool encoding_fits(dbk_encoding encoding, dbk_type type)
{
    switch (encoding) {
    case DBK_ENCODING_ABSENT:
        return true;
    case DBK_ENCODING_CONSTANT:
    case DBK_ENCODING_PACKED:
    case DBK_ENCODING_DERIVED:
        return type != DBK_TEXT;
    case DBK_ENCODING_ASCENDING:
        return dbk_type_is_int(type);
    case DBK_ENCODING_SPLIT:
        return type == DBK_CODE;
    case DBK_ENCODING_RADIX:
    case DBK_ENCODING_DECIMAL:
    case DBK_ENCODING_FRAMES:
        return type == DBK_TEXT;
    }
    return false;
}

static bool has_block(const dbk_segment_entry *entry)
{
    return entry->encoding >= DBK_ENCODING_PACKED;
}

static bool proves_later(const opening *o, const dbk_segment_entry *entry)
{
    return o->is_late && entry->type != DBK_TEXT && has_block(entry);
}

static dbk_status check_entry(const opening *o, int index)
{
    const dbk_segment_entry *entry = &o->entries[index];
    const dbk_column_def *def = &o->segment->table->columns[index];
    if (entry->type != def->type || !encoding_fits(entry->encoding, def->type))
        return dbk_fail(o->err, DBK_CORRUPT,
                        "segment %" PRIu64
                        ", column %s: encoding %u of type %u is unknown; a newer Daybook may "
                        "have written it",
                        o->header.id, def->name, entry->encoding, entry->type);
    bool sound = entry->reserved == 0 && entry->nulls <= o->header.rows;
    if (!has_block(entry))
        sound = sound && entry->offset == 0 && entry->size == 0 && entry->checksum == 0;
    if (!sound)
        return dbk_fail(o->err, DBK_CORRUPT, "segment %" PRIu64 ", column %s: the directory entry is damaged",
                        o->header.id, def->name);
    return DBK_OK;
}

// Reads zeros up to the next multiple of 64.
static bool skip_padding(dbk_reader *r)
{
    size_t padding = dbk_segment_align(r->at) - r->at;
    while (padding-- > 0) {
        if (dbk_read_u8(r) != 0)
            return false;
    }
    return !r->failed;
}

static dbk_status check_block(const opening *o, int index, dbk_reader *r)
{
    const dbk_segment_entry *entry = &o->entries[index];
    const char *name = o->segment->table->columns[index].name;
    if (entry->offset != r->at || entry->size == 0 || !dbk_read_bytes(r, entry->size))
        return dbk_fail(o->err, DBK_CORRUPT, "segment %" PRIu64 ", column %s: the block is out of place",
                        o->header.id, name);
    if (o->leaves_texts && entry->type == DBK_TEXT) {
        dbk_read_bytes(r, dbk_segment_align(r->at) - r->at);
        return DBK_OK;
    }
    if (!o->is_late && entry->checksum != dbk_segment_seal_of(o->header.id, index, r->data, entry))
        return dbk_fail(o->err, DBK_CORRUPT,
                        "segment %" PRIu64 ", column %s: the block at offset %" PRIu64 " fails its checksum",
                        o->header.id, name, entry->offset);
    if (!skip_padding(r))
        return dbk_fail(o->err, DBK_CORRUPT, "segment %" PRIu64 ", column %s: the padding is not zero",
                        o->header.id, name);
    return DBK_OK;
}

static dbk_status check_blocks(const opening *o, dbk_reader *r)
{
    for (int i = 0; i < (int)o->header.columns; i++)
        DBK_TRY(check_entry(o, i));
    for (int cold = 0; cold < 2; cold++) {
        if (cold && o->header.cold != r->at)
            return dbk_fail(o->err, DBK_CORRUPT, "segment %" PRIu64 ": texts do not begin at %" PRIu64,
                            o->header.id, o->header.cold);
        for (int i = 0; i < (int)o->header.columns; i++) {
            if (has_block(&o->entries[i]) && (o->entries[i].type == DBK_TEXT) == cold)
                DBK_TRY(check_block(o, i, r));
        }
    }
    if (dbk_reader_left(r) != 0)
        return dbk_fail(o->err, DBK_CORRUPT, "segment %" PRIu64 ": %zu bytes too many", o->header.id,
                        dbk_reader_left(r));
    return DBK_OK;
}

// ---- Content ----

static dbk_zone_map zone_map_of(const dbk_segment_entry *entry)
{
    return (dbk_zone_map){.min = entry->min,
                          .max = entry->max,
                          .nulls = entry->nulls,
                          .sum = (dbk_i128)((dbk_u128)entry->sum_high << 64 | entry->sum_low)};
}

static bool zone_maps_agree(const dbk_zone_map *a, const dbk_zone_map *b)
{
    return a->min == b->min && a->max == b->max && a->nulls == b->nulls && a->sum == b->sum;
}

static dbk_zone_map no_values(uint32_t nulls)
{
    return (dbk_zone_map){.min = INT64_MAX, .max = INT64_MIN, .nulls = nulls};
}

// What the rows of a packed column say the zone map must be.
static dbk_zone_map packed_zone_map(const dbk_ints *ints, bool is_int)
{
    const uint64_t bias = is_int ? DBK_INT_BIAS : 0;
    dbk_zone_map map = {
        .min = (int64_t)(ints->min - bias), .max = (int64_t)(ints->max - bias), .nulls = ints->nulls};
    if (is_int)
        map.sum = (dbk_i128)(ints->sum - (dbk_u128)bias * (ints->rows - ints->nulls));
    return map;
}

static dbk_zone_map ascending_zone_map(const dbk_ascending *a)
{
    return (dbk_zone_map){.min = (int64_t)(a->min - DBK_INT_BIAS),
                          .max = (int64_t)(a->max - DBK_INT_BIAS),
                          .sum = (dbk_i128)(a->sum - (dbk_u128)DBK_INT_BIAS * a->rows)};
}

static bool code_in_range(int64_t value)
{
    return value > 0 && value <= UINT32_MAX;
}

// Opens a block, and tells what its rows say the zone map must be.
static dbk_status open_numbers_block(dbk_segment *segment, int index, const dbk_segment_entry *entry,
                                     const uint8_t *block, dbk_zone_map *truth, dbk_error *err)
{
    dbk_segment_column *column = &segment->columns[index];
    const bool is_int = dbk_type_is_int(entry->type);
    const size_t size = entry->size;
    switch (column->encoding) {
    case DBK_ENCODING_PACKED:
        DBK_TRY(dbk_ints_open(block, size, segment->rows, true, &column->ints, err));
        if (column->ints->size != size)
            return dbk_fail(err, DBK_CORRUPT, "packed numbers: the block has the wrong size");
        *truth = packed_zone_map(column->ints, is_int);
        return DBK_OK;
    case DBK_ENCODING_ASCENDING:
        DBK_TRY(dbk_ascending_open(block, size, segment->rows, &column->ascending, err));
        *truth = ascending_zone_map(column->ascending);
        return DBK_OK;
    case DBK_ENCODING_SPLIT:
        return dbk_split_open(segment, index, block, size, &column->split, truth, err);
    case DBK_ENCODING_DERIVED:
        return dbk_derived_open(segment, index, block, size, &column->derived, truth, err);
    default:
        *truth = (dbk_zone_map){.min = entry->min, .max = entry->min};
        truth->sum = is_int ? (dbk_i128)entry->min * segment->rows : 0;
        return entry->min != DBK_NULL ? DBK_OK : dbk_fail(err, DBK_CORRUPT, "the constant is no value");
    }
}

dbk_status dbk_segment_open_numbers(dbk_segment *segment, int index, const dbk_segment_entry *entry,
                                    const uint8_t *block, dbk_error *err)
{
    dbk_zone_map truth;
    DBK_TRY(open_numbers_block(segment, index, entry, block, &truth, err));
    if (!zone_maps_agree(&segment->columns[index].zone_map, &truth))
        return dbk_fail(err, DBK_CORRUPT, "the statistics are not those of the rows");
    if (!dbk_type_is_int(entry->type) && !(code_in_range(truth.min) && code_in_range(truth.max)))
        return dbk_fail(err, DBK_CORRUPT, "a code is out of range");
    return DBK_OK;
}

size_t dbk_segment_column_memory(const dbk_segment_column *column)
{
    return (column->ints ? dbk_ints_memory(column->ints) : 0) +
           (column->ascending ? dbk_ascending_memory(column->ascending) : 0) +
           (column->split ? dbk_split_memory(column->split) : 0) +
           (column->derived ? dbk_derived_memory(column->derived) : 0);
}

void dbk_segment_column_clear(dbk_segment_column *column, uint32_t rows)
{
    free(column->ints);
    free(column->ascending);
    dbk_split_close(column->split);
    dbk_derived_close(column->derived);
    column->ints = NULL;
    column->ascending = NULL;
    column->split = NULL;
    column->derived = NULL;
    column->encoding = DBK_ENCODING_ABSENT;
    column->zone_map = no_values(rows);
}

// Without a block, which is then opened by the first read.
static dbk_status open_texts(dbk_segment_column *column, const dbk_segment_entry *entry, uint32_t rows,
                             const uint8_t *block, dbk_error *err)
{
    const dbk_zone_map truth = no_values(entry->nulls);
    if (!zone_maps_agree(&column->zone_map, &truth) || entry->nulls == rows)
        return dbk_fail(err, DBK_CORRUPT, "the statistics are not those of texts");
    column->codec = dbk_text_codec_of(column->encoding);
    void *texts = NULL;
    if (block)
        DBK_TRY(column->codec->open(block, entry->size, rows, entry->nulls, &texts, err));
    atomic_init(&column->texts, texts);
    return DBK_OK;
}

static dbk_status open_column(const opening *o, int index, const uint8_t *bytes, dbk_error *err)
{
    dbk_segment *segment = o->segment;
    const dbk_segment_entry *entry = &o->entries[index];
    dbk_segment_column *column = &segment->columns[index];
    if (proves_later(o, entry))
        return DBK_OK;
    if (column->encoding == DBK_ENCODING_ABSENT) {
        const dbk_zone_map truth = no_values(segment->rows);
        if (!zone_maps_agree(&column->zone_map, &truth))
            return dbk_fail(err, DBK_CORRUPT, "the statistics of a column without values have some");
        return DBK_OK;
    }
    const uint8_t *block = bytes + entry->offset;
    if (entry->type == DBK_TEXT)
        return open_texts(column, entry, segment->rows, o->leaves_texts ? NULL : block, err);
    return dbk_segment_open_numbers(segment, index, entry, block, err);
}

// What the directory says of every column, before any block is looked into.
static dbk_status note_columns(const opening *o, const uint8_t *bytes)
{
    dbk_segment *segment = o->segment;
    for (int i = 0; i < segment->table->columns_count; i++) {
        dbk_segment_column *column = &segment->columns[i];
        if (i >= (int)o->header.columns) {
            column->encoding = DBK_ENCODING_ABSENT;
            column->zone_map = no_values(segment->rows);
            atomic_init(&column->is_proved, true);
            continue;
        }
        const dbk_segment_entry *entry = &o->entries[i];
        column->encoding = entry->encoding;
        column->zone_map = zone_map_of(entry);
        column->stored_size = sizeof *entry + dbk_segment_align(entry->size);
        if (column->encoding == DBK_ENCODING_DERIVED)
            column->depth = dbk_derived_depth(bytes + entry->offset, entry->size);
        if (column->depth < 0 || column->depth > DBK_DERIVED_DEPTH_MAX)
            return dbk_fail(o->err, DBK_CORRUPT, "segment %" PRIu64 ", column %s: it refers too far",
                            segment->id, segment->table->columns[i].name);
    }
    return DBK_OK;
}

static dbk_status open_columns(const opening *o, const uint8_t *bytes)
{
    dbk_segment *segment = o->segment;
    DBK_TRY(note_columns(o, bytes));
    segment->memory = sizeof *segment + (segment->late ? dbk_late_memory() : 0);
    // Columns before those that refer to them.
    for (int depth = 0; depth <= DBK_DERIVED_DEPTH_MAX; depth++) {
        for (int i = 0; i < (int)o->header.columns; i++) {
            dbk_segment_column *column = &segment->columns[i];
            if (column->depth != depth)
                continue;
            dbk_error why = {0};
            dbk_status status = open_column(o, i, bytes, &why);
            if (status != DBK_OK)
                return dbk_fail(o->err, status, "segment %" PRIu64 ", column %s: %s", segment->id,
                                segment->table->columns[i].name, why.message);
            void *texts = atomic_load(&column->texts);
            segment->memory += dbk_segment_column_memory(column) + (texts ? column->codec->memory(texts) : 0);
            atomic_init(&column->is_proved, !proves_later(o, &o->entries[i]));
        }
    }
    return DBK_OK;
}

static dbk_status open_bytes(opening *o, const uint8_t *bytes, size_t size)
{
    dbk_reader r = dbk_reader_init(bytes, size);
    DBK_TRY(read_header(o, &r));
    DBK_TRY(read_directory(o, &r));
    DBK_TRY(check_blocks(o, &r));
    return open_columns(o, bytes);
}

static dbk_status open_whole(void *bytes, size_t size, bool late, dbk_segment **out, dbk_error *err)
{
    opening o = {.err = err, .is_late = late, .segment = calloc(1, sizeof *o.segment)};
    if (!o.segment || (late && !(o.segment->late = dbk_late_create(o.segment)))) {
        free(o.segment);
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    }
    dbk_status status = open_bytes(&o, bytes, size);
    if (status != DBK_OK) {
        // Without bytes: they stay the caller's.
        dbk_segment_free(o.segment);
        return status;
    }
    o.segment->bytes = bytes;
    o.segment->size = size;
    o.segment->cold = o.header.cold;
    *out = o.segment;
    return DBK_OK;
}

dbk_status dbk_segment_open(void *bytes, size_t size, dbk_segment **out, dbk_error *err)
{
    return open_whole(bytes, size, false, out, err);
}

dbk_status dbk_segment_open_late(void *bytes, size_t size, dbk_segment **out, dbk_error *err)
{
    return open_whole(bytes, size, true, out, err);
}

// ---- Without its texts ----

typedef struct cold_opening {
    dbk_cold *cold;
    uint64_t id;
    uint8_t *bytes; // room for the whole file
    size_t size;
    opening o;
} cold_opening;

static dbk_status read_bytes(cold_opening *c, size_t from, size_t to)
{
    const dbk_segment_source *source = dbk_cold_source(c->cold);
    if (from >= to)
        return DBK_OK;
    return source->read(source->user, c->id, c->bytes + from, to - from, from, c->o.err);
}

// The first part tells how much more there is to read: all but the whole pages of texts.
static dbk_status read_hot(cold_opening *c)
{
    const size_t page = dbk_residence_page_bytes(), first = c->size < page ? c->size : page;
    DBK_TRY(read_bytes(c, 0, first));
    dbk_reader r = dbk_reader_init(c->bytes, c->size);
    DBK_TRY(read_header(&c->o, &r));
    if (c->o.header.cold > c->size)
        return dbk_fail(c->o.err, DBK_CORRUPT, "segment %" PRIu64 ": texts do not begin at %" PRIu64, c->id,
                        c->o.header.cold);
    c->o.segment->bytes = c->bytes;
    c->o.segment->size = c->size;
    c->o.segment->cold = c->o.header.cold;
    dbk_residence *residence = c->o.segment->residence = dbk_residence_create(c->cold, c->o.segment);
    if (!residence) // too little to be left behind
        return read_bytes(c, first, c->size);
    const size_t texts = (size_t)(residence->pages - c->bytes), end = texts + residence->count * page;
    residence->blocks = calloc(DBK_COLUMNS_MAX, sizeof *residence->blocks);
    if (!residence->blocks || !dbk_residence_track(residence, true))
        return dbk_fail(c->o.err, DBK_NO_MEMORY, "out of memory");
    dbk_cold_grown(residence, sizeof *residence + DBK_COLUMNS_MAX * sizeof *residence->blocks);
    c->o.leaves_texts = true;
    DBK_TRY(read_bytes(c, first, texts));
    return read_bytes(c, end > first ? end : first, c->size);
}

static dbk_status open_hot(cold_opening *c)
{
    DBK_TRY(read_hot(c));
    DBK_TRY(open_bytes(&c->o, c->bytes, c->size));
    for (int i = 0; c->o.leaves_texts && i < (int)c->o.header.columns; i++) {
        const dbk_segment_entry *entry = &c->o.entries[i];
        c->o.segment->residence->blocks[i] = (dbk_cold_block){
            .offset = entry->offset, .size = entry->size, .checksum = entry->checksum, .nulls = entry->nulls};
    }
    return DBK_OK;
}

dbk_status dbk_segment_open_cold(dbk_cold *cold, uint64_t id, uint64_t size, dbk_segment **out,
                                 dbk_error *err)
{
    const size_t page = dbk_residence_page_bytes(),
                 room = (size + DBK_SEGMENT_SLACK + page - 1) / page * page;
    cold_opening c = {.cold = cold, .id = id, .size = size};
    c.o.err = err;
    c.o.segment = calloc(1, sizeof *c.o.segment);
    c.bytes = c.o.segment && room > size ? aligned_alloc(page, room) : NULL;
    if (!c.bytes) {
        free(c.o.segment);
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for a segment of %" PRIu64 " bytes", size);
    }
    // What was freed before may be handed out again with its pages: they are not needed.
    (void)madvise(c.bytes, room, MADV_DONTNEED);
    dbk_status status = open_hot(&c);
    c.o.segment->bytes = c.bytes;
    if (status != DBK_OK) {
        dbk_segment_free(c.o.segment);
        return status;
    }
    *out = c.o.segment;
    return DBK_OK;
}

void dbk_segment_free(dbk_segment *segment)
{
    if (!segment)
        return;
    dbk_cold_forget(segment);
    dbk_residence_dispose(segment->residence);
    for (int i = 0; i < DBK_COLUMNS_MAX; i++) {
        dbk_segment_column *column = &segment->columns[i];
        dbk_segment_column_clear(column, segment->rows);
        void *texts = atomic_load(&column->texts);
        if (texts)
            column->codec->close(texts);
    }
    dbk_late_free(segment->late);
    free(segment->bytes);
    free(segment);
}
