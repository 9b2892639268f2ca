// SPDX-License-Identifier: Apache-2.0
// Strings and numbers of JSON, one byte after the other, with the place of what is wrong.
#include "ingest/parse/json_lex.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static const char *fail(dbk_json_lex_fault *fault, const char *where, const char *reason)
{
    fault->reason = reason;
    fault->where = where;
    return NULL;
}

const char *dbk_json_skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

// The first byte that is a quote, a backslash or a control character, or end.
static const char *plain_run_end(const char *at, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
    for (; end - at >= 16; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_max_epu8(v, control), control));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask)
            return at + __builtin_ctz(mask);
    }
#endif
    while (at < end && *at != '"' && *at != '\\' && (uint8_t)*at >= ' ')
        at++;
    return at;
}

static bool hex4(const char *at, const char *end, uint32_t *out)
{
    uint32_t value = 0;
    if (end - at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit > 15)
            return false;
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

static char *put_utf8(char *out, uint32_t point)
{
    if (point < 0x80) {
        *out++ = (char)point;
    } else if (point < 0x800) {
        *out++ = (char)(0xc0 | point >> 6);
        *out++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *out++ = (char)(0xe0 | point >> 12);
        *out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *out++ = (char)(0x80 | (point & 0x3f));
    } else {
        *out++ = (char)(0xf0 | point >> 18);
        *out++ = (char)(0x80 | (point >> 12 & 0x3f));
        *out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *out++ = (char)(0x80 | (point & 0x3f));
    }
    return out;
}

// at: behind `\u`. An escape never grows: 6 bytes make at most 3, 12 make 4.
static const char *take_unicode(const char *at, const char *end, char **out, dbk_json_lex_fault *fault)
{
    uint32_t point, low;
    if (!hex4(at, end, &point))
        return fail(fault, at - 2, "\\u needs four hexadecimal digits");
    at += 4;
    if (point >= 0xd800 && point < 0xe000) {
        bool pair = point < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u' &&
                    hex4(at + 2, end, &low) && low >= 0xdc00 && low < 0xe000;
        if (!pair)
            return fail(fault, at - 6, "half of a surrogate pair");
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
    }
    *out = put_utf8(*out, point);
    return at;
}

static const char *take_escape(const char *at, const char *end, char **out, dbk_json_lex_fault *fault)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (at == end)
        return fail(fault, at - 1, "a string is left open");
    if (*at == 'u')
        return take_unicode(at + 1, end, out, fault);
    const char *name = *at ? strchr(names, *at) : NULL;
    if (!name)
        return fail(fault, at - 1, "no such escape");
    *(*out)++ = values[name - names];
    return at + 1;
}

const char *dbk_json_string(const char *at, const char *end, dbk_buffer *unescaped, dbk_text *out,
                            dbk_json_lex_fault *fault)
{
    const char *start = at, *run = plain_run_end(at, end);
    if (run < end && *run == '"') {
        *out = (dbk_text){start, (uint32_t)(run - start)};
        return run + 1;
    }
    if (run == end)
        return fail(fault, start - 1, "a string is left open");
    if (*run != '\\')
        return fail(fault, run, "a control character in a string: write it as an escape");
    char *first = (char *)unescaped->data + unescaped->size, *to = first;
    for (;;) {
        if (run > at)
            memcpy(to, at, (size_t)(run - at));
        to += run - at;
        if (run == end)
            return fail(fault, start - 1, "a string is left open");
        if (*run == '"')
            break;
        if (*run != '\\')
            return fail(fault, run, "a control character in a string: write it as an escape");
        at = take_escape(run + 1, end, &to, fault);
        if (!at)
            return NULL;
        run = plain_run_end(at, end);
    }
    unescaped->size += (size_t)(to - first);
    *out = (dbk_text){first, (uint32_t)(to - first)};
    return run + 1;
}

static const char *digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

const char *dbk_json_number(const char *at, const char *end, dbk_text *out, dbk_json_lex_fault *fault)
{
    const char *start = at, *from;
    if (at < end && *at == '-')
        at++;
    from = at;
    at = digits(at, end);
    if (at == from)
        return fail(fault, start, "not a JSON value");
    if (*from == '0' && at - from > 1)
        return fail(fault, start, "a number may not begin with 0");
    if (at < end && *at == '.') {
        from = ++at;
        at = digits(at, end);
        if (at == from)
            return fail(fault, start, "a number may not end with a point");
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        from = at;
        at = digits(at, end);
        if (at == from)
            return fail(fault, start, "an exponent without digits");
    }
    *out = (dbk_text){start, (uint32_t)(at - start)};
    return at;
}

const char *dbk_json_word(const char *at, const char *end, const char *word, dbk_json_lex_fault *fault)
{
    size_t length = strlen(word);
    if ((size_t)(end - at) < length || memcmp(at, word, length) != 0)
        return fail(fault, at, "not a JSON value");
    return at + length;
}
