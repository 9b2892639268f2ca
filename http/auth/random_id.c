// SPDX-License-Identifier: Apache-2.0
// Random ids.
#include "http/auth/random_id.h"

#include <assert.h>
#include <openssl/rand.h>
#include <string.h>

// Asking the generator costs about as much for many bytes as for few, so each thread asks for many ids' bytes
// at once. No byte is used twice.
enum { ID_BYTES = 12, POOL_BYTES = ID_BYTES * 42 };

static bool take_bytes(uint8_t out[ID_BYTES])
{
    static _Thread_local uint8_t pool[POOL_BYTES];
    static _Thread_local size_t left;
    if (left == 0) {
        if (RAND_bytes(pool, sizeof(pool)) != 1)
            return false;
        left = sizeof(pool);
    }
    left -= ID_BYTES;
    memcpy(out, pool + left, ID_BYTES);
    memset(pool + left, 0, ID_BYTES);
    return true;
}

dbk_status dbk_random_id(const char *prefix, char out[DBK_RANDOM_ID_MAX + 1], dbk_error *err)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[ID_BYTES];
    size_t at = strlen(prefix);
    assert(at + 2 * sizeof(bytes) <= DBK_RANDOM_ID_MAX);
    if (!take_bytes(bytes))
        return dbk_fail(err, DBK_IO, "the system gives no random bytes");
    memcpy(out, prefix, at);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        out[at + 2 * i] = digits[bytes[i] >> 4];
        out[at + 2 * i + 1] = digits[bytes[i] & 15];
    }
    out[at + 2 * sizeof(bytes)] = 0;
    return DBK_OK;
}
