// SPDX-License-Identifier: Apache-2.0
// Chunks of words: read back as written whatever the words are, small where they are numbered, in both
// versions of the format; damaged ones are refused or give words that can be read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "ingest/store/words_chunk.h"
#include "tests/support/seed.h"

typedef enum word_kind { NUMBERED, PADDED, RANDOM_IDS, NAMES, LONG, KINDS } word_kind;

static dbk_text some_word(dbk_random *random, dbk_arena *arena, word_kind kind, uint32_t i)
{
    char word[64];
    int length = 0;
    switch (kind) {
    case NUMBERED:
        length = snprintf(word, sizeof word, "product-%u", 7 * i + 1);
        break;
    case PADDED:
        length = snprintf(word, sizeof word, "cus_%07u", (i * 7919u) % 1000003u);
        break;
    case RANDOM_IDS:
        length = snprintf(word, sizeof word, "%016llx", (unsigned long long)dbk_random_u64(random));
        break;
    case NAMES:
        length =
            snprintf(word, sizeof word, "%u Harbour Street %u", (uint32_t)dbk_random_below(random, 300), i);
        break;
    default: {
        const uint32_t size = 250 + (uint32_t)dbk_random_below(random, 1000);
        char *bytes = dbk_arena_alloc(arena, size);
        for (uint32_t b = 0; b < size; b++)
            bytes[b] = (char)dbk_random_below(random, 256);
        return (dbk_text){bytes, size};
    }
    }
    return (dbk_text){dbk_arena_copy(arena, word, (size_t)length), (uint32_t)length};
}

static dbk_text *some_words(dbk_random *random, dbk_arena *arena, word_kind kind, uint32_t count)
{
    dbk_text *words = dbk_arena_alloc(arena, count * sizeof *words);
    for (uint32_t i = 0; i < count; i++)
        words[i] = some_word(random, arena, kind, i);
    return words;
}

typedef struct expected {
    const dbk_text *words; // NULL: any
    uint32_t seen, count;
} expected;

static dbk_status take(void *user, const dbk_text *words, uint32_t count, dbk_error *err)
{
    expected *e = user;
    (void)err;
    assert_true(count > 0 && count <= DBK_VECTOR_ROWS);
    for (uint32_t i = 0; i < count; i++, e->seen++) {
        assert_true(words[i].length > 0);
        if (e->words) {
            assert_true(e->seen < e->count);
            assert_true(dbk_text_equal(words[i], e->words[e->seen]));
        } else {
            unsigned sum = 0;
            for (uint32_t b = 0; b < words[i].length; b++)
                sum += (uint8_t)words[i].data[b];
            assert_true(sum <= 255u * words[i].length);
        }
    }
    return DBK_OK;
}

static void check_chunk(const uint8_t *bytes, size_t size, uint32_t version, const dbk_text *words,
                        uint32_t count)
{
    dbk_words_room *room = dbk_words_room_create();
    assert_non_null(room);
    expected e = {.words = words, .count = count};
    const dbk_words_taker taker = {take, &e};
    dbk_reader r = dbk_reader_init(bytes, size);
    uint32_t left = count + 3;
    dbk_error err = {0};
    if (dbk_words_chunk_read(&r, version, room, &left, &taker, &err) != DBK_OK)
        fail_msg("%s", err.message);
    assert_int_equal(e.seen, count);
    assert_int_equal(left, 3);
    assert_int_equal(dbk_reader_left(&r), 0);
    r = dbk_reader_init(bytes, size);
    left = count - 1;
    assert_int_equal(dbk_words_chunk_read(&r, version, room, &left, &taker, NULL), DBK_CORRUPT);
    dbk_words_room_destroy(room);
}

static void words_come_back(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 31, 33, 1000, 1024, 1025, 5000};
    dbk_random random = dbk_test_random("words_come_back");
    for (word_kind kind = NUMBERED; kind < KINDS; kind++)
        for (size_t c = 0; c < DBK_COUNT(counts); c++) {
            const uint32_t count = kind == LONG && counts[c] > 1000 ? 700 : counts[c];
            dbk_arena arena = {0};
            dbk_buffer out = {0};
            const dbk_text *words = some_words(&random, &arena, kind, count);
            assert_int_equal(dbk_words_chunk_append(&out, words, count, NULL), DBK_OK);
            check_chunk(out.data, out.size, 2, words, count);
            dbk_buffer_dispose(&out);
            dbk_arena_dispose(&arena);
        }
}

static void numbered_words_take_their_numbers_bits(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("numbered_words_take_their_numbers_bits");
    static const struct {
        word_kind kind;
        double bytes;
    } cases[] = {{NUMBERED, 1.8}, {PADDED, 2.6}, {RANDOM_IDS, 8.1}};
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        dbk_arena arena = {0};
        dbk_buffer out = {0};
        const uint32_t count = DBK_WORDS_CHUNK_WORDS;
        const dbk_text *words = some_words(&random, &arena, cases[i].kind, count);
        assert_int_equal(dbk_words_chunk_append(&out, words, count, NULL), DBK_OK);
        assert_true((double)out.size < cases[i].bytes * count);
        check_chunk(out.data, out.size, 2, words, count);
        dbk_buffer_dispose(&out);
        dbk_arena_dispose(&arena);
    }
}

// As files of version 1 have them, which name no form.
static void chunks_of_the_first_version_come_back(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("chunks_of_the_first_version_come_back");
    for (int packed = 0; packed < 2; packed++) {
        dbk_arena arena = {0};
        dbk_buffer two = {0};
        // Neither names nor random bytes are numbers; the former compress.
        const dbk_text *words = some_words(&random, &arena, packed ? NAMES : LONG, 300);
        assert_int_equal(dbk_words_chunk_append(&two, words, 300, NULL), DBK_OK);
        uint32_t form;
        memcpy(&form, two.data + 4, sizeof form);
        assert_int_equal(form, packed);
        memmove(two.data + 4, two.data + 8, two.size - 8);
        check_chunk(two.data, two.size - 4, 1, words, 300);
        dbk_buffer_dispose(&two);
        dbk_arena_dispose(&arena);
    }
}

static void damaged_chunks_are_refused_or_bounded(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("damaged_chunks_are_refused_or_bounded");
    for (word_kind kind = NUMBERED; kind < LONG; kind++) {
        dbk_arena arena = {0};
        dbk_buffer out = {0};
        const dbk_text *words = some_words(&random, &arena, kind, 40);
        assert_int_equal(dbk_words_chunk_append(&out, words, 40, NULL), DBK_OK);
        dbk_words_room *room = dbk_words_room_create();
        assert_non_null(room);
        expected any = {0};
        const dbk_words_taker taker = {take, &any};
        for (size_t size = 0; size < out.size; size++) {
            dbk_reader r = dbk_reader_init(out.data, size);
            uint32_t left = 40;
            assert_int_equal(dbk_words_chunk_read(&r, 2, room, &left, &taker, NULL), DBK_CORRUPT);
        }
        for (size_t bit = 0; bit < out.size * 8; bit++) {
            out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            dbk_reader r = dbk_reader_init(out.data, out.size);
            uint32_t left = 40;
            const dbk_status status = dbk_words_chunk_read(&r, 2, room, &left, &taker, NULL);
            assert_true(status == DBK_OK || status == DBK_CORRUPT);
            out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        dbk_words_room_destroy(room);
        dbk_buffer_dispose(&out);
        dbk_arena_dispose(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_come_back),
        cmocka_unit_test(numbered_words_take_their_numbers_bits),
        cmocka_unit_test(chunks_of_the_first_version_come_back),
        cmocka_unit_test(damaged_chunks_are_refused_or_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
