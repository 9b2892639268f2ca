// SPDX-License-Identifier: Apache-2.0
// A piece of a dictionary file: some words as they are, as an LZ4 block, or, where they are ids of one
// pattern, as the numbers that the columns of a segment keep of such ids (docs/FORMAT.md, "Dictionary
// files").
#ifndef DBK_STORE_WORDS_CHUNK_H
#define DBK_STORE_WORDS_CHUNK_H

#include "engine/base/bytes.h"
#include "engine/segment/segment.h"

// A chunk has at most so many words, and ends with the word that brings their bytes to so many.
enum { DBK_WORDS_CHUNK_WORDS = 65536, DBK_WORDS_CHUNK_BYTES = 1 << 20 };
// A word has at most 1 MiB.
enum { DBK_WORDS_CHUNK_MAX = 2 * DBK_WORDS_CHUNK_BYTES + 64 };

// What a word takes before it is compressed: its length, in one byte or five, and its bytes.
static inline size_t dbk_words_chunk_bytes(dbk_text word)
{
    return (word.length < 255 ? 1 : 5) + (size_t)word.length;
}

// DBK_NO_MEMORY or DBK_OK.
dbk_status dbk_words_chunk_append(dbk_buffer *out, const dbk_text *words, uint32_t count, dbk_error *err);

// What a reader of chunks works in.
typedef struct dbk_words_room {
    uint8_t *bytes;
    dbk_text_scratch scratch;
} dbk_words_room;
// NULL when memory is out.
dbk_words_room *dbk_words_room_create(void);
// NULL is fine.
void dbk_words_room_destroy(dbk_words_room *room);

// Gives the words to `take`, some at a time; they stay valid until it returns. Reads chunks as files of the
// version have them, of at most *words_left words, and subtracts how many there were. DBK_CORRUPT,
// DBK_NO_MEMORY, or what `take` returned.
typedef struct dbk_words_taker {
    dbk_status (*take)(void *user, const dbk_text *words, uint32_t count, dbk_error *err);
    void *user;
} dbk_words_taker;
dbk_status dbk_words_chunk_read(dbk_reader *r, uint32_t version, dbk_words_room *room, uint32_t *words_left,
                                const dbk_words_taker *taker, dbk_error *err);

#endif
