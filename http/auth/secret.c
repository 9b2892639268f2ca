// SPDX-License-Identifier: Apache-2.0
// Secrets as settings.
#include "http/auth/secret.h"

#include "engine/query.h"
#include "http/app/row_batch.h"
#include "http/app/system_row.h"
#include "http/auth/base64url.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

enum { SECRET_BYTES = 32 };
static const char setting[] = "signing-secret";

// A process has a directory for itself, so a lock of the process is enough for one secret to be made.
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

bool dbk_secret_sign(const uint8_t key[DBK_SECRET_KEY_BYTES], dbk_text text, uint8_t out[32])
{
    unsigned size = 0;
    const unsigned char *data = (const unsigned char *)(text.length > 0 ? text.data : "");
    return HMAC(EVP_sha256(), key, DBK_SECRET_KEY_BYTES, data, text.length, out, &size) != NULL && size == 32;
}

static dbk_status decode(dbk_text text, uint8_t out[SECRET_BYTES], dbk_error *err)
{
    if (dbk_base64url_decoded_size(text.length) != SECRET_BYTES || !dbk_base64url_decode(text, out))
        return dbk_fail(err, DBK_CORRUPT, "the setting signing-secret is no secret; take it away");
    return DBK_OK;
}

static dbk_status read_secret(dbk_store *store, dbk_text tenant, uint8_t out[SECRET_BYTES], dbk_error *err)
{
    static const char *const fields[] = {"value"};
    dbk_result *rows;
    dbk_db *db = dbk_store_db(store);
    dbk_read read = dbk_read_begin(db);
    dbk_status status =
        dbk_stored_row(read.snapshot, tenant, DBK_SETTINGS, dbk_text_from(setting), fields, 1, &rows, err);
    dbk_read_end(db, &read);
    DBK_TRY(status);
    status = dbk_result_rows(rows) > 0 && !dbk_result_is_null(rows, 0, 0)
                 ? decode(dbk_result_text(rows, 0, 0), out, err)
                 : dbk_fail(err, DBK_NOT_FOUND, "nothing was signed for this tenant");
    dbk_result_free(rows);
    return status;
}

static dbk_status make_secret(dbk_store *store, dbk_text tenant, uint8_t out[SECRET_BYTES], dbk_error *err)
{
    char text[DBK_BASE64URL_LENGTH(SECRET_BYTES) + 1];
    if (RAND_bytes(out, SECRET_BYTES) != 1)
        return dbk_fail(err, DBK_IO, "the system gives no random bytes");
    dbk_base64url_encode(out, SECRET_BYTES, text);
    dbk_system_field fields[] = {{.column = "id", .text = dbk_text_from(setting)},
                                 {.column = "value", .text = dbk_text_from(text)}};
    dbk_status status =
        dbk_system_row_write(store, tenant, DBK_SETTINGS, fields, DBK_COUNT(fields), false, err);
    OPENSSL_cleanse(text, sizeof(text));
    return status;
}

static dbk_status find_or_make(dbk_store *store, dbk_text tenant, uint8_t out[SECRET_BYTES], dbk_error *err)
{
    dbk_status status = read_secret(store, tenant, out, err);
    if (status != DBK_NOT_FOUND)
        return status;
    pthread_mutex_lock(&making);
    status = read_secret(store, tenant, out, err);
    if (status == DBK_NOT_FOUND)
        status = make_secret(store, tenant, out, err);
    pthread_mutex_unlock(&making);
    return status;
}

static dbk_status derive(uint8_t secret[SECRET_BYTES], const char *purpose, uint8_t out[DBK_SECRET_KEY_BYTES],
                         dbk_error *err)
{
    bool is_derived = dbk_secret_sign(secret, dbk_text_from(purpose), out);
    OPENSSL_cleanse(secret, SECRET_BYTES);
    return is_derived ? DBK_OK : dbk_fail(err, DBK_NO_MEMORY, "no memory for a signature");
}

dbk_status dbk_secret_signing_key(dbk_store *store, dbk_text tenant, const char *purpose,
                                  uint8_t out[DBK_SECRET_KEY_BYTES], dbk_error *err)
{
    uint8_t secret[SECRET_BYTES];
    DBK_TRY(find_or_make(store, tenant, secret, err));
    return derive(secret, purpose, out, err);
}

dbk_status dbk_secret_verifying_key(dbk_store *store, dbk_text tenant, const char *purpose,
                                    uint8_t out[DBK_SECRET_KEY_BYTES], dbk_error *err)
{
    uint8_t secret[SECRET_BYTES];
    DBK_TRY(read_secret(store, tenant, secret, err));
    return derive(secret, purpose, out, err);
}
