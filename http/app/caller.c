// SPDX-License-Identifier: Apache-2.0
// Local tenants, keys, tokens, tickets.
#include "http/app/caller.h"

#include "engine/base/clock.h"
#include "http/auth/ticket.h"

#include <stdio.h>
#include <string.h>

static void set_tenant(dbk_call *call, dbk_text tenant)
{
    memcpy(call->tenant_text, tenant.data, tenant.length);
    call->tenant = (dbk_text){call->tenant_text, tenant.length};
}

// False: the call was answered.
static bool take_local_tenant(dbk_call *call, dbk_text tenant)
{
    if (!dbk_tenant_name_is_valid(tenant)) {
        dbk_call_fail(call, 400, "tenant must be 1 to %d letters, digits, '.', '_' or '-'.",
                      DBK_TENANT_NAME_MAX);
        return false;
    }
    set_tenant(call, tenant);
    return true;
}

static bool refuse(dbk_call *call, const char *message)
{
    dbk_call_header(call, "www-authenticate",
                    dbk_text_from(call->dialect->challenge != NULL ? call->dialect->challenge : "Bearer"));
    dbk_call_fail_text(call, 401, dbk_text_from(message), 0);
    return false;
}

// The body says no more than for a key; what is wrong with the token stands where RFC 6750, 3 puts it.
static bool refuse_token(dbk_call *call, const char *reason)
{
    dbk_buffer text = {0};
    dbk_buffer_format(&text, "Bearer error=\"invalid_token\", error_description=\"%s\"", reason);
    char *copy = text.failed ? NULL : dbk_arena_copy(&call->arena, (const char *)text.data, text.size);
    dbk_buffer_dispose(&text);
    dbk_call_header(call, "www-authenticate", copy != NULL ? dbk_text_from(copy) : DBK_TEXT("Bearer"));
    dbk_call_fail_text(call, 401, dbk_text_from(call->dialect->key_refused), 0);
    return false;
}

static bool forbid(dbk_call *call, const char *message)
{
    dbk_call_fail_text(call, 403, dbk_text_from(message), 0);
    return false;
}

// What a call counts against: a limit of the dialect may be the tenant's, one of a key is always its own.
static dbk_text rate_subject(const dbk_call *call, const char *id, bool is_own,
                             char room[DBK_TENANT_NAME_MAX + 2])
{
    if (is_own || !call->dialect->rate_is_of_tenant)
        return dbk_text_from(id);
    int length =
        snprintf(room, DBK_TENANT_NAME_MAX + 2, "/%.*s", (int)call->tenant.length, call->tenant.data);
    return (dbk_text){room, (uint32_t)length}; // no id begins so
}

static int points_of(const dbk_call *call, int rate)
{
    bool is_read = strcmp(call->route->method, "GET") == 0;
    int points = is_read || call->dialect->write_points == 0 ? 1 : call->dialect->write_points;
    return points < rate ? points : rate;
}

static void tell_points(dbk_call *call, int rate, int wait_s, const dbk_limiter_state *state)
{
    int64_t frees_ms = wait_s > 0 ? wait_s * 1000 : state->frees_in_ms;
    call->points.limit = rate;
    call->points.remaining = wait_s > 0 ? 0 : state->remaining;
    call->points.reset_s = (dbk_clock_wall_ms() + frees_ms + 999) / 1000;
}

static bool passes_rate(dbk_call *call, const char *id, int rate)
{
    bool is_own = rate != DBK_RATE_DEFAULT;
    if (!is_own)
        rate = call->dialect->rate_per_minute;
    if (rate == DBK_RATE_OFF || call->route->is_unlimited || !call->app->options.rate_limits)
        return true;
    char room[DBK_TENANT_NAME_MAX + 2];
    dbk_limiter_state state;
    int wait = dbk_limiter_take_and_tell(call->app->limiter, rate_subject(call, id, is_own, room), rate,
                                         points_of(call, rate), dbk_clock_steady_ms(), &state);
    if (call->dialect->rate_is_of_tenant)
        tell_points(call, rate, wait, &state);
    if (wait > 0)
        dbk_call_fail_text(call, 429, dbk_text_from(call->dialect->rate_exceeded), wait);
    return wait == 0;
}

static bool passes_scope(dbk_call *call, const dbk_key *key)
{
    if (key->scopes & dbk_scope_find(dbk_text_from(call->route->scope)))
        return true;
    dbk_buffer text = {0};
    call->dialect->write_forbidden(&text, call->route->scope);
    dbk_call_fail_text(call, 403, (dbk_text){(const char *)text.data, (uint32_t)text.size}, 0);
    dbk_buffer_dispose(&text);
    return false;
}

static bool passes_role(dbk_call *call, dbk_role role)
{
    dbk_role needed =
        call->route->token_role != DBK_ROLE_NONE ? call->route->token_role : call->dialect->token_role;
    return role >= needed || forbid(call, call->dialect->role_refused);
}

// ---- Keys and tokens ----

static bool take_key(dbk_call *call, dbk_text text, dbk_text app_id)
{
    dbk_error err;
    bool is_app = true;
    dbk_status status = dbk_keys_find(call->app->keys, text, call->now_ms, &call->key, &err);
    if (status == DBK_NOT_FOUND)
        return refuse(call, call->dialect->key_refused);
    dbk_text tenant = dbk_text_from(call->key.tenant);
    if (status == DBK_OK && app_id.length > 0)
        status = dbk_tokens_is_app_of(call->app->tokens, app_id, tenant, &is_app, &err);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return false;
    }
    if (!is_app)
        return forbid(call, call->dialect->app_refused);
    call->has_key = true;
    set_tenant(call, tenant);
    return passes_rate(call, call->key.id, call->key.rate) && passes_scope(call, &call->key);
}

static bool take_token(dbk_call *call, dbk_text text, dbk_text app_id)
{
    dbk_error err;
    if (app_id.length == 0 && call->dialect->app_missing != NULL)
        return refuse(call, call->dialect->app_missing);
    dbk_status status = dbk_tokens_verify(call->app->tokens, app_id, text, call->now_ms, &call->token, &err);
    if (status == DBK_INVALID)
        return refuse_token(call, err.message);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return false;
    }
    call->has_token = true;
    set_tenant(call, dbk_text_from(call->token.tenant));
    return passes_rate(call, call->token.id, DBK_RATE_DEFAULT) && passes_role(call, call->token.claims.role);
}

static bool take_ticket(dbk_call *call, dbk_text text)
{
    dbk_ticket ticket;
    dbk_error err;
    dbk_status status = dbk_ticket_verify(call->app->store, text, call->now_ms, &ticket, &err);
    if (status == DBK_INVALID)
        return refuse_token(call, err.message);
    if (status != DBK_OK) {
        dbk_call_fail_read(call, status, &err);
        return false;
    }
    call->has_token = true;
    call->token.claims = (dbk_claims){.role = ticket.role, .expires_ms = ticket.expires_ms};
    memcpy(call->token.id, ticket.id, sizeof(ticket.id));
    set_tenant(call, dbk_text_from(ticket.tenant));
    return passes_rate(call, ticket.id, DBK_RATE_DEFAULT) && passes_role(call, ticket.role);
}

bool dbk_caller_authorise(dbk_call *call)
{
    const dbk_dialect *dialect = call->dialect;
    if (call->route->access == DBK_ACCESS_OPEN)
        return true;
    dbk_text tenant = dbk_call_param(call, "tenant");
    if (call->request->local && tenant.length > 0)
        return take_local_tenant(call, tenant);
    bool is_local_route = call->route->access == DBK_ACCESS_LOCAL;
    if (is_local_route && (call->route->parameters == NULL || call->route->tenant_is_optional))
        return true;

    dbk_text text;
    bool is_shown = !is_local_route && dialect->find_key(call->request, &text) == DBK_KEY_GIVEN;
    dbk_text ticket = call->route->takes_ticket ? dbk_call_param(call, "ticket") : (dbk_text){NULL, 0};
    if (!is_shown && ticket.length > 0)
        return take_ticket(call, ticket);
    if (!is_shown && call->request->local) {
        dbk_call_fail(call, 400, "tenant is required");
        return false;
    }
    if (!is_shown)
        return refuse(call, dialect->key_missing);
    dbk_text app_id = {NULL, 0};
    if (dialect->find_app != NULL && !dialect->find_app(call->request, &app_id))
        return refuse_token(call, "the request has several AppIds");
    return dialect->takes_tokens && !dbk_key_is_shaped(text) ? take_token(call, text, app_id)
                                                             : take_key(call, text, app_id);
}
