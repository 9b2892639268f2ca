// SPDX-License-Identifier: Apache-2.0
// Tuples are filtered and projected onto the keys once, beforehand: each has a lane. A bucket of the answer
// is then added up lane by lane, and what came together goes to the groups.
#include "engine/exec/rollup_query.h"

#include "engine/exec/plan_rollup.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES = DBK_TUPLES_MAX / DBK_CUBE_PAGE, KEYS_MAX = 64 };

typedef struct adder {
    dbk_groups *groups;
    const dbk_plan *plan;
    const dbk_rollup_view *view;
    int dims[KEYS_MAX];             // of each key; -1 for the bucket
    uint16_t lanes[DBK_TUPLES_MAX]; // of each tuple; the last lane is for those that no row is wanted of
    bool is_wanted[PAGES];
    uint16_t tuples[DBK_TUPLES_MAX]; // one of each lane
    uint32_t lanes_count;            // without the last
    uint16_t *columns;               // of the cells, by state
    dbk_i128 *sums;                  // by state, a lane each
    uint64_t buckets;
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

static void make_lanes(adder *a)
{
    uint64_t mask[DBK_MASK_WORDS];
    uint16_t slots[2 * DBK_TUPLES_MAX] = {0}; // lane + 1, by the hash of its keys
    filter_tuples(a->plan, a->view, mask);
    memset(a->lanes, 0xFF, sizeof a->lanes);
    for (uint32_t t = 0; t < a->view->tuples_count; t++) {
        if (!(mask[t / 64] >> (t % 64) & 1))
            continue;
        uint32_t at = hash_of_keys(a, t) & (2 * DBK_TUPLES_MAX - 1);
        while (slots[at] && !has_same_keys(a, t, a->tuples[slots[at] - 1]))
            at = (at + 1) & (2 * DBK_TUPLES_MAX - 1);
        if (!slots[at]) {
            a->tuples[a->lanes_count] = (uint16_t)t;
            slots[at] = (uint16_t)++a->lanes_count;
        }
        a->lanes[t] = (uint16_t)(slots[at] - 1);
        a->is_wanted[t / DBK_CUBE_PAGE] = true;
    }
    for (uint32_t t = 0; t < DBK_TUPLES_MAX; t++)
        if (a->lanes[t] == UINT16_MAX)
            a->lanes[t] = (uint16_t)a->lanes_count;
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

static void add_cells(void *user, int32_t bucket, const dbk_cells *cells)
{
    adder *a = user;
    (void)bucket;
    a->buckets++;
    for (uint32_t p = 0; p < cells->directory && p < PAGES; p++) {
        const void *page = a->is_wanted[p] ? dbk_cells_page(cells, p) : NULL;
        const uint16_t *lanes = &a->lanes[p * DBK_CUBE_PAGE];
        for (int s = 0; page && s < a->plan->states_count; s++) {
            const size_t first = (size_t)a->columns[s] * DBK_CUBE_PAGE;
            dbk_i128 *sums = a->sums + (size_t)s * (a->lanes_count + 1);
            for (int i = 0; cells->is_wide && i < DBK_CUBE_PAGE; i++)
                sums[lanes[i]] += ((const int64_t *)page)[first + (size_t)i];
            for (int i = 0; !cells->is_wide && i < DBK_CUBE_PAGE; i++)
                sums[lanes[i]] += ((const int32_t *)page)[first + (size_t)i];
        }
    }
}

// ---- Groups ----

static bool group_of(adder *a, const dbk_rollup_piece *piece, uint32_t lane, uint32_t *group)
{
    uint64_t tuple[KEYS_MAX], dense = 0;
    bool is_hash = a->plan->grouping == DBK_GROUP_HASH;
    for (int k = 0; k < a->plan->keys_count; k++) {
        if (a->dims[k] >= 0)
            tuple[k] = a->view->tuples->codes[a->dims[k]][a->tuples[lane]];
        else
            tuple[k] = is_hash ? (uint64_t)piece->start : piece->ordinal + 1u;
        dense += tuple[k] * a->plan->keys[k].stride;
    }
    *group = (uint32_t)dense;
    return !is_hash ||
           (dbk_grouping_find(&a->groups->grouping, tuple, group) && dbk_groups_reserve(a->groups));
}

// What has come together for one bucket of the answer.
static bool hand_over(adder *a, const dbk_rollup_piece *piece)
{
    size_t width = a->lanes_count + 1;
    for (uint32_t lane = 0; lane < a->lanes_count; lane++) {
        uint32_t group;
        if (a->sums[lane] == 0) // state 0 counts rows
            continue;
        if (!group_of(a, piece, lane, &group))
            return false;
        for (int s = 0; s < a->plan->states_count; s++)
            if (!dbk_state_add_total(&a->groups->states[s], group, a->sums[(size_t)s * width + lane]))
                return false;
    }
    memset(a->sums, 0, (size_t)a->plan->states_count * width * sizeof *a->sums);
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

dbk_status dbk_rollup_query(dbk_groups *groups, uint64_t *buckets, dbk_error *err)
{
    const dbk_plan *plan = groups->plan;
    adder a = {.groups = groups, .plan = plan, .view = plan->rollup->view};
    for (int k = 0; k < plan->keys_count; k++)
        a.dims[k] =
            k == plan->rollup->bucket_key ? -1 : dbk_plan_rollup_dim(plan, a.view, plan->keys[k].slot);
    make_lanes(&a);
    size_t states = (size_t)plan->states_count;
    a.columns = calloc(states, sizeof *a.columns);
    a.sums = calloc(states * (a.lanes_count + 1), sizeof *a.sums);
    bool ok = a.columns && a.sums;
    for (int s = 0; ok && s < plan->states_count; s++)
        a.columns[s] = column_of(plan, a.view, &plan->states[s]);
    ok = ok && add_pieces(&a);
    free(a.columns);
    free(a.sums);
    *buckets = a.buckets;
    return ok ? DBK_OK : dbk_exec_no_memory(err);
}
