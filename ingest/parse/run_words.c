// SPDX-License-Identifier: Apache-2.0
// A word's place is a sum of its four numbers of 32 bits, each times a factor of its own; other factors are
// tried until every word has a place to itself. With 32 words in 256 places one in seven tries does.
#include "ingest/parse/run_words.h"

#include "engine/base/hash.h"
#include "engine/base/processor.h"

#include <string.h>

enum { TRIES = 64, PLACE_SHIFT = 32 - 8 };
_Static_assert(DBK_RUN_WORD_PLACES == 1 << (32 - PLACE_SHIFT), "the highest bits are the place");

typedef struct factors {
    uint64_t low, high; // two each
} factors;

static inline factors factors_of(uint32_t salt)
{
    return (factors){dbk_hash_u64(2 * (uint64_t)salt) | UINT64_C(0x100000001),
                     dbk_hash_u64(2 * (uint64_t)salt + 1) | UINT64_C(0x100000001)};
}

static inline uint32_t place_of(factors f, dbk_word_key key)
{
    const uint32_t sum =
        (uint32_t)key.low * (uint32_t)f.low + (uint32_t)(key.low >> 32) * (uint32_t)(f.low >> 32) +
        (uint32_t)key.high * (uint32_t)f.high + (uint32_t)(key.high >> 32) * (uint32_t)(f.high >> 32);
    return sum >> PLACE_SHIFT;
}

static bool place_all(dbk_run_words *words)
{
    const factors f = factors_of(words->salt);
    memset(words->code, 0, sizeof words->code);
    for (uint32_t i = 0; i < words->count; i++) {
        const uint32_t place = place_of(f, words->keys[i]);
        if (words->code[place])
            return false;
        words->low[place] = words->keys[i].low;
        words->high[place] = words->keys[i].high;
        words->code[place] = words->codes[i];
    }
    return true;
}

void dbk_run_words_add(dbk_run_words *words, dbk_word_key key, uint32_t code)
{
    words->is_full |= words->count == DBK_RUN_WORDS;
    for (uint32_t i = 0; i < words->count && !words->is_full; i++) {
        if (words->keys[i].low == key.low && words->keys[i].high == key.high)
            return;
    }
    if (words->is_full)
        return;
    const uint32_t place = place_of(factors_of(words->salt), key);
    words->keys[words->count] = key;
    words->codes[words->count++] = code;
    if (!words->code[place]) {
        words->low[place] = key.low;
        words->high[place] = key.high;
        words->code[place] = code;
        return;
    }
    const uint32_t salt = words->salt;
    for (int i = 0; i < TRIES; i++) {
        words->salt++;
        if (place_all(words))
            return;
    }
    words->is_full = true;
    words->count--;
    words->salt = salt;
    place_all(words);
}

static uint32_t find_portable(const dbk_run_words *words, const dbk_run *run, const dbk_run_fields *fields,
                              uint32_t *codes, uint8_t *misses)
{
    const factors f = factors_of(words->salt);
    uint32_t count = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        const uint32_t length = fields->length[i];
        const bool is_short = length <= DBK_WORD_KEY_BYTES;
        const dbk_word_key key =
            dbk_word_key_of(run->text + fields->from[i], is_short ? length : DBK_WORD_KEY_BYTES);
        const uint32_t place = place_of(f, key);
        const uint64_t differs = (words->low[place] ^ key.low) | (words->high[place] ^ key.high);
        const uint32_t code = is_short && differs == 0 ? words->code[place] : 0;
        codes[i] = code;
        misses[count] = (uint8_t)i;
        count += code == 0;
    }
    return count;
}

#if DBK_HAS_LEVELS
#include <immintrin.h>

DBK_AVX512 static uint32_t find_avx512(const dbk_run_words *words, const dbk_run *run,
                                       const dbk_run_fields *fields, uint32_t *codes, uint8_t *misses)
{
    const factors f = factors_of(words->salt);
    const __m512i low_factors = _mm512_set1_epi64((int64_t)f.low);
    const __m512i high_factors = _mm512_set1_epi64((int64_t)f.high);
    const __m512i all = _mm512_set1_epi64(-1);
    const __m128i numbers = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    uint32_t count = 0;
    for (uint32_t i = 0; i < fields->count; i += 8) {
        const __m256i from = _mm256_loadu_si256((const void *)(fields->from + i));
        const __m256i length = _mm256_loadu_si256((const void *)(fields->length + i));
        const __mmask8 is_short = _mm256_cmple_epu32_mask(length, _mm256_set1_epi32(DBK_WORD_KEY_BYTES));
        const __m512i bits = _mm512_slli_epi64(_mm512_cvtepu32_epi64(length), 3);
        // A shift by 64 or more leaves nothing: the bytes that are none of the word's.
        const __m512i over = _mm512_subs_epu16(bits, _mm512_set1_epi64(64));
        __m512i low = _mm512_i32gather_epi64(from, run->text, 1);
        __m512i high = _mm512_i32gather_epi64(from, run->text + 8, 1);
        low = _mm512_andnot_si512(_mm512_sllv_epi64(all, bits), low);
        high = _mm512_andnot_si512(_mm512_sllv_epi64(all, over), high);
        const __m512i sums =
            _mm512_add_epi32(_mm512_mullo_epi32(low, low_factors), _mm512_mullo_epi32(high, high_factors));
        const __m512i sum = _mm512_add_epi32(sums, _mm512_srli_epi64(sums, 32));
        const __m256i place = _mm256_srli_epi32(_mm512_cvtepi64_epi32(sum), PLACE_SHIFT);
        const __m512i differs =
            _mm512_or_si512(_mm512_xor_si512(low, _mm512_i32gather_epi64(place, words->low, 8)),
                            _mm512_xor_si512(high, _mm512_i32gather_epi64(place, words->high, 8)));
        const __mmask8 same = is_short & _mm512_testn_epi64_mask(differs, differs);
        const __m256i code =
            _mm256_maskz_mov_epi32(same, _mm256_i32gather_epi32((const int *)words->code, place, 4));
        _mm256_storeu_si256((void *)(codes + i), code);
        const uint32_t left = fields->count - i;
        const __mmask8 lanes = left < 8 ? (__mmask8)((1U << left) - 1) : (__mmask8)0xff;
        const __mmask8 missed = lanes & _mm256_testn_epi32_mask(code, code);
        _mm_storeu_si128((void *)(misses + count),
                         _mm_maskz_compress_epi8(missed, _mm_add_epi8(numbers, _mm_set1_epi8((char)i))));
        count += (uint32_t)__builtin_popcount(missed);
    }
    return count;
}
#endif

uint32_t dbk_run_words_find(const dbk_run_words *words, const dbk_run *run, const dbk_run_fields *fields,
                            uint32_t *codes, uint8_t *misses)
{
#if DBK_HAS_LEVELS
    if (dbk_level_used() == DBK_LEVEL_AVX512)
        return find_avx512(words, run, fields, codes, misses);
#endif
    return find_portable(words, run, fields, codes, misses);
}
