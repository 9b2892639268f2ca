// SPDX-License-Identifier: Apache-2.0
// The last step of planning a group query: how rows will find their groups.
#ifndef DBK_EXEC_PLAN_GROUPS_H
#define DBK_EXEC_PLAN_GROUPS_H

#include "engine/exec/plan.h"

// Chooses once parts and filters are known.
dbk_status dbk_plan_groups(dbk_plan *plan, dbk_error *err);

#endif
