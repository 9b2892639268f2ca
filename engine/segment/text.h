// SPDX-License-Identifier: Apache-2.0
// A column of texts. Three codecs, each a row of functions: ids of one length ("radix"), ids that are a
// prefix and a number ("decimal"), anything else ("frames"). Each says what a column would take before it is
// asked to write it, from the same plan; the smallest wins.
#ifndef DBK_SEGMENT_TEXT_H
#define DBK_SEGMENT_TEXT_H

#include "engine/segment/format.h"
#include "engine/segment/segment.h"

// A column to encode, some row of which has a value.
typedef struct dbk_texts_source {
    const dbk_text *texts;
    uint32_t rows, nulls;
} dbk_texts_source;

// A piece of a block.
typedef struct dbk_text_span {
    const uint8_t *from;
    size_t size;
} dbk_text_span;
enum { DBK_TEXT_SPANS_MAX = 12 };

typedef struct dbk_text_codec {
    // *plan is NULL when the codec cannot take the column or sees that it would need more than `beat` bytes;
    // otherwise the caller frees it with `forget`, and `size` is exact. DBK_NO_MEMORY, DBK_LIMIT.
    dbk_status (*analyze)(const dbk_texts_source *source, size_t beat, void **plan, size_t *size,
                          dbk_error *err);
    // Writes exactly `size` bytes; `block` is aligned to 8 bytes.
    void (*encode)(const dbk_texts_source *source, const void *plan, uint8_t *block);
    void (*forget)(void *plan);

    // Checks the whole block, which must outlive the column; `close` frees what it returns.
    dbk_status (*open)(const uint8_t *block, size_t size, uint32_t rows, uint32_t nulls, void **column,
                       dbk_error *err);
    dbk_status (*read)(const void *column, uint32_t vector, dbk_text_scratch *scratch);
    // One text into `single` (as in dbk_text_cursor); NULL when the codec decodes whole vectors only.
    dbk_text (*at)(const void *column, uint32_t row, char *single);
    // The pieces of the block that `read` and `at` look at for rows of a vector; returns how many. Of the
    // rest of the block they may look at bytes, but nothing follows from them.
    int (*needs)(const void *column, uint32_t vector, dbk_text_span spans[DBK_TEXT_SPANS_MAX]);
    size_t (*memory)(const void *column);
    void (*close)(void *column);
} dbk_text_codec;

extern const dbk_text_codec dbk_text_codec_radix;
extern const dbk_text_codec dbk_text_codec_decimal;
extern const dbk_text_codec dbk_text_codec_frames;

// NULL when the encoding is not one of texts.
const dbk_text_codec *dbk_text_codec_of(dbk_encoding encoding);

// The codec that takes the least for the column, with its plan (NULL after a failure).
typedef struct dbk_text_choice {
    dbk_encoding encoding;
    const dbk_text_codec *codec;
    void *plan;
    size_t size;
} dbk_text_choice;
dbk_status dbk_text_choose(const dbk_texts_source *source, dbk_text_choice *out, dbk_error *err);

// Makes room for so many bytes. DBK_NO_MEMORY or DBK_OK.
dbk_status dbk_text_scratch_reserve(dbk_text_scratch *scratch, size_t size);

// "No value", with a pointer that may be copied from.
#define DBK_NO_TEXT ((dbk_text){"", 0})

#endif
