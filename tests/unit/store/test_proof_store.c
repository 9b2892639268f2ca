// SPDX-License-Identifier: Apache-2.0
// A data directory in which one statistic of one segment lies, under checksums that are all right: it opens,
// and whoever comes upon that column is told the file and the column. Nobody is told a number.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <unistd.h>

#include "engine/base/hash.h"
#include "engine/patience.h"
#include "engine/segment/format.h"
#include "engine/standing.h"
#include "engine/table/state.h"
#include "ingest/store/files.h"
#include "ingest/store/journal.h"
#include "ingest/store/manifest.h"
#include "tests/support/directory.h"
#include "tests/support/reseal.h"
#include "tests/unit/store/store_rows.h"

enum { ORDERS = 70000 };
static const dbk_text acme = {"acme", 4}, other = {"other", 5};

typedef struct directory {
    char path[64];
    char segment[DBK_FILE_NAME_MAX]; // the one that lies
} directory;

static dbk_store *open_store(const directory *d)
{
    dbk_store_options options = {.directory = d->path};
    dbk_store *store;
    dbk_error err = {0};
    if (dbk_store_open(&store, &options, &err) != DBK_OK)
        fail_msg("%s", err.message);
    return store;
}

static dbk_status write_orders(dbk_store *store, dbk_text tenant, unsigned first, unsigned count,
                               dbk_error *err)
{
    dbk_batch batch;
    make_orders(&batch, count);
    for (unsigned i = 0; i < count; i++)
        set_order(&batch, i, first + i, 1000 + i % 977);
    const dbk_batch *batches[] = {&batch};
    const dbk_change change = {tenant, batches, 1};
    dbk_status status = dbk_store_write(store, &change, NULL, err);
    dbk_batch_dispose(&batch);
    return status;
}

// ---- The lie ----

// The sum of the orders' totals becomes larger; the checksum of the file is made anew.
static void forge(dbk_io *io, dbk_manifest_slot *slot)
{
    const dbk_table_def *def = dbk_table_def_by_id(DBK_ORDERS);
    const int column = dbk_column_find(def, DBK_TEXT("total"));
    void *bytes;
    size_t size;
    dbk_segment_entry entry;
    assert_int_equal(dbk_file_read_named(io, DBK_FILE_SEGMENT, slot->id, 0, &bytes, &size, NULL), DBK_OK);
    uint8_t *at = (uint8_t *)bytes + sizeof(dbk_segment_header) + (size_t)column * sizeof entry;
    memcpy(&entry, at, sizeof entry);
    entry.sum_low += 10000;
    memcpy(at, &entry, sizeof entry);
    dbk_test_reseal_front(bytes);
    slot->checksum = dbk_checksum(bytes, size);
    assert_int_equal(dbk_file_write_new(io, DBK_FILE_SEGMENT, slot->id, bytes, size, true, NULL), DBK_OK);
    free(bytes);
}

static dbk_manifest_slot *sealed_slot(const dbk_manifest *m)
{
    for (uint32_t t = 0; t < m->tenants_count; t++)
        for (int i = 0; i < m->tenants[t].tables_count; i++) {
            dbk_manifest_table *table = &m->tenants[t].tables[i];
            if (dbk_text_equal(m->tenants[t].name, acme) && table->id == DBK_ORDERS)
                return &table->slots[0];
        }
    fail_msg("no segment of orders");
    return NULL;
}

static void make_it_lie(directory *d)
{
    dbk_io *io;
    dbk_file_list files;
    dbk_manifest *m;
    void *bytes;
    size_t size;
    assert_int_equal(dbk_io_open(&io, d->path, false, NULL), DBK_OK);
    assert_int_equal(dbk_file_list_read(&files, io, NULL), DBK_OK);
    const uint64_t epoch = files.numbers[DBK_FILE_MANIFEST][files.counts[DBK_FILE_MANIFEST] - 1];
    assert_int_equal(dbk_file_read_named(io, DBK_FILE_MANIFEST, epoch, 0, &bytes, &size, NULL), DBK_OK);
    assert_int_equal(dbk_manifest_decode(bytes, size, epoch, &m, NULL), DBK_OK);
    free(bytes);
    dbk_manifest_slot *slot = sealed_slot(m);
    assert_true(slot->present);
    forge(io, slot);
    strcpy(d->segment, dbk_file_name_make(DBK_FILE_SEGMENT, slot->id).text);
    dbk_buffer made = {0};
    dbk_manifest_encode(m, &made);
    assert_false(made.failed);
    assert_int_equal(dbk_file_write_new(io, DBK_FILE_MANIFEST, epoch, made.data, made.size, true, NULL),
                     DBK_OK);
    dbk_buffer_dispose(&made);
    dbk_manifest_destroy(m);
    dbk_file_list_dispose(&files);
    dbk_io_close(io);
}

static int make_directory(void **state)
{
    directory *d = calloc(1, sizeof(*d));
    strcpy(d->path, "/tmp/dbk-test-proof-XXXXXX");
    *state = d;
    if (!mkdtemp(d->path))
        return -1;
    dbk_store *store = open_store(d);
    dbk_error err = {0};
    assert_int_equal(write_orders(store, acme, 0, ORDERS / 2, &err), DBK_OK);
    assert_int_equal(write_orders(store, acme, ORDERS / 2, ORDERS / 2, &err), DBK_OK);
    assert_int_equal(write_orders(store, acme, ORDERS, 10, &err), DBK_OK);
    assert_int_equal(write_orders(store, other, 0, 100, &err), DBK_OK);
    dbk_store_close(store);
    make_it_lie(d);
    return 0;
}

static int remove_directory(void **state)
{
    directory *d = *state;
    dbk_test_directory_remove(d->path);
    free(d);
    return 0;
}

// ---- Ways to come upon it ----

static dbk_status no_rows(void *user, const dbk_result *block, dbk_error *err)
{
    (void)user, (void)block, (void)err;
    fail_msg("a block got out");
    return DBK_OK;
}

enum { WAYS = 9, STANDING = 7, STREAM = 8 };

static dbk_status ask(const dbk_snapshot *snapshot, dbk_text tenant, int way, dbk_error *err)
{
    static const dbk_aggregate sum[] = {{DBK_COUNT_ROWS, NULL}, {DBK_SUM, "total"}};
    static const dbk_aggregate most[] = {{DBK_MAX, "total"}};
    static const dbk_group_key status[] = {{"status", NULL}};
    static const char *const fields[] = {"id", "total"};
    static const dbk_order by_total[] = {{1, true}};
    const dbk_value id = {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("order-7")};
    const dbk_value bound = {.kind = DBK_VALUE_INT, .number = 1500};
    const dbk_filter by_id = {"id", DBK_OP_EQ, &id, 1}, above = {"total", DBK_OP_GE, &bound, 1};
    dbk_query q = {.table = "orders", .from_ms = DBK_TIME_OPEN_FROM, .to_ms = DBK_TIME_OPEN_TO};
    q.aggregates = sum;
    q.aggregates_count = 2;
    switch (way) {
    case 0: // from statistics
        break;
    case 1:
        q.aggregates = most;
        q.aggregates_count = 1;
        break;
    case 2: // from the rows
    case STANDING:
        q.keys = status;
        q.keys_count = 1;
        break;
    case 3: // pruned and filtered by it
        q.filters = &above;
        q.filters_count = 1;
        q.aggregates_count = 1;
        break;
    case 4: // one row
        q.filters = &by_id;
        q.filters_count = 1;
        break;
    case 5: // the first rows
        q.order = by_total;
        q.order_count = 1;
        q.limit = 3;
        break;
    case 6: // on two threads
        q.keys = status;
        q.keys_count = 1;
        q.threads = 2;
        break;
    default:
        break;
    }
    if (way == 4 || way == 5 || way == STREAM) {
        q.aggregates_count = 0;
        q.fields = fields;
        q.fields_count = 2;
    }
    if (way == STREAM)
        return dbk_query_stream(snapshot, tenant, &q, no_rows, NULL, err);
    dbk_result *result = NULL;
    dbk_status asked;
    if (way == STANDING) {
        dbk_standing *standing = dbk_standing_create();
        asked = dbk_standing_run(standing, snapshot, tenant, &q, NULL, &result, err);
        dbk_standing_destroy(standing);
    } else {
        asked = dbk_query_run(snapshot, tenant, &q, &result, err);
    }
    if (asked == DBK_OK)
        dbk_result_free(result);
    else
        assert_null(result);
    return asked;
}

static void assert_told(const directory *d, dbk_status status, const dbk_error *err)
{
    assert_int_equal(status, DBK_CORRUPT);
    if (!strstr(err->message, "column total") || !strstr(err->message, "the statistics are not those"))
        fail_msg("\"%s\" does not tell where in %s", err->message, d->segment);
}

// A database as recovery leaves it, nothing having been needed yet.
typedef struct side {
    dbk_io *io;
    dbk_db *db;
    dbk_journal *journal;
} side;

static void open_side(side *s, const directory *d)
{
    dbk_error err = {0};
    dbk_journal_options options = {0};
    assert_int_equal(dbk_io_open(&s->io, d->path, false, &err), DBK_OK);
    assert_int_equal(dbk_db_create(&s->db, &err), DBK_OK);
    dbk_db_put_off_keys(s->db);
    dbk_db_put_off_rollups(s->db);
    if (dbk_journal_open(&s->journal, s->io, s->db, &options, &err) != DBK_OK)
        fail_msg("%s", err.message);
    assert_int_equal(dbk_db_make_keys(s->db, &err), DBK_OK);
}

static void close_side(side *s)
{
    dbk_journal_destroy(s->journal);
    dbk_db_destroy(s->db);
    dbk_io_close(s->io);
}

static void every_query_that_comes_upon_it_says_so(void **state)
{
    directory *d = *state;
    for (int way = 0; way < WAYS; way++) {
        side s;
        open_side(&s, d);
        dbk_read read = dbk_read_begin(s.db);
        dbk_error err = {0};
        assert_int_equal(dbk_db_hold(s.db, NULL), DBK_OK); // nobody has been there
        assert_told(d, ask(read.snapshot, acme, way, &err), &err);
        for (int again = 0; again < WAYS; again++)
            assert_told(d, ask(read.snapshot, acme, again, &err), &err);
        if (way != STREAM) // its rows get out
            assert_int_equal(ask(read.snapshot, other, way, &err), DBK_OK);
        dbk_read_end(s.db, &read);
        close_side(&s);
    }
}

static void what_needs_other_columns_is_answered_until_then(void **state)
{
    directory *d = *state;
    side s;
    open_side(&s, d);
    static const dbk_aggregate count[] = {{DBK_COUNT_ROWS, NULL}};
    static const dbk_group_key status[] = {{"status", NULL}};
    const dbk_query q = {.table = "orders",
                         .from_ms = DBK_TIME_OPEN_FROM,
                         .to_ms = DBK_TIME_OPEN_TO,
                         .keys = status,
                         .keys_count = 1,
                         .aggregates = count,
                         .aggregates_count = 1};
    dbk_read read = dbk_read_begin(s.db);
    dbk_result *result;
    dbk_error err = {0};
    assert_int_equal(dbk_query_run(read.snapshot, acme, &q, &result, &err), DBK_OK);
    int64_t rows = 0;
    for (size_t i = 0; i < dbk_result_rows(result); i++)
        rows += dbk_result_int(result, i, 1);
    assert_int_equal(rows, ORDERS + 10);
    dbk_result_free(result);
    dbk_read_end(s.db, &read);
    assert_told(d, dbk_db_prove(s.db, &err), &err);
    close_side(&s);
}

// Proving takes longer than reading one row: an event loop has no time for it.
static void look_ups_are_estimated_with_their_proofs(void **state)
{
    directory *d = *state;
    side s;
    dbk_error err = {0};
    open_side(&s, d);
    dbk_read read = dbk_read_begin(s.db);
    dbk_patience_begin(100000);
    assert_int_equal(ask(read.snapshot, acme, 4, &err), DBK_LONG);
    dbk_patience_end();
    assert_int_equal(dbk_db_hold(s.db, NULL), DBK_OK); // nobody was there
    assert_told(d, dbk_db_prove(s.db, &err), &err);
    dbk_patience_begin(100000);
    assert_told(d, ask(read.snapshot, acme, 4, &err), &err);
    dbk_patience_end();
    dbk_read_end(s.db, &read);
    close_side(&s);
}

static void sums_that_were_made_of_it_answer_nobody(void **state)
{
    directory *d = *state;
    side s;
    dbk_error err = {0};
    open_side(&s, d);
    dbk_db_set_rollup_rows(s.db, 1, 1);
    (void)dbk_db_make_rollups(s.db);
    dbk_snapshot *image = dbk_db_freeze(s.db, dbk_journal_number(s.journal));
    assert_non_null(image);
    dbk_db_publish(s.db, image);
    dbk_read read = dbk_read_begin(s.db);
    assert_told(d, ask(read.snapshot, acme, 2, &err), &err);
    dbk_read_end(s.db, &read);
    close_side(&s);
}

// A row of the segment is replaced: what is subtracted from sums, or told to watchers, is its old values.
static void a_change_that_comes_upon_it_is_not_committed(void **state)
{
    directory *d = *state;
    side s;
    dbk_error err = {0};
    open_side(&s, d);
    dbk_read read = dbk_read_begin(s.db);
    assert_told(d, ask(read.snapshot, acme, 0, &err), &err);
    dbk_read_end(s.db, &read);
    dbk_batch batch;
    make_orders(&batch, 1);
    set_order(&batch, 0, 5, 1);
    const dbk_batch *batches[] = {&batch};
    const dbk_change change = {other, batches, 1};
    assert_int_equal(dbk_journal_append(s.journal, &change, NULL, &err), DBK_READ_ONLY);
    assert_non_null(strstr(err.message, "column total"));
    assert_int_equal(dbk_journal_checkpoint(s.journal, &err), DBK_READ_ONLY);
    dbk_batch_dispose(&batch);
    close_side(&s);
}

// Nobody asks: the store finds it behind the first answers.
static void the_store_finds_it_by_itself_and_takes_no_more_changes(void **state)
{
    directory *d = *state;
    dbk_store *store = open_store(d);
    dbk_store_figures figures;
    dbk_error err = {0};
    for (dbk_store_figures_read(store, &figures); !figures.read_only; sched_yield())
        dbk_store_figures_read(store, &figures);
    assert_non_null(strstr(figures.read_only_reason, d->segment));
    assert_non_null(strstr(figures.read_only_reason, "column total"));
    assert_int_equal(write_orders(store, other, 7, 1, &err), DBK_READ_ONLY);
    assert_non_null(strstr(err.message, d->segment));
    assert_int_equal(dbk_store_checkpoint(store, &err), DBK_READ_ONLY);
    dbk_read read = dbk_read_begin(dbk_store_db(store));
    assert_told(d, ask(read.snapshot, acme, 0, &err), &err);
    assert_non_null(strstr(err.message, d->segment));
    assert_int_equal(ask(read.snapshot, other, 0, &err), DBK_OK);
    dbk_read_end(dbk_store_db(store), &read);
    dbk_store_close(store);
}

static char problems[4096];
static void note_problem(void *user, const char *line)
{
    (void)user;
    strncat(problems, line, sizeof problems - strlen(problems) - 1);
}

static void the_check_names_the_file(void **state)
{
    directory *d = *state;
    dbk_check_report report;
    dbk_error err = {0};
    problems[0] = 0;
    assert_int_equal(dbk_store_check(d->path, note_problem, NULL, &report, &err), DBK_OK);
    assert_int_equal(report.problems, 1);
    assert_non_null(strstr(problems, d->segment));
    assert_non_null(strstr(problems, "column total"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_query_that_comes_upon_it_says_so, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(what_needs_other_columns_is_answered_until_then, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(look_ups_are_estimated_with_their_proofs, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(sums_that_were_made_of_it_answer_nobody, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(a_change_that_comes_upon_it_is_not_committed, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(the_store_finds_it_by_itself_and_takes_no_more_changes,
                                        make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(the_check_names_the_file, make_directory, remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
