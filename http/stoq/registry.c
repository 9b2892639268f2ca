// SPDX-License-Identifier: Apache-2.0
// The nine declarations.
#include "http/stoq/registry.h"

#include "http/stoq/reports.h"

#include <string.h>

// ---- Parameters ----

static const char *const granularities[] = {"day", "week", "month", NULL};
static const char *const metrics[] = {"orders",
                                      "units",
                                      "revenue",
                                      "customers",
                                      "deposits_collected",
                                      "balances_collected",
                                      "cancelled_orders",
                                      "cancelled_units",
                                      "refunds_issued",
                                      NULL};

const dbk_stoq_parameter dbk_stoq_parameters[DBK_STOQ_PARAMETER_COUNT] = {
    [DBK_STOQ_FROM] = {.name = "from",
                       .type = DBK_STOQ_DATE,
                       .description =
                           "First day of the window, inclusive, in the shop's time zone. By default "
                           "29 days before `to`."},
    [DBK_STOQ_TO] = {.name = "to",
                     .type = DBK_STOQ_DATE,
                     .description = "Last day of the window, inclusive. By default today."},
    [DBK_STOQ_OFFER_ID] = {.name = "offer_id",
                           .type = DBK_STOQ_UUID,
                           .description = "Only what was sold under this offer."},
    [DBK_STOQ_OFFER_IDS] = {.name = "offer_ids",
                            .type = DBK_STOQ_UUID_LIST,
                            .max = 100,
                            .description =
                                "Only what was sold under these offers; `offer_id` is one of them."},
    [DBK_STOQ_REPORT_CURRENCY] = {.name = "currency",
                                  .type = DBK_STOQ_CURRENCY,
                                  .description = "The reporting currency. By default the shop's own. Other "
                                                 "currencies are converted at the rate of the order's day."},
    [DBK_STOQ_PRODUCT_ID] = {.name = "product_id", .type = DBK_STOQ_ID, .description = "Only this product."},
    [DBK_STOQ_VARIANT_ID] = {.name = "variant_id", .type = DBK_STOQ_ID, .description = "Only this variant."},
    [DBK_STOQ_MARKET_ID] = {.name = "market_id",
                            .type = DBK_STOQ_ID,
                            .description = "Only orders of this market."},
    [DBK_STOQ_GRANULARITY] = {.name = "granularity",
                              .type = DBK_STOQ_ENUM,
                              .values = granularities,
                              .standard = "\"day\"",
                              .is_echoed = true,
                              .description = "How long a bucket is. Weeks begin on Monday."},
    [DBK_STOQ_METRICS] = {.name = "metrics",
                          .type = DBK_STOQ_ENUM_LIST,
                          .values = metrics,
                          .max = 100,
                          .description = "Which columns are computed. By default all."},
    [DBK_STOQ_INCLUDE_DEPOSITS] = {.name = "include_deposits",
                                   .type = DBK_STOQ_BOOL,
                                   .standard = "true",
                                   .is_echoed = true,
                                   .description = "Whether revenue has the deposit of each line."},
    [DBK_STOQ_INCLUDE_BALANCES] = {.name = "include_balances",
                                   .type = DBK_STOQ_BOOL,
                                   .standard = "true",
                                   .is_echoed = true,
                                   .description =
                                       "Whether revenue has the balance of each line. At least one of "
                                       "the two must be true."},
    [DBK_STOQ_PAGE] = {.name = "page",
                       .type = DBK_STOQ_INTEGER,
                       .min = 1,
                       .max = 1000000000,
                       .standard = "1",
                       .is_paging = true,
                       .description = "Which page. An export has all of them."},
    [DBK_STOQ_PER_PAGE] = {.name = "per_page",
                           .type = DBK_STOQ_INTEGER,
                           .min = 1,
                           .max = 250,
                           .standard = "25",
                           .is_paging = true,
                           .description = "Rows of a page."},
};

#define BIT(parameter) (1u << (parameter))
#define SCOPE                                                                                                \
    (BIT(DBK_STOQ_FROM) | BIT(DBK_STOQ_TO) | BIT(DBK_STOQ_OFFER_ID) | BIT(DBK_STOQ_OFFER_IDS) |              \
     BIT(DBK_STOQ_REPORT_CURRENCY))
#define WARES (BIT(DBK_STOQ_PRODUCT_ID) | BIT(DBK_STOQ_VARIANT_ID) | BIT(DBK_STOQ_MARKET_ID))

// ---- Columns ----

#define INT(name, text)                                                                                      \
    {                                                                                                        \
        .key = name, .type = DBK_STOQ_INT, .description = text                                               \
    }
#define MONEY(name, text)                                                                                    \
    {                                                                                                        \
        .key = name, .type = DBK_STOQ_MONEY, .description = text                                             \
    }
#define PART(name, text)                                                                                     \
    {                                                                                                        \
        .key = name, .type = DBK_STOQ_MONEY, .is_nullable = true, .description = text                        \
    }
#define TEXT_OR_NULL(name, text)                                                                             \
    {                                                                                                        \
        .key = name, .type = DBK_STOQ_TEXT, .is_nullable = true, .description = text                         \
    }
#define TEXT(name, text)                                                                                     \
    {                                                                                                        \
        .key = name, .type = DBK_STOQ_TEXT, .description = text                                              \
    }
#define DAY(name, text)                                                                                      \
    {                                                                                                        \
        .key = name, .type = DBK_STOQ_DAY, .description = text                                               \
    }
#define RATIO(name, text)                                                                                    \
    {                                                                                                        \
        .key = name, .type = DBK_STOQ_RATIO, .description = text                                             \
    }
#define FLAG(name, text)                                                                                     \
    {                                                                                                        \
        .key = name, .type = DBK_STOQ_FLAG, .description = text                                              \
    }
#define METRIC_INT(name, text)                                                                               \
    {                                                                                                        \
        .key = name, .type = DBK_STOQ_INT, .is_metric = true, .description = text                            \
    }
#define METRIC_MONEY(name, text)                                                                             \
    {                                                                                                        \
        .key = name, .type = DBK_STOQ_MONEY, .is_metric = true, .description = text                          \
    }

#define SALES                                                                                                \
    INT("orders", "Orders with such a line."), INT("units", "Units ordered."),                               \
        MONEY("revenue", "What the lines come to, cancelled ones too: deposits and balances."),              \
        MONEY("deposits", "The deposit part of it."), MONEY("balances", "The balance part of it."),          \
        INT("customers", "Customers who ordered them.")
#define OFFER TEXT("offer_id", "The offer."), TEXT_OR_NULL("offer_name", "Its current name.")
#define OFFER_OR_NULL                                                                                        \
    TEXT_OR_NULL("offer_id", "The offer; null for payments that name no line."),                             \
        TEXT_OR_NULL("offer_name", "Its current name.")

static const dbk_stoq_column sales_totals[] = {SALES};
static const dbk_stoq_column offer_rows[] = {OFFER, SALES};
static const dbk_stoq_column product_rows[] = {
    TEXT_OR_NULL("product_id", "The product; null for lines without."),
    TEXT_OR_NULL("product_name", "Its current name."), TEXT_OR_NULL("sku", "Its current SKU."),
    INT("variants", "How many of its variants were ordered."), SALES};
static const dbk_stoq_column variant_rows[] = {
    OFFER,
    TEXT_OR_NULL("variant_id", "The variant; null for lines without."),
    TEXT_OR_NULL("variant_name", "Its current name."),
    TEXT_OR_NULL("sku", "Its current SKU."),
    TEXT_OR_NULL("product_id", "Its product."),
    TEXT_OR_NULL("product_name", "The product's current name."),
    FLAG("attached", "Whether the variant is attached to the offer; one that was sold is shown either way."),
    SALES};
static const dbk_stoq_column summary_totals[] = {
    INT("orders", "Orders placed."),
    INT("units", "Units ordered."),
    MONEY("revenue", "What the lines placed come to, cancelled ones too."),
    INT("customers", "Customers who placed them."),
    MONEY("average_order_value", "revenue / orders; 0 without orders."),
    MONEY("deposits_collected", "Deposits paid in the window."),
    MONEY("balances_collected", "Balances paid in the window."),
    MONEY("balances_outstanding",
          "Balances of lines not cancelled that are still to be paid at the end of `to`."),
    INT("cancelled_orders", "Orders cancelled in the window, in whole or in part."),
    INT("cancelled_units", "Units cancelled in the window.")};

#define REVENUE_COLUMNS                                                                                      \
    INT("orders", "Orders placed."), INT("units", "Units ordered."),                                         \
        PART("deposits", "The deposit part of the lines placed; null when not included."),                   \
        PART("balances", "The balance part; null when not included."),                                       \
        MONEY("revenue", "The sum of the parts that are included.")
static const dbk_stoq_column revenue_totals[] = {REVENUE_COLUMNS};
static const dbk_stoq_column revenue_rows[] = {DAY("date", "First day of the bucket."), REVENUE_COLUMNS};

#define METRIC_COLUMNS                                                                                       \
    METRIC_INT("orders", "Orders placed."), METRIC_INT("units", "Units ordered."),                           \
        METRIC_MONEY("revenue", "What the lines placed come to, cancelled ones too."),                       \
        METRIC_INT("customers", "Customers who placed them."),                                               \
        METRIC_MONEY("deposits_collected", "Deposits paid."),                                                \
        METRIC_MONEY("balances_collected", "Balances paid."),                                                \
        METRIC_INT("cancelled_orders", "Orders cancelled, in whole or in part."),                            \
        METRIC_INT("cancelled_units", "Units cancelled."),                                                   \
        METRIC_MONEY("refunds_issued", "Refunds of preorders paid.")
static const dbk_stoq_column date_totals[] = {METRIC_COLUMNS};
static const dbk_stoq_column date_rows[] = {DAY("date", "First day of the bucket."), METRIC_COLUMNS};

#define CANCELLED                                                                                            \
    INT("cancelled_orders", "Orders cancelled in the window, in whole or in part."),                         \
        INT("cancelled_units", "Units cancelled."), MONEY("cancelled_revenue", "What the lines came to.")
static const dbk_stoq_column cancellation_totals[] = {
    CANCELLED, MONEY("refunds_issued", "Refunds of preorders paid in the window."),
    INT("refund_count", "How many."),
    RATIO("cancellation_rate", "Of the units placed in the window, how many are cancelled by its end.")};
static const dbk_stoq_column reason_rows[] = {
    TEXT("reason", "The line's reason, or else the order's; \"unknown\" where neither has one."), CANCELLED};
static const dbk_stoq_column cancelled_offer_rows[] = {
    OFFER_OR_NULL, CANCELLED, MONEY("refunds_issued", "Refunds of its lines paid in the window.")};
static const dbk_stoq_column cancellation_rows[] = {
    TEXT("reason", "The line's reason, or else the order's; \"unknown\" where neither has one."), OFFER,
    CANCELLED};

#define BALANCES                                                                                             \
    MONEY("balances_outstanding",                                                                            \
          "Balances of lines not cancelled that are still to be paid at the end of `to`."),                  \
        MONEY("balances_collected", "Balances paid in the window."),                                         \
        MONEY("balances_failed", "Balances whose payment failed in the window, each attempt."),              \
        INT("balances_collected_count", "Payments that succeeded."),                                         \
        INT("balances_failed_count", "Attempts that failed."),                                               \
        RATIO("collection_rate", "Successes / (successes + failures); 0 without either.")
static const dbk_stoq_column balance_totals[] = {BALANCES};
static const dbk_stoq_column balance_rows[] = {OFFER_OR_NULL, BALANCES};

static const dbk_stoq_column customer_rows[] = {
    TEXT("customer_id", "The customer."),
    TEXT_OR_NULL("customer_name", "Their current name."),
    TEXT_OR_NULL("customer_email", "Their current e-mail address."),
    INT("orders", "Orders they placed in the window."),
    INT("units", "Units they ordered."),
    MONEY("revenue", "What the lines come to, cancelled ones too."),
    DAY("first_order_on", "Day of the first of these orders."),
    DAY("last_order_on", "Day of the last.")};
static const dbk_stoq_column customer_meta[] = {INT("total_count", "Customers of all pages."),
                                                INT("page", "This page."), INT("per_page", "Rows of a page."),
                                                INT("total_pages", "How many pages there are.")};

// ---- Sets ----

#define SET(name, list, text)                                                                                \
    {                                                                                                        \
        .key = name, .columns_count = DBK_COUNT(list), .columns = list, .description = text                  \
    }
#define OBJECT(name, list, text)                                                                             \
    {                                                                                                        \
        .key = name, .is_object = true, .columns_count = DBK_COUNT(list), .columns = list,                   \
        .description = text                                                                                  \
    }
#define EXPORTED(name, list, text)                                                                           \
    {                                                                                                        \
        .key = name, .is_exported = true, .columns_count = DBK_COUNT(list), .columns = list,                 \
        .description = text                                                                                  \
    }

static const dbk_stoq_set summary_sets[] = {
    {.key = "totals",
     .is_object = true,
     .is_exported = true,
     .columns_count = DBK_COUNT(summary_totals),
     .columns = summary_totals,
     .description = "The whole window."},
    SET("by_offer_top_5", offer_rows, "The five offers with the most revenue, most first.")};
static const dbk_stoq_set revenue_sets[] = {OBJECT("totals", revenue_totals, "The whole window."),
                                            EXPORTED("rows", revenue_rows, "One a bucket, without gaps.")};
static const dbk_stoq_set offer_sets[] = {
    OBJECT("totals", sales_totals, "All of them together; an order or customer counts once."),
    EXPORTED("rows", offer_rows, "One an offer with orders in the window, most revenue first.")};
static const dbk_stoq_set variant_sets[] = {
    OBJECT("totals", sales_totals, "All of them together; an order or customer counts once."),
    EXPORTED("rows", variant_rows,
             "One a variant of an offer, attached or sold, most revenue first, then by offer and variant.")};
static const dbk_stoq_set product_sets[] = {
    OBJECT("totals", sales_totals, "All of them together; an order or customer counts once."),
    EXPORTED("rows", product_rows, "One a product with orders in the window, most revenue first.")};
static const dbk_stoq_set date_sets[] = {OBJECT("totals", date_totals, "The whole window."),
                                         EXPORTED("rows", date_rows, "One a bucket, without gaps.")};
static const dbk_stoq_set cancellation_sets[] = {
    OBJECT("totals", cancellation_totals, "The whole window."),
    SET("by_reason", reason_rows, "One a reason, most revenue first."),
    SET("by_offer", cancelled_offer_rows, "One an offer, most revenue first."),
    EXPORTED("rows", cancellation_rows, "One a reason and offer, most revenue first.")};
static const dbk_stoq_set balance_sets[] = {
    OBJECT("totals", balance_totals, "All offers together."),
    EXPORTED("rows", balance_rows, "One an offer, the most outstanding first.")};
static const dbk_stoq_set customer_sets[] = {
    EXPORTED("customers", customer_rows, "One a customer with orders in the window, by id."),
    OBJECT("meta", customer_meta, "Where the page stands.")};

// ---- Reports ----

#define ALIASES(...)                                                                                         \
    (const char *const[])                                                                                    \
    {                                                                                                        \
        __VA_ARGS__, NULL                                                                                    \
    }
#define SETS(list) .sets_count = DBK_COUNT(list), .sets = list

const dbk_stoq_report dbk_stoq_reports[] = {
    {.name = "summary",
     .description = "High-level overview of preorder activity over a date window.",
     .aliases = ALIASES("summary report", "preorder summary", "preorder overview"),
     .parameters = SCOPE | WARES,
     SETS(summary_sets),
     .yield = dbk_stoq_summary},
    {.name = "revenue",
     .description = "Preorder revenue over a date window, bucketed by day/week/month.",
     .aliases = ALIASES("revenue report", "preorder revenue", "preorder sales over time"),
     .parameters = SCOPE | WARES | BIT(DBK_STOQ_GRANULARITY) | BIT(DBK_STOQ_INCLUDE_DEPOSITS) |
                   BIT(DBK_STOQ_INCLUDE_BALANCES),
     .notes = "At least one of include_deposits, include_balances must be true.",
     SETS(revenue_sets),
     .yield = dbk_stoq_revenue},
    {.name = "by_offer",
     .description = "Per-offer breakdown (orders, units, revenue, customers).",
     .aliases = ALIASES("offer report", "preorders by offer", "offer performance"),
     .parameters = SCOPE,
     SETS(offer_sets),
     .yield = dbk_stoq_by_offer},
    {.name = "by_variant",
     .description = "Per-variant performance for a specific offer.",
     .aliases = ALIASES("variant report", "preorders by variant", "variant performance"),
     .parameters = SCOPE | WARES,
     .needs_offer = true,
     .notes = "offer_id or offer_ids is required.",
     SETS(variant_sets),
     .yield = dbk_stoq_by_variant},
    {.name = "by_product",
     .description = "Per-product performance, rolled up across variants.",
     .aliases = ALIASES("product report", "preorders by product", "product performance"),
     .parameters = SCOPE | WARES,
     SETS(product_sets),
     .yield = dbk_stoq_by_product},
    {.name = "by_date",
     .description = "Time-series of every preorder metric at the chosen granularity.",
     .aliases = ALIASES("date report", "preorders by date", "preorder time series"),
     .parameters = SCOPE | WARES | BIT(DBK_STOQ_GRANULARITY) | BIT(DBK_STOQ_METRICS),
     SETS(date_sets),
     .yield = dbk_stoq_by_date},
    {.name = "cancellations",
     .description = "Preorder cancellation metrics with reason + per-offer breakdowns.",
     .aliases = ALIASES("cancellation report", "preorder cancellations", "cancel reasons"),
     .parameters = SCOPE,
     SETS(cancellation_sets),
     .yield = dbk_stoq_cancellations},
    {.name = "balance_collection",
     .description = "Outstanding preorder balances and balance-collection performance.",
     .aliases = ALIASES("balance report", "outstanding balances", "balance collection performance"),
     .parameters = SCOPE,
     SETS(balance_sets),
     .yield = dbk_stoq_balance_collection},
    {.name = "customers",
     .description = "Paginated list of customers with preorder activity in the window.",
     .aliases = ALIASES("customer report", "preorder customers", "who preordered"),
     .parameters = SCOPE | BIT(DBK_STOQ_PAGE) | BIT(DBK_STOQ_PER_PAGE),
     SETS(customer_sets),
     .yield = dbk_stoq_customers},
};
const int dbk_stoq_reports_count = DBK_COUNT(dbk_stoq_reports);

const dbk_stoq_report *dbk_stoq_report_find(dbk_text name)
{
    for (int i = 0; i < dbk_stoq_reports_count; i++)
        if (dbk_text_equal(name, dbk_text_from(dbk_stoq_reports[i].name)))
            return &dbk_stoq_reports[i];
    return NULL;
}

const dbk_stoq_set *dbk_stoq_report_export(const dbk_stoq_report *report)
{
    const dbk_stoq_set *set = report->sets;
    while (!set->is_exported)
        set++;
    return set;
}
