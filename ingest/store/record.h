// SPDX-License-Identifier: Apache-2.0
// A change as one record of the log: encoded and compressed by the thread that hands it over, decoded and
// applied by recovery (docs/FORMAT.md, "Log").
#ifndef DBK_STORE_RECORD_H
#define DBK_STORE_RECORD_H

#include "ingest/store/store.h"
#include "ingest/store/tenant_name.h"

// The largest content of a record, before compression. A whole batch of ordinary rows is some ten MiB.
enum { DBK_RECORD_BYTES_MAX = 256 << 20 };

// Refuses a change that could not be replayed: a bad tenant name, no batch, a batch that fails
// dbk_batch_check.
dbk_status dbk_change_check(const dbk_change *change, dbk_error *err);

// Appends the record. On failure *out is as before (but for its capacity).
dbk_status dbk_record_append(dbk_buffer *out, const dbk_change *change, dbk_error *err);

// Reads the next record of a payload and applies its batches. DBK_CORRUPT when it is not one.
dbk_status dbk_record_replay(dbk_reader *payload, dbk_db *db, dbk_error *err);
// The same without a database: for the check and the fuzzer.
dbk_status dbk_record_verify(dbk_reader *payload, dbk_error *err);

#endif
