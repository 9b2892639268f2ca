// SPDX-License-Identifier: Apache-2.0
// The check behind dbk_store_check, on any dbk_io: reads everything, changes nothing.
#ifndef DBK_STORE_CHECK_H
#define DBK_STORE_CHECK_H

#include "engine/io/io.h"
#include "ingest/store/check_report.h"

dbk_status dbk_check_directory(dbk_io *io, dbk_check *check, dbk_error *err);

#endif
