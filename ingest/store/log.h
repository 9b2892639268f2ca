// SPDX-License-Identifier: Apache-2.0
// The bytes of the log (docs/FORMAT.md, "Log"): headers of files, groups, and the scans that tell a torn tail
// from damage. No state and no order of operations: that is the journal's.
#ifndef DBK_STORE_LOG_H
#define DBK_STORE_LOG_H

#include "engine/io/io.h"

enum { DBK_LOG_VERSION = 1, DBK_GROUP_HEADER = 64 };

// Where a group stands, or the next one will: what has to match before its content is believed.
typedef struct dbk_log_position {
    uint64_t sequence; // of the log file
    uint64_t file_id;
    uint64_t offset;
    uint64_t group; // its number
} dbk_log_position;

// A log file to be made.
typedef struct dbk_log_plan {
    uint64_t sequence;
    uint64_t file_id;
    uint64_t bytes; // a multiple of DBK_IO_BLOCK
} dbk_log_plan;

// Creates the file as the plan says, synced with its header and its name. When `again`, an earlier attempt
// may have left one of that name. On failure it is removed as far as the disk lets us.
dbk_status dbk_log_file_create(dbk_io *io, const dbk_log_plan *plan, bool again, dbk_error *err);

// The header block; `out` has DBK_IO_BLOCK bytes.
void dbk_log_header_encode(const dbk_log_plan *plan, uint8_t *out);
// Checks the first block of a file; DBK_CORRUPT says what is wrong.
dbk_status dbk_log_header_decode(const void *data, size_t size, dbk_log_plan *out, dbk_error *err);

typedef enum dbk_group_kind { DBK_GROUP_DATA = 1, DBK_GROUP_CONFIRM, DBK_GROUP_LINK } dbk_group_kind;

typedef struct dbk_group {
    dbk_group_kind kind;
    uint64_t file_id, offset, number;
    uint64_t changes_before;
    uint32_t changes;
    const uint8_t *payload;
    uint32_t payload_size;
    size_t size; // of the whole group, padding included
} dbk_group;

// Bytes of a group with so much payload.
size_t dbk_group_size(size_t payload_size);
// Turns a buffer whose first DBK_GROUP_HEADER bytes were left free and are followed by the payload into the
// group (header, padding, CRC). False when memory is out.
bool dbk_group_finish(dbk_buffer *buffer, const dbk_group *group);
// The group at the start of `data`, whatever its file, offset and number. False when there is none. Never
// reads past size.
bool dbk_group_decode(const void *data, size_t size, dbk_group *out);
// The same, and it must be the one expected at this position.
bool dbk_group_expect(const void *data, size_t size, const dbk_log_position *position, dbk_group *out);

// Size and content of a link's payload.
enum { DBK_LINK_BYTES = 16 };
bool dbk_link_decode(const dbk_group *group, uint64_t *sequence, uint64_t *file_id);

// Is there a group that belongs at one of these block boundaries, numbered `after` or more? `base` is the
// offset of data in the file; file_id 0 = any. How damage is told from a torn tail.
bool dbk_log_find_group(const uint8_t *data, size_t size, uint64_t base, uint64_t file_id, uint64_t after,
                        uint64_t *found_at);
// Bytes up to and including the last that is not zero.
size_t dbk_log_used(const uint8_t *data, size_t size);

#endif
