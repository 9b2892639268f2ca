// SPDX-License-Identifier: Apache-2.0
// The part of a check that looks at rows rather than at files.
#ifndef DBK_STORE_CHECK_ROWS_H
#define DBK_STORE_CHECK_ROWS_H

#include "engine/db.h"
#include "ingest/store/check_report.h"

// Compares the statistics, the key index, the dead rows and the rollups of a snapshot with its rows, and
// follows each company's chain of closures.
dbk_status dbk_check_rows(const dbk_snapshot *snapshot, dbk_check *check, dbk_error *err);

#endif
