// SPDX-License-Identifier: Apache-2.0
// Texts that left memory come back as they were or as an error, whatever the disk does and however many read.
#include "engine/segment/cold.h"
#include "engine/segment/residence.h"
#include "tests/unit/segment/segment_rows.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SEGMENTS = 4, ROWS = 12000 };

// A disk of files in memory, one a segment.
typedef struct disk {
    uint8_t *bytes[SEGMENTS];
    size_t sizes[SEGMENTS];
    uint64_t ids[SEGMENTS];
    dbk_status fails;
    _Atomic uint64_t reads, gone;
} disk;

typedef struct world {
    disk disk;
    test_rows rows[SEGMENTS];
    dbk_segment *segments[SEGMENTS];
    dbk_cold *cold;
    _Atomic uint64_t memory;
} world;

static int file_of(const disk *d, uint64_t segment)
{
    for (int i = 0; i < SEGMENTS; i++)
        if (d->ids[i] == segment)
            return i;
    fail_msg("segment %llu has no file", (unsigned long long)segment);
    return -1;
}

static dbk_status disk_read(void *user, uint64_t segment, void *to, size_t size, uint64_t offset,
                            dbk_error *err)
{
    disk *d = user;
    const int i = file_of(d, segment);
    atomic_fetch_add(&d->reads, 1);
    if (d->fails != DBK_OK)
        return dbk_fail(err, d->fails, "cannot read: the disk is on fire");
    if (offset + size > d->sizes[i])
        return dbk_fail(err, DBK_CORRUPT, "cannot read: the file ends before");
    memcpy(to, d->bytes[i] + offset, size);
    return DBK_OK;
}

static void disk_blame(void *user, uint64_t segment, dbk_error *err)
{
    char story[400];
    snprintf(story, sizeof story, "%.390s", err->message);
    (void)dbk_fail(err, err->status, "file %d: %s", file_of(user, segment), story);
}

static void disk_gone(void *user, uint64_t segment)
{
    disk *d = user;
    (void)file_of(d, segment);
    atomic_fetch_add(&d->gone, 1);
}

// Columns of texts of every codec, in segments that are told apart by their ids.
static void rows_with_texts(test_rows *r, dbk_random *random, uint64_t id)
{
    rows_fill(r, random, DBK_ORDERS, ROWS - (uint32_t)dbk_random_below(random, 3000));
    r->input.id = id;
    for (int c = 0, shape = 0; c < r->input.table->columns_count; c++) {
        if (r->input.table->columns[c].type != DBK_TEXT)
            continue;
        dbk_text *texts = dbk_arena_zalloc(&r->arena, r->input.rows * sizeof *texts);
        for (uint32_t i = 0; i < r->input.rows; i++)
            if (c % 3 != 0 || dbk_random_below(random, 4) != 0)
                texts[i] = rows_random_text(r, random, shape, i);
        r->input.texts[c] = texts;
        shape = (shape + 1) % 4;
    }
}

static void world_make(world *w, dbk_random *random, uint64_t limit)
{
    *w = (world){0};
    const dbk_segment_source source = {disk_read, disk_blame, disk_gone, &w->disk};
    w->cold = dbk_cold_create(&source, &w->memory, limit);
    assert_non_null(w->cold);
    for (int i = 0; i < SEGMENTS; i++) {
        rows_with_texts(&w->rows[i], random, (uint64_t)i + 1);
        assert_int_equal(dbk_segment_build(&w->rows[i].input, &w->segments[i], NULL), DBK_OK);
        const void *bytes = dbk_segment_bytes(w->segments[i], &w->disk.sizes[i]);
        w->disk.bytes[i] = malloc(w->disk.sizes[i]);
        memcpy(w->disk.bytes[i], bytes, w->disk.sizes[i]);
        w->disk.ids[i] = (uint64_t)i + 1;
    }
}

static void enroll(world *w, int i)
{
    atomic_fetch_add(&w->memory, dbk_segment_memory(w->segments[i]));
    assert_true(dbk_cold_enroll(w->cold, w->segments[i]));
}

static void enroll_all(world *w)
{
    for (int i = 0; i < SEGMENTS; i++) {
        enroll(w, i);
        dbk_cold_admit(w->segments[i]);
    }
}

// The same segments, opened from their files without their texts.
static void reopen_cold(world *w)
{
    for (int i = 0; i < SEGMENTS; i++) {
        dbk_error err = {0};
        dbk_segment_free(w->segments[i]);
        dbk_status status =
            dbk_segment_open_cold(w->cold, w->disk.ids[i], w->disk.sizes[i], &w->segments[i], &err);
        assert_string_equal(err.message, "");
        assert_int_equal(status, DBK_OK);
        enroll(w, i);
    }
}

static void world_end(world *w)
{
    uint64_t counted = 0;
    for (int i = 0; i < SEGMENTS; i++)
        counted += dbk_segment_memory(w->segments[i]);
    assert_int_equal(atomic_load(&w->memory), counted);
    for (int i = 0; i < SEGMENTS; i++) {
        dbk_cold_forget(w->segments[i]);
        atomic_fetch_sub(&w->memory, dbk_segment_memory(w->segments[i]));
        dbk_segment_free(w->segments[i]);
        rows_dispose(&w->rows[i]);
        free(w->disk.bytes[i]);
    }
    assert_int_equal(atomic_load(&w->memory), 0);
    dbk_cold_figures figures;
    dbk_cold_figures_read(w->cold, &figures);
    assert_int_equal(figures.on_disk_bytes, 0);
    assert_int_equal(figures.resident_bytes, 0);
    assert_int_equal(figures.waiting_bytes, 0);
    dbk_cold_destroy(w->cold);
}

// ---- Reading ----

typedef struct tally {
    uint64_t right, failed;
} tally;

static bool is_same(dbk_text a, dbk_text b)
{
    return a.length == b.length && memcmp(a.data, b.length ? b.data : "", b.length) == 0;
}

// Every read either gives what was stored or fails with a story that names the file and the column.
static void read_column(const world *w, int i, int column, dbk_text_scratch *scratch, dbk_status expected,
                        tally *out)
{
    const test_rows *r = &w->rows[i];
    char file[16];
    snprintf(file, sizeof file, "file %d: ", i);
    for (uint32_t v = 0; v * DBK_VECTOR_ROWS < r->input.rows; v++) {
        dbk_status status = dbk_segment_texts(w->segments[i], column, v, scratch);
        if (status != DBK_OK) {
            const char *story = dbk_segment_read_failure(status);
            assert_int_equal(status, expected);
            assert_non_null(strstr(story, file));
            assert_non_null(strstr(story, r->input.table->columns[column].name));
            out->failed++;
            continue;
        }
        for (uint32_t k = 0, row = v * DBK_VECTOR_ROWS; k < DBK_VECTOR_ROWS && row < r->input.rows;
             k++, row++)
            if (!is_same(scratch->texts[k], r->input.texts[column][row]))
                fail_msg("segment %d, column %d, row %u", i, column, row);
        out->right++;
    }
}

static tally read_segment(const world *w, int i, dbk_status expected)
{
    tally t = {0};
    dbk_text_scratch *scratch = calloc(1, sizeof *scratch);
    for (int c = 0; c < w->rows[i].input.table->columns_count; c++)
        if (w->rows[i].input.table->columns[c].type == DBK_TEXT)
            read_column(w, i, c, scratch, expected, &t);
    dbk_text_scratch_dispose(scratch);
    free(scratch);
    return t;
}

static void all_is_right(const world *w)
{
    for (int i = 0; i < SEGMENTS; i++)
        assert_int_equal(read_segment(w, i, DBK_OK).failed, 0);
}

static void one_row_is_right(const world *w, dbk_random *random, dbk_text_cursor *cursor)
{
    const int i = (int)dbk_random_below(random, SEGMENTS);
    const test_rows *r = &w->rows[i];
    const uint32_t row = (uint32_t)dbk_random_below(random, r->input.rows);
    int column;
    do
        column = (int)dbk_random_below(random, (uint64_t)r->input.table->columns_count);
    while (r->input.table->columns[column].type != DBK_TEXT);
    dbk_text text;
    assert_int_equal(dbk_segment_text_at(w->segments[i], column, row, cursor, &text), DBK_OK);
    assert_true(is_same(text, r->input.texts[column][row]));
}

static dbk_cold_figures figures_of(const world *w)
{
    dbk_cold_figures figures;
    dbk_cold_figures_read(w->cold, &figures);
    return figures;
}

// ---- Tests ----

static void test_what_left_comes_back(void **state)
{
    (void)state;
    dbk_random random = test_random();
    world w;
    world_make(&w, &random, UINT64_MAX);
    enroll_all(&w);
    const uint64_t whole = atomic_load(&w.memory), texts = figures_of(&w).resident_bytes;
    assert_true(texts > whole / 4);
    dbk_cold_trim(w.cold, 0, false);
    assert_int_equal(figures_of(&w).resident_bytes, 0);
    assert_int_equal(figures_of(&w).on_disk_bytes, texts);
    assert_true(atomic_load(&w.memory) < whole - texts + texts / 16); // sums of pages are kept
    all_is_right(&w);
    assert_int_equal(figures_of(&w).resident_bytes, texts);
    assert_true(figures_of(&w).misses > 0);
    // All there again: nothing more is read.
    const uint64_t reads = atomic_load(&w.disk.reads);
    all_is_right(&w);
    assert_int_equal(atomic_load(&w.disk.reads), reads);
    for (int part = 1; part < 8; part++) {
        dbk_cold_trim(w.cold, whole / 8 * (uint64_t)part, false);
        all_is_right(&w);
    }
    dbk_cold_trim(w.cold, 0, false);
    dbk_text_cursor *cursor = calloc(1, sizeof *cursor);
    for (int i = 0; i < 5000; i++) {
        if (dbk_random_below(&random, 50) == 0)
            dbk_cold_trim(w.cold, dbk_random_below(&random, whole), false);
        one_row_is_right(&w, &random, cursor);
    }
    dbk_text_scratch_dispose(&cursor->scratch);
    free(cursor);
    world_end(&w);
}

static void test_what_has_no_file_stays(void **state)
{
    (void)state;
    dbk_random random = test_random();
    world w;
    world_make(&w, &random, 0);
    for (int i = 0; i < SEGMENTS; i++)
        enroll(&w, i);
    assert_true(figures_of(&w).waiting_bytes > 0);
    dbk_cold_trim(w.cold, 0, false);
    all_is_right(&w);
    assert_int_equal(atomic_load(&w.disk.reads), 0);
    assert_false(dbk_cold_holds(w.cold, 2));
    dbk_cold_admit(w.segments[1]);
    dbk_cold_admit(w.segments[1]);
    assert_true(dbk_cold_holds(w.cold, 2));
    assert_false(dbk_cold_holds(w.cold, 3));
    dbk_cold_trim(w.cold, 0, false);
    all_is_right(&w);
    assert_true(atomic_load(&w.disk.reads) > 0);
    world_end(&w);
    assert_int_equal(atomic_load(&w.disk.gone), 1);
}

static void test_memory_keeps_to_its_limit(void **state)
{
    (void)state;
    dbk_random random = test_random();
    world w;
    world_make(&w, &random, UINT64_MAX);
    enroll_all(&w);
    const uint64_t whole = atomic_load(&w.memory), texts = figures_of(&w).resident_bytes;
    world_end(&w);
    const uint64_t limit = whole - texts + texts / 2;
    world_make(&w, &random, limit);
    enroll_all(&w);
    dbk_cold_trim(w.cold, limit, false);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < SEGMENTS; i++) {
            assert_int_equal(read_segment(&w, i, DBK_OK).failed, 0);
            // What one vector needs may come on top.
            assert_true(atomic_load(&w.memory) < limit + (1 << 18));
        }
    world_end(&w);
}

static void test_the_oldest_leaves_first(void **state)
{
    (void)state;
    dbk_random random = test_random();
    world w;
    world_make(&w, &random, UINT64_MAX);
    for (int i = SEGMENTS; i-- > 0;) {
        enroll(&w, i);
        dbk_cold_admit(w.segments[i]);
    }
    size_t before[SEGMENTS];
    for (int i = 0; i < SEGMENTS; i++)
        before[i] = dbk_segment_memory(w.segments[i]);
    dbk_cold_trim(w.cold, atomic_load(&w.memory) - 4096, false);
    assert_true(dbk_segment_memory(w.segments[0]) < before[0]);
    for (int i = 1; i < SEGMENTS; i++)
        assert_int_equal(dbk_segment_memory(w.segments[i]), before[i]);
    world_end(&w);
}

static void test_a_disk_that_fails(void **state)
{
    (void)state;
    dbk_random random = test_random();
    world w;
    world_make(&w, &random, UINT64_MAX);
    enroll_all(&w);
    dbk_cold_trim(w.cold, 0, false);
    w.disk.fails = DBK_IO;
    assert_true(read_segment(&w, 0, DBK_IO).failed > 0);
    assert_true(figures_of(&w).failures > 0);
    assert_false(dbk_segment_is_damaged(w.segments[0]));
    w.disk.fails = DBK_OK;
    all_is_right(&w);
    w.disk.sizes[1] /= 2;
    dbk_cold_trim(w.cold, 0, false);
    assert_true(read_segment(&w, 1, DBK_CORRUPT).failed > 0);
    w.disk.sizes[1] *= 2;
    world_end(&w);
}

static void garble(world *w, int i, size_t at, uint8_t with)
{
    w->disk.bytes[i][at] ^= with;
}

static void check_garbled_pages(world *w, dbk_random *random, bool is_late)
{
    const size_t page = dbk_residence_page_bytes();
    for (int i = 0; i < SEGMENTS; i++) {
        for (size_t start = w->segments[i]->cold; start < w->disk.sizes[i];
             start += page * (1 + dbk_random_below(random, 8))) {
            const size_t room = w->disk.sizes[i] - start < page ? w->disk.sizes[i] - start : page;
            const size_t at = start + dbk_random_below(random, room);
            const uint8_t with = (uint8_t)(1 + dbk_random_below(random, 255));
            if (is_late)
                reopen_cold(w);
            dbk_cold_trim(w->cold, 0, false);
            garble(w, i, at, with);
            tally t = read_segment(w, i, DBK_CORRUPT);
            assert_true(t.right > 0);
            if (t.failed > 0)
                assert_true(dbk_segment_is_damaged(w->segments[i]));
            garble(w, i, at, with);
            // A page at the edge stays in memory, and padding belongs to nobody.
            if (t.failed == 0)
                assert_true(at + page > w->disk.sizes[i] || at < w->segments[i]->cold + page ||
                            w->disk.bytes[i][at] == 0);
            if (!is_late)
                assert_int_equal(read_segment(w, i, DBK_OK).failed, 0);
            if (is_late) {
                for (int k = 0; k < SEGMENTS; k++) {
                    dbk_cold_forget(w->segments[k]);
                    atomic_fetch_sub(&w->memory, dbk_segment_memory(w->segments[k]));
                }
            }
        }
    }
}

static void test_garbled_pages(void **state)
{
    (void)state;
    dbk_random random = test_random();
    world w;
    world_make(&w, &random, UINT64_MAX);
    enroll_all(&w);
    check_garbled_pages(&w, &random, false);
    world_end(&w);
}

static void test_opened_without_texts(void **state)
{
    (void)state;
    dbk_random random = test_random();
    world w;
    world_make(&w, &random, UINT64_MAX);
    uint64_t whole = 0;
    for (int i = 0; i < SEGMENTS; i++)
        whole += dbk_segment_memory(w.segments[i]);
    reopen_cold(&w);
    assert_true(atomic_load(&w.memory) < whole * 3 / 4);
    dbk_cold_figures figures = figures_of(&w);
    assert_int_equal(figures.resident_bytes, 0);
    assert_true(figures.on_disk_bytes > whole / 4);
    for (int c = 0; c < w.rows[0].input.table->columns_count; c++) {
        int64_t ints[DBK_VECTOR_ROWS];
        if (!dbk_type_is_int(w.rows[0].input.table->columns[c].type) || !w.rows[0].input.ints[c])
            continue;
        dbk_segment_ints(w.segments[0], c, 0, ints);
        assert_memory_equal(ints, w.rows[0].input.ints[c], sizeof ints);
    }
    assert_int_equal(figures_of(&w).read_bytes, 0);
    dbk_text_cursor *cursor = calloc(1, sizeof *cursor);
    for (int i = 0; i < 200; i++)
        one_row_is_right(&w, &random, cursor);
    dbk_text_scratch_dispose(&cursor->scratch);
    free(cursor);
    all_is_right(&w);
    dbk_cold_trim(w.cold, 0, false);
    all_is_right(&w);
    world_end(&w);
}

static void test_opened_without_texts_and_garbled(void **state)
{
    (void)state;
    dbk_random random = test_random();
    world w;
    world_make(&w, &random, UINT64_MAX);
    check_garbled_pages(&w, &random, true);
    // What stands before the texts is checked at once.
    for (int n = 0; n < 200; n++) {
        dbk_segment *opened = NULL;
        dbk_error err = {0};
        const size_t at = dbk_random_below(&random, w.segments[0]->cold);
        const uint8_t with = (uint8_t)(1 + dbk_random_below(&random, 255));
        garble(&w, 0, at, with);
        dbk_status status = dbk_segment_open_cold(w.cold, w.disk.ids[0], w.disk.sizes[0], &opened, &err);
        if (status == DBK_OK)
            fail_msg("byte %zu", at);
        assert_int_equal(status, DBK_CORRUPT);
        garble(&w, 0, at, with);
    }
    for (size_t size = 0; size < w.disk.sizes[0]; size += 1 + w.disk.sizes[0] / 50) {
        dbk_segment *opened = NULL;
        assert_int_equal(dbk_segment_open_cold(w.cold, w.disk.ids[0], size, &opened, NULL), DBK_CORRUPT);
    }
    atomic_store(&w.memory, 0);
    reopen_cold(&w);
    world_end(&w);
}

// ---- Many readers ----

typedef struct reader {
    world *w;
    uint64_t seed;
} reader;

static void *run_reader(void *user)
{
    const reader *r = user;
    dbk_random random = dbk_random_seed(r->seed);
    dbk_text_cursor *cursor = calloc(1, sizeof *cursor);
    for (int i = 0; i < 1500; i++) {
        one_row_is_right(r->w, &random, cursor);
        if (dbk_random_below(&random, 100) == 0)
            assert_int_equal(read_segment(r->w, (int)dbk_random_below(&random, SEGMENTS), DBK_OK).failed, 0);
        if (dbk_random_below(&random, 20) == 0)
            dbk_cold_trim(r->w->cold, dbk_random_below(&random, atomic_load(&r->w->memory)),
                          dbk_random_below(&random, 2));
    }
    dbk_text_scratch_dispose(&cursor->scratch);
    free(cursor);
    return NULL;
}

static void read_together(world *w, dbk_random *random)
{
    enum { READERS = 4 };
    pthread_t threads[READERS];
    reader readers[READERS];
    for (int i = 0; i < READERS; i++) {
        readers[i] = (reader){w, dbk_random_u64(random)};
        assert_int_equal(pthread_create(&threads[i], NULL, run_reader, &readers[i]), 0);
    }
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
}

static void test_readers_together(void **state)
{
    (void)state;
    dbk_random random = test_random();
    world w;
    world_make(&w, &random, 1 << 20);
    enroll_all(&w);
    read_together(&w, &random);
    world_end(&w);
    world_make(&w, &random, 1 << 20);
    reopen_cold(&w);
    read_together(&w, &random);
    world_end(&w);
}

typedef struct sweeper {
    world *w;
    pthread_t thread;
} sweeper;

static void *run_sweeper(void *user)
{
    dbk_cold_trim(((sweeper *)user)->w->cold, 0, true);
    return NULL;
}

// A read under way keeps the pages of its segment from leaving, and reads that come while the sweep waits for
// it keep it from nothing.
static void test_reads_and_the_sweep_wait_for_each_other(void **state)
{
    enum { LATE = 3 };
    (void)state;
    dbk_random random = test_random();
    world w;
    world_make(&w, &random, UINT64_MAX);
    enroll_all(&w);
    for (int again = 0; again < 20; again++) {
        const int i = (int)dbk_random_below(&random, SEGMENTS);
        dbk_segment *segment = w.segments[i];
        dbk_residence *r = segment->residence;
        int column = 0;
        all_is_right(&w);
        while (r->segment->table->columns[column].type != DBK_TEXT || !segment->columns[column].codec)
            column++;
        assert_int_equal(dbk_residence_begin(segment, column, 0), DBK_OK);
        dbk_cold_trim(w.cold, 0, false);
        assert_int_equal(dbk_residence_missing(r), 0);
        assert_int_equal(figures_of(&w).resident_bytes, r->count * dbk_residence_page_bytes());
        sweeper s = {.w = &w};
        assert_int_equal(pthread_create(&s.thread, NULL, run_sweeper, &s), 0);
        while (!(atomic_load(&r->users) & DBK_RESIDENCE_TAKEN))
            sched_yield();
        // These find the segment taken.
        pthread_t late[LATE];
        reader readers[LATE];
        for (int k = 0; k < LATE; k++) {
            readers[k] = (reader){&w, dbk_random_u64(&random)};
            assert_int_equal(pthread_create(&late[k], NULL, run_reader, &readers[k]), 0);
        }
        assert_int_equal(dbk_residence_missing(r), 0);
        dbk_residence_end(segment);
        pthread_join(s.thread, NULL);
        for (int k = 0; k < LATE; k++)
            pthread_join(late[k], NULL);
        assert_int_equal(atomic_load(&r->users), 0);
        dbk_cold_trim(w.cold, 0, false);
        assert_int_equal(figures_of(&w).resident_bytes, 0);
    }
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_left_comes_back),
        cmocka_unit_test(test_what_has_no_file_stays),
        cmocka_unit_test(test_memory_keeps_to_its_limit),
        cmocka_unit_test(test_the_oldest_leaves_first),
        cmocka_unit_test(test_a_disk_that_fails),
        cmocka_unit_test(test_garbled_pages),
        cmocka_unit_test(test_opened_without_texts),
        cmocka_unit_test(test_opened_without_texts_and_garbled),
        cmocka_unit_test(test_readers_together),
        cmocka_unit_test(test_reads_and_the_sweep_wait_for_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
