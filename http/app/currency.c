// SPDX-License-Identifier: Apache-2.0
// One currency, and the names of the others.
#include "http/app/currency.h"

#include "engine/base/decimal.h"

static bool is_currency_code(dbk_text text)
{
    for (uint32_t i = 0; i < text.length; i++)
        if ((text.data[i] | 0x20) < 'a' || (text.data[i] | 0x20) > 'z')
            return false;
    return text.length == 3;
}

bool dbk_currency_choose(dbk_currency *currency, dbk_text wanted, const dbk_settings *settings,
                         dbk_arena *arena)
{
    *currency = (dbk_currency){.default_name = dbk_text_from(settings->currency)};
    currency->name = currency->default_name;
    if (wanted.length > 0) {
        if (!is_currency_code(wanted))
            return false;
        // As they are stored, in capitals.
        char capitals[3];
        for (int i = 0; i < 3; i++)
            capitals[i] = wanted.data[i] & ~0x20;
        char *kept = dbk_arena_copy(arena, capitals, sizeof(capitals));
        currency->name = (dbk_text){kept, kept ? 3 : 0};
    }
    currency->is_default = dbk_text_equal(currency->name, currency->default_name);
    currency->digits = dbk_currency_digits(currency->name);
    return true;
}

bool dbk_currency_is(const dbk_currency *currency, dbk_text name)
{
    return name.length == 0 ? currency->is_default : dbk_text_equal(name, currency->name);
}

static void note_other(dbk_currency *currency, dbk_text name, int64_t rows)
{
    for (int i = 0; i < currency->others_count; i++) {
        if (dbk_text_equal(currency->others[i].name, name)) {
            currency->others[i].rows += rows;
            return;
        }
    }
    if (currency->others_count == DBK_OTHER_CURRENCIES_MAX)
        return;
    currency->others[currency->others_count].name = name;
    currency->others[currency->others_count++].rows = rows;
}

bool dbk_currency_counts(dbk_currency *currency, dbk_text name, int64_t rows)
{
    if (dbk_currency_is(currency, name))
        return true;
    if (name.length == 0)
        name = currency->default_name;
    note_other(currency, name.length > 0 ? name : DBK_TEXT("none"), rows);
    return false;
}

// Currencies are data and a header is not the place for all of it.
static void append_token(dbk_buffer *out, dbk_text text)
{
    for (uint32_t i = 0; i < text.length && i < 16; i++) {
        char c = text.data[i], lower = c | 0x20;
        bool is_plain = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
        dbk_buffer_u8(out, is_plain ? (uint8_t)c : '?');
    }
}

void dbk_currency_name_others(dbk_call *call, dbk_currency *currency)
{
    if (currency->others_count == 0)
        return;
    // By name; a handful of entries.
    for (int i = 1; i < currency->others_count; i++)
        for (int j = i; j > 0 && dbk_text_compare(currency->others[j - 1].name, currency->others[j].name) > 0;
             j--) {
            __auto_type swapped = currency->others[j];
            currency->others[j] = currency->others[j - 1];
            currency->others[j - 1] = swapped;
        }
    dbk_buffer text = {0};
    for (int i = 0; i < currency->others_count; i++) {
        if (i > 0)
            dbk_buffer_append(&text, ", ", 2);
        append_token(&text, currency->others[i].name);
        dbk_buffer_format(&text, "=%lld", (long long)currency->others[i].rows);
    }
    char *copy = text.failed ? NULL : dbk_arena_copy(&call->arena, (const char *)text.data, text.size);
    if (copy != NULL)
        dbk_call_header(call, "daybook-other-currencies", (dbk_text){copy, (uint32_t)text.size});
    dbk_buffer_dispose(&text);
}

const dbk_filter *dbk_currency_filter(dbk_currency *currency)
{
    if (currency->others_count == 0)
        return NULL;
    currency->values[0] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = currency->name};
    currency->values[1] = (dbk_value){.kind = DBK_VALUE_NULL};
    currency->filter = (dbk_filter){.column = "currency",
                                    .op = DBK_OP_IN,
                                    .values = currency->values,
                                    .values_count = currency->is_default ? 2 : 1};
    return &currency->filter;
}
