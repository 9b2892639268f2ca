// SPDX-License-Identifier: Apache-2.0
// Tuples are filtered and projected onto the keys once, beforehand: each has a lane. A bucket of the answer
// is then added up lane by lane, and what came together goes to the groups. Numbers of 32 bits are added to
// sums of 64 until so many buckets have come that these might not hold them; and where there is one lane
// only, the numbers of a page are added to eight sums side by side, which the compiler does at once.
#include "engine/exec/rollup_query.h"

#include "engine/exec/plan_rollup.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES = DBK_TUPLES_MAX / DBK_CUBE_PAGE, KEYS_MAX = 64 };
// Buckets of which numbers of 32 bits are added to sums of 64 before those are put by: 2^31 each, of all
// tuples in one lane, of 2^21 buckets would just fit. Putting them by is cheap, so it is done much earlier,
// and tests see it.
enum { BUCKETS_NARROW = 64 };

typedef struct adder {
    dbk_groups *groups;
    const dbk_plan *plan;
    const dbk_rollup_view *view;
    int dims[KEYS_MAX];   // of each key; -1 for the bucket
    bool is_one;          // no key but the bucket: one lane
    uint32_t lanes_count; // without the one for tuples that are not wanted
    uint32_t pages;       // of tuples that there are
    bool is_wanted[PAGES];
    uint16_t *columns; // of the cells, by state
    // By state, `width` sums: one a lane.
    uint32_t width;
    int64_t *narrow;         // of numbers of 32 bits; of one lane eight, by the place in the page
    uint32_t narrow_buckets; // of so many buckets
    dbk_i128 *wide;          // of all others
    bool has_wide;           // there are any
    uint64_t buckets;
    uint32_t listed; // the bucket of the dense key that was come to
    // By tuple, as far as there are tuples, or by lane: not cleared.
    int32_t keep[DBK_TUPLES_MAX];    // of one lane: all bits of those that are wanted, none of the others
    uint16_t lanes[DBK_TUPLES_MAX];  // else: the lane, the last one for those that are not wanted
    uint16_t tuples[DBK_TUPLES_MAX]; // one of each lane
    uint32_t places[DBK_TUPLES_MAX]; // of each lane in a dense grouping, without the bucket
} adder;

// ---- Lanes ----

static void filter_tuples(const dbk_plan *plan, const dbk_rollup_view *view, uint64_t mask[DBK_MASK_WORDS])
{
    memset(mask, 0xFF, DBK_MASK_WORDS * sizeof *mask);
    dbk_mask_rows(mask, 0, view->tuples_count);
    for (int i = 0; i < plan->filters_count; i++) {
        int dim = dbk_plan_rollup_dim(plan, view, plan->filters[i].slot);
        if (dim >= 0) // the range, and what it leaves to the scan, are no business of tuples
            dbk_filter_codes(&plan->filters[i], mask, view->tuples->codes[dim], view->tuples_count);
    }
}

static bool has_same_keys(const adder *a, uint32_t tuple, uint32_t other)
{
    for (int k = 0; k < a->plan->keys_count; k++)
        if (a->dims[k] >= 0 &&
            a->view->tuples->codes[a->dims[k]][tuple] != a->view->tuples->codes[a->dims[k]][other])
            return false;
    return true;
}

static uint32_t hash_of_keys(const adder *a, uint32_t tuple)
{
    uint64_t hash = 0;
    for (int k = 0; k < a->plan->keys_count; k++)
        if (a->dims[k] >= 0)
            hash = dbk_mix(hash, a->view->tuples->codes[a->dims[k]][tuple]);
    return (uint32_t)hash;
}

static void want(adder *a, uint32_t tuple)
{
    a->is_wanted[tuple / DBK_CUBE_PAGE] = true;
}

static bool is_kept(const uint64_t *mask, uint32_t tuple)
{
    return mask[tuple / 64] >> (tuple % 64) & 1;
}

static void make_one_lane(adder *a, const uint64_t *mask)
{
    a->width = DBK_CUBE_PAGE;
    memset(a->keep, 0, (size_t)a->pages * DBK_CUBE_PAGE * sizeof *a->keep);
    for (uint32_t t = 0; t < a->view->tuples_count; t++) {
        if (!is_kept(mask, t))
            continue;
        a->tuples[0] = (uint16_t)t;
        a->lanes_count = 1;
        a->keep[t] = -1;
        want(a, t);
    }
}

static void make_lanes(adder *a, const uint64_t *mask)
{
    uint16_t slots[2 * DBK_TUPLES_MAX]; // lane + 1, by the hash of its keys
    uint32_t last = 63;
    while (last < 2 * a->view->tuples_count - 1)
        last = 2 * last + 1;
    assert(last < DBK_COUNT(slots));
    memset(slots, 0, (last + 1) * sizeof *slots);
    for (uint32_t t = 0; t < a->view->tuples_count; t++) {
        a->lanes[t] = UINT16_MAX;
        if (!is_kept(mask, t))
            continue;
        uint32_t at = hash_of_keys(a, t) & last;
        while (slots[at] && !has_same_keys(a, t, a->tuples[slots[at] - 1]))
            at = (at + 1) & last;
        if (!slots[at]) {
            a->tuples[a->lanes_count] = (uint16_t)t;
            slots[at] = (uint16_t)++a->lanes_count;
        }
        a->lanes[t] = (uint16_t)(slots[at] - 1);
        want(a, t);
    }
    for (uint32_t t = 0; t < a->pages * DBK_CUBE_PAGE; t++)
        if (t >= a->view->tuples_count || a->lanes[t] == UINT16_MAX)
            a->lanes[t] = (uint16_t)a->lanes_count;
    a->width = a->lanes_count + 1;
}

static void make_places(adder *a)
{
    for (uint32_t lane = 0; lane < a->lanes_count; lane++) {
        uint64_t place = 0;
        for (int k = 0; k < a->plan->keys_count; k++)
            if (a->dims[k] >= 0)
                place += a->view->tuples->codes[a->dims[k]][a->tuples[lane]] * a->plan->keys[k].stride;
        a->places[lane] = (uint32_t)place;
    }
}

static void project(adder *a)
{
    uint64_t mask[DBK_MASK_WORDS];
    filter_tuples(a->plan, a->view, mask);
    a->is_one = true;
    for (int k = 0; k < a->plan->keys_count; k++)
        a->is_one = a->is_one && a->dims[k] < 0;
    a->pages = (a->view->tuples_count + DBK_CUBE_PAGE - 1) / DBK_CUBE_PAGE;
    if (a->is_one)
        make_one_lane(a, mask);
    else
        make_lanes(a, mask);
    if (a->plan->grouping != DBK_GROUP_HASH)
        make_places(a);
}

// ---- Cells ----

static uint16_t column_of(const dbk_plan *plan, const dbk_rollup_view *view, const dbk_state_def *state)
{
    if (state->kind == DBK_STATE_ROWS)
        return 0;
    int measure = dbk_plan_rollup_measure(plan, view, state->slot);
    assert(measure >= 0 && (state->kind == DBK_STATE_SUM || state->kind == DBK_STATE_VALUES));
    return state->kind == DBK_STATE_SUM ? view->shape->sums[measure] : view->shape->values[measure];
}

// A bucket's pages of which some tuple is wanted.
typedef struct found {
    const void *pages[PAGES];
    uint16_t first[PAGES]; // their first tuples
    uint32_t count;
} found;

static void find_pages(const adder *a, const dbk_cells *cells, found *f)
{
    const uint32_t pages = cells->directory < a->pages ? cells->directory : a->pages;
    const size_t bytes = dbk_cells_page_bytes(cells);
    f->count = 0;
    for (uint32_t p = 0; p < pages; p++) {
        f->pages[f->count] = cells->room + cells->directory + (cells->room[p] - 1u) * bytes;
        f->first[f->count] = (uint16_t)(p * DBK_CUBE_PAGE);
        f->count += a->is_wanted[p] && cells->room[p];
    }
}

static void add_narrow(const adder *a, const found *f, size_t column, int64_t *sums)
{
    for (uint32_t p = 0; p < f->count; p++) {
        const int32_t *numbers = (const int32_t *)f->pages[p] + column * DBK_CUBE_PAGE;
        const uint16_t *lanes = a->lanes + f->first[p];
        for (int i = 0; i < DBK_CUBE_PAGE; i++)
            sums[lanes[i]] += numbers[i];
    }
}

static void add_narrow_one(const adder *a, const found *f, size_t column, int64_t *sums)
{
    int64_t of_bucket[DBK_CUBE_PAGE] = {0};
    for (uint32_t p = 0; p < f->count; p++) {
        const int32_t *numbers = (const int32_t *)f->pages[p] + column * DBK_CUBE_PAGE;
        const int32_t *keep = a->keep + f->first[p];
        for (int i = 0; i < DBK_CUBE_PAGE; i++)
            of_bucket[i] += numbers[i] & keep[i];
    }
    for (int i = 0; i < DBK_CUBE_PAGE; i++)
        sums[i] += of_bucket[i];
}

static void add_wide(const adder *a, const found *f, size_t column, dbk_i128 *sums)
{
    for (uint32_t p = 0; p < f->count; p++) {
        const int64_t *numbers = (const int64_t *)f->pages[p] + column * DBK_CUBE_PAGE;
        const uint16_t *lanes = a->lanes + f->first[p];
        for (int i = 0; i < DBK_CUBE_PAGE; i++)
            sums[lanes[i]] += numbers[i];
    }
}

static void add_wide_one(const adder *a, const found *f, size_t column, dbk_i128 *sum)
{
    dbk_i128 of_bucket = 0;
    for (uint32_t p = 0; p < f->count; p++) {
        const int64_t *numbers = (const int64_t *)f->pages[p] + column * DBK_CUBE_PAGE;
        const int32_t *keep = a->keep + f->first[p];
        for (int i = 0; i < DBK_CUBE_PAGE; i++)
            of_bucket += numbers[i] & keep[i];
    }
    *sum += of_bucket;
}

// What the sums of narrow numbers have come to goes to the wide ones.
static void settle(adder *a)
{
    const size_t count = (size_t)a->plan->states_count * a->width;
    for (size_t i = 0; i < count; i++)
        a->wide[a->is_one ? i / a->width * a->width : i] += a->narrow[i];
    memset(a->narrow, 0, count * sizeof *a->narrow);
    a->narrow_buckets = 0;
    a->has_wide = true;
}

static void add_cells(void *user, int32_t bucket, const dbk_cells *cells)
{
    adder *a = user;
    (void)bucket;
    a->buckets++;
    a->has_wide |= cells->is_wide;
    if (a->narrow_buckets == BUCKETS_NARROW)
        settle(a);
    a->narrow_buckets += !cells->is_wide;
    found f;
    find_pages(a, cells, &f);
    for (int s = 0; s < a->plan->states_count; s++) {
        dbk_i128 *wide = a->wide + (size_t)s * a->width;
        int64_t *narrow = a->narrow + (size_t)s * a->width;
        if (cells->is_wide)
            (a->is_one ? add_wide_one : add_wide)(a, &f, a->columns[s], wide);
        else
            (a->is_one ? add_narrow_one : add_narrow)(a, &f, a->columns[s], narrow);
    }
}

// ---- Groups ----

// Pieces come in the order of their buckets.
static uint64_t digit_of(adder *a, const dbk_key *key, int64_t start)
{
    assert(start >= key->buckets.starts[a->listed]);
    while (start >= key->buckets.starts[a->listed + 1])
        a->listed++;
    return a->listed + 1u;
}

static bool group_of(adder *a, const dbk_rollup_piece *piece, uint32_t lane, uint32_t *group)
{
    const int bucket = a->plan->rollup->bucket_key;
    uint64_t tuple[KEYS_MAX];
    if (a->plan->grouping != DBK_GROUP_HASH) {
        *group = a->places[lane];
        if (bucket >= 0)
            *group +=
                (uint32_t)(digit_of(a, &a->plan->keys[bucket], piece->start) * a->plan->keys[bucket].stride);
        return true;
    }
    for (int k = 0; k < a->plan->keys_count; k++)
        tuple[k] =
            a->dims[k] >= 0 ? a->view->tuples->codes[a->dims[k]][a->tuples[lane]] : (uint64_t)piece->start;
    return dbk_grouping_find(&a->groups->grouping, tuple, group) && dbk_groups_reserve(a->groups);
}

static dbk_i128 total_of(const adder *a, int state, uint32_t lane)
{
    const int64_t *narrow = a->narrow + (size_t)state * a->width;
    int64_t total = a->is_one ? 0 : narrow[lane];
    if (a->is_one && a->narrow_buckets)
        for (int i = 0; i < DBK_CUBE_PAGE; i++)
            total += narrow[i];
    return a->has_wide ? a->wide[(size_t)state * a->width + lane] + total : total;
}

// What has come together for one bucket of the answer.
static bool hand_over(adder *a, const dbk_rollup_piece *piece)
{
    const size_t count = (size_t)a->plan->states_count * a->width;
    for (uint32_t lane = 0; lane < a->lanes_count; lane++) {
        uint32_t group;
        const dbk_i128 rows = total_of(a, 0, lane);
        if (rows == 0)
            continue;
        if (!group_of(a, piece, lane, &group) || !dbk_state_add_total(&a->groups->states[0], group, rows))
            return false;
        for (int s = 1; s < a->plan->states_count; s++)
            if (!dbk_state_add_total(&a->groups->states[s], group, total_of(a, s, lane)))
                return false;
    }
    if (a->narrow_buckets)
        memset(a->narrow, 0, count * sizeof *a->narrow);
    if (a->has_wide)
        memset(a->wide, 0, count * sizeof *a->wide);
    a->narrow_buckets = 0;
    a->has_wide = false;
    return true;
}

static bool add_pieces(adder *a)
{
    const dbk_plan_rollup *rollup = a->plan->rollup;
    for (size_t i = 0; i < rollup->pieces_count; i++) {
        const dbk_rollup_piece *piece = &rollup->pieces[i];
        dbk_cube_walk(&a->view->cubes[piece->grain], piece->first, piece->last, add_cells, a);
        bool is_last = i + 1 == rollup->pieces_count || piece[1].ordinal != piece->ordinal;
        if (is_last && !hand_over(a, piece))
            return false;
    }
    return true;
}

// By the states; the caller frees what is returned, which is NULL when memory is out.
static void *make_sums(adder *a)
{
    const size_t states = (size_t)a->plan->states_count, count = states * a->width;
    uint8_t *room = malloc(count * (sizeof *a->wide + sizeof *a->narrow) + states * sizeof *a->columns);
    if (!room)
        return NULL;
    a->wide = memset(room, 0, count * (sizeof *a->wide + sizeof *a->narrow));
    a->narrow = (int64_t *)(a->wide + count);
    a->columns = (uint16_t *)(a->narrow + count);
    for (int s = 0; s < a->plan->states_count; s++)
        a->columns[s] = column_of(a->plan, a->view, &a->plan->states[s]);
    return room;
}

dbk_status dbk_rollup_query(dbk_groups *groups, uint64_t *buckets, dbk_error *err)
{
    const dbk_plan *plan = groups->plan;
    adder a;
    memset(&a, 0, offsetof(adder, keep));
    a.groups = groups;
    a.plan = plan;
    a.view = plan->rollup->view;
    for (int k = 0; k < plan->keys_count; k++)
        a.dims[k] =
            k == plan->rollup->bucket_key ? -1 : dbk_plan_rollup_dim(plan, a.view, plan->keys[k].slot);
    project(&a);
    void *sums = make_sums(&a);
    bool ok = sums && add_pieces(&a);
    free(sums);
    *buckets = a.buckets;
    return ok ? DBK_OK : dbk_exec_no_memory(err);
}
