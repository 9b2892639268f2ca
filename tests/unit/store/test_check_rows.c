// SPDX-License-Identifier: Apache-2.0
// What a check says of a database in memory whose sums are right, and of one where a single one is not.
#include "engine/table/rollups.h"
#include "engine/table/state.h"
#include "ingest/store/check_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void remember(void *user, const char *line)
{
    snprintf(user, 512, "%s", line);
}

static void apply_payment(dbk_db *db)
{
    dbk_batch b = {.table = dbk_table_def_by_id(DBK_PAYMENTS), .rows = 1};
    dbk_text id = DBK_TEXT("p1");
    int64_t at = 1700000000000, amount = 125000;
    dbk_apply_report report;
    dbk_error err;
    b.columns[b.table->key_column].texts = &id;
    b.columns[b.table->time_column].ints = &at;
    b.columns[dbk_column_find(b.table, DBK_TEXT("amount"))].ints = &amount;
    assert_int_equal(dbk_db_apply(db, DBK_TEXT("acme"), &b, &report, &err), DBK_OK);
}

static void a_check_names_the_rollup_whose_sum_is_wrong(void **state)
{
    (void)state;
    dbk_db *db;
    dbk_error err;
    char line[512] = "";
    dbk_check_report report = {0};
    dbk_check check = {.problem = remember, .user = line, .report = &report};
    assert_int_equal(dbk_db_create(&db, &err), DBK_OK);
    dbk_db_set_rollup_rows(db, 1, 0);
    apply_payment(db);
    dbk_snapshot *snapshot = dbk_db_freeze(db, 1);
    dbk_db_publish(db, snapshot);
    assert_int_equal(dbk_check_rows(snapshot, &check, &err), DBK_OK);
    assert_int_equal(report.problems, 0);

    const dbk_table_view *view =
        dbk_tenant_table(dbk_snapshot_tenant(snapshot, DBK_TEXT("acme")), DBK_PAYMENTS);
    const dbk_rollup_view *rollup = &dbk_view_rollups(view)->rollups[0];
    int64_t start, end;
    const dbk_cells *cells =
        dbk_cube_find(&rollup->cubes[DBK_GRAIN_DAY],
                      dbk_rollup_bucket(DBK_GRAIN_DAY, rollup->zone, 1700000000000, &start, &end));
    assert_non_null(cells);
    assert_false(cells->is_wide);
    int32_t *sum = (int32_t *)(uintptr_t)dbk_cells_page(cells, 0) + rollup->shape->sums[0] * DBK_CUBE_PAGE;
    assert_int_equal(*sum, 125000);
    *sum -= 1;
    assert_int_equal(dbk_check_rows(snapshot, &check, &err), DBK_OK);
    assert_int_equal(report.problems, 1);
    assert_non_null(strstr(line, "acme/payments"));
    assert_non_null(strstr(line, rollup->shape->def->name));
    dbk_db_destroy(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_names_the_rollup_whose_sum_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
