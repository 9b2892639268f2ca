// SPDX-License-Identifier: Apache-2.0
// A query that follows references notes where they lead, of a whole part at once when it had to look up much
// of it. That is for the queries to come: what goes wrong while ids are read that nobody asked for fails no
// query.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/store/cold_world.h"

// One segment of orders, each with a line, and one of lines. The first quarter is asked about: more than the
// share at which links are made.
enum { ORDERS = 4000, ASKED = ORDERS / 4 };
#define FROM_MS INT64_C(1700000000000)

// Ids that hardly shrink and do not ascend, so that those of a part take many pages.
static dbk_text long_id(char room[64], const char *prefix, uint64_t number)
{
    dbk_random random = dbk_random_seed(number);
    uint64_t first = dbk_random_u64(&random), second = dbk_random_u64(&random);
    int length = snprintf(room, 64, "%s_%016llx%016llx", prefix, (unsigned long long)first,
                          (unsigned long long)second);
    return (dbk_text){room, (uint32_t)length};
}

static void append(cold_side *s, dbk_batch *batch)
{
    if (cold_append(s, batch) != DBK_OK)
        fail_msg("%s", s->err.message);
    dbk_batch_dispose(batch);
}

static void fill(cold_side *s)
{
    static const char *const states[] = {"SUBMITTED", "DELIVERED", "CANCELLED"};
    dbk_batch orders, lines;
    char room[64];
    assert_int_equal(dbk_row_batch_init(&orders, DBK_ORDERS, ORDERS, NULL), DBK_OK);
    for (uint32_t i = 0; i < ORDERS; i++) {
        cold_put(&orders, i, "id", long_id(room, "o", i));
        cold_put(&orders, i, "status", dbk_text_from(states[i % 3]));
        cold_put(&orders, i, "currency", DBK_TEXT("EUR"));
        dbk_row_batch_int(&orders, i, "created_at", FROM_MS + i);
        dbk_row_batch_int(&orders, i, "total", i);
    }
    append(s, &orders);
    assert_int_equal(dbk_row_batch_init(&lines, DBK_ORDER_LINES, ORDERS, NULL), DBK_OK);
    for (uint32_t i = 0; i < ORDERS; i++) {
        cold_put(&lines, i, "id", long_id(room, "l", i));
        cold_put(&lines, i, "order_id", long_id(room, "o", i));
        dbk_row_batch_int(&lines, i, "created_at", FROM_MS + i);
        dbk_row_batch_int(&lines, i, "quantity", 1);
        dbk_row_batch_int(&lines, i, "total", i);
    }
    append(s, &lines);
}

// The lines asked about, by the status of their orders.
static dbk_status ask(const cold_side *s, uint64_t *out, dbk_error *err)
{
    static const dbk_group_key status = {"order_id.status", NULL};
    static const dbk_aggregate aggregates[] = {{DBK_COUNT_ROWS, NULL}, {DBK_SUM, "order_id.total"}};
    static const dbk_query query = {.table = "order_lines",
                                    .from_ms = FROM_MS,
                                    .to_ms = FROM_MS + ASKED,
                                    .keys = &status,
                                    .keys_count = 1,
                                    .aggregates = aggregates,
                                    .aggregates_count = DBK_COUNT(aggregates)};
    dbk_result *result;
    dbk_read read = dbk_read_begin(s->db);
    dbk_status answer = dbk_query_run(read.snapshot, cold_shop, &query, &result, err);
    if (answer == DBK_OK) {
        *out = cold_result(0, result, false);
        dbk_result_free(result);
    }
    dbk_read_end(s->db, &read);
    return answer;
}

static bool has_links(const cold_side *s)
{
    dbk_read read = dbk_read_begin(s->db);
    const dbk_table_view *lines =
        dbk_tenant_table(dbk_snapshot_tenant(read.snapshot, cold_shop), DBK_ORDER_LINES);
    const dbk_sealed *sealed = dbk_view_part(lines, 0)->sealed;
    assert_non_null(sealed);
    bool made = atomic_load(&sealed->links.made[dbk_link_number(DBK_ORDERS)]);
    dbk_read_end(s->db, &read);
    return made;
}

static void test_links_that_cannot_be_made_fail_no_query(void **state)
{
    (void)state;
    cold_side s, warm;
    uint64_t expected, got;
    assert_int_equal(cold_side_open(&warm, sim_disk_create(), 0), DBK_OK);
    fill(&warm);
    assert_int_equal(ask(&warm, &expected, &warm.err), DBK_OK);
    assert_int_equal(cold_side_open(&s, sim_disk_create(), 1), DBK_OK);
    dbk_db_set_segment_rows(s.db, ORDERS);
    fill(&s);
    assert_int_equal(dbk_journal_checkpoint(s.journal, &s.err), DBK_OK);
    int refused = 0, outlived = 0;
    // Each read of the disk fails in its turn, until there are fewer.
    for (uint64_t nth = 1; !has_links(&s); nth++) {
        dbk_cold_trim(dbk_image_cold(s.db), 0, false);
        const uint64_t failures = cold_figures(&s).failures;
        sim_disk_fail(s.disk, SIM_READ_FAILS, nth, false);
        dbk_status status = ask(&s, &got, &s.err);
        sim_disk_fail(s.disk, SIM_NONE, 1, false);
        if (status == DBK_OK) {
            assert_int_equal(got, expected);
            outlived += cold_figures(&s).failures > failures;
        } else {
            assert_int_equal(status, DBK_IO);
            assert_false(has_links(&s));
            refused++;
        }
    }
    printf("%d reads failed their query, %d did not\n", refused, outlived);
    assert_true(refused > 0);
    assert_true(outlived > 0);
    sim_disk *disks[] = {s.disk, warm.disk};
    cold_side_shut(&s);
    cold_side_shut(&warm);
    sim_disk_destroy(disks[0]);
    sim_disk_destroy(disks[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links_that_cannot_be_made_fail_no_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
