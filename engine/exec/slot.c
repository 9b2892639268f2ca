// SPDX-License-Identifier: Apache-2.0
// Columns decoded by vectors, and paths turned into columns.
#include "engine/exec/slot.h"

#include <stdlib.h>
#include <string.h>

void dbk_slot_init(struct dbk_slot *slot, const dbk_slot_def *def, const dbk_tenant_view *tenant)
{
    *slot = (struct dbk_slot){.def = def};
    dbk_walker_init(&slot->walker, &def->path, tenant);
}

void dbk_slot_dispose(struct dbk_slot *slot)
{
    free(slot->scratch);
    free(slot->pick_scratch);
    free(slot->packed);
    free(slot->packed_picks);
    free(slot->targets);
    if (slot->text_scratch) {
        dbk_text_scratch_dispose(slot->text_scratch);
        free(slot->text_scratch);
    }
    dbk_walker_dispose(&slot->walker);
    free(slot->map.known);
    free(slot->map.ints);
    free(slot->map.words);
    free(slot->map.texts);
    dbk_arena_dispose(&slot->map.bytes);
    dbk_arena_dispose(&slot->bytes);
}

static size_t value_size(const struct dbk_slot *slot)
{
    return slot->def->type == DBK_CODE   ? sizeof(uint32_t)
           : slot->def->type == DBK_TEXT ? sizeof(dbk_text)
                                         : sizeof(int64_t);
}

// A vector of values, zeroed once: entries that are never meant are still read by loops over whole vectors.
static void *vector_room(const struct dbk_slot *slot, void **room)
{
    if (!*room)
        *room = aligned_alloc(64, DBK_VECTOR_ROWS * value_size(slot));
    if (*room)
        memset(*room, 0, DBK_VECTOR_ROWS * value_size(slot));
    return *room;
}

static void set_values(struct dbk_slot *slot, const void *values)
{
    slot->ints = NULL;
    slot->codes = NULL;
    slot->texts = NULL;
    if (slot->def->type == DBK_CODE)
        slot->codes = values;
    else if (slot->def->type == DBK_TEXT)
        slot->texts = values;
    else
        slot->ints = values;
}

static dbk_status load_own(struct dbk_slot *slot, const dbk_part *part, uint32_t vector)
{
    int column = slot->def->path.columns[0];
    if (slot->def->type == DBK_TEXT) {
        memset(slot->searched, 0, sizeof slot->searched);
        if (!slot->text_scratch)
            slot->text_scratch = calloc(1, sizeof *slot->text_scratch);
        if (!slot->text_scratch)
            return DBK_NO_MEMORY;
        return dbk_part_texts(part, column, vector, slot->text_scratch, &slot->texts);
    }
    if (!slot->scratch && !vector_room(slot, &slot->scratch))
        return DBK_NO_MEMORY;
    if (slot->def->type == DBK_CODE)
        slot->codes = dbk_part_codes(part, column, vector, slot->scratch);
    else
        slot->ints = dbk_part_ints(part, column, vector, slot->scratch);
    return DBK_OK;
}

// ---- Paths from a code ----

static bool map_make(struct dbk_slot *slot, uint32_t codes)
{
    dbk_code_map *map = &slot->map;
    if (map->known)
        return true;
    map->codes = codes;
    if (slot->def->type == DBK_CODE)
        map->words = calloc(codes, sizeof *map->words);
    else if (slot->def->type == DBK_TEXT)
        map->texts = calloc(codes, sizeof *map->texts);
    else
        map->ints = calloc(codes, sizeof *map->ints);
    if (map->words || map->texts || map->ints)
        map->known = calloc((size_t)codes / 64 + 1, sizeof *map->known);
    return map->known != NULL;
}

static dbk_status map_learn(struct dbk_slot *slot, uint32_t code)
{
    dbk_code_map *map = &slot->map;
    dbk_cell cell;
    DBK_TRY(dbk_walker_follow(&slot->walker, 0, (dbk_cell){.number = code}, &cell));
    if (map->words)
        map->words[code] = (uint32_t)cell.number;
    if (map->ints)
        map->ints[code] = cell.number;
    if (map->texts && cell.text.length) {
        const char *copy = dbk_arena_copy(&map->bytes, cell.text.data, cell.text.length);
        if (!copy)
            return DBK_NO_MEMORY;
        map->texts[code] = (dbk_text){copy, cell.text.length};
    }
    map->known[code >> 6] |= (uint64_t)1 << (code & 63);
    return DBK_OK;
}

static dbk_status load_from_codes(struct dbk_slot *slot, const struct dbk_slot *base,
                                  const uint64_t mask[DBK_MASK_WORDS])
{
    if (!map_make(slot, base->def->codes) || !vector_room(slot, &slot->scratch))
        return DBK_NO_MEMORY;
    dbk_code_map *map = &slot->map;
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++) {
        for (uint64_t word = mask[w]; word; word &= word - 1) {
            uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(word), code = base->codes[row];
            if (!(map->known[code >> 6] >> (code & 63) & 1))
                DBK_TRY(map_learn(slot, code));
            if (map->words)
                ((uint32_t *)slot->scratch)[row] = map->words[code];
            else if (map->ints)
                ((int64_t *)slot->scratch)[row] = map->ints[code];
            else
                ((dbk_text *)slot->scratch)[row] = map->texts[code];
        }
    }
    set_values(slot, slot->scratch);
    return DBK_OK;
}

// ---- Paths from a text: a search per id ----

static bool has_bit(const uint64_t mask[DBK_MASK_WORDS], uint32_t row)
{
    return mask[row >> 6] >> (row & 63) & 1;
}

static void set_bit(uint64_t mask[DBK_MASK_WORDS], uint32_t row, bool value)
{
    uint64_t bit = (uint64_t)1 << (row & 63);
    mask[row >> 6] = value ? mask[row >> 6] | bit : mask[row >> 6] & ~bit;
}

// Finds out where the row's id leads, unless an earlier path did. The lines of an order stand together: most
// rows refer to what the one before did (`last`, which was searched; the row itself when there is none).
static dbk_status search_target(struct dbk_slot *slot, struct dbk_slot *base, uint32_t row, uint32_t last)
{
    if (has_bit(base->searched, row))
        return DBK_OK;
    dbk_target *target = &base->targets[row];
    bool found;
    if (last != row && dbk_text_equal(base->texts[row], base->texts[last])) {
        *target = base->targets[last];
        found = has_bit(base->found, last);
    } else {
        target->head = row;
        DBK_TRY(dbk_walker_find(&slot->walker, base->texts[row], &found, &target->at));
    }
    set_bit(base->found, row, found);
    set_bit(base->searched, row, true);
    return DBK_OK;
}

static dbk_status read_target(struct dbk_slot *slot, const dbk_locator *target, uint32_t row)
{
    dbk_cell cell;
    DBK_TRY(dbk_walker_from(&slot->walker, target, &cell));
    if (slot->def->type == DBK_CODE) {
        ((uint32_t *)slot->scratch)[row] = (uint32_t)cell.number;
    } else if (slot->def->type != DBK_TEXT) {
        ((int64_t *)slot->scratch)[row] = cell.number;
    } else if (cell.text.length) {
        const char *copy = dbk_arena_copy(&slot->bytes, cell.text.data, cell.text.length);
        if (!copy)
            return DBK_NO_MEMORY;
        ((dbk_text *)slot->scratch)[row] = (dbk_text){copy, cell.text.length};
    }
    return DBK_OK;
}

// The row whose id is asked for some searches after this one, if any: its search can begin to load now.
static void expect_target(const struct dbk_slot *slot, const struct dbk_slot *base, uint32_t row)
{
    if (!has_bit(base->searched, row))
        dbk_walker_expect(&slot->walker, base->texts[row]);
}

static dbk_status load_from_texts(struct dbk_slot *slot, struct dbk_slot *base,
                                  const uint64_t mask[DBK_MASK_WORDS])
{
    enum { AHEAD = 8 };
    if (!base->targets)
        base->targets = calloc(DBK_VECTOR_ROWS, sizeof *base->targets);
    if (!base->targets || !vector_room(slot, &slot->scratch))
        return DBK_NO_MEMORY;
    dbk_arena_dispose(&slot->bytes);
    uint16_t rows[DBK_VECTOR_ROWS];
    uint32_t count = dbk_mask_list(mask, rows);
    size_t size = value_size(slot);
    char *values = slot->scratch;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rows[i];
        if (i + AHEAD < count)
            expect_target(slot, base, rows[i + AHEAD]);
        uint32_t last = rows[i > 0 ? i - 1 : 0];
        DBK_TRY(search_target(slot, base, row, last));
        if (last != row && base->targets[row].head == base->targets[last].head)
            memcpy(values + row * size, values + last * size, size);
        else
            DBK_TRY(read_target(slot, has_bit(base->found, row) ? &base->targets[row].at : NULL, row));
    }
    set_values(slot, slot->scratch);
    return DBK_OK;
}

dbk_status dbk_slot_load(struct dbk_slot *slot, struct dbk_slot *base, const dbk_part *part, uint32_t vector,
                         const uint64_t mask[DBK_MASK_WORDS])
{
    slot->loaded = true;
    slot->picked = false;
    if (!base)
        return load_own(slot, part, vector);
    return base->def->type == DBK_CODE ? load_from_codes(slot, base, mask)
                                       : load_from_texts(slot, base, mask);
}

dbk_status dbk_slot_pick(struct dbk_slot *slot, const uint64_t mask[DBK_MASK_WORDS], const uint16_t *rows,
                         uint32_t count)
{
    if (!slot->pick_scratch && !vector_room(slot, &slot->pick_scratch))
        return DBK_NO_MEMORY;
    if (slot->def->type == DBK_CODE) {
        dbk_pick_codes(slot->codes, mask, rows, count, slot->pick_scratch);
    } else if (slot->def->type == DBK_TEXT) {
        dbk_text *out = slot->pick_scratch;
        for (uint32_t i = 0; i < count; i++)
            out[i] = slot->texts[rows[i]];
    } else {
        dbk_pick_ints(slot->ints, mask, rows, count, slot->pick_scratch);
    }
    slot->picked = true;
    slot->picks = slot->pick_scratch;
    return DBK_OK;
}

// ---- Integers as they are packed ----

static bool packed_room(uint32_t **room)
{
    if (!*room)
        *room = aligned_alloc(64, DBK_VECTOR_ROWS * sizeof **room);
    return *room != NULL;
}

dbk_status dbk_slot_load_packed(struct dbk_slot *slot, const dbk_part *part, uint32_t vector)
{
    if (slot->packed_state != DBK_PACKED_UNKNOWN)
        return DBK_OK;
    slot->packed_state = DBK_PACKED_NOT;
    if (slot->loaded || slot->def->path.depth > 1)
        return DBK_OK;
    if (!packed_room(&slot->packed))
        return DBK_NO_MEMORY;
    if (dbk_part_packed(part, slot->def->path.columns[0], vector, slot->packed, &slot->line))
        slot->packed_state = DBK_PACKED_NUMBERS;
    return DBK_OK;
}

dbk_status dbk_slot_pick_packed(struct dbk_slot *slot, const uint64_t mask[DBK_MASK_WORDS],
                                const uint16_t *rows, uint32_t count, const uint32_t **out)
{
    if (!packed_room(&slot->packed_picks))
        return DBK_NO_MEMORY;
    if (!slot->packed_picked)
        dbk_pick_codes(slot->packed, mask, rows, count, slot->packed_picks);
    slot->packed_picked = true;
    *out = slot->packed_picks;
    return DBK_OK;
}
