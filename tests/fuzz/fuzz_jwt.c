// SPDX-License-Identifier: Apache-2.0
// Tokens and key sets. The input's first line is a token, the rest a key set: both are read as they come, and
// what is read is verified. Nothing may verify with the fixed keys: who finds a token that does has broken a
// signature, or this code.
#include "http/auth/jwt.h"

#include <stdlib.h>
#include <string.h>

static const char fixed_set[] =
    "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},"
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static void verify(dbk_text token, const dbk_trust *trust, bool may_pass)
{
    dbk_jwt jwt;
    dbk_claims claims;
    dbk_error err;
    if (dbk_jwt_read(&jwt, token, &err) != DBK_OK)
        return;
    bool is_for = dbk_jwt_is_for(&jwt, trust);
    dbk_status status = dbk_jwt_verify(&jwt, trust, 1776000000000, &claims, &err);
    if (status == DBK_OK &&
        (!may_pass || !is_for || memchr(claims.subject, 0, sizeof(claims.subject)) == NULL))
        abort();
    dbk_jwt_dispose(&jwt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static dbk_jwks *fixed;
    dbk_jwks *set;
    if (fixed == NULL && dbk_jwks_parse(&fixed, dbk_text_from(fixed_set), NULL) != DBK_OK)
        abort();
    const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
    uint32_t length = (uint32_t)(line != NULL ? line - data : (long)size);
    dbk_text token = {(const char *)data, length};
    dbk_trust trust = {.keys = fixed, .secret = DBK_TEXT("a secret that nobody who makes inputs knows")};
    verify(token, &trust, false);
    if (line == NULL)
        return 0;
    dbk_text rest = {(const char *)line + 1, (uint32_t)(size - length - 1)};
    if (dbk_jwks_parse(&set, rest, NULL) == DBK_OK) {
        verify(token, &(dbk_trust){.keys = set}, true);
        dbk_jwks_destroy(set);
    }
    return 0;
}
