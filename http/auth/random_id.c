// SPDX-License-Identifier: Apache-2.0
// Random ids.
#include "http/auth/random_id.h"

#include <assert.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

dbk_status dbk_random_id(const char *prefix, char out[DBK_RANDOM_ID_MAX + 1], dbk_error *err)
{
    uint8_t bytes[12];
    size_t at = strlen(prefix);
    assert(at + 2 * sizeof(bytes) <= DBK_RANDOM_ID_MAX);
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return dbk_fail(err, DBK_IO, "the system gives no random bytes");
    memcpy(out, prefix, at);
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + at + 2 * i, 3, "%02x", bytes[i]);
    return DBK_OK;
}
