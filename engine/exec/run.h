// SPDX-License-Identifier: Apache-2.0
// The two kinds of query, once planned.
#ifndef DBK_EXEC_RUN_H
#define DBK_EXEC_RUN_H

#include "engine/exec/plan.h"

dbk_status dbk_run_groups(const dbk_plan *plan, dbk_result **out, dbk_error *err);
dbk_status dbk_run_rows(const dbk_plan *plan, dbk_result **out, dbk_error *err);
// The end of every query, whatever it came to: an answer leaves when every proof that the tenant's rows
// needed has held (engine/segment/proof.h), else it is freed, and the reason told. `out` NULL: there is none
// to free.
dbk_status dbk_exec_end(const dbk_snapshot *snapshot, dbk_text tenant, dbk_status status, dbk_result **out,
                        dbk_error *err);
dbk_status dbk_run_stream(const dbk_plan *plan, dbk_emit emit, void *user, dbk_error *err);

#endif
