// SPDX-License-Identifier: Apache-2.0
// Proofs of columns, each made once.
#include "engine/segment/columns.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// What a column's proof came to: DBK_OK where it held.
struct dbk_late {
    dbk_segment *segment;
    // Recursive: a column that refers to others has them proved on the way. References lead to columns of
    // less depth, so they end.
    pthread_mutex_t lock;
    dbk_proofs *proofs; // NULL: nobody wants to know yet
    dbk_status statuses[DBK_COLUMNS_MAX];
    dbk_error story; // of the first that did not hold
};

// ---- Notes ----

void dbk_proofs_init(dbk_proofs *p, dbk_proofs *whole, _Atomic uint64_t *memory)
{
    *p = (dbk_proofs){.whole = whole, .memory = memory};
    pthread_mutex_init(&p->lock, NULL);
}

void dbk_proofs_dispose(dbk_proofs *p)
{
    pthread_mutex_destroy(&p->lock);
}

dbk_status dbk_proofs_hold(const dbk_proofs *p, dbk_error *err)
{
    if (__builtin_expect(!atomic_load_explicit(&p->is_broken, memory_order_acquire), 1))
        return DBK_OK;
    if (err)
        *err = p->story;
    return p->story.status;
}

static void note(dbk_proofs *p, const dbk_error *story)
{
    for (; p; p = p->whole) {
        pthread_mutex_lock(&p->lock);
        if (!atomic_load(&p->is_broken)) {
            p->story = *story;
            atomic_store_explicit(&p->is_broken, true, memory_order_release);
            if (p->found)
                p->found(p->found_user, p->story.message);
        }
        pthread_mutex_unlock(&p->lock);
    }
}

// With the name of the file in front, which the whole knows.
static void tell(const dbk_late *late)
{
    const dbk_proofs *p = late->proofs;
    dbk_error story = late->story;
    while (p && !p->blame)
        p = p->whole;
    if (p)
        p->blame(p->blame_user, late->segment->id, &story);
    note(late->proofs, &story);
}

// ---- Proofs ----

dbk_late *dbk_late_create(dbk_segment *segment)
{
    dbk_late *late = calloc(1, sizeof *late);
    if (!late)
        return NULL;
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&late->lock, &recursive);
    pthread_mutexattr_destroy(&recursive);
    late->segment = segment;
    return late;
}

void dbk_late_free(dbk_late *late)
{
    if (!late)
        return;
    pthread_mutex_destroy(&late->lock);
    free(late);
}

size_t dbk_late_memory(void)
{
    return sizeof(dbk_late);
}

// The directory passed its checksum when the segment was opened.
static dbk_segment_entry entry_of(const dbk_segment *segment, int column)
{
    dbk_segment_entry entry;
    memcpy(&entry, segment->bytes + sizeof(dbk_segment_header) + (size_t)column * sizeof entry, sizeof entry);
    return entry;
}

static dbk_status prove(const dbk_late *late, int index, dbk_error *err)
{
    dbk_segment *segment = late->segment;
    const dbk_segment_entry entry = entry_of(segment, index);
    dbk_error why = {0};
    dbk_status status = DBK_OK;
    if (entry.checksum != dbk_segment_seal_of(segment->id, index, segment->bytes, &entry))
        status =
            dbk_fail(&why, DBK_CORRUPT, "the block at offset %" PRIu64 " fails its checksum", entry.offset);
    if (status == DBK_OK)
        status = dbk_segment_open_numbers(segment, index, &entry, segment->bytes + entry.offset, &why);
    if (status == DBK_OK)
        return DBK_OK;
    return dbk_fail(err, status, "segment %" PRIu64 ", column %s: %.300s%s", segment->id,
                    segment->table->columns[index].name, why.message,
                    status == DBK_CORRUPT ? "; restore the file from a backup" : "");
}

static void settle(dbk_late *late, int index)
{
    dbk_segment_column *column = &late->segment->columns[index];
    dbk_error why = {0};
    const dbk_status status = prove(late, index, &why);
    late->statuses[index] = status;
    if (status == DBK_OK) {
        const size_t grown = dbk_segment_column_memory(column);
        atomic_fetch_add_explicit(&late->segment->memory, grown, memory_order_relaxed);
        if (late->proofs && late->proofs->memory)
            atomic_fetch_add_explicit(late->proofs->memory, grown, memory_order_relaxed);
    } else {
        dbk_segment_column_clear(column, late->segment->rows);
        if (late->story.status == DBK_OK)
            late->story = why;
        tell(late);
    }
    atomic_store_explicit(&column->is_proved, true, memory_order_release);
}

void dbk_late_need(dbk_late *late, int index)
{
    pthread_mutex_lock(&late->lock);
    if (!atomic_load_explicit(&late->segment->columns[index].is_proved, memory_order_relaxed))
        settle(late, index);
    pthread_mutex_unlock(&late->lock);
}

void dbk_segment_note(dbk_segment *segment, dbk_proofs *proofs)
{
    dbk_late *late = segment->late;
    if (!late)
        return;
    pthread_mutex_lock(&late->lock);
    late->proofs = proofs;
    if (late->story.status != DBK_OK)
        tell(late);
    pthread_mutex_unlock(&late->lock);
}

dbk_status dbk_segment_prove(const dbk_segment *segment, int column, dbk_error *err)
{
    dbk_late *late = segment->late;
    if (!late)
        return DBK_OK;
    if (!atomic_load_explicit(&segment->columns[column].is_proved, memory_order_acquire))
        dbk_late_need(late, column);
    // Written before the column was proved, and by nobody after.
    const dbk_status status = late->statuses[column];
    if (status != DBK_OK && err) {
        pthread_mutex_lock(&late->lock);
        *err = late->story;
        err->status = status;
        pthread_mutex_unlock(&late->lock);
    }
    return status;
}

void dbk_segment_claim(const dbk_segment *segment, int column, dbk_zone_map *out)
{
    // The zone map of a column that was proved is what was claimed, or that of no values.
    dbk_late *late = segment->late;
    if (late)
        pthread_mutex_lock(&late->lock);
    *out = segment->columns[column].zone_map;
    if (late)
        pthread_mutex_unlock(&late->lock);
}
