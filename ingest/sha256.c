// SPDX-License-Identifier: Apache-2.0
// OpenSSL's digest, as hex.
#include "ingest/sha256.h"

#include <openssl/evp.h>

bool dbk_sha256_hex(const void *data, size_t size, char out[DBK_SHA256_HEX])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[EVP_MAX_MD_SIZE];
    if (EVP_Digest(data, size, bytes, NULL, EVP_sha256(), NULL) != 1)
        return false;
    for (int i = 0; i < DBK_SHA256_HEX / 2; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    return true;
}
