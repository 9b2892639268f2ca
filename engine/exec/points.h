// SPDX-License-Identifier: Apache-2.0
// Rows named by their keys: found through the indexes, nothing else is looked at.
#ifndef DBK_EXEC_POINTS_H
#define DBK_EXEC_POINTS_H

#include "engine/table/view.h"

// Whether the filter names rows of the table by their keys: EQ or IN on the key column.
bool dbk_points_named(const dbk_table_def *table, const dbk_filter *filter);
// The places of those that are there, by part and row, each once. `out` has room for as many as the filter
// has values.
dbk_status dbk_points_find(const dbk_tenant_view *tenant, const dbk_table_view *view,
                           const dbk_table_def *table, const dbk_filter *filter, dbk_locator *out,
                           size_t *count, dbk_error *err);

#endif
