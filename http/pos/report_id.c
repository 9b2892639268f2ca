// SPDX-License-Identifier: Apache-2.0
// 124 bits, which 24 digits of base 36 just hold: 23 of check, and 101 of content (3 of grouping, twice 49 of
// time). The content is laid over with bits that follow from the check, so that ids of neighbouring windows
// do not look alike.
#include "http/pos/report_id.h"

#include "engine/base/calendar.h"
#include "engine/base/hash.h"

#include <string.h>

enum { TIME_BITS = 49, GROUPING_BITS = 3, CONTENT_BITS = GROUPING_BITS + 2 * TIME_BITS, CHECK_BITS = 23 };
enum { HALF_BITS = 62, HALF_DIGITS = 12, TEXT_MAX = 256 };
_Static_assert(CONTENT_BITS + CHECK_BITS == 2 * HALF_BITS, "an id is two halves of 12 digits");

// Times are counted from the year 0001, so that none is negative; 0 is left for "none".
static const int64_t first_ms = -62135596800001;

static const dbk_u128 content_mask = ((dbk_u128)1 << CONTENT_BITS) - 1;
static const uint64_t half_mask = ((uint64_t)1 << HALF_BITS) - 1;
static const uint64_t time_mask = ((uint64_t)1 << TIME_BITS) - 1;

// ---- Digits ----

static void write_half(char *out, uint64_t value)
{
    for (int i = HALF_DIGITS - 1; i >= 0; i--) {
        out[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[value % 36];
        value /= 36;
    }
}

static dbk_pos_id write_digits(uint64_t high, uint64_t low)
{
    dbk_pos_id id = {"c"};
    write_half(id.text + 1, high & half_mask);
    write_half(id.text + 1 + HALF_DIGITS, low & half_mask);
    return id;
}

// 36^12 is less than 2^63: no twelve digits overflow.
static bool read_half(const char *text, uint64_t *out)
{
    *out = 0;
    for (int i = 0; i < HALF_DIGITS; i++) {
        char c = text[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')))
            return false;
        *out = *out * 36 + (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return *out <= half_mask;
}

// ---- Check and cover ----

// A number that follows from a purpose, the tenant and 128 bits.
static uint64_t mix(char purpose, dbk_text tenant, dbk_u128 value)
{
    uint8_t bytes[1 + sizeof(value) + TEXT_MAX];
    size_t length = tenant.length < TEXT_MAX ? tenant.length : TEXT_MAX;
    bytes[0] = (uint8_t)purpose;
    memcpy(bytes + 1, &value, sizeof(value));
    if (length > 0)
        memcpy(bytes + 1 + sizeof(value), tenant.data, length);
    return dbk_checksum(bytes, 1 + sizeof(value) + length);
}

static dbk_u128 check_of(dbk_text tenant, dbk_u128 content)
{
    return mix('c', tenant, content) >> (64 - CHECK_BITS);
}

static dbk_u128 cover_of(dbk_text tenant, dbk_u128 check)
{
    return ((dbk_u128)mix('h', tenant, check) << 64 | mix('l', tenant, check)) & content_mask;
}

// ---- Spans ----

static dbk_u128 pack_time(int64_t ms)
{
    return ms == DBK_NULL ? 0 : (uint64_t)(ms - first_ms) & time_mask;
}

static int64_t unpack_time(dbk_u128 bits)
{
    uint64_t value = (uint64_t)bits & time_mask;
    return value == 0 ? DBK_NULL : (int64_t)value + first_ms;
}

dbk_pos_id dbk_pos_id_make(dbk_text tenant, const dbk_pos_span *span)
{
    dbk_u128 content = (dbk_u128)span->grouping << (2 * TIME_BITS) | pack_time(span->from_ms) << TIME_BITS |
                       pack_time(span->to_ms);
    dbk_u128 check = check_of(tenant, content);
    dbk_u128 all = check << CONTENT_BITS | (content ^ cover_of(tenant, check));
    return write_digits((uint64_t)(all >> HALF_BITS), (uint64_t)all);
}

bool dbk_pos_id_read(dbk_text id, dbk_text tenant, dbk_pos_span *out)
{
    uint64_t high, low;
    if (id.length != DBK_POS_ID_BYTES || id.data[0] != 'c' || !read_half(id.data + 1, &high) ||
        !read_half(id.data + 1 + HALF_DIGITS, &low))
        return false;
    dbk_u128 all = (dbk_u128)high << HALF_BITS | low;
    dbk_u128 check = all >> CONTENT_BITS;
    dbk_u128 content = (all & content_mask) ^ cover_of(tenant, check);
    if (check_of(tenant, content) != check)
        return false;
    unsigned grouping = (unsigned)(content >> (2 * TIME_BITS));
    *out = (dbk_pos_span){.grouping = (dbk_pos_grouping)grouping,
                          .from_ms = unpack_time(content >> TIME_BITS),
                          .to_ms = unpack_time(content)};
    int64_t last_ms = DBK_MS_DAY * (int64_t)(dbk_day_from_civil(9999, 12, 31) + 1);
    return grouping < DBK_POS_GROUPINGS && out->from_ms != DBK_NULL && out->from_ms <= last_ms &&
           (out->to_ms == DBK_NULL || (out->to_ms >= out->from_ms && out->to_ms <= last_ms));
}

dbk_pos_id dbk_pos_id_inside(const dbk_pos_id *parent, const char *kind, dbk_text id)
{
    uint8_t bytes[1 + DBK_POS_ID_BYTES + TEXT_MAX];
    size_t kind_length = strlen(kind), room = TEXT_MAX - kind_length - 1;
    size_t length = id.length < room ? id.length : room, at = 1;
    memcpy(bytes + at, parent->text, DBK_POS_ID_BYTES);
    at += DBK_POS_ID_BYTES;
    memcpy(bytes + at, kind, kind_length + 1);
    at += kind_length + 1;
    if (length > 0)
        memcpy(bytes + at, id.data, length);
    at += length;
    bytes[0] = 'h';
    uint64_t high = dbk_checksum(bytes, at);
    bytes[0] = 'l';
    return write_digits(high, dbk_checksum(bytes, at));
}
