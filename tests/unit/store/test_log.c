// SPDX-License-Identifier: Apache-2.0
// The bytes of the log: what was written is read back, and nothing else is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/store/files.h"
#include "ingest/store/log.h"
#include "tests/support/io_sim.h"
#include "tests/support/seed.h"

static void make_group(dbk_buffer *out, const dbk_group *group, size_t payload, dbk_random *random)
{
    static const uint8_t room[DBK_GROUP_HEADER];
    dbk_buffer_reset(out);
    dbk_buffer_append(out, room, sizeof(room));
    for (size_t i = 0; i < payload; i++)
        dbk_buffer_u8(out, (uint8_t)dbk_random_u64(random));
    assert_true(dbk_group_finish(out, group));
}

static void a_group_is_read_back_for_every_size(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random(__func__);
    dbk_buffer b = {0};
    static const size_t sizes[] = {0, 1, 4031, 4032, 4033, 8128, 8129, 70000};
    for (size_t i = 0; i < DBK_COUNT(sizes); i++) {
        dbk_group group = {.kind = sizes[i] ? DBK_GROUP_DATA : DBK_GROUP_CONFIRM,
                           .file_id = dbk_random_u64(&random) | 1,
                           .offset = 4096 * (1 + dbk_random_below(&random, 1000)),
                           .number = 1 + dbk_random_below(&random, 1000),
                           .changes_before = dbk_random_below(&random, 1000),
                           .changes = sizes[i] ? 7 : 0};
        make_group(&b, &group, sizes[i], &random);
        assert_int_equal(b.size % DBK_IO_BLOCK, 0);
        assert_int_equal(b.size, dbk_group_size(sizes[i]));
        dbk_group got;
        assert_true(dbk_group_decode(b.data, b.size, &got));
        assert_int_equal(got.kind, group.kind);
        assert_int_equal(got.payload_size, sizes[i]);
        assert_int_equal(got.changes_before, group.changes_before);
        assert_int_equal(got.size, b.size);
        dbk_log_position at = {1, group.file_id, group.offset, group.number};
        assert_true(dbk_group_expect(b.data, b.size, &at, &got));
        dbk_log_position wrong = at;
        wrong.file_id++;
        assert_false(dbk_group_expect(b.data, b.size, &wrong, &got));
        wrong = at;
        wrong.offset += DBK_IO_BLOCK;
        assert_false(dbk_group_expect(b.data, b.size, &wrong, &got));
        wrong = at;
        wrong.group++;
        assert_false(dbk_group_expect(b.data, b.size, &wrong, &got));
    }
    dbk_buffer_dispose(&b);
}

static void a_group_with_any_bit_flipped_is_no_group(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random(__func__);
    dbk_buffer b = {0};
    dbk_group group = {.kind = DBK_GROUP_DATA, .file_id = 5, .offset = 4096, .number = 3, .changes = 1}, got;
    make_group(&b, &group, 4100, &random);
    for (size_t byte = 0; byte < b.size; byte++) {
        uint8_t bit = (uint8_t)(1u << dbk_random_below(&random, 8));
        b.data[byte] ^= bit;
        assert_false(dbk_group_decode(b.data, b.size, &got));
        b.data[byte] ^= bit;
    }
    for (size_t size = 0; size < b.size; size++) {
        // A copy of exactly this size lets the sanitizer see a read behind it.
        uint8_t *cut = malloc(size ? size : 1);
        memcpy(cut, b.data, size);
        assert_false(dbk_group_decode(cut, size, &got));
        free(cut);
    }
    assert_true(dbk_group_decode(b.data, b.size, &got));
    dbk_buffer_dispose(&b);
}

static void a_header_with_any_bit_flipped_is_no_header(void **state)
{
    (void)state;
    dbk_log_plan plan = {.sequence = 7, .file_id = 99, .bytes = 65536}, got;
    uint8_t block[DBK_IO_BLOCK];
    dbk_log_header_encode(&plan, block);
    assert_int_equal(dbk_log_header_decode(block, sizeof(block), &got, NULL), DBK_OK);
    assert_memory_equal(&plan, &got, sizeof(plan));
    for (size_t bit = 0; bit < 8 * sizeof(block); bit++) {
        block[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(dbk_log_header_decode(block, sizeof(block), &got, NULL), DBK_CORRUPT);
        block[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(dbk_log_header_decode(block, sizeof(block) - 1, &got, NULL), DBK_CORRUPT);
}

static void a_later_group_is_found_only_where_it_belongs(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random(__func__);
    enum { BLOCKS = 16 };
    uint8_t *file = calloc(BLOCKS, DBK_IO_BLOCK);
    dbk_buffer b = {0};
    dbk_group group = {.kind = DBK_GROUP_CONFIRM, .file_id = 5, .offset = 9 * DBK_IO_BLOCK, .number = 8};
    make_group(&b, &group, 0, &random);
    uint64_t at;
    assert_false(dbk_log_find_group(file, BLOCKS * DBK_IO_BLOCK, 0, 5, 0, &at));
    memcpy(file + 9 * DBK_IO_BLOCK, b.data, b.size);
    assert_true(dbk_log_find_group(file, BLOCKS * DBK_IO_BLOCK, 0, 5, 8, &at));
    assert_int_equal(at, 9 * DBK_IO_BLOCK);
    assert_true(dbk_log_find_group(file + 2 * DBK_IO_BLOCK, (BLOCKS - 2) * DBK_IO_BLOCK, 2 * DBK_IO_BLOCK, 0,
                                   1, &at));
    assert_int_equal(at, 9 * DBK_IO_BLOCK);
    assert_false(
        dbk_log_find_group(file, BLOCKS * DBK_IO_BLOCK, 0, 5, 9, &at)); // an older group proves nothing
    assert_false(dbk_log_find_group(file, BLOCKS * DBK_IO_BLOCK, 0, 6, 0, &at));            // another file's
    assert_false(dbk_log_find_group(file, BLOCKS * DBK_IO_BLOCK, DBK_IO_BLOCK, 5, 0, &at)); // misdirected
    assert_int_equal(dbk_log_used(file, BLOCKS * DBK_IO_BLOCK), 9 * DBK_IO_BLOCK + 49);
    dbk_buffer_dispose(&b);
    free(file);
}

static void a_new_file_is_durable_with_header_and_zeros(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random(__func__);
    sim_disk *disk = sim_disk_create();
    dbk_io *io = sim_disk_io(disk);
    dbk_log_plan plan = {.sequence = 3, .file_id = 77, .bytes = 5 * DBK_IO_BLOCK}, got;
    assert_int_equal(dbk_log_file_create(io, &plan, false, NULL), DBK_OK);
    assert_int_not_equal(dbk_log_file_create(io, &plan, false, NULL), DBK_OK);
    plan.file_id = 78;
    assert_int_equal(dbk_log_file_create(io, &plan, true, NULL), DBK_OK);
    dbk_io_close(io);
    sim_disk_crash(disk, &random);
    size_t size;
    const uint8_t *bytes = sim_disk_bytes(disk, dbk_file_name_make(DBK_FILE_LOG, 3).text, &size);
    assert_non_null(bytes);
    assert_int_equal(size, plan.bytes);
    assert_int_equal(dbk_log_header_decode(bytes, size, &got, NULL), DBK_OK);
    assert_int_equal(got.file_id, 78);
    assert_int_equal(dbk_log_used(bytes + DBK_IO_BLOCK, size - DBK_IO_BLOCK), 0);
    sim_disk_destroy(disk);
}

static void names_are_read_back_and_foreign_ones_are_not_ours(void **state)
{
    (void)state;
    for (int kind = 0; kind < DBK_FILE_KINDS; kind++) {
        static const uint64_t numbers[] = {0, 1, 255, UINT64_MAX};
        for (size_t i = 0; i < DBK_COUNT(numbers); i++) {
            dbk_file_kind got_kind;
            uint64_t got;
            assert_true(dbk_file_name_parse(dbk_file_name_make((dbk_file_kind)kind, numbers[i]).text,
                                            &got_kind, &got));
            assert_int_equal(got_kind, kind);
            assert_true(got == numbers[i]);
        }
    }
    static const char *const foreign[] = {"",
                                          "lock",
                                          "log-",
                                          "log-000000000000000",
                                          "log-00000000000000000",
                                          "log-000000000000000G",
                                          "log-000000000000000A",
                                          "log-0000000000000001.bak",
                                          "xlog-0000000000000001",
                                          "manifest"};
    for (size_t i = 0; i < DBK_COUNT(foreign); i++) {
        dbk_file_kind kind;
        uint64_t number;
        assert_false(dbk_file_name_parse(foreign[i], &kind, &number));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_is_read_back_for_every_size),
        cmocka_unit_test(a_group_with_any_bit_flipped_is_no_group),
        cmocka_unit_test(a_header_with_any_bit_flipped_is_no_header),
        cmocka_unit_test(a_later_group_is_found_only_where_it_belongs),
        cmocka_unit_test(a_new_file_is_durable_with_header_and_zeros),
        cmocka_unit_test(names_are_read_back_and_foreign_ones_are_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
