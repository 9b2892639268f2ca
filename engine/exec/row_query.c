// SPDX-License-Identifier: Apache-2.0
// Row queries: which rows, in which order, and then their fields.
#include "engine/exec/morsels.h"
#include "engine/exec/result_build.h"
#include "engine/exec/run.h"
#include "engine/exec/topk.h"

#include <stdlib.h>

typedef struct collector {
    const dbk_plan *plan;
    dbk_topk rows;
    dbk_cell *cells; // one row's
    const void **columns;
} collector;

static void collector_destroy(void *self)
{
    collector *c = self;
    dbk_topk_dispose(&c->rows);
    free(c->cells);
    free(c->columns);
    free(c);
}

static dbk_status collector_create(const dbk_plan *plan, void **out, dbk_error *err)
{
    collector *c = calloc(1, sizeof *c);
    if (!c)
        return dbk_exec_no_memory(err);
    c->plan = plan;
    dbk_topk_init(&c->rows, plan);
    if (plan->query->order_count == 0)
        c->rows.limit = 0; // rows stay in the order they are met, and the walk ends by itself
    c->cells = calloc((size_t)plan->query->order_count + 1, sizeof *c->cells);
    c->columns = calloc((size_t)plan->query->order_count + 1, sizeof *c->columns);
    if (!c->cells || !c->columns) {
        collector_destroy(c);
        return dbk_exec_no_memory(err);
    }
    *out = c;
    return DBK_OK;
}

// Rows as they stand; the walk ends when there are enough.
static dbk_status on_unordered(void *self, dbk_scan *scan)
{
    collector *c = self;
    for (uint32_t i = 0; i < scan->count && !scan->stop; i++) {
        dbk_locator at = {scan->part_index, dbk_scan_row(scan, i)};
        if (!dbk_topk_add(&c->rows, at, c->cells))
            return dbk_exec_no_memory(scan->err);
        scan->stop = (int64_t)c->rows.count == c->plan->query->limit;
    }
    return DBK_OK;
}

static dbk_status load_columns(collector *c, dbk_scan *scan)
{
    for (int i = 0; i < c->plan->query->order_count; i++) {
        int slot = c->plan->order_slots[i];
        dbk_type type = c->plan->slots[slot].type;
        if (type == DBK_CODE)
            DBK_TRY(dbk_scan_codes(scan, slot, (const uint32_t **)&c->columns[i]));
        else if (type == DBK_TEXT)
            DBK_TRY(dbk_scan_texts(scan, slot, (const dbk_text **)&c->columns[i]));
        else
            DBK_TRY(dbk_scan_ints(scan, slot, (const int64_t **)&c->columns[i]));
    }
    return DBK_OK;
}

static void fill_cells(collector *c, uint32_t row)
{
    for (int i = 0; i < c->plan->query->order_count; i++) {
        const dbk_slot_def *slot = &c->plan->slots[c->plan->order_slots[i]];
        dbk_cell *cell = &c->cells[i];
        if (slot->type == DBK_CODE) {
            uint32_t code = ((const uint32_t *)c->columns[i])[row];
            cell->text = code ? dbk_tenant_word(c->plan->tenant, slot->domain, code) : (dbk_text){0};
        } else if (slot->type == DBK_TEXT) {
            cell->text = ((const dbk_text *)c->columns[i])[row];
        } else {
            cell->number = ((const int64_t *)c->columns[i])[row];
        }
    }
}

static bool first_is_int(const collector *c)
{
    return dbk_type_is_int(c->plan->slots[c->plan->order_slots[0]].type);
}

static dbk_status on_ordered(void *self, dbk_scan *scan)
{
    collector *c = self;
    bool descending = c->plan->query->order[0].descending, by_int = first_is_int(c);
    DBK_TRY(load_columns(c, scan));
    for (uint32_t i = 0; i < scan->count; i++) {
        // Most rows of a long walk are refused by their first column alone.
        const dbk_cell *worst = dbk_topk_worst(&c->rows);
        if (worst && by_int) {
            int64_t v = ((const int64_t *)c->columns[0])[i];
            if (descending ? v < worst->number : v > worst->number)
                continue;
        }
        fill_cells(c, i);
        if (!dbk_topk_is_after(c->plan, c->cells))
            continue;
        if (!dbk_topk_add(&c->rows, (dbk_locator){scan->part_index, dbk_scan_row(scan, i)}, c->cells))
            return dbk_exec_no_memory(scan->err);
    }
    return DBK_OK;
}

// No row of the part or vector can precede the worst that is kept.
static bool on_skip(void *self, const dbk_part *part, int64_t vector)
{
    const collector *c = self;
    const dbk_cell *worst = dbk_topk_worst(&c->rows);
    dbk_zone_map zone;
    int slot = c->plan->order_slots[0];
    if (!worst || !first_is_int(c) ||
        !(vector < 0 ? dbk_plan_zone_map(c->plan, part, slot, &zone)
                     : dbk_plan_vector_zone_map(c->plan, part, slot, (uint32_t)vector, &zone)) ||
        zone.min > zone.max)
        return false;
    if (c->plan->query->order[0].descending)
        return zone.max < worst->number;
    return zone.nulls == 0 && zone.min > worst->number;
}

// ---- Fields ----

static void declare(const dbk_plan *plan, dbk_result *result)
{
    for (int i = 0; i < plan->query->fields_count; i++) {
        dbk_type type = dbk_path_end(&plan->fields[i].path)->type;
        result->columns[i].kind = dbk_type_is_int(type) ? DBK_RESULT_INT : DBK_RESULT_TEXT;
        result->columns[i].type = type;
    }
}

static bool set_cell(const dbk_plan *plan, dbk_result *result, size_t row, int field, const dbk_cell *cell)
{
    const dbk_column_def *column = dbk_path_end(&plan->fields[field].path);
    if (column->type == DBK_TEXT)
        return dbk_result_set_text(result, row, field, cell->text);
    if (column->type == DBK_CODE)
        return cell->number == 0 ||
               dbk_result_set_text(result, row, field,
                                   dbk_tenant_word(plan->tenant, column->domain, (uint32_t)cell->number));
    result->columns[field].ints[row] = cell->number;
    return true;
}

static dbk_status write_field(const dbk_plan *plan, dbk_result *result, int field, const dbk_locator *rows)
{
    dbk_walker walker;
    dbk_status status = DBK_OK;
    dbk_walker_init(&walker, &plan->fields[field].path, plan->tenant);
    for (size_t row = 0; row < result->rows && status == DBK_OK; row++) {
        dbk_cell cell;
        status = dbk_walker_row(&walker, rows[row], &cell);
        if (status == DBK_OK && !set_cell(plan, result, row, field, &cell))
            status = DBK_NO_MEMORY;
    }
    dbk_walker_dispose(&walker);
    return status;
}

static dbk_status failed(const dbk_plan *plan, dbk_status status, dbk_error *err)
{
    if (status == DBK_NO_MEMORY)
        return dbk_exec_no_memory(err);
    return dbk_fail(err, status, "query: reading %s failed: %s", plan->table->name,
                    dbk_segment_read_failure(status));
}

static dbk_status write_rows(const dbk_plan *plan, const dbk_topk *rows, dbk_result **out, dbk_error *err)
{
    size_t count = rows->count;
    if (rows->limit && count > rows->limit)
        count = rows->limit;
    dbk_result *result = dbk_result_create(plan->query->fields_count);
    if (!result)
        return dbk_exec_no_memory(err);
    declare(plan, result);
    dbk_status status = dbk_result_reserve(result, count) ? DBK_OK : DBK_NO_MEMORY;
    for (int i = 0; i < plan->query->fields_count && status == DBK_OK; i++)
        status = write_field(plan, result, i, rows->rows);
    if (status != DBK_OK) {
        dbk_result_free(result);
        return failed(plan, status, err);
    }
    *out = result;
    return DBK_OK;
}

static dbk_status gather(dbk_morsels *morsels, dbk_result **out, dbk_error *err)
{
    DBK_TRY(dbk_morsels_run(morsels, err));
    dbk_topk *all = &((collector *)morsels->workers[0].state)->rows;
    size_t width = (size_t)morsels->plan->query->order_count;
    for (int i = 1; i < morsels->threads; i++) {
        const collector *more = morsels->workers[i].state;
        for (size_t row = 0; more && row < more->rows.count; row++)
            if (!dbk_topk_add(all, more->rows.rows[row], more->rows.cells + row * width))
                return dbk_exec_no_memory(err);
    }
    // Without an order rows already stand as they were met: in storage order.
    if (width && !dbk_topk_sort(all))
        return dbk_exec_no_memory(err);
    DBK_TRY(write_rows(morsels->plan, all, out, err));
    (*out)->stats = dbk_morsels_stats(morsels);
    return DBK_OK;
}

dbk_status dbk_run_rows(const dbk_plan *plan, dbk_result **out, dbk_error *err)
{
    bool ordered = plan->query->order_count > 0;
    dbk_morsels morsels = {.plan = plan,
                           .create = collector_create,
                           .destroy = collector_destroy,
                           .sink = {.vector = ordered ? on_ordered : on_unordered,
                                    .skip = ordered && plan->query->limit ? on_skip : NULL},
                           .threads = ordered ? plan->query->threads : 1};
    dbk_status status = gather(&morsels, out, err);
    dbk_morsels_dispose(&morsels);
    return status;
}

// ---- Streams ----

typedef struct streamer {
    const dbk_plan *plan;
    dbk_walker *walkers; // one a field, for paths
    dbk_emit emit;
    void *user;
} streamer;

static dbk_status write_own_field(const streamer *s, dbk_scan *scan, dbk_result *block, int field)
{
    const dbk_slot_def *slot = &s->plan->slots[s->plan->fields[field].slot];
    const int64_t *ints = NULL;
    const uint32_t *codes = NULL;
    const dbk_text *texts = NULL;
    if (slot->type == DBK_CODE)
        DBK_TRY(dbk_scan_codes(scan, s->plan->fields[field].slot, &codes));
    else if (slot->type == DBK_TEXT)
        DBK_TRY(dbk_scan_texts(scan, s->plan->fields[field].slot, &texts));
    else
        DBK_TRY(dbk_scan_ints(scan, s->plan->fields[field].slot, &ints));
    for (uint32_t i = 0; i < scan->count; i++) {
        dbk_cell cell = {0};
        if (texts)
            cell.text = texts[i];
        else
            cell.number = codes ? codes[i] : ints[i];
        if (!set_cell(s->plan, block, i, field, &cell))
            return dbk_exec_no_memory(scan->err);
    }
    return DBK_OK;
}

static dbk_status write_far_field(const streamer *s, dbk_scan *scan, dbk_result *block, int field)
{
    for (uint32_t i = 0; i < scan->count; i++) {
        dbk_cell cell;
        dbk_locator at = {scan->part_index, dbk_scan_row(scan, i)};
        dbk_status status = dbk_walker_row(&s->walkers[field], at, &cell);
        if (status == DBK_OK && !set_cell(s->plan, block, i, field, &cell))
            status = DBK_NO_MEMORY;
        if (status != DBK_OK)
            return failed(s->plan, status, scan->err);
    }
    return DBK_OK;
}

static dbk_status on_stream(void *self, dbk_scan *scan)
{
    streamer *s = self;
    dbk_result *block = dbk_result_create(s->plan->query->fields_count);
    if (!block)
        return dbk_exec_no_memory(scan->err);
    declare(s->plan, block);
    dbk_status status = dbk_result_reserve(block, scan->count) ? DBK_OK : dbk_exec_no_memory(scan->err);
    for (int i = 0; i < s->plan->query->fields_count && status == DBK_OK; i++)
        status = s->plan->fields[i].slot >= 0 ? write_own_field(s, scan, block, i)
                                              : write_far_field(s, scan, block, i);
    if (status == DBK_OK)
        status = s->emit(s->user, block, scan->err);
    dbk_result_free(block);
    return status;
}

dbk_status dbk_run_stream(const dbk_plan *plan, dbk_emit emit, void *user, dbk_error *err)
{
    streamer s = {.plan = plan, .emit = emit, .user = user};
    dbk_sink sink = {.self = &s, .vector = on_stream};
    dbk_scan scan;
    int fields = plan->query->fields_count;
    s.walkers = calloc((size_t)fields + 1, sizeof *s.walkers);
    if (!s.walkers)
        return dbk_exec_no_memory(err);
    for (int i = 0; i < fields; i++)
        dbk_walker_init(&s.walkers[i], &plan->fields[i].path, plan->tenant);
    dbk_status status = dbk_scan_init(&scan, plan, err);
    for (size_t i = 0; status == DBK_OK && i < plan->parts_count; i++)
        status = dbk_scan_part(&scan, plan->parts[i], &sink);
    dbk_scan_dispose(&scan);
    for (int i = 0; i < fields; i++)
        dbk_walker_dispose(&s.walkers[i]);
    free(s.walkers);
    return status;
}
