// SPDX-License-Identifier: Apache-2.0
// Which tenant a JSON Web Token is of. Every tenant's key set, secret, audience and AppId (settings, see
// http/app/settings.h) are kept parsed in memory and read again after a change of any tenant's settings;
// tokens that were verified are remembered until they expire or a setting changes.
//
// The rule: an AppId names the tenant, and only that tenant's keys are tried. Without one, the tenant is the
// only one that has a key of the token's kid and algorithm and whose audience (where it asks for one) the
// token names; when there are several, the token is refused, because nothing tells whose it is. In both cases
// the signature must then verify with that tenant's key: what the token says selects, and never proves.
//
// An AppId that a tenant set is its own; otherwise a tenant's name is its AppId. A set one wins over a name.
#ifndef DBK_TOKENS_H
#define DBK_TOKENS_H

#include "http/auth/jwt.h"
#include "ingest/store/store.h"
#include "ingest/store/tenant_name.h"

enum { DBK_TOKEN_ID_MAX = 64 };

typedef struct dbk_token {
    char tenant[DBK_TENANT_NAME_MAX + 1];
    char id[DBK_TOKEN_ID_MAX + 1]; // of its bearer: "sub_" and a digest of tenant and subject
    dbk_claims claims;
} dbk_token;

typedef struct dbk_tokens dbk_tokens;

dbk_status dbk_tokens_create(dbk_tokens **out, dbk_store *store, dbk_error *err);
void dbk_tokens_destroy(dbk_tokens *tokens);

// A tenant's settings changed; call it after the change is published.
void dbk_tokens_changed(dbk_tokens *tokens);

// Verifies a token at now_ms. app_id of length 0: not given. DBK_INVALID says why it is refused in a constant
// text fit for the caller. Any thread.
dbk_status dbk_tokens_verify(dbk_tokens *tokens, dbk_text app_id, dbk_text token, int64_t now_ms,
                             dbk_token *out, dbk_error *err);
// Whether an AppId names this tenant.
dbk_status dbk_tokens_is_app_of(dbk_tokens *tokens, dbk_text app_id, dbk_text tenant, bool *out,
                                dbk_error *err);
// Whether a tenant may take an AppId: not when another set it, nor when it is the name of another that set
// none.
dbk_status dbk_tokens_check_app(dbk_tokens *tokens, dbk_text app_id, dbk_text tenant, dbk_error *err);

#endif
