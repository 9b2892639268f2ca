// SPDX-License-Identifier: Apache-2.0
// What a request for a report asks: the fields of its body, or of its query string, each judged by its own
// rule. Fields that are not known are ignored; known ones with an impossible value are refused.
#ifndef DBK_BLOCKS_REQUEST_H
#define DBK_BLOCKS_REQUEST_H

#include "engine/base/status.h"
#include "http/app/params.h"
#include "ingest/parse/json.h"

enum {
    DBK_BLOCKS_RECORDS_MAX = 10000, // of one answer
    DBK_BLOCKS_PER_PAGE_DEFAULT = 100,
    DBK_BLOCKS_DAYS_MAX = 36600, // of a period that is broken down
};

// Bits, because a report takes some of them.
typedef enum dbk_blocks_group {
    DBK_BLOCKS_DAY = 1,
    DBK_BLOCKS_WEEK = 2,
    DBK_BLOCKS_MONTH = 4,
    DBK_BLOCKS_VENDOR = 8,
    DBK_BLOCKS_MODEL = 16,
    DBK_BLOCKS_CALENDAR = DBK_BLOCKS_DAY | DBK_BLOCKS_WEEK | DBK_BLOCKS_MONTH,
} dbk_blocks_group;

// Texts of length 0 and groups of 0 were not given.
typedef struct dbk_blocks_request {
    int32_t start_day, end_day; // resolved; both inclusive
    dbk_blocks_group group;
    dbk_text status, currency, vendor_id, payment_method;
    int64_t page, per_page; // 0 = not in pages; otherwise both are set
    bool wants_breakdown;
} dbk_blocks_request;

// From a JSON document: the fields, or an object `report` that holds them. root NULL = no body. Texts point
// into the document. `groups`: the values of group_by that the report takes. `today`: the tenant's.
// DBK_INVALID says which field and why, as a sentence for the caller.
dbk_status dbk_blocks_request_of_json(dbk_blocks_request *out, const dbk_json *root, int groups,
                                      int32_t today, dbk_error *err);
// The same from a query string; `from` and `to` are also understood as the dates, which is what the command
// line calls them.
dbk_status dbk_blocks_request_of_params(dbk_blocks_request *out, const dbk_params *params, int groups,
                                        int32_t today, dbk_error *err);

#endif
