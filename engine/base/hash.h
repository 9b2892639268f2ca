// SPDX-License-Identifier: Apache-2.0
// Hashing and checksums. Hashes (XXH3) place keys in tables and are never stored; checksums guard stored
// bytes.
#ifndef DBK_BASE_HASH_H
#define DBK_BASE_HASH_H

#include "engine/base/types.h"

// XXH3-64 seeded once per process, so that nobody outside can choose keys that collide.
uint64_t dbk_hash_bytes(const void *data, size_t size);
uint64_t dbk_hash_u64(uint64_t value);

// CRC-32C (Castagnoli, reflected, as in RFC 3720; check value of "123456789" is 0xE3069283). `crc` is the
// result for the bytes before, 0 to begin.
uint32_t dbk_crc32c(uint32_t crc, const void *data, size_t size);

// XXH3-64 unseeded: the checksum of stored blocks.
uint64_t dbk_checksum(const void *data, size_t size);

// The same of bytes that come in pieces.
typedef struct dbk_checksum_state {
    _Alignas(64) uint8_t opaque[576];
} dbk_checksum_state;
void dbk_checksum_begin(dbk_checksum_state *state);
void dbk_checksum_add(dbk_checksum_state *state, const void *data, size_t size);
uint64_t dbk_checksum_end(const dbk_checksum_state *state);

#endif
