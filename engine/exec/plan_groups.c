// SPDX-License-Identifier: Apache-2.0
// Where every key has few possible values, known beforehand, a group's index is computed (dense); otherwise a
// hash table finds it. So it does where filters leave few of the values: dense groups take memory for all.
#include "engine/exec/plan_groups.h"

#include "engine/exec/plan_rollup.h"
#include "engine/exec/plan_roster.h"

#include <string.h>

// Dense groups up to here are always worth it; beyond, only when there are rows to fill them.
enum { DENSE_ALWAYS = 4096, DENSE_MAX = 1 << 22, DENSE_MAX_FILLED = 1 << 24 };
// … and only when the filters on the keys themselves leave one in so many of them.
enum { DENSE_SPARSE = 8 };

// Smallest and largest value of a slot in the parts that matter. False when that is not known.
static bool value_range(const dbk_plan *plan, int slot, int64_t *lo, int64_t *hi)
{
    const dbk_slot_def *def = &plan->slots[slot];
    if (def->path.depth > 1)
        return false;
    *lo = INT64_MAX;
    *hi = INT64_MIN;
    for (size_t p = 0; p < plan->parts_count; p++) {
        const dbk_part *part = dbk_view_part(plan->view, plan->parts[p]);
        dbk_zone_map zone = {.min = INT64_MAX, .max = INT64_MIN};
        if (dbk_plan_zone_map(plan, part, slot, &zone)) {
            *lo = zone.min <= zone.max && zone.min < *lo ? zone.min : *lo;
            *hi = zone.min <= zone.max && zone.max > *hi ? zone.max : *hi;
            continue;
        }
        uint32_t rows = dbk_part_rows(part);
        for (uint32_t v = 0; v * DBK_VECTOR_ROWS < rows; v++) {
            int64_t scratch[DBK_VECTOR_ROWS], min, max;
            uint32_t n = rows - v * DBK_VECTOR_ROWS;
            const int64_t *values = dbk_part_ints(part, def->path.columns[0], v, scratch);
            dbk_bounds_ints(values, n < DBK_VECTOR_ROWS ? n : DBK_VECTOR_ROWS, &min, &max);
            *lo = min <= max && min < *lo ? min : *lo;
            *hi = min <= max && max > *hi ? max : *hi;
        }
    }
    if (slot == plan->range_slot) {
        *lo = *lo < plan->range_lo ? plan->range_lo : *lo;
        *hi = *hi > plan->range_hi ? plan->range_hi : *hi;
    }
    return true;
}

// The bucket starts from lo to hi, unless there are more than `most` of them.
static dbk_status list_buckets(dbk_plan *plan, dbk_key *key, int64_t lo, int64_t hi, uint64_t most,
                               dbk_error *err)
{
    size_t capacity = 64;
    int64_t *starts = dbk_arena_alloc(&plan->arena, (capacity + 1) * sizeof *starts);
    size_t count = 0;
    dbk_bucket_walk walk = dbk_bucket_walk_begin(key->bucket, lo);
    while (starts) {
        if (count == most)
            return DBK_OK;
        if (count == capacity) {
            int64_t *more = dbk_arena_alloc(&plan->arena, (2 * capacity + 1) * sizeof *starts);
            if (!more)
                break;
            memcpy(more, starts, count * sizeof *starts);
            starts = more;
            capacity *= 2;
        }
        starts[count++] = walk.start;
        starts[count] = walk.end;
        if (walk.end > hi || walk.end == INT64_MAX) {
            key->buckets = (dbk_bucket_list){starts, (uint32_t)count};
            return DBK_OK;
        }
        dbk_bucket_walk_next(&walk);
    }
    return dbk_exec_no_memory(err);
}

static dbk_status measure_key(dbk_plan *plan, dbk_key *key, dbk_error *err)
{
    const dbk_slot_def *slot = &plan->slots[key->slot];
    if (!key->bucket) {
        key->cardinality = slot->type == DBK_CODE ? slot->codes : 0;
        return DBK_OK;
    }
    if (key->bucket->unit == DBK_UNIT_HOUR_OF_DAY) {
        key->cardinality = 24 + 1;
        return DBK_OK;
    }
    int64_t lo, hi;
    const bool fills = dbk_plan_fills(plan);
    if (fills) {
        lo = plan->range_lo;
        hi = plan->range_hi;
    } else if (plan->rollup) {
        lo = plan->rollup->lo;
        hi = plan->rollup->hi - 1;
    } else if (plan->has_points || !value_range(plan, key->slot, &lo, &hi)) {
        return DBK_OK;
    }
    if (lo > hi) { // no row has a value
        key->cardinality = 1;
        return DBK_OK;
    }
    // Each bucket costs a calendar computation: worth it while rows outnumber them.
    uint64_t most = plan->rows_estimate / 8 > 1024 ? plan->rows_estimate / 8 : 1024;
    if (plan->rollup) // cut into them already
        most = UINT64_MAX;
    if (fills)
        most = DBK_FILL_MAX;
    DBK_TRY(list_buckets(plan, key, lo, hi, most < DENSE_MAX ? most : DENSE_MAX, err));
    if (fills && key->buckets.count == 0)
        return dbk_fail(err, DBK_LIMIT, "query: the range has more than %d buckets", DBK_FILL_MAX);
    if (key->buckets.count)
        key->cardinality = (uint64_t)key->buckets.count + 1;
    return DBK_OK;
}

// How many digits of a key pass the filters on its own column.
static uint64_t count_passing(const dbk_plan *plan, const dbk_key *key)
{
    const dbk_slot_def *slot = &plan->slots[key->slot];
    uint64_t passing = 0;
    if (key->bucket || slot->type != DBK_CODE)
        return key->cardinality;
    for (uint32_t w = 0; w <= slot->codes / 64; w++) {
        uint64_t word = UINT64_MAX;
        for (int i = 0; i < plan->filters_count; i++) {
            const dbk_bound_filter *filter = &plan->filters[i];
            if (filter->slot != key->slot)
                continue;
            if (filter->form == DBK_FORM_CODE_IN)
                word &= filter->bits[w];
            else if (filter->form == DBK_FORM_CODE_IS)
                word &= filter->code / 64 == w ? (uint64_t)1 << (filter->code & 63) : 0;
        }
        passing += (uint64_t)__builtin_popcountll(word);
    }
    return passing < key->cardinality ? passing : key->cardinality;
}

// Do the filters leave so few of the dense groups that a table of those that occur is smaller?
static bool is_sparse(const dbk_plan *plan)
{
    uint64_t groups = 1;
    for (int i = 0; i < plan->keys_count; i++)
        groups *= count_passing(plan, &plan->keys[i]);
    return groups <= plan->dense_groups / DENSE_SPARSE;
}

dbk_status dbk_plan_groups(dbk_plan *plan, dbk_error *err)
{
    plan->grouping = DBK_GROUP_NONE;
    plan->dense_groups = 1;
    if (plan->keys_count == 0)
        return DBK_OK;
    plan->grouping = DBK_GROUP_DENSE;
    for (int i = 0; i < plan->keys_count; i++) {
        dbk_key *key = &plan->keys[i];
        DBK_TRY(measure_key(plan, key, err)); // bucket lists serve the hash table too
        if (key->cardinality == 0 || plan->dense_groups > DENSE_MAX_FILLED / key->cardinality)
            plan->grouping = DBK_GROUP_HASH;
        else
            plan->dense_groups *= key->cardinality;
    }
    // Buckets weigh most: a vector is mostly of one bucket, so its groups stand close together.
    uint64_t stride = 1;
    for (int buckets = 0; buckets < 2; buckets++) {
        for (int i = 0; i < plan->keys_count; i++) {
            if ((plan->keys[i].bucket != NULL) != buckets)
                continue;
            plan->keys[i].stride = stride;
            stride *= plan->keys[i].cardinality;
        }
    }
    uint64_t rows = plan->rows_estimate, groups = plan->dense_groups;
    if (plan->rollup) // the cells, which are what is added up, or more
        rows += plan->rollup->pieces_count * plan->rollup->view->tuples_count;
    if (plan->roster)
        rows += plan->roster->most ? plan->roster->most : plan->roster->cells;
    if (groups > DENSE_ALWAYS && (groups > rows * 2 || (groups > DENSE_MAX && groups > rows)))
        plan->grouping = DBK_GROUP_HASH;
    if (plan->grouping == DBK_GROUP_DENSE && groups > DENSE_ALWAYS && is_sparse(plan))
        plan->grouping = DBK_GROUP_HASH;
    // Buckets without rows are groups too when they are asked for: all of them are listed, unless the rows
    // may have others.
    if (plan->query->fill)
        plan->grouping = dbk_plan_fills(plan) ? DBK_GROUP_DENSE : DBK_GROUP_HASH;
    return DBK_OK;
}
