// SPDX-License-Identifier: Apache-2.0
// Keys are kept as hashes: they may be long, and they are the clients' secrets.
#include "http/app/idempotency.h"

#include "http/app/old_rows.h"
#include "http/app/row_batch.h"

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

void dbk_idempotency_sweep(const dbk_idempotency *key, dbk_store *store, dbk_text tenant)
{
    static const char dice[] = "0123"; // of 16 values, twice: one hash in 16 has both
    if (!key->is_used || strchr(dice, key->id[0]) == NULL || strchr(dice, key->id[1]) == NULL)
        return;
    const dbk_old_rows old = {
        .table = DBK_IDEMPOTENCY, .before_ms = key->now_ms - kept_ms, .most = SWEEP_ROWS};
    dbk_old_rows_remove(store, tenant, &old);
}
