// SPDX-License-Identifier: Apache-2.0
// Signing.
#include "http/webhooks/signature.h"

#include "engine/base/bytes.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

enum { MAC_BYTES = 32, RANDOM_BYTES = 24, KEY_MAX = 64 };
static const char prefix[] = "whsec_";

dbk_status dbk_webhook_secret_make(char out[DBK_WEBHOOK_SECRET_BYTES + 1], dbk_error *err)
{
    uint8_t bytes[RANDOM_BYTES];
    char *encoded = out + sizeof(prefix) - 1;
    memcpy(out, prefix, sizeof(prefix) - 1);
    do {
        if (RAND_bytes(bytes, sizeof(bytes)) != 1)
            return dbk_fail(err, DBK_IO, "the system gives no random bytes");
        EVP_EncodeBlock((unsigned char *)encoded, bytes, sizeof(bytes));
    } while (strpbrk(encoded, "+/") != NULL);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return DBK_OK;
}

static bool mac(const void *key, size_t key_size, dbk_text data, uint8_t out[MAC_BYTES])
{
    unsigned size = 0;
    return HMAC(EVP_sha256(), key, (int)key_size, (const unsigned char *)data.data, data.length, out,
                &size) != NULL &&
           size == MAC_BYTES;
}

bool dbk_webhook_sign(dbk_text secret, dbk_text body, char out[DBK_SIGNATURE_MAX])
{
    uint8_t digest[MAC_BYTES];
    if (!mac(secret.data, secret.length, body, digest))
        return false;
    for (int i = 0; i < MAC_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return true;
}

// The bytes behind "whsec_"; 0 when they are not base64 of either alphabet.
static size_t decode_key(dbk_text secret, uint8_t out[KEY_MAX])
{
    size_t skipped = sizeof(prefix) - 1;
    unsigned char text[KEY_MAX];
    if (secret.length <= skipped || memcmp(secret.data, prefix, skipped) != 0)
        return 0;
    size_t length = secret.length - skipped;
    if (length > sizeof(text) || length % 4 != 0)
        return 0;
    for (size_t i = 0; i < length; i++) {
        char c = secret.data[skipped + i];
        text[i] = (unsigned char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    int size = EVP_DecodeBlock(out, text, (int)length);
    return size > 0 ? (size_t)size : 0;
}

bool dbk_webhook_sign_standard(dbk_text secret, dbk_text id, int64_t timestamp_s, dbk_text body,
                               char out[DBK_SIGNATURE_MAX])
{
    uint8_t key[KEY_MAX], digest[MAC_BYTES];
    size_t key_size = decode_key(secret, key);
    dbk_buffer signed_text = {0};
    dbk_buffer_format(&signed_text, "%.*s.%lld.", (int)id.length, id.data, (long long)timestamp_s);
    dbk_buffer_append(&signed_text, body.data, body.length);
    bool is_signed =
        key_size > 0 && !signed_text.failed &&
        mac(key, key_size, (dbk_text){(const char *)signed_text.data, (uint32_t)signed_text.size}, digest);
    dbk_buffer_dispose(&signed_text);
    if (!is_signed)
        return false;
    memcpy(out, "v1,", 3);
    EVP_EncodeBlock((unsigned char *)out + 3, digest, MAC_BYTES);
    return true;
}
