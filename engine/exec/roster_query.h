// SPDX-License-Identifier: Apache-2.0
// A group query that a roster answers.
#ifndef DBK_EXEC_ROSTER_QUERY_H
#define DBK_EXEC_ROSTER_QUERY_H

#include "engine/exec/groups.h"

// Adds what the plan's roster has to the groups: all of them, or, where only the largest are wanted, those
// that can be among them. *blocks is how many blocks were opened. DBK_OVERFLOW: it cannot say exactly; the
// rows must be asked.
dbk_status dbk_roster_query(dbk_groups *groups, uint64_t *blocks, dbk_error *err);

#endif
