// SPDX-License-Identifier: Apache-2.0
// Groups are ordered as indexes into their arrays; only those that are printed are written out. Ties are
// broken by the keys, which no two groups share: so the order does not depend on how the rows were met.
#include "engine/exec/groups.h"

#include "engine/exec/key_order.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FEW_ROWS = 16 };

typedef struct answer {
    const dbk_groups *groups;
    const dbk_plan *plan;
    uint32_t *chosen; // groups
    size_t count;
    dbk_cell **fields; // of fields that are ordered by: a cell a group
    dbk_arena texts;
} answer;

bool dbk_groups_reserve(dbk_groups *groups)
{
    for (int i = 0; i < groups->plan->states_count; i++)
        if (!dbk_state_reserve(&groups->states[i], groups->grouping.count))
            return false;
    return true;
}

// ---- Values ----

static dbk_text key_text(const answer *a, int key, uint64_t value)
{
    const dbk_slot_def *slot = &a->plan->slots[a->plan->keys[key].slot];
    if (value == 0)
        return (dbk_text){0};
    if (slot->type == DBK_CODE)
        return dbk_tenant_word(a->plan->tenant, slot->domain, (uint32_t)value);
    return a->groups->grouping.columns[key].texts.texts[value];
}

static bool key_is_int(const answer *a, int key)
{
    return dbk_type_is_int(a->plan->slots[a->plan->keys[key].slot].type);
}

static uint64_t key_value(const answer *a, uint32_t group, int key)
{
    return a->groups->grouping.ops->key(&a->groups->grouping, group, key);
}

static dbk_status attached_cell(const answer *a, dbk_walker *walker, int field, uint32_t group, dbk_cell *out)
{
    const dbk_field *f = &a->plan->fields[field];
    uint64_t value = key_value(a, group, f->key);
    dbk_cell cell = {.number = (int64_t)value};
    if (!key_is_int(a, f->key))
        cell.text = key_text(a, f->key, value);
    if (f->from == f->path.depth - 1)
        *out = cell;
    else
        DBK_TRY(dbk_walker_follow(walker, f->from, cell, out));
    // Codes are shown and compared by their words.
    if (dbk_path_end(&f->path)->type == DBK_CODE)
        out->text = out->number ? dbk_tenant_word(a->plan->tenant, dbk_path_end(&f->path)->domain,
                                                  (uint32_t)out->number)
                                : (dbk_text){0};
    return DBK_OK;
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

static int compare_keys(const answer *a, int key, uint32_t x, uint32_t y)
{
    uint64_t p = key_value(a, x, key), q = key_value(a, y, key);
    if (p == q)
        return 0;
    if (key_is_int(a, key))
        return compare_ints((int64_t)p, (int64_t)q);
    return dbk_text_compare(key_text(a, key, p), key_text(a, key, q));
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

static int compare_aggregates(const answer *a, int index, uint32_t x, uint32_t y)
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

static int compare_output(const answer *a, int output, uint32_t x, uint32_t y)
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
    const answer *a = user;
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
static int compare_cursor(const answer *a, int output, uint32_t group, const dbk_value *value)
{
    int keys = a->plan->keys_count, fields_end = keys + a->plan->query->fields_count;
    int64_t number = value->kind == DBK_VALUE_NULL ? DBK_NULL : value->number;
    dbk_text text = value->kind == DBK_VALUE_NULL ? (dbk_text){0} : value->text;
    if (output < keys) {
        uint64_t own = key_value(a, group, output);
        return key_is_int(a, output) ? compare_ints((int64_t)own, number)
                                     : dbk_text_compare(key_text(a, output, own), text);
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

static bool is_after(const answer *a, uint32_t group)
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
static void sift(answer *a, size_t at, size_t size)
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
    const dbk_state *state; // NULL = none
    bool is_sum, descending;
} lead;

static lead lead_of(const answer *a)
{
    const dbk_plan *plan = a->plan;
    const int first = plan->keys_count + plan->query->fields_count;
    if (plan->query->order_count == 0 || plan->query->order[0].output < first)
        return (lead){0};
    const dbk_bound_aggregate *aggregate = &plan->aggregates[plan->query->order[0].output - first];
    const dbk_state *state = &a->groups->states[aggregate->state];
    const bool is_count = aggregate->kind == DBK_COUNT_ROWS || aggregate->kind == DBK_COUNT_VALUES;
    // A bucket that was filled in has no rows, and so no sum.
    const bool is_sum = aggregate->kind == DBK_SUM && !state->wide && !plan->query->fill &&
                        plan->slots[state->def->slot].never_null;
    return (lead){is_count || is_sum ? state : NULL, is_sum, plan->query->order[0].descending};
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
static void offer(answer *a, const lead *first, int64_t *last, uint32_t group, size_t limit)
{
    if (compare_groups(&group, &a->chosen[0], a) >= 0)
        return;
    a->chosen[0] = group;
    sift(a, 0, limit);
    *last = first->state ? lead_value(first, a->chosen[0]) : 0;
}

static void make_heap(answer *a, size_t limit)
{
    for (size_t i = limit / 2; i-- > 0;)
        sift(a, i, limit);
}

static void cut(answer *a, size_t limit)
{
    if (limit == 0 || limit >= a->count)
        return;
    make_heap(a, limit);
    const lead first = lead_of(a);
    int64_t last = first.state ? lead_value(&first, a->chosen[0]) : 0;
    for (size_t i = limit; i < a->count; i++)
        if (!first.state || lead_value(&first, a->chosen[i]) <= last)
            offer(a, &first, &last, a->chosen[i], limit);
    a->count = limit;
}

// The same of the groups that occur, which are not listed before.
static void cut_met(answer *a, size_t limit, const lead *first)
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

static dbk_status order_fields(answer *a, dbk_error *err)
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
            status = attached_cell(a, &walker, field, a->chosen[r], cell);
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

static bool orders_by_field(const answer *a)
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

static dbk_status choose(answer *a, dbk_error *err)
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
    if (!all && first.state && limit && limit <= groups && !a->plan->query->after_count &&
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
    qsort_r(a->chosen, a->count, sizeof *a->chosen, compare_groups, a);
    return DBK_OK;
}

static void declare(const answer *a, dbk_result *result)
{
    int column = 0;
    for (int k = 0; k < a->plan->keys_count; k++) {
        dbk_type type = a->plan->slots[a->plan->keys[k].slot].type;
        result->columns[column].kind = dbk_type_is_int(type) ? DBK_RESULT_INT : DBK_RESULT_TEXT;
        result->columns[column++].type = type;
    }
    for (int i = 0; i < a->plan->query->fields_count; i++) {
        dbk_type type = dbk_path_end(&a->plan->fields[i].path)->type;
        result->columns[column].kind = dbk_type_is_int(type) ? DBK_RESULT_INT : DBK_RESULT_TEXT;
        result->columns[column++].type = type;
    }
    for (int i = 0; i < a->plan->query->aggregates_count; i++) {
        const dbk_bound_aggregate *aggregate = &a->plan->aggregates[i];
        result->columns[column].kind = aggregate->kind == DBK_SUM       ? DBK_RESULT_SUM
                                       : aggregate->kind == DBK_AVERAGE ? DBK_RESULT_AVERAGE
                                                                        : DBK_RESULT_INT;
        result->columns[column++].type = aggregate->type;
    }
}

static bool write_keys(const answer *a, dbk_result *result)
{
    for (int k = 0; k < a->plan->keys_count; k++) {
        const bool is_int = key_is_int(a, k);
        uint64_t before = 0; // no value
        for (size_t row = 0; row < a->count; row++) {
            uint64_t value = key_value(a, a->chosen[row], k);
            if (is_int)
                result->columns[k].ints[row] = (int64_t)value;
            else if (value == before && row > 0) // neighbours are often alike
                result->columns[k].texts[row] = result->columns[k].texts[row - 1];
            else if (!dbk_result_set_text(result, row, k, key_text(a, k, value)))
                return false;
            before = value;
        }
    }
    return true;
}

// A row of the result, and where what its key names stands.
typedef struct visit {
    dbk_locator at;
    uint32_t row;
} visit;

static int compare_visits(const void *left, const void *right)
{
    const visit *x = left, *y = right;
    return x->at.part != y->at.part ? compare_ints(x->at.part, y->at.part)
                                    : compare_ints(x->at.row, y->at.row);
}

// The rows in the order in which a field's texts stand, so that each vector of them is decoded once; NULL for
// the order of the result, which is as good for few rows and for fields that are no texts. The caller frees.
static visit *make_visits(const answer *a, const dbk_walker *walker, int field)
{
    const dbk_field *f = &a->plan->fields[field];
    bool follows_codes = f->path.depth > f->from + 1 &&
                         f->path.tables[f->from]->columns[f->path.columns[f->from]].type == DBK_CODE;
    if (a->count < FEW_ROWS || !follows_codes || dbk_path_end(&f->path)->type != DBK_TEXT)
        return NULL;
    visit *visits = malloc(a->count * sizeof *visits);
    for (size_t row = 0; visits && row < a->count; row++) {
        visits[row] = (visit){.row = (uint32_t)row};
        if (!dbk_walker_place(walker, f->from, (uint32_t)key_value(a, a->chosen[row], f->key),
                              &visits[row].at))
            visits[row].at = (dbk_locator){0};
    }
    if (visits)
        qsort(visits, a->count, sizeof *visits, compare_visits);
    return visits;
}

static dbk_status write_field(const answer *a, dbk_result *result, int field)
{
    dbk_walker walker;
    dbk_status status = DBK_OK;
    int column = a->plan->keys_count + field;
    dbk_walker_init(&walker, &a->plan->fields[field].path, a->plan->tenant);
    visit *visits = make_visits(a, &walker, field);
    for (size_t i = 0; i < a->count && status == DBK_OK; i++) {
        size_t row = visits ? visits[i].row : i;
        dbk_cell cell;
        status = attached_cell(a, &walker, field, a->chosen[row], &cell);
        if (status != DBK_OK)
            break;
        if (result->columns[column].kind == DBK_RESULT_INT)
            result->columns[column].ints[row] = cell.number;
        else if (!dbk_result_set_text(result, row, column, cell.text))
            status = DBK_NO_MEMORY;
    }
    free(visits);
    dbk_walker_dispose(&walker);
    return status;
}

static void write_aggregate(const answer *a, dbk_result *result, int index)
{
    const dbk_bound_aggregate *aggregate = &a->plan->aggregates[index];
    const dbk_state *state = &a->groups->states[aggregate->state];
    dbk_result_column *column = &result->columns[a->plan->keys_count + a->plan->query->fields_count + index];
    for (size_t row = 0; row < a->count; row++) {
        uint32_t group = a->chosen[row];
        if (column->kind == DBK_RESULT_INT) {
            column->ints[row] = dbk_state_number(state, group);
            continue;
        }
        column->counts[row] = dbk_state_number(&a->groups->states[aggregate->count_state], group);
        column->sums[row] = dbk_state_sum(state, group);
    }
}

static dbk_status write_all(const answer *a, dbk_result *result)
{
    declare(a, result);
    if (!dbk_result_reserve(result, a->count) || !write_keys(a, result))
        return DBK_NO_MEMORY;
    for (int i = 0; i < a->plan->query->fields_count; i++)
        DBK_TRY(write_field(a, result, i));
    for (int i = 0; i < a->plan->query->aggregates_count; i++)
        write_aggregate(a, result, i);
    return DBK_OK;
}

dbk_status dbk_groups_answer(dbk_groups *groups, dbk_result **out, dbk_error *err)
{
    answer a = {.groups = groups, .plan = groups->plan};
    dbk_result *result = NULL;
    dbk_status status = choose(&a, err);
    if (status == DBK_OK) {
        result = dbk_result_create(a.plan->keys_count + a.plan->query->fields_count +
                                   a.plan->query->aggregates_count);
        status = result ? write_all(&a, result) : DBK_NO_MEMORY;
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
