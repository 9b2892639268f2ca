// SPDX-License-Identifier: Apache-2.0
// Manifests: read back as written; one byte wrong, one byte short, one number impossible: refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "ingest/store/manifest.h"
#include "tests/support/seed.h"

// A manifest with everything in it: two tenants, empty slots, dead rows, unsealed rows, words in two files.
static dbk_manifest *sample(void)
{
    dbk_manifest *m = dbk_manifest_create();
    assert_non_null(m);
    m->epoch = 9;
    m->number = 1234;
    m->next_segment_id = 50;
    m->log = (dbk_log_position){3, 77, 8192, 40};
    m->state_size = 1024;
    m->state_checksum = 5;
    m->tenants_count = 2;
    m->tenants = dbk_arena_zalloc(&m->arena, 2 * sizeof(*m->tenants));
    m->tenants[0].name = DBK_TEXT("acme");
    m->tenants[0].number = 1200;
    m->tenants[0].tables_count = 1;
    m->tenants[0].tables = dbk_arena_zalloc(&m->arena, sizeof(dbk_manifest_table));
    m->tenants[1].name = DBK_TEXT("b.c_d-E");
    dbk_manifest_table *table = m->tenants[0].tables;
    table->id = DBK_ORDERS;
    table->delta_offset = 64;
    table->delta_size = 100;
    table->slots_count = 3;
    table->slots = dbk_arena_zalloc(&m->arena, 3 * sizeof(*table->slots));
    table->slots[0] = (dbk_manifest_slot){true, 4, 4096, 11, 65536, 0};
    table->slots[2] = (dbk_manifest_slot){true, 7, 999, 12, 100, 192};
    m->words_count = 2;
    m->words = dbk_arena_zalloc(&m->arena, 2 * sizeof(*m->words));
    for (int w = 0; w < 2; w++) {
        m->words[w] =
            (dbk_manifest_words){.epoch = (uint64_t)w + 1, .size = 100, .checksum = 3, .sections_count = 1};
        m->words[w].sections = dbk_arena_zalloc(&m->arena, sizeof(dbk_manifest_section));
        m->words[w].sections[0] = (dbk_manifest_section){0, DBK_DOMAIN_STATUS, w ? 6 : 1, w ? 2 : 5};
    }
    return m;
}

static void encode(const dbk_manifest *m, dbk_buffer *out)
{
    dbk_buffer_reset(out);
    dbk_manifest_encode(m, out);
    assert_false(out->failed);
}

static void a_manifest_is_read_back(void **state)
{
    (void)state;
    dbk_manifest *m = sample(), *got = NULL;
    dbk_buffer first = {0}, second = {0};
    encode(m, &first);
    dbk_error err = {0};
    assert_int_equal(dbk_manifest_decode(first.data, first.size, 9, &got, &err), DBK_OK);
    encode(got, &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    assert_int_equal(got->log.offset, 8192);
    assert_int_equal(got->tenants[0].tables[0].slots[2].dead_offset, 192);
    assert_false(got->tenants[0].tables[0].slots[1].present);
    dbk_manifest_index index;
    assert_int_equal(dbk_manifest_index_build(&index, got, NULL), DBK_OK);
    assert_int_equal(dbk_manifest_index_find(&index, 7)->size, 999);
    assert_null(dbk_manifest_index_find(&index, 5));
    dbk_manifest_index_dispose(&index);
    dbk_manifest_destroy(got);
    // Under another name it is another epoch's, which it is not.
    assert_int_equal(dbk_manifest_decode(first.data, first.size, 10, &got, NULL), DBK_CORRUPT);
    dbk_manifest_destroy(m);
    dbk_buffer_dispose(&first);
    dbk_buffer_dispose(&second);
}

static void every_flipped_bit_and_every_cut_is_refused(void **state)
{
    (void)state;
    dbk_manifest *m = sample(), *got;
    dbk_buffer b = {0};
    encode(m, &b);
    for (size_t bit = 0; bit < 8 * b.size; bit++) {
        b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(dbk_manifest_decode(b.data, b.size, 9, &got, NULL), DBK_CORRUPT);
        b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < b.size; size++)
        assert_int_equal(dbk_manifest_decode(b.data, size, 9, &got, NULL), DBK_CORRUPT);
    dbk_manifest_destroy(m);
    dbk_buffer_dispose(&b);
}

// A right checksum over wrong content: whoever forges a manifest meets the bounds.
static void forged_content_is_refused_or_harmless(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random(__func__);
    dbk_manifest *m = sample(), *got;
    dbk_buffer b = {0}, again = {0};
    encode(m, &b);
    for (int i = 0; i < 20000; i++) {
        uint8_t *forged = malloc(b.size);
        memcpy(forged, b.data, b.size);
        for (uint64_t n = 1 + dbk_random_below(&random, 3); n; n--)
            forged[16 + dbk_random_below(&random, b.size - 24)] = (uint8_t)dbk_random_u64(&random);
        uint64_t checksum = dbk_checksum(forged, b.size - 8);
        memcpy(forged + b.size - 8, &checksum, 8);
        if (dbk_manifest_decode(forged, b.size, 9, &got, NULL) == DBK_OK) {
            encode(got, &again);
            assert_int_equal(again.size, b.size);
            assert_memory_equal(again.data, forged, b.size);
            dbk_manifest_destroy(got);
        }
        free(forged);
    }
    dbk_manifest_destroy(m);
    dbk_buffer_dispose(&b);
    dbk_buffer_dispose(&again);
}

static void assert_refused(dbk_manifest *m)
{
    dbk_buffer b = {0};
    dbk_manifest *got;
    encode(m, &b);
    assert_int_equal(dbk_manifest_decode(b.data, b.size, 9, &got, NULL), DBK_CORRUPT);
    dbk_buffer_dispose(&b);
    dbk_manifest_destroy(m);
}

static void impossible_values_are_refused(void **state)
{
    (void)state;
    dbk_manifest *m = sample();
    m->words[1].sections[0].first = 7; // a gap between words
    assert_refused(m);
    m = sample();
    m->tenants[0].tables[0].slots[2].id = 4; // one segment twice
    assert_refused(m);
    m = sample();
    m->tenants[0].tables[0].slots[0].id = 50; // not yet used
    assert_refused(m);
    m = sample();
    m->tenants[0].tables[0].slots[2].dead_offset = 1024; // behind the state file
    assert_refused(m);
    m = sample();
    m->tenants[0].tables[0].delta_size = 2000;
    assert_refused(m);
    m = sample();
    m->tenants[1].name = DBK_TEXT("../x");
    assert_refused(m);
    m = sample();
    m->log.offset = 8193;
    assert_refused(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_is_read_back),
        cmocka_unit_test(every_flipped_bit_and_every_cut_is_refused),
        cmocka_unit_test(forged_content_is_refused_or_harmless),
        cmocka_unit_test(impossible_values_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
