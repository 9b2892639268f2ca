// SPDX-License-Identifier: Apache-2.0
// From the texts of a line to values: conditions, texts of several parts, products, times.
#include "ingest/parse/map_line.h"

#include "engine/base/decimal.h"
#include "engine/base/wide.h"
#include "ingest/parse/row.h"

#include <stdio.h>
#include <string.h>

dbk_text dbk_map_line_text(const map_line *line, int source)
{
    return dbk_text_trim(line->row->fields[line->field_of[source]]);
}

bool dbk_map_line_fail(map_line *line, int source, const char *reason)
{
    line->fault = reason;
    line->fault_field = source < 0 ? 0 : line->field_of[source] + 1;
    return false;
}

static bool is_negative(dbk_text text)
{
    if (text.length == 0 || text.data[0] != '-')
        return false;
    for (uint32_t i = 1; i < text.length; i++) {
        if (text.data[i] >= '1' && text.data[i] <= '9')
            return true;
    }
    return false;
}

static bool test_holds(const map_line *line, const map_choice *choice)
{
    if (choice->test == MAP_ALWAYS)
        return true;
    dbk_text text = dbk_map_line_text(line, choice->test_source), wanted = choice->test_text;
    bool longer = text.length >= wanted.length;
    switch (choice->test) {
    case MAP_ALWAYS:
        break;
    case MAP_IS:
        return dbk_text_equal(text, wanted);
    case MAP_IS_NOT:
        return !dbk_text_equal(text, wanted);
    case MAP_IS_BLANK:
        return text.length == 0;
    case MAP_IS_NOT_BLANK:
        return text.length > 0;
    case MAP_IS_NEGATIVE:
        return is_negative(text);
    case MAP_STARTS_WITH:
        return longer && memcmp(text.data, wanted.data, wanted.length) == 0;
    case MAP_ENDS_WITH:
        return longer && memcmp(text.data + text.length - wanted.length, wanted.data, wanted.length) == 0;
    case MAP_CONTAINS:
        return memmem(text.data, text.length, wanted.data, wanted.length) != NULL;
    }
    return true;
}

static bool put_scratch(map_line *line, const char *data, size_t size)
{
    if (size > sizeof line->scratch - line->scratch_used)
        return dbk_map_line_fail(line, -1, "the texts made for the line are longer than 64 KiB");
    memcpy(line->scratch + line->scratch_used, data, size);
    line->scratch_used += size;
    return true;
}

// The text of a term; a part without value makes the whole have none.
static bool term_text(map_line *line, const map_term *term, dbk_text *out)
{
    if (term->parts_count == 1 && term->parts[0].kind == MAP_SOURCE) {
        *out = dbk_map_line_text(line, term->parts[0].source);
        return true;
    }
    if (term->parts_count == 1 && term->parts[0].kind == MAP_LITERAL) {
        *out = term->parts[0].literal;
        return true;
    }
    size_t start = line->scratch_used;
    *out = (dbk_text){NULL, 0};
    for (int i = 0; i < term->parts_count; i++) {
        const map_part *part = &term->parts[i];
        dbk_text text = part->kind == MAP_LITERAL ? part->literal : dbk_map_line_text(line, part->source);
        char number[DBK_DECIMAL_TEXT_MAX];
        if (text.length == 0)
            return true;
        if (part->kind == MAP_NUMBER) {
            const dbk_map_keys *numbers = &line->numbers[part->source];
            uint64_t n = numbers->counts[dbk_map_keys_find(numbers, text)];
            text = (dbk_text){number, (uint32_t)dbk_int_write(number, (int64_t)n)};
        }
        if (!put_scratch(line, text.data, text.length))
            return false;
    }
    *out = (dbk_text){line->scratch + start, (uint32_t)(line->scratch_used - start)};
    return true;
}

int dbk_map_term_source(const map_term *term)
{
    for (int i = 0; i < term->parts_count; i++) {
        if (term->parts[i].kind != MAP_LITERAL)
            return term->parts[i].source;
    }
    return -1;
}

// Factors as integers of a scale as small as each allows, so that their product stays exact in 128 bits.
static bool multiply(map_line *line, const map_choice *choice, int scale, map_value *out)
{
    dbk_i128 product = 1;
    int product_scale = 0;
    for (int i = 0; i < choice->terms_count; i++) {
        dbk_text text;
        int source = dbk_map_term_source(&choice->terms[i]);
        if (!term_text(line, &choice->terms[i], &text))
            return false;
        text = dbk_text_trim(text);
        if (text.length == 0)
            return true;
        int64_t factor = 0;
        dbk_decimal_fault fault = DBK_DECIMAL_DIGITS;
        int factor_scale = 0;
        for (; factor_scale <= DBK_RATE_SCALE; factor_scale++) {
            fault = dbk_decimal_parse(text.data, text.length, factor_scale, &factor);
            if (fault != DBK_DECIMAL_DIGITS)
                break;
        }
        if (fault != DBK_DECIMAL_OK)
            return dbk_map_line_fail(line, source, dbk_decimal_fault_text(fault, DBK_RATE_SCALE));
        if (__builtin_mul_overflow(product, (dbk_i128)factor, &product))
            return dbk_map_line_fail(line, source, "the product is too large a number");
        product_scale += factor_scale;
    }
    int source = dbk_map_term_source(&choice->terms[0]);
    for (; product_scale > scale && product % 10 == 0; product_scale--)
        product /= 10;
    if (product_scale > scale)
        return dbk_map_line_fail(
            line, source, scale ? "the product has more than 4 decimals" : "the product is no whole number");
    for (; product_scale < scale; product_scale++) {
        if (__builtin_mul_overflow(product, (dbk_i128)10, &product))
            return dbk_map_line_fail(line, source, "the product is too large a number");
    }
    if (product > INT64_MAX || product <= INT64_MIN)
        return dbk_map_line_fail(line, source, "the product is too large a number");
    *out = (map_value){.has = true, .number = (int64_t)product};
    return true;
}

static bool take_time(map_line *line, const dbk_column_def *def, const char *pattern, dbk_text text,
                      int source, map_value *out)
{
    const dbk_zone *zone = def->type == DBK_TIME ? line->map->zone : NULL;
    if (!dbk_map_time_parse(pattern, text, zone, &out->number)) {
        snprintf(line->reason, sizeof line->reason, "not a time such as %.100s", pattern);
        return dbk_map_line_fail(line, source, line->reason);
    }
    if (def->type == DBK_DATE) {
        int64_t day = out->number / 86400000;
        out->number = day - (out->number < day * 86400000);
    }
    out->has = true;
    return true;
}

bool dbk_map_line_take(map_line *line, const dbk_column_def *def, const map_choice *choice, map_value *out)
{
    *out = (map_value){0};
    if (!test_holds(line, choice))
        return true;
    if (choice->terms_count > 1)
        return multiply(line, choice, def->type == DBK_MONEY ? DBK_MONEY_SCALE : 0, out);
    const map_term *term = &choice->terms[0];
    int source = dbk_map_term_source(term);
    dbk_text text;
    if (!term_text(line, term, &text))
        return false;
    if (text.length == 0)
        return true;
    const char *reason;
    if (!dbk_type_is_int(def->type)) {
        out->text = text;
        out->has = true;
        reason = dbk_value_check(def, text);
        return !reason || dbk_map_line_fail(line, source, reason);
    }
    bool plain = term->parts_count == 1 && source >= 0;
    const char *pattern = plain ? line->map->sources[source].time_pattern : NULL;
    if (pattern && (def->type == DBK_TIME || def->type == DBK_DATE))
        return take_time(line, def, pattern, text, source, out);
    reason = dbk_value_parse(def, line->map->zone, text, &out->number);
    out->has = !reason && out->number != DBK_NULL;
    return !reason || dbk_map_line_fail(line, source, reason);
}
