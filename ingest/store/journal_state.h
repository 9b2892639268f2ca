// SPDX-License-Identifier: Apache-2.0
// What a journal is made of; shared by running it (journal.c) and by opening and closing it, which builds on
// that (journal_open.c).
#ifndef DBK_STORE_JOURNAL_STATE_H
#define DBK_STORE_JOURNAL_STATE_H

#include "engine/base/random.h"
#include "ingest/store/files.h"
#include "ingest/store/journal.h"

struct dbk_journal {
    dbk_io *io;
    dbk_db *db;
    uint64_t log_file_bytes;
    bool unlogged;
    dbk_segment_files *files;
    void (*notice)(void *user, const char *line);
    dbk_status (*make_log_file)(void *user, const dbk_log_plan *plan, bool again, dbk_error *err);
    void *user;
    dbk_random random; // of file ids when a test chose the seed
    bool seeded;

    dbk_manifest *manifest;
    dbk_file file;        // the log file in use
    uint64_t file_bytes;  // its size
    dbk_log_position end; // where the next group goes
    uint64_t number;      // changes applied to the working state
    bool unconfirmed;     // the last group written is a data group
    bool marked_closed;   // closed-<end.group - 1> stands

    dbk_buffer group;         // the group being built: room for its header, then records
    uint32_t pending_changes; // in it
    uint8_t *staging;         // for the aligned copy of a finished group
    size_t staging_size;
    uint8_t *written; // the copy of the data group in flight or before; its turn comes after staging's
    size_t written_size;

    // The next log file: planned (somebody may be making it), made (may be linked to); `again`: something of
    // that name may lie about.
    dbk_log_plan next;
    bool next_planned, next_made, next_again;

    // The commit under way.
    dbk_snapshot *image; // to be published when the write is done
    dbk_log_position image_end;
    uint32_t image_changes;
    dbk_io_op write;
    bool in_flight;

    dbk_log_position published; // behind the group of the published snapshot
    bool checkpoint_again;
    dbk_error reason; // why it is read-only
    dbk_journal_figures figures;
};

uint64_t dbk_journal_new_file_id(dbk_journal *journal);

#endif
