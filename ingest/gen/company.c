// SPDX-License-Identifier: Apache-2.0
// Opening the files, and the tables that facts refer to.
#include "ingest/gen/company.h"

#include "engine/base/calendar.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

dbk_tally *dbk_gen_tally(dbk_gen_company *company, dbk_table_id table, const char *column)
{
    int index = dbk_column_find(dbk_table_def_by_id(table), dbk_text_from(column));
    assert(index >= 0);
    return &company->tables[table].tallies[index];
}

// The last column that the company fills, where the data dictionary goes on.
static const char *last_written(dbk_table_id table)
{
    switch (table) {
    case DBK_ORDERS:
        return "cancel_reason";
    case DBK_CUSTOMERS:
        return "updated_at";
    default:
        return NULL;
    }
}

static void header_of(const dbk_table_def *def, char *out, size_t size)
{
    const char *last = last_written(def->id);
    int count = last ? dbk_column_find(def, dbk_text_from(last)) + 1 : def->columns_count;
    size_t at = 0;
    for (int i = 0; i < count; i++)
        if (!(def->columns[i].flags & DBK_HIDDEN))
            at += (size_t)snprintf(out + at, size - at, "%s%s", at ? "," : "", def->columns[i].name);
}

dbk_status dbk_gen_open_tables(dbk_gen_company *company, dbk_error *err)
{
    for (int id = 1; id < DBK_TABLE_END; id++)
        company->tables[id].out.fd = -1;
    for (int id = 1; id < DBK_TABLE_END; id++) {
        const dbk_table_def *def = dbk_table_def_by_id(id);
        if (def->system)
            continue;
        char header[1024];
        header_of(def, header, sizeof(header));
        DBK_TRY(
            dbk_csv_out_open(&company->tables[id].out, company->options.directory, def->name, header, err));
    }
    return DBK_OK;
}

dbk_status dbk_gen_close_tables(dbk_gen_company *company, dbk_error *err)
{
    dbk_status status = DBK_OK;
    for (int id = 1; id < DBK_TABLE_END; id++) {
        // Close all, report the first failure.
        dbk_status closed = dbk_csv_out_close(&company->tables[id].out, dbk_table_def_by_id(id)->name,
                                              status == DBK_OK ? err : NULL);
        if (status == DBK_OK)
            status = closed;
    }
    return status;
}

static const char *const first_words[] = {"Acme",   "Harbour",   "Linden", "North",  "Old Mill", "Copper",
                                          "Meadow", "Riverside", "Stone",  "Bright", "Quiet",    "Golden",
                                          "Silver", "Maple",     "Corner", "Upper",  "Lower",    "Green"};
static const char *const last_words[] = {"Restaurant Group", "Bakery", "Books",  "Garden Centre", "Trading",
                                         "Hardware",         "Cafe",   "Market", "Supplies",      "Florist",
                                         "Kitchen",          "Deli",   "Studio", "Outfitters",    "Pharmacy"};
static const char *const things[] = {"Lantern",  "Mug",     "Apron", "Basket",  "Candle", "Clock",  "Frame",
                                     "Kettle",   "Blanket", "Lamp",  "Teapot",  "Vase",   "Tray",   "Cushion",
                                     "Notebook", "Bowl",    "Hook",  "Doormat", "Jar",    "Bunting"};
static const char *const looks[] = {"Red",   "Blue",  "Ivory", "Oak",   "Slate",
                                    "Brass", "Linen", "Glass", "Small", "Large"};
static const char *const categories[GEN_CATEGORIES] = {
    "Kitchen",  "Lighting", "Textiles", "Garden", "Stationery", "Toys",    "Bath",      "Storage",
    "Hardware", "Seasonal", "Candles",  "Glass",  "Ceramics",   "Prints",  "Clocks",    "Baskets",
    "Pets",     "Travel",   "Cleaning", "Drinks", "Sweets",     "Grocery", "Cosmetics", "Gifts"};

static void write_named(dbk_gen_company *c, dbk_table_id table, const char *prefix, const char *word,
                        int count)
{
    dbk_csv_out *out = &c->tables[table].out;
    for (int i = 1; i <= count; i++) {
        dbk_csv_format(out, "%s_%02d", prefix, i);
        dbk_csv_format(out, "%s %d", word, i);
        dbk_csv_end_line(out);
    }
}

static void write_categories(dbk_gen_company *c)
{
    dbk_csv_out *out = &c->tables[DBK_CATEGORIES].out;
    for (int i = 0; i < GEN_CATEGORIES; i++) {
        dbk_csv_format(out, "cat_%02d", i + 1);
        dbk_csv_text(out, categories[i]);
        dbk_csv_end_line(out);
    }
}

// A day of the company's first month, so that everything exists before most orders.
static int64_t early(dbk_gen_company *c, dbk_tally *tally)
{
    uint64_t month = 30ull * DBK_MS_DAY / DBK_MS_SECOND;
    return c->first_ms + (int64_t)dbk_draw_uniform(&c->random, tally, month) * DBK_MS_SECOND;
}

static void write_customers(dbk_gen_company *c)
{
    dbk_csv_out *out = &c->tables[DBK_CUSTOMERS].out;
    dbk_tally *names = dbk_gen_tally(c, DBK_CUSTOMERS, "name");
    dbk_tally *created = dbk_gen_tally(c, DBK_CUSTOMERS, "created_at");
    for (uint64_t i = 1; i <= c->customers; i++) {
        const char *first = first_words[dbk_draw_uniform(&c->random, names, DBK_COUNT(first_words))];
        const char *last = last_words[dbk_draw_uniform(&c->random, names, DBK_COUNT(last_words))];
        dbk_csv_format(out, "cus_%07llu", (unsigned long long)i);
        dbk_csv_format(out, "%s %s %llu", first, last, (unsigned long long)i);
        dbk_csv_format(out, "buyer%llu@shop.example", (unsigned long long)i);
        dbk_csv_time(out, early(c, created));
        dbk_csv_empty(out);
        dbk_csv_end_line(out);
    }
}

static void write_product(dbk_gen_company *c, uint64_t i, int64_t created)
{
    dbk_csv_out *out = &c->tables[DBK_PRODUCTS].out;
    dbk_tally *stock = dbk_gen_tally(c, DBK_PRODUCTS, "stock");
    dbk_tally *active = dbk_gen_tally(c, DBK_PRODUCTS, "is_active");
    dbk_csv_format(out, "prd_%05llu", (unsigned long long)i + 1);
    dbk_csv_format(out, "%s %s %llu", looks[i % DBK_COUNT(looks)], things[i / 10 % DBK_COUNT(things)],
                   (unsigned long long)i + 1);
    dbk_csv_format(out, "SKU-%05llu", (unsigned long long)i + 1);
    if (c->products[i].category == 0)
        dbk_csv_empty(out);
    else
        dbk_csv_format(out, "cat_%02d", c->products[i].category);
    dbk_csv_text(out, "each");
    dbk_csv_cents(out, c->products[i].price_cents);
    dbk_csv_int(out, (int64_t)dbk_draw_uniform(&c->random, stock, 500));
    dbk_csv_text(out, dbk_draw_chance(&c->random, active, 950) ? "true" : "false");
    dbk_csv_time(out, created);
    dbk_csv_empty(out); // updated_at
    dbk_csv_empty(out); // description
    dbk_csv_empty(out); // image_url
    dbk_csv_end_line(out);
}

static void write_variants(dbk_gen_company *c, uint64_t i)
{
    dbk_csv_out *out = &c->tables[DBK_VARIANTS].out;
    for (int v = 0; v < 2; v++) {
        dbk_csv_format(out, "var_%05llu%c", (unsigned long long)i + 1, 'a' + v);
        dbk_csv_format(out, "prd_%05llu", (unsigned long long)i + 1);
        dbk_csv_text(out, v ? "Gift box" : "Plain");
        dbk_csv_format(out, "SKU-%05llu-%d", (unsigned long long)i + 1, v + 1);
        dbk_csv_end_line(out);
    }
}

static dbk_status write_products(dbk_gen_company *c, dbk_error *err)
{
    c->products = calloc(c->products_count, sizeof(*c->products));
    if (!c->products)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for %llu products",
                        (unsigned long long)c->products_count);
    dbk_tally *price = dbk_gen_tally(c, DBK_PRODUCTS, "price");
    dbk_tally *category = dbk_gen_tally(c, DBK_PRODUCTS, "category_id");
    dbk_tally *created = dbk_gen_tally(c, DBK_PRODUCTS, "created_at");
    for (uint64_t i = 0; i < c->products_count; i++) {
        // Prices end in 9 or 5 and are mostly small.
        int whole = 1 + (int)dbk_draw_zipf(&c->random, price, 120);
        c->products[i].price_cents = whole * 100 + (dbk_draw_chance(&c->random, price, 500) ? 95 : 49);
        // 0 = no category: about one in 25.
        c->products[i].category = (uint16_t)dbk_draw_uniform(&c->random, category, GEN_CATEGORIES + 1);
        write_product(c, i, early(c, created));
        write_variants(c, i);
    }
    return DBK_OK;
}

uint64_t dbk_gen_offered(const dbk_gen_company *c, int offer, uint64_t place)
{
    return ((uint64_t)offer * GEN_OFFER_VARIANTS + place) % c->products_count;
}

static void write_offers(dbk_gen_company *c)
{
    dbk_csv_out *out = &c->tables[DBK_OFFERS].out;
    dbk_csv_out *attached = &c->tables[DBK_OFFER_VARIANTS].out;
    int64_t span = (c->last_ms - c->first_ms) / GEN_OFFERS;
    for (int i = 0; i < GEN_OFFERS; i++) {
        uint64_t a = dbk_random_u64(&c->random), b = dbk_random_u64(&c->random);
        snprintf(c->offers[i], sizeof(c->offers[i]), "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(a >> 32),
                 (unsigned)(a >> 16) & 0xffff, (unsigned)a & 0xfff, (unsigned)(b >> 48) & 0xfff,
                 (unsigned long long)b & 0xffffffffffff);
        dbk_csv_text(out, c->offers[i]);
        dbk_csv_format(out, "Preorder %d", i + 1);
        dbk_csv_time(out, c->first_ms + i * span);
        dbk_csv_time(out, i == GEN_OFFERS - 1 ? 0 : c->first_ms + (i + 2) * span);
        dbk_csv_end_line(out);
        for (uint64_t v = 0; v < GEN_OFFER_VARIANTS && v < c->products_count; v++) {
            dbk_csv_text(attached, c->offers[i]);
            dbk_csv_format(attached, "var_%05llua", (unsigned long long)dbk_gen_offered(c, i, v) + 1);
            dbk_csv_end_line(attached);
        }
    }
}

static void write_fx_rates(dbk_gen_company *c)
{
    dbk_csv_out *out = &c->tables[DBK_FX_RATES].out;
    dbk_tally *tally = dbk_gen_tally(c, DBK_FX_RATES, "rate");
    int rate[2] = {92000, 117000}; // EUR for one USD, one GBP, in millionths of ten
    static const char *const bases[] = {"USD", "GBP"};
    for (int day = 0; day < c->options.days; day++) {
        char date[DBK_TIME_TEXT_MAX];
        size_t length = dbk_date_write(date, (int32_t)(c->first_ms / DBK_MS_DAY) + day);
        date[length] = 0;
        for (int i = 0; i < 2; i++) {
            rate[i] += (int)dbk_draw_uniform(&c->random, tally, 401) - 200;
            dbk_csv_text(out, date);
            dbk_csv_text(out, bases[i]);
            dbk_csv_text(out, "EUR");
            dbk_csv_format(out, "%d.%05d", rate[i] / 100000, rate[i] % 100000);
            dbk_csv_end_line(out);
        }
    }
}

dbk_status dbk_gen_write_dimensions(dbk_gen_company *c, dbk_error *err)
{
    write_categories(c);
    write_customers(c);
    DBK_TRY(write_products(c, err));
    write_offers(c);
    write_fx_rates(c);
    write_named(c, DBK_VENDORS, "ven", "Vendor", GEN_VENDORS);
    write_named(c, DBK_PROVIDERS, "pro", "Courier", GEN_PROVIDERS);
    write_named(c, DBK_CASH_REGISTERS, "reg", "Till", GEN_REGISTERS);
    write_named(c, DBK_MARKETS, "mkt", "Market", GEN_MARKETS);
    return DBK_OK;
}
