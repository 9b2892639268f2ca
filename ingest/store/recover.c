// SPDX-License-Identifier: Apache-2.0
// Recovery as reading: what rules, what it names, what came after.
#include "ingest/store/recover.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/image.h"
#include "ingest/store/record.h"
#include "ingest/store/restore.h"
#include "ingest/store/state.h"
#include "ingest/store/words.h"

// ---- The manifest ----

static dbk_status read_manifest(dbk_io *io, uint64_t epoch, dbk_manifest **out, dbk_error *err)
{
    void *bytes;
    size_t size;
    DBK_TRY(dbk_file_read_named(io, DBK_FILE_MANIFEST, epoch, 0, &bytes, &size, err));
    dbk_status status = dbk_manifest_decode(bytes, size, epoch, out, err);
    free(bytes);
    return status == DBK_OK ? DBK_OK : dbk_file_blame(DBK_FILE_MANIFEST, epoch, status, err);
}

// Does a file of the log, whose header may be unreadable, hold a group of this number or a later one?
static dbk_status find_group_in(dbk_io *io, uint64_t sequence, uint64_t after, bool *found, uint64_t *at,
                                dbk_error *err)
{
    void *bytes;
    size_t size;
    DBK_TRY(dbk_file_read_named(io, DBK_FILE_LOG, sequence, 0, &bytes, &size, err));
    *found = size > DBK_IO_BLOCK && dbk_log_find_group((const uint8_t *)bytes + DBK_IO_BLOCK,
                                                       size - DBK_IO_BLOCK, DBK_IO_BLOCK, 0, after, at);
    free(bytes);
    return DBK_OK;
}

// Without a valid manifest the directory may only be what a crash can leave of a new one.
static dbk_status must_be_new(dbk_io *io, const dbk_file_list *files, const dbk_error *why, dbk_error *err)
{
    bool is_new = files->counts[DBK_FILE_SEGMENT] == 0 && files->counts[DBK_FILE_WORDS] == 0 &&
                  files->counts[DBK_FILE_STATE] == 0 && files->counts[DBK_FILE_CLOSED] == 0 &&
                  files->counts[DBK_FILE_MANIFEST] <= 1 && files->counts[DBK_FILE_LOG] <= 1;
    is_new = is_new && (files->counts[DBK_FILE_MANIFEST] == 0 || files->numbers[DBK_FILE_MANIFEST][0] == 1);
    for (size_t i = 0; i < files->counts[DBK_FILE_LOG] && is_new; i++) {
        bool found;
        uint64_t at;
        DBK_TRY(find_group_in(io, files->numbers[DBK_FILE_LOG][i], 0, &found, &at, err));
        is_new = !found;
    }
    if (is_new)
        return DBK_OK;
    if (files->counts[DBK_FILE_MANIFEST] == 0)
        return dbk_fail(
            err, DBK_CORRUPT,
            "there is no manifest, but there are other files of a database; restore the directory "
            "from a backup");
    return dbk_fail(err, DBK_CORRUPT, "%.400s; restore the directory from a backup", why->message);
}

dbk_status dbk_recover_manifest(dbk_io *io, const dbk_file_list *files, dbk_manifest **out, dbk_error *err)
{
    *out = NULL;
    dbk_error newest = {0};
    for (size_t i = files->counts[DBK_FILE_MANIFEST]; i-- > 0;) {
        dbk_error why = {0};
        dbk_status status = read_manifest(io, files->numbers[DBK_FILE_MANIFEST][i], out, &why);
        if (status == DBK_OK)
            return DBK_OK;
        if (newest.status == DBK_OK)
            newest = why;
        if (status != DBK_CORRUPT)
            return dbk_fail(err, status, "%s", why.message);
    }
    return must_be_new(io, files, &newest, err);
}

// ---- The files ----

static dbk_status restore_some(void *user, dbk_text tenant, dbk_domain domain, const dbk_text *words,
                               uint32_t count, dbk_error *err)
{
    return dbk_image_restore_words(user, tenant, domain, words, count, err);
}

// How many words there will be stands in the sections of all files: the last one of a domain has its end.
static dbk_status expect_words(const dbk_manifest *m, dbk_db *db, dbk_error *err)
{
    for (uint32_t w = 0; w < m->words_count; w++)
        for (uint32_t s = 0; s < m->words[w].sections_count; s++) {
            const dbk_manifest_section *section = &m->words[w].sections[s];
            uint64_t end = (uint64_t)section->first + section->count;
            // What cannot be is refused when it is read: a byte of LZ4 stands for 255 at most, a word takes
            // two.
            if (end > UINT32_MAX || section->count / 128 > m->words[w].size)
                continue;
            DBK_TRY(dbk_image_expect_words(db, m->tenants[section->tenant].name, section->domain,
                                           (uint32_t)end, err));
        }
    return DBK_OK;
}

static dbk_status restore_words(dbk_io *io, const dbk_manifest *m, const dbk_manifest_words *words,
                                dbk_db *db, dbk_error *err)
{
    void *bytes;
    DBK_TRY(dbk_restore_read(io, DBK_FILE_WORDS, words->epoch, words->size, words->checksum, &bytes, err));
    dbk_status status = dbk_words_decode(bytes, words->size, m, words, restore_some, db, err);
    free(bytes);
    return status == DBK_OK ? DBK_OK : dbk_file_blame(DBK_FILE_WORDS, words->epoch, status, err);
}

static dbk_status restore_delta(const dbk_manifest *m, const dbk_manifest_tenant *tenant,
                                const dbk_manifest_table *table, const void *state, dbk_db *db,
                                dbk_error *err)
{
    dbk_segment *rows;
    dbk_status status = dbk_state_read_segment(state, table, &rows, err);
    if (status == DBK_OK && dbk_segment_table(rows)->id != table->id) {
        dbk_segment_free(rows);
        status = dbk_fail(err, DBK_CORRUPT, "the rows at offset %" PRIu64 " are of another table",
                          table->delta_offset);
    } else if (status == DBK_OK) {
        status = dbk_image_restore_delta(db, tenant->name, table->id, rows, err);
    }
    return status == DBK_OK ? DBK_OK : dbk_file_blame(DBK_FILE_STATE, m->epoch, status, err);
}

static dbk_status restore_state(dbk_io *io, const dbk_manifest *m, void **out, dbk_error *err)
{
    *out = NULL;
    if (!m->state_size)
        return DBK_OK;
    DBK_TRY(dbk_restore_read(io, DBK_FILE_STATE, m->epoch, m->state_size, m->state_checksum, out, err));
    dbk_status status = dbk_state_check(*out, m->state_size, m->epoch, err);
    return status == DBK_OK ? DBK_OK : dbk_file_blame(DBK_FILE_STATE, m->epoch, status, err);
}

// Words are one thread's work; others read the segments meanwhile.
static dbk_status restore_words_and_segments(dbk_io *io, const dbk_manifest *m, const void *state, dbk_db *db,
                                             dbk_error *err)
{
    dbk_restorer *restorer;
    DBK_TRY(dbk_restore_begin(&restorer, io, m, state, dbk_image_cold(db), err));
    dbk_status status = expect_words(m, db, err);
    for (uint32_t w = 0; w < m->words_count && status == DBK_OK; w++)
        status = restore_words(io, m, &m->words[w], db, err);
    dbk_status ended = dbk_restore_end(restorer, status == DBK_OK ? db : NULL, err);
    return status == DBK_OK ? ended : status;
}

dbk_status dbk_recover_files(dbk_io *io, const dbk_manifest *m, dbk_db *db, dbk_error *err)
{
    void *state = NULL;
    dbk_status status = restore_state(io, m, &state, err);
    if (status == DBK_OK)
        status = restore_words_and_segments(io, m, state, db, err);
    for (uint32_t t = 0; t < m->tenants_count && status == DBK_OK; t++)
        for (int i = 0; i < m->tenants[t].tables_count && status == DBK_OK; i++)
            if (m->tenants[t].tables[i].delta_size)
                status = restore_delta(m, &m->tenants[t], &m->tenants[t].tables[i], state, db, err);
    free(state);
    if (status != DBK_OK)
        return status;
    dbk_image_restore_next_segment_id(db, m->next_segment_id);
    DBK_TRY(dbk_image_restore_end(db, err));
    return dbk_db_hold(db, err);
}

// ---- The log ----

typedef struct replayer {
    dbk_io *io;
    const dbk_file_list *files;
    dbk_db *db;
    bool sync;
    dbk_replay *at;
} replayer;

static dbk_status replay_group(replayer *p, const dbk_group *group, dbk_error *err)
{
    if (group->changes_before != p->at->number)
        return dbk_fail(err, DBK_CORRUPT,
                        "the group at offset %" PRIu64 " counts %" PRIu64
                        " changes before it instead of %" PRIu64,
                        group->offset, group->changes_before, p->at->number);
    dbk_reader payload = dbk_reader_init(group->payload, group->payload_size);
    for (uint32_t c = 0; c < group->changes; c++) {
        dbk_error why = {0};
        if (p->db)
            dbk_db_watch_number(p->db, p->at->number + c + 1);
        dbk_status status =
            p->db ? dbk_record_replay(&payload, p->db, &why) : dbk_record_verify(&payload, &why);
        if (status == DBK_NO_MEMORY)
            return dbk_fail(err, status, "%s", why.message);
        if (status != DBK_OK)
            return dbk_fail(err, DBK_CORRUPT, "change %u of the group at offset %" PRIu64 ": %.300s", c,
                            group->offset, why.message);
    }
    if (group->kind == DBK_GROUP_DATA && dbk_reader_left(&payload))
        return dbk_fail(err, DBK_CORRUPT, "the group at offset %" PRIu64 " has bytes behind its changes",
                        group->offset);
    p->at->number += group->changes;
    p->at->groups++;
    p->at->bytes += group->size;
    p->at->unconfirmed = group->kind == DBK_GROUP_DATA;
    return DBK_OK;
}

// What stands behind the last group of a file must be zeros or the torn tail of one group.
static dbk_status judge_tail(replayer *p, const uint8_t *bytes, size_t size, dbk_error *err)
{
    size_t end = p->at->end.offset;
    size_t used = dbk_log_used(bytes + end, size - end);
    uint64_t found;
    if (used &&
        dbk_log_find_group(bytes + end, size - end, end, p->at->end.file_id, p->at->end.group, &found))
        return dbk_fail(err, DBK_CORRUPT,
                        "group %" PRIu64
                        " at offset %zu is damaged, for a later group stands at offset %" PRIu64
                        "; restore the directory from a backup",
                        p->at->end.group, end, found);
    p->at->torn_bytes = used;
    return DBK_OK;
}

// Replays the groups of one file. *linked says whether its last group leads on to another, which is then
// where p->at->end points.
static dbk_status replay_bytes(replayer *p, const uint8_t *bytes, size_t size, bool *linked, dbk_error *err)
{
    dbk_replay *at = p->at;
    dbk_log_plan header;
    DBK_TRY(dbk_log_header_decode(bytes, size, &header, err));
    if (header.sequence != at->end.sequence || header.file_id != at->end.file_id)
        return dbk_fail(err, DBK_CORRUPT, "it is another log file than the one expected here");
    if (header.bytes != size || at->end.offset > size)
        return dbk_fail(err, DBK_CORRUPT,
                        "the file has %zu bytes instead of %" PRIu64 "; restore it from a backup", size,
                        header.bytes);
    at->file_bytes = size;
    *linked = false;
    dbk_group group;
    while (dbk_group_expect(bytes + at->end.offset, size - at->end.offset, &at->end, &group)) {
        DBK_TRY(replay_group(p, &group, err));
        at->end.group++;
        at->end.offset += group.size;
        if (group.kind == DBK_GROUP_LINK) {
            if (dbk_log_used(bytes + at->end.offset, size - at->end.offset))
                return dbk_fail(err, DBK_CORRUPT,
                                "there are bytes behind its last group, which ends at %" PRIu64,
                                at->end.offset);
            (void)dbk_link_decode(&group, &at->end.sequence, &at->end.file_id);
            at->end.offset = DBK_IO_BLOCK;
            *linked = true;
            return DBK_OK;
        }
    }
    return judge_tail(p, bytes, size, err);
}

static dbk_status replay_file(replayer *p, bool *linked, dbk_error *err)
{
    uint64_t sequence = p->at->end.sequence;
    if (!dbk_file_list_has(p->files, DBK_FILE_LOG, sequence))
        return dbk_fail(err, DBK_CORRUPT,
                        "%s is missing though the directory needs it; restore the directory from a backup",
                        dbk_file_name_make(DBK_FILE_LOG, sequence).text);
    if (p->sync)
        DBK_TRY(dbk_file_sync_existing(p->io, DBK_FILE_LOG, sequence, err));
    void *bytes;
    size_t size;
    DBK_TRY(dbk_file_read_named(p->io, DBK_FILE_LOG, sequence, 0, &bytes, &size, err));
    dbk_status status = replay_bytes(p, bytes, size, linked, err);
    free(bytes);
    if (status == DBK_OK && *linked && p->at->end.sequence != sequence + 1)
        status = dbk_fail(err, DBK_CORRUPT, "its last group leads to log file %" PRIu64, p->at->end.sequence);
    return status == DBK_OK ? DBK_OK : dbk_file_blame(DBK_FILE_LOG, sequence, status, err);
}

dbk_status dbk_recover_log(dbk_io *io, const dbk_file_list *files, const dbk_manifest *manifest, dbk_db *db,
                           bool sync, dbk_replay *out, dbk_error *err)
{
    *out = (dbk_replay){.end = manifest->log, .number = manifest->number};
    replayer p = {.io = io, .files = files, .db = db, .sync = sync, .at = out};
    bool linked = true;
    while (linked)
        DBK_TRY(replay_file(&p, &linked, err));
    // Later files were being prepared when the machine stopped, unless something was written into them.
    for (size_t i = 0; i < files->counts[DBK_FILE_LOG]; i++) {
        uint64_t sequence = files->numbers[DBK_FILE_LOG][i], at;
        bool found = false;
        if (sequence > out->end.sequence)
            DBK_TRY(find_group_in(io, sequence, out->end.group, &found, &at, err));
        if (found)
            return dbk_fail(err, DBK_CORRUPT,
                            "%s: group %" PRIu64 " at offset %" PRIu64
                            " is damaged, for a later group stands in log file %" PRIu64
                            "; restore the directory from a backup",
                            dbk_file_name_make(DBK_FILE_LOG, out->end.sequence).text, out->end.group,
                            out->end.offset, sequence);
    }
    // Closed in order: no crash can excuse anything.
    size_t closed = files->counts[DBK_FILE_CLOSED];
    uint64_t last = closed ? files->numbers[DBK_FILE_CLOSED][closed - 1] : 0;
    if (closed && (last + 1 != out->end.group || out->torn_bytes))
        return dbk_fail(err, DBK_CORRUPT,
                        "%s: the log ends with group %" PRIu64 " at offset %" PRIu64 " and %" PRIu64
                        " bytes behind it, but was closed after group %" PRIu64
                        "; restore the directory from a backup",
                        dbk_file_name_make(DBK_FILE_LOG, out->end.sequence).text, out->end.group - 1,
                        out->end.offset, out->torn_bytes, last);
    return DBK_OK;
}

bool dbk_recover_is_named(const dbk_manifest *manifest, const dbk_manifest_index *segments,
                          const dbk_replay *replay, dbk_file_kind kind, uint64_t number)
{
    switch (kind) {
    case DBK_FILE_MANIFEST:
        return number == manifest->epoch;
    case DBK_FILE_LOG:
        return number >= manifest->log.sequence && number <= replay->end.sequence;
    case DBK_FILE_SEGMENT:
        return dbk_manifest_index_find(segments, number) != NULL;
    case DBK_FILE_WORDS:
        for (uint32_t w = 0; w < manifest->words_count; w++)
            if (manifest->words[w].epoch == number)
                return true;
        return false;
    case DBK_FILE_STATE:
        return number == manifest->epoch && manifest->state_size;
    case DBK_FILE_CLOSED:
        return number + 1 == replay->end.group;
    case DBK_FILE_KINDS:
        break;
    }
    return false;
}
