// SPDX-License-Identifier: Apache-2.0
// Adding up: entries are sorted by where they belong, neighbours become one.
#include "http/pos/figures.h"

#include <stdlib.h>
#include <string.h>

// ---- The ledger ----

void dbk_pos_ledger_add_tickets(dbk_pos_ledger *ledger, const dbk_pos_tickets *entry)
{
    dbk_buffer_append(&ledger->tickets, entry, sizeof(*entry));
}

void dbk_pos_ledger_add_items(dbk_pos_ledger *ledger, const dbk_pos_items *entry)
{
    dbk_buffer_append(&ledger->items, entry, sizeof(*entry));
}

void dbk_pos_ledger_add_completion(dbk_pos_ledger *ledger, const dbk_pos_completion *entry)
{
    dbk_buffer_append(&ledger->completions, entry, sizeof(*entry));
}

dbk_status dbk_pos_ledger_keep(dbk_pos_ledger *ledger, dbk_result *result, dbk_error *err)
{
    if (ledger->results_count == DBK_POS_RESULTS_MAX) {
        dbk_result_free(result);
        return dbk_fail(err, DBK_LIMIT, "the closed periods are in too many pieces");
    }
    ledger->results[ledger->results_count++] = result;
    return DBK_OK;
}

void dbk_pos_ledger_dispose(dbk_pos_ledger *ledger)
{
    for (int i = 0; i < ledger->results_count; i++)
        dbk_result_free(ledger->results[i]);
    dbk_buffer_dispose(&ledger->tickets);
    dbk_buffer_dispose(&ledger->items);
    dbk_buffer_dispose(&ledger->completions);
    dbk_arena_dispose(&ledger->arena);
    *ledger = (dbk_pos_ledger){0};
}

// ---- Order of entries ----

static int compare_ms(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

// Behind those of one place what was sealed, so that the name of this moment wins.
static int compare_tickets(const void *a, const void *b)
{
    const dbk_pos_tickets *x = a, *y = b;
    int order = compare_ms(x->window_ms, y->window_ms);
    if (order == 0)
        order = dbk_text_compare(x->register_id, y->register_id);
    return order != 0 ? order : (int)x->source - (int)y->source;
}

static int compare_items(const void *a, const void *b)
{
    const dbk_pos_items *x = a, *y = b;
    int order = compare_ms(x->window_ms, y->window_ms);
    if (order == 0)
        order = dbk_text_compare(x->category_id, y->category_id);
    if (order == 0)
        order = dbk_text_compare(x->food_id, y->food_id);
    return order != 0 ? order : (int)x->source - (int)y->source;
}

static int compare_completions(const void *a, const void *b)
{
    return compare_ms(((const dbk_pos_completion *)a)->window_ms, ((const dbk_pos_completion *)b)->window_ms);
}

static size_t sort_entries(dbk_buffer *entries, size_t size, int (*compare)(const void *, const void *))
{
    size_t count = entries->size / size;
    if (count > 1)
        qsort(entries->data, count, size, compare);
    return count;
}

// ---- Making ----

typedef struct maker {
    dbk_pos_figures *out;
    unsigned sources;
    bool drops_nothing;
    // Room for every entry to be a window, category, … of its own.
    dbk_pos_category *categories;
    dbk_pos_food *foods;
    dbk_pos_register *registers;
} maker;

static void add_name(dbk_text *name, dbk_text other)
{
    if (name->length == 0)
        *name = other;
}

static dbk_pos_window *window_of(maker *m, int64_t start_ms)
{
    dbk_pos_figures *out = m->out;
    dbk_pos_window *last = out->windows_count > 0 ? &out->windows[out->windows_count - 1] : NULL;
    if (last != NULL && last->start_ms == start_ms)
        return last;
    last = &out->windows[out->windows_count++];
    *last = (dbk_pos_window){.start_ms = start_ms, .registers = m->registers};
    return last;
}

static bool is_zero_register(const dbk_pos_register *r)
{
    return r->orders == 0 && r->revenue == 0 && r->cash == 0 && r->card == 0;
}

// A register is whole when the next entry belongs elsewhere.
static void end_register(maker *m, dbk_pos_window *window, const dbk_pos_register *whole)
{
    window->orders += whole->orders;
    window->revenue += whole->revenue;
    window->cash += whole->cash;
    window->card += whole->card;
    if (m->drops_nothing || !is_zero_register(whole)) {
        *m->registers++ = *whole;
        window->registers_count++;
    }
}

static void add_all_tickets(maker *m, const dbk_pos_tickets *entries, size_t count)
{
    dbk_pos_window *window = NULL;
    dbk_pos_register whole = {0};
    for (size_t i = 0; i < count; i++) {
        const dbk_pos_tickets *e = &entries[i];
        if (!(e->source & m->sources))
            continue;
        bool is_next =
            window == NULL || window->start_ms != e->window_ms || !dbk_text_equal(whole.id, e->register_id);
        if (is_next && window != NULL)
            end_register(m, window, &whole);
        if (is_next) {
            window = window_of(m, e->window_ms);
            whole = (dbk_pos_register){.id = e->register_id};
        }
        add_name(&whole.name, e->register_name);
        whole.orders += e->orders;
        whole.revenue += e->revenue;
        whole.cash += e->cash;
        whole.card += e->card;
    }
    if (window != NULL)
        end_register(m, window, &whole);
}

dbk_pos_window *dbk_pos_window_find(const dbk_pos_figures *figures, int64_t start_ms)
{
    size_t low = 0, high = figures->windows_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (figures->windows[middle].start_ms < start_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low < figures->windows_count && figures->windows[low].start_ms == start_ms ? &figures->windows[low]
                                                                                      : NULL;
}

static void end_food(maker *m, dbk_pos_window *window, const dbk_pos_items *whole)
{
    if (!m->drops_nothing && whole->revenue == 0 && whole->quantity == 0)
        return;
    if (window->categories_count == 0)
        window->categories = m->categories;
    dbk_pos_category *category =
        window->categories_count > 0 ? &window->categories[window->categories_count - 1] : NULL;
    if (category == NULL || !dbk_text_equal(category->id, whole->category_id)) {
        category = m->categories++;
        window->categories_count++;
        *category = (dbk_pos_category){.id = whole->category_id, .foods = m->foods};
    }
    add_name(&category->name, whole->category_name);
    category->revenue += whole->revenue;
    category->quantity += whole->quantity;
    category->foods_count++;
    *m->foods++ = (dbk_pos_food){.id = whole->food_id,
                                 .name = whole->food_name,
                                 .revenue = whole->revenue,
                                 .quantity = whole->quantity};
}

static bool is_same_food(const dbk_pos_items *a, const dbk_pos_items *b)
{
    return a->window_ms == b->window_ms && dbk_text_equal(a->category_id, b->category_id) &&
           dbk_text_equal(a->food_id, b->food_id);
}

// A line counts because its ticket does, so its window is there.
static void add_all_items(maker *m, const dbk_pos_items *entries, size_t count)
{
    dbk_pos_window *window = NULL;
    dbk_pos_items whole = {0};
    for (size_t i = 0; i < count; i++) {
        const dbk_pos_items *e = &entries[i];
        if (!(e->source & m->sources))
            continue;
        if (window != NULL && is_same_food(&whole, e)) {
            add_name(&whole.food_name, e->food_name);
            add_name(&whole.category_name, e->category_name);
            whole.revenue += e->revenue;
            whole.quantity += e->quantity;
            continue;
        }
        if (window != NULL)
            end_food(m, window, &whole);
        window = dbk_pos_window_find(m->out, e->window_ms);
        whole = *e;
    }
    if (window != NULL)
        end_food(m, window, &whole);
}

static void add_all_completions(maker *m, const dbk_pos_completion *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        dbk_pos_window *window = dbk_pos_window_find(m->out, entries[i].window_ms);
        if (window == NULL)
            continue;
        window->completed += entries[i].orders;
        window->completion_ms += entries[i].ms;
    }
}

dbk_status dbk_pos_figures_make(dbk_pos_figures *out, dbk_pos_ledger *ledger, unsigned sources,
                                bool drops_nothing, dbk_error *err)
{
    *out = (dbk_pos_figures){0};
    size_t tickets = sort_entries(&ledger->tickets, sizeof(dbk_pos_tickets), compare_tickets);
    size_t items = sort_entries(&ledger->items, sizeof(dbk_pos_items), compare_items);
    size_t completions = sort_entries(&ledger->completions, sizeof(dbk_pos_completion), compare_completions);
    maker m = {.out = out, .sources = sources, .drops_nothing = drops_nothing};
    out->windows = dbk_arena_alloc(&out->arena, (tickets + 1) * sizeof(*out->windows));
    m.registers = dbk_arena_alloc(&out->arena, (tickets + 1) * sizeof(*m.registers));
    m.categories = dbk_arena_alloc(&out->arena, (items + 1) * sizeof(*m.categories));
    m.foods = dbk_arena_alloc(&out->arena, (items + 1) * sizeof(*m.foods));
    if (out->windows == NULL || m.registers == NULL || m.categories == NULL || m.foods == NULL ||
        ledger->tickets.failed || ledger->items.failed || ledger->completions.failed)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for a report");
    add_all_tickets(&m, (const dbk_pos_tickets *)(const void *)ledger->tickets.data, tickets);
    add_all_items(&m, (const dbk_pos_items *)(const void *)ledger->items.data, items);
    add_all_completions(&m, (const dbk_pos_completion *)(const void *)ledger->completions.data, completions);
    return DBK_OK;
}

void dbk_pos_figures_dispose(dbk_pos_figures *figures)
{
    dbk_arena_dispose(&figures->arena);
    *figures = (dbk_pos_figures){0};
}

// ---- The order of an answer ----

static int compare_wide(dbk_i128 a, dbk_i128 b)
{
    return (a > b) - (a < b);
}

static int by_category_revenue(const void *a, const void *b)
{
    const dbk_pos_category *x = a, *y = b;
    int order = compare_wide(y->revenue, x->revenue);
    return order != 0 ? order : dbk_text_compare(x->id, y->id);
}

static int by_food_revenue(const void *a, const void *b)
{
    const dbk_pos_food *x = a, *y = b;
    int order = compare_wide(y->revenue, x->revenue);
    return order != 0 ? order : dbk_text_compare(x->id, y->id);
}

static int by_register_name(const void *a, const void *b)
{
    const dbk_pos_register *x = a, *y = b;
    int order = dbk_text_compare(x->name, y->name);
    return order != 0 ? order : dbk_text_compare(x->id, y->id);
}

void dbk_pos_figures_sort(dbk_pos_figures *figures)
{
    for (size_t i = 0; i < figures->windows_count; i++) {
        dbk_pos_window *w = &figures->windows[i];
        for (size_t c = 0; c < w->categories_count; c++)
            qsort(w->categories[c].foods, w->categories[c].foods_count, sizeof(dbk_pos_food),
                  by_food_revenue);
        if (w->categories_count > 1)
            qsort(w->categories, w->categories_count, sizeof(dbk_pos_category), by_category_revenue);
        if (w->registers_count > 1)
            qsort(w->registers, w->registers_count, sizeof(dbk_pos_register), by_register_name);
    }
}

// ---- Finding ----

// The three kinds begin with their id.
static void *find_by_id(void *array, size_t count, size_t size, dbk_text id)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        char *at = (char *)array + middle * size;
        int order = dbk_text_compare(*(const dbk_text *)(const void *)at, id);
        if (order == 0)
            return at;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

dbk_pos_category *dbk_pos_category_find(const dbk_pos_window *window, dbk_text id)
{
    return find_by_id(window->categories, window->categories_count, sizeof(dbk_pos_category), id);
}

dbk_pos_food *dbk_pos_food_find(const dbk_pos_category *category, dbk_text id)
{
    return find_by_id(category->foods, category->foods_count, sizeof(dbk_pos_food), id);
}

dbk_pos_register *dbk_pos_register_find(const dbk_pos_window *window, dbk_text id)
{
    return find_by_id(window->registers, window->registers_count, sizeof(dbk_pos_register), id);
}
