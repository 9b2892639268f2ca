// SPDX-License-Identifier: Apache-2.0
// STOQ's reports as export jobs.
#ifndef DBK_STOQ_EXPORTS_H
#define DBK_STOQ_EXPORTS_H

#include "http/exports/exporter.h"
#include "http/stoq/registry.h"

#define DBK_STOQ_EXPORTS      DBK_STOQ_BASE DBK_STOQ_REPORTS "/exports"
#define DBK_STOQ_POLL_SECONDS "2" // what a client is asked to wait before it looks again

// Any of the nine reports as CSV: a line with the columns' keys, then the rows of the report's exported set.
// The parameters are those of dbk_stoq_request_write.
extern const dbk_export_kind dbk_stoq_exports;

#endif
