// SPDX-License-Identifier: Apache-2.0
// Keys are kept as hashes: they may be long, and they are the clients' secrets.
#include "http/app/idempotency.h"

#include "http/app/row_batch.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES_MAX = 255 };
// About one request in sixteen sweeps, and takes away more than came since.
enum { SWEEP_ROWS = 1024 };

static const int64_t kept_ms = 24LL * 3600000;

// ---- Hashes ----

static bool hash(dbk_text path, dbk_text what, char out[DBK_SHA256_HEX])
{
    dbk_buffer bytes = {0};
    dbk_buffer_append(&bytes, path.data, path.length);
    dbk_buffer_u8(&bytes, '\n');
    if (what.length > 0)
        dbk_buffer_append(&bytes, what.data, what.length);
    bool ok = !bytes.failed && dbk_sha256_hex(bytes.data, bytes.size, out);
    dbk_buffer_dispose(&bytes);
    return ok;
}

bool dbk_idempotency_begin(dbk_call *call, dbk_idempotency *key)
{
    dbk_text text = dbk_request_header(call->request, "idempotency-key");
    *key = (dbk_idempotency){.is_used = text.length > 0, .now_ms = call->now_ms};
    if (!key->is_used)
        return true;
    if (text.length > KEY_BYTES_MAX) {
        dbk_call_fail(call, 400, "Idempotency-Key must be at most %d characters", KEY_BYTES_MAX);
        return false;
    }
    if (hash(call->request->path, text, key->id) &&
        hash(call->request->path, call->request->body, key->request))
        return true;
    dbk_call_fail_write(call, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
    return false;
}

// ---- Rows ----

static dbk_status look_up(const dbk_idempotency *key, const dbk_result *rows, dbk_idempotency_state *state,
                          int *status, dbk_buffer *answer, dbk_error *err)
{
    if (dbk_result_rows(rows) == 0 ||
        dbk_stored_int(rows, 0, DBK_IDEMPOTENCY, "created_at") <= key->now_ms - kept_ms)
        return DBK_OK;
    dbk_text request = dbk_stored_text(rows, 0, DBK_IDEMPOTENCY, "request_hash");
    *state = dbk_text_equal(request, (dbk_text){key->request, DBK_SHA256_HEX}) ? DBK_IDEMPOTENCY_SAME
                                                                               : DBK_IDEMPOTENCY_OTHER;
    if (*state == DBK_IDEMPOTENCY_OTHER)
        return DBK_OK;
    dbk_text text = dbk_stored_text(rows, 0, DBK_IDEMPOTENCY, "answer");
    *status = (int)dbk_stored_int(rows, 0, DBK_IDEMPOTENCY, "status");
    dbk_buffer_append(answer, text.data, text.length);
    return answer->failed ? dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.") : DBK_OK;
}

dbk_status dbk_idempotency_find(const dbk_idempotency *key, const dbk_snapshot *working, dbk_text tenant,
                                dbk_idempotency_state *state, int *status, dbk_buffer *answer, dbk_error *err)
{
    *state = DBK_IDEMPOTENCY_NEW;
    if (!key->is_used)
        return DBK_OK;
    dbk_value id = {.kind = DBK_VALUE_TEXT, .text = {key->id, DBK_SHA256_HEX}};
    dbk_result *rows;
    DBK_TRY(dbk_stored_rows(working, tenant, DBK_IDEMPOTENCY, &id, 1, &rows, err));
    dbk_status result = look_up(key, rows, state, status, answer, err);
    dbk_result_free(rows);
    return result;
}

dbk_status dbk_idempotency_keep(const dbk_idempotency *key, int status, const dbk_buffer *answer,
                                dbk_batch *batch, dbk_error *err)
{
    DBK_TRY(dbk_row_batch_init(batch, DBK_IDEMPOTENCY, 1, err));
    DBK_TRY(dbk_row_batch_text(batch, 0, "id", (dbk_text){key->id, DBK_SHA256_HEX}, err));
    dbk_row_batch_int(batch, 0, "created_at", key->now_ms);
    DBK_TRY(dbk_row_batch_text(batch, 0, "request_hash", (dbk_text){key->request, DBK_SHA256_HEX}, err));
    dbk_row_batch_int(batch, 0, "status", status);
    return dbk_row_batch_text(batch, 0, "answer",
                              (dbk_text){(const char *)answer->data, (uint32_t)answer->size}, err);
}

// ---- Sweeping ----

typedef struct sweep {
    char tenant_text[DBK_TENANT_NAME_MAX];
    dbk_text tenant;
    int64_t before_ms;
    dbk_batch batch;
    const dbk_batch *batches[1];
} sweep;

static dbk_status find_old(const sweep *s, const dbk_snapshot *working, dbk_result **out, dbk_error *err)
{
    static const char *const fields[] = {"id"};
    dbk_query query = {.table = "idempotency",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = s->before_ms,
                       .fields = fields,
                       .fields_count = 1,
                       .limit = SWEEP_ROWS};
    return dbk_query_run(working, s->tenant, &query, out, err);
}

static dbk_status remove_old(void *user, const dbk_snapshot *working, dbk_change *change, dbk_error *err)
{
    sweep *s = user;
    dbk_result *rows;
    DBK_TRY(find_old(s, working, &rows, err));
    size_t count = dbk_result_rows(rows);
    dbk_status status = count > 0 ? dbk_row_batch_removal(&s->batch, DBK_IDEMPOTENCY, rows, err) : DBK_OK;
    dbk_result_free(rows);
    if (status != DBK_OK || count == 0)
        return status;
    s->batches[0] = &s->batch;
    change->batches = s->batches;
    change->batches_count = 1;
    return DBK_OK;
}

// What could not be removed this time is found the next time.
static void on_swept(void *user, const dbk_change_result *result)
{
    sweep *s = user;
    (void)result;
    dbk_batch_dispose(&s->batch);
    free(s);
}

void dbk_idempotency_sweep(const dbk_idempotency *key, dbk_store *store, dbk_text tenant)
{
    static const char dice[] = "0123"; // of 16 values, twice: one hash in 16 has both
    if (!key->is_used || strchr(dice, key->id[0]) == NULL || strchr(dice, key->id[1]) == NULL)
        return;
    sweep *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return;
    memcpy(s->tenant_text, tenant.data, tenant.length);
    s->tenant = (dbk_text){s->tenant_text, tenant.length};
    s->before_ms = key->now_ms - kept_ms;
    dbk_store_transact(store, s->tenant, remove_old, s, on_swept, s);
}
