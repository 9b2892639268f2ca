// SPDX-License-Identifier: Apache-2.0
// The part of a group query that a rollup answers.
#ifndef DBK_EXEC_ROLLUP_QUERY_H
#define DBK_EXEC_ROLLUP_QUERY_H

#include "engine/exec/groups.h"

// Adds the sums of the plan's rollup to the groups. *buckets is how many of its buckets were read.
dbk_status dbk_rollup_query(dbk_groups *groups, uint64_t *buckets, dbk_error *err);

#endif
