// SPDX-License-Identifier: Apache-2.0
// Groups are ordered as indexes into their arrays. Ties are broken by the keys, which no two groups share: so
// the order does not depend on how the rows were met.
#include "engine/exec/group_answer.h"

#include "engine/exec/key_order.h"
#include "engine/exec/sort.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// More groups than these are worth sorting by digits.
enum { FEW_GROUPS = 256 };

bool dbk_groups_reserve(dbk_groups *groups)
{
    for (int i = 0; i < groups->plan->states_count; i++)
        if (!dbk_state_reserve(&groups->states[i], groups->grouping.count))
            return false;
    return true;
}

// ---- Order ----

static int compare_ints(int64_t x, int64_t y)
{
    return (x > y) - (x < y);
}

static int compare_wide(dbk_i128 x, dbk_i128 y)
{
    return (x > y) - (x < y);
}

static int compare_keys(const dbk_group_answer *a, int key, uint32_t x, uint32_t y)
{
    uint64_t p = dbk_group_key_value(a, x, key), q = dbk_group_key_value(a, y, key);
    if (p == q)
        return 0;
    if (dbk_group_key_is_int(a, key))
        return compare_ints((int64_t)p, (int64_t)q);
    return dbk_text_compare(dbk_group_key_text(a, key, p), dbk_group_key_text(a, key, q));
}

// Quotients by their whole parts, then by the fractions r / n crosswise: 64 by 64 bits, which fits.
static int compare_quotients(dbk_i128 sum_x, int64_t n_x, dbk_i128 sum_y, int64_t n_y)
{
    dbk_i128 whole_x = sum_x / n_x, whole_y = sum_y / n_y;
    dbk_i128 rest_x = sum_x % n_x, rest_y = sum_y % n_y;
    if (rest_x < 0) {
        rest_x += n_x;
        whole_x--;
    }
    if (rest_y < 0) {
        rest_y += n_y;
        whole_y--;
    }
    return whole_x != whole_y ? compare_wide(whole_x, whole_y) : compare_wide(rest_x * n_y, rest_y * n_x);
}

static int compare_aggregates(const dbk_group_answer *a, int index, uint32_t x, uint32_t y)
{
    const dbk_bound_aggregate *aggregate = &a->plan->aggregates[index];
    const dbk_state *state = &a->groups->states[aggregate->state];
    if (aggregate->kind != DBK_SUM && aggregate->kind != DBK_AVERAGE)
        return compare_ints(dbk_state_number(state, x), dbk_state_number(state, y));
    const dbk_state *counts = &a->groups->states[aggregate->count_state];
    int64_t n_x = dbk_state_number(counts, x), n_y = dbk_state_number(counts, y);
    if (n_x == 0 || n_y == 0)
        return (n_x != 0) - (n_y != 0);
    dbk_i128 sum_x = dbk_state_sum(state, x), sum_y = dbk_state_sum(state, y);
    return aggregate->kind == DBK_SUM ? compare_wide(sum_x, sum_y)
                                      : compare_quotients(sum_x, n_x, sum_y, n_y);
}

static int compare_output(const dbk_group_answer *a, int output, uint32_t x, uint32_t y)
{
    int fields_end = a->plan->keys_count + a->plan->query->fields_count;
    if (output < a->plan->keys_count)
        return compare_keys(a, output, x, y);
    if (output >= fields_end)
        return compare_aggregates(a, output - fields_end, x, y);
    const dbk_cell *cells = a->fields[output - a->plan->keys_count];
    if (dbk_type_is_int(dbk_path_end(&a->plan->fields[output - a->plan->keys_count].path)->type))
        return compare_ints(cells[x].number, cells[y].number);
    return dbk_text_compare(cells[x].text, cells[y].text);
}

static int compare_groups(const void *left, const void *right, void *user)
{
    const dbk_group_answer *a = user;
    uint32_t x = *(const uint32_t *)left, y = *(const uint32_t *)right;
    const dbk_query *q = a->plan->query;
    for (int i = 0; i < q->order_count; i++) {
        int order = compare_output(a, q->order[i].output, x, y);
        if (order != 0)
            return q->order[i].descending ? -order : order;
    }
    for (int k = 0; k < a->plan->keys_count; k++) {
        int order = compare_keys(a, k, x, y);
        if (order != 0)
            return order;
    }
    return compare_ints(x, y);
}

// A group's value against one of the cursor's.
static int compare_cursor(const dbk_group_answer *a, int output, uint32_t group, const dbk_value *value)
{
    int keys = a->plan->keys_count, fields_end = keys + a->plan->query->fields_count;
    int64_t number = value->kind == DBK_VALUE_NULL ? DBK_NULL : value->number;
    dbk_text text = value->kind == DBK_VALUE_NULL ? (dbk_text){0} : value->text;
    if (output < keys) {
        uint64_t own = dbk_group_key_value(a, group, output);
        return dbk_group_key_is_int(a, output) ? compare_ints((int64_t)own, number)
                                               : dbk_text_compare(dbk_group_key_text(a, output, own), text);
    }
    if (output < fields_end) {
        const dbk_cell *cell = &a->fields[output - keys][group];
        return dbk_type_is_int(dbk_path_end(&a->plan->fields[output - keys].path)->type)
                   ? compare_ints(cell->number, number)
                   : dbk_text_compare(cell->text, text);
    }
    const dbk_bound_aggregate *aggregate = &a->plan->aggregates[output - fields_end];
    const dbk_state *state = &a->groups->states[aggregate->state];
    if (aggregate->kind != DBK_SUM)
        return compare_ints(dbk_state_number(state, group), number);
    bool has = dbk_state_number(&a->groups->states[aggregate->count_state], group) != 0;
    if (!has || number == DBK_NULL)
        return (int)has - (number != DBK_NULL);
    return compare_wide(dbk_state_sum(state, group), number);
}

static bool is_after(const dbk_group_answer *a, uint32_t group)
{
    const dbk_query *q = a->plan->query;
    for (int i = 0; i < q->after_count; i++) {
        int order = compare_cursor(a, q->order[i].output, group, &q->after[i]);
        if (order != 0)
            return (order > 0) != q->order[i].descending;
    }
    return q->after_count == 0;
}

// The first `limit` of the chosen in order, by a heap with the last of them on top.
static void sift(dbk_group_answer *a, size_t at, size_t size)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= size)
            return;
        if (child + 1 < size && compare_groups(&a->chosen[child], &a->chosen[child + 1], a) < 0)
            child++;
        if (compare_groups(&a->chosen[at], &a->chosen[child], a) >= 0)
            return;
        uint32_t swap = a->chosen[at];
        a->chosen[at] = a->chosen[child];
        a->chosen[child] = swap;
        at = child;
    }
}

// The number that groups are ordered by first, if it is one that every group has: it tells most of them from
// the last of the chosen.
typedef struct lead {
    const dbk_state *state;  // NULL = none
    const dbk_state *counts; // of a sum that some groups may lack: where it says which
    bool is_sum, descending;
} lead;

static lead lead_of(const dbk_group_answer *a)
{
    const dbk_plan *plan = a->plan;
    const int first = plan->keys_count + plan->query->fields_count;
    if (plan->query->order_count == 0 || plan->query->order[0].output < first)
        return (lead){0};
    const dbk_bound_aggregate *aggregate = &plan->aggregates[plan->query->order[0].output - first];
    const dbk_state *state = &a->groups->states[aggregate->state];
    const bool is_count = aggregate->kind == DBK_COUNT_ROWS || aggregate->kind == DBK_COUNT_VALUES;
    const bool is_sum = aggregate->kind == DBK_SUM && !state->wide;
    lead by = {is_count || is_sum ? state : NULL, NULL, is_sum, plan->query->order[0].descending};
    // A bucket that was filled in has no rows, and so no sum.
    if (is_sum && (plan->query->fill || !plan->slots[state->def->slot].never_null))
        by.counts = &a->groups->states[aggregate->count_state];
    return by;
}

// Negated where the largest comes first. Counts and narrow sums are far from the smallest number.
static int64_t lead_value(const lead *first, uint32_t group)
{
    const int64_t value =
        first->is_sum ? (int64_t)dbk_state_sum(first->state, group) : dbk_state_number(first->state, group);
    return first->descending ? -value : value;
}

// Whether the group, of those that come after the first `limit`, is among the best so far; it takes the place
// of the last of them then.
static void offer(dbk_group_answer *a, const lead *first, int64_t *last, uint32_t group, size_t limit)
{
    if (compare_groups(&group, &a->chosen[0], a) >= 0)
        return;
    a->chosen[0] = group;
    sift(a, 0, limit);
    *last = first->state ? lead_value(first, a->chosen[0]) : 0;
}

static void make_heap(dbk_group_answer *a, size_t limit)
{
    for (size_t i = limit / 2; i-- > 0;)
        sift(a, i, limit);
}

static void cut(dbk_group_answer *a, size_t limit)
{
    if (limit == 0 || limit >= a->count)
        return;
    make_heap(a, limit);
    lead first = lead_of(a);
    if (first.counts)
        first.state = NULL;
    int64_t last = first.state ? lead_value(&first, a->chosen[0]) : 0;
    for (size_t i = limit; i < a->count; i++)
        if (!first.state || lead_value(&first, a->chosen[i]) <= last)
            offer(a, &first, &last, a->chosen[i], limit);
    a->count = limit;
}

// The same of the groups that occur, which are not listed before.
static void cut_met(dbk_group_answer *a, size_t limit, const lead *first)
{
    const dbk_state *rows = &a->groups->states[0];
    const uint32_t groups = a->groups->grouping.count;
    uint32_t g = 0;
    for (; g < groups && a->count < limit; g++)
        if (dbk_state_number(rows, g) > 0)
            a->chosen[a->count++] = g;
    if (a->count < limit)
        return;
    make_heap(a, limit);
    int64_t last = lead_value(first, a->chosen[0]);
    for (; g < groups; g++)
        if (lead_value(first, g) <= last && dbk_state_number(rows, g) > 0)
            offer(a, first, &last, g, limit);
}

// ---- Steps ----

static dbk_status read_failed(dbk_status status, dbk_error *err)
{
    return status == DBK_NO_MEMORY
               ? dbk_exec_no_memory(err)
               : dbk_fail(err, status, "query: reading a field failed: %s", dbk_segment_read_failure(status));
}

static dbk_status order_fields(dbk_group_answer *a, dbk_error *err)
{
    const dbk_query *q = a->plan->query;
    uint32_t groups = a->groups->grouping.count;
    a->fields = dbk_arena_zalloc(&a->texts, ((size_t)q->fields_count + 1) * sizeof *a->fields);
    if (!a->fields)
        return dbk_exec_no_memory(err);
    for (int i = 0; i < q->order_count; i++) {
        int field = q->order[i].output - a->plan->keys_count;
        if (field < 0 || field >= q->fields_count || a->fields[field])
            continue;
        dbk_cell *cells = a->fields[field] =
            dbk_arena_zalloc(&a->texts, ((size_t)groups + 1) * sizeof *cells);
        if (!cells)
            return dbk_exec_no_memory(err);
        dbk_walker walker;
        dbk_walker_init(&walker, &a->plan->fields[field].path, a->plan->tenant);
        dbk_status status = DBK_OK;
        for (size_t r = 0; r < a->count && status == DBK_OK; r++) {
            dbk_cell *cell = &cells[a->chosen[r]];
            status = dbk_group_attached(a, &walker, field, a->chosen[r], cell);
            if (status == DBK_OK && cell->text.length &&
                !(cell->text.data = dbk_arena_copy(&a->texts, cell->text.data, cell->text.length)))
                status = DBK_NO_MEMORY;
        }
        dbk_walker_dispose(&walker);
        if (status != DBK_OK)
            return read_failed(status, err);
    }
    return DBK_OK;
}

static bool orders_by_field(const dbk_group_answer *a)
{
    const dbk_query *q = a->plan->query;
    bool any = false;
    for (int i = 0; i < q->order_count; i++)
        any |= q->order[i].output >= q->keys_count && q->order[i].output < q->keys_count + q->fields_count;
    return any;
}

// The order of the keys is asked for, which no two groups share: what comes behind them says nothing.
static bool is_by_keys(const dbk_query *q)
{
    for (int i = 0; i < q->order_count && i < q->keys_count; i++)
        if (q->order[i].output != i || q->order[i].descending)
            return false;
    return q->order_count == 0 || q->keys_count > 0;
}

// A group beside the number that it is ordered by, both in 64 bits. False where they do not fit, or a group
// has no such number.
static bool pack_leads(const dbk_group_answer *a, const lead *first, uint64_t *packed, unsigned bits)
{
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (size_t i = 0; i < a->count; i++) {
        const int64_t value = lead_value(first, a->chosen[i]);
        if (first->counts && dbk_state_number(first->counts, a->chosen[i]) == 0)
            return false;
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    if (((uint64_t)most - (uint64_t)least) >> (64 - bits))
        return false;
    for (size_t i = 0; i < a->count; i++)
        packed[i] = ((uint64_t)lead_value(first, a->chosen[i]) - (uint64_t)least) << bits | a->chosen[i];
    return true;
}

// Sorts by the number that comes first in the order; only groups that have the same are compared.
static bool sort_by_lead(dbk_group_answer *a, const lead *first, uint64_t *packed, unsigned bits)
{
    if (!pack_leads(a, first, packed, bits) || !dbk_sort_numbers(packed, a->count, bits))
        return false;
    for (size_t i = 0; i < a->count; i++)
        a->chosen[i] = (uint32_t)(packed[i] & ((UINT64_C(1) << bits) - 1));
    for (size_t i = 0, end; i < a->count; i = end) {
        end = i + 1;
        while (end < a->count && packed[end] >> bits == packed[i] >> bits)
            end++;
        if (end - i > 1)
            qsort_r(a->chosen + i, end - i, sizeof *a->chosen, compare_groups, a);
    }
    return true;
}

static void sort_chosen(dbk_group_answer *a, const lead *first)
{
    uint64_t *packed = first->state && a->count > FEW_GROUPS ? malloc(a->count * sizeof *packed) : NULL;
    const uint32_t groups = a->groups->grouping.count;
    if (!packed || !sort_by_lead(a, first, packed, groups ? 32 - (unsigned)__builtin_clz(groups) : 1))
        qsort_r(a->chosen, a->count, sizeof *a->chosen, compare_groups, a);
    free(packed);
}

static dbk_status choose(dbk_group_answer *a, dbk_error *err)
{
    uint32_t groups = a->groups->grouping.count;
    a->chosen = malloc(((size_t)groups + 1) * sizeof *a->chosen);
    if (!a->chosen)
        return dbk_exec_no_memory(err);
    // A dense grouping has room for combinations that never occurred. Without keys the one row always stands.
    // Where buckets are filled in all stand but that of no value.
    const bool fills = a->plan->grouping != DBK_GROUP_HASH && a->plan->query->fill;
    const bool all = a->plan->grouping == DBK_GROUP_HASH || a->plan->keys_count == 0 || fills;
    const size_t limit = (size_t)a->plan->query->limit;
    const lead first = lead_of(a);
    if (!all && first.state && !first.counts && limit && limit <= groups && !a->plan->query->after_count &&
        !orders_by_field(a)) {
        cut_met(a, limit, &first);
        qsort_r(a->chosen, a->count, sizeof *a->chosen, compare_groups, a);
        return DBK_OK;
    }
    if (!all)
        a->count = dbk_state_list_met(&a->groups->states[0], groups, a->chosen);
    for (uint32_t g = fills ? 1 : 0; all && g < groups; g++)
        a->chosen[a->count++] = g;
    DBK_TRY(order_fields(a, err));
    if (a->plan->query->after_count) {
        size_t kept = 0;
        for (size_t i = 0; i < a->count; i++)
            if (is_after(a, a->chosen[i]))
                a->chosen[kept++] = a->chosen[i];
        a->count = kept;
    }
    if (is_by_keys(a->plan->query) && dbk_key_order(a->groups, a->chosen, a->count)) {
        a->count = limit && limit < a->count ? limit : a->count;
        return DBK_OK;
    }
    cut(a, limit);
    sort_chosen(a, &first);
    return DBK_OK;
}

dbk_status dbk_groups_answer(dbk_groups *groups, dbk_result **out, dbk_error *err)
{
    dbk_group_answer a = {.groups = groups, .plan = groups->plan};
    dbk_result *result = NULL;
    dbk_status status = choose(&a, err);
    if (status == DBK_OK) {
        result = dbk_result_create(a.plan->keys_count + a.plan->query->fields_count +
                                   a.plan->query->aggregates_count);
        status = result ? dbk_group_answer_write(&a, result) : DBK_NO_MEMORY;
        if (status != DBK_OK)
            read_failed(status, err);
    }
    free(a.chosen);
    dbk_arena_dispose(&a.texts);
    if (status != DBK_OK) {
        dbk_result_free(result);
        return status;
    }
    *out = result;
    return DBK_OK;
}
