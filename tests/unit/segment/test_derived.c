// SPDX-License-Identifier: Apache-2.0
// Columns that follow from others are stored as what the others do not say, come back by every path, with and
// without wide registers, and are refused when their references lead nowhere or in a circle.
#include "engine/base/hash.h"
#include "engine/base/processor.h"
#include "engine/segment/columns.h"
#include "engine/segment/gaps.h"
#include "tests/support/reseal.h"
#include "tests/unit/segment/segment_made.h"

enum { ROWS = 20000 };

static int column_of(const test_rows *r, const char *name)
{
    return dbk_column_find(r->input.table, dbk_text_from(name));
}

static int64_t *ints_of(test_rows *r, const char *name)
{
    int64_t *ints = dbk_arena_zalloc(&r->arena, r->input.rows * sizeof *ints);
    r->input.ints[column_of(r, name)] = ints;
    return ints;
}

static uint32_t *codes_of(test_rows *r, const char *name)
{
    uint32_t *codes = dbk_arena_zalloc(&r->arena, r->input.rows * sizeof *codes);
    r->input.codes[column_of(r, name)] = codes;
    return codes;
}

// Orders as shops have them: every form of presence and of prediction occurs.
static void fill_orders(test_rows *r, dbk_random *random, uint32_t rows)
{
    *r = (test_rows){.input = {.table = dbk_table_def_by_id(DBK_ORDERS), .id = 5, .rows = rows}};
    int64_t *created = ints_of(r, "created_at"), *confirmed = ints_of(r, "confirmed_at");
    int64_t *updated = ints_of(r, "updated_at"), *cancelled = ints_of(r, "cancelled_at");
    uint32_t *status = codes_of(r, "status"), *market = codes_of(r, "market_id");
    uint32_t *currency = codes_of(r, "currency");
    dbk_text *ids = dbk_arena_zalloc(&r->arena, rows * sizeof *ids);
    r->input.texts[0] = ids;
    rows_add_up(r, random, 1);
    for (uint32_t i = 0; i < rows; i++) {
        char id[24];
        ids[i] = rows_text(r, id, (size_t)snprintf(id, sizeof id, "o%u", i));
        created[i] = INT64_C(1700000000000) + i * INT64_C(77777);
        status[i] = 3 + (uint32_t)dbk_random_below(random, 5);
        const int64_t later = created[i] + 1000 * (1 + (int64_t)dbk_random_below(random, 14000));
        confirmed[i] = status[i] == 4 ? DBK_NULL : later;                  // by codes
        updated[i] = later + 500;                                          // all
        cancelled[i] = dbk_random_below(random, 2) ? DBK_NULL : later + 7; // by a bitmap
        market[i] = status[i] == 5 ? 1 + (uint32_t)dbk_random_below(random, 9) : 0;
        currency[i] = dbk_random_below(random, 50) ? 2 : 3; // by places
    }
}

static dbk_derived_header header_of(const dbk_segment *segment, const test_rows *r, const char *name)
{
    size_t size;
    const uint8_t *bytes = dbk_segment_bytes(segment, &size);
    dbk_segment_entry entry;
    dbk_derived_header header;
    memcpy(&entry, bytes + sizeof(dbk_segment_header) + (size_t)column_of(r, name) * sizeof entry,
           sizeof entry);
    assert_int_equal(entry.encoding, DBK_ENCODING_DERIVED);
    memcpy(&header, bytes + entry.offset, sizeof header);
    return header;
}

// Which rows have a value, where that is answered without making values: the expected ones of those asked
// about.
static bool check_presence(const dbk_segment *segment, int c, uint32_t v, const bool *has, uint32_t n,
                           bool is_int)
{
    const int64_t none = is_int ? DBK_NULL : 0, most = is_int ? INT64_MAX : UINT32_MAX;
    bool answered = false;
    for (int wanted = 0; wanted < 2; wanted++) {
        uint64_t mask[DBK_MASK_WORDS];
        memset(mask, 0xB7, sizeof mask);
        if (!dbk_segment_between(segment, c, v, wanted ? none + 1 : none, wanted ? most : none, mask))
            continue;
        answered = true;
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(mask[i / 64] >> i % 64 & 1, has[i] == wanted && 0xB7 >> i % 8 & 1);
    }
    return answered;
}

static void check_rows(const dbk_segment *segment, const test_rows *r)
{
    uint32_t answered = 0;
    for (int c = 0; c < r->input.table->columns_count; c++) {
        const int64_t *ints = r->input.ints[c];
        const uint32_t *codes = r->input.codes[c];
        for (uint32_t v = 0; v < dbk_vectors(r->input.rows); v++) {
            int64_t read[DBK_VECTOR_ROWS];
            uint32_t read_codes[DBK_VECTOR_ROWS];
            const uint32_t first = v * DBK_VECTOR_ROWS;
            const uint32_t n = ints    ? dbk_segment_ints(segment, c, v, read)
                               : codes ? dbk_segment_codes(segment, c, v, read_codes)
                                       : 0;
            bool has[DBK_VECTOR_ROWS];
            for (uint32_t i = 0; i < n; i++)
                has[i] = ints ? ints[first + i] != DBK_NULL : codes[first + i] != 0;
            if (ints || codes)
                answered += check_presence(segment, c, v, has, n, ints != NULL);
            for (uint32_t i = 0; i < n; i++) {
                if (ints) {
                    assert_int_equal(read[i], ints[first + i]);
                    assert_int_equal(dbk_segment_int_at(segment, c, first + i), ints[first + i]);
                } else {
                    assert_int_equal(read_codes[i], codes[first + i]);
                    assert_int_equal(dbk_segment_code_at(segment, c, first + i), codes[first + i]);
                }
            }
        }
    }
    // Of derived columns it always is.
    assert_true(answered >= 4 * dbk_vectors(r->input.rows));
}

static void every_form_is_chosen_where_it_fits(void **state)
{
    (void)state;
    dbk_random random = test_random();
    test_rows r;
    fill_orders(&r, &random, ROWS);
    dbk_segment *segment = segment_build(&r);
    const dbk_derived_header confirmed = header_of(segment, &r, "confirmed_at");
    assert_int_equal(confirmed.presence, DBK_PRESENCE_CODES);
    assert_int_equal(confirmed.anchor, column_of(&r, "status"));
    assert_int_equal(confirmed.codes, 4);
    assert_int_equal(confirmed.depth, 1);
    assert_int_equal(header_of(segment, &r, "market_id").presence, DBK_PRESENCE_CODES);
    assert_int_equal(header_of(segment, &r, "updated_at").presence, DBK_PRESENCE_ALL);
    assert_int_equal(header_of(segment, &r, "cancelled_at").presence, DBK_PRESENCE_BITMAP);
    assert_int_equal(header_of(segment, &r, "currency").presence, DBK_PRESENCE_GAPS);
    assert_int_equal(header_of(segment, &r, "currency").depth, 0);
    assert_true(header_of(segment, &r, "tax").denominator > 0);
    assert_int_equal(header_of(segment, &r, "subtotal").terms, 5);
    // What follows entirely takes two headers and the directory's entry.
    assert_int_equal(dbk_segment_column_bytes(segment, column_of(&r, "subtotal")), 3 * 64);
    dbk_segment_free(segment);
    rows_dispose(&r);
}

static void rows_come_back_with_and_without_wide_registers(void **state)
{
    (void)state;
    dbk_random random = test_random();
    static const uint32_t counts[] = {1000, 1024, 1025, 2048, 5000, 65536};
    for (size_t k = 0; k < DBK_COUNT(counts); k++) {
        test_rows r;
        fill_orders(&r, &random, counts[k]);
        for (int level = 0; level <= (int)dbk_level_best(); level++) {
            dbk_level_use((dbk_level)level);
            dbk_segment *segment = segment_build(&r);
            check_rows(segment, &r);
            dbk_segment_free(segment);
        }
        rows_dispose(&r);
    }
    dbk_level_use(dbk_level_best());
}

// Some vectors have none at all.
static void few_numbers_of_their_own_come_back(void **state)
{
    (void)state;
    dbk_random random = test_random();
    for (uint32_t step = 7; step <= 70; step += 21) {
        test_rows r;
        fill_orders(&r, &random, ROWS);
        int64_t *delivered = ints_of(&r, "delivered_at");
        const int64_t *created = r.input.ints[column_of(&r, "created_at")];
        for (uint32_t i = 0; i < ROWS; i++)
            delivered[i] = i % step || i / DBK_VECTOR_ROWS % 5 == 4
                               ? DBK_NULL
                               : created[i] + 1000 * (1 + (int64_t)dbk_random_below(&random, 14000));
        for (int level = 0; level <= (int)dbk_level_best(); level++) {
            dbk_level_use((dbk_level)level);
            dbk_segment *segment = segment_build(&r);
            assert_true(header_of(segment, &r, "delivered_at").terms > 0);
            check_rows(segment, &r);
            dbk_segment_free(segment);
        }
        rows_dispose(&r);
    }
    dbk_level_use(dbk_level_best());
}

static void nothing_is_promised_of_packed_forms(void **state)
{
    (void)state;
    dbk_random random = test_random();
    test_rows r;
    fill_orders(&r, &random, ROWS);
    dbk_segment *segment = segment_build(&r);
    uint32_t numbers[DBK_VECTOR_ROWS];
    uint64_t mask[DBK_MASK_WORDS];
    dbk_line line;
    assert_false(dbk_segment_packed(segment, column_of(&r, "subtotal"), 0, numbers, &line));
    assert_false(dbk_segment_between(segment, column_of(&r, "confirmed_at"), 0, 0, 1, mask));
    dbk_segment_free(segment);
    rows_dispose(&r);
}

static void shares_are_those_of_a_division(void **state)
{
    (void)state;
    dbk_random random = test_random();
    for (int round = 0; round < 200; round++) {
        dbk_prediction p = {.unit = 1 + dbk_random_below(&random, 300),
                            .numerator = (uint32_t)dbk_random_below(&random, DBK_SHARE_NUMERATOR_MAX + 1),
                            .denominator = 2 + (uint32_t)dbk_random_below(&random, 2000)};
        if (!dbk_prediction_is_sound(&p))
            continue;
        uint64_t sums[DBK_VECTOR_ROWS], expected[DBK_VECTOR_ROWS];
        for (int i = 0; i < DBK_VECTOR_ROWS; i++) {
            const int64_t sum = (int64_t)dbk_random_u64(&random) >> (20 + i % 44);
            const uint64_t size = sum < 0 ? 0 - (uint64_t)sum : (uint64_t)sum, step = p.unit * p.denominator;
            const uint64_t part =
                size < DBK_SHARE_REACH ? (size * p.numerator + step / 2) / step * p.unit : 0;
            sums[i] = (uint64_t)sum;
            expected[i] = sum < 0 ? 0 - part : part;
            assert_true(dbk_prediction_share_of(&p, sums[i]) == expected[i]);
        }
        dbk_prediction_share(&p, sums, DBK_VECTOR_ROWS);
        assert_memory_equal(sums, expected, sizeof sums);
    }
}

// ---- Damage ----

static void reseal(uint8_t *bytes)
{
    dbk_segment_header header;
    memcpy(&header, bytes, sizeof header);
    for (uint32_t i = 0; i < header.columns; i++) {
        dbk_segment_entry entry;
        uint8_t *at = bytes + sizeof header + i * sizeof entry;
        memcpy(&entry, at, sizeof entry);
        if (entry.size)
            entry.checksum = dbk_segment_seal_of(header.id, (int)i, bytes, &entry);
        memcpy(at, &entry, sizeof entry);
    }
    dbk_test_reseal_front(bytes);
}

// Opens the segment with a byte of a column's header changed, checksums made good.
static dbk_status open_changed(const dbk_segment *segment, const test_rows *r, const char *name, size_t field,
                               uint8_t value)
{
    size_t size;
    uint8_t *bytes = segment_copy(segment, &size);
    dbk_segment_entry entry;
    memcpy(&entry, bytes + sizeof(dbk_segment_header) + (size_t)column_of(r, name) * sizeof entry,
           sizeof entry);
    assert_true(bytes[entry.offset + field] != value);
    bytes[entry.offset + field] = value;
    reseal(bytes);
    dbk_segment *opened;
    const dbk_status status = dbk_segment_open(bytes, size, &opened, NULL);
    if (status == DBK_OK)
        dbk_segment_free(opened);
    else
        free(bytes);
    return status;
}

static void references_that_lead_nowhere_are_refused(void **state)
{
    (void)state;
    dbk_random random = test_random();
    test_rows r;
    fill_orders(&r, &random, ROWS);
    dbk_segment *segment = segment_build(&r);
    const size_t depth = offsetof(dbk_derived_header, depth), columns = offsetof(dbk_derived_header, columns);
    const size_t anchor = offsetof(dbk_derived_header, anchor), terms = offsetof(dbk_derived_header, terms);
    const uint8_t self = (uint8_t)column_of(&r, "tax"), subtotal = (uint8_t)column_of(&r, "subtotal");
    assert_int_equal(open_changed(segment, &r, "tax", columns, self), DBK_CORRUPT);
    assert_int_equal(open_changed(segment, &r, "tax", columns, subtotal), DBK_CORRUPT);
    assert_int_equal(open_changed(segment, &r, "tax", columns, 200), DBK_CORRUPT);
    assert_int_equal(open_changed(segment, &r, "tax", columns, 0), DBK_CORRUPT); // a text
    assert_int_equal(open_changed(segment, &r, "tax", depth, 0), DBK_CORRUPT);
    assert_int_equal(open_changed(segment, &r, "tax", depth, 3), DBK_CORRUPT); // deeper than who refers to it
    assert_int_equal(open_changed(segment, &r, "tax", depth, 4), DBK_CORRUPT);
    assert_int_equal(open_changed(segment, &r, "tax", depth, 255), DBK_CORRUPT);
    assert_int_equal(open_changed(segment, &r, "subtotal", terms, 7), DBK_CORRUPT);
    assert_int_equal(open_changed(segment, &r, "subtotal", terms, 4), DBK_CORRUPT);
    assert_int_equal(open_changed(segment, &r, "confirmed_at", anchor, (uint8_t)column_of(&r, "market_id")),
                     DBK_CORRUPT);
    assert_int_equal(open_changed(segment, &r, "confirmed_at", anchor, (uint8_t)column_of(&r, "created_at")),
                     DBK_CORRUPT);
    dbk_segment_free(segment);
    rows_dispose(&r);
}

static void no_changed_byte_of_a_header_is_believed(void **state)
{
    (void)state;
    dbk_random random = test_random();
    test_rows r;
    fill_orders(&r, &random, ROWS);
    dbk_segment *segment = segment_build(&r);
    static const char *const names[] = {"confirmed_at", "market_id", "cancelled_at",
                                        "currency",     "tax",       "subtotal"};
    for (size_t k = 0; k < DBK_COUNT(names); k++) {
        const dbk_derived_header header = header_of(segment, &r, names[k]);
        for (size_t at = 0; at < sizeof header; at++) {
            // Tax and subtotal may differ in ways that come to the same: a deeper depth, another rate.
            if (at == offsetof(dbk_derived_header, depth) ||
                (at >= offsetof(dbk_derived_header, unit) && at < offsetof(dbk_derived_header, codes)))
                continue;
            const uint8_t was = ((const uint8_t *)&header)[at];
            assert_int_equal(open_changed(segment, &r, names[k], at, (uint8_t)(was ^ 1)), DBK_CORRUPT);
            assert_int_equal(open_changed(segment, &r, names[k], at, (uint8_t)(was ^ 0x80)), DBK_CORRUPT);
        }
    }
    dbk_segment_free(segment);
    rows_dispose(&r);
}

// ---- Files that were written before gaps were ----

// The block of a column with gaps, with places instead; *size is its size. What stands behind is kept.
static uint8_t *with_places(const uint8_t *block, size_t block_size, uint32_t rows, size_t *size)
{
    dbk_derived_header header;
    memcpy(&header, block, sizeof header);
    assert_int_equal(header.presence, DBK_PRESENCE_GAPS);
    uint32_t head[2];
    memcpy(head, block + sizeof header, sizeof head);
    const size_t gaps_end = dbk_segment_align(sizeof header + sizeof head + head[1]);
    uint64_t *bits = calloc(DBK_SEGMENT_ROWS / 64, sizeof *bits);
    assert_non_null(bits);
    assert_true(
        dbk_gaps_read(block + sizeof header + sizeof head, head[1], rows, header.own, (int)head[0], bits));
    const uint32_t vectors = dbk_vectors(rows);
    const size_t places_end =
        dbk_segment_align(sizeof header + vectors * sizeof(uint16_t) + dbk_places_size(header.own));
    *size = places_end + block_size - gaps_end;
    uint8_t *out = calloc(1, *size);
    assert_non_null(out);
    header.presence = DBK_PRESENCE_PLACES;
    memcpy(out, &header, sizeof header);
    uint8_t *places = out + sizeof header + vectors * sizeof(uint16_t);
    size_t bit = 0;
    for (uint32_t row = 0; row < rows; row++) {
        if (!(bits[row / 64] >> row % 64 & 1))
            continue;
        out[sizeof header + row / DBK_VECTOR_ROWS * sizeof(uint16_t)]++; // fewer than 256 a vector
        assert_int_not_equal(out[sizeof header + row / DBK_VECTOR_ROWS * sizeof(uint16_t)], 0);
        for (int i = 0; i < 10; i++, bit++)
            places[bit / 8] |= (uint8_t)((row % DBK_VECTOR_ROWS >> i & 1) << bit % 8);
    }
    memcpy(out + places_end, block + gaps_end, block_size - gaps_end);
    free(bits);
    return out;
}

static void places_of_older_files_come_back(void **state)
{
    (void)state;
    dbk_random random = test_random();
    test_rows r;
    fill_orders(&r, &random, ROWS);
    dbk_segment *segment = segment_build(&r);
    size_t size, block_size;
    const uint8_t *good = dbk_segment_bytes(segment, &size);
    dbk_segment_header header;
    memcpy(&header, good, sizeof header);
    dbk_segment_entry entries[DBK_COLUMNS_MAX];
    memcpy(entries, good + sizeof header, header.columns * sizeof *entries);
    const int column = column_of(&r, "currency");
    uint8_t *block = with_places(good + entries[column].offset, entries[column].size, ROWS, &block_size);
    const size_t old_end = dbk_segment_align(entries[column].offset + entries[column].size);
    const size_t new_end = dbk_segment_align(entries[column].offset + block_size);
    const size_t new_size = size - old_end + new_end;
    uint8_t *bytes = aligned_alloc(64, dbk_segment_align(new_size + DBK_SEGMENT_SLACK));
    assert_non_null(bytes);
    memset(bytes, 0, new_size);
    memcpy(bytes, good, entries[column].offset);
    memcpy(bytes + entries[column].offset, block, block_size);
    memcpy(bytes + new_end, good + old_end, size - old_end);
    for (uint32_t c = 0; c < header.columns; c++)
        if (entries[c].size && entries[c].offset >= old_end)
            entries[c].offset = entries[c].offset - old_end + new_end;
    entries[column].size = block_size;
    header.size = new_size;
    header.cold = header.cold - old_end + new_end;
    memcpy(bytes, &header, sizeof header);
    memcpy(bytes + sizeof header, entries, header.columns * sizeof *entries);
    reseal(bytes);
    dbk_segment *opened;
    dbk_error err = {0};
    if (dbk_segment_open(bytes, new_size, &opened, &err) != DBK_OK)
        fail_msg("%s", err.message);
    assert_int_equal(header_of(opened, &r, "currency").presence, DBK_PRESENCE_PLACES);
    check_rows(opened, &r);
    dbk_segment_free(opened);
    dbk_segment_free(segment);
    free(block);
    rows_dispose(&r);
}

// ---- Gaps ----

static void sets_of_rows_come_back(void **state)
{
    (void)state;
    dbk_random random = test_random();
    static const uint32_t counts[] = {1, 2, 63, 64, 65, 1000, 5000, 65536};
    static const uint64_t one_in[] = {1, 2, 5, 30, 1000, 40000};
    for (size_t n = 0; n < DBK_COUNT(counts); n++)
        for (size_t p = 0; p < DBK_COUNT(one_in); p++) {
            static uint64_t bits[DBK_SEGMENT_ROWS / 64], back[DBK_SEGMENT_ROWS / 64];
            const uint32_t rows = counts[n];
            memset(bits, 0, sizeof bits);
            uint32_t count = 0;
            for (uint32_t row = 0; row < rows; row++) {
                const bool in = dbk_random_below(&random, one_in[p]) == 0 || (row + 1 == rows && count == 0);
                bits[row / 64] |= (uint64_t)in << row % 64;
                count += in;
            }
            const int low_bits = dbk_gaps_low_bits(rows, count);
            const size_t size = dbk_gaps_size(bits, rows, low_bits);
            uint8_t *bytes = calloc(1, size + 2);
            assert_non_null(bytes);
            dbk_gaps_write(bits, rows, low_bits, bytes);
            assert_int_equal(bytes[size], 0);
            memset(back, 0, sizeof back);
            assert_true(dbk_gaps_read(bytes, size, rows, count, low_bits, back));
            assert_memory_equal(bits, back, sizeof bits);
            // One byte, one row or one bit more or less is refused or is another set of as many rows.
            assert_false(dbk_gaps_read(bytes, size - 1, rows, count, low_bits, back));
            assert_false(dbk_gaps_read(bytes, size + 1, rows, count, low_bits, back));
            assert_false(dbk_gaps_read(bytes, size, rows, count + 1, low_bits, back));
            for (int flips = 0; flips < 20; flips++) {
                const size_t bit = dbk_random_below(&random, size * 8);
                bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
                memset(back, 0, sizeof back);
                if (dbk_gaps_read(bytes, size, rows, count, low_bits, back)) {
                    uint32_t found = 0;
                    for (uint32_t w = 0; w < DBK_SEGMENT_ROWS / 64; w++)
                        found += (uint32_t)__builtin_popcountll(back[w]);
                    assert_int_equal(found, count);
                }
                bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            }
            free(bytes);
        }
}

// An eighth of the rows, at random, have 0.544 bits of information each.
static void gaps_take_what_they_must(void **state)
{
    (void)state;
    dbk_random random = test_random();
    static uint64_t bits[DBK_SEGMENT_ROWS / 64];
    uint32_t count = 0;
    for (uint32_t w = 0; w < DBK_SEGMENT_ROWS / 64; w++) {
        bits[w] = dbk_random_u64(&random) & dbk_random_u64(&random) & dbk_random_u64(&random);
        count += (uint32_t)__builtin_popcountll(bits[w]);
    }
    const size_t size = dbk_gaps_size(bits, DBK_SEGMENT_ROWS, dbk_gaps_low_bits(DBK_SEGMENT_ROWS, count));
    assert_in_range(size, DBK_SEGMENT_ROWS * 0.53 / 8, DBK_SEGMENT_ROWS * 0.58 / 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_chosen_where_it_fits),
        cmocka_unit_test(rows_come_back_with_and_without_wide_registers),
        cmocka_unit_test(few_numbers_of_their_own_come_back),
        cmocka_unit_test(nothing_is_promised_of_packed_forms),
        cmocka_unit_test(shares_are_those_of_a_division),
        cmocka_unit_test(references_that_lead_nowhere_are_refused),
        cmocka_unit_test(no_changed_byte_of_a_header_is_believed),
        cmocka_unit_test(places_of_older_files_come_back),
        cmocka_unit_test(sets_of_rows_come_back),
        cmocka_unit_test(gaps_take_what_they_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
