// SPDX-License-Identifier: Apache-2.0
// Two forms of each shape: one field at a time, its bytes as one or two numbers; and eight at a time in
// 512-bit vectors, a field in each lane of 64 bits.
#include "ingest/parse/run_values.h"

#include "engine/base/calendar.h"
#include "engine/base/processor.h"

#include <string.h>

typedef struct reading {
    const dbk_column_def *column;
    const dbk_zone *zone;
    dbk_run_dates *dates;
    const dbk_run *run;
    const dbk_run_fields *fields;
    int64_t *out;
    uint32_t blank;
} reading;

static uint64_t load_8(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

// ---- One at a time ----

// Digits where `digits` has 0xf0, exactly the pattern's bytes where it has 0xff; *out are the values of the
// digits.
static inline bool match_digits(uint64_t word, uint64_t pattern, uint64_t digits, uint64_t *out)
{
    const uint64_t values = word ^ pattern;
    // More than nine is more than fifteen with six added, which is done where a digit stands.
    const uint64_t six = UINT64_C(0x0606060606060606) & ~digits;
    *out = values;
    return ((values & digits) | ((values + six) & digits & UINT64_C(0xf0f0f0f0f0f0f0f0))) == 0;
}

static inline bool take_date(dbk_run_dates *dates, const char *at, int32_t *day)
{
    uint64_t low = load_8(at);
    uint16_t high;
    memcpy(&high, at + 8, sizeof high);
    const uint64_t place = (low >> 56 ^ (uint64_t)high >> 8 ^ low >> 37) % DBK_COUNT(dates->known);
    if (dates->known[place].low != low || dates->known[place].high != high) {
        if (!dbk_date_parse(at, 10, day))
            return false;
        dates->known[place].low = low;
        dates->known[place].high = high;
        dates->known[place].day = *day;
    }
    *day = dates->known[place].day;
    return true;
}

// "2026-04-01T12:30:00Z", "… 12:30:00.123Z" and the same without Z when that is UTC too.
static inline bool take_time(const reading *r, dbk_text text, int64_t *out)
{
    const char *at = text.data;
    uint32_t length = text.length;
    int32_t day, ms = 0;
    uint64_t clock;
    if (length < 19)
        return false;
    if (at[length - 1] == 'Z')
        length--;
    else if (r->zone)
        return false;
    if ((length != 19 && length != 23) || (at[10] != 'T' && at[10] != ' '))
        return false;
    // "12:30:00", the first byte lowest
    if (!match_digits(load_8(at + 11), UINT64_C(0x30303a30303a3030), UINT64_C(0xf0f0fff0f0fff0f0), &clock))
        return false;
    clock = clock * 10 + (clock >> 8);
    const uint32_t hour = clock & 0xff, minute = clock >> 24 & 0xff, second = clock >> 48 & 0xff;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    if (length == 23) {
        const unsigned a = (unsigned)(at[20] - '0'), b = (unsigned)(at[21] - '0'),
                       c = (unsigned)(at[22] - '0');
        if (at[19] != '.' || a > 9 || b > 9 || c > 9)
            return false;
        ms = (int32_t)(a * 100 + b * 10 + c);
    }
    if (!take_date(r->dates, at, &day))
        return false;
    *out = (int64_t)day * DBK_MS_DAY + (int64_t)(hour * 3600 + minute * 60 + second) * DBK_MS_SECOND + ms;
    return true;
}

// Eight digits, the first lowest.
static inline uint64_t number_of(uint64_t digits)
{
    digits = (digits * 10 + (digits >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    digits = (digits * 100 + (digits >> 16)) & UINT64_C(0x0000ffff0000ffff);
    return (digits * 10000 + (digits >> 32)) & UINT64_C(0x00000000ffffffff);
}

// "0.00" to "99999.99": at most eight bytes, of which the last two are decimals.
static inline bool take_cents(dbk_text text, int64_t *out)
{
    if (text.length < 4 || text.length > 8)
        return false;
    // The last byte highest; nothing but zeros stands before the first.
    const int missing = 8 * (8 - (int)text.length);
    const uint64_t word = load_8(text.data) << missing, all = UINT64_MAX << missing;
    uint64_t digits;
    if (!match_digits(word, UINT64_C(0x30302e3030303030) & all, UINT64_C(0xf0f0fff0f0f0f0f0) & all, &digits))
        return false;
    // The point goes: what is before it moves up.
    digits = (digits & UINT64_C(0xffff000000000000)) | (digits & UINT64_C(0x000000ffffffffff)) << 8;
    *out = (int64_t)number_of(digits) * 100;
    return true;
}

// "0" to "99999999".
static inline bool take_whole(dbk_text text, int64_t *out)
{
    if (text.length > 8)
        return false;
    const int missing = 8 * (8 - (int)text.length);
    const uint64_t word = load_8(text.data) << missing, all = UINT64_MAX << missing;
    uint64_t digits;
    if (!match_digits(word, UINT64_C(0x3030303030303030) & all, UINT64_C(0xf0f0f0f0f0f0f0f0) & all, &digits))
        return false;
    *out = (int64_t)number_of(digits);
    return true;
}

// A text of no usual shape. false: it is not a value of the column.
static bool take_any(reading *r, uint32_t i)
{
    int64_t value;
    if (dbk_value_parse(r->column, r->zone, dbk_run_field(r->run, r->fields, i), &value))
        return false;
    if (value == DBK_NULL && (r->column->flags & DBK_REQUIRED))
        return false;
    r->blank += value == DBK_NULL;
    r->out[i] = value;
    return true;
}

static inline __attribute__((always_inline)) bool take_one(reading *r, uint32_t i, const dbk_type type)
{
    const dbk_text text = dbk_run_field(r->run, r->fields, i);
    return (type == DBK_TIME    ? take_time(r, text, &r->out[i])
            : type == DBK_MONEY ? take_cents(text, &r->out[i])
            : type == DBK_INT   ? take_whole(text, &r->out[i])
                                : false) ||
           take_any(r, i);
}

static inline __attribute__((always_inline)) uint32_t read_portable(reading *r, const dbk_type type)
{
    for (uint32_t i = 0; i < r->fields->count; i++) {
        if (!take_one(r, i, type))
            return i;
    }
    return r->fields->count;
}

// ---- Eight at a time ----

#if DBK_HAS_LEVELS
#include <immintrin.h>

enum { VECTOR = 8 };
#define LANES DBK_AVX512 static inline __attribute__((always_inline))

// Eight bytes as they stand in a text, again and again.
#define BYTES(text) _mm512_set1_epi64((int64_t)word_of(text))
static inline uint64_t word_of(const char text[9])
{
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--)
        word = word << 8 | (uint8_t)text[i];
    return word;
}

// Weights of bytes and of 16-bit numbers, the first lowest.
#define WEIGHTS8(a, b, c, d, e, f, g, h)                                                                     \
    _mm512_set1_epi64((int64_t)((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 |                   \
                                (uint64_t)(d) << 24 | (uint64_t)(e) << 32 | (uint64_t)(f) << 40 |            \
                                (uint64_t)(g) << 48 | (uint64_t)(h) << 56))
#define WEIGHTS16(a, b, c, d)                                                                                \
    _mm512_set1_epi64(                                                                                       \
        (int64_t)((uint64_t)(a) | (uint64_t)(b) << 16 | (uint64_t)(c) << 32 | (uint64_t)(d) << 48))

// Lanes of the fields whose texts have the shape. For a time, "YYYY-MM-DDTHH:MM:SSZ" with or without
// milliseconds, of the years 1970 to 2099, in which every fourth is a leap year.
LANES __mmask8 times_8(const char *text, __m256i from, __m256i length, __m512i *out)
{
    const __m512i low32 = _mm512_set1_epi64(UINT32_MAX);
    const __mmask8 is_long = _mm256_cmpeq_epi32_mask(length, _mm256_set1_epi32(24));
    const __mmask8 is_short = _mm256_cmpeq_epi32_mask(length, _mm256_set1_epi32(20));
    // A short text has few bytes: the last eight are then not its own, and not past what may be read.
    const __m256i at = _mm256_maskz_mov_epi32(is_long | is_short, from);
    const __m512i a = _mm512_i32gather_epi64(at, text, 1);
    const __m512i b = _mm512_i32gather_epi64(at, text + 8, 1);
    __m512i c = _mm512_i32gather_epi64(at, text + 16, 1);
    // ":21Z" becomes ":21.000Z".
    const __mmask8 is_utc = _mm512_mask_cmpeq_epi64_mask(
        is_short, _mm512_and_si512(c, _mm512_set1_epi64(0xff000000)), _mm512_set1_epi64((int64_t)'Z' << 24));
    c = _mm512_mask_or_epi64(c, is_utc, _mm512_and_si512(c, _mm512_set1_epi64(0x00ffffff)),
                             BYTES("\0\0\0.000Z"));
    const __m512i x = _mm512_xor_si512(a, BYTES("0000-00-"));
    const __m512i y = _mm512_xor_si512(b, BYTES("00T00:00"));
    const __m512i z = _mm512_xor_si512(c, BYTES(":00.000Z"));
    const __m512i over =
        _mm512_or_si512(_mm512_or_si512(_mm512_subs_epu8(x, WEIGHTS8(9, 9, 9, 9, 0, 9, 9, 0)),
                                        _mm512_subs_epu8(y, WEIGHTS8(9, 9, 0, 9, 9, 0, 9, 9))),
                        _mm512_subs_epu8(z, WEIGHTS8(0, 9, 9, 0, 9, 9, 9, 0)));
    __mmask8 good = (__mmask8)((is_long | is_utc) & _mm512_testn_epi64_mask(over, over));

    // Bytes to numbers of 16 bits, these to numbers of 32.
    const __m512i year_month = _mm512_madd_epi16(_mm512_maddubs_epi16(x, WEIGHTS8(10, 1, 10, 1, 0, 10, 1, 0)),
                                                 WEIGHTS16(100, 1, 1, 1));
    const __m512i year = _mm512_and_si512(year_month, low32), month = _mm512_srli_epi64(year_month, 32);
    const __m512i parts =
        _mm512_maddubs_epi16(y, WEIGHTS8(10, 1, 0, 10, 1, 0, 10, 1)); // day, hour: tens, ones, minute
    const __m512i tens = _mm512_madd_epi16(parts, WEIGHTS16(0, 60, 0, 0));
    const __m512i ones = _mm512_madd_epi16(parts, WEIGHTS16(1, 0, 60, 1));
    const __m512i day = _mm512_and_si512(ones, low32);
    const __m512i minute = _mm512_srli_epi64(parts, 48);
    __m512i minutes = _mm512_add_epi64(tens, _mm512_srli_epi64(ones, 32)); // of the day
    const __m512i second_ms = _mm512_madd_epi16(_mm512_maddubs_epi16(z, WEIGHTS8(0, 10, 1, 0, 100, 10, 1, 0)),
                                                WEIGHTS16(1, 1, 1, 1));
    const __m512i second = _mm512_and_si512(second_ms, low32), ms = _mm512_srli_epi64(second_ms, 32);

    // Days before each month, and its own.
    const __m512i before_low = _mm512_setr_epi64(0, 0, 31, 59, 90, 120, 151, 181);
    const __m512i before_high = _mm512_setr_epi64(212, 243, 273, 304, 334, 0, 0, 0);
    const __m512i days_low = _mm512_setr_epi64(0, 31, 28, 31, 30, 31, 30, 31);
    const __m512i days_high = _mm512_setr_epi64(31, 30, 31, 30, 31, 0, 0, 0);
    const __m512i one = _mm512_set1_epi64(1), two = _mm512_set1_epi64(2);
    const __m512i since = _mm512_sub_epi64(year, _mm512_set1_epi64(1970));
    const __mmask8 leaps = _mm512_testn_epi64_mask(year, _mm512_set1_epi64(3));
    __m512i most = _mm512_permutex2var_epi64(days_low, month, days_high);
    most = _mm512_mask_add_epi64(most, leaps & _mm512_cmpeq_epi64_mask(month, two), most, one);
    good &= _mm512_cmplt_epu64_mask(since, _mm512_set1_epi64(130)) &
            _mm512_cmple_epu64_mask(month, _mm512_set1_epi64(12)) &
            _mm512_cmplt_epu64_mask(_mm512_sub_epi64(day, one), most);
    good &= _mm512_cmple_epu64_mask(minute, _mm512_set1_epi64(59)) &
            _mm512_cmplt_epu64_mask(minutes, _mm512_set1_epi64(24 * 60)) &
            _mm512_cmple_epu64_mask(second, _mm512_set1_epi64(59));
    __m512i days = _mm512_add_epi64(_mm512_mul_epu32(since, _mm512_set1_epi64(365)),
                                    _mm512_srli_epi64(_mm512_add_epi64(since, one), 2));
    days = _mm512_add_epi64(days, _mm512_permutex2var_epi64(before_low, month, before_high));
    days = _mm512_add_epi64(days, _mm512_sub_epi64(day, one));
    days = _mm512_mask_add_epi64(days, leaps & _mm512_cmpgt_epu64_mask(month, two), days, one);

    minutes = _mm512_add_epi64(_mm512_mul_epu32(days, _mm512_set1_epi64(24 * 60)), minutes);
    *out = _mm512_add_epi64(_mm512_mul_epu32(minutes, _mm512_set1_epi64(60000)),
                            _mm512_add_epi64(_mm512_mul_epu32(second, _mm512_set1_epi64(1000)), ms));
    return good;
}

// The last eight bytes of each text, as they differ from a pattern of which only so many count as the text
// has; where that is more than `most` in some byte the text has another shape.
LANES __mmask8 match_8(const char *text, __m256i from, __m256i length, __m512i pattern, __m512i most,
                       __m512i *out)
{
    const __m256i eight = _mm256_set1_epi32(8);
    const __mmask8 fits = _mm256_cmple_epu32_mask(length, eight);
    const __m512i word =
        _mm512_i32gather_epi64(_mm256_sub_epi32(_mm256_add_epi32(from, length), eight), text, 1);
    const __m512i missing = _mm512_cvtepu32_epi64(_mm256_slli_epi32(_mm256_sub_epi32(eight, length), 3));
    const __m512i all = _mm512_sllv_epi64(_mm512_set1_epi64(-1), missing);
    *out = _mm512_and_si512(_mm512_xor_si512(word, pattern), all);
    const __m512i over = _mm512_subs_epu8(*out, most);
    return fits & _mm512_testn_epi64_mask(over, over);
}

LANES __mmask8 cents_8(const char *text, __m256i from, __m256i length, __m512i *out)
{
    __m512i digits;
    const __mmask8 good =
        match_8(text, from, length, BYTES("00000.00"), WEIGHTS8(9, 9, 9, 9, 9, 0, 9, 9), &digits) &
        _mm256_cmpgt_epi32_mask(length, _mm256_set1_epi32(3));
    const __m512i fours = _mm512_madd_epi16(_mm512_maddubs_epi16(digits, WEIGHTS8(10, 1, 10, 1, 1, 0, 10, 1)),
                                            WEIGHTS16(100, 1, 100, 1));
    // Thousands and the rest, in ten-thousandths.
    *out = _mm512_add_epi64(_mm512_mul_epu32(fours, _mm512_set1_epi64(100000)),
                            _mm512_mul_epu32(_mm512_srli_epi64(fours, 32), _mm512_set1_epi64(100)));
    return good;
}

LANES __mmask8 wholes_8(const char *text, __m256i from, __m256i length, __m512i *out)
{
    __m512i digits;
    const __mmask8 good = match_8(text, from, length, BYTES("00000000"), _mm512_set1_epi8(9), &digits);
    const __m512i fours = _mm512_madd_epi16(
        _mm512_maddubs_epi16(digits, WEIGHTS8(10, 1, 10, 1, 10, 1, 10, 1)), WEIGHTS16(100, 1, 100, 1));
    *out = _mm512_add_epi64(_mm512_mul_epu32(fours, _mm512_set1_epi64(10000)), _mm512_srli_epi64(fours, 32));
    return good;
}

// The lanes that have another shape, one by one. Returns the first that is no value.
static __attribute__((noinline)) uint32_t take_others(reading *r, uint32_t at, uint32_t others)
{
    for (; others; others &= others - 1) {
        const uint32_t i = at + (uint32_t)__builtin_ctz(others);
        const bool taken = r->column->type == DBK_TIME ? take_one(r, i, DBK_TIME) : take_any(r, i);
        if (!taken)
            return i;
    }
    return UINT32_MAX;
}

LANES uint32_t read_avx512(reading *r, const dbk_type type)
{
    const dbk_run_fields *fields = r->fields;
    for (uint32_t at = 0; at < fields->count; at += VECTOR) {
        const __m256i from = _mm256_loadu_si256((const void *)(fields->from + at));
        const __m256i length = _mm256_loadu_si256((const void *)(fields->length + at));
        __m512i values;
        const __mmask8 good = type == DBK_TIME    ? times_8(r->run->text, from, length, &values)
                              : type == DBK_MONEY ? cents_8(r->run->text, from, length, &values)
                                                  : wholes_8(r->run->text, from, length, &values);
        _mm512_storeu_si512(r->out + at, values);
        const uint32_t left = fields->count - at;
        const uint32_t others = (left < VECTOR ? (1U << left) - 1 : 0xffU) & ~(uint32_t)good;
        if (others) {
            const uint32_t bad = take_others(r, at, others);
            if (bad != UINT32_MAX)
                return bad;
        }
    }
    return fields->count;
}

DBK_AVX512 static uint32_t read_times_avx512(reading *r)
{
    return read_avx512(r, DBK_TIME);
}

DBK_AVX512 static uint32_t read_cents_avx512(reading *r)
{
    return read_avx512(r, DBK_MONEY);
}

DBK_AVX512 static uint32_t read_wholes_avx512(reading *r)
{
    return read_avx512(r, DBK_INT);
}
#endif

static uint32_t read_values(reading *r)
{
#if DBK_HAS_LEVELS
    if (dbk_level_used() == DBK_LEVEL_AVX512) {
        switch (r->column->type) {
        case DBK_TIME:
            return read_times_avx512(r);
        case DBK_MONEY:
            return read_cents_avx512(r);
        case DBK_INT:
            return read_wholes_avx512(r);
        default:
            break;
        }
    }
#endif
    switch (r->column->type) {
    case DBK_TIME:
        return read_portable(r, DBK_TIME);
    case DBK_MONEY:
        return read_portable(r, DBK_MONEY);
    case DBK_INT:
        return read_portable(r, DBK_INT);
    default:
        return read_portable(r, DBK_CODE);
    }
}

uint32_t dbk_run_values_read(const dbk_column_def *column, const dbk_zone *zone, dbk_run_dates *dates,
                             const dbk_run *run, const dbk_run_fields *fields, int64_t *out, uint32_t *blank)
{
    reading r = {column, zone, dates, run, fields, out, 0};
    const uint32_t count = read_values(&r);
    *blank = r.blank;
    return count;
}
