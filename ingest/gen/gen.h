// SPDX-License-Identifier: Apache-2.0
// The deterministic company of the demo, the tests and the benches: every table of the data dictionary as
// CSV, the same bytes for the same options. Customers and products are skewed (a few account for most
// orders), orders follow the hour, the weekday and the season, some rows arrive late, some orders are
// refunded or cancelled.
#ifndef DBK_GEN_H
#define DBK_GEN_H

#include "engine/base/status.h"
#include "engine/schema.h"

enum { DBK_GEN_DAYS_DEFAULT = 1095 };

typedef struct dbk_gen_options {
    uint64_t orders;
    uint64_t seed;
    const char *directory; // made when missing; files are <table>.csv
    int32_t last_day;      // days since the epoch: the company's last day of trade
    int days;              // how many days of trade; 0 = DBK_GEN_DAYS_DEFAULT, or 30 of a festival
    bool is_festival;      // point-of-sale tickets in the evenings of a festival, and nothing else
    void (*progress)(void *user, uint64_t orders_done, uint64_t orders_total);
    void *user;
} dbk_gen_options;

// What one column holds: the information that the generator put in, so that compression can be judged against
// it.
typedef struct dbk_gen_column {
    dbk_table_id table;
    const char *name;
    double bits; // over all rows
} dbk_gen_column;

typedef struct dbk_gen_report {
    uint64_t rows[DBK_TABLE_END];
    uint64_t csv_bytes;
    int columns_count;
    dbk_gen_column columns[160];
} dbk_gen_report;

dbk_status dbk_gen_run(const dbk_gen_options *options, dbk_gen_report *report, dbk_error *err);

#endif
