// SPDX-License-Identifier: Apache-2.0
// Rows to build segments from, kept beside them as the naive twin that reads are compared with. Included by
// the tests of segments only.
#ifndef DBK_TEST_SEGMENT_ROWS_H
#define DBK_TEST_SEGMENT_ROWS_H

#include "engine/base/random.h"
#include "engine/segment/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline dbk_random test_random(void)
{
    const char *given = getenv("DBK_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 20260417;
    fprintf(stderr, "DBK_SEED=%llu\n", (unsigned long long)seed);
    return dbk_random_seed(seed);
}

typedef enum rows_nulls { ROWS_NULLS_NONE, ROWS_NULLS_ALL, ROWS_NULLS_SOME, ROWS_NULLS_ALTERNATE } rows_nulls;

static inline bool row_is_null(dbk_random *random, rows_nulls nulls, uint32_t row)
{
    switch (nulls) {
    case ROWS_NULLS_NONE:
        return false;
    case ROWS_NULLS_ALL:
        return true;
    case ROWS_NULLS_SOME:
        return dbk_random_below(random, 5) == 0;
    default:
        return row % 2 == 1;
    }
}

typedef struct test_rows {
    dbk_segment_input input;
    dbk_arena arena;
} test_rows;

static inline dbk_text rows_text(test_rows *r, const char *data, size_t length)
{
    return (dbk_text){dbk_arena_copy(&r->arena, data, length), (uint32_t)length};
}

static inline dbk_text rows_random_text(test_rows *r, dbk_random *random, int shape, uint32_t row)
{
    char text[128];
    int n = 0;
    switch (shape) {
    case 0: // an id of hexadecimal digits
        n = snprintf(text, sizeof text, "ord_%016llx", (unsigned long long)dbk_random_u64(random));
        break;
    case 1: // a numbered id that grows longer
        n = snprintf(text, sizeof text, "A-%u", 9990 + row);
        break;
    case 2: { // words
        static const char *const words[] = {"red", "large ", "shirt", "ÿ", "cotton blend, ", "x"};
        for (uint64_t i = 0, count = 1 + dbk_random_below(random, 6); i < count; i++)
            n += snprintf(text + n, sizeof text - (size_t)n, "%s", words[dbk_random_below(random, 6)]);
        break;
    }
    default: // bytes of any kind
        n = 1 + (int)dbk_random_below(random, 100);
        for (int i = 0; i < n; i++)
            text[i] = (char)dbk_random_u64(random);
    }
    return rows_text(r, text, (size_t)n);
}

static inline void rows_fill(test_rows *r, dbk_random *random, dbk_table_id table, uint32_t count)
{
    *r = (test_rows){
        .input = {.table = dbk_table_def_by_id(table), .id = dbk_random_u64(random), .rows = count}};
    for (int c = 0; c < r->input.table->columns_count; c++) {
        const rows_nulls nulls = (rows_nulls)dbk_random_below(random, 4);
        const int width = 1 + (int)dbk_random_below(random, 64), shape = (int)dbk_random_below(random, 4);
        const dbk_type type = r->input.table->columns[c].type;
        if (dbk_random_below(random, 8) == 0)
            continue; // a column that the rows do not have
        int64_t *ints = dbk_arena_zalloc(&r->arena, count * sizeof *ints);
        uint32_t *codes = dbk_arena_zalloc(&r->arena, count * sizeof *codes);
        dbk_text *texts = dbk_arena_zalloc(&r->arena, count * sizeof *texts);
        for (uint32_t i = 0; i < count; i++) {
            const bool null = row_is_null(random, nulls, i);
            if (type == DBK_TEXT) {
                if (!null)
                    texts[i] = rows_random_text(r, random, shape, i);
            } else if (type == DBK_CODE) {
                codes[i] =
                    null ? 0 : 1 + (uint32_t)(dbk_random_u64(random) >> (64 - (width < 31 ? width : 31)));
            } else {
                ints[i] = null ? DBK_NULL : (int64_t)(dbk_random_u64(random) >> (64 - width));
                if (!null && shape == 1 && width < 40)
                    ints[i] *= -100;
            }
        }
        if (type == DBK_TEXT)
            r->input.texts[c] = texts;
        else if (type == DBK_CODE)
            r->input.codes[c] = codes;
        else
            r->input.ints[c] = ints;
    }
}

static inline void rows_dispose(test_rows *r)
{
    dbk_arena_dispose(&r->arena);
}

#endif
