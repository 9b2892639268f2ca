// SPDX-License-Identifier: Apache-2.0
// Bodies, fields, pages.
#include "http/distribu/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 100, ID_RANDOM_BYTES = 12 };

bool dbk_refuse(dbk_refusal *refusal, int status, const char *format, ...)
{
    if (refusal->status != 0)
        return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(refusal->text, sizeof(refusal->text), format, arguments);
    va_end(arguments);
    refusal->status = status;
    return false;
}

// ---- The body ----

bool dbk_distribu_body(dbk_call *call, dbk_json_doc *doc)
{
    dbk_json_body found = dbk_json_body_read(call, doc);
    if (found != DBK_JSON_BODY_OK) {
        if (found == DBK_JSON_BODY_NO_MEMORY)
            dbk_call_fail_write(call, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
        else if (!dbk_json_body_refuse(call, found))
            dbk_call_fail(call, 400, "Invalid JSON body.");
        return false;
    }
    if (doc->root->type != DBK_JSON_OBJECT) {
        dbk_json_doc_dispose(doc);
        dbk_call_fail(call, 400, "Validation failed.");
        return false;
    }
    return true;
}

// ---- Fields ----

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static dbk_text trimmed(dbk_text text)
{
    while (text.length > 0 && is_space(text.data[0])) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && is_space(text.data[text.length - 1]))
        text.length--;
    return text;
}

// Code points of valid UTF-8.
static int characters(dbk_text text)
{
    int count = 0;
    for (uint32_t i = 0; i < text.length; i++)
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

bool dbk_field_text(const dbk_json *body, const char *name, int characters_max, dbk_text *out,
                    dbk_refusal *refusal)
{
    const dbk_json *value = dbk_json_get(body, name);
    *out = (dbk_text){NULL, 0};
    if (value == NULL || value->type == DBK_JSON_NULL)
        return true;
    if (value->type != DBK_JSON_STRING)
        return dbk_refuse(refusal, 400, "%s must be a string", name);
    *out = trimmed(value->text);
    if (characters(*out) > characters_max)
        return dbk_refuse(refusal, 400, "%s must be at most %d characters", name, characters_max);
    return true;
}

bool dbk_field_id(const dbk_json *body, const char *name, dbk_text *out, dbk_refusal *refusal)
{
    const dbk_json *value = dbk_json_get(body, name);
    *out = (dbk_text){NULL, 0};
    if (value == NULL || value->type == DBK_JSON_NULL)
        return dbk_refuse(refusal, 400, "%s is required", name);
    if (value->type != DBK_JSON_STRING)
        return dbk_refuse(refusal, 400, "%s must be a string", name);
    if (trimmed(value->text).length == 0)
        return dbk_refuse(refusal, 400, "%s is required", name);
    if (value->text.length > DBK_ID_BYTES_MAX)
        return dbk_refuse(refusal, 400, "%s must be at most %d characters", name, DBK_ID_BYTES_MAX);
    *out = value->text;
    return true;
}

// The digits of a number without its point, and where the point stands: 12.50e1 is 1250 with 3 before it.
typedef struct digits {
    char text[DBK_PLAIN_NUMBER_MAX];
    int count, before;
} digits;

static bool read_exponent(const char *at, const char *end, int *out)
{
    bool is_negative = at < end && *at == '-';
    int value = 0;
    at += at < end && (*at == '-' || *at == '+');
    for (; at < end; at++)
        value = value > DBK_PLAIN_NUMBER_MAX ? value : value * 10 + (*at - '0');
    *out = is_negative ? -value : value;
    return value <= DBK_PLAIN_NUMBER_MAX;
}

// Leading zeros are no digits, trailing ones neither. False: too many.
static bool read_digits(dbk_text number, digits *d)
{
    const char *at = number.data, *end = number.data + number.length;
    bool is_behind_point = false;
    int exponent = 0, zeros = 0;
    for (at += *at == '-'; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            is_behind_point = true;
            continue;
        }
        if (*at == '0' && d->count == 0) {
            d->before -= is_behind_point;
            continue;
        }
        d->before += !is_behind_point;
        zeros = *at == '0' ? zeros + 1 : 0;
        if (d->count < DBK_PLAIN_NUMBER_MAX)
            d->text[d->count] = *at;
        d->count++;
    }
    bool is_small = at == end || read_exponent(at + 1, end, &exponent);
    d->count -= zeros;
    d->before += exponent;
    // Zero is zero whatever its exponent.
    if (d->count == 0) {
        d->before = 0;
        return true;
    }
    return is_small && d->count <= DBK_PLAIN_NUMBER_MAX;
}

bool dbk_plain_number(dbk_text number, char out[DBK_PLAIN_NUMBER_MAX], size_t *length)
{
    digits d = {.count = 0};
    if (!read_digits(number, &d))
        return false;
    int whole = d.before > 0 ? d.before : 0;
    int zeros = d.count > 0 && d.before < 0 ? -d.before : 0; // between the point and the first digit
    int decimals = d.count > whole ? zeros + d.count - whole : 0;
    if (whole + decimals + 3 > DBK_PLAIN_NUMBER_MAX)
        return false;
    size_t at = 0;
    if (number.data[0] == '-')
        out[at++] = '-';
    if (whole == 0)
        out[at++] = '0';
    for (int i = 0; i < whole; i++)
        out[at++] = i < d.count ? d.text[i] : '0';
    if (decimals > 0)
        out[at++] = '.';
    for (int i = 0; i < zeros; i++)
        out[at++] = '0';
    for (int i = whole; i < d.count; i++)
        out[at++] = d.text[i];
    *length = at;
    return true;
}

bool dbk_distribu_new_id(const char *prefix, char out[DBK_NEW_ID_MAX], dbk_refusal *refusal)
{
    uint8_t bytes[ID_RANDOM_BYTES];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return dbk_refuse(refusal, 503, "No random numbers. Try again shortly.");
    size_t at = (size_t)snprintf(out, DBK_NEW_ID_MAX, "%.8s", prefix);
    for (size_t i = 0; i < sizeof(bytes); i++)
        at += (size_t)snprintf(out + at, DBK_NEW_ID_MAX - at, "%02x", bytes[i]);
    return true;
}

// ---- Lists ----

int64_t dbk_distribu_limit(dbk_text text)
{
    bool is_negative = text.length > 0 && text.data[0] == '-';
    uint32_t at = is_negative ? 1 : 0;
    int64_t value = 0;
    if (at == text.length)
        return LIMIT_DEFAULT;
    for (; at < text.length; at++) {
        if (text.data[at] < '0' || text.data[at] > '9')
            return LIMIT_DEFAULT;
        value = value > LIMIT_MAX ? value : value * 10 + (text.data[at] - '0');
    }
    if (is_negative || value < 1)
        return 1;
    return value > LIMIT_MAX ? LIMIT_MAX : value;
}

void dbk_distribu_pagination(dbk_out *out, bool has_more, dbk_text next)
{
    dbk_out_key(out, "pagination");
    dbk_out_object(out);
    dbk_out_key(out, "hasMore");
    dbk_out_bool(out, has_more);
    dbk_out_key(out, "nextCursor");
    if (has_more)
        dbk_out_text(out, next);
    else
        dbk_out_null(out);
    dbk_out_object_end(out);
}
