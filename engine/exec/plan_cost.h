// SPDX-License-Identifier: Apache-2.0
// What a query is going to take, from its plan alone: no value of a column is read for it.
#ifndef DBK_EXEC_PLAN_COST_H
#define DBK_EXEC_PLAN_COST_H

#include "engine/exec/plan.h"

// Nanoseconds of one processor. Within a factor of two or three; conditions are taken to let every row pass.
int64_t dbk_plan_cost(const dbk_plan *plan);

#endif
