// SPDX-License-Identifier: Apache-2.0
// Zone maps first, then filters from the cheapest to the dearest on what is left of a vector.
#include "engine/exec/scan.h"

#include "engine/exec/slot.h"

#include <stdlib.h>
#include <string.h>

dbk_status dbk_scan_init(dbk_scan *scan, const dbk_plan *plan, dbk_error *err)
{
    *scan = (dbk_scan){.plan = plan, .err = err};
    scan->slots = calloc((size_t)plan->slots_count + 1, sizeof *scan->slots);
    scan->active = calloc((size_t)plan->filters_count + 1, sizeof *scan->active);
    if (!scan->slots || !scan->active) {
        free(scan->slots);
        free(scan->active);
        *scan = (dbk_scan){0};
        return dbk_exec_no_memory(err);
    }
    for (int i = 0; i < plan->slots_count; i++)
        dbk_slot_init(&scan->slots[i], &plan->slots[i], plan->tenant);
    return DBK_OK;
}

void dbk_scan_dispose(dbk_scan *scan)
{
    for (int i = 0; scan->slots && i < scan->plan->slots_count; i++)
        dbk_slot_dispose(&scan->slots[i]);
    free(scan->slots);
    free(scan->active);
    dbk_buffer_dispose(&scan->room);
    *scan = (dbk_scan){0};
}

static dbk_status failed(const dbk_scan *scan, dbk_status status)
{
    if (status == DBK_NO_MEMORY)
        return dbk_exec_no_memory(scan->err);
    return dbk_fail(scan->err, status, "query: reading %s failed: %s", scan->plan->table->name,
                    dbk_segment_read_failure(status));
}

// ---- Columns ----

// Ids are followed without being read, as far as that can be.
static dbk_status follow(dbk_scan *scan, dbk_slot *slot)
{
    if (slot->followed)
        return DBK_OK;
    dbk_status status = dbk_slot_follow(slot, scan->part, scan->vector, scan->mask);
    if (status == DBK_OK && scan->footprint &&
        !dbk_footprint_places(scan->footprint, scan->mask, slot->places))
        status = DBK_NO_MEMORY;
    return status == DBK_OK ? DBK_OK : failed(scan, status);
}

static dbk_status load(dbk_scan *scan, int index, dbk_slot **out)
{
    dbk_slot *slot = *out = &scan->slots[index];
    if (slot->loaded)
        return DBK_OK;
    dbk_slot *base = NULL;
    if (slot->def->base >= 0 && scan->plan->slots[slot->def->base].type == DBK_TEXT)
        DBK_TRY(follow(scan, base = &scan->slots[slot->def->base]));
    else if (slot->def->base >= 0)
        DBK_TRY(load(scan, slot->def->base, &base));
    dbk_status status = dbk_slot_load(slot, base, scan->part, scan->vector, scan->mask);
    return status == DBK_OK ? DBK_OK : failed(scan, status);
}

static dbk_status pick(dbk_scan *scan, int index, dbk_slot **out)
{
    DBK_TRY(load(scan, index, out));
    if (scan->contiguous || (*out)->picked)
        return DBK_OK;
    dbk_status status = dbk_slot_pick(*out, scan->mask, dbk_scan_picks(scan), scan->matched);
    return status == DBK_OK ? DBK_OK : failed(scan, status);
}

dbk_status dbk_scan_ints(dbk_scan *scan, int slot, const int64_t **out)
{
    dbk_slot *s;
    DBK_TRY(pick(scan, slot, &s));
    *out = (scan->contiguous ? s->ints + scan->first : (const int64_t *)s->picks) + scan->start;
    return DBK_OK;
}

dbk_status dbk_scan_codes(dbk_scan *scan, int slot, const uint32_t **out)
{
    dbk_slot *s;
    DBK_TRY(pick(scan, slot, &s));
    *out = (scan->contiguous ? s->codes + scan->first : (const uint32_t *)s->picks) + scan->start;
    return DBK_OK;
}

dbk_status dbk_scan_texts(dbk_scan *scan, int slot, const dbk_text **out)
{
    dbk_slot *s;
    DBK_TRY(pick(scan, slot, &s));
    *out = (scan->contiguous ? s->texts + scan->first : (const dbk_text *)s->picks) + scan->start;
    return DBK_OK;
}

dbk_status dbk_scan_places(dbk_scan *scan, int slot, const dbk_place **out)
{
    DBK_TRY(follow(scan, &scan->slots[slot]));
    *out = scan->slots[slot].places;
    return DBK_OK;
}

dbk_status dbk_scan_packed(dbk_scan *scan, int slot, const uint32_t **numbers, dbk_line *line)
{
    dbk_slot *s = &scan->slots[slot];
    dbk_status status = dbk_slot_load_packed(s, scan->part, scan->vector);
    *numbers = NULL;
    if (status == DBK_OK && s->packed_state == DBK_PACKED_NUMBERS) {
        *line = s->line;
        *numbers = s->packed + scan->first;
        if (!scan->contiguous)
            status = dbk_slot_pick_packed(s, scan->mask, dbk_scan_picks(scan), scan->matched, numbers);
        if (status == DBK_OK)
            *numbers += scan->start;
    }
    return status == DBK_OK ? DBK_OK : failed(scan, status);
}

bool dbk_scan_is_sorted(const dbk_scan *scan, int slot)
{
    const dbk_slot_def *def = &scan->plan->slots[slot];
    return def->path.depth == 1 && def->path.columns[0] == scan->plan->table->time_column &&
           dbk_part_is_sorted(scan->part);
}

// ---- Rows ----

// The bits of the vector's rows that stand among the points; false when there are none.
static bool mask_points(dbk_scan *scan)
{
    const dbk_plan *plan = scan->plan;
    uint64_t mask[DBK_MASK_WORDS] = {0};
    uint32_t first = scan->vector * DBK_VECTOR_ROWS;
    size_t low = 0, high = plan->points_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        const dbk_locator *point = &plan->points[mid];
        if (point->part < scan->part_index || (point->part == scan->part_index && point->row < first))
            low = mid + 1;
        else
            high = mid;
    }
    bool any = false;
    for (; low < plan->points_count && plan->points[low].part == scan->part_index &&
           plan->points[low].row < first + DBK_VECTOR_ROWS;
         low++) {
        uint32_t row = plan->points[low].row - first;
        mask[row >> 6] |= (uint64_t)1 << (row & 63);
        any = true;
    }
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++)
        scan->mask[w] &= mask[w];
    return any;
}

static bool mask_is_empty(const uint64_t mask[DBK_MASK_WORDS])
{
    uint64_t any = 0;
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++)
        any |= mask[w];
    return any == 0;
}

// The values of more rows are moved and compared in less time than a bit is looked up for each.
enum { JUDGED_ROWS = DBK_VECTOR_ROWS / 4 };

static dbk_status apply_far_interval(dbk_scan *scan, dbk_slot *slot, int64_t lo, int64_t hi)
{
    uint16_t rows[DBK_VECTOR_ROWS];
    dbk_slot *base = &scan->slots[slot->def->base];
    DBK_TRY(follow(scan, base));
    const uint32_t count = dbk_mask_list(scan->mask, rows);
    return dbk_far_between(&slot->far, base->places, rows, count, lo, hi, scan->mask)
               ? DBK_OK
               : failed(scan, DBK_NO_MEMORY);
}

// Masks are ANDed, so that bits past the last row stay what scan_vector made them: 0.
static dbk_status apply_filter(dbk_scan *scan, const dbk_bound_filter *filter)
{
    dbk_slot *slot = &scan->slots[filter->slot];
    int64_t lo, hi;
    if (slot->def->is_judged && dbk_filter_interval(filter, &lo, &hi) &&
        dbk_mask_count(scan->mask) <= JUDGED_ROWS)
        return apply_far_interval(scan, slot, lo, hi);
    if (!slot->loaded && slot->def->path.depth == 1 && dbk_filter_interval(filter, &lo, &hi) &&
        dbk_part_between(scan->part, slot->def->path.columns[0], scan->vector, lo, hi, scan->mask))
        return DBK_OK;
    DBK_TRY(load(scan, filter->slot, &slot));
    if (slot->def->type == DBK_CODE) {
        dbk_filter_codes(filter, scan->mask, slot->codes, scan->rows);
    } else if (slot->def->type == DBK_TEXT) {
        dbk_status status = dbk_filter_texts(filter, scan->mask, slot->texts, &scan->room);
        if (status != DBK_OK)
            return failed(scan, status);
    } else {
        if (scan->footprint && filter->form == DBK_FORM_INT_WITHIN)
            dbk_footprint_values(scan->footprint, scan->mask, slot->ints);
        dbk_filter_ints(filter, scan->mask, slot->ints, scan->rows, dbk_scan_is_sorted(scan, filter->slot));
    }
    return DBK_OK;
}

const uint16_t *dbk_scan_picks(dbk_scan *scan)
{
    if (!scan->listed)
        dbk_mask_list(scan->mask, scan->picks);
    scan->listed = true;
    return scan->picks;
}

// Turns the mask into what sinks read.
static void settle(dbk_scan *scan)
{
    scan->matched = dbk_mask_count(scan->mask);
    scan->listed = false;
    dbk_scan_window(scan, 0, scan->matched);
    if (scan->matched == 0)
        return;
    uint32_t w = 0;
    while (!scan->mask[w])
        w++;
    scan->first = w * 64 + (uint32_t)__builtin_ctzll(scan->mask[w]);
    w = DBK_MASK_WORDS - 1;
    while (!scan->mask[w])
        w--;
    scan->last = w * 64 + 63 - (uint32_t)__builtin_clzll(scan->mask[w]);
    scan->contiguous = scan->last - scan->first + 1 == scan->matched;
}

static dbk_status scan_vector(dbk_scan *scan, const dbk_sink *sink)
{
    const dbk_plan *plan = scan->plan;
    for (int i = 0; i < plan->slots_count; i++)
        dbk_slot_leave(&scan->slots[i]);
    memset(scan->mask, 0xFF, sizeof scan->mask);
    if (scan->rows < DBK_VECTOR_ROWS)
        dbk_mask_rows(scan->mask, 0, scan->rows);
    if (plan->has_points && !mask_points(scan))
        return DBK_OK;
    if (sink->skip && sink->skip(sink->self, scan->part, scan->vector))
        return DBK_OK;

    // All verdicts before the first decoding: one NEVER saves it.
    uint64_t open = 0;
    for (int i = 0; i < plan->filters_count; i++) {
        dbk_zone_map zone;
        dbk_verdict verdict = DBK_SOMETIMES;
        if (!scan->active[i])
            continue;
        if (dbk_scan_zone_map(scan, plan->filters[i].slot, &zone))
            verdict = dbk_filter_judge(&plan->filters[i], &zone);
        if (verdict == DBK_NEVER)
            return DBK_OK;
        if (verdict == DBK_SOMETIMES && i < 64)
            open |= (uint64_t)1 << i;
    }
    const uint64_t *dead = dbk_part_dead(scan->part, scan->vector);
    for (uint32_t w = 0; dead && w < DBK_MASK_WORDS; w++)
        scan->mask[w] &= ~dead[w];
    scan->stats.rows_scanned += scan->rows;
    for (int i = 0; i < plan->filters_count; i++) {
        // Filters past the 64th are always evaluated where the part left them open.
        if (!scan->active[i] || (i < 64 && !(open >> i & 1)))
            continue;
        if (mask_is_empty(scan->mask))
            return DBK_OK;
        DBK_TRY(apply_filter(scan, &plan->filters[i]));
    }
    settle(scan);
    return scan->count ? sink->vector(sink->self, scan) : DBK_OK;
}

dbk_status dbk_scan_part(dbk_scan *scan, uint32_t part_index, const dbk_sink *sink)
{
    const dbk_plan *plan = scan->plan;
    const dbk_part *part = dbk_view_part(plan->view, part_index);
    if (plan->query->cancelled && __atomic_load_n(plan->query->cancelled, __ATOMIC_RELAXED))
        return dbk_fail(scan->err, DBK_CANCELLED, "query: cancelled");
    if (sink->skip && sink->skip(sink->self, part, -1)) {
        scan->stats.segments_skipped++;
        return DBK_OK;
    }
    bool open = false;
    for (int i = 0; i < plan->filters_count; i++) {
        dbk_zone_map zone;
        bool has_zone = dbk_plan_zone_map(plan, part, plan->filters[i].slot, &zone);
        scan->active[i] = !has_zone || dbk_filter_judge(&plan->filters[i], &zone) != DBK_ALWAYS;
        if (scan->footprint && has_zone && plan->filters[i].form == DBK_FORM_INT_WITHIN)
            dbk_footprint_bounds(scan->footprint, zone.min, zone.max);
        open |= scan->active[i];
    }
    if (!open && !plan->has_points && sink->part && dbk_part_dead_rows(part) == 0) {
        bool answered = false;
        DBK_TRY(sink->part(sink->self, scan, part, &answered));
        if (answered) {
            scan->stats.segments_from_statistics++;
            return DBK_OK;
        }
    }
    scan->part = part;
    scan->part_index = part_index;
    uint32_t rows = dbk_part_rows(part);
    for (scan->vector = 0; scan->vector * DBK_VECTOR_ROWS < rows && !scan->stop; scan->vector++) {
        uint32_t left = rows - scan->vector * DBK_VECTOR_ROWS;
        scan->rows = left < DBK_VECTOR_ROWS ? left : DBK_VECTOR_ROWS;
        DBK_TRY(scan_vector(scan, sink));
    }
    return DBK_OK;
}
