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

static inline void rows_sort_times(test_rows *r, dbk_random *random);
static inline void rows_relate(test_rows *r, dbk_random *random);
static inline void rows_add_up(test_rows *r, dbk_random *random, int64_t sign);

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
    if (dbk_random_below(random, 2) == 0) {
        rows_sort_times(r, random);
        rows_relate(r, random);
        if (dbk_random_below(random, 2) == 0)
            rows_add_up(r, random, dbk_random_below(random, 2) ? 1 : -1);
    }
}

// The rows of a fact in the order of their time.
static inline void rows_sort_times(test_rows *r, dbk_random *random)
{
    const int column = r->input.table->time_column;
    int64_t *times = column >= 0 ? (int64_t *)r->input.ints[column] : NULL;
    const uint64_t gap = 1 + (dbk_random_u64(random) >> (44 + dbk_random_below(random, 20)));
    for (uint32_t i = 0; times && i < r->input.rows; i++)
        times[i] = (i ? times[i - 1] : 1000) + (int64_t)dbk_random_below(random, gap);
}

// Makes some columns follow from others, or have one value nearly everywhere, as those of real tables do.
static inline void rows_relate(test_rows *r, dbk_random *random)
{
    const dbk_table_def *table = r->input.table;
    const int64_t *times = table->time_column >= 0 ? r->input.ints[table->time_column] : NULL;
    const uint32_t *anchor = NULL;
    for (int c = 0; c < table->columns_count; c++) {
        uint32_t *codes = (uint32_t *)r->input.codes[c];
        int64_t *ints = (int64_t *)r->input.ints[c];
        const uint64_t way = dbk_random_below(random, 4), rare = 1 + dbk_random_below(random, 200);
        for (uint32_t i = 0; codes && i < r->input.rows; i++) {
            if (way == 1)
                codes[i] = 7 + (dbk_random_below(random, 1000) < rare ? codes[i] % 50 : 0);
            else if (way == 2)
                codes[i] = 1 + (uint32_t)dbk_random_below(random, 6);
            else if (way == 3 && anchor)
                codes[i] = anchor[i] % 2 ? codes[i] % 1000 : 0;
        }
        anchor = codes && way == 2 ? codes : anchor;
        for (uint32_t i = 0; ints && c != table->time_column && i < r->input.rows; i++) {
            if (way == 1)
                ints[i] = dbk_random_below(random, 1000) < rare ? ints[i] : 0;
            else if (way == 2 && times)
                ints[i] = times[i] == DBK_NULL || (anchor ? anchor[i] > 3 : i % 3 == 0)
                              ? DBK_NULL
                              : (int64_t)((uint64_t)times[i] + dbk_random_below(random, 5000) * 1000);
            ints[i] = way == 2 && ints[i] == DBK_NULL && !anchor && dbk_random_below(random, 2) ? 5 : ints[i];
        }
    }
}

// Ordered money of the tables that have it: parts that add up. All of one sign: 1, or -1 for what is paid
// back.
static inline void rows_add_up(test_rows *r, dbk_random *random, int64_t sign)
{
    if (r->input.table->id != DBK_ORDERS)
        return;
    int64_t *columns[6];
    static const char *const names[] = {"subtotal", "discount", "shipping", "tax", "tip", "total"};
    for (int k = 0; k < 6; k++) {
        columns[k] = dbk_arena_zalloc(&r->arena, r->input.rows * sizeof(int64_t));
        r->input.ints[dbk_column_find(r->input.table, dbk_text_from(names[k]))] = columns[k];
    }
    const int64_t rate = 1 + (int64_t)dbk_random_below(random, 30);
    for (uint32_t i = 0; i < r->input.rows; i++) {
        const int64_t goods = (int64_t)dbk_random_below(random, 1000000);
        const int64_t less = dbk_random_below(random, 9) ? 0 : goods / 10,
                      tip = dbk_random_below(random, 40) ? 0 : 150;
        const int64_t sent = dbk_random_below(random, 3) ? 0 : 495, tax = (goods - less + sent) * rate / 100;
        const int64_t parts[] = {goods, less, sent, tax, tip, goods - less + sent + tax + tip};
        for (int k = 0; k < 6; k++)
            columns[k][i] = parts[k] * 100 * sign;
    }
}

static inline void rows_dispose(test_rows *r)
{
    dbk_arena_dispose(&r->arena);
}

#endif
