// SPDX-License-Identifier: Apache-2.0
// XXH3 from the system's library, and CRC-32C: by the processor's instruction where there is one, else by
// tables that take eight bytes a step. Both are set up before main, so no call pays for asking.
#include "engine/base/hash.h"

#include <endian.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define CRC_POLYNOMIAL 0x82f63b78u // Castagnoli's, bits reflected

static uint64_t hash_seed;

// crc_table[0] advances the remainder by one byte; crc_table[k] by one byte followed by k zero bytes.
static uint32_t crc_table[8][256];

static uint32_t crc_by_table(uint32_t crc, const uint8_t *p, size_t size)
{
    crc = ~crc;
    for (; size >= 8; p += 8, size -= 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        word = le64toh(word) ^ crc;
        crc = crc_table[7][word & 0xff] ^ crc_table[6][word >> 8 & 0xff] ^ crc_table[5][word >> 16 & 0xff] ^
              crc_table[4][word >> 24 & 0xff] ^ crc_table[3][word >> 32 & 0xff] ^
              crc_table[2][word >> 40 & 0xff] ^ crc_table[1][word >> 48 & 0xff] ^ crc_table[0][word >> 56];
    }
    for (; size > 0; p++, size--)
        crc = crc >> 8 ^ crc_table[0][(crc ^ *p) & 0xff];
    return ~crc;
}

static uint32_t (*crc_function)(uint32_t crc, const uint8_t *p, size_t size) = crc_by_table;

#if defined(__x86_64__)

// The instruction takes eight bytes a cycle but answers after three, so long inputs run as three lanes side
// by side. Joining lanes means advancing a remainder over a lane of zero bytes, which is linear: four table
// look-ups.
enum { CRC_LANE = 1024 };
static uint32_t crc_lane_table[4][256];

// The product of two polynomials modulo the CRC's, both with bits reflected: bit 31 is x^0.
static uint32_t crc_multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (uint32_t bit = 1u << 31; bit; bit >>= 1) {
        if (a & bit)
            product ^= b;
        b = b & 1 ? b >> 1 ^ CRC_POLYNOMIAL : b >> 1;
    }
    return product;
}

static void crc_lane_setup(void)
{
    // x^(8 * CRC_LANE) by squaring x^8 until the power of two that CRC_LANE is.
    uint32_t power = 1u << (31 - 8);
    for (int n = 1; n < CRC_LANE; n *= 2)
        power = crc_multiply(power, power);
    for (int k = 0; k < 4; k++) {
        for (uint32_t byte = 0; byte < 256; byte++)
            crc_lane_table[k][byte] = crc_multiply(byte << (8 * k), power);
    }
}

static uint32_t crc_over_lane(uint32_t crc)
{
    return crc_lane_table[0][crc & 0xff] ^ crc_lane_table[1][crc >> 8 & 0xff] ^
           crc_lane_table[2][crc >> 16 & 0xff] ^ crc_lane_table[3][crc >> 24];
}

__attribute__((target("sse4.2"))) static uint32_t crc_by_instruction(uint32_t crc, const uint8_t *p,
                                                                     size_t size)
{
    uint64_t a = ~crc, word;
    for (; size >= 3 * CRC_LANE; p += 3 * CRC_LANE, size -= 3 * CRC_LANE) {
        uint64_t b = 0, c = 0;
        for (size_t i = 0; i < CRC_LANE; i += 8) {
            memcpy(&word, p + i, sizeof word);
            a = __builtin_ia32_crc32di(a, word);
            memcpy(&word, p + i + CRC_LANE, sizeof word);
            b = __builtin_ia32_crc32di(b, word);
            memcpy(&word, p + i + 2 * CRC_LANE, sizeof word);
            c = __builtin_ia32_crc32di(c, word);
        }
        a = crc_over_lane(crc_over_lane((uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)c;
    }
    for (; size >= 8; p += 8, size -= 8) {
        memcpy(&word, p, sizeof word);
        a = __builtin_ia32_crc32di(a, word);
    }
    uint32_t tail = (uint32_t)a;
    for (; size > 0; p++, size--)
        tail = __builtin_ia32_crc32qi(tail, *p);
    return ~tail;
}

#endif

__attribute__((constructor)) static void hash_setup(void)
{
    // Without the kernel's randomness (an early boot, an odd sandbox) the clock still differs between
    // processes.
    if (getrandom(&hash_seed, sizeof hash_seed, GRND_NONBLOCK) != (ssize_t)sizeof hash_seed) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        hash_seed = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u ^ (uint64_t)now.tv_sec;
    }

    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ CRC_POLYNOMIAL : crc >> 1;
        crc_table[0][byte] = crc;
    }
    for (int k = 1; k < 8; k++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t before = crc_table[k - 1][byte];
            crc_table[k][byte] = before >> 8 ^ crc_table[0][before & 0xff];
        }
    }

#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.2")) {
        crc_lane_setup();
        crc_function = crc_by_instruction;
    }
#endif
}

uint64_t dbk_hash_bytes(const void *data, size_t size)
{
    return XXH3_64bits_withSeed(data, size, hash_seed);
}

uint64_t dbk_hash_u64(uint64_t value)
{
    return XXH3_64bits_withSeed(&value, sizeof value, hash_seed);
}

uint32_t dbk_crc32c(uint32_t crc, const void *data, size_t size)
{
    return crc_function(crc, data, size);
}

uint64_t dbk_checksum(const void *data, size_t size)
{
    return XXH3_64bits(data, size);
}

_Static_assert(sizeof(XXH3_state_t) <= sizeof(dbk_checksum_state), "the library's state fits");
_Static_assert(_Alignof(XXH3_state_t) <= _Alignof(dbk_checksum_state), "the library's state is aligned");

void dbk_checksum_begin(dbk_checksum_state *state)
{
    XXH3_64bits_reset((XXH3_state_t *)(void *)state->opaque);
}

void dbk_checksum_add(dbk_checksum_state *state, const void *data, size_t size)
{
    (void)XXH3_64bits_update((XXH3_state_t *)(void *)state->opaque, data, size);
}

uint64_t dbk_checksum_end(const dbk_checksum_state *state)
{
    return XXH3_64bits_digest((const XXH3_state_t *)(const void *)state->opaque);
}
