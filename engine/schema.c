// SPDX-License-Identifier: Apache-2.0
// The data dictionary. Columns are only ever appended to a table: their positions are written to disk.
#include "engine/schema.h"

#include <string.h>

static const char *const order_kinds[] = {"standard", "flexible", "preorder", "pos", NULL};
static const char *const payment_kinds[] = {"payment", "deposit", "balance", "refund", NULL};
static const char *const payment_statuses[] = {"confirmed", "pending", "failed", "refunded", NULL};
static const char *const customer_statuses[] = {"ACTIVE", "BLOCKED", NULL};
static const char *const intervals[] = {"month", "year", "week", NULL};

#define TEXT(name)                                                                                           \
    {                                                                                                        \
        name, DBK_TEXT, 0, DBK_DOMAIN_NONE, NULL                                                             \
    }
#define TEXT_REQUIRED(name)                                                                                  \
    {                                                                                                        \
        name, DBK_TEXT, DBK_REQUIRED, DBK_DOMAIN_NONE, NULL                                                  \
    }
#define ID(name)                                                                                             \
    {                                                                                                        \
        name, DBK_TEXT, DBK_REQUIRED | DBK_KEY, DBK_DOMAIN_NONE, NULL                                        \
    }
#define CODE_ID(name, domain)                                                                                \
    {                                                                                                        \
        name, DBK_CODE, DBK_REQUIRED | DBK_KEY, domain, NULL                                                 \
    }
#define HIDDEN_KEY(domain)                                                                                   \
    {                                                                                                        \
        "key", DBK_CODE, DBK_KEY | DBK_HIDDEN, domain, NULL                                                  \
    }
#define CODE(name, domain)                                                                                   \
    {                                                                                                        \
        name, DBK_CODE, 0, domain, NULL                                                                      \
    }
#define CODE_REQUIRED(name, dom)                                                                             \
    {                                                                                                        \
        name, DBK_CODE, DBK_REQUIRED, dom, NULL                                                              \
    }
#define ENUM(name, dom, values)                                                                              \
    {                                                                                                        \
        name, DBK_CODE, 0, dom, values                                                                       \
    }
#define INT(name)                                                                                            \
    {                                                                                                        \
        name, DBK_INT, 0, DBK_DOMAIN_NONE, NULL                                                              \
    }
#define INT_REQUIRED(name)                                                                                   \
    {                                                                                                        \
        name, DBK_INT, DBK_REQUIRED, DBK_DOMAIN_NONE, NULL                                                   \
    }
#define BOOL(name)                                                                                           \
    {                                                                                                        \
        name, DBK_BOOL, 0, DBK_DOMAIN_NONE, NULL                                                             \
    }
#define MONEY(name)                                                                                          \
    {                                                                                                        \
        name, DBK_MONEY, 0, DBK_DOMAIN_NONE, NULL                                                            \
    }
#define MONEY_REQUIRED(name)                                                                                 \
    {                                                                                                        \
        name, DBK_MONEY, DBK_REQUIRED, DBK_DOMAIN_NONE, NULL                                                 \
    }
#define RATE(name)                                                                                           \
    {                                                                                                        \
        name, DBK_RATE, 0, DBK_DOMAIN_NONE, NULL                                                             \
    }
#define RATE_REQUIRED(name)                                                                                  \
    {                                                                                                        \
        name, DBK_RATE, DBK_REQUIRED, DBK_DOMAIN_NONE, NULL                                                  \
    }
#define TIME(name)                                                                                           \
    {                                                                                                        \
        name, DBK_TIME, 0, DBK_DOMAIN_NONE, NULL                                                             \
    }
#define TIME_REQUIRED(name)                                                                                  \
    {                                                                                                        \
        name, DBK_TIME, DBK_REQUIRED, DBK_DOMAIN_NONE, NULL                                                  \
    }
#define DATE_REQUIRED(name)                                                                                  \
    {                                                                                                        \
        name, DBK_DATE, DBK_REQUIRED, DBK_DOMAIN_NONE, NULL                                                  \
    }

static const dbk_column_def orders[] = {
    ID("id"),
    TIME_REQUIRED("created_at"),
    TIME("updated_at"),
    ENUM("kind", DBK_DOMAIN_KIND, order_kinds),
    CODE_REQUIRED("status", DBK_DOMAIN_STATUS),
    CODE("customer_id", DBK_DOMAIN_CUSTOMER),
    CODE("currency", DBK_DOMAIN_CURRENCY),
    MONEY("subtotal"),
    MONEY("discount"),
    MONEY("shipping"),
    MONEY("tax"),
    MONEY("tip"),
    MONEY_REQUIRED("total"),
    CODE("payment_method", DBK_DOMAIN_METHOD),
    CODE("market_id", DBK_DOMAIN_MARKET),
    CODE("cash_register_id", DBK_DOMAIN_CASH_REGISTER),
    TIME("confirmed_at"),
    TIME("delivered_at"),
    TIME("completed_at"),
    TIME("cancelled_at"),
    CODE("cancel_reason", DBK_DOMAIN_REASON),
    TEXT("po_number"),
    TEXT("notes"),
    TEXT("customer_email"),
    TEXT("shipping_city"),
    TEXT("shipping_region"),
    TEXT("shipping_country"),
};

// created_at stays optional in files: a line without it takes its order's.
static const dbk_column_def order_lines[] = {
    ID("id"),
    TEXT_REQUIRED("order_id"),
    TIME("created_at"),
    CODE("product_id", DBK_DOMAIN_PRODUCT),
    CODE("variant_id", DBK_DOMAIN_VARIANT),
    CODE("offer_id", DBK_DOMAIN_OFFER),
    INT_REQUIRED("quantity"),
    MONEY("unit_price"),
    MONEY("discount"),
    MONEY_REQUIRED("total"),
    MONEY("deposit"),
    MONEY("balance"),
    TIME("cancelled_at"),
    CODE("cancel_reason", DBK_DOMAIN_REASON),
    MONEY("refunded"),
};

static const dbk_column_def payments[] = {
    ID("id"),
    TIME_REQUIRED("created_at"),
    TEXT("order_id"),
    TEXT("line_id"),
    CODE("customer_id", DBK_DOMAIN_CUSTOMER),
    ENUM("kind", DBK_DOMAIN_KIND, payment_kinds),
    ENUM("status", DBK_DOMAIN_STATUS, payment_statuses),
    CODE("method", DBK_DOMAIN_METHOD),
    MONEY_REQUIRED("amount"),
    CODE("currency", DBK_DOMAIN_CURRENCY),
};

static const dbk_column_def vendor_payments[] = {
    ID("id"),
    TIME_REQUIRED("created_at"),
    CODE_REQUIRED("vendor_id", DBK_DOMAIN_VENDOR),
    TEXT("order_id"),
    MONEY_REQUIRED("amount"),
    CODE("currency", DBK_DOMAIN_CURRENCY),
    CODE("status", DBK_DOMAIN_STATUS),
    TIME("paid_at"),
};

static const dbk_column_def provider_assignments[] = {
    ID("id"),
    TIME_REQUIRED("created_at"),
    TEXT("order_id"),
    CODE_REQUIRED("provider_id", DBK_DOMAIN_PROVIDER),
    CODE("vendor_id", DBK_DOMAIN_VENDOR),
    RATE("commission_rate"),
    MONEY_REQUIRED("amount"),
    CODE("currency", DBK_DOMAIN_CURRENCY),
    CODE("status", DBK_DOMAIN_STATUS),
    TEXT("line_id"),
};

static const dbk_column_def subscriptions[] = {
    ID("id"),
    CODE_REQUIRED("customer_id", DBK_DOMAIN_CUSTOMER),
    CODE_REQUIRED("model_name", DBK_DOMAIN_MODEL),
    CODE_REQUIRED("status", DBK_DOMAIN_STATUS),
    MONEY_REQUIRED("price"),
    CODE("currency", DBK_DOMAIN_CURRENCY),
    ENUM("billing_interval", DBK_DOMAIN_WORD, intervals),
    TIME_REQUIRED("started_at"),
    TIME("trial_ends_at"),
    TIME("cancelled_at"),
    TIME("ended_at"),
};

static const dbk_column_def customers[] = {
    CODE_ID("id", DBK_DOMAIN_CUSTOMER),
    TEXT("name"),
    TEXT("email"),
    TIME("created_at"),
    TIME("updated_at"),
    ENUM("status", DBK_DOMAIN_STATUS, customer_statuses),
    TEXT("notes"),
    MONEY("credit_limit"),
    RATE("tax_rate_override"),
    BOOL("email_verified"),
};

static const dbk_column_def products[] = {
    CODE_ID("id", DBK_DOMAIN_PRODUCT),
    TEXT("name"),
    TEXT("sku"),
    CODE("category_id", DBK_DOMAIN_CATEGORY),
    CODE("unit", DBK_DOMAIN_WORD),
    MONEY("price"),
    INT("stock"),
    BOOL("is_active"),
    TIME("created_at"),
    TIME("updated_at"),
    TEXT("description"),
    TEXT("image_url"),
};

static const dbk_column_def variants[] = {
    CODE_ID("id", DBK_DOMAIN_VARIANT),
    CODE_REQUIRED("product_id", DBK_DOMAIN_PRODUCT),
    TEXT("name"),
    TEXT("sku"),
};

static const dbk_column_def offers[] = {
    CODE_ID("id", DBK_DOMAIN_OFFER),
    TEXT("name"),
    TIME("starts_at"),
    TIME("ends_at"),
};

static const dbk_column_def offer_variants[] = {
    HIDDEN_KEY(DBK_DOMAIN_OFFER_VARIANT),
    {"offer_id", DBK_CODE, DBK_REQUIRED | DBK_KEY, DBK_DOMAIN_OFFER, NULL},
    {"variant_id", DBK_CODE, DBK_REQUIRED | DBK_KEY, DBK_DOMAIN_VARIANT, NULL},
};

static const dbk_column_def categories[] = {CODE_ID("id", DBK_DOMAIN_CATEGORY), TEXT("name")};
static const dbk_column_def vendors[] = {CODE_ID("id", DBK_DOMAIN_VENDOR), TEXT("name")};
static const dbk_column_def providers[] = {CODE_ID("id", DBK_DOMAIN_PROVIDER), TEXT("name")};
static const dbk_column_def cash_registers[] = {CODE_ID("id", DBK_DOMAIN_CASH_REGISTER), TEXT("name")};
static const dbk_column_def markets[] = {CODE_ID("id", DBK_DOMAIN_MARKET), TEXT("name")};

static const dbk_column_def fx_rates[] = {
    HIDDEN_KEY(DBK_DOMAIN_FX_RATE),
    {"date", DBK_DATE, DBK_REQUIRED | DBK_KEY, DBK_DOMAIN_NONE, NULL},
    {"base", DBK_CODE, DBK_REQUIRED | DBK_KEY, DBK_DOMAIN_CURRENCY, NULL},
    {"quote", DBK_CODE, DBK_REQUIRED | DBK_KEY, DBK_DOMAIN_CURRENCY, NULL},
    RATE_REQUIRED("rate"),
};

static const dbk_column_def settings[] = {CODE_ID("id", DBK_DOMAIN_SETTING), TEXT("value")};

// id: the public name of the key (its first 12 characters are kept apart for display and look-up).
static const dbk_column_def api_keys[] = {
    CODE_ID("id", DBK_DOMAIN_API_KEY),
    TEXT("name"),
    TEXT_REQUIRED("prefix"),
    TEXT_REQUIRED("hash"), // SHA-256 of the whole key, lower-case hex
    TEXT_REQUIRED("scopes"),
    TEXT("rate"), // requests a minute, "off", or no value for the dialect's own
    TIME("created_at"),
    TIME("expires_at"),
    TIME("revoked_at"),
    TIME("last_used_at"),
    TEXT("created_by"),
};

// The secrets are kept as they are: deliveries are signed with them.
static const dbk_column_def webhooks[] = {
    CODE_ID("id", DBK_DOMAIN_WEBHOOK),
    TEXT_REQUIRED("url"),
    TEXT_REQUIRED("events"), // names joined by commas
    BOOL("is_active"),
    TEXT_REQUIRED("secret"),
    TEXT("previous_secret"), // holds until grace_expires_at
    TIME("grace_expires_at"),
    TIME("created_at"),
    TIME("updated_at"),
};

static const char *const delivery_states[] = {"pending", "delivered", "failed", NULL};

// One event for one webhook: what is still to be sent, and what became of it.
static const dbk_column_def webhook_deliveries[] = {
    ID("id"),
    TIME_REQUIRED("created_at"),
    CODE_REQUIRED("webhook_id", DBK_DOMAIN_WEBHOOK),
    TEXT_REQUIRED("event"),
    TEXT_REQUIRED("body"),
    {"state", DBK_CODE, DBK_REQUIRED, DBK_DOMAIN_STATUS, delivery_states},
    INT("attempts"),
    TIME("next_attempt_at"),
    INT("last_status"),
    TEXT("last_error"), // why there was no answer …
    TEXT("last_body"),  // … or the beginning of the answer
    TIME("done_at"),
};

// Rows are only ever added.
static const dbk_column_def audit_log[] = {
    ID("id"),
    TIME_REQUIRED("created_at"),
    CODE("actor", DBK_DOMAIN_API_KEY), // the id of a key or a bearer; no value = the operator
    TEXT("creator"),                   // who made that key; a bearer's name
    TEXT_REQUIRED("action"),
    TEXT("entity_type"),
    TEXT("entity_id"),
    TEXT("details"), // JSON
};

// id: SHA-256 of the request's key, lower-case hex. A fact, because the words of keyed tables stay for ever.
static const dbk_column_def idempotency[] = {
    ID("id"),
    TIME_REQUIRED("created_at"),
    TEXT_REQUIRED("request_hash"), // SHA-256 of what was asked
    INT_REQUIRED("status"),
    TEXT_REQUIRED("answer"),
};

static const char *const export_states[] = {"running", "ready", "failed", "cancelled", NULL};

// Files of reports that are written, or were, off the request's path. In the data directory a file bears the
// row's id.
static const dbk_column_def exports[] = {
    ID("id"),
    TIME_REQUIRED("created_at"),
    TEXT_REQUIRED("kind"), // whose reports they are …
    TEXT_REQUIRED("report"),
    TEXT_REQUIRED("parameters"), // … and what was asked, as it was resolved
    {"state", DBK_CODE, DBK_REQUIRED, DBK_DOMAIN_STATUS, export_states},
    INT("progress"), // percent
    INT("rows"),
    INT("bytes"),
    TEXT("file_name"), // what the client calls the file
    TEXT("object"),    // the file's key, if it lies in an object store
    TEXT("error"),     // why there is no file
    TIME("done_at"),
    TIME_REQUIRED("expires_at"), // until then the job is shown …
    TIME_REQUIRED("keep_until"), // … and until then row and file are kept
    CODE("actor", DBK_DOMAIN_API_KEY),
};

// Sealed periods of the point of sale. Rows are only ever added; each names the hash of the one before.
static const dbk_column_def closures[] = {
    ID("id"),
    TIME_REQUIRED("created_at"), // the moment of the closure: the end of its period
    INT_REQUIRED("number"),      // 1, 2, 3 … in the tenant
    TIME_REQUIRED("from_at"),
    TEXT_REQUIRED("cash_register_id"), // who asked
    TEXT_REQUIRED("report"),           // the answer as it was given, names of that moment
    TEXT_REQUIRED("totals"),           // what the period was closed with, to find late changes against
    TEXT_REQUIRED("previous_hash"),    // SHA-256, lower-case hex
    TEXT_REQUIRED("hash"),
    CODE("actor", DBK_DOMAIN_API_KEY),
};

// Hours of the point of sale, kept with the names of that moment.
static const dbk_column_def pos_snapshots[] = {
    ID("id"),
    TIME_REQUIRED("created_at"), // the hour's first millisecond
    TIME_REQUIRED("taken_at"),
    TEXT_REQUIRED("report"), // JSON
};

// What a product costs a customer; no price: what it costs everybody.
static const dbk_column_def price_overrides[] = {
    HIDDEN_KEY(DBK_DOMAIN_PRICE_OVERRIDE),
    {"customer_id", DBK_CODE, DBK_REQUIRED | DBK_KEY, DBK_DOMAIN_CUSTOMER, NULL},
    {"product_id", DBK_CODE, DBK_REQUIRED | DBK_KEY, DBK_DOMAIN_PRODUCT, NULL},
    MONEY("price"),
};

#define TABLE(id, kind, time, key, system, columns)                                                          \
    [id] = {id, #columns, kind, time, key, system, (int)DBK_COUNT(columns), columns}

static const dbk_table_def tables[DBK_TABLE_END] = {
    TABLE(DBK_ORDERS, DBK_FACT, 1, 0, false, orders),
    TABLE(DBK_ORDER_LINES, DBK_FACT, 2, 0, false, order_lines),
    TABLE(DBK_PAYMENTS, DBK_FACT, 1, 0, false, payments),
    TABLE(DBK_VENDOR_PAYMENTS, DBK_FACT, 1, 0, false, vendor_payments),
    TABLE(DBK_PROVIDER_ASSIGNMENTS, DBK_FACT, 1, 0, false, provider_assignments),
    TABLE(DBK_SUBSCRIPTIONS, DBK_FACT, 7, 0, false, subscriptions),
    TABLE(DBK_CUSTOMERS, DBK_KEYED, -1, 0, false, customers),
    TABLE(DBK_PRODUCTS, DBK_KEYED, -1, 0, false, products),
    TABLE(DBK_VARIANTS, DBK_KEYED, -1, 0, false, variants),
    TABLE(DBK_OFFERS, DBK_KEYED, -1, 0, false, offers),
    TABLE(DBK_OFFER_VARIANTS, DBK_KEYED, -1, 0, false, offer_variants),
    TABLE(DBK_CATEGORIES, DBK_KEYED, -1, 0, false, categories),
    TABLE(DBK_VENDORS, DBK_KEYED, -1, 0, false, vendors),
    TABLE(DBK_PROVIDERS, DBK_KEYED, -1, 0, false, providers),
    TABLE(DBK_CASH_REGISTERS, DBK_KEYED, -1, 0, false, cash_registers),
    TABLE(DBK_MARKETS, DBK_KEYED, -1, 0, false, markets),
    TABLE(DBK_FX_RATES, DBK_KEYED, -1, 0, false, fx_rates),
    TABLE(DBK_SETTINGS, DBK_KEYED, -1, 0, true, settings),
    TABLE(DBK_API_KEYS, DBK_KEYED, -1, 0, true, api_keys),
    TABLE(DBK_IDEMPOTENCY, DBK_FACT, 1, 0, true, idempotency),
    TABLE(DBK_WEBHOOKS, DBK_KEYED, -1, 0, true, webhooks),
    TABLE(DBK_WEBHOOK_DELIVERIES, DBK_FACT, 1, 0, true, webhook_deliveries),
    TABLE(DBK_AUDIT_LOG, DBK_FACT, 1, 0, true, audit_log),
    TABLE(DBK_EXPORTS, DBK_FACT, 1, 0, true, exports),
    TABLE(DBK_CLOSURES, DBK_FACT, 1, 0, true, closures),
    TABLE(DBK_POS_SNAPSHOTS, DBK_FACT, 1, 0, true, pos_snapshots),
    TABLE(DBK_PRICE_OVERRIDES, DBK_KEYED, -1, 0, false, price_overrides),
};

const dbk_table_def *dbk_table_def_by_id(int id)
{
    return id > 0 && id < DBK_TABLE_END ? &tables[id] : NULL;
}

static bool is_named(const char *name, dbk_text wanted)
{
    // Most differ in their first letter.
    return wanted.length > 0 && name[0] == wanted.data[0] && strlen(name) == wanted.length &&
           memcmp(name, wanted.data, wanted.length) == 0;
}

const dbk_table_def *dbk_table_def_by_name(dbk_text name)
{
    for (int id = 1; id < DBK_TABLE_END; id++)
        if (is_named(tables[id].name, name))
            return &tables[id];
    return NULL;
}

int dbk_column_find(const dbk_table_def *table, dbk_text name)
{
    for (int i = 0; i < table->columns_count; i++)
        if (is_named(table->columns[i].name, name))
            return i;
    return -1;
}

const dbk_table_def *dbk_table_def_by_domain(dbk_domain domain)
{
    if (domain == DBK_DOMAIN_NONE)
        return NULL;
    for (int id = 1; id < DBK_TABLE_END; id++)
        if (tables[id].kind == DBK_KEYED && tables[id].columns[tables[id].key_column].domain == domain)
            return &tables[id];
    return NULL;
}

const char *dbk_type_name(dbk_type type)
{
    static const char *const names[] = {
        [DBK_BOOL] = "true or false", [DBK_INT] = "whole number", [DBK_MONEY] = "amount of money",
        [DBK_RATE] = "rate",          [DBK_TIME] = "time",        [DBK_DATE] = "date",
        [DBK_CODE] = "text",          [DBK_TEXT] = "text"};
    return type >= DBK_BOOL && type <= DBK_TEXT ? names[type] : "value";
}
