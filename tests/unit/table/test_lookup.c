// SPDX-License-Identifier: Apache-2.0
// The dictionary, the key index, the map and the ring of moves, each against a naive twin.
#include "engine/base/hash.h"
#include "tests/unit/table/table_model.h"

static dbk_versions *versions_create(void)
{
    dbk_versions *versions = calloc(1, sizeof *versions);
    dbk_epoch_init(&versions->epoch);
    return versions;
}

static void versions_destroy(dbk_versions *versions)
{
    dbk_epoch_dispose(&versions->epoch);
    assert_int_equal(versions->memory.bytes, 0);
    free(versions);
}

static dbk_text word_of(uint32_t i, char out[700])
{
    // Every hundredth is longer than a length of one byte says, and some are just at the edge.
    int length = snprintf(out, 700, "%u%*s", i,
                          i % 100 == 0  ? 600
                          : i % 100 < 6 ? (int)(250 + i % 100)
                                        : 0,
                          "");
    return (dbk_text){out, (uint32_t)length};
}

static void test_words_keep_their_codes(void **state)
{
    (void)state;
    enum { WORDS = 5000 };
    dbk_versions *versions = versions_create();
    dbk_dict dict = {.versions = versions};
    char buffer[700];
    uint32_t code;
    assert_int_equal(dbk_dict_find(&dict, DBK_TEXT("0"), 0), 0);
    for (uint32_t i = 1; i <= WORDS; i++) {
        assert_int_equal(dbk_dict_add(&dict, word_of(i, buffer), &code), DBK_OK);
        assert_int_equal(code, i);
        assert_int_equal(dbk_dict_add(&dict, word_of(i / 2 + 1, buffer), &code), DBK_OK);
        assert_int_equal(code, i / 2 + 1);
    }
    assert_int_equal(dict.count, WORDS);
    for (uint32_t i = 1; i <= WORDS; i++) {
        dbk_text word = word_of(i, buffer);
        assert_true(dbk_text_equal(dbk_dict_word(&dict, i), word));
        assert_int_equal(dbk_dict_find(&dict, word, WORDS), i);
        assert_int_equal(dbk_dict_find(&dict, word, i), i);
        assert_int_equal(dbk_dict_find(&dict, word, i - 1), 0); // not known to an older snapshot
        assert_int_equal(dbk_dict_find(&dict, word_of(i + WORDS, buffer), WORDS), 0);
    }
    dbk_dict_dispose(&dict);
    versions_destroy(versions);
}

static void test_many_words_at_once_get_the_codes_of_one_by_one(void **state)
{
    (void)state;
    enum { ROUNDS = 60, WORDS_MAX = 300, DIFFERENT = 4000 };
    static char buffers[WORDS_MAX][700];
    dbk_random random = dbk_test_random(__func__);
    dbk_versions *versions = versions_create();
    dbk_dict dict = {.versions = versions}, twin = {.versions = versions};
    for (int round = 0; round < ROUNDS; round++) {
        const uint32_t count = (uint32_t)dbk_random_below(&random, WORDS_MAX + 1);
        dbk_text words[WORDS_MAX];
        uint32_t codes[WORDS_MAX];
        for (uint32_t i = 0; i < count; i++) {
            words[i] = word_of((uint32_t)dbk_random_below(&random, DIFFERENT), buffers[i]);
            words[i].length = dbk_random_below(&random, 50) ? words[i].length : 0;
        }
        assert_int_equal(dbk_dict_add_all(&dict, words, count, codes), DBK_OK);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t code = 0;
            if (words[i].length)
                assert_int_equal(dbk_dict_add(&twin, words[i], &code), DBK_OK);
            assert_int_equal(codes[i], code);
        }
        assert_int_equal(dict.count, twin.count);
    }
    dbk_dict_dispose(&dict);
    dbk_dict_dispose(&twin);
    versions_destroy(versions);
}

static bool index_has(const dbk_key_index *index, uint64_t hash, dbk_place place)
{
    dbk_key_probe probe = dbk_key_probe_begin(index, hash);
    while (dbk_key_probe_next(&probe)) {
        if (probe.place == place)
            return true;
    }
    return false;
}

static void index_run(dbk_random *r, dbk_key_index *index, int rounds)
{
    enum { KEYS = 6000 };
    static uint64_t places[KEYS]; // + 1; 0 = not there
    memset(places, 0, sizeof places);
    for (int round = 0; round < rounds; round++) {
        uint64_t hashes[64];
        uint32_t keys[64];
        uint32_t count = 1 + (uint32_t)dbk_random_below(r, 64),
                 first = (uint32_t)dbk_random_below(r, KEYS - 64);
        for (uint32_t i = 0; i < count; i++) {
            keys[i] = first + i;
            hashes[i] = dbk_hash_u64(keys[i]);
        }
        assert_true(dbk_key_index_reserve(index, hashes, count));
        // As a batch does it: all keys are looked for before the first is inserted.
        _Atomic uint64_t *from[64];
        for (uint32_t i = 0; i < count; i++) {
            dbk_key_probe probe = dbk_key_probe_begin(index, hashes[i]);
            while (dbk_key_probe_next(&probe))
                ;
            from[i] = probe.entry;
        }
        for (uint32_t i = 0; i < count; i++) {
            dbk_place place = dbk_random_below(r, 1ull << 39);
            uint64_t *there = &places[keys[i]];
            if (*there && dbk_random_below(r, 2)) {
                dbk_key_index_remove(index, hashes[i], dbk_key_index_entry(index, hashes[i], *there - 1));
                *there = 0;
                continue;
            }
            if (*there)
                dbk_key_index_update(dbk_key_index_entry(index, hashes[i], *there - 1), hashes[i], place);
            else
                dbk_key_index_insert(index, hashes[i], place, dbk_random_below(r, 2) ? from[i] : NULL);
            *there = place + 1;
        }
    }
    uint64_t alive = 0;
    for (uint32_t k = 0; k < KEYS; k++) {
        alive += places[k] != 0;
        if (places[k])
            assert_true(index_has(index, dbk_hash_u64(k), places[k] - 1));
    }
    assert_int_equal(index->entries, alive);
}

static void test_index_agrees_with_an_array(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    for (int split = 0; split < 2; split++) {
        dbk_versions *versions = versions_create();
        dbk_key_index index = {.versions = versions};
        if (split)
            assert_true(dbk_key_index_split(&index));
        index_run(&r, &index, 2000);
        dbk_key_index_dispose(&index);
        versions_destroy(versions);
    }
}

static void test_map_keeps_what_an_image_has(void **state)
{
    (void)state;
    enum { CODES = 70000, IMAGES = 8 };
    dbk_random r = dbk_test_random(__func__);
    dbk_versions *versions = versions_create();
    dbk_object *garbage = NULL;
    versions->garbage = &garbage;
    dbk_locator_map map = {0}, images[IMAGES];
    static uint64_t now[CODES], then[IMAGES][CODES];
    memset(now, 0, sizeof now);
    for (int i = 0; i < IMAGES; i++) {
        uint32_t bound = 2u << (2 * i + 1);
        for (int k = 0; k < 3000; k++) {
            uint32_t code = (uint32_t)dbk_random_below(&r, bound < CODES ? bound : CODES);
            assert_true(dbk_locator_map_reserve(&map, versions, code));
            now[code] = dbk_random_below(&r, 5) ? dbk_random_u64(&r) : 0;
            dbk_locator_map_set(&map, code, now[code]);
        }
        images[i] = map;
        memcpy(then[i], now, sizeof now);
        versions->generation++;
    }
    for (int i = 0; i < IMAGES; i++) {
        for (uint32_t code = 0; code < CODES; code++)
            assert_true(dbk_locator_map_get(&images[i], code) == then[i][code]);
        assert_true(dbk_locator_map_get(&images[i], UINT32_MAX) == 0);
    }
    dbk_object_free_all(garbage);
    dbk_locator_map_dispose(&map);
    versions_destroy(versions);
}

static void test_moves_are_told_or_said_to_be_lost(void **state)
{
    (void)state;
    enum { NOTES = 400000 };
    dbk_versions *versions = versions_create();
    dbk_moves moves = {.ring = NULL};
    for (uint64_t i = 0; i < NOTES; i++) {
        uint64_t kept_from = i > 1000 ? i - 1000 : 0;
        dbk_moves_reserve(&moves, versions, kept_from, 1);
        dbk_moves_note(&moves, dbk_key_entry(i % 5 << 40 | 1ull << 63, i));
        if (i % 977 != 0)
            continue;
        uint64_t from = kept_from, entry, expected = from;
        bool complete;
        dbk_moves_walk walk = dbk_moves_walk_begin(&moves, from, dbk_key_tag(i % 5 << 40 | 1ull << 63));
        while (dbk_moves_walk_next(&walk, &entry, &complete)) {
            while (expected % 5 != i % 5)
                expected++;
            assert_int_equal(dbk_entry_place(entry), expected++);
        }
        assert_true(complete);
        assert_int_equal(expected, i + 1);
        walk = dbk_moves_walk_begin(&moves, 0, 12345);
        assert_false(dbk_moves_walk_next(&walk, &entry, &complete));
        assert_true(complete || i > 1000);
    }
    bool complete = true;
    uint64_t entry;
    dbk_moves_walk walk = dbk_moves_walk_begin(&moves, 0, 12345);
    assert_false(dbk_moves_walk_next(&walk, &entry, &complete));
    assert_false(complete);
    dbk_moves_dispose(&moves);
    versions_destroy(versions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_keep_their_codes),
        cmocka_unit_test(test_many_words_at_once_get_the_codes_of_one_by_one),
        cmocka_unit_test(test_index_agrees_with_an_array),
        cmocka_unit_test(test_map_keeps_what_an_image_has),
        cmocka_unit_test(test_moves_are_told_or_said_to_be_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
