// SPDX-License-Identifier: Apache-2.0
// STOQ's requests: judged from a JSON body, and stored and read back; and what a cell looks like.
#include "http/stoq/rows.h"
#include "http/stoq/run.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

#define OFFER "11111111-1111-4111-8111-111111111111"

static const int64_t now_ms = 1779969600000; // 2026-05-28T12:00Z

static dbk_stoq_request request;
static dbk_stoq_faults faults;

static bool prepare(const char *name, const char *body)
{
    const dbk_settings settings = {.currency = "EUR"};
    dbk_json_doc doc;
    assert_int_equal(dbk_json_parse(body, strlen(body), &doc, NULL, NULL), DBK_OK);
    const dbk_stoq_input input = {.body = doc.root};
    bool is_good = dbk_stoq_prepare(dbk_stoq_report_find(dbk_text_from(name)), &input, &settings, now_ms,
                                    &request, &faults);
    dbk_json_doc_dispose(&doc);
    return is_good;
}

static void test_body_is_judged_like_a_query(void **state)
{
    (void)state;
    assert_true(prepare("revenue", "{\"from\":\"2026-01-01\",\"to\":\"2026-05-28\",\"granularity\":\"week\","
                                   "\"offer_ids\":[\"" OFFER "\",\"" OFFER "\"],\"include_deposits\":false,"
                                   "\"product_id\":8123456789,\"colour\":{\"deep\":[1]},\"currency\":null}"));
    assert_int_equal(request.offers_count, 1);
    assert_string_equal(request.product_id, "8123456789");
    assert_string_equal(request.currency, "EUR");
    assert_int_equal(request.granularity, DBK_UNIT_WEEK);
    assert_false(request.include_deposits);
    assert_int_equal(request.to_ms - request.from_ms, 148ll * 86400000);
    assert_true(prepare("summary", "{}"));
    assert_int_equal(request.to_day - request.from_day, 29);
}

// SA8: what cannot be run is refused when it is asked for.
static void test_body_faults_are_all_named(void **state)
{
    (void)state;
    assert_false(prepare("revenue", "{\"from\":20260101,\"to\":\"2026-13-01\",\"offer_id\":[\"x\"],"
                                    "\"offer_ids\":[1],\"granularity\":true,\"include_deposits\":\"maybe\","
                                    "\"market_id\":{\"a\":1},\"currency\":978}"));
    static const char *const texts[] = {"from must be a date (YYYY-MM-DD)",
                                        "to must be a date (YYYY-MM-DD)",
                                        "offer_id must be a UUID",
                                        "offer_ids must be a list of UUIDs",
                                        "currency must be a three-letter currency code",
                                        "market_id must be a text",
                                        "granularity must be one of: day, week, month",
                                        "include_deposits must be true or false"};
    assert_int_equal(faults.count, DBK_COUNT(texts));
    for (size_t i = 0; i < DBK_COUNT(texts); i++)
        assert_string_equal(faults.texts[i], texts[i]);
    assert_false(prepare("by_variant", "{\"offer_ids\":[]}"));
    assert_string_equal(faults.texts[0], "offer_id is required");
    assert_false(prepare("customers", "{\"page\":1.5,\"per_page\":\"many\"}"));
    assert_int_equal(faults.count, 2);
}

static void test_request_survives_its_json(void **state)
{
    (void)state;
    assert_true(prepare("by_date", "{\"metrics\":[\"units\",\"refunds_issued\"],\"offer_id\":\"" OFFER
                                   "\",\"variant_id\":\"a \\\"b\\\"\",\"currency\":\"jpy\"}"));
    dbk_buffer text = {0};
    dbk_out json = dbk_out_init(&text);
    dbk_stoq_request read;
    dbk_stoq_request_write(&request, &json);
    assert_int_equal(
        dbk_stoq_request_read((dbk_text){(const char *)text.data, (uint32_t)text.size}, &read, NULL), DBK_OK);
    assert_ptr_equal(read.report, request.report);
    assert_int_equal(read.metrics, request.metrics);
    assert_int_equal(read.from_ms, request.from_ms);
    assert_int_equal(read.to_ms, request.to_ms);
    assert_int_equal(read.digits, 0);
    assert_string_equal(read.variant_id, "a \"b\"");
    assert_string_equal(read.offers[0], OFFER);
    char name[DBK_STOQ_FILE_NAME_MAX];
    dbk_stoq_file_name(&read, name);
    assert_string_equal(name, "preorders_by_date_2026-04-29_2026-05-28.csv");
    // Every piece of it is needed.
    for (size_t cut = 1; cut < text.size; cut++)
        assert_int_equal(dbk_stoq_request_read(
                             (dbk_text){(const char *)text.data, (uint32_t)(text.size - cut)}, &read, NULL),
                         DBK_INVALID);
    dbk_buffer_dispose(&text);
}

static void expect_cell(dbk_stoq_cell cell, const char *csv, const char *json)
{
    dbk_buffer text = {0};
    dbk_stoq_cell_write(&cell, &text);
    assert_int_equal(text.size, strlen(csv));
    assert_memory_equal(text.size ? (const char *)text.data : "", csv, text.size);
    dbk_buffer_reset(&text);
    dbk_out out = dbk_out_init(&text);
    dbk_stoq_cell_json(&cell, &out);
    assert_int_equal(text.size, strlen(json));
    assert_memory_equal(text.data, json, text.size);
    dbk_buffer_dispose(&text);
}

static void test_cells(void **state)
{
    (void)state;
    expect_cell((dbk_stoq_cell){.type = DBK_STOQ_MONEY, .number = 481250, .digits = 2}, "4812.50",
                "\"4812.50\"");
    expect_cell((dbk_stoq_cell){.type = DBK_STOQ_MONEY, .number = -5, .digits = 3}, "-0.005", "\"-0.005\"");
    expect_cell((dbk_stoq_cell){.type = DBK_STOQ_MONEY, .number = 4813}, "4813", "\"4813\"");
    expect_cell((dbk_stoq_cell){.type = DBK_STOQ_RATIO, .number = 4000}, "0.4", "0.4");
    expect_cell((dbk_stoq_cell){.type = DBK_STOQ_RATIO, .number = 10000}, "1", "1");
    expect_cell((dbk_stoq_cell){.type = DBK_STOQ_INT, .number = -7}, "-7", "-7");
    expect_cell((dbk_stoq_cell){.type = DBK_STOQ_FLAG, .number = 1}, "true", "true");
    expect_cell((dbk_stoq_cell){.type = DBK_STOQ_DAY, .number = 20560}, "2026-04-17", "\"2026-04-17\"");
    expect_cell((dbk_stoq_cell){.type = DBK_STOQ_TEXT, .text = DBK_TEXT("a \"b\"")}, "a \"b\"",
                "\"a \\\"b\\\"\"");
    expect_cell((dbk_stoq_cell){.type = DBK_STOQ_MONEY, .is_null = true}, "", "null");
}

// Each declaration is whole: one set to export, keys that differ, metrics that exist.
static void test_registry(void **state)
{
    (void)state;
    for (int i = 0; i < dbk_stoq_reports_count; i++) {
        const dbk_stoq_report *report = &dbk_stoq_reports[i];
        assert_ptr_equal(dbk_stoq_report_find(dbk_text_from(report->name)), report);
        assert_true(report->sets_count <= DBK_STOQ_SETS_MAX);
        int exported = 0;
        for (int s = 0; s < report->sets_count; s++) {
            const dbk_stoq_set *set = &report->sets[s];
            exported += set->is_exported;
            assert_true(set->columns_count <= DBK_STOQ_COLUMNS_MAX);
            for (int a = 0; a < set->columns_count; a++)
                for (int b = a + 1; b < set->columns_count; b++)
                    assert_string_not_equal(set->columns[a].key, set->columns[b].key);
        }
        assert_int_equal(exported, 1);
    }
    const dbk_stoq_set *series = dbk_stoq_report_export(dbk_stoq_report_find(DBK_TEXT("by_date")));
    const char *const *metric = dbk_stoq_parameters[DBK_STOQ_METRICS].values;
    for (int i = 0; i < series->columns_count; i++)
        if (series->columns[i].is_metric)
            assert_string_equal(series->columns[i].key, *metric++);
    assert_null(*metric);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_body_is_judged_like_a_query),
                                       cmocka_unit_test(test_body_faults_are_all_named),
                                       cmocka_unit_test(test_request_survives_its_json),
                                       cmocka_unit_test(test_cells), cmocka_unit_test(test_registry)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
