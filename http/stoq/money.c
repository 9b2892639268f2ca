// SPDX-License-Identifier: Apache-2.0
// Which currencies preorders are in, and what a sum is worth in another.
#include "engine/base/days.h"
#include "engine/base/decimal.h"
#include "http/stoq/run.h"

#include <stdlib.h>
#include <string.h>

enum { RATE_ONE = 1000000000 };

typedef struct rate {
    dbk_text base;
    int64_t day, rate;
} rate;

// Texts are the results'.
struct dbk_stoq_rates {
    dbk_result *result;
    size_t count;
    rate *list; // by base and day; CONVERTED
    dbk_result *currencies[2];
    dbk_value *others;
    int others_count;
};

static bool is_reporting(const dbk_stoq_run *run, dbk_text currency)
{
    if (currency.length == 0)
        currency = dbk_text_from(run->request->home_currency);
    return currency.length == 0 || dbk_text_equal(currency, dbk_text_from(run->request->currency));
}

// In which currencies rows of these kinds have money, at any time.
static dbk_status query_currencies(dbk_stoq_run *run, const char *table, const dbk_value *kinds,
                                   int kinds_count, dbk_result **out, dbk_error *err)
{
    static const dbk_group_key key = {.column = "currency"};
    static const dbk_aggregate count = {.kind = DBK_COUNT_ROWS};
    dbk_filter filter = {.column = "kind", .op = DBK_OP_IN, .values = kinds, .values_count = kinds_count};
    dbk_query query = {.table = table,
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = &filter,
                       .filters_count = 1,
                       .keys = &key,
                       .keys_count = 1,
                       .aggregates = &count,
                       .aggregates_count = 1};
    return dbk_stoq_query(run, &query, out, err);
}

static dbk_status no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "out of memory reading exchange rates");
}

// Which of them are others than the reporting one. One that both tables have stands twice.
static dbk_status find_others(dbk_stoq_run *run, dbk_error *err)
{
    dbk_stoq_rates *rates = run->rates;
    size_t rows = dbk_result_rows(rates->currencies[0]) + dbk_result_rows(rates->currencies[1]);
    rates->others = calloc(rows + 1, sizeof(*rates->others));
    if (rates->others == NULL)
        return no_memory(err);
    for (int table = 0; table < 2; table++)
        for (size_t row = 0; row < dbk_result_rows(rates->currencies[table]); row++) {
            dbk_text currency = dbk_result_text(rates->currencies[table], row, 0);
            if (!is_reporting(run, currency))
                rates->others[rates->others_count++] = (dbk_value){
                    .kind = currency.length > 0 ? DBK_VALUE_TEXT : DBK_VALUE_NULL, .text = currency};
        }
    return DBK_OK;
}

const dbk_value *dbk_stoq_other_currencies(const dbk_stoq_run *run, int *count)
{
    *count = run->rates->others_count;
    return run->rates->others;
}

static dbk_status query_rates(dbk_stoq_run *run, dbk_result **out, dbk_error *err)
{
    static const char *const fields[] = {"base", "date", "rate"};
    static const dbk_order order[] = {{.output = 0}, {.output = 1}};
    dbk_value quote = {.kind = DBK_VALUE_TEXT, .text = dbk_text_from(run->request->currency)};
    dbk_filter filter = {.column = "quote", .op = DBK_OP_EQ, .values = &quote, .values_count = 1};
    dbk_query query = {.table = "fx_rates",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = &filter,
                       .filters_count = 1,
                       .fields = fields,
                       .fields_count = DBK_COUNT(fields),
                       .order = order,
                       .order_count = DBK_COUNT(order)};
    return dbk_stoq_query(run, &query, out, err);
}

static dbk_status read_rates(dbk_stoq_run *run, dbk_error *err)
{
    dbk_stoq_rates *rates = run->rates;
    DBK_TRY(query_rates(run, &rates->result, err));
    rates->count = dbk_result_rows(rates->result);
    rates->list = malloc((rates->count + 1) * sizeof(*rates->list));
    if (rates->list == NULL)
        return no_memory(err);
    for (size_t row = 0; row < rates->count; row++)
        rates->list[row] =
            (rate){dbk_result_text(rates->result, row, 0), dbk_result_int(rates->result, row, 1),
                   dbk_result_int(rates->result, row, 2)};
    return DBK_OK;
}

dbk_status dbk_stoq_currencies_read(dbk_stoq_run *run, dbk_error *err)
{
    static const dbk_value preorder[] = {{.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("preorder")}};
    static const dbk_value paid[] = {{.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("deposit")},
                                     {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("balance")},
                                     {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("refund")}};
    if (run->currencies != DBK_STOQ_CURRENCIES_UNKNOWN)
        return DBK_OK;
    // What is left of a failed attempt.
    dbk_stoq_rates_dispose(run);
    dbk_stoq_rates *rates = run->rates = calloc(1, sizeof(*rates));
    if (rates == NULL)
        return no_memory(err);
    DBK_TRY(query_currencies(run, "orders", preorder, DBK_COUNT(preorder), &rates->currencies[0], err));
    DBK_TRY(query_currencies(run, "payments", paid, DBK_COUNT(paid), &rates->currencies[1], err));
    DBK_TRY(find_others(run, err));
    if (rates->others_count == 0) {
        run->currencies = DBK_STOQ_CURRENCIES_ONE;
        return DBK_OK;
    }
    if (dbk_snapshot_rows(run->snapshot, run->tenant, DBK_FX_RATES) == 0) {
        run->currencies = DBK_STOQ_CURRENCIES_FILTERED;
        return DBK_OK;
    }
    DBK_TRY(read_rates(run, err));
    run->currencies = DBK_STOQ_CURRENCIES_CONVERTED;
    return DBK_OK;
}

void dbk_stoq_rates_dispose(dbk_stoq_run *run)
{
    dbk_stoq_rates *rates = run->rates;
    if (rates == NULL)
        return;
    dbk_result_free(rates->result);
    dbk_result_free(rates->currencies[0]);
    dbk_result_free(rates->currencies[1]);
    free(rates->list);
    free(rates->others);
    free(rates);
    run->rates = NULL;
}

static int64_t find_rate(const dbk_stoq_rates *rates, dbk_text base, int64_t day)
{
    size_t low = 0, high = rates->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        const rate *r = &rates->list[mid];
        int order = dbk_text_compare(r->base, base);
        if (order == 0 && r->day == day)
            return r->rate;
        if (order < 0 || (order == 0 && r->day < day))
            low = mid + 1;
        else
            high = mid;
    }
    return DBK_NULL;
}

static dbk_status no_rate(const dbk_stoq_run *run, dbk_text base, int32_t day, dbk_error *err)
{
    char date[DBK_TIME_TEXT_MAX];
    int length = (int)dbk_date_write(date, day);
    return dbk_fail(err, DBK_INVALID, "no exchange rate from %.*s to %s on %.*s", (int)base.length, base.data,
                    run->request->currency, length, date);
}

dbk_status dbk_stoq_add(const dbk_stoq_run *run, dbk_i128 amount, dbk_text currency, int32_t day,
                        dbk_stoq_sum *sum, dbk_error *err)
{
    int64_t factor = RATE_ONE;
    if (amount == 0)
        return DBK_OK;
    if (!is_reporting(run, currency)) {
        if (currency.length == 0)
            currency = dbk_text_from(run->request->home_currency);
        factor = run->rates != NULL ? find_rate(run->rates, currency, day) : DBK_NULL;
        if (factor == DBK_NULL)
            return no_rate(run, currency, day, err);
    }
    dbk_i128 worth;
    if (__builtin_mul_overflow(amount, (dbk_i128)factor, &worth) || __builtin_add_overflow(*sum, worth, sum))
        return dbk_fail(err, DBK_OVERFLOW, "a sum of money is too large");
    return DBK_OK;
}
