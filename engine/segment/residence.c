// SPDX-License-Identifier: Apache-2.0
// Pages of texts between memory and disk: brought back for a read, let go by the sweep.
#include "engine/segment/residence.h"

#include "engine/base/hash.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// One page fewer than this is not worth its bookkeeping.
enum { PAGES_MIN = 4, PAGE_BYTES_MIN = 4096 };

size_t dbk_residence_page_bytes(void)
{
    static _Atomic size_t known;
    size_t bytes = atomic_load_explicit(&known, memory_order_relaxed);
    if (bytes == 0) {
        long page = sysconf(_SC_PAGESIZE);
        bytes = page > PAGE_BYTES_MIN ? (size_t)page : PAGE_BYTES_MIN;
        atomic_store_explicit(&known, bytes, memory_order_relaxed);
    }
    return bytes;
}

// ---- What a read was told ----

// Texts are read through many hands that pass on a status and no more, as is right for what cannot fail but
// for memory nearly always. The story of the rare failure waits here for the one who tells the caller.
static _Thread_local dbk_error last_failure;

const char *dbk_segment_read_failure(dbk_status status)
{
    return status != DBK_OK && last_failure.status == status ? last_failure.message : dbk_status_name(status);
}

// ---- Made and gone ----

dbk_residence *dbk_residence_create(dbk_cold *cold, dbk_segment *segment)
{
    const uintptr_t page = dbk_residence_page_bytes();
    const uintptr_t first = ((uintptr_t)segment->bytes + segment->cold + page - 1) / page * page;
    const uintptr_t end = ((uintptr_t)segment->bytes + segment->size) / page * page;
    if (end < first + PAGES_MIN * page)
        return NULL;
    dbk_residence *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->segment = segment;
    r->cold = cold;
    r->pages = segment->bytes + (first - (uintptr_t)segment->bytes);
    r->count = (uint32_t)((end - first) / page);
    pthread_mutex_init(&r->opening, NULL);
    return r;
}

void dbk_residence_dispose(dbk_residence *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->opening);
    free((void *)r->states);
    free(r->sums);
    free(r->blocks);
    free(r);
}

static uint8_t *page_at(const dbk_residence *r, uint32_t page)
{
    return r->pages + (size_t)page * dbk_residence_page_bytes();
}

static uint64_t page_sum(const dbk_residence *r, uint32_t page)
{
    return dbk_checksum(page_at(r, page), dbk_residence_page_bytes());
}

bool dbk_residence_track(dbk_residence *r, bool is_empty)
{
    r->states = calloc(r->count, sizeof *r->states);
    r->sums = calloc(r->count, sizeof *r->sums);
    if (!r->states || !r->sums) {
        free((void *)r->states);
        free(r->sums);
        r->states = NULL;
        r->sums = NULL;
        return false;
    }
    for (uint32_t i = 0; i < r->count && !is_empty; i++) {
        r->sums[i] = page_sum(r, i);
        atomic_store_explicit(&r->states[i], DBK_PAGE_RESIDENT | DBK_PAGE_SUMMED, memory_order_relaxed);
    }
    dbk_cold_grown(r, r->count * (sizeof *r->states + sizeof *r->sums));
    // Else the system might fill the gaps again by joining what is left to a huge page.
    (void)madvise(r->pages, r->count * dbk_residence_page_bytes(), MADV_NOHUGEPAGE);
    if (is_empty) {
        atomic_store(&r->missing, r->count);
        atomic_store(&r->is_partial, true);
    }
    return true;
}

size_t dbk_residence_missing(const dbk_residence *r)
{
    return r ? atomic_load(&r->missing) * dbk_residence_page_bytes() : 0;
}

// ---- Pages that leave ----

static bool let_go(dbk_residence *r, uint32_t first, uint32_t count)
{
    return madvise(page_at(r, first), count * dbk_residence_page_bytes(), MADV_DONTNEED) == 0;
}

// Whether the sweep takes the page now. One that was read since it last came by gets a second chance.
static bool is_idle(dbk_residence *r, uint32_t page)
{
    uint8_t state = atomic_load_explicit(&r->states[page], memory_order_relaxed);
    if (!(state & DBK_PAGE_RESIDENT))
        return false;
    if (state & DBK_PAGE_USED)
        atomic_store_explicit(&r->states[page], state & ~DBK_PAGE_USED, memory_order_relaxed);
    return !(state & DBK_PAGE_USED);
}

// A run of idle pages goes with one call. Returns how many went.
static uint32_t drop_run(dbk_residence *r, uint32_t first, uint32_t count)
{
    if (count == 0 || !let_go(r, first, count))
        return 0;
    for (uint32_t i = first; i < first + count; i++)
        atomic_store_explicit(&r->states[i], DBK_PAGE_SUMMED, memory_order_relaxed);
    return count;
}

// Once around at most.
static uint32_t shrink(dbk_residence *r, uint32_t wanted)
{
    uint32_t left = 0, run = 0;
    for (uint32_t seen = 0; seen < r->count && left + run < wanted; seen++) {
        if (r->hand == r->count) {
            left += drop_run(r, r->hand - run, run);
            r->hand = run = 0;
        }
        bool idle = is_idle(r, r->hand);
        if (!idle)
            left += drop_run(r, r->hand - run, run);
        run = idle ? run + 1 : 0;
        r->hand++;
    }
    return left + drop_run(r, r->hand - run, run);
}

// ---- Readers and the sweep ----

static bool is_not_taken(const void *residence)
{
    return !(atomic_load(&((const dbk_residence *)residence)->users) & DBK_RESIDENCE_TAKEN);
}

static bool is_only_taken(const void *residence)
{
    return atomic_load(&((const dbk_residence *)residence)->users) == DBK_RESIDENCE_TAKEN;
}

// A read that has counted itself goes on when the sweep is elsewhere; meanwhile it does not count, for the
// sweep may be waiting for those that do.
static void wait_for_the_sweep(dbk_residence *r)
{
    while (!is_not_taken(r)) {
        dbk_residence_leave(r);
        dbk_cold_wait(r->cold, is_not_taken, r);
        atomic_fetch_add_explicit(&r->users, 1, memory_order_acquire);
    }
}

// There is one sweep at a time.
static bool take(dbk_residence *r, bool waits)
{
    uint32_t nobody = 0;
    if (atomic_compare_exchange_strong(&r->users, &nobody, DBK_RESIDENCE_TAKEN))
        return true;
    if (!waits)
        return false;
    atomic_fetch_or(&r->users, DBK_RESIDENCE_TAKEN);
    dbk_cold_wait(r->cold, is_only_taken, r);
    return true;
}

size_t dbk_residence_shrink(dbk_residence *r, size_t bytes, bool waits)
{
    const size_t page = dbk_residence_page_bytes();
    uint32_t left = 0;
    if (!take(r, waits))
        return 0;
    if (r->states || dbk_residence_track(r, false)) {
        size_t wanted = (bytes + page - 1) / page;
        left = shrink(r, wanted < r->count ? (uint32_t)wanted : r->count);
        atomic_fetch_add(&r->missing, left);
        if (left)
            atomic_store(&r->is_partial, true);
    }
    atomic_fetch_sub(&r->users, DBK_RESIDENCE_TAKEN);
    dbk_cold_wake(r->cold);
    return left * page;
}

// ---- Pages that come back ----

// Who asks, for messages.
typedef struct wish {
    dbk_residence *residence;
    int column;
    uint32_t vector;
    uint64_t read_bytes;
} wish;

static dbk_status blame(const wish *w, dbk_error *why)
{
    const dbk_segment_source *source = dbk_cold_source(w->residence->cold);
    source->blame(source->user, w->residence->segment->id, why);
    last_failure = *why;
    if (why->status == DBK_CORRUPT)
        atomic_store_explicit(&w->residence->is_damaged, true, memory_order_relaxed);
    return why->status;
}

static dbk_status read_pages(wish *w, uint32_t first, uint32_t count)
{
    dbk_residence *r = w->residence;
    const dbk_segment_source *source = dbk_cold_source(r->cold);
    const size_t bytes = count * dbk_residence_page_bytes();
    dbk_error why = {0};
    uint8_t *to = page_at(r, first);
    w->read_bytes += bytes;
    dbk_status status =
        source->read(source->user, r->segment->id, to, bytes, (uint64_t)(to - r->segment->bytes), &why);
    if (status == DBK_OK)
        return DBK_OK;
    dbk_error story;
    (void)dbk_fail(&story, status, "column %s: %.400s", r->segment->table->columns[w->column].name,
                   why.message);
    return blame(w, &story);
}

static dbk_status page_is_wrong(const wish *w, uint32_t page)
{
    dbk_error why;
    (void)dbk_fail(&why, DBK_CORRUPT,
                   "column %s, vector %u: the %zu bytes at offset %zu are not what was written; restore the "
                   "file from a backup",
                   w->residence->segment->table->columns[w->column].name, w->vector,
                   dbk_residence_page_bytes(),
                   (size_t)(page_at(w->residence, page) - w->residence->segment->bytes));
    return blame(w, &why);
}

static bool claim(dbk_residence *r, uint32_t page)
{
    uint8_t state = atomic_load_explicit(&r->states[page], memory_order_relaxed);
    while (!(state & (DBK_PAGE_RESIDENT | DBK_PAGE_LOADING)))
        if (atomic_compare_exchange_weak_explicit(&r->states[page], &state, state | DBK_PAGE_LOADING,
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
    return false;
}

static bool is_settled(const void *page)
{
    return !(atomic_load((const _Atomic uint8_t *)page) & DBK_PAGE_LOADING);
}

// Ends the claims of a run, of which the pages that `come` says so are in memory.
static void settle(dbk_residence *r, uint32_t first, uint32_t count, uint32_t come)
{
    if (come < count)
        (void)let_go(r, first + come, count - come);
    for (uint32_t i = first; i < first + count; i++) {
        uint8_t summed = atomic_load_explicit(&r->states[i], memory_order_relaxed) & DBK_PAGE_SUMMED;
        uint8_t state = i < first + come ? DBK_PAGE_RESIDENT | DBK_PAGE_USED | DBK_PAGE_SUMMED : summed;
        atomic_store_explicit(&r->states[i], state, memory_order_release);
    }
    if (come) {
        atomic_fetch_sub(&r->missing, come);
        dbk_cold_moved(r, (int64_t)(come * dbk_residence_page_bytes()));
    }
    dbk_cold_wake(r->cold);
}

// Brings the run of pages that begins here, as far as this read may claim it; pages whose sums are known.
static dbk_status fetch(wish *w, uint32_t first, uint32_t last)
{
    dbk_residence *r = w->residence;
    uint32_t count = 0;
    while (first + count <= last && claim(r, first + count))
        count++;
    if (count == 0) {
        dbk_cold_wait(r->cold, is_settled, &r->states[first]);
        return DBK_OK;
    }
    dbk_status status = read_pages(w, first, count);
    uint32_t come = 0;
    while (status == DBK_OK && come < count) {
        if (page_sum(r, first + come) != r->sums[first + come])
            status = page_is_wrong(w, first + come);
        else
            come++;
    }
    settle(r, first, count, come);
    return status;
}

static bool is_there(dbk_residence *r, uint32_t page)
{
    uint8_t state = atomic_load_explicit(&r->states[page], memory_order_acquire);
    if ((state & (DBK_PAGE_RESIDENT | DBK_PAGE_USED)) == DBK_PAGE_RESIDENT)
        atomic_fetch_or_explicit(&r->states[page], DBK_PAGE_USED, memory_order_relaxed);
    return state & DBK_PAGE_RESIDENT;
}

// The pages that a piece of the segment touches; false when it touches none that can be missing.
static bool pages_of(const dbk_residence *r, const uint8_t *from, size_t size, uint32_t *first,
                     uint32_t *last)
{
    const size_t page = dbk_residence_page_bytes();
    const uint8_t *end = r->pages + r->count * page, *to = from + size;
    if (from < r->pages)
        from = r->pages;
    if (to > end)
        to = end;
    if (size == 0 || from >= to)
        return false;
    *first = (uint32_t)((size_t)(from - r->pages) / page);
    *last = (uint32_t)((size_t)(to - r->pages - 1) / page);
    return true;
}

static dbk_status bring(wish *w, const uint8_t *from, size_t size)
{
    uint32_t page, last;
    if (!pages_of(w->residence, from, size, &page, &last))
        return DBK_OK;
    while (page <= last) {
        if (is_there(w->residence, page))
            page++;
        else
            DBK_TRY(fetch(w, page, last));
    }
    return DBK_OK;
}

// ---- Columns that were not opened with their segment ----

// Claims every page of the block that has no sum yet; brings those that have one. *claimed gets the run of
// claims, which is one: pages with sums are at the ends, where other blocks share them.
static dbk_status claim_block(wish *w, const dbk_cold_block *block, uint32_t *first, uint32_t *claimed)
{
    dbk_residence *r = w->residence;
    uint32_t page, last;
    *claimed = *first = 0;
    if (!pages_of(r, r->segment->bytes + block->offset, block->size, &page, &last))
        return DBK_OK;
    while (page <= last) {
        if (atomic_load_explicit(&r->states[page], memory_order_acquire) & DBK_PAGE_SUMMED) {
            if (is_there(r, page))
                page++;
            else
                DBK_TRY(fetch(w, page, page));
        } else if (claim(r, page)) {
            *first = *claimed ? *first : page;
            (*claimed)++;
            page++;
        }
    }
    return DBK_OK;
}

static dbk_status check_block(wish *w, const dbk_cold_block *block, void **texts)
{
    dbk_segment *segment = w->residence->segment;
    dbk_segment_column *column = &segment->columns[w->column];
    const dbk_segment_entry entry = {.offset = block->offset, .size = block->size};
    dbk_error why = {0}, story;
    dbk_status status = DBK_OK;
    if (block->checksum != dbk_segment_seal_of(segment->id, w->column, segment->bytes, &entry))
        status =
            dbk_fail(&why, DBK_CORRUPT, "the block at offset %" PRIu64 " fails its checksum", block->offset);
    if (status == DBK_OK)
        status = column->codec->open(segment->bytes + block->offset, block->size, segment->rows, block->nulls,
                                     texts, &why);
    if (status == DBK_OK)
        return DBK_OK;
    (void)dbk_fail(&story, status, "column %s: %.300s%s", segment->table->columns[w->column].name,
                   why.message, status == DBK_CORRUPT ? "; restore the file from a backup" : "");
    return blame(w, &story);
}

static dbk_status load_block(wish *w, const dbk_cold_block *block, void **texts)
{
    dbk_residence *r = w->residence;
    uint32_t first, count;
    dbk_status status = claim_block(w, block, &first, &count);
    if (status == DBK_OK && count > 0)
        status = read_pages(w, first, count);
    if (status == DBK_OK)
        status = check_block(w, block, texts);
    for (uint32_t i = first; i < first + count && status == DBK_OK; i++)
        r->sums[i] = page_sum(r, i);
    if (count > 0)
        settle(r, first, count, status == DBK_OK ? count : 0);
    return status;
}

static dbk_status open_column(wish *w)
{
    dbk_residence *r = w->residence;
    dbk_segment_column *column = &r->segment->columns[w->column];
    dbk_status status = DBK_OK;
    pthread_mutex_lock(&r->opening);
    if (!atomic_load(&column->texts)) {
        void *texts = NULL;
        status = load_block(w, &r->blocks[w->column], &texts);
        if (status == DBK_OK) {
            dbk_cold_grown(r, column->codec->memory(texts));
            atomic_store(&column->texts, texts);
        }
    }
    pthread_mutex_unlock(&r->opening);
    return status;
}

// ---- A read ----

static dbk_status need(wish *w)
{
    dbk_segment_column *column = &w->residence->segment->columns[w->column];
    if (!atomic_load_explicit(&column->texts, memory_order_acquire))
        DBK_TRY(open_column(w));
    dbk_text_span spans[DBK_TEXT_SPANS_MAX];
    int count = column->codec->needs(atomic_load(&column->texts), w->vector, spans);
    assert(count <= DBK_TEXT_SPANS_MAX);
    for (int i = 0; i < count; i++)
        DBK_TRY(bring(w, spans[i].from, spans[i].size));
    return DBK_OK;
}

dbk_status dbk_residence_need(dbk_residence *r, int column, uint32_t vector)
{
    wait_for_the_sweep(r);
    if (!atomic_load_explicit(&r->is_partial, memory_order_relaxed))
        return DBK_OK;
    wish w = {.residence = r, .column = column, .vector = vector};
    dbk_status status = need(&w);
    dbk_cold_read(r->cold, w.read_bytes, status != DBK_OK);
    if (status != DBK_OK)
        dbk_residence_leave(r);
    return status;
}
