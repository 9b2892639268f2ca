// SPDX-License-Identifier: Apache-2.0
// The audit log: who changed what, when. Entries are rows of the table audit_log and are only ever added. An
// entry is a batch of its own that goes into the same change as what it tells of, so that neither is ever
// stored without the other.
#ifndef DBK_AUDIT_H
#define DBK_AUDIT_H

#include "engine/batch.h"
#include "engine/db.h"
#include "http/json/writer.h"

enum { DBK_AUDIT_DETAILS_MAX = 8192 };

typedef struct dbk_audit_entry {
    int64_t at_ms;
    dbk_text actor;          // the id of the key, or of a token's bearer; no value: the operator
    dbk_text creator;        // who made that key; the token's subject
    const char *action;      // "order.placed"
    const char *entity_type; // "order"
    dbk_text entity_id;
    dbk_text details; // one JSON value; dropped when larger than DBK_AUDIT_DETAILS_MAX
} dbk_audit_entry;

// Makes the entry's batch; *batch must be zeroed, and disposed of whatever this returns.
dbk_status dbk_audit_build(dbk_batch *batch, const dbk_audit_entry *entry, dbk_error *err);

// What to look for; every member that is empty or DBK_NULL does not matter.
typedef struct dbk_audit_search {
    int64_t from_ms, to_ms; // to_ms is inclusive
    dbk_text actor, entity_type;
    dbk_text actor_type; // USER, CUSTOMER or SYSTEM
    dbk_text cursor;     // id of the last entry of the page before
    int64_t limit;
} dbk_audit_search;

// {"data":[…],"pagination":{…}}, newest first. DBK_NOT_FOUND: there is no entry with the cursor's id.
dbk_status dbk_audit_write(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_audit_search *search,
                           dbk_out *out, dbk_error *err);

#endif
