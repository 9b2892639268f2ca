// SPDX-License-Identifier: Apache-2.0
// The two kinds of query, once planned.
#ifndef DBK_EXEC_RUN_H
#define DBK_EXEC_RUN_H

#include "engine/exec/plan.h"

dbk_status dbk_run_groups(const dbk_plan *plan, dbk_result **out, dbk_error *err);
dbk_status dbk_run_rows(const dbk_plan *plan, dbk_result **out, dbk_error *err);
dbk_status dbk_run_stream(const dbk_plan *plan, dbk_emit emit, void *user, dbk_error *err);

#endif
