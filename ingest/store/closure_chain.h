// SPDX-License-Identifier: Apache-2.0
// The chain over a company's closures. Each row of the table `closures` has a number, one more than the row
// before it, and a hash over its own columns and the hash of the row before; so no row can be changed, taken
// away or put in between without the chain breaking there. docs/FORMAT.md has the bytes that are hashed.
//
// The chain shows what was changed by whoever could not rewrite all of it from there on: keep a copy of the
// last hash elsewhere (`daybook closure list` prints it) and nothing before it can be changed unseen.
#ifndef DBK_CLOSURE_CHAIN_H
#define DBK_CLOSURE_CHAIN_H

#include "engine/db.h"
#include "ingest/sha256.h"
#include "ingest/store/check_report.h"

typedef struct dbk_closure {
    dbk_text id;
    int64_t number, from_at, created_at;
    dbk_text cash_register_id, report, totals, actor;
    dbk_text previous_hash;
} dbk_closure;

// previous_hash of number 1.
extern const char dbk_closure_chain_start[DBK_SHA256_HEX + 1];

dbk_status dbk_closure_hash(const dbk_closure *closure, char out[DBK_SHA256_HEX], dbk_error *err);

// Looks at every closure of a tenant, by number; reports a problem for each that does not fit, with its
// number. DBK_OK when it could look, whatever it found.
dbk_status dbk_closure_chain_check(const dbk_snapshot *snapshot, dbk_text tenant, dbk_check *check,
                                   dbk_error *err);

#endif
