// SPDX-License-Identifier: Apache-2.0
// The entrance: plan, run, done.
#include "engine/db.h"
#include "engine/exec/late.h"
#include "engine/exec/plan_cost.h"
#include "engine/exec/plan_init.h"
#include "engine/exec/point_query.h"
#include "engine/exec/run.h"
#include "engine/patience.h"

// A look-up and some reads in one row, and the proof of a column of a part that nobody has read since the
// start: so many nanoseconds each.
enum { POINT_NS = 1000, PROOF_NS = 60000 };

static dbk_status too_long(dbk_error *err)
{
    return dbk_fail(err, DBK_LONG, "query: it takes longer than whoever asks has time for");
}

// Keyed tables were proved when they were opened.
static bool may_have_to_prove(const dbk_snapshot *snapshot, const dbk_table_def *table)
{
    return dbk_snapshot_is_unproved(snapshot) && table->kind == DBK_FACT;
}

static bool has_time_for(const dbk_plan *plan)
{
    if (!dbk_patience_is_limited())
        return true;
    int64_t cost = dbk_plan_cost(plan);
    if (may_have_to_prove(plan->snapshot, plan->table))
        cost += (int64_t)plan->parts_count * plan->slots_count * PROOF_NS;
    return dbk_patience_take(cost);
}

static bool has_time_for_points(const dbk_snapshot *snapshot, const dbk_query *query)
{
    if (!dbk_patience_is_limited())
        return true;
    const int64_t points = query->filters[0].values_count;
    const dbk_table_def *table = dbk_table_def_by_name(dbk_text_from(query->table));
    const int64_t proofs = may_have_to_prove(snapshot, table) ? query->fields_count : 0;
    return dbk_patience_take(points * (POINT_NS + proofs * PROOF_NS));
}

static dbk_status run(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_query *query, dbk_result **out,
                      dbk_error *err)
{
    dbk_plan plan;
    if (dbk_point_query_is(query))
        return has_time_for_points(snapshot, query) ? dbk_point_query_run(snapshot, tenant, query, out, err)
                                                    : too_long(err);
    DBK_TRY(dbk_plan_init(&plan, snapshot, tenant, query, err));
    dbk_status status = !has_time_for(&plan) ? too_long(err)
                        : dbk_late_is(&plan) ? dbk_late_run(&plan, tenant, out, err)
                        : plan.is_group      ? dbk_run_groups(&plan, out, err)
                                             : dbk_run_rows(&plan, out, err);
    bool is_unsure = plan.roster && status == DBK_OVERFLOW;
    dbk_plan_dispose(&plan);
    if (!is_unsure)
        return status;
    dbk_query from_rows = *query;
    from_rows.from_rows = true;
    return run(snapshot, tenant, &from_rows, out, err);
}

dbk_status dbk_exec_end(const dbk_snapshot *snapshot, dbk_text tenant, dbk_status status, dbk_result **out,
                        dbk_error *err)
{
    dbk_error why = {0};
    const dbk_status held = dbk_snapshot_hold(snapshot, tenant, &why);
    if (__builtin_expect(held == DBK_OK, 1))
        return status;
    if (status == DBK_OK && out) {
        dbk_result_free(*out);
        *out = NULL;
    }
    return dbk_fail(err, held, "query: %.400s", why.message);
}

dbk_status dbk_query_run(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_query *query,
                         dbk_result **out, dbk_error *err)
{
    dbk_status status = run(snapshot, tenant, query, out, err);
    return dbk_exec_end(snapshot, tenant, status, out, err);
}

// A block leaves when what it was read from is known to be sound.
typedef struct guard {
    const dbk_snapshot *snapshot;
    dbk_text tenant;
    dbk_emit emit;
    void *user;
} guard;

static dbk_status emit_held(void *user, const dbk_result *block, dbk_error *err)
{
    const guard *g = user;
    DBK_TRY(dbk_snapshot_hold(g->snapshot, g->tenant, err));
    return g->emit(g->user, block, err);
}

dbk_status dbk_query_stream(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_query *query,
                            dbk_emit emit, void *user, dbk_error *err)
{
    if (query->keys_count || query->aggregates_count || query->order_count || query->limit ||
        query->after_count)
        return dbk_fail(err, DBK_INVALID, "query: only rows without order, limit or cursor can be streamed");
    dbk_plan plan;
    DBK_TRY(dbk_plan_init(&plan, snapshot, tenant, query, err));
    guard g = {.snapshot = snapshot, .tenant = tenant, .emit = emit, .user = user};
    dbk_status status = dbk_run_stream(&plan, emit_held, &g, err);
    dbk_plan_dispose(&plan);
    return dbk_exec_end(snapshot, tenant, status, NULL, err);
}
