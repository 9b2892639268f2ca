// SPDX-License-Identifier: Apache-2.0
// The one currency that an answer counts, and the others that its question also meets. Money of two
// currencies is never added: what is not counted is named in a header, with how many rows it has.
//
// The filter is only there once another currency was met: nearly all companies have a single one, and a query
// without filter can be answered from statistics. So a report first asks something by currency, hands what it
// meets to dbk_currency_counts, and then asks the rest with dbk_currency_filter.
#ifndef DBK_CURRENCY_H
#define DBK_CURRENCY_H

#include "http/app/call.h"

enum { DBK_OTHER_CURRENCIES_MAX = 64 };

typedef struct dbk_currency {
    dbk_text name; // the one counted; length 0 when the tenant has none yet
    int digits;
    bool is_default;       // the tenant's own: rows without a currency count as it
    dbk_text default_name; // points into the settings
    // Others that were met, with their rows. Names are those that dbk_currency_counts was given.
    struct {
        dbk_text name;
        int64_t rows;
    } others[DBK_OTHER_CURRENCIES_MAX];
    int others_count;

    dbk_value values[2];
    dbk_filter filter;
} dbk_currency;

// wanted: three letters in any case, or length 0 for the tenant's own. The settings must outlive it. False:
// wanted is no currency.
bool dbk_currency_choose(dbk_currency *currency, dbk_text wanted, const dbk_settings *settings,
                         dbk_arena *arena);
// Whether a row's currency (length 0 = none given) is the one counted.
bool dbk_currency_is(const dbk_currency *currency, dbk_text name);
// The same; if not, so many rows are remembered for the header. The name must live until that is written.
bool dbk_currency_counts(dbk_currency *currency, dbk_text name, int64_t rows);
// Adds the header Daybook-Other-Currencies when others were met.
void dbk_currency_name_others(dbk_call *call, dbk_currency *currency);
// The filter on a column `currency`; NULL while no other was met. Points into *currency.
const dbk_filter *dbk_currency_filter(dbk_currency *currency);

#endif
