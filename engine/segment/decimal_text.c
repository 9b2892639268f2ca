// SPDX-License-Identifier: Apache-2.0
// Codec "decimal": texts that are a common prefix and a decimal number without leading zeros, as packed
// numbers (docs/FORMAT.md, "Texts: DECIMAL"). Numbered ids grow longer as they grow, which no fixed pattern
// follows; in order of time they cost a few bits.
#include "engine/base/bytes.h"
#include "engine/segment/ints.h"
#include "engine/segment/text.h"

#include <stdlib.h>
#include <string.h>

// 18 digits stay below 2^60.
enum { LENGTH_MAX = DBK_ID_BYTES_MAX, DIGITS_MAX = 18 };
#define NUMBER_END UINT64_C(1000000000000000000)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// ---- Encoding ----

typedef struct decimal_plan {
    uint32_t prefix_length;
    const char *prefix;
    uint64_t *ordinals;
    dbk_ints_plan ints;
} decimal_plan;

// What all texts begin with, less the digits at its end, which belong to the numbers.
static bool find_prefix(const dbk_texts_source *source, decimal_plan *plan)
{
    for (uint32_t row = 0; row < source->rows; row++) {
        const dbk_text text = source->texts[row];
        if (text.length == 0)
            continue;
        if (text.length > LENGTH_MAX)
            return false;
        if (!plan->prefix) {
            plan->prefix = text.data;
            plan->prefix_length = text.length;
            while (plan->prefix_length > 0 && is_digit(text.data[plan->prefix_length - 1]))
                plan->prefix_length--;
        }
        // Shrinking it would leave a letter to the number, so the first text decides.
        if (text.length < plan->prefix_length || memcmp(text.data, plan->prefix, plan->prefix_length) != 0)
            return false;
    }
    return true;
}

static bool parse_number(const char *text, uint32_t length, uint64_t *out)
{
    if (length == 0 || length > DIGITS_MAX || (length > 1 && text[0] == '0'))
        return false;
    *out = 0;
    for (uint32_t i = 0; i < length; i++) {
        if (!is_digit(text[i]))
            return false;
        *out = *out * 10 + (uint64_t)(text[i] - '0');
    }
    return true;
}

static bool parse_numbers(const dbk_texts_source *source, decimal_plan *plan)
{
    for (uint32_t row = 0; row < source->rows; row++) {
        const dbk_text text = source->texts[row];
        plan->ordinals[row] = 0;
        if (text.length == 0)
            continue;
        if (!parse_number(text.data + plan->prefix_length, text.length - plan->prefix_length,
                          &plan->ordinals[row]))
            return false;
        plan->ordinals[row] += source->nulls > 0;
    }
    return true;
}

static dbk_ints_source number_source(const dbk_texts_source *source, const decimal_plan *plan)
{
    return (dbk_ints_source){.ordinals = plan->ordinals, .rows = source->rows, .nullable = source->nulls > 0};
}

static size_t prefix_size(uint32_t prefix_length)
{
    return dbk_segment_align(DBK_PATTERN_HEADER + prefix_length);
}

static void decimal_forget(void *state)
{
    decimal_plan *plan = state;
    free(plan->ordinals);
    free(plan);
}

static dbk_status decimal_analyze(const dbk_texts_source *source, size_t beat, void **out, size_t *size,
                                  dbk_error *err)
{
    *out = NULL;
    decimal_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    if (!find_prefix(source, plan)) {
        decimal_forget(plan);
        return DBK_OK;
    }
    plan->ordinals = malloc(source->rows * sizeof *plan->ordinals);
    if (!plan->ordinals) {
        decimal_forget(plan);
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    }
    if (!parse_numbers(source, plan)) {
        decimal_forget(plan);
        return DBK_OK;
    }
    const dbk_ints_source numbers = number_source(source, plan);
    dbk_ints_analyze(&numbers, &plan->ints);
    *size = prefix_size(plan->prefix_length) + plan->ints.size;
    if (*size > beat) {
        decimal_forget(plan);
        return DBK_OK;
    }
    *out = plan;
    return DBK_OK;
}

static void decimal_encode(const dbk_texts_source *source, const void *state, uint8_t *block)
{
    const decimal_plan *plan = state;
    const size_t numbers_at = prefix_size(plan->prefix_length);
    memset(block, 0, numbers_at);
    block[0] = (uint8_t)plan->prefix_length;
    memcpy(block + DBK_PATTERN_HEADER, plan->prefix, plan->prefix_length);
    const dbk_ints_source numbers = number_source(source, plan);
    dbk_ints_encode(&numbers, &plan->ints, block + numbers_at);
}

// ---- Reading ----

typedef struct decimal_column {
    uint32_t rows;
    bool nullable;
    uint32_t prefix_length;
    const uint8_t *prefix;
    dbk_ints *numbers;
} decimal_column;

static void decimal_close(void *state)
{
    decimal_column *column = state;
    free(column->numbers);
    free(column);
}

static bool read_prefix(decimal_column *column, dbk_reader *r)
{
    const uint8_t *header = dbk_read_bytes(r, DBK_PATTERN_HEADER);
    if (!header)
        return false;
    column->prefix_length = header[0];
    for (int i = 1; i < DBK_PATTERN_HEADER; i++) {
        if (header[i] != 0)
            return false;
    }
    if (column->prefix_length >= LENGTH_MAX)
        return false;
    column->prefix = dbk_read_bytes(r, column->prefix_length);
    for (size_t padding = dbk_segment_align(r->at) - r->at; padding > 0; padding--) {
        if (dbk_read_u8(r) != 0)
            return false;
    }
    return !r->failed;
}

static uint32_t write_number(char *to, uint64_t number)
{
    char digits[DIGITS_MAX];
    uint32_t n = 0;
    do {
        digits[DIGITS_MAX - ++n] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0 && n < DIGITS_MAX);
    memcpy(to, digits + DIGITS_MAX - n, n);
    return n;
}

static dbk_status open_numbers(decimal_column *column, dbk_reader *r, uint32_t nulls, dbk_error *err)
{
    DBK_TRY(dbk_ints_open(r->data + r->at, dbk_reader_left(r), column->rows, column->nullable,
                          &column->numbers, err));
    const dbk_ints *numbers = column->numbers;
    dbk_read_bytes(r, numbers->size);
    if (r->failed || dbk_reader_left(r) != 0)
        return dbk_fail(err, DBK_CORRUPT, "decimal texts: the block has the wrong size");
    char digits[DIGITS_MAX];
    if (numbers->nulls != nulls || numbers->max >= NUMBER_END + column->nullable ||
        column->prefix_length + write_number(digits, numbers->max - column->nullable) > LENGTH_MAX)
        return dbk_fail(err, DBK_CORRUPT, "decimal texts: a number is out of range");
    return DBK_OK;
}

static dbk_status decimal_open(const uint8_t *block, size_t size, uint32_t rows, uint32_t nulls, void **out,
                               dbk_error *err)
{
    decimal_column *column = calloc(1, sizeof *column);
    if (!column)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    column->rows = rows;
    column->nullable = nulls > 0;
    dbk_reader r = dbk_reader_init(block, size);
    dbk_status status = read_prefix(column, &r)
                            ? open_numbers(column, &r, nulls, err)
                            : dbk_fail(err, DBK_CORRUPT, "decimal texts: the prefix is damaged");
    if (status != DBK_OK) {
        decimal_close(column);
        return status;
    }
    *out = column;
    return DBK_OK;
}

static dbk_text write_text(const decimal_column *column, uint64_t ordinal, char *to)
{
    if (column->nullable && ordinal == 0)
        return DBK_NO_TEXT;
    memcpy(to, column->prefix, column->prefix_length);
    uint32_t digits = write_number(to + column->prefix_length, ordinal - column->nullable);
    return (dbk_text){to, column->prefix_length + digits};
}

static dbk_status decimal_read(const void *state, uint32_t vector, dbk_text_scratch *scratch)
{
    const decimal_column *column = state;
    const uint32_t n = dbk_vector_rows(column->rows, vector), stride = column->prefix_length + DIGITS_MAX;
    if (dbk_text_scratch_reserve(scratch, (size_t)n * stride) != DBK_OK)
        return DBK_NO_MEMORY;
    uint64_t ordinals[DBK_VECTOR_ROWS];
    dbk_ints_read(column->numbers, vector, 0, ordinals);
    for (uint32_t i = 0; i < n; i++)
        scratch->texts[i] = write_text(column, ordinals[i], scratch->bytes + (size_t)i * stride);
    return DBK_OK;
}

static dbk_text decimal_at(const void *state, uint32_t row, char *single)
{
    const decimal_column *column = state;
    return write_text(column, dbk_ints_at(column->numbers, row), single);
}

static int decimal_needs(const void *state, uint32_t vector, dbk_text_span spans[DBK_TEXT_SPANS_MAX])
{
    const decimal_column *column = state;
    spans[0] = (dbk_text_span){column->prefix, column->prefix_length};
    spans[1].size = dbk_ints_needs(column->numbers, vector, &spans[1].from);
    return 2;
}

static size_t decimal_memory(const void *state)
{
    const decimal_column *column = state;
    return sizeof *column + dbk_ints_memory(column->numbers);
}

const dbk_text_codec dbk_text_codec_decimal = {
    .analyze = decimal_analyze,
    .encode = decimal_encode,
    .forget = decimal_forget,
    .open = decimal_open,
    .read = decimal_read,
    .at = decimal_at,
    .needs = decimal_needs,
    .memory = decimal_memory,
    .close = decimal_close,
};
