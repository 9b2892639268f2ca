// SPDX-License-Identifier: Apache-2.0
// Idempotency-Key: the answer to a request that changed something is kept for a day, in the same commit as
// the change; the same request again gets the same answer, and nothing is changed twice.
//
// Only what was stored is kept: a refusal changed nothing, and asking again may have another outcome.
#ifndef DBK_IDEMPOTENCY_H
#define DBK_IDEMPOTENCY_H

#include "http/app/call.h"
#include "ingest/sha256.h"

typedef struct dbk_idempotency {
    bool is_used; // the request has a key
    int64_t now_ms;
    char id[DBK_SHA256_HEX], request[DBK_SHA256_HEX]; // hashes of the key, and of what is asked
} dbk_idempotency;

// Reads the header and hashes path and body. False: the call was answered.
bool dbk_idempotency_begin(dbk_call *call, dbk_idempotency *key);

typedef enum dbk_idempotency_state {
    DBK_IDEMPOTENCY_NEW,
    DBK_IDEMPOTENCY_SAME,  // *status and *answer are what was answered
    DBK_IDEMPOTENCY_OTHER, // the key was used for another request
} dbk_idempotency_state;

// For transactions.
dbk_status dbk_idempotency_find(const dbk_idempotency *key, const dbk_snapshot *working, dbk_text tenant,
                                dbk_idempotency_state *state, int *status, dbk_buffer *answer,
                                dbk_error *err);
// The row that keeps the answer; dispose of the batch whatever this returns.
dbk_status dbk_idempotency_keep(const dbk_idempotency *key, int status, const dbk_buffer *answer,
                                dbk_batch *batch, dbk_error *err);

// Now and then removes some of the tenant's answers that are older than a day. Returns at once; not on the
// store's writer thread.
void dbk_idempotency_sweep(const dbk_idempotency *key, dbk_store *store, dbk_text tenant);

#endif
