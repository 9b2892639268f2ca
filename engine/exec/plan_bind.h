// SPDX-License-Identifier: Apache-2.0
// The first step of planning: what a query names, resolved. Here, and only here, a query is refused for what
// it says.
#ifndef DBK_EXEC_PLAN_BIND_H
#define DBK_EXEC_PLAN_BIND_H

#include "engine/exec/plan.h"

// Fills a plan that has its query and its tenant: the table, slots, filters (in the order of the query, the
// time range's first), keys, fields, order, and for each aggregate the slot that it reads, in the place of
// its state.
dbk_status dbk_plan_bind(dbk_plan *plan, dbk_error *err);

#endif
