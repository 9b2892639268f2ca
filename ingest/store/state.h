// SPDX-License-Identifier: Apache-2.0
// The state file of a checkpoint: dead rows and unsealed rows (docs/FORMAT.md, "Manifest").
#ifndef DBK_STORE_STATE_H
#define DBK_STORE_STATE_H

#include "engine/segment/segment.h"
#include "ingest/store/manifest.h"

enum { DBK_STATE_HEADER = 64, DBK_STATE_ALIGNMENT = 64 };

// Starts a state file in an empty buffer.
void dbk_state_begin(dbk_buffer *out, uint64_t epoch);
// Appends a part, padded, and returns its offset.
uint64_t dbk_state_append_dead(dbk_buffer *out, const uint64_t *dead, uint32_t rows);
uint64_t dbk_state_append_segment(dbk_buffer *out, const dbk_segment *segment, uint64_t *size);

// A state file whose checksum was verified. Offsets come from a decoded manifest: they are inside.
dbk_status dbk_state_check(const void *data, size_t size, uint64_t epoch, dbk_error *err);
// The bitmap of a slot; `out` has room for DBK_SEGMENT_ROWS / 64 words. DBK_CORRUPT when a bit past the last
// row is set.
dbk_status dbk_state_read_dead(const void *data, const dbk_manifest_slot *slot, uint64_t *out,
                               dbk_error *err);
// A copy of the unsealed rows as a segment of its own.
dbk_status dbk_state_read_segment(const void *data, const dbk_manifest_table *table, dbk_segment **out,
                                  dbk_error *err);

#endif
