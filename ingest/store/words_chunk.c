// SPDX-License-Identifier: Apache-2.0
// Words one after the other compress to half or a third of their size; numbered ids in the order in which
// they were met are as many bits as their numbers have, which is half of that again.
#include "ingest/store/words_chunk.h"

#include "engine/segment/text.h"

#include <lz4.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_WORD = 255, WORDS_AT_ONCE = 1024, ALIGNMENT = 64 };

// How the words of a chunk are stored. Numbers are on disk; those of ids are the encodings of a segment.
enum { FORM_PLAIN = 0, FORM_LZ4 = 1 };

// ---- Writing ----

static void append_head(dbk_buffer *out, uint32_t words, uint32_t form, size_t raw, size_t stored)
{
    dbk_buffer_u32(out, words);
    dbk_buffer_u32(out, form);
    dbk_buffer_u32(out, (uint32_t)raw);
    dbk_buffer_u32(out, (uint32_t)stored);
}

static dbk_status append_bytes(dbk_buffer *out, const dbk_text *words, uint32_t count, dbk_error *err)
{
    dbk_buffer raw = {0};
    for (uint32_t i = 0; i < count; i++) {
        const dbk_text word = words[i];
        dbk_buffer_u8(&raw, word.length < LONG_WORD ? (uint8_t)word.length : LONG_WORD);
        if (word.length >= LONG_WORD)
            dbk_buffer_u32(&raw, word.length);
        dbk_buffer_append(&raw, word.data, word.length);
    }
    char *packed = raw.failed ? NULL : malloc(raw.size);
    if (packed) {
        const int size =
            LZ4_compress_default((const char *)raw.data, packed, (int)raw.size, (int)raw.size - 1);
        const bool smaller = size > 0;
        const size_t stored = smaller ? (size_t)size : raw.size;
        append_head(out, count, smaller ? FORM_LZ4 : FORM_PLAIN, raw.size, stored);
        dbk_buffer_append(out, smaller ? packed : (const char *)raw.data, stored);
    }
    const bool failed = !packed || out->failed;
    free(packed);
    dbk_buffer_dispose(&raw);
    return failed ? dbk_fail(err, DBK_NO_MEMORY, "out of memory writing dictionaries") : DBK_OK;
}

// The encoding of ids that takes less than half of their bytes, if there is one: LZ4 is at about a half.
static dbk_status choose_numbers(const dbk_texts_source *source, dbk_text_choice *out, dbk_error *err)
{
    static const dbk_encoding encodings[] = {DBK_ENCODING_RADIX, DBK_ENCODING_DECIMAL};
    size_t bytes = 0;
    for (uint32_t i = 0; i < source->rows; i++)
        bytes += dbk_words_chunk_bytes(source->texts[i]);
    *out = (dbk_text_choice){.size = bytes / 2};
    for (size_t i = 0; i < DBK_COUNT(encodings); i++) {
        dbk_text_choice choice = {.encoding = encodings[i], .codec = dbk_text_codec_of(encodings[i])};
        const dbk_status status = choice.codec->analyze(source, out->size, &choice.plan, &choice.size, err);
        if (status != DBK_OK || choice.plan) {
            if (out->plan)
                out->codec->forget(out->plan);
            *out = choice;
        }
        if (status != DBK_OK) {
            out->plan = NULL;
            return status;
        }
    }
    return DBK_OK;
}

static dbk_status append_numbers(dbk_buffer *out, const dbk_texts_source *source,
                                 const dbk_text_choice *choice, dbk_error *err)
{
    uint8_t *block = aligned_alloc(ALIGNMENT, dbk_segment_align(choice->size));
    if (block) {
        choice->codec->encode(source, choice->plan, block);
        append_head(out, source->rows, choice->encoding, 0, choice->size);
        dbk_buffer_append(out, block, choice->size);
    }
    const bool failed = !block || out->failed;
    free(block);
    return failed ? dbk_fail(err, DBK_NO_MEMORY, "out of memory writing dictionaries") : DBK_OK;
}

dbk_status dbk_words_chunk_append(dbk_buffer *out, const dbk_text *words, uint32_t count, dbk_error *err)
{
    const dbk_texts_source source = {.texts = words, .rows = count};
    dbk_text_choice choice;
    DBK_TRY(choose_numbers(&source, &choice, err));
    if (!choice.plan)
        return append_bytes(out, words, count, err);
    const dbk_status status = append_numbers(out, &source, &choice, err);
    choice.codec->forget(choice.plan);
    return status;
}

// ---- Reading ----

dbk_words_room *dbk_words_room_create(void)
{
    dbk_words_room *room = calloc(1, sizeof *room);
    if (room)
        room->bytes = aligned_alloc(ALIGNMENT, dbk_segment_align(DBK_WORDS_CHUNK_MAX));
    if (room && !room->bytes) {
        free(room);
        return NULL;
    }
    return room;
}

void dbk_words_room_destroy(dbk_words_room *room)
{
    if (!room)
        return;
    dbk_text_scratch_dispose(&room->scratch);
    free(room->bytes);
    free(room);
}

typedef struct head {
    uint32_t words, form, raw, stored;
    const uint8_t *bytes;
} head;

static bool read_head(dbk_reader *r, uint32_t version, head *h)
{
    h->words = dbk_read_u32(r);
    h->form = version > 1 ? dbk_read_u32(r) : FORM_PLAIN;
    h->raw = dbk_read_u32(r);
    h->stored = dbk_read_u32(r);
    if (version == 1)
        h->form = h->raw > h->stored ? FORM_LZ4 : FORM_PLAIN;
    h->bytes = dbk_read_bytes(r, h->stored);
    if (!h->bytes || h->words == 0 || h->raw > DBK_WORDS_CHUNK_MAX || h->stored > DBK_WORDS_CHUNK_MAX)
        return false;
    switch (h->form) {
    case FORM_PLAIN:
        return h->raw == h->stored;
    case FORM_LZ4:
        return h->raw > h->stored;
    default:
        return h->raw == 0 && h->words <= DBK_WORDS_CHUNK_WORDS;
    }
}

static dbk_status take_bytes(const head *h, const uint8_t *bytes, dbk_words_room *room,
                             const dbk_words_taker *taker, dbk_error *err)
{
    dbk_reader chunk = dbk_reader_init(bytes, h->raw);
    dbk_text *some = room->scratch.texts;
    for (uint32_t w = 0, n = 0; w < h->words; w++) {
        uint32_t length = dbk_read_u8(&chunk);
        if (length == LONG_WORD)
            length = dbk_read_u32(&chunk);
        const uint8_t *word = dbk_read_bytes(&chunk, length);
        if (!word || length == 0)
            return dbk_fail(err, DBK_CORRUPT, "a chunk of words is cut short");
        some[n++] = (dbk_text){(const char *)word, length};
        if (n == WORDS_AT_ONCE || w + 1 == h->words) {
            DBK_TRY(taker->take(taker->user, some, n, err));
            n = 0;
        }
    }
    return dbk_reader_left(&chunk) ? dbk_fail(err, DBK_CORRUPT, "a chunk of words is too long") : DBK_OK;
}

_Static_assert((int)WORDS_AT_ONCE <= (int)DBK_VECTOR_ROWS,
               "a scratch has room for the words that are handed on at once");

static dbk_status take_lz4(const head *h, dbk_words_room *room, const dbk_words_taker *taker, dbk_error *err)
{
    if (LZ4_decompress_safe((const char *)h->bytes, (char *)room->bytes, (int)h->stored, (int)h->raw) !=
        (int)h->raw)
        return dbk_fail(err, DBK_CORRUPT, "a chunk of words does not decompress");
    return take_bytes(h, room->bytes, room, taker, err);
}

static dbk_status take_numbers(const head *h, dbk_words_room *room, const dbk_words_taker *taker,
                               dbk_error *err)
{
    const bool is_known = h->form == DBK_ENCODING_RADIX || h->form == DBK_ENCODING_DECIMAL;
    void *column;
    if (!is_known)
        return dbk_fail(err, DBK_CORRUPT, "a chunk of words has an unknown form");
    memcpy(room->bytes, h->bytes, h->stored); // where it is aligned
    const dbk_text_codec *codec = dbk_text_codec_of((dbk_encoding)h->form);
    DBK_TRY(codec->open(room->bytes, h->stored, h->words, 0, &column, err));
    dbk_status status = DBK_OK;
    for (uint32_t v = 0; v < dbk_vectors(h->words) && status == DBK_OK; v++) {
        status = codec->read(column, v, &room->scratch);
        status = status != DBK_OK
                     ? dbk_fail(err, status, "out of memory reading dictionaries")
                     : taker->take(taker->user, room->scratch.texts, dbk_vector_rows(h->words, v), err);
    }
    codec->close(column);
    return status;
}

dbk_status dbk_words_chunk_read(dbk_reader *r, uint32_t version, dbk_words_room *room, uint32_t *words_left,
                                const dbk_words_taker *taker, dbk_error *err)
{
    head h;
    if (!read_head(r, version, &h) || h.words > *words_left)
        return dbk_fail(err, DBK_CORRUPT, "a chunk of words has impossible sizes");
    *words_left -= h.words;
    return h.form == FORM_PLAIN ? take_bytes(&h, h.bytes, room, taker, err)
           : h.form == FORM_LZ4 ? take_lz4(&h, room, taker, err)
                                : take_numbers(&h, room, taker, err);
}
