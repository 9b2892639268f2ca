// SPDX-License-Identifier: Apache-2.0
// The byte machine, its versions over masks, and the choice between them.
#include "ingest/parse/csv_scan.h"

#include "engine/base/processor.h"

#include <pthread.h>
#include <string.h>

static size_t scan_bytes(dbk_csv_state *state, const char *data, size_t size, uint32_t base,
                         uint32_t *positions)
{
    dbk_csv_state now = *state;
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        char c = data[i];
        if (now == DBK_CSV_INSIDE) {
            if (c == '"')
                now = DBK_CSV_OPENABLE;
        } else if (c == ',' || c == '\n') {
            positions[count++] = base + (uint32_t)i;
            now = DBK_CSV_OPENABLE;
        } else {
            now = c == '"' && now == DBK_CSV_OPENABLE ? DBK_CSV_INSIDE : DBK_CSV_PLAIN;
        }
    }
    *state = now;
    return count;
}

#if defined(__x86_64__)
#include <immintrin.h>

static inline uint64_t prefix_xor(uint64_t x)
{
    for (int shift = 1; shift < 64; shift *= 2)
        x ^= x << shift;
    return x;
}

// Eight at a time whether or not there are as many: the branch on the number is the cost.
static inline __attribute__((always_inline)) void put_eights(uint64_t bits, uint32_t from, uint32_t *out)
{
    while (bits) {
        for (int i = 0; i < 8; i++) {
            out[i] = from + (uint32_t)__builtin_ctzll(bits | (uint64_t)1 << 63);
            bits &= bits - 1;
        }
        out += 8;
    }
}

static inline void classify_sse2(const char *block, uint64_t *quotes, uint64_t *ends)
{
    const __m128i quote = _mm_set1_epi8('"'), comma = _mm_set1_epi8(','), feed = _mm_set1_epi8('\n');
    uint64_t q = 0, e = 0;
    for (int i = 0; i < 4; i++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i));
        __m128i both = _mm_or_si128(_mm_cmpeq_epi8(v, comma), _mm_cmpeq_epi8(v, feed));
        q |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v, quote)) << 16 * i;
        e |= (uint64_t)(uint32_t)_mm_movemask_epi8(both) << 16 * i;
    }
    *quotes = q;
    *ends = e;
}

#define SCAN_NAME scan_sse2
#define SCAN_TARGET
#define SCAN_CLASSIFY classify_sse2
#define SCAN_PREFIX   prefix_xor
#define SCAN_PUT      put_eights
#include "ingest/parse/csv_scan_body.h"

#define AVX2_TARGET __attribute__((target("avx2,bmi,popcnt,pclmul")))

AVX2_TARGET static inline void classify_avx2(const char *block, uint64_t *quotes, uint64_t *ends)
{
    const __m256i quote = _mm256_set1_epi8('"'), comma = _mm256_set1_epi8(','), feed = _mm256_set1_epi8('\n');
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)block);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32));
    __m256i low_ends = _mm256_or_si256(_mm256_cmpeq_epi8(low, comma), _mm256_cmpeq_epi8(low, feed));
    __m256i high_ends = _mm256_or_si256(_mm256_cmpeq_epi8(high, comma), _mm256_cmpeq_epi8(high, feed));
    *quotes = (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, quote)) |
              (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, quote)) << 32;
    *ends = (uint64_t)(uint32_t)_mm256_movemask_epi8(low_ends) |
            (uint64_t)(uint32_t)_mm256_movemask_epi8(high_ends) << 32;
}

// A carry-less product with all ones is the prefix XOR.
AVX2_TARGET static inline uint64_t prefix_xor_clmul(uint64_t x)
{
    __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, (int64_t)x), _mm_set1_epi8((char)0xff), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

#define SCAN_NAME     scan_avx2
#define SCAN_TARGET   AVX2_TARGET
#define SCAN_CLASSIFY classify_avx2
#define SCAN_PREFIX   prefix_xor_clmul
#define SCAN_PUT      put_eights
#include "ingest/parse/csv_scan_body.h"

#define AVX512_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,avx2,bmi,popcnt,pclmul")))

AVX512_TARGET static inline void classify_avx512(const char *block, uint64_t *quotes, uint64_t *ends)
{
    const __m512i bytes = _mm512_loadu_si512((const void *)block);
    *quotes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"'));
    *ends = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(',')) |
            _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\n'));
}

AVX512_TARGET static inline uint64_t prefix_xor_avx512(uint64_t x)
{
    return prefix_xor_clmul(x);
}

// The numbers of the bits side by side, then sixteen of them at a time.
AVX512_TARGET static inline void put_sixteens(uint64_t bits, uint32_t from, uint32_t *out)
{
    static const uint8_t numbers[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                        16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                        32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                        48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    const __m512i base = _mm512_set1_epi32((int)from);
    __m512i at = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512((const void *)numbers));
    for (int left = __builtin_popcountll(bits);; left -= 16) {
        const __m512i wide = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(at));
        _mm512_storeu_si512((void *)out, _mm512_add_epi32(wide, base));
        if (left <= 16)
            break;
        at = _mm512_shuffle_i64x2(at, at, 0x39);
        out += 16;
    }
}

#define SCAN_NAME     scan_avx512
#define SCAN_TARGET   AVX512_TARGET
#define SCAN_CLASSIFY classify_avx512
#define SCAN_PREFIX   prefix_xor_avx512
#define SCAN_PUT      put_sixteens
#include "ingest/parse/csv_scan_body.h"
#endif

static dbk_csv_scanner scanners[4];
static int scanners_count;

static void find_scanners(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (dbk_level_best() == DBK_LEVEL_AVX512 && __builtin_cpu_supports("pclmul"))
        scanners[scanners_count++] = (dbk_csv_scanner){"avx512", scan_avx512};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt") &&
        __builtin_cpu_supports("pclmul"))
        scanners[scanners_count++] = (dbk_csv_scanner){"avx2", scan_avx2};
    scanners[scanners_count++] = (dbk_csv_scanner){"sse2", scan_sse2};
#endif
    scanners[scanners_count++] = (dbk_csv_scanner){"portable", scan_bytes};
}

const dbk_csv_scanner *dbk_csv_scanners(int *count)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_scanners);
    *count = scanners_count;
    return scanners;
}

size_t dbk_csv_scan(dbk_csv_state *state, const char *data, size_t size, uint32_t base, uint32_t *positions)
{
    int count;
    return dbk_csv_scanners(&count)[0].scan(state, data, size, base, positions);
}

size_t dbk_csv_split(dbk_csv_state *state, const char *data, size_t size)
{
    enum { STEP = 4096 };
    uint32_t positions[STEP + DBK_CSV_SCAN_AHEAD];
    size_t split = 0;
    for (size_t at = 0; at < size; at += STEP) {
        size_t step = size - at < STEP ? size - at : STEP;
        size_t count = dbk_csv_scan(state, data + at, step, 0, positions);
        for (size_t i = count; i > 0; i--) {
            if (data[at + positions[i - 1]] == '\n') {
                split = at + positions[i - 1] + 1;
                break;
            }
        }
    }
    return split;
}
