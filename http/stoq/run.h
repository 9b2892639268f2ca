// SPDX-License-Identifier: Apache-2.0
// One request being answered: what the functions that yield a report's rows work with.
#ifndef DBK_STOQ_RUN_H
#define DBK_STOQ_RUN_H

#include "http/stoq/rows.h"

struct dbk_stoq_run {
    const dbk_stoq_request *request;
    const dbk_snapshot *snapshot;
    dbk_text tenant;
    const dbk_stoq_sink *sink;
    int threads;
    bool is_export; // only the exported set is wanted, with all its pages
};

#endif
