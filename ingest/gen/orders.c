// SPDX-License-Identifier: Apache-2.0
// The facts. Orders are drawn hour by hour: how many an hour has follows from the season, the weekday and the
// time of day; inside the hour their instants are a sorted uniform sample. Three in a hundred arrive hours or
// days late, which is how files from real shops look.
#include "ingest/gen/company.h"

#include "engine/base/calendar.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 6, LATE_HOURS_MAX = 72, LATE_PER_MILLE = 30 };

typedef enum order_kind { STANDARD, FLEXIBLE, PREORDER, POS } order_kind;
typedef enum order_state {
    SUBMITTED,
    CONFIRMED,
    SHIPPED,
    DELIVERED,
    CANCELLED,
    COMPLETED,
    PICKED_UP
} order_state;

static const char *const kind_names[] = {"standard", "flexible", "preorder", "pos"};
static const char *const state_names[] = {"SUBMITTED", "CONFIRMED", "SHIPPED",  "DELIVERED",
                                          "CANCELLED", "COMPLETED", "PICKED_UP"};
static const char *const currencies[] = {"EUR", "USD", "GBP"};
static const char *const methods[] = {"card", "paypal", "transfer", "cash"};
static const char *const reasons[] = {"customer_request", "out_of_stock", "payment_failed", "duplicate"};

typedef struct line {
    uint32_t product;
    uint16_t quantity;
    uint8_t variant, offer;
    int64_t total_cents;
} line;

typedef struct order {
    struct order *next; // in a list of late ones
    uint64_t id;
    int64_t created_ms, confirmed_ms, delivered_ms, completed_ms, cancelled_ms;
    uint64_t customer; // 0 = none
    int64_t subtotal, discount, shipping, tax, tip, total;
    order_kind kind;
    order_state state;
    uint8_t currency, method, market, cash_register, reason, lines_count;
    bool refunded;
    line lines[LINES_MAX];
} order;

typedef struct maker {
    dbk_gen_company *c;
    // The tallies of the columns of orders and lines, looked up once.
    dbk_tally *id, *created, *kind, *status, *customer, *currency, *discount, *shipping, *tip, *method,
        *market, *cash_register, *confirmed, *delivered, *completed, *cancelled, *reason;
    dbk_tally *line_product, *line_quantity, *line_variant, *line_offer, *line_refunded;
    order *late[LATE_HOURS_MAX + 1]; // by hour modulo its size
    uint64_t done;
} maker;

static uint64_t draw(maker *m, dbk_tally *tally, uint64_t n)
{
    return dbk_draw_uniform(&m->c->random, tally, n);
}

// ---- One order ----

static void draw_kind_and_state(maker *m, order *o)
{
    static const int kinds[] = {[STANDARD] = 70, [FLEXIBLE] = 3, [PREORDER] = 12, [POS] = 15};
    static const int fresh[] = {35, 30, 30, 3, 2, 0, 0}; // the last three days
    static const int settled[] = {1, 2, 4, 87, 6, 0, 0}; // everything older
    static const int at_till[] = {0, 4, 0, 0, 1, 35, 60};
    o->kind = (order_kind)dbk_draw_weighted(&m->c->random, m->kind, kinds, DBK_COUNT(kinds));
    bool is_fresh = m->c->last_ms - o->created_ms < 3ll * DBK_MS_DAY;
    const int *weights = o->kind == POS ? at_till : is_fresh ? fresh : settled;
    o->state = (order_state)dbk_draw_weighted(&m->c->random, m->status, weights, 7);
}

static int64_t later(maker *m, dbk_tally *tally, int64_t from, int64_t within_ms)
{
    int64_t seconds = within_ms / DBK_MS_SECOND;
    return from + (1 + (int64_t)draw(m, tally, (uint64_t)seconds)) * DBK_MS_SECOND;
}

static void draw_times(maker *m, order *o)
{
    if (o->state == CANCELLED) {
        o->cancelled_ms = later(m, m->cancelled, o->created_ms, 2ll * DBK_MS_DAY);
        static const int weights[] = {50, 20, 15, 5, 10};
        o->reason = (uint8_t)dbk_draw_weighted(&m->c->random, m->reason, weights, 5);
        return;
    }
    if (o->state == SUBMITTED)
        return;
    o->confirmed_ms = later(m, m->confirmed, o->created_ms, o->kind == POS ? DBK_MS_MINUTE : 4 * DBK_MS_HOUR);
    if (o->state == DELIVERED)
        o->delivered_ms = later(m, m->delivered, o->confirmed_ms, 4ll * DBK_MS_DAY);
    if (o->state == COMPLETED || o->state == PICKED_UP)
        o->completed_ms = later(m, m->completed, o->confirmed_ms, 20 * DBK_MS_MINUTE);
}

static void draw_product(maker *m, line *l)
{
    l->product = (uint32_t)dbk_draw_zipf(&m->c->random, m->line_product, m->c->products_count);
    l->variant = (uint8_t)draw(m, m->line_variant, 2);
}

// Preorders are for what is attached to their offer, and not the last of it.
static void draw_offered(maker *m, line *l)
{
    uint64_t places = m->c->products_count < GEN_OFFER_VARIANTS ? m->c->products_count : GEN_OFFER_VARIANTS;
    uint64_t offer = draw(m, m->line_offer, GEN_OFFERS);
    uint64_t place = dbk_draw_zipf(&m->c->random, m->line_product, places - (places > 1));
    l->offer = (uint8_t)(1 + offer);
    l->product = (uint32_t)dbk_gen_offered(m->c, (int)offer, place);
}

static void draw_lines(maker *m, order *o)
{
    static const int counts[] = {30, 28, 20, 12, 6, 4};
    static const int quantities[] = {50, 20, 12, 8, 5, 3, 2};
    dbk_random *random = &m->c->random;
    o->lines_count = (uint8_t)(1 + dbk_draw_weighted(random, m->line_product, counts, LINES_MAX));
    for (int i = 0; i < o->lines_count; i++) {
        line *l = &o->lines[i];
        l->quantity = (uint16_t)(1 + dbk_draw_weighted(random, m->line_quantity, quantities, 7));
        if (o->kind == PREORDER)
            draw_offered(m, l);
        else
            draw_product(m, l);
        l->total_cents = (int64_t)m->c->products[l->product].price_cents * l->quantity;
        o->subtotal += l->total_cents;
    }
}

static void draw_money(maker *m, order *o)
{
    static const int percents[] = {0, 5, 10, 20};
    static const int percent_weights[] = {85, 6, 6, 3};
    if (o->kind != PREORDER)
        o->discount =
            o->subtotal * percents[dbk_draw_weighted(&m->c->random, m->discount, percent_weights, 4)] / 100;
    if (o->kind == POS)
        o->tip = dbk_draw_chance(&m->c->random, m->tip, 200) ? 50 * (int64_t)(1 + draw(m, m->tip, 6)) : 0;
    else if (o->subtotal - o->discount < 5000)
        o->shipping = dbk_draw_chance(&m->c->random, m->shipping, 800) ? 495 : 995;
    // A fifth on top, rounded to the cent.
    o->tax = (o->subtotal - o->discount + o->shipping + 2) / 5;
    o->total = o->subtotal - o->discount + o->shipping + o->tax + o->tip;
}

static order *make_order(maker *m, int64_t created_ms)
{
    static const int currency_weights[] = {970, 20, 10};
    static const int web_methods[] = {60, 25, 15, 0}, till_methods[] = {55, 0, 0, 45};
    order *o = calloc(1, sizeof(*o));
    if (!o)
        return NULL;
    o->created_ms = created_ms;
    o->id = dbk_random_u64(&m->c->random);
    m->id->bits += 64;
    draw_kind_and_state(m, o);
    draw_times(m, o);
    // At the till, and where staff enter an order, nobody is named.
    if (!dbk_draw_chance(&m->c->random, m->customer, o->kind == POS ? 900 : 30))
        o->customer = 1 + dbk_draw_zipf(&m->c->random, m->customer, m->c->customers);
    o->currency =
        o->kind == POS ? 0 : (uint8_t)dbk_draw_weighted(&m->c->random, m->currency, currency_weights, 3);
    o->method =
        (uint8_t)dbk_draw_weighted(&m->c->random, m->method, o->kind == POS ? till_methods : web_methods, 4);
    if (o->kind == POS)
        o->cash_register = (uint8_t)(1 + draw(m, m->cash_register, GEN_REGISTERS));
    else
        o->market = (uint8_t)(1 + dbk_draw_zipf(&m->c->random, m->market, GEN_MARKETS));
    draw_lines(m, o);
    draw_money(m, o);
    o->refunded = o->state == DELIVERED && dbk_draw_chance(&m->c->random, m->line_refunded, 60);
    return o;
}

// ---- Writing ----

static void write_code(dbk_csv_out *out, const char *prefix, int number)
{
    if (number)
        dbk_csv_format(out, "%s_%02d", prefix, number);
    else
        dbk_csv_empty(out);
}

static void write_order_id(dbk_csv_out *out, const order *o)
{
    dbk_csv_format(out, "ord_%016llx", (unsigned long long)o->id);
}

static void write_customer(dbk_csv_out *out, const order *o)
{
    if (o->customer)
        dbk_csv_format(out, "cus_%07llu", (unsigned long long)o->customer);
    else
        dbk_csv_empty(out);
}

static void write_order_row(dbk_gen_company *c, const order *o)
{
    c->subtotals[o->subtotal < GEN_SUBTOTALS ? o->subtotal : GEN_SUBTOTALS - 1]++;
    dbk_csv_out *out = &c->tables[DBK_ORDERS].out;
    write_order_id(out, o);
    dbk_csv_time(out, o->created_ms);
    dbk_csv_empty(out); // updated_at
    dbk_csv_text(out, kind_names[o->kind]);
    dbk_csv_text(out, state_names[o->state]);
    write_customer(out, o);
    dbk_csv_text(out, currencies[o->currency]);
    dbk_csv_cents(out, o->subtotal);
    dbk_csv_cents(out, o->discount);
    dbk_csv_cents(out, o->shipping);
    dbk_csv_cents(out, o->tax);
    dbk_csv_cents(out, o->tip);
    dbk_csv_cents(out, o->total);
    dbk_csv_text(out, methods[o->method]);
    write_code(out, "mkt", o->market);
    write_code(out, "reg", o->cash_register);
    dbk_csv_time(out, o->confirmed_ms);
    dbk_csv_time(out, o->delivered_ms);
    dbk_csv_time(out, o->completed_ms);
    dbk_csv_time(out, o->cancelled_ms);
    dbk_csv_text(out, o->state == CANCELLED && o->reason < 4 ? reasons[o->reason] : "");
    dbk_csv_end_line(out);
}

static int64_t deposit_of(const order *o, const line *l)
{
    return o->kind == PREORDER ? l->total_cents * 3 / 10 : 0;
}

static void write_line_row(dbk_gen_company *c, const order *o, const line *l, bool refunded)
{
    dbk_csv_out *out = &c->tables[DBK_ORDER_LINES].out;
    dbk_csv_format(out, "ln%llu", (unsigned long long)++c->lines_written);
    write_order_id(out, o);
    dbk_csv_time(out, o->created_ms);
    dbk_csv_format(out, "prd_%05u", l->product + 1);
    dbk_csv_format(out, "var_%05u%c", l->product + 1, 'a' + l->variant);
    dbk_csv_text(out, l->offer ? c->offers[l->offer - 1] : "");
    dbk_csv_int(out, l->quantity);
    dbk_csv_cents(out, c->products[l->product].price_cents);
    dbk_csv_empty(out); // discount
    dbk_csv_cents(out, l->total_cents);
    if (o->kind == PREORDER) {
        dbk_csv_cents(out, deposit_of(o, l));
        dbk_csv_cents(out, l->total_cents - deposit_of(o, l));
    } else {
        dbk_csv_empty(out);
        dbk_csv_empty(out);
    }
    dbk_csv_time(out, o->cancelled_ms);
    dbk_csv_text(out, o->state == CANCELLED && o->reason < 4 ? reasons[o->reason] : "");
    if (refunded)
        dbk_csv_cents(out, l->total_cents);
    else
        dbk_csv_empty(out);
    dbk_csv_end_line(out);
}

// line_number 0: a payment of the whole order.
static void write_payment(dbk_gen_company *c, const order *o, uint64_t line_number, const char *kind,
                          const char *status, int64_t at_ms, int64_t cents)
{
    dbk_csv_out *out = &c->tables[DBK_PAYMENTS].out;
    dbk_csv_format(out, "pay%llu", (unsigned long long)++c->payments_written);
    dbk_csv_time(out, at_ms);
    write_order_id(out, o);
    if (line_number > 0)
        dbk_csv_format(out, "ln%llu", (unsigned long long)line_number);
    else
        dbk_csv_empty(out);
    write_customer(out, o);
    dbk_csv_text(out, kind);
    dbk_csv_text(out, status);
    dbk_csv_text(out, methods[o->method]);
    dbk_csv_cents(out, cents);
    dbk_csv_text(out, currencies[o->currency]);
    dbk_csv_end_line(out);
}

// Each line's deposit at once, its balance when the goods are there; the rest of the order's total at once
// too.
static void write_preorder_payments(maker *m, const order *o)
{
    dbk_tally *status = dbk_gen_tally(m->c, DBK_PAYMENTS, "status");
    for (int i = 0; i < o->lines_count; i++) {
        const line *l = &o->lines[i];
        uint64_t number = m->c->lines_written - o->lines_count + 1 + (uint64_t)i;
        int64_t deposit = deposit_of(o, l);
        write_payment(m->c, o, number, "deposit", "confirmed", o->created_ms, deposit);
        if (o->state == CANCELLED)
            write_payment(m->c, o, number, "refund", "confirmed", o->cancelled_ms + DBK_MS_HOUR, deposit);
        if (!o->delivered_ms)
            continue;
        int64_t due_ms = o->delivered_ms - DBK_MS_HOUR;
        bool has_failed = dbk_draw_chance(&m->c->random, status, 30);
        if (has_failed)
            write_payment(m->c, o, number, "balance", "failed", due_ms, l->total_cents - deposit);
        // Of those that failed most are paid a day later.
        if (!has_failed || dbk_draw_chance(&m->c->random, status, 800))
            write_payment(m->c, o, number, "balance", "confirmed", due_ms + has_failed * (int64_t)DBK_MS_DAY,
                          l->total_cents - deposit);
    }
    if (o->state != CANCELLED)
        write_payment(m->c, o, 0, "payment", "confirmed", o->created_ms, o->total - o->subtotal);
}

static void write_payments(maker *m, const order *o)
{
    dbk_tally *status = dbk_gen_tally(m->c, DBK_PAYMENTS, "status");
    if (dbk_draw_chance(&m->c->random, status, 15))
        write_payment(m->c, o, 0, "payment", "failed", o->created_ms, o->total);
    if (o->kind == PREORDER)
        write_preorder_payments(m, o);
    else if (o->state != CANCELLED)
        write_payment(m->c, o, 0, "payment", o->state == SUBMITTED ? "pending" : "confirmed", o->created_ms,
                      o->total);
    if (o->refunded)
        write_payment(m->c, o, m->c->lines_written - o->lines_count + 1, "refund", "confirmed",
                      o->delivered_ms + 5ll * DBK_MS_DAY, o->lines[0].total_cents);
}

// One web order in twenty is made by a vendor and brought by a provider.
static void write_marketplace(maker *m, const order *o)
{
    dbk_gen_company *c = m->c;
    dbk_tally *vendor_tally = dbk_gen_tally(c, DBK_VENDOR_PAYMENTS, "vendor_id");
    if (o->kind == POS || o->state == CANCELLED || !dbk_draw_chance(&c->random, vendor_tally, 50))
        return;
    int vendor = 1 + (int)dbk_draw_zipf(&c->random, vendor_tally, GEN_VENDORS);
    int provider = 1 + (int)draw(m, dbk_gen_tally(c, DBK_PROVIDER_ASSIGNMENTS, "provider_id"), GEN_PROVIDERS);
    bool paid = o->delivered_ms != 0;
    dbk_csv_out *out = &c->tables[DBK_VENDOR_PAYMENTS].out;
    dbk_csv_format(out, "vp%llu", (unsigned long long)++c->vendor_payments_written);
    dbk_csv_time(out, o->created_ms + DBK_MS_HOUR);
    write_code(out, "ven", vendor);
    write_order_id(out, o);
    dbk_csv_cents(out, o->subtotal * 7 / 10);
    dbk_csv_text(out, currencies[o->currency]);
    dbk_csv_text(out, paid ? "paid" : "pending");
    dbk_csv_time(out, paid ? o->delivered_ms + 7ll * DBK_MS_DAY : 0);
    dbk_csv_end_line(out);

    out = &c->tables[DBK_PROVIDER_ASSIGNMENTS].out;
    dbk_csv_format(out, "pa%llu", (unsigned long long)++c->assignments_written);
    dbk_csv_time(out, o->created_ms + DBK_MS_HOUR);
    write_order_id(out, o);
    write_code(out, "pro", provider);
    write_code(out, "ven", vendor);
    dbk_csv_text(out, provider % 3 ? "15.0" : "12.5");
    dbk_csv_cents(out, o->subtotal * 85 / 1000);
    dbk_csv_text(out, currencies[o->currency]);
    dbk_csv_text(out, paid ? "completed" : o->state == SUBMITTED ? "assigned" : "confirmed");
    dbk_csv_format(out, "ln%llu", (unsigned long long)c->lines_written); // the order's last line
    dbk_csv_end_line(out);
}

static void write_order(maker *m, order *o)
{
    write_order_row(m->c, o);
    for (int i = 0; i < o->lines_count; i++)
        write_line_row(m->c, o, &o->lines[i], o->refunded && i == 0);
    write_payments(m, o);
    write_marketplace(m, o);
    free(o);
    m->done++;
    if (m->c->options.progress && m->done % 4096 == 0)
        m->c->options.progress(m->c->options.user, m->done, m->c->options.orders);
}

// ---- Time ----

// Relative weight of an hour: time of day × weekday × season × growth.
static double hour_weight(const dbk_gen_company *c, int64_t hour)
{
    static const double by_hour[24] = {3,  2,  1,  1,  1,  2,  5,  12, 20, 28, 34, 38,
                                       40, 37, 34, 33, 34, 36, 38, 36, 30, 22, 14, 7};
    static const double by_weekday[7] = {11, 10, 10, 11, 13, 8, 5};
    static const double by_month[12] = {8, 7.5, 8, 8, 8.5, 8, 7.5, 7, 9, 10, 14, 16};
    int64_t ms = c->first_ms + hour * DBK_MS_HOUR;
    dbk_civil civil = dbk_civil_from_ms(ms, NULL);
    double growth = 1 + 0.5 * (double)hour / ((double)c->options.days * 24);
    return by_hour[civil.hour] * by_weekday[dbk_day_weekday((int32_t)(ms / DBK_MS_DAY))] *
           by_month[civil.month - 1] * growth;
}

static int compare_ms(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void flush_late(maker *m, int64_t hour)
{
    order **slot = &m->late[hour % (LATE_HOURS_MAX + 1)];
    order *o = *slot;
    *slot = NULL;
    while (o) {
        order *next = o->next;
        write_order(m, o);
        o = next;
    }
}

static dbk_status make_hour(maker *m, int64_t hour, uint64_t count, uint32_t *offsets, dbk_error *err)
{
    // How late an order arrives decides where its row stands, not what a column holds.
    dbk_tally arrival = {0};
    for (uint64_t i = 0; i < count; i++)
        offsets[i] = (uint32_t)dbk_random_below(&m->c->random, DBK_MS_HOUR);
    if (count > 0) // before the first order there is no array yet
        qsort(offsets, count, sizeof(*offsets), compare_ms);
    dbk_tally_sorted(m->created, count, DBK_MS_HOUR);
    for (uint64_t i = 0; i < count; i++) {
        order *o = make_order(m, m->c->first_ms + hour * DBK_MS_HOUR + offsets[i]);
        if (!o)
            return dbk_fail(err, DBK_NO_MEMORY, "out of memory making orders");
        if (!dbk_draw_chance(&m->c->random, &arrival, LATE_PER_MILLE)) {
            write_order(m, o);
            continue;
        }
        int64_t due = hour + 1 + (int64_t)dbk_draw_uniform(&m->c->random, &arrival, LATE_HOURS_MAX);
        order **slot = &m->late[due % (LATE_HOURS_MAX + 1)];
        o->next = *slot;
        *slot = o;
    }
    return DBK_OK;
}

static maker maker_of(dbk_gen_company *c)
{
    maker m = {.c = c};
    const struct {
        dbk_tally **tally;
        dbk_table_id table;
        const char *column;
    } tallies[] = {
        {&m.id, DBK_ORDERS, "id"},
        {&m.created, DBK_ORDERS, "created_at"},
        {&m.kind, DBK_ORDERS, "kind"},
        {&m.status, DBK_ORDERS, "status"},
        {&m.customer, DBK_ORDERS, "customer_id"},
        {&m.currency, DBK_ORDERS, "currency"},
        {&m.discount, DBK_ORDERS, "discount"},
        {&m.shipping, DBK_ORDERS, "shipping"},
        {&m.tip, DBK_ORDERS, "tip"},
        {&m.method, DBK_ORDERS, "payment_method"},
        {&m.market, DBK_ORDERS, "market_id"},
        {&m.cash_register, DBK_ORDERS, "cash_register_id"},
        {&m.confirmed, DBK_ORDERS, "confirmed_at"},
        {&m.delivered, DBK_ORDERS, "delivered_at"},
        {&m.completed, DBK_ORDERS, "completed_at"},
        {&m.cancelled, DBK_ORDERS, "cancelled_at"},
        {&m.reason, DBK_ORDERS, "cancel_reason"},
        {&m.line_product, DBK_ORDER_LINES, "product_id"},
        {&m.line_quantity, DBK_ORDER_LINES, "quantity"},
        {&m.line_variant, DBK_ORDER_LINES, "variant_id"},
        {&m.line_offer, DBK_ORDER_LINES, "offer_id"},
        {&m.line_refunded, DBK_ORDER_LINES, "refunded"},
    };
    for (size_t i = 0; i < DBK_COUNT(tallies); i++)
        *tallies[i].tally = dbk_gen_tally(c, tallies[i].table, tallies[i].column);
    return m;
}

dbk_status dbk_gen_write_orders(dbk_gen_company *c, dbk_error *err)
{
    maker m = maker_of(c);
    int64_t hours = (int64_t)c->options.days * 24;
    double total_weight = 0;
    for (int64_t h = 0; h < hours; h++)
        total_weight += hour_weight(c, h);

    dbk_status status = DBK_OK;
    uint32_t *offsets = NULL;
    uint64_t capacity = 0, before = 0;
    double weight = 0;
    for (int64_t h = 0; h < hours + LATE_HOURS_MAX + 1 && status == DBK_OK; h++) {
        flush_late(&m, h);
        if (h >= hours)
            continue;
        // Cumulated, so that the hours add up to exactly the orders asked for.
        weight += hour_weight(c, h);
        uint64_t upto = h == hours - 1 ? c->options.orders
                                       : (uint64_t)((double)c->options.orders * (weight / total_weight));
        uint64_t count = upto > before ? upto - before : 0;
        before += count;
        if (count > capacity) {
            capacity = count * 2;
            free(offsets);
            offsets = malloc(capacity * sizeof(*offsets));
            if (!offsets)
                status = dbk_fail(err, DBK_NO_MEMORY, "out of memory making orders");
        }
        if (status == DBK_OK)
            status = make_hour(&m, h, count, offsets, err);
    }
    free(offsets);
    for (int i = 0; i <= LATE_HOURS_MAX; i++)
        while (m.late[i]) {
            order *next = m.late[i]->next;
            free(m.late[i]);
            m.late[i] = next;
        }
    return status;
}

void dbk_gen_write_subscriptions(dbk_gen_company *c)
{
    static const char *const models[] = {"Basic Monthly", "Premium Monthly", "Basic Yearly"};
    static const int prices[] = {1999, 4999, 19999};
    static const int model_weights[] = {60, 30, 10}, state_weights[] = {75, 5, 15, 5};
    static const char *const states[] = {"active", "cancelling", "cancelled", "expired"};
    dbk_csv_out *out = &c->tables[DBK_SUBSCRIPTIONS].out;
    dbk_tally *model_tally = dbk_gen_tally(c, DBK_SUBSCRIPTIONS, "model_name");
    dbk_tally *state_tally = dbk_gen_tally(c, DBK_SUBSCRIPTIONS, "status");
    dbk_tally *started_tally = dbk_gen_tally(c, DBK_SUBSCRIPTIONS, "started_at");
    dbk_tally *ended_tally = dbk_gen_tally(c, DBK_SUBSCRIPTIONS, "cancelled_at");
    uint64_t count = c->customers / 10 + 1;
    uint64_t seconds = (uint64_t)(c->last_ms - c->first_ms) / DBK_MS_SECOND;
    for (uint64_t i = 1; i <= count; i++) {
        int model = dbk_draw_weighted(&c->random, model_tally, model_weights, 3);
        int state = dbk_draw_weighted(&c->random, state_tally, state_weights, 4);
        int64_t started =
            c->first_ms + (int64_t)dbk_draw_uniform(&c->random, started_tally, seconds) * DBK_MS_SECOND;
        uint64_t left = (uint64_t)(c->last_ms - started) / DBK_MS_SECOND;
        int64_t ended =
            state ? started + (1 + (int64_t)dbk_draw_uniform(&c->random, ended_tally, left)) * DBK_MS_SECOND
                  : 0;
        dbk_csv_format(out, "sub%llu", (unsigned long long)i);
        dbk_csv_format(out, "cus_%07llu", (unsigned long long)i);
        dbk_csv_text(out, models[model]);
        dbk_csv_text(out, states[state]);
        dbk_csv_cents(out, prices[model]);
        dbk_csv_text(out, "EUR");
        dbk_csv_text(out, model == 2 ? "year" : "month");
        dbk_csv_time(out, started);
        dbk_csv_empty(out); // trial_ends_at
        dbk_csv_time(out, ended);
        dbk_csv_time(out, state >= 2 ? ended : 0);
        dbk_csv_end_line(out);
    }
}
