// SPDX-License-Identifier: Apache-2.0
// The tables and columns of a company: the data dictionary as constant data. The numbers of tables, columns
// and domains are written to disk: they are only ever appended to, never changed or reused.
#ifndef DBK_SCHEMA_H
#define DBK_SCHEMA_H

#include "engine/base/types.h"

typedef enum dbk_type {
    DBK_BOOL = 1, // 0 or 1
    DBK_INT,      // whole number
    DBK_MONEY,    // ten-thousandths of the currency's unit
    DBK_RATE,     // thousand-millionths
    DBK_TIME,     // milliseconds since the epoch, UTC
    DBK_DATE,     // days since the epoch
    DBK_CODE,     // a string that is grouped or filtered: a code in its domain's dictionary, 0 = no value
    DBK_TEXT,     // any other string: kept cold
} dbk_type;

// Columns of the same domain share one dictionary per tenant, so that equal strings have equal codes wherever
// they stand; a reference and the id it refers to meet this way.
typedef enum dbk_domain {
    DBK_DOMAIN_NONE = 0,
    DBK_DOMAIN_KIND,
    DBK_DOMAIN_STATUS,
    DBK_DOMAIN_CURRENCY,
    DBK_DOMAIN_METHOD,
    DBK_DOMAIN_REASON,
    DBK_DOMAIN_MODEL,
    DBK_DOMAIN_WORD, // intervals, units and other small vocabularies
    DBK_DOMAIN_CUSTOMER,
    DBK_DOMAIN_PRODUCT,
    DBK_DOMAIN_VARIANT,
    DBK_DOMAIN_OFFER,
    DBK_DOMAIN_CATEGORY,
    DBK_DOMAIN_VENDOR,
    DBK_DOMAIN_PROVIDER,
    DBK_DOMAIN_CASH_REGISTER,
    DBK_DOMAIN_MARKET,
    DBK_DOMAIN_OFFER_VARIANT, // keys of offer_variants
    DBK_DOMAIN_FX_RATE,       // keys of fx_rates
    DBK_DOMAIN_SETTING,
    DBK_DOMAIN_API_KEY,
    DBK_DOMAIN_WEBHOOK,
    DBK_DOMAIN_PRICE_OVERRIDE, // keys of price_overrides
    DBK_DOMAIN_COUNT,
} dbk_domain;

typedef enum dbk_table_id {
    DBK_ORDERS = 1,
    DBK_ORDER_LINES,
    DBK_PAYMENTS,
    DBK_VENDOR_PAYMENTS,
    DBK_PROVIDER_ASSIGNMENTS,
    DBK_SUBSCRIPTIONS,
    DBK_CUSTOMERS,
    DBK_PRODUCTS,
    DBK_VARIANTS,
    DBK_OFFERS,
    DBK_OFFER_VARIANTS,
    DBK_CATEGORIES,
    DBK_VENDORS,
    DBK_PROVIDERS,
    DBK_CASH_REGISTERS,
    DBK_MARKETS,
    DBK_FX_RATES,
    DBK_SETTINGS,    // Daybook's own: a tenant's time zone, currency, …
    DBK_API_KEYS,    // Daybook's own
    DBK_IDEMPOTENCY, // Daybook's own: answers that were given to requests with an Idempotency-Key
    DBK_WEBHOOKS,    // Daybook's own, as all that follow
    DBK_WEBHOOK_DELIVERIES,
    DBK_AUDIT_LOG,
    DBK_EXPORTS,
    DBK_CLOSURES,
    DBK_POS_SNAPSHOTS,
    DBK_PRICE_OVERRIDES, // a company's own, as those up to DBK_FX_RATES
    DBK_TABLE_END,
} dbk_table_id;

typedef enum dbk_column_flag {
    DBK_REQUIRED = 1, // a row without it is rejected
    DBK_KEY =
        2, // part of the row's key; the only or first key column decides whether a table is keyed by code
    DBK_HIDDEN = 4, // filled by the engine, not accepted from files
} dbk_column_flag;

typedef struct dbk_column_def {
    const char *name;
    dbk_type type;
    int flags;
    dbk_domain domain;         // for DBK_CODE
    const char *const *values; // if not NULL: the only values allowed (NULL-terminated)
} dbk_column_def;

typedef enum dbk_table_kind {
    DBK_FACT,  // large, ordered by time, found by a hashed key
    DBK_KEYED, // small and mutable, found by the code of its key in the key's domain
} dbk_table_kind;

typedef struct dbk_table_def {
    dbk_table_id id;
    const char *name;
    dbk_table_kind kind;
    int time_column; // the column that orders a fact (created_at, started_at); -1 for keyed tables
    // KEYED: the key column. A table whose key has several columns has a hidden column `key` of DBK_CODE,
    // their texts joined by 0x1F; it is then key_column. FACT: the id column (DBK_TEXT).
    int key_column;
    bool system; // Daybook's own: not loadable from files, not visible to reports
    int columns_count;
    const dbk_column_def *columns;
} dbk_table_def;

enum { DBK_COLUMNS_MAX = 32, DBK_ID_BYTES_MAX = 64 };

// NULL when there is no such table.
const dbk_table_def *dbk_table_def_by_id(int id);
const dbk_table_def *dbk_table_def_by_name(dbk_text name);
// The column's index, or -1.
int dbk_column_find(const dbk_table_def *table, dbk_text name);
// The keyed table whose key column has this domain, or NULL: how a reference finds what it refers to.
const dbk_table_def *dbk_table_def_by_domain(dbk_domain domain);
// "money", "time", … for messages.
const char *dbk_type_name(dbk_type type);
// Integers in memory: everything but DBK_CODE and DBK_TEXT.
static inline bool dbk_type_is_int(dbk_type type)
{
    return type != DBK_CODE && type != DBK_TEXT;
}

#endif
