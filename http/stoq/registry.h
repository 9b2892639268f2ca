// SPDX-License-Identifier: Apache-2.0
// STOQ's reports, each declared once. The catalogue, the help, the judging of parameters, the JSON reads, the
// CSV exports and the tables of docs/api/stoq.md are all made from these declarations, so they cannot differ.
//
// All of it is constant data: any thread may read it, nothing is freed.
#ifndef DBK_STOQ_REGISTRY_H
#define DBK_STOQ_REGISTRY_H

#include "engine/base/status.h"
#include "engine/base/types.h"

#define DBK_STOQ_BASE    "/api/v2/external"
#define DBK_STOQ_REPORTS "/preorders/reports"

// ---- Parameters ----

typedef enum dbk_stoq_type {
    DBK_STOQ_DATE,      // YYYY-MM-DD, a day that exists
    DBK_STOQ_UUID,      // 8-4-4-4-12 hexadecimal digits
    DBK_STOQ_UUID_LIST, // a JSON array, texts with commas between them, or the parameter several times
    DBK_STOQ_ID,        // 1 to 64 bytes; a JSON body may give a whole number
    DBK_STOQ_CURRENCY,  // three letters
    DBK_STOQ_ENUM,
    DBK_STOQ_ENUM_LIST, // given like a UUID_LIST
    DBK_STOQ_BOOL,      // true, false, 1, 0
    DBK_STOQ_INTEGER,
} dbk_stoq_type;

// Which parameter it is: the place of its value in a dbk_stoq_request. A report takes a set of them, one bit
// each.
typedef enum dbk_stoq_parameter_id {
    DBK_STOQ_FROM,
    DBK_STOQ_TO,
    DBK_STOQ_OFFER_ID,
    DBK_STOQ_OFFER_IDS,
    DBK_STOQ_REPORT_CURRENCY,
    DBK_STOQ_PRODUCT_ID,
    DBK_STOQ_VARIANT_ID,
    DBK_STOQ_MARKET_ID,
    DBK_STOQ_GRANULARITY,
    DBK_STOQ_METRICS,
    DBK_STOQ_INCLUDE_DEPOSITS,
    DBK_STOQ_INCLUDE_BALANCES,
    DBK_STOQ_PAGE,
    DBK_STOQ_PER_PAGE,
    DBK_STOQ_PARAMETER_COUNT,
} dbk_stoq_parameter_id;

typedef struct dbk_stoq_parameter {
    const char *name; // as a JSON key; lists are also taken as "name[]" in a query string
    dbk_stoq_type type;
    const char *const *values; // ENUM, ENUM_LIST: the names allowed, NULL at the end
    int64_t min, max;          // INTEGER: bounds; lists: max = how many members
    const char *standard;      // the default, as JSON, or NULL where it is said in the description
    bool is_paging;            // of the read only: an export has all rows
    bool is_echoed;            // the read says what it resolved to
    const char *description;
} dbk_stoq_parameter;

extern const dbk_stoq_parameter dbk_stoq_parameters[DBK_STOQ_PARAMETER_COUNT];

// ---- What a report answers ----

typedef enum dbk_stoq_cell_type {
    DBK_STOQ_INT,
    DBK_STOQ_MONEY, // JSON: a text such as "4812.50"; CSV: the same digits
    DBK_STOQ_TEXT,
    DBK_STOQ_DAY,
    DBK_STOQ_RATIO, // 0 to 1, four decimals at most
    DBK_STOQ_FLAG,  // true or false
} dbk_stoq_cell_type;

typedef struct dbk_stoq_column {
    const char *key; // in JSON and in the CSV's header
    dbk_stoq_cell_type type;
    bool is_nullable;
    bool is_metric; // `metrics` can leave it out
    const char *description;
} dbk_stoq_column;

enum { DBK_STOQ_COLUMNS_MAX = 24, DBK_STOQ_SETS_MAX = 4 };

// A set of rows: an object in JSON when there is always exactly one ("totals"), a list otherwise.
typedef struct dbk_stoq_set {
    const char *key;
    bool is_object;
    bool is_exported; // the rows of the CSV; true for exactly one set of a report
    int columns_count;
    const dbk_stoq_column *columns;
    const char *description;
} dbk_stoq_set;

typedef struct dbk_stoq_run dbk_stoq_run;

typedef struct dbk_stoq_report {
    const char *name;
    const char *description;
    const char *const *aliases; // NULL at the end
    uint32_t parameters;        // bit i: takes dbk_stoq_parameters[i]
    bool needs_offer;           // offer_id or offer_ids must be given
    const char *notes;          // NULL = none
    int sets_count;
    const dbk_stoq_set *sets;
    // Yields the rows of the wanted sets, see dbk_stoq_run in run.h.
    dbk_status (*yield)(dbk_stoq_run *run, dbk_error *err);
} dbk_stoq_report;

extern const dbk_stoq_report dbk_stoq_reports[];
extern const int dbk_stoq_reports_count;

// By its name (not by an alias: aliases are for people who look for a report). NULL when there is none.
const dbk_stoq_report *dbk_stoq_report_find(dbk_text name);
static inline bool dbk_stoq_report_takes(const dbk_stoq_report *report, dbk_stoq_parameter_id parameter)
{
    return report->parameters >> parameter & 1;
}
// The set that a CSV has.
const dbk_stoq_set *dbk_stoq_report_export(const dbk_stoq_report *report);

#endif
