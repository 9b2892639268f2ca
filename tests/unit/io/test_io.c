// SPDX-License-Identifier: Apache-2.0
// The io seam on real files, each test on each backend that this machine has.
#include "engine/base/random.h"
#include "engine/io/io.h"
#include "tests/support/seed.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef dbk_status (*open_backend)(dbk_io **out, const char *directory, dbk_error *err);

typedef struct fixture {
    char directory[64];
    dbk_io *io;
} fixture;

static int set_up(void **state, open_backend open)
{
    fixture *f = calloc(1, sizeof(*f));
    strcpy(f->directory, "/tmp/dbk-test-io-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    dbk_error err;
    if (open(&f->io, f->directory, &err) != DBK_OK) {
        print_message("%s\n", err.message);
        return -1;
    }
    *state = f;
    return 0;
}

static int set_up_posix(void **state)
{
    return set_up(state, dbk_io_posix_open);
}

static int set_up_uring(void **state)
{
    return set_up(state, dbk_io_uring_open);
}

static void remove_one(void *user, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", ((fixture *)user)->directory, name);
    unlink(path);
}

static int tear_down(void **state)
{
    fixture *f = *state;
    f->io->backend->list(f->io, remove_one, f, NULL);
    dbk_io_close(f->io);
    rmdir(f->directory);
    free(f);
    return 0;
}

static void test_what_was_written_is_read_back(void **state)
{
    fixture *f = *state;
    dbk_random random = dbk_random_seed(1);
    size_t size = 3 * 1024 * 1024 + 17;
    uint8_t *bytes = malloc(size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)dbk_random_u64(&random);
    assert_int_equal(dbk_io_write_file(f->io, "a", DBK_OPEN_CREATE, bytes, size, NULL), DBK_OK);
    assert_int_equal(f->io->backend->sync_directory(f->io, NULL), DBK_OK);
    void *back;
    size_t back_size;
    assert_int_equal(dbk_io_read_file(f->io, "a", 64, &back, &back_size, NULL), DBK_OK);
    assert_int_equal(back_size, size);
    assert_memory_equal(back, bytes, size);
    for (int i = 0; i < 64; i++)
        assert_int_equal(((uint8_t *)back)[size + i], 0);
    free(back);
    free(bytes);
}

static void test_what_was_written_once_is_read_back(void **state)
{
    fixture *f = *state;
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 8192, 1 << 20, (1 << 20) + 64, (3 << 20) - 1};
    dbk_random random = dbk_random_seed(2);
    const size_t room = (4 << 20) + DBK_IO_BLOCK;
    uint8_t *bytes = aligned_alloc(DBK_IO_BLOCK, room);
    for (size_t i = 0; i < room; i++)
        bytes[i] = (uint8_t)dbk_random_u64(&random);
    // From buffers that are aligned to blocks, and from others.
    for (size_t shift = 0; shift <= 64; shift += 64) {
        for (size_t i = 0; i < DBK_COUNT(sizes); i++) {
            void *back;
            size_t size;
            assert_int_equal(
                dbk_io_write_file(f->io, "once", DBK_OPEN_CREATE_ONCE, bytes + shift, sizes[i], NULL),
                DBK_OK);
            assert_int_equal(dbk_io_write_file(f->io, "once", DBK_OPEN_CREATE_ONCE, bytes, 1, NULL), DBK_IO);
            assert_int_equal(dbk_io_read_file(f->io, "once", 0, &back, &size, NULL), DBK_OK);
            assert_int_equal(size, sizes[i]);
            assert_memory_equal(back, bytes + shift, size);
            free(back);
            assert_int_equal(f->io->backend->remove(f->io, "once", NULL), DBK_OK);
        }
    }
    free(bytes);
}

typedef struct gathering {
    uint8_t *bytes;
    size_t size;
} gathering;

static void gather(void *user, const void *bytes, size_t size)
{
    gathering *g = user;
    memcpy(g->bytes + g->size, bytes, size);
    g->size += size;
}

// From the page cache, and past it when the file was written past it.
static void test_a_file_comes_in_pieces(void **state)
{
    fixture *f = *state;
    enum { PIECE = 1 << 16, LARGE = 1 << 20 };
    static const size_t sizes[] = {0, 1, PIECE - 1, PIECE, PIECE + 1, 4 * PIECE, LARGE + 4097, LARGE - 1};
    dbk_random random = dbk_random_seed(3);
    uint8_t *bytes = aligned_alloc(DBK_IO_BLOCK, LARGE + 2 * DBK_IO_BLOCK), *back = malloc(2 * LARGE);
    for (size_t i = 0; i < LARGE + 2 * DBK_IO_BLOCK; i++)
        bytes[i] = (uint8_t)dbk_random_u64(&random);
    dbk_io_window window = {.memory = aligned_alloc(DBK_IO_BLOCK, PIECE), .bytes = PIECE};
    for (size_t i = 0; i < 2 * DBK_COUNT(sizes); i++) {
        const size_t length = sizes[i / 2];
        const dbk_open_mode mode = i % 2 ? DBK_OPEN_CREATE_ONCE : DBK_OPEN_CREATE;
        assert_int_equal(dbk_io_write_file(f->io, "p", mode, bytes, length, NULL), DBK_OK);
        gathering g = {.bytes = back};
        size_t size;
        assert_int_equal(dbk_io_read_pieces(f->io, "p", length, &window, gather, &g, &size, NULL), DBK_OK);
        assert_int_equal(size, length);
        assert_int_equal(g.size, length);
        assert_memory_equal(back, bytes, length);
        // A file of another length is not read.
        g = (gathering){.bytes = back};
        assert_int_equal(dbk_io_read_pieces(f->io, "p", length + 1, &window, gather, &g, &size, NULL),
                         DBK_OK);
        assert_int_equal(size, length);
        assert_int_equal(g.size, 0);
        assert_int_equal(f->io->backend->remove(f->io, "p", NULL), DBK_OK);
    }
    free(window.memory);
    free(back);
    free(bytes);
}

static void test_creating_what_exists_and_opening_what_does_not_fail(void **state)
{
    fixture *f = *state;
    dbk_error err;
    assert_int_equal(dbk_io_write_file(f->io, "a", DBK_OPEN_CREATE, "x", 1, NULL), DBK_OK);
    assert_int_equal(dbk_io_write_file(f->io, "a", DBK_OPEN_CREATE, "y", 1, &err), DBK_IO);
    assert_non_null(strstr(err.message, "/a"));
    void *back;
    size_t size;
    assert_int_equal(dbk_io_read_file(f->io, "b", 0, &back, &size, &err), DBK_NOT_FOUND);
    assert_non_null(strstr(err.message, "/b"));
}

static void test_reading_past_the_end_is_corrupt(void **state)
{
    fixture *f = *state;
    assert_int_equal(dbk_io_write_file(f->io, "a", DBK_OPEN_CREATE, "hello", 5, NULL), DBK_OK);
    dbk_file file;
    assert_int_equal(f->io->backend->open(f->io, "a", DBK_OPEN_READ, &file, NULL), DBK_OK);
    char buffer[6];
    assert_int_equal(dbk_io_read(f->io, file, buffer, 5, 0, NULL), DBK_OK);
    assert_int_equal(dbk_io_read(f->io, file, buffer, 6, 0, NULL), DBK_CORRUPT);
    assert_int_equal(dbk_io_read(f->io, file, buffer, 1, 5, NULL), DBK_CORRUPT);
    f->io->backend->close(f->io, file);
}

static void test_writing_a_read_only_handle_fails(void **state)
{
    fixture *f = *state;
    assert_int_equal(dbk_io_write_file(f->io, "a", DBK_OPEN_CREATE, "hello", 5, NULL), DBK_OK);
    dbk_file file;
    assert_int_equal(f->io->backend->open(f->io, "a", DBK_OPEN_READ, &file, NULL), DBK_OK);
    dbk_error err;
    assert_int_equal(dbk_io_write(f->io, file, "x", 1, 0, &err), DBK_IO);
    assert_true(err.message[0] != 0);
    f->io->backend->close(f->io, file);
}

// Writes at random places of a file that was allocated, durable or not, of whole blocks and of others, each
// beside the same bytes in memory: what was made past the page cache and what goes through it are one file.
static void test_what_is_written_into_a_file_is_read_back(void **state)
{
    fixture *f = *state;
    enum { BLOCKS = 64, BYTES = BLOCKS * DBK_IO_BLOCK };
    dbk_random random = dbk_test_random(__func__);
    dbk_file file;
    assert_int_equal(f->io->backend->open(f->io, "log", DBK_OPEN_CREATE, &file, NULL), DBK_OK);
    assert_int_equal(f->io->backend->allocate(f->io, file, BYTES, NULL), DBK_OK);
    f->io->backend->close(f->io, file);
    uint8_t *expected = calloc(1, BYTES), *room = aligned_alloc(DBK_IO_BLOCK, BYTES + DBK_IO_BLOCK);
    for (int round = 0; round < 200; round++) {
        assert_int_equal(f->io->backend->open(f->io, "log", DBK_OPEN_WRITE, &file, NULL), DBK_OK);
        for (int i = 0; i < 5; i++) {
            bool is_whole = dbk_random_below(&random, 4) != 0;
            size_t unit = is_whole ? DBK_IO_BLOCK : 1;
            size_t from = dbk_random_below(&random, BYTES / unit) * unit;
            size_t size = (1 + dbk_random_below(&random, 8 * DBK_IO_BLOCK / unit)) * unit;
            size = size < BYTES - from ? size : BYTES - from;
            uint8_t *bytes = room + (dbk_random_below(&random, 4) ? 0 : 1 + dbk_random_below(&random, 100));
            for (size_t at = 0; at < size; at++)
                bytes[at] = expected[from + at] = (uint8_t)dbk_random_u64(&random);
            dbk_io_op op = {.kind = DBK_IO_WRITE,
                            .file = file,
                            .buffer = bytes,
                            .size = size,
                            .offset = from,
                            .durable = dbk_random_below(&random, 2) != 0};
            f->io->backend->submit(f->io, &op);
            assert_int_equal(dbk_io_wait(f->io, &op, "write", NULL), DBK_OK);
        }
        assert_int_equal(dbk_io_sync(f->io, file, NULL), DBK_OK);
        f->io->backend->close(f->io, file);
        void *back;
        size_t back_size;
        assert_int_equal(dbk_io_read_file(f->io, "log", 0, &back, &back_size, NULL), DBK_OK);
        assert_int_equal(back_size, BYTES);
        assert_memory_equal(back, expected, BYTES);
        free(back);
    }
    free(expected);
    free(room);
}

static void test_allocated_space_is_zero_and_has_its_size(void **state)
{
    fixture *f = *state;
    dbk_file file;
    assert_int_equal(f->io->backend->open(f->io, "log", DBK_OPEN_CREATE, &file, NULL), DBK_OK);
    assert_int_equal(f->io->backend->allocate(f->io, file, 1000003, NULL), DBK_OK);
    uint64_t size;
    assert_int_equal(f->io->backend->size(f->io, file, &size, NULL), DBK_OK);
    assert_int_equal(size, 1000003);
    uint8_t *bytes = malloc(size);
    assert_int_equal(dbk_io_read(f->io, file, bytes, size, 0, NULL), DBK_OK);
    for (uint64_t i = 0; i < size; i++)
        assert_int_equal(bytes[i], 0);
    free(bytes);
    f->io->backend->close(f->io, file);
}

static void count_one(void *user, const char *name)
{
    (void)name;
    ++*(int *)user;
}

static void test_removed_files_are_gone(void **state)
{
    fixture *f = *state;
    assert_int_equal(dbk_io_write_file(f->io, "a", DBK_OPEN_CREATE, "x", 1, NULL), DBK_OK);
    assert_int_equal(dbk_io_write_file(f->io, "b", DBK_OPEN_CREATE, "x", 1, NULL), DBK_OK);
    assert_int_equal(f->io->backend->remove(f->io, "a", NULL), DBK_OK);
    assert_int_equal(f->io->backend->remove(f->io, "a", NULL), DBK_NOT_FOUND);
    int count = 0;
    assert_int_equal(f->io->backend->list(f->io, count_one, &count, NULL), DBK_OK);
    assert_int_equal(count, 1);
}

enum { MANY = 500, PIECE = 777 };

static void note_done(dbk_io_op *op)
{
    ++*(int *)op->user;
}

static void test_more_operations_than_the_ring_holds_all_complete(void **state)
{
    fixture *f = *state;
    dbk_file file;
    assert_int_equal(f->io->backend->open(f->io, "many", DBK_OPEN_CREATE, &file, NULL), DBK_OK);
    static uint8_t pieces[MANY][PIECE];
    static dbk_io_op ops[MANY];
    int done = 0;
    for (int i = 0; i < MANY; i++) {
        memset(pieces[i], i % 251, PIECE);
        ops[i] = (dbk_io_op){.kind = DBK_IO_WRITE,
                             .file = file,
                             .buffer = pieces[i],
                             .size = PIECE,
                             .offset = (uint64_t)i * PIECE,
                             .done = note_done,
                             .user = &done};
        f->io->backend->submit(f->io, &ops[i]);
    }
    while (done < MANY)
        assert_true(f->io->backend->complete(f->io) > 0);
    assert_int_equal(f->io->backend->complete(f->io), 0);
    assert_int_equal(dbk_io_sync(f->io, file, NULL), DBK_OK);
    for (int i = 0; i < MANY; i++) {
        uint8_t back[PIECE];
        assert_int_equal(ops[i].status, DBK_OK);
        assert_int_equal(dbk_io_read(f->io, file, back, PIECE, (uint64_t)i * PIECE, NULL), DBK_OK);
        assert_memory_equal(back, pieces[i], PIECE);
    }
    f->io->backend->close(f->io, file);
}

#define ON(backend, test)                                                                                    \
    {                                                                                                        \
#test " (" #backend ")", test, set_up_##backend, tear_down, NULL                                     \
    }
#define ALL(backend)                                                                                         \
    ON(backend, test_what_was_written_once_is_read_back), ON(backend, test_what_was_written_is_read_back),   \
        ON(backend, test_a_file_comes_in_pieces),                                                            \
        ON(backend, test_creating_what_exists_and_opening_what_does_not_fail),                               \
        ON(backend, test_reading_past_the_end_is_corrupt),                                                   \
        ON(backend, test_writing_a_read_only_handle_fails),                                                  \
        ON(backend, test_what_is_written_into_a_file_is_read_back),                                          \
        ON(backend, test_allocated_space_is_zero_and_has_its_size),                                          \
        ON(backend, test_removed_files_are_gone),                                                            \
        ON(backend, test_more_operations_than_the_ring_holds_all_complete)

int main(void)
{
    const struct CMUnitTest posix_tests[] = {ALL(posix)};
    const struct CMUnitTest uring_tests[] = {ALL(uring)};
    int failed = cmocka_run_group_tests(posix_tests, NULL, NULL);
    // Where the kernel forbids io_uring its tests cannot run; that is the reason the other backend exists.
    dbk_io *io;
    dbk_error err;
    if (dbk_io_uring_open(&io, "/tmp", &err) != DBK_OK) {
        print_message("%s\n", err.message);
        return failed;
    }
    dbk_io_close(io);
    return failed + cmocka_run_group_tests(uring_tests, NULL, NULL);
}
