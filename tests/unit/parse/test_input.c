// SPDX-License-Identifier: Apache-2.0
// Inputs: plain, gzip in one or many members, cut short anywhere, damaged, piped.
#include "ingest/parse/input.h"

#include "engine/base/random.h"
#include "tests/support/parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

static char path[] = "/tmp/daybook-test-input-XXXXXX";

static void write_file(const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

static size_t gzip(const void *data, size_t size, uint8_t *out, size_t room)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (uint8_t *)(uintptr_t)data;
    stream.avail_in = (uInt)size;
    stream.next_out = out;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return room - stream.avail_out;
}

// The whole content, read in blocks of `block` bytes; *status what the last read said.
static size_t read_all(const char *name, uint8_t *out, size_t room, size_t block, dbk_status *status,
                       dbk_error *err)
{
    dbk_input *input;
    size_t size = 0, got;
    *status = dbk_input_open(&input, name, err);
    if (*status != DBK_OK)
        return 0;
    for (int twice = 0; twice < 2; twice++) {
        size = 0;
        do {
            *status = dbk_input_read(input, out + size, block < room - size ? block : room - size, &got, err);
            if (*status != DBK_OK)
                break;
            size += got;
        } while (got > 0 && size < room);
        if (twice == 0 && *status == DBK_OK) {
            uint64_t done, total;
            dbk_input_progress(input, &done, &total);
            assert_int_equal(done, total);
            assert_int_equal(dbk_input_rewind(input, NULL), DBK_OK);
        }
    }
    dbk_input_close(input);
    return size;
}

enum { SIZE = 700000 };
static uint8_t content[SIZE], packed[2 * SIZE], unpacked[2 * SIZE];

static void test_plain_and_gzip(void **state)
{
    (void)state;
    dbk_random random = dbk_random_seed(parsed_seed());
    dbk_status status;
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (uint8_t)("abcdefgh,\n"[dbk_random_below(&random, 10)]);
    write_file(content, SIZE);
    assert_int_equal(read_all(path, unpacked, sizeof unpacked, 100000, &status, NULL), SIZE);
    assert_int_equal(status, DBK_OK);
    assert_memory_equal(unpacked, content, SIZE);

    // Three members, the second of nothing.
    size_t size = gzip(content, 300000, packed, sizeof packed);
    size += gzip("", 0, packed + size, sizeof packed - size);
    size += gzip(content + 300000, SIZE - 300000, packed + size, sizeof packed - size);
    write_file(packed, size);
    assert_int_equal(read_all(path, unpacked, sizeof unpacked, 77777, &status, NULL), SIZE);
    assert_int_equal(status, DBK_OK);
    assert_memory_equal(unpacked, content, SIZE);
    write_file("", 0);
    assert_int_equal(read_all(path, unpacked, sizeof unpacked, 10, &status, NULL), 0);
    assert_int_equal(status, DBK_OK);
}

static void test_truncated_and_damaged(void **state)
{
    (void)state;
    dbk_error err;
    dbk_status status;
    size_t size = gzip(content, 20000, packed, sizeof packed);
    for (size_t cut = 2; cut < size; cut += cut < 40 || cut + 40 > size ? 1 : 97) {
        write_file(packed, cut);
        read_all(path, unpacked, sizeof unpacked, 65536, &status, &err);
        assert_int_equal(status, DBK_INVALID);
        assert_non_null(strstr(err.message, "truncated"));
    }
    write_file(packed, size);
    packed[size / 2] ^= 0x40;
    write_file(packed, size);
    read_all(path, unpacked, sizeof unpacked, 65536, &status, &err);
    assert_int_equal(status, DBK_INVALID);
    packed[size / 2] ^= 0x40;
    memcpy(packed + size, "junk", 4);
    write_file(packed, size + 4);
    read_all(path, unpacked, sizeof unpacked, 65536, &status, &err);
    assert_int_equal(status, DBK_INVALID);
}

static void test_names(void **state)
{
    (void)state;
    dbk_error err;
    dbk_input *input;
    assert_int_equal(dbk_input_open(&input, "/nowhere/at.all", &err), DBK_NOT_FOUND);
    assert_null(input);
    assert_int_equal(dbk_input_open(&input, "/tmp", &err), DBK_INVALID);
    assert_non_null(strstr(err.message, "folder"));
}

static void test_pipe(void **state)
{
    (void)state;
    dbk_status status;
    char fifo[64];
    snprintf(fifo, sizeof fifo, "%s.fifo", path);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        FILE *file = fopen(fifo, "wb");
        size_t wrote = file ? fwrite(content, 1, 300000, file) : 0;
        if (file)
            fclose(file);
        _exit(wrote == 300000 ? 0 : 1);
    }
    assert_int_equal(read_all(fifo, unpacked, sizeof unpacked, 100000, &status, NULL), 300000);
    assert_int_equal(status, DBK_OK);
    assert_memory_equal(unpacked, content, 300000);
    unlink(fifo);
}

int main(void)
{
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_and_gzip),
        cmocka_unit_test(test_truncated_and_damaged),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_pipe),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
