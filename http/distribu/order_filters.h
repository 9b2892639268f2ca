// SPDX-License-Identifier: Apache-2.0
// Which orders a list or an export is about: status, customerId, since and until of the query string.
#ifndef DBK_DISTRIBU_ORDER_FILTERS_H
#define DBK_DISTRIBU_ORDER_FILTERS_H

#include "engine/query.h"
#include "http/app/call.h"

enum { DBK_ORDER_FILTERS_MAX = 2, DBK_STATUS_SPELLINGS = 3 };

typedef struct dbk_order_filters {
    int64_t from_ms, to_ms; // of created_at, as a query wants them; open where nothing was said
    // What the filters point to. Loaded orders may have a status in small letters.
    dbk_value statuses[DBK_STATUS_SPELLINGS], customer;
    char spellings[DBK_STATUS_SPELLINGS][16];
    bool has_status;
} dbk_order_filters;

// False: a parameter is wrong, and the call was answered.
bool dbk_order_filters_read(dbk_call *call, const dbk_settings *settings, dbk_order_filters *out);
// Adds the parameters to what the answer follows from.
void dbk_order_filters_tag(dbk_call *call);
// Writes the conditions on status and customer for these columns and returns how many there are. They point
// into `filters`.
int dbk_order_filters_write(const dbk_order_filters *filters, const char *status_column,
                            const char *customer_column, dbk_filter out[DBK_ORDER_FILTERS_MAX]);

#endif
