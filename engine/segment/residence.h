// SPDX-License-Identifier: Apache-2.0
// Which pages of a segment's texts are in memory, and what keeps them there: between the reads of a segment
// and the cold part (cold.h), of no interest to anybody else.
#ifndef DBK_SEGMENT_RESIDENCE_H
#define DBK_SEGMENT_RESIDENCE_H

#include "engine/segment/cold.h"
#include "engine/segment/columns.h"

#include <pthread.h>

// What is known of a page. Only a thread that set LOADING changes the page or its other bits, but for USED.
enum {
    DBK_PAGE_RESIDENT = 1,
    DBK_PAGE_LOADING = 2,
    DBK_PAGE_USED = 4,  // read since the sweep last came by
    DBK_PAGE_SUMMED = 8 // its sum is known
};
// In `users`: pages are to leave, no other read may begin. They do while there is nothing else in it.
#define DBK_RESIDENCE_TAKEN (1u << 31)

// The block of a column of texts that was not opened with its segment.
typedef struct dbk_cold_block {
    uint64_t offset, size, checksum;
    uint32_t nulls;
} dbk_cold_block;

typedef struct dbk_residence {
    dbk_segment *segment;
    dbk_cold *cold;
    uint8_t *pages; // the first page that holds nothing but texts
    uint32_t count; // of such pages; where texts share a page with something else they stay
    uint32_t hand;  // of the sweep; under the cold part's lock, like the next two
    bool is_admitted;
    size_t place; // among the admitted ones
    bool is_counted;
    _Atomic bool is_damaged;   // bytes came back that were not what was written
    _Atomic bool is_partial;   // some page may be missing; set while TAKEN, or before others see the segment
    _Atomic uint32_t users;    // reads under way
    _Atomic uint32_t missing;  // pages that are not resident
    _Atomic size_t own_memory; // beside the pages: this struct, what is known of pages, late columns
    _Atomic uint8_t *states;   // of pages; NULL while all are resident and no sum was made
    uint64_t *sums;
    dbk_cold_block *blocks;  // by column; NULL when all were opened with the segment
    pthread_mutex_t opening; // of columns
} dbk_residence;

// NULL: no memory, or nothing that could leave.
dbk_residence *dbk_residence_create(dbk_cold *cold, dbk_segment *segment);
void dbk_residence_dispose(dbk_residence *residence);
// Room for what is known of pages; all are resident and summed unless `is_empty`.
bool dbk_residence_track(dbk_residence *residence, bool is_empty);
size_t dbk_residence_page_bytes(void);
// Lets go of the pages that nobody has read since the last time, of at most so many bytes; returns how many
// left. While somebody reads it does nothing, or, if `waits`, lets nobody else begin until it is done: then
// the caller must not be reading.
size_t dbk_residence_shrink(dbk_residence *residence, size_t bytes, bool waits);
// Bytes of the segment that are not in memory.
size_t dbk_residence_missing(const dbk_residence *residence);

// What dbk_residence_begin does once a segment is not wholly in memory, or pages are to leave it.
dbk_status dbk_residence_need(dbk_residence *residence, int column, uint32_t vector);
void dbk_cold_wake(dbk_cold *cold);

// One read less; who waits for the last one is told.
static inline void dbk_residence_leave(dbk_residence *r)
{
    if (atomic_fetch_sub_explicit(&r->users, 1, memory_order_release) & DBK_RESIDENCE_TAKEN)
        dbk_cold_wake(r->cold);
}

// Before and after decoding texts of a vector: between the two what they are decoded from is in memory. After
// a failure there is nothing to end.
static inline dbk_status dbk_residence_begin(const dbk_segment *segment, int column, uint32_t vector)
{
    dbk_residence *r = segment->residence;
    if (!r)
        return DBK_OK;
    uint32_t before = atomic_fetch_add_explicit(&r->users, 1, memory_order_acquire);
    if (!(before & DBK_RESIDENCE_TAKEN) && !atomic_load_explicit(&r->is_partial, memory_order_relaxed))
        return DBK_OK;
    return dbk_residence_need(r, column, vector);
}

static inline void dbk_residence_end(const dbk_segment *segment)
{
    if (segment->residence)
        dbk_residence_leave(segment->residence);
}

// ---- cold.c, for residence.c ----

const dbk_segment_source *dbk_cold_source(const dbk_cold *cold);
// So many bytes of texts came (or left, when negative).
void dbk_cold_moved(dbk_residence *residence, int64_t bytes);
// So much more memory is held beside the pages.
void dbk_cold_grown(dbk_residence *residence, size_t bytes);
// A read of texts ended: `bytes` had to be read for it.
void dbk_cold_read(dbk_cold *cold, uint64_t bytes, bool failed);
// Waits until something is true that another thread brings about, who then calls dbk_cold_wake.
void dbk_cold_wait(dbk_cold *cold, bool (*is_so)(const void *what), const void *what);

#endif
