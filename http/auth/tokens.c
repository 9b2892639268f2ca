// SPDX-License-Identifier: Apache-2.0
// The tenants' trust, and the tokens that were verified lately.
//
// The table is under a read-write lock that is only written when it is rebuilt, by the protocol of
// http/auth/keys.c: a change bumps `version` after it is published, and who finds a table of another version
// rebuilds it first. So a token of a key that was taken away is refused by every request that begins after
// the change was acknowledged.
//
// A signature costs tens of microseconds, a digest less than one, so tokens are remembered by the SHA-256 of
// token and AppId. A slot holds the version it was verified under; another version is another answer.
#include "http/auth/tokens.h"

#include "http/app/settings.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGEST_BYTES = 32, SLOTS = 2048, STRIPES = 32, ID_DIGEST_BYTES = 16 };

typedef struct tenant_trust {
    dbk_arena arena; // of the texts
    dbk_text tenant;
    dbk_text app_id; // length 0 = the name
    dbk_text jwks_text;
    dbk_jwks *jwks;
    dbk_trust trust;
} tenant_trust;

// What an AppId names. The same id may be one's setting and another's name: the setting stands first.
typedef struct app_name {
    dbk_text id;
    bool is_set;
    const tenant_trust *tenant;
} app_name;

typedef struct slot {
    uint8_t digest[DIGEST_BYTES];
    uint64_t version; // 0 = empty
    dbk_token token;
} slot;

struct dbk_tokens {
    dbk_store *store;
    EVP_MD *sha256; // fetched once: a fetch costs more than the digest
    atomic_uint_fast64_t version;
    pthread_rwlock_t lock;
    tenant_trust *tenants; // in the snapshot's order
    app_name *apps;        // by id
    size_t count;          // of both
    uint64_t built_for;
    pthread_mutex_t stripes[STRIPES];
    slot slots[SLOTS];
};

dbk_status dbk_tokens_create(dbk_tokens **out, dbk_store *store, dbk_error *err)
{
    dbk_tokens *tokens = calloc(1, sizeof(*tokens));
    if (tokens == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for the tokens");
    tokens->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (tokens->sha256 == NULL) {
        free(tokens);
        return dbk_fail(err, DBK_INVALID, "OpenSSL offers no SHA-256; check its configuration");
    }
    tokens->store = store;
    tokens->version = 1;
    pthread_rwlock_init(&tokens->lock, NULL);
    for (int i = 0; i < STRIPES; i++)
        pthread_mutex_init(&tokens->stripes[i], NULL);
    *out = tokens;
    return DBK_OK;
}

static void free_tenants(tenant_trust *tenants, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        dbk_jwks_destroy(tenants[i].jwks);
        dbk_arena_dispose(&tenants[i].arena);
    }
    free(tenants);
}

void dbk_tokens_destroy(dbk_tokens *tokens)
{
    if (tokens == NULL)
        return;
    free_tenants(tokens->tenants, tokens->count);
    free(tokens->apps);
    EVP_MD_free(tokens->sha256);
    for (int i = 0; i < STRIPES; i++)
        pthread_mutex_destroy(&tokens->stripes[i]);
    pthread_rwlock_destroy(&tokens->lock);
    free(tokens);
}

void dbk_tokens_changed(dbk_tokens *tokens)
{
    atomic_fetch_add(&tokens->version, 1);
}

// ---- The table ----

static bool keep_text(tenant_trust *t, dbk_text text, dbk_text *out)
{
    out->data = dbk_arena_copy(&t->arena, text.data, text.length);
    out->length = text.length;
    return out->data != NULL;
}

static dbk_status read_tenant(tenant_trust *t, const dbk_snapshot *snapshot, dbk_text name, dbk_error *err)
{
    dbk_result *rows;
    const struct {
        const char *id;
        dbk_text *text;
    } wanted[] = {{"app-id", &t->app_id},
                  {"jwks", &t->jwks_text},
                  {"jwt-secret", &t->trust.secret},
                  {"jwt-audience", &t->trust.audience}};
    DBK_TRY(dbk_settings_query(snapshot, name, &rows, err));
    bool is_kept = keep_text(t, name, &t->tenant);
    for (size_t row = 0; row < dbk_result_rows(rows); row++)
        for (size_t i = 0; i < DBK_COUNT(wanted); i++)
            if (dbk_text_equal(dbk_result_text(rows, row, 0), dbk_text_from(wanted[i].id)))
                is_kept = keep_text(t, dbk_result_text(rows, row, 1), wanted[i].text) && is_kept;
    dbk_result_free(rows);
    return is_kept ? DBK_OK : dbk_fail(err, DBK_NO_MEMORY, "no memory for the tokens");
}

static tenant_trust *find_tenant(const dbk_tokens *tokens, dbk_text name)
{
    for (size_t i = 0; i < tokens->count; i++)
        if (dbk_text_equal(tokens->tenants[i].tenant, name))
            return &tokens->tenants[i];
    return NULL;
}

// Makes the key set of a text. That of the table before is taken over when its text was the same: making a
// key takes some ten microseconds, and others may have many. A stored set that cannot be used is no set: its
// tokens are refused.
static void take_jwks(const dbk_tokens *tokens, tenant_trust *t)
{
    dbk_error err;
    tenant_trust *before = find_tenant(tokens, t->tenant);
    if (before != NULL && before->jwks != NULL && dbk_text_equal(before->jwks_text, t->jwks_text)) {
        t->jwks = before->jwks;
        before->jwks = NULL;
    } else if (dbk_jwks_parse(&t->jwks, t->jwks_text, &err) != DBK_OK) {
        fprintf(stderr, "daybook: the key set of tenant %.*s is not used: %s\n", (int)t->tenant.length,
                t->tenant.data, err.message);
    }
    t->trust.keys = t->jwks;
}

static int compare_apps(const void *a, const void *b)
{
    const app_name *left = a, *right = b;
    int order = dbk_text_compare(left->id, right->id);
    return order != 0                      ? order
           : left->is_set != right->is_set ? (left->is_set ? -1 : 1)
                                           : dbk_text_compare(left->tenant->tenant, right->tenant->tenant);
}

static dbk_status read_tenants(dbk_tokens *tokens, const dbk_snapshot *snapshot, tenant_trust *tenants,
                               app_name *apps, size_t count, dbk_error *err)
{
    for (size_t i = 0; i < count; i++) {
        tenant_trust *t = &tenants[i];
        DBK_TRY(read_tenant(t, snapshot, dbk_snapshot_tenant_name(snapshot, i), err));
        bool is_set = t->app_id.length > 0;
        apps[i] = (app_name){is_set ? t->app_id : t->tenant, is_set, t};
    }
    // From here on nothing may fail before the table is taken, because sets move into it.
    for (size_t i = 0; i < count; i++)
        if (tenants[i].jwks_text.length > 0)
            take_jwks(tokens, &tenants[i]);
    qsort(apps, count, sizeof(*apps), compare_apps);
    return DBK_OK;
}

// With the write lock held.
static dbk_status rebuild(dbk_tokens *tokens, dbk_error *err)
{
    uint64_t version = atomic_load(&tokens->version);
    if (tokens->built_for == version)
        return DBK_OK;
    dbk_db *db = dbk_store_db(tokens->store);
    dbk_read read = dbk_read_begin(db);
    size_t count = dbk_snapshot_tenants(read.snapshot);
    tenant_trust *tenants = calloc(count + 1, sizeof(*tenants));
    app_name *apps = calloc(count + 1, sizeof(*apps));
    dbk_status status = tenants != NULL && apps != NULL
                            ? read_tenants(tokens, read.snapshot, tenants, apps, count, err)
                            : dbk_fail(err, DBK_NO_MEMORY, "no memory for the tokens");
    dbk_read_end(db, &read);
    if (status != DBK_OK) {
        if (tenants != NULL)
            free_tenants(tenants, count);
        free(apps);
        return status;
    }
    free_tenants(tokens->tenants, tokens->count);
    free(tokens->apps);
    tokens->tenants = tenants;
    tokens->apps = apps;
    tokens->count = count;
    tokens->built_for = version;
    return DBK_OK;
}

// Returns with the read lock held and a table of the current version, or with a failure and no lock.
static dbk_status lock_current(dbk_tokens *tokens, dbk_error *err)
{
    for (;;) {
        pthread_rwlock_rdlock(&tokens->lock);
        if (tokens->built_for == atomic_load(&tokens->version))
            return DBK_OK;
        pthread_rwlock_unlock(&tokens->lock);
        pthread_rwlock_wrlock(&tokens->lock);
        dbk_status status = rebuild(tokens, err);
        pthread_rwlock_unlock(&tokens->lock);
        DBK_TRY(status);
    }
}

// ---- AppIds ----

static const app_name *find_app(const dbk_tokens *tokens, dbk_text id)
{
    size_t low = 0, high = tokens->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (dbk_text_compare(tokens->apps[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tokens->count && dbk_text_equal(tokens->apps[low].id, id) ? &tokens->apps[low] : NULL;
}

dbk_status dbk_tokens_is_app_of(dbk_tokens *tokens, dbk_text app_id, dbk_text tenant, bool *out,
                                dbk_error *err)
{
    DBK_TRY(lock_current(tokens, err));
    const app_name *app = find_app(tokens, app_id);
    // A tenant that came after the table was built has no settings yet: its name is its id.
    *out = app != NULL ? dbk_text_equal(app->tenant->tenant, tenant)
                       : dbk_text_equal(app_id, tenant) && find_tenant(tokens, tenant) == NULL;
    pthread_rwlock_unlock(&tokens->lock);
    return DBK_OK;
}

dbk_status dbk_tokens_check_app(dbk_tokens *tokens, dbk_text app_id, dbk_text tenant, dbk_error *err)
{
    dbk_tokens_changed(tokens); // tenants that came since count too
    DBK_TRY(lock_current(tokens, err));
    dbk_status status = DBK_OK;
    for (size_t i = 0; i < tokens->count && status == DBK_OK; i++) {
        const app_name *app = &tokens->apps[i];
        if (dbk_text_equal(app->id, app_id) && !dbk_text_equal(app->tenant->tenant, tenant))
            status = dbk_fail(err, DBK_INVALID, "app-id \"%.*s\" is that of tenant %.*s", (int)app_id.length,
                              app_id.data, (int)app->tenant->tenant.length, app->tenant->tenant.data);
    }
    pthread_rwlock_unlock(&tokens->lock);
    return status;
}

// ---- Tokens that were verified ----

static bool digest_of(const dbk_tokens *tokens, dbk_text first, dbk_text second, uint8_t out[DIGEST_BYTES])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_made = context != NULL && EVP_DigestInit_ex2(context, tokens->sha256, NULL) == 1 &&
                   EVP_DigestUpdate(context, &first.length, sizeof(first.length)) == 1 &&
                   EVP_DigestUpdate(context, first.data, first.length) == 1 &&
                   EVP_DigestUpdate(context, second.data, second.length) == 1 &&
                   EVP_DigestFinal_ex(context, out, NULL) == 1;
    EVP_MD_CTX_free(context);
    return is_made;
}

static size_t place_of(const uint8_t digest[DIGEST_BYTES])
{
    return (digest[0] | (size_t)digest[1] << 8) % SLOTS;
}

static bool recall(dbk_tokens *tokens, const uint8_t digest[DIGEST_BYTES], dbk_token *out)
{
    size_t place = place_of(digest);
    const slot *s = &tokens->slots[place];
    pthread_mutex_lock(&tokens->stripes[place % STRIPES]);
    bool is_there = s->version == tokens->built_for && memcmp(s->digest, digest, DIGEST_BYTES) == 0;
    if (is_there)
        *out = s->token;
    pthread_mutex_unlock(&tokens->stripes[place % STRIPES]);
    return is_there;
}

static void remember(dbk_tokens *tokens, const uint8_t digest[DIGEST_BYTES], const dbk_token *token)
{
    size_t place = place_of(digest);
    slot *s = &tokens->slots[place];
    pthread_mutex_lock(&tokens->stripes[place % STRIPES]);
    memcpy(s->digest, digest, DIGEST_BYTES);
    s->version = tokens->built_for;
    s->token = *token;
    pthread_mutex_unlock(&tokens->stripes[place % STRIPES]);
}

// ---- Verifying ----

static const tenant_trust *choose_tenant(const dbk_tokens *tokens, dbk_text app_id, const dbk_jwt *jwt,
                                         dbk_error *err)
{
    const tenant_trust *found = NULL;
    if (app_id.length > 0) {
        const app_name *app = find_app(tokens, app_id);
        found = app != NULL ? app->tenant : NULL;
    } else {
        for (size_t i = 0; i < tokens->count; i++) {
            if (!dbk_jwt_is_for(jwt, &tokens->tenants[i].trust))
                continue;
            if (found != NULL) {
                dbk_fail(err, DBK_INVALID, "several tenants have a key for the token: name one by AppId");
                return NULL;
            }
            found = &tokens->tenants[i];
        }
    }
    if (found == NULL)
        dbk_fail(err, DBK_INVALID, "no key is known for the token");
    return found;
}

static dbk_status name_bearer(const dbk_tokens *tokens, dbk_token *token, dbk_error *err)
{
    uint8_t digest[DIGEST_BYTES];
    if (!digest_of(tokens, dbk_text_from(token->tenant), dbk_text_from(token->claims.subject), digest))
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for a token");
    memcpy(token->id, "sub_", 4);
    for (int i = 0; i < ID_DIGEST_BYTES; i++)
        snprintf(token->id + 4 + 2 * i, 3, "%02x", digest[i]);
    return DBK_OK;
}

static dbk_status verify(const dbk_tokens *tokens, dbk_text app_id, dbk_text text, int64_t now_ms,
                         dbk_token *out, dbk_error *err)
{
    dbk_jwt jwt;
    DBK_TRY(dbk_jwt_read(&jwt, text, err));
    const tenant_trust *t = choose_tenant(tokens, app_id, &jwt, err);
    dbk_status status = t != NULL ? dbk_jwt_verify(&jwt, &t->trust, now_ms, &out->claims, err) : DBK_INVALID;
    dbk_jwt_dispose(&jwt);
    DBK_TRY(status);
    memcpy(out->tenant, t->tenant.data, t->tenant.length);
    out->tenant[t->tenant.length] = 0;
    return name_bearer(tokens, out, err);
}

dbk_status dbk_tokens_verify(dbk_tokens *tokens, dbk_text app_id, dbk_text token, int64_t now_ms,
                             dbk_token *out, dbk_error *err)
{
    uint8_t digest[DIGEST_BYTES];
    if (token.length > DBK_JWT_BYTES_MAX || app_id.length > DBK_APP_ID_MAX)
        return dbk_fail(err, DBK_INVALID, "the token or the AppId is too large");
    if (!digest_of(tokens, app_id, token, digest))
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for a token");
    DBK_TRY(lock_current(tokens, err));
    dbk_status status;
    if (recall(tokens, digest, out)) {
        status = dbk_claims_check_time(&out->claims, now_ms, err);
    } else {
        status = verify(tokens, app_id, token, now_ms, out, err);
        if (status == DBK_OK)
            remember(tokens, digest, out);
    }
    pthread_rwlock_unlock(&tokens->lock);
    return status;
}
