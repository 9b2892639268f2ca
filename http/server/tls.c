// SPDX-License-Identifier: Apache-2.0
// The TLS side of listening. No ALPN is announced, so no client can talk the library into HTTP/2.
#include "http/server/loop.h"

#include <openssl/err.h>

static dbk_status fail(dbk_error *err, const char *what, const char *file)
{
    char reason[256] = "unknown";
    unsigned long code = ERR_peek_last_error();
    if (code)
        ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    return dbk_fail(err, DBK_INVALID, "TLS: cannot %s %s: %s", what, file, reason);
}

dbk_status dbk_tls_create(SSL_CTX **out, const char *certificate, const char *key, dbk_error *err)
{
    static const unsigned char session_scope[] = "daybook";
    ERR_clear_error();
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (!tls)
        return dbk_fail(err, DBK_NO_MEMORY, "TLS: no memory for a context");
    dbk_status status = DBK_OK;
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_options(tls,
                        SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_id_context(tls, session_scope, sizeof session_scope - 1);
    if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1)
        status = fail(err, "use the certificate", certificate);
    else if (SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
        status = fail(err, "use the key", key);
    else if (SSL_CTX_check_private_key(tls) != 1)
        status = fail(err, "match the certificate with the key", key);
    if (status != DBK_OK) {
        SSL_CTX_free(tls);
        return status;
    }
    *out = tls;
    return DBK_OK;
}
