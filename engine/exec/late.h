// SPDX-License-Identifier: Apache-2.0
// The best few of very many groups: aggregates that nobody orders by are worked out late, in a second pass
// over the rows of the chosen groups alone. What a group takes while all are gathered is then what the choice
// wants, and memory for the rest need not be cleared, met at random, and merged.
#ifndef DBK_EXEC_LATE_H
#define DBK_EXEC_LATE_H

#include "engine/exec/plan.h"

// Whether it is worth it: the plan is that of a query in order and with a small limit, by one code, whose
// groups leave the caches, and of rows.
bool dbk_late_is(const dbk_plan *plan);
// As dbk_run_groups, of such a plan.
dbk_status dbk_late_run(const dbk_plan *plan, dbk_text tenant, dbk_result **out, dbk_error *err);

#endif
