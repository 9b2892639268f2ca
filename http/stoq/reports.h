// SPDX-License-Identifier: Apache-2.0
// The functions that yield the rows of the nine reports, for the registry. Each writes the sets that its
// declaration names, in their order.
#ifndef DBK_STOQ_REPORT_ROWS_H
#define DBK_STOQ_REPORT_ROWS_H

#include "http/stoq/registry.h"

dbk_status dbk_stoq_summary(dbk_stoq_run *run, dbk_error *err);
dbk_status dbk_stoq_revenue(dbk_stoq_run *run, dbk_error *err);
dbk_status dbk_stoq_by_offer(dbk_stoq_run *run, dbk_error *err);
dbk_status dbk_stoq_by_variant(dbk_stoq_run *run, dbk_error *err);
dbk_status dbk_stoq_by_product(dbk_stoq_run *run, dbk_error *err);
dbk_status dbk_stoq_by_date(dbk_stoq_run *run, dbk_error *err);
dbk_status dbk_stoq_cancellations(dbk_stoq_run *run, dbk_error *err);
dbk_status dbk_stoq_balance_collection(dbk_stoq_run *run, dbk_error *err);
dbk_status dbk_stoq_customers(dbk_stoq_run *run, dbk_error *err);

#endif
