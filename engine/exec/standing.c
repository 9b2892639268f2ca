// SPDX-License-Identifier: Apache-2.0
// Outcomes of parts, kept and added up.
#include "engine/standing.h"

#include "engine/base/pool.h"
#include "engine/exec/groups.h"
#include "engine/exec/plan_init.h"
#include "engine/exec/run.h"

#include <stdlib.h>
#include <string.h>

// A part of the other fact as it was: none of its rows has died since if it still is so.
typedef struct dependency {
    uint32_t slot;
    dbk_part_state state;
} dependency;

// What a part came to: for each group a tuple of keys and a total for each of the plan's states.
typedef struct outcome {
    bool is_known;
    dbk_part_state own;
    int64_t min, max; // see footprint.h
    bool has_lost;
    uint64_t target_age; // while it is the same, the other fact has got no row; only meant if has_lost
    dependency *dependencies;
    uint32_t dependencies_count;
    uint64_t *tuples;
    dbk_i128 *totals;
    uint32_t groups;
} outcome;

struct dbk_standing {
    outcome *outcomes; // by slot
    uint32_t capacity;
    // Of the run before: all outcomes that are known hold for these.
    int64_t *intervals;
    size_t intervals_count; // numbers, two an interval
    dbk_state_def *states;
    int states_count;
};

static void forget(outcome *o)
{
    free(o->dependencies);
    free(o->tuples);
    free(o->totals);
    *o = (outcome){0};
}

static void forget_all(dbk_standing *s)
{
    for (uint32_t i = 0; i < s->capacity; i++)
        forget(&s->outcomes[i]);
}

dbk_standing *dbk_standing_create(void)
{
    return calloc(1, sizeof(dbk_standing));
}

void dbk_standing_destroy(dbk_standing *s)
{
    if (!s)
        return;
    forget_all(s);
    free(s->outcomes);
    free(s->intervals);
    free(s->states);
    free(s);
}

// ---- What can be kept ----

// The one fact that ids lead to, or NULL.
static dbk_status find_target(const dbk_plan *plan, const dbk_table_view **out, dbk_error *err)
{
    *out = NULL;
    for (int i = 0; i < plan->slots_count; i++) {
        const dbk_table_view *target = plan->slots[i].target;
        if (target && *out && *out != target)
            return dbk_fail(err, DBK_INVALID, "query: a standing query can follow ids to one table only");
        if (target)
            *out = target;
    }
    return DBK_OK;
}

static dbk_status check_shape(const dbk_plan *plan, dbk_error *err)
{
    const dbk_query *q = plan->query;
    int intervals = 0;
    bool ok = plan->is_group && !q->fill && !plan->has_points && plan->keys_count > 0;
    for (int i = 0; ok && i < plan->keys_count; i++)
        ok = plan->slots[plan->keys[i].slot].type != DBK_TEXT;
    for (int i = 0; ok && i < plan->states_count; i++)
        ok = plan->states[i].kind == DBK_STATE_ROWS || plan->states[i].kind == DBK_STATE_VALUES ||
             plan->states[i].kind == DBK_STATE_SUM;
    for (int i = 0; i < plan->filters_count; i++)
        intervals += plan->filters[i].form == DBK_FORM_INT_WITHIN;
    // Paths lead to the other fact, and no farther: rows of keyed tables change without a trace.
    for (int i = 0; ok && i < plan->slots_count; i++) {
        const dbk_slot_def *slot = &plan->slots[i];
        ok = slot->path.depth == 1 || (slot->path.depth == 2 && plan->slots[slot->base].type == DBK_TEXT);
    }
    ok = ok && intervals <= 1;
    return ok ? DBK_OK : dbk_fail(err, DBK_INVALID, "query: this cannot be a standing query");
}

// What is accumulated follows from what the parts prove: when that changes, nothing kept fits.
static bool keep_states(dbk_standing *s, const dbk_plan *plan)
{
    size_t size = (size_t)plan->states_count * sizeof *s->states;
    bool same = s->states_count == plan->states_count;
    for (int i = 0; same && i < plan->states_count; i++)
        same = s->states[i].kind == plan->states[i].kind && s->states[i].slot == plan->states[i].slot;
    if (same)
        return true;
    forget_all(s);
    free(s->states);
    s->states = malloc(size);
    s->states_count = s->states ? plan->states_count : 0;
    if (s->states)
        memcpy(s->states, plan->states, size);
    return s->states != NULL;
}

// ---- What still holds ----

static const dbk_bound_filter *within_filter(const dbk_plan *plan)
{
    for (int i = 0; i < plan->filters_count; i++)
        if (plan->filters[i].form == DBK_FORM_INT_WITHIN)
            return &plan->filters[i];
    return NULL;
}

// An interval cut to what lies in [min, max]; false when nothing does.
static bool cut(const int64_t *interval, int64_t min, int64_t max, int64_t *lo, int64_t *hi)
{
    *lo = interval[0] > min ? interval[0] : min;
    *hi = interval[1] < max ? interval[1] : max;
    return *lo <= *hi;
}

// The first interval from `at` on that has something of [min, max].
static size_t next_interval(const int64_t *intervals, size_t count, size_t at, int64_t min, int64_t max,
                            int64_t *lo, int64_t *hi)
{
    while (at < count && !cut(intervals + at, min, max, lo, hi))
        at += 2;
    return at;
}

// Whether both lists of intervals have the same of [min, max].
static bool is_same_within(const dbk_standing *s, const dbk_bound_filter *filter, int64_t min, int64_t max)
{
    size_t a = 0, b = 0, count = filter ? filter->numbers_count : 0;
    int64_t lo_a = 0, hi_a = 0, lo_b = 0, hi_b = 0;
    if (min > max)
        return true;
    for (;; a += 2, b += 2) {
        a = next_interval(s->intervals, s->intervals_count, a, min, max, &lo_a, &hi_a);
        b = next_interval(filter ? filter->numbers : NULL, count, b, min, max, &lo_b, &hi_b);
        if (a >= s->intervals_count || b >= count)
            return a >= s->intervals_count && b >= count;
        if (lo_a != lo_b || hi_a != hi_b)
            return false;
    }
}

static bool is_same_part(const dbk_part_state *a, const dbk_part_state *b)
{
    return a->edition == b->edition && a->rows == b->rows && a->dead_rows == b->dead_rows;
}

static bool holds(const dbk_standing *s, const outcome *o, const dbk_part *part, const dbk_table_view *target,
                  uint64_t target_age, const dbk_bound_filter *filter)
{
    dbk_part_state own = dbk_part_state_of(part);
    if (!o->is_known || !is_same_part(&o->own, &own) || !is_same_within(s, filter, o->min, o->max) ||
        (o->has_lost && o->target_age != target_age))
        return false;
    for (uint32_t i = 0; i < o->dependencies_count; i++) {
        const dependency *d = &o->dependencies[i];
        if (d->slot >= dbk_view_parts(target))
            return false;
        dbk_part_state now = dbk_part_state_of(dbk_view_part(target, d->slot));
        // New rows do not matter: no id led to them.
        if (now.edition != d->state.edition || now.dead_rows != d->state.dead_rows ||
            now.rows < d->state.rows)
            return false;
    }
    return true;
}

// ---- Looking at parts ----

static bool keep_groups(outcome *o, const dbk_groups *groups)
{
    const dbk_plan *plan = groups->plan;
    size_t keys = (size_t)plan->keys_count, states = (size_t)plan->states_count;
    uint32_t count = groups->grouping.count;
    o->tuples = malloc((count * keys + 1) * sizeof *o->tuples);
    o->totals = malloc((count * states + 1) * sizeof *o->totals);
    if (!o->tuples || !o->totals)
        return false;
    for (uint32_t g = 0; g < count; g++) {
        for (size_t k = 0; k < keys; k++)
            o->tuples[g * keys + k] = groups->grouping.ops->key(&groups->grouping, g, (int)k);
        for (size_t i = 0; i < states; i++)
            o->totals[g * states + i] = dbk_state_sum(&groups->states[i], g);
    }
    o->groups = count;
    return true;
}

static bool keep_footprint(outcome *o, const dbk_footprint *f, const dbk_table_view *target,
                           uint64_t target_age)
{
    o->min = f->min;
    o->max = f->max;
    o->has_lost = f->has_lost;
    o->target_age = target_age;
    o->dependencies = malloc((f->slots_count + 1) * sizeof *o->dependencies);
    if (!o->dependencies)
        return false;
    for (uint32_t i = 0; i < f->slots_count; i++)
        o->dependencies[i] = (dependency){f->slots[i], dbk_part_state_of(dbk_view_part(target, f->slots[i]))};
    o->dependencies_count = f->slots_count;
    return true;
}

typedef struct work {
    dbk_standing *standing;
    const dbk_plan *plan;
    const dbk_table_view *target;
    uint64_t target_age;
    const uint32_t *parts; // to be looked at
    uint32_t count;
    uint32_t next;
    bool failed;
    dbk_status status; // of the first that failed
    dbk_error err;
} work;

static dbk_status look_at(work *w, dbk_scan *scan, uint32_t part, dbk_error *err)
{
    outcome *o = &w->standing->outcomes[part];
    dbk_groups *groups = NULL;
    forget(o);
    dbk_footprint_reset(scan->footprint);
    dbk_status status = dbk_groups_create(w->plan, &groups, err);
    if (status == DBK_OK)
        status = dbk_groups_scan(groups, scan, part);
    if (status == DBK_OK &&
        (!keep_groups(o, groups) || !keep_footprint(o, scan->footprint, w->target, w->target_age)))
        status = dbk_exec_no_memory(err);
    dbk_groups_destroy(groups);
    o->own = dbk_part_state_of(dbk_view_part(w->plan->view, part));
    o->is_known = status == DBK_OK;
    return status;
}

static void look(void *user, int worker)
{
    work *w = user;
    dbk_scan scan;
    dbk_error err;
    dbk_footprint footprint = {0};
    dbk_status status = dbk_scan_init(&scan, w->plan, &err);
    bool is_made = status == DBK_OK;
    scan.footprint = &footprint;
    (void)worker;
    while (status == DBK_OK && !__atomic_load_n(&w->failed, __ATOMIC_RELAXED)) {
        uint32_t i = __atomic_fetch_add(&w->next, 1, __ATOMIC_RELAXED);
        if (i >= w->count)
            break;
        status = look_at(w, &scan, w->parts[i], &err);
    }
    if (status != DBK_OK && !__atomic_exchange_n(&w->failed, true, __ATOMIC_ACQ_REL)) {
        w->status = status;
        w->err = err;
    }
    if (is_made)
        dbk_scan_dispose(&scan);
    dbk_footprint_dispose(&footprint);
}

// ---- The whole ----

static bool outcomes_reserve(dbk_standing *s, size_t slots)
{
    if (slots <= s->capacity)
        return true;
    uint32_t capacity = s->capacity ? 2 * s->capacity : 16;
    while (capacity < slots)
        capacity *= 2;
    outcome *outcomes = realloc(s->outcomes, capacity * sizeof *outcomes);
    if (!outcomes)
        return false;
    memset(outcomes + s->capacity, 0, (capacity - s->capacity) * sizeof *outcomes);
    s->outcomes = outcomes;
    s->capacity = capacity;
    return true;
}

static bool keep_intervals(dbk_standing *s, const dbk_bound_filter *filter)
{
    size_t count = filter ? filter->numbers_count : 0;
    int64_t *intervals = malloc((count + 1) * sizeof *intervals);
    if (!intervals)
        return false;
    if (count)
        memcpy(intervals, filter->numbers, count * sizeof *intervals);
    free(s->intervals);
    s->intervals = intervals;
    s->intervals_count = count;
    return true;
}

// Brings every outcome up to the snapshot: parts that do not matter now are forgotten, since what is kept of
// them may not hold for the intervals of this run.
static dbk_status bring_up(dbk_standing *s, work *w, uint32_t *parts, dbk_error *err)
{
    const dbk_plan *plan = w->plan;
    const dbk_bound_filter *filter = within_filter(plan);
    size_t at = 0;
    for (uint32_t slot = 0; slot < s->capacity; slot++) {
        bool matters = at < plan->parts_count && plan->parts[at] == slot;
        at += matters;
        if (!matters)
            forget(&s->outcomes[slot]);
        else if (!holds(s, &s->outcomes[slot], dbk_view_part(plan->view, slot), w->target, w->target_age,
                        filter))
            parts[w->count++] = slot;
    }
    w->parts = parts;
    int threads = plan->query->threads < 1 ? 1 : plan->query->threads;
    dbk_pool_run((uint32_t)threads > w->count ? (int)w->count + (w->count == 0) : threads, look, w);
    if (w->failed && err)
        *err = w->err;
    if (w->failed)
        return w->status;
    return keep_intervals(s, filter) ? DBK_OK : dbk_exec_no_memory(err);
}

static bool add_outcome(dbk_groups *all, const outcome *o)
{
    size_t keys = (size_t)all->plan->keys_count, states = (size_t)all->plan->states_count;
    for (uint32_t g = 0; g < o->groups; g++) {
        uint32_t group;
        if (!dbk_grouping_find(&all->grouping, o->tuples + g * keys, &group) || !dbk_groups_reserve(all))
            return false;
        for (size_t i = 0; i < states; i++)
            if (!dbk_state_add_total(&all->states[i], group, o->totals[g * states + i]))
                return false;
    }
    return true;
}

static dbk_status add_up(const dbk_standing *s, const dbk_plan *plan, dbk_result **out, dbk_error *err)
{
    dbk_groups *all;
    DBK_TRY(dbk_groups_create(plan, &all, err));
    bool ok = true;
    for (size_t i = 0; ok && i < plan->parts_count; i++)
        ok = add_outcome(all, &s->outcomes[plan->parts[i]]);
    dbk_status status = ok ? dbk_groups_answer(all, out, err) : dbk_exec_no_memory(err);
    dbk_groups_destroy(all);
    return status;
}

static dbk_status run(dbk_standing *s, dbk_plan *plan, uint32_t *scanned, dbk_result **out, dbk_error *err)
{
    work w = {.standing = s, .plan = plan, .status = DBK_OK};
    DBK_TRY(check_shape(plan, err));
    DBK_TRY(find_target(plan, &w.target, err));
    w.target_age = w.target ? dbk_view_age(w.target) : 0;
    plan->grouping = DBK_GROUP_HASH; // tuples of any two parts are comparable
    uint32_t *parts = malloc((plan->parts_count + 1) * sizeof *parts);
    bool ok = parts && keep_states(s, plan) && outcomes_reserve(s, plan->parts_total);
    dbk_status status = ok ? bring_up(s, &w, parts, err) : dbk_exec_no_memory(err);
    if (status == DBK_OK)
        status = add_up(s, plan, out, err);
    else
        forget_all(s);
    if (scanned)
        *scanned = w.count;
    free(parts);
    return status;
}

dbk_status dbk_standing_run(dbk_standing *s, const dbk_snapshot *snapshot, dbk_text tenant,
                            const dbk_query *query, uint32_t *scanned, dbk_result **out, dbk_error *err)
{
    dbk_query of_rows = *query;
    dbk_plan plan;
    of_rows.from_rows = true;
    DBK_TRY(dbk_plan_init(&plan, snapshot, tenant, &of_rows, err));
    dbk_status status = run(s, &plan, scanned, out, err);
    dbk_plan_dispose(&plan);
    return dbk_exec_end(snapshot, tenant, status, out, err);
}
