// SPDX-License-Identifier: Apache-2.0
// The company behind the orders: who buys, what is sold, where; and the files that its tables are written to.
#ifndef DBK_GEN_COMPANY_H
#define DBK_GEN_COMPANY_H

#include "ingest/gen/csv_out.h"
#include "ingest/gen/draw.h"
#include "ingest/gen/gen.h"

typedef struct dbk_gen_product {
    int32_t price_cents;
    uint16_t category;
} dbk_gen_product;

typedef struct dbk_gen_table {
    dbk_csv_out out;
    dbk_tally tallies[DBK_COLUMNS_MAX]; // by the column's index in the data dictionary
} dbk_gen_table;

enum {
    GEN_CATEGORIES = 24,
    GEN_OFFERS = 12,
    GEN_OFFER_VARIANTS = 20,
    GEN_VENDORS = 40,
    GEN_PROVIDERS = 60,
    GEN_REGISTERS = 6,
    GEN_MARKETS = 8,
    GEN_SUBTOTALS = 1 << 20,
};

typedef struct dbk_gen_company {
    dbk_gen_options options;
    dbk_random random;
    int64_t first_ms, last_ms; // [first day's midnight, midnight after the last day)
    uint64_t customers;
    uint64_t products_count;
    dbk_gen_product *products;
    char offers[GEN_OFFERS][37];
    dbk_gen_table tables[DBK_TABLE_END];
    // How often each subtotal occurs, in cents: its entropy is counted, not drawn (it follows from the lines,
    // which are another table). Larger ones share the last place.
    uint32_t *subtotals;
    uint64_t lines_written, payments_written, vendor_payments_written, assignments_written;
} dbk_gen_company;

// Opens every table's file with the data dictionary's columns as header.
dbk_status dbk_gen_open_tables(dbk_gen_company *company, dbk_error *err);
dbk_status dbk_gen_close_tables(dbk_gen_company *company, dbk_error *err);

// Writes the keyed tables: customers, products, variants, offers, …; fills products and offers.
dbk_status dbk_gen_write_dimensions(dbk_gen_company *company, dbk_error *err);
// Writes orders with their lines, payments, vendor payments and assignments.
dbk_status dbk_gen_write_orders(dbk_gen_company *company, dbk_error *err);
void dbk_gen_write_subscriptions(dbk_gen_company *company);

// The product whose first variant is attached to an offer, at a place of GEN_OFFER_VARIANTS.
uint64_t dbk_gen_offered(const dbk_gen_company *company, int offer, uint64_t place);

// The tally of a column, by name.
dbk_tally *dbk_gen_tally(dbk_gen_company *company, dbk_table_id table, const char *column);

#endif
