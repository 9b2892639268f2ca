// SPDX-License-Identifier: Apache-2.0
// Only the groups that are printed are written out. What their keys name is read in an order that memory
// likes better than that of the answer.
#include "engine/exec/group_answer.h"

#include "engine/exec/sort.h"

#include <stdlib.h>
#include <string.h>

// ---- Values ----

dbk_text dbk_group_key_text(const dbk_group_answer *a, int key, uint64_t value)
{
    const dbk_slot_def *slot = &a->plan->slots[a->plan->keys[key].slot];
    if (value == 0)
        return (dbk_text){0};
    if (slot->type == DBK_CODE)
        return dbk_tenant_word(a->plan->tenant, slot->domain, (uint32_t)value);
    return a->groups->grouping.columns[key].texts.texts[value];
}

dbk_status dbk_group_attached(const dbk_group_answer *a, dbk_walker *walker, int field, uint32_t group,
                              dbk_cell *out)
{
    const dbk_field *f = &a->plan->fields[field];
    uint64_t value = dbk_group_key_value(a, group, f->key);
    dbk_cell cell = {.number = (int64_t)value};
    if (a->plan->slots[a->plan->keys[f->key].slot].type == DBK_TEXT)
        cell.text = dbk_group_key_text(a, f->key, value);
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

// ---- Columns ----

static void declare(const dbk_group_answer *a, dbk_result *result)
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

// The words of many codes, some at a time, are waited for together.
enum { AT_ONCE = 64 };

static bool write_words(const dbk_group_answer *a, dbk_result *result, int k)
{
    const dbk_domain domain = a->plan->slots[a->plan->keys[k].slot].domain;
    uint32_t codes[AT_ONCE];
    dbk_text words[AT_ONCE], *texts = result->columns[k].texts;
    for (size_t first = 0; first < a->count; first += AT_ONCE) {
        const uint32_t some = a->count - first < AT_ONCE ? (uint32_t)(a->count - first) : AT_ONCE;
        for (uint32_t i = 0; i < some; i++)
            codes[i] = (uint32_t)dbk_group_key_value(a, a->chosen[first + i], k);
        dbk_tenant_words_of(a->plan->tenant, domain, codes, some, words);
        for (uint32_t i = 0; i < some; i++) {
            const size_t row = first + i;
            if (i > 0 && codes[i] == codes[i - 1]) // neighbours are often alike
                texts[row] = texts[row - 1];
            else if (!dbk_result_set_text(result, row, k, words[i]))
                return false;
        }
    }
    return true;
}

static bool write_keys(const dbk_group_answer *a, dbk_result *result)
{
    for (int k = 0; k < a->plan->keys_count; k++) {
        if (a->plan->slots[a->plan->keys[k].slot].type == DBK_CODE) {
            if (!write_words(a, result, k))
                return false;
            continue;
        }
        for (size_t row = 0; row < a->count; row++) {
            const uint64_t value = dbk_group_key_value(a, a->chosen[row], k);
            if (dbk_group_key_is_int(a, k))
                result->columns[k].ints[row] = (int64_t)value;
            else if (!dbk_result_set_text(result, row, k, dbk_group_key_text(a, k, value)))
                return false;
        }
    }
    return true;
}

// Fewer rows are not worth an order of their own to be read in.
enum { FEW_ROWS = 16, ROW_BITS = 64 - DBK_PLACE_BITS };

// The rows in the order in which a field's texts stand, so that each vector of them is decoded once, each
// with its place above it; NULL for the order of the result, which is as good for few rows and for fields
// that are no texts. The caller frees.
static uint64_t *make_visits(const dbk_group_answer *a, const dbk_walker *walker, int field)
{
    const dbk_field *f = &a->plan->fields[field];
    bool follows_codes = f->path.depth > f->from + 1 &&
                         f->path.tables[f->from]->columns[f->path.columns[f->from]].type == DBK_CODE;
    if (a->count < FEW_ROWS || a->count >> ROW_BITS || !follows_codes ||
        dbk_path_end(&f->path)->type != DBK_TEXT)
        return NULL;
    uint64_t *visits = malloc(a->count * sizeof *visits);
    for (size_t row = 0; visits && row < a->count; row++) {
        dbk_locator at = {0};
        if (!dbk_walker_place(walker, f->from, (uint32_t)dbk_group_key_value(a, a->chosen[row], f->key), &at))
            at = (dbk_locator){0};
        visits[row] = dbk_place_make(at.part, at.row) << ROW_BITS | row;
    }
    if (visits && !dbk_sort_numbers(visits, a->count, ROW_BITS)) {
        free(visits);
        visits = NULL;
    }
    return visits;
}

static dbk_status write_field(const dbk_group_answer *a, dbk_result *result, int field)
{
    dbk_walker walker;
    dbk_status status = DBK_OK;
    int column = a->plan->keys_count + field;
    dbk_walker_init(&walker, &a->plan->fields[field].path, a->plan->tenant);
    uint64_t *visits = make_visits(a, &walker, field);
    for (size_t i = 0; i < a->count && status == DBK_OK; i++) {
        size_t row = visits ? visits[i] & ((UINT64_C(1) << ROW_BITS) - 1) : i;
        dbk_cell cell;
        status = dbk_group_attached(a, &walker, field, a->chosen[row], &cell);
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

static void write_aggregate(const dbk_group_answer *a, dbk_result *result, int index)
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

dbk_status dbk_group_answer_write(const dbk_group_answer *a, dbk_result *result)
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
