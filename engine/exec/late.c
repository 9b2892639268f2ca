// SPDX-License-Identifier: Apache-2.0
// Two queries: the choice, with the aggregates that it is made by, and the others of the chosen.
#include "engine/exec/late.h"

#include "engine/exec/plan_init.h"
#include "engine/exec/result_build.h"
#include "engine/exec/run.h"

#include <string.h>

// Groups from here on leave the second-level cache; of fewer, the second pass takes longer than it saves.
#define LATE_GROUPS ((uint64_t)1 << 18)
enum { ROWS_MAX = 256, AGGREGATES_MAX = 16, ORDER_MAX = 16, FILTERS_MAX = 32, COLUMNS_MAX = 128 };

typedef struct half {
    dbk_query query;
    dbk_aggregate aggregates[AGGREGATES_MAX];
    dbk_order order[ORDER_MAX];
    dbk_filter filters[FILTERS_MAX + 1];
    dbk_value chosen[ROWS_MAX];
} half;

static int first_aggregate(const dbk_query *q)
{
    return q->keys_count + q->fields_count;
}

// Rows are counted in any case.
static bool is_late(const dbk_query *q, int aggregate)
{
    bool is_ordered_by = false;
    for (int i = 0; i < q->order_count; i++)
        is_ordered_by |= q->order[i].output == first_aggregate(q) + aggregate;
    return !is_ordered_by && q->aggregates[aggregate].kind != DBK_COUNT_ROWS;
}

bool dbk_late_is(const dbk_plan *plan)
{
    const dbk_query *q = plan->query;
    bool any = false;
    if (!plan->is_group || plan->rollup || plan->roster || plan->has_points || plan->keys_count != 1 ||
        q->fill || q->after_count || q->order_count == 0 || q->limit == 0)
        return false;
    if (q->limit > ROWS_MAX || q->aggregates_count > AGGREGATES_MAX || q->order_count > ORDER_MAX ||
        q->filters_count > FILTERS_MAX || first_aggregate(q) + q->aggregates_count > COLUMNS_MAX)
        return false;
    for (int i = 0; i < q->aggregates_count; i++)
        any |= is_late(q, i);
    const dbk_slot_def *key = &plan->slots[plan->keys[0].slot];
    return any && key->type == DBK_CODE && key->path.depth == 1 && plan->grouping == DBK_GROUP_DENSE &&
           plan->dense_groups >= LATE_GROUPS;
}

static void take_aggregates(half *h, const dbk_query *q, bool late)
{
    int count = 0;
    for (int i = 0; i < q->aggregates_count; i++)
        if (is_late(q, i) == late)
            h->aggregates[count++] = q->aggregates[i];
    h->query.aggregates = h->aggregates;
    h->query.aggregates_count = count;
}

static void make_choice(half *h, const dbk_query *q)
{
    h->query = *q;
    take_aggregates(h, q, false);
    for (int i = 0; i < q->order_count; i++) {
        h->order[i] = q->order[i];
        for (int a = 0; a < q->order[i].output - first_aggregate(q); a++)
            h->order[i].output -= is_late(q, a);
    }
    h->query.order = h->order;
}

// `chosen` must outlive it.
static void make_rest(half *h, const dbk_query *q, const dbk_result *chosen)
{
    const int rows = (int)dbk_result_rows(chosen);
    h->query = *q;
    take_aggregates(h, q, true);
    for (int row = 0; row < rows; row++) {
        const bool is_null = dbk_result_is_null(chosen, (size_t)row, 0);
        h->chosen[row] = (dbk_value){.kind = is_null ? DBK_VALUE_NULL : DBK_VALUE_TEXT,
                                     .text = dbk_result_text(chosen, (size_t)row, 0)};
    }
    if (q->filters_count)
        memcpy(h->filters, q->filters, (size_t)q->filters_count * sizeof *h->filters);
    h->filters[q->filters_count] =
        (dbk_filter){.column = q->keys[0].column, .op = DBK_OP_IN, .values = h->chosen, .values_count = rows};
    h->query.filters = h->filters;
    h->query.filters_count++;
    h->query.fields_count = h->query.order_count = 0;
    h->query.limit = 0;
}

static dbk_status ask(const dbk_plan *plan, dbk_text tenant, const dbk_query *query, dbk_result **out,
                      dbk_error *err)
{
    dbk_plan part;
    DBK_TRY(dbk_plan_init(&part, plan->snapshot, tenant, query, err));
    const dbk_status status = dbk_run_groups(&part, out, err);
    dbk_plan_dispose(&part);
    return status;
}

static bool copy_cell(dbk_result *to, size_t row, int column, const dbk_result *from, size_t from_row,
                      int from_column)
{
    dbk_result_column *into = &to->columns[column];
    const dbk_result_column *cells = &from->columns[from_column];
    if (into->kind == DBK_RESULT_TEXT)
        return dbk_result_set_text(to, row, column, cells->texts[from_row]);
    if (into->kind == DBK_RESULT_INT) {
        into->ints[row] = cells->ints[from_row];
    } else {
        into->sums[row] = cells->sums[from_row];
        into->counts[row] = cells->counts[from_row];
    }
    return true;
}

// Both have the key in their first column, and the same keys.
static size_t row_of(const dbk_result *rest, dbk_text key)
{
    size_t row = 0;
    while (row + 1 < rest->rows && !dbk_text_equal(rest->columns[0].texts[row], key))
        row++;
    return row;
}

static bool join(const dbk_query *q, dbk_result *out, const dbk_result *choice, const dbk_result *rest)
{
    const dbk_result *sources[COLUMNS_MAX];
    int columns[COLUMNS_MAX], early = 0, late = 1;
    for (; early < first_aggregate(q); early++) {
        sources[early] = choice;
        columns[early] = early;
    }
    for (int i = 0; i < q->aggregates_count; i++) {
        const bool is = is_late(q, i);
        sources[first_aggregate(q) + i] = is ? rest : choice;
        columns[first_aggregate(q) + i] = is ? late++ : early++;
    }
    for (int c = 0; c < out->columns_count; c++) {
        out->columns[c].kind = sources[c]->columns[columns[c]].kind;
        out->columns[c].type = sources[c]->columns[columns[c]].type;
    }
    bool ok = dbk_result_reserve(out, choice->rows);
    for (size_t row = 0; ok && row < choice->rows; row++) {
        const size_t other = row_of(rest, choice->columns[0].texts[row]);
        for (int c = 0; ok && c < out->columns_count; c++)
            ok = copy_cell(out, row, c, sources[c], sources[c] == rest ? other : row, columns[c]);
    }
    out->stats = choice->stats;
    out->stats.rows_scanned += rest->stats.rows_scanned;
    return ok;
}

dbk_status dbk_late_run(const dbk_plan *plan, dbk_text tenant, dbk_result **out, dbk_error *err)
{
    const dbk_query *q = plan->query;
    dbk_result *choice = NULL, *rest = NULL, *result = NULL;
    half h;
    make_choice(&h, q);
    dbk_status status = ask(plan, tenant, &h.query, &choice, err);
    if (status == DBK_OK) {
        make_rest(&h, q, choice);
        status = ask(plan, tenant, &h.query, &rest, err);
    }
    if (status == DBK_OK) {
        result = dbk_result_create(first_aggregate(q) + q->aggregates_count);
        if (!result || !join(q, result, choice, rest))
            status = dbk_exec_no_memory(err);
    }
    dbk_result_free(choice);
    dbk_result_free(rest);
    if (status != DBK_OK) {
        dbk_result_free(result);
        return status;
    }
    *out = result;
    return DBK_OK;
}
