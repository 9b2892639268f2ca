// SPDX-License-Identifier: Apache-2.0
// How long deliveries are kept once they are over: their bodies hold customers' data, and nobody asks after
// them for ever. Pending ones stay, whatever their age.
#ifndef DBK_WEBHOOK_RETENTION_H
#define DBK_WEBHOOK_RETENTION_H

#include "ingest/store/store.h"

// Has the store remove what is older than each tenant's setting webhook-delivery-days allows, some rows a
// tenant at a time: to be called now and then. Returns without waiting. Any thread but the store's writer.
void dbk_deliveries_sweep(dbk_store *store, int64_t now_ms);

#endif
