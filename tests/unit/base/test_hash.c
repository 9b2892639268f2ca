// SPDX-License-Identifier: Apache-2.0
// Includes the source to reach both ways of computing a CRC.
#include "engine/base/hash.c"
#include "tests/support/seed.h"

#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint32_t twin_crc(uint32_t crc, const uint8_t *p, size_t size)
{
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

static void test_crc_published_values(void **state)
{
    (void)state;
    uint8_t bytes[32];
    assert_int_equal(dbk_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc_by_table(0, (const uint8_t *)"123456789", 9), 0xe3069283);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(dbk_crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(dbk_crc32c(0, bytes, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(dbk_crc32c(0, bytes, 32), 0x46dd794e);
    assert_int_equal(dbk_crc32c(0, NULL, 0), 0);
}

// Around every length at which a loop begins or ends, from unaligned starts.
static void test_crc_against_the_twin(void **state)
{
    (void)state;
    dbk_random r = dbk_test_random(__func__);
    static uint8_t bytes[20000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)dbk_random_u64(&r);
    for (int round = 0; round < 2000; round++) {
        const size_t near[] = {0, 8, 16, 1024, 3072, 4096, 6144, 9216, 12288};
        size_t start = dbk_random_below(&r, 64);
        size_t size = near[dbk_random_below(&r, DBK_COUNT(near))] + dbk_random_below(&r, 40);
        uint32_t before = (uint32_t)dbk_random_u64(&r), wanted = twin_crc(before, bytes + start, size);
        assert_int_equal(dbk_crc32c(before, bytes + start, size), wanted);
        assert_int_equal(crc_by_table(before, bytes + start, size), wanted);
        size_t cut = dbk_random_below(&r, size + 1);
        uint32_t first = dbk_crc32c(before, bytes + start, cut);
        assert_int_equal(dbk_crc32c(first, bytes + start + cut, size - cut), wanted);
    }
}

static void test_hashes(void **state)
{
    (void)state;
    uint64_t value = 0x1122334455667788;
    assert_true(dbk_hash_u64(value) == dbk_hash_bytes(&value, sizeof value));
    assert_true(dbk_hash_u64(1) != dbk_hash_u64(2));
    assert_true(dbk_hash_bytes("abc", 3) != dbk_hash_bytes("abd", 3));
    // The empty input's published XXH3 value: stored checksums must never change.
    assert_true(dbk_checksum("", 0) == 0x2d06800538d394c2u);
    assert_true(dbk_checksum("abc", 3) == XXH3_64bits("abc", 3));
    assert_true(dbk_checksum("abc", 3) != dbk_checksum("abd", 3));
}

static void test_a_checksum_of_pieces_is_that_of_the_whole(void **state)
{
    (void)state;
    enum { ROUNDS = 200, BYTES_MAX = 10000 };
    dbk_random random = dbk_test_random(__func__);
    uint8_t bytes[BYTES_MAX];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)dbk_random_u64(&random);
    for (int round = 0; round < ROUNDS; round++) {
        const size_t size = (size_t)dbk_random_below(&random, BYTES_MAX + 1);
        dbk_checksum_state sum;
        dbk_checksum_begin(&sum);
        for (size_t at = 0, n; at < size; at += n) {
            n = 1 + (size_t)dbk_random_below(&random, size - at);
            dbk_checksum_add(&sum, bytes + at, n);
        }
        assert_true(dbk_checksum_end(&sum) == dbk_checksum(bytes, size));
    }
}

static void test_the_seed_differs_each_time(void **state)
{
    (void)state;
    uint64_t before = hash_seed, hash = dbk_hash_u64(1), checksum = dbk_checksum("abc", 3);
    hash_setup();
    assert_true(hash_seed != before);
    assert_true(dbk_hash_u64(1) != hash);
    assert_true(dbk_checksum("abc", 3) == checksum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc_published_values),
        cmocka_unit_test(test_crc_against_the_twin),
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_a_checksum_of_pieces_is_that_of_the_whole),
        cmocka_unit_test(test_the_seed_differs_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
