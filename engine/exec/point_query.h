// SPDX-License-Identifier: Apache-2.0
// The query of every write's checks: some columns of rows named by their keys, and nothing else asked. It is
// answered without a plan: a look-up for each key, a read for each cell.
#ifndef DBK_EXEC_POINT_QUERY_H
#define DBK_EXEC_POINT_QUERY_H

#include "engine/db.h"

// Whether a query is of this form. One that is not, or that names what is not there, is for the planner.
bool dbk_point_query_is(const dbk_query *query);
dbk_status dbk_point_query_run(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_query *query,
                               dbk_result **out, dbk_error *err);

#endif
