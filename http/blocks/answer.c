// SPDX-License-Identifier: Apache-2.0
// The parts that answers have in common.
#include "http/app/time_range.h"
#include "http/blocks/problem.h"
#include "http/blocks/report.h"

#include <stdio.h>

dbk_out dbk_blocks_open(dbk_blocks_report *report)
{
    dbk_out out = dbk_out_init(&report->call->body);
    dbk_out_object(&out);
    dbk_out_key(&out, "data");
    dbk_out_object(&out);
    dbk_out_key(&out, "type");
    dbk_out_string(&out, "report");
    dbk_out_key(&out, "attributes");
    dbk_out_object(&out);
    return out;
}

void dbk_blocks_close(dbk_out *out)
{
    dbk_out_object_end(out);
    dbk_out_object_end(out);
    dbk_out_object_end(out);
}

void dbk_blocks_write_count(dbk_out *out, const char *key, int64_t count)
{
    dbk_out_key(out, key);
    dbk_out_int(out, count);
}

void dbk_blocks_write_money(const dbk_blocks_report *report, dbk_out *out, const char *key, dbk_i128 amount)
{
    dbk_out_key(out, key);
    dbk_out_money(out, amount, 1, report->currency.digits);
}

void dbk_blocks_write_percent(dbk_out *out, const char *key, dbk_i128 numerator, int64_t denominator)
{
    enum { PERCENT = 100, TEN_THOUSANDTHS = 10000 };
    dbk_out_key(out, key);
    dbk_out_money(out, numerator * PERCENT * TEN_THOUSANDTHS, denominator > 0 ? denominator : 1, 1);
}

void dbk_blocks_write_currency(const dbk_blocks_report *report, dbk_out *out)
{
    dbk_out_key(out, "currency");
    dbk_out_text_or_null(out, report->currency.name);
}

void dbk_blocks_write_period(const dbk_blocks_report *report, dbk_out *out)
{
    dbk_out_key(out, "period");
    dbk_out_object(out);
    dbk_out_key(out, "start_date");
    dbk_out_day(out, report->request.start_day);
    dbk_out_key(out, "end_date");
    dbk_out_day(out, report->request.end_day);
    dbk_out_object_end(out);
}

static bool is_among(dbk_text status, const char *const *names)
{
    for (; *names != NULL; names++)
        if (dbk_text_equal(status, dbk_text_from(*names)))
            return true;
    return false;
}

void dbk_blocks_write_statuses(const dbk_blocks_report *report, dbk_out *out, const char *const *always)
{
    dbk_out_key(out, "by_status");
    dbk_out_object(out);
    for (const char *const *name = always; *name != NULL; name++)
        dbk_blocks_write_count(out, *name, dbk_blocks_figure_of(report, *name).rows);
    for (int i = 0; i < report->figures_count; i++) {
        dbk_text status = report->figures[i].status;
        if (is_among(status, always))
            continue;
        dbk_out_key_text(out, status.length > 0 ? status : DBK_TEXT("unknown"));
        dbk_out_int(out, report->figures[i].rows);
    }
    dbk_out_object_end(out);
}

// ---- Breakdown ----

static void write_bucket(const dbk_blocks_report *report, dbk_out *out, int64_t start_ms)
{
    char label[DBK_TIME_TEXT_MAX];
    int32_t day = dbk_local_day(start_ms, report->settings.zone);
    int iso_year, week;
    switch (report->request.group) {
    case DBK_BLOCKS_WEEK:
        week = dbk_day_iso_week(day, &iso_year);
        snprintf(label, sizeof(label), "%04d-W%02d", iso_year, week);
        dbk_out_key(out, "week");
        dbk_out_string(out, label);
        break;
    case DBK_BLOCKS_MONTH:
        dbk_date_write(label, day);
        dbk_out_key(out, "month");
        dbk_out_text(out, (dbk_text){label, sizeof("2025-01") - 1});
        break;
    default:
        dbk_out_key(out, "date");
        dbk_out_day(out, day);
    }
}

static dbk_unit unit_of(dbk_blocks_group group)
{
    return group == DBK_BLOCKS_WEEK    ? DBK_UNIT_WEEK
           : group == DBK_BLOCKS_MONTH ? DBK_UNIT_MONTH
                                       : DBK_UNIT_DAY;
}

static dbk_status query_buckets(const dbk_blocks_report *report, dbk_result **out, dbk_error *err)
{
    static const dbk_order order = {.output = 0};
    const dbk_bucket bucket = {
        .unit = unit_of(report->request.group), .count = 1, .zone = report->settings.zone};
    const dbk_group_key key = {.column = report->source->time_column, .bucket = &bucket};
    const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_ROWS},
                                        {.kind = DBK_SUM, .column = report->source->sums[0]}};
    dbk_query query = dbk_blocks_rows(report);
    query.keys = &key;
    query.keys_count = 1;
    query.aggregates = aggregates;
    query.aggregates_count = DBK_COUNT(aggregates);
    query.order = &order;
    query.order_count = 1;
    query.fill = true;
    return dbk_blocks_run(report, &query, out, err);
}

bool dbk_blocks_can_break_down(dbk_blocks_report *report)
{
    if (report->request.end_day - report->request.start_day < DBK_BLOCKS_DAYS_MAX)
        return true;
    char detail[100];
    snprintf(detail, sizeof(detail), "The period is too long: at most %d days.", DBK_BLOCKS_DAYS_MAX);
    dbk_blocks_refuse_parameters(report->call, detail);
    dbk_blocks_dispose(report);
    return false;
}

dbk_status dbk_blocks_write_breakdown(const dbk_blocks_report *report, dbk_out *out, const char *count_key,
                                      const char *sum_key, dbk_error *err)
{
    dbk_result *buckets;
    DBK_TRY(query_buckets(report, &buckets, err));
    dbk_out_key(out, "breakdown");
    dbk_out_array(out);
    for (size_t row = 0; row < dbk_result_rows(buckets); row++) {
        dbk_out_object(out);
        write_bucket(report, out, dbk_result_int(buckets, row, 0));
        dbk_blocks_write_count(out, count_key, dbk_result_int(buckets, row, 1));
        dbk_blocks_write_money(report, out, sum_key, dbk_result_sum(buckets, row, 2));
        dbk_out_object_end(out);
    }
    dbk_out_array_end(out);
    dbk_result_free(buckets);
    return DBK_OK;
}
