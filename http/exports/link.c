// SPDX-License-Identifier: Apache-2.0
// Signing and checking.
#include "http/exports/link.h"

#include "engine/base/decimal.h"

#include <openssl/crypto.h>
#include <string.h>

enum { SIGNATURE_BYTES = 32, SIGNATURE_HEX = 2 * SIGNATURE_BYTES };

// The parts are told apart by line ends, which none of them has: paths and names come from the router.
static bool sign(const uint8_t key[DBK_SECRET_KEY_BYTES], dbk_text path, dbk_text tenant, dbk_text expires,
                 char out[SIGNATURE_HEX])
{
    static const char digits[] = "0123456789abcdef";
    dbk_buffer message = {0};
    dbk_buffer_format(&message, "%.*s\n%.*s\n%.*s", (int)path.length, path.data, (int)tenant.length,
                      tenant.data, (int)expires.length, expires.data);
    uint8_t bytes[SIGNATURE_BYTES];
    dbk_text text = {(const char *)message.data, (uint32_t)message.size};
    bool ok = !message.failed && dbk_secret_sign(key, text, bytes);
    dbk_buffer_dispose(&message);
    for (int i = 0; ok && i < SIGNATURE_BYTES; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    return ok;
}

dbk_status dbk_export_link_write(dbk_buffer *out, const uint8_t key[DBK_SECRET_KEY_BYTES], dbk_text path,
                                 dbk_text tenant, int64_t expires_ms, dbk_error *err)
{
    char expires[DBK_DECIMAL_TEXT_MAX], signature[SIGNATURE_HEX];
    uint32_t length = (uint32_t)dbk_int_write(expires, expires_ms / 1000);
    if (!sign(key, path, tenant, (dbk_text){expires, length}, signature))
        return dbk_fail(err, DBK_NO_MEMORY, "no memory to sign an address");
    dbk_buffer_format(out, "%.*s?tenant=%.*s&expires=%.*s&signature=%.*s", (int)path.length, path.data,
                      (int)tenant.length, tenant.data, (int)length, expires, SIGNATURE_HEX, signature);
    return DBK_OK;
}

// Seconds as dbk_export_link_write wrote them: the signature covers the text, so there is one spelling.
static bool read_seconds(dbk_text text, int64_t *out)
{
    *out = 0;
    for (uint32_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *out = *out * 10 + (text.data[i] - '0');
    }
    return text.length > 0 && text.length <= 12;
}

dbk_link_verdict dbk_export_link_check(const uint8_t key[DBK_SECRET_KEY_BYTES], dbk_text path,
                                       dbk_text tenant, dbk_text expires, dbk_text signature, int64_t now_ms)
{
    char wanted[SIGNATURE_HEX];
    int64_t seconds;
    if (signature.length != SIGNATURE_HEX || expires.length > 12 ||
        !sign(key, path, tenant, expires, wanted) ||
        CRYPTO_memcmp(wanted, signature.data, SIGNATURE_HEX) != 0 || !read_seconds(expires, &seconds))
        return DBK_LINK_FORGED;
    return now_ms < seconds * 1000 ? DBK_LINK_GOOD : DBK_LINK_EXPIRED;
}
