// SPDX-License-Identifier: Apache-2.0
// Texts come back whatever codec takes them, each kind of id finds its codec, and sizes are what the ids'
// entropy suggests.
#include "engine/segment/text.h"
#include "tests/unit/segment/segment_rows.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct column {
    dbk_arena arena;
    dbk_text texts[DBK_SEGMENT_ROWS];
    uint32_t rows;
} column;

static column the_column;

static column *column_new(uint32_t rows)
{
    dbk_arena_dispose(&the_column.arena);
    memset(the_column.texts, 0, sizeof the_column.texts);
    the_column.rows = rows;
    return &the_column;
}

static void set(column *c, uint32_t row, const char *data, size_t length)
{
    c->texts[row] = (dbk_text){dbk_arena_copy(&c->arena, data, length), (uint32_t)length};
}

__attribute__((format(printf, 3, 4))) static void put(column *c, uint32_t row, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    set(c, row, text, (size_t)length);
}

static void check_text(dbk_text text, dbk_text expected)
{
    assert_int_equal(text.length, expected.length);
    assert_memory_equal(text.data, expected.length ? expected.data : "", expected.length);
}

static void check_reads(const dbk_text_codec *codec, const void *opened, const column *c)
{
    static dbk_text_scratch scratch;
    for (uint32_t row = 0; row < c->rows; row++) {
        if (row % DBK_VECTOR_ROWS == 0)
            assert_int_equal(codec->read(opened, row / DBK_VECTOR_ROWS, &scratch), DBK_OK);
        check_text(scratch.texts[row % DBK_VECTOR_ROWS], c->texts[row]);
        char single[DBK_ID_BYTES_MAX * 4];
        if (codec->at)
            check_text(codec->at(opened, row, single), c->texts[row]);
    }
    dbk_text_scratch_dispose(&scratch);
}

// Each vector is read from what the codec says it needs of the block, with anything in the place of the rest.
static void check_needs(const dbk_text_codec *codec, const void *opened, const column *c, uint8_t *block,
                        size_t size)
{
    static dbk_text_scratch scratch;
    uint8_t *whole = malloc(size);
    assert_non_null(whole);
    memcpy(whole, block, size);
    for (uint32_t vector = 0; vector * DBK_VECTOR_ROWS < c->rows; vector++) {
        dbk_text_span spans[DBK_TEXT_SPANS_MAX];
        memset(block, 0xa5, size);
        for (int i = 0, count = codec->needs(opened, vector, spans); i < count; i++) {
            if (spans[i].size == 0)
                continue;
            const size_t at = (size_t)(spans[i].from - block);
            assert_true(at + spans[i].size <= size);
            memcpy(block + at, whole + at, spans[i].size);
        }
        assert_int_equal(codec->read(opened, vector, &scratch), DBK_OK);
        const uint32_t first = vector * DBK_VECTOR_ROWS;
        for (uint32_t i = 0; i < DBK_VECTOR_ROWS && first + i < c->rows; i++) {
            char single[DBK_ID_BYTES_MAX * 4];
            check_text(scratch.texts[i], c->texts[first + i]);
            if (codec->at)
                check_text(codec->at(opened, first + i, single), c->texts[first + i]);
        }
    }
    memcpy(block, whole, size);
    free(whole);
    dbk_text_scratch_dispose(&scratch);
}

// Encodes with the codec that is chosen, checks that the promised size is kept, that a shorter block is
// refused, and that every text comes back. Returns the size.
static size_t round_trip(const column *c, dbk_encoding *encoding)
{
    dbk_texts_source source = {.texts = c->texts, .rows = c->rows};
    for (uint32_t row = 0; row < c->rows; row++)
        source.nulls += c->texts[row].length == 0;
    dbk_text_choice choice;
    assert_int_equal(dbk_text_choose(&source, &choice, NULL), DBK_OK);
    enum { CANARY = 64 };
    uint8_t *block = aligned_alloc(64, dbk_segment_align(choice.size) + CANARY);
    assert_non_null(block);
    memset(block, 0xa5, dbk_segment_align(choice.size) + CANARY);
    choice.codec->encode(&source, choice.plan, block);
    for (size_t i = 0; i < CANARY; i++)
        assert_int_equal(block[choice.size + i], 0xa5);
    choice.codec->forget(choice.plan);

    void *opened = NULL;
    dbk_error err = {0};
    for (size_t less = 1; less <= 130 && less <= choice.size; less++)
        assert_int_equal(choice.codec->open(block, choice.size - less, c->rows, source.nulls, &opened, &err),
                         DBK_CORRUPT);
    assert_int_equal(choice.codec->open(block, choice.size, c->rows, source.nulls + 1, &opened, &err),
                     DBK_CORRUPT);
    err = (dbk_error){0};
    if (choice.codec->open(block, choice.size, c->rows, source.nulls, &opened, &err) != DBK_OK)
        fail_msg("%s", err.message);
    check_reads(choice.codec, opened, c);
    check_needs(choice.codec, opened, c, block, choice.size);
    choice.codec->close(opened);
    free(block);
    if (encoding)
        *encoding = choice.encoding;
    return choice.size;
}

static double bytes_per_row(const column *c, dbk_encoding expected)
{
    dbk_encoding encoding;
    size_t size = round_trip(c, &encoding);
    assert_int_equal(encoding, expected);
    return (double)size / c->rows;
}

static void put_uuid(column *c, uint32_t row, dbk_random *random)
{
    uint64_t a = dbk_random_u64(random), b = dbk_random_u64(random);
    put(c, row, "%08x-%04x-4%03x-%x%03x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff),
        (unsigned)(a & 0xfff), 8 + (unsigned)(b >> 62), (unsigned)(b >> 48 & 0xfff),
        (unsigned long long)(b & 0xffffffffffff));
}

static void random_ids_cost_their_entropy(void **state)
{
    (void)state;
    dbk_random random = test_random();
    column *c = column_new(DBK_SEGMENT_ROWS);
    for (uint32_t row = 0; row < c->rows; row++)
        put_uuid(c, row, &random);
    assert_true(bytes_per_row(c, DBK_ENCODING_RADIX) <= 15.3);

    c = column_new(DBK_SEGMENT_ROWS);
    for (uint32_t row = 0; row < c->rows; row++)
        put(c, row, "ord_%016llx", (unsigned long long)dbk_random_u64(&random));
    assert_true(bytes_per_row(c, DBK_ENCODING_RADIX) <= 8.05);
    // A few rows without a value do not spoil it: not a whole limb more than what their digits need.
    for (uint32_t row = 0; row < c->rows; row += 1000)
        c->texts[row] = (dbk_text){NULL, 0};
    assert_true(bytes_per_row(c, DBK_ENCODING_RADIX) <= 8.3);
}

// What the codec learns from some rows may not be true of all.
static void rare_bytes_and_lengths_come_back(void **state)
{
    (void)state;
    dbk_random random = test_random();
    for (int round = 0; round < 8; round++) {
        column *c = column_new(DBK_SEGMENT_ROWS - (uint32_t)dbk_random_below(&random, 3000));
        for (uint32_t row = 0; row < c->rows; row++)
            put(c, row, "%08x%08x", (unsigned)dbk_random_u64(&random), (unsigned)dbk_random_u64(&random));
        const uint32_t odd = (uint32_t)dbk_random_below(&random, c->rows);
        put(c, odd, round % 2 ? "0123456789abcdeF" : "~123456789abcdef");
        assert_true(bytes_per_row(c, DBK_ENCODING_RADIX) <= 9.0);
        set(c, (odd + 1) % c->rows, "short", 5);
        (void)bytes_per_row(c, DBK_ENCODING_FRAMES);
    }
}

static void numbered_ids_cost_a_few_bits(void **state)
{
    (void)state;
    column *c = column_new(DBK_SEGMENT_ROWS);
    for (uint32_t row = 0; row < c->rows; row++)
        put(c, row, "order-%010u", 198765432 + row);
    assert_true(bytes_per_row(c, DBK_ENCODING_RADIX) <=
                1.5); // 10 bits, more where a digit's alphabet has gaps

    c = column_new(DBK_SEGMENT_ROWS);
    for (uint32_t row = 0; row < c->rows; row++)
        put(c, row, "#%u", 7 + row);
    assert_true(bytes_per_row(c, DBK_ENCODING_DECIMAL) <= 1.3);
    for (uint32_t row = 0; row < c->rows; row += 3)
        c->texts[row] = (dbk_text){NULL, 0};
    assert_true(bytes_per_row(c, DBK_ENCODING_DECIMAL) <= 1.5);
}

static void words_are_squeezed_and_noise_is_stored(void **state)
{
    (void)state;
    dbk_random random = test_random();
    column *c = column_new(20000);
    for (uint32_t row = 0; row < c->rows; row++)
        put(c, row, "%s %s", row % 3 ? "Cotton shirt" : "Woollen hat", row % 7 ? "in dark blue" : "in red");
    assert_true(bytes_per_row(c, DBK_ENCODING_FRAMES) <= 5);

    c = column_new(5000);
    size_t sum = 0;
    for (uint32_t row = 0; row < c->rows; row++) {
        char noise[200];
        const size_t length = dbk_random_below(&random, sizeof noise);
        for (size_t i = 0; i < length; i++)
            noise[i] = (char)dbk_random_u64(&random);
        set(c, row, noise, length);
        sum += length;
    }
    assert_true(bytes_per_row(c, DBK_ENCODING_FRAMES) * c->rows <= (double)sum + 5 * 1024 + 64 + 5 * 4 + 64);
}

static void edges_come_back(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 31, 32, 33, 1023, 1024, 1025, 2049};
    dbk_random random = test_random();
    for (size_t i = 0; i < DBK_COUNT(counts); i++) {
        // Ids at the limits of the pattern codecs: 64 and 65 bytes, 18 and 19 digits, zeros in front, one
        // byte.
        static const char *const formats[] = {"%064llu", "%065llu",  "%llu",      "0%llu",
                                              "x%llu",   "9%018llu", "1%017llu",  "same",
                                              "%1llu",   "y",        "a%llu-b-c", "%llx-%064x"};
        for (size_t f = 0; f < DBK_COUNT(formats); f++) {
            column *c = column_new(counts[i]);
            for (uint32_t row = 0; row < c->rows; row++) {
                char text[200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                snprintf(text, sizeof text, formats[f], (unsigned long long)dbk_random_below(&random, 2000),
                         5);
#pragma GCC diagnostic pop
                set(c, row, text, strlen(text));
            }
            round_trip(c, NULL);
            for (uint32_t row = 0; row + 1 < c->rows; row += 2)
                c->texts[row] = (dbk_text){NULL, 0};
            round_trip(c, NULL);
        }
    }
}

// Every byte value at every position: eight digits of 256 fill a limb, or seven and one bit of room.
static void full_alphabets_come_back(void **state)
{
    (void)state;
    dbk_random random = test_random();
    for (int nulls = 0; nulls < 2; nulls++) {
        column *c = column_new(6000);
        for (uint32_t row = 0; row < c->rows; row++) {
            char text[DBK_ID_BYTES_MAX];
            for (size_t i = 0; i < sizeof text; i++)
                text[i] = (char)dbk_random_u64(&random);
            set(c, row, text, sizeof text);
        }
        if (nulls)
            c->texts[77] = (dbk_text){NULL, 0};
        dbk_texts_source source = {.texts = c->texts, .rows = c->rows, .nulls = (uint32_t)nulls};
        void *plan, *opened;
        size_t size;
        assert_int_equal(dbk_text_codec_radix.analyze(&source, SIZE_MAX, &plan, &size, NULL), DBK_OK);
        uint8_t *block = aligned_alloc(64, size);
        assert_non_null(block);
        dbk_text_codec_radix.encode(&source, plan, block);
        dbk_text_codec_radix.forget(plan);
        assert_int_equal(dbk_text_codec_radix.open(block, size, c->rows, source.nulls, &opened, NULL),
                         DBK_OK);
        check_reads(&dbk_text_codec_radix, opened, c);
        dbk_text_codec_radix.close(opened);
        free(block);
    }
}

static void a_frame_that_does_not_decode_reads_as_no_value(void **state)
{
    (void)state;
    column *c = column_new(1500);
    for (uint32_t row = 0; row < c->rows; row++)
        put(c, row, "%s", row % 2 ? "something long enough to be squeezed" : "short");
    dbk_texts_source source = {.texts = c->texts, .rows = c->rows};
    dbk_text_choice choice;
    assert_int_equal(dbk_text_choose(&source, &choice, NULL), DBK_OK);
    assert_int_equal(choice.encoding, DBK_ENCODING_FRAMES);
    uint8_t *block = aligned_alloc(64, dbk_segment_align(choice.size));
    assert_non_null(block);
    choice.codec->encode(&source, choice.plan, block);
    choice.codec->forget(choice.plan);
    memset(block + choice.size - 20, 0xff, 20); // the end of the second vector's frame
    void *opened;
    assert_int_equal(choice.codec->open(block, choice.size, c->rows, 0, &opened, NULL), DBK_OK);
    static dbk_text_scratch scratch;
    assert_int_equal(choice.codec->read(opened, 0, &scratch), DBK_OK);
    check_text(scratch.texts[1023], c->texts[1023]);
    assert_int_equal(choice.codec->read(opened, 1, &scratch), DBK_OK);
    for (uint32_t i = 0; i < 1500 - 1024; i++)
        assert_int_equal(scratch.texts[i].length, 0);
    dbk_text_scratch_dispose(&scratch);
    choice.codec->close(opened);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_ids_cost_their_entropy),
        cmocka_unit_test(rare_bytes_and_lengths_come_back),
        cmocka_unit_test(numbered_ids_cost_a_few_bits),
        cmocka_unit_test(words_are_squeezed_and_noise_is_stored),
        cmocka_unit_test(edges_come_back),
        cmocka_unit_test(full_alphabets_come_back),
        cmocka_unit_test(a_frame_that_does_not_decode_reads_as_no_value),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dbk_arena_dispose(&the_column.arena);
    return failed;
}
