// SPDX-License-Identifier: Apache-2.0
// The second step of planning: where matching rows can be, and what that proves.
#ifndef DBK_EXEC_PLAN_PARTS_H
#define DBK_EXEC_PLAN_PARTS_H

#include "engine/exec/plan.h"

// Of a bound plan: finds rows that a filter names by their keys, puts the filters in order of cost, then
// chooses parts, their order and the slots that are never null in them.
dbk_status dbk_plan_parts(dbk_plan *plan, dbk_error *err);

#endif
