// SPDX-License-Identifier: Apache-2.0
// The steps in their order. Binding comes first and refuses what cannot be; then a rollup is looked for that
// has the sums, and the parts that can matter beside it are found, and what they prove (no nulls, few
// buckets) decides what is accumulated and how rows find their groups.
#include "engine/exec/plan_init.h"

#include "engine/exec/plan_bind.h"
#include "engine/exec/plan_groups.h"
#include "engine/exec/plan_parts.h"
#include "engine/exec/plan_rollup.h"
#include "engine/exec/plan_roster.h"

static int add_state(dbk_plan *plan, dbk_state_kind kind, int slot)
{
    if (kind == DBK_STATE_VALUES && plan->slots[slot].never_null)
        kind = DBK_STATE_ROWS;
    if (kind == DBK_STATE_ROWS)
        slot = -1;
    for (int i = 0; i < plan->states_count; i++)
        if (plan->states[i].kind == kind && plan->states[i].slot == slot)
            return i;
    plan->states[plan->states_count] = (dbk_state_def){kind, slot};
    return plan->states_count++;
}

static void make_states(dbk_plan *plan)
{
    add_state(plan, DBK_STATE_ROWS, -1);
    for (int i = 0; i < plan->query->aggregates_count; i++) {
        dbk_bound_aggregate *aggregate = &plan->aggregates[i];
        int slot = aggregate->state;
        switch (aggregate->kind) {
        case DBK_COUNT_ROWS:
            aggregate->state = 0;
            break;
        case DBK_COUNT_VALUES:
            aggregate->state = add_state(plan, DBK_STATE_VALUES, slot);
            break;
        case DBK_SUM:
        case DBK_AVERAGE:
            aggregate->state = add_state(plan, DBK_STATE_SUM, slot);
            aggregate->count_state = add_state(plan, DBK_STATE_VALUES, slot);
            break;
        case DBK_MIN:
        case DBK_MAX:
            aggregate->state =
                add_state(plan, aggregate->kind == DBK_MIN ? DBK_STATE_MIN : DBK_STATE_MAX, slot);
            break;
        case DBK_COUNT_DISTINCT:
            aggregate->state = add_state(plan, DBK_STATE_DISTINCT, slot);
            break;
        }
    }
}

// Of a column behind a text that one filter alone asks for, values need not be made. For several they would
// be looked at as often.
static void find_judged(dbk_plan *plan)
{
    for (int i = 0; i < plan->slots_count; i++) {
        dbk_slot_def *slot = &plan->slots[i];
        int filters = 0;
        for (int f = 0; f < plan->filters_count; f++)
            filters += plan->filters[f].slot == i;
        slot->is_judged = slot->path.depth == 2 && slot->type != DBK_TEXT &&
                          plan->slots[slot->base].type == DBK_TEXT && filters == 1;
        for (int k = 0; k < plan->keys_count; k++)
            slot->is_judged &= plan->keys[k].slot != i;
        for (int s = 0; s < plan->states_count; s++)
            slot->is_judged &= plan->states[s].slot != i;
        for (int o = 0; !plan->is_group && o < plan->query->order_count; o++)
            slot->is_judged &= plan->order_slots[o] != i;
    }
}

static dbk_status build(dbk_plan *plan, dbk_error *err)
{
    DBK_TRY(dbk_plan_bind(plan, err));
    DBK_TRY(dbk_plan_rollup_choose(plan, err));
    if (!plan->rollup)
        DBK_TRY(dbk_plan_roster_choose(plan, err));
    if (plan->roster || (plan->rollup && !dbk_plan_rollup_has_rest(plan->rollup)))
        plan->parts_total = dbk_view_parts(plan->view); // and none is looked at
    else
        DBK_TRY(dbk_plan_parts(plan, err));
    if (plan->is_group) {
        make_states(plan);
        DBK_TRY(dbk_plan_groups(plan, err));
    }
    find_judged(plan);
    return DBK_OK;
}

dbk_status dbk_plan_init(dbk_plan *plan, const dbk_snapshot *snapshot, dbk_text tenant,
                         const dbk_query *query, dbk_error *err)
{
    *plan = (dbk_plan){.query = query, .snapshot = snapshot, .tenant = dbk_snapshot_tenant(snapshot, tenant)};
    dbk_status status = build(plan, err);
    if (status != DBK_OK)
        dbk_plan_dispose(plan);
    return status;
}
