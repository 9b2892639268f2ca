// SPDX-License-Identifier: Apache-2.0
// One company from its options, and the report on what was put into it.
#include "ingest/gen/gen.h"

#include "engine/base/calendar.h"
#include "ingest/gen/company.h"
#include "ingest/gen/festival.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FESTIVAL_DAYS_DEFAULT = 30 };

// The information in the subtotals as they occurred.
static double subtotal_bits(const dbk_gen_company *company, uint64_t orders)
{
    double bits = 0;
    for (int i = 0; i < GEN_SUBTOTALS; i++)
        if (company->subtotals[i])
            bits -= company->subtotals[i] * log2((double)company->subtotals[i] / (double)orders);
    return bits;
}

static void fill_report(const dbk_gen_company *company, dbk_gen_report *report)
{
    *report = (dbk_gen_report){0};
    for (int id = 1; id < DBK_TABLE_END; id++) {
        const dbk_table_def *def = dbk_table_def_by_id(id);
        const dbk_gen_table *table = &company->tables[id];
        report->rows[id] = table->out.rows;
        report->csv_bytes += table->out.bytes;
        for (int c = 0; c < def->columns_count; c++)
            if (table->tallies[c].bits > 0 && report->columns_count < (int)DBK_COUNT(report->columns))
                report->columns[report->columns_count++] = (dbk_gen_column){
                    .table = id, .name = def->columns[c].name, .bits = table->tallies[c].bits};
    }
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static dbk_status write_company(dbk_gen_company *company, dbk_error *err)
{
    DBK_TRY(dbk_gen_write_dimensions(company, err));
    DBK_TRY(dbk_gen_write_orders(company, err));
    dbk_gen_write_subscriptions(company);
    return DBK_OK;
}

dbk_status dbk_gen_run(const dbk_gen_options *options, dbk_gen_report *report, dbk_error *err)
{
    if (mkdir(options->directory, 0755) != 0 && errno != EEXIST)
        return dbk_fail(err, DBK_IO, "cannot create the directory %s: %s", options->directory,
                        strerror(errno));
    dbk_gen_company company = {.options = *options};
    if (company.options.days == 0)
        company.options.days = options->is_festival ? FESTIVAL_DAYS_DEFAULT : DBK_GEN_DAYS_DEFAULT;
    company.random = dbk_random_seed(options->seed);
    company.last_ms = ((int64_t)options->last_day + 1) * DBK_MS_DAY;
    company.first_ms = company.last_ms - (int64_t)company.options.days * DBK_MS_DAY;
    company.customers = clamp(options->orders / 12, 10, 9999999);
    company.products_count = clamp(options->orders / 200, 20, 20000);

    company.subtotals = calloc(GEN_SUBTOTALS, sizeof(*company.subtotals));
    if (!company.subtotals)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory making a company");

    dbk_status status = dbk_gen_open_tables(&company, err);
    if (status == DBK_OK)
        status = options->is_festival ? dbk_gen_write_festival(&company, err) : write_company(&company, err);
    dbk_status closed = dbk_gen_close_tables(&company, status == DBK_OK ? err : NULL);
    if (status == DBK_OK)
        status = closed;
    if (status == DBK_OK) {
        dbk_gen_tally(&company, DBK_ORDERS, "subtotal")->bits = subtotal_bits(&company, options->orders);
        fill_report(&company, report);
    }
    free(company.subtotals);
    free(company.products);
    return status;
}
