// SPDX-License-Identifier: Apache-2.0
// From a query to a plan.
#ifndef DBK_EXEC_PLAN_INIT_H
#define DBK_EXEC_PLAN_INIT_H

#include "engine/exec/plan.h"

// On failure nothing is left to dispose of. The query must outlive the plan.
dbk_status dbk_plan_init(dbk_plan *plan, const dbk_snapshot *snapshot, dbk_text tenant,
                         const dbk_query *query, dbk_error *err);

#endif
