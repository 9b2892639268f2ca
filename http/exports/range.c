// SPDX-License-Identifier: Apache-2.0
// "bytes=0-99", "bytes=100-", "bytes=-100".
#include "http/exports/range.h"

#include <string.h>
#include <strings.h>

// Digits up to a character that is none; false when there are none. A number too large for its type becomes
// the largest, which is behind the end of any file.
static bool read_number(dbk_text text, uint32_t *at, uint64_t *out)
{
    uint32_t begin = *at;
    *out = 0;
    for (; *at < text.length && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++) {
        uint64_t digit = (uint64_t)(text.data[*at] - '0');
        if (__builtin_mul_overflow(*out, (uint64_t)10, out) || __builtin_add_overflow(*out, digit, out))
            *out = UINT64_MAX;
    }
    return *at > begin;
}

static void skip_spaces(dbk_text text, uint32_t *at)
{
    while (*at < text.length && (text.data[*at] == ' ' || text.data[*at] == '\t'))
        (*at)++;
}

static dbk_range_kind last_bytes(uint64_t count, uint64_t size, uint64_t *from)
{
    if (count == 0 || size == 0)
        return DBK_RANGE_NONE;
    *from = count < size ? size - count : 0;
    return DBK_RANGE_PART;
}

dbk_range_kind dbk_range_parse(dbk_text header, uint64_t size, uint64_t *from, uint64_t *to)
{
    static const char unit[] = "bytes=";
    uint32_t at = sizeof(unit) - 1;
    uint64_t first, last = UINT64_MAX;
    *from = 0;
    *to = size;
    if (header.length < at || strncasecmp(header.data, unit, at) != 0)
        return DBK_RANGE_ALL;
    skip_spaces(header, &at);
    bool has_first = read_number(header, &at, &first);
    if (at == header.length || header.data[at++] != '-')
        return DBK_RANGE_ALL;
    bool has_last = read_number(header, &at, &last);
    if (!has_last)
        last = UINT64_MAX;
    skip_spaces(header, &at);
    if (at != header.length || (!has_first && !has_last) || (has_first && last < first))
        return DBK_RANGE_ALL;
    if (!has_first)
        return last_bytes(last, size, from);
    if (first >= size)
        return DBK_RANGE_NONE;
    *from = first;
    *to = last < size - 1 ? last + 1 : size;
    return DBK_RANGE_PART;
}
