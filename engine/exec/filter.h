// SPDX-License-Identifier: Apache-2.0
// One condition of a query, bound to its column: what it says of a zone map, and of the rows of a vector.
#ifndef DBK_EXEC_FILTER_H
#define DBK_EXEC_FILTER_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/exec/kernel.h"
#include "engine/exec/query_part.h"
#include "engine/query.h"
#include "engine/table/view.h"

// Operators are reduced to few forms. "No value" is the smallest integer and code 0, so conditions about it
// are ranges and codes like any other.
typedef enum dbk_filter_form {
    DBK_FORM_NOTHING,     // no row matches, whatever it holds
    DBK_FORM_INT_RANGE,   // lo <= v <= hi; rows without value match when lo is DBK_NULL
    DBK_FORM_INT_OUTSIDE, // has a value, and not lo <= v <= hi
    DBK_FORM_INT_NOT,     // has a value, and not lo
    DBK_FORM_INT_SET,     // one of numbers
    DBK_FORM_INT_WITHIN,  // numbers are pairs lo, hi, ascending: within one of them
    DBK_FORM_CODE_IS,
    DBK_FORM_CODE_NOT, // has a value, and not this one (0: has a value)
    DBK_FORM_CODE_IN,
    DBK_FORM_TEXT,
} dbk_filter_form;

typedef struct dbk_bound_filter {
    dbk_filter_form form;
    int slot;
    int64_t lo, hi;
    int64_t *numbers; // ascending; DBK_NULL may stand first
    size_t numbers_count;
    uint32_t code;
    uint64_t *bits;              // CODE_IN: one bit a code
    uint32_t bits_min, bits_max; // smallest and largest code but 0 in it; min > max when there is none
    dbk_op op;                   // TEXT
    dbk_text *texts;             // ascending
    size_t texts_count;
    bool null_matches; // TEXT with IN
    int cost;          // cheap ones are tried first
} dbk_bound_filter;

// The condition on a column of this type. `part` names it for messages. Words are looked up in the domain.
dbk_status dbk_filter_bind(dbk_bound_filter *bound, const dbk_filter *filter, dbk_type type,
                           dbk_domain domain, const dbk_tenant_view *tenant, dbk_arena *arena,
                           dbk_query_part part, dbk_error *err);

typedef enum dbk_verdict { DBK_NEVER, DBK_SOMETIMES, DBK_ALWAYS } dbk_verdict;
// What holds for all rows that the zone map covers.
dbk_verdict dbk_filter_judge(const dbk_bound_filter *filter, const dbk_zone_map *zone);

// The interval that values, or codes, must lie in, "no value" being DBK_NULL and code 0. False for conditions
// that are no interval.
bool dbk_filter_interval(const dbk_bound_filter *filter, int64_t *lo, int64_t *hi);

// Rows of a vector; the array that fits the form is given. `sorted`: ints ascend.
void dbk_filter_ints(const dbk_bound_filter *filter, uint64_t mask[DBK_MASK_WORDS], const int64_t *values,
                     uint32_t n, bool sorted);
void dbk_filter_codes(const dbk_bound_filter *filter, uint64_t mask[DBK_MASK_WORDS], const uint32_t *codes,
                      uint32_t n);
// Looks at rows in the mask only. `room` grows as needed.
dbk_status dbk_filter_texts(const dbk_bound_filter *filter, uint64_t mask[DBK_MASK_WORDS],
                            const dbk_text *texts, dbk_buffer *room);

#endif
