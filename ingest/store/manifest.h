// SPDX-License-Identifier: Apache-2.0
// The manifest: which files make up the database, and where replay of the log begins (docs/FORMAT.md,
// "Manifest"). Immutable once built; everything it points to lives in its arena.
#ifndef DBK_STORE_MANIFEST_H
#define DBK_STORE_MANIFEST_H

#include "engine/base/arena.h"
#include "engine/schema.h"
#include "ingest/store/log.h"

typedef struct dbk_manifest_slot {
    bool present; // false: the slot is empty, nothing below means anything
    uint64_t id;
    uint64_t size, checksum; // of the segment's file
    uint32_t rows;
    uint64_t dead_offset; // in the state file, 0 = no dead rows
} dbk_manifest_slot;

typedef struct dbk_manifest_table {
    dbk_table_id id;
    uint64_t delta_offset, delta_size; // the unsealed rows in the state file; 0, 0 = none
    uint32_t slots_count;
    dbk_manifest_slot *slots;
} dbk_manifest_table;

typedef struct dbk_manifest_tenant {
    dbk_text name;
    uint64_t number; // of the last change that touched it
    int tables_count;
    dbk_manifest_table *tables;
} dbk_manifest_tenant;

// Consecutive words of one dictionary in one words file.
typedef struct dbk_manifest_section {
    uint32_t tenant; // index
    dbk_domain domain;
    uint32_t first, count;
} dbk_manifest_section;

typedef struct dbk_manifest_words {
    uint64_t epoch; // the file's number
    uint64_t size, checksum;
    uint32_t sections_count;
    dbk_manifest_section *sections;
} dbk_manifest_words;

typedef struct dbk_manifest {
    uint64_t epoch;
    uint64_t number; // changes contained
    uint64_t next_segment_id;
    dbk_log_position log;
    uint64_t state_size, state_checksum; // of state-<epoch>; size 0 = there is none
    uint32_t tenants_count;
    dbk_manifest_tenant *tenants;
    uint32_t words_count;
    dbk_manifest_words *words;
    dbk_arena arena;
    bool memory_failed; // while decoding: the bytes may be right, they were not all looked at
} dbk_manifest;

// An empty manifest to be filled; NULL when memory is out.
dbk_manifest *dbk_manifest_create(void);
// NULL is fine.
void dbk_manifest_destroy(dbk_manifest *manifest);

void dbk_manifest_encode(const dbk_manifest *manifest, dbk_buffer *out);
// DBK_CORRUPT unless these are the bytes of a manifest of that epoch. Bounds, order of words and offsets in
// the state file are checked; the named files are not looked at.
dbk_status dbk_manifest_decode(const void *data, size_t size, uint64_t epoch, dbk_manifest **out,
                               dbk_error *err);

// The segments of a manifest by id: what a checkpoint finds on disk already, and how an id that stands twice
// is found.
typedef struct dbk_manifest_index {
    const dbk_manifest_slot **slots; // by ascending id
    size_t count;
} dbk_manifest_index;
dbk_status dbk_manifest_index_build(dbk_manifest_index *index, const dbk_manifest *manifest, dbk_error *err);
const dbk_manifest_slot *dbk_manifest_index_find(const dbk_manifest_index *index, uint64_t id);
void dbk_manifest_index_dispose(dbk_manifest_index *index);

#endif
