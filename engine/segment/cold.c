// SPDX-License-Identifier: Apache-2.0
// All segments whose texts may leave memory, and the sweep over them.
#include "engine/segment/residence.h"

#include <stdlib.h>

// Of the limit: what always stays for texts that were just read, and how much the sweep frees at a time so
// that it does not run for every page.
enum { FLOOR_SHARE = 32, BATCH_SHARE = 64 };

struct dbk_cold {
    dbk_segment_source source;
    _Atomic uint64_t *memory;
    uint64_t limit, floor;
    _Atomic uint64_t resident, on_disk, waiting; // bytes
    _Atomic uint64_t hits, misses, read_bytes, failures;

    pthread_mutex_t lock;     // of what follows; never taken by a read that waits for nothing
    dbk_residence **admitted; // oldest segment first, once sorted
    size_t count, capacity;
    size_t hand;
    bool is_sorted;

    pthread_mutex_t waiting_lock; // of who waits for a page or a segment
    pthread_cond_t moved;
};

dbk_cold *dbk_cold_create(const dbk_segment_source *source, _Atomic uint64_t *memory, uint64_t limit)
{
    dbk_cold *cold = calloc(1, sizeof *cold);
    if (!cold)
        return NULL;
    cold->source = *source;
    cold->memory = memory;
    cold->limit = limit;
    cold->floor = limit / FLOOR_SHARE;
    pthread_mutex_init(&cold->lock, NULL);
    pthread_mutex_init(&cold->waiting_lock, NULL);
    pthread_cond_init(&cold->moved, NULL);
    return cold;
}

void dbk_cold_destroy(dbk_cold *cold)
{
    if (!cold)
        return;
    pthread_cond_destroy(&cold->moved);
    pthread_mutex_destroy(&cold->waiting_lock);
    pthread_mutex_destroy(&cold->lock);
    free(cold->admitted);
    free(cold);
}

const dbk_segment_source *dbk_cold_source(const dbk_cold *cold)
{
    return &cold->source;
}

// ---- Waiting for each other ----

void dbk_cold_wake(dbk_cold *cold)
{
    pthread_mutex_lock(&cold->waiting_lock);
    pthread_cond_broadcast(&cold->moved);
    pthread_mutex_unlock(&cold->waiting_lock);
}

void dbk_cold_wait(dbk_cold *cold, bool (*is_so)(const void *what), const void *what)
{
    pthread_mutex_lock(&cold->waiting_lock);
    while (!is_so(what))
        pthread_cond_wait(&cold->moved, &cold->waiting_lock);
    pthread_mutex_unlock(&cold->waiting_lock);
}

// ---- Counting ----

static void add(_Atomic uint64_t *counter, uint64_t bytes)
{
    atomic_fetch_add_explicit(counter, bytes, memory_order_relaxed);
}

static void subtract(_Atomic uint64_t *counter, uint64_t bytes)
{
    atomic_fetch_sub_explicit(counter, bytes, memory_order_relaxed);
}

static uint64_t pages_bytes(const dbk_residence *r)
{
    return r->count * (uint64_t)dbk_residence_page_bytes();
}

static bool is_over(const dbk_cold *cold)
{
    return atomic_load_explicit(cold->memory, memory_order_relaxed) > cold->limit &&
           atomic_load_explicit(&cold->resident, memory_order_relaxed) > cold->floor;
}

void dbk_cold_moved(dbk_residence *r, int64_t bytes)
{
    if (!r->is_counted)
        return;
    // Modulo 2^64, a negative number comes off.
    add(r->cold->memory, (uint64_t)bytes);
    add(&r->cold->resident, (uint64_t)bytes);
    subtract(&r->cold->on_disk, (uint64_t)bytes);
}

void dbk_cold_grown(dbk_residence *r, size_t bytes)
{
    atomic_fetch_add(&r->own_memory, bytes);
    if (r->is_counted)
        add(r->cold->memory, bytes);
}

// ---- The sweep ----

static int by_age(const void *a, const void *b)
{
    const dbk_residence *x = *(dbk_residence *const *)a, *y = *(dbk_residence *const *)b;
    return (x->segment->id > y->segment->id) - (x->segment->id < y->segment->id);
}

static void sort(dbk_cold *cold)
{
    if (cold->is_sorted || cold->count == 0)
        return;
    qsort(cold->admitted, cold->count, sizeof *cold->admitted, by_age);
    for (size_t i = 0; i < cold->count; i++)
        cold->admitted[i]->place = i;
    cold->is_sorted = true;
}

// Under the lock. Frees texts until memory is at the target, or so few are left as `floor` says. Twice around
// and a bit: the first time may only take the marks of what was read.
static void sweep(dbk_cold *cold, uint64_t target, uint64_t floor, bool waits)
{
    sort(cold);
    for (size_t visits = 0; visits < 2 * cold->count + 1; visits++) {
        uint64_t memory = atomic_load(cold->memory), resident = atomic_load(&cold->resident);
        if (memory <= target || resident <= floor)
            return;
        uint64_t most = memory - target < resident - floor ? memory - target : resident - floor;
        if (cold->hand >= cold->count)
            cold->hand = 0;
        dbk_residence *r = cold->admitted[cold->hand];
        size_t freed = dbk_residence_shrink(r, most, waits);
        dbk_cold_moved(r, -(int64_t)freed);
        // A segment that gave all that was asked may have more.
        if (freed < most)
            cold->hand++;
    }
}

void dbk_cold_trim(dbk_cold *cold, uint64_t target, bool waits)
{
    pthread_mutex_lock(&cold->lock);
    sweep(cold, target, 0, false);
    if (waits)
        sweep(cold, target, 0, true);
    pthread_mutex_unlock(&cold->lock);
}

// After a read: whoever comes while somebody sweeps leaves it to him.
static void trim_after_read(dbk_cold *cold)
{
    if (!is_over(cold) || pthread_mutex_trylock(&cold->lock) != 0)
        return;
    sweep(cold, cold->limit - cold->limit / BATCH_SHARE, cold->floor - cold->floor / BATCH_SHARE, false);
    pthread_mutex_unlock(&cold->lock);
}

void dbk_cold_read(dbk_cold *cold, uint64_t bytes, bool failed)
{
    add(bytes > 0 ? &cold->misses : &cold->hits, 1);
    if (bytes == 0)
        return;
    add(&cold->read_bytes, bytes);
    if (failed)
        add(&cold->failures, 1);
    trim_after_read(cold);
}

// ---- Which segments ----

bool dbk_cold_enroll(dbk_cold *cold, dbk_segment *segment)
{
    const bool is_late = segment->residence != NULL;
    if (!is_late)
        segment->residence = dbk_residence_create(cold, segment);
    dbk_residence *r = segment->residence;
    if (!r)
        return true;
    r->is_counted = true;
    if (!is_late)
        dbk_cold_grown(r, sizeof *r);
    add(&cold->waiting, pages_bytes(r) - dbk_residence_missing(r));
    if (!is_late)
        return true;
    dbk_cold_admit(segment);
    return r->is_admitted;
}

// Under the lock.
static bool make_room(dbk_cold *cold)
{
    if (cold->count < cold->capacity)
        return true;
    size_t capacity = cold->capacity ? 2 * cold->capacity : 64;
    dbk_residence **grown = realloc(cold->admitted, capacity * sizeof *grown);
    if (!grown)
        return false;
    cold->admitted = grown;
    cold->capacity = capacity;
    return true;
}

void dbk_cold_admit(const dbk_segment *segment)
{
    dbk_residence *r = segment->residence;
    if (!r)
        return;
    dbk_cold *cold = r->cold;
    pthread_mutex_lock(&cold->lock);
    // Without memory for its place it stays as it is, and is asked for at the next checkpoint.
    if (!r->is_admitted && make_room(cold)) {
        uint64_t missing = dbk_residence_missing(r);
        r->is_admitted = true;
        r->place = cold->count;
        cold->is_sorted =
            cold->is_sorted && cold->count > 0 && cold->admitted[cold->count - 1]->segment->id < segment->id;
        cold->admitted[cold->count++] = r;
        subtract(&cold->waiting, pages_bytes(r) - missing);
        add(&cold->resident, pages_bytes(r) - missing);
        add(&cold->on_disk, missing);
    }
    pthread_mutex_unlock(&cold->lock);
}

void dbk_cold_forget(dbk_segment *segment)
{
    dbk_residence *r = segment->residence;
    if (!r || !r->is_counted)
        return;
    dbk_cold *cold = r->cold;
    pthread_mutex_lock(&cold->lock);
    const bool was_admitted = r->is_admitted;
    const uint64_t missing = dbk_residence_missing(r);
    if (was_admitted) {
        cold->admitted[r->place] = cold->admitted[--cold->count];
        cold->admitted[r->place]->place = r->place;
        cold->is_sorted = false;
        subtract(&cold->resident, pages_bytes(r) - missing);
        subtract(&cold->on_disk, missing);
    } else {
        subtract(&cold->waiting, pages_bytes(r) - missing);
    }
    r->is_admitted = r->is_counted = false;
    pthread_mutex_unlock(&cold->lock);
    if (was_admitted)
        cold->source.gone(cold->source.user, segment->id);
}

bool dbk_cold_holds(dbk_cold *cold, uint64_t segment)
{
    bool holds = false;
    pthread_mutex_lock(&cold->lock);
    for (size_t i = 0; i < cold->count && !holds; i++)
        holds = cold->admitted[i]->segment->id == segment;
    pthread_mutex_unlock(&cold->lock);
    return holds;
}

void dbk_cold_figures_read(const dbk_cold *cold, dbk_cold_figures *out)
{
    *out = (dbk_cold_figures){
        .limit = cold->limit,
        .on_disk_bytes = atomic_load(&cold->on_disk),
        .resident_bytes = atomic_load(&cold->resident),
        .waiting_bytes = atomic_load(&cold->waiting),
        .hits = atomic_load(&cold->hits),
        .misses = atomic_load(&cold->misses),
        .read_bytes = atomic_load(&cold->read_bytes),
        .failures = atomic_load(&cold->failures),
    };
}
