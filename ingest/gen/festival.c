// SPDX-License-Identifier: Apache-2.0
// Tickets are drawn minute by minute: an evening swells towards half past eight, Fridays and Saturdays are
// twice as busy. A ticket is paid at the till within a minute, and most are ready and picked up within
// twenty.
#include "ingest/gen/festival.h"

#include "engine/base/calendar.h"

#include <stdio.h>
#include <stdlib.h>

enum { MINUTES = GEN_FESTIVAL_HOURS * 60, LINES_MAX = 5, REGISTERS = 6 };

static const char *const categories[] = {"Antipasti",       "Primi Piatti", "Secondi Piatti",
                                         "Contorni e Pane", "Dolci",        "Bevande"};

// In the order of how often they are asked for.
static const struct {
    const char *name;
    int category, cents;
} foods[] = {{"Acqua Naturale 0.5 l", 5, 100},
             {"Birra Media", 5, 500},
             {"Patatine Fritte", 3, 350},
             {"Spaghetti alla Carbonara", 1, 850},
             {"Grigliata Mista", 2, 1400},
             {"Acqua Frizzante 0.5 l", 5, 100},
             {"Penne al Ragù", 1, 750},
             {"Salsiccia alla Griglia", 2, 700},
             {"Vino Rosso 0.25 l", 5, 350},
             {"Coca Cola", 5, 300},
             {"Pane", 3, 80},
             {"Gnocchi al Pomodoro", 1, 800},
             {"Tiramisù", 4, 400},
             {"Lasagne", 1, 900},
             {"Pollo allo Spiedo", 2, 850},
             {"Vino Bianco 0.25 l", 5, 350},
             {"Bruschetta", 0, 400},
             {"Caffè", 5, 120},
             {"Frittura di Pesce", 2, 1300},
             {"Insalata Mista", 3, 300},
             {"Tagliere di Salumi", 0, 1000},
             {"Birra Piccola", 5, 350},
             {"Arrosticini", 2, 1000},
             {"Panna Cotta", 4, 400},
             {"Polenta e Funghi", 1, 800},
             {"Fagioli all'Uccelletto", 3, 350},
             {"Crostata", 4, 350},
             {"Caprese", 0, 600},
             {"Tagliata di Manzo", 2, 1600},
             {"Amaro", 5, 300},
             {"Cantucci e Vin Santo", 4, 500},
             {"Olive Ascolane", 0, 500}};

static const char *const registers[REGISTERS] = {"Cassa Principale", "Cassa 2", "Cassa 3", "Bar", "Dolci",
                                                 "Asporto"};

typedef struct festival {
    dbk_gen_company *c;
    dbk_tally *id, *created, *confirmed, *completed, *status, *method, *cash_register, *discount, *product,
        *quantity;
    uint64_t done;
} festival;

// ---- What does not change ----

static void write_dimensions(dbk_gen_company *c)
{
    for (size_t i = 0; i < DBK_COUNT(categories); i++) {
        dbk_csv_out *out = &c->tables[DBK_CATEGORIES].out;
        dbk_csv_format(out, "cat_%02zu", i + 1);
        dbk_csv_text(out, categories[i]);
        dbk_csv_end_line(out);
    }
    for (size_t i = 0; i < REGISTERS; i++) {
        dbk_csv_out *out = &c->tables[DBK_CASH_REGISTERS].out;
        dbk_csv_format(out, "reg_%02zu", i + 1);
        dbk_csv_text(out, registers[i]);
        dbk_csv_end_line(out);
    }
    for (size_t i = 0; i < DBK_COUNT(foods); i++) {
        dbk_csv_out *out = &c->tables[DBK_PRODUCTS].out;
        dbk_csv_format(out, "food_%02zu", i + 1);
        dbk_csv_text(out, foods[i].name);
        dbk_csv_empty(out); // sku
        dbk_csv_format(out, "cat_%02d", foods[i].category + 1);
        dbk_csv_text(out, "portion");
        dbk_csv_cents(out, foods[i].cents);
        dbk_csv_empty(out); // stock
        dbk_csv_text(out, "true");
        dbk_csv_time(out, c->first_ms);
        dbk_csv_empty(out); // updated_at
        dbk_csv_empty(out); // description
        dbk_csv_empty(out); // image_url
        dbk_csv_end_line(out);
    }
}

// ---- Tickets ----

typedef struct ticket {
    char id[24], status[12];
    int64_t created_ms, confirmed_ms, completed_ms, cancelled_ms; // 0 = not
    int64_t subtotal, discount;
    int cash_register; // 0 = none
    bool is_cash;
} ticket;

static void draw_status(festival *f, ticket *t)
{
    enum { PICKED_UP, COMPLETED, CONFIRMED, PENDING, CANCELLED };
    static const char *const names[] = {"PICKED_UP", "COMPLETED", "CONFIRMED", "PENDING", "CANCELLED"};
    static const int weights[] = {920, 30, 20, 15, 15};
    dbk_random *random = &f->c->random;
    int status = dbk_draw_weighted(random, f->status, weights, DBK_COUNT(weights));
    snprintf(t->status, sizeof(t->status), "%s", names[status]);
    if (status == PENDING)
        return;
    int64_t paid_ms = t->created_ms + (int64_t)dbk_draw_uniform(random, f->confirmed, DBK_MS_MINUTE);
    if (status == CANCELLED) {
        t->cancelled_ms = paid_ms;
        return;
    }
    t->confirmed_ms = paid_ms;
    if (status != CONFIRMED)
        t->completed_ms = paid_ms + 2 * DBK_MS_MINUTE +
                          (int64_t)dbk_draw_uniform(random, f->completed, 18 * 60) * DBK_MS_SECOND;
}

static void write_line(festival *f, ticket *t, int number, uint64_t food, int quantity)
{
    dbk_csv_out *out = &f->c->tables[DBK_ORDER_LINES].out;
    int64_t cents = (int64_t)foods[food].cents * quantity;
    t->subtotal += cents;
    dbk_csv_format(out, "%s-%d", t->id, number);
    dbk_csv_text(out, t->id);
    dbk_csv_time(out, t->created_ms);
    dbk_csv_format(out, "food_%02d", (int)food + 1);
    dbk_csv_empty(out); // variant_id
    dbk_csv_empty(out); // offer_id
    dbk_csv_int(out, quantity);
    dbk_csv_cents(out, foods[food].cents);
    dbk_csv_empty(out); // discount
    dbk_csv_cents(out, cents);
    dbk_csv_empty(out); // deposit
    dbk_csv_empty(out); // balance
    dbk_csv_time(out, t->cancelled_ms);
    dbk_csv_empty(out); // cancel_reason
    dbk_csv_empty(out); // refunded
    dbk_csv_end_line(out);
}

static void write_lines(festival *f, ticket *t)
{
    static const int counts[LINES_MAX] = {20, 32, 26, 14, 8};
    static const int quantities[] = {58, 26, 8, 8};
    dbk_random *random = &f->c->random;
    int count = 1 + dbk_draw_weighted(random, f->product, counts, LINES_MAX);
    for (int i = 0; i < count; i++)
        write_line(f, t, i + 1, dbk_draw_zipf(random, f->product, DBK_COUNT(foods)),
                   1 + dbk_draw_weighted(random, f->quantity, quantities, DBK_COUNT(quantities)));
}

static void write_ticket_row(festival *f, const ticket *t)
{
    dbk_csv_out *out = &f->c->tables[DBK_ORDERS].out;
    f->c->subtotals[t->subtotal < GEN_SUBTOTALS ? t->subtotal : GEN_SUBTOTALS - 1]++;
    dbk_csv_text(out, t->id);
    dbk_csv_time(out, t->created_ms);
    dbk_csv_empty(out); // updated_at
    dbk_csv_text(out, "pos");
    dbk_csv_text(out, t->status);
    dbk_csv_empty(out); // customer_id
    dbk_csv_text(out, "EUR");
    dbk_csv_cents(out, t->subtotal);
    dbk_csv_cents(out, t->discount);
    dbk_csv_empty(out); // shipping
    dbk_csv_empty(out); // tax
    dbk_csv_empty(out); // tip
    dbk_csv_cents(out, t->subtotal - t->discount);
    dbk_csv_text(out, t->confirmed_ms == 0 ? "" : t->is_cash ? "CASH" : "CARD");
    dbk_csv_empty(out); // market_id
    if (t->cash_register)
        dbk_csv_format(out, "reg_%02d", t->cash_register);
    else
        dbk_csv_empty(out);
    dbk_csv_time(out, t->confirmed_ms);
    dbk_csv_empty(out); // delivered_at
    dbk_csv_time(out, t->completed_ms);
    dbk_csv_time(out, t->cancelled_ms);
    dbk_csv_empty(out); // cancel_reason
    dbk_csv_end_line(out);
}

static void write_ticket(festival *f, int64_t created_ms)
{
    static const int shares[REGISTERS + 1] = {2, 30, 20, 18, 15, 5, 10};
    dbk_random *random = &f->c->random;
    ticket t = {.created_ms = created_ms};
    snprintf(t.id, sizeof(t.id), "tk_%016llx", (unsigned long long)dbk_random_u64(random));
    f->id->bits += 64;
    draw_status(f, &t);
    t.is_cash = dbk_draw_chance(random, f->method, 450);
    t.cash_register = dbk_draw_weighted(random, f->cash_register, shares, REGISTERS + 1);
    write_lines(f, &t);
    // Helpers eat at half price.
    if (dbk_draw_chance(random, f->discount, 30))
        t.discount = t.subtotal / 2;
    write_ticket_row(f, &t);
    f->done++;
    if (f->c->options.progress && f->done % 4096 == 0)
        f->c->options.progress(f->c->options.user, f->done, f->c->options.orders);
}

// ---- Evenings ----

static int minute_weight(int32_t day, int minute)
{
    enum { PEAK = 210 }; // half past eight
    static const int by_weekday[7] = {10, 10, 11, 13, 22, 24, 17};
    int distance = minute < PEAK ? PEAK - minute : minute - PEAK;
    return (20 + 2 * (PEAK - distance)) * by_weekday[dbk_day_weekday(day)];
}

static int compare_offsets(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static dbk_status write_minute(festival *f, int64_t start_ms, uint64_t count, dbk_error *err)
{
    uint32_t *offsets = malloc((count + 1) * sizeof(*offsets));
    if (offsets == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory making tickets");
    for (uint64_t i = 0; i < count; i++)
        offsets[i] = (uint32_t)dbk_random_below(&f->c->random, DBK_MS_MINUTE);
    qsort(offsets, count, sizeof(*offsets), compare_offsets);
    dbk_tally_sorted(f->created, count, DBK_MS_MINUTE);
    for (uint64_t i = 0; i < count; i++)
        write_ticket(f, start_ms + offsets[i]);
    free(offsets);
    return DBK_OK;
}

static festival festival_of(dbk_gen_company *c)
{
    return (festival){.c = c,
                      .id = dbk_gen_tally(c, DBK_ORDERS, "id"),
                      .created = dbk_gen_tally(c, DBK_ORDERS, "created_at"),
                      .confirmed = dbk_gen_tally(c, DBK_ORDERS, "confirmed_at"),
                      .completed = dbk_gen_tally(c, DBK_ORDERS, "completed_at"),
                      .status = dbk_gen_tally(c, DBK_ORDERS, "status"),
                      .method = dbk_gen_tally(c, DBK_ORDERS, "payment_method"),
                      .cash_register = dbk_gen_tally(c, DBK_ORDERS, "cash_register_id"),
                      .discount = dbk_gen_tally(c, DBK_ORDERS, "discount"),
                      .product = dbk_gen_tally(c, DBK_ORDER_LINES, "product_id"),
                      .quantity = dbk_gen_tally(c, DBK_ORDER_LINES, "quantity")};
}

dbk_status dbk_gen_write_festival(dbk_gen_company *c, dbk_error *err)
{
    festival f = festival_of(c);
    write_dimensions(c);
    int32_t first_day = (int32_t)(c->first_ms / DBK_MS_DAY);
    uint64_t all = 0, weight = 0, before = 0;
    for (int32_t day = 0; day < c->options.days; day++)
        for (int minute = 0; minute < MINUTES; minute++)
            all += (uint64_t)minute_weight(first_day + day, minute);
    for (int32_t day = 0; day < c->options.days; day++) {
        for (int minute = 0; minute < MINUTES; minute++) {
            // Cumulated, so that the minutes add up to exactly the tickets asked for.
            weight += (uint64_t)minute_weight(first_day + day, minute);
            uint64_t upto = (uint64_t)((dbk_u128)c->options.orders * weight / all);
            DBK_TRY(write_minute(&f,
                                 c->first_ms + day * (int64_t)DBK_MS_DAY +
                                     GEN_FESTIVAL_OPENS_HOUR * (int64_t)DBK_MS_HOUR +
                                     minute * (int64_t)DBK_MS_MINUTE,
                                 upto - before, err));
            before = upto;
        }
    }
    return DBK_OK;
}
