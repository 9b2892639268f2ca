// SPDX-License-Identifier: Apache-2.0
// The loader: order, line numbers across pieces, rejects of the parser and of the engine, refusals that store
// nothing, failures on the way. The sink is a thread that answers late.
#include "ingest/load.h"

#include "engine/base/random.h"
#include "ingest/parse/map.h"
#include "tests/support/parsed.h"

#include <assert.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/daybook-test-load-XXXXXX";
static char path[200];

// ---- A store that is slow and picky ----

enum { QUEUE = 64 };

typedef struct slow_store {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    dbk_load_ticket *queue[QUEUE];
    int queued, most_queued;
    bool stopping;
    int fail_after;         // batches; 0 = never
    uint32_t refuse_modulo; // refuses rows whose line divides by this; 0 = none
    uint64_t rows, refused, batches;
    uint32_t last_line;
    bool in_order;
    dbk_buffer ids;      // of all stored rows, one a line
    uint32_t takes_back; // then it is loaded in ranges of so many rows
    int finished, refusals;
} slow_store;

static void store_batch(slow_store *s, dbk_load_ticket *ticket)
{
    const dbk_batch *batch = ticket->batch;
    uint32_t refused[DBK_SEGMENT_ROWS], count = 0;
    if (s->fail_after && (int)++s->batches > s->fail_after) {
        dbk_load_done(ticket, DBK_NO_SPACE, "the disk is full", NULL);
        return;
    }
    for (uint32_t i = 0; i < batch->rows; i++) {
        const uint32_t line = batch->lines[i] + (uint32_t)ticket->line_offset;
        s->in_order &= line > s->last_line;
        s->last_line = line;
        if (s->refuse_modulo && line % s->refuse_modulo == 0) {
            refused[count++] = i;
            continue;
        }
        const dbk_batch_column *id = &batch->columns[0];
        dbk_text text = id->codes ? id->words[id->codes[i]] : id->texts[i];
        dbk_buffer_format(&s->ids, "%.*s\n", (int)text.length, text.data);
    }
    s->rows += batch->rows - count;
    s->refused += count;
    dbk_apply_report report = {batch->rows - count, count, refused, "no such order"};
    dbk_load_done(ticket, DBK_OK, NULL, &report);
}

static void *run_store(void *user)
{
    slow_store *s = user;
    pthread_mutex_lock(&s->lock);
    while (!s->stopping || s->queued > 0) {
        if (s->queued == 0) {
            pthread_cond_wait(&s->changed, &s->lock);
            continue;
        }
        dbk_load_ticket *ticket = s->queue[0];
        memmove(s->queue, s->queue + 1, (size_t)--s->queued * sizeof(dbk_load_ticket *));
        pthread_mutex_unlock(&s->lock);
        store_batch(s, ticket);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void submit(void *user, dbk_load_ticket *ticket)
{
    slow_store *s = user;
    pthread_mutex_lock(&s->lock);
    assert(s->queued < QUEUE);
    s->queue[s->queued++] = ticket;
    if (s->queued > s->most_queued)
        s->most_queued = s->queued;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static dbk_status finish(void *user, bool refused, dbk_error *err)
{
    slow_store *s = user;
    (void)err;
    s->finished++;
    s->refusals += refused;
    return DBK_OK;
}

static dbk_status load(slow_store *s, const dbk_load_options *options, dbk_load_totals *totals,
                       dbk_error *err)
{
    dbk_load_sink sink = {.submit = submit,
                          .user = s,
                          .finish = finish,
                          .takes_back = s->takes_back > 0,
                          .batch_rows = s->takes_back};
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->in_order = true;
    assert_int_equal(pthread_create(&s->thread, NULL, run_store, s), 0);
    dbk_status status = dbk_load_file(options, path, &sink, totals, err);
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    return status;
}

// ---- Files ----

static void write_file(const char *name, const void *data, size_t size)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

static char *read_beside(const char *suffix)
{
    char name[220];
    snprintf(name, sizeof name, "%s%s", path, suffix);
    FILE *file = fopen(name, "rb");
    if (!file)
        return NULL;
    char *text = calloc(1, 1 << 20);
    size_t size = fread(text, 1, (1 << 20) - 1, file);
    assert_true(size < (1 << 20) - 1);
    fclose(file);
    unlink(name);
    return text;
}

static int messages;
static char first_message[300];

static void on_reject(void *user, const char *line)
{
    (void)user;
    if (messages++ == 0)
        snprintf(first_message, sizeof first_message, "%s", line);
}

static const dbk_table_def *customers(void)
{
    return dbk_table_def_by_id(DBK_CUSTOMERS);
}

// Some 10 MB, so that there are several pieces: names over several lines, quotes, some bad rows. In ranges,
// many of which begin inside quotes.
static void load_pieces(uint32_t range_rows, uint64_t quoted_of_2000)
{
    dbk_random random = dbk_random_seed(parsed_seed());
    dbk_buffer text = {0}, expected = {0};
    uint64_t line = 2, rows = 0, bad = 0, refused = 0;
    dbk_buffer_format(&text, "\xef\xbb\xbfid,name,email\r\n");
    while (text.size < 10 << 20) {
        uint64_t kind = dbk_random_below(&random, 2000);
        rows++;
        if (kind == 0) {
            dbk_buffer_format(&text, "c%llu,bad row\n", (unsigned long long)rows);
            bad++;
            line++;
            continue;
        }
        if (line % 1000 == 0)
            refused++;
        else
            dbk_buffer_format(&expected, "c%llu\n", (unsigned long long)rows);
        if (kind < quoted_of_2000) {
            dbk_buffer_format(&text, "c%llu,\"a\nb,\"\"c\"\"\n\",x@y\r\n", (unsigned long long)rows);
            line += 3;
        } else {
            dbk_buffer_format(&text, "c%llu,name %d,x@y\n", (unsigned long long)rows, (int)kind);
            line++;
        }
    }
    write_file("pieces.csv", text.data, text.size);
    dbk_load_options options = {
        .table = customers(), .threads = 3, .write_rejects = true, .on_reject = on_reject};
    slow_store s = {.refuse_modulo = 1000, .takes_back = range_rows};
    dbk_load_totals totals;
    dbk_error err;
    messages = 0;
    if (load(&s, &options, &totals, &err) != DBK_OK)
        fail_msg("%s", err.message);
    assert_true(s.in_order);
    assert_int_equal(totals.rows, rows);
    assert_int_equal(totals.rejected, bad + refused);
    assert_int_equal(totals.stored, rows - bad - refused);
    assert_int_equal(totals.lines, line - 1);
    assert_int_equal(totals.bytes, text.size);
    assert_int_equal(totals.stored_in[DBK_CUSTOMERS], s.rows);
    assert_int_equal(messages, totals.rejected);
    assert_int_equal(s.ids.size, expected.size);
    assert_memory_equal(s.ids.data, expected.data, expected.size);
    assert_true(s.most_queued <= 8);
    assert_int_equal(s.finished, 1);
    assert_int_equal(s.refusals, 0);

    // The rejects can be loaded: only the ragged rows are rejected again.
    char *rejects = read_beside(".rejects"), *reasons = read_beside(".rejects.txt");
    assert_non_null(rejects);
    assert_non_null(strstr(reasons, "2 fields where the header has 3\n"));
    assert_non_null(strstr(reasons, "000:0: no such order\n"));
    write_file("again.csv", rejects, strlen(rejects));
    slow_store again = {0};
    assert_int_equal(load(&again, &options, &totals, &err), DBK_OK);
    assert_int_equal(totals.rejected, bad);
    assert_int_equal(totals.stored, refused);
    free(read_beside(".rejects"));
    free(read_beside(".rejects.txt"));
    free(rejects);
    free(reasons);
    dbk_buffer_dispose(&text);
    dbk_buffer_dispose(&expected);
    dbk_buffer_dispose(&s.ids);
    dbk_buffer_dispose(&again.ids);
}

static void test_pieces(void **state)
{
    (void)state;
    load_pieces(0, 100);
}

static void test_ranges(void **state)
{
    (void)state;
    load_pieces(3000, 1);
    load_pieces(3000, 100);
    load_pieces(20, 1900);
}

static void load_ndjson(uint32_t range_rows)
{
    dbk_buffer text = {0};
    uint32_t rows = 0;
    while (text.size < 9 << 20) {
        rows++;
        dbk_buffer_format(&text, "{\"id\":\"c%u\",\"name\":\"a \\\"quoted\\\", \\u00e9\\\"\"%s}\n", rows,
                          rows == 70000 ? ",\"x\":1" : "");
    }
    write_file("rows.ndjson", text.data, text.size - 1);
    dbk_load_options options = {
        .table = customers(), .threads = 2, .write_rejects = true, .on_reject = on_reject};
    slow_store s = {.refuse_modulo = 50000, .takes_back = range_rows};
    dbk_load_totals totals;
    dbk_error err;
    messages = 0;
    if (load(&s, &options, &totals, &err) != DBK_OK)
        fail_msg("%s", err.message);
    assert_true(s.in_order);
    assert_int_equal(totals.rows, rows);
    assert_int_equal(totals.lines, rows);
    assert_int_equal(totals.rejected, 1 + rows / 50000);
    assert_non_null(strstr(first_message, "rows.ndjson:70000:3: customers has no column \"x\""));
    char *rejects = read_beside(".rejects");
    assert_memory_equal(rejects, "{\"id\":\"c70000\"", 14);
    assert_non_null(strstr(rejects, "\n{\"id\":\"c50000\""));
    free(rejects);
    free(read_beside(".rejects.txt"));
    dbk_buffer_dispose(&text);
    dbk_buffer_dispose(&s.ids);
}

static void test_ndjson(void **state)
{
    (void)state;
    load_ndjson(0);
    load_ndjson(5000);
}

static void expect_refusal_of(const char *name, const void *data, size_t size, const char *says,
                              uint32_t range_rows)
{
    write_file(name, data, size);
    dbk_load_options options = {.table = customers(), .threads = 2, .write_rejects = true};
    slow_store s = {.takes_back = range_rows};
    dbk_load_totals totals;
    dbk_error err;
    assert_int_equal(load(&s, &options, &totals, &err), DBK_INVALID);
    if (!strstr(err.message, says))
        fail_msg("\"%s\" does not say \"%s\"", err.message, says);
    assert_true(s.rows == 0 || s.refusals == 1);
    assert_int_equal(totals.stored, 0);
    assert_null(read_beside(".rejects"));
    assert_null(read_beside(".rejects.txt"));
    dbk_buffer_dispose(&s.ids);
}

static void expect_refusal(const char *name, const void *data, size_t size, const char *says)
{
    expect_refusal_of(name, data, size, says, 0);
    expect_refusal_of(name, data, size, says, 1000);
}

static void test_refusals(void **state)
{
    (void)state;
    size_t size = 9 << 20;
    char *text = malloc(size);
    memset(text, 'x', size);
    memcpy(text, "id,name\n", 8);
    for (size_t i = 100; i < size; i += 100) {
        text[i] = '\n';
        text[i + 10] = ',';
    }
    text[size - 5] = '\0';
    expect_refusal("nul.csv", text, size, "NUL");
    text[size - 5] = 'x';
    text[101] = '"';
    expect_refusal("open.csv", text, size, "quote");
    expect_refusal("unknown.csv", "id,colour\n1,2\n", 14, "colour");
    expect_refusal("empty.csv", "", 0, "empty");
    expect_refusal("zip.csv", "PK\x03\x04", 4, "ZIP");
    expect_refusal("cut.csv.gz", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb", 11, "truncated");
    expect_refusal("array.ndjson", "[{\"id\":1}]", 10, "JSON array");
    free(text);
}

static void test_failures_and_dry_run(void **state)
{
    (void)state;
    dbk_buffer text = {0};
    dbk_buffer_format(&text, "id\n");
    for (int i = 0; i < 400000; i++)
        dbk_buffer_format(&text, "customer%d\n", i);
    dbk_buffer_format(&text, "a,b\n");
    write_file("many.csv", text.data, text.size);
    dbk_load_options options = {
        .table = customers(), .threads = 2, .write_rejects = true, .on_reject = on_reject};
    slow_store s = {.fail_after = 2};
    dbk_load_totals totals;
    dbk_error err;
    assert_int_equal(load(&s, &options, &totals, &err), DBK_NO_SPACE);
    assert_string_equal(err.message, "the disk is full");
    assert_int_equal(totals.stored, s.rows);
    dbk_buffer_dispose(&s.ids);
    free(read_beside(".rejects"));
    free(read_beside(".rejects.txt"));

    slow_store dry = {0};
    options.dry_run = true;
    messages = 0;
    assert_int_equal(load(&dry, &options, &totals, &err), DBK_OK);
    assert_int_equal(dry.rows, 0);
    assert_int_equal(totals.rows, 400001);
    assert_int_equal(totals.rejected, 1);
    assert_int_equal(messages, 1);
    assert_null(read_beside(".rejects"));
    dbk_buffer_dispose(&text);
}

static void test_map(void **state)
{
    (void)state;
    static const char map_text[] =
        "[customers]\none row per = W\nid = W\n[orders]\none row per = O\nid = O\n"
        "created_at = earliest T\nstatus = \"D\"\ntotal = sum P\n"
        "[order_lines]\nid = \"{O}-{#O}\"\norder_id = O\nquantity = \"1\"\ntotal = P\n";
    static const char csv[] = "O,W,T,P\no1,w1,2026-01-01,1\no2,w1,2026-01-02,x\no1,w1,2026-01-01,2\n"
                              "o3,w2,2026-01-03,3\n";
    dbk_map *map;
    dbk_error err;
    assert_int_equal(dbk_map_parse(&map, map_text, strlen(map_text), "m", &err), DBK_OK);
    write_file("map.csv", csv, strlen(csv));
    dbk_load_options options = {.map = map, .write_rejects = true, .on_reject = on_reject};
    slow_store s = {.refuse_modulo = 4}; // the line o1-2
    dbk_load_totals totals;
    messages = 0;
    assert_int_equal(load(&s, &options, &totals, &err), DBK_OK);
    assert_int_equal(totals.rows, 4);
    assert_int_equal(totals.rejected, 2);
    assert_int_equal(totals.stored, 2);
    assert_int_equal(totals.stored_in[DBK_ORDERS], 2);
    assert_int_equal(totals.stored_in[DBK_ORDER_LINES], 2);
    char *rejects = read_beside(".rejects");
    assert_string_equal(rejects, "O,W,T,P\no2,w1,2026-01-02,x\no1,w1,2026-01-01,2\n");
    free(rejects);
    free(read_beside(".rejects.txt"));
    dbk_map_destroy(map);
    dbk_buffer_dispose(&s.ids);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_ndjson),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_failures_and_dry_run),
        cmocka_unit_test(test_map),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const names[] = {"pieces.csv", "again.csv",    "rows.ndjson", "nul.csv",
                                        "open.csv",   "unknown.csv",  "empty.csv",   "zip.csv",
                                        "cut.csv.gz", "array.ndjson", "many.csv",    "map.csv"};
    for (size_t i = 0; i < DBK_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    return failed;
}
