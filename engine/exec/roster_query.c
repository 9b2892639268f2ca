// SPDX-License-Identifier: Apache-2.0
// Blocks are opened in the order of the most that a code of theirs can have, and no more when that is less
// than what the last of the largest has that were found. Without a limit all are.
#include "engine/exec/roster_query.h"

#include "engine/exec/plan_roster.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 64 };

// A block of a lane, and the most that a code of it can have.
typedef struct promise {
    int64_t bound;
    uint32_t lane, block;
} promise;

typedef struct candidate {
    int64_t numbers[DBK_ROSTER_TOPS];
    uint32_t lane, code;
} candidate;

typedef struct search {
    dbk_groups *groups;
    const dbk_plan *plan;
    const dbk_plan_roster *roster;
    dbk_roster_lane *lanes; // one, or, where the other dimension is a key, one for each of its codes
    uint32_t *dims;         // of each lane
    uint32_t lanes_count;
    dbk_roster_cells cells;
    uint64_t mask[DBK_ROSTER_WORDS]; // codes of the block that pass the filters
    uint64_t blocks;                 // that were opened
    // Where only the largest are wanted: the values of the best so far, the smallest on top, and who has them
    // or as much.
    int64_t *best;
    uint64_t best_count;
    candidate *candidates;
    size_t candidates_count, candidates_capacity;
} search;

// ---- Lanes ----

static bool takes_dim(void *user, uint32_t dim)
{
    const search *s = user;
    for (int i = s->plan->range_slot >= 0; i < s->plan->filters_count; i++) {
        uint64_t mask[DBK_MASK_WORDS] = {1};
        const uint32_t codes[DBK_VECTOR_ROWS] = {dim};
        if (!dbk_plan_roster_is(s->plan, s->plan->filters[i].slot, s->roster->view->shape.dim))
            continue;
        dbk_filter_codes(&s->plan->filters[i], mask, codes, 1);
        if (!(mask[0] & 1))
            return false;
    }
    return true;
}

static bool is_dim(void *user, uint32_t dim)
{
    return dim == *(const uint32_t *)user;
}

static bool has_lane(const search *s, uint32_t dim)
{
    for (uint32_t i = 0; i < s->lanes_count; i++)
        if (s->dims[i] == dim)
            return true;
    return false;
}

static bool lane_add(search *s, uint32_t dim)
{
    dbk_roster_lane *lane = &s->lanes[s->lanes_count];
    s->dims[s->lanes_count++] = dim;
    return s->roster->dim_key < 0
               ? dbk_roster_lane_init(lane, s->roster->view, s->roster->first, s->roster->last, takes_dim, s)
               : dbk_roster_lane_init(lane, s->roster->view, s->roster->first, s->roster->last, is_dim, &dim);
}

static bool lanes_make(search *s)
{
    const dbk_roster_entries *entries = s->roster->view->entries;
    uint32_t count = entries ? entries->count : 0;
    s->lanes = calloc(count + 1, sizeof *s->lanes);
    s->dims = calloc(count + 1, sizeof *s->dims);
    bool ok = s->lanes && s->dims;
    if (ok && s->roster->dim_key < 0)
        return lane_add(s, 0);
    for (uint32_t i = 0; ok && i < count; i++)
        if (takes_dim(s, entries->list[i].dim) && !has_lane(s, entries->list[i].dim))
            ok = lane_add(s, entries->list[i].dim);
    return ok;
}

// ---- Groups ----

static dbk_status hand_over(search *s, uint32_t lane, uint32_t code, const int64_t numbers[DBK_ROSTER_TOPS])
{
    const dbk_plan *plan = s->plan;
    uint64_t tuple[KEYS_MAX], dense = 0;
    uint32_t group;
    for (int k = 0; k < plan->keys_count; k++) {
        tuple[k] = k == s->roster->who_key ? code : s->dims[lane];
        dense += tuple[k] * plan->keys[k].stride;
    }
    group = (uint32_t)dense;
    if (plan->grouping == DBK_GROUP_HASH &&
        (!dbk_grouping_find(&s->groups->grouping, tuple, &group) || !dbk_groups_reserve(s->groups)))
        return DBK_NO_MEMORY;
    for (int i = 0; i < plan->states_count; i++) {
        dbk_state *state = &s->groups->states[i];
        bool ok = true;
        if (plan->states[i].kind == DBK_STATE_MAX) {
            int64_t last;
            if (!dbk_roster_lane_last(&s->lanes[lane], code, &last))
                return DBK_OVERFLOW;
            const dbk_zone_map zone = {.min = last, .max = last};
            ok = dbk_state_add_zone_map(state, group, (uint32_t)numbers[DBK_ROSTER_ROWS], &zone);
        } else {
            ok = dbk_state_add_total(
                state, group,
                numbers[plan->states[i].kind == DBK_STATE_SUM ? DBK_ROSTER_SUM : DBK_ROSTER_ROWS]);
        }
        if (!ok)
            return DBK_NO_MEMORY;
    }
    return DBK_OK;
}

// ---- The largest ----

static void best_sift(search *s, uint64_t at)
{
    for (;;) {
        uint64_t child = 2 * at + 1;
        if (child >= s->best_count)
            return;
        if (child + 1 < s->best_count && s->best[child + 1] < s->best[child])
            child++;
        if (s->best[at] <= s->best[child])
            return;
        int64_t swap = s->best[at];
        s->best[at] = s->best[child];
        s->best[child] = swap;
        at = child;
    }
}

static bool is_full(const search *s)
{
    return s->best_count == s->roster->most;
}

// Whether a value can be among the largest, as far as is known.
static bool can_be_best(const search *s, int64_t value)
{
    return !is_full(s) || value >= s->best[0];
}

static void best_add(search *s, int64_t value)
{
    if (is_full(s)) {
        s->best[0] = value;
        best_sift(s, 0);
        return;
    }
    uint64_t at = s->best_count++;
    for (; at > 0 && s->best[(at - 1) / 2] > value; at = (at - 1) / 2)
        s->best[at] = s->best[(at - 1) / 2];
    s->best[at] = value;
}

static dbk_status keep(search *s, uint32_t lane, uint32_t code, const int64_t numbers[DBK_ROSTER_TOPS])
{
    int64_t value = numbers[s->roster->figure];
    if (!can_be_best(s, value))
        return DBK_OK;
    if (s->candidates_count == s->candidates_capacity) {
        size_t capacity = s->candidates_capacity ? 2 * s->candidates_capacity : 256;
        candidate *more = realloc(s->candidates, capacity * sizeof *more);
        if (!more)
            return DBK_NO_MEMORY;
        s->candidates = more;
        s->candidates_capacity = capacity;
    }
    candidate *c = &s->candidates[s->candidates_count++];
    *c = (candidate){.lane = lane, .code = code};
    memcpy(c->numbers, numbers, sizeof c->numbers);
    best_add(s, value);
    return DBK_OK;
}

// ---- Blocks ----

static void filter_block(search *s, uint32_t block)
{
    uint32_t codes[DBK_ROSTER_CODES];
    memcpy(s->mask, s->cells.present, sizeof s->mask);
    for (int i = s->plan->range_slot >= 0; i < s->plan->filters_count; i++) {
        const dbk_bound_filter *filter = &s->plan->filters[i];
        if (!dbk_plan_roster_is(s->plan, filter->slot, s->roster->view->shape.who))
            continue;
        if (filter->form == DBK_FORM_CODE_NOT) { // mostly "has a value"
            uint32_t out = filter->code - block * DBK_ROSTER_CODES;
            if (block == 0)
                s->mask[0] &= ~(uint64_t)1;
            if (filter->code / DBK_ROSTER_CODES == block)
                s->mask[out / 64] &= ~((uint64_t)1 << out % 64);
            continue;
        }
        for (uint32_t c = 0; c < DBK_ROSTER_CODES; c++)
            codes[c] = s->mask[c / 64] >> c % 64 & 1 ? block * DBK_ROSTER_CODES + c : 0;
        dbk_filter_codes(filter, s->mask, codes, DBK_ROSTER_CODES);
    }
}

static dbk_status open_block(search *s, uint32_t lane, uint32_t block)
{
    dbk_status status = DBK_OK;
    s->blocks++;
    if (!dbk_roster_lane_open(&s->lanes[lane], block, &s->cells))
        status = DBK_OVERFLOW;
    filter_block(s, block);
    for (uint32_t w = 0; w < DBK_ROSTER_WORDS; w++) {
        for (uint64_t left = s->mask[w]; left && status == DBK_OK; left &= left - 1) {
            uint32_t at = w * 64 + (uint32_t)__builtin_ctzll(left), code = block * DBK_ROSTER_CODES + at;
            const int64_t numbers[] = {s->cells.numbers[DBK_ROSTER_ROWS][at],
                                       s->cells.numbers[DBK_ROSTER_SUM][at]};
            status = s->roster->most ? keep(s, lane, code, numbers) : hand_over(s, lane, code, numbers);
        }
    }
    dbk_roster_cells_clear(&s->cells);
    return status;
}

static dbk_status open_all(search *s)
{
    for (uint32_t l = 0; l < s->lanes_count; l++)
        for (uint32_t block = 0; block < s->lanes[l].blocks; block++)
            DBK_TRY(open_block(s, l, block));
    return DBK_OK;
}

static void promise_sift(promise *heap, size_t count, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count)
            return;
        if (child + 1 < count && heap[child + 1].bound > heap[child].bound)
            child++;
        if (heap[at].bound >= heap[child].bound)
            return;
        promise swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
        at = child;
    }
}

static dbk_status open_promising(search *s, promise *heap, int64_t *bounds)
{
    size_t count = 0;
    for (uint32_t l = 0; l < s->lanes_count; l++) {
        dbk_roster_lane_bounds(&s->lanes[l], s->roster->figure, bounds);
        for (uint32_t block = 0; block < s->lanes[l].blocks; block++)
            heap[count++] = (promise){bounds[block], l, block};
    }
    for (size_t i = count / 2; i-- > 0;)
        promise_sift(heap, count, i);
    while (count > 0 && can_be_best(s, heap[0].bound)) {
        DBK_TRY(open_block(s, heap[0].lane, heap[0].block));
        heap[0] = heap[--count];
        promise_sift(heap, count, 0);
    }
    for (size_t i = 0; i < s->candidates_count; i++) {
        const candidate *c = &s->candidates[i];
        if (can_be_best(s, c->numbers[s->roster->figure]))
            DBK_TRY(hand_over(s, c->lane, c->code, c->numbers));
    }
    return DBK_OK;
}

static dbk_status find_largest(search *s)
{
    size_t blocks = 0;
    for (uint32_t l = 0; l < s->lanes_count; l++)
        blocks += s->lanes[l].blocks;
    promise *heap = malloc((blocks + 1) * sizeof *heap);
    int64_t *bounds = malloc((blocks + 1) * sizeof *bounds);
    s->best = malloc(s->roster->most * sizeof *s->best);
    dbk_status status = heap && bounds && s->best ? open_promising(s, heap, bounds) : DBK_NO_MEMORY;
    free(heap);
    free(bounds);
    free(s->best);
    free(s->candidates);
    return status;
}

dbk_status dbk_roster_query(dbk_groups *groups, uint64_t *blocks, dbk_error *err)
{
    search *s = calloc(1, sizeof *s);
    if (!s)
        return dbk_exec_no_memory(err);
    s->groups = groups;
    s->plan = groups->plan;
    s->roster = groups->plan->roster;
    dbk_status status = lanes_make(s) ? DBK_OK : DBK_NO_MEMORY;
    if (status == DBK_OK)
        status = s->roster->most ? find_largest(s) : open_all(s);
    for (uint32_t l = 0; l < s->lanes_count; l++)
        dbk_roster_lane_dispose(&s->lanes[l]);
    *blocks = s->blocks;
    free(s->lanes);
    free(s->dims);
    free(s);
    return status == DBK_NO_MEMORY ? dbk_exec_no_memory(err) : status;
}
