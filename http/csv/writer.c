// SPDX-License-Identifier: Apache-2.0
// Cells, quotes, line ends.
#include "http/csv/writer.h"

#include "engine/base/calendar.h"
#include "engine/base/decimal.h"
#include "engine/base/utf8.h"

#include <string.h>

dbk_sheet dbk_sheet_init(dbk_buffer *out)
{
    return (dbk_sheet){.out = out};
}

static void begin_cell(dbk_sheet *sheet)
{
    if (sheet->comma)
        dbk_buffer_u8(sheet->out, ',');
    sheet->comma = true;
}

void dbk_sheet_plain(dbk_sheet *sheet, dbk_text text)
{
    begin_cell(sheet);
    dbk_buffer_append(sheet->out, text.data, text.length);
}

void dbk_sheet_key(dbk_sheet *sheet, const char *name)
{
    dbk_sheet_plain(sheet, dbk_text_from(name));
}

void dbk_sheet_header(dbk_sheet *sheet, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dbk_sheet_key(sheet, names[i]);
    dbk_sheet_row_end(sheet);
}

static bool is_formula(dbk_text text)
{
    return text.length > 0 && memchr("=+-@\t\r", text.data[0], 6) != NULL;
}

static bool needs_quotes(dbk_text text)
{
    for (uint32_t i = 0; i < text.length; i++)
        if (memchr("\",\r\n", text.data[i], 4) != NULL)
            return true;
    // Some readers trim what is not quoted.
    return text.length > 0 && (text.data[0] == ' ' || text.data[text.length - 1] == ' ');
}

// Its quotes doubled, which only texts in quotes have.
static void put_quoted(dbk_buffer *out, const char *data, size_t size)
{
    const char *end = data + size, *quote;
    while ((quote = memchr(data, '"', (size_t)(end - data))) != NULL) {
        dbk_buffer_append(out, data, (size_t)(quote + 1 - data));
        dbk_buffer_u8(out, '"');
        data = quote + 1;
    }
    dbk_buffer_append(out, data, (size_t)(end - data));
}

static void put_text(dbk_buffer *out, dbk_text text)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    for (size_t at = 0; at < text.length;) {
        size_t valid = dbk_utf8_invalid_at(text.data + at, text.length - at);
        put_quoted(out, text.data + at, valid);
        at += valid;
        if (at < text.length) {
            dbk_buffer_append(out, replacement, sizeof(replacement) - 1);
            at++;
        }
    }
}

void dbk_sheet_text(dbk_sheet *sheet, dbk_text text)
{
    bool quoted = needs_quotes(text);
    begin_cell(sheet);
    if (quoted)
        dbk_buffer_u8(sheet->out, '"');
    if (is_formula(text))
        dbk_buffer_u8(sheet->out, '\'');
    put_text(sheet->out, text);
    if (quoted)
        dbk_buffer_u8(sheet->out, '"');
}

void dbk_sheet_empty(dbk_sheet *sheet)
{
    begin_cell(sheet);
}

void dbk_sheet_int(dbk_sheet *sheet, int64_t value)
{
    char text[DBK_DECIMAL_TEXT_MAX];
    begin_cell(sheet);
    if (value != DBK_NULL)
        dbk_buffer_append(sheet->out, text, dbk_int_write(text, value));
}

void dbk_sheet_time(dbk_sheet *sheet, int64_t ms)
{
    char text[DBK_TIME_TEXT_MAX];
    begin_cell(sheet);
    if (ms != DBK_NULL)
        dbk_buffer_append(sheet->out, text, dbk_time_write(text, ms));
}

void dbk_sheet_money(dbk_sheet *sheet, int64_t value, int digits)
{
    if (value == DBK_NULL)
        dbk_sheet_empty(sheet);
    else
        dbk_sheet_wide_money(sheet, value, 1, digits);
}

void dbk_sheet_wide_money(dbk_sheet *sheet, dbk_i128 value, int64_t divisor, int digits)
{
    char text[DBK_DECIMAL_TEXT_MAX];
    begin_cell(sheet);
    dbk_buffer_append(sheet->out, text, dbk_decimal_write(text, value, DBK_MONEY_SCALE, divisor, digits));
}

void dbk_sheet_row_end(dbk_sheet *sheet)
{
    dbk_buffer_append(sheet->out, "\r\n", 2);
    sheet->comma = false;
}
