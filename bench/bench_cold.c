// SPDX-License-Identifier: Apache-2.0
// What memory saves, and what reads cost, when the texts of a data directory stay on disk: bytes an order, a
// look-up by id, and an export of every order, each with all in memory, with nothing of the texts in memory
// but the files in the page cache, and with the files out of the page cache as well. Answers are compared.
//
//     bench_cold DATA TENANT [LOOKUPS]
//
// DATA is a directory as `daybook load` makes it, that no server has open. It is not changed.
#include "engine/base/clock.h"
#include "engine/image.h"
#include "ingest/store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct bench {
    const char *directory;
    dbk_text tenant;
    dbk_store *store;
    char (*ids)[DBK_ID_BYTES_MAX];
    uint8_t *lengths;
    size_t orders, capacity;
    size_t lookups;
} bench;

static void stop(const char *what, const dbk_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->message);
    exit(1);
}

static double now_us(clockid_t clock)
{
    return (double)dbk_clock_ns(clock) / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// ---- The three states ----

typedef enum place { IN_MEMORY, IN_PAGE_CACHE, ON_DISK } place;
static const char *const places[] = {"all in memory", "files in the page cache", "files on the disk"};

static void open_store(bench *b, uint64_t memory)
{
    dbk_error err = {0};
    const dbk_store_options options = {.directory = b->directory, .memory_bytes = memory};
    double wall = now_us(CLOCK_MONOTONIC), cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);
    if (dbk_store_open(&b->store, &options, &err) != DBK_OK)
        stop("cannot open", &err);
    printf("opened in %.0f ms; processor %.0f ms\n", (now_us(CLOCK_MONOTONIC) - wall) / 1e3,
           (now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e3);
}

static void leave_page_cache(const bench *b)
{
    DIR *stream = opendir(b->directory);
    for (struct dirent *e; stream && (e = readdir(stream)) != NULL;) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", b->directory, e->d_name);
        int fd = strncmp(e->d_name, "seg-", 4) == 0 ? open(path, O_RDONLY) : -1;
        if (fd < 0)
            continue;
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
    closedir(stream);
}

static void prepare(const bench *b, place where)
{
    if (where != IN_MEMORY)
        dbk_cold_trim(dbk_image_cold(dbk_store_db(b->store)), 0, false);
    if (where == ON_DISK)
        leave_page_cache(b);
}

// ---- Questions ----

static uint64_t mix(uint64_t h, dbk_text text)
{
    for (uint32_t i = 0; i < text.length; i++)
        h = (h ^ (uint8_t)text.data[i]) * 0x100000001b3u;
    return h;
}

static dbk_status keep_ids(void *user, const dbk_result *block, dbk_error *err)
{
    bench *b = user;
    for (size_t i = 0; i < dbk_result_rows(block); i++, b->orders++) {
        if (b->orders == b->capacity) {
            b->capacity = b->capacity ? 2 * b->capacity : 1 << 16;
            b->ids = realloc(b->ids, b->capacity * sizeof *b->ids);
            b->lengths = realloc(b->lengths, b->capacity);
            if (!b->ids || !b->lengths)
                return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
        }
        dbk_text id = dbk_result_text(block, i, 0);
        memcpy(b->ids[b->orders], id.data, id.length);
        b->lengths[b->orders] = (uint8_t)id.length;
    }
    return DBK_OK;
}

typedef struct exported {
    uint64_t rows, bytes, hash;
} exported;

static dbk_status add_block(void *user, const dbk_result *block, dbk_error *err)
{
    exported *e = user;
    (void)err;
    for (size_t i = 0; i < dbk_result_rows(block); i++)
        for (int c = 0; c < dbk_result_columns(block); c++) {
            if (dbk_result_column_kind(block, c) != DBK_RESULT_TEXT)
                continue;
            dbk_text text = dbk_result_text(block, i, c);
            e->bytes += text.length;
            e->hash += text.length ? (uint8_t)text.data[text.length - 1] * (uint64_t)(c + 1) : 0;
        }
    e->rows += dbk_result_rows(block);
    return DBK_OK;
}

static void stream(const bench *b, const char *const *fields, int count, dbk_emit emit, void *user)
{
    dbk_error err = {0};
    const dbk_query query = {.table = "orders",
                             .from_ms = DBK_TIME_OPEN_FROM,
                             .to_ms = DBK_TIME_OPEN_TO,
                             .fields = fields,
                             .fields_count = count};
    dbk_db *db = dbk_store_db(b->store);
    dbk_read read = dbk_read_begin(db);
    if (dbk_query_stream(read.snapshot, b->tenant, &query, emit, user, &err) != DBK_OK)
        stop("cannot export", &err);
    dbk_read_end(db, &read);
}

static uint64_t look_up(const bench *b, size_t order)
{
    static const char *const fields[] = {"id", "total"};
    dbk_error err = {0};
    const dbk_value key = {.kind = DBK_VALUE_TEXT, .text = {b->ids[order], b->lengths[order]}};
    const dbk_filter filter = {"id", DBK_OP_EQ, &key, 1};
    const dbk_query query = {.table = "orders",
                             .from_ms = DBK_TIME_OPEN_FROM,
                             .to_ms = DBK_TIME_OPEN_TO,
                             .filters = &filter,
                             .filters_count = 1,
                             .fields = fields,
                             .fields_count = 2};
    dbk_db *db = dbk_store_db(b->store);
    dbk_result *result;
    dbk_read read = dbk_read_begin(db);
    if (dbk_query_run(read.snapshot, b->tenant, &query, &result, &err) != DBK_OK ||
        dbk_result_rows(result) != 1 || !dbk_text_equal(dbk_result_text(result, 0, 0), key.text))
        stop("cannot look up", &err);
    uint64_t hash = mix((uint64_t)dbk_result_int(result, 0, 1), key.text);
    dbk_result_free(result);
    dbk_read_end(db, &read);
    return hash;
}

// ---- Measuring ----

static uint64_t bench_lookups(const bench *b, place where)
{
    double *took = malloc(b->lookups * sizeof *took), processor = 0;
    uint64_t hash = 0;
    if (!took)
        exit(1);
    for (size_t i = 0; i < b->lookups; i++) {
        if (i % 64 == 0)
            prepare(b, where); // few neighbours are met twice in so many
        double wall = now_us(CLOCK_MONOTONIC), cpu = now_us(CLOCK_THREAD_CPUTIME_ID);
        hash += look_up(b, i * 7919 * 31 % b->orders);
        processor += now_us(CLOCK_THREAD_CPUTIME_ID) - cpu;
        took[i] = now_us(CLOCK_MONOTONIC) - wall;
    }
    qsort(took, b->lookups, sizeof *took, by_value);
    printf("look-up by id, %-24s median %7.1f  p99 %8.1f us; processor %6.1f us\n", places[where],
           took[b->lookups / 2], took[b->lookups * 99 / 100], processor / (double)b->lookups);
    free(took);
    return hash;
}

static uint64_t bench_export(const bench *b, place where)
{
    static const char *const fields[] = {"id",    "created_at",     "status",        "customer_id",
                                         "total", "customer_email", "shipping_city", "notes"};
    exported e = {0};
    prepare(b, where);
    double wall = now_us(CLOCK_MONOTONIC), cpu = now_us(CLOCK_THREAD_CPUTIME_ID);
    stream(b, fields, (int)DBK_COUNT(fields), add_block, &e);
    cpu = now_us(CLOCK_THREAD_CPUTIME_ID) - cpu;
    wall = now_us(CLOCK_MONOTONIC) - wall;
    printf("export,        %-24s %7.2f M orders/s (%5.0f MB/s of texts); processor %5.0f ns an order\n",
           places[where], (double)e.rows / wall, (double)e.bytes / wall, cpu * 1e3 / (double)e.rows);
    return e.hash + e.bytes + e.rows;
}

static void print_memory(const bench *b, const char *what)
{
    dbk_store_figures figures;
    dbk_store_figures_read(b->store, &figures);
    printf("%-38s %7.1f bytes an order in memory, %5.1f of texts on disk only\n", what,
           (double)figures.memory_bytes / (double)b->orders,
           (double)figures.cold.on_disk_bytes / (double)b->orders);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: bench_cold DATA TENANT [LOOKUPS]\n", stderr);
        return 2;
    }
    static const char *const id[] = {"id"};
    bench b = {.directory = argv[1], .tenant = dbk_text_from(argv[2])};
    b.lookups = argc > 3 ? strtoull(argv[3], NULL, 10) : 2000;
    open_store(&b, 0);
    stream(&b, id, 1, keep_ids, &b);
    if (b.orders == 0 || b.lookups == 0) {
        fputs("there are no orders\n", stderr);
        return 1;
    }
    uint64_t found = bench_lookups(&b, IN_MEMORY), rows = bench_export(&b, IN_MEMORY);
    print_memory(&b, "all in memory:");
    prepare(&b, IN_PAGE_CACHE);
    print_memory(&b, "texts on disk:");
    dbk_store_close(b.store);

    open_store(&b, 1 << 20);
    prepare(&b, IN_PAGE_CACHE);
    print_memory(&b, "opened with texts on disk:");
    for (place where = IN_PAGE_CACHE; where <= ON_DISK; where++)
        if (bench_lookups(&b, where) != found || bench_export(&b, where) != rows) {
            fputs("the answers differ\n", stderr);
            return 1;
        }
    dbk_store_close(b.store);
    free(b.ids);
    free(b.lengths);
    return 0;
}
