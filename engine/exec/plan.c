// SPDX-License-Identifier: Apache-2.0
// What all steps of planning, and those who follow a plan, ask of it.
#include "engine/exec/plan.h"

dbk_status dbk_exec_no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "query: out of memory");
}

bool dbk_plan_zone_map(const dbk_plan *plan, const dbk_part *part, int slot, dbk_zone_map *out)
{
    const dbk_slot_def *def = &plan->slots[slot];
    return def->path.depth == 1 && def->type != DBK_TEXT &&
           dbk_part_zone_map(part, def->path.columns[0], out);
}

bool dbk_plan_vector_zone_map(const dbk_plan *plan, const dbk_part *part, int slot, uint32_t vector,
                              dbk_zone_map *out)
{
    const dbk_slot_def *def = &plan->slots[slot];
    return def->path.depth == 1 && def->type != DBK_TEXT &&
           dbk_part_vector_zone_map(part, def->path.columns[0], vector, out);
}

void dbk_plan_dispose(dbk_plan *plan)
{
    dbk_arena_dispose(&plan->arena);
}
