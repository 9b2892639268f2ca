// SPDX-License-Identifier: Apache-2.0
// A group query: statistics where a part's suffice, else a scan of it; then the threads' groups made one, and
// the sums of a rollup or roster, of which no rows were looked at, added to them.
#include "engine/base/pool.h"
#include "engine/exec/groups.h"
#include "engine/exec/morsels.h"
#include "engine/exec/rollup_query.h"
#include "engine/exec/roster_query.h"
#include "engine/exec/run.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void dbk_groups_destroy(dbk_groups *groups)
{
    for (int i = 0; i < groups->plan->states_count; i++)
        dbk_state_dispose(&groups->states[i]);
    if (groups->grouping.plan)
        dbk_grouping_dispose(&groups->grouping);
    free(groups);
}

dbk_status dbk_groups_create(const dbk_plan *plan, dbk_groups **out, dbk_error *err)
{
    const size_t states = (size_t)plan->states_count * sizeof(dbk_state);
    dbk_groups *groups = malloc(sizeof *groups + states);
    if (!groups)
        return dbk_exec_no_memory(err);
    memset(groups, 0, offsetof(dbk_groups, assigned));
    groups->plan = plan;
    groups->states = memset(groups + 1, 0, states);
    bool ok = dbk_grouping_init(&groups->grouping, plan);
    uint64_t fixed = plan->grouping == DBK_GROUP_HASH ? 0 : plan->dense_groups;
    for (int i = 1; fixed && groups->joined == 0 && i < plan->states_count; i++)
        groups->joined = plan->states[i].kind == DBK_STATE_SUM ? i : 0;
    for (int i = 0; ok && i < plan->states_count; i++) {
        bool joins = groups->joined && (i == 0 || i == groups->joined);
        ok = dbk_state_init(&groups->states[i], plan, &plan->states[i], joins ? 0 : fixed);
    }
    if (ok && groups->joined)
        ok = dbk_state_join(&groups->states[0], &groups->states[groups->joined], plan, fixed);
    if (!ok) {
        dbk_groups_destroy(groups);
        return dbk_exec_no_memory(err);
    }
    *out = groups;
    return DBK_OK;
}

static void groups_destroy(void *self)
{
    dbk_groups_destroy(self);
}

static dbk_status groups_create(const dbk_plan *plan, void **out, dbk_error *err)
{
    return dbk_groups_create(plan, (dbk_groups **)out, err);
}

// The rows of the scan's window.
static dbk_status add_rows(dbk_groups *groups, dbk_scan *scan)
{
    dbk_assigned to;
    if (!groups->grouping.ops->assign(&groups->grouping, scan->count, groups->assigned, &to) ||
        !dbk_groups_reserve(groups))
        return dbk_exec_no_memory(scan->err);
    if (groups->joined)
        DBK_TRY(dbk_state_add_both(&groups->states[0], &groups->states[groups->joined], scan, &to));
    for (int i = groups->joined ? 1 : 0; i < groups->plan->states_count; i++)
        if (i != groups->joined || i == 0)
            DBK_TRY(dbk_state_add(&groups->states[i], scan, &to));
    return DBK_OK;
}

// A count and a sum by buckets of time alone: each run is one group, and all of them are added in one go.
static dbk_status add_runs(dbk_groups *groups, dbk_scan *scan, bool *done)
{
    const dbk_grouping *grouping = &groups->grouping;
    const dbk_plan *plan = groups->plan;
    *done = false;
    if (!groups->joined || plan->states_count != 2)
        return DBK_OK;
    for (int k = 0; k < plan->keys_count; k++)
        if (!dbk_key_is_constant(&grouping->columns[k]))
            return DBK_OK;
    for (uint32_t run = 0; run < grouping->runs; run++) {
        uint64_t group = 0;
        for (int k = 0; k < plan->keys_count; k++) {
            const dbk_key_column *column = &grouping->columns[k];
            group += (column->form == DBK_KEY_RUNS ? column->run_values[run] : column->constant) *
                     plan->keys[k].stride;
        }
        groups->assigned[run] = (uint32_t)group;
    }
    return dbk_state_add_runs(&groups->states[0], &groups->states[groups->joined], scan, groups->assigned,
                              grouping->run_ends, grouping->runs, done);
}

static dbk_status on_vector(void *self, dbk_scan *scan)
{
    dbk_groups *groups = self;
    dbk_grouping *grouping = &groups->grouping;
    DBK_TRY(dbk_grouping_load(grouping, scan));
    if (grouping->runs == 0)
        return add_rows(groups, scan);
    bool done;
    DBK_TRY(add_runs(groups, scan, &done));
    for (uint32_t run = done ? grouping->runs : 0; run < grouping->runs; run++) {
        dbk_grouping_enter(grouping, scan, run);
        DBK_TRY(add_rows(groups, scan));
    }
    return DBK_OK;
}

// A part whose keys are constant and whose aggregates are all in its statistics.
static dbk_status on_part(void *self, dbk_scan *scan, const dbk_part *part, bool *answered)
{
    dbk_groups *groups = self;
    const dbk_plan *plan = groups->plan;
    dbk_zone_map zone;
    dbk_assigned to;
    for (int i = 0; i < plan->states_count; i++)
        if (!dbk_state_takes_zone_map(&groups->states[i]) ||
            (plan->states[i].slot >= 0 && !dbk_plan_zone_map(plan, part, plan->states[i].slot, &zone)))
            return DBK_OK;
    if (!dbk_grouping_load_part(&groups->grouping, part))
        return DBK_OK;
    bool ok = groups->grouping.ops->assign(&groups->grouping, 1, groups->assigned, &to) &&
              dbk_groups_reserve(groups);
    for (int i = 0; ok && i < plan->states_count; i++) {
        if (plan->states[i].slot >= 0)
            dbk_plan_zone_map(plan, part, plan->states[i].slot, &zone);
        ok = dbk_state_add_zone_map(&groups->states[i], to.low, dbk_part_rows(part), &zone);
    }
    *answered = true;
    return ok ? DBK_OK : dbk_exec_no_memory(scan->err);
}

// ---- What the threads gathered becomes one ----

// Groups [first, end) of another thread's. Without a map, ranges that do not overlap can be merged at once.
static void merge_range(dbk_groups *into, const dbk_groups *from, const uint32_t *map, uint32_t first,
                        uint32_t end)
{
    const int joined = into->joined;
    if (joined)
        dbk_state_merge_both(&into->states[0], &into->states[joined], &from->states[0], &from->states[joined],
                             first, end);
    for (int i = 0; i < into->plan->states_count; i++)
        if (!joined || (i != 0 && i != joined))
            dbk_state_merge(&into->states[i], &from->states[i], map, first, end);
}

static bool merge_begin(dbk_groups *into, const dbk_groups *from, const uint32_t *map)
{
    const int joined = into->joined;
    bool ok = !joined || dbk_state_merge_both_begin(&into->states[0], &into->states[joined], &from->states[0],
                                                    &from->states[joined]);
    for (int i = 0; ok && i < into->plan->states_count; i++)
        if (!joined || (i != 0 && i != joined))
            ok = dbk_state_merge_begin(&into->states[i], &from->states[i], map);
    return ok;
}

// Groups that a hash table gave their numbers have others here.
static bool merge_mapped(dbk_groups *into, const dbk_groups *from)
{
    const uint32_t count = from->grouping.count;
    uint32_t *map = malloc(((size_t)count + 1) * sizeof *map);
    const bool ok = map && dbk_grouping_map(&into->grouping, &from->grouping, map) &&
                    dbk_groups_reserve(into) && merge_begin(into, from, map);
    if (ok)
        merge_range(into, from, map, 0, count);
    free(map);
    return ok;
}

// What is merged and finished at once: some ten microseconds of work.
enum { MERGE_BYTES = 128 << 10 };

typedef struct merging {
    dbk_groups *into;
    const dbk_morsels *morsels;
    bool mapped; // merged already
    uint32_t count, step, next;
} merging;

static void merge_work(void *user, int worker)
{
    merging *m = user;
    (void)worker;
    for (;;) {
        const uint32_t first = __atomic_fetch_add(&m->next, m->step, __ATOMIC_RELAXED);
        if (first >= m->count)
            return;
        const uint32_t end = m->count - first < m->step ? m->count : first + m->step;
        const dbk_morsel_time begun = dbk_morsel_begin();
        for (int i = 1; !m->mapped && i < m->morsels->threads; i++)
            if (m->morsels->workers[i].state)
                merge_range(m->into, m->morsels->workers[i].state, NULL, first, end);
        for (int i = 0; i < m->into->plan->states_count; i++)
            dbk_state_finish(&m->into->states[i], first, end);
        dbk_morsel_end(begun);
    }
}

static dbk_status merge(dbk_groups *into, const dbk_morsels *morsels, dbk_error *err)
{
    merging m = {.into = into, .morsels = morsels, .mapped = into->plan->grouping == DBK_GROUP_HASH};
    size_t bytes = 0;
    bool ok = true;
    for (int i = 1; ok && i < morsels->threads; i++)
        if (morsels->workers[i].state)
            ok = m.mapped ? merge_mapped(into, morsels->workers[i].state)
                          : merge_begin(into, morsels->workers[i].state, NULL);
    if (!ok)
        return dbk_exec_no_memory(err);
    for (int i = 0; i < into->plan->states_count; i++)
        bytes += dbk_state_group_bytes(&into->states[i]);
    m.count = into->grouping.count;
    m.step = bytes < MERGE_BYTES ? (uint32_t)(MERGE_BYTES / bytes) : 1;
    dbk_pool_run(m.count > m.step ? morsels->threads : 1, merge_work, &m);
    return DBK_OK;
}

// Every bucket that the range touches becomes a group, if it is none yet.
static dbk_status fill(dbk_groups *groups, dbk_error *err)
{
    const dbk_query *q = groups->plan->query;
    int64_t start, end, at = q->from_ms;
    for (uint32_t n = 0; at < q->to_ms; at = end, n++) {
        uint32_t group;
        if (n == DBK_FILL_MAX)
            return dbk_fail(err, DBK_LIMIT, "query: the range has more than %d buckets", DBK_FILL_MAX);
        dbk_bucket_span(q->keys[0].bucket, at, &start, &end);
        if (!dbk_grouping_find(&groups->grouping, &(uint64_t){(uint64_t)start}, &group) ||
            !dbk_groups_reserve(groups))
            return dbk_exec_no_memory(err);
    }
    return DBK_OK;
}

static dbk_status gather(dbk_morsels *morsels, dbk_result **out, dbk_error *err)
{
    DBK_TRY(dbk_morsels_run(morsels, err));
    dbk_groups *all = morsels->workers[0].state;
    DBK_TRY(merge(all, morsels, err));
    uint64_t rollup_buckets = 0;
    if (morsels->plan->rollup)
        DBK_TRY(dbk_rollup_query(all, &rollup_buckets, err));
    if (morsels->plan->roster)
        DBK_TRY(dbk_roster_query(all, &rollup_buckets, err));
    if (morsels->plan->query->fill && morsels->plan->grouping == DBK_GROUP_HASH)
        DBK_TRY(fill(all, err));
    const dbk_morsel_time begun = dbk_morsel_begin();
    DBK_TRY(dbk_groups_answer(all, out, err));
    dbk_morsel_end(begun);
    (*out)->stats = dbk_morsels_stats(morsels);
    (*out)->stats.rollup_buckets = rollup_buckets;
    return DBK_OK;
}

dbk_status dbk_groups_scan(dbk_groups *groups, dbk_scan *scan, uint32_t part)
{
    const dbk_sink sink = {.self = groups, .vector = on_vector, .part = on_part};
    return dbk_scan_part(scan, part, &sink);
}

dbk_status dbk_run_groups(const dbk_plan *plan, dbk_result **out, dbk_error *err)
{
    dbk_morsels morsels = {.plan = plan,
                           .create = groups_create,
                           .destroy = groups_destroy,
                           .sink = {.vector = on_vector, .part = on_part},
                           .threads = plan->query->threads};
    dbk_status status = gather(&morsels, out, err);
    dbk_morsels_dispose(&morsels);
    return status;
}
