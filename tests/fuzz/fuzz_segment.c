// SPDX-License-Identifier: Apache-2.0
// Forged segment files: whatever opens must be readable by every path without leaving its bounds, and must
// keep what its statistics promise; opened late, whatever comes first, nothing is kept from the notes that
// opening at once would have refused. Checksums are recomputed before opening, so that the checks behind them
// are reached.
//
// Input, when its first byte is odd: table, rows (2 bytes), seed (8 bytes), then edits of 5 bytes (offset,
// value) to the segment built from those random rows. Otherwise the rest is taken as a file.
#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "engine/segment/columns.h"
#include "tests/unit/segment/segment_rows.h"

#include <assert.h>

static void reseal(uint8_t *bytes, size_t size)
{
    dbk_segment_header header;
    if (size < sizeof header)
        return;
    memcpy(&header, bytes, sizeof header);
    header.magic = DBK_SEGMENT_MAGIC;
    header.version = DBK_SEGMENT_VERSION;
    header.size = size;
    const size_t room = (size - sizeof header) / sizeof(dbk_segment_entry);
    const size_t columns = header.columns < room ? header.columns : room;
    uint8_t *directory = bytes + sizeof header;
    for (size_t i = 0; i < columns; i++) {
        dbk_segment_entry entry;
        memcpy(&entry, directory + i * sizeof entry, sizeof entry);
        if (entry.size == 0 || entry.offset > size || entry.size > size - entry.offset)
            continue;
        entry.checksum = dbk_segment_seal_of(header.id, (int)i, bytes, &entry);
        memcpy(directory + i * sizeof entry, &entry, sizeof entry);
    }
    header.directory_checksum = dbk_checksum(directory, columns * sizeof(dbk_segment_entry));
    header.checksum = dbk_checksum(&header, offsetof(dbk_segment_header, checksum));
    memcpy(bytes, &header, sizeof header);
}

static void read_numbers(const dbk_segment *segment, int column, bool is_int)
{
    dbk_zone_map map, part;
    dbk_i128 sum = 0;
    uint32_t nulls = 0, rows = dbk_segment_rows(segment);
    dbk_segment_zone_map(segment, column, &map);
    for (uint32_t row = 0; row < rows; row++) {
        static int64_t ints[DBK_VECTOR_ROWS];
        static uint32_t codes[DBK_VECTOR_ROWS];
        const uint32_t v = row / DBK_VECTOR_ROWS, i = row % DBK_VECTOR_ROWS;
        if (i == 0) {
            dbk_segment_vector_zone_map(segment, column, v, &part);
            if (is_int)
                dbk_segment_ints(segment, column, v, ints);
            else
                dbk_segment_codes(segment, column, v, codes);
        }
        const int64_t value = is_int ? ints[i] : codes[i];
        const int64_t single = is_int ? dbk_segment_int_at(segment, column, row)
                                      : (int64_t)dbk_segment_code_at(segment, column, row);
        assert(value == single);
        if (value == (is_int ? DBK_NULL : 0)) {
            nulls++;
            assert(part.nulls > 0);
            continue;
        }
        assert(value >= part.min && value <= part.max && value >= map.min && value <= map.max);
        sum += is_int ? value : 0;
    }
    assert(nulls == map.nulls && sum == map.sum);
}

static void read_texts(const dbk_segment *segment, int column)
{
    static dbk_text_scratch scratch;
    static dbk_text_cursor cursor;
    for (uint32_t row = 0; row < dbk_segment_rows(segment); row++) {
        const uint32_t v = row / DBK_VECTOR_ROWS, i = row % DBK_VECTOR_ROWS;
        dbk_text single;
        if (i == 0 && dbk_segment_texts(segment, column, v, &scratch) != DBK_OK)
            abort();
        if (dbk_segment_text_at(segment, column, row, &cursor, &single) != DBK_OK)
            abort();
        assert(dbk_text_equal(single, scratch.texts[i])); // reads every byte of both
    }
    dbk_text_scratch_dispose(&scratch);
    dbk_text_scratch_dispose(&cursor.scratch);
    cursor.segment = NULL;
}

static void read_columns(const dbk_segment *segment)
{
    const dbk_table_def *table = dbk_segment_table(segment);
    for (int i = 0; i < table->columns_count; i++) {
        // Those that others refer to are not always the first.
        const int c = dbk_segment_id(segment) % 2 ? i : table->columns_count - 1 - i;
        if (table->columns[c].type == DBK_TEXT)
            read_texts(segment, c);
        else
            read_numbers(segment, c, dbk_type_is_int(table->columns[c].type));
    }
}

// Takes the bytes over.
static void open_late_and_read(uint8_t *bytes, size_t size, bool is_sound)
{
    dbk_segment *segment;
    dbk_error err;
    if (dbk_segment_open_late(bytes, size, &segment, &err) != DBK_OK) {
        assert(!is_sound);
        free(bytes);
        return;
    }
    dbk_proofs proofs;
    dbk_proofs_init(&proofs, NULL, NULL);
    dbk_segment_note(segment, &proofs);
    read_columns(segment);
    assert((dbk_proofs_hold(&proofs, &err) == DBK_OK) == is_sound);
    dbk_segment_free(segment);
    dbk_proofs_dispose(&proofs);
}

static uint8_t *file_of(const void *data, size_t size);

// Takes the bytes over.
static void open_and_read(uint8_t *bytes, size_t size)
{
    uint8_t *copy = file_of(bytes, size); // resealed, so that no checksum of a block can be wrong
    dbk_segment *segment;
    dbk_error err;
    const bool is_sound = dbk_segment_open(bytes, size, &segment, &err) == DBK_OK;
    if (is_sound) {
        read_columns(segment);
        dbk_segment_free(segment);
    } else {
        free(bytes);
    }
    open_late_and_read(copy, size, is_sound);
}

// Just as long as the slack asks, so that a sanitizer sees a read beyond it.
static uint8_t *file_of(const void *data, size_t size)
{
    uint8_t *bytes = NULL;
    if (posix_memalign((void **)&bytes, 64, size + DBK_SEGMENT_SLACK) != 0)
        abort();
    memcpy(bytes, data, size);
    memset(bytes + size, 0xa5, DBK_SEGMENT_SLACK);
    return bytes;
}

static void edit_a_segment(dbk_reader *r)
{
    enum { ROWS_MAX = 3000 };
    const dbk_table_id table = (dbk_table_id)(1 + dbk_read_u8(r) % (DBK_TABLE_END - 1));
    const uint32_t count = 1 + dbk_read_u16(r) % ROWS_MAX;
    dbk_random random = dbk_random_seed(dbk_read_u64(r));
    test_rows twin;
    rows_fill(&twin, &random, table, count);
    dbk_segment *built;
    if (dbk_segment_build(&twin.input, &built, NULL) != DBK_OK)
        abort();
    size_t size;
    const void *data = dbk_segment_bytes(built, &size);
    uint8_t *bytes = file_of(data, size);
    while (dbk_reader_left(r) >= 5) {
        uint32_t offset = dbk_read_u32(r);
        bytes[offset % size] = dbk_read_u8(r);
    }
    reseal(bytes, size);
    open_and_read(bytes, size);
    dbk_segment_free(built);
    rows_dispose(&twin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dbk_reader r = dbk_reader_init(data, size);
    if (dbk_read_u8(&r) & 1) {
        edit_a_segment(&r);
        return 0;
    }
    const size_t left = dbk_reader_left(&r);
    uint8_t *bytes = file_of(r.data + r.at, left);
    reseal(bytes, left);
    open_and_read(bytes, left);
    return 0;
}
