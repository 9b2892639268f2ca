// SPDX-License-Identifier: Apache-2.0
// Rows compared by their order columns, ties by where they stand, so that the same snapshot gives the same
// order however many threads looked.
#include "engine/exec/topk.h"

#include <stdlib.h>
#include <string.h>

void dbk_topk_init(dbk_topk *topk, const dbk_plan *plan)
{
    *topk = (dbk_topk){.plan = plan, .limit = (size_t)plan->query->limit};
}

void dbk_topk_dispose(dbk_topk *topk)
{
    free(topk->rows);
    free(topk->cells);
    dbk_arena_dispose(&topk->texts);
}

static bool is_int(const dbk_plan *plan, int order)
{
    return dbk_type_is_int(plan->slots[plan->order_slots[order]].type);
}

static int compare_cell(const dbk_plan *plan, int order, const dbk_cell *x, const dbk_cell *y)
{
    int result = is_int(plan, order) ? (x->number > y->number) - (x->number < y->number)
                                     : dbk_text_compare(x->text, y->text);
    return plan->query->order[order].descending ? -result : result;
}

static int compare_rows(const dbk_plan *plan, const dbk_cell *x, dbk_locator at_x, const dbk_cell *y,
                        dbk_locator at_y)
{
    for (int i = 0; i < plan->query->order_count; i++) {
        int order = compare_cell(plan, i, &x[i], &y[i]);
        if (order != 0)
            return order;
    }
    if (at_x.part != at_y.part)
        return at_x.part < at_y.part ? -1 : 1;
    return (at_x.row > at_y.row) - (at_x.row < at_y.row);
}

bool dbk_topk_is_after(const dbk_plan *plan, const dbk_cell *cells)
{
    const dbk_query *q = plan->query;
    for (int i = 0; i < q->after_count; i++) {
        dbk_cell at = {.number = DBK_NULL};
        if (q->after[i].kind != DBK_VALUE_NULL)
            at = (dbk_cell){q->after[i].number, q->after[i].text};
        int order = compare_cell(plan, i, &cells[i], &at);
        if (order != 0)
            return order > 0;
    }
    return q->after_count == 0;
}

static size_t width(const dbk_topk *topk)
{
    return (size_t)topk->plan->query->order_count;
}

static dbk_cell *cells_of(const dbk_topk *topk, size_t row)
{
    return topk->cells + row * width(topk);
}

static int compare_places(const dbk_topk *topk, size_t x, size_t y)
{
    return compare_rows(topk->plan, cells_of(topk, x), topk->rows[x], cells_of(topk, y), topk->rows[y]);
}

static void swap_places(dbk_topk *topk, size_t x, size_t y)
{
    dbk_locator row = topk->rows[x];
    topk->rows[x] = topk->rows[y];
    topk->rows[y] = row;
    for (size_t i = 0; i < width(topk); i++) {
        dbk_cell cell = cells_of(topk, x)[i];
        cells_of(topk, x)[i] = cells_of(topk, y)[i];
        cells_of(topk, y)[i] = cell;
    }
}

static void sift(dbk_topk *topk, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= topk->count)
            return;
        if (child + 1 < topk->count && compare_places(topk, child, child + 1) < 0)
            child++;
        if (compare_places(topk, at, child) >= 0)
            return;
        swap_places(topk, at, child);
        at = child;
    }
}

static bool make_room(dbk_topk *topk)
{
    if (topk->count < topk->capacity)
        return true;
    size_t capacity = topk->capacity ? topk->capacity * 2 : 256;
    dbk_locator *rows = realloc(topk->rows, capacity * sizeof *rows);
    if (!rows)
        return false;
    topk->rows = rows;
    dbk_cell *cells = realloc(topk->cells, (capacity * width(topk) + 1) * sizeof *cells);
    if (!cells)
        return false;
    topk->cells = cells;
    topk->capacity = capacity;
    return true;
}

static bool copy_text(dbk_arena *arena, dbk_text *text)
{
    if (text->length == 0)
        return true;
    text->data = dbk_arena_copy(arena, text->data, text->length);
    return text->data != NULL;
}

// Leaves texts of forgotten rows behind.
static bool compact(dbk_topk *topk)
{
    enum { WORTH = 4 << 20 };
    if (topk->texts.total_bytes < WORTH || topk->texts.total_bytes < 4 * topk->texts_live)
        return true;
    dbk_arena fresh = {0};
    for (size_t i = 0; i < topk->count * width(topk); i++) {
        if (!copy_text(&fresh, &topk->cells[i].text)) {
            dbk_arena_dispose(&fresh);
            // The cells copied so far point nowhere now.
            topk->count = 0;
            return false;
        }
    }
    dbk_arena_dispose(&topk->texts);
    topk->texts = fresh;
    return true;
}

static bool place(dbk_topk *topk, size_t at, dbk_locator row, const dbk_cell *cells)
{
    topk->rows[at] = row;
    for (size_t i = 0; i < width(topk); i++) {
        cells_of(topk, at)[i] = cells[i];
        if (is_int(topk->plan, (int)i))
            continue;
        topk->texts_live += cells[i].text.length;
        if (!copy_text(&topk->texts, &cells_of(topk, at)[i].text))
            return false;
    }
    return true;
}

const dbk_cell *dbk_topk_worst(const dbk_topk *topk)
{
    return topk->is_heap ? topk->cells : NULL;
}

bool dbk_topk_add(dbk_topk *topk, dbk_locator row, const dbk_cell *cells)
{
    if (topk->is_heap) {
        if (compare_rows(topk->plan, cells, row, topk->cells, topk->rows[0]) >= 0)
            return true;
        for (size_t i = 0; i < width(topk); i++)
            if (!is_int(topk->plan, (int)i))
                topk->texts_live -= topk->cells[i].text.length;
        if (!place(topk, 0, row, cells))
            return false;
        sift(topk, 0);
        return compact(topk);
    }
    if (!make_room(topk) || !place(topk, topk->count, row, cells))
        return false;
    if (++topk->count == topk->limit) {
        topk->is_heap = true;
        for (size_t i = topk->count / 2; i-- > 0;)
            sift(topk, i);
    }
    return true;
}

static int by_order(const void *x, const void *y, void *user)
{
    return compare_places(user, *(const size_t *)x, *(const size_t *)y);
}

bool dbk_topk_sort(dbk_topk *topk)
{
    size_t *places = malloc((topk->count + 1) * sizeof *places);
    dbk_locator *rows = malloc((topk->count + 1) * sizeof *rows);
    if (!places || !rows) {
        free(places);
        free(rows);
        return false;
    }
    for (size_t i = 0; i < topk->count; i++)
        places[i] = i;
    qsort_r(places, topk->count, sizeof *places, by_order, topk);
    for (size_t i = 0; i < topk->count; i++)
        rows[i] = topk->rows[places[i]];
    free(places);
    free(topk->rows);
    topk->rows = rows;
    topk->is_heap = false;
    return true;
}
