// SPDX-License-Identifier: Apache-2.0
// Names to slots. A column gets one slot, however often the query names it.
#include "engine/exec/plan_bind.h"

enum { PARTS_MAX = 64 };

// ---- Names ----

static int add_slot(dbk_plan *plan, const dbk_path *path)
{
    for (int i = 0; i < plan->slots_count; i++)
        if (dbk_path_equal(&plan->slots[i].path, path))
            return i;
    int base = -1;
    if (path->depth > 1) {
        dbk_path first = {.depth = 1, .tables = {path->tables[0]}, .columns = {path->columns[0]}};
        base = add_slot(plan, &first);
    }
    const dbk_column_def *end = dbk_path_end(path);
    dbk_slot_def *slot = &plan->slots[plan->slots_count];
    *slot = (dbk_slot_def){.path = *path, .type = end->type, .domain = end->domain, .base = base};
    if (end->type == DBK_CODE)
        slot->codes = (plan->tenant ? dbk_tenant_words(plan->tenant, end->domain) : 0) + 1;
    const dbk_table_def *target = dbk_path_target(path);
    if (path->depth == 1 && end->type == DBK_TEXT && target && plan->tenant)
        slot->target = dbk_tenant_table(plan->tenant, target->id);
    return plan->slots_count++;
}

static dbk_status bind_slot(dbk_plan *plan, const char *name, dbk_query_part part, int *slot, dbk_error *err)
{
    if (!name)
        return dbk_fail(err, DBK_INVALID, "query: %s names no column", DBK_PART_TEXT(part));
    dbk_path path;
    DBK_TRY(dbk_path_bind(&path, plan->table, dbk_text_from(name), part, err));
    *slot = add_slot(plan, &path);
    return DBK_OK;
}

// Counts that are part of the query's own shape.
static dbk_status check_counts(const dbk_query *q, dbk_error *err)
{
    if (q->filters_count < 0 || q->keys_count < 0 || q->fields_count < 0 || q->aggregates_count < 0 ||
        q->order_count < 0 || q->after_count < 0)
        return dbk_fail(err, DBK_INVALID, "query: a list has a negative length");
    if (q->filters_count > 1000 || q->keys_count > PARTS_MAX || q->fields_count > PARTS_MAX ||
        q->aggregates_count > PARTS_MAX || q->order_count > PARTS_MAX)
        return dbk_fail(err, DBK_INVALID, "query: more than %d keys, fields, aggregates or orders",
                        PARTS_MAX);
    if (q->limit < 0)
        return dbk_fail(err, DBK_INVALID, "query: the limit is negative");
    if (q->after_count && q->after_count != q->order_count)
        return dbk_fail(err, DBK_INVALID, "query: the cursor has %d values for %d order columns",
                        q->after_count, q->order_count);
    return DBK_OK;
}

// ---- Filters ----

static dbk_bound_filter *add_range(dbk_plan *plan, int slot, int64_t lo, int64_t hi)
{
    dbk_bound_filter *filter = &plan->filters[plan->filters_count++];
    *filter = (dbk_bound_filter){
        .form = lo <= hi ? DBK_FORM_INT_RANGE : DBK_FORM_NOTHING, .slot = slot, .lo = lo, .hi = hi};
    return filter;
}

static dbk_status bind_time_range(dbk_plan *plan, dbk_error *err)
{
    const dbk_query *q = plan->query;
    plan->range_slot = -1;
    bool open = q->from_ms == DBK_TIME_OPEN_FROM && q->to_ms == DBK_TIME_OPEN_TO;
    const char *name = q->time_column;
    if (!name && plan->table->time_column >= 0)
        name = plan->table->columns[plan->table->time_column].name;
    if (!name) {
        if (!open)
            return dbk_fail(err, DBK_INVALID,
                            "query: %s has no time column: leave the range open or name a column",
                            plan->table->name);
        return DBK_OK;
    }
    int slot;
    DBK_TRY(bind_slot(plan, name, (dbk_query_part){"time column", 0}, &slot, err));
    if (plan->slots[slot].type != DBK_TIME)
        return dbk_fail(err, DBK_INVALID, "query: time column: `%s` is of type %s", name,
                        dbk_type_name(plan->slots[slot].type));
    if (open)
        return DBK_OK;
    plan->range_slot = slot;
    plan->range_lo = q->from_ms == DBK_TIME_OPEN_FROM ? DBK_NULL + 1 : q->from_ms;
    plan->range_hi = q->to_ms == DBK_TIME_OPEN_TO     ? INT64_MAX
                     : q->to_ms == DBK_TIME_OPEN_FROM ? DBK_NULL
                                                      : q->to_ms - 1;
    add_range(plan, slot, plan->range_lo, plan->range_hi);
    return DBK_OK;
}

static dbk_status bind_filters(dbk_plan *plan, dbk_error *err)
{
    const dbk_query *q = plan->query;
    for (int i = 0; i < q->filters_count; i++) {
        const dbk_query_part part = {"filter", i + 1};
        int slot;
        DBK_TRY(bind_slot(plan, q->filters[i].column, part, &slot, err));
        const dbk_slot_def *def = &plan->slots[slot];
        dbk_bound_filter *filter = &plan->filters[plan->filters_count];
        DBK_TRY(dbk_filter_bind(filter, &q->filters[i], def->type, def->domain, plan->tenant, &plan->arena,
                                part, err));
        filter->slot = slot;
        // A reference in a text costs a search per row, one in a code a look into an array.
        if (def->base >= 0)
            filter->cost += plan->slots[def->base].type == DBK_TEXT ? 16 : 4;
        plan->filters_count++;
    }
    return DBK_OK;
}

// ---- Row queries ----

static dbk_status check_value(const dbk_value *value, dbk_type type, int i, dbk_error *err)
{
    dbk_value_kind wanted = dbk_type_is_int(type) ? DBK_VALUE_INT : DBK_VALUE_TEXT;
    if (value->kind != wanted && value->kind != DBK_VALUE_NULL)
        return dbk_fail(err, DBK_INVALID, "query: cursor value %d: a %s is wanted", i + 1,
                        dbk_type_name(type));
    return DBK_OK;
}

static dbk_status bind_rows(dbk_plan *plan, dbk_error *err)
{
    const dbk_query *q = plan->query;
    if (q->fill)
        return dbk_fail(err, DBK_INVALID, "query: a row query has no buckets to fill");
    if (q->after_count && !q->order_count)
        return dbk_fail(err, DBK_INVALID, "query: a cursor needs an order");
    for (int i = 0; i < q->fields_count; i++) {
        const dbk_query_part part = {"field", i + 1};
        if (!q->fields[i])
            return dbk_fail(err, DBK_INVALID, "query: %s names no column", DBK_PART_TEXT(part));
        DBK_TRY(dbk_path_bind(&plan->fields[i].path, plan->table, dbk_text_from(q->fields[i]), part, err));
        plan->fields[i].slot = plan->fields[i].path.depth == 1 ? add_slot(plan, &plan->fields[i].path) : -1;
    }
    for (int i = 0; i < q->order_count; i++) {
        if (q->order[i].output < 0 || q->order[i].output >= q->fields_count)
            return dbk_fail(err, DBK_INVALID, "query: order %d: there is no output column %d", i + 1,
                            q->order[i].output);
        plan->order_slots[i] = add_slot(plan, &plan->fields[q->order[i].output].path);
        if (q->after_count)
            DBK_TRY(check_value(&q->after[i], plan->slots[plan->order_slots[i]].type, i, err));
    }
    // What the cursor says of the first column alone can skip parts; the walk compares the whole position.
    if (q->after_count && dbk_type_is_int(plan->slots[plan->order_slots[0]].type)) {
        int64_t first = q->after[0].kind == DBK_VALUE_NULL ? DBK_NULL : q->after[0].number;
        if (q->order[0].descending)
            add_range(plan, plan->order_slots[0], DBK_NULL, first);
        else if (first != DBK_NULL)
            add_range(plan, plan->order_slots[0], first, INT64_MAX);
    }
    return DBK_OK;
}

// ---- Group queries ----

static dbk_status bind_keys(dbk_plan *plan, dbk_error *err)
{
    const dbk_query *q = plan->query;
    for (int i = 0; i < q->keys_count; i++) {
        const dbk_query_part part = {"key", i + 1};
        dbk_key *key = &plan->keys[i];
        DBK_TRY(bind_slot(plan, q->keys[i].column, part, &key->slot, err));
        const dbk_bucket *bucket = key->bucket = q->keys[i].bucket;
        if (!bucket)
            continue;
        if (plan->slots[key->slot].type != DBK_TIME)
            return dbk_fail(err, DBK_INVALID, "query: %s: `%s` is of type %s and has no calendar buckets",
                            DBK_PART_TEXT(part), q->keys[i].column,
                            dbk_type_name(plan->slots[key->slot].type));
        int most = bucket->unit == DBK_UNIT_MINUTE ? 1440 : bucket->unit == DBK_UNIT_HOUR ? 24 : 1;
        if (bucket->unit < DBK_UNIT_MINUTE || bucket->unit > DBK_UNIT_HOUR_OF_DAY || bucket->count < 1 ||
            bucket->count > most || bucket->day_start_minutes < 0 || bucket->day_start_minutes > 1439 ||
            (bucket->unit == DBK_UNIT_HOUR_OF_DAY && bucket->day_start_minutes != 0))
            return dbk_fail(err, DBK_INVALID, "query: %s: there is no such calendar bucket",
                            DBK_PART_TEXT(part));
    }
    plan->keys_count = q->keys_count;
    if (q->fill &&
        (q->keys_count != 1 || !q->keys[0].bucket || q->keys[0].bucket->unit == DBK_UNIT_HOUR_OF_DAY ||
         q->from_ms == DBK_TIME_OPEN_FROM || q->to_ms == DBK_TIME_OPEN_TO))
        return dbk_fail(err, DBK_INVALID,
                        "query: only a single bucket key over a range with both ends can be filled");
    return DBK_OK;
}

static bool has_prefix(const dbk_path *path, const dbk_path *prefix)
{
    dbk_path head = *path;
    head.depth = prefix->depth;
    return path->depth >= prefix->depth && dbk_path_equal(&head, prefix);
}

static dbk_status bind_attached(dbk_plan *plan, dbk_error *err)
{
    const dbk_query *q = plan->query;
    for (int i = 0; i < q->fields_count; i++) {
        const dbk_query_part part = {"field", i + 1};
        dbk_field *field = &plan->fields[i];
        if (!q->fields[i])
            return dbk_fail(err, DBK_INVALID, "query: %s names no column", DBK_PART_TEXT(part));
        DBK_TRY(dbk_path_bind(&field->path, plan->table, dbk_text_from(q->fields[i]), part, err));
        field->key = -1;
        for (int k = 0; k < plan->keys_count; k++) {
            const dbk_path *key = &plan->slots[plan->keys[k].slot].path;
            if (!plan->keys[k].bucket && has_prefix(&field->path, key) &&
                (field->key < 0 || key->depth - 1 > field->from)) {
                field->key = k;
                field->from = key->depth - 1;
            }
        }
        if (field->key < 0)
            return dbk_fail(err, DBK_INVALID, "query: %s: `%s` does not begin with a key of the query",
                            DBK_PART_TEXT(part), q->fields[i]);
    }
    return DBK_OK;
}

static dbk_status bind_aggregate_slots(dbk_plan *plan, dbk_error *err)
{
    const dbk_query *q = plan->query;
    for (int i = 0; i < q->aggregates_count; i++) {
        const dbk_query_part part = {"aggregate", i + 1};
        dbk_bound_aggregate *aggregate = &plan->aggregates[i];
        aggregate->kind = q->aggregates[i].kind;
        aggregate->state = -1; // the slot, until states are made
        aggregate->type = DBK_INT;
        if (aggregate->kind < DBK_COUNT_ROWS || aggregate->kind > DBK_COUNT_DISTINCT)
            return dbk_fail(err, DBK_INVALID, "query: %s: unknown kind %d", DBK_PART_TEXT(part),
                            (int)aggregate->kind);
        if (aggregate->kind == DBK_COUNT_ROWS)
            continue;
        DBK_TRY(bind_slot(plan, q->aggregates[i].column, part, &aggregate->state, err));
        dbk_type type = plan->slots[aggregate->state].type;
        if (aggregate->kind == DBK_COUNT_VALUES || aggregate->kind == DBK_COUNT_DISTINCT)
            continue;
        if (!dbk_type_is_int(type))
            return dbk_fail(err, DBK_INVALID, "query: %s: `%s` is text, which can only be counted",
                            DBK_PART_TEXT(part), q->aggregates[i].column);
        aggregate->type = type;
    }
    return DBK_OK;
}

// What a value of a result column looks like in a cursor.
static dbk_status check_group_order(const dbk_plan *plan, dbk_error *err)
{
    const dbk_query *q = plan->query;
    int fields_end = q->keys_count + q->fields_count;
    for (int i = 0; i < q->order_count; i++) {
        int output = q->order[i].output;
        if (output < 0 || output >= fields_end + q->aggregates_count)
            return dbk_fail(err, DBK_INVALID, "query: order %d: there is no output column %d", i + 1, output);
        if (!q->after_count)
            continue;
        dbk_type type = DBK_INT;
        if (output < q->keys_count)
            type = plan->slots[plan->keys[output].slot].type;
        else if (output < fields_end)
            type = dbk_path_end(&plan->fields[output - q->keys_count].path)->type;
        else if (plan->aggregates[output - fields_end].kind == DBK_AVERAGE ||
                 plan->aggregates[output - fields_end].kind == DBK_COUNT_DISTINCT)
            return dbk_fail(err, DBK_INVALID,
                            "query: order %d: averages and distinct counts cannot be resumed", i + 1);
        DBK_TRY(check_value(&q->after[i], type, i, err));
    }
    return DBK_OK;
}

// ---- The whole ----

static dbk_status make_room(dbk_plan *plan, dbk_error *err)
{
    const dbk_query *q = plan->query;
    // Every name may need a slot for its path and one for the path's first column.
    size_t names = (size_t)(2 + q->filters_count + q->keys_count + q->aggregates_count + q->order_count +
                            q->fields_count);
    dbk_arena *arena = &plan->arena;
    plan->slots = dbk_arena_zalloc(arena, 2 * names * sizeof *plan->slots);
    plan->filters = dbk_arena_zalloc(arena, ((size_t)q->filters_count + 3) * sizeof *plan->filters);
    plan->keys = dbk_arena_zalloc(arena, ((size_t)q->keys_count + 1) * sizeof *plan->keys);
    plan->states = dbk_arena_zalloc(arena, (2 * (size_t)q->aggregates_count + 2) * sizeof *plan->states);
    plan->aggregates = dbk_arena_zalloc(arena, ((size_t)q->aggregates_count + 1) * sizeof *plan->aggregates);
    plan->fields = dbk_arena_zalloc(arena, ((size_t)q->fields_count + 1) * sizeof *plan->fields);
    plan->order_slots = dbk_arena_zalloc(arena, ((size_t)q->order_count + 1) * sizeof *plan->order_slots);
    if (!plan->slots || !plan->filters || !plan->keys || !plan->states || !plan->aggregates ||
        !plan->fields || !plan->order_slots)
        return dbk_exec_no_memory(err);
    return DBK_OK;
}

dbk_status dbk_plan_bind(dbk_plan *plan, dbk_error *err)
{
    const dbk_query *q = plan->query;
    DBK_TRY(check_counts(q, err));
    plan->table = q->table ? dbk_table_def_by_name(dbk_text_from(q->table)) : NULL;
    if (!plan->table)
        return dbk_fail(err, DBK_INVALID, "query: there is no table `%.100s`", q->table ? q->table : "");
    plan->view = plan->tenant ? dbk_tenant_table(plan->tenant, plan->table->id) : NULL;
    plan->is_group = q->keys_count > 0 || q->aggregates_count > 0;
    DBK_TRY(make_room(plan, err));
    DBK_TRY(bind_time_range(plan, err));
    DBK_TRY(bind_filters(plan, err));
    if (plan->is_group) {
        DBK_TRY(bind_keys(plan, err));
        DBK_TRY(bind_attached(plan, err));
        DBK_TRY(bind_aggregate_slots(plan, err));
        DBK_TRY(check_group_order(plan, err));
    } else {
        DBK_TRY(bind_rows(plan, err));
    }
    return DBK_OK;
}
