// SPDX-License-Identifier: Apache-2.0
// A group query that is asked again and again while rows change and its window moves on: what each part of
// the table came to is kept, and only parts are looked at whose outcome can be another. So asking again costs
// what has changed, and the hot rows, however large the table is. The answer is always that of dbk_query_run
// on the snapshot: what is kept is only used when it is proven to hold for it.
//
// A part's outcome is kept with what it follows from: the part itself, the parts of the fact that its ids
// lead to, and how the intervals of the query's DBK_OP_WITHIN filter, if there is one, lie to the values
// there. The rest of the query must be the same each time, and so must the tenant.
#ifndef DBK_STANDING_H
#define DBK_STANDING_H

#include "engine/db.h"

typedef struct dbk_standing dbk_standing;

// NULL: no memory.
dbk_standing *dbk_standing_create(void);
// NULL is fine.
void dbk_standing_destroy(dbk_standing *standing);

// As dbk_query_run; one thread at a time. Snapshots may come in any order. DBK_INVALID also for what cannot
// be kept: keys that are texts, aggregates other than counts and sums, more than one fact that ids lead to,
// `fill`. *scanned (may be NULL) is how many parts were looked at.
dbk_status dbk_standing_run(dbk_standing *standing, const dbk_snapshot *snapshot, dbk_text tenant,
                            const dbk_query *query, uint32_t *scanned, dbk_result **out, dbk_error *err);

#endif
